"""Aggregate functions, with the result types of the U-SQL reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.conversions import cast
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import DOUBLE, LONG, Kind, Type, array_of, map_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql.diagnostics import Span

AGGREGATES = frozenset("ANY_VALUE ARRAY_AGG AVG COUNT MAP_AGG MAX MIN STDEV STDEVP SUM VAR VARP".split())
"""Their names; all upper case, unlike C#'s methods."""
_SPREAD = {"STDEV": "STDDEV_SAMP", "STDEVP": "STDDEV_POP", "VAR": "VAR_SAMP", "VARP": "VAR_POP"}
_COMPARABLE = (Kind.BOOL, Kind.STRING, Kind.GUID, Kind.DATETIME, Kind.CHAR, Kind.BINARY)


def aggregate(name: str, arguments: Sequence[Typed], span: Span, *, distinct: bool, star: bool) -> Typed:
    """
    Bind an aggregate.

    :param name: its name
    :param arguments: its arguments, none for ``COUNT(*)``
    :param span: the whole call
    :param distinct: whether equal values count once
    :param star: whether it is ``COUNT(*)``
    :return: its value; the SQL that a window can be put over is ``core``
    :raises CompileError: when the arguments do not fit
    """
    core, type_ = parts(name, arguments, span, distinct=distinct, star=star)
    return Typed(finish(core, name, type_, arguments), type_, span, filled=name == "COUNT")


def parts(
    name: str, arguments: Sequence[Typed], span: Span, *, distinct: bool, star: bool
) -> tuple[exp.Expr, Type]:
    """
    Give an aggregate's call in SQL, and the type of its value in U-SQL.

    :param name: its name
    :param arguments: its arguments
    :param span: the whole call
    :param distinct: whether equal values count once
    :param star: whether it is ``COUNT(*)``
    :return: the call, before it is cast, and the type
    :raises CompileError: when the arguments do not fit
    """
    wanted = 2 if name == "MAP_AGG" else 1
    if star:
        if name != "COUNT":
            raise invalid(f"{name} does not take *", span)
        return exp.Count(this=exp.Star()), LONG.as_nullable()
    if len(arguments) != wanted:
        raise invalid(
            f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}, not {len(arguments)}", span
        )
    value = arguments[0]
    operand = exp.Distinct(expressions=[value.sql]) if distinct else value.sql
    if name == "COUNT":
        return exp.Count(this=operand), LONG.as_nullable()
    if name in ("MIN", "MAX", "ANY_VALUE"):
        return _choice(name, value, span)
    if name in ("SUM", "AVG"):
        return _total(name, value, operand, span)
    if name in _SPREAD:
        _require_number(name, value, span)
        return exp.func(_SPREAD[name], cast(value.sql, DOUBLE), dialect="duckdb"), DOUBLE.as_nullable()
    if name == "ARRAY_AGG":
        # Nulls are elements as others are.
        return exp.ArrayAgg(this=operand, nulls_excluded=False), array_of(value.type)
    return _map(arguments, span)


def _choice(name: str, value: Typed, span: Span) -> tuple[exp.Expr, Type]:
    comparable = value.type.is_numeric or value.type.kind in _COMPARABLE
    if name != "ANY_VALUE" and not comparable:
        raise invalid(f"{name} cannot compare values of type '{value.type}'", span)
    function = {"MIN": exp.Min, "MAX": exp.Max, "ANY_VALUE": exp.AnyValue}[name]
    return function(this=value.sql), value.type.as_nullable()


def _total(name: str, value: Typed, operand: exp.Expr, span: Span) -> tuple[exp.Expr, Type]:
    _require_number(name, value, span)
    kind = value.type.kind
    if value.type.is_integral:
        type_ = DOUBLE if kind is Kind.ULONG else LONG
    else:
        type_ = DOUBLE if kind is Kind.FLOAT else value.type.as_required()
    node: exp.Expr = exp.Sum(this=operand)
    if name == "AVG":
        # SQL's average of integers is a double that has lost digits: the sum is divided instead.
        node = exp.Avg(this=operand) if not value.type.is_integral and kind is not Kind.DECIMAL else node
    return node, type_.as_nullable()


def _require_number(name: str, value: Typed, span: Span) -> None:
    if not value.type.is_numeric:
        raise invalid(f"{name} takes a number, not a value of type '{value.type}'", span)


def _map(arguments: Sequence[Typed], span: Span) -> tuple[exp.Expr, Type]:
    key, item = arguments
    pairs = render("MAP(LIST(:k), LIST(:v))", k=key.sql, v=item.sql)
    return pairs, map_of(key.type.as_required(), item.type)


def finish(core: exp.Expr, name: str, type_: Type, arguments: Sequence[Typed]) -> exp.Expr:
    """
    Cast an aggregate's value to its type.

    :param core: the call, perhaps over a window
    :param name: the aggregate
    :param type_: the type of its value
    :param arguments: its arguments
    :return: the value
    """
    if name in ("MIN", "MAX", "ANY_VALUE", "ARRAY_AGG", "MAP_AGG", "COUNT"):
        return core
    if (
        name == "AVG"
        and arguments
        and (arguments[0].type.is_integral or arguments[0].type.kind is Kind.DECIMAL)
    ):
        return _quotient(core, type_, arguments[0])
    if name == "SUM" and type_.kind in (Kind.LONG, Kind.DECIMAL) or type_.kind is Kind.DOUBLE:
        return cast(core, type_.as_required())
    return core


def _quotient(total: exp.Expr, type_: Type, value: Typed) -> exp.Expr:
    count = total.copy()
    for node in count.find_all(exp.Sum):
        if isinstance(node.parent, exp.Window) or node.parent is None:
            replacement = exp.Count(this=node.this.copy())
            if node.parent is None:
                count = replacement
            else:
                node.replace(replacement)
            break
    if type_.kind is Kind.DOUBLE:
        return render("CAST(:a AS DOUBLE) / NULLIF(:b, 0)", a=total, b=count)
    if value.type.kind is Kind.DECIMAL:
        return render("CAST(CAST(:a AS DOUBLE) / NULLIF(:b, 0) AS DECIMAL(38, 10))", a=total, b=count)
    return cast(render(":a // NULLIF(:b, 0)", a=total, b=count), type_.as_required())
