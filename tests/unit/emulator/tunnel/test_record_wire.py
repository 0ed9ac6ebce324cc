from __future__ import annotations

import io
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.tunnel import record_wire
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import CorruptedStream, MalformedStream
from airflow_provider_datalake.emulator.maxcompute.types import parse_type
from tests.unit.emulator.tunnel.types_at_extremes import COLUMNS, batches, extreme_batch


def _columns(*types):
    return [(f"c{number}", parse_type(text)) for number, text in enumerate(types)]


def _client_schema(columns):
    from odps.models import TableSchema

    return TableSchema.from_lists([name for name, _ in columns], [str(t) for _, t in columns])


def _written_by_client(columns, rows) -> bytes:
    from odps.models import Record
    from odps.tunnel.io.writer import BaseRecordWriter

    schema = _client_schema(columns)
    sink = io.BytesIO()
    writer = BaseRecordWriter(schema, sink)
    for row in rows:
        writer.write(Record(schema=schema, values=row))
    writer.close()
    return sink.getvalue()


def _read_by_client(columns, data: bytes) -> list[list]:
    from odps.tunnel.io.reader import TunnelRecordReader

    stream = iter([io.BytesIO(data)])
    reader = TunnelRecordReader(_client_schema(columns), lambda *_, **__: next(stream))
    return [record.values for record in reader]


def _decode(data: bytes, columns) -> list[dict]:
    return [row for batch in record_wire.decode(io.BytesIO(data), columns) for row in batch.to_pylist()]


def _encode(batch, columns) -> bytes:
    return b"".join(record_wire.encode([batch], columns))


def test_extremes_of_every_type_survive():
    batch = extreme_batch()
    (decoded,) = record_wire.decode(io.BytesIO(_encode(batch, COLUMNS)), COLUMNS)
    assert decoded.equals(batch)


def test_nan_survives():
    columns = _columns("double", "float")
    import pyarrow as pa

    batch = pa.RecordBatch.from_arrays(
        [pa.array([math.nan]), pa.array([math.nan], pa.float32())], ["c0", "c1"]
    )
    assert all(math.isnan(value) for value in _decode(_encode(batch, columns), columns)[0].values())


@given(batches())
@settings(max_examples=60, deadline=None)
def test_any_rows_of_any_types_survive(drawn):
    import pyarrow as pa

    columns, batch = drawn
    decoded = list(record_wire.decode(io.BytesIO(_encode(batch, columns)), columns))
    assert pa.Table.from_batches(decoded, batch.schema).equals(pa.Table.from_batches([batch]))


def test_the_clients_own_writer_and_reader_agree_with_ours():
    columns = _columns(
        "bigint", "string", "double", "boolean", "decimal(10,2)", "array<bigint>", "map<string,int>"
    )
    rows = [
        [1, "中文", 0.5, True, Decimal("1.25"), [1, None], {"a": 1, "b": None}],
        [None] * 7,
        [-(2**63), "", -0.0, False, Decimal("-99999999.99"), [], {}],
    ]
    rows[1] = [None] * 7
    theirs = _written_by_client(columns, rows)
    batches = list(record_wire.decode(io.BytesIO(theirs), columns))
    assert b"".join(record_wire.encode(batches, columns)) == theirs
    assert _read_by_client(columns, theirs) == rows


def test_columns_are_numbered_by_their_order_in_the_request():
    import pyarrow as pa

    columns = [("b", parse_type("string")), ("a", parse_type("bigint"))]
    batch = pa.RecordBatch.from_arrays([pa.array(["x"]), pa.array([1])], ["b", "a"])
    assert _read_by_client(columns, _encode(batch, columns)) == [["x", 1]]


def test_digits_beyond_the_scale_are_rounded():
    columns = _columns("decimal(5,2)")
    data = _written_by_client(_columns("string"), [["1.005"], ["-2.5"], ["1E+2"]])
    assert [row["c0"] for row in _decode(data, columns)] == [
        Decimal("1.01"),
        Decimal("-2.50"),
        Decimal("100.00"),
    ]


@pytest.mark.parametrize("text", ["1000", "-1000.01", "NaN", "Infinity", "sNaN", "", "1e", "１"])
def test_a_decimal_that_does_not_fit_is_refused(text):
    data = _written_by_client(_columns("string"), [[text]])
    with pytest.raises(MalformedStream):
        _decode(data, _columns("decimal(5,2)"))


@pytest.mark.parametrize(("data_type", "value"), [("tinyint", 128), ("smallint", -40000), ("int", 2**31)])
def test_a_number_out_of_range_is_refused_naming_its_column(data_type, value):
    data = _written_by_client(_columns("bigint"), [[value]])
    with pytest.raises(MalformedStream, match="column c0"):
        _decode(data, _columns(data_type))


def test_text_that_is_not_utf8_is_refused():
    data = _written_by_client(_columns("binary"), [[b"\xff\xfe"]])
    with pytest.raises(MalformedStream, match="column c0"):
        _decode(data, _columns("string"))


def test_a_stream_of_no_records_gives_no_batch():
    data = _written_by_client(_columns("bigint"), [])
    assert _decode(data, _columns("bigint")) == []


def test_more_columns_than_the_table_has_are_refused():
    data = _written_by_client(_columns("bigint", "bigint"), [[1, 2]])
    with pytest.raises(MalformedStream, match="field 2"):
        _decode(data, _columns("bigint"))


def test_a_stream_cut_anywhere_is_refused():
    columns = _columns("bigint", "string", "double", "array<float>")
    data = _written_by_client(columns, [[7, "seven", 7.0, [1.0, 2.0]], [8, "eight", 8.0, None]])
    for end in range(len(data)):
        with pytest.raises(MalformedStream):
            _decode(data[:end], columns)


def test_bytes_behind_the_footer_are_refused():
    data = _written_by_client(_columns("bigint"), [[1]])
    with pytest.raises(MalformedStream, match="footer"):
        _decode(data + b"\x00", _columns("bigint"))


def test_damage_to_any_value_or_checksum_is_noticed():
    columns = _columns("bigint", "string")
    data = _written_by_client(columns, [[7, "seven"]])
    tags = {0, 2, 9, 18, 23}
    for position in set(range(len(data))) - tags:
        damaged = bytearray(data)
        damaged[position] ^= 2
        with pytest.raises(MalformedStream):
            _decode(bytes(damaged), columns)


def test_a_wrong_record_checksum_says_so():
    data = bytearray(_written_by_client(_columns("string"), [["abc"]]))
    data[data.index(b"abc")] = ord("x")
    with pytest.raises(CorruptedStream, match="record 1"):
        _decode(bytes(data), _columns("string"))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_garbage_is_refused(data):
    with pytest.raises(MalformedStream):
        _decode(data, _columns("bigint", "string", "double", "map<string,array<double>>", "decimal(10,2)"))


def test_an_array_that_claims_more_items_than_the_stream_has_is_refused_at_once():
    columns = _columns("array<bigint>")
    data = _written_by_client(columns, [[[1]]])
    # The array's size follows the first tag.
    with pytest.raises(MalformedStream):
        _decode(data[:1] + b"\xff\xff\xff\xff\x0f" + data[2:], columns)


def test_a_record_of_unbounded_length_is_refused(monkeypatch):
    monkeypatch.setattr(record_wire, "_MAX_RECORD_BYTES", 100_000)
    monkeypatch.setattr(record_wire, "_BYTES_PER_BATCH", 100_000)
    columns = _columns("array<bigint>")
    data = _written_by_client(columns, [[[None] * 300_000]])
    with pytest.raises(MalformedStream, match="longer than"):
        _decode(data, columns)
    many = _written_by_client(columns, [[[None] * 10_000]] * 50)
    assert len(_decode(many, columns)) == 50
