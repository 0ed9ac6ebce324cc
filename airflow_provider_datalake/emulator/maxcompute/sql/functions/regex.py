"""
Functions with regular expressions.

The service's are PCRE's; DuckDB's are RE2's. Where the two would differ (look-around, back-references,
possessive quantifiers) the pattern is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    boolean,
    constant_integer,
    constant_string,
    count,
    is_literal,
    string,
)
from airflow_provider_datalake.emulator.maxcompute.sql.operators import bind_rlike, check_pattern
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    INT,
    STRING,
    FunctionContext,
    Typed,
    array_of,
    emit,
    integer,
    null,
    text,
)
from airflow_provider_datalake.emulator.maxcompute.types import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAIR = DataType("struct", children=(STRING, STRING), field_names=("key", "value"))


def pattern_of(function: str, value: Typed) -> str | None:
    """
    Read and check a constant pattern.

    :param function: the function's name
    :param value: the argument
    :return: the pattern, None for NULL
    :raises SemanticError: when it is empty or cannot be matched the service's way
    """
    pattern = constant_string(function, value, "the pattern")
    if pattern is None:
        return None
    check_pattern(pattern, function)
    try:
        re.compile(re.sub(r"\[\[:\^?[a-z]+:\]", "[a", pattern).replace("\\p", "").replace("\\x{", "x{"))
    except re.error as error:
        raise InvalidArgument(f"function {function}: invalid pattern {pattern!r}: {error}") from error
    return pattern


def split(source: Typed, pattern: Typed, function: str) -> Typed:
    """
    Split a string by a regular expression.

    :param source: a STRING
    :param pattern: a STRING constant, or any STRING
    :param function: the function's name
    :return: an ARRAY of STRING
    """
    if not is_literal(pattern):
        return emit(array_of(STRING), "regexp_split_to_array({0}, {1})", source, pattern)
    wanted = constant_string(function, pattern, "the separator")
    if wanted is None:
        return null(array_of(STRING))
    bare = re.sub(r"\\(\W)", r"\1", wanted)
    if re.escape(bare) == wanted or not re.search(r"[\\.^$*+?()\[\]{}|]", wanted) or bare == "":
        return emit(array_of(STRING), "string_split({0}, {1})", source, text(bare))
    check_pattern(wanted, function)
    return emit(array_of(STRING), "regexp_split_to_array({0}, {1})", source, pattern)


def pairs(pieces: Typed, separator: Typed, function: str) -> Typed:
    """
    Cut every piece into a key and a value, which is NULL without a separator.

    :param pieces: an ARRAY of STRING
    :param separator: a regular expression
    :param function: the function's name
    :return: an ARRAY of STRUCT with key and value
    """
    if is_literal(separator):
        check_pattern(constant_string(function, separator, "the separator") or "=", function)
    whole = emit(STRING, "'(?s)^(.*?)(?:' || {0} || ')(.*)$'", separator)
    cut = (
        "list_transform({0}, lambda __p: CASE WHEN regexp_full_match(__p, {1})"
        " THEN {'key': regexp_extract(__p, {1}, 1), 'value': regexp_extract(__p, {1}, 2)}"
        " ELSE {'key': __p, 'value': NULL} END)"
    )
    return emit(array_of(_PAIR), cut, pieces, whole)


def _split(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("split", args, 2, 3)
    pieces = split(string("split", args[0], ctx), string("split", args[1], ctx), "split")
    last = "coalesce(list_max(list_transform({0}, lambda __p, __i: CASE WHEN __p <> '' THEN __i END)), 0)"
    trimmed = f"CASE WHEN len({{0}}) < 2 THEN {{0}} ELSE list_slice({{0}}, 1, {last}) END"
    if len(args) == 2:
        return emit(pieces.type, trimmed, pieces)
    if isinstance(args[2].expr, exp.Boolean):
        return emit(pieces.type, trimmed, pieces) if args[2].expr.this else pieces
    trim = boolean("split", args[2], ctx)
    return emit(pieces.type, f"CASE WHEN {{1}} THEN {trimmed} ELSE {{0}} END", pieces, trim)


def _extract(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("regexp_extract", args, 2, 3)
    source, group = string("regexp_extract", args[0], ctx), _group("regexp_extract", args)
    pattern = pattern_of("regexp_extract", args[1])
    if pattern is None or group is None:
        return null(STRING)
    _check_group("regexp_extract", pattern, group)
    return emit(STRING, "regexp_extract({0}, {1}, {2})", source, text(pattern), integer(group, INT))


def _extract_all(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("regexp_extract_all", args, 2, 3)
    source, group = string("regexp_extract_all", args[0], ctx), _group("regexp_extract_all", args)
    pattern = pattern_of("regexp_extract_all", args[1])
    if pattern is None or group is None:
        return null(array_of(STRING))
    _check_group("regexp_extract_all", pattern, group)
    return emit(
        array_of(STRING), "regexp_extract_all({0}, {1}, {2})", source, text(pattern), integer(group, INT)
    )


def _group(function: str, args: Sequence[Typed]) -> int | None:
    return constant_integer(function, args[2], "the group") if len(args) > 2 else 1


def _check_group(function: str, pattern: str, group: int) -> None:
    groups = len(re.findall(r"\((?!\?)|\(\?P?<", re.sub(r"\\.|\[[^\]]*\]", "", pattern)))
    if group < 0 or group > max(groups, 0):
        raise InvalidArgument(
            f"function {function}: the pattern {pattern!r} has {groups} groups, no group {group}"
        )


def _numbers(
    function: str, args: Sequence[Typed], least: Sequence[int], defaults: Sequence[int]
) -> list[int] | None:
    """Read the constant integers that follow the pattern; None when one of them is NULL."""
    values = list(defaults)
    for i, arg in enumerate(args):
        number = constant_integer(function, arg, "a position or occurrence")
        if number is None:
            return None
        if number < least[i]:
            raise InvalidArgument(f"function {function}: {number} is less than {least[i]}")
        values[i] = number
    return values


def _from(source: Typed, start: int) -> Typed:
    return source if start == 1 else emit(STRING, "substring({0}, {1})", source, integer(start))


def _substr(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("regexp_substr", args, 2, 4)
    source, pattern = string("regexp_substr", args[0], ctx), pattern_of("regexp_substr", args[1])
    numbers = _numbers("regexp_substr", args[2:], (1, 1), (1, 1))
    if pattern is None or numbers is None:
        return null(STRING)
    found = "list_extract(regexp_extract_all({0}, {1}), {2})"
    return emit(STRING, found, _from(source, numbers[0]), text(pattern), integer(numbers[1]))


def _count(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("regexp_count", args, 2, 3)
    source, pattern = string("regexp_count", args[0], ctx), pattern_of("regexp_count", args[1])
    numbers = _numbers("regexp_count", args[2:], (1,), (1,))
    if pattern is None or numbers is None:
        return null(BIGINT)
    found = "CAST(len(regexp_extract_all({0}, {1})) AS BIGINT)"
    return emit(BIGINT, found, _from(source, numbers[0]), text(pattern))


def _instr(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("regexp_instr", args, 2, 5)
    source, pattern = string("regexp_instr", args[0], ctx), pattern_of("regexp_instr", args[1])
    numbers = _numbers("regexp_instr", args[2:], (1, 1, 0), (1, 1, 0))
    if pattern is None or numbers is None:
        return null(BIGINT)
    start, nth, after = numbers
    if after > 1:
        raise InvalidArgument("function regexp_instr: the return option must be 0 or 1")
    return _position(source, pattern, start, nth, after=bool(after))


def _position(source: Typed, pattern: str, start: int, nth: int, *, after: bool = False) -> Typed:
    """Add up the lengths of what stands before the nth match: earlier matches and the texts between."""
    rest = _from(source, start)
    sizes = "coalesce(list_sum(list_transform(list_slice({0}, 1, {1}), lambda __m: length(__m))), 0)"
    matches = emit(array_of(STRING), "regexp_extract_all({0}, {1})", rest, text(pattern))
    between = emit(array_of(STRING), "regexp_split_to_array({0}, {1})", rest, text(pattern))
    passed = emit(BIGINT, sizes, matches, integer(nth if after else nth - 1))
    skipped = emit(BIGINT, sizes, between, integer(nth))
    return emit(
        BIGINT,
        "CASE WHEN {0} IS NULL THEN NULL WHEN len({0}) < {1} THEN 0 ELSE CAST({2} + {3} + {4} AS BIGINT) END",
        matches,
        integer(nth),
        passed,
        skipped,
        integer(start),
    )


def _replace(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("regexp_replace", args, 3, 4)
    source, pattern = string("regexp_replace", args[0], ctx), pattern_of("regexp_replace", args[1])
    replacement = string("regexp_replace", args[2], ctx)
    numbers = _numbers("regexp_replace", args[3:], (0,), (0,))
    if pattern is None or numbers is None:
        return null(STRING)
    occurrence, regex = numbers[0], text(pattern)
    if occurrence == 0:
        changed = emit(STRING, "regexp_replace({0}, {1}, {2}, 'g')", source, regex, replacement)
    elif occurrence == 1:
        changed = emit(STRING, "regexp_replace({0}, {1}, {2})", source, regex, replacement)
    else:
        at = _position(source, pattern, 1, occurrence)
        changed = emit(
            STRING,
            "CASE WHEN {3} > 0 THEN left({0}, {3} - 1) || regexp_replace(substring({0}, {3}), {1}, {2})"
            " ELSE {0} END",
            source,
            regex,
            replacement,
            at,
        )
    if replacement.constant and not replacement.is_null:
        return changed
    # Without a match the source is kept even if the replacement is NULL.
    return emit(
        STRING,
        "CASE WHEN {2} IS NULL AND NOT regexp_matches({0}, {1}) THEN {0} ELSE {3} END",
        source,
        regex,
        replacement,
        changed,
    )


def _like(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("rlike", args, 2)
    return bind_rlike(args[0], args[1], ctx)


SCALARS: dict[str, Binder] = {
    "split": _split,
    "regexp_extract": _extract,
    "regexp_extract_all": _extract_all,
    "regexp_substr": _substr,
    "regexp_count": _count,
    "regexp_instr": _instr,
    "regexp_replace": _replace,
    "rlike": _like,
    "regexp": _like,
}
