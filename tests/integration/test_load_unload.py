"""Loads and unloads through the real tunnel."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # the cases are made of Arrow data
import pyarrow.parquet as pq
import pytest

from airflow_provider_datalake.clients import maxcompute_load
from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
from airflow_provider_datalake.clients.maxcompute_tunnel import Stopped
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odps import ODPS

    from tests.integration.conftest import Emulator


@pytest.fixture
def hook(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> MaxComputeHook:
    fields = {
        "conn_type": "odps",
        "host": emulator.endpoint,
        "login": "emulator",
        "password": emulator.secret,
    }
    monkeypatch.setenv("AIRFLOW_CONN_ODPS_DEFAULT", json.dumps({**fields, "extra": {"project": "demo"}}))
    return MaxComputeHook()


@pytest.fixture
def table(odps: ODPS, table_name: str) -> str:
    odps.execute_sql(f"create table {table_name} (a bigint, b string)")
    return table_name


@pytest.fixture
def partitioned(odps: ODPS, table_name: str) -> str:
    odps.execute_sql(f"create table {table_name} (a bigint, b string) partitioned by (dt string, h bigint)")
    return table_name


def data(rows: int, start: int = 0) -> pa.Table:
    numbers = range(start, start + rows)
    return pa.table({"a": pa.array(numbers, pa.int64()), "b": [f"text {n}" for n in numbers]})


TYPES: dict[str, list[Any]] = {
    "tinyint": [-128, 127],
    "smallint": [-(2**15), 2**15 - 1],
    "int": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63) + 1, 2**63 - 1],
    "float": [-1.5, 3.4028234663852886e38],
    "double": [5e-324, 1.7976931348623157e308],
    "boolean": [True, False],
    "decimal(38,18)": [Decimal("-99999999999999999999.999999999999999999"), Decimal("0.000000000000000001")],
    "decimal(38,0)": [Decimal("9" * 38), Decimal(-1)],
    "array<decimal(3,0)>": [[Decimal(7), None], []],
    "string": ["", "ünïcode 字 \0 \n"],
    "varchar(5)": ["abcde", ""],
    "char(3)": ["abc", "x"],
    "binary": [b"", bytes(range(256))],
    "date": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "datetime": [
        dt.datetime(1900, 1, 1, tzinfo=dt.UTC),
        dt.datetime(9999, 12, 31, 12, 59, 59, 999000, dt.UTC),
    ],
    "timestamp": [dt.datetime(1700, 1, 1, tzinfo=dt.UTC), dt.datetime(2262, 1, 1, 0, 0, 0, 1, dt.UTC)],
    "timestamp_ntz": [dt.datetime(1700, 1, 1), dt.datetime(2262, 1, 1, 0, 0, 0, 1)],
    "array<bigint>": [[1, None], []],
    "map<string,double>": [[("k", 1.5)], []],
    "struct<x:bigint,y:string>": [{"x": 1, "y": None}, {"x": None, "y": "z"}],
    "array<struct<m:map<string,array<int>>>>": [[{"m": [("k", [1, None])]}], [None]],
}


@pytest.mark.parametrize("local_zone", ["Asia/Shanghai", "America/New_York"])
def test_every_type_survives_at_its_extremes(
    hook: MaxComputeHook, odps: ODPS, table_name: str, use_timezone: Callable[[str], None], local_zone: str
) -> None:
    use_timezone(local_zone)
    columns = ", ".join(f"c{index} {name}" for index, name in enumerate(TYPES))
    hints = {"odps.sql.type.system.odps2": "true", "odps.sql.decimal.odps2": "true"}
    odps.execute_sql(f"create table {table_name} ({columns})", hints=hints)
    rows = [*zip(*TYPES.values(), strict=True), (None,) * len(TYPES)]
    wire = {"datetime": pa.timestamp("ms", "UTC"), "timestamp": pa.timestamp("us", "UTC")}
    arrays = [
        pa.array(values, type=wire.get(name) or maxcompute_load.TableColumn("c", name).wire_type())
        for name, values in zip(TYPES, zip(*rows, strict=True), strict=True)
    ]
    hook.load(pa.table(arrays, names=[f"c{index}" for index in range(len(TYPES))]), table_name)
    found = hook.unload(table_name).to_arrow()
    for index, (name, values) in enumerate(TYPES.items()):
        column = found.column(index)
        if name == "timestamp":
            column = column.cast(pa.timestamp("us", "UTC"))
        if name == "timestamp_ntz":
            column = column.cast(pa.timestamp("us"))
        assert column.to_pylist() == [*values, None], name


def test_many_blocks_come_back_whole_and_in_order(
    hook: MaxComputeHook, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maxcompute_load, "BLOCK_BYTES", 200_000)
    loaded = data(300_000)
    result = hook.load(loaded, table, threads=3)
    assert (result.table, result.partition, result.rows) == (f"demo.{table}", None, 300_000)
    found = hook.unload(table, threads=3).to_arrow()
    assert found.num_rows == 300_000
    assert found.sort_by("a") == loaded


@pytest.mark.parametrize("compress", [True, False])
def test_compression_changes_nothing(hook: MaxComputeHook, table: str, compress: bool) -> None:
    hook.load(data(50_000), table, compress=compress)
    assert hook.unload(table, compress=compress).to_arrow().sort_by("a") == data(50_000)


def test_append_and_overwrite(hook: MaxComputeHook, table: str) -> None:
    hook.load(data(3), table)
    hook.load(data(2, 3), table)
    assert hook.unload(table).to_arrow()["a"].to_pylist() == [0, 1, 2, 3, 4]
    hook.load(data(1, 9), table, overwrite=True)
    assert hook.unload(table).to_arrow()["a"].to_pylist() == [9]
    assert hook.load(data(0), table, overwrite=True).rows == 0
    assert hook.unload(table).to_arrow().num_rows == 0


def test_partitions_are_created_and_read_with_their_values(hook: MaxComputeHook, partitioned: str) -> None:
    for hour in (7, 8):
        result = hook.load(
            data(2, hour), partitioned, partition={"dt": "2024-01-01", "h": hour}, create_partition=True
        )
        assert result.partition == f"dt='2024-01-01',h='{hour}'"
    whole = hook.unload(partitioned).to_arrow()
    assert whole.schema.names == ["a", "b", "dt", "h"]
    assert sorted(whole.select(["a", "dt", "h"]).to_pylist(), key=str) == [
        {"a": 7, "dt": "2024-01-01", "h": 7},
        {"a": 8, "dt": "2024-01-01", "h": 7},
        {"a": 8, "dt": "2024-01-01", "h": 8},
        {"a": 9, "dt": "2024-01-01", "h": 8},
    ]
    one = hook.unload(partitioned, partition="h=8/dt=2024-01-01", columns=["h", "A"]).to_arrow()
    assert one.to_pydict() == {"h": [8, 8], "a": [8, 9]}
    assert hook.unload(partitioned, columns=["dt"]).to_arrow().num_rows == 4


def test_csv_parquet_frame_and_stream_give_the_same_rows(
    hook: MaxComputeHook, table: str, tmp_path: Path
) -> None:
    parquet = tmp_path / "d.parquet"
    pq.write_table(data(5), parquet)
    csv = io.BytesIO(b"b,a\n" + b"".join(f"text {n},{n}\n".encode() for n in range(5)))
    reader = data(5).to_reader()
    for one, csv_format in ((parquet, None), (csv, CsvFormat()), (data(5).to_pandas(), None), (reader, None)):
        assert hook.load(one, table, overwrite=True, csv_format=csv_format).rows == 5
        assert hook.unload(table).to_arrow() == data(5)


def test_frame_comes_back_as_it_was(hook: MaxComputeHook, odps: ODPS, table_name: str) -> None:
    import pandas as pd

    odps.execute_sql(f"create table {table_name} (i bigint, f double, s string, at datetime)")
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 2**62], dtype="Int64"),
            "f": [0.5, None, -1.0],
            "s": ["a", None, ""],
            "at": pd.to_datetime(["2024-01-01 08:00:00.000", None, "2024-07-01 08:00:00.123"]),
        }
    )
    hook.load(frame, table_name)
    found = hook.unload(table_name).to_pandas()
    assert str(found["at"].dtype) == "datetime64[ms, Asia/Shanghai]"
    found["at"] = found["at"].dt.tz_localize(None).astype(frame["at"].dtype)
    pd.testing.assert_frame_equal(found, frame, check_dtype=False)
    assert str(found["i"].dtype) == "Int64"


def test_same_text_means_the_same_time_in_a_file_and_in_sql(
    hook: MaxComputeHook, odps: ODPS, table_name: str
) -> None:
    odps.execute_sql(f"create table {table_name} (at datetime)")
    hook.load(io.BytesIO(b"at\n2024-07-01 08:00:00\n"), table_name, csv_format=CsvFormat())
    odps.execute_sql(f"insert into {table_name} values (cast('2024-07-01 08:00:00' as datetime))")
    assert hook.get_first(f"select count(distinct at), count(*) from {table_name}") == (1, 2)


def test_result_of_a_query_has_no_limit_of_ten_thousand(hook: MaxComputeHook, odps: ODPS, table: str) -> None:
    hook.load(data(30_000), table)
    instance = odps.execute_sql(
        f"select a, cast('2024-01-01 00:00:00.123456789' as timestamp) t from {table}"
    )
    download = hook.unload_result(instance.id)
    found = download.to_arrow()
    assert download.count == found.num_rows == 30_000
    assert found.schema.field("t").type == pa.timestamp("ns", "Asia/Shanghai")
    assert found["t"][0].value % 10**9 == 123456789


def _visible(hook: MaxComputeHook, table: str) -> int:
    return hook.unload(table).to_arrow().num_rows


def test_failure_in_the_middle_shows_no_row(
    hook: MaxComputeHook, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maxcompute_load, "BLOCK_BYTES", 100_000)

    def broken() -> Any:
        yield from data(100_000).to_batches(max_chunksize=10_000)
        raise OSError("the source broke")

    with pytest.raises(OSError, match="the source broke"):
        hook.load(pa.RecordBatchReader.from_batches(data(0).schema, broken()), table)
    assert _visible(hook, table) == 0
    assert not [thread for thread in threading.enumerate() if "maxcompute-load" in thread.name]


def test_stop_in_the_middle_shows_no_row_and_ends_the_threads(
    hook: MaxComputeHook, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maxcompute_load, "BLOCK_BYTES", 100_000)
    stop = threading.Event()

    def stopping() -> Any:
        for index, batch in enumerate(data(100_000).to_batches(max_chunksize=10_000)):
            if index == 5:
                stop.set()
            yield batch

    with pytest.raises(Stopped, match="'odps_default'"):
        hook.load(pa.RecordBatchReader.from_batches(data(0).schema, stopping()), table, stop=stop)
    assert _visible(hook, table) == 0
    assert not [thread for thread in threading.enumerate() if "maxcompute-load" in thread.name]


def test_same_session_is_committed_once(hook: MaxComputeHook, table: str) -> None:
    sessions: list[str] = []
    first = hook.load(data(10), table, on_session=sessions.append)
    again = hook.load(data(10), table, upload_id=sessions[0], on_session=sessions.append)
    assert sessions == [first.upload_id, first.upload_id]
    assert again == first
    assert _visible(hook, table) == 10


def test_open_session_is_continued(hook: MaxComputeHook, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: list[str] = []

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maxcompute_load._Upload, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            hook.load(data(10), table, on_session=sessions.append)
    result = hook.load(data(10), table, upload_id=sessions[0])
    assert result.upload_id == sessions[0]
    assert _visible(hook, table) == 10


def test_session_that_is_gone_is_replaced(hook: MaxComputeHook, table: str) -> None:
    assert hook.load(data(10), table, upload_id="0" * 32).upload_id != "0" * 32
    assert _visible(hook, table) == 10


def test_session_with_other_blocks_of_an_earlier_attempt_is_given_up(
    hook: MaxComputeHook, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[str] = []

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maxcompute_load, "BLOCK_BYTES", 1_000)
        patch.setattr(maxcompute_load._Upload, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            hook.load(data(200_000), table, on_session=sessions.append)
    result = hook.load(data(10), table, upload_id=sessions[0], on_session=sessions.append)
    assert sessions == [sessions[0], sessions[0], result.upload_id]
    assert _visible(hook, table) == 10


def test_reader_that_stops_early_leaves_no_thread(hook: MaxComputeHook, table: str) -> None:
    hook.load(data(200_000), table)
    batches = hook.unload(table).batches()
    assert next(batches).num_rows
    batches.close()
    assert not [thread for thread in threading.enumerate() if "maxcompute-unload" in thread.name]


def test_sizes_of_pieces(hook: MaxComputeHook, table: str) -> None:
    hook.load(data(25), table)
    assert [piece.num_rows for piece in hook.unload(table).tables(10)] == [10, 10, 5]
    assert pa.concat_tables(hook.unload(table).tables(7)).sort_by("a") == data(25)


def test_table_is_made_for_a_parquet_file(hook: MaxComputeHook, table_name: str, tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    pq.write_table(data(3), path)
    assert hook.create_table(table_name, path, partition="p=1")
    assert not hook.create_table(table_name, path, partition="p=1")
    hook.load(path, table_name, partition="p=1", create_partition=True)
    assert hook.unload(table_name).to_arrow().to_pydict()["p"] == ["1"] * 3
