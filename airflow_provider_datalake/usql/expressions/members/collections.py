"""Members of ``SqlArray``, ``SqlMap`` and of C#'s own arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.conversions import convert
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.expressions.members.registry import (
    ANY,
    BINARY,
    BOOL,
    INT,
    Member,
    method,
    prop,
)
from airflow_provider_datalake.usql.expressions.templates import argument, render
from airflow_provider_datalake.usql.types import Kind, Type, array_of

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_A, _P, _M = "SqlArray", "Array", "SqlMap"
_NONE = Type(Kind.NULL)


def _keys(values: list[Typed]) -> Type:
    return array_of(values[0].type.key or _NONE)


def _items(values: list[Typed]) -> Type:
    return array_of(values[0].type.element or _NONE)


def _contains(values: list[Typed]) -> exp.Expr:
    element = convert(values[1], values[0].type.element or _NONE, what="the element")
    if not element.may_be_null:
        return render("LIST_CONTAINS(:s, :a)", s=values[0].sql, a=element.sql)
    # Null is an element like others in C#.
    return render(
        "CASE WHEN :a IS NULL THEN LEN(:s) <> LIST_COUNT(:s) ELSE LIST_CONTAINS(:s, :a) END",
        s=values[0].sql,
        a=element.sql,
    )


def _contains_key(values: list[Typed]) -> exp.Expr:
    key = argument(convert(values[1], values[0].type.key or _NONE, what="the key"))
    return render("MAP_CONTAINS(:s, :a)", s=values[0].sql, a=key)


def _created(values: list[Typed]) -> exp.Expr:
    if values[0].type.kind not in (Kind.ARRAY, Kind.PLAIN_ARRAY):
        raise invalid(f"SqlArray cannot be created of a value of type '{values[0].type}'", values[0].span)
    return argument(values[0])


MEMBERS: tuple[Member, ...] = (
    *(prop(owner, name, INT, "CAST(LEN(:s) AS INT)") for owner in (_A, _P) for name in ("Count", "Length")),
    *(method(owner, "Count", (), INT, "CAST(LEN(:s) AS INT)") for owner in (_A, _P)),
    *(method(owner, "Contains", (ANY,), BOOL, _contains, takes_null=True) for owner in (_A, _P)),
    prop(_M, "Count", INT, "CAST(CARDINALITY(:s) AS INT)"),
    Member(_M, "Keys", _NONE, "MAP_KEYS(:s)", result_of=_keys),
    Member(_M, "Values", _NONE, "MAP_VALUES(:s)", result_of=_items),
    method(_M, "ContainsKey", (ANY,), BOOL, _contains_key, takes_null=True),
    Member(_A, "Create", _NONE, _created, (ANY,), static=True, result_of=_items, takes_null=True),
    prop("byte[]", "Length", INT, "CAST(OCTET_LENGTH(:s) AS INT)"),
)

__all__ = ["BINARY", "MEMBERS"]
