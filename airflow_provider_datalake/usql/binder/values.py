"""VALUES: rows of expressions, whose columns have the types that all rows convert to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.column_types import check_column
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import Relation, aliased, column_of, plan_columns
from airflow_provider_datalake.usql.binder.scopes import Stage, bind_value
from airflow_provider_datalake.usql.expressions import common_type, convert
from airflow_provider_datalake.usql.sql_types import sql_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.types import Type


def bind_values(
    environment: Environment,
    rows: Sequence[Sequence[ast.Expression]],
    names: Sequence[str],
    span: Span,
    *,
    wanted: Sequence[Type] = (),
) -> Relation:
    """
    Bind rows.

    :param environment: gives the variables
    :param rows: the rows
    :param names: the columns' names; empty for names of our own
    :param span: the whole
    :param wanted: types that the rows must have; empty for those that they have in common
    :return: a query that gives the rows
    :raises CompileError: when the rows have different lengths, or no type in common
    """
    names = names or [f"Column_{position}" for position in range(len(rows[0]))]
    for row in rows:
        if len(row) != len(names):
            raise failure(
                errors.COLUMN_COUNT,
                f"a row of VALUES has {len(row)} values for {len(names)} columns",
                row[0].span.to(row[-1].span),
            )
    _check_names(names, span)
    bound = [[bind_value(environment, value, (), Stage.ROWS) for value in row] for row in rows]
    by_column = list(zip(*bound, strict=True))
    types = list(wanted) or [common_type(values) for values in by_column]
    for name, type_, values in zip(names, types, by_column, strict=True):
        check_column(name, type_, values[0].span)
    columns = plan_columns(zip(names, types, strict=True))
    tuples = [
        exp.Tuple(expressions=[convert(value, type_).sql for value, type_ in zip(row, types, strict=True)])
        for row in bound
    ]
    table = exp.Values(
        expressions=tuples,
        alias=exp.TableAlias(
            this=exp.to_identifier("v"),
            columns=[exp.to_identifier(column.sql_name, quoted=True) for column in columns],
        ),
    )
    # The cast keeps engines from giving a column of nulls or of small numbers a type of their own.
    projections = [
        aliased(exp.Cast(this=column_of(column.sql_name, "v"), to=sql_type(column.type)), column.sql_name)
        for column in columns
    ]
    return Relation(exp.select(*projections).from_(table, copy=False), columns, ())


def _check_names(names: Sequence[str], span: Span) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise failure(errors.DUPLICATE_COLUMN, f"column {name} is named twice", span)
        seen.add(name)
