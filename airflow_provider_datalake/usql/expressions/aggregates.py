"""Aggregate functions, with the result types of the U-SQL reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.conversions import cast
from airflow_provider_datalake.usql.expressions.decimals import mean
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import DOUBLE, LONG, Kind, Type, array_of, map_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_datalake.usql.diagnostics import Span

AGGREGATES = frozenset("ANY_VALUE ARRAY_AGG AVG COUNT MAP_AGG MAX MIN STDEV STDEVP SUM VAR VARP".split())
"""Their names; all upper case, unlike C#'s methods."""
_SPREAD = {"STDEV": "STDDEV_SAMP", "STDEVP": "STDDEV_POP", "VAR": "VAR_SAMP", "VARP": "VAR_POP"}
_CHOICES: dict[str, type[exp.AggFunc]] = {"MIN": exp.Min, "MAX": exp.Max, "ANY_VALUE": exp.AnyValue}
_COMPARABLE = (Kind.BOOL, Kind.STRING, Kind.GUID, Kind.DATETIME, Kind.CHAR, Kind.BINARY)


@dataclass(frozen=True)
class Aggregate:
    """
    An aggregate in SQL: calls, each of which may be put over a window, and what is made of their values.

    :param type: the type of its value
    :param calls: one call, or the sum and the count of a mean
    :param combine: makes the value of the calls' values
    """

    type: Type
    calls: tuple[exp.Expr, ...]
    combine: Callable[..., exp.Expr]

    def value(self, over: Callable[[exp.Expr], exp.Expr] = lambda call: call) -> exp.Expr:
        """
        Write the aggregate.

        :param over: puts a call over a window
        :return: SQL of its value
        """
        return self.combine(*(over(call) for call in self.calls))


def aggregate(name: str, arguments: Sequence[Typed], span: Span, *, distinct: bool, star: bool) -> Typed:
    """
    Bind an aggregate of groups.

    :param name: its name
    :param arguments: its arguments, none for ``COUNT(*)``
    :param span: the whole call
    :param distinct: whether equal values count once
    :param star: whether it is ``COUNT(*)``
    :return: its value
    :raises CompileError: when the arguments do not fit
    """
    found = parts(name, arguments, span, distinct=distinct, star=star)
    return Typed(found.value(), found.type, span, filled=name == "COUNT")


def parts(name: str, arguments: Sequence[Typed], span: Span, *, distinct: bool, star: bool) -> Aggregate:
    """
    Bind an aggregate of groups or windows.

    :param name: its name
    :param arguments: its arguments
    :param span: the whole call
    :param distinct: whether equal values count once
    :param star: whether it is ``COUNT(*)``
    :return: the aggregate
    :raises CompileError: when the arguments do not fit
    """
    wanted = 2 if name == "MAP_AGG" else 1
    if star:
        if name != "COUNT":
            raise invalid(f"{name} does not take *", span)
        return Aggregate(LONG.as_nullable(), (exp.Count(this=exp.Star()),), _as_it_is)
    if len(arguments) != wanted:
        raise invalid(
            f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}, not {len(arguments)}", span
        )
    value = arguments[0]
    if name == "COUNT":
        return Aggregate(LONG.as_nullable(), (exp.Count(this=_operand(value.sql, distinct)),), _as_it_is)
    if name in _CHOICES:
        return _choice(name, value, span)
    if name == "ARRAY_AGG":
        # Nulls are elements as others are.
        call = exp.ArrayAgg(this=_operand(value.sql, distinct), nulls_excluded=False)
        return Aggregate(array_of(value.type), (call,), _as_it_is)
    if name == "MAP_AGG":
        return _map(arguments)
    if not value.type.is_numeric:
        raise invalid(f"{name} takes a number, not a value of type '{value.type}'", span)
    if name == "SUM":
        return _sum(value, distinct)
    return _mean(value, distinct) if name == "AVG" else _spread(name, value, distinct)


def _as_it_is(value: exp.Expr) -> exp.Expr:
    return value


def _operand(sql: exp.Expr, distinct: bool) -> exp.Expr:
    return exp.Distinct(expressions=[sql]) if distinct else sql


def _choice(name: str, value: Typed, span: Span) -> Aggregate:
    comparable = value.type.is_numeric or value.type.kind in _COMPARABLE
    if name != "ANY_VALUE" and not comparable:
        raise invalid(f"{name} cannot compare values of type '{value.type}'", span)
    return Aggregate(value.type.as_nullable(), (_CHOICES[name](this=value.sql),), _as_it_is)


def _total_type(value: Typed) -> Type:
    kind = value.type.kind
    if kind in (Kind.ULONG, Kind.FLOAT):
        return DOUBLE
    return LONG if value.type.is_integral else value.type.as_required()


def _sum(value: Typed, distinct: bool) -> Aggregate:
    type_ = _total_type(value)
    call = exp.Sum(this=_operand(value.sql, distinct))
    # SQL gives a wider type for integers.
    combine = (lambda total: cast(total, type_)) if value.type.is_integral else _as_it_is
    return Aggregate(type_.as_nullable(), (call,), combine)


def _mean(value: Typed, distinct: bool) -> Aggregate:
    type_ = _total_type(value)
    operand = _operand(value.sql, distinct)
    if value.type.kind in (Kind.FLOAT, Kind.DOUBLE):
        return Aggregate(type_.as_nullable(), (exp.Avg(this=operand),), _as_it_is)

    # SQL's mean of integers and decimals is a double, which has lost digits: the sum is divided instead.
    def combine(total: exp.Expr, count: exp.Expr) -> exp.Expr:
        count = render("NULLIF(:b, 0)", b=count)
        if type_.kind is Kind.DECIMAL:
            return mean(total, count)
        template = "CAST(:a AS DOUBLE) / :b" if type_ == DOUBLE else "CAST(:a // :b AS BIGINT)"
        return render(template, a=total, b=count)

    calls = exp.Sum(this=operand), exp.Count(this=operand.copy())
    return Aggregate(type_.as_nullable(), calls, combine)


def _spread(name: str, value: Typed, distinct: bool) -> Aggregate:
    call = exp.func(_SPREAD[name], _operand(cast(value.sql, DOUBLE), distinct), dialect="duckdb")
    return Aggregate(DOUBLE.as_nullable(), (call,), _as_it_is)


def _map(arguments: Sequence[Typed]) -> Aggregate:
    key, item = arguments
    calls = tuple(exp.ArrayAgg(this=one.sql, nulls_excluded=False) for one in (key, item))
    return Aggregate(
        map_of(key.type.as_required(), item.type),
        calls,
        lambda keys, items: render("MAP(:k, :v)", k=keys, v=items),
    )
