from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import CorruptedStream, MalformedStream
from tests.unit.emulator.tunnel.types_at_extremes import batches, extreme_batch


def _client_schema():
    from odps.models import TableSchema

    return TableSchema.from_lists(["a", "b"], ["bigint", "string"])


def _written_by_client(tables, chunk_size=None) -> bytes:
    from odps.tunnel.io.writer import BaseArrowWriter

    sink = io.BytesIO()
    writer = BaseArrowWriter(_client_schema(), sink, chunk_size=chunk_size)
    for table in tables:
        writer.write(table)
    writer.close()
    return sink.getvalue()


def _read_by_client(data: bytes):
    from odps.tunnel.io.reader import TunnelArrowReader
    from odps.tunnel.io.stream import SimpleInputStream

    return TunnelArrowReader(_client_schema(), lambda *_: SimpleInputStream(io.BytesIO(data))).read()


def _table(rows: int):
    import pyarrow as pa

    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    return pa.table({"a": range(rows), "b": [f"row {n}" if n % 3 else None for n in range(rows)]}, schema)


def _decode(data: bytes, schema):
    import pyarrow as pa

    return pa.Table.from_batches(arrow_wire.decode(io.BytesIO(data), schema), schema)


@pytest.mark.parametrize("chunk_size", [1, 7, 64, 65536])
def test_what_the_client_writes_is_read(chunk_size):
    table = _table(10)
    assert _decode(_written_by_client([table, table], chunk_size), table.schema).num_rows == 20


@pytest.mark.parametrize("rows", [0, 1, 10_000])
def test_the_client_reads_what_is_written(rows):
    table = _table(rows)
    assert _read_by_client(b"".join(arrow_wire.encode(table.to_batches()))).equals(table)


def test_a_stream_has_one_header_however_many_batches():
    table = _table(500)
    data = b"".join(arrow_wire.encode(table.to_batches(max_chunksize=7), chunk_size=100))
    assert _read_by_client(data).equals(table)


def test_a_sliced_batch_is_written_without_the_rest():
    (batch,) = _table(1000).to_batches()
    data = b"".join(arrow_wire.encode([batch.slice(990, 5)]))
    assert len(data) < 1000
    assert _read_by_client(data).column("a").to_pylist() == [990, 991, 992, 993, 994]


def test_a_payload_of_whole_chunks_is_read():
    table = _table(3)
    size = sum(len(batch.serialize()) for batch in table.to_batches())
    for chunk_size in (size, size // 2):
        assert _decode(_written_by_client([table], chunk_size), table.schema).equals(table)
        assert _read_by_client(b"".join(arrow_wire.encode(table.to_batches(), chunk_size))).equals(table)


def test_a_writer_closed_without_a_batch_gives_no_rows():
    data = _written_by_client([])
    assert data == bytes(4)
    assert _decode(data, _table(0).schema).num_rows == 0


def test_extremes_of_every_type_survive():
    batch = extreme_batch()
    (decoded,) = arrow_wire.decode(io.BytesIO(b"".join(arrow_wire.encode([batch]))), batch.schema)
    assert decoded.equals(batch)


@given(batches(), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_any_rows_of_any_types_survive(drawn, chunk_size):
    import pyarrow as pa

    _, batch = drawn
    data = b"".join(arrow_wire.encode([batch, batch], chunk_size))
    assert _decode(data, batch.schema).equals(pa.Table.from_batches([batch, batch]))


def test_a_stream_cut_anywhere_is_refused():
    table = _table(3)
    data = _written_by_client([table], chunk_size=50)
    for end in range(len(data)):
        with pytest.raises(MalformedStream):
            _decode(data[:end], table.schema)


def test_every_flipped_bit_of_the_payload_is_noticed():
    table = _table(3)
    data = _written_by_client([table], chunk_size=50)
    for position in range(4, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1
        with pytest.raises(CorruptedStream):
            _decode(bytes(damaged), table.schema)


def test_batches_of_another_schema_are_refused():
    import pyarrow as pa

    data = b"".join(arrow_wire.encode(pa.table({"a": [1]}).to_batches()))
    with pytest.raises(MalformedStream):
        _decode(data, _table(0).schema)


def test_text_that_is_not_utf8_is_refused():
    import pyarrow as pa

    data = b"".join(arrow_wire.encode(pa.table({"a": [1], "b": [b"\xff"]}).to_batches()))
    with pytest.raises(MalformedStream, match="UTF8"):
        _decode(data, _table(0).schema)


def test_a_decimal_beyond_its_precision_is_refused():
    import pyarrow as pa

    wide = pa.table({"a": pa.array([10**20], pa.decimal128(38, 0))})
    data = b"".join(arrow_wire.encode(wide.to_batches()))
    with pytest.raises(MalformedStream):
        _decode(data, pa.schema([("a", pa.decimal128(10, 0))]))


@pytest.mark.parametrize("chunk_size", [0, 2**31])
def test_a_chunk_size_out_of_bounds_is_refused(chunk_size):
    with pytest.raises(MalformedStream, match="chunk size"):
        _decode(struct.pack("!I", chunk_size) + b"data", _table(0).schema)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_garbage_is_refused(data):
    if data == bytes(4):
        return
    with pytest.raises(MalformedStream):
        _decode(data, _table(0).schema)
