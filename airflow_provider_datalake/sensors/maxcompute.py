"""Sensors that wait for instances, tables and partitions of MaxCompute."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, conf
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_provider_datalake.clients.maxcompute_specs import parse_partition, sql_form
from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    DataLakeError,
    JobError,
    JobFailedError,
    NotFoundError,
    ServiceError,
)
from airflow_provider_datalake.jobs.status import JobState
from airflow_provider_datalake.triggers.maxcompute import (
    FAILED,
    MET,
    MaxComputeTableTrigger,
    hook_arguments,
    missing_partitions,
    table_exists,
)
from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook


class MaxComputeSensor(BaseSensorOperator):
    """
    Wait for something in MaxCompute; the base of the sensors below.

    Deferred or not, ``timeout`` counts from the first look, ``execution_timeout`` from the task's start, and
    ``soft_fail`` and ``mode`` mean what they mean in every sensor. What waiting cannot mend (a wrong key, an
    unknown project, a malformed partition) fails at once.

    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("odps_conn_id", "project", "schema")
    ui_color = "#fff3d6"

    def __init__(
        self,
        *,
        odps_conn_id: str = "odps_default",
        project: str | None = None,
        schema: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.odps_conn_id = odps_conn_id
        self.project = project
        self.schema = schema
        self.deferrable = deferrable

    @abstractmethod
    def is_met(self) -> bool:
        """
        Look once.

        :return: whether the wait is over
        :raises DataLakeError: when it cannot be seen, or will never be
        """

    @abstractmethod
    def trigger(self) -> BaseTrigger:
        """
        Make the trigger that goes on looking.

        :return: the trigger
        """

    @property
    def hook(self) -> MaxComputeHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        return MaxComputeHook(
            odps_conn_id=self.odps_conn_id, project=self.project or None, schema=self.schema or None
        )

    def poke(self, context: Context) -> bool:
        """Look once."""
        try:
            return self.is_met()
        except DataLakeError as error:
            if not isinstance(error, JobError):
                error.name_connection(self.odps_conn_id)
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error

    def execute(self, context: Context) -> Any:
        """Look once, then wait in the triggerer; or wait here."""
        if not self.deferrable:
            return super().execute(context)
        return self._look_and_defer(context, time.time() + self.timeout)

    def execute_complete(
        self, context: Context, event: Mapping[str, Any] | None = None, deadline: float | None = None
    ) -> None:
        """
        Go on after the deferral; an event that says nothing certain makes us look again.

        :param event: what the trigger fired
        :param deadline: epoch seconds at which the sensor times out
        """
        outcome = event.get("outcome") if event else None
        if event and outcome == FAILED:
            message = str(event.get("message"))
            raise ServiceError(message) if event.get("retryable") else AirflowFailException(message)
        if outcome == MET:
            self.log.info("Success criteria met. Exiting.")
            return
        self._look_and_defer(context, time.time() + self.timeout if deadline is None else deadline)

    def _look_and_defer(self, context: Context, deadline: float) -> None:
        if self._poke_as_sensor(context):
            self.log.info("Success criteria met. Exiting.")
            return
        left = deadline - time.time()
        if left <= 0:
            message = f"Sensor has timed out; it exceeds the specified timeout of {self.timeout}."
            if self.soft_fail:
                raise AirflowSkipException(message)
            raise AirflowSensorTimeout(message)
        self._check_execution_timeout(context)
        self.defer(
            trigger=self.trigger(),
            method_name="execute_complete",
            kwargs={"deadline": deadline},
            timeout=timedelta(seconds=min(left, self._execution_time_left(context))),
        )

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Tell which of the two timeouts has ended the deferral."""
        if next_method != self.execute_complete.__name__:
            self._check_execution_timeout(context)
        return super().resume_execution(next_method, next_kwargs, context)

    def _execution_time_left(self, context: Context) -> float:
        # Airflow applies it to each process of a task by itself, not to the time between them.
        if self.execution_timeout is None:
            return math.inf
        started = context["ti"].start_date.timestamp()
        return started + self.execution_timeout.total_seconds() - time.time()

    def _check_execution_timeout(self, context: Context) -> None:
        if self._execution_time_left(context) <= 0:
            raise AirflowTaskTimeout(
                f"Sensor did not end within the task's execution timeout of {self.execution_timeout}"
            )

    def _poke_as_sensor(self, context: Context) -> bool:
        # BaseSensorOperator treats the errors of a poke inside its own loop, which deferring does not enter.
        try:
            return self.poke(context)
        except AirflowSkipException:
            raise
        except AirflowFailException as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException("Skipping due to soft_fail or never_fail") from error
            raise
        except Exception as error:
            if self.silent_fail:
                self.log.exception("Sensor poke failed")
                return False
            if self.never_fail:
                raise AirflowSkipException("Skipping due to never_fail") from error
            raise


class MaxComputeInstanceSensor(MaxComputeSensor):
    """
    Wait for an instance to succeed; fail when it fails, is stopped, or is not known.

    :param instance_id: the instance (templated)
    :param odps_conn_id: the connection (templated)
    :param project: the instance's project, takes precedence over the connection's (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("instance_id", *MaxComputeSensor.template_fields)

    def __init__(self, *, instance_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self._started_at: float | None = None

    def is_met(self) -> bool:
        """Look whether the instance has succeeded."""
        if not isinstance(self.instance_id, str) or not self.instance_id.strip():
            raise ConfigurationError(f"instance_id must be the id of an instance, got {self.instance_id!r}")
        status = self.hook.job_service().status(self.instance_id)
        self._started_at = status.started_at
        if status.state is JobState.GONE:
            raise NotFoundError(f"Connection {self.odps_conn_id!r}: {status.message}")
        if status.state.is_terminal and status.state is not JobState.SUCCEEDED:
            raise JobFailedError(
                f"Instance {self.instance_id} has {status.state}: {status.message}",
                job_id=self.instance_id,
                code=status.code,
                retryable=False,  # it will never be anything else
            )
        return status.state is JobState.SUCCEEDED

    def trigger(self) -> RemoteJobTrigger:
        """Make the trigger that shares its listing with all others of the connection."""
        return RemoteJobTrigger(
            hook="airflow_provider_datalake.hooks.maxcompute.MaxComputeHook",
            conn_id=self.odps_conn_id,
            job_id=self.instance_id,
            since=self._started_at or time.time(),
            hook_arguments=hook_arguments(self.project, self.schema),
            poll_interval=self.poke_interval,
            cancel_on_kill=False,  # the instance is somebody else's
        )


class MaxComputeTableSensor(MaxComputeSensor):
    """
    Wait for a table to exist.

    :param table: the table (templated)
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("table", *MaxComputeSensor.template_fields)

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table

    def is_met(self) -> bool:
        """Look whether the table exists."""
        return table_exists(self.hook.get_client(), self.table, conn_id=self.odps_conn_id)

    def trigger(self) -> MaxComputeTableTrigger:
        """Make the trigger that goes on looking."""
        return self._table_trigger(None)

    def _table_trigger(self, partitions: list[str] | None) -> MaxComputeTableTrigger:
        return MaxComputeTableTrigger(
            conn_id=self.odps_conn_id,
            table=self.table,
            partitions=partitions,
            project=self.project or None,
            schema=self.schema or None,
            poll_interval=self.poke_interval,
        )


class MaxComputePartitionSensor(MaxComputeTableSensor):
    """
    Wait for one or several partitions of a table to exist, all of them.

    The table itself must exist: waiting for a partition of an unknown table is nearly always a typing error,
    so it fails at once. Put a :class:`MaxComputeTableSensor` before this one where the table comes later.

    :param table: the table (templated)
    :param partition: one partition, e.g. ``month=1`` or ``{"month": 1}``, or a list of them (templated)
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("partition", *MaxComputeTableSensor.template_fields)

    def __init__(self, *, partition: PartitionSpec | Sequence[PartitionSpec], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition

    def is_met(self) -> bool:
        """Look whether all partitions exist."""
        missing = missing_partitions(
            self.hook.get_client(), self.table, self._specs(), conn_id=self.odps_conn_id
        )
        if missing:
            self.log.info("Still missing of table %s: %s", self.table, ", ".join(missing))
        return not missing

    def trigger(self) -> MaxComputeTableTrigger:
        """Make the trigger that goes on looking."""
        return self._table_trigger(self._specs())

    def _specs(self) -> list[str]:
        given = [self.partition] if isinstance(self.partition, (str, Mapping)) else self.partition
        if not given:
            raise ConfigurationError(f"partition must name at least one partition, got {self.partition!r}")
        return [sql_form(parse_partition(spec)) for spec in given]
