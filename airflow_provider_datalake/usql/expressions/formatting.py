"""Values in the formats of C#: what ``ToString(format)`` and ``string.Format`` give, in the culture en-US."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.expressions.texts import concatenated, formatted_date, text_of
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.typed import Typed

_STANDARD = re.compile(r"([CDEFGNPRX])(\d{0,2})", re.IGNORECASE)
_CUSTOM = re.compile(r"([#,0]*)(?:\.(0*)(#*))?(%?)")
_MOST_PLACES = 15
"""Digits behind the point that a double, as a decimal, is formatted with."""
_BITS = {
    Kind.SBYTE: 8,
    Kind.BYTE: 8,
    Kind.SHORT: 16,
    Kind.USHORT: 16,
    Kind.INT: 32,
    Kind.UINT: 32,
    Kind.LONG: 64,
    Kind.ULONG: 64,
}
_GUIDS = {"D": ":a", "N": "REPLACE(:a, '-', '')", "B": "'{' || :a || '}'", "P": "'(' || :a || ')'"}
_HOLE = re.compile(r"\{\{|\}\}|\{(\d+)(?:,\s*(-?\d+))?(?::([^{}]*))?\}|[{}]")


def composed(values: list[Typed]) -> exp.Expr:
    """
    Bind ``string.Format``.

    :param values: the format, and what goes into its holes
    :return: SQL of the text
    :raises CompileError: for a format that is not constant, or that does not fit
    """
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
        pieces.append(_in_width(arguments[int(match[1])], match[2], match[3]))
    plain += text[position:]
    if plain or not pieces:
        pieces.append(exp.Literal.string(plain))
    result = pieces[0]
    for piece in pieces[1:]:
        result = render(":a || :b", a=result, b=piece)
    return result


def _in_width(value: Typed, width: str | None, format_: str | None) -> exp.Expr:
    text = formatted(value, format_) if format_ else concatenated([value])
    if format_ and value.may_be_null:
        text = render("COALESCE(:a, '')", a=text)
    if not width or not int(width):
        return text
    size, pad = abs(int(width)), "LPAD" if int(width) > 0 else "RPAD"
    return render(f"CASE WHEN LENGTH(:a) >= {size} THEN :a ELSE {pad}(:a, {size}, ' ') END", a=text)


def formatted(value: Typed, format_: str) -> exp.Expr:
    """
    Write a value in a format.

    :param value: a number, a DateTime or a Guid
    :param format_: the format; of texts and bools it has no effect, as in C#
    :return: SQL of its text; null for null
    :raises CompileError: for a format that is not supported
    """
    kind = value.type.kind
    if not format_ or kind in (Kind.STRING, Kind.BOOL, Kind.CHAR, Kind.NULL):
        return text_of(value.sql, value.type, value.span)
    if kind is Kind.DATETIME:
        return formatted_date(value.sql, format_, value.span)
    if kind is Kind.GUID and format_.upper() in _GUIDS:
        return render(_GUIDS[format_.upper()], a=text_of(value.sql, value.type, value.span))
    if value.type.is_numeric:
        if match := _STANDARD.fullmatch(format_):
            if (found := _standard(value, match[1], match[2])) is not None:
                return found
        elif (match := _CUSTOM.fullmatch(format_)) and (found := _custom(value, *match.groups(""))):
            return found
    raise unsupported(f"the format {format_!r} of a value of type {value.type}", value.span)


def _standard(value: Typed, letter: str, digits: str) -> exp.Expr | None:
    upper = letter.upper()
    places = int(digits) if digits else 2
    if upper in ("G", "R"):
        return None if digits else text_of(value.sql, value.type, value.span)
    if upper == "D" and value.type.is_integral:
        return _signed(value.sql, _filled("CAST(ABS(CAST(:a AS HUGEINT)) AS TEXT)", int(digits or 1)))
    if upper == "X" and value.type.is_integral:
        positive = f"CAST(:a AS HUGEINT) + {2 ** _BITS[value.type.kind]}"
        whole = f"CAST(CASE WHEN :a < 0 THEN {positive} ELSE :a END AS UBIGINT)"
        text = _filled(f"TO_HEX({whole})", int(digits or 1))
        return render(f"{'LOWER' if letter.islower() else 'UPPER'}({text})", a=value.sql)
    if upper == "E":
        return _exponential(value, letter, int(digits or 6))
    if upper not in "FNCP" or places > _MOST_PLACES:
        return None
    number = _rounded(value, places, percent=upper == "P")
    text = _laid_out(1, places, places, grouping=upper != "F")
    if upper == "C":
        sql = render(f"CASE WHEN :a < 0 THEN '($' || {text} || ')' ELSE '$' || {text} END", a=number)
    else:
        sql = _signed(number, f"{text} || ' %'" if upper == "P" else text)
    return _finite(value, sql)


def _custom(value: Typed, whole: str, zeros: str, hashes: str, percent: str) -> exp.Expr | None:
    digits = whole.replace(",", "")
    grouping = "," in whole.strip(",")
    least = digits.count("0")
    most_places = len(zeros) + len(hashes)
    # A 0 before a #, a comma that divides by a thousand, or groups of filled zeros.
    odd = "#" in digits.lstrip("#") or whole.endswith(",") or (grouping and least > 3)
    if odd or not (whole or zeros or hashes) or most_places > _MOST_PLACES:
        return None
    number = _rounded(value, most_places, percent=bool(percent))
    text = _laid_out(least, len(zeros), most_places, grouping=grouping)
    return _finite(value, _signed(number, f"{text} || '%'" if percent else text))


def _rounded(value: Typed, places: int, *, percent: bool) -> exp.Expr:
    """Round half away from zero, as .NET does when it writes, and keep so many digits."""
    kind = value.type.kind
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        # .NET first takes the digits that the type is sure of.
        digits = 15 if kind is Kind.DOUBLE else 7
        text = f"CASE WHEN ISFINITE(:a) THEN FORMAT('{{:.{digits}g}}', :a) END"
        number = f"CAST({text} AS DECIMAL(38, {_MOST_PLACES}))"
    else:
        number = ":a" if kind is Kind.DECIMAL else "CAST(:a AS DECIMAL(38, 0))"
    if percent:
        number = f"{number} * CAST(100 AS DECIMAL(3, 0))"
    return render(f"CAST(ROUND({number}, {places}) AS DECIMAL(38, {places}))", a=value.sql)


def _laid_out(least: int, least_places: int, most_places: int, *, grouping: bool) -> str:
    """Write the template of a number's absolute value, which has ``most_places`` digits behind its point."""
    whole = "CAST(TRUNC(ABS(:a)) AS HUGEINT)"
    text = f"FORMAT('{{:,}}', {whole})" if grouping else f"CAST({whole} AS TEXT)"
    if least == 0:
        text = f"CASE WHEN {whole} = 0 THEN '' ELSE {text} END"
    elif least > 1:
        text = _filled(text, least)
    if not most_places:
        return f"({text})"
    digits = "SPLIT_PART(CAST(ABS(:a) AS TEXT), '.', 2)"
    if least_places == most_places:
        return f"(({text}) || '.' || {digits})"
    kept = f"LEFT({digits}, {least_places}) || RTRIM(SUBSTRING({digits}, {least_places + 1}), '0')"
    return f"(({text}) || RTRIM('.' || {kept}, '.'))"


def _signed(number: exp.Expr, text: str) -> exp.Expr:
    return render(f"CASE WHEN :a < 0 THEN '-' ELSE '' END || {text}", a=number)


def _finite(value: Typed, text: exp.Expr) -> exp.Expr:
    if value.type.kind not in (Kind.FLOAT, Kind.DOUBLE):
        return text
    other = text_of(value.sql, value.type, value.span)
    return render("CASE WHEN ISFINITE(:a) THEN :t ELSE :o END", a=value.sql, t=text, o=other)


def _exponential(value: Typed, letter: str, places: int) -> exp.Expr:
    text = f"FORMAT('{{:.{places}e}}', CAST(:a AS DOUBLE))"
    mantissa, power = f"SPLIT_PART({text}, 'e', 1)", f"SPLIT_PART({text}, 'e', 2)"
    sql = f"{mantissa} || '{letter}' || LEFT({power}, 1) || LPAD(SUBSTRING({power}, 2), 3, '0')"
    return _finite(value, render(sql, a=value.sql))


def _filled(text: str, width: int) -> str:
    """Put zeros before a text; SQL's own function would cut a longer one."""
    return f"LPAD({text}, CAST(GREATEST({width}, LENGTH({text})) AS INT), '0')"
