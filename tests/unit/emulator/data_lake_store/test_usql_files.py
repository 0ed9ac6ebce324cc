"""The stores as scripts see them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_store import joining
from airflow_provider_datalake.emulator.data_lake_store.usql_files import StoreFiles, split_uri
from tests.unit.emulator.data_lake_store.stores import ACCOUNT, ANN, Store

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "adl://emulator.azuredatalakestore.net"


@pytest.fixture
def files(store: Store) -> StoreFiles:
    return StoreFiles(store.service, ACCOUNT, store.principal)


@pytest.mark.parametrize(
    ("uri", "resolved"),
    [
        ("/a/b.csv", f"{ROOT}/a/b.csv"),
        ("a/b.csv", f"{ROOT}/a/b.csv"),
        ("adl:///a/b.csv", f"{ROOT}/a/b.csv"),
        ("ADL://Emulator.AzureDataLakeStore.net/a/B.csv", f"{ROOT}/a/B.csv"),
        ("swebhdfs://emulator.azuredatalakestore.net/a", f"{ROOT}/a"),
        ("/a%20b/c d/%C3%BC", f"{ROOT}/a%20b/c%20d/%C3%BC"),
        ("/ü/100%", f"{ROOT}/%C3%BC/100%25"),
        ("/a%2Fb", f"{ROOT}/a/b"),
        ("/q?x=1#y", f"{ROOT}/q%3Fx=1%23y"),
        ("/", ROOT),
    ],
)
def test_names_are_made_absolute(files: StoreFiles, uri: str, resolved: str):
    assert files.resolve(uri) == resolved
    assert files.resolve(resolved) == resolved


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("adl://other.azuredatalakestore.net/a", "no Data Lake Store account other"),
        ("adl://emulator.example.com/a", "expected a host"),
        ("http://emulator.azuredatalakestore.net/a", "scheme http"),
        ("/a/../b", r"'\.\.'"),
        ("/a/%2e%2e/b", r"'\.\.'"),
        ("/a/%00", "control"),
        ("/a/%ff", "UTF-8"),
        ("wasb://container@other1/a", "no container"),
        ("wasb://container/a", "expected wasb://container@account"),
        ("wasb://../..@abc/a", "expected wasb|'..'"),
    ],
)
def test_names_that_lead_nowhere_are_refused(files: StoreFiles, uri: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        files.resolve(uri)


def test_a_file_is_found_with_its_bytes(store: Store, files: StoreFiles):
    store.write("/d/100% ü#.csv", b"1,2")
    found = files.find(files.resolve("/d/100%25 ü#.csv"))
    assert found is not None
    assert (found.path.read_bytes(), found.size) == (b"1,2", 3)
    assert found.uri == f"{ROOT}/d/100%25%20%C3%BC%23.csv"
    assert split_uri(found.uri) == (ACCOUNT, "/d/100% ü#.csv")
    assert files.find(f"{ROOT}/d") is None
    assert files.find(f"{ROOT}/d/nothing") is None


def test_a_walk_gives_all_files_in_the_order_of_their_uris(store: Store, files: StoreFiles):
    for path in ("/d/a/z", "/d/a!", "/d/a b/c", "/d/ü", "/d/b", "/d/Z", "/d/a/0/1", "/e"):
        store.write(path)
    store.mkdir("/d/empty")
    uris = [file.uri for file in files.walk(f"{ROOT}/d")]
    assert uris == sorted(uris)
    assert len(uris) == 7
    assert [file.uri for file in files.walk(ROOT)] == sorted([*uris, f"{ROOT}/e"])
    assert list(files.walk(f"{ROOT}/nothing")) == []
    assert list(files.walk(f"{ROOT}/e")) == []


def test_a_found_file_stays_as_it_is(store: Store, files: StoreFiles):
    store.write("/grows", b"1")
    store.write("/goes", b"2")
    grows, goes = files.find(f"{ROOT}/grows"), files.find(f"{ROOT}/goes")
    store.append("/grows", b"more", 1)
    store.write("/goes", b"other")
    store.delete("/goes")
    assert grows is not None
    assert goes is not None
    assert (grows.path.read_bytes(), goes.path.read_bytes()) == (b"1", b"2")
    assert store.read("/grows") == b"1more"
    files.close()
    assert store.objects_on_disk() == store.listed_objects()


def test_a_joined_file_is_found_as_one(store: Store, files: StoreFiles, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(joining, "COPIED_BYTES", 0)
    store.write("/a", b"1")
    store.write("/b", b"2")
    store.concatenate("/all", "/a", "/b")
    found = files.find(f"{ROOT}/all")
    store.append("/all", b"3", 2)
    assert found is not None
    assert (found.path.read_bytes(), found.size) == (b"12", 2)
    assert store.read("/all") == b"123"
    files.close()
    assert store.objects_on_disk() == store.listed_objects()


def test_files_are_let_go_with_who_found_them(store: Store):
    files = StoreFiles(store.service, ACCOUNT, store.principal)
    store.write("/f", b"1")
    files.find(f"{ROOT}/f")
    store.delete("/f")
    assert len(store.objects_on_disk()) == 1
    del files
    gc.collect()
    store.service.release()
    assert store.objects_on_disk() == []


def test_bytes_that_were_never_committed_are_not_found(store: Store, files: StoreFiles):
    store.write("/f", b"123")
    with store.objects_on_disk()[0].open("ab") as file:
        file.write(b"torn")
    found = files.find(f"{ROOT}/f")
    assert found is not None
    assert found.path.read_bytes() == b"123"


def test_the_rights_of_who_runs_the_script_apply(store: Store):
    store.write("/d/f", b"1")
    store.write("/open/f", b"1")
    store.set_acl("/", f"user:{ANN.object_id}:--x")
    store.set_acl("/open", f"user:{ANN.object_id}:r-x")
    files = StoreFiles(store.service, ACCOUNT, ANN)
    with pytest.raises(PermissionError, match="ACL verification failed"):
        files.find(f"{ROOT}/d/f")
    with pytest.raises(PermissionError):
        list(files.walk(f"{ROOT}/d"))
    with pytest.raises(PermissionError):
        list(files.walk(f"{ROOT}/open"))
    store.set_acl("/open/f", f"user:{ANN.object_id}:r--")
    assert len(list(files.walk(f"{ROOT}/open"))) == 1


def test_blobs_are_folders_of_the_data_directory(store: Store, files: StoreFiles, tmp_path: Path):
    container = tmp_path / "blobs" / "storage1" / "samples"
    (container / "a").mkdir(parents=True)
    (container / "a" / "x y.csv").write_bytes(b"12")
    (container / "a!").write_bytes(b"3")
    base = files.resolve("wasb://samples@storage1.blob.core.windows.net/")
    assert base == "wasb://samples@storage1"
    uris = [file.uri for file in files.walk(base)]
    assert uris == [f"{base}/a!", f"{base}/a/x%20y.csv"]
    found = files.find(files.resolve("wasbs://samples@storage1/a/x y.csv"))
    assert found is not None
    assert (found.path.read_bytes(), found.size) == (b"12", 2)
    assert files.find(f"{base}/nothing") is None
    with pytest.raises(ValueError, match="Data Lake Store"):
        split_uri(f"{base}/a")


def test_a_link_does_not_lead_out_of_the_blobs(files: StoreFiles, tmp_path: Path):
    container = tmp_path / "blobs" / "storage1" / "samples"
    container.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"x")
    (container / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(PermissionError):
        files.find("wasb://samples@storage1/link")


@pytest.mark.parametrize("uri", ["/a", ROOT, "wasb://samples@storage1/a"])
def test_scripts_write_to_files_of_stores_only(uri: str):
    with pytest.raises(ValueError, match="expected"):
        split_uri(uri)
