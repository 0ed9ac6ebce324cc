"""``VALUES (..), (..)`` as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder, Place
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.scope import Scope, identifier, output_name
from airflow_provider_datalake.emulator.maxcompute.sql.statement import BoundQuery, OutputColumn
from airflow_provider_datalake.emulator.maxcompute.sql.typed import duckdb_cast

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement


def bind_values(statement: Statement, node: exp.Values, parent: Scope | None = None) -> BoundQuery:
    """
    Bind a table of constants.

    :param statement: the statement
    :param node: its tree
    :param parent: the enclosing scope, which rows may not refer to
    :return: the query; its columns are called ``_c0``, ``_c1``, ...
    :raises SqlError: when rows differ in length, or values of one column have no common type
    """
    binder = ExpressionBinder(statement, Scope(), Place("VALUES"))
    rows = [_row(row) for row in node.expressions]
    width = len(rows[0])
    for row, tree in zip(rows, node.expressions, strict=True):
        if len(row) != width:
            raise statement.fail(SemanticError(f"a row of {len(row)} value(s) among rows of {width}"), tree)
    columns = [[binder.bind(row[i]) for row in rows] for i in range(width)]
    unified = [casts.unify(values, statement.context) for values in columns]
    tuples = [
        exp.Tuple(expressions=[values[number].expr for values, _ in unified]) for number in range(len(rows))
    ]
    names = [identifier(output_name(i)) for i in range(width)]
    table = exp.Values(
        expressions=tuples,
        alias=exp.TableAlias(this=identifier(statement.alias()), columns=names),
    )
    # The cast keeps DuckDB from typing a column of bare literals by their size.
    select = exp.Select(
        expressions=[
            exp.Alias(this=duckdb_cast(exp.Column(this=n.copy()), data_type), alias=n.copy())
            for n, (_, data_type) in zip(names, unified, strict=True)
        ]
    ).from_(table, copy=False)
    return BoundQuery(
        select,
        tuple(OutputColumn(f"_c{i}", data_type, rows[0][i]) for i, (_, data_type) in enumerate(unified)),
    )


def _row(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return [node.this if isinstance(node, exp.Paren) else node]
