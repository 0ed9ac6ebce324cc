"""Members of ``Regex``, for patterns that mean the same to .NET and to RE2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.failures import unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.members.registry import (
    BOOL,
    STRING,
    STRINGS,
    Member,
    static,
)
from airflow_provider_datalake.usql.expressions.templates import render

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_R = "Regex"
# Look-around, back-references, atomic groups, conditions, and what .NET alone has.
_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>(]|<[=!])|\\[1-9]|\\k<|\\G|\(\?[a-z]*n|\[[^\]]*-\[")
_NAMED = re.compile(r"\(\?<([A-Za-z]\w*)>")


def pattern_of(value: Typed) -> str:
    """
    Read a pattern and check that RE2 understands it as .NET does.

    :param value: the pattern
    :return: the pattern for RE2
    :raises CompileError: when it is not constant, or uses what RE2 does not have
    """
    if not value.constant:
        raise unsupported("a regular expression that is not constant", value.span)
    pattern = str(fold(value))
    if found := _BEYOND_RE2.search(pattern):
        raise unsupported(f"{found[0]!r} in the regular expression {pattern!r}", value.span)
    return _NAMED.sub(r"(?P<\1>", pattern)


def _matching(values: list[Typed]) -> exp.Expr:
    return render("REGEXP_MATCHES(:a, :p)", a=values[0].sql, p=pattern_of(values[1]))


def _replacing(values: list[Typed]) -> exp.Expr:
    if not values[2].constant:
        raise unsupported("Regex.Replace with a replacement that is not constant", values[2].span)
    replacement = str(fold(values[2])).replace("\\", "\\\\")
    if re.search(r"\$[^0-9$]", replacement):
        raise unsupported(f"the replacement {replacement!r}", values[2].span)
    replacement = re.sub(r"\$(\d)", r"\\\1", replacement).replace("$$", "$")
    return render("REGEXP_REPLACE(:a, :p, :r, 'g')", a=values[0].sql, p=pattern_of(values[1]), r=replacement)


def _splitting(values: list[Typed]) -> exp.Expr:
    pattern = pattern_of(values[1])
    if re.search(r"(?<!\\)\((?!\?:)", pattern):
        raise unsupported("Regex.Split with groups", values[1].span)
    return render("STR_SPLIT_REGEX(:a, :p)", a=values[0].sql, p=pattern)


MEMBERS: tuple[Member, ...] = (
    static(_R, "IsMatch", (STRING, STRING), BOOL, _matching),
    static(_R, "Replace", (STRING, STRING, STRING), STRING, _replacing),
    static(_R, "Split", (STRING, STRING), STRINGS, _splitting),
)
