"""String functions; those with regular expressions are in ``regex``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import regex
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    choose,
    constant_integer,
    constant_string,
    count,
    mismatch,
    native,
    string,
    whole,
)
from airflow_provider_datalake.emulator.maxcompute.sql.functions.collection import (
    dedup_policy,
    joined,
    map_of_entries,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BINARY,
    BOOLEAN,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    array_of,
    emit,
    integer,
    null,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXTS = array_of(STRING)
_LONGEST = 8 * 1024 * 1024


def concat(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    """
    Bind CONCAT of strings, or of arrays; NULL in, NULL out.

    :param args: the arguments
    :param ctx: the statement
    :return: the value
    """
    if not args:
        return null(STRING)
    if any(a.type.name == "array" for a in args):
        arrays, target = casts.unify(args, ctx)
        known = " AND ".join(f"{{{i}}} IS NOT NULL" for i in range(len(arrays)))
        joined = ", ".join(f"{{{i}}}" for i in range(len(arrays)))
        return emit(target, f"CASE WHEN {known} THEN list_concat({joined}) END", *arrays)
    values = [string("concat", a, ctx) for a in args]
    return emit(STRING, " || ".join(f"{{{i}}}" for i in range(len(values))), *values)


def _concat_ws(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("concat_ws", args, 2, -1)
    separator = string("concat_ws", args[0], ctx)
    if len(args) == 2 and args[1].type.name == "array":
        return joined(casts.cast(args[1], _TEXTS, ctx), separator)
    values = [string("concat_ws", a, ctx) for a in args[1:]]
    if ctx.flag("odps.sql.hive.compatible", False):
        holes = ", ".join(f"{{{i}}}" for i in range(1, len(values) + 1))
        return emit(STRING, f"concat_ws({{0}}, {holes})", separator, *values)
    return emit(STRING, " || {0} || ".join(f"{{{i}}}" for i in range(1, len(values) + 1)), separator, *values)


def _substring(name: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2, 3)
        source, start = string(name, args[0], ctx), whole(name, args[1], ctx)
        if ctx.flag("odps.sql.hive.compatible", False):
            start = emit(BIGINT, "CASE WHEN {0} = 0 THEN 1 ELSE {0} END", start)
        length = whole(name, args[2], ctx) if len(args) > 2 else None
        rest = [start] if length is None else [start, emit(BIGINT, "greatest({0}, 0)", length)]
        holes = ", ".join(f"{{{i}}}" for i in range(1, len(rest) + 1))
        if length is not None and length.constant and (constant_integer(name, length, "the length") or 0) > 0:
            rest[1] = length
        if start.constant and _constant(name, start) > 0:
            return emit(STRING, f"substring({{0}}, {holes})", source, *rest)
        # Before the first character there is nothing, where DuckDB counts on to the left.
        inside = "abs({1}) BETWEEN 1 AND length({0}) OR {1} > 0"
        null_length = "{2} IS NOT NULL AND " if length is not None else ""
        return emit(
            STRING,
            f"CASE WHEN {inside} THEN substring({{0}}, {holes})"
            f" WHEN {null_length}{{0}} IS NOT NULL AND {{1}} IS NOT NULL THEN '' END",
            source,
            *rest,
        )

    return bind


def _constant(name: str, value: Typed) -> int:
    try:
        return constant_integer(name, value, "the position") or 0
    except SemanticError:
        return 0


def _instr(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("instr", args, 2, 4)
    source, wanted = (string("instr", a, ctx) for a in args[:2])
    if len(args) == 2:
        return emit(BIGINT, "instr({0}, {1})", source, wanted)
    start = whole("instr", args[2], ctx)
    nth = whole("instr", args[3], ctx) if len(args) > 3 else integer(1)
    return emit(BIGINT, "mc_instr({0}, {1}, {2}, {3})", source, wanted, start, nth)


_LOCATE = choose(
    "locate",
    n2=native("locate", BIGINT, "instr({1}, {0})", string, string),
    n3=native(
        "locate",
        BIGINT,
        "CASE WHEN {2} < 1 THEN 0 ELSE mc_instr({1}, {0}, greatest({2}, 1), 1) END",
        string,
        string,
        whole,
    ),
)


def _find_in_set(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("find_in_set", args, 2, 3)
    values = [string("find_in_set", a, ctx) for a in args]
    if len(values) == 2:
        values.append(text(","))
    return emit(
        BIGINT,
        "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL AND {2} IS NOT NULL"
        " THEN CAST(coalesce(list_position(string_split({1}, {2}), {0}), 0) AS BIGINT) END",
        *values,
    )


# A guarded call gets no more than it may return: DuckDB computes constants in either branch of a CASE.
def _too_long(name: str) -> str:
    return f"error('ODPS-0121095:function {name}: a STRING holds at most {_LONGEST} bytes')"


def _pad(name: str) -> Binder:
    return native(
        name,
        STRING,
        f"CASE WHEN {{1}} > {_LONGEST} THEN {_too_long(name)}"
        f" WHEN {{1}} > 0 THEN {name}({{0}}, CAST(least({{1}}, {_LONGEST}) AS INTEGER), {{2}}) END",
        string,
        whole,
        string,
    )


def _trim(name: str) -> Binder:
    return choose(
        name,
        n1=native(name, STRING, f"{name}({{0}}, ' ')", string),
        n2=native(name, STRING, f"{name}({{0}}, {{1}})", string, string),
    )


def _split_part(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("split_part", args, 3, 4)
    source, separator = string("split_part", args[0], ctx), string("split_part", args[1], ctx)
    first = constant_integer("split_part", args[2], "the start")
    last = constant_integer("split_part", args[3], "the end") if len(args) > 3 else first
    if first is None or last is None:
        return null(STRING)
    if first < 1 or last < first:
        raise InvalidArgument("function split_part: the start must be at least 1 and the end not before it")
    if constant_string("split_part", separator, "the separator") == "":
        return source
    if first == last:
        return emit(STRING, "split_part({0}, {1}, {2})", source, separator, integer(first))
    pieces = emit(
        _TEXTS,
        "list_slice(string_split({0}, {1}), {2}, {3})",
        source,
        separator,
        integer(first),
        integer(last),
    )
    return joined(pieces, separator)


def _substring_index(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("substring_index", args, 3)
    source, separator = (string("substring_index", a, ctx) for a in args[:2])
    number = whole("substring_index", args[2], ctx)
    pieces = emit(
        _TEXTS,
        "CASE WHEN {2} > 0 THEN list_slice(string_split({0}, {1}), 1, {2})"
        " WHEN {2} < 0 THEN list_slice(string_split({0}, {1}),"
        " greatest(len(string_split({0}, {1})) + {2} + 1, 1), len(string_split({0}, {1}))) END",
        source,
        separator,
        number,
    )
    nothing = "{0} IS NOT NULL AND {1} IS NOT NULL AND ({2} = 0 OR {1} = '')"
    return emit(
        STRING,
        f"CASE WHEN {nothing} THEN '' ELSE {{3}} END",
        source,
        separator,
        number,
        joined(pieces, separator),
    )


def _keyvalue(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    if len(args) not in (2, 4):
        raise mismatch("keyvalue", *args)
    source, *separators, key = (string("keyvalue", a, ctx) for a in args)
    first, second = separators or (text(";"), text(":"))
    prefix = emit(STRING, "{0} || {1}", key, second)
    return emit(
        STRING,
        "substring(list_extract(list_filter(string_split({0}, {1}), lambda __p: starts_with(__p, {2})), 1),"
        " length({2}) + 1)",
        source,
        first,
        prefix,
    )


def _str_to_map(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("str_to_map", args, 1, 4)
    policy, rest = dedup_policy(args, ctx) if len(args) > 1 else dedup_policy((), ctx)
    values = [string("str_to_map", a, ctx) for a in (rest or args)]
    defaults = [text(","), text("=")]
    source, outer, inner = [*values, *defaults[len(values) - 1 :]][:3]
    pieces = regex.split(source, outer, "str_to_map")
    return map_of_entries(regex.pairs(pieces, inner, "str_to_map"), policy)


def _binary(name: str, value: Typed, ctx: FunctionContext) -> Typed:
    if value.type == BINARY:
        return value
    return casts.cast(string(name, value, ctx), BINARY, ctx)


def _to_char(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("to_char", args, 1, 2)
    value = args[0]
    if len(args) == 2:
        from airflow_provider_datalake.emulator.maxcompute.sql.functions import date

        return date.to_char(args, ctx)
    if value.type == BOOLEAN:
        return emit(STRING, "upper(CAST({0} AS VARCHAR))", value)
    if value.type == VOID or value.type.is_numeric or value.type.is_text:
        return casts.cast(value, STRING, ctx)
    raise mismatch("to_char", value)


def _format_number(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("format_number", args, 2)
    value, wanted = args
    if not value.type.is_numeric and value.type != VOID:
        raise mismatch("format_number", *args)
    digits = casts.cast(value, STRING, ctx)
    if wanted.type.is_integer:
        places = constant_integer("format_number", wanted, "the number of places")
        if places is None:
            return null(STRING)
        if not 0 <= places <= 340:
            raise InvalidArgument("function format_number: the number of places must be from 0 to 340")
        wanted = text("#,##0" + ("." + "0" * places if places else ""))
    return emit(STRING, "mc_format_pattern({0}, {1})", digits, string("format_number", wanted, ctx))


def _hex(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("hex", args, 1)
    value = args[0]
    if value.type.is_integer:
        return emit(STRING, "hex(CAST({0} AS BIGINT))", value)
    if value.type == BINARY or value.type.is_text or value.type == VOID:
        return emit(STRING, "hex({0})", value if value.type == BINARY else string("hex", value, ctx))
    raise mismatch("hex", *args)


def _digest(name: str, result: str) -> Binder:
    return native(name, STRING, result, lambda function, value, ctx: _binary(function, value, ctx))


def _url(name: str) -> Binder:
    return choose(
        name,
        n1=native(name, STRING, f"mc_{name}({{0}}, 'UTF-8')", string),
        n2=native(name, STRING, f"mc_{name}({{0}}, {{1}})", string, string),
    )


_CHR = (
    "CASE WHEN {0} BETWEEN 0 AND 255 THEN chr(CAST({0} AS INTEGER))"
    " WHEN {0} IS NOT NULL THEN error('ODPS-0121095:chr takes 0 to 255, not ' || {0}) END"
)
_INITCAP = (
    "array_to_string(list_transform(string_split(lower({0}), ' '),"
    " lambda __w: upper(left(__w, 1)) || substring(__w, 2)), ' ')"
)

SCALARS: dict[str, Binder] = {
    **regex.SCALARS,
    "concat": concat,
    "concat_ws": _concat_ws,
    "substr": _substring("substr"),
    "substring": _substring("substring"),
    "substring_index": _substring_index,
    "instr": _instr,
    "locate": _LOCATE,
    "find_in_set": _find_in_set,
    "length": native("length", BIGINT, "length({0})", string),
    "lengthb": native("lengthb", BIGINT, "strlen({0})", string),
    **{name: native(name, STRING, "upper({0})", string) for name in ("upper", "toupper")},
    **{name: native(name, STRING, "lower({0})", string) for name in ("lower", "tolower")},
    "initcap": native("initcap", STRING, _INITCAP, string),
    **{name: _trim(name) for name in ("trim", "ltrim", "rtrim")},
    **{name: _pad(name) for name in ("lpad", "rpad")},
    "replace": native("replace", STRING, "replace({0}, {1}, {2})", string, string, string),
    "translate": native("translate", STRING, "translate({0}, {1}, {2})", string, string, string),
    "reverse": native("reverse", STRING, "reverse({0})", string),
    "repeat": native(
        "repeat",
        STRING,
        f"CASE WHEN strlen({{0}}) * {{1}} > {_LONGEST} THEN {_too_long('repeat')}"
        f" ELSE repeat({{0}}, least({{1}}, {_LONGEST} // greatest(strlen({{0}}), 1))) END",
        string,
        whole,
    ),
    "space": native(
        "space",
        STRING,
        f"CASE WHEN {{0}} > {_LONGEST} THEN {_too_long('space')}"
        f" ELSE repeat(' ', least({{0}}, {_LONGEST})) END",
        whole,
    ),
    "left": native("left", STRING, "left({0}, greatest({1}, 0))", string, whole),
    "right": native("right", STRING, "right({0}, greatest({1}, 0))", string, whole),
    "ascii": native("ascii", BIGINT, "CAST(ascii({0}) AS BIGINT)", string),
    "chr": native("chr", STRING, _CHR, whole),
    "split_part": _split_part,
    "keyvalue": _keyvalue,
    "str_to_map": _str_to_map,
    "char_matchcount": native(
        "char_matchcount",
        BIGINT,
        "CAST(len(list_filter(string_split({0}, ''), lambda __c: __c <> '' AND contains({1}, __c)))"
        " AS BIGINT)"
        " + 0 * length({1})",
        string,
        string,
    ),
    "md5": _digest("md5", "md5({0})"),
    "sha": _digest("sha", "sha1({0})"),
    "sha1": _digest("sha1", "sha1({0})"),
    "sha2": native(
        "sha2",
        STRING,
        "mc_sha2({0}, CASE WHEN {1} = 0 THEN 256 ELSE {1} END)",
        lambda function, value, ctx: _binary(function, value, ctx),
        whole,
    ),
    "crc32": native(
        "crc32", BIGINT, "mc_crc32({0})", lambda function, value, ctx: _binary(function, value, ctx)
    ),
    "base64": _digest("base64", "to_base64({0})"),
    "unbase64": native("unbase64", BINARY, "from_base64({0})", string),
    "hex": _hex,
    "unhex": native("unhex", BINARY, "unhex({0})", string),
    "url_encode": _url("url_encode"),
    "url_decode": _url("url_decode"),
    "parse_url": choose(
        "parse_url",
        n2=native("parse_url", STRING, "mc_parse_url({0}, {1}, '')", string, string),
        n3=native("parse_url", STRING, "mc_parse_url({0}, {1}, {2})", string, string, string),
    ),
    "soundex": native("soundex", STRING, "mc_soundex({0})", string),
    "is_encoding": native("is_encoding", BOOLEAN, "mc_is_encoding({0}, {1}, {2})", string, string, string),
    "to_char": _to_char,
    "format_number": _format_number,
}
