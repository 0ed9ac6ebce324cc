from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.azure_rest import (
    AzureRest,
    ListOptions,
    PermissionDenied,
    azure_error,
    segment,
    text_literal,
    time_literal,
)
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
)
from tests.unit.clients.azure_fakes import Call, FakeHttp, answer, failure

BASE = "http://127.0.0.1:1/adla/emulator"


def rest(*pages: Any) -> tuple[AzureRest, FakeHttp]:
    answers = iter(pages)
    http = FakeHttp(lambda call: answer(200, next(answers)))
    return AzureRest(http, "2016-11-01"), http  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ConfigurationError),
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, NotFoundError),
        (408, ServiceError),
        (409, ConflictError),
        (429, ServiceError),
        (500, ServiceError),
        (503, ServiceError),
    ],
)
def test_an_error_is_typed_by_its_status_and_names_the_services_code(
    status: int, kind: type[DataLakeError]
) -> None:
    error = azure_error(failure(status, "SomeCode", "what happened"))
    assert type(error) is kind
    assert (error.code, str(error)) == ("SomeCode", f"SomeCode: what happened (HTTP {status})")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<html>\n gateway </html>", "<html> gateway </html> (HTTP 502)"),
        ("", "no message (HTTP 502)"),
        ([1], "no message (HTTP 502)"),
        ({"code": "A", "message": "flat"}, "A: flat (HTTP 502)"),
        (
            {"error": "invalid_client", "error_description": "no such app"},
            "invalid_client: no such app (HTTP 502)",
        ),
        ({"error": {"code": "A", "message": "b", "details": [{"message": "c"}]}}, "A: b; c (HTTP 502)"),
    ],
)
def test_any_body_of_an_error_is_told(body: Any, text: str) -> None:
    assert str(azure_error(answer(502, body))) == text


def test_a_list_goes_on_over_all_pages() -> None:
    client, http = rest({"value": [1, 2], "nextLink": f"{BASE}/jobs?page=2"}, {"value": [3]})
    assert list(client.items("jobs", doing="list")) == [1, 2, 3]
    assert http.calls[1].query == {"page": "2"}


def test_a_page_is_read_only_when_it_is_wanted() -> None:
    client, http = rest({"value": [1, 2], "nextLink": f"{BASE}/jobs?page=2"})
    assert list(client.items("jobs", ListOptions(top=2), doing="list")) == [1, 2]
    assert http.calls[0].query == {"$top": "2", "api-version": "2016-11-01"}
    assert len(http.calls) == 1


def test_a_service_that_gives_more_than_wanted_is_cut() -> None:
    client, _ = rest({"value": [1, 2, 3]})
    assert list(client.items("jobs", ListOptions(top=1), doing="list")) == [1]


def test_a_page_on_another_host_does_not_get_the_token() -> None:
    client, http = rest({"value": [1], "nextLink": "http://evil.example/jobs?page=2"})
    with pytest.raises(ServiceError, match="another host, evil.example"):
        list(client.items("jobs", doing="list jobs"))
    assert len(http.calls) == 1


def test_pages_in_a_circle_end() -> None:
    page = {"value": [], "nextLink": f"{BASE}/jobs?page=2"}
    client, _ = rest(page, page, page)
    with pytest.raises(ServiceError, match="circle"):
        list(client.items("jobs", doing="list jobs"))


@pytest.mark.parametrize("body", ["<html>", [1], {"value": None}, {}])
def test_an_answer_that_is_no_list_is_an_error_that_names_the_connection(body: Any) -> None:
    client, _ = rest(body)
    with pytest.raises(ServiceError, match="^Connection 'c': list jobs: .*expected"):
        list(client.items("jobs", doing="list jobs"))


def test_all_options_are_sent() -> None:
    options = ListOptions("state eq 'Ended'", 5, 2, ("jobId", "name"), "submitTime desc")
    assert options.params() == {
        "$filter": "state eq 'Ended'",
        "$top": "5",
        "$skip": "2",
        "$select": "jobId,name",
        "$orderby": "submitTime desc",
    }
    assert ListOptions().params() == {}


@pytest.mark.parametrize("options", [ListOptions(top=0), ListOptions(skip=-1), ListOptions(top=True)])
def test_a_number_out_of_range_is_refused(options: ListOptions) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        options.params()


@pytest.mark.parametrize(("status", "existed"), [(200, True), (202, True), (204, False), (404, False)])
def test_deleting_says_whether_there_was_something(status: int, existed: bool) -> None:
    http = FakeHttp(lambda call: answer(status))
    assert AzureRest(http, "v").delete("x", doing="delete x") is existed  # type: ignore[arg-type]


def test_a_moment_is_written_in_utc() -> None:
    assert time_literal(datetime(2024, 1, 31, 8)) == "datetimeoffset'2024-01-31T08:00:00+00:00'"
    tokyo = datetime(2024, 1, 31, 8, tzinfo=timezone(timedelta(hours=9)))
    assert time_literal(tokyo) == "datetimeoffset'2024-01-30T23:00:00+00:00'"
    assert time_literal(datetime(2024, 1, 31, 8, tzinfo=UTC)) == time_literal(datetime(2024, 1, 31, 8))


@given(st.text())
def test_a_text_cannot_leave_its_quotes(text: str) -> None:
    literal = text_literal(text)
    assert literal[0] == literal[-1] == "'"
    assert literal[1:-1].replace("''", "").count("'") == 0


@given(st.text(min_size=1).filter(lambda name: name.strip() and name not in (".", "..")))
def test_a_name_cannot_leave_its_part_of_the_path(name: str) -> None:
    assert not set(segment(name)) & set("/?#&")


@pytest.mark.parametrize("name", ["", " ", ".", "..", None])
def test_a_name_that_is_no_part_of_a_path_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="table must be"):
        segment(name, "table")


def test_the_version_is_sent() -> None:
    client, http = rest({})
    client.get("jobs/1", doing="look", params={"a": "b"})
    assert http.calls == [Call("GET", "jobs/1", {"a": "b", "api-version": "2016-11-01"}, None, True)]
