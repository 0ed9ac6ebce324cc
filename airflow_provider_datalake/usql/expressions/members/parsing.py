"""``Parse``, ``Convert`` and ``Guid``: from texts to values and between types, as strictly as .NET."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb.fast_values import fast_value
from airflow_provider_datalake.usql.expressions.conversions import cast
from airflow_provider_datalake.usql.expressions.failures import BAD_FORMAT, raising
from airflow_provider_datalake.usql.expressions.members.registry import (
    BINARY,
    BOOL,
    CHAR,
    DATETIME,
    DECIMAL,
    DOUBLE,
    GUID,
    LONG,
    STRING,
    Member,
    failing_if,
    static,
)
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.expressions.texts import text_of
from airflow_provider_datalake.usql.text_format import ExtractFormat
from airflow_provider_datalake.usql.types import INT, INTEGRAL, Kind, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_PARSED = {
    "bool": Kind.BOOL,
    **{kind.value: kind for kind in INTEGRAL},
    "float": Kind.FLOAT,
    "double": Kind.DOUBLE,
    "decimal": Kind.DECIMAL,
    "DateTime": Kind.DATETIME,
    "Guid": Kind.GUID,
}
_CONVERTED = {
    "ToBoolean": Kind.BOOL,
    "ToSByte": Kind.SBYTE,
    "ToByte": Kind.BYTE,
    "ToInt16": Kind.SHORT,
    "ToUInt16": Kind.USHORT,
    "ToInt32": Kind.INT,
    "ToUInt32": Kind.UINT,
    "ToInt64": Kind.LONG,
    "ToUInt64": Kind.ULONG,
    "ToSingle": Kind.FLOAT,
    "ToDouble": Kind.DOUBLE,
    "ToDecimal": Kind.DECIMAL,
}


def parse(type_: Type, text: str = ":a") -> str:
    """
    Write a template that reads a value from a text, and fails the job where it is none.

    :param type_: the value's type
    :param text: SQL of the text
    :return: the template
    """
    trimmed = f"TRIM({text})" if type_.kind is Kind.BOOL else text
    if type_.kind is Kind.DATETIME:
        # The service's own zone is UTC, which a Z says.
        trimmed = f"REGEXP_REPLACE({text}, '([0-9])Z$', '\\1')"
    found = fast_value(type_, ExtractFormat(char_format="string"), trimmed, None)
    certain = found.certain.replace("{value}", f"({found.value})")
    failure = raising(BAD_FORMAT).sql(dialect="duckdb")
    return f"CASE WHEN {certain} THEN {found.value} ELSE {failure} END"


def _parsing(kind: Kind) -> Callable[[list[Typed]], exp.Expr]:
    def lower(values: list[Typed]) -> exp.Expr:
        return render(parse(Type(kind)), a=values[0].sql)

    return lower


def _from_text(kind: Kind) -> Callable[[list[Typed]], exp.Expr]:
    def lower(values: list[Typed]) -> exp.Expr:
        default = "FALSE" if kind is Kind.BOOL else "0"
        template = f"CASE WHEN :a IS NULL THEN CAST({default} AS :t) ELSE {parse(Type(kind))} END"
        return render(
            template.replace("CAST(FALSE AS :t)", "FALSE").replace("CAST(0 AS :t)", "0"), a=values[0].sql
        )

    return lower


def _from_number(kind: Kind, source: Kind) -> Callable[[list[Typed]], exp.Expr]:
    def lower(values: list[Typed]) -> exp.Expr:
        value = values[0].sql
        if kind is Kind.BOOL:
            return render(":a <> 0", a=value)
        if source in (Kind.DOUBLE, Kind.DECIMAL) and kind in INTEGRAL:
            # Half to even, unlike a cast.
            value = render("ROUND_EVEN(:a, 0)", a=value)
        return cast(value, Type(kind))

    return lower


def _from_bool(kind: Kind) -> Callable[[list[Typed]], exp.Expr]:
    return lambda values: cast(render("CASE WHEN :a THEN 1 ELSE 0 END", a=values[0].sql), Type(kind))


def _conversions() -> list[Member]:
    found = []
    for name, kind in _CONVERTED.items():
        result = Type(kind)
        found.append(static("Convert", name, (STRING,), result, _from_text(kind), takes_null=True))
        for source in (Kind.LONG, Kind.ULONG, Kind.DOUBLE, Kind.DECIMAL):
            found.append(static("Convert", name, (Type(source),), result, _from_number(kind, source)))
        found.append(
            static("Convert", name, (BOOL,), result, ":a" if kind is Kind.BOOL else _from_bool(kind))
        )
    return found


def _to_text(values: list[Typed]) -> exp.Expr:
    return text_of(values[0].sql, values[0].type, values[0].span)


MEMBERS: tuple[Member, ...] = (
    *(static(owner, "Parse", (STRING,), Type(kind), _parsing(kind)) for owner, kind in _PARSED.items()),
    static(
        "DateTime", "Parse", (STRING, Type(Kind.NULL)), DATETIME, _parsing(Kind.DATETIME), takes_null=True
    ),
    *_conversions(),
    static("Convert", "ToDateTime", (STRING,), DATETIME, _parsing(Kind.DATETIME)),
    static("Convert", "ToDateTime", (DATETIME,), DATETIME, ":a"),
    static("Convert", "ToChar", (INT,), CHAR, "CAST(:a AS USMALLINT)"),
    static("Convert", "ToString", (Type(Kind.NULL),), STRING, _to_text, may_be_null=True, takes_null=True),
    static("Convert", "ToBase64String", (BINARY,), STRING, "TO_BASE64(:a)"),
    static("Convert", "FromBase64String", (STRING,), BINARY, "FROM_BASE64(:a)"),
    static("Guid", "new", (STRING,), GUID, _parsing(Kind.GUID)),
    static("Guid", "NewGuid", (), GUID, "UUID()", pure=False),
    static("Guid", "Empty", None, GUID, "CAST('00000000-0000-0000-0000-000000000000' AS UUID)"),
    static(
        "Uri",
        "EscapeDataString",
        (STRING,),
        STRING,
        "URL_ENCODE(:a)",
    ),
)

__all__ = ["DECIMAL", "DOUBLE", "LONG", "MEMBERS", "failing_if", "parse"]
