"""What the emulator answers on the wire, where the service's own client does not look."""

from __future__ import annotations

import concurrent.futures
import os
import random
import sqlite3
import uuid
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

TOKEN = "emulator-token"
HEADER = "x-ms-metaanalytics-authorizationtoken"
BLOCK = 2 * 1024 * 1024


class Wire:
    """
    Sends requests to a workspace.

    :param address: the emulator's
    :param workspace: the workspace
    :param token: goes with each request
    """

    def __init__(self, address: str, workspace: str = "emulator", token: str = TOKEN) -> None:
        self.base = f"{address}/studio/api"
        self.workspace = workspace
        self.headers = {HEADER: token}

    def __call__(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, **more: Any
    ) -> requests.Response:
        url = f"{self.base}/{path.format(w=self.workspace)}"
        headers = {**self.headers, **more.pop("headers", {})}
        return requests.request(method, url, params=params, headers=headers, timeout=60, **more)

    def begin(self, body: bytes = b"", data_type: str = "GenericCSV") -> str:
        params = {"userStorage": "true", "dataTypeId": data_type}
        answer = self("POST", "resourceuploads/workspaces/{w}/", params=params, data=body)
        answer.raise_for_status()
        return answer.json()["Id"]

    def block(self, upload_id: str, number: int, total: int, body: bytes) -> requests.Response:
        params = {
            "numberOfBlocks": total,
            "blockId": number,
            "uploadId": upload_id,
            "dataTypeId": "GenericCSV",
        }
        # The service's client says so of blocks, too.
        headers = {"Content-Type": "application/json;charset=UTF8"}
        return self("POST", "blobuploads/workspaces/{w}/", params=params, data=body, headers=headers)

    def create(self, upload_id: str, name: str, **source: Any) -> requests.Response:
        document = {
            "DataSource": {"Name": name, "DataTypeId": "GenericCSV", "FamilyId": None, **source},
            "UploadId": upload_id,
            "UploadedFromFileName": "f.csv",
            "ClientPoll": True,
        }
        return self("POST", "workspaces/{w}/datasources", json=document)

    def make(self, name: str, body: bytes, **source: Any) -> dict[str, Any]:
        answer = self.create(self.begin(body), name, **source)
        assert answer.status_code == 200, answer.text
        return self.get(answer.json())

    def get(self, dataset_id: str) -> dict[str, Any]:
        answer = self("GET", f"workspaces/{{w}}/datasources/{dataset_id}")
        answer.raise_for_status()
        return answer.json()

    def names(self) -> list[str]:
        return [one["Name"] for one in self("GET", "workspaces/{w}/datasources").json()]


def url_of(dataset: dict[str, Any]) -> str:
    location = dataset["DownloadLocation"]
    return location["BaseUri"] + location["Location"] + location["AccessCredential"]


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    found = answer.json()["error"]
    assert found["details"] == []
    return answer.status_code, found["code"], found["message"]


@pytest.fixture
def wire(emulator: Emulator) -> Wire:
    return Wire(emulator.address)


@pytest.fixture
def name() -> str:
    return f"dataset {uuid.uuid4().hex}"


# Uploads


def test_blocks_in_any_order_side_by_side_and_repeated_make_the_contents(wire: Wire, name: str):
    blocks = [os.urandom(BLOCK) for _ in range(6)] + [os.urandom(1234)]
    upload_id = wire.begin()
    order = [*range(7), *range(7)]
    random.Random(3).shuffle(order)

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: wire.block(upload_id, number, 7, blocks[number]), order))

    assert {answer.status_code for answer in answers} == {200}
    assert all(isinstance(answer.json(), dict) for answer in answers)
    made = wire.get(wire.create(upload_id, name).json())
    assert made["Size"] == sum(map(len, blocks))
    assert made["ResourceUploadId"] == upload_id
    assert requests.get(url_of(made), timeout=60).content == b"".join(blocks)


def test_a_block_of_4_mib_is_taken_and_a_larger_one_is_not(wire: Wire):
    upload_id = wire.begin()
    assert wire.block(upload_id, 0, 2, bytes(2 * BLOCK)).status_code == 200
    status, code, message = error_of(wire.block(upload_id, 1, 2, bytes(2 * BLOCK + 1)))
    assert (status, code) == (413, "RequestEntityTooLarge")
    assert "4194305 bytes" in message


def test_missing_blocks_are_named_and_nothing_is_made(wire: Wire, name: str):
    upload_id = wire.begin()
    wire.block(upload_id, 1, 4, b"x").raise_for_status()
    status, code, message = error_of(wire.create(upload_id, name))
    assert (status, code) == (400, "BlocksMissing")
    assert message == f"3 of the 4 blocks of upload {upload_id} are missing: 0, 2, 3"
    assert name not in wire.names()


def test_an_upload_becomes_one_dataset(wire: Wire, name: str):
    upload_id = wire.begin(b"x")
    made = wire.create(upload_id, name).json()
    status, code, message = error_of(wire.create(upload_id, f"{name} again"))
    assert (status, code) == (409, "Conflict")
    assert message == f"Upload {upload_id} has become dataset {made} already."
    assert error_of(wire.block(upload_id, 0, 1, b"y"))[0] == 404


def test_a_body_is_all_contents_at_once(wire: Wire, name: str):
    body = os.urandom(3 * 4 * 1024 * 1024 + 7)
    made = wire.make(name, body, FamilyId="")
    assert requests.get(url_of(made), timeout=60).content == body


@pytest.mark.parametrize("number", ["", "x", "-1", "1.0", "٣"])
def test_a_block_without_a_number_is_refused(wire: Wire, number: str):
    params = {"numberOfBlocks": 2, "blockId": number, "uploadId": wire.begin()}
    answer = wire("POST", "blobuploads/workspaces/{w}/", params=params, data=b"x")
    assert error_of(answer) == (400, "BadRequest", f"blockId must be a number from 0 on, got {number!r}.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "The body is no JSON"),
        (b"[]", "The body is no JSON object"),
        (b"{}", "The body has no object DataSource"),
        (b'{"DataSource": {"Name": 1}}', "Name must be a text, got 1"),
        (b'{"DataSource": {"Name": "\\ud800"}}', "Name is no Unicode text"),
        (b'{"DataSource": {"Name": "n", "DataTypeId": "Parquet"}}', "The DataTypeId is one of GenericCSV"),
    ],
    ids=["no json", "no object", "no source", "number", "surrogate", "format"],
)
def test_a_dataset_that_is_none_is_refused_in_words(wire: Wire, body: bytes, words: str):
    status, code, message = error_of(wire("POST", "workspaces/{w}/datasources", data=body))
    assert (status, code) == (400, "BadRequest")
    assert message.startswith(words)


def test_an_unknown_upload_or_format_is_refused(wire: Wire, name: str):
    assert error_of(wire.create("unknown", name))[0] == 404
    answer = wire("POST", "resourceuploads/workspaces/{w}/", params={"dataTypeId": "Parquet"})
    assert error_of(answer)[0] == 400


# Datasets


def test_an_old_version_leaves_the_list_and_can_still_be_read(wire: Wire, name: str):
    first = wire.make(name, b"1", Description="words", Owner="somebody")
    second = wire.make(f"{name} 2", b"2", FamilyId=first["FamilyId"])
    assert [one for one in wire.names() if one.startswith(name)] == [f"{name} 2"]
    assert (second["FamilyId"], second["ServiceVersion"]) == (first["FamilyId"], 1)
    assert second["Id"] != first["Id"]
    old = wire.get(first["Id"])
    assert (old["IsLatest"], old["Description"], old["Owner"]) == (False, "words", "somebody")
    assert old["UploadedFromFilename"] == "f.csv"
    assert requests.get(url_of(old), timeout=60).content == b"1"


def test_a_deleted_dataset_is_gone(wire: Wire, name: str):
    made = wire.make(name, b"1")
    family = f"workspaces/{{w}}/datasources/family/{made['FamilyId']}"
    assert wire("DELETE", family).status_code == 204
    assert name not in wire.names()
    assert error_of(wire("GET", f"workspaces/{{w}}/datasources/{made['Id']}"))[:2] == (404, "NotFound")
    assert error_of(wire("DELETE", family))[0] == 404
    assert requests.get(url_of(made), timeout=60).status_code == 404


def test_dates_are_the_same_moment_in_both_forms(wire: Wire, name: str):
    made = wire.make(name, b"1")
    milliseconds = int(made["CreatedDate"].removeprefix("/Date(").removesuffix(")/"))
    assert made["CreatedDateTicks"] == milliseconds * 10_000 + 621_355_968_000_000_000


def test_paths_do_not_differ_by_case(wire: Wire, name: str):
    made = wire.make(name, b"1")
    assert wire("GET", f"Workspaces/{{w}}/DataSources/{made['Id']}").json()["Name"] == name


# Contents


def test_contents_need_no_token_and_can_be_read_in_parts(wire: Wire, name: str):
    body = os.urandom(300_000)
    url = url_of(wire.make(name, body))
    whole = requests.get(url, timeout=60)
    assert whole.content == body
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, part in (
        ("0-9", body[:10]),
        ("299990-", body[-10:]),
        ("-5", body[-5:]),
        ("7-999999", body[7:]),
    ):
        answer = requests.get(url, headers={"Range": f"bytes={asked}"}, timeout=60)
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["Content-Range"].endswith("/300000")
        assert answer.headers["ETag"] == whole.headers["ETag"]
    assert requests.get(url, headers={"Range": "bytes=300000-"}, timeout=60).status_code == 416


def test_head_tells_the_size_and_conditions_are_kept(wire: Wire, name: str):
    made = wire.make(name, b"12345")
    url = url_of(made)
    head = requests.head(url, timeout=60)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "5", b"")
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8"
    etag = head.headers["ETag"]
    assert requests.get(url, headers={"If-None-Match": etag}, timeout=60).status_code == 304
    assert requests.get(url, headers={"If-Match": etag}, timeout=60).content == b"12345"
    refused = requests.get(url, headers={"If-Match": '"0x0"'}, timeout=60)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (412, "ConditionNotMet")
    partly = {"Range": "bytes=1-2", "If-Range": etag}
    assert requests.get(url, headers=partly, timeout=60).content == b"23"
    partly["If-Range"] = '"0x0"'
    assert requests.get(url, headers=partly, timeout=60).content == b"12345"
    newer = wire.make(name, b"12345", FamilyId=made["FamilyId"])
    assert requests.head(url_of(newer), timeout=60).headers["ETag"] != etag


@pytest.mark.parametrize("change", ["signature", "expiry", "file", "nothing given"])
def test_a_wrong_address_is_refused_in_the_words_of_blob_storage(wire: Wire, name: str, change: str):
    url = url_of(wire.make(name, b"1"))
    other = url_of(wire.make(f"{name} 2", b"2"))
    wrong = {
        "signature": url + "x",
        "expiry": url.replace("se=20", "se=21"),
        "file": other.partition("?")[0] + "?" + url.partition("?")[2],
        "nothing given": url.partition("?")[0],
    }[change]
    # The workspace's token is no key to the storage.
    answer = requests.get(wrong, headers=wire.headers, timeout=60)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("application/xml")
    tree = ElementTree.fromstring(answer.content.decode("utf-8-sig"))
    assert tree.findtext("Code") == "AuthenticationFailed" == answer.headers["x-ms-error-code"]


def test_addresses_survive_a_restart(own_emulator: Callable[..., Emulator], name: str):
    emulator = own_emulator()
    url = url_of(Wire(emulator.address).make(name, b"1"))
    old = emulator.address
    emulator.restart()
    assert requests.get(url.replace(old, emulator.address), timeout=60).content == b"1"


# Workspaces


def test_a_request_without_the_token_is_refused(emulator: Emulator, wire: Wire):
    made = wire.make(f"dataset {uuid.uuid4().hex}", b"1")
    stranger = Wire(emulator.address, token="wrong")
    for method, path in (
        ("GET", "workspaces/{w}"),
        ("GET", "workspaces/{w}/datasources"),
        ("GET", f"workspaces/{{w}}/datasources/{made['Id']}"),
        ("POST", "workspaces/{w}/datasources"),
        ("DELETE", f"workspaces/{{w}}/datasources/family/{made['FamilyId']}"),
        ("POST", "resourceuploads/workspaces/{w}/"),
        ("POST", "blobuploads/workspaces/{w}/"),
        ("GET", "workspaces/{w}/experiments"),
        ("PUT", "workspaces/{w}/experiments/e"),
        ("DELETE", "workspaces/{w}/experiments/e"),
        ("GET", "workspaces/{w}/experiments/e/outputdata/n/p"),
        ("PUT", "workspaces/{w}/experiments/e/outputdata/n/p"),
        ("GET", "workspaces/{w}/users"),
        ("PUT", "workspaces/{w}/users/u"),
        ("DELETE", "workspaces/{w}/users/u"),
        ("POST", "workspaces/{w}/invitations"),
        ("POST", "workspaces/{w}/authorizationtokens/primary"),
    ):
        assert error_of(stranger(method, path))[:2] == (401, "Unauthorized"), (method, path)
    assert requests.get(f"{wire.base}/workspaces/emulator/datasources", timeout=60).status_code == 401


def test_a_regenerated_token_stops_at_once_and_survives_a_restart(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator()
    answer = Wire(emulator.address)("POST", "workspaces/{w}/authorizationtokens/primary").json()
    assert answer["SecondaryToken"] == "emulator-second-token"
    for _ in range(2):
        assert Wire(emulator.address)("GET", "workspaces/{w}/datasources").status_code == 401
        for token in answer.values():
            assert Wire(emulator.address, token=token)("GET", "workspaces/{w}/datasources").ok
        emulator.restart()
    assert answer["PrimaryToken"] not in emulator.log()


def test_only_owners_see_the_tokens(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator("own", "--user", "ann=secret", "--user", "bob=secret", "--user", "eve=secret")
    wire = Wire(emulator.address)
    invited = wire("POST", "workspaces/{w}/invitations", json={"Role": "User", "Emails": "ann; bob"})
    assert [one["User"]["Name"] for one in invited.json()] == ["ann", "bob", "emulator"]
    wire("PUT", "workspaces/{w}/users/bob", json={"Role": "Owner"}).raise_for_status()

    def shown(user: str) -> requests.Response:
        form = {"grant_type": "password", "username": user, "password": "secret", "client_id": "emulator"}
        form["resource"] = "https://datalake.azure.net/"
        signed = requests.post(f"{emulator.address}/aad/emulator/oauth2/token", data=form, timeout=60).json()
        bearer = {"Authorization": f"Bearer {signed['access_token']}"}
        return requests.get(f"{wire.base}/workspaces/emulator", headers=bearer, timeout=60)

    assert "AuthorizationToken" not in shown("ann").json()
    assert shown("bob").json()["AuthorizationToken"] == {
        "PrimaryToken": TOKEN,
        "SecondaryToken": "emulator-second-token",
    }
    assert shown("eve").status_code == 404
    assert wire("DELETE", "workspaces/{w}/users/bob").status_code == 204
    assert shown("bob").status_code == 404


def test_the_emulator_s_owner_makes_further_workspaces(own_emulator: Callable[..., Emulator], name: str):
    emulator = own_emulator()
    workspace = uuid.uuid4().hex
    url = f"{emulator.address}/studio/api/workspaces/{workspace}"
    assert requests.put(url, timeout=60).status_code == 401
    bearer = {"Authorization": "Bearer emulator-token"}
    made = requests.put(url, headers=bearer, timeout=60)
    assert made.status_code == 201
    token = made.json()["AuthorizationToken"]["PrimaryToken"]
    other = Wire(emulator.address, workspace, token)
    dataset = other.make(name, b"1")
    assert dataset["Id"].startswith(f"{workspace}.")
    assert name not in Wire(emulator.address).names()
    assert Wire(emulator.address, workspace)("GET", "workspaces/{w}/datasources").status_code == 401
    assert requests.put(url, headers=bearer, timeout=60).status_code == 409


# Experiments


def test_a_folder_of_the_data_directory_is_an_experiment(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator()
    node = emulator.data_dir / "ml_studio" / "experiments" / "flights" / "node-1"
    node.mkdir(parents=True)
    (node / "Results dataset.csv").write_bytes(b"a\n1\n")
    wire = Wire(emulator.address)
    (found,) = wire("GET", "workspaces/{w}/experiments").json()
    assert (found["ExperimentId"], found["Status"]["StatusCode"]) == ("emulator.f-id.flights", "Finished")
    output = f"workspaces/{{w}}/experiments/{found['ExperimentId']}/outputdata/node-1/Results%20dataset"
    assert wire("GET", output).content == b"a\n1\n"
    part = wire("GET", output, headers={"Range": "bytes=2-"})
    assert (part.status_code, part.content) == (206, b"1\n")
    assert error_of(wire("GET", output + "x"))[:2] == (404, "NotFound")


def test_what_there_is_not_is_named(wire: Wire):
    assert error_of(wire("GET", "nothing")) == (
        404,
        "NotFound",
        "There is nothing at GET /studio/api/nothing.",
    )
    status, code, message = error_of(wire("PATCH", "workspaces/{w}/datasources"))
    assert (status, code) == (405, "NotSupported")
    assert "PATCH /studio/api/workspaces/emulator/datasources" in message


# Troubles


def test_faults_on_demand_meet_the_routes(
    own_emulator: Callable[..., Emulator],
):
    emulator = own_emulator("own", "--faults", "1:503@studio")
    answer = Wire(emulator.address)("GET", "workspaces/{w}/datasources")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "ServerBusy"


def test_a_full_disk_is_told_and_leaves_the_list_as_it_was(own_emulator: Callable[..., Emulator], name: str):
    emulator = own_emulator(max_file_bytes=6 * 1024 * 1024)
    wire = Wire(emulator.address)
    upload_id = wire.begin()
    answers = [wire.block(upload_id, number, 4, bytes(BLOCK)) for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]
    assert error_of(answers[3])[1] == "StorageError"
    assert error_of(wire.create(upload_id, name))[1] == "BlocksMissing"
    assert wire.make(name, b"small")["Size"] == 5


def test_no_secret_is_in_the_log(own_emulator: Callable[..., Emulator], name: str):
    emulator = own_emulator()
    made = Wire(emulator.address).make(name, b"1")
    requests.get(url_of(made) + "x", timeout=60)
    Wire(emulator.address).create("unknown", name)
    emulator.stop()
    assert TOKEN not in emulator.log()
    assert "sig=" not in emulator.log()
    database = emulator.data_dir / "ml_studio" / "studio.db"
    with sqlite3.connect(database) as connection:
        (key,) = connection.execute("SELECT value FROM settings WHERE name = 'key'").fetchone()
    assert key not in emulator.log()
