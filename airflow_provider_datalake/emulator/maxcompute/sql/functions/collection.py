"""Functions on arrays, maps and structs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument, InvalidArgumentCount
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    boolean,
    constant_string,
    count,
    is_literal,
    mismatch,
    string,
    whole,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    array_of,
    duckdb_cast,
    emit,
    map_of,
    null,
)
from airflow_provider_datalake.emulator.maxcompute.types import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence


def _array(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    values, element = casts.unify(args, ctx)
    if element == VOID:
        element = STRING
    target = array_of(element)
    listed = exp.Array(expressions=[v.expr for v in values])
    return Typed(duckdb_cast(listed, target), target, all(v.constant for v in values))


def _map(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    if len(args) % 2:
        raise InvalidArgumentCount("function map needs pairs of keys and values")
    keys, key = casts.unify(args[::2], ctx)
    values, value = casts.unify(args[1::2], ctx)
    target = map_of(STRING if key == VOID else key, STRING if value == VOID else value)
    if not all(is_literal(k) for k in keys) or len({k.sql() for k in keys}) < len(keys):
        entries = [_struct_of(("key", "value"), pair).expr for pair in zip(keys, values, strict=True)]
        entry = DataType("struct", children=target.children, field_names=("key", "value"))
        listed = Typed(duckdb_cast(exp.Array(expressions=entries), array_of(entry)), array_of(entry))
        return map_of_entries(listed, dedup_policy((), ctx)[0])
    call = exp.Anonymous(
        this="map",
        expressions=[
            exp.Array(expressions=[k.expr for k in keys]),
            exp.Array(expressions=[v.expr for v in values]),
        ],
    )
    return Typed(duckdb_cast(call, target), target, all(a.constant for a in args))


def _struct_of(names: Sequence[str], values: Sequence[Typed]) -> Typed:
    types = tuple(STRING if v.type == VOID else v.type for v in values)
    target = DataType("struct", children=types, field_names=tuple(names))
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(n, quoted=True), expression=v.expr)
        for n, v in zip(names, values, strict=True)
    ]
    return Typed(duckdb_cast(exp.Struct(expressions=fields), target), target, all(v.constant for v in values))


def _struct(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("struct", args, 1, -1)
    return _struct_of([f"col{i}" for i in range(1, len(args) + 1)], args)


def _named_struct(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("named_struct", args, 2, -1)
    if len(args) % 2:
        raise InvalidArgumentCount("function named_struct needs pairs of names and values")
    names = [constant_string("named_struct", a, "a field's name") for a in args[::2]]
    if None in names or len(set(names)) < len(names):
        raise InvalidArgument("function named_struct: the names must be different and not NULL")
    return _struct_of([str(n).lower() for n in names], args[1::2])


def _array_argument(name: str, value: Typed) -> Typed:
    if value.type.name != "array":
        raise mismatch(name, value)
    return value


def _of_array(name: str, text: str, result: DataType | None = None) -> Binder:
    """Define a function of one array; result is by default the array's own type."""

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        value = _array_argument(name, args[0])
        return emit(result or value.type, text, value)

    return bind


def _element(name: str, text: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        value = _array_argument(name, args[0])
        return emit(value.type.children[0], text, value)

    return bind


def _with_element(name: str, text: str, result: DataType | None) -> Binder:
    """Define a function of an array and a value that is looked for in it."""

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2)
        value = _array_argument(name, args[0])
        element = casts.common_type((value.type.children[0], args[1].type))
        target = array_of(element)
        return emit(result or target, text, casts.cast(value, target, ctx), casts.cast(args[1], element, ctx))

    return bind


def _two_arrays(name: str, text: str, result: DataType | None = None) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2)
        arrays, target = casts.unify([_array_argument(name, a) for a in args], ctx)
        return emit(result or target, text, *arrays)

    return bind


def _size(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("size", args, 1)
    kind = args[0].type.name
    if kind == "array":
        return emit(BIGINT, "CASE WHEN {0} IS NULL THEN -1 ELSE len({0}) END", args[0])
    if kind == "map":
        return emit(
            BIGINT, "CASE WHEN {0} IS NULL THEN -1 ELSE CAST(cardinality({0}) AS BIGINT) END", args[0]
        )
    raise mismatch("size", *args)


def _sort_array(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("sort_array", args, 1, 2)
    value = _array_argument("sort_array", args[0])
    ascending = "list_sort({0}, 'ASC', 'NULLS FIRST')"
    if len(args) == 1:
        return emit(value.type, ascending, value)
    up = boolean("sort_array", args[1], ctx)
    return emit(
        value.type,
        f"CASE WHEN {{1}} THEN {ascending} ELSE list_sort({{0}}, 'DESC', 'NULLS LAST') END",
        value,
        up,
    )


def joined(values: Typed, separator: Typed) -> Typed:
    """
    Join the strings of an array, leaving NULLs out.

    :param values: an ARRAY of STRING
    :param separator: a STRING
    :return: the joined STRING, empty when there is nothing to join
    """
    if separator.is_null:
        return null(STRING)
    if is_literal(separator):
        return emit(
            STRING,
            "coalesce(array_to_string({0}, {1}), CASE WHEN {0} IS NOT NULL THEN '' END)",
            values,
            separator,
        )
    # DuckDB joins by a constant only.
    known = emit(values.type, "list_filter({0}, lambda __v: __v IS NOT NULL)", values)
    return emit(
        STRING,
        "CASE WHEN {1} IS NULL THEN NULL WHEN len({0}) = 0 THEN ''"
        " WHEN len({0}) > 0 THEN list_reduce({0}, lambda __a, __b: __a || {1} || __b) END",
        known,
        separator,
    )


def _array_join(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("array_join", args, 2, 3)
    value = casts.cast(_array_argument("array_join", args[0]), array_of(STRING), ctx)
    separator = string("array_join", args[1], ctx)
    if len(args) == 3:
        filler = string("array_join", args[2], ctx)
        value = emit(value.type, "list_transform({0}, lambda __v: coalesce(__v, {1}))", value, filler)
    return joined(value, separator)


def _slice(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("slice", args, 3)
    value = _array_argument("slice", args[0])
    start, length = whole("slice", args[1], ctx), whole("slice", args[2], ctx)
    return emit(
        value.type,
        "CASE WHEN {1} = 0 OR {2} < 0 THEN"
        " error('ODPS-0121095:slice: the start must not be 0 nor the length negative')"
        " WHEN {1} > 0 THEN list_slice({0}, {1}, {1} + {2} - 1)"
        " WHEN -{1} > len({0}) THEN list_slice({0}, 1, 0)"
        " ELSE list_slice({0}, len({0}) + {1} + 1, len({0}) + {1} + {2}) END",
        value,
        start,
        length,
    )


def _array_repeat(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("array_repeat", args, 2)
    times = whole("array_repeat", args[1], ctx)
    return emit(
        array_of(args[0].type), "list_transform(range(greatest({1}, 0)), lambda __i: {0})", args[0], times
    )


def _map_argument(name: str, value: Typed) -> Typed:
    if value.type.name != "map":
        raise mismatch(name, value)
    return value


def _of_map(name: str, text: str, result: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        value = _map_argument(name, args[0])
        key, item = value.type.children
        entry = DataType("struct", children=(key, item), field_names=("key", "value"))
        return emit(array_of({"keys": key, "values": item, "entries": entry}[result]), text, value)

    return bind


def _map_concat(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("map_concat", args, 1, -1)
    maps, target = casts.unify([a if a.is_null else _map_argument("map_concat", a) for a in args], ctx)
    holes = ", ".join(f"{{{i}}}" for i in range(len(maps)))
    known = " AND ".join(f"{{{i}}} IS NOT NULL" for i in range(len(maps)))
    return emit(target, f"CASE WHEN {known} THEN map_concat({holes}) END", *maps)


def map_of_entries(entries: Typed, policy: str) -> Typed:
    """
    Make a map of an array of keys and values.

    :param entries: an ARRAY of STRUCT with a key and a value
    :param policy: ``last_win``, or ``exception`` to fail the query for a key that is there twice
    :return: the MAP
    """
    key, value = entries.type.children[0].children
    if policy == "exception":
        return emit(map_of(key, value), "map_from_entries({0})", entries)
    name = entries.type.children[0].field_names[0]
    last = (
        "list_filter({0}, lambda __e, __at: NOT list_contains("
        f'list_transform(list_slice({{0}}, __at + 1, len({{0}})), lambda __f: __f."{name}"), __e."{name}"))'
    )
    return emit(map_of(key, value), f"map_from_entries({last})", entries)


def dedup_policy(args: Sequence[Typed], ctx: FunctionContext) -> tuple[str, Sequence[Typed]]:
    """
    Take the policy for duplicate keys off the arguments.

    :param args: the arguments, the first of which may be the policy
    :param ctx: the statement, whose flag counts otherwise
    :return: ``last_win`` or ``exception``, and the other arguments
    """
    if args and isinstance(args[0].expr, exp.Literal) and args[0].expr.name in ("exception", "last_win"):
        return args[0].expr.name, args[1:]
    return ctx.settings.get("odps.sql.map.key.dedup.policy", "last_win").lower(), args


def _map_from_entries(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("map_from_entries", args, 1, 2)
    policy, rest = dedup_policy(args, ctx)
    count("map_from_entries", rest, 1)
    value = _array_argument("map_from_entries", rest[0])
    entry = value.type.children[0]
    if entry.name != "struct" or len(entry.children) != 2:
        raise mismatch("map_from_entries", value)
    return map_of_entries(value, policy)


def _map_from_arrays(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("map_from_arrays", args, 2, 3)
    policy, rest = dedup_policy(args, ctx)
    count("map_from_arrays", rest, 2)
    keys, values = (_array_argument("map_from_arrays", a) for a in rest)
    entry = DataType(
        "struct", children=(keys.type.children[0], values.type.children[0]), field_names=("key", "value")
    )
    entries = emit(
        array_of(entry),
        "CASE WHEN len({0}) <> len({1}) THEN"
        " error('ODPS-0121095:map_from_arrays: there must be as many keys as values')"
        " ELSE list_transform({0}, lambda __k, __i: {'key': __k, 'value': list_extract({1}, __i)}) END",
        keys,
        values,
    )
    return map_of_entries(entries, policy)


def _index(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("index", args, 2)
    value, at = args
    if value.type.name == "map":
        key, item = value.type.children
        return emit(item, "map_extract_value({0}, {1})", value, casts.coerce(at, key, ctx))
    element = _array_argument("index", value).type.children[0]
    position = whole("index", at, ctx)
    return emit(element, "CASE WHEN {1} >= 0 THEN list_extract({0}, {1} + 1) END", value, position)


def _refused(name: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        raise InvalidArgument(f"function {name} takes a lambda, which is not supported")

    return bind


_HAS_NULL = "len(list_filter({0}, lambda __v: __v IS NULL)) > 0"
_UNIQUE = (
    "list_filter({0}, lambda __v, __i: coalesce(list_position({0}, __v), __i) = __i"
    " AND (__v IS NOT NULL OR len(list_filter(list_slice({0}, 1, __i - 1), lambda __w: __w IS NULL)) = 0))"
)
_MEMBER = (
    "(coalesce(list_contains({1}, __v), false)"
    " OR (__v IS NULL AND len(list_filter({1}, lambda __w: __w IS NULL)) > 0))"
)


def _distinct(value: Typed) -> Typed:
    return emit(value.type, _UNIQUE, value)


def _set_operation(name: str, text: str) -> Binder:
    plain = _two_arrays(name, text)

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        return _distinct(plain(args, ctx))

    return bind


SCALARS: dict[str, Binder] = {
    "array": _array,
    "map": _map,
    "struct": _struct,
    "named_struct": _named_struct,
    "size": _size,
    "index": _index,
    "array_contains": _with_element(
        "array_contains",
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE list_contains({0}, {1}) END",
        BOOLEAN,
    ),
    "array_position": _with_element(
        "array_position",
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL"
        " ELSE CAST(coalesce(list_position({0}, {1}), 0) AS BIGINT) END",
        BIGINT,
    ),
    "array_remove": _with_element(
        "array_remove", "list_filter({0}, lambda __v: __v IS DISTINCT FROM {1})", None
    ),
    "array_distinct": _of_array("array_distinct", _UNIQUE),
    "array_max": _element("array_max", f"CASE WHEN {_HAS_NULL} THEN NULL ELSE list_max({{0}}) END"),
    "array_min": _element("array_min", f"CASE WHEN {_HAS_NULL} THEN NULL ELSE list_min({{0}}) END"),
    "array_join": _array_join,
    "array_repeat": _array_repeat,
    "array_union": _set_operation(
        "array_union", "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE list_concat({0}, {1}) END"
    ),
    "array_intersect": _set_operation("array_intersect", f"list_filter({{0}}, lambda __v: {_MEMBER})"),
    "array_except": _set_operation("array_except", f"list_filter({{0}}, lambda __v: NOT {_MEMBER})"),
    "arrays_overlap": _two_arrays("arrays_overlap", "list_has_any({0}, {1})", BOOLEAN),
    "sort_array": _sort_array,
    "slice": _slice,
    "map_keys": _of_map("map_keys", "map_keys({0})", "keys"),
    "map_values": _of_map("map_values", "map_values({0})", "values"),
    "map_entries": _of_map("map_entries", "map_entries({0})", "entries"),
    "map_concat": _map_concat,
    "map_from_entries": _map_from_entries,
    "map_from_arrays": _map_from_arrays,
    **{
        name: _refused(name)
        for name in (
            "array_sort",
            "transform",
            "filter",
            "any_match",
            "all_match",
            "array_reduce",
            "zip_with",
            "map_filter",
            "map_zip_with",
            "transform_keys",
            "transform_values",
        )
    },
}
