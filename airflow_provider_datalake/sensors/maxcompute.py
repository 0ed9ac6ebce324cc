"""Sensors that wait for instances, tables and partitions of MaxCompute."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.maxcompute_specs import parse_partition, sql_form
from airflow_provider_datalake.exceptions import ConfigurationError, JobFailedError, NotFoundError
from airflow_provider_datalake.jobs.status import JobState
from airflow_provider_datalake.sensors.deferrable import DeferrableSensor
from airflow_provider_datalake.triggers.maxcompute import (
    MaxComputeTableTrigger,
    hook_arguments,
    missing_partitions,
    table_exists,
)
from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook


class MaxComputeSensor(DeferrableSensor):
    """
    Wait for something in MaxCompute; the base of the sensors below.

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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.odps_conn_id = odps_conn_id
        self.project = project
        self.schema = schema

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        return self.odps_conn_id

    @property
    def hook(self) -> MaxComputeHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        return MaxComputeHook(
            odps_conn_id=self.odps_conn_id, project=self.project or None, schema=self.schema or None
        )


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
