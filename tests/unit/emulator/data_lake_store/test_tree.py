"""Files and folders as a whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from tests.unit.emulator.data_lake_store.stores import ACCOUNT, Store, open_store

if TYPE_CHECKING:
    from pathlib import Path


def refused(caught: pytest.ExceptionInfo[StoreError]) -> tuple[int, str]:
    return caught.value.status, caught.value.exception


def test_names_differ_by_case(store: Store):
    store.write("/a/File", b"1")
    store.write("/a/file", b"2")
    assert store.names("/a") == ["File", "file"]
    assert store.read("/a/File") == b"1"


def test_a_listing_is_paged_by_name(store: Store):
    for name in ("c", "a", "ü", "b", "B"):
        store.write(f"/d/{name}")
    assert store.names("/d") == ["B", "a", "b", "c", "ü"]
    assert store.names("/d", limit=2) == ["B", "a"]
    assert store.names("/d", limit=2, after="a") == ["b", "c"]


def test_making_a_folder_twice_is_fine_but_not_over_a_file(store: Store):
    store.mkdir("/a/b/c")
    store.mkdir("/a/b")
    assert store.names("/a/b") == ["c"]
    store.write("/f")
    with pytest.raises(StoreError) as caught:
        store.mkdir("/f")
    assert refused(caught) == (403, "FileAlreadyExistsException")
    with pytest.raises(StoreError) as caught:
        store.mkdir("/f/g")
    assert refused(caught) == (403, "ParentNotDirectoryException")


def test_a_folder_that_is_not_empty_is_deleted_on_demand_only(store: Store):
    store.write("/a/b/f", b"x")
    with pytest.raises(StoreError) as caught:
        store.delete("/a")
    assert refused(caught) == (403, "PathIsNotEmptyDirectoryException")
    assert store.delete("/a", recursive=True)
    assert store.names() == []
    assert store.objects_on_disk() == []
    assert not store.delete("/a")


def test_the_root_cannot_be_deleted_or_renamed(store: Store):
    store.write("/a")
    assert not store.delete("/", recursive=True)
    assert not store.rename("/", "/b")
    assert store.names() == ["a"]


def test_renaming_a_tree_keeps_what_is_in_it(store: Store):
    store.write("/a/b/f", b"x")
    store.mkdir("/z")
    before = store.status("/a/b/f")
    assert store.rename("/a", "/z/y")
    after = store.status("/z/y/b/f")
    assert after == before
    assert store.read("/z/y/b/f") == b"x"
    assert store.names() == ["z"]


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("/nothing", "/x"),
        ("/d", "/d/e/x"),
        ("/d", "/d/x"),
        ("/d", "/d"),
        ("/f", "/g"),
        ("/f", "/nowhere/x"),
        ("/f", "/g/x"),
        ("/d", "/f"),
        ("/f", "/e"),
    ],
)
def test_a_rename_that_cannot_be_says_so_and_changes_nothing(store: Store, source: str, destination: str):
    for path in ("/f", "/g", "/d/f", "/d/e/f", "/e/f/x"):
        store.write(path, path.encode())
    assert not store.rename(source, destination)
    for path in ("/f", "/g", "/d/f", "/d/e/f", "/e/f/x"):
        assert store.read(path) == path.encode()


def test_renaming_onto_a_folder_moves_into_it(store: Store):
    store.write("/f", b"x")
    store.mkdir("/d")
    assert store.rename("/f", "/d")
    assert store.read("/d/f") == b"x"


def test_a_file_takes_the_place_of_another_on_demand(store: Store):
    store.write("/f", b"new")
    store.write("/d/g", b"old")
    assert store.rename("/f", "/d/g", overwrite=True)
    assert store.read("/d/g") == b"new"
    assert store.names() == ["d"]
    assert store.objects_on_disk() == store.listed_objects()
    assert not store.rename("/d", "/d/g", overwrite=True)
    store.write("/g", b"other")
    assert store.rename("/g", "/d", overwrite=True)
    assert store.read("/d/g") == b"other"


def test_renaming_a_file_to_itself_is_done_already(store: Store):
    store.write("/f", b"x")
    assert store.rename("/f", "/f")
    assert store.read("/f") == b"x"


def test_a_tree_is_counted(store: Store):
    store.write("/a/b/f", b"123")
    store.write("/a/g", b"45")
    caller = new_caller(store.principal, "GETCONTENTSUMMARY")
    assert store.service.tree.summary(ACCOUNT, ("a",), caller) == (2, 2, 5)
    assert store.service.tree.summary(ACCOUNT, ("a", "g"), caller) == (0, 1, 2)


def test_a_path_through_a_file_leads_nowhere(store: Store):
    store.write("/f", b"x")
    with pytest.raises(StoreError) as caught:
        store.status("/f/g")
    assert refused(caught) == (404, "FileNotFoundException")


def test_an_expired_file_is_gone_at_once_and_swept_later(store: Store):
    store.write("/d/f", b"old")
    expire(store, "/d/f")
    assert store.names("/d") == []
    with pytest.raises(StoreError) as caught:
        store.read("/d/f")
    assert refused(caught) == (404, "FileNotFoundException")
    assert len(store.objects_on_disk()) == 1
    store.service.expire(time.time())
    assert store.objects_on_disk() == []


@pytest.mark.parametrize("over", ["write", "rename", "mkdir"])
def test_an_expired_file_leaves_its_name_to_others(store: Store, over: str):
    store.write("/d/f", b"old")
    store.write("/g", b"new")
    expire(store, "/d/f")
    if over == "write":
        store.write("/d/f", b"new", overwrite=False)
    elif over == "rename":
        assert store.rename("/g", "/d/f")
    else:
        store.mkdir("/d/f")
    assert store.names("/d") == ["f"]
    assert store.objects_on_disk() == store.listed_objects()


def test_a_folder_of_expired_files_is_empty(store: Store):
    store.write("/d/f", b"old")
    expire(store, "/d/f")
    assert store.delete("/d")
    assert store.objects_on_disk() == []


def expire(store: Store, path: str) -> None:
    node = store.status(path)
    with store.service.database.transaction() as connection:
        connection.execute("UPDATE nodes SET expires = 1 WHERE id = ?", (node.id,))


def test_expiry_is_for_files_and_for_the_future(store: Store):
    store.write("/d/f")
    store.expire_at("/d/f", int(time.time() * 1000) + 60_000)
    assert store.names("/d") == ["f"]
    with pytest.raises(StoreError, match="not after now"):
        store.expire_at("/d/f", 1)
    with pytest.raises(StoreError, match="only files expire"):
        store.expire_at("/d", int(time.time() * 1000) + 60_000)


def test_deep_trees_are_made_counted_and_deleted(store: Store):
    path = "/".join("d" * 1 for _ in range(1500))
    store.mkdir(path)
    caller = new_caller(store.principal, "GETCONTENTSUMMARY")
    assert store.service.tree.summary(ACCOUNT, ("d",), caller).folders == 1500
    assert store.delete("/d", recursive=True)
    assert store.names() == []


def test_accounts_are_separate(store: Store):
    store.service.create_account("second1")
    store.write("/f", b"x")
    caller = new_caller(store.principal, "LISTSTATUS")
    assert store.service.tree.children_of("second1", (), caller) == []
    store.service.delete_account("second1")
    assert not store.service.has_account("second1")
    with pytest.raises(StoreError, match="no Data Lake Store account"):
        store.service.tree.children_of("second1", (), caller)
    with pytest.raises(ValueError, match="already"):
        store.service.create_account(ACCOUNT)
    with pytest.raises(KeyError):
        store.service.delete_account("second1")


def test_a_start_removes_the_bytes_of_deleted_accounts_and_nothing_else(tmp_path: Path):
    store = open_store(tmp_path)
    store.service.create_account("second1")
    (tmp_path / "stores" / "second1" / "files" / "abc").mkdir(parents=True)
    (tmp_path / "stores" / "second1" / "files" / "abc" / "left").write_bytes(b"x")
    (tmp_path / "stores" / "mine").mkdir()
    (tmp_path / "stores" / "mine" / "notes").write_bytes(b"x")
    store.service.delete_account("second1")
    store.service.close()
    store = open_store(tmp_path)
    assert store.service.accounts() == [ACCOUNT]
    assert not (tmp_path / "stores" / "second1").exists()
    assert (tmp_path / "stores" / "mine" / "notes").exists()
    store.service.close()


@pytest.mark.parametrize("name", ["", "ab", "UPPER", "a" * 25, "../../etc", "a b c"])
def test_account_names_are_checked(store: Store, name: str):
    with pytest.raises(ValueError, match="3 to 24"):
        store.service.create_account(name)
