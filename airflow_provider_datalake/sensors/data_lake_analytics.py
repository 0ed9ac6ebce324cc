"""The sensor that waits for a job of Data Lake Analytics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError, JobFailedError, NotFoundError
from airflow_provider_datalake.jobs.status import JobState
from airflow_provider_datalake.sensors.deferrable import DeferrableSensor
from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook


class DataLakeAnalyticsJobSensor(DeferrableSensor):
    """
    Wait for a job to succeed; fail when it fails, is cancelled, or is not known.

    :param job_id: the job (templated)
    :param adla_conn_id: the connection (templated)
    :param account: the job's account, takes precedence over the connection's (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("job_id", "adla_conn_id", "account")
    ui_color = "#e6f2ff"

    def __init__(
        self,
        *,
        job_id: str,
        adla_conn_id: str = "adla_default",
        account: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.adla_conn_id = adla_conn_id
        self.account = account
        self._submitted_at: float | None = None

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        return self.adla_conn_id

    @property
    def hook(self) -> DataLakeAnalyticsHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

        return DataLakeAnalyticsHook(adla_conn_id=self.adla_conn_id, account=self.account or None)

    def is_met(self) -> bool:
        """Look whether the job has succeeded."""
        if not isinstance(self.job_id, str) or not self.job_id.strip():
            raise ConfigurationError(f"job_id must be the id of a job, got {self.job_id!r}")
        status = self.hook.job_service().status(self.job_id)
        self._submitted_at = status.submitted_at
        if status.state is JobState.GONE:
            raise NotFoundError(status.message)
        if status.state.is_terminal and status.state is not JobState.SUCCEEDED:
            raise JobFailedError(
                f"Job {self.job_id} has {status.state}: {status.message}",
                job_id=self.job_id,
                code=status.code,
                retryable=False,  # it will never be anything else
            )
        return status.state is JobState.SUCCEEDED

    def trigger(self) -> RemoteJobTrigger:
        """Make the trigger that shares its listing with all others of the account."""
        return RemoteJobTrigger(
            hook="airflow_provider_datalake.hooks.data_lake_analytics.DataLakeAnalyticsHook",
            conn_id=self.adla_conn_id,
            job_id=self.job_id,
            since=self._submitted_at or time.time(),
            hook_arguments={"account": self.account} if self.account else {},
            poll_interval=self.poke_interval,
            cancel_on_kill=False,  # the job is somebody else's
        )
