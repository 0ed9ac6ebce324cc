"""Uploads, downloads and the other tasks: parallel, taken up again after a kill, never half a file in sight."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_datalake.clients import data_lake_store_download as downloads
from airflow_provider_datalake.clients import data_lake_store_upload as uploads
from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
from airflow_provider_datalake.clients.data_lake_store_upload import UploadOptions, upload
from airflow_provider_datalake.clients.http import RetryPolicy
from airflow_provider_datalake.clients.parallel import Stopped
from airflow_provider_datalake.exceptions import ConflictError, ServiceError
from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook
from airflow_provider_datalake.operators.data_lake_store import (
    DataLakeStoreDeleteOperator,
    DataLakeStoreDownloadOperator,
    DataLakeStoreListOperator,
    DataLakeStoreRenameOperator,
    DataLakeStoreUploadOperator,
)
from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor
from tests.integration.store_connections import as_variable, connect
from tests.integration.test_transfers import Store as StateStore
from tests.integration.test_transfers import context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Emulator

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def connection(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ADLS_GEN1_DEFAULT", as_variable(emulator))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large files that are small: several blocks, parts and ranges in a few megabytes."""
    monkeypatch.setattr(uploads, "ATOMIC_BYTES", 100_000)
    monkeypatch.setattr(uploads, "BLOCK", 200_000)
    monkeypatch.setattr(uploads, "PART", 500_000)
    monkeypatch.setattr(downloads, "ATOMIC_BYTES", 100_000)
    monkeypatch.setattr(downloads, "RANGE", 300_000)


@pytest.fixture
def store(emulator: Emulator) -> DataLakeStore:
    return connect(emulator)


@pytest.fixture
def folder() -> str:
    """A folder that no other test uses."""
    return f"/tasks-{uuid.uuid4().hex}"


def put(source: Any, destination: str, **options: Any) -> DataLakeStoreUploadOperator:
    return DataLakeStoreUploadOperator(task_id="put", source=str(source), destination=destination, **options)


def get(source: str, destination: Any, **options: Any) -> DataLakeStoreDownloadOperator:
    return DataLakeStoreDownloadOperator(
        task_id="get", source=source, destination=str(destination), **options
    )


def write(folder: Path, sizes: dict[str, int]) -> dict[str, bytes]:
    """Write files of random bytes."""
    made = {name: os.urandom(size) for name, size in sizes.items()}
    for name, data in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return made


def below(store: DataLakeStore, folder: str) -> dict[str, bytes]:
    """Read all there is below a folder of the store, whatever it is called."""
    found: dict[str, bytes] = {}
    for one in store.children(folder):
        name = one.path
        found |= below(store, name) if one.is_folder else {name: store.read(name)}
    return found


def files_in(store: DataLakeStore, folder: str) -> dict[str, bytes]:
    return {path[len(folder) + 1 :]: data for path, data in below(store, folder).items()}


def local_files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


SIZES = {"empty": 0, "small": 10, "x/one part": 400_000, "x/y/parts": 1_700_123, "exact": 1_000_000}


def test_a_tree_goes_up_and_comes_down(store: DataLakeStore, folder: str, tmp_path: Path) -> None:
    data = write(tmp_path / "in", SIZES)
    result = put(tmp_path / "in", folder).execute(context())
    size = sum(SIZES.values())
    assert result == {"uri": f"adl://emulator.azuredatalakestore.net{folder}", "files": 5, "bytes": size}
    assert files_in(store, folder) == data
    result = get(folder, tmp_path / "out").execute(context())
    assert result == {"destination": str(tmp_path / "out"), "files": 5, "bytes": size}
    assert local_files(tmp_path / "out") == data


def test_a_file_goes_up_and_comes_down(store: DataLakeStore, folder: str, tmp_path: Path) -> None:
    data = write(tmp_path, {"f": 2_000_000})
    put(f"file://{tmp_path}/f", f"{folder}/g").execute(context())
    assert files_in(store, folder) == {"g": data["f"]}
    get(f"{folder}/g", f"file://{tmp_path}/h").execute(context())
    assert (tmp_path / "h").read_bytes() == data["f"]


def test_patterns_choose_files_on_both_sides(store: DataLakeStore, folder: str, tmp_path: Path) -> None:
    data = write(tmp_path / "in", {"a.csv": 5, "b.txt": 5, "x/c.csv": 5})
    put(tmp_path / "in/*.csv", f"{folder}/flat").execute(context())
    put(tmp_path / "in/**/*.csv", f"{folder}/deep").execute(context())
    assert files_in(store, folder) == {
        "flat/a.csv": data["a.csv"],
        "deep/a.csv": data["a.csv"],
        "deep/x/c.csv": data["x/c.csv"],
    }
    get(f"{folder}/deep/*/*.csv", tmp_path / "out").execute(context())
    assert local_files(tmp_path / "out") == {"x/c.csv": data["x/c.csv"]}


def test_a_file_of_another_storage_goes_up_in_blocks(
    store: DataLakeStore, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
    memory = MemoryFileSystem()
    attach("memory", fs=memory)
    data = os.urandom(1_000_000)
    memory.pipe("/bucket/f", data)
    state = StateStore()
    operator = put(ObjectStoragePath("memory://bucket/f"), f"{folder}/f", overwrite=False)
    assert operator.execute(context(state))["bytes"] == 1_000_000
    assert files_in(store, folder) == {"f": data}
    # What an earlier try has finished is no conflict for a later one; for another task it is.
    assert operator.execute(context(state))["bytes"] == 1_000_000
    with pytest.raises(AirflowFailException, match="there is a file"):
        operator.execute(context())


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("nothing", "/x", "no such file"),
        ("nothing/*.csv", "/x", "no file matches"),
        ("empty", "/x", "there are no files in"),
        ("f", "x", "destination must be an absolute path"),
        ("f", "/x/", "/x/ is a folder: name a file in it"),
        ("f", "/", "is a folder: name a file in it"),
        ("f", "/a/../x", "must not have the part"),
        ("loop", "/x", "is a link to a folder that it is in"),
    ],
)
def test_an_upload_that_cannot_work_fails_at_once(
    tmp_path: Path, source: str, destination: str, message: str
) -> None:
    write(tmp_path, {"f": 1, "loop/g": 1})
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop/again").symlink_to(tmp_path / "loop")
    with pytest.raises(AirflowFailException, match=f"^Connection 'adls_gen1_default': .*{message}"):
        put(tmp_path / source, destination).execute(context())


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("/nothing", "x", "FileNotFoundException"),
        ("/nothing/*", "x", "no file matches"),
        ("{folder}/f", "x/", "x/ is a folder"),
        ("{folder}/f", "", "there is a folder|is a folder, "),
        ("{folder}/f", "s3://bucket/x", "must be a path of the worker"),
        ("{folder}/f", "there", "there is a file .*there already"),
    ],
)
def test_a_download_that_cannot_work_fails_at_once(
    store: DataLakeStore, folder: str, tmp_path: Path, source: str, destination: str, message: str
) -> None:
    store.create(f"{folder}/f", b"new")
    write(tmp_path, {"there": 3})
    target = destination if "://" in destination else f"{tmp_path}/{destination}"
    with pytest.raises(AirflowFailException, match=message):
        get(
            source.format(folder=folder),
            target.removesuffix("/") if not destination else target,
            overwrite=False,
        ).execute(context())


@pytest.mark.parametrize("size", [50, 400_000, 1_000_000])
def test_files_that_are_there_are_replaced_only_when_they_may(
    store: DataLakeStore, folder: str, tmp_path: Path, size: int
) -> None:
    store.create(f"{folder}/f", b"old")
    data = write(tmp_path, {"f": size})
    with pytest.raises(AirflowFailException, match="there is a file .*/f already"):
        put(tmp_path / "f", f"{folder}/f", overwrite=False).execute(context())
    assert files_in(store, folder) == {"f": b"old"}
    put(tmp_path / "f", f"{folder}/f").execute(context())
    assert files_in(store, folder) == {"f": data["f"]}


@pytest.mark.parametrize("size", [50, 400_000, 1_000_000])
def test_a_file_does_not_vanish_into_a_folder_of_its_name(
    store: DataLakeStore, folder: str, tmp_path: Path, size: int
) -> None:
    store.create(f"{folder}/d/there", b"1")
    write(tmp_path, {"f": size})
    with pytest.raises(AirflowFailException, match="folder"):
        put(tmp_path / "f", f"{folder}/d").execute(context())
    assert files_in(store, folder) == {"d/there": b"1"}


def in_process(code: str) -> subprocess.Popen[str]:
    """Run a task in a process of its own, which tells after each request."""
    prelude = (
        "import os\n"
        "from tests.integration import test_store_operators as t\n"
        "t.uploads.ATOMIC_BYTES = t.downloads.ATOMIC_BYTES = 100_000\n"
        "t.uploads.BLOCK, t.uploads.PART, t.downloads.RANGE = 200_000, 500_000, 300_000\n"
        "def announced(name):\n"
        "    call = getattr(t.DataLakeStore, name)\n"
        "    def announce(*a, **k):\n"
        "        found = call(*a, **k)\n"
        # One write: print makes two, and the lines of two threads would mingle.
        "        os.write(1, b'done\\n')\n"
        "        return found\n"
        "    setattr(t.DataLakeStore, name, announce)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


def kill_after(process: subprocess.Popen[str], requests: int) -> None:
    assert process.stdout is not None
    for _ in range(requests):
        assert "done\n" in iter(process.stdout.readline, "")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


@pytest.mark.parametrize("requests", [1, 5, 12])
def test_an_upload_that_was_killed_is_taken_up_again(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requests: int
) -> None:
    data = write(tmp_path / "in", {"large": 5_000_000})
    process = in_process(
        "announced('create')\nannounced('append')\n"
        f"t.put({str(tmp_path / 'in')!r}, {folder!r}, threads=2).execute(t.context())\n"
    )
    kill_after(process, requests)
    assert not store.exists(f"{folder}/large")
    there = sum(len(content) for content in below(store, folder).values())
    assert there > 0
    create, append, again = DataLakeStore.create, DataLakeStore.append, []

    def counted(call: Any) -> Any:
        def count(self: DataLakeStore, path: str, content: bytes, *args: Any, **options: Any) -> None:
            again.append(len(content))
            call(self, path, content, *args, **options)

        return count

    monkeypatch.setattr(DataLakeStore, "create", counted(create))
    monkeypatch.setattr(DataLakeStore, "append", counted(append))
    put(tmp_path / "in", folder).execute(context())
    assert files_in(store, folder) == data
    # A request that was under way when the process was killed may have come through afterwards.
    assert sum(again) <= 5_000_000 - there


def test_a_later_try_does_not_send_again_what_is_there(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "DOUBT_SECONDS", -60.0)
    data = write(tmp_path / "in", {f"{number:02}": 1000 for number in range(20)})
    state, create = StateStore(), DataLakeStore.create
    sent: list[str] = []

    def dies(self: DataLakeStore, path: str, *args: Any, **options: Any) -> None:
        if len(sent) >= 10:
            raise KeyboardInterrupt
        create(self, path, *args, **options)
        sent.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(DataLakeStore, "create", dies)
        with pytest.raises(KeyboardInterrupt):
            put(tmp_path / "in", folder, threads=1, overwrite=False).execute(context(state))
    sent.clear()
    monkeypatch.setattr(
        DataLakeStore, "create", lambda self, path, *a, **k: (sent.append(path), create(self, path, *a, **k))
    )
    put(tmp_path / "in", folder, overwrite=False).execute(context(state))
    assert sorted(sent) == [f"{folder}/{number}" for number in range(10, 20)]
    assert files_in(store, folder) == data


def test_a_cleared_upload_sends_all_again(store: DataLakeStore, folder: str, tmp_path: Path) -> None:
    write(tmp_path / "in", {"a": 10, "b": 400_000, "c": 1_200_000})
    state = StateStore()
    put(tmp_path / "in", folder).execute(context(state))
    for name in "abc":
        # Of the same size: only sending it again mends it.
        store.create(f"{folder}/{name}", bytes((tmp_path / "in" / name).stat().st_size))
    put(tmp_path / "in", folder).execute(context(state, max_tries=9))
    assert files_in(store, folder) == local_files(tmp_path / "in")


def test_a_file_that_was_there_before_is_not_taken_for_an_earlier_trys(
    store: DataLakeStore, folder: str, tmp_path: Path
) -> None:
    store.create(f"{folder}/f", b"old")
    (tmp_path / "f").write_bytes(b"new")
    clock = store.clock()
    assert clock is not None
    began = uploads.Beginning(store=clock, local=os.stat(tmp_path / "f").st_mtime + 3600)
    with pytest.raises(ConflictError):
        upload(store, [(tmp_path / "f", f"{folder}/f")], UploadOptions(overwrite=False, since=began))
    result = upload(store, [(tmp_path / "f", f"{folder}/f")], UploadOptions(since=began))
    assert (result.skipped, files_in(store, folder)) == (0, {"f": b"new"})


def test_a_file_that_has_changed_here_since_is_sent_again(
    store: DataLakeStore, folder: str, tmp_path: Path
) -> None:
    store.create(f"{folder}/f", b"old")
    (tmp_path / "f").write_bytes(b"new")
    changed = os.stat(tmp_path / "f").st_mtime
    began = uploads.Beginning(store=store.status(f"{folder}/f").modified - 100, local=changed - 100)
    upload(store, [(tmp_path / "f", f"{folder}/f")], UploadOptions(since=began))
    assert files_in(store, folder) == {"f": b"new"}


@pytest.mark.parametrize("call", ["concat", "publish", "rename"])
def test_an_upload_that_dies_at_its_end_is_taken_up_again(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    data = write(tmp_path, {"f": 1_200_000})
    state, real = StateStore(), getattr(DataLakeStore, call)

    def dies(*args: Any, **options: Any) -> None:
        real(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DataLakeStore, call, dies)
        with pytest.raises(KeyboardInterrupt):
            put(tmp_path / "f", f"{folder}/f").execute(context(state))
    put(tmp_path / "f", f"{folder}/f").execute(context(state))
    assert files_in(store, folder) == data
    assert [one.name for one in store.children(folder)] == ["f"]


def test_a_file_that_changes_while_it_goes_up_does_not_appear(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"f": 1_200_000})
    concat = DataLakeStore.concat

    def changed(*args: Any, **options: Any) -> None:
        write(tmp_path, {"f": 1_200_000})
        concat(*args, **options)

    monkeypatch.setattr(DataLakeStore, "concat", changed)
    with pytest.raises(Exception, match="has changed while it was uploaded"):
        put(tmp_path / "f", f"{folder}/f").execute(context())
    assert not store.exists(f"{folder}/f")


def test_what_abandoned_uploads_have_left_is_removed(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "STALE_SECONDS", -60.0)
    store.create(f"{folder}/.f.0123456789abcdef.parts/00000", b"x")
    store.create(f"{folder}/.f.0123456789ab.tmp", b"x")
    store.create(f"{folder}/.mine.tmp", b"x")
    data = write(tmp_path, {"f": 1_200_000})
    put(tmp_path / "f", f"{folder}/f").execute(context())
    assert files_in(store, folder) == {"f": data["f"], ".mine.tmp": b"x"}


def test_on_kill_ends_an_upload_and_the_next_try_goes_on(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(tmp_path, {"f": 5_000_000})
    operator, append = put(tmp_path / "f", f"{folder}/f", threads=2), DataLakeStore.append

    def killed(*args: Any, **options: Any) -> None:
        append(*args, **options)
        operator.on_kill()
        assert operator._stop is not None
        operator._stop.wait(10)

    with monkeypatch.context() as patch:
        patch.setattr(DataLakeStore, "append", killed)
        with pytest.raises(Stopped, match="the transfer was stopped"):
            operator.execute(context())
    assert not store.exists(f"{folder}/f")
    assert not [thread for thread in threading.enumerate() if "datalake" in thread.name]
    put(tmp_path / "f", f"{folder}/f").execute(context())
    assert files_in(store, folder) == data


def test_on_kill_ends_a_download_and_the_next_try_goes_on(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(5_000_000)
    store.create(f"{folder}/f", data)
    operator, pieces = get(f"{folder}/f", tmp_path / "f", threads=1), DataLakeStore.pieces
    asked: list[int] = []

    def counted(self: DataLakeStore, path: str, offset: int, length: int) -> Any:
        asked.append(offset)
        yield from pieces(self, path, offset, length)
        if len(asked) == 3 and operator._stop is not None:
            operator.on_kill()
            operator._stop.wait(10)

    monkeypatch.setattr(DataLakeStore, "pieces", counted)
    with pytest.raises(Stopped, match="the transfer was stopped"):
        operator.execute(context())
    assert not (tmp_path / "f").exists()
    assert not [thread for thread in threading.enumerate() if "datalake" in thread.name]
    before = len(asked)
    get(f"{folder}/f", tmp_path / "f").execute(context())
    assert local_files(tmp_path) == {"f": data}
    # The range during which the task was killed may have been finished or not.
    assert len(asked) - before in (17 - 3, 17 - 2)


@pytest.mark.parametrize("requests", [1, 4])
def test_a_download_that_was_killed_is_taken_up_again(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requests: int
) -> None:
    data = os.urandom(5_000_000)
    store.create(f"{folder}/f", data)
    process = in_process(
        "sync = os.fdatasync\n"
        "def slow(descriptor):\n    sync(descriptor)\n    os.write(1, b'done\\n')\n    t.threading.Event().wait(0.05)\n"
        "t.downloads.os.fdatasync = slow\n"
        f"t.get({folder + '/f'!r}, {str(tmp_path / 'f')!r}, threads=2).execute(t.context())\n"
    )
    kill_after(process, requests)
    assert not (tmp_path / "f").exists()
    journal = next(iter(tmp_path.glob(".f.*.ranges")))
    there = journal.read_text().count("\n")
    with journal.open("a") as file:
        # As a kill in the middle of a line would leave it.
        file.write("0000000000000030")
    asked: list[int] = []
    pieces = DataLakeStore.pieces
    monkeypatch.setattr(
        DataLakeStore,
        "pieces",
        lambda self, path, offset, length: (asked.append(offset), pieces(self, path, offset, length))[1],
    )
    get(f"{folder}/f", tmp_path / "f").execute(context())
    assert local_files(tmp_path) == {"f": data}
    assert len(asked) == 17 - there


def test_a_journal_without_its_file_is_worth_nothing(
    store: DataLakeStore, folder: str, tmp_path: Path
) -> None:
    data = os.urandom(1_000_000)
    store.create(f"{folder}/f", data)
    partial = downloads._partial(store.status(f"{folder}/f"), tmp_path / "f")
    partial.with_suffix(".ranges").write_text("".join(f"{n * 300_000:020}\n" for n in range(4)))
    get(f"{folder}/f", tmp_path / "f").execute(context())
    assert local_files(tmp_path) == {"f": data}


def test_a_download_of_a_file_that_was_replaced_begins_anew(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create(f"{folder}/f", os.urandom(1_000_000))
    new, pieces = os.urandom(1_000_000), DataLakeStore.pieces

    def replaced(self: DataLakeStore, *args: Any) -> Any:
        if store.read(f"{folder}/f") != new:
            threading.Event().wait(0.01)
            store.create(f"{folder}/f", new)
        return pieces(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(DataLakeStore, "pieces", replaced)
        with pytest.raises(Exception, match="has changed while it was downloaded"):
            get(f"{folder}/f", tmp_path / "f", threads=1).execute(context())
    assert local_files(tmp_path) == {}
    get(f"{folder}/f", tmp_path / "f").execute(context())
    assert local_files(tmp_path) == {"f": new}


def test_what_downloads_of_earlier_versions_have_left_is_removed(
    store: DataLakeStore, folder: str, tmp_path: Path
) -> None:
    store.create(f"{folder}/f", b"data")
    write(
        tmp_path,
        {".f.0123456789abcdef.partial": 3, ".f.0123456789abcdef.ranges": 3, ".g.0123456789abcdef.partial": 1},
    )
    get(f"{folder}/f", tmp_path / "f").execute(context())
    assert sorted(local_files(tmp_path)) == [".g.0123456789abcdef.partial", "f"]


def test_two_downloads_of_a_file_do_not_meet(store: DataLakeStore, folder: str, tmp_path: Path) -> None:
    store.create(f"{folder}/f", os.urandom(1_000_000))
    partial = downloads._partial(store.status(f"{folder}/f"), tmp_path / "f")
    with downloads._locked(partial), pytest.raises(Exception, match="another process is downloading"):
        get(f"{folder}/f", tmp_path / "f").execute(context())
    get(f"{folder}/f", tmp_path / "f").execute(context())


@pytest.mark.parametrize("kind", ["500", "reset", "lost", "truncated"])
def test_transfers_survive_a_bad_network(
    own_emulator: Callable[..., Emulator], tmp_path: Path, kind: str
) -> None:
    emulator = own_emulator("own", "--faults", f"0.25:{kind}@adls", "--fault-seed", "5")
    store = connect(emulator, RetryPolicy(attempts=15, first_pause=0.01, longest_pause=0.05))
    data = write(tmp_path / "in", {**SIZES, **{f"many/{number}": 1000 for number in range(30)}})
    upload(store, [(tmp_path / "in" / name, f"/in/{name}") for name in data])
    pairs = [(one, tmp_path / "out" / one.path[4:]) for one in downloads_of(store, "/in")]
    downloads.download(store, pairs)
    assert local_files(tmp_path / "out") == data
    assert sorted(below(store, "/")) == sorted(f"/in/{name}" for name in data)


def test_a_file_above_the_size_of_a_part_survives_all_that_goes_wrong(
    own_emulator: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    # Kinds that take seconds each are left to the tests of single operations.
    kinds = "500,503,reset,lost,truncated"
    emulator = own_emulator("own", "--faults", f"0.2:{kinds}@adls", "--fault-seed", "3")
    store = connect(emulator, RetryPolicy(attempts=15, first_pause=0.01, longest_pause=0.05))
    size = uploads.PART + 5 * MEGABYTE + 1
    data = write(tmp_path / "in", {"large": size, "x/small": 1000, "x/one part": 9 * MEGABYTE})
    upload(store, [(tmp_path / "in" / name, f"/in/{name}") for name in data])
    assert {one.path: one.size for one in downloads_of(store, "/in")} == {
        f"/in/{name}": len(content) for name, content in data.items()
    }
    assert [one.name for one in store.children("/in")] == ["large", "x"]
    downloads.download(store, [(one, tmp_path / "out" / one.path[4:]) for one in downloads_of(store, "/in")])
    assert local_files(tmp_path / "out") == data


def downloads_of(store: DataLakeStore, folder: str) -> list[Any]:
    from airflow_provider_datalake.clients.data_lake_store_patterns import files_below

    return list(files_below(store, folder))


def test_the_first_failure_ends_all(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in", {f"{number:03}": 10 for number in range(200)})
    calls: list[str] = []

    def fails(self: DataLakeStore, path: str, *args: Any, **options: Any) -> None:
        calls.append(path)
        raise ServiceError("no")

    monkeypatch.setattr(DataLakeStore, "create", fails)
    with pytest.raises(ServiceError, match="Connection 'adls_gen1_default': no"):
        put(tmp_path / "in", folder).execute(context())
    assert len(calls) <= 8


def test_a_rename_is_done_once(store: DataLakeStore, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create(f"{folder}/a", b"1")
    state, rename = StateStore(), DataLakeStore.rename
    operator = DataLakeStoreRenameOperator(task_id="mv", source=f"{folder}/a", destination=f"{folder}/b")

    def dies(*args: Any, **options: Any) -> None:
        rename(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DataLakeStore, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            operator.execute(context(state))
    uri = f"adl://emulator.azuredatalakestore.net{folder}/b"
    assert operator.execute(context(state)) == {"uri": uri}
    # The next file has come to the old place: it is not what this task was to move.
    store.create(f"{folder}/a", b"another")
    assert operator.execute(context(state)) == {"uri": uri}
    assert files_in(store, folder) == {"a": b"another", "b": b"1"}
    with pytest.raises(AirflowFailException, match="cannot become"):
        operator.execute(context(state, max_tries=9))


def test_a_rename_into_a_folder_and_one_of_nothing(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/a", b"1")
    store.mkdirs(f"{folder}/d")
    move = DataLakeStoreRenameOperator(task_id="mv", source=f"{folder}/a", destination=f"{folder}/d")
    assert move.execute(context())["uri"].endswith(f"{folder}/d/a")
    with pytest.raises(AirflowFailException, match="FileNotFoundException"):
        move.execute(context())


def test_a_delete_says_what_it_has_done(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/d/f")
    state = StateStore()

    def delete(path: str, **options: Any) -> Any:
        return DataLakeStoreDeleteOperator(task_id="rm", path=path, **options)

    with pytest.raises(AirflowFailException, match="empty"):
        delete(f"{folder}/d").execute(context())
    uri = f"adl://emulator.azuredatalakestore.net{folder}/d"
    operator = delete(f"{folder}/d", recursive=True, missing_ok=False)
    assert operator.execute(context(state)) == {"uri": uri, "deleted": True}
    # A try that follows a crash finds what this task has done.
    assert operator.execute(context(state)) == {"uri": uri, "deleted": True}
    for cleared in (context(), context(state, max_tries=9)):
        with pytest.raises(AirflowFailException, match="there is nothing at"):
            operator.execute(cleared)
    assert delete(f"{folder}/d").execute(context()) == {"uri": uri, "deleted": False}
    with pytest.raises(AirflowFailException, match="the whole store"):
        delete("/", recursive=True).execute(context())


def test_files_are_listed(store: DataLakeStore, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.csv", "a.csv", "x/c.csv", ".a.csv.0123456789ab.tmp"):
        store.create(f"{folder}/{name}")

    def listed(path: str) -> list[str]:
        return DataLakeStoreListOperator(task_id="ls", path=path).execute(context())

    assert listed(folder) == [f"{folder}/a.csv", f"{folder}/b.csv"]
    assert listed(f"{folder}/**/*.csv") == [f"{folder}/a.csv", f"{folder}/b.csv", f"{folder}/x/c.csv"]
    assert listed(f"{folder}/nothing*") == []
    monkeypatch.setattr("airflow_provider_datalake.operators.data_lake_store.MAX_LISTED", 1)
    with pytest.raises(AirflowFailException, match="more than 1 files"):
        listed(folder)


def test_a_sensor_sees_what_is_there(store: DataLakeStore, folder: str) -> None:
    def met(**options: Any) -> bool:
        return DataLakeStorePathSensor(task_id="wait", **options).poke(context())

    assert not met(path=f"{folder}/f")
    store.create(f"{folder}/f", b"12345")
    assert met(path=f"{folder}/f")
    assert met(path=folder)
    assert not met(path=f"{folder}/f", minimum_size=6)
    assert not met(path=f"{folder}/f", minimum_age=3600)
    assert not met(path=f"{folder}/*", minimum_count=2)
    store.create(f"{folder}/g", b"1")
    assert met(path=f"{folder}/*", minimum_count=2)
    assert not met(path=f"{folder}/*", minimum_count=2, minimum_size=5)


def test_a_wrong_token_fails_the_task_for_good(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ADLS_GEN1_DEFAULT", as_variable(emulator, bearer_token="wrong"))
    with pytest.raises(AirflowFailException, match="^Connection 'adls_gen1_default'"):
        DataLakeStoreListOperator(task_id="ls", path=folder).execute(context())


def test_the_hook_tests_its_connection(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DataLakeStoreHook().test_connection()[0]
    monkeypatch.setenv("AIRFLOW_CONN_ADLS_GEN1_DEFAULT", as_variable(emulator, bearer_token="wrong-token"))
    ok, message = DataLakeStoreHook().test_connection()
    assert not ok
    assert "wrong-token" not in message


def test_transfers_tell_the_lineage(
    store: DataLakeStore, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import lineage

    collector = lineage.HookLineageCollector()
    monkeypatch.setattr(lineage, "get_hook_lineage_collector", lambda: collector)
    write(tmp_path, {"f": 10})
    hook = DataLakeStoreHook()
    hook.upload(tmp_path / "f", f"{folder}/f")
    hook.download(f"{folder}/f", tmp_path / "g")
    told = collector.collected_assets
    uri = f"adl://emulator.azuredatalakestore.net{folder}/f"
    assert [one.asset.uri for one in told.outputs] == [uri]
    assert [one.asset.uri for one in told.inputs] == [uri]
