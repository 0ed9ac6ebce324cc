"""The file system without a service: paths, options, errors, files that fail."""

from __future__ import annotations

from typing import Any

import fsspec
import pytest

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ServiceError,
    TransferError,
)
from airflow_provider_datalake.filesystems.data_lake_store import DataLakeStoreFileSystem
from tests.unit.clients.azure_fakes import answer
from tests.unit.clients.store_fakes import LOST, FakeStore, refusal


@pytest.fixture
def store() -> FakeStore:
    return FakeStore({"/d/a": b"aa"})


@pytest.fixture
def fs(store: FakeStore) -> DataLakeStoreFileSystem:
    made = DataLakeStoreFileSystem(host="mystore", bearer_token="t", skip_instance_cache=True)
    made._stores = {"mystore": store.client()}
    return made


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("adls1://conn@mystore/a/b", "mystore/a/b"),
        ("adls1://mystore/a/b/", "mystore/a/b"),
        ("mystore/a@b", "mystore/a@b"),
        ("adls1://conn@mystore", "mystore"),
        ("/mystore/a", "mystore/a"),
        (["adls1://c@mystore/a", "mystore/b"], ["mystore/a", "mystore/b"]),
    ],
)
def test_a_path_is_the_store_and_the_path_in_it(given: Any, path: Any) -> None:
    assert DataLakeStoreFileSystem._strip_protocol(given) == path


def test_the_store_of_a_path_comes_before_that_of_the_options() -> None:
    made = DataLakeStoreFileSystem(host="http://127.0.0.1:9/adls/one", bearer_token="t")
    assert made.split("two/x")[0].http.base_url == "http://127.0.0.1:9/adls/two"
    assert made.split("adls1://two.azuredatalakestore.net/x")[0] is made.split("two/y")[0]
    cloud = DataLakeStoreFileSystem(client_id="app", client_secret="s", tenant_id="t")
    assert cloud.split("mine/x")[0].http.base_url == "https://mine.azuredatalakestore.net"
    alias = DataLakeStoreFileSystem(url="http://127.0.0.1:9/adls/one", extra={"bearer_token": "t"})
    assert alias.split("one/x")[0].http.base_url == "http://127.0.0.1:9/adls/one"


def test_without_options_the_connection_is_airflows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADLS_GEN1_DEFAULT", "OTHER"):
        uri = f'{{"host": "http://127.0.0.1:9/{name.lower()}/one", "extra": {{"bearer_token": "t"}}}}'
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", uri)
    default, other = DataLakeStoreFileSystem(), DataLakeStoreFileSystem(conn_id="other")
    assert default.split("two/x")[0].http.base_url == "http://127.0.0.1:9/adls_gen1_default/two"
    assert other.split("two/x")[0].http.base_url == "http://127.0.0.1:9/other/two"


def test_fsspec_knows_the_scheme() -> None:
    assert fsspec.get_filesystem_class("adls1") is DataLakeStoreFileSystem


def test_a_path_without_a_store_is_refused(fs: DataLakeStoreFileSystem) -> None:
    with pytest.raises(ValueError, match="names no store"):
        fs.info("adls1:///a")
    with pytest.raises(FileNotFoundError, match="names no store"):
        fs.info("")


@pytest.mark.parametrize("account", ["My Store", "a_b", "a:80", "%2e", "A"])
def test_a_store_that_cannot_be_is_refused(account: str) -> None:
    for host in ("one", "http://127.0.0.1:9/adls/one"):
        with pytest.raises(ConfigurationError, match="lower-case letters and digits"):
            DataLakeStoreFileSystem(host=host, bearer_token="t").split(f"{account}/x")


def test_what_may_not_be_done_is_a_permission_error(fs: DataLakeStoreFileSystem, store: FakeStore) -> None:
    store.refuse = {op: refusal(403, "AccessControlException") for op in ("OPEN", "LISTSTATUS", "CREATE")}
    for call in (fs.cat_file, fs.ls, lambda path: fs.pipe_file(path, b"")):
        with pytest.raises(PermissionError, match="AccessControlException"):
            call("mystore/d/a")


def test_a_refused_token_is_what_it_is_everywhere(fs: DataLakeStoreFileSystem, store: FakeStore) -> None:
    store.refuse = {"GETFILESTATUS": answer(401, {"error": {"code": "AuthenticationFailed"}})}
    with pytest.raises(AuthenticationError):
        fs.exists("mystore/d/a")


def test_a_write_that_fails_leaves_nothing(fs: DataLakeStoreFileSystem, store: FakeStore) -> None:
    store.refuse = {"APPEND": refusal(403, "AccessControlException")}
    file = fs.open("mystore/d/a", "wb", block_size=2)
    file.write(b"xx")
    with pytest.raises(PermissionError):
        file.write(b"yy")
    with pytest.raises(PermissionError):
        file.close()
    assert store.files == {"/d/a": b"aa"}


def test_a_commit_whose_answer_gets_lost_has_happened(fs: DataLakeStoreFileSystem, store: FakeStore) -> None:
    store.fates["RENAME"] = [LOST]
    with fs.open("mystore/d/a", "wb") as file:
        file.write(b"new")
    assert store.files == {"/d/a": b"new"}


def test_bytes_that_are_missing_at_the_end_are_noticed(fs: DataLakeStoreFileSystem, store: FakeStore) -> None:
    append = store._append
    store._append = lambda request: append(type(request)(**{**vars(request), "body": request.body[:1]}))  # type: ignore[method-assign]
    file = fs.open("mystore/d/a", "wb", block_size=2)
    file.write(b"xx")
    # Of the next block, only the first byte is kept.
    file.write(b"yy")
    with pytest.raises(Exception, match="/d/a had 3 bytes when 4 had been written|BadOffset"):
        file.close()
    assert store.files == {"/d/a": b"aa"}


def test_a_file_that_shrinks_while_it_is_read_is_noticed(
    fs: DataLakeStoreFileSystem, store: FakeStore
) -> None:
    with fs.open("mystore/d/a") as file:
        store.put("/d/a", b"a")
        with pytest.raises(TransferError, match="it has changed since it was opened"):
            file.read()


def test_a_file_that_changes_while_it_is_copied_makes_no_copy(
    fs: DataLakeStoreFileSystem, store: FakeStore
) -> None:
    opened = store._open

    def changes(request: Any) -> Any:
        found = opened(request)
        store.put("/d/a", b"bb")
        return found

    store._open = changes  # type: ignore[method-assign]
    with pytest.raises(TransferError, match="/d/a has changed while it was copied"):
        fs.copy("mystore/d/a", "mystore/d/b")
    assert store.files == {"/d/a": b"bb"}


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_file_does_not_vanish_into_a_folder_of_its_name(
    fs: DataLakeStoreFileSystem, store: FakeStore, autocommit: bool
) -> None:
    file = fs.open("mystore/d", "wb", autocommit=autocommit)
    file.write(b"new")
    if not autocommit:
        file.close()
    finish = file.close if autocommit else file.commit
    with pytest.raises(FileExistsError, match="/d is a folder: a file cannot take its place"):
        finish()
    assert store.files == {"/d/a": b"aa"}


def test_a_file_whose_first_request_fails_leaves_nothing(
    fs: DataLakeStoreFileSystem, store: FakeStore
) -> None:
    store.fates["CREATE"] = [LOST]
    file = fs.open("mystore/d/b", "wb")
    file.write(b"xx")
    with pytest.raises(ServiceError):
        file.close()
    assert store.files == {"/d/a": b"aa"}


def test_a_folder_is_no_file(fs: DataLakeStoreFileSystem) -> None:
    with pytest.raises(IsADirectoryError):
        fs.open("mystore/d")


def test_no_secret_is_in_a_text_of_the_file_system() -> None:
    made = DataLakeStoreFileSystem(host="mystore", bearer_token="top-secret")
    assert "top-secret" not in repr(made)
    assert "top-secret" not in str(made)


def test_the_time_of_creation_is_not_known(fs: DataLakeStoreFileSystem) -> None:
    with pytest.raises(NotImplementedError):
        fs.created("mystore/d/a")
