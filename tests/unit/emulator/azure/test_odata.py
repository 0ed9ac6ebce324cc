from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.azure import odata
from airflow_provider_datalake.emulator.azure.errors import AzureError

JOB = {
    "name": "It's a Job",
    "state": "Ended",
    "degreeOfParallelism": 5,
    "submitTime": "2024-05-06T07:08:09.1234560+00:00",
    "related": {"pipelineId": "p"},
    "endTime": None,
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("name eq 'It''s a job'", True),
        ("state ne 'ended'", False),
        ("degreeOfParallelism gt 4 and degreeOfParallelism le 5", True),
        ("degreeOfParallelism lt 5 or state eq 'Ended'", True),
        ("not (state eq 'Ended')", False),
        ("not state eq 'Running' and not state eq 'New'", True),
        ("state eq 'Running' and state eq 'New' or state eq 'Ended'", True),
        ("state eq 'Running' and (state eq 'New' or state eq 'Ended')", False),
        ("startswith(name, 'IT') eq true", True),
        ("endswith(name, 'job')", True),
        ("contains(name, 'a j') and substringof('a j', name)", True),
        ("submitTime ge datetimeoffset'2024-05-06T07:08:09.123456Z'", True),
        ("submitTime gt 2024-05-06T09:08:09.123456+02:00", False),
        ("submitTime lt datetime'2024-05-06T07:08:10'", True),
        ("related/pipelineId eq 'p'", True),
        ("nothing eq null", True),
        ("endTime ne null", False),
        ("endTime gt datetimeoffset'2024-01-01T00:00:00Z'", False),
    ],
)
def test_a_filter_lets_pass(text: str, passes: bool) -> None:
    assert odata.parse_filter(text)(JOB) is passes


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name eq",
        "name ~ 'x'",
        "(name eq 'x'",
        "name eq 'x' name",
        "name eq 'x",
        "x(name, 'a')",
        "eq 1",
    ],
)
def test_a_malformed_filter_is_refused(text: str) -> None:
    with pytest.raises(AzureError, match="malformed") as refused:
        odata.parse_filter(text)
    assert refused.value.status == 400


@given(st.text())
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        test = odata.parse_filter(text)
    except AzureError:
        return
    assert test(JOB) in (True, False)


@given(st.text(min_size=1), st.sampled_from(["eq", "ne"]))
def test_quotes_are_doubled(value: str, word: str) -> None:
    quoted = value.replace("'", "''")
    item = {"name": value}
    assert odata.parse_filter(f"name {word} '{quoted}'")(item) is (word == "eq")


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.text(max_size=2)))))
def test_order_is_stable_and_by_all_names(rows: list[tuple[int, str | None]]) -> None:
    items: list[dict[str, Any]] = [{"a": a, "b": b, "n": n} for n, (a, b) in enumerate(rows)]
    found = odata.ordered(items, "a desc")
    assert [(item["a"], item["n"]) for item in found] == sorted(
        ((item["a"], item["n"]) for item in items), key=lambda pair: (-pair[0], pair[1])
    )
    both = odata.ordered(items, "a, b desc")
    assert [item["a"] for item in both] == sorted(item["a"] for item in items)


def test_a_malformed_order_is_refused() -> None:
    with pytest.raises(AzureError, match="malformed"):
        odata.ordered([], "a upwards")


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        (None, (None, None)),
        ("submitTime ge datetimeoffset'1970-01-01T00:00:05Z'", (5.0, None)),
        (
            "name eq 'a' and submitTime gt '1970-01-01T00:00:05Z' and SubmitTime le 1970-01-01T00:00:07Z",
            (5.0, 7.0),
        ),
        ("submitTime eq 1970-01-01T00:00:05Z", (5.0, 5.0)),
        ("submitTime ge 1970-01-01T00:00:05Z and submitTime ge 1970-01-01T00:00:06Z", (6.0, None)),
        ("submitTime ge 1970-01-01T00:00:05Z and (name eq 'a' or name eq 'b')", (5.0, None)),
        ("submitTime ge 1970-01-01T00:00:05Z or name eq 'a'", (None, None)),
        ("not (submitTime ge 1970-01-01T00:00:05Z)", (None, None)),
        ("not submitTime ge 1970-01-01T00:00:05Z", (None, None)),
        ("(submitTime ge 1970-01-01T00:00:05Z or name eq 'a') and name eq 'b'", (None, None)),
        ("endTime ge 1970-01-01T00:00:05Z", (None, None)),
        ("submitTime ne 1970-01-01T00:00:05Z", (None, None)),
    ],
)
def test_the_times_that_a_filter_can_let_pass(
    text: str | None, bounds: tuple[float | None, float | None]
) -> None:
    assert odata.time_bounds(text, "submitTime") == bounds
