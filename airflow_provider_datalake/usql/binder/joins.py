"""Joins: their kinds, their ON, and what they make nullable."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.column_types import check_comparable
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import merge_inputs
from airflow_provider_datalake.usql.binder.sources import (
    Source,
    SourceColumn,
    check_aliases,
    column_reference,
    lookup,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUTER = {"LEFT OUTER": "LEFT", "RIGHT OUTER": "RIGHT", "FULL OUTER": "FULL"}


def join(node: ast.Join, left: Source, right: Source) -> Source:
    """
    Join two sources.

    :param node: the join
    :param left: its left side
    :param right: its right side
    :return: both as one source
    :raises CompileError: when ON is missing or is not a conjunction of equal columns of equal types
    """
    check_aliases(left, right, node.right.span)
    if node.kind == "CROSS":
        return _joined(left, right, exp.Join(this=right.as_operand(), kind="CROSS"))
    if node.condition is None:
        raise failure(errors.JOIN_CONDITION, f"{node.kind} JOIN has no ON", node.span)
    condition = exp.and_(
        *(_equality(part, left, right) for part in _conjunction(node.condition)), copy=False, wrap=False
    )
    if node.kind == "INNER":
        return _joined(left, right, exp.Join(this=right.as_operand(), kind="INNER", on=condition))
    if node.kind in _OUTER:
        keeps_left, keeps_right = node.kind != "RIGHT OUTER", node.kind != "LEFT OUTER"
        return _joined(
            left.nullable() if keeps_right else left,
            right.nullable() if keeps_left else right,
            exp.Join(this=right.as_operand(), side=_OUTER[node.kind], on=condition),
        )
    side, _, kind = node.kind.partition(" ")
    kept, filtering = (left, right) if side == "LEFT" else (right, left)
    method = "ANTI" if kind == "ANTISEMIJOIN" else "SEMI"
    both = _joined(kept, filtering, exp.Join(this=filtering.as_operand(), kind=method, on=condition))
    return replace(both, columns=kept.columns)


def _joined(left: Source, right: Source, step: exp.Join) -> Source:
    return Source(
        left.first,
        (*left.joins, step),
        (*left.columns, *right.columns),
        (*left.aliases, *right.aliases),
        merge_inputs((left.inputs, right.inputs)),
    )


def _conjunction(condition: ast.Expression) -> Iterator[ast.Expression]:
    if isinstance(condition, ast.Binary) and condition.operator in ("AND", "&&"):
        yield from _conjunction(condition.left)
        yield from _conjunction(condition.right)
    else:
        yield condition


def _equality(part: ast.Expression, left: Source, right: Source) -> exp.Expr:
    if not isinstance(part, ast.Binary) or part.operator != "==":
        raise failure(
            errors.JOIN_CONDITION,
            "ON compares columns with == and joins comparisons with AND; move anything else to WHERE",
            part.span,
        )
    first, first_is_left = _operand(part.left, left, right)
    second, second_is_left = _operand(part.right, left, right)
    if first_is_left == second_is_left:
        side = "left" if first_is_left else "right"
        raise failure(
            errors.JOIN_CONDITION,
            f"{first.name} and {second.name} are both columns of the join's {side} side",
            part.span,
        )
    if first.type != second.type:
        raise failure(
            errors.TYPE_MISMATCH,
            f"ON compares {first.name}, {first.type}, with {second.name}, {second.type}; "
            "cast one of them in a SELECT before the join",
            part.span,
        )
    check_comparable("ON", first.type, part.span)
    return exp.EQ(this=first.sql.copy(), expression=second.sql.copy())


def _operand(operand: ast.Expression, left: Source, right: Source) -> tuple[SourceColumn, bool]:
    reference = column_reference(operand)
    if reference is None:
        raise failure(
            errors.JOIN_CONDITION,
            "ON compares columns only; compute this in a SELECT before the join",
            operand.span,
        )
    qualifier, name = reference
    label = name if qualifier is None else f"{qualifier}.{name}"
    found = [(column, True) for column in lookup(left, name, qualifier)]
    found += [(column, False) for column in lookup(right, name, qualifier)]
    if not found:
        raise failure(errors.UNKNOWN_COLUMN, f"neither side of the join has a column {label}", operand.span)
    if len(found) > 1:
        raise failure(
            errors.AMBIGUOUS_COLUMN,
            f"column {label} is ambiguous; write its rowset's alias before it",
            operand.span,
        )
    return found[0]
