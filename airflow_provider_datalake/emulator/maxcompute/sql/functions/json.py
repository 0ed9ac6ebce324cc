"""Functions on JSON, as text and as the JSON type."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    constant_string,
    count,
    is_literal,
    mismatch,
    native,
    string,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    JSON,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    emit,
    null,
    template,
    text,
)
from airflow_provider_datalake.emulator.maxcompute.types import (
    DataType,
    TypeSyntaxError,
    duckdb_type,
    parse_type,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is not JSON gives NULL.
PICKED = "CASE WHEN json_valid({0}) THEN json_extract_string({0}, {1}) END"
_STEP = re.compile(r"\.([^.\[\]]+)|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\]|\\?\[\s*([0-9]+|\*)\s*\\?\]")


def document(name: str, value: Typed, ctx: FunctionContext) -> Typed:
    """
    Declare a parameter that is JSON or a string with JSON.

    :param name: the function's name
    :param value: the argument
    :param ctx: the statement
    :return: the JSON text
    """
    return value.as_type(STRING) if value.type == JSON else string(name, value, ctx)


def duckdb_path(path: str) -> str | None:
    """
    Translate a path, ``$.a.b[0]``, to DuckDB's.

    :param path: the path
    :return: DuckDB's path, None for one that is not valid
    """
    if not path.startswith("$"):
        return None
    result, at = "$", 1
    while at < len(path):
        step = _STEP.match(path, at)
        if not step:
            return None
        index = step.group(4)
        key = step.group(1) or step.group(2) or step.group(3) or ""
        result += f"[{index}]" if index else '."' + key.replace('"', '\\"') + '"'
        at = step.end()
    return result


def _get_json_object(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("get_json_object", args, 2)
    source = document("get_json_object", args[0], ctx)
    if not is_literal(args[1]):
        return emit(STRING, "mc_get_json_object({0}, {1})", source, string("get_json_object", args[1], ctx))
    given = constant_string("get_json_object", args[1], "the path")
    path = duckdb_path(given) if given is not None else None
    if given is None or path is None:
        return null(STRING)
    if "[*]" in path:
        return emit(STRING, "mc_get_json_object({0}, {1})", source, text(given))
    return emit(STRING, PICKED, source, text(path))


def _json_extract(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("json_extract", args, 2)
    given = constant_string("json_extract", args[1], "the path")
    path = duckdb_path(given) if given is not None else None
    if given is None:
        return null(JSON)
    if path is None or "[*]" in path:
        raise InvalidArgument(f"function json_extract: the path {given!r} is not supported")
    source = document("json_extract", args[0], ctx)
    return emit(JSON, "CAST(json_extract({0}, {1}) AS VARCHAR)", source, text(path))


def _json_exists(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("json_exists", args, 2)
    given = constant_string("json_exists", args[1], "the path")
    path = duckdb_path(given) if given is not None else None
    if given is None:
        return null(BOOLEAN)
    if path is None or "[*]" in path:
        raise InvalidArgument(f"function json_exists: the path {given!r} is not supported")
    return emit(BOOLEAN, "json_exists({0}, {1})", document("json_exists", args[0], ctx), text(path))


def to_text(value: Typed, ctx: FunctionContext) -> exp.Expression:
    """
    Write a value as JSON.

    :param value: any value
    :param ctx: the statement
    :return: a DuckDB JSON expression
    """
    if value.type == JSON:
        return template("CAST({0} AS JSON)", value)
    return template("to_json({0})", casts.cast(value, _jsonable(value.type), ctx))


def _jsonable(data_type: DataType) -> DataType:
    """Replace the types whose JSON text must follow the session's zone or MaxCompute's rules by STRING."""
    if data_type.is_temporal or data_type.name == "binary":
        return STRING
    if data_type.name == "map":
        return DataType("map", children=(STRING, _jsonable(data_type.children[1])))
    children = tuple(_jsonable(c) for c in data_type.children)
    return DataType(data_type.name, data_type.args, children, data_type.field_names)


def _to_json(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("to_json", args, 1)
    return Typed(template("CAST({0} AS VARCHAR)", to_text(args[0], ctx)), STRING, args[0].constant)


def _json_object(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    if len(args) % 2:
        raise InvalidArgument("function json_object needs pairs of keys and values")
    parts = [
        to_text(value, ctx) if i % 2 else string("json_object", value, ctx).expr
        for i, value in enumerate(args)
    ]
    call = exp.Anonymous(this="json_object", expressions=parts)
    return Typed(template("CAST({0} AS VARCHAR)", call), JSON, all(a.constant for a in args))


def _json_array(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    call = exp.Anonymous(this="json_array", expressions=[to_text(value, ctx) for value in args])
    return Typed(template("CAST({0} AS VARCHAR)", call), JSON, all(a.constant for a in args))


def _from_json(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("from_json", args, 2)
    schema = constant_string("from_json", args[1], "the schema")
    if schema is None:
        raise InvalidArgument("function from_json: the schema must not be NULL")
    target = _schema(schema)
    if any(t.is_temporal or t.name in ("binary", "map") for t in _leaves(target)):
        raise InvalidArgument(f"function from_json: the schema {schema!r} is not supported")
    source = document("from_json", args[0], ctx)
    shape = text(json.dumps(_structure(target)))
    return emit(
        target,
        f"CAST(CASE WHEN json_valid({{0}}) THEN json_transform({{0}}, {{1}}) END AS {duckdb_type(target)})",
        source,
        shape,
    )


def _schema(schema: str) -> DataType:
    try:
        return parse_type(schema)
    except TypeSyntaxError:
        # The other form is a list of columns, "a int, b string".
        fields = re.sub(r"(^|,)\s*(\w+)\s+(?=[A-Za-z])", r"\1\2:", schema.strip())
    try:
        return parse_type(f"struct<{fields}>")
    except TypeSyntaxError as error:
        raise InvalidArgument(f"function from_json: invalid schema {schema!r}") from error


def _leaves(data_type: DataType) -> list[DataType]:
    if data_type.name in ("array", "struct"):
        return [leaf for child in data_type.children for leaf in _leaves(child)]
    return [data_type]


def _structure(data_type: DataType) -> object:
    if data_type.name == "array":
        return [_structure(data_type.children[0])]
    if data_type.name == "struct":
        fields = zip(data_type.field_names, data_type.children, strict=True)
        return {name: _structure(child) for name, child in fields}
    return duckdb_type(data_type)


def _json_type(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("json_type", args, 1)
    if args[0].type not in (JSON, VOID):
        raise mismatch("json_type", *args)
    kinds = (
        "CASE json_type({0}) WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array'"
        " WHEN 'VARCHAR' THEN 'string'"
        " WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null'"
        " ELSE CASE WHEN {0} IS NOT NULL THEN 'number' END END"
    )
    return emit(STRING, kinds, args[0].as_type(STRING))


SCALARS: dict[str, Binder] = {
    "get_json_object": _get_json_object,
    "json_extract": _json_extract,
    "json_exists": _json_exists,
    "json_parse": native("json_parse", JSON, "CAST(json({0}) AS VARCHAR)", string),
    "json_format": native("json_format", STRING, "CAST({0} AS VARCHAR)", document),
    "json_valid": native("json_valid", BOOLEAN, "json_valid({0})", document),
    "json_type": _json_type,
    "json_object": _json_object,
    "json_array": _json_array,
    "json_length": native(
        "json_length",
        BIGINT,
        "CASE json_type({0}) WHEN 'ARRAY' THEN CAST(json_array_length({0}) AS BIGINT)"
        " WHEN 'OBJECT' THEN len(json_keys({0})) ELSE CASE WHEN {0} IS NOT NULL THEN 1 END END",
        document,
    ),
    "to_json": _to_json,
    "from_json": _from_json,
}
