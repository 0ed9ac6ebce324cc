from __future__ import annotations

import uuid
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition
from airflow_provider_datalake.exceptions import JobFailedError
from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook
from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs
from airflow_provider_datalake.sensors.data_lake_analytics import DataLakeAnalyticsJobSensor
from tests.unit.clients.azure_fakes import FakeAccount, FakeHttp, failure
from tests.unit.jobs.fakes import FakeTaskInstance

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")
JOB = str(uuid.UUID(int=1))
CONTEXT: Any = {"ti": FakeTaskInstance()}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    made = FakeAccount()
    client = DataLakeAnalyticsJobClient(FakeHttp(made))  # type: ignore[arg-type]
    service = DataLakeAnalyticsJobs(client, account="emulator")
    monkeypatch.setattr(DataLakeAnalyticsHook, "job_service", lambda self: service)
    client.submit(JOB, JobDefinition("s", "n"))
    return made


def sensor(**kwargs: Any) -> DataLakeAnalyticsJobSensor:
    return DataLakeAnalyticsJobSensor(**{"task_id": "t", "job_id": JOB, "poke_interval": 0.01, **kwargs})


def test_a_job_is_waited_for_until_it_has_succeeded(account: FakeAccount) -> None:
    assert sensor().poke(CONTEXT) is False
    account.end(JOB, "Succeeded")
    assert sensor().poke(CONTEXT) is True


@pytest.mark.parametrize("result", ["Failed", "Cancelled"])
def test_a_job_that_will_never_succeed_fails_the_sensor_at_once(result: str, account: FakeAccount) -> None:
    account.end(JOB, result, errorMessage=[{"errorId": "X", "message": "why"}])
    with pytest.raises(AirflowFailException, match=f"Job {JOB} has {result.lower()}: X: why") as raised:
        sensor().poke(CONTEXT)
    assert isinstance(raised.value.__cause__, JobFailedError)


def test_an_unknown_job_fails_the_sensor_and_names_the_connection(account: FakeAccount) -> None:
    with pytest.raises(AirflowFailException, match="^Connection 'c': account emulator knows no job other"):
        sensor(job_id="other", adla_conn_id="c").poke(CONTEXT)


@pytest.mark.parametrize("job_id", ["", " ", None])
def test_a_missing_id_is_refused(job_id: Any, account: FakeAccount) -> None:
    with pytest.raises(AirflowFailException, match="job_id must be the id of a job"):
        sensor(job_id=job_id).poke(CONTEXT)


def test_the_trigger_shares_the_listing_and_leaves_the_job_alone(account: FakeAccount) -> None:
    with pytest.raises(TaskDeferred) as raised:
        sensor(deferrable=True, account="other", adla_conn_id="c", poke_interval=7.0).execute(CONTEXT)
    kwargs = raised.value.trigger.serialize()[1]  # type: ignore[union-attr]
    assert kwargs == {
        "hook": "airflow_provider_datalake.hooks.data_lake_analytics.DataLakeAnalyticsHook",
        "conn_id": "c",
        "job_id": JOB,
        "since": 1706688000.123456,  # when the job was submitted, not when the sensor looked
        "hook_arguments": {"account": "other"},
        "poll_interval": 7.0,
        "deadline": None,
        "cancel_on_kill": False,
    }


def test_the_end_of_the_job_makes_the_sensor_look_itself(account: FakeAccount) -> None:
    account.end(JOB, "Succeeded")
    sensor(deferrable=True).execute_complete(CONTEXT, {"job_id": JOB, "outcome": "ended", "state": "failed"})


def test_a_service_that_is_away_is_asked_again_by_the_next_look(account: FakeAccount) -> None:
    account.refuse["GET jobs"] = failure(500, "Oops")
    with pytest.raises(Exception, match="Oops"):
        sensor().poke(CONTEXT)
    account.end(JOB, "Succeeded")
    assert sensor().poke(CONTEXT) is True


def test_fields_are_kept_as_they_are_given_until_they_are_rendered() -> None:
    given = {field: f"{{{{ {field} }}}}" for field in DataLakeAnalyticsJobSensor.template_fields}
    made = DataLakeAnalyticsJobSensor(task_id="t", **given)
    assert {field: getattr(made, field) for field in given} == given
