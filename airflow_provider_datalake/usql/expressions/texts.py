"""Values as .NET writes them: what ``ToString`` and string concatenation give, in the culture en-US."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.backends.duckdb.date_formats import date_text
from airflow_provider_datalake.usql.expressions.failures import unsupported
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.types import INTEGRAL, STRING, Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.expressions.typed import Typed
    from airflow_provider_datalake.usql.types import Type

_TEMPLATES = {
    Kind.BOOL: "CASE WHEN :a THEN 'True' WHEN NOT :a THEN 'False' END",
    # The shortest text that reads back as the same number, which the backend's macro lays out as .NET does.
    Kind.DOUBLE: "datalake_real(:a, 15, CAST(1e15 AS DOUBLE))",
    Kind.FLOAT: "datalake_real(:a, 7, CAST(1e7 AS REAL))",
    Kind.DECIMAL: "RTRIM(RTRIM(CAST(:a AS TEXT), '0'), '.')",
    Kind.CHAR: "CHR(:a)",
    Kind.GUID: "CAST(:a AS TEXT)",
    Kind.TIMESPAN: (
        "CASE WHEN :a < 0 THEN '-' ELSE '' END || "
        "CASE WHEN ABS(:a) >= 86400000000 THEN CAST(ABS(:a) // 86400000000 AS TEXT) || '.' ELSE '' END || "
        "LPAD(CAST(ABS(:a) // 3600000000 % 24 AS TEXT), 2, '0') || ':' || "
        "LPAD(CAST(ABS(:a) // 60000000 % 60 AS TEXT), 2, '0') || ':' || "
        "LPAD(CAST(ABS(:a) // 1000000 % 60 AS TEXT), 2, '0') || "
        "CASE WHEN :a % 1000000 = 0 THEN '' "
        "ELSE '.' || LPAD(CAST(ABS(:a) % 1000000 AS TEXT), 6, '0') || '0' END"
    ),
}
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_DAY_NAME = "LIST_EXTRACT([" + ", ".join(f"'{name}'" for name in DAYS) + "], :a + 1)"


def text_of(sql: exp.Expr, type_: Type, span: Span) -> exp.Expr:
    """
    Write a value as text.

    :param sql: the value
    :param type_: its type
    :param span: where it stands, for messages
    :return: its text; null for null
    :raises CompileError: for a type without a text
    """
    if type_.kind in (Kind.STRING, Kind.NULL):
        return sql
    if type_.kind in INTEGRAL:
        return render("CAST(:a AS TEXT)", a=sql)
    if type_.kind is Kind.DATETIME:
        return formatted_date(sql, "G", span)
    if type_.name == "DayOfWeek":
        return render(_DAY_NAME, a=sql)
    if type_.kind in _TEMPLATES:
        return render(_TEMPLATES[type_.kind], a=sql)
    raise unsupported(f"the text of a value of type {type_}", span)


def formatted_date(sql: exp.Expr, format_: str, span: Span) -> exp.Expr:
    """
    Write a DateTime in a format of C#.

    :param sql: the value
    :param format_: a standard or custom format
    :param span: where it stands, for messages
    :return: its text
    :raises CompileError: for a format that is malformed or not supported
    """
    try:
        text = date_text(":a", format_)
    except ValueError as error:
        raise unsupported(str(error), span) from error
    return render(text, a=sql)


def concatenated(parts: list[Typed]) -> exp.Expr:
    """
    Put texts together; null is the empty text.

    :param parts: values of any types
    :return: the text
    """
    pieces = []
    for part in parts:
        text = text_of(part.sql, part.type, part.span)
        pieces.append(render("COALESCE(:a, '')", a=text) if part.may_be_null else text)
    if not pieces:
        return exp.Literal.string("")
    result = pieces[0]
    for piece in pieces[1:]:
        result = render(":a || :b", a=result, b=piece)
    return result


def is_text(value: Typed) -> bool:
    """
    Tell whether ``+`` with this operand puts texts together.

    :param value: an operand
    :return: whether it is a string
    """
    return value.type == STRING
