from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)
from airflow.sdk.module_loading import import_string

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ServiceError,
)
from airflow_provider_datalake.jobs.status import JobState, JobStatus
from airflow_provider_datalake.sensors import maxcompute as sensors
from airflow_provider_datalake.sensors.maxcompute import (
    MaxComputeInstanceSensor,
    MaxComputePartitionSensor,
    MaxComputeTableSensor,
)
from airflow_provider_datalake.triggers import maxcompute as triggers
from airflow_provider_datalake.triggers import polling
from airflow_provider_datalake.triggers.maxcompute import MaxComputeTableTrigger

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")


class Lake:
    """What exists, and what goes wrong while one looks."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.partitions: set[str] = set()
        self.errors: list[Exception] = []
        self.looks = 0
        self.instance = JobStatus("i", JobState.RUNNING, started_at=50.0)

    def table_exists(self, client: Any, table: str, *, conn_id: str) -> bool:
        self._look()
        return table in self.tables

    def missing_partitions(
        self, client: Any, table: str, partitions: list[str], *, conn_id: str
    ) -> list[str]:
        self._look()
        if table not in self.tables:
            raise NotFoundError(f"Connection {conn_id!r}: table {table}")
        return [spec for spec in partitions if spec not in self.partitions]

    def _look(self) -> None:
        self.looks += 1
        if self.errors:
            raise self.errors.pop(0)

    def status(self, job_id: str) -> JobStatus:
        self._look()
        return self.instance


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Lake:
    lake = Lake()

    class FakeHook:
        def job_service(self) -> Lake:
            return lake

        def get_client(self) -> None:
            return None

    async def connect(self: MaxComputeTableTrigger) -> object:
        return object()

    for module in (sensors, triggers):
        monkeypatch.setattr(module, "table_exists", lake.table_exists)
        monkeypatch.setattr(module, "missing_partitions", lake.missing_partitions)
    monkeypatch.setattr(sensors.MaxComputeSensor, "hook", property(lambda self: FakeHook()))
    monkeypatch.setattr(MaxComputeTableTrigger, "connect", connect)
    return lake


def partition_sensor(**kwargs: Any) -> MaxComputePartitionSensor:
    return MaxComputePartitionSensor(
        **{"task_id": "s", "table": "t", "partition": ["m=1", "m=2"], "poke_interval": 0.01, **kwargs}
    )


def test_all_partitions_must_exist(lake: Lake) -> None:
    lake.tables, lake.partitions = {"t"}, {"m='1'"}
    assert partition_sensor().poke({}) is False
    lake.partitions.add("m='2'")
    assert partition_sensor().poke({}) is True


def test_a_sensor_in_the_worker_pokes_until_all_is_there(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.tables = {"t"}
    found = lake.missing_partitions

    def appear(*args: Any, **kwargs: Any) -> list[str]:
        if lake.looks == 2:
            lake.partitions = {"m='1'", "m='2'"}
        return found(*args, **kwargs)

    monkeypatch.setattr(sensors, "missing_partitions", appear)
    partition_sensor(deferrable=False).execute({})
    assert lake.looks == 3


def test_a_deferrable_sensor_that_is_met_does_not_defer(lake: Lake) -> None:
    lake.tables, lake.partitions = {"t"}, {"m='1'", "m='2'"}
    partition_sensor(deferrable=True).execute({})


def test_a_deferrable_sensor_defers_for_the_rest_of_its_timeout(lake: Lake) -> None:
    lake.tables = {"t"}
    with pytest.raises(TaskDeferred) as raised:
        partition_sensor(deferrable=True, timeout=100, project="p", poke_interval=30).execute({})
    deferred = raised.value
    assert isinstance(deferred.timeout, timedelta)
    assert 95 < deferred.timeout.total_seconds() <= 100
    assert deferred.trigger.serialize()[1] == {
        "conn_id": "odps_default",
        "table": "t",
        "partitions": ["m='1'", "m='2'"],
        "project": "p",
        "schema": None,
        "poll_interval": 30.0,
    }


def test_an_uncertain_event_makes_the_sensor_look_again_without_a_longer_timeout(lake: Lake) -> None:
    lake.tables = {"t"}
    with pytest.raises(TaskDeferred) as first:
        partition_sensor(deferrable=True, timeout=100).execute({})
    kwargs = first.value.kwargs
    assert kwargs is not None
    with pytest.raises(TaskDeferred) as second:
        partition_sensor(deferrable=True, timeout=100).execute_complete({}, None, **kwargs)
    assert second.value.kwargs == kwargs


def test_a_sensor_that_is_woken_after_its_deadline_times_out(lake: Lake) -> None:
    lake.tables = {"t"}
    with pytest.raises(AirflowSensorTimeout):
        partition_sensor(deferrable=True).execute_complete({}, None, deadline=1.0)
    with pytest.raises(AirflowSkipException):
        partition_sensor(deferrable=True, soft_fail=True).execute_complete({}, None, deadline=1.0)


def test_airflows_deferral_timeout_is_a_sensor_timeout_and_a_skip_under_soft_fail(lake: Lake) -> None:
    failure = {"error": "Trigger timeout"}
    with pytest.raises(AirflowSensorTimeout):
        partition_sensor().resume_execution("__fail__", failure, {})
    with pytest.raises(AirflowSkipException):
        partition_sensor(soft_fail=True).resume_execution("__fail__", failure, {})


def started(seconds_ago: float) -> Any:
    return {"ti": SimpleNamespace(start_date=datetime.now(UTC) - timedelta(seconds=seconds_ago))}


def test_the_execution_timeout_counts_through_a_deferral(lake: Lake) -> None:
    lake.tables = {"t"}
    sensor = partition_sensor(deferrable=True, timeout=100, execution_timeout=timedelta(seconds=30))
    with pytest.raises(TaskDeferred) as raised:
        sensor.execute(started(10))
    assert isinstance(raised.value.timeout, timedelta)
    assert 15 < raised.value.timeout.total_seconds() <= 20


@pytest.mark.parametrize("soft_fail", [False, True])
def test_the_execution_timeout_of_a_deferred_sensor_fails_the_task_as_it_does_in_the_worker(
    soft_fail: bool, lake: Lake
) -> None:
    lake.tables = {"t"}
    sensor = partition_sensor(deferrable=True, execution_timeout=timedelta(seconds=30), soft_fail=soft_fail)
    with pytest.raises(AirflowTaskTimeout, match="0:00:30"):
        sensor.resume_execution("__fail__", {"error": "Trigger timeout"}, started(31))
    with pytest.raises(AirflowTaskTimeout, match="0:00:30"):
        sensor.execute_complete(started(31), None)
    sensor.resume_execution("execute_complete", {"event": {"outcome": "met"}}, started(31))


def test_a_met_event_ends_the_wait(lake: Lake) -> None:
    partition_sensor().execute_complete({}, {"outcome": "met"})
    assert lake.looks == 0


@pytest.mark.parametrize(("retryable", "error"), [(True, ServiceError), (False, AirflowFailException)])
def test_a_failed_event_fails_the_task(retryable: bool, error: type[Exception], lake: Lake) -> None:
    with pytest.raises(error, match="words"):
        partition_sensor().execute_complete(
            {}, {"outcome": "failed", "message": "words", "retryable": retryable}
        )


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_unknown_table_fails_a_partition_sensor_at_once(deferrable: bool, lake: Lake) -> None:
    with pytest.raises(AirflowFailException, match="odps_default.*table t"):
        partition_sensor(deferrable=deferrable).execute({})


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("partition", ["m", "m=", [], "", ["m=1", "x"]])
def test_a_malformed_partition_fails_at_once(deferrable: bool, partition: Any, lake: Lake) -> None:
    with pytest.raises(AirflowFailException, match="Connection 'odps_default': .*partition"):
        partition_sensor(deferrable=deferrable, partition=partition).execute({})
    assert lake.looks == 0


@pytest.mark.parametrize("deferrable", [False, True])
def test_soft_fail_skips_what_fails_for_good(deferrable: bool, lake: Lake) -> None:
    with pytest.raises(AirflowSkipException):
        partition_sensor(deferrable=deferrable, soft_fail=True).execute({})


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_first_look_that_meets_a_service_in_trouble_fails_the_try(deferrable: bool, lake: Lake) -> None:
    lake.errors = [ServiceError("503")]
    with pytest.raises(ServiceError):
        partition_sensor(deferrable=deferrable).execute({})


def test_silent_and_never_fail_mean_what_they_mean_in_every_sensor(lake: Lake) -> None:
    lake.tables = {"t"}
    lake.errors = [ServiceError("503")]
    with pytest.raises(TaskDeferred):
        partition_sensor(deferrable=True, silent_fail=True).execute({})
    lake.errors = [ServiceError("503")]
    with pytest.raises(AirflowSkipException):
        partition_sensor(deferrable=True, never_fail=True).execute({})


def test_a_table_sensor_waits_for_the_table(lake: Lake) -> None:
    sensor = MaxComputeTableSensor(task_id="s", table="t", deferrable=True)
    with pytest.raises(TaskDeferred) as raised:
        sensor.execute({})
    assert raised.value.trigger.serialize()[1]["partitions"] is None
    lake.tables = {"t"}
    sensor.execute({})


def instance_sensor(**kwargs: Any) -> MaxComputeInstanceSensor:
    return MaxComputeInstanceSensor(**{"task_id": "s", "instance_id": "i", **kwargs})


def test_an_instance_sensor_waits_together_with_all_others_and_never_cancels(lake: Lake) -> None:
    with pytest.raises(TaskDeferred) as raised:
        instance_sensor(deferrable=True).execute({})
    kwargs = raised.value.trigger.serialize()[1]
    assert (kwargs["job_id"], kwargs["since"], kwargs["cancel_on_kill"], kwargs["deadline"]) == (
        "i",
        50.0,
        False,
        None,
    )


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_instance_sensor_ends_with_the_success(deferrable: bool, lake: Lake) -> None:
    lake.instance = JobStatus("i", JobState.SUCCEEDED)
    instance_sensor(deferrable=deferrable).execute({})
    instance_sensor(deferrable=deferrable).execute_complete(
        {}, {"job_id": "i", "outcome": "ended", "state": "succeeded"}
    )


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED, JobState.GONE])
def test_an_instance_that_can_no_longer_succeed_fails_the_sensor_for_good(
    state: JobState, lake: Lake
) -> None:
    lake.instance = JobStatus("i", state, message="words of the service")
    with pytest.raises(AirflowFailException, match="words of the service"):
        instance_sensor().execute({})


def test_an_empty_instance_id_is_refused(lake: Lake) -> None:
    with pytest.raises(AirflowFailException, match="instance_id"):
        instance_sensor(instance_id="").execute({})


@pytest.mark.parametrize(
    ("sensor", "given"),
    [
        (MaxComputeInstanceSensor, {"instance_id": "{{ i }}"}),
        (MaxComputeTableSensor, {"table": "{{ t }}"}),
        (MaxComputePartitionSensor, {"table": "{{ t }}", "partition": ["m={{ ds }}"]}),
    ],
)
def test_template_fields_are_kept_as_they_were_given(sensor: Any, given: dict[str, Any]) -> None:
    given = {"odps_conn_id": "{{ c }}", "project": "{{ p }}", "schema": "{{ s }}", **given}
    made = sensor(task_id="s", **given)
    assert {name: getattr(made, name) for name in made.template_fields} == given


def table_trigger(**kwargs: Any) -> MaxComputeTableTrigger:
    return MaxComputeTableTrigger(
        **{"conn_id": "c", "table": "t", "partitions": ["m='1'"], "poll_interval": 0.01, **kwargs}
    )


def fire(made: MaxComputeTableTrigger) -> list[Any]:
    async def collect() -> list[Any]:
        async with asyncio.timeout(10):
            return [event.payload async for event in made.run()]

    return asyncio.run(collect())


def test_the_table_trigger_can_be_made_again() -> None:
    path, kwargs = table_trigger(project="p", schema="s").serialize()
    assert vars(import_string(path)(**json.loads(json.dumps(kwargs)))) == vars(
        table_trigger(project="p", schema="s")
    )


def test_the_table_trigger_fires_once_all_is_there(lake: Lake) -> None:
    lake.tables, lake.partitions = {"t"}, {"m='1'"}
    assert fire(table_trigger()) == [{"outcome": "met"}]
    assert fire(table_trigger(partitions=None)) == [{"outcome": "met"}]


def test_the_table_trigger_outlasts_transient_errors(lake: Lake) -> None:
    lake.tables, lake.partitions = {"t"}, {"m='1'"}
    lake.errors = [ServiceError("503"), ServiceError("503"), AuthenticationError("expired")]
    assert fire(table_trigger()) == [{"outcome": "met"}]


@pytest.mark.parametrize(
    ("errors", "retryable"),
    [
        ([NotFoundError("x")], False),
        ([ConfigurationError("x")], False),
        ([AuthenticationError("x")] * 3, False),
    ],
)
def test_the_table_trigger_tells_what_waiting_cannot_mend(
    errors: list[Exception], retryable: bool, lake: Lake
) -> None:
    lake.errors = errors
    assert fire(table_trigger()) == [{"outcome": "failed", "message": "x", "retryable": retryable}]


def test_the_table_trigger_tells_when_the_service_stays_away(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PATIENCE", 0.05)
    lake.errors = [ServiceError("503")] * 1000
    assert fire(table_trigger()) == [{"outcome": "failed", "message": "503", "retryable": True}]
