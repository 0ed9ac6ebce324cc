"""UNION, INTERSECT and EXCEPT: columns are matched by position or by name, their types must be equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.defaults import default_value
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import (
    Relation,
    aliased,
    column_of,
    merge_inputs,
    plan_columns,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.plan import PlanColumn
    from airflow_provider_datalake.usql.types import Type

_CLASSES: dict[str, type[exp.SetOperation]] = {
    "UNION": exp.Union,
    "INTERSECT": exp.Intersect,
    "EXCEPT": exp.Except,
}


@dataclass(frozen=True)
class _Pair:
    """A column of the result: what the two sides have for it, None for nothing."""

    name: str
    type: Type
    left: PlanColumn | None
    right: PlanColumn | None


def combine(node: ast.SetOperation, left: Relation, right: Relation) -> Relation:
    """
    Combine two bound queries.

    :param node: the operation, whose ORDER BY and FETCH are not looked at
    :param left: its left side, which names the columns
    :param right: its right side
    :return: the combined query
    :raises CompileError: when the columns do not fit
    """
    if node.outer:
        pairs = _outer(node, left, right)
    elif node.by_name:
        pairs = _by_name(node, left, right)
    else:
        pairs = _by_position(node, left, right)
    for pair in pairs:
        _check_types(pair, node.operator, node.right.span)
    columns = plan_columns((pair.name, pair.type) for pair in pairs)
    first = [pair.left for pair in pairs]
    query = _CLASSES[node.operator](
        this=left.query
        if _continues(node, left, columns, first)
        else _side(left, list(zip(columns, first, strict=True))),
        expression=_side(right, [(column, pair.right) for column, pair in zip(columns, pairs, strict=True)]),
        distinct=node.distinct,
    )
    return Relation(query, columns, merge_inputs((left.inputs, right.inputs)))


def _by_position(node: ast.SetOperation, left: Relation, right: Relation) -> list[_Pair]:
    if len(left.columns) != len(right.columns):
        raise failure(
            errors.COLUMN_COUNT,
            f"{node.operator}: the left side has {len(left.columns)} columns, the right {len(right.columns)}",
            node.right.span,
        )
    return [_Pair(a.name, a.type, a, b) for a, b in zip(left.columns, right.columns, strict=True)]


def _by_name(node: ast.SetOperation, left: Relation, right: Relation) -> list[_Pair]:
    others = {column.name: column for column in right.columns}
    matching = [(column, others[column.name]) for column in left.columns if column.name in others]
    if node.by_name_on:
        _check_on(node, {column.name for column, _ in matching})
    elif not len(matching) == len(left.columns) == len(right.columns):
        lacking = {column.name for column in left.columns} ^ set(others)
        raise failure(
            errors.UNKNOWN_COLUMN,
            f"{node.operator} BY NAME: only one side has {', '.join(sorted(lacking))}",
            node.right.span,
        )
    if not matching:
        raise failure(
            errors.COLUMN_COUNT, f"{node.operator} BY NAME: no column is on both sides", node.right.span
        )
    return [_Pair(a.name, a.type, a, b) for a, b in matching]


def _outer(node: ast.SetOperation, left: Relation, right: Relation) -> list[_Pair]:
    if node.operator != "UNION" or not node.by_name or not node.by_name_on:
        raise failure(errors.INVALID_QUERY, "OUTER stands with UNION ... BY NAME ON (...) only", node.span)
    if node.distinct:
        raise failure(errors.INVALID_QUERY, "OUTER UNION cannot be DISTINCT", node.span)
    others = {column.name: column for column in right.columns}
    _check_on(node, {column.name for column in left.columns if column.name in others})
    pairs = [
        _Pair(column.name, column.type, column, others.pop(column.name, None)) for column in left.columns
    ]
    return pairs + [_Pair(column.name, column.type, None, column) for column in others.values()]


def _check_on(node: ast.SetOperation, matching: set[str]) -> None:
    """Compare the names after ON with those on both sides: they must be all, unless a star follows."""
    names = [name for name in node.by_name_on if name != "*"]
    for name in names:
        if name not in matching:
            raise failure(
                errors.UNKNOWN_COLUMN,
                f"{node.operator} BY NAME ON: column {name} is not on both sides",
                node.span,
            )
    if len(set(names)) != len(names):
        raise failure(
            errors.DUPLICATE_COLUMN, f"{node.operator} BY NAME ON: a column stands there twice", node.span
        )
    extra = matching - set(names)
    if extra and "*" not in node.by_name_on:
        raise failure(
            errors.INVALID_QUERY,
            f"{node.operator} BY NAME ON: both sides also have {', '.join(sorted(extra))}; add them, or a *",
            node.span,
        )


def _check_types(pair: _Pair, operator: str, span: Span) -> None:
    if pair.left is not None and pair.right is not None and pair.left.type != pair.right.type:
        raise failure(
            errors.TYPE_MISMATCH,
            f"{operator}: column {pair.name} is {pair.left.type} on the left and {pair.right.type} on the "
            "right; cast it in a SELECT",
            span,
        )


def _continues(
    node: ast.SetOperation,
    left: Relation,
    columns: tuple[PlanColumn, ...],
    wanted: list[PlanColumn | None],
) -> bool:
    """Tell whether the left side is the same operation with the same columns: a chain then stays flat."""
    return (
        type(left.query) is _CLASSES[node.operator]
        and left.query.args.get("distinct") == node.distinct
        and left.columns == columns == tuple(wanted)
    )


def _side(relation: Relation, wanted: list[tuple[PlanColumn, PlanColumn | None]]) -> exp.Select:
    """Wrap one side, for its columns' order and names, and because it may have an ORDER BY of its own."""
    projections = [
        aliased(
            default_value(column.type) if source is None else column_of(source.sql_name, "q"),
            column.sql_name,
        )
        for column, source in wanted
    ]
    inner = exp.Subquery(this=relation.query, alias=exp.TableAlias(this=exp.to_identifier("q")))
    return exp.select(*projections).from_(inner)
