"""``adls1://`` as a file system, for fsspec, for Airflow's object storage and for the transfers."""

from __future__ import annotations

import gc
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_datalake.clients.maxcompute_tunnel import Tunnel
from airflow_provider_datalake.filesystems.data_lake_store import DataLakeStoreFileSystem, get_fs, schemes
from airflow_provider_datalake.transfers.maxcompute_to_object_storage import MaxComputeToObjectStorageOperator
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import ObjectStorageToMaxComputeOperator
from tests.integration.store_connections import TOKEN, address, as_variable, connect
from tests.integration.test_transfers import connection, context, rows

if TYPE_CHECKING:
    from odps import ODPS

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from tests.integration.conftest import Emulator


@pytest.fixture(autouse=True)
def connections(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", as_variable(emulator))
    monkeypatch.setenv("AIRFLOW_CONN_ADLS_GEN1_DEFAULT", as_variable(emulator))
    monkeypatch.setenv("AIRFLOW_CONN_ODPS_DEFAULT", connection(emulator))
    monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
    DataLakeStoreFileSystem.clear_instance_cache()


@pytest.fixture
def store(emulator: Emulator) -> DataLakeStore:
    return connect(emulator)


@pytest.fixture
def folder() -> str:
    """A folder that no other test uses; it is made by what is written to it."""
    return f"fs-{uuid.uuid4().hex}"


@pytest.fixture
def fs(emulator: Emulator) -> DataLakeStoreFileSystem:
    return fsspec.filesystem("adls1", url=address(emulator), bearer_token=TOKEN)


@pytest.fixture
def root(folder: str) -> str:
    return f"emulator/{folder}"


@pytest.fixture
def path(folder: str) -> ObjectStoragePath:
    return ObjectStoragePath(f"adls1://lake@emulator/{folder}")


def names(store: DataLakeStore, folder: str) -> list[str]:
    return [one.name for one in store.children(f"/{folder}")]


def test_fsspec_opens_a_file_without_airflow(emulator: Emulator, folder: str) -> None:
    options = {"url": address(emulator), "bearer_token": TOKEN}
    with fsspec.open(f"adls1://emulator/{folder}/a.txt", "w", **options) as file:
        file.write("one\ntwo\n")
    with fsspec.open(f"adls1://emulator/{folder}/a.txt", "rt", **options) as file:
        assert list(file) == ["one\n", "two\n"]


def test_a_file_is_read_in_ranges(fs: DataLakeStoreFileSystem, root: str) -> None:
    data = os.urandom(10_000)
    fs.pipe(f"{root}/f", data)
    assert fs.cat_file(f"{root}/f") == data
    assert fs.cat_file(f"{root}/f", 100, 200) == data[100:200]
    assert fs.cat_file(f"{root}/f", -10) == data[-10:]
    assert fs.cat_file(f"{root}/f", 5, -5) == data[5:-5]
    assert fs.cat_file(f"{root}/f", 20_000) == b""
    assert fs.cat_ranges([f"{root}/f"] * 2, [0, 9_990], [10, 10_000]) == [data[:10], data[-10:]]
    with fs.open(f"{root}/f", block_size=1000) as file:
        file.seek(5000)
        assert file.read(2500) == data[5000:7500]
        file.seek(-3, 2)
        assert file.read() == data[-3:]


def test_a_large_file_is_written_in_blocks(
    fs: DataLakeStoreFileSystem, store: DataLakeStore, root: str
) -> None:
    data = os.urandom(1_000_000)
    with fs.open(f"{root}/f", "wb", block_size=200_000) as file:
        for begin in range(0, len(data), 70_000):
            file.write(data[begin : begin + 70_000])
        assert file.tell() == len(data)
    assert fs.cat(f"{root}/f") == data
    fs.pipe(f"{root}/g", data * 20)
    assert fs.info(f"{root}/g")["size"] == 20_000_000
    assert fs.cat(f"{root}/g") == data * 20


def test_nothing_is_in_sight_before_a_file_is_closed(
    fs: DataLakeStoreFileSystem, root: str, folder: str, store: DataLakeStore
) -> None:
    fs.pipe(f"{root}/f", b"old")
    file = fs.open(f"{root}/f", "wb", block_size=10)
    file.write(b"x" * 100)
    assert fs.cat(f"{root}/f") == b"old"
    assert fs.ls(root, detail=False) == [f"{root}/f"]
    assert fs.glob(f"{root}/*") == [f"{root}/f"]
    file.close()
    assert fs.cat(f"{root}/f") == b"x" * 100
    assert names(store, folder) == ["f"]


def test_an_exception_makes_no_half_file(
    fs: DataLakeStoreFileSystem, root: str, folder: str, store: DataLakeStore
) -> None:
    fs.pipe(f"{root}/f", b"old")

    def fails() -> None:
        with fs.open(f"{root}/f", "wb", block_size=10) as file:
            file.write(b"x" * 100)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert fs.cat(f"{root}/f") == b"old"
    assert names(store, folder) == ["f"]


def test_a_file_that_is_never_closed_never_appears(
    fs: DataLakeStoreFileSystem, root: str, folder: str, store: DataLakeStore
) -> None:
    fs.makedirs(root)
    fs.open(f"{root}/f", "wb", block_size=10).write(b"x" * 100)
    gc.collect()
    assert names(store, folder) == []


def test_a_file_may_be_committed_or_discarded(
    fs: DataLakeStoreFileSystem, root: str, folder: str, store: DataLakeStore
) -> None:
    fs.makedirs(root)
    files = [fs.open(f"{root}/{name}", "wb", autocommit=False) for name in "ab"]
    for file in files:
        file.write(b"data")
        file.close()
    assert fs.ls(root) == []
    files[0].commit()
    files[1].discard()
    assert names(store, folder) == ["a"]
    with fs.transaction:
        with fs.open(f"{root}/c", "wb") as file:
            file.write(b"c")
        assert not fs.exists(f"{root}/c")
    assert fs.cat(f"{root}/c") == b"c"


def test_an_exclusive_file_must_be_new(fs: DataLakeStoreFileSystem, root: str) -> None:
    with fs.open(f"{root}/f", "xb") as file:
        file.write(b"1")
    with pytest.raises(FileExistsError):
        fs.open(f"{root}/f", "xb")
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"{root}/f", b"2", mode="create")
    with pytest.raises(NotImplementedError, match="not ab"):
        fs.open(f"{root}/f", "ab")
    assert fs.cat(f"{root}/f") == b"1"


def test_an_empty_file(fs: DataLakeStoreFileSystem, root: str) -> None:
    fs.touch(f"{root}/f")
    with fs.open(f"{root}/g", "wb"):
        pass
    assert fs.cat(f"{root}/f") == fs.cat(f"{root}/g") == b""


def test_folders_are_made_listed_and_removed(fs: DataLakeStoreFileSystem, root: str) -> None:
    fs.makedirs(f"{root}/a/b")
    with pytest.raises(FileExistsError):
        fs.makedirs(f"{root}/a/b")
    with pytest.raises(FileExistsError):
        fs.mkdir(f"{root}/a")
    with pytest.raises(FileNotFoundError):
        fs.mkdir(f"{root}/x/y", create_parents=False)
    fs.makedirs(f"{root}/a/b", exist_ok=True)
    fs.pipe({f"{root}/a/f": b"123", f"{root}/a/b/g": b"45"})
    assert fs.ls(f"{root}/a", detail=False) == [f"{root}/a/b", f"{root}/a/f"]
    assert fs.find(root) == [f"{root}/a/b/g", f"{root}/a/f"]
    assert fs.du(root) == 5
    assert fs.isdir(f"{root}/a")
    assert fs.isfile(f"{root}/a/f")
    assert next(iter(fs.walk(root))) == (root, ["a"], [])
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(f"{root}/a")
    with pytest.raises(IsADirectoryError):
        fs.rm(f"{root}/a")
    with pytest.raises(IsADirectoryError):
        fs.rm_file(f"{root}/a")
    fs.rm(f"{root}/a", recursive=True)
    assert fs.ls(root) == []
    fs.mkdir(f"{root}/e")
    fs.rmdir(f"{root}/e")
    assert not fs.exists(f"{root}/e")


def test_what_is_missing_raises_what_file_systems_raise(fs: DataLakeStoreFileSystem, root: str) -> None:
    for call in (fs.info, fs.ls, fs.cat_file, fs.rm, fs.rm_file, fs.modified, fs.open):
        with pytest.raises(FileNotFoundError):
            call(f"{root}/nothing")
    with pytest.raises(FileNotFoundError):
        fs.mv(f"{root}/nothing", f"{root}/x")
    assert not fs.exists(f"{root}/nothing")
    assert fs.glob(f"{root}/nothing/*") == []


def test_a_whole_store_is_not_removed(fs: DataLakeStoreFileSystem) -> None:
    with pytest.raises(PermissionError):
        fs.rm("emulator", recursive=True)


def test_files_are_moved_and_copied(fs: DataLakeStoreFileSystem, root: str) -> None:
    fs.pipe({f"{root}/a/f": b"1", f"{root}/a/b/g": b"2"})
    fs.copy(f"{root}/a", f"{root}/copy", recursive=True)
    fs.mv(f"{root}/a", f"{root}/moved", recursive=True)
    assert {path[len(root) :]: fs.cat(path) for path in fs.find(root)} == {
        "/copy/f": b"1",
        "/copy/b/g": b"2",
        "/moved/f": b"1",
        "/moved/b/g": b"2",
    }
    fs.mv(f"{root}/moved/f", f"{root}/moved/b/g")
    assert fs.cat(f"{root}/moved/b/g") == b"1"


def test_trees_are_put_and_got(fs: DataLakeStoreFileSystem, root: str, tmp_path: Any) -> None:
    (tmp_path / "in/x").mkdir(parents=True)
    (tmp_path / "in/a").write_bytes(b"a")
    (tmp_path / "in/x/b").write_bytes(b"b")
    fs.put(f"{tmp_path}/in/", f"{root}/up/", recursive=True)
    fs.get(f"{root}/up/", f"{tmp_path}/out/", recursive=True)
    assert (tmp_path / "out/a").read_bytes() == b"a"
    assert (tmp_path / "out/x/b").read_bytes() == b"b"


def test_pandas_and_pyarrow_use_it(emulator: Emulator, fs: DataLakeStoreFileSystem, folder: str) -> None:
    options = {"host": address(emulator), "bearer_token": TOKEN}
    frame = pd.DataFrame({"a": range(1000), "b": ["x"] * 1000})
    frame.to_parquet(f"adls1://emulator/{folder}/f.parquet", storage_options=options, row_group_size=100)
    again = pd.read_parquet(f"adls1://emulator/{folder}/f.parquet", storage_options=options)
    assert again["a"].tolist() == list(range(1000))
    frame.to_csv(f"adls1://emulator/{folder}/f.csv", storage_options=options, index=False)
    assert len(pd.read_csv(f"adls1://emulator/{folder}/f.csv", storage_options=options)) == 1000


def test_airflow_finds_the_file_system(path: ObjectStoragePath) -> None:
    assert schemes == ["adls1"]
    assert isinstance(path.fs, DataLakeStoreFileSystem)
    assert isinstance(get_fs("lake", {}), DataLakeStoreFileSystem)


def test_a_path_reads_back_from_its_text(folder: str) -> None:
    text = f"adls1://lake@emulator/{folder}/a b/ü.csv"
    assert str(ObjectStoragePath(text)) == text
    assert (
        str(ObjectStoragePath(f"adls1://emulator/{folder}", conn_id="lake"))
        == f"adls1://lake@emulator/{folder}"
    )
    assert ObjectStoragePath(text).name == "ü.csv"


def test_a_path_is_written_read_listed_renamed_and_removed(path: ObjectStoragePath) -> None:
    path.mkdir()
    (path / "a.txt").write_text("hello")
    with (path / "b.txt").open("wb") as file:
        file.write(b"bytes")
    assert (path / "a.txt").read_text() == "hello"
    with (path / "b.txt").open() as text:
        assert text.read() == "bytes"
    assert sorted(str(one) for one in path.iterdir()) == [f"{path}/a.txt", f"{path}/b.txt"]
    assert sorted(one.name for one in path.glob("*.txt")) == ["a.txt", "b.txt"]
    assert (path / "a.txt").stat().st_size == 5
    (path / "a.txt").rename(path / "c.txt")
    assert sorted(one.name for one in path.iterdir()) == ["b.txt", "c.txt"]
    assert (path / "c.txt").read_text() == "hello"
    (path / "c.txt").unlink()
    assert [one.name for one in path.iterdir()] == ["b.txt"]
    path.rmdir(recursive=True)
    assert not path.exists()


def test_a_path_is_copied_to_and_from_this_machine(path: ObjectStoragePath, tmp_path: Any) -> None:
    (tmp_path / "a.txt").write_text("hello")
    ObjectStoragePath(f"file://{tmp_path}/a.txt").copy(path / "a.txt")
    (path / "a.txt").copy(ObjectStoragePath(f"file://{tmp_path}/b.txt"))
    assert (tmp_path / "b.txt").read_text() == "hello"


def test_the_store_of_the_path_comes_before_the_connections(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_OTHER",
        json.dumps({**json.loads(as_variable(emulator)), "host": address(emulator, "other")}),
    )
    path = ObjectStoragePath("adls1://other@emulator/")
    assert path.fs.split("adls1://other@emulator/x")[0].http.base_url == address(emulator)
    assert path.fs.split("adls1://other@second.azuredatalakestore.net/x")[0].account == "second"


@pytest.fixture
def table(odps: ODPS, table_name: str) -> str:
    odps.execute_sql(f"create table {table_name} (a bigint, b string) partitioned by (p string)")
    return table_name


def test_maxcompute_loads_from_a_store_and_exports_to_it(
    path: ObjectStoragePath, table: str, odps: ODPS
) -> None:
    for index in range(3):
        with (path / f"part-{index}.parquet").open("wb") as file:
            pq.write_table(rows(index * 10, index * 10 + 10), file)
    (path / "x.csv").write_text("a,b\n100,text 100\n")
    load = ObjectStorageToMaxComputeOperator(
        task_id="load", source=f"{path}/*.parquet", table=table, partition="p=1"
    )
    assert load.execute(context())["rows"] == 30
    load = ObjectStorageToMaxComputeOperator(
        task_id="load", source=f"{path}/x.csv", table=table, partition="p=1", overwrite=False
    )
    assert load.execute(context())["rows"] == 1
    export = MaxComputeToObjectStorageOperator(
        task_id="export", destination=f"{path}/out/all.parquet", table=table
    )
    assert export.execute(context()) == {"uri": f"{path}/out/all.parquet", "rows": 31, "files": 1}
    with (path / "out/all.parquet").open("rb") as file:
        assert sorted(pq.read_table(file)["a"].to_pylist()) == [*range(30), 100]


def test_an_export_of_many_files_has_its_manifest_in_the_store(path: ObjectStoragePath, table: str) -> None:
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

    MaxComputeHook().load(rows(0, 1000), table, partition={"p": "x"}, create_partition=True)
    export = MaxComputeToObjectStorageOperator(
        task_id="export", destination=str(path), table=table, rows_per_file=300
    )
    for _ in range(2):
        uri = export.execute(context())["uri"]
        manifest = json.loads(ObjectStoragePath(uri).read_text())
        assert [part["rows"] for part in manifest["files"]] == [300, 300, 300, 100]
        assert sorted(one.name for one in ObjectStoragePath(uri).parent.iterdir()) == [
            "manifest.json",
            *sorted(part["name"] for part in manifest["files"]),
        ]


def test_a_failed_export_leaves_the_old_file_and_nothing_else(
    path: ObjectStoragePath, table: str, folder: str, store: DataLakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

    for partition in "xy":
        MaxComputeHook().load(rows(0, 500), table, partition={"p": partition}, create_partition=True)
    (path / "all.parquet").write_bytes(b"the old one")
    read, calls = Tunnel.read_table, []

    def broken(self: Tunnel, *args: Any) -> Any:
        calls.append(args)
        if len(calls) > 1:
            raise OSError("the line broke")
        return read(self, *args)

    monkeypatch.setattr(Tunnel, "read_table", broken)
    with pytest.raises(OSError, match="the line broke"):
        MaxComputeToObjectStorageOperator(
            task_id="export", destination=f"{path}/all.parquet", table=table
        ).execute(context())
    gc.collect()
    assert names(store, folder) == ["all.parquet"]
    assert (path / "all.parquet").read_bytes() == b"the old one"


def test_arrow_reads_a_footer_without_the_whole_file(fs: DataLakeStoreFileSystem, root: str) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(rows(0, 100_000), sink, row_group_size=1000)
    fs.pipe(f"{root}/f.parquet", sink.getvalue().to_pybytes())
    with fs.open(f"{root}/f.parquet") as file:
        assert pq.read_metadata(file).num_rows == 100_000
