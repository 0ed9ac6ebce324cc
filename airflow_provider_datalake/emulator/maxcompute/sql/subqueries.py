"""Queries within expressions: EXISTS, IN, and a query as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.operators import comparison_type
from airflow_provider_datalake.emulator.maxcompute.sql.scope import column, identifier, output_name
from airflow_provider_datalake.emulator.maxcompute.sql.typed import BOOLEAN, Typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import BoundQuery, Statement
    from airflow_provider_datalake.emulator.maxcompute.types import DataType


def bind_exists(binder: ExpressionBinder, node: exp.Exists) -> Typed:
    """
    Bind EXISTS.

    :param binder: the enclosing binder
    :param node: the predicate
    :return: the condition
    """
    return Typed(exp.Exists(this=_query(binder, node.this).sql), BOOLEAN, node=node)


def bind_single_value(binder: ExpressionBinder, node: exp.Expression) -> Typed:
    """
    Bind a query that stands for one value; more than one row fails when it runs.

    :param binder: the enclosing binder
    :param node: the subquery
    :return: its value, NULL without a row
    :raises SemanticError: when it has more than one column
    """
    query = _query(binder, node)
    if len(query.columns) != 1:
        raise SemanticError(f"a subquery used as a value must have one column, not {len(query.columns)}")
    return Typed(exp.Subquery(this=query.sql), query.columns[0].type, node=node)


def bind_in_query(binder: ExpressionBinder, node: exp.In) -> Typed:
    """
    Bind IN over a subquery, with SQL's rules for NULL.

    :param binder: the enclosing binder
    :param node: the predicate
    :return: the condition
    :raises SemanticError: when both sides do not fit together
    """
    left = node.this.expressions if isinstance(node.this, exp.Tuple) else [node.this]
    keys = [binder.bind(n) for n in left]
    query = _query(binder, node.args["query"])
    if len(keys) != len(query.columns):
        raise SemanticError(
            f"IN compares {len(keys)} column(s) with a subquery of {len(query.columns)} column(s)"
        )
    targets = [comparison_type(k.type, c.type) for k, c in zip(keys, query.columns, strict=True)]
    values = [casts.cast(k, t, binder.context).expr for k, t in zip(keys, targets, strict=True)]
    subject = values[0] if len(values) == 1 else exp.Tuple(expressions=values)
    members = converted(binder.statement, query, targets)
    return Typed(exp.In(this=_enclosed(subject), query=exp.Subquery(this=members)), BOOLEAN, node=node)


def converted(statement: Statement, query: BoundQuery, targets: Sequence[DataType]) -> exp.Expression:
    """
    Convert the columns of a query.

    :param statement: the statement
    :param query: the query
    :param targets: the type of each column
    :return: the DuckDB query, which is the same one where nothing is to be converted
    """
    if all(c.type == t for c, t in zip(query.columns, targets, strict=True)):
        return query.sql
    alias = statement.alias()
    values = []
    for index, (given, target) in enumerate(zip(query.columns, targets, strict=True)):
        value = Typed(column(alias, output_name(index)), given.type)
        value = casts.cast(value, target, statement.context)
        values.append(exp.Alias(this=value.expr, alias=identifier(output_name(index))))
    table = exp.Subquery(this=query.sql, alias=exp.TableAlias(this=identifier(alias)))
    return exp.Select(expressions=values).from_(table, copy=False)


def _enclosed(value: exp.Expression) -> exp.Expression:
    return value if isinstance(value, exp.Column | exp.Tuple) else exp.Paren(this=value)


def _query(binder: ExpressionBinder, node: exp.Expression) -> BoundQuery:
    return binder.statement.query(node, binder.scope)
