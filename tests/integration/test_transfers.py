"""The transfers: whole or not at all, and the same after a crash."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # the cases are made of Arrow data
import pyarrow.parquet as pq
import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem
from fsspec.spec import AbstractBufferedFile

from airflow_provider_datalake.clients import maxcompute_load
from airflow_provider_datalake.clients.maxcompute_tunnel import Stopped, Tunnel
from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook
from airflow_provider_datalake.transfers.maxcompute_to_object_storage import MaxComputeToObjectStorageOperator
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import ObjectStorageToMaxComputeOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odps import ODPS

    from tests.integration.conftest import Emulator


def connection(emulator: Emulator) -> str:
    fields = {
        "conn_type": "odps",
        "host": emulator.endpoint,
        "login": "emulator",
        "password": emulator.secret,
    }
    return json.dumps({**fields, "extra": {"project": "demo"}})


@pytest.fixture(autouse=True)
def hook(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> MaxComputeHook:
    monkeypatch.setenv("AIRFLOW_CONN_ODPS_DEFAULT", connection(emulator))
    return MaxComputeHook()


@pytest.fixture
def table(odps: ODPS, table_name: str) -> str:
    odps.execute_sql(f"create table {table_name} (a bigint, b string) partitioned by (p string)")
    return table_name


class Store(dict):
    """A task's state store, kept as JSON as the real one does."""

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self[key]) if key in self else default

    def set(self, key: str, value: Any) -> None:
        self[key] = json.dumps(value)


def context(
    store: Store | None = None,
    *,
    max_tries: int = 2,
    run_id: str = "manual__2024",
    task_id: str = "export",
    map_index: int = -1,
) -> Any:
    ti = SimpleNamespace(
        max_tries=max_tries,
        dag_id="lake",
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        xcom_push=lambda **pushed: None,
    )
    return {"ti": ti, "task_state_store": Store() if store is None else store}


def rows(start: int, stop: int) -> pa.Table:
    return pa.table(
        {"a": pa.array(range(start, stop), pa.int64()), "b": [f"text {n}" for n in range(start, stop)]}
    )


def load(table: str, source: Any, **options: Any) -> ObjectStorageToMaxComputeOperator:
    return ObjectStorageToMaxComputeOperator(
        task_id="load", source=source, table=table, **{"partition": "p=1", **options}
    )


def visible(hook: MaxComputeHook, table: str) -> list[int]:
    return sorted(hook.unload(table).to_arrow()["a"].to_pylist())


def write(folder: Path, name: str, start: int, stop: int) -> str:
    if name.endswith(".csv"):
        (folder / name).write_text("a,b\n" + "".join(f"{n},text {n}\n" for n in range(start, stop)))
    else:
        pq.write_table(rows(start, stop), folder / name)
    return f"file://{folder}/{name}"


def test_pattern_of_files_becomes_one_partition(hook: MaxComputeHook, table: str, tmp_path: Path) -> None:
    for index in range(3):
        write(tmp_path, f"part-{index}.csv", index * 10, index * 10 + 10)
    result = load(table, f"file://{tmp_path}/part-*.csv").execute(context())
    assert result == {"table": f"demo.{table}", "partition": "p='1'", "rows": 30, "files": 3}
    assert visible(hook, table) == list(range(30))


def test_list_of_paths_and_formats(hook: MaxComputeHook, table: str, tmp_path: Path) -> None:
    first = write(tmp_path, "a.parquet", 0, 5)
    second = ObjectStoragePath(write(tmp_path, "b.parquet", 5, 9))
    assert load(table, [first, second]).execute(context())["rows"] == 9
    assert visible(hook, table) == list(range(9))


def test_csv_options_come_from_json(hook: MaxComputeHook, table: str, tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_text("1;NA\n2;b\n")
    options = {"delimiter": ";", "header": False, "null_values": ["NA"], "column_names": ["a", "b"]}
    load(table, f"{tmp_path}/x.dat", file_format="csv", csv_options=options).execute(context())
    assert hook.unload(table).to_arrow().sort_by("a")["b"].to_pylist() == [None, "b"]


def test_table_is_created_when_asked_for(hook: MaxComputeHook, table_name: str, tmp_path: Path) -> None:
    source = write(tmp_path, "a.csv", 0, 3)
    options = {"create_table": True, "table_columns": {"a": "bigint", "b": "varchar(20)"}}
    load(table_name, source, **options).execute(context())
    load(table_name, source, **options).execute(context())
    assert visible(hook, table_name) == [0, 1, 2]


def test_bad_file_creates_no_table(hook: MaxComputeHook, odps: ODPS, table_name: str, tmp_path: Path) -> None:
    source = write(tmp_path, "a.csv", 0, 3)
    with pytest.raises(ConfigurationError, match=r"'odps_default'.*a.csv.*'b' \(bigint\)"):
        load(table_name, source, create_table=True, table_columns={"a": "bigint", "b": "bigint"}).execute(
            context()
        )
    assert not odps.exist_table(table_name)


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ("nothing-*.csv", {}, NotFoundError, "no file matches"),
        ("nothing.csv", {}, NotFoundError, "no such file"),
        ("x.txt", {}, ConfigurationError, "give file_format"),
        ("x.txt", {"file_format": "json"}, ConfigurationError, "'csv' or 'parquet', found 'json'"),
        ("x.csv", {"csv_options": {"separator": ";"}}, ConfigurationError, "csv_options: .*separator"),
        ("[xy].*", {}, ConfigurationError, "mixes CSV and Parquet"),
    ],
)
def test_arguments_that_cannot_work(
    table: str, tmp_path: Path, source: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    for name in ("x.txt", "x.csv", "y.parquet"):
        write(tmp_path, name, 0, 1)
    (tmp_path / "x.txt").unlink() if source.startswith("[") else None
    with pytest.raises(error, match=message):
        load(table, f"{tmp_path}/{source}", **options).execute(context())


@pytest.mark.parametrize("overwrite", [True, False])
def test_retry_after_a_crash_behind_the_commit_loads_nothing_twice(
    hook: MaxComputeHook, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    source, store = write(tmp_path, "a.csv", 0, 10), Store()
    commit = Tunnel.commit

    def dies_afterwards(self: Tunnel, *args: Any) -> Any:
        commit(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Tunnel, "commit", dies_afterwards)
        with pytest.raises(KeyboardInterrupt):
            load(table, source, overwrite=overwrite).execute(context(store))
    assert visible(hook, table) == list(range(10))
    result = load(table, source, overwrite=overwrite).execute(context(store))
    assert result["rows"] == 10
    assert visible(hook, table) == list(range(10))


def test_retry_after_a_crash_before_the_commit_continues_the_session(
    hook: MaxComputeHook, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, store = write(tmp_path, "a.csv", 0, 10), Store()

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Tunnel, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            load(table, source, overwrite=False).execute(context(store))
    before = store.get("maxcompute_load")
    load(table, source, overwrite=False).execute(context(store))
    assert store.get("maxcompute_load") == before
    assert visible(hook, table) == list(range(10))


def test_cleared_task_and_changed_file_load_again(hook: MaxComputeHook, table: str, tmp_path: Path) -> None:
    source, store = write(tmp_path, "a.csv", 0, 2), Store()
    load(table, source, overwrite=False).execute(context(store, max_tries=2))
    load(table, source, overwrite=False).execute(context(store, max_tries=5))
    assert visible(hook, table) == [0, 0, 1, 1]
    write(tmp_path, "a.csv", 7, 8)
    load(table, source, overwrite=False).execute(context(store, max_tries=5))
    assert visible(hook, table) == [0, 0, 1, 1, 7]


def test_killed_load_shows_no_row(
    emulator: Emulator, hook: MaxComputeHook, table: str, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    source = write(tmp_path, "a.parquet", 0, 400_000)
    code = (
        "from tests.integration import test_transfers as t\n"
        "from airflow_provider_datalake.clients import maxcompute_load as m\n"
        "m.BLOCK_BYTES = 50_000\n"
        "put = m.Tunnel.put_block\n"
        "def announce(self, *a):\n"
        "    put(self, *a)\n"
        "    print('put', flush=True)\n"
        "m.Tunnel.put_block = announce\n"
        f"t.load({table!r}, {source!r}).execute(t.context())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdout is not None
    assert "put\n" in iter(process.stdout.readline, "")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert visible(hook, table) == []


def test_on_kill_ends_the_load_with_nothing_visible(
    hook: MaxComputeHook, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maxcompute_load, "BLOCK_BYTES", 50_000)
    operator = load(table, write(tmp_path, "a.parquet", 0, 400_000))
    put = Tunnel.put_block

    def killed(self: Tunnel, *args: Any) -> None:
        put(self, *args)
        operator.on_kill()
        self.stop.wait(10)

    monkeypatch.setattr(Tunnel, "put_block", killed)
    with pytest.raises(Stopped):
        operator.execute(context())
    assert visible(hook, table) == []
    assert not [thread for thread in threading.enumerate() if "maxcompute" in thread.name]


def export(destination: Any, **options: Any) -> MaxComputeToObjectStorageOperator:
    return MaxComputeToObjectStorageOperator(task_id="export", destination=str(destination), **options)


@pytest.fixture
def filled(hook: MaxComputeHook, table: str) -> str:
    for partition in ("x", "y"):
        hook.load(rows(0, 500), table, partition={"p": partition}, create_partition=True)
    return table


def test_table_becomes_one_file(filled: str, tmp_path: Path) -> None:
    target = tmp_path / "out" / "all.parquet"
    result = export(f"file://{target}", table=filled).execute(context())
    assert result == {"uri": f"file://{target}", "rows": 1000, "files": 1}
    found = pq.read_table(target)
    assert found.schema.names == ["a", "b", "p"]
    assert found.num_rows == 1000
    assert os.listdir(target.parent) == ["all.parquet"]


def test_partition_and_columns(filled: str, tmp_path: Path) -> None:
    export(tmp_path / "x.parquet", table=filled, partition="p=x", columns=["a"]).execute(context())
    assert pq.read_table(tmp_path / "x.parquet") == rows(0, 500).select(["a"])


def test_query_and_finished_instance(filled: str, odps: ODPS, tmp_path: Path) -> None:
    sql = f"select a, count(*) n from {filled} where a < 5 group by a"
    assert export(tmp_path / "q.parquet", sql=sql).execute(context())["rows"] == 5
    assert pq.read_table(tmp_path / "q.parquet").sort_by("a").to_pydict() == {
        "a": [0, 1, 2, 3, 4],
        "n": [2] * 5,
    }
    instance = odps.execute_sql(sql)
    assert export(tmp_path / "i.parquet", instance_id=instance.id).execute(context())["rows"] == 5


def test_empty_result_is_a_file_with_columns(filled: str, tmp_path: Path) -> None:
    assert (
        export(tmp_path / "e.parquet", sql=f"select a, b from {filled} where a < 0").execute(context())[
            "rows"
        ]
        == 0
    )
    assert pq.read_table(tmp_path / "e.parquet").schema.names == ["a", "b"]
    result = export(tmp_path / "d", sql=f"select a, b from {filled} where a < 0", rows_per_file=5).execute(
        context()
    )
    assert (result["rows"], result["files"]) == (0, 1)


def test_many_files_have_a_manifest_and_replace_an_earlier_trys(filled: str, tmp_path: Path) -> None:
    folder = tmp_path / "out/dag_id=lake/run_id=manual__2024/task_id=export/map_index=3"
    folder.mkdir(parents=True)
    (folder / "part-00007-deadbeef.parquet").write_bytes(b"of a try that was killed")
    operator = export(f"file://{tmp_path}/out", table=filled, rows_per_file=300)
    result = operator.execute(context(map_index=3))
    assert result == {"uri": f"file://{folder}/manifest.json", "rows": 1000, "files": 4}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [part["rows"] for part in manifest["files"]] == [300, 300, 300, 100]
    assert sorted(os.listdir(folder)) == [
        "manifest.json",
        *sorted(part["name"] for part in manifest["files"]),
    ]
    assert sum(pq.read_metadata(folder / part["name"]).num_rows for part in manifest["files"]) == 1000


def _breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Tunnel.read_table
    calls: list[Any] = []

    def broken(self: Tunnel, *args: Any) -> Any:
        calls.append(args)
        if len(calls) > 1:
            raise OSError("the line broke")
        return read(self, *args)

    monkeypatch.setattr(Tunnel, "read_table", broken)


def test_failed_export_leaves_the_old_file_alone(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "all.parquet"
    target.write_bytes(b"the old one")
    _breaks(monkeypatch)
    with pytest.raises(OSError, match="the line broke"):
        export(target, table=filled).execute(context())
    assert os.listdir(tmp_path) == ["all.parquet"]
    assert target.read_bytes() == b"the old one"


def test_failed_export_to_a_folder_has_no_manifest(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tmp_path, table=filled, rows_per_file=300).execute(context())
    _breaks(monkeypatch)
    with pytest.raises(OSError, match="the line broke"):
        export(tmp_path, table=filled, rows_per_file=300).execute(context())
    folder = tmp_path / "dag_id=lake" / "run_id=manual__2024" / "task_id=export"
    assert "manifest.json" not in os.listdir(folder)


def test_two_tasks_of_a_run_may_share_a_destination(filled: str, tmp_path: Path) -> None:
    first = export(tmp_path, table=filled, partition="p=x", rows_per_file=300)
    second = export(tmp_path, table=filled, rows_per_file=300)
    uris = [
        operator.execute(context(task_id=task_id))["uri"]
        for operator, task_id in ((first, "one"), (second, "two"), (first, "group.one"))
    ]
    totals = [json.loads((tmp_path / uri.removeprefix("file://")).read_text())["rows"] for uri in uris]
    assert totals == [500, 1000, 500]


@pytest.mark.parametrize(
    ("destination", "options", "message"),
    [
        ("folder", {}, "folder is a folder: name a file in it"),
        ("new/", {}, "is a folder: name a file in it"),
        ("file", {"rows_per_file": 5}, "file is a file: rows_per_file needs a folder"),
    ],
)
def test_destination_of_the_wrong_kind_is_refused_before_anything_is_read(
    tmp_path: Path, destination: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=message):
        export(f"{tmp_path}/{destination}", sql="select 1", odps_conn_id="unknown", **options).execute(
            context()
        )


class MultipartFile(AbstractBufferedFile):
    """An upload as s3fs makes it: parts first, visible when it is committed."""

    def _initiate_upload(self) -> None:
        self.parts: list[bytes] = []

    def _upload_chunk(self, final: bool = False) -> bool:
        self.buffer.seek(0)
        self.parts.append(self.buffer.read())
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        self.fs.store[self.path] = MemoryFile(self.fs, self.path, b"".join(self.parts))

    def discard(self) -> None:
        self.fs.aborted.append(self.path)


class MultipartFileSystem(MemoryFileSystem):
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.store, self.pseudo_dirs, self.aborted = {}, [""], []

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if mode == "wb":
            return MultipartFile(self, path, mode, block_size=2**20, autocommit=kwargs["autocommit"])
        return super()._open(path, mode)


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> MultipartFileSystem:
    monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
    store = MultipartFileSystem()
    attach("memory", fs=store)
    return store


def test_object_store_upload_is_completed(
    filled: str, hook: MaxComputeHook, object_store: MultipartFileSystem
) -> None:
    target = ObjectStoragePath("memory://bucket/all.parquet")
    assert export(target, table=filled).execute(context())["rows"] == 1000
    with target.open("rb") as file:
        assert pq.read_metadata(file).num_rows == 1000
    options = {"partition": "p=z", "columns": ["a", "b"]}
    load(filled, "memory://bucket/*.parquet", **options).execute(context())
    assert hook.unload(filled, partition="p=z").to_arrow().num_rows == 1000


def test_object_store_upload_is_aborted_on_failure(
    filled: str, object_store: MultipartFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    _breaks(monkeypatch)
    with pytest.raises(OSError, match="the line broke"):
        export("memory://bucket/all.parquet", table=filled).execute(context())
    gc.collect()
    assert object_store.store == {}
    assert object_store.aborted == ["/bucket/all.parquet"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of table, sql and instance_id; found none"),
        ({"table": "t", "sql": "select 1"}, "found table, sql"),
        ({"sql": "select 1", "columns": ["a"]}, "partition and columns go with table only"),
        ({"table": "t", "rows_per_file": 0}, "rows_per_file must be an integer of at least 1, found 0"),
        ({"table": "t", "rows_per_file": "5"}, "rows_per_file must be an integer of at least 1, found '5'"),
    ],
)
def test_export_arguments_that_cannot_work(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        export(tmp_path / "x.parquet", **options).execute(context())
