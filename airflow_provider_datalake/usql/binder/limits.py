"""ORDER BY with OFFSET and FETCH."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.constants import constant_count
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import Relation, aliased, column_of
from airflow_provider_datalake.usql.binder.scopes import Stage, bind_value, not_ordinal
from airflow_provider_datalake.usql.binder.sources import SourceColumn
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.binder.grouping import Grouping
    from airflow_provider_datalake.usql.plan import PlanColumn

MAXIMUM_FETCH = 10_000
_NOT_SORTABLE = (Kind.ARRAY, Kind.MAP, Kind.PLAIN_ARRAY, Kind.ENUM, Kind.NULL)


def limit_result(
    environment: Environment,
    relation: Relation,
    order_by: Sequence[ast.SortItem],
    offset: ast.Expression | None,
    fetch: ast.Expression | None,
) -> Relation:
    """
    Sort and cut a query whose order can only name its own columns.

    :param environment: the script's state
    :param relation: the query
    :param order_by: items
    :param offset: rows to skip, None for none
    :param fetch: rows to keep, None for all
    :return: the same columns
    :raises CompileError: when the clause is incomplete or wrong
    """
    if not _check(order_by, offset, fetch):
        return relation
    outputs = _outputs(relation)
    keys = [_sort_key(environment, item, outputs, Stage.ROWS) for item in order_by]
    return _cut(environment, relation, list(zip(keys, order_by, strict=True)), offset, fetch)


def limit_select(
    environment: Environment,
    relation: Relation,
    node: ast.Select,
    columns: Sequence[SourceColumn],
    grouping: Grouping | None,
) -> Relation:
    """
    Sort and cut a SELECT: names mean its own columns first, then those of its FROM.

    :param environment: the script's state
    :param relation: the bound SELECT
    :param node: the SELECT
    :param columns: the columns of its FROM
    :param grouping: its groups, None without
    :return: the same columns
    :raises CompileError: when the clause is incomplete or wrong
    """
    if not _check(node.order_by, node.offset, node.fetch):
        return relation
    outputs = _outputs(relation)
    names = _names(relation, columns)
    keys: list[tuple[exp.Expr, ast.SortItem]] = []
    extra: list[exp.Alias] = []
    for item in node.order_by:
        if isinstance(item.value, ast.Name) and any(item.value.name == output.name for output in outputs):
            keys.append((_sort_key(environment, item, outputs, Stage.ROWS), item))
            continue
        key = _sort_key(environment, item, names, Stage.SELECT)
        if grouping is not None:
            grouping.check(key, item.value, columns)
        if node.distinct:
            raise failure(
                errors.INVALID_QUERY,
                "the ORDER BY of SELECT DISTINCT can only name the columns that are selected",
                item.value.span,
            )
        name = hidden_name(relation.columns, len(extra))
        extra.append(aliased(key, name))
        keys.append((column_of(name, "q"), item))
    query = relation.query
    query.set("expressions", [*query.expressions, *extra])
    return _cut(environment, relation, keys, node.offset, node.fetch)


def _check(
    order_by: Sequence[ast.SortItem], offset: ast.Expression | None, fetch: ast.Expression | None
) -> bool:
    if order_by and offset is None and fetch is None:
        raise failure(
            errors.INVALID_QUERY,
            "ORDER BY needs FETCH or OFFSET here: rowsets have no order",
            order_by[0].span,
        )
    return bool(order_by) or offset is not None or fetch is not None


def _outputs(relation: Relation) -> tuple[SourceColumn, ...]:
    return tuple(
        SourceColumn(column.name, column.type, None, column_of(column.sql_name, "q"))
        for column in relation.columns
    )


def _names(relation: Relation, columns: Sequence[SourceColumn]) -> tuple[SourceColumn, ...]:
    """Give what an ORDER BY may name: the columns of the list, and behind an alias also those of FROM."""
    projections = zip(relation.columns, relation.query.selects, strict=True)
    own = [SourceColumn(column.name, column.type, None, sql.unalias()) for column, sql in projections]
    taken = {column.name for column in own}
    return (*own, *(replace(column, needs_alias=column.name in taken) for column in columns))


def hidden_name(columns: Sequence[PlanColumn], number: int) -> str:
    """
    Name a column that rows are only sorted by.

    :param columns: the columns beside it
    :param number: which of several it is
    :return: a SQL name that none of the columns has
    """
    name = f"order by {number}"
    while any(column.sql_name.lower() == name for column in columns):
        name += "_"
    return name


def _sort_key(
    environment: Environment, item: ast.SortItem, columns: Sequence[SourceColumn], stage: Stage
) -> exp.Expr:
    value = bind_value(environment, item.value, columns, stage)
    if value.type.kind in _NOT_SORTABLE:
        raise failure(errors.TYPE_MISMATCH, f"rows cannot be sorted by {value.type}", item.value.span)
    return not_ordinal(value)


def _cut(
    environment: Environment,
    relation: Relation,
    keys: Sequence[tuple[exp.Expr, ast.SortItem]],
    offset: ast.Expression | None,
    fetch: ast.Expression | None,
) -> Relation:
    inner = exp.Subquery(this=relation.query, alias=exp.TableAlias(this=exp.to_identifier("q")))
    query = exp.select(
        *(aliased(column_of(column.sql_name, "q"), column.sql_name) for column in relation.columns)
    ).from_(inner, copy=False)
    ordered = [exp.Ordered(this=key, desc=item.descending, nulls_first=False) for key, item in keys]
    if ordered:
        query = query.order_by(*ordered, copy=False)
    if fetch is not None:
        query = query.limit(constant_count(environment, fetch, "FETCH", 1, MAXIMUM_FETCH), copy=False)
    if offset is not None:
        query = query.offset(constant_count(environment, offset, "OFFSET", 0, None), copy=False)
    return Relation(query, relation.columns, relation.inputs)
