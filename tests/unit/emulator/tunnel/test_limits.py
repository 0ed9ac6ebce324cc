from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_datalake.emulator.catalog import Column
from airflow_provider_datalake.emulator.maxcompute.tunnel import limits
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import MalformedStream
from airflow_provider_datalake.emulator.maxcompute.types import arrow_type, parse_type
from tests.unit.emulator.tunnel.types_at_extremes import COLUMNS, extreme_batch


def _check(data_type: str, values: list[Any], *, nullable: bool = True) -> None:
    import pyarrow as pa

    array = pa.array(values, arrow_type(parse_type(data_type)))
    batch = pa.RecordBatch.from_arrays([array], ["a"])
    limits.check(batch, [Column(1, "a", data_type, nullable=nullable)])


def test_the_extremes_of_every_type_pass():
    columns = [Column(number, name, str(kind)) for number, (name, kind) in enumerate(COLUMNS)]
    limits.check(extreme_batch(), columns)


def test_null_passes_only_where_the_column_allows_it():
    _check("bigint", [None])
    with pytest.raises(MalformedStream, match="NOT NULL"):
        _check("bigint", [1, None], nullable=False)


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        ("date", -719_529),
        ("date", 2_932_897),
        ("datetime", -62_167_219_200_001),
        ("datetime", 253_402_300_800_000),
        ("timestamp", -(2**63)),
        ("varchar(2)", "abc"),
        ("char(1)", "中文"),
        ("string", "x" * (8 * 1024 * 1024 + 1)),
        ("binary", b"x" * (8 * 1024 * 1024 + 1)),
        ("json", "{"),
        ("json", "NaN"),
        ("json", "[" * 100_000),
        ("array<date>", [0, 2_932_897]),
        ("map<varchar(1),bigint>", [("ab", 1)]),
        ("map<bigint,json>", [(1, "{}"), (2, "{")]),
        ("struct<a:array<char(1)>>", {"a": ["ab"]}),
    ],
)
def test_a_value_beyond_a_limit_is_refused_naming_the_column(data_type, value):
    with pytest.raises(MalformedStream, match="column a"):
        _check(data_type, [None, value])


def test_what_lies_under_a_null_is_not_looked_at():
    import pyarrow as pa

    hidden = pa.array(["far too long"])
    array = pa.StructArray.from_arrays([hidden], ["x"], mask=pa.array([True]))
    batch = pa.RecordBatch.from_arrays([array], ["a"])
    limits.check(batch, [Column(1, "a", "struct<x:varchar(1)>")])


def test_only_the_rows_of_a_slice_count():
    import pyarrow as pa

    array = pa.array([[("long", 1)], [("k", 2)]], pa.map_(pa.string(), pa.int64())).slice(1)
    limits.check(pa.RecordBatch.from_arrays([array], ["a"]), [Column(1, "a", "map<varchar(1),bigint>")])
