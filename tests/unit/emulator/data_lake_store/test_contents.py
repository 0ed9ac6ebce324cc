"""The bytes of files."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_store import joining
from airflow_provider_datalake.emulator.data_lake_store.contents import Writing
from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.leases import Leases
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.objects import Content
from tests.unit.emulator.data_lake_store.stores import ACCOUNT, Store, content, open_store

if TYPE_CHECKING:
    from pathlib import Path


def refused(caught: pytest.ExceptionInfo[StoreError]) -> tuple[int, str]:
    return caught.value.status, caught.value.exception


def test_a_file_has_the_bytes_that_were_written(store: Store):
    store.write("/a/b/f", b"hello")
    node = store.status("/a/b/f")
    assert (node.length, node.permission, node.owner) == (5, 0o770, store.principal.object_id)
    assert store.read("/a/b/f") == b"hello"
    assert store.status("/a").is_folder


def test_bytes_that_wait_in_a_file_are_written_as_those_in_memory(store: Store, tmp_path: Path):
    data = os.urandom(20_000_000)
    waiting = tmp_path / "waiting"
    caller = new_caller(store.principal, "CREATE")
    for _ in range(2):
        waiting.write_bytes(data)
        store.service.contents.create(
            ACCOUNT,
            ("f",),
            caller,
            Content(len(data), [], waiting),
            Writing(),
            overwrite=True,
            permission=0o770,
        )
    waiting.write_bytes(data)
    store.service.contents.append(ACCOUNT, ("f",), caller, Content(len(data), [], waiting), Writing(), None)
    assert store.read("/f") == data + data


def test_many_small_pieces_are_written_in_order(store: Store):
    pieces = [str(number).encode() for number in range(5000)]
    caller = new_caller(store.principal, "CREATE")
    body = Content(sum(map(len, pieces)), pieces)
    store.service.contents.create(ACCOUNT, ("f",), caller, body, Writing(), overwrite=True, permission=0o770)
    assert store.read("/f") == b"".join(pieces)


def test_a_file_is_replaced_on_demand_only(store: Store):
    store.write("/f", b"old")
    with pytest.raises(StoreError) as caught:
        store.write("/f", b"new", overwrite=False)
    assert refused(caught) == (403, "FileAlreadyExistsException")
    assert store.read("/f") == b"old"
    store.write("/f", b"new")
    assert store.read("/f") == b"new"
    assert store.objects_on_disk() == store.listed_objects()


def test_a_folder_cannot_become_a_file(store: Store):
    store.mkdir("/d")
    with pytest.raises(StoreError) as caught:
        store.write("/d", b"x")
    assert refused(caught) == (403, "FileAlreadyExistsException")
    store.write("/f", b"x")
    with pytest.raises(StoreError) as caught:
        store.write("/f/g", b"x")
    assert refused(caught) == (403, "ParentNotDirectoryException")
    assert len(store.objects_on_disk()) == 1


@pytest.mark.parametrize("offset", [0, 4, 6, 1000])
def test_bytes_must_follow_the_last_one(store: Store, offset: int):
    store.write("/f", b"12345")
    with pytest.raises(StoreError) as caught:
        store.append("/f", b"6", offset)
    assert refused(caught) == (400, "BadOffsetException")
    with pytest.raises(StoreError):
        store.append("/f", b"", offset)
    assert store.read("/f") == b"12345"


def test_no_bytes_at_the_end_are_fine(store: Store):
    store.write("/f", b"12345")
    store.append("/f", b"", 5)
    store.append("/f", b"67", 5)
    store.append("/f", b"8")
    assert store.read("/f") == b"12345678"


def test_appending_needs_a_file(store: Store):
    store.mkdir("/d")
    for path in ("/d", "/nothing"):
        with pytest.raises(StoreError) as caught:
            store.append(path, b"x")
        assert refused(caught) == (404, "FileNotFoundException")


def test_appends_at_the_same_time_are_all_there(store: Store):
    store.write("/f")
    pieces = [bytes([number]) * 1000 for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda piece: store.append("/f", piece), pieces))
    data = store.read("/f")
    assert sorted(data[start : start + 1000] for start in range(0, 50_000, 1000)) == pieces


def test_of_many_appends_at_one_offset_one_wins(store: Store):
    store.write("/f")
    barrier = threading.Barrier(8)

    def append(number: int) -> bool:
        barrier.wait()
        try:
            store.append("/f", bytes([number]) * 100, 0)
        except StoreError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, done in enumerate(pool.map(append, range(8))) if done]
    assert len(won) == 1
    assert store.read("/f") == bytes(won) * 100


def test_an_append_that_failed_half_way_leaves_nothing(store: Store):
    store.write("/f", b"123")
    with store.objects_on_disk()[0].open("ab") as file:
        file.write(b"torn")
    assert store.read("/f") == b"123"
    store.append("/f", b"45", 3)
    assert store.read("/f") == b"12345"
    assert store.objects_on_disk()[0].read_bytes() == b"12345"


def test_a_start_removes_what_was_never_committed(tmp_path: Path):
    store = open_store(tmp_path)
    store.write("/f", b"123")
    (path,) = store.objects_on_disk()
    with path.open("ab") as file:
        file.write(b"torn")
    (path.parent / "0123456789abcdef0123456789abcdef").write_bytes(b"left behind")
    (store.service.temporary / "body").write_bytes(b"left behind")
    store.service.close()
    store = open_store(tmp_path)
    assert path.read_bytes() == b"123"
    assert store.objects_on_disk() == [path]
    assert list(store.service.temporary.iterdir()) == []
    store.service.close()


def test_an_open_file_can_be_read_whatever_becomes_of_it(store: Store):
    store.write("/f", b"old")
    with store.service.contents.open(ACCOUNT, ("f",), new_caller(store.principal, "OPEN")) as file:
        store.append("/f", b"er")
        store.write("/f", b"new")
        store.delete("/f")
        assert file.read(0, file.length) == b"old"


def test_a_lease_keeps_others_from_appending(store: Store):
    store.write("/f", b"", lease="mine")
    store.append("/f", b"1", 0, close=False, lease="mine")
    for lease in (None, "other"):
        with pytest.raises(StoreError) as caught:
            store.append("/f", b"2", 1, lease=lease)
        assert refused(caught) == (403, "AlreadyBeingCreatedException")
    store.append("/f", b"2", 1, lease="mine")
    store.append("/f", b"3", 2)
    assert store.read("/f") == b"123"


def test_who_replaces_a_file_ends_its_lease(store: Store):
    store.write("/f", b"", lease="first")
    store.write("/f", b"", lease="second")
    with pytest.raises(StoreError):
        store.append("/f", b"1", 0, lease="first")
    store.append("/f", b"2", 0, lease="second")
    assert store.read("/f") == b"2"


def test_a_lease_ends_when_its_writer_is_silent(monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    leases = Leases()
    leases.hold(1, "mine")
    assert not leases.may_write(1, "other")
    now = 61.0
    assert leases.may_write(1, "other")


@pytest.fixture(params=["copied", "kept"])
def joining_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Join small files as if they were large, too."""
    if request.param == "kept":
        monkeypatch.setattr(joining, "COPIED_BYTES", 0)


@pytest.mark.usefixtures("joining_bytes")
def test_files_are_joined_and_gone(store: Store):
    for name in ("a", "b", "c"):
        store.write(f"/d/{name}", name.encode() * 3)
    store.concatenate("/d/all", "/d/c", "/d/a", "/d/b")
    assert store.read("/d/all") == b"cccaaabbb"
    assert store.names("/d") == ["all"]
    assert store.objects_on_disk() == store.listed_objects()


@pytest.mark.usefixtures("joining_bytes")
def test_joining_adds_to_a_file_that_is_there(store: Store):
    store.write("/all", b"first")
    store.write("/a", b"second")
    before = store.status("/all")
    store.concatenate("/all", "/a")
    assert store.read("/all") == b"firstsecond"
    assert store.status("/all").created == before.created


@pytest.mark.usefixtures("joining_bytes")
def test_joining_can_delete_the_folder_of_the_sources(store: Store):
    store.write("/parts/a", b"1")
    store.write("/parts/b", b"2")
    store.write("/parts/rest", b"3")
    store.concatenate("/all", "/parts/a", "/parts/b", delete_folder=True)
    assert store.read("/all") == b"12"
    assert store.names() == ["all"]


@pytest.mark.usefixtures("joining_bytes")
def test_a_folder_left_empty_by_joining_goes_but_not_the_destinations(store: Store):
    store.write("/one/a", b"1")
    store.write("/two/b", b"2")
    store.write("/three/c", b"3")
    store.write("/three/rest", b"4")
    store.concatenate("/one/all", "/one/a", "/two/b", "/three/c", delete_empty=True)
    assert store.names() == ["one", "three"]
    assert store.read("/one/all") == b"123"


@pytest.mark.usefixtures("joining_bytes")
@pytest.mark.parametrize(
    ("sources", "options"),
    [
        ([], {}),
        (["/p/a", "/p/a"], {}),
        (["/p/all"], {}),
        (["/p/nothing"], {}),
        (["/p"], {}),
        (["/p/a", "/b"], {"delete_folder": True}),
        (["/p/a"], {"delete_folder": True}),
        (["/b"], {"delete_folder": True}),
    ],
)
def test_joining_what_cannot_be_joined_changes_nothing(
    store: Store, sources: list[str], options: dict[str, bool]
):
    store.write("/p/a", b"1")
    store.write("/b", b"2")
    with pytest.raises(StoreError):
        store.concatenate("/p/all", *sources, **options)
    assert (store.names("/p"), store.names()) == (["a"], ["b", "p"])
    assert store.objects_on_disk() == store.listed_objects()


@pytest.fixture
def joined(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A file that was joined of three, without copying them: ``/all`` has ``aabbcc``."""
    monkeypatch.setattr(joining, "COPIED_BYTES", 0)
    for name in ("a", "b", "c"):
        store.write(f"/{name}", name.encode() * 2)
    store.write("/empty")
    store.concatenate("/all", "/a", "/empty", "/b", "/c")
    assert len(store.objects_on_disk()) == 3
    return store


@pytest.mark.parametrize("offset", range(7))
@pytest.mark.parametrize("count", range(8))
def test_any_part_of_a_joined_file_can_be_read(joined: Store, offset: int, count: int):
    caller = new_caller(joined.principal, "OPEN")
    with joined.service.contents.open(ACCOUNT, ("all",), caller, offset, count) as file:
        assert file.read(offset, count) == b"aabbcc"[offset : offset + count]
        assert file.length == 6


def test_a_joined_file_grows_and_is_joined_again(joined: Store):
    joined.append("/all", b"d", 6)
    joined.append("/all", b"e", 7)
    joined.write("/more", b"f")
    joined.concatenate("/all", "/more")
    joined.append("/all", b"g", 9)
    assert joined.read("/all") == b"aabbccdefg"
    joined.rename("/all", "/other")
    joined.write("/first", b"0")
    joined.concatenate("/again", "/first", "/other")
    assert joined.read("/again") == b"0aabbccdefg"
    assert joined.objects_on_disk() == joined.listed_objects()


@pytest.mark.parametrize("action", ["delete", "replace", "expire"])
def test_all_bytes_of_a_joined_file_go_with_it(joined: Store, action: str):
    if action == "delete":
        joined.delete("/all")
    elif action == "replace":
        joined.write("/all", b"new")
    else:
        with joined.service.database.transaction() as connection:
            connection.execute("UPDATE nodes SET expires = 1 WHERE name = 'all'")
        joined.service.expire(2)
    assert len(joined.objects_on_disk()) == (action == "replace")
    with joined.service.database.read() as connection:
        assert connection.execute("SELECT COUNT(*) FROM segments").fetchone()[0] == 0


def test_a_joined_file_survives_a_restart(joined: Store, tmp_path: Path):
    joined.service.close()
    store = open_store(tmp_path)
    assert store.read("/all") == b"aabbcc"
    store.service.close()


def test_many_can_append_to_a_file_that_is_not_there(store: Store):
    caller = new_caller(store.principal, "CONCURRENTAPPEND")

    def append(number: int) -> None:
        store.service.contents.append_anyway(
            ACCOUNT, ("log",), caller, content(bytes([number]) * 10), create=True, permission=0o770
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(20)))
    data = store.read("/log")
    assert sorted(data[start : start + 10] for start in range(0, 200, 10)) == [
        bytes([number]) * 10 for number in range(20)
    ]
    with pytest.raises(StoreError):
        store.service.contents.append_anyway(
            ACCOUNT, ("other",), caller, content(b"x"), create=False, permission=0o770
        )


def test_a_full_disk_leaves_the_file_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch):
    store.write("/f", b"123")
    real = os.pwritev

    def full(descriptor: int, buffers: list[bytes], offset: int) -> int:
        real(descriptor, [bytes(buffers[0])[:2]], offset)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwritev", full)
        with pytest.raises(OSError, match="No space"):
            store.append("/f", b"4567", 3)
        with pytest.raises(OSError, match="No space"):
            store.write("/g", b"4567")
    assert store.read("/f") == b"123"
    assert store.names() == ["f"]
    assert store.objects_on_disk() == store.listed_objects()
    store.append("/f", b"4", 3)
    assert store.objects_on_disk()[0].read_bytes() == b"1234"
