"""The WebHDFS protocol as bytes on the wire: statuses, headers, bodies, and what is refused."""

from __future__ import annotations

import http.client
import json
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

MESSAGE = re.compile(
    r"(?P<text>.*) \[(?P<id>[0-9a-f-]{36})\]\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}[+-]\d\d:\d\d\]", re.DOTALL
)
TOKEN = {"Authorization": "Bearer emulator-token"}


class Wire:
    """
    Sends requests to one store.

    :param address: of the emulator
    """

    def __init__(self, address: str, account: str = "emulator") -> None:
        self.address = address
        self.account = account
        self._session = requests.Session()

    def __call__(
        self,
        method: str,
        path: str,
        op: str | None,
        data: Any = None,
        *,
        prefix: str = "/webhdfs/v1",
        headers: dict[str, str] | None = None,
        **query: str | int,
    ) -> requests.Response:
        if op is not None:
            query = {"op": op, "api-version": "2018-09-01", **query}
        return self._session.request(
            method,
            f"{self.address}/adls/{self.account}{prefix}{path}",
            params=query,
            data=data,
            headers={**TOKEN, **(headers or {})},
            timeout=60,
        )

    def raw(self, method: str, target: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Send a request target as it is; the usual client would tidy it up."""
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        connection.request(method, f"/adls/{self.account}{target}", headers={**TOKEN, **(headers or {})})
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
        connection.close()
        return status, body


@pytest.fixture
def wire(emulator: Emulator) -> Wire:
    return Wire(emulator.address)


@pytest.fixture
def folder(wire: Wire) -> str:
    """A folder that no other test uses."""
    path = f"/wire-{uuid.uuid4().hex}"
    assert wire("PUT", path, "MKDIRS").json() == {"boolean": True}
    return path


def put(wire: Wire, path: str, data: bytes = b"data", **query: str) -> str:
    assert wire("PUT", path, "CREATE", data, overwrite="true", **query).status_code == 201
    return path


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    """Check the form of an error, and give status, exception and message."""
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    (error,) = answer.json().values()
    assert list(answer.json()) == ["RemoteException"]
    assert list(error) == ["exception", "message", "javaClassName"]
    assert error["javaClassName"].endswith(f".{error['exception']}")
    match = MESSAGE.fullmatch(error["message"])
    assert match is not None
    assert match["id"] == answer.headers["x-ms-request-id"]
    return answer.status_code, error["exception"], match["text"]


def test_an_operation_with_an_empty_answer(wire: Wire, folder: str):
    answer = wire("PUT", f"{folder}/f", "CREATE", b"123", overwrite="true", write="true", syncFlag="DATA")
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Location"] == answer.url
    assert answer.headers["Status"] == "0x0"
    assert answer.headers["Content-Length"] == answer.headers["ContentLength"] == "0"
    assert answer.headers["x-ms-webhdfs-version"]
    assert answer.headers["Cache-Control"] == "no-cache, no-cache, no-store, max-age=0"
    assert "Content-Type" not in answer.headers
    answer = wire("POST", f"{folder}/f", "APPEND", b"4", append="true", offset=3)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "ContentLength" not in answer.headers


def test_bytes_are_sent_in_chunks(wire: Wire, folder: str):
    put(wire, f"{folder}/f", b"0123456789")
    answer = wire("GET", f"{folder}/f", "OPEN", read="true", offset=3, length=4)
    assert (answer.status_code, answer.content) == (200, b"3456")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, b"0123456789"),
        ({"offset": 8}, b"89"),
        ({"offset": 8, "length": 100}, b"89"),
        ({"offset": 10}, b""),
        ({"length": 0}, b""),
        ({"OFFSET": 9}, b"9"),
    ],
)
def test_any_part_of_a_file_can_be_read(wire: Wire, folder: str, query: dict[str, int], expected: bytes):
    put(wire, f"{folder}/f", b"0123456789")
    assert wire("GET", f"{folder}/f", "open", **query).content == expected


@pytest.mark.parametrize("query", [{"offset": 11}, {"offset": -1}, {"length": -1}, {"offset": "x"}])
def test_a_part_that_is_not_there_is_refused(wire: Wire, folder: str, query: dict[str, str | int]):
    put(wire, f"{folder}/f", b"0123456789")
    assert refusal(wire("GET", f"{folder}/f", "OPEN", **query))[:2] == (400, "IllegalArgumentException")


def test_a_large_file_is_sent_and_read_in_pieces(wire: Wire, folder: str):
    data = bytes(range(256)) * 100_000

    def pieces() -> Any:
        for start in range(0, len(data), 1_000_000):
            yield data[start : start + 1_000_000]

    assert wire("PUT", f"{folder}/f", "CREATE", pieces()).status_code == 201
    assert wire("POST", f"{folder}/f", "APPEND", pieces(), offset=len(data)).status_code == 200
    assert wire("GET", f"{folder}/f", "OPEN").content == data + data
    assert wire("GET", f"{folder}/f", "OPEN", offset=len(data) - 1, length=2).content == data[-1:] + data[:1]


def test_nothing_at_a_path(wire: Wire, folder: str):
    for method, op, query in (
        ("GET", "GETFILESTATUS", {}),
        ("GET", "LISTSTATUS", {}),
        ("GET", "OPEN", {}),
        ("GET", "GETCONTENTSUMMARY", {}),
        ("GET", "MSGETACLSTATUS", {}),
        ("GET", "CHECKACCESS", {"fsaction": "r--"}),
        ("POST", "APPEND", {}),
        ("PUT", "SETPERMISSION", {"permission": "777"}),
        ("PUT", "SETACL", {"aclSpec": "user::rwx,group::rwx,other::---"}),
        ("PUT", "SETEXPIRY", {"expiryOption": "NeverExpire"}),
    ):
        answer = wire(method, f"{folder}/x y", op, **query)
        expected = (404, "FileNotFoundException", f"File/Folder does not exist: {folder}/x y")
        assert refusal(answer) == expected, op
        assert answer.headers["Status"] == "0x8309000A"


def test_renaming_what_is_not_there_is_no_error(wire: Wire, folder: str):
    answer = wire("PUT", f"{folder}/nothing", "RENAME", destination=f"{folder}/x")
    assert (answer.status_code, answer.text) == (200, '{"boolean":false}')
    assert answer.headers["Status"] == "0x8309000A"
    assert wire("DELETE", f"{folder}/nothing", "DELETE").json() == {"boolean": False}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_leading_slash_is_optional(wire: Wire, folder: str, slash: str):
    put(wire, f"{folder}/f")
    inner = folder.strip("/")
    assert wire("PUT", f"{folder}/f", "RENAME", destination=f"{slash}{inner}/g").json() == {"boolean": True}
    assert wire("POST", f"{folder}/h", "MSCONCAT", f"sources={slash}{inner}/g").status_code == 200
    put(wire, f"{folder}/g")
    body = json.dumps({"sources": [f"{slash}{inner}/g"]})
    headers = {"Content-Type": "application/json"}
    assert wire("POST", f"{folder}/h", "MSCONCAT", body, headers=headers).status_code == 200
    assert wire("GET", f"{folder}/h", "OPEN").content == b"datadata"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/octet-stream"),
        (b"files=a", "application/octet-stream"),
        (b"sources=", "application/octet-stream"),
        (b"sources=%ff\xff", "application/octet-stream"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"sources":"a"}', "application/json"),
        (b'{"sources":[1]}', "application/json"),
        (b'{"sources":[]}', "application/json"),
        (b'{"sources":["\\ud800"]}', "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_sources_that_are_none_are_refused(wire: Wire, folder: str, body: bytes, content_type: str):
    answer = wire("POST", f"{folder}/x", "MSCONCAT", body, headers={"Content-Type": content_type})
    assert refusal(answer)[:2] == (400, "IllegalArgumentException")


def test_a_path_with_encoded_slashes_is_a_path(wire: Wire, folder: str):
    put(wire, f"{folder}/f")
    status, body = wire.raw("GET", f"/webhdfs/v1/{quote(folder + '/f', safe='')}?op=OPEN")
    assert (status, body) == (200, b"data")


@pytest.mark.parametrize("prefix", ["/webhdfs/v1", "/WebHdfs/V1", "/webhdfsext", "/WebHdfsExt"])
def test_the_fixed_part_of_the_path_has_no_case(wire: Wire, folder: str, prefix: str):
    answer = wire("GET", folder, "getfilestatus", prefix=prefix)
    assert answer.json()["FileStatus"]["type"] == "DIRECTORY"
    assert ("x-ms-webhdfs-version" in answer.headers) == prefix.lower().endswith("v1")


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/%2e%2e/etc/passwd",
        "/../../x",
        "/a/./b",
        "/a/%2E/b",
        "/a//b",
        "/a%2F%2Fb",
        "/a%5Cb",
        "/a%00b",
        "/a%01b",
        "/%ff",
        "/a%C3",
        "/%ED%A0%80",
        "/" + "a" * 300,
        "/a" * 2500,
    ],
)
@pytest.mark.parametrize(("method", "op"), [("PUT", "CREATE"), ("GET", "OPEN"), ("DELETE", "DELETE")])
def test_path_tricks_are_refused(wire: Wire, path: str, method: str, op: str):
    status, body = wire.raw(method, f"/webhdfs/v1{path}?op={op}&recursive=true&overwrite=true")
    assert status == 400
    assert json.loads(body)["RemoteException"]["exception"] == "IllegalArgumentException"


@pytest.mark.parametrize("destination", ["", "/../x", "/a//b", "a\\b", "a\0b"])
def test_a_destination_is_checked_like_a_path(wire: Wire, folder: str, destination: str):
    put(wire, f"{folder}/f")
    answer = wire("PUT", f"{folder}/f", "RENAME", destination=destination)
    assert refusal(answer)[:2] == (400, "IllegalArgumentException")


@pytest.mark.parametrize(
    ("method", "op", "exception"),
    [
        ("GET", None, "IllegalArgumentException"),
        ("GET", "", "IllegalArgumentException"),
        ("GET", "GETFILECHECKSUM", "UnsupportedOperationException"),
        ("GET", "CREATE", "UnsupportedOperationException"),
        ("POST", "LISTSTATUS", "UnsupportedOperationException"),
        ("PATCH", "OPEN", "UnsupportedOperationException"),
    ],
)
def test_an_operation_that_is_none_is_named(
    wire: Wire, folder: str, method: str, op: str | None, exception: str
):
    status, name, text = refusal(wire(method, folder, op))
    assert (status, name) == (400, exception)
    assert (op or "op") in text


@pytest.mark.parametrize(
    ("method", "op", "query", "named"),
    [
        ("PUT", "CREATE", {"overwrite": "yes"}, "overwrite"),
        ("PUT", "CREATE", {"permission": "999"}, "permission"),
        ("PUT", "CREATE", {"permission": "7777"}, "permission"),
        ("PUT", "CREATE", {"syncFlag": "NEVER"}, "syncFlag"),
        ("PUT", "MKDIRS", {"permission": "rwx"}, "permission"),
        ("POST", "APPEND", {"offset": "-5"}, "offset"),
        ("POST", "APPEND", {"offset": "9" * 30}, "offset"),
        ("GET", "LISTSTATUS", {"listSize": "0"}, "listSize"),
        ("GET", "LISTSTATUS", {"listSize": "many"}, "listSize"),
        ("GET", "CHECKACCESS", {}, "fsaction"),
        ("GET", "CHECKACCESS", {"fsaction": "read"}, "fsaction"),
        ("PUT", "RENAME", {}, "destination"),
        ("PUT", "SETPERMISSION", {}, "permission"),
        ("PUT", "SETOWNER", {}, "owner"),
        ("PUT", "SETOWNER", {"owner": "a b"}, "owner"),
        ("PUT", "SETACL", {}, "aclSpec"),
        ("PUT", "SETACL", {"aclSpec": "nonsense"}, "aclSpec"),
        ("PUT", "MODIFYACLENTRIES", {"aclSpec": "user:nobody@contoso.com:rwx"}, "nobody@contoso.com"),
        ("PUT", "SETOWNER", {"group": "strangers"}, "strangers"),
        ("PUT", "SETACL", {"aclSpec": "other::rwx"}, "must be given"),
        ("PUT", "REMOVEACLENTRIES", {"aclSpec": "user:"}, "cannot be removed"),
        ("PUT", "SETEXPIRY", {}, "expiryOption"),
        ("PUT", "SETEXPIRY", {"expiryOption": "Tomorrow"}, "expiryOption"),
        ("PUT", "SETEXPIRY", {"expiryOption": "Absolute"}, "expireTime"),
        ("PUT", "SETEXPIRY", {"expiryOption": "Absolute", "expireTime": "1"}, "expireTime"),
        ("PUT", "SETEXPIRY", {"expiryOption": "RelativeToNow", "expireTime": "9" * 18}, "expireTime"),
        ("POST", "CONCAT", {}, "sources"),
        ("POST", "CONCURRENTAPPEND", {"appendMode": "never"}, "appendMode"),
        ("PUT", "SETTIMES", {"modificationtime": "-2"}, "modificationtime"),
    ],
)
def test_a_wrong_parameter_is_named(
    wire: Wire, folder: str, method: str, op: str, query: dict[str, str], named: str
):
    put(wire, f"{folder}/f")
    status, name, text = refusal(wire(method, f"{folder}/f", op, **query))
    assert (status, name) == (400, "IllegalArgumentException")
    assert named in text
    assert wire("GET", f"{folder}/f", "OPEN").content == b"data"


def test_writing_over_something_needs_to_be_asked_for(wire: Wire, folder: str):
    put(wire, f"{folder}/f")
    answer = wire("PUT", f"{folder}/f", "CREATE", b"new")
    assert refusal(answer)[:2] == (403, "FileAlreadyExistsException")
    assert refusal(wire("PUT", folder, "CREATE", b"new", overwrite="true"))[:2] == (
        403,
        "FileAlreadyExistsException",
    )
    assert refusal(wire("PUT", "/", "CREATE", b"new", overwrite="true"))[0] == 400


def test_a_wrong_offset_has_its_own_exception(wire: Wire, folder: str):
    put(wire, f"{folder}/f")
    answer = wire("POST", f"{folder}/f", "APPEND", b"x", offset=3)
    assert refusal(answer) == (
        400,
        "BadOffsetException",
        "APPEND failed with error 0x83090015 (Bad request. Invalid offset.).",
    )
    assert answer.headers["Status"] == "0x83090015"
    assert wire("POST", f"{folder}/f", "APPEND", b"", offset=4).status_code == 200


def test_a_listing_goes_on_where_its_token_says(wire: Wire, folder: str):
    for name in "dbac":
        put(wire, f"{folder}/{name}")
    first = wire("GET", folder, "LISTSTATUS", listSize=3).json()["FileStatuses"]
    assert list(first) == ["continuationToken", "FileStatus"]
    assert [item["pathSuffix"] for item in first["FileStatus"]] == ["a", "b", "c"]
    rest = wire("GET", folder, "LISTSTATUS", listSize=3, listAfter=first["continuationToken"]).json()
    assert [item["pathSuffix"] for item in rest["FileStatuses"]["FileStatus"]] == ["d"]
    assert rest["FileStatuses"]["continuationToken"] == ""
    between = wire("GET", folder, "LISTSTATUS", listAfter="a", listBefore="d").json()["FileStatuses"]
    assert [item["pathSuffix"] for item in between["FileStatus"]] == ["b", "c"]
    alone = wire("GET", f"{folder}/a", "LISTSTATUS").json()["FileStatuses"]["FileStatus"]
    assert [(item["pathSuffix"], item["type"]) for item in alone] == [("", "FILE")]


def test_many_append_to_one_file_at_the_same_time(wire: Wire, folder: str):
    path = f"{folder}/log"
    answer = wire("POST", path, "CONCURRENTAPPEND", b"1", prefix="/WebHdfsExt")
    assert refusal(answer)[0] == 404
    for _ in range(2):
        answer = wire(
            "POST",
            path,
            "CONCURRENTAPPEND",
            iter([b"1", b"2"]),
            prefix="/WebHdfsExt",
            appendMode="autocreate",
        )
        assert (answer.status_code, answer.content) == (200, b"")
    assert wire("GET", path, "OPEN").content == b"1212"


def test_times_are_set(wire: Wire, folder: str):
    assert wire("PUT", folder, "SETTIMES", modificationtime=1000, accesstime=-1).status_code == 200
    status = wire("GET", folder, "GETFILESTATUS").json()["FileStatus"]
    assert status["modificationTime"] == 1000
    assert status["accessTime"] > 1000


def test_users_and_groups_have_names(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator("named", "--user", "ann@contoso.com=secret", "--group", "team=ann@contoso.com")
    wire = Wire(emulator.address)
    wire("PUT", "/d", "MKDIRS")
    spec = "user:ann@contoso.com:r-x,group:team:rwx"
    assert wire("PUT", "/d", "MODIFYACLENTRIES", aclSpec=spec).status_code == 200
    assert wire("PUT", "/d", "SETOWNER", owner="Ann@contoso.com", group="team").status_code == 200
    ids = wire("GET", "/d", "GETFILESTATUS").json()["FileStatus"]
    assert (len(ids["owner"]), len(ids["group"])) == (36, 36)
    assert wire("GET", "/d", "GETFILESTATUS", tooId="true").json()["FileStatus"] == ids
    names = wire("GET", "/d", "GETFILESTATUS", tooId="false").json()["FileStatus"]
    assert (names["owner"], names["group"]) == ("ann@contoso.com", "team")
    listed = wire("GET", "/", "LISTSTATUS", tooId="false").json()["FileStatuses"]["FileStatus"]
    assert [item["owner"] for item in listed] == ["ann@contoso.com"]
    acl = wire("GET", "/d", "MSGETACLSTATUS", tooId="false").json()["AclStatus"]["entries"]
    assert "user:ann@contoso.com:r-x" in acl
    assert "group:team:rwx" in acl
    acl = wire("GET", "/d", "MSGETACLSTATUS").json()["AclStatus"]["entries"]
    assert f"user:{ids['owner']}:r-x" in acl
    assert wire("PUT", "/d", "REMOVEACLENTRIES", aclSpec="user:ann@contoso.com").status_code == 200


def test_a_user_may_what_an_access_control_list_allows(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator("named", "--user", "ann@contoso.com=secret", "--group", "team=ann@contoso.com")
    wire = Wire(emulator.address)
    put(wire, "/d/f")
    answer = requests.post(
        f"{emulator.address}/aad/emulator/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "ann@contoso.com",
            "client_secret": "secret",
            "scope": "https://datalake.azure.net//.default",
        },
        timeout=60,
    )
    ann = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert refusal(wire("GET", "/d/f", "OPEN", headers=ann))[:2] == (403, "AccessControlException")
    for path, entry in (("/", "group:team:--x"), ("/d", "group:team:-wx"), ("/d/f", "group:team:r--")):
        assert wire("PUT", path, "MODIFYACLENTRIES", aclSpec=entry).status_code == 200
    assert wire("GET", "/d/f", "OPEN", headers=ann).content == b"data"
    assert wire("POST", "/d/f", "APPEND", b"x", headers=ann).status_code == 403
    assert wire("PUT", "/d/mine", "CREATE", b"x", headers=ann).status_code == 201
    names = wire("GET", "/d/mine", "GETFILESTATUS", tooId="false").json()["FileStatus"]
    assert names["owner"] == "ann@contoso.com"


def test_the_owner_of_everything_may_everything(wire: Wire, folder: str):
    wire("PUT", folder, "SETPERMISSION", permission="000")
    answer = wire("GET", folder, "CHECKACCESS", fsaction="rwx")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic ZTpl"])
def test_without_a_token_nothing_is_told(emulator: Emulator, folder: str, header: str | None):
    headers = {} if header is None else {"Authorization": header}
    url = f"{emulator.address}/adls/emulator/webhdfs/v1{folder}?op=LISTSTATUS"
    answer = requests.get(url, headers=headers, timeout=60)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer authorization_uri="https://')
    assert list(answer.json()["error"]) == ["code", "message"]
    assert "wrong" not in answer.text


def test_an_unknown_account_is_named(emulator: Emulator):
    answer = Wire(emulator.address, "nobody")("GET", "/", "LISTSTATUS")
    assert refusal(answer)[0] == 404
    assert "'nobody'" in answer.json()["RemoteException"]["message"]
    answer = Wire(emulator.address, "nobody")("PUT", "/f", "CREATE", b"x")
    assert "'nobody'" in answer.json()["RemoteException"]["message"]


def test_a_path_outside_of_the_protocol_is_explained(emulator: Emulator):
    answer = requests.get(f"{emulator.address}/adls/emulator/files", headers=TOKEN, timeout=60)
    assert refusal(answer)[0] == 404
    assert "/webhdfs/v1/" in answer.text


@pytest.mark.parametrize("query", ["op=LISTSTATUS&x=%ff", "&".join(f"p{number}=1" for number in range(300))])
def test_a_query_that_is_none_is_refused(wire: Wire, query: str):
    status, body = wire.raw("GET", f"/webhdfs/v1/?{query}")
    assert status == 400
    assert json.loads(body)["RemoteException"]["exception"] == "IllegalArgumentException"


def test_a_real_host_name_gets_its_own_address(wire: Wire, folder: str, emulator: Emulator):
    headers = {"Host": "emulator.azuredatalakestore.net", **TOKEN}
    url = f"{emulator.address}/webhdfs/v1{folder}/a%20b?op=CREATE&overwrite=true"
    answer = requests.put(url, data=b"x", headers=headers, timeout=60)
    assert answer.status_code == 201
    assert answer.headers["Location"] == (
        f"https://emulator.azuredatalakestore.net/webhdfs/v1{folder}/a%20b?op=CREATE&overwrite=true"
    )


def test_an_upload_that_breaks_off_leaves_nothing(wire: Wire, folder: str, emulator: Emulator):
    def broken() -> Any:
        yield b"x" * 20_000_000
        raise LookupError("the client dies")

    with pytest.raises(LookupError):
        wire("PUT", f"{folder}/f", "CREATE", broken())
    put(wire, f"{folder}/g", b"1")
    with pytest.raises(LookupError):
        wire("POST", f"{folder}/g", "APPEND", broken())
    listing = wire("GET", folder, "LISTSTATUS").json()["FileStatuses"]["FileStatus"]
    assert [(item["pathSuffix"], item["length"]) for item in listing] == [("g", 1)]


def test_a_full_disk_is_said_and_leaves_nothing(own_emulator: Callable[..., Emulator]):
    wire = Wire(own_emulator("full", max_file_bytes=40_000_000).address)
    put(wire, "/f", b"1")
    for method, path, op in (("PUT", "/g", "CREATE"), ("POST", "/f", "APPEND")):
        for size in (41_000_000, 23_000_000):
            answer = wire(method, path, op, b"x" * size)
            if answer.status_code >= 400:
                assert refusal(answer)[:2] == (403, "IOException")
    lengths = {
        item["pathSuffix"]: item["length"]
        for item in wire("GET", "/", "LISTSTATUS").json()["FileStatuses"]["FileStatus"]
    }
    assert lengths == {"f": 23_000_001, "g": 23_000_000}
    assert refusal(wire("POST", "/f", "APPEND", b"x" * 20_000_000))[:2] == (403, "IOException")
    assert len(wire("GET", "/f", "OPEN").content) == 23_000_001
