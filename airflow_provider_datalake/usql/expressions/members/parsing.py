"""``Parse``, ``Convert`` and ``Guid``: from texts to values and between types, as strictly as .NET."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb import text_values
from airflow_provider_datalake.usql.backends.duckdb.fast_values import fast_value
from airflow_provider_datalake.usql.expressions.conversions import cast
from airflow_provider_datalake.usql.expressions.failures import BAD_FORMAT, OVERFLOW, raising
from airflow_provider_datalake.usql.expressions.folding import default
from airflow_provider_datalake.usql.expressions.members.date_texts import parsed
from airflow_provider_datalake.usql.expressions.members.registry import (
    BINARY,
    BOOL,
    CHAR,
    DATETIME,
    GUID,
    STRING,
    Member,
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


_FORMAT_FAILURE = raising(BAD_FORMAT).sql(dialect="duckdb")
_OVERFLOW_FAILURE = raising(OVERFLOW).sql(dialect="duckdb")
_GROUPED = "[ \\t\\n\\x0b\\x0c\\r]*[+-]?[0-9][0-9,]*(\\.[0-9]*)?{}[ \\t\\n\\x0b\\x0c\\r]*"
"""Numbers may have commas between the digits before their point, which .NET does not count."""


def parse(type_: Type, text: str = ":a") -> str:
    """
    Write a template that reads a value from a text, and fails the job where it is none.

    :param type_: the value's type
    :param text: SQL of the text
    :return: the template
    """
    if type_.kind is Kind.DATETIME:
        return parsed(text)
    if type_.kind is Kind.BOOL:
        word = f"LOWER(TRIM({text}, ' \t\n\x0b\x0c\r'))"
        return f"CASE {word} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE ELSE {_FORMAT_FAILURE} END"
    template = _certain(type_, text)
    if type_.kind in INTEGRAL:
        out_of_range = f"WHEN REGEXP_FULL_MATCH({text}, '{text_values.INTEGER}') THEN {_OVERFLOW_FAILURE}"
        return f"CASE {template} {out_of_range} ELSE {_FORMAT_FAILURE} END"
    if type_.kind in (Kind.FLOAT, Kind.DOUBLE, Kind.DECIMAL):
        pattern = _GROUPED.format("" if type_.kind is Kind.DECIMAL else "([eE][+-]?[0-9]+)?")
        without_commas = f"REPLACE({text}, ',', '')"
        inner = f"CASE {_certain(type_, without_commas)} ELSE {_FORMAT_FAILURE} END"
        has_commas = f"CONTAINS({text}, ',') AND REGEXP_FULL_MATCH({text}, '{pattern}')"
        return f"CASE {template} WHEN {has_commas} THEN {inner} ELSE {_FORMAT_FAILURE} END"
    return f"CASE {template} ELSE {_FORMAT_FAILURE} END"


def _certain(type_: Type, text: str) -> str:
    found = fast_value(type_, ExtractFormat(char_format="string"), text, None)
    certain = found.certain.replace("{value}", f"({found.value})")
    return f"WHEN {certain} THEN {found.value}"


def _parsing(kind: Kind) -> Callable[[list[Typed]], exp.Expr]:
    def lower(values: list[Typed]) -> exp.Expr:
        return render(parse(Type(kind)), a=values[0].sql)

    return lower


def _from_text(kind: Kind) -> Callable[[list[Typed]], exp.Expr]:
    def lower(values: list[Typed]) -> exp.Expr:
        return _or_default(kind, values[0], render(parse(Type(kind)), a=values[0].sql))

    return lower


def _or_default(kind: Kind, source: Typed, value: exp.Expr) -> exp.Expr:
    """Take null for the type's default value, as ``Convert`` does."""
    if not source.may_be_null:
        return value
    return render(
        "CASE WHEN :a IS NULL THEN :d ELSE :v END", a=source.sql, d=default(Type(kind)).sql, v=value
    )


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
    if kind is Kind.BOOL:
        return lambda values: values[0].sql
    return lambda values: cast(render("CASE WHEN :a THEN 1 ELSE 0 END", a=values[0].sql), Type(kind))


def _from_nullable(kind: Kind, source: Kind) -> Callable[[list[Typed]], exp.Expr]:
    lower = _from_bool(kind) if source is Kind.BOOL else _from_number(kind, source)
    return lambda values: _or_default(kind, values[0], lower(values))


def _conversions() -> list[Member]:
    found = []
    for name, kind in _CONVERTED.items():
        result = Type(kind)
        found.append(static("Convert", name, (STRING,), result, _from_text(kind), takes_null=True))
        for source in (Kind.LONG, Kind.ULONG, Kind.DOUBLE, Kind.DECIMAL):
            found.append(static("Convert", name, (Type(source),), result, _from_number(kind, source)))
        found.append(static("Convert", name, (BOOL,), result, _from_bool(kind)))
        for source in (Kind.LONG, Kind.ULONG, Kind.DOUBLE, Kind.DECIMAL, Kind.BOOL):
            lower = _from_nullable(kind, source)
            parameters = (Type(source, optional=True),)
            found.append(static("Convert", name, parameters, result, lower, takes_null=True))
    return found


def _to_date(values: list[Typed]) -> exp.Expr:
    return _or_default(Kind.DATETIME, values[0], render(parsed(), a=values[0].sql))


def _escaped_uri(values: list[Typed]) -> exp.Expr:
    sql = render("URL_ENCODE(:a)", a=values[0].sql)
    for sign in ";/?:@&=+$,#[]!*'()":
        sql = render("REPLACE(:a, :c, :s)", a=sql, c=f"%{ord(sign):02X}", s=sign)
    return sql


def _to_text(values: list[Typed]) -> exp.Expr:
    text = text_of(values[0].sql, values[0].type, values[0].span)
    # Null is an empty text, but for a string, which stays what it is.
    return render("COALESCE(:a, '')", a=text) if values[0].type.optional else text


MEMBERS: tuple[Member, ...] = (
    *(static(owner, "Parse", (STRING,), Type(kind), _parsing(kind)) for owner, kind in _PARSED.items()),
    static(
        "DateTime", "Parse", (STRING, Type(Kind.NULL)), DATETIME, _parsing(Kind.DATETIME), takes_null=True
    ),
    *_conversions(),
    static("Convert", "ToDateTime", (STRING,), DATETIME, _to_date, takes_null=True),
    static("Convert", "ToDateTime", (DATETIME,), DATETIME, ":a"),
    static("Convert", "ToChar", (INT,), CHAR, "CAST(:a AS USMALLINT)"),
    static("Convert", "ToString", (Type(Kind.NULL),), STRING, _to_text, may_be_null=True, takes_null=True),
    static("Convert", "ToBase64String", (BINARY,), STRING, "TO_BASE64(:a)"),
    static("Convert", "FromBase64String", (STRING,), BINARY, "FROM_BASE64(:a)"),
    static("Guid", "new", (STRING,), GUID, _parsing(Kind.GUID)),
    static("Guid", "NewGuid", (), GUID, "UUID()", pure=False),
    static("Guid", "Empty", None, GUID, "CAST('00000000-0000-0000-0000-000000000000' AS UUID)"),
    static("Uri", "EscapeDataString", (STRING,), STRING, "URL_ENCODE(:a)"),
    static("Uri", "EscapeUriString", (STRING,), STRING, _escaped_uri),
)
