"""The limits of MaxCompute's types that Arrow's types do not have: checked on everything that is uploaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import MalformedStream
from airflow_provider_datalake.emulator.maxcompute.types import DataType, parse_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from airflow_provider_datalake.emulator.catalog import Column

MAX_FIELD_SIZE = 8 * 1024 * 1024
# 0000-01-01 to 9999-12-31, in milliseconds and in days since the epoch.
_DATETIMES = (-62_167_219_200_000, 253_402_300_799_999)
_DATES = (-719_528, 2_932_896)
# The one 64-bit number that stands for "not a time" in Arrow's consumers.
_TIMESTAMPS = (-(2**63) + 1, 2**63 - 1)
_RANGES = {"datetime": _DATETIMES, "date": _DATES, "timestamp": _TIMESTAMPS, "timestamp_ntz": _TIMESTAMPS}
_SIZED = ("string", "varchar", "char", "json", "binary")


def check(batch: pa.RecordBatch, columns: Sequence[Column]) -> None:
    """
    Check that a table can hold rows.

    :param batch: the rows, with ``arrow_type`` columns that Arrow has validated
    :param columns: the table's data columns, in the batch's order
    :raises MalformedStream: naming the column whose value is NULL, out of range, too long or not JSON
    """
    for array, column in zip(batch.columns, columns, strict=True):
        if array.null_count and not column.nullable:
            raise MalformedStream(f"column {column.name} is NOT NULL, but a record has no value for it")
        _check(array, parse_type(column.type), column.name)


def _check(array: pa.Array, data_type: DataType, name: str) -> None:
    if not _has_limits(data_type) or array.null_count == len(array):
        return
    if data_type.name in _RANGES:
        _check_range(array, data_type, name)
    elif data_type.name in _SIZED:
        _check_text(array, data_type, name)
    elif data_type.name == "array":
        _check(array.flatten(), data_type.children[0], name)
    else:
        # Flattening skips what lies under a NULL.
        struct = _entries(array) if data_type.name == "map" else array
        for child, child_type in zip(struct.flatten(), data_type.children, strict=True):
            _check(child, child_type, name)


def _entries(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    entry = pa.struct([array.type.key_field, array.type.item_field])
    return array.cast(pa.list_(entry)).flatten()


def _has_limits(data_type: DataType) -> bool:
    return data_type.name in _RANGES or data_type.name in _SIZED or any(map(_has_limits, data_type.children))


def _check_range(array: pa.Array, data_type: DataType, name: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = array.view(pa.int32() if data_type.name == "date" else pa.int64())
    found = pc.min_max(numbers).as_py()
    low, high = _RANGES[data_type.name]
    if found["min"] < low or found["max"] > high:
        _refuse(name, data_type, "a value is outside of the type's range")


def _check_text(array: pa.Array, data_type: DataType, name: str) -> None:
    import pyarrow.compute as pc

    if pc.max(pc.binary_length(array)).as_py() > MAX_FIELD_SIZE:
        _refuse(name, data_type, f"a value is longer than {MAX_FIELD_SIZE} bytes")
    if data_type.args and pc.max(pc.utf8_length(array)).as_py() > data_type.args[0]:
        _refuse(name, data_type, f"a value is longer than {data_type.args[0]} characters")
    if data_type.name == "json":
        _check_json(array, data_type, name)


def _check_json(array: pa.Array, data_type: DataType, name: str) -> None:
    for text in array.to_pylist():
        if text is None:
            continue
        try:
            json.loads(text, parse_constant=_not_json)
        except (ValueError, RecursionError) as error:
            _refuse(name, data_type, f"a value is not JSON: {error}")


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _refuse(name: str, data_type: DataType, why: str) -> NoReturn:
    raise MalformedStream(f"column {name} ({data_type}): {why}")
