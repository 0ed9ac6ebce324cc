"""The client of the job service, against the emulator and its real HTTP."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.clients.azure_rest import ListOptions, text_literal, time_literal
from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition, Relation
from airflow_provider_datalake.clients.data_lake_analytics_parameters import declare
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    JobTimeoutError,
    NotFoundError,
)
from tests.integration.azure_connections import job_client

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
    from airflow_provider_datalake.clients.data_lake_analytics_models import AnalyticsJob
    from tests.integration.conftest import Emulator

SCRIPT = """@a =
    SELECT * FROM
        (VALUES
            ("Contoso", 1500.0),
            ("Woodgrove", 2700.0)
        ) AS
              D( customer, amount );
OUTPUT @a
    TO "/test_analytics_client/data.csv"
    USING Outputters.Csv();
"""


@pytest.fixture
def client(emulator: Emulator) -> DataLakeAnalyticsJobClient:
    return job_client(emulator)


def new_id() -> str:
    return str(uuid.uuid4())


def run(client: DataLakeAnalyticsJobClient, definition: JobDefinition) -> AnalyticsJob:
    job_id = new_id()
    client.submit(job_id, definition)
    return client.wait(job_id, timeout=60, poll_interval=0.05)


def test_a_script_runs(client: DataLakeAnalyticsJobClient) -> None:
    job_id = new_id()
    definition = JobDefinition(SCRIPT, "Sample Job", degree_of_parallelism=2, priority=500)
    accepted = client.submit(job_id, definition)
    assert (accepted.job_id, accepted.name, accepted.type) == (job_id, "Sample Job", "USql")
    assert (accepted.degree_of_parallelism, accepted.priority) == (2, 500)
    assert not accepted.has_ended
    job = client.wait(job_id, timeout=60, poll_interval=0.05)
    assert (job.state, job.result) == ("Ended", "Succeeded"), job
    assert job.details is not None
    assert job.details.script == SCRIPT
    assert [change.state for change in job.details.history][0::5][0] == "New"
    assert job.details.history[-1].state == "Ended"
    assert job.submitted_at is not None
    assert abs(job.submitted_at - datetime.now(tz=UTC)) < timedelta(minutes=1)
    assert job.ended_at is not None
    assert job.au_hours is not None


def test_a_second_job_under_the_same_id_is_refused_or_the_first_one(
    client: DataLakeAnalyticsJobClient,
) -> None:
    job = run(client, JobDefinition(SCRIPT, "first"))
    with suppress(ConflictError):
        again = client.submit(job.job_id, JobDefinition(SCRIPT.replace("Contoso", "Fabrikam"), "second"))
        assert again.name == "first"
    assert client.get(job.job_id).name == "first"


def test_an_unknown_job_is_not_found(client: DataLakeAnalyticsJobClient) -> None:
    for ask in (client.get, client.cancel, client.statistics, client.debug_data):
        with pytest.raises(NotFoundError, match="^Connection 'c'") as raised:
            ask(new_id())
        assert raised.value.code


def test_jobs_are_listed_by_filter_and_order(client: DataLakeAnalyticsJobClient) -> None:
    name = f"it's {new_id()}"
    ids = [run(client, JobDefinition(SCRIPT, name)).job_id for _ in range(3)]
    mine = ListOptions(filter=f"name eq {text_literal(name)}", orderby="submitTime desc")
    assert [job.job_id for job in client.list(mine)] == ids[::-1]
    newest = ListOptions(mine.filter, top=1, orderby=mine.orderby)
    assert [job.job_id for job in client.list(newest)] == [ids[-1]]
    skipped = ListOptions(mine.filter, skip=1, orderby=mine.orderby)
    assert [job.job_id for job in client.list(skipped)] == ids[1::-1]
    later = ListOptions(filter=f"submitTime ge {time_literal(datetime.now(tz=UTC) + timedelta(hours=1))}")
    assert list(client.list(later)) == []
    ended = ListOptions(filter=f"{mine.filter} and state eq 'Ended' and result eq 'Succeeded'")
    assert {job.job_id for job in client.list(ended)} == set(ids)
    assert all(job.details is None for job in client.list(ended))


def test_a_job_is_cancelled(client: DataLakeAnalyticsJobClient, long_usql: str) -> None:
    job_id = new_id()
    client.submit(job_id, JobDefinition(long_usql, "long"))
    with pytest.raises(JobTimeoutError, match="after 0.3 seconds"):
        client.wait(job_id, timeout=0.3, poll_interval=0.1)
    client.cancel(job_id)
    job = client.wait(job_id, timeout=60, poll_interval=0.05)
    assert job.result == "Cancelled"
    assert job.details is not None
    assert job.details.problems[0].code == "I_USER_CJS_CANCELEDBYUSER"


def test_a_build_tells_line_and_column_of_what_does_not_compile(client: DataLakeAnalyticsJobClient) -> None:
    job = client.build(JobDefinition("DROP DATABASE IF EXIST FOO; CREATE DATABASE FOO;", "build"))
    assert (job.state, job.result) == ("Ended", "Failed")
    assert job.details is not None
    (found,) = job.details.diagnostics
    assert (found.line, found.column, found.start, found.end) == (1, 18, 17, 22)
    assert (found.code, found.severity) == ("E_CSC_USER_SYNTAXERROR", "Error")
    fine = client.build(JobDefinition("DROP DATABASE IF EXISTS FOO; CREATE DATABASE FOO;", "build"))
    assert fine.result != "Failed"


def test_a_build_runs_nothing(client: DataLakeAnalyticsJobClient) -> None:
    count = len(list(client.list()))
    client.build(JobDefinition(SCRIPT, "build only"))
    assert len(list(client.list())) == count


def test_parameters_come_before_the_defaults_of_the_script(client: DataLakeAnalyticsJobClient) -> None:
    moment = datetime(2024, 1, 31, 8, 5, 6, 789123, tzinfo=UTC)
    script = """
        DECLARE EXTERNAL @text string = "default";
        @a = SELECT * FROM (VALUES (@text, @number, @moment, @flag)) AS D(a, b, c, d);
        OUTPUT @a TO @path USING Outputters.Csv();
    """
    values = {
        "text": 'a "quoted"\ntext\\; DROP DATABASE master;',
        "number": 2**40,
        "moment": moment,
        "flag": {"type": "bool", "value": "true"},
        "path": "/test_analytics_client/parameters.csv",
    }
    job = run(client, JobDefinition(declare(script, values), "parameters"))
    assert job.result == "Succeeded", job


def test_statistics_and_debug_data(client: DataLakeAnalyticsJobClient) -> None:
    job = run(client, JobDefinition(SCRIPT, "statistics"))
    statistics = client.statistics(job.job_id)
    assert statistics.stages
    assert all(stage.succeeded == stage.vertices for stage in statistics.stages)
    assert sum(stage.bytes_written for stage in statistics.stages) > 0
    assert client.debug_data(job.job_id) is not None


def test_a_job_that_never_ran_has_no_statistics(client: DataLakeAnalyticsJobClient) -> None:
    job = run(client, JobDefinition("SELEC 1;", "does not compile"))
    assert job.result == "Failed"
    with pytest.raises((ConfigurationError, NotFoundError)) as raised:
        client.statistics(job.job_id)
    assert raised.value.code in ("JobHasNeverRun", "JobResourceNotFound")


def test_pipelines_and_recurrences_add_up_their_jobs(client: DataLakeAnalyticsJobClient) -> None:
    related = Relation(
        recurrence_id=new_id(),
        recurrence_name="daily",
        pipeline_id=new_id(),
        pipeline_name="sales",
        pipeline_uri="https://example.com/sales",
        run_id=new_id(),
    )
    job = run(client, JobDefinition(SCRIPT, "related", related=related))
    assert client.get(job.job_id).related == related
    run(client, JobDefinition("SELEC 1;", "related", related=related))
    assert related.pipeline_id is not None
    pipeline = client.pipeline(related.pipeline_id)
    assert (pipeline.name, pipeline.uri) == ("sales", "https://example.com/sales")
    assert (pipeline.usage.succeeded, pipeline.usage.failed) == (1, 1)
    assert {item.run_id for item in pipeline.runs} == {related.run_id}
    assert pipeline.recurrences == (related.recurrence_id,)
    recurrence = client.recurrence(related.recurrence_id)
    assert (recurrence.name, recurrence.usage.succeeded) == ("daily", 1)
    assert related.pipeline_id in {item.pipeline_id for item in client.pipelines()}
    assert related.recurrence_id in {item.recurrence_id for item in client.recurrences()}
    since = datetime.now(tz=UTC) + timedelta(hours=1)
    assert related.pipeline_id not in {
        item.pipeline_id for item in client.pipelines(start=since, end=since + timedelta(hours=1))
    }


def test_a_wrong_token_is_refused(emulator: Emulator) -> None:
    client = job_client(emulator, bearer_token="wrong-token-of-somebody")
    with pytest.raises(AuthenticationError, match="^Connection 'c': list jobs: ") as raised:
        list(client.list())
    assert "wrong-token-of-somebody" not in str(raised.value)


def test_a_wrong_priority_is_refused_by_the_service_as_well(client: DataLakeAnalyticsJobClient) -> None:
    body = {**JobDefinition(SCRIPT, "wrong").to_wire(), "priority": -1}
    with pytest.raises(ConfigurationError, match="HTTP 400"):
        client.rest.send("PUT", f"jobs/{new_id()}", doing="submit", repeatable=False, json=body)
