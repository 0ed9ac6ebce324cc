"""Members of ``Regex``, for patterns that mean the same to .NET and to RE2."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import invalid, raising, unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.members.patterns import is_bounded, translated
from airflow_provider_datalake.usql.expressions.members.registry import (
    BOOL,
    INT,
    STRING,
    STRINGS,
    Member,
    enum,
    prop,
    static,
)
from airflow_provider_datalake.usql.expressions.templates import Value, render

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.expressions.typed import Typed

_R = "Regex"
_MATCH = enum("Match")
"""The first match; its SQL is a tuple of the text, the pattern and the number of a group."""
GROUPS = enum("GroupCollection")
_GROUP = enum("Group")
_OPTIONS = enum("RegexOptions")
_FLAGS = {1: "i", 2: "m", 16: "s"}
_WITHOUT_EFFECT = 8 | 512
"""Compiled, and CultureInvariant: letters of other cultures are not told apart by case anyway."""


def _pattern(value: Typed, options: Typed | None = None, *, searching: bool = False) -> str:
    """Read a pattern, which must be constant, and write it for RE2."""
    if not value.constant:
        raise unsupported("a regular expression that is not constant", value.span)
    pattern = str(fold(value))
    flags, number = "", 0 if options is None else int(fold(options))
    for bit, flag in _FLAGS.items():
        if number & bit:
            flags += flag
    if number & ~(sum(_FLAGS) | _WITHOUT_EFFECT):
        raise unsupported(
            "RegexOptions other than IgnoreCase, Multiline, Singleline and Compiled", value.span
        )
    try:
        return translated(pattern, flags, searching=searching)
    except ValueError as error:
        raise unsupported(f"{error} in the regular expression {pattern!r}", value.span) from error


_BOUNDED = raising("The edges of words are found in ASCII texts only.").sql(dialect="duckdb")


def _applied(template: str, text: exp.Expr, pattern: str, **more: Value) -> exp.Expr:
    if is_bounded(pattern):
        template = f"CASE WHEN STRLEN(:a) = LENGTH(:a) THEN {template} ELSE {_BOUNDED} END"
    return render(template, a=text, p=pattern, **more)


def _options(values: list[Typed], place: int) -> Typed | None:
    return values[place] if len(values) > place else None


def _matching(values: list[Typed]) -> exp.Expr:
    pattern = _pattern(values[1], _options(values, 2), searching=True)
    return _applied("REGEXP_MATCHES(:a, :p)", values[0].sql, pattern)


def _replacing(values: list[Typed]) -> exp.Expr:
    text, _, replacement = values[:3]
    if not replacement.constant:
        raise unsupported("Regex.Replace with a replacement that is not constant", replacement.span)
    pattern = _pattern(values[1], _options(values, 3))
    written = _replacement(str(fold(replacement)), re.compile(_countable(pattern)).groups, replacement.span)
    return _applied("REGEXP_REPLACE(:a, :p, :r, 'g')", text.sql, pattern, r=written)


def _countable(pattern: str) -> str:
    """Leave nothing of a pattern but what opens groups, for Python to count them."""
    return "".join(re.findall(r"\((?![?])", re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "", pattern))).replace(
        "(", "()"
    )


def _replacement(text: str, groups: int, span: Span) -> str:
    found = ""
    for match in re.finditer(r"\$\$|\$(\d+)|\$\{(\d+)\}|\$|\\|[^$\\]+", text):
        number = match[1] or match[2]
        if match[0] == "$$":
            found += "$"
        elif match[0] == "\\":
            found += "\\\\"
        elif number is not None and int(number) <= groups and len(number) == 1:
            found += f"\\{number}"
        elif match[0].startswith("$"):
            raise unsupported(f"the replacement {text!r}", span)
        else:
            found += match[0]
    return found


def _splitting(values: list[Typed]) -> exp.Expr:
    pattern = _pattern(values[1], _options(values, 2))
    if _countable(pattern):
        raise unsupported("Regex.Split with groups", values[1].span)
    if re.fullmatch(_python(pattern), ""):
        raise unsupported("Regex.Split at a pattern that matches nothing", values[1].span)
    return _applied("STR_SPLIT_REGEX(:a, :p)", values[0].sql, pattern)


def _python(pattern: str) -> str:
    return re.sub(r"\\[pP]\{\w+\}|\\x\{\w+\}", "x", pattern).replace("\\z", "\\Z")


def _found(values: list[Typed]) -> exp.Expr:
    pattern = _pattern(values[1], _options(values, 2))
    return exp.Tuple(expressions=[values[0].sql, exp.Literal.string(pattern), exp.Literal.number(0)])


def _value(values: list[Typed]) -> exp.Expr:
    text, pattern, number = values[0].sql.expressions
    return _applied("REGEXP_EXTRACT(:a, :p, :n)", text, str(pattern.this), n=number)


def _success(values: list[Typed]) -> exp.Expr:
    text, pattern, number = values[0].sql.expressions
    if number != exp.Literal.number(0):
        raise unsupported("Success of a group", values[0].span)
    return _applied("REGEXP_MATCHES(:a, :p)", text, str(pattern.this))


def group(match: Typed, number: Typed, span: Span) -> Typed:
    """
    Bind ``match.Groups[number]``.

    :param match: the match
    :param number: a constant number
    :param span: the whole expression
    :return: the group
    :raises CompileError: when there is no such group
    """
    if not (number.constant and number.type == INT):
        raise unsupported("a group of a match by other than a constant number", span)
    text, pattern, _ = match.sql.expressions
    wanted, known = int(fold(number)), re.compile(_countable(str(pattern.this))).groups
    if not 0 <= wanted <= min(known, 9):
        raise invalid(f"the pattern has {known} groups, not {wanted}", span)
    sql = exp.Tuple(expressions=[text, pattern, exp.Literal.number(wanted)])
    return replace(match, sql=sql, type=_GROUP, span=span)


MEMBERS: tuple[Member, ...] = (
    *(
        static(_R, name, (*parameters, *options), result, lower)
        for name, parameters, result, lower in (
            ("IsMatch", (STRING, STRING), BOOL, _matching),
            ("Match", (STRING, STRING), _MATCH, _found),
            ("Replace", (STRING, STRING, STRING), STRING, _replacing),
            ("Split", (STRING, STRING), STRINGS, _splitting),
        )
        for options in ((), (_OPTIONS,))
    ),
    prop("Match", "Groups", GROUPS, lambda values: values[0].sql),
    *(prop(owner, "Value", STRING, _value) for owner in ("Match", "Group")),
    *(prop(owner, "Success", BOOL, _success) for owner in ("Match", "Group")),
)
