"""Table functions, used in LATERAL VIEW and alone in a SELECT list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument
from airflow_provider_datalake.emulator.maxcompute.sql.functions import json
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    constant_integer,
    constant_string,
    count,
    mismatch,
    string,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    STRING,
    FunctionContext,
    Typed,
    array_of,
    emit,
    null,
    template,
    text,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.types import DataType


@dataclass(frozen=True)
class Expansion:
    """
    What a table function gives for one row.

    :param names: the default names of its columns
    :param types: their types
    :param rows: a DuckDB expression: a LIST of STRUCTs with the fields c0, c1, ... to unnest
    """

    names: tuple[str, ...]
    types: tuple[DataType, ...]
    rows: exp.Expression


TableFunctionBinder = Callable[[Sequence[Typed], FunctionContext], Expansion]


def _rows(value: Typed, fields: Sequence[str]) -> exp.Expression:
    names = ", ".join(f"'c{i}': {field}" for i, field in enumerate(fields))
    return template(f"list_transform({{0}}, lambda __v, __i: {{{names}}})", value)


def _explode(args: Sequence[Typed], ctx: FunctionContext) -> Expansion:
    count("explode", args, 1)
    value = args[0]
    if value.type.name == "array":
        return Expansion(("col",), value.type.children, _rows(value, ["__v"]))
    if value.type.name == "map":
        entries = template("map_entries({0})", value)
        return Expansion(
            ("key", "value"), value.type.children, _rows(Typed(entries, value.type), ["__v.key", "__v.value"])
        )
    raise mismatch("explode", *args)


def _posexplode(args: Sequence[Typed], ctx: FunctionContext) -> Expansion:
    count("posexplode", args, 1)
    value = args[0]
    if value.type.name != "array":
        raise mismatch("posexplode", *args)
    rows = _rows(value, ["CAST(__i - 1 AS BIGINT)", "__v"])
    return Expansion(("pos", "val"), (BIGINT, value.type.children[0]), rows)


def _json_tuple(args: Sequence[Typed], ctx: FunctionContext) -> Expansion:
    count("json_tuple", args, 2, -1)
    source = json.document("json_tuple", args[0], ctx)
    values = []
    for arg in args[1:]:
        key = constant_string("json_tuple", arg, "a key")
        path = None if not key else json.duckdb_path(key if key.startswith("$") else "$." + key)
        values.append(null(STRING) if path is None else emit(STRING, json.PICKED, source, text(path)))
    return _listed([values])


def _stack(args: Sequence[Typed], ctx: FunctionContext) -> Expansion:
    count("stack", args, 2, -1)
    number = constant_integer("stack", args[0], "the number of rows")
    if not number or number < 1 or (len(args) - 1) % number:
        raise InvalidArgument("function stack: the values must fill the rows evenly")
    width = (len(args) - 1) // number
    columns = [casts.unify(args[1 + i :: width], ctx) for i in range(width)]
    return _listed([[values[row] for values, _ in columns] for row in range(number)])


def _listed(rows: Sequence[Sequence[Typed]]) -> Expansion:
    structs = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(f"c{i}"), expression=v.expr) for i, v in enumerate(row)
            ]
        )
        for row in rows
    ]
    width = range(len(rows[0]))
    types = tuple(STRING if v.type.name == "void" else v.type for v in rows[0])
    return Expansion(tuple(f"col{i}" for i in width), types, exp.Array(expressions=structs))


def _trans_array(args: Sequence[Typed], ctx: FunctionContext) -> Expansion:
    count("trans_array", args, 3, -1)
    number = constant_integer("trans_array", args[0], "the number of keys")
    separator = constant_string("trans_array", args[1], "the separator")
    values = args[2:]
    if number is None or not 0 <= number <= len(values) or not separator:
        raise InvalidArgument("function trans_array: invalid number of keys or empty separator")
    keys, texts = values[:number], [string("trans_array", v, ctx) for v in values[number:]]
    lists = [emit(array_of(STRING), "string_split({0}, {1})", t, text(separator)) for t in texts]
    holes = range(number, len(values))
    longest = ", ".join(f"coalesce(len({{{i}}}), 0)" for i in holes)
    fields = [f"'c{i}': {{{i}}}" for i in range(number)] + [
        f"'c{i}': list_extract({{{i}}}, __i)" for i in holes
    ]
    count_ = f"greatest({longest}, 1)" if texts else "1"
    rows = template(
        f"list_transform(range(1, {count_} + 1), lambda __i: {{{', '.join(fields)}}})", *keys, *lists
    )
    types = (*(k.type for k in keys), *(STRING for _ in texts))
    return Expansion(tuple(f"col{i}" for i in range(len(values))), types, rows)


TABLE_FUNCTIONS: dict[str, TableFunctionBinder] = {
    "explode": _explode,
    "posexplode": _posexplode,
    "json_tuple": _json_tuple,
    "stack": _stack,
    "trans_array": _trans_array,
}
