"""The table tunnel, judged by the unmodified client."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from odps import ODPS
    from odps.models import Table


@pytest.fixture
def table(odps: ODPS, table_name: str) -> Table:
    return odps.create_table(table_name, "a bigint, b string")


@pytest.fixture
def partitioned(odps: ODPS, table_name: str) -> Table:
    return odps.create_table(f"{table_name}_p", ("a bigint, b string", "pt string, sub bigint"))


@pytest.fixture
def tunnel(odps: ODPS):
    from odps.tunnel import TableTunnel

    return TableTunnel(odps)


def _rows(table: Table, **options) -> list[list]:
    with table.open_reader(reopen=True, **options) as reader:
        return [record.values for record in reader]


def _arrow(table: Table, **options) -> dict[str, list]:
    with table.open_reader(reopen=True, arrow=True, **options) as reader:
        return reader.read_all().to_pydict()


def _frame(rows: int):
    import pandas as pd

    return pd.DataFrame({"a": range(rows), "b": [f"row {number}" for number in range(rows)]})


def _put_records(session, block: int, rows: list[list]) -> None:
    with session.open_record_writer(block) as writer:
        for row in rows:
            writer.write(session.new_record(row))


def _put_raw(session, block: int, data, *, arrow: bool = False, headers: dict[str, str] | None = None):
    params = {"uploadid": session.id, "blockid": block, **({"arrow": ""} if arrow else {})}
    return session._client.put(
        session._table.table_resource(), data=data, params=params, headers=headers or {}
    )


def _recorded(schema, rows: list[list]) -> bytes:
    import io

    from odps.models import Record
    from odps.tunnel.io.writer import BaseRecordWriter

    sink = io.BytesIO()
    writer = BaseRecordWriter(schema, sink)
    for row in rows:
        writer.write(Record(schema=schema, values=row))
    writer.close()
    return sink.getvalue()


# Whole tables


def test_records_are_written_and_read(odps, table):
    rows = [[1, "x"], [None, "中文"], [2**63 - 1, None]]
    odps.write_table(table, rows)
    assert _rows(table) == rows
    assert _arrow(table) == {"a": [1, None, 2**63 - 1], "b": ["x", "中文", None]}


def test_a_data_frame_is_written_and_read(odps, table):
    frame = _frame(10_000)
    odps.write_table(table, frame)
    with table.open_reader(arrow=True) as reader:
        assert reader.to_pandas().equals(frame)
    with table.open_reader() as reader:
        assert reader.to_pandas().equals(frame)


def test_an_arrow_table_is_written(odps, table):
    import pyarrow as pa

    odps.write_table(table, pa.table({"b": ["x", None], "a": [1, 2]}))
    assert _rows(table) == [[1, "x"], [2, None]]


def test_parallel_writers_share_a_session(odps, table):
    odps.write_table(table, _frame(5000), n_threads=4)
    assert sorted(_arrow(table)["a"]) == list(range(5000))


def test_writes_append_unless_they_overwrite(odps, table):
    odps.write_table(table, [[1, "x"]])
    odps.write_table(table, [[2, "y"]])
    assert sorted(_rows(table)) == [[1, "x"], [2, "y"]]
    odps.write_table(table, [[3, "z"]], overwrite=True)
    assert _rows(table) == [[3, "z"]]


def test_many_small_blocks_arrive_in_order(tunnel, table):
    session = tunnel.create_upload_session(table.name)
    with session.open_record_writer(buffer_size=200) as writer:
        for number in range(500):
            writer.write(session.new_record([number, "x"]))
    assert len(writer.get_blocks_written()) > 10
    session.commit(writer.get_blocks_written())
    assert [row[0] for row in _rows(table)] == list(range(500))


def test_an_empty_table_reads_as_empty(table):
    assert _rows(table) == []
    assert _arrow(table) == {"a": [], "b": []}


def test_rows_survive_a_restart(own_emulator, table_name):
    emulator = own_emulator()
    emulator.client().create_table(table_name, "a bigint")
    emulator.client().write_table(table_name, [[1]])
    emulator.restart()
    assert _rows(emulator.client().get_table(table_name)) == [[1]]


# Partitions


def test_a_partition_is_created_on_request(odps, partitioned):
    odps.write_table(partitioned, [[1, "x"]], partition="pt=a,sub=1", create_partition=True)
    assert _rows(partitioned, partition="pt=a,sub=1") == [[1, "x", "a", "1"]]


def test_the_tunnel_itself_creates_a_partition_with_the_commit(tunnel, partitioned):
    session = tunnel.create_upload_session(
        partitioned.name, partition_spec="pt=a,sub=01", create_partition=True
    )
    _put_records(session, 0, [[1, "x"]])
    assert not partitioned.exist_partition("pt=a,sub=1")
    session.commit([0])
    assert partitioned.exist_partition("pt=a,sub=1")


def test_partition_columns_are_appended_on_request(odps, partitioned):
    odps.write_table(partitioned, [[1, "x"]], partition="pt=a,sub=7", create_partition=True)
    spec = "pt=a,sub=7"
    assert _arrow(partitioned, partition=spec) == {"a": [1], "b": ["x"]}
    found = _arrow(partitioned, partition=spec, append_partitions=True)
    assert found == {"a": [1], "b": ["x"], "pt": ["a"], "sub": [7]}
    assert _arrow(partitioned, partition=spec, columns=["sub", "a"]) == {"sub": [7], "a": [1]}


def test_overwriting_a_partition_leaves_the_others(odps, partitioned):
    for sub in (1, 2):
        odps.write_table(partitioned, [[sub, "old"]], partition=f"pt=a,sub={sub}", create_partition=True)
    odps.write_table(partitioned, [[9, "new"]], partition="pt=a,sub=1", overwrite=True)
    assert _rows(partitioned, partition="pt=a,sub=1")[0][:2] == [9, "new"]
    assert _rows(partitioned, partition="pt=a,sub=2")[0][:2] == [2, "old"]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (None, "MissingPartitionSpec"),
        ("pt=a", "InvalidPartitionSpec"),
        ("pt=a,other=1", "InvalidPartitionSpec"),
        ("pt=a,sub=one", "InvalidPartitionSpec"),
        ("pt=a,sub=1,extra=2", "InvalidPartitionSpec"),
        ("pt=missing,sub=1", "NoSuchPartition"),
    ],
)
def test_a_wrong_partition_is_refused_both_ways(tunnel, partitioned, spec, code):
    from odps.errors import ODPSError

    for create in (tunnel.create_upload_session, tunnel.create_download_session):
        with pytest.raises(ODPSError) as caught:
            create(partitioned.name, partition_spec=spec)
        assert caught.value.code == code


def test_a_partition_of_a_plain_table_is_refused(tunnel, table):
    from odps.errors import ODPSError

    with pytest.raises(ODPSError, match="is not partitioned"):
        tunnel.create_upload_session(table.name, partition_spec="pt=1")


def test_unknown_names_give_the_services_errors(odps, tunnel, table):
    from odps.errors import NoSuchProject, NoSuchTable, ODPSError
    from odps.tunnel import TableTunnel

    with pytest.raises(NoSuchTable):
        tunnel.create_upload_session("missing")
    with pytest.raises(NoSuchTable):
        tunnel.create_download_session("missing")
    with pytest.raises(NoSuchProject):
        TableTunnel(odps, project="missing").create_upload_session(table.name)
    for create, argument, code in (
        (tunnel.create_upload_session, "upload_id", "NoSuchUpload"),
        (tunnel.create_download_session, "download_id", "NoSuchDownload"),
    ):
        with pytest.raises(ODPSError) as caught:
            create(table.name, **{argument: "missing"})
        assert caught.value.code == code


# Upload sessions


def test_blocks_become_visible_together_with_the_commit(tunnel, table):
    session = tunnel.create_upload_session(table.name)
    for block in (0, 1, 2):
        _put_records(session, block, [[block, "x"]])
    assert _rows(table) == []
    session.commit([0, 1, 2])
    assert [row[0] for row in _rows(table)] == [0, 1, 2]


def test_blocks_are_written_in_parallel(tunnel, table):
    session = tunnel.create_upload_session(table.name)

    def put(block: int) -> None:
        import pyarrow as pa

        with session.open_arrow_writer(block) as writer:
            writer.write(pa.table({"a": range(block * 100, block * 100 + 100), "b": ["x"] * 100}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(20)))
    session.commit(list(range(20)))
    assert _arrow(table)["a"] == list(range(2000))


def test_a_block_put_again_replaces_the_first(tunnel, table):
    session = tunnel.create_upload_session(table.name)
    _put_records(session, 0, [[1, "first"], [2, "first"]])
    _put_records(session, 0, [[3, "second"]])
    session.commit([0])
    assert _rows(table) == [[3, "second"]]


def test_an_abandoned_session_shows_nothing(tunnel, table):
    session = tunnel.create_upload_session(table.name, overwrite=True)
    _put_records(session, 0, [[1, "x"]])
    assert _rows(table) == []


def test_a_session_is_reopened_by_its_id(tunnel, table):
    first = tunnel.create_upload_session(table.name)
    _put_records(first, 3, [[1, "x"]])
    second = tunnel.create_upload_session(table.name, upload_id=first.id)
    assert second.blocks == [3]
    assert second.status.value == "NORMAL"
    _put_records(second, 4, [[2, "y"]])
    second.commit([3, 4])
    assert _rows(table) == [[1, "x"], [2, "y"]]


def test_a_session_survives_a_restart(own_emulator, table_name):
    from odps.tunnel import TableTunnel

    emulator = own_emulator()
    emulator.client().create_table(table_name, "a bigint")
    session = TableTunnel(emulator.client()).create_upload_session(table_name)
    _put_records(session, 0, [[1]])
    emulator.kill()
    emulator.start()
    odps = emulator.client()
    again = TableTunnel(odps).create_upload_session(table_name, upload_id=session.id)
    _put_records(again, 1, [[2]])
    again.commit([0, 1])
    assert _rows(odps.get_table(table_name)) == [[1], [2]]


def test_a_repeated_commit_changes_nothing(tunnel, table):
    session = tunnel.create_upload_session(table.name)
    _put_records(session, 0, [[1, "x"]])
    session.commit([0])
    assert session.status.value == "CLOSED"
    session.commit([0])
    session._complete_upload()
    assert _rows(table) == [[1, "x"]]


def test_a_committed_session_takes_no_more_blocks(tunnel, table):
    from odps.errors import ODPSError

    session = tunnel.create_upload_session(table.name)
    session.commit([])
    with pytest.raises(ODPSError) as caught:
        _put_records(session, 0, [[1, "x"]])
    assert caught.value.code == "StatusConflict"
    assert _rows(table) == []


def test_an_empty_commit_that_overwrites_empties_the_table(odps, tunnel, table):
    odps.write_table(table, [[1, "x"]])
    tunnel.create_upload_session(table.name, overwrite=True).commit([])
    assert _rows(table) == []


def test_a_block_without_rows_is_fine(tunnel, table):
    session = tunnel.create_upload_session(table.name)
    _put_records(session, 0, [])
    with session.open_arrow_writer(1):
        pass
    session.commit([0, 1])
    assert _rows(table) == []


def test_committing_blocks_that_were_not_put_is_an_error(tunnel, table):
    from odps.tunnel.errors import TunnelError

    session = tunnel.create_upload_session(table.name)
    _put_records(session, 0, [[1, "x"]])
    with pytest.raises(TunnelError):
        session.commit([0, 1])


def test_a_commit_into_a_dropped_table_is_refused(odps, tunnel, table):
    from odps.errors import ODPSError

    session = tunnel.create_upload_session(table.name)
    _put_records(session, 0, [[1, "x"]])
    table.drop()
    odps.create_table(table.name, "a bigint, b string")
    with pytest.raises(ODPSError) as caught:
        session.commit([0])
    assert caught.value.code == "TableModified"


def test_a_session_belongs_to_its_table(odps, tunnel, table, table_name):
    from odps.errors import ODPSError

    other = odps.create_table(f"{table_name}_other", "a bigint, b string")
    session = tunnel.create_upload_session(table.name)
    with pytest.raises(ODPSError) as caught:
        tunnel.create_upload_session(other.name, upload_id=session.id)
    assert caught.value.code == "InvalidResourceSpec"


def test_tables_are_found_with_their_schema(tunnel, table):
    session = tunnel.create_upload_session(table.name, schema="default")
    _put_records(session, 0, [[1, "x"]])
    session.commit([0])
    assert tunnel.create_download_session(table.name, schema="default").count == 1


# What is refused


@pytest.mark.parametrize("arrow", [False, True])
def test_a_truncated_block_is_refused_and_not_stored(tunnel, table, arrow):
    from odps.errors import ODPSError

    from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire

    session = tunnel.create_upload_session(table.name)
    if arrow:
        import pyarrow as pa

        data = b"".join(arrow_wire.encode(pa.table({"a": [1], "b": ["x"]}).to_batches()))
    else:
        data = _recorded(session.schema, [[1, "x"]])
    for end in (0, 3, len(data) // 2, len(data) - 1):
        with pytest.raises(ODPSError) as caught:
            _put_raw(session, 0, data[:end], arrow=arrow)
        assert caught.value.code in ("MalformedDataStream", "CorruptedDataStream")
    assert session.get_block_list() == []


def _signed_put(session, block: int) -> tuple[str, dict[str, str]]:
    """What the client would send for a block of chunks: the URL's path, and its headers."""
    sent: list = []

    def capture(prepared, **_):
        sent.append(prepared)
        raise ConnectionError("captured")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session._client.session, "send", capture)
        with pytest.raises(ConnectionError):
            _put_raw(session, block, iter([b""]))
    (prepared,) = sent
    headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in prepared.headers.items()}
    return prepared.path_url, headers


def test_a_client_that_dies_in_the_middle_leaves_nothing(emulator, tunnel, table):
    import socket
    from urllib.parse import urlparse

    session = tunnel.create_upload_session(table.name)
    address = urlparse(emulator.address)
    path, headers = _signed_put(session, 0)
    lines = [f"PUT {path} HTTP/1.1", f"Host: {address.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    assert headers["Transfer-Encoding"] == "chunked"
    # Everything but the chunk that ends the body.
    data = _recorded(session.schema, [[number, "x" * 100] for number in range(1000)])
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    _put_records(session, 1, [[1, "x"]])
    assert session.get_block_list() == [1]


def test_damage_is_noticed(tunnel, table):
    from odps.errors import ODPSError

    session = tunnel.create_upload_session(table.name)
    data = _recorded(session.schema, [[1, "seven"]]).replace(b"seven", b"eleve")
    with pytest.raises(ODPSError) as caught:
        _put_raw(session, 0, data)
    assert caught.value.code == "CorruptedDataStream"


def test_a_large_refused_block_still_gets_its_answer(tunnel, table):
    from odps.errors import ODPSError

    session = tunnel.create_upload_session(table.name)
    with pytest.raises(ODPSError) as caught:
        _put_raw(session, 0, (b"\xff" * 65536 for _ in range(500)))
    assert caught.value.code == "MalformedDataStream"


@pytest.mark.parametrize("block", ["x", "-1", "1000000", ""])
def test_a_wrong_block_id_is_refused(tunnel, table, block):
    from odps.errors import ODPSError

    session = tunnel.create_upload_session(table.name)
    with pytest.raises(ODPSError) as caught:
        _put_raw(session, block, _recorded(session.schema, []))
    assert caught.value.code == "InvalidBlockID"


@pytest.mark.parametrize("encoding", ["x-snappy-framed", "x-lz4-frame", "x-odps-lz4-frame", "gzip"])
def test_a_compression_that_we_lack_is_refused_by_name(tunnel, table, encoding):
    from odps.errors import ODPSError

    session = tunnel.create_upload_session(table.name)
    with pytest.raises(ODPSError, match=encoding) as caught:
        _put_raw(session, 0, b"data", headers={"Content-Encoding": encoding})
    assert caught.value.status_code == 415


def test_null_in_a_not_null_column_is_refused(odps, tunnel, table_name):
    import pyarrow as pa
    from odps.errors import ODPSError

    from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire

    odps.create_table(table_name, "a bigint not null, b string")
    session = tunnel.create_upload_session(table_name)
    records = _recorded(_nullable(session.schema), [[None, "x"]])
    batches = pa.table({"a": pa.array([None], pa.int64()), "b": ["x"]}).to_batches()
    for arrow, data in ((False, records), (True, b"".join(arrow_wire.encode(batches)))):
        with pytest.raises(ODPSError, match="column a is NOT NULL"):
            _put_raw(session, 0, data, arrow=arrow)
    assert session.get_block_list() == []


def _nullable(schema):
    from odps.models import TableSchema

    return TableSchema.from_lists([c.name for c in schema.columns], [c.type.name for c in schema.columns])


@pytest.mark.parametrize(
    ("data_type", "wire_type", "value"),
    [
        ("tinyint", "bigint", 128),
        ("int", "bigint", -(2**31) - 1),
        ("decimal(5,2)", "string", "1000"),
        ("decimal(5,2)", "string", "one"),
        ("varchar(3)", "string", "four"),
        ("char(2)", "string", "中文字"),
        ("string", "binary", b"\xff"),
        ("json", "string", "{"),
        ("date", "bigint", 2_932_897),
        ("datetime", "bigint", 253_402_300_800_000),
        ("array<tinyint>", "array<bigint>", [1, 128]),
        ("map<string,varchar(1)>", "map<string,string>", {"k": "ab"}),
        ("struct<a:date>", "struct<a:bigint>", (2_932_897,)),
    ],
)
def test_a_value_that_the_column_cannot_hold_is_refused(
    odps, tunnel, table_name, data_type, wire_type, value
):
    from odps.errors import ODPSError
    from odps.models import TableSchema

    odps.create_table(table_name, f"a {data_type}", hints={"odps.sql.type.system.odps2": "true"})
    session = tunnel.create_upload_session(table_name)
    with pytest.raises(ODPSError, match=r"column a|record 1") as caught:
        _put_raw(session, 0, _recorded(TableSchema.from_lists(["a"], [wire_type]), [[value]]))
    assert caught.value.code == "MalformedDataStream"
    assert session.get_block_list() == []


def test_more_digits_than_the_scale_are_rounded(odps, tunnel, table_name):
    odps.create_table(table_name, "a decimal(5,2)")
    odps.write_table(table_name, [[Decimal("1.005")]])
    assert _rows(odps.get_table(table_name)) == [[Decimal("1.01")]]


def test_other_sessions_of_the_service_are_refused_by_name(odps, tunnel, table):
    from odps.errors import ODPSError

    with pytest.raises(ODPSError, match="stream upload sessions"):
        tunnel.create_stream_upload_session(table.name)
    with pytest.raises(ODPSError, match="upsert sessions"):
        tunnel.create_upsert_session(table.name)


def test_a_wrong_signature_is_refused(emulator, table):
    from odps.errors import ODPSError
    from odps.tunnel import TableTunnel

    stranger = emulator.client(secret_access_key="wrong", tunnel_endpoint=emulator.address)
    with pytest.raises(ODPSError) as caught:
        TableTunnel(stranger).create_upload_session(table.name)
    assert caught.value.code == "SignatureNotMatch"


# Download sessions


def test_row_ranges(odps, tunnel, table):
    for start in (0, 40, 80):
        odps.write_table(table, _frame(120)[start : start + 40])
    session = tunnel.create_download_session(table.name)
    assert session.count == 120
    for start, count in ((0, 120), (0, 1), (39, 2), (30, 60), (119, 1), (100, 20)):
        with session.open_record_reader(start, count) as reader:
            assert [record[0] for record in reader] == list(range(start, start + count))
        with session.open_arrow_reader(start, count) as reader:
            assert reader.read().column("a").to_pylist() == list(range(start, start + count))


def test_a_range_beyond_the_rows_is_cut_or_refused(odps, tunnel, table):
    from odps.errors import ODPSError

    odps.write_table(table, _frame(3))
    session = tunnel.create_download_session(table.name)
    with session.open_record_reader(1, 100) as reader:
        assert [record[0] for record in reader] == [1, 2]
    with pytest.raises(ODPSError) as caught:
        session.open_arrow_reader(4, 1)
    assert caught.value.code == "InvalidRowRange"


def test_columns_come_in_the_order_asked_for(odps, table):
    odps.write_table(table, [[1, "x"]])
    assert _rows(table, columns=["b", "a"]) == [["x", 1]]
    assert _rows(table, columns=["b"]) == [["x"]]
    assert _arrow(table, columns=["b", "a"]) == {"b": ["x"], "a": [1]}
    assert list(_arrow(table, columns=["b", "a"])) == ["b", "a"]


def test_an_unknown_column_is_refused(odps, tunnel, table):
    from odps.errors import ODPSError

    odps.write_table(table, [[1, "x"]])
    session = tunnel.create_download_session(table.name)
    params = {"downloadid": session.id, "rowrange": "(0,1)", "columns": "a,c"}
    with pytest.raises(ODPSError) as caught:
        session._client.get(session._table.table_resource(), actions=["data"], params=params)
    assert caught.value.code == "InvalidColumnSpec"


def test_a_session_keeps_its_snapshot(odps, tunnel, table):
    odps.write_table(table, [[1, "old"]])
    session = tunnel.create_download_session(table.name)
    odps.write_table(table, [[2, "new"]], overwrite=True)
    odps.execute_sql(f"ALTER TABLE {table.name} ADD COLUMNS (c bigint)")
    again = tunnel.create_download_session(table.name, download_id=session.id)
    with again.open_record_reader(0, again.count) as reader:
        assert [record.values for record in reader] == [[1, "old"]]
    table.drop()
    with again.open_arrow_reader(0, again.count) as reader:
        assert reader.read().to_pydict() == {"a": [1], "b": ["old"]}


def test_buffered_and_split_readers_see_every_row(odps, table):
    odps.write_table(table, _frame(7000))
    assert [row[0] for row in _rows(table, buffered=True)] == list(range(7000))
    with table.open_reader(reopen=True, arrow=True) as reader:
        assert list(reader.to_pandas(n_thread=3)["a"]) == list(range(7000))


def test_a_table_of_many_batches_is_one_stream(odps, table):
    frame = _frame(300_000)
    odps.write_table(table, frame)
    with table.open_reader(arrow=True) as reader:
        assert reader.to_pandas().equals(frame)


# Compression


@pytest.mark.parametrize("algorithm", ["zlib", "zstd"])
def test_compressed_both_ways(tunnel, table, algorithm):
    session = tunnel.create_upload_session(table.name, compress_algo=algorithm)
    with session.open_record_writer(0, compress=True) as writer:
        writer.write(session.new_record([1, "x"]))
    with session.open_arrow_writer(1, compress=True) as writer:
        writer.write(_frame(5))
    session.commit([0, 1])
    download = tunnel.create_download_session(table.name, compress_algo=algorithm)
    with download.open_record_reader(0, download.count, compress=True) as reader:
        assert [record[0] for record in reader] == [1, 0, 1, 2, 3, 4]
    with download.open_arrow_reader(0, download.count, compress=True) as reader:
        assert reader.read().column("a").to_pylist() == [1, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("coding", ["deflate", "zstd"])
@pytest.mark.parametrize("arrow", [False, True])
def test_content_codings_both_ways(tunnel, table, coding, arrow):
    import pyarrow as pa

    from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire

    session = tunnel.create_upload_session(table.name)
    if arrow:
        plain = b"".join(arrow_wire.encode(pa.table({"a": [1], "b": ["x" * 1000]}).to_batches()))
    else:
        plain = _recorded(session.schema, [[1, "x" * 1000]])
    body = zlib.compress(plain) if coding == "deflate" else pa.compress(plain, "zstd", asbytes=True)
    _put_raw(session, 0, body, arrow=arrow, headers={"Content-Encoding": coding})
    session.commit([0])

    download = tunnel.create_download_session(table.name)
    response = download._client.get(
        download._table.table_resource(),
        actions=["data", *(["arrow"] if arrow else [])],
        params={"downloadid": download.id, "rowrange": "(0,1)"},
        headers={"Accept-Encoding": coding},
        stream=True,
    )
    assert response.headers["Content-Encoding"] == coding
    raw = response.raw.read(decode_content=False)
    if coding == "deflate":
        found = zlib.decompress(raw)
    else:
        found = pa.CompressedInputStream(pa.BufferReader(raw), "zstd").read()
    assert len(raw) < 500 < len(found)
    assert b"x" * 1000 in found


def test_a_compression_that_we_lack_is_refused_on_download(odps, tunnel, table):
    from odps.errors import ODPSError

    odps.write_table(table, [[1, "x"]])
    download = tunnel.create_download_session(table.name, compress_algo="snappy")
    with pytest.raises(ODPSError, match="x-snappy-framed"):
        download.open_arrow_reader(0, 1, compress=True)


# First rows


def test_head_gives_the_first_rows(odps, table):
    rows = [[1, 'a "b", \\N c\nd'], [None, None], [3, ""]]
    odps.write_table(table, rows)
    assert [record.values for record in table.head(2)] == rows[:2]
    assert [record.values for record in table.head(10, columns=["b"])] == [[b] for _, b in rows]


def test_head_of_a_partition(odps, partitioned):
    for sub in (1, 2):
        odps.write_table(partitioned, [[sub, "x"]], partition=f"pt=a,sub={sub}", create_partition=True)
    assert [record.values for record in partitioned.head(5, partition="pt=a,sub=2")] == [[2, "x", "a", 2]]


def test_the_preview_gives_the_first_rows(odps, table):
    rows = [[1, "a\nb"], [None, None], [3, ""]]
    odps.write_table(table, rows)
    assert [record.values for record in table.head(2, use_legacy=False)] == rows[:2]
    assert [record.values for record in table.head(9, columns=["b"], use_legacy=False)] == [
        [b] for _, b in rows
    ]


def test_the_preview_keeps_missing_timestamps_missing(odps, table_name):
    import pandas as pd

    table = odps.create_table(table_name, "a timestamp")
    rows = [[pd.Timestamp("1969-12-31 23:59:59.123456789")], [None]]
    odps.write_table(table, rows)
    assert [record.values for record in table.head(2, use_legacy=False)] == rows


def test_the_preview_of_an_empty_table_is_empty(table):
    assert list(table.head(2, use_legacy=False)) == []


@pytest.mark.parametrize("coding", ["ZSTD", "LZ4_FRAME"])
def test_the_preview_is_compressed_on_request(odps, tunnel, table, coding):
    import pyarrow as pa

    odps.write_table(table, [[1, "x" * 5000]])
    url = tunnel._get_tunnel_table(table).table_resource(force_schema=True) + "/preview"
    response = tunnel.tunnel_rest.get(url, params={"limit": "-1"}, headers={"Accept-Encoding": coding})
    assert len(response.content) < 2000
    assert pa.ipc.open_stream(response.content).read_all().to_pydict() == {"a": [1], "b": ["x" * 5000]}
