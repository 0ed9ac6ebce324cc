"""Members of ``string`` and ``char``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import (
    NULL_ARGUMENT,
    OUT_OF_RANGE,
    invalid,
    raising,
    unsupported,
)
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.formatting import composed
from airflow_provider_datalake.usql.expressions.members.registry import (
    ANY,
    BOOL,
    CHAR,
    CHARS,
    INT,
    STRING,
    STRINGS,
    Lowering,
    Member,
    enum,
    failing_if,
    method,
    prop,
    static,
)
from airflow_provider_datalake.usql.expressions.templates import render, required
from airflow_provider_datalake.usql.expressions.texts import concatenated, text_of
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.typed import Typed

_S = "string"
_WHITE = (
    b" \\t\\n\\x0b\\x0c\\r\\x85\\xa0\\u1680\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007\\u2008"
    b"\\u2009\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
).decode("unicode_escape")
"""What .NET takes for white space."""
# C# counts UTF-16 units, of which characters behind U+FFFF have two. Where a text has such characters, a
# sign that no text has is put behind each, so that SQL, which counts characters, counts alike.
_SIGN = "\uffff"
_HIGH = "[\\x{10000}-\\x{10FFFF}]"
_ASCII = "STRLEN(:s) = LENGTH(:s)"
_SPLITS = raising("The text is cut inside of a surrogate pair, which cannot be held.").sql(dialect="duckdb")


def _wide(text: str) -> str:
    return f"REGEXP_REPLACE({text}, '({_HIGH})', '\\1{_SIGN}', 'g')"


def _narrow(text: str) -> str:
    return (
        f"CASE WHEN STARTS_WITH({text}, '{_SIGN}') OR REGEXP_MATCHES({text}, '{_HIGH}$') THEN {_SPLITS} "
        f"ELSE REPLACE({text}, '{_SIGN}', '') END"
    )


def _in_units(template: str, *others: str) -> str:
    """Make a template that counts characters one that counts UTF-16 units."""
    wide = template.replace(":s", _wide(":s"))
    for other in others:
        wide = wide.replace(other, _wide(other))
    return f"CASE WHEN {_ASCII} THEN {template} ELSE {wide} END"


def _cut(*pieces: str) -> tuple[str, str]:
    """Join pieces of a text, for characters and for UTF-16 units."""
    plain = " || ".join(pieces)
    wide = " || ".join(
        f"({_narrow(piece.replace(':s', _wide(':s')))})" if ":s" in piece else piece for piece in pieces
    )
    return plain, wide


def _cutting(outside: str, end: str, *pieces: str) -> str:
    """
    Make a template that cuts a text, and fails where the place is outside of it.

    A text has at least as many bytes as UTF-16 units: these are cheaper to count, and enough for ASCII.
    """
    failure = raising(OUT_OF_RANGE).sql(dialect="duckdb")
    plain, wide = _cut(*pieces)
    units = f"LENGTH({_wide(':s')})"
    return (
        f"CASE WHEN {outside} OR {end.format('STRLEN(:s)')} THEN {failure} WHEN {_ASCII} THEN {plain} "
        f"WHEN {end.format(units)} THEN {failure} ELSE {wide} END"
    )


_LENGTH = f"CAST({_in_units('LENGTH(:s)')} AS INT)"
_SUBSTRING = _cutting(":a < 0", ":a > {}", "SUBSTRING(:s, :a + 1)")
_SUBSTRING_2 = _cutting(":a < 0 OR :b < 0", ":a + :b > {}", "SUBSTRING(:s, :a + 1, :b)")
_INSERT = _cutting(":a < 0", ":a > {}", "LEFT(:s, :a)", ":b", "SUBSTRING(:s, :a + 1)")
_REMOVE = _cutting(":a < 0", ":a >= {}", "LEFT(:s, :a)")
_REMOVE_2 = _cutting(":a < 0 OR :b < 0", ":a + :b > {}", "LEFT(:s, :a)", "SUBSTRING(:s, :a + :b + 1)")


def _texts(text: str) -> tuple[str, ...]:
    """Tell which holes are texts themselves; a character is always one unit."""
    return (text,) if text == ":a" else ()


def _index(text: str = ":a") -> str:
    found = _in_units(f"STRPOS(:s, {text})", *_texts(text))
    return f"CAST({found} - 1 AS INT)"


def _index_from(text: str = ":a") -> str:
    rest = "SUBSTRING(:s, :b + 1)"
    found = f"CASE WHEN STRPOS({rest}, {text}) = 0 THEN 0 ELSE STRPOS({rest}, {text}) + :b END"
    checked = failing_if(":b < 0 OR :b > LENGTH(:s)", OUT_OF_RANGE, found)
    return f"CAST({_in_units(checked, *_texts(text))} - 1 AS INT)"


def _last_index(text: str = ":a") -> str:
    found = (
        f"CASE WHEN {text} = '' THEN GREATEST(LENGTH(:s) - 1, 0) WHEN NOT CONTAINS(:s, {text}) THEN -1 "
        f"ELSE LENGTH(:s) - STRPOS(REVERSE(:s), REVERSE({text})) - LENGTH({text}) + 1 END"
    )
    return f"CAST({_in_units(found, *_texts(text))} AS INT)"


# .NET leaves the sharp s alone, for which a sign stands in.
_UPPER = (
    f"CASE WHEN {_ASCII} THEN UPPER(:s) "
    f"ELSE REPLACE(UPPER(REPLACE(:s, '\u00df', '{_SIGN}')), '{_SIGN}', '\u00df') END"
)


def _padded(function: str, sign: str) -> str:
    failure = raising("Non-negative number required.").sql(dialect="duckdb")
    missing = f"CAST({_in_units('LENGTH(:s)')} AS INT)"
    fill = f"REPEAT({sign}, :a - {missing})"
    text = f"{fill} || :s" if function == "LPAD" else f":s || {fill}"
    long_enough = f"{_ASCII} AND LENGTH(:s) >= :a"
    return f"CASE WHEN :a < 0 THEN {failure} WHEN {long_enough} THEN :s ELSE {text} END"


_ORDINAL = (
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
        if len(values) == 1:
            # Most texts have none of the rarer white space, and SQL is faster at spaces alone.
            usual = f"{_ASCII} AND NOT REGEXP_MATCHES(:s, '[\\x09-\\x0d]')"
            template = f"CASE WHEN {usual} THEN {function}(:s) ELSE {function}(:s, :c) END"
            return render(template, s=values[0].sql, c=_WHITE)
        return render(f"{function}(:s, :c)", s=values[0].sql, c=concatenated(values[1:]))

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
    texts = [replace(value, sql=_text(value), type=STRING) for value in values[1:]]
    if len(texts) == 1 and not texts[0].constant:
        return render("STRING_SPLIT(:s, :c)", s=values[0].sql, c=texts[0].sql)
    return _split_at(values[0], [str(fold(text)) for text in texts])


def _split_at(text: Typed, separators: list[str]) -> exp.Expr:
    """Split at any of some texts; without them at white space, as .NET does."""
    found = [separator for separator in separators if separator]
    if not separators:
        found = list(_WHITE)
    if len(found) == 1:
        return render("STRING_SPLIT(:s, :c)", s=text.sql, c=found[0])
    if not found:
        return render("[:s]", s=text.sql)
    return render("STR_SPLIT_REGEX(:s, :c)", s=text.sql, c="|".join(map(_escaped, found)))


def _split_into(values: list[Typed]) -> exp.Expr:
    text, separators, count = values
    if not separators.constant or len(fold(separators)) != 1:
        raise unsupported(
            "Split into a number of parts at other than one constant character", separators.span
        )
    sign = chr(fold(separators)[0])
    parts = render("STRING_SPLIT(:s, :c)", s=text.sql, c=sign)
    template = failing_if(
        ":n < 1",
        "Count cannot be less than one.",
        "CASE WHEN LEN(:p) <= :n THEN :p "
        "ELSE LIST_APPEND(LIST_SLICE(:p, 1, :n - 1), ARRAY_TO_STRING(LIST_SLICE(:p, :n, LEN(:p)), :c)) END",
    )
    return render(template, p=parts, n=count.sql, c=sign)


def _escaped(text: str) -> str:
    return "".join(sign if re.match(r"\w", sign) else f"\\x{{{ord(sign):x}}}" for sign in text)


def _split_with_options(values: list[Typed]) -> exp.Expr:
    text, separators, options = values
    if not separators.constant:
        raise unsupported("Split at separators that are not constant", separators.span)
    found = fold(separators)
    parts = _split_at(text, [chr(one) if isinstance(one, int) else one for one in found or []])
    if fold(options) == 1:
        return render("LIST_FILTER(:a, x -> x <> '')", a=parts)
    return parts


def _replacing(values: list[Typed]) -> exp.Expr:
    old = values[1]
    if old.is_null or (old.constant and not fold(old)):
        raise invalid("Replace needs a text that is not empty", old.span)
    template = "REPLACE(:s, :a, :b)" if old.constant else _NOT_EMPTY
    new = values[2].sql if not values[2].may_be_null else render("COALESCE(:b, '')", b=values[2].sql)
    return render(template, s=values[0].sql, a=required(old, NULL_ARGUMENT), b=new)


def _join(values: list[Typed]) -> exp.Expr:
    separator, parts = values[0], values[1:]
    if len(parts) == 1 and parts[0].type.kind in (Kind.PLAIN_ARRAY, Kind.ARRAY):
        items = parts[0]
        element = items.type.element or STRING
        if element.kind is not Kind.STRING:
            written = text_of(exp.to_identifier("x"), element, items.span)
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


def _order(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    return render(_ORDINAL.format(":a", ":b"), a=first, b=second)


def _ordinal(values: list[Typed]) -> exp.Expr:
    return _order(values[0].sql, values[1].sql)


def _compare(values: list[Typed]) -> exp.Expr:
    """Compare as the culture en-US sorts: letters first by the alphabet, then by case, small ones first."""
    keys = [render("ICU_SORT_KEY(:a, 'en_US')", a=value.sql) for value in values[:2]]
    return _order(*keys)


def _compare_ignoring_case(values: list[Typed]) -> exp.Expr:
    if fold(values[2]) is not True:
        return _compare(values)
    return _compare([replace(value, sql=render("LOWER(:a)", a=value.sql)) for value in values[:2]])


def _compare_by(values: list[Typed]) -> exp.Expr:
    comparison = int(fold(values[2]))
    if comparison % 2:  # the odd ones ignore case
        values = [replace(value, sql=render("LOWER(:a)", a=value.sql)) for value in values[:2]]
    return _ordinal(values) if comparison >= _ORDINAL_COMPARISON else _compare(values)


_ORDINAL_COMPARISON = 4


def _with_comparison(template: str) -> Lowering:
    def lower(values: list[Typed]) -> exp.Expr:
        first, second, comparison = values
        if int(fold(comparison)) % 2:
            return render(template, s=render("LOWER(:a)", a=first.sql), a=render("LOWER(:a)", a=second.sql))
        return render(template, s=first.sql, a=second.sql)

    return lower


_TESTS = {
    "Contains": "CONTAINS(:s, :a)",
    "StartsWith": "STARTS_WITH(:s, :a)",
    "EndsWith": "SUFFIX(:s, :a)",
}
_EQUALS = ":s IS NOT DISTINCT FROM :a"
_NOT_EMPTY = failing_if(":a = ''", "String cannot be of zero length.", "REPLACE(:s, :a, :b)")

MEMBERS: tuple[Member, ...] = (
    prop(_S, "Length", INT, _LENGTH),
    method(_S, "Substring", (INT,), STRING, _SUBSTRING),
    method(_S, "Substring", (INT, INT), STRING, _SUBSTRING_2),
    method(_S, "IndexOf", (STRING,), INT, _index()),
    method(_S, "IndexOf", (CHAR,), INT, _index("CHR(:a)")),
    method(_S, "IndexOf", (STRING, INT), INT, _index_from()),
    method(_S, "IndexOf", (CHAR, INT), INT, _index_from("CHR(:a)")),
    method(_S, "IndexOf", (STRING, _COMPARISON), INT, _with_comparison(_index())),
    method(_S, "LastIndexOf", (STRING,), INT, _last_index()),
    method(_S, "LastIndexOf", (CHAR,), INT, _last_index("CHR(:a)")),
    *(method(_S, name, (STRING,), BOOL, template) for name, template in _TESTS.items()),
    *(
        method(_S, name, (STRING, _COMPARISON), BOOL, _with_comparison(_TESTS[name]))
        for name in ("StartsWith", "EndsWith")
    ),
    *(method(_S, name, (), STRING, _UPPER) for name in ("ToUpper", "ToUpperInvariant")),
    *(method(_S, name, (), STRING, "LOWER(:s)") for name in ("ToLower", "ToLowerInvariant")),
    *_trim("TRIM"),
    *_trim("LTRIM"),
    *_trim("RTRIM"),
    method(_S, "Replace", (STRING, STRING), STRING, _replacing, takes_null=True),
    method(_S, "Replace", (CHAR, CHAR), STRING, "REPLACE(:s, CHR(:a), CHR(:b))"),
    method(_S, "Split", (), STRINGS, _split, rest=CHAR),
    method(_S, "Split", (STRING,), STRINGS, _split),
    method(_S, "Split", (CHARS, _OPTIONS), STRINGS, _split_with_options),
    method(_S, "Split", (STRINGS, _OPTIONS), STRINGS, _split_with_options),
    method(_S, "Split", (CHARS, INT), STRINGS, _split_into),
    method(
        _S,
        "Split",
        (CHARS,),
        STRINGS,
        lambda values: _split_at(values[0], [chr(one) for one in fold(values[1])]),
    ),
    method(_S, "PadLeft", (INT,), STRING, _padded("LPAD", "' '")),
    method(_S, "PadLeft", (INT, CHAR), STRING, _padded("LPAD", "CHR(:b)")),
    method(_S, "PadRight", (INT,), STRING, _padded("RPAD", "' '")),
    method(_S, "PadRight", (INT, CHAR), STRING, _padded("RPAD", "CHR(:b)")),
    method(_S, "Insert", (INT, STRING), STRING, _INSERT),
    method(_S, "Remove", (INT,), STRING, _REMOVE),
    method(_S, "Remove", (INT, INT), STRING, _REMOVE_2),
    method(_S, "ToString", (), STRING, ":s"),
    method(_S, "Equals", (STRING,), BOOL, _EQUALS, takes_null=True),
    method(_S, "Equals", (STRING, _COMPARISON), BOOL, _with_comparison(_EQUALS), takes_null=True),
    method(_S, "CompareTo", (STRING,), INT, _compare, takes_null=True),
    static(_S, "new", (CHAR, INT), STRING, "REPEAT(CHR(:a), :b)"),
    static(_S, "Copy", (STRING,), STRING, ":a"),
    static("Environment", "NewLine", None, STRING, "CHR(13) || CHR(10)"),
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
    static(_S, "Format", (STRING,), STRING, composed, rest=ANY, takes_null=True),
    static(_S, "Compare", (STRING, STRING), INT, _compare, takes_null=True),
    static(_S, "Compare", (STRING, STRING, BOOL), INT, _compare_ignoring_case, takes_null=True),
    static(_S, "Compare", (STRING, STRING, _COMPARISON), INT, _compare_by, takes_null=True),
    static(_S, "CompareOrdinal", (STRING, STRING), INT, _ordinal, takes_null=True),
    static(
        _S,
        "Equals",
        (STRING, STRING, _COMPARISON),
        BOOL,
        _with_comparison(_EQUALS),
        takes_null=True,
    ),
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

__all__ = ["MEMBERS"]
