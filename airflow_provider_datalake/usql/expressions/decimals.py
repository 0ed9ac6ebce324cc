"""Decimals, which are held with 10 digits behind the point: their product and their quotient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.conversions import cast, convert
from airflow_provider_datalake.usql.expressions.failures import raising
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.types import Kind, Type

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

DECIMAL = Type(Kind.DECIMAL)
_DIGITS = {
    Kind.SBYTE: 3,
    Kind.BYTE: 3,
    Kind.SHORT: 5,
    Kind.USHORT: 5,
    Kind.CHAR: 5,
    Kind.INT: 10,
    Kind.UINT: 10,
    Kind.LONG: 19,
    Kind.ULONG: 20,
}
_INEXACT = raising("A decimal product has more than 10 digits behind its point, which cannot be held.").sql(
    dialect="duckdb"
)
# SQL's own division of decimals is one of doubles. As integers, with half away from zero:
_SCALED = "CAST({} * CAST(10000000000 AS DECIMAL(11, 0)) AS HUGEINT)"
_ROUNDED = "(2 * :n + CAST(SIGN(:n) AS HUGEINT) * ABS(:d)) // (2 * :d)"
_UNSCALED = "CAST({} AS DECIMAL(38, 0)) * CAST(0.0000000001 AS DECIMAL(10, 10))"


def product(left: Typed, right: Typed) -> exp.Expr:
    """
    Multiply decimals.

    :param left: a decimal, or an integer beside one
    :param right: a decimal, or an integer beside one
    :return: SQL of the product, which fails where it cannot be held exactly
    """
    sides = [_narrow(left), _narrow(right)]
    if any(one.type.kind in _DIGITS for one in (left, right)):
        return render(":a * :b", a=sides[0], b=sides[1])
    exact = "CAST(:a * :b AS DECIMAL(38, 10))"
    return render(f"CASE WHEN :a * :b <> {exact} THEN {_INEXACT} ELSE {exact} END", a=sides[0], b=sides[1])


def _narrow(value: Typed) -> exp.Expr:
    """Give an integer no digits behind its point, so that the product needs no more than it has."""
    digits = _DIGITS.get(value.type.kind)
    if digits is None:
        return value.sql
    return render(f"CAST(:a AS DECIMAL({digits}, 0))", a=value.sql)


def quotient(left: Typed, right: Typed) -> exp.Expr:
    """
    Divide decimals.

    :param left: a decimal, or an integer beside one
    :param right: a decimal, or an integer beside one
    :return: SQL of the quotient, rounded to the 10 digits that are held
    """
    wanted = DECIMAL.as_nullable() if left.type.optional else DECIMAL
    above = render(_SCALED.format(":a"), a=convert(left, wanted, explicit=True).sql)
    if right.type.kind in _DIGITS:
        return divided(above, render("CAST(:b AS HUGEINT)", b=right.sql))
    above = render(":a * CAST(10000000000 AS HUGEINT)", a=above)
    return divided(above, render(_SCALED.format(":b"), b=right.sql))


def mean(total: exp.Expr, count: exp.Expr) -> exp.Expr:
    """
    Divide the sum of decimals by their number.

    :param total: a decimal
    :param count: how many; null for none
    :return: SQL of the mean, rounded to the 10 digits that are held
    """
    return divided(render(_SCALED.format(":a"), a=total), render("CAST(:b AS HUGEINT)", b=count))


def divided(above: exp.Expr, below: exp.Expr) -> exp.Expr:
    """
    Divide integers, and take the quotient as so many of a decimal's smallest units.

    :param above: a HUGEINT
    :param below: a HUGEINT
    :return: SQL of the decimal
    """
    return cast(render(_UNSCALED.format(f"({_ROUNDED})"), n=above, d=below), DECIMAL)
