"""The hook without a service: laziness, configuration, what is chosen for a transfer."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError
from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook
from tests.unit.clients.store_fakes import FakeStore

if TYPE_CHECKING:
    from pathlib import Path

EMULATOR = {
    "conn_type": "adls_gen1",
    "host": "http://127.0.0.1:9/adls/emulator",
    "extra": {"bearer_token": "very-secret-token"},
}


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_C", json.dumps({**EMULATOR, **fields}))

    set_to()
    return set_to


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """A store that all hooks reach."""
    fake = FakeStore()
    monkeypatch.setattr(DataLakeStoreHook, "get_client", lambda self: fake.client())
    return fake


def test_the_constructor_does_no_input_or_output() -> None:
    hook = DataLakeStoreHook(adls_conn_id="does_not_exist", account="a")
    assert (hook.adls_conn_id, hook.account) == ("does_not_exist", "a")
    assert DataLakeStoreHook().adls_conn_id == "adls_gen1_default"


def test_the_client_reaches_the_store_of_the_connection(connection: Any) -> None:
    hook = DataLakeStoreHook("c")
    client = hook.get_client()
    assert (client.http.base_url, client.account) == ("http://127.0.0.1:9/adls/emulator", "emulator")
    assert hook.get_client() is client


def test_the_account_of_the_hook_comes_first(connection: Any) -> None:
    client = DataLakeStoreHook("c", account="other").get_client()
    assert (client.http.base_url, client.account) == ("http://127.0.0.1:9/adls/other", "other")


def test_a_store_of_the_cloud_has_its_own_host(connection: Any) -> None:
    connection(host="mine", login="app", password="pw", extra={"tenant_id": "t"})
    assert DataLakeStoreHook("c").get_client().http.base_url == "https://mine.azuredatalakestore.net"


def test_a_trigger_gets_the_same_client(connection: Any) -> None:
    async def main() -> None:
        hook = DataLakeStoreHook("c", account="other")
        client = await hook.aget_client()
        assert client.http.base_url == "http://127.0.0.1:9/adls/other"
        assert hook.get_client() is client

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": ""}, "Connection 'c', field 'host': missing"),
        ({"extra": {"auth": "magic"}}, "Connection 'c', field 'auth': expected one of"),
        ({"extra": {"auth": "client_secret"}}, "Connection 'c', field 'tenant_id': missing"),
        ({"extra": {"bearer_token": 7}}, "Connection 'c', field 'bearer_token': expected text"),
    ],
)
def test_a_malformed_field_is_named(connection: Any, fields: dict[str, Any], message: str) -> None:
    connection(**fields)
    with pytest.raises(ConfigurationError, match=message):
        DataLakeStoreHook("c").get_client()


def test_a_store_that_does_not_answer_fails_the_test_of_the_connection(connection: Any) -> None:
    ok, message = DataLakeStoreHook("c").test_connection()
    assert not ok
    assert message.startswith("Connection 'c': GETFILESTATUS /: the service cannot be reached")
    assert "very-secret-token" not in message


def test_a_wrong_field_fails_the_test_of_the_connection(connection: Any) -> None:
    connection(extra={"auth": "magic"})
    ok, message = DataLakeStoreHook("c").test_connection()
    assert (ok, "field 'auth'" in message) == (False, True)


def test_a_folder_goes_up_below_its_destination(store: FakeStore, tmp_path: Path) -> None:
    for name in ("a", "x/b", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    result = DataLakeStoreHook().upload(tmp_path, "/in")
    assert (result.files, result.bytes) == (3, 11)
    assert store.files == {"/in/a": b"a", "/in/x/b": b"x/b", "/in/.hidden": b".hidden"}


def test_a_pattern_keeps_the_folders_below_its_fixed_part(store: FakeStore, tmp_path: Path) -> None:
    for name in ("a.csv", "x/b.csv", "x/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    DataLakeStoreHook().upload(f"{tmp_path}/**/*.csv", "/in")
    assert sorted(store.files) == ["/in/a.csv", "/in/x/b.csv"]


def test_a_file_with_the_signs_of_a_pattern_is_itself(store: FakeStore, tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x")
    DataLakeStoreHook().upload(tmp_path / "a[1].csv", "/a[1].csv")
    assert store.files == {"/a[1].csv": b"x"}


def test_files_that_would_become_one_are_refused(store: FakeStore, tmp_path: Path) -> None:
    store.files = {"/a/f": b"1", "/b/f": b"2"}
    DataLakeStoreHook().download("/*/f", tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("f")) == ["a/f", "b/f"]


def test_a_name_that_leads_out_of_the_destination_is_refused(store: FakeStore, tmp_path: Path) -> None:
    store.files = {"/d/f": b"1"}
    described = store._described
    store._described = lambda path, suffix: {**described(path, suffix), "pathSuffix": "../../f"}  # type: ignore[method-assign]
    with pytest.raises(ConfigurationError, match="must not have the part '..'"):
        DataLakeStoreHook().download("/d", tmp_path / "x/y")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threads", [0, -1, True, 65, "4"])
def test_a_number_of_threads_that_cannot_work_is_refused(
    store: FakeStore, tmp_path: Path, threads: Any
) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(ConfigurationError, match="threads must be an integer from 1 to 64"):
        DataLakeStoreHook().upload(tmp_path / "f", "/f", threads=threads)


def test_what_is_being_written_is_not_downloaded(store: FakeStore, tmp_path: Path) -> None:
    store.files = {
        "/d/f": b"1",
        "/d/.g.0123456789ab.tmp": b"half",
        "/d/.h.0123456789abcdef.parts/00000": b"half",
    }
    DataLakeStoreHook().download("/d", tmp_path / "x")
    assert [path.name for path in (tmp_path / "x").rglob("*")] == ["f"]


def test_a_pattern_of_nothing_is_an_error_of_a_download(store: FakeStore, tmp_path: Path) -> None:
    assert DataLakeStoreHook().glob("/nothing/*") == []
    with pytest.raises(NotFoundError, match=r"no file matches /nothing/\*"):
        DataLakeStoreHook().download("/nothing/*", tmp_path)
