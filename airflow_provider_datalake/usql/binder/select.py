"""SELECT: its list, WHERE, GROUP BY, HAVING and DISTINCT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.column_types import check_column, check_comparable
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.from_clause import FromClause
from airflow_provider_datalake.usql.binder.grouping import Grouping, has_aggregate
from airflow_provider_datalake.usql.binder.limits import limit_select
from airflow_provider_datalake.usql.binder.relation import Relation, aliased, plan_columns
from airflow_provider_datalake.usql.binder.scopes import Stage, bind_condition, bind_value, not_ordinal
from airflow_provider_datalake.usql.binder.sources import SourceColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.binder.from_clause import BindQuery
    from airflow_provider_datalake.usql.binder.sources import Source
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.types import Type


@dataclass(frozen=True)
class Projection:
    """
    One column that a SELECT gives.

    :param name: its name
    :param type: its type
    :param sql: how it is computed
    :param span: where it stands in the list
    """

    name: str
    type: Type
    sql: exp.Expr
    span: Span


def bind_select(environment: Environment, node: ast.Select, bind_query: BindQuery) -> Relation:
    """
    Bind a SELECT.

    :param environment: the script's state
    :param node: the SELECT
    :param bind_query: binds derived tables
    :return: the bound query
    :raises CompileError: when anything in it is wrong
    """
    if node.source is None:
        raise failure(errors.FROM_REQUIRED, "SELECT has no FROM", node.span)
    source = FromClause(environment, bind_query).bind(node.source)
    query = exp.Select().from_(source.first, copy=False)
    query.set("joins", list(source.joins))
    if node.where is not None:
        condition = bind_condition(environment, node.where, source.columns, Stage.ROWS)
        query = query.where(condition, copy=False)
    grouping = _grouping(environment, node, source)
    columns = source.columns if grouping is None else (*source.columns, *grouping.named)
    projections = _projections(environment, node, source, columns, grouping)
    if grouping is not None:
        query = _grouped(environment, node, query, grouping, columns)
    if node.distinct:
        _check_distinct(projections)
        query = query.distinct(copy=False)
    _check_names(projections)
    result = plan_columns((item.name, item.type) for item in projections)
    query.set(
        "expressions",
        [aliased(item.sql, column.sql_name) for item, column in zip(projections, result, strict=True)],
    )
    relation = Relation(query, result, source.inputs)
    return limit_select(environment, relation, node, columns, grouping)


def _grouping(environment: Environment, node: ast.Select, source: Source) -> Grouping | None:
    grouped = node.group_by or node.having is not None
    values = [item.value for item in node.items] + [item.value for item in node.order_by]
    if not grouped and not any(has_aggregate(value) for value in values):
        return None
    keys: list[exp.Expr] = []
    named: list[SourceColumn] = []
    for item in node.group_by:
        key = bind_value(environment, item.value, source.columns, Stage.ROWS)
        check_comparable("GROUP BY", key.type, item.value.span)
        keys.append(not_ordinal(key))
        if item.alias is not None:
            named.append(SourceColumn(item.alias, key.type, None, keys[-1]))
    return Grouping(tuple(keys), tuple(named))


def _grouped(
    environment: Environment,
    node: ast.Select,
    query: exp.Select,
    grouping: Grouping,
    columns: Sequence[SourceColumn],
) -> exp.Select:
    if grouping.keys:
        query = query.group_by(*(key.copy() for key in grouping.keys), copy=False)
    if node.having is not None:
        condition = bind_condition(environment, node.having, columns, Stage.GROUPS)
        grouping.check(condition, node.having, columns)
        query = query.having(condition, copy=False)
    return query


def _projections(
    environment: Environment,
    node: ast.Select,
    source: Source,
    columns: Sequence[SourceColumn],
    grouping: Grouping | None,
) -> list[Projection]:
    projections: list[Projection] = []
    for item in node.items:
        if isinstance(item.value, ast.Star):
            starred = source.star(item.value)
            found = [Projection(c.name, c.type, c.sql.copy(), item.span) for c in starred]
        else:
            found = [_computed(environment, item, columns, grouping)]
        if grouping is not None:
            for projection in found:
                grouping.check(projection.sql, item.value, columns)
        projections += found
    return projections


def _computed(
    environment: Environment,
    item: ast.SelectItem,
    columns: Sequence[SourceColumn],
    grouping: Grouping | None,
) -> Projection:
    value = bind_value(environment, item.value, columns, Stage.SELECT)
    name = item.alias or _inferred_name(item.value)
    if name is None:
        raise failure(
            errors.ALIAS_REQUIRED, "a computed column needs a name: add AS and a name", item.value.span
        )
    check_column(name, value.type, item.value.span)
    return Projection(name, value.type, value.sql, item.span)


def _inferred_name(value: ast.Expression) -> str | None:
    """Give the name of a column, or of the property that an expression ends with."""
    return value.name if isinstance(value, ast.Name | ast.Member) else None


def _check_names(projections: list[Projection]) -> None:
    seen: set[str] = set()
    for item in projections:
        if item.name in seen:
            raise failure(
                errors.DUPLICATE_COLUMN, f"column {item.name} is selected twice; rename one", item.span
            )
        seen.add(item.name)


def _check_distinct(projections: list[Projection]) -> None:
    for item in projections:
        check_comparable(f"DISTINCT of column {item.name}", item.type, item.span)
