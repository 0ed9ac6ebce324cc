"""Members of ``Math``, and constants of the numeric types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.conversions import RANGES
from airflow_provider_datalake.usql.expressions.failures import invalid, unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.members.registry import (
    BOOL,
    DECIMAL,
    DOUBLE,
    INT,
    LONG,
    Lowering,
    Member,
    enum,
    failing_if,
    static,
)
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.types import INTEGRAL, Kind, Type

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_M = "Math"
_UNSIGNED = (Kind.BYTE, Kind.USHORT, Kind.UINT, Kind.ULONG)
_ROUNDING = enum("MidpointRounding")
_ALL = tuple(Type(kind) for kind in (*INTEGRAL, Kind.FLOAT, Kind.DOUBLE, Kind.DECIMAL))
_SIGNED = tuple(type_ for type_ in _ALL if type_.kind not in _UNSIGNED)
_OF_DOUBLE = {
    "Sin": "SIN(:a)",
    "Cos": "COS(:a)",
    "Tan": "TAN(:a)",
    "Atan": "ATAN(:a)",
    "Exp": "EXP(:a)",
    # Outside of their domains .NET gives NaN where SQL fails.
    "Sqrt": "CASE WHEN :a < 0 THEN CAST('NaN' AS DOUBLE) ELSE SQRT(:a) END",
    "Asin": "CASE WHEN ABS(:a) > 1 THEN CAST('NaN' AS DOUBLE) ELSE ASIN(:a) END",
    "Acos": "CASE WHEN ABS(:a) > 1 THEN CAST('NaN' AS DOUBLE) ELSE ACOS(:a) END",
    "Log": "CASE WHEN :a < 0 THEN CAST('NaN' AS DOUBLE) WHEN :a = 0 THEN CAST('-Infinity' AS DOUBLE) "
    "ELSE LN(:a) END",
    "Log10": "CASE WHEN :a < 0 THEN CAST('NaN' AS DOUBLE) WHEN :a = 0 THEN CAST('-Infinity' AS DOUBLE) "
    "ELSE LOG10(:a) END",
}
_ROUNDED = failing_if(
    ":b NOT BETWEEN 0 AND 15",
    "Rounding digits must be between 0 and 15, inclusive.",
    "CASE WHEN ABS(:a) < 1e16 THEN {} ELSE :a END",
)
# .NET multiplies, rounds and divides, so that 1.005 becomes 1.
_EVEN = "CAST(ROUND_EVEN(:a * POW(10, :b), 0) AS DOUBLE) / POW(10, :b)"
_AWAY = "ROUND(:a * POW(10, :b), 0) / POW(10, :b)"


def _digits_known(even: str, away: str | None = None) -> Lowering:
    """Round a decimal to digits that DuckDB must know beforehand."""

    def lower(values: list[Typed]) -> exp.Expr:
        digits = values[1] if len(values) > 1 and values[1].type == INT else None
        if digits is not None and not digits.constant:
            raise unsupported("Math.Round of a decimal to digits that are not constant", digits.span)
        count = 0 if digits is None else int(fold(digits))
        if not 0 <= count <= _MOST_DIGITS:
            raise invalid("Decimal can only round to between 0 and 28 digits of precision.", values[0].span)
        mode = values[-1] if values[-1].type == _ROUNDING else None
        function = away if away and mode is not None and fold(mode) == 1 else even
        return render(f"CAST({function}(:a, {min(count, 10)}) AS DECIMAL(38, 10))", a=values[0].sql)

    return lower


_MOST_DIGITS = 28
_LIMITS = {
    "int": Kind.INT,
    "long": Kind.LONG,
    "short": Kind.SHORT,
    "byte": Kind.BYTE,
    "sbyte": Kind.SBYTE,
    "ushort": Kind.USHORT,
    "uint": Kind.UINT,
    "ulong": Kind.ULONG,
}
_SQL = {
    Kind.SBYTE: "TINYINT",
    Kind.BYTE: "UTINYINT",
    Kind.SHORT: "SMALLINT",
    Kind.USHORT: "USMALLINT",
    Kind.INT: "INT",
    Kind.UINT: "UINTEGER",
    Kind.LONG: "BIGINT",
    Kind.ULONG: "UBIGINT",
}


def _least(type_: Type) -> str:
    if type_.kind not in (Kind.FLOAT, Kind.DOUBLE):
        return "LEAST(:a, :b)"
    return "CASE WHEN ISNAN(:a) THEN :a WHEN ISNAN(:b) THEN :b ELSE LEAST(:a, :b) END"


def _sign(type_: Type) -> str:
    if type_.kind not in (Kind.FLOAT, Kind.DOUBLE):
        return "CAST(SIGN(:a) AS INT)"
    failure = "Function does not accept floating point Not-a-Number values."
    return failing_if("ISNAN(:a)", failure, "CAST(SIGN(:a) AS INT)")


MEMBERS: tuple[Member, ...] = (
    *(static(_M, name, (DOUBLE,), DOUBLE, template) for name, template in _OF_DOUBLE.items()),
    *(static(_M, "Abs", (type_,), type_, "ABS(:a)") for type_ in _SIGNED),
    *(static(_M, "Max", (type_, type_), type_, "GREATEST(:a, :b)") for type_ in _ALL),
    *(static(_M, "Min", (type_, type_), type_, _least(type_)) for type_ in _ALL),
    *(static(_M, "Sign", (type_,), INT, _sign(type_)) for type_ in _SIGNED),
    static(_M, "Pow", (DOUBLE, DOUBLE), DOUBLE, "POW(:a, :b)"),
    static(_M, "Atan2", (DOUBLE, DOUBLE), DOUBLE, "ATAN2(:a, :b)"),
    static(
        _M,
        "Log",
        (DOUBLE, DOUBLE),
        DOUBLE,
        f"({_OF_DOUBLE['Log']}) / ({_OF_DOUBLE['Log'].replace(':a', ':b')})",
    ),
    static(_M, "BigMul", (INT, INT), LONG, "CAST(:a AS BIGINT) * :b"),
    static(_M, "PI", None, DOUBLE, "CAST(3.141592653589793 AS DOUBLE)"),
    static(_M, "E", None, DOUBLE, "CAST(2.718281828459045 AS DOUBLE)"),
    static(_M, "Ceiling", (DOUBLE,), DOUBLE, "CEIL(:a)"),
    static(_M, "Ceiling", (DECIMAL,), DECIMAL, "CAST(CEIL(:a) AS DECIMAL(38, 10))"),
    static(_M, "Floor", (DOUBLE,), DOUBLE, "FLOOR(:a)"),
    static(_M, "Floor", (DECIMAL,), DECIMAL, "CAST(FLOOR(:a) AS DECIMAL(38, 10))"),
    static(_M, "Truncate", (DOUBLE,), DOUBLE, "TRUNC(:a)"),
    static(_M, "Truncate", (DECIMAL,), DECIMAL, "CAST(TRUNC(:a) AS DECIMAL(38, 10))"),
    # Half to even, .NET's default.
    static(_M, "Round", (DOUBLE,), DOUBLE, "CAST(ROUND_EVEN(:a, 0) AS DOUBLE)"),
    static(_M, "Round", (DOUBLE, INT), DOUBLE, _ROUNDED.format(_EVEN)),
    static(
        _M, "Round", (DOUBLE, _ROUNDING), DOUBLE, "CASE WHEN :b = 1 THEN ROUND(:a) ELSE ROUND_EVEN(:a, 0) END"
    ),
    static(
        _M,
        "Round",
        (DOUBLE, INT, _ROUNDING),
        DOUBLE,
        _ROUNDED.format(f"CASE WHEN :c = 1 THEN {_AWAY} ELSE {_EVEN} END"),
    ),
    *(
        static(owner, "Round", (DECIMAL, *more), DECIMAL, _digits_known("ROUND_EVEN", "ROUND"))
        for owner in (_M, "decimal")
        for more in ((), (INT,), (_ROUNDING,), (INT, _ROUNDING))
    ),
    *(
        static("decimal", name, (DECIMAL,), DECIMAL, f"CAST({function}(:a) AS DECIMAL(38, 10))")
        for name, function in (("Ceiling", "CEIL"), ("Floor", "FLOOR"), ("Truncate", "TRUNC"))
    ),
    *(
        static("decimal", name, None, DECIMAL, f"CAST({number} AS DECIMAL(38, 10))")
        for name, number in (("Zero", 0), ("One", 1), ("MinusOne", -1))
    ),
    *(
        static(owner, name, None, Type(kind), f"CAST({RANGES[kind][side]} AS {_SQL[kind]})")
        for owner, kind in _LIMITS.items()
        for side, name in enumerate(("MinValue", "MaxValue"))
    ),
    static("double", "MaxValue", None, DOUBLE, "CAST(1.7976931348623157e308 AS DOUBLE)"),
    static("double", "MinValue", None, DOUBLE, "CAST(-1.7976931348623157e308 AS DOUBLE)"),
    static("double", "NaN", None, DOUBLE, "CAST('NaN' AS DOUBLE)"),
    static("double", "PositiveInfinity", None, DOUBLE, "CAST('Infinity' AS DOUBLE)"),
    static("double", "NegativeInfinity", None, DOUBLE, "CAST('-Infinity' AS DOUBLE)"),
    static("double", "IsNaN", (DOUBLE,), BOOL, "ISNAN(:a)"),
    static("double", "Epsilon", None, DOUBLE, "CAST(5e-324 AS DOUBLE)"),
    static("double", "IsInfinity", (DOUBLE,), BOOL, "ISINF(:a)"),
    static("double", "IsPositiveInfinity", (DOUBLE,), BOOL, "ISINF(:a) AND :a > 0"),
    static("double", "IsNegativeInfinity", (DOUBLE,), BOOL, "ISINF(:a) AND :a < 0"),
)
