"""C#'s conversions: implicit ones, casts, and the type that several values have in common."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import NO_VALUE, invalid
from airflow_provider_datalake.usql.expressions.templates import render, required
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import INTEGRAL, Kind, Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql.expressions.typed import Typed

_REALS = {Kind.FLOAT, Kind.DOUBLE}
_WIDER = {
    Kind.SBYTE: {Kind.SHORT, Kind.INT, Kind.LONG},
    Kind.BYTE: {Kind.SHORT, Kind.USHORT, Kind.INT, Kind.UINT, Kind.LONG, Kind.ULONG},
    Kind.SHORT: {Kind.INT, Kind.LONG},
    Kind.USHORT: {Kind.INT, Kind.UINT, Kind.LONG, Kind.ULONG},
    Kind.INT: {Kind.LONG},
    Kind.UINT: {Kind.LONG, Kind.ULONG},
    Kind.LONG: set(),
    Kind.ULONG: set(),
    Kind.CHAR: {Kind.USHORT, Kind.INT, Kind.UINT, Kind.LONG, Kind.ULONG},
}
"""Implicit conversions between integral types; all of them also go to the reals and to decimal."""
RANGES = {
    Kind.SBYTE: (-(2**7), 2**7 - 1),
    Kind.BYTE: (0, 2**8 - 1),
    Kind.SHORT: (-(2**15), 2**15 - 1),
    Kind.USHORT: (0, 2**16 - 1),
    Kind.INT: (-(2**31), 2**31 - 1),
    Kind.UINT: (0, 2**32 - 1),
    Kind.LONG: (-(2**63), 2**63 - 1),
    Kind.ULONG: (0, 2**64 - 1),
}


def cast(sql: exp.Expr, to: Type) -> exp.Expr:
    """
    Cast in SQL.

    :param sql: the value
    :param to: the type whose SQL type it gets
    :return: the cast value
    """
    return exp.Cast(this=sql, to=sql_type(to))


def is_implicit(source: Type, target: Type) -> bool:
    """
    Tell whether C# converts without a cast.

    :param source: from
    :param target: to
    :return: whether it does
    """
    if source == target:
        return True
    if source.kind is Kind.NULL:
        return target.nullable
    if source.optional and not target.optional:
        return False
    if source.as_required() == target.as_required():
        return True
    if source.kind in _WIDER:
        if target.kind in _WIDER[source.kind]:
            return True
        return target.kind in (*_REALS, Kind.DECIMAL)
    return source.kind is Kind.FLOAT and target.kind is Kind.DOUBLE


def convert(value: Typed, to: Type, *, explicit: bool = False, what: str = "") -> Typed:
    """
    Convert a value.

    :param value: the value
    :param to: the type
    :param explicit: whether a cast stands there
    :param what: what is converted, for the message
    :return: the converted value
    :raises CompileError: when C# has no such conversion
    """
    if value.type == to:
        return value
    if value.is_null and to.nullable:
        return replace(value, sql=cast(value.sql, to), type=to, filled=False)
    if is_implicit(value.type, to) or fits(value, to):
        return _implicit(value, to)
    if explicit and _has_cast(value.type, to):
        return _explicit(value, to)
    verb = "convert" if explicit else "implicitly convert"
    prefix = f"{what}: " if what else ""
    if not explicit and _has_cast(value.type, to):
        raise invalid(
            f"{prefix}Cannot implicitly convert type '{value.type}' to '{to}'. An explicit conversion exists "
            "(are you missing a cast?)",
            value.span,
        )
    raise invalid(f"{prefix}Cannot {verb} type '{value.type}' to '{to}'", value.span)


def _implicit(value: Typed, to: Type) -> Typed:
    if value.type.as_required() == to.as_required():
        return replace(value, type=to, filled=not value.may_be_null)
    number = integer_constant(value)
    if number is not None:
        return _literal(number, to, value)
    whole = value.type.is_integral or value.type.kind in (Kind.CHAR, Kind.DECIMAL) or value.whole
    return replace(value, sql=cast(value.sql, to), type=to, filled=not value.may_be_null, whole=whole)


def _literal(number: int, to: Type, value: Typed) -> Typed:
    """Write a constant integer in another type, so that SQL need not convert it."""
    from airflow_provider_datalake.usql.expressions.folding import literal

    kind = to.kind
    converted = float(number) if kind in _REALS else Decimal(number) if kind is Kind.DECIMAL else number
    return literal(converted, to, value.span)


def integer_constant(value: Typed) -> int | None:
    """
    Read a literal of an integral type.

    :param value: any value
    :return: its number, None when it is no literal
    """
    sql = value.sql
    while isinstance(sql, exp.Cast | exp.Paren):
        sql = sql.this
    negative = isinstance(sql, exp.Neg)
    if negative:
        sql = sql.this
        while isinstance(sql, exp.Cast | exp.Paren):
            sql = sql.this
    if not (isinstance(sql, exp.Literal) and not sql.is_string and value.type.kind in INTEGRAL):
        return None
    return -int(sql.this) if negative else int(sql.this)


def fits(value: Typed, to: Type) -> bool:
    """
    Tell whether a constant of type int goes into a smaller type without a cast, as in C#.

    :param value: the value
    :param to: the type
    :return: whether it does
    """
    if value.type.kind not in (Kind.INT, Kind.LONG) or not value.constant or to.kind not in RANGES:
        return False
    if value.type.kind is Kind.LONG and to.kind is not Kind.ULONG:
        return False
    number = integer_constant(value)
    if number is None:
        number = _computed_constant(value)
    return number is not None and RANGES[to.kind][0] <= number <= RANGES[to.kind][1]


def _computed_constant(value: Typed) -> int | None:
    from airflow_provider_datalake.usql.expressions.folding import fold

    # Only operators make constants in C#; a function's value is none.
    if any(not isinstance(node, exp.Cast) for node in value.sql.find_all(exp.Func)):
        return None
    found = fold(value)
    return found if isinstance(found, int) else None


def _has_cast(source: Type, target: Type) -> bool:
    plain, wanted = source.as_required(), target.as_required()
    if plain == wanted:
        return True
    numbers = (plain.is_numeric or plain.kind is Kind.CHAR), (wanted.is_numeric or wanted.kind is Kind.CHAR)
    if plain.kind is Kind.ENUM:
        return numbers[1]
    return numbers[0] and (numbers[1] or wanted.kind is Kind.ENUM)


def _explicit(value: Typed, to: Type) -> Typed:
    sql = value.sql
    if value.type.optional and not to.optional:
        sql = required(value, NO_VALUE)
    if value.type.as_required() == to.as_required():
        return replace(value, sql=sql, type=to)
    if value.type.kind in (*_REALS, Kind.DECIMAL) and (to.is_integral or to.kind is Kind.CHAR):
        # SQL rounds where C# cuts off.
        sql = render("TRUNC(:a)", a=sql)
    elif value.type.kind in _REALS and to.kind is Kind.DECIMAL:
        # C# takes the digits that the type is sure of.
        digits = 15 if value.type.kind is Kind.DOUBLE else 7
        sql = render(f"FORMAT('{{:.{digits}g}}', :a)", a=sql)
    whole = value.type.kind not in _REALS or value.whole
    return replace(value, sql=cast(sql, to), type=to, whole=whole)


def common_type(values: Sequence[Typed]) -> Type:
    """
    Find the type that all values convert to.

    :param values: at least one
    :return: the type; ``null`` when all are the literal null
    :raises CompileError: when there is none
    """
    known = [value for value in values if not value.is_null]
    if not known:
        return values[0].type
    nullable = len(known) < len(values) or any(value.type.optional for value in known)
    candidates = list(dict.fromkeys(value.type.as_required() for value in known))
    # C# looks at types first; a constant of a wider type gives way only where they do not decide.
    for accepts in (lambda value, type_: is_implicit(value.type.as_required(), type_), fits):
        for candidate in candidates:
            if all(
                is_implicit(value.type.as_required(), candidate) or accepts(value, candidate)
                for value in known
            ):
                return candidate.as_nullable() if nullable else candidate
    names = " and ".join(f"'{candidate}'" for candidate in candidates[:2])
    raise invalid(f"There is no implicit conversion between {names}", values[0].span.to(values[-1].span))


def operation_type(left: Typed, right: Typed) -> Type | None:
    """
    Give the type in which C# computes with two numbers: the first of its own operators that takes both.

    :param left: one operand
    :param right: the other
    :return: the type without ``?``, None when they do not go together
    """
    sides = left.type.as_required(), right.type.as_required()
    if not all(side.is_numeric or side.kind is Kind.CHAR for side in sides):
        return None
    for kind in (Kind.INT, Kind.UINT, Kind.LONG, Kind.ULONG):
        target = Type(kind)
        if all(is_implicit(one.type.as_required(), target) or fits(one, target) for one in (left, right)):
            return target
    kinds = {side.kind for side in sides}
    if Kind.DECIMAL in kinds:
        return None if kinds & _REALS else Type(Kind.DECIMAL)
    if Kind.DOUBLE in kinds:
        return Type(Kind.DOUBLE)
    return Type(Kind.FLOAT) if Kind.FLOAT in kinds else None
