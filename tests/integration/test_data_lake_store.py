"""The unmodified vendor client, azure-datalake-store, against a running emulator."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from typing import TYPE_CHECKING, NamedTuple

import pytest
from azure.datalake.store.core import AzureDLFileSystem
from azure.datalake.store.exceptions import DatalakeRESTException
from azure.datalake.store.lib import DatalakeRESTInterface
from azure.datalake.store.multithread import ADLDownloader, ADLUploader
from azure.datalake.store.retry import NoRetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Emulator

USER = "470c0ccf-c91a-4597-98cd-48507d2f1486"


class AccessToken(NamedTuple):
    token: str
    expires_on: int


class StaticToken:
    """A credential as azure-core's, for one token."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken("emulator-token", int(time.time()) + 3600)


def connect(emulator: Emulator, account: str = "emulator") -> AzureDLFileSystem:
    client = AzureDLFileSystem(token_credential=StaticToken(), store_name=account)
    client.azure.url = f"{emulator.address}/adls/{account}/"
    return client


@pytest.fixture
def client(emulator: Emulator) -> AzureDLFileSystem:
    return connect(emulator)


@pytest.fixture
def folder(client: AzureDLFileSystem) -> str:
    """A folder that no other test uses."""
    name = f"test-{uuid.uuid4().hex}"
    client.mkdir(name)
    return name


def put(client: AzureDLFileSystem, path: str, data: bytes = b"data") -> str:
    with client.open(path, "wb") as file:
        file.write(data)
    return path


def test_a_file_is_written_and_read(client: AzureDLFileSystem, folder: str):
    path = put(client, f"{folder}/a/b.txt", b"hello\nworld\n")
    assert client.cat(path) == b"hello\nworld\n"
    assert client.head(path, 5) == b"hello"
    assert client.tail(path, 6) == b"world\n"
    assert client.read_block(path, 6, None) == b"world\n"
    with client.open(path) as file:
        assert file.readlines() == [b"hello\n", b"world\n"]
        file.seek(6)
        assert file.read(3) == b"wor"


def test_a_file_larger_than_a_block_is_written_in_pieces(client: AzureDLFileSystem, folder: str):
    data = os.urandom(10_000_000)
    path = put(client, f"{folder}/large", data)
    assert client.info(path)["length"] == len(data)
    assert client.cat(path) == data


def test_bytes_are_appended(client: AzureDLFileSystem, folder: str):
    path = put(client, f"{folder}/f", b"one")
    with client.open(path, "ab") as file:
        file.write(b"two")
    with client.open(f"{folder}/new", "ab") as file:
        file.write(b"three")
    assert client.cat(path) == b"onetwo"
    assert client.cat(f"{folder}/new") == b"three"


def test_an_append_whose_answer_got_lost_is_recognised(client: AzureDLFileSystem, folder: str):
    path = f"{folder}/f"
    with client.open(path, "wb") as file:
        file.write(b"once")
        # The emulator has the bytes already, as after a lost answer.
        client.azure.call("APPEND", path, data=b"once", append="true", offset=0, leaseid=file.leaseid)
    assert client.cat(path) == b"once"


def test_an_empty_file_is_written_and_read(client: AzureDLFileSystem, folder: str):
    client.touch(f"{folder}/empty")
    assert client.info(f"{folder}/empty")["length"] == 0
    assert client.cat(f"{folder}/empty") == b""


@pytest.mark.parametrize(
    "name", ["a b", "a+b", "50%", "%41", "ü", "a&b=c", "a#b", "a?b", "a;b,c", "a'b", "日本", "a:b"]
)
def test_names_with_unusual_characters_are_kept(client: AzureDLFileSystem, folder: str, name: str):
    path = put(client, f"{folder}/{name}", name.encode())
    assert client.ls(folder) == [path]
    assert client.cat(path) == name.encode()
    client.mv(path, f"{folder}/other")
    client.mv(f"{folder}/other", path)
    client.concat(f"{folder}/joined {name}", [path])
    assert client.cat(f"{folder}/joined {name}") == name.encode()
    client.rm(f"{folder}/joined {name}")
    assert client.ls(folder) == []


def test_a_status_has_what_the_service_gives(client: AzureDLFileSystem, folder: str):
    path = put(client, f"{folder}/f", b"12345")
    status = client.info(path)
    assert status.pop("accessTime") <= status.pop("modificationTime")
    owner = status.pop("owner")
    assert status == {
        "length": 5,
        "pathSuffix": "",
        "type": "FILE",
        "blockSize": 268435456,
        "replication": 1,
        "permission": "770",
        "group": "00000000-0000-0000-0000-000000000000",
        "msExpirationTime": 0,
        "aclBit": False,
        "name": path,
    }
    assert client.info(folder)["type"] == "DIRECTORY"
    assert client.info(folder)["owner"] == owner
    assert client.info("")["type"] == "DIRECTORY"


def test_folders_are_listed_walked_and_searched(client: AzureDLFileSystem, folder: str):
    for name in ("a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv"):
        put(client, f"{folder}/{name}", b"123")
    assert client.ls(folder) == [f"{folder}/{name}" for name in ("a.csv", "b.txt", "sub")]
    assert sorted(client.walk(folder)) == sorted(
        f"{folder}/{name}" for name in ("a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv")
    )
    assert client.glob(f"{folder}/*.csv") == [f"{folder}/a.csv"]
    assert client.glob(f"{folder}/sub/*/*.csv") == [f"{folder}/sub/deep/d.csv"]
    assert client.du(folder, total=True, deep=True) == 12
    assert client.df(folder) == client.azure.call("GETCONTENTSUMMARY", folder)["ContentSummary"]
    assert client.exists(f"{folder}/sub")
    assert not client.exists(f"{folder}/nothing")


def test_a_large_folder_is_listed_page_by_page(client: AzureDLFileSystem, folder: str):
    names = [f"{number:03}" for number in range(25)]
    for name in names:
        client.azure.call("CREATE", f"{folder}/{name}", overwrite="true", write="true")
    assert [item["pathSuffix"] for item in client._ls_batched(folder, batch_size=10)] == names
    assert [item["pathSuffix"] for item in client._ls_batched(folder, batch_size=5)] == names


def test_files_and_trees_are_renamed(client: AzureDLFileSystem, folder: str):
    put(client, f"{folder}/a/b/f")
    client.mv(f"{folder}/a", f"{folder}/z")
    assert client.walk(folder) == [f"{folder}/z/b/f"]
    with pytest.raises(DatalakeRESTException):
        client.mv(f"{folder}/nothing", f"{folder}/x")


def test_files_and_trees_are_deleted(client: AzureDLFileSystem, folder: str):
    put(client, f"{folder}/a/f")
    with pytest.raises(PermissionError):
        client.rm(f"{folder}/a")
    client.rm(f"{folder}/a/f")
    client.rmdir(f"{folder}/a")
    put(client, f"{folder}/a/f")
    client.rm(f"{folder}/a", recursive=True)
    assert client.ls(folder) == []
    with pytest.raises(FileNotFoundError):
        client.rm(f"{folder}/a")


def test_files_are_joined(client: AzureDLFileSystem, folder: str):
    parts = [put(client, f"{folder}/{name}", name.encode()) for name in ("a", "b", "c")]
    client.concat(f"{folder}/all", parts)
    assert client.cat(f"{folder}/all") == b"abc"
    assert client.ls(folder) == [f"{folder}/all"]
    parts = [put(client, f"{folder}/parts/{name}", name.encode()) for name in ("d", "e")]
    client.merge(f"{folder}/more", parts, delete_source=True)
    assert client.cat(f"{folder}/more") == b"de"
    assert not client.exists(f"{folder}/parts")
    (last,) = [put(client, f"{folder}/f", b"f")]
    client.azure.call("CONCAT", f"{folder}/more", sources=last)
    assert client.cat(f"{folder}/more") == b"def"


def test_access_control_lists_are_changed(client: AzureDLFileSystem, folder: str):
    client.set_acl(folder, f"user::rwx,group::rwx,other::---,user:{USER}:rwx")
    status = client.get_acl_status(folder)
    assert status["entries"] == ["user::rwx", f"user:{USER}:rwx", "group::rwx", "mask::rwx", "other::---"]
    assert client.info(folder)["aclBit"] is True
    client.modify_acl_entries(folder, f"user:{USER}:-w-,default:user:{USER}:r-x")
    assert f"default:user:{USER}:r-x" in client.get_acl_status(folder)["entries"]
    client.remove_acl_entries(folder, f"user:{USER}")
    client.remove_default_acl(folder)
    assert client.get_acl_status(folder)["entries"] == ["user::rwx", "group::rwx", "mask::rwx", "other::---"]
    client.remove_acl(folder)
    assert client.get_acl_status(folder)["entries"] == ["user::rwx", "group::rwx", "other::---"]
    assert client.info(folder)["aclBit"] is False


def test_permissions_and_owners_are_changed(client: AzureDLFileSystem, folder: str):
    client.chmod(folder, "0750")
    client.chown(folder, owner=USER, group=USER)
    status = client.info(folder)
    assert (status["permission"], status["owner"], status["group"]) == ("750", USER, USER)


def test_a_file_expires(
    client: AzureDLFileSystem, folder: str, wait_until: Callable[..., None], emulator: Emulator
):
    path = put(client, f"{folder}/f")
    client.set_expiry(path, "Absolute", 4_102_444_800_000)
    assert client.info(path)["msExpirationTime"] == 4_102_444_800_000
    client.set_expiry(path, "RelativeToCreationDate", 1_000_000)
    client.set_expiry(path, "NeverExpire")
    assert client.info(path)["msExpirationTime"] == 0
    client.set_expiry(path, "RelativeToNow", 300)
    wait_until(lambda: not client.exists(path))
    assert client.ls(folder) == []


def test_what_is_not_there_is_reported(client: AzureDLFileSystem, folder: str):
    for action in (
        lambda: client.ls(f"{folder}/nothing"),
        lambda: client.cat(f"{folder}/nothing"),
        lambda: client.chmod(f"{folder}/nothing", "777"),
        lambda: client.get_acl_status(f"{folder}/nothing"),
    ):
        with pytest.raises(FileNotFoundError):
            action()


def test_an_unknown_account_is_named(emulator: Emulator):
    client = connect(emulator, "nobody")
    with pytest.raises(FileNotFoundError):
        client.ls("")


def test_a_wrong_token_is_refused(emulator: Emulator):
    client = DatalakeRESTInterface("emulator", token_credential=StaticToken())
    client.url = f"{emulator.address}/adls/emulator/"
    client.get_refreshed_bearer_token = lambda: "wrong"
    with pytest.raises(DatalakeRESTException):
        client.call("LISTSTATUS", "", retry_policy=NoRetryPolicy())


def test_many_files_are_uploaded_and_downloaded_at_the_same_time(
    client: AzureDLFileSystem, folder: str, tmp_path: Path
):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    expected = {f"sub/{number}": os.urandom(1000 + number) for number in range(40)}
    expected["large"] = os.urandom(9_000_000)
    for name, data in expected.items():
        (source / name).write_bytes(data)
    up = ADLUploader(client, f"{folder}/up", str(source), nthreads=8, overwrite=True)
    assert up.successful()
    down = ADLDownloader(client, f"{folder}/up", str(tmp_path / "target"), nthreads=8, overwrite=True)
    assert down.successful()
    found = {
        str(path.relative_to(tmp_path / "target")): path.read_bytes()
        for path in (tmp_path / "target").rglob("*")
        if path.is_file()
    }
    assert found == expected


def test_a_killed_server_shows_whole_blocks_only(own_emulator: Callable[..., Emulator]):
    """What an upload had written when its server died is there to the last block, and the rest is not."""
    emulator = own_emulator()
    client = connect(emulator)
    block, written = os.urandom(100_000), threading.Event()

    def upload() -> None:
        session = str(uuid.uuid4())
        client.azure.call("CREATE", "f", overwrite="true", write="true", syncFlag="DATA", leaseid=session)
        try:
            for number in range(10_000):
                client.azure.call(
                    "APPEND",
                    "f",
                    data=block,
                    append="true",
                    syncFlag="DATA",
                    offset=number * len(block),
                    leaseid=session,
                    retry_policy=NoRetryPolicy(),
                )
                if number == 20:
                    written.set()
        except DatalakeRESTException:
            return

    uploading = threading.Thread(target=upload)
    uploading.start()
    assert written.wait(60)
    emulator.stop(signal.SIGKILL)
    uploading.join(60)
    client = connect(emulator.start())
    data = client.cat("f")
    assert len(data) >= 20 * len(block)
    assert len(data) % len(block) == 0
    assert data == block * (len(data) // len(block))
    with client.open("f", "ab") as file:
        file.write(b"more")
    assert client.tail("f", 4) == b"more"


def test_files_survive_a_restart(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator()
    client = connect(emulator)
    put(client, "a/b", b"1")
    client.chmod("a", "700")
    before = client.info("a")
    client = connect(emulator.restart())
    assert client.cat("a/b") == b"1"
    assert client.info("a") == before
