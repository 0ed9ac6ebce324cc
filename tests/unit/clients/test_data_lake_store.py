"""What the client of a store does when nobody knows whether a request has come through; never twice, never lost."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.data_lake_store_errors import BadOffset, store_error
from airflow_provider_datalake.clients.data_lake_store_models import FileStatus
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
)
from tests.unit.clients.azure_fakes import answer
from tests.unit.clients.store_fakes import BROKEN, LATE, LOST, FakeStore, refusal

FATES = st.lists(st.sampled_from(["", BROKEN, LOST, LATE]), max_size=3)


@pytest.fixture
def fake() -> FakeStore:
    return FakeStore({"/d/a": b"aa", "/d/b": b"bbb"})


@given(FATES, st.booleans())
def test_an_append_happens_once_whatever_becomes_of_its_requests(fates: list[str], last: bool) -> None:
    fake = FakeStore({"/f": b"123"}, {"APPEND": fates})
    fake.client().append("/f", b"456", 3, last=last)
    assert fake.files == {"/f": b"123456"}


@given(FATES)
def test_a_concatenation_happens_once(fates: list[str]) -> None:
    fake = FakeStore({"/a": b"1", "/b": b"2", "/t": b"0"}, {"MSCONCAT": fates})
    fake.client().concat("/t", ["/a", "/b"])
    assert fake.files == {"/t": b"012"}


@given(FATES, st.booleans())
def test_a_rename_happens_once(fates: list[str], overwrite: bool) -> None:
    files = {"/a": b"1", **({"/b": b"old"} if overwrite else {})}
    fake = FakeStore(files, {"RENAME": fates})
    fake.client().rename("/a", "/b", overwrite=overwrite)
    assert fake.files == {"/b": b"1"}


@given(FATES, st.booleans())
def test_a_file_is_created_once(fates: list[str], overwrite: bool) -> None:
    # With overwrite, the same bytes again do no harm: the HTTP client repeats the request itself.
    fake = FakeStore({}, {"CREATE": [] if overwrite else fates})
    fake.client().create("/f", b"1", overwrite=overwrite)
    assert fake.files == {"/f": b"1"}
    assert {request.repeatable for request in fake.requests if request.op == "CREATE"} == {overwrite}


@given(FATES)
def test_a_delete_that_was_repeated_has_deleted(fates: list[str]) -> None:
    fake = FakeStore({"/d/f": b"1"}, {"DELETE": fates})
    assert fake.client().delete("/d", recursive=True) is True
    assert fake.files == {}


def test_an_append_of_which_a_part_has_arrived_is_completed() -> None:
    fake = FakeStore({"/f": b"123"}, {"APPEND": [BROKEN]})
    client = fake.client()
    status = fake._getfilestatus

    def partly(request: Any) -> Any:
        if fake.files["/f"] == b"123":
            fake.put("/f", b"1234")
        return status(request)

    fake._getfilestatus = partly  # type: ignore[method-assign]
    client.append("/f", b"456", 3)
    assert fake.files == {"/f": b"123456"}


def test_somebody_elses_bytes_are_noticed() -> None:
    fake = FakeStore({"/f": b"123"}, {"APPEND": [BROKEN]})
    client = fake.client()
    fake.files["/f"] = b"123somebody else"
    with pytest.raises(BadOffset, match="Connection 'lake': /f has 16 bytes: somebody else writes to it"):
        client.append("/f", b"456", 3)


def test_a_file_of_somebody_else_is_not_taken_for_ours() -> None:
    fake = FakeStore({"/f": b"2"}, {"CREATE": [BROKEN]})
    with pytest.raises(ConflictError):
        fake.client().create("/f", b"1", overwrite=False)
    assert fake.files == {"/f": b"2"}


def test_a_destination_of_somebody_else_is_not_taken_for_ours(fake: FakeStore) -> None:
    fake.fates["RENAME"] = [BROKEN]
    with pytest.raises(ConflictError):
        fake.client().rename("/d/a", "/d/b")
    assert fake.files == {"/d/a": b"aa", "/d/b": b"bbb"}


@pytest.mark.parametrize("op", ["APPEND", "MSCONCAT", "RENAME", "DELETE", "CREATE"])
def test_the_attempts_are_limited(fake: FakeStore, op: str) -> None:
    fake.fates[op] = [BROKEN] * 99
    client = fake.client()
    calls: dict[str, Any] = {
        "APPEND": lambda: client.append("/d/a", b"x", 2),
        "MSCONCAT": lambda: client.concat("/t", ["/d/a"]),
        "RENAME": lambda: client.rename("/d/a", "/t"),
        "DELETE": lambda: client.delete("/d/a"),
        "CREATE": lambda: client.create("/t", overwrite=False),
    }
    with pytest.raises(ServiceError, match=f"Connection 'lake': {op} .*does not answer in time"):
        calls[op]()
    assert fake.ops().count(op) == 4
    assert fake.files == {"/d/a": b"aa", "/d/b": b"bbb"}


def test_an_answer_that_makes_no_sense_is_no_success(fake: FakeStore) -> None:
    client = fake.client()
    fake.refuse = {op: answer(200, "<html>") for op in ("MKDIRS", "LISTSTATUS", "GETFILESTATUS")}
    for call in (
        lambda: client.mkdirs("/x"),
        lambda: list(client.children("/d")),
        lambda: client.status("/d"),
    ):
        with pytest.raises(ServiceError, match="cannot be read"):
            call()


def test_a_list_that_does_not_go_on_is_an_error(fake: FakeStore) -> None:
    page = {"FileStatuses": {"continuationToken": "a", "FileStatus": []}}
    fake.refuse = {"LISTSTATUS": answer(200, page)}
    with pytest.raises(ServiceError, match="does not go on after 'a'"):
        list(fake.client().children("/d"))


def test_a_list_with_an_empty_page_goes_on(fake: FakeStore) -> None:
    status = fake._described("/d/a", "a")
    pages = iter(
        [
            {"continuationToken": "x", "FileStatus": []},
            {"continuationToken": "", "FileStatus": [status]},
        ]
    )
    fake._liststatus = lambda request: answer(200, {"FileStatuses": next(pages)})  # type: ignore[method-assign]
    assert [one.path for one in fake.client().children("/d")] == ["/d/a"]
    assert fake.requests[-1].query["listAfter"] == "x"


class Breaks(requests.Response):
    """An answer that breaks off after some bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.status_code = 200
        self._part = content
        self.raw = io.BytesIO()

    @property
    def content(self) -> bytes:
        raise requests.exceptions.ChunkedEncodingError("broken")

    def iter_content(self, *args: Any, **options: Any) -> Any:
        yield self._part
        raise requests.exceptions.ChunkedEncodingError("broken")


def test_a_file_that_breaks_off_is_read_on_or_read_again(fake: FakeStore) -> None:
    content = bytes(range(100))
    fake.put("/f", content)
    opened, broken = fake._open, [b"", content[10:30]]

    def breaks(request: Any) -> Any:
        return Breaks(broken.pop()) if broken else opened(request)

    fake._open = breaks  # type: ignore[method-assign]
    assert b"".join(fake.client().pieces("/f", 10, 80)) == content[10:90]
    offsets = [request.query["offset"] for request in fake.requests]
    assert offsets == ["10", "30", "30"]
    broken.append(content[:5])
    assert fake.client().read("/f") == content


def test_a_file_that_is_shorter_than_it_was_is_noticed(fake: FakeStore) -> None:
    with pytest.raises(DataLakeError, match="/d/a gave 2 bytes from 0 on, 5 were expected"):
        list(fake.client().pieces("/d/a", 0, 5))


def test_a_file_that_comes_in_shorter_answers_than_asked_for_is_read_whole(fake: FakeStore) -> None:
    fake.put("/f", bytes(range(100)))
    opened = fake._open

    def short(request: Any) -> Any:
        found = opened(request)
        found._content = found.content[:30]
        return found

    fake._open = short  # type: ignore[method-assign]
    assert b"".join(fake.client().pieces("/f", 10, 80)) == bytes(range(10, 90))
    assert [request.query["offset"] for request in fake.requests] == ["10", "40", "70"]


def test_more_than_was_asked_for_is_no_content(fake: FakeStore) -> None:
    def more(request: Any) -> Any:
        found: Any = answer(200, "too much")
        found._content_consumed = True
        return found

    fake._open = more  # type: ignore[method-assign]
    with pytest.raises(DataLakeError, match="Connection 'lake': /d/a gave [0-9]+ bytes from 0 on, 2 were"):
        list(fake.client().pieces("/d/a", 0, 2))


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_file_is_not_published_into_a_folder(fake: FakeStore, overwrite: bool) -> None:
    fake.put("/d/.x.tmp", b"new")
    with pytest.raises(
        ConflictError, match="Connection 'lake': /d is a folder: a file cannot take its place"
    ):
        fake.client().publish("/d/.x.tmp", "/d", overwrite=overwrite)
    assert "RENAME" not in fake.ops()


@pytest.mark.parametrize(
    ("response", "kind", "code"),
    [
        (refusal(404, "FileNotFoundException"), NotFoundError, "FileNotFoundException"),
        (refusal(403, "AccessControlException"), AuthenticationError, "AccessControlException"),
        (refusal(403, "FileAlreadyExistsException"), ConflictError, "FileAlreadyExistsException"),
        (refusal(400, "IllegalArgumentException"), ConfigurationError, "IllegalArgumentException"),
        (refusal(400, "BadOffsetException"), BadOffset, "BadOffsetException"),
        (refusal(400, "SomethingElse"), ConfigurationError, "SomethingElse"),
        (refusal(500, "FileNotFoundException"), ServiceError, "FileNotFoundException"),
        (refusal(429, "TooManyRequests"), ServiceError, "TooManyRequests"),
        (
            answer(401, {"error": {"code": "AuthenticationFailed", "message": "no"}}),
            AuthenticationError,
            "AuthenticationFailed",
        ),
        (answer(502, "<html>gateway</html>"), ServiceError, ""),
        (answer(404), NotFoundError, ""),
        (answer(409, [1]), ConflictError, ""),
        (answer(400, {"RemoteException": None}), ConfigurationError, ""),
    ],
)
def test_every_refusal_has_its_type(response: requests.Response, kind: type, code: str) -> None:
    error = store_error(response)
    assert (type(error), error.code) == (kind, code)
    assert f"HTTP {response.status_code}" in str(error)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.set_permission("/d", "8"),
        lambda client: client.set_permission("/d", "rwx"),
        lambda client: client.may("/d", "read"),
        lambda client: client.set_owner("/d"),
        lambda client: client.set_acl("/d", []),
        lambda client: client.set_acl("/d", "user:x:rwz"),
        lambda client: client.set_expiry("/d/a", "Sometime", 5),
        lambda client: client.set_expiry("/d/a", "NeverExpire", 5),
        lambda client: client.set_expiry("/d/a", "RelativeToNow"),
        lambda client: client.set_expiry("/d/a", "RelativeToNow", -1),
        lambda client: client.concat("/t", []),
        lambda client: client.rename("/d/a", "b"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(fake: FakeStore, call: Any) -> None:
    with pytest.raises(ConfigurationError):
        call(fake.client())
    assert fake.requests == []


def test_access_that_is_denied_is_an_answer_and_a_refused_token_is_none(fake: FakeStore) -> None:
    fake.refuse = {"CHECKACCESS": refusal(403, "AccessControlException")}
    assert fake.client().may("/d", "rwx") is False
    fake.refuse = {"CHECKACCESS": answer(401, {"error": {"code": "AuthenticationFailed"}})}
    with pytest.raises(AuthenticationError):
        fake.client().may("/d", "rwx")


def test_a_status_that_is_none_is_refused() -> None:
    with pytest.raises(ServiceError, match="/f cannot be read"):
        FileStatus.from_json({"type": "FILE"}, "/f")


def test_a_clock_that_is_not_told_is_none(fake: FakeStore) -> None:
    assert fake.client().clock() is not None
    fake.refuse = {"GETFILESTATUS": answer(200)}
    assert fake.client().clock() is None


def test_a_uri_names_the_file_for_the_world(fake: FakeStore) -> None:
    assert fake.client().uri("/a b/ü") == "adl://mystore.azuredatalakestore.net/a%20b/%C3%BC"
