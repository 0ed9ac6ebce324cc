"""Many files put in place as one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.unit.emulator.data_lake_store.stores import ACCOUNT, ANN, Store, open_store

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def staged(folder: Path, *paths: str, text: str = "new") -> list[tuple[str, str, Path]]:
    folder.mkdir(exist_ok=True)
    made = []
    for number, path in enumerate(paths):
        local = folder / f"part{number}"
        local.write_text(f"{text} {path}")
        made.append((ACCOUNT, path, local))
    return made


def test_all_files_are_in_place_and_the_staged_ones_gone(store: Store, tmp_path: Path):
    store.write("/out/a", b"old")
    files = staged(tmp_path / "job", "/out/a", "/out/b/ü #%.csv", "/c")
    store.service.publish("job", files, store.principal)
    assert store.read("/out/a") == b"new /out/a"
    assert store.read("/out/b/ü #%.csv").decode() == "new /out/b/ü #%.csv"
    assert store.service.is_committed("job")
    assert not any(local.exists() for _, _, local in files)
    assert store.objects_on_disk() == store.listed_objects()


def test_what_was_published_is_not_published_again(store: Store, tmp_path: Path):
    store.service.publish("job", staged(tmp_path / "job", "/a"), store.principal)
    store.service.publish("job", staged(tmp_path / "job", "/a", "/b", text="newer"), store.principal)
    assert store.read("/a") == b"new /a"
    assert store.names() == ["a"]


def test_a_file_that_cannot_be_written_keeps_all_from_being_published(store: Store, tmp_path: Path):
    store.mkdir("/folder")
    files = staged(tmp_path / "job", "/a", "/folder")
    with pytest.raises(ValueError, match="already a folder"):
        store.service.publish("job", files, store.principal)
    assert store.names() == ["folder"]
    assert store.objects_on_disk() == []
    assert not store.service.is_committed("job")
    assert all(local.exists() for _, _, local in files)


def test_who_may_not_write_publishes_nothing(store: Store, tmp_path: Path):
    with pytest.raises(PermissionError, match="ACL verification failed"):
        store.service.publish("job", staged(tmp_path / "job", "/a"), ANN)
    assert store.names() == []
    assert store.objects_on_disk() == []


def test_the_publisher_owns_what_is_published(store: Store, tmp_path: Path):
    store.set_acl("/", f"user:{ANN.object_id}:-wx")
    store.service.publish("job", staged(tmp_path / "job", "/x/a"), ANN)
    assert {store.status("/x").owner, store.status("/x/a").owner} == {ANN.object_id}


@pytest.mark.parametrize(
    ("account", "path"), [("nobody", "/a"), (ACCOUNT, "/a/../b"), (ACCOUNT, "/same"), (ACCOUNT, "/")]
)
def test_what_cannot_be_published_is_refused(store: Store, tmp_path: Path, account: str, path: str):
    files = staged(tmp_path / "job", "/same", "/b")
    files[1] = (account, path, files[1][2])
    with pytest.raises(ValueError, match=r"account|path|folder"):
        store.service.publish("job", files, store.principal)
    assert store.names() == []
    assert store.objects_on_disk() == []


def test_what_else_is_written_belongs_to_the_same_transaction(store: Store, tmp_path: Path):
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO publications VALUES ('extra', 0)")
        raise LookupError("the other part failed")

    with pytest.raises(LookupError):
        store.service.publish("job", staged(tmp_path / "job", "/a"), store.principal, fail)
    assert (store.names(), store.objects_on_disk()) == ([], [])
    assert not store.service.is_committed("extra")

    def succeed(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO publications VALUES ('extra', 0)")

    store.service.publish("job", staged(tmp_path / "job", "/a"), store.principal, succeed)
    assert store.service.is_committed("extra")


def test_nothing_can_be_published_too(store: Store):
    store.service.publish("job", [], store.principal)
    assert store.service.is_committed("job")


def test_what_is_published_survives_a_restart(tmp_path: Path):
    store = open_store(tmp_path)
    store.service.publish("job", staged(tmp_path / "job", "/a"), store.principal)
    store.service.close()
    store = open_store(tmp_path)
    assert store.service.is_committed("job")
    assert store.read("/a") == b"new /a"
    store.service.close()


def test_two_that_publish_the_same_job_publish_it_once(store: Store, tmp_path: Path):
    both = [staged(tmp_path / name, f"/{name}") for name in ("first", "second")]
    barrier = threading.Barrier(2)

    def publish(files: list[tuple[str, str, Path]]) -> None:
        barrier.wait()
        store.service.publish("job", files, store.principal)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(publish, both))
    assert len(store.names()) == 1
    assert store.objects_on_disk() == store.listed_objects()
