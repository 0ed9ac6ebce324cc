"""``date + INTERVAL '1' DAY``: intervals exist only as what is added to or taken from a date or time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import ParseError, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import bind_scalar
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    DATE,
    FunctionContext,
    Typed,
    integer,
    text,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder

_MICROSECONDS = {"DAY": 86_400_000_000, "HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000}
_MONTHS = {"YEAR": 12, "MONTH": 1}
_WHOLE = re.compile(r"(-?)(\d+)")
_SECONDS = re.compile(r"(-?)(\d+)(?:\.(\d{1,6}))?")
_YEAR_TO_MONTH = re.compile(r"(-?)(\d+)-(\d+)")
_DAY_TO_SECOND = re.compile(r"(-?)(\d+) (\d+):(\d+):(\d+)(?:\.(\d{1,6}))?")


@dataclass(frozen=True)
class Interval:
    """
    A span of time: of months, whose length varies, or of a fixed length.

    :param months: INTERVAL_YEAR_MONTH
    :param microseconds: INTERVAL_DAY_TIME
    """

    months: int = 0
    microseconds: int = 0


def bind_shift(binder: ExpressionBinder, node: exp.Add | exp.Sub) -> Typed | None:
    """
    Bind a date or time plus or minus an INTERVAL.

    :param binder: the enclosing binder
    :param node: the sum or difference
    :return: a value of the date's or time's type; None when no operand is an INTERVAL
    :raises SqlError: when the other operand is no date or time, or a DATE and the interval not one of months
    """
    left, right = (n.unnest() for n in (node.this, node.expression))
    if isinstance(right, exp.Interval):
        return _shifted(-1 if isinstance(node, exp.Sub) else 1, binder.bind(left), right, binder.context)
    if isinstance(left, exp.Interval) and isinstance(node, exp.Add):
        return _shifted(1, binder.bind(right), left, binder.context)
    return None


def _shifted(sign: int, value: Typed, interval: exp.Interval, ctx: FunctionContext) -> Typed:
    span = read(interval)
    if not value.type.is_temporal:
        raise SemanticError(
            f"an INTERVAL can be added to a date or time only, not to {str(value.type).upper()}"
        )
    is_months = _unit(interval)[0] in _MONTHS
    if value.type == DATE and not is_months:
        # Which type that has is not documented.
        raise SemanticError("DATE with an INTERVAL of days or less is not supported; use DATEADD")
    if is_months:
        amount, unit = span.months, "mm"
    elif span.microseconds % 1000 == 0:
        amount, unit = span.microseconds // 1000, "ff3"
    else:
        amount, unit = span.microseconds, "ff6"
    return bind_scalar("dateadd", [value, integer(sign * amount), text(unit)], ctx)


def read(node: exp.Interval) -> Interval:
    """
    Read a literal.

    :param node: e.g. ``INTERVAL '1-2' YEAR TO MONTH``
    :return: the span
    :raises ParseError: when the text does not fit the unit
    :raises SemanticError: when the emulator does not know the unit
    """
    literal = node.this
    if not isinstance(literal, exp.Literal):
        raise SemanticError("an INTERVAL that is not constant is not supported; use DATEADD")
    given, (first, last) = str(literal.this).strip(), _unit(node)
    if (first, last) == ("YEAR", "MONTH"):
        sign, years, months = _match(_YEAR_TO_MONTH, given, "INTERVAL_YEAR_MONTH")
        if int(months) > 11:
            raise ParseError(f"cannot parse {given} as a valid INTERVAL_YEAR_MONTH")
        return Interval(months=_signed(sign, int(years) * 12 + int(months)))
    if (first, last) == ("DAY", "SECOND"):
        return _day_to_second(given)
    if last:
        raise SemanticError(f"INTERVAL ... {first} TO {last} is not supported")
    if first in _MONTHS:
        sign, number = _match(_WHOLE, given, "INTERVAL_YEAR_MONTH")
        return Interval(months=_signed(sign, int(number) * _MONTHS[first]))
    if first == "SECOND":
        sign, seconds, fraction = _match(_SECONDS, given, "INTERVAL_DAY_TIME")
        return Interval(microseconds=_signed(sign, int(seconds) * 1_000_000 + _fraction(fraction)))
    if first in _MICROSECONDS:
        sign, number = _match(_WHOLE, given, "INTERVAL_DAY_TIME")
        return Interval(microseconds=_signed(sign, int(number) * _MICROSECONDS[first]))
    raise SemanticError(f"INTERVAL ... {first or 'without a unit'} is not supported")


def _unit(node: exp.Interval) -> tuple[str, str]:
    unit = node.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        return unit.this.name.upper(), unit.expression.name.upper()
    return (unit.name.upper() if unit else ""), ""


def _day_to_second(given: str) -> Interval:
    sign, days, hours, minutes, seconds, fraction = _match(_DAY_TO_SECOND, given, "INTERVAL_DAY_TIME")
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        raise ParseError(f"cannot parse {given} as a valid INTERVAL_DAY_TIME")
    total = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    return Interval(microseconds=_signed(sign, total * 1_000_000 + _fraction(fraction)))


def _match(pattern: re.Pattern[str], given: str, name: str) -> tuple[str, ...]:
    match = pattern.fullmatch(given)
    if match is None:
        raise ParseError(f"cannot parse {given} as a valid {name}")
    return match.groups(default="")


def _signed(sign: str, amount: int) -> int:
    return -amount if sign else amount


def _fraction(digits: str) -> int:
    return int(digits.ljust(6, "0")) if digits else 0
