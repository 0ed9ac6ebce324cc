"""The framing of Arrow data: the same bytes as PyODPS, and nothing corrupt gets through."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa  # the cases are made of Arrow data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.clients.maxcompute_frames import (
    CHUNK_SIZE,
    CorruptStream,
    _Checksum,
    decode,
    encode,
)


def batches(rows: int, width: int = 1) -> list[pa.RecordBatch]:
    table = pa.table(
        {"a": pa.array(range(rows), pa.int64()), "b": pa.array(["x" * width] * rows, pa.string())}
    )
    return table.to_batches(max_chunksize=10_000)


def read(body: Any, schema: pa.Schema) -> list[pa.RecordBatch]:
    return decode(io.BytesIO(bytes(body)).read, schema)


def test_checksum_is_the_standard_one() -> None:
    assert _Checksum().full(bytearray(b"123456789")) == 0xE3069283


@given(size=st.integers(1, 40), data=st.binary(max_size=200))
def test_combined_checksum_is_that_of_the_whole(size: int, data: bytes) -> None:
    checksum = _Checksum(size)
    end = len(data) - len(data) % size
    for at in range(0, end, size):
        checksum.full(bytearray(data[at : at + size]))
    assert checksum.last(bytearray(data[end:])) == _Checksum().full(bytearray(data))


@pytest.mark.parametrize("rows", [1, 5_000, 50_000])
def test_encodes_what_pyodps_encodes(rows: int) -> None:
    from odps.models import TableSchema
    from odps.tunnel.io.writer import BaseArrowWriter

    out = io.BytesIO()
    writer = BaseArrowWriter(TableSchema.from_lists(["a", "b"], ["bigint", "string"]), out)
    for batch in batches(rows):
        writer.write(batch)
    writer.close()
    assert encode(batches(rows)).to_pybytes() == out.getvalue()


@settings(deadline=None)
@given(rows=st.integers(0, 3000), width=st.integers(0, 100))
def test_round_trip(rows: int, width: int) -> None:
    data = batches(rows, width)
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    assert pa.Table.from_batches(read(encode(data), schema), schema) == pa.Table.from_batches(data, schema)


def test_round_trip_when_the_payload_ends_with_a_full_chunk() -> None:
    schema = pa.schema([("a", pa.binary())])
    # Messages are padded to 8 bytes, so that some length of the value ends on a chunk's border.
    bodies = [
        encode([pa.record_batch([pa.array([b"x" * n])], schema=schema)])
        for n in range(CHUNK_SIZE - 600, CHUNK_SIZE, 8)
    ]
    full = [body for body in bodies if len(body) == 4 + CHUNK_SIZE + 4 + 4]
    assert full
    for body in bodies:
        assert sum(batch.num_rows for batch in read(body, schema)) == 1


@settings(deadline=None, max_examples=60)
@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_one_flipped_byte_is_found(at: float, flip: int) -> None:
    body = bytearray(encode(batches(6_000)))
    body[int(at * len(body))] ^= flip
    with pytest.raises(CorruptStream):
        read(body, pa.schema([("a", pa.int64()), ("b", pa.string())]))


@pytest.mark.parametrize("keep", [0, 3, 4, 7, 100, CHUNK_SIZE, CHUNK_SIZE + 6, -1, -4])
def test_truncated_stream_is_found(keep: int) -> None:
    body = bytearray(encode(batches(6_000)))
    with pytest.raises(CorruptStream):
        read(body[:keep], pa.schema([("a", pa.int64()), ("b", pa.string())]))
