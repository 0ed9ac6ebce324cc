from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients import data_lake_analytics
from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition, Relation
from airflow_provider_datalake.clients.data_lake_analytics_models import (
    AnalyticsJob,
    moment,
    seconds,
)
from airflow_provider_datalake.exceptions import ConfigurationError, JobTimeoutError, ServiceError
from tests.unit.clients.azure_fakes import Call, FakeAccount, FakeHttp, answer, failure

if TYPE_CHECKING:
    import requests

KEY = str(uuid.UUID(int=1))


def connect(handler: Any) -> tuple[DataLakeAnalyticsJobClient, FakeHttp]:
    http = FakeHttp(handler)
    return DataLakeAnalyticsJobClient(http), http  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-12-13T23:17:20.5941236+00:00", datetime(2017, 12, 13, 23, 17, 20, 594123, UTC)),
        ("2017-12-13T23:17:20", datetime(2017, 12, 13, 23, 17, 20, tzinfo=UTC)),
        ("2017-12-13T23:17:20Z", datetime(2017, 12, 13, 23, 17, 20, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+00:00", None),
        ("", None),
        (None, None),
    ],
)
def test_moments_are_read(text: Any, expected: datetime | None) -> None:
    assert moment(text) == expected


def test_a_moment_that_cannot_be_read_is_the_services_error() -> None:
    with pytest.raises(ServiceError, match="'yesterday'"):
        moment("yesterday")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT0S", 0.0),
        ("PT24.4532348S", 24.4532348),
        ("PT1M2.5S", 62.5),
        ("PT2H", 7200.0),
        ("P1DT1H1M1S", 90061.0),
        ("-PT5S", -5.0),
        ("soon", None),
        (None, None),
    ],
)
def test_durations_are_read(text: Any, expected: float | None) -> None:
    assert seconds(text) == expected


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_any_duration_is_read(length: timedelta) -> None:
    hours, rest = divmod(length.seconds, 3600)
    text = f"P{length.days}DT{hours}H{rest // 60}M{rest % 60}.{length.microseconds:06}0S"
    assert seconds(text) == pytest.approx(length.total_seconds())


def test_a_job_of_a_list_has_no_details() -> None:
    job = AnalyticsJob.from_wire({"jobId": "1", "name": "n", "state": "Running", "related": {}})
    assert (job.details, job.related, job.au_hours, job.has_ended) == (None, None, None, False)


def test_what_a_job_has_used_is_known_without_its_details() -> None:
    job = AnalyticsJob.from_wire(
        {
            "jobId": "1",
            "degreeOfParallelism": 10,
            "startTime": "2024-01-31T08:00:00Z",
            "endTime": "2024-01-31T08:30:00Z",
        }
    )
    assert job.au_hours == 5.0


def test_only_what_is_given_is_sent() -> None:
    definition = JobDefinition("s", "n", 3, 10, "v1", "Full", Relation(KEY))
    assert definition.to_wire() == {
        "name": "n",
        "type": "USql",
        "properties": {"type": "USql", "script": "s", "runtimeVersion": "v1", "compileMode": "Full"},
        "degreeOfParallelism": 3,
        "priority": 10,
        "related": {"recurrenceId": KEY},
    }
    assert definition.to_wire(build=True) == {
        "name": "n",
        "type": "USql",
        "properties": {"type": "USql", "script": "s", "runtimeVersion": "v1", "compileMode": "Full"},
    }


def test_a_definition_that_cannot_work_is_not_sent() -> None:
    client, http = connect(FakeAccount())
    for call in (
        lambda: client.submit(KEY, JobDefinition("", "n")),
        lambda: client.build(JobDefinition("s", "")),
    ):
        with pytest.raises(ConfigurationError):
            call()
    assert http.calls == []


def test_waiting_looks_again_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    account = FakeAccount()
    client, _ = connect(account)
    client.submit(KEY, JobDefinition("s", "n"))
    slept: list[float] = []

    def sleep(length: float) -> None:
        slept.append(length)
        if len(slept) == 3:
            account.end(KEY, "Succeeded")

    monkeypatch.setattr(data_lake_analytics.time, "sleep", sleep)
    assert client.wait(KEY, poll_interval=2.0).result == "Succeeded"
    assert slept == [2.0, 2.0, 2.0]


def test_waiting_ends_in_time() -> None:
    client, _ = connect(FakeAccount())
    client.submit(KEY, JobDefinition("s", "n"))
    with pytest.raises(JobTimeoutError, match="still Compiling after 1"):
        client.wait(KEY, timeout=1, poll_interval=3.0)


def test_an_answer_that_is_a_page_is_no_job() -> None:
    client, _ = connect(lambda call: answer(200, "<html>sign in</html>"))
    with pytest.raises(ServiceError, match="^Connection 'c': look at job .* JSON object"):
        client.get(KEY)


def test_pipelines_are_read_in_both_forms_of_their_runs() -> None:
    told = {
        "pipelineId": KEY,
        "pipelineName": "p",
        "numJobsCanceled": 2,
        "auHoursFailed": 0.5,
        "lastSubmitTime": "2024-01-31T08:00:00Z",
        "runs": [{"item1": "r1", "item2": "2024-01-31T08:00:00Z"}, {"runId": "r2", "lastSubmitTime": None}],
        "recurrences": ["x"],
    }
    client, http = connect(lambda call: answer(200, told))
    start = datetime(2024, 1, 1)
    pipeline = client.pipeline(KEY, start=start)
    assert [(run.run_id, run.last_submitted_at is not None) for run in pipeline.runs] == [
        ("r1", True),
        ("r2", False),
    ]
    assert (pipeline.usage.cancelled, pipeline.usage.au_hours_failed, pipeline.recurrences) == (
        2,
        0.5,
        ("x",),
    )
    assert http.calls[0].query["startDateTime"] == "2024-01-01T00:00:00+00:00"
    assert "endDateTime" not in http.calls[0].query


def test_lists_of_pipelines_and_recurrences_have_their_paths() -> None:
    def handle(call: Call) -> requests.Response:
        key = "recurrenceId" if call.path.startswith("recurrences") else "pipelineId"
        return answer(200, {"value": [{key: KEY}], "count": 1})

    client, http = connect(handle)
    assert [item.pipeline_id for item in client.pipelines(end=datetime(2024, 1, 1))] == [KEY]
    assert [item.recurrence_id for item in client.recurrences()] == [KEY]
    assert [call.path for call in http.calls] == ["pipelines", "recurrences"]


def test_statistics_and_debug_data_are_read() -> None:
    def handle(call: Call) -> requests.Response:
        if call.path.endswith("GetStatistics"):
            stage = {"stageName": "S", "totalCount": 2, "dataRead": 5, "totalExecutionTime": "PT3S"}
            return answer(200, {"lastUpdateTimeUtc": "2024-01-31T08:00:00Z", "stages": [stage]})
        return answer(200, {"jobId": KEY, "command": "debug", "paths": ["adl://x/y"]})

    client, _ = connect(handle)
    statistics = client.statistics(KEY)
    assert statistics.updated_at is not None
    (stage,) = statistics.stages
    assert (stage.name, stage.vertices, stage.bytes_read, stage.execution_seconds) == ("S", 2, 5, 3.0)
    assert client.debug_data(KEY).paths == ("adl://x/y",)


def test_a_job_id_that_is_no_name_is_refused() -> None:
    client, http = connect(lambda call: failure(500, "x"))
    with pytest.raises(ConfigurationError, match="job_id must be"):
        client.get("")
    assert http.calls == []
