"""Our client of the Data Lake Store against the emulator: every operation, odd names, and what goes wrong."""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.clients.data_lake_store_errors import BadOffset
from airflow_provider_datalake.clients.data_lake_store_models import AclEntry
from airflow_provider_datalake.clients.data_lake_store_patterns import files_below, files_matching
from airflow_provider_datalake.clients.data_lake_store_stream import StreamWriter
from airflow_provider_datalake.clients.http import RetryPolicy
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
)
from tests.integration.store_connections import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from tests.integration.conftest import Emulator

SOMEBODY = "470c0ccf-c91a-4597-98cd-48507d2f1486"
QUICK = RetryPolicy(attempts=12, first_pause=0.01, longest_pause=0.05)


@pytest.fixture
def store(emulator: Emulator) -> DataLakeStore:
    return connect(emulator)


@pytest.fixture
def folder(store: DataLakeStore) -> str:
    """A folder that no other test uses."""
    path = f"/client-{uuid.uuid4().hex}"
    store.mkdirs(path)
    return path


def names(store: DataLakeStore, folder: str) -> list[str]:
    return [one.name for one in store.children(folder)]


def test_a_file_is_written_appended_to_and_read(store: DataLakeStore, folder: str) -> None:
    path = f"{folder}/new/folder/f"
    store.create(path, b"hello ")
    store.append(path, b"world", 6, last=True)
    assert store.read(path) == b"hello world"
    assert store.read(path, 6) == b"world"
    assert store.read(path, 3, 4) == b"lo w"
    assert store.read(path, 8, 100) == b"rld"
    assert b"".join(store.pieces(path, 2, 7)) == b"llo wor"


def test_a_status_says_what_there_is(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/f", b"12345")
    found = store.status(f"{folder}/f")
    assert (found.path, found.name, found.size, found.is_folder) == (f"{folder}/f", "f", 5, False)
    assert abs(found.modified - time.time()) < 60
    assert found.expires is None
    assert store.status(folder).is_folder
    assert store.find(f"{folder}/nothing") is None
    assert (store.exists(folder), store.exists(f"{folder}/nothing")) == (True, False)


def test_a_folder_is_listed_page_by_page(store: DataLakeStore, folder: str) -> None:
    for number in range(7):
        store.create(f"{folder}/{number}")
    assert [one.name for one in store.children(folder, page=3)] == [str(number) for number in range(7)]
    assert [one.path for one in store.children(f"{folder}/3")] == [f"{folder}/3"]
    store.mkdirs(f"{folder}/empty")
    assert list(store.children(f"{folder}/empty")) == []


def test_a_summary_counts_all_levels(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/a", b"123")
    store.create(f"{folder}/b/c", b"45")
    found = store.summary(folder)
    assert (found.files, found.size) == (2, 5)


def test_files_are_joined_and_the_sources_are_gone(store: DataLakeStore, folder: str) -> None:
    for name in "abc":
        store.create(f"{folder}/parts/{name}", name.encode())
    store.concat(f"{folder}/whole", [f"{folder}/parts/{name}" for name in "cab"])
    assert store.read(f"{folder}/whole") == b"cab"
    assert not store.exists(f"{folder}/parts/a")
    store.create(f"{folder}/d", b"d")
    store.concat(f"{folder}/whole", [f"{folder}/d"])
    assert store.read(f"{folder}/whole") == b"cabd"


def test_a_file_and_a_folder_are_renamed(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/d/f", b"x")
    store.rename(f"{folder}/d/f", f"{folder}/d/g")
    store.rename(f"{folder}/d", f"{folder}/e")
    assert store.read(f"{folder}/e/g") == b"x"
    assert names(store, folder) == ["e"]


def test_a_rename_replaces_only_when_it_may(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/a", b"a")
    store.create(f"{folder}/b", b"b")
    with pytest.raises(ConflictError, match=f"Connection 'lake': {folder}/a cannot become {folder}/b"):
        store.rename(f"{folder}/a", f"{folder}/b")
    assert store.read(f"{folder}/b") == b"b"
    store.rename(f"{folder}/a", f"{folder}/b", overwrite=True)
    assert store.read(f"{folder}/b") == b"a"
    with pytest.raises(NotFoundError, match="Connection 'lake': there is nothing at"):
        store.rename(f"{folder}/a", f"{folder}/c")


def test_deleting_says_whether_there_was_something(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/d/f")
    assert store.delete(f"{folder}/d/f") is True
    assert store.delete(f"{folder}/d/f") is False
    store.create(f"{folder}/d/f")
    with pytest.raises(Exception, match="empty"):
        store.delete(f"{folder}/d")
    assert store.delete(f"{folder}/d", recursive=True) is True
    assert not store.exists(f"{folder}/d")


def test_a_folder_cannot_be_where_a_file_is(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/f")
    with pytest.raises(ConflictError):
        store.mkdirs(f"{folder}/f")
    with pytest.raises(ConflictError):
        store.create(folder)


def test_a_file_that_is_there_stays_when_it_must(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/f", b"old")
    with pytest.raises(ConflictError, match=f"CREATE {folder}/f"):
        store.create(f"{folder}/f", b"new", overwrite=False)
    assert store.read(f"{folder}/f") == b"old"


def test_bytes_are_appended_at_the_end_only(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/f", b"123")
    for offset in (2, 4):
        with pytest.raises(BadOffset):
            store.append(f"{folder}/f", b"x", offset)
    assert store.read(f"{folder}/f") == b"123"


def test_a_file_expires(store: DataLakeStore, folder: str) -> None:
    store.create(f"{folder}/f")
    store.set_expiry(f"{folder}/f", "RelativeToNow", 3600)
    expires = store.status(f"{folder}/f").expires
    assert expires is not None
    assert abs(expires - time.time() - 3600) < 60
    store.set_expiry(f"{folder}/f", "NeverExpire")
    assert store.status(f"{folder}/f").expires is None
    store.set_expiry(f"{folder}/f", "Absolute", 2_000_000_000.5)
    assert store.status(f"{folder}/f").expires == 2_000_000_000.5


def test_rights_are_set_and_read(store: DataLakeStore, folder: str) -> None:
    store.set_permission(folder, "750")
    assert store.status(folder).permission == "750"
    assert store.may(folder, "rwx")
    store.modify_acl(folder, [f"user:{SOMEBODY}:r-x", f"default:user:{SOMEBODY}:r--"])
    found = store.acl(folder)
    assert AclEntry("user", SOMEBODY, "r-x") in found.entries
    assert AclEntry("user", SOMEBODY, "r--", default=True) in found.entries
    assert store.status(folder).has_acl
    store.remove_acl_entries(folder, f"user:{SOMEBODY}")
    assert AclEntry("user", SOMEBODY, "r-x") not in store.acl(folder).entries
    store.remove_acl(folder, default_only=True)
    assert not [entry for entry in store.acl(folder).entries if entry.default]
    store.set_acl(folder, "user::rwx,group::r-x,other::---")
    store.remove_acl(folder)
    store.set_owner(folder, owner=SOMEBODY)
    assert store.acl(folder).owner == SOMEBODY


def test_what_is_missing_is_named(store: DataLakeStore, folder: str) -> None:
    path = f"{folder}/nothing"
    for look in (store.status, store.read, store.summary, store.acl, lambda path: list(store.children(path))):
        with pytest.raises(NotFoundError, match=f"Connection 'lake': [A-Z]+ {path}"):
            look(path)


def test_a_wrong_token_is_refused(emulator: Emulator) -> None:
    with pytest.raises(AuthenticationError, match="Connection 'lake': GETFILESTATUS /: ") as raised:
        connect(emulator, token="very-wrong-token").status("/")
    assert "very-wrong-token" not in str(raised.value)


def test_an_unknown_store_is_named(emulator: Emulator) -> None:
    store = connect(emulator, account="nostore")
    with pytest.raises(NotFoundError, match="Connection 'lake': GETFILESTATUS /: .*'nostore'"):
        store.status("/")


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a+b",
        "50%",
        "%41",
        "%2F",
        "ü",
        "a&b=c",
        "a#b",
        "a?b",
        "a;b,c",
        "a'b",
        "日本",
        "a:b",
        "~",
        "[x]",
    ],
)
def test_names_with_unusual_characters_are_kept(store: DataLakeStore, folder: str, name: str) -> None:
    path = f"{folder}/{name}"
    store.create(path, name.encode())
    assert names(store, folder) == [name]
    assert store.read(path) == name.encode()
    store.rename(path, f"{folder}/other")
    store.rename(f"{folder}/other", path)
    store.concat(f"{folder}/joined {name}", [path])
    assert store.read(f"{folder}/joined {name}") == name.encode()
    assert store.delete(f"{folder}/joined {name}")


@pytest.mark.parametrize("path", ["", "a", "/a/../b", "//a", "/a\\b", "/a\nb", "adl://s/a"])
def test_a_malformed_path_is_refused_before_anything_is_sent(store: DataLakeStore, path: str) -> None:
    for call in (store.status, store.create, store.delete, store.mkdirs, lambda p: store.rename("/a", p)):
        with pytest.raises(ConfigurationError):
            call(path)


def test_the_clock_is_the_stores(store: DataLakeStore, folder: str) -> None:
    before = store.clock()
    store.create(f"{folder}/f")
    assert before is not None
    assert before <= store.status(f"{folder}/f").modified <= before + 30


def test_patterns_find_files_in_all_levels_but_none_that_is_being_written(
    store: DataLakeStore, folder: str
) -> None:
    for name in ("a.csv", "b.csv", "b.txt", "x/c.csv", "x/y/d.csv", ".hidden.csv"):
        store.create(f"{folder}/{name}")
    StreamWriter(store, f"{folder}/e.csv").write(b"half")

    def found(pattern: str) -> list[str]:
        return sorted(one.path[len(folder) + 1 :] for one in files_matching(store, f"{folder}/{pattern}"))

    assert found("*.csv") == ["a.csv", "b.csv"]
    assert found("*") == ["a.csv", "b.csv", "b.txt"]
    assert found("**/*.csv") == ["a.csv", "b.csv", "x/c.csv", "x/y/d.csv"]
    assert found("*/*.csv") == ["x/c.csv"]
    assert found("[ab].?sv") == ["a.csv", "b.csv"]
    assert found(".h*") == [".hidden.csv"]
    assert found("nothing/*") == []
    below = sorted(one.path[len(folder) + 1 :] for one in files_below(store, folder))
    assert below == [".hidden.csv", "a.csv", "b.csv", "b.txt", "x/c.csv", "x/y/d.csv"]


@pytest.mark.parametrize("kind", ["500", "503", "429", "reset", "lost", "truncated"])
def test_nothing_happens_twice_and_nothing_gets_lost_in_a_bad_network(
    own_emulator: Callable[..., Emulator], kind: str
) -> None:
    rate = "0.1" if kind == "429" else "0.4"
    emulator = own_emulator("own", "--faults", f"{rate}:{kind}@adls", "--fault-seed", "11")
    store = connect(emulator, QUICK)
    data = os.urandom(1000)
    for number in range(3):
        folder = f"/f{number}"
        store.mkdirs(folder)
        store.create(f"{folder}/a", data[:300], overwrite=False)
        store.append(f"{folder}/a", data[300:700], 300)
        store.append(f"{folder}/a", data[700:], 700, last=True)
        store.create(f"{folder}/b", data)
        store.concat(f"{folder}/c", [f"{folder}/a", f"{folder}/b"])
        store.rename(f"{folder}/c", f"{folder}/d")
        assert store.read(f"{folder}/d") == data * 2
        assert b"".join(store.pieces(f"{folder}/d", 1, 1998)) == (data * 2)[1:-1]
        assert [one.name for one in store.children(folder)] == ["d"]
        assert store.delete(folder, recursive=True) is True
        assert not store.exists(folder)
