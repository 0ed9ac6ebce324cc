"""Members of ``string`` and ``char``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import OUT_OF_RANGE, unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.members.registry import (
    ANY,
    BOOL,
    CHAR,
    CHARS,
    INT,
    STRING,
    STRINGS,
    Member,
    enum,
    failing_if,
    method,
    prop,
    static,
)
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.expressions.texts import concatenated, formatted_date, text_of
from airflow_provider_datalake.usql.types import NUMERIC, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.typed import Typed

_S = "string"
_WHITE = (
    b" \\t\\n\\x0b\\x0c\\r\\x85\\xa0\\u1680\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007\\u2008"
    b"\\u2009\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
).decode("unicode_escape")
"""What .NET takes for white space."""
# C# counts UTF-16 units, of which characters behind U+FFFF have two.
_LENGTH = (
    "CAST(CASE WHEN STRLEN(:s) = LENGTH(:s) THEN LENGTH(:s) ELSE LENGTH(:s) + "
    "LENGTH(REGEXP_REPLACE(:s, '[^\\x{10000}-\\x{10FFFF}]', '', 'g')) END AS INT)"
)
_SUBSTRING = failing_if(":a < 0 OR :a > LENGTH(:s)", OUT_OF_RANGE, "SUBSTRING(:s, :a + 1)")
_SUBSTRING_2 = failing_if(
    ":a < 0 OR :b < 0 OR :a + :b > LENGTH(:s)", OUT_OF_RANGE, "SUBSTRING(:s, :a + 1, :b)"
)
_INDEX_FROM = failing_if(
    ":b < 0 OR :b > LENGTH(:s)",
    OUT_OF_RANGE,
    "CAST(CASE WHEN STRPOS(SUBSTRING(:s, :b + 1), :a) = 0 THEN -1 "
    "ELSE STRPOS(SUBSTRING(:s, :b + 1), :a) + :b - 1 END AS INT)",
)
_LAST_INDEX = (
    "CAST(CASE WHEN :a = '' THEN GREATEST(LENGTH(:s) - 1, 0) WHEN STRPOS(:s, :a) = 0 THEN -1 "
    "ELSE LENGTH(:s) - STRPOS(REVERSE(:s), REVERSE(:a)) - LENGTH(:a) + 1 END AS INT)"
)
# .NET leaves the sharp s alone.
_UPPER = "REPLACE(UPPER(:s), '\u1e9e', '\u00df')"
_PAD_LEFT = "CASE WHEN LENGTH(:s) >= :a THEN :s ELSE LPAD(:s, :a, {}) END"
_PAD_RIGHT = "CASE WHEN LENGTH(:s) >= :a THEN :s ELSE RPAD(:s, :a, {}) END"
_INSERT = failing_if(":a < 0 OR :a > LENGTH(:s)", OUT_OF_RANGE, "LEFT(:s, :a) || :b || SUBSTRING(:s, :a + 1)")
_REMOVE = failing_if(":a < 0 OR :a >= LENGTH(:s)", OUT_OF_RANGE, "LEFT(:s, :a)")
_REMOVE_2 = failing_if(
    ":a < 0 OR :b < 0 OR :a + :b > LENGTH(:s)", OUT_OF_RANGE, "LEFT(:s, :a) || SUBSTRING(:s, :a + :b + 1)"
)
_COMPARE = (
    "CASE WHEN {0} IS NOT DISTINCT FROM {1} THEN 0 WHEN {0} IS NULL THEN -1 WHEN {1} IS NULL THEN 1 "
    "WHEN {0} < {1} THEN -1 ELSE 1 END"
)
_OPTIONS = enum("StringSplitOptions")
_COMPARISON = enum("StringComparison")


def _text(value: Typed) -> exp.Expr:
    return text_of(value.sql, value.type, value.span)


def _trim(function: str) -> tuple[Member, ...]:
    name = {"TRIM": "Trim", "LTRIM": "TrimStart", "RTRIM": "TrimEnd"}[function]

    def some(values: list[Typed]) -> exp.Expr:
        characters = concatenated(values[1:]) if len(values) > 1 else exp.Literal.string(_WHITE)
        return render(f"{function}(:s, :c)", s=values[0].sql, c=characters)

    def listed(values: list[Typed]) -> exp.Expr:
        return render(
            f"{function}(:s, ARRAY_TO_STRING(LIST_TRANSFORM(:c, x -> CHR(x)), ''))",
            s=values[0].sql,
            c=values[1].sql,
        )

    return (
        method(_S, name, (), STRING, some, rest=CHAR),
        method(_S, name, (CHARS,), STRING, listed),
    )


def _split(values: list[Typed]) -> exp.Expr:
    separators = [str(fold(render_text(value))) for value in values[1:]] or list(_WHITE)
    return _split_at(values[0], separators)


def render_text(value: Typed) -> Typed:
    """
    Turn a character into text.

    :param value: a char or a string
    :return: the text
    """
    from dataclasses import replace

    return replace(value, sql=_text(value), type=STRING)


def _split_at(text: Typed, separators: list[str]) -> exp.Expr:
    if len(separators) == 1 and separators[0]:
        return render("STRING_SPLIT(:s, :c)", s=text.sql, c=separators[0])
    pattern = "|".join(_escaped(separator) for separator in separators if separator)
    return render("STR_SPLIT_REGEX(:s, :c)", s=text.sql, c=pattern)


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if re.match(r"[^\w\s]", sign, re.ASCII) else sign for sign in text)


def _split_with_options(values: list[Typed]) -> exp.Expr:
    text, separators, options = values
    if not separators.constant:
        raise unsupported("Split at separators that are not constant", separators.span)
    found = fold(separators)
    characters = [chr(one) if isinstance(one, int) else one for one in found or []] or list(_WHITE)
    parts = _split_at(text, characters)
    if fold(options) == 1:
        return render("LIST_FILTER(:a, x -> x <> '')", a=parts)
    return parts


def _join(values: list[Typed]) -> exp.Expr:
    separator, parts = values[0], values[1:]
    if len(parts) == 1 and parts[0].type.kind in (Kind.PLAIN_ARRAY, Kind.ARRAY):
        items = parts[0]
        element = items.type.element or STRING
        if element.kind is not Kind.STRING:
            written = text_of(exp.column("x"), element, items.span)
            lambda_ = exp.Lambda(this=written, expressions=[exp.to_identifier("x")])
            return render(
                "ARRAY_TO_STRING(LIST_TRANSFORM(:a, :l), COALESCE(:b, ''))",
                a=items.sql,
                l=lambda_,
                b=separator.sql,
            )
        return render(
            "ARRAY_TO_STRING(LIST_TRANSFORM(:a, x -> COALESCE(x, '')), COALESCE(:b, ''))",
            a=items.sql,
            b=separator.sql,
        )
    result: exp.Expr | None = None
    for part in parts:
        piece = render("COALESCE(:a, '')", a=_text(part)) if part.may_be_null else _text(part)
        result = (
            piece
            if result is None
            else render(":a || COALESCE(:c, '') || :b", a=result, b=piece, c=separator.sql)
        )
    return result if result is not None else exp.Literal.string("")


_HOLE = re.compile(r"\{\{|\}\}|\{(\d+)(?:,(-?\d+))?(?::([^{}]*))?\}|[{}]")


def _format(values: list[Typed]) -> exp.Expr:
    template, arguments = values[0], values[1:]
    if not template.constant:
        raise unsupported("string.Format with a format that is not constant", template.span)
    text = str(fold(template))
    pieces: list[exp.Expr] = []
    plain, position = "", 0
    for match in _HOLE.finditer(text):
        plain += text[position : match.start()]
        position = match.end()
        if match[0] in ("{{", "}}"):
            plain += match[0][0]
            continue
        if match[1] is None or int(match[1]) >= len(arguments):
            raise unsupported(f"the format {text!r}, which does not fit its arguments,", template.span)
        if plain:
            pieces.append(exp.Literal.string(plain))
            plain = ""
        pieces.append(_formatted(arguments[int(match[1])], match[2], match[3]))
    plain += text[position:]
    if plain or not pieces:
        pieces.append(exp.Literal.string(plain))
    result = pieces[0]
    for piece in pieces[1:]:
        result = render(":a || :b", a=result, b=piece)
    return result


def _formatted(value: Typed, width: str | None, format_: str | None) -> exp.Expr:
    text = formatted(value, format_) if format_ else _text(value)
    if value.may_be_null:
        text = render("COALESCE(:a, '')", a=text)
    if not width:
        return text
    size = int(width)
    pad = "LPAD" if size > 0 else "RPAD"
    return render(f"CASE WHEN LENGTH(:a) >= {abs(size)} THEN :a ELSE {pad}(:a, {abs(size)}, ' ') END", a=text)


def formatted(value: Typed, format_: str) -> exp.Expr:
    """
    Write a value in a format of C#.

    :param value: a number or a DateTime
    :param format_: the format
    :return: its text
    :raises CompileError: for a format that is not supported
    """
    if value.type.kind is Kind.DATETIME:
        return formatted_date(value.sql, format_, value.span)
    number = re.fullmatch(r"([DdFfNnXxGg])(\d*)", format_)
    zeros = re.fullmatch(r"(0+)(?:\.(0+))?", format_)
    if number and value.type.kind in NUMERIC:
        return _number_text(value, number[1].upper(), number[2], lower=number[1].islower())
    if zeros and value.type.kind in NUMERIC:
        return _zeros(value, len(zeros[1]), len(zeros[2] or ""))
    raise unsupported(f"the format {format_!r} of a value of type {value.type}", value.span)


def _number_text(value: Typed, letter: str, digits: str, *, lower: bool) -> exp.Expr:
    if letter == "G" and not digits:
        return _text(value)
    if letter == "D" and value.type.is_integral:
        figures = "CAST(ABS(CAST(:a AS HUGEINT)) AS TEXT)"
        return render(
            f"CASE WHEN :a < 0 THEN '-' ELSE '' END || {_filled(figures, int(digits or 1))}", a=value.sql
        )
    if letter == "X" and value.type.is_integral:
        text = _filled("TO_HEX(:a)", int(digits or 1))
        return render(f"LOWER({text})" if lower else f"UPPER({text})", a=value.sql)
    if letter in ("F", "N"):
        places = int(digits) if digits else 2
        comma = "," if letter == "N" else ""
        # Half away from zero, as .NET rounds when it writes.
        return render(f"FORMAT('{{:{comma}.{places}f}}', ROUND(CAST(:a AS DOUBLE), {places}))", a=value.sql)
    raise unsupported(f"the format {letter}{digits} of a value of type {value.type}", value.span)


def _zeros(value: Typed, whole: int, places: int) -> exp.Expr:
    text = f"FORMAT('{{:.{places}f}}', ABS(ROUND(CAST(:a AS DOUBLE), {places})))"
    width = whole + (places + 1 if places else 0)
    return render(f"CASE WHEN :a < 0 THEN '-' ELSE '' END || {_filled(text, width)}", a=value.sql)


def _filled(text: str, width: int) -> str:
    """Put zeros before a text; SQL's own function would cut a longer one."""
    return f"LPAD({text}, CAST(GREATEST({width}, LENGTH({text})) AS INT), '0')"


def _compare(values: list[Typed]) -> exp.Expr:
    return render(_COMPARE.format(":a", ":b"), a=values[0].sql, b=values[1].sql)


def _compare_ignoring_case(values: list[Typed]) -> exp.Expr:
    if fold(values[2]) is True:
        return render(_COMPARE.format("LOWER(:a)", "LOWER(:b)"), a=values[0].sql, b=values[1].sql)
    return _compare(values)


def _with_comparison(template: str) -> object:
    def lower(values: list[Typed]) -> exp.Expr:
        first, second, comparison = values
        if int(fold(comparison)) % 2:  # the odd ones ignore case
            return render(template, s=render("LOWER(:a)", a=first.sql), a=render("LOWER(:a)", a=second.sql))
        return render(template, s=first.sql, a=second.sql)

    return lower


_TESTS = {
    "Contains": "CONTAINS(:s, :a)",
    "StartsWith": "STARTS_WITH(:s, :a)",
    "EndsWith": "SUFFIX(:s, :a)",
}
_EQUALS = ":s IS NOT DISTINCT FROM :a"

MEMBERS: tuple[Member, ...] = (
    prop(_S, "Length", INT, _LENGTH),
    method(_S, "Substring", (INT,), STRING, _SUBSTRING),
    method(_S, "Substring", (INT, INT), STRING, _SUBSTRING_2),
    method(_S, "IndexOf", (STRING,), INT, "CAST(STRPOS(:s, :a) - 1 AS INT)"),
    method(_S, "IndexOf", (CHAR,), INT, "CAST(STRPOS(:s, CHR(:a)) - 1 AS INT)"),
    method(_S, "IndexOf", (STRING, INT), INT, _INDEX_FROM),
    method(_S, "IndexOf", (CHAR, INT), INT, _INDEX_FROM.replace(":a", "CHR(:a)")),
    method(_S, "LastIndexOf", (STRING,), INT, _LAST_INDEX),
    method(_S, "LastIndexOf", (CHAR,), INT, _LAST_INDEX.replace(":a", "CHR(:a)")),
    *(method(_S, name, (STRING,), BOOL, template) for name, template in _TESTS.items()),
    *(
        method(_S, name, (STRING, _COMPARISON), BOOL, _with_comparison(_TESTS[name]))  # type: ignore[arg-type]
        for name in ("StartsWith", "EndsWith")
    ),
    *(method(_S, name, (), STRING, _UPPER) for name in ("ToUpper", "ToUpperInvariant")),
    *(method(_S, name, (), STRING, "LOWER(:s)") for name in ("ToLower", "ToLowerInvariant")),
    *_trim("TRIM"),
    *_trim("LTRIM"),
    *_trim("RTRIM"),
    method(_S, "Replace", (STRING, STRING), STRING, "REPLACE(:s, :a, COALESCE(:b, ''))", takes_null=True),
    method(_S, "Replace", (CHAR, CHAR), STRING, "REPLACE(:s, CHR(:a), CHR(:b))"),
    method(_S, "Split", (), STRINGS, _split, rest=CHAR),
    method(_S, "Split", (STRING,), STRINGS, _split),
    method(_S, "Split", (CHARS, _OPTIONS), STRINGS, _split_with_options),
    method(_S, "Split", (STRINGS, _OPTIONS), STRINGS, _split_with_options),
    method(
        _S,
        "Split",
        (CHARS,),
        STRINGS,
        lambda values: _split_at(values[0], [chr(one) for one in fold(values[1])]),
    ),
    method(_S, "PadLeft", (INT,), STRING, _PAD_LEFT.format("' '")),
    method(_S, "PadLeft", (INT, CHAR), STRING, _PAD_LEFT.format("CHR(:b)")),
    method(_S, "PadRight", (INT,), STRING, _PAD_RIGHT.format("' '")),
    method(_S, "PadRight", (INT, CHAR), STRING, _PAD_RIGHT.format("CHR(:b)")),
    method(_S, "Insert", (INT, STRING), STRING, _INSERT),
    method(_S, "Remove", (INT,), STRING, _REMOVE),
    method(_S, "Remove", (INT, INT), STRING, _REMOVE_2),
    method(_S, "ToString", (), STRING, ":s"),
    method(_S, "Equals", (STRING,), BOOL, _EQUALS, takes_null=True),
    method(_S, "Equals", (STRING, _COMPARISON), BOOL, _with_comparison(_EQUALS)),  # type: ignore[arg-type]
    method(_S, "CompareTo", (STRING,), INT, _COMPARE.format(":s", ":a"), takes_null=True),
    static(_S, "Empty", None, STRING, "''"),
    static(_S, "IsNullOrEmpty", (STRING,), BOOL, "COALESCE(:a, '') = ''", takes_null=True),
    static(
        _S,
        "IsNullOrWhiteSpace",
        (STRING,),
        BOOL,
        lambda values: render("TRIM(COALESCE(:a, ''), :w) = ''", a=values[0].sql, w=_WHITE),
        takes_null=True,
    ),
    static(_S, "Join", (STRING,), STRING, _join, rest=ANY, takes_null=True),
    static(_S, "Concat", (), STRING, concatenated, rest=ANY, takes_null=True),
    static(_S, "Format", (STRING,), STRING, _format, rest=ANY, takes_null=True),
    static(_S, "Compare", (STRING, STRING), INT, _compare, takes_null=True),
    static(_S, "Compare", (STRING, STRING, BOOL), INT, _compare_ignoring_case, takes_null=True),
    static(_S, "CompareOrdinal", (STRING, STRING), INT, _compare, takes_null=True),
    static(_S, "Equals", (STRING, STRING), BOOL, ":a IS NOT DISTINCT FROM :b", takes_null=True),
    static("char", "IsDigit", (CHAR,), BOOL, "REGEXP_FULL_MATCH(CHR(:a), '\\p{Nd}')"),
    static("char", "IsLetter", (CHAR,), BOOL, "REGEXP_FULL_MATCH(CHR(:a), '\\p{L}')"),
    static("char", "IsLetterOrDigit", (CHAR,), BOOL, "REGEXP_FULL_MATCH(CHR(:a), '[\\p{L}\\p{Nd}]')"),
    static("char", "IsUpper", (CHAR,), BOOL, "REGEXP_FULL_MATCH(CHR(:a), '\\p{Lu}')"),
    static("char", "IsLower", (CHAR,), BOOL, "REGEXP_FULL_MATCH(CHR(:a), '\\p{Ll}')"),
    static(
        "char",
        "IsWhiteSpace",
        (CHAR,),
        BOOL,
        lambda values: render("CONTAINS(:w, CHR(:a))", a=values[0].sql, w=_WHITE),
    ),
    static(
        "char",
        "ToUpper",
        (CHAR,),
        CHAR,
        "CAST(UNICODE(REPLACE(UPPER(CHR(:a)), '\u1e9e', '\u00df')) AS USMALLINT)",
    ),
    static("char", "ToLower", (CHAR,), CHAR, "CAST(UNICODE(LOWER(CHR(:a))) AS USMALLINT)"),
)

__all__ = ["MEMBERS", "Type", "formatted", "render_text"]
