"""Members of ``Math``, and constants of the numeric types."""

from __future__ import annotations

from airflow_provider_datalake.usql.expressions.conversions import RANGES
from airflow_provider_datalake.usql.expressions.members.registry import (
    BOOL,
    DECIMAL,
    DOUBLE,
    INT,
    LONG,
    Member,
    enum,
    static,
)
from airflow_provider_datalake.usql.types import Kind, Type

_M = "Math"
_FLOAT = Type(Kind.FLOAT)
_ROUNDING = enum("MidpointRounding")
_SAME_TYPE = (INT, LONG, _FLOAT, DOUBLE, DECIMAL)
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
_ROUND_AWAY = "CASE WHEN :{0} = 1 THEN ROUND(:a{1}) ELSE ROUND_EVEN(:a, {2}) END"
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

MEMBERS: tuple[Member, ...] = (
    *(static(_M, name, (DOUBLE,), DOUBLE, template) for name, template in _OF_DOUBLE.items()),
    *(static(_M, "Abs", (type_,), type_, "ABS(:a)") for type_ in _SAME_TYPE),
    *(static(_M, "Max", (type_, type_), type_, "GREATEST(:a, :b)") for type_ in _SAME_TYPE),
    *(static(_M, "Min", (type_, type_), type_, "LEAST(:a, :b)") for type_ in _SAME_TYPE),
    *(static(_M, "Sign", (type_,), INT, "CAST(SIGN(:a) AS INT)") for type_ in _SAME_TYPE),
    static(_M, "Pow", (DOUBLE, DOUBLE), DOUBLE, "POW(:a, :b)"),
    static(_M, "Atan2", (DOUBLE, DOUBLE), DOUBLE, "ATAN2(:a, :b)"),
    static(_M, "Log", (DOUBLE, DOUBLE), DOUBLE, "LN(:a) / LN(:b)"),
    static(_M, "PI", None, DOUBLE, "CAST(3.141592653589793 AS DOUBLE)"),
    static(_M, "E", None, DOUBLE, "CAST(2.718281828459045 AS DOUBLE)"),
    static(_M, "Ceiling", (DOUBLE,), DOUBLE, "CEIL(:a)"),
    static(_M, "Ceiling", (DECIMAL,), DECIMAL, "CAST(CEIL(:a) AS DECIMAL(38, 10))"),
    static(_M, "Floor", (DOUBLE,), DOUBLE, "FLOOR(:a)"),
    static(_M, "Floor", (DECIMAL,), DECIMAL, "CAST(FLOOR(:a) AS DECIMAL(38, 10))"),
    static(_M, "Truncate", (DOUBLE,), DOUBLE, "TRUNC(:a)"),
    static(_M, "Truncate", (DECIMAL,), DECIMAL, "CAST(TRUNC(:a) AS DECIMAL(38, 10))"),
    # Half to even, .NET's default.
    static(_M, "Round", (DOUBLE,), DOUBLE, "ROUND_EVEN(:a, 0)"),
    static(_M, "Round", (DOUBLE, INT), DOUBLE, "ROUND_EVEN(:a, :b)"),
    static(_M, "Round", (DOUBLE, _ROUNDING), DOUBLE, _ROUND_AWAY.format("b", "", "0")),
    static(_M, "Round", (DOUBLE, INT, _ROUNDING), DOUBLE, _ROUND_AWAY.format("c", ", :b", ":b")),
    static(_M, "Round", (DECIMAL,), DECIMAL, "CAST(ROUND_EVEN(:a, 0) AS DECIMAL(38, 10))"),
    static(_M, "Round", (DECIMAL, INT), DECIMAL, "CAST(ROUND_EVEN(:a, :b) AS DECIMAL(38, 10))"),
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
    static("double", "IsInfinity", (DOUBLE,), BOOL, "ISINF(:a)"),
)
