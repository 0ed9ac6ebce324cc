"""The job service of a Data Lake Analytics account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.azure_rest import (
    ALL,
    AzureRest,
    ListOptions,
    segment,
    utc,
)
from airflow_provider_datalake.clients.data_lake_analytics_models import (
    AnalyticsJob,
    DebugData,
    JobStage,
    JobStatistics,
    moment,
)
from airflow_provider_datalake.clients.data_lake_analytics_pipelines import Pipeline, Recurrence
from airflow_provider_datalake.exceptions import JobTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from airflow_provider_datalake.clients.azure_settings import AzureSettings
    from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition
    from airflow_provider_datalake.clients.http import HttpClient

JOBS_VERSION = "2017-09-01-preview"


def open_http(settings: AzureSettings, url: str) -> HttpClient:
    """
    Open the requests to one of the services of an account.

    :param settings: the connection's settings
    :param url: the service's base URL
    :return: the requests; they carry the resource manager's tokens, as those of the service's own clients do
    """
    from airflow_provider_datalake.clients.azure_credentials import TokenSource
    from airflow_provider_datalake.clients.azure_rest import azure_error
    from airflow_provider_datalake.clients.http import HttpClient

    return HttpClient(
        url,
        conn_id=settings.conn_id,
        authorize=TokenSource(settings, settings.cloud.management_scope),
        error_of=azure_error,
        transport=settings.transport,
    )


class DataLakeAnalyticsJobClient:
    """
    Submit, watch and cancel jobs; threads may share it.

    :param http: the requests to the account
    """

    def __init__(self, http: HttpClient) -> None:
        self.rest = AzureRest(http, JOBS_VERSION)

    @classmethod
    def connect(cls, settings: AzureSettings) -> DataLakeAnalyticsJobClient:
        """
        Make a client of a connection's settings.

        :param settings: the settings
        :return: the client; nothing is sent yet
        """
        return cls(open_http(settings, settings.url))

    def submit(self, job_id: str, definition: JobDefinition) -> AnalyticsJob:
        """
        Submit a job, once: after an unclear failure look whether there is a job of this id.

        :param job_id: a GUID that no other job has
        :param definition: what to run
        :return: the job as the service has accepted it
        :raises ConfigurationError: when the definition cannot work
        :raises ConflictError: when there is a job of this id
        """
        definition.check()
        doing = f"submit job {definition.name!r}"
        response = self.rest.send(
            "PUT", self._path(job_id), doing=doing, repeatable=False, json=definition.to_wire()
        )
        return AnalyticsJob.from_wire(self.rest.body(response, doing))

    def get(self, job_id: str) -> AnalyticsJob:
        """
        Look at one job in full detail.

        :param job_id: the job
        :return: the job
        :raises NotFoundError: when the account does not know it
        """
        return AnalyticsJob.from_wire(self.rest.get(self._path(job_id), doing=f"look at job {job_id}"))

    def list(self, options: ListOptions = ALL) -> Iterator[AnalyticsJob]:
        """
        Go through the account's jobs.

        :param options: which jobs are wanted, in which order
        :return: the jobs without their details
        """
        for item in self.rest.items("jobs", options, doing="list jobs"):
            yield AnalyticsJob.from_wire(item)

    def cancel(self, job_id: str) -> None:
        """
        Ask the service to stop a job.

        :param job_id: the job
        :raises NotFoundError: when the account does not know it
        """
        self.rest.send(
            "POST", f"{self._path(job_id)}/CancelJob", doing=f"cancel job {job_id}", repeatable=True
        )

    def build(self, definition: JobDefinition) -> AnalyticsJob:
        """
        Compile a script without running it.

        :param definition: the script
        :return: a job that has ended at once; the diagnostics are in its details
        """
        definition.check()
        doing = f"build {definition.name!r}"
        body = definition.to_wire(build=True)
        response = self.rest.send("POST", "buildJob", doing=doing, repeatable=True, json=body)
        return AnalyticsJob.from_wire(self.rest.body(response, doing))

    def wait(self, job_id: str, *, timeout: float | None = None, poll_interval: float = 3.0) -> AnalyticsJob:
        """
        Wait until a job has ended.

        :param job_id: the job
        :param timeout: seconds, None for ever
        :param poll_interval: seconds between two looks
        :return: the job, which may have failed
        :raises JobTimeoutError: when it has not ended in time; it goes on running
        """
        began = time.monotonic()
        while not (job := self.get(job_id)).has_ended:
            if timeout is not None and time.monotonic() - began + poll_interval > timeout:
                raise JobTimeoutError(
                    f"Job {job_id} is still {job.state} after {timeout} seconds", job_id=job_id
                )
            time.sleep(poll_interval)
        return job

    def statistics(self, job_id: str) -> JobStatistics:
        """
        Look at what a job has done, stage by stage.

        :param job_id: the job
        :return: the statistics
        :raises ConfigurationError: when it has never run (code ``JobHasNeverRun``)
        :raises NotFoundError: when the statistics are gone, or the job is not known
        """
        told = self.rest.get(
            f"{self._path(job_id)}/GetStatistics", doing=f"read the statistics of job {job_id}"
        )
        return JobStatistics(
            updated_at=moment(told.get("lastUpdateTimeUtc")),
            stages=tuple(JobStage.from_wire(stage) for stage in told.get("stages") or ()),
        )

    def debug_data(self, job_id: str) -> DebugData:
        """
        Ask where the files are that help to debug a job.

        :param job_id: the job
        :return: the files
        :raises NotFoundError: when they are gone, or the job is not known
        """
        told = self.rest.get(
            f"{self._path(job_id)}/GetDebugDataPath", doing=f"look for the debug data of job {job_id}"
        )
        return DebugData(str(told.get("command") or ""), tuple(told.get("paths") or ()))

    def pipelines(self, *, start: datetime | None = None, end: datetime | None = None) -> Iterator[Pipeline]:
        """
        Go through the pipelines that jobs have named.

        :param start: only jobs that were submitted since then count
        :param end: only jobs that were submitted before then count
        :return: the pipelines, without runs and recurrences
        """
        for item in self.rest.items("pipelines", doing="list pipelines", params=_span(start, end)):
            yield Pipeline.from_wire(item)

    def pipeline(
        self, pipeline_id: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> Pipeline:
        """
        Look at one pipeline.

        :param pipeline_id: the pipeline
        :param start: only jobs that were submitted since then count
        :param end: only jobs that were submitted before then count
        :return: the pipeline, with its runs and recurrences
        :raises NotFoundError: when no job has named it
        """
        path = f"pipelines/{segment(pipeline_id, 'pipeline_id')}"
        told = self.rest.get(path, doing=f"look at pipeline {pipeline_id}", params=_span(start, end))
        return Pipeline.from_wire(told)

    def recurrences(
        self, *, start: datetime | None = None, end: datetime | None = None
    ) -> Iterator[Recurrence]:
        """
        Go through the recurrences that jobs have named.

        :param start: only jobs that were submitted since then count
        :param end: only jobs that were submitted before then count
        :return: the recurrences
        """
        for item in self.rest.items("recurrences", doing="list recurrences", params=_span(start, end)):
            yield Recurrence.from_wire(item)

    def recurrence(
        self, recurrence_id: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> Recurrence:
        """
        Look at one recurrence.

        :param recurrence_id: the recurrence
        :param start: only jobs that were submitted since then count
        :param end: only jobs that were submitted before then count
        :return: the recurrence
        :raises NotFoundError: when no job has named it
        """
        path = f"recurrences/{segment(recurrence_id, 'recurrence_id')}"
        told = self.rest.get(path, doing=f"look at recurrence {recurrence_id}", params=_span(start, end))
        return Recurrence.from_wire(told)

    @staticmethod
    def _path(job_id: str) -> str:
        return f"jobs/{segment(job_id, 'job_id')}"


def _span(start: datetime | None, end: datetime | None) -> Mapping[str, str]:
    given = {"startDateTime": start, "endDateTime": end}
    return {name: utc(at).isoformat() for name, at in given.items() if at is not None}
