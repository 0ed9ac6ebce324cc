"""U-SQL jobs of Data Lake Analytics as remote jobs; the submission key is the job's id."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_datalake.clients.azure_rest import ListOptions, PermissionDenied, time_literal
from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
)
from airflow_provider_datalake.jobs.data_lake_analytics_problems import (
    code_of,
    describe_problems,
    is_retryable,
)
from airflow_provider_datalake.jobs.service import JSON, ListingNotAllowed
from airflow_provider_datalake.jobs.status import JobState, JobStatus, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
    from airflow_provider_datalake.clients.data_lake_analytics_models import AnalyticsJob, JobStatistics

log = logging.getLogger(__name__)

CLOCK_SLACK = 900
"""Seconds by which the service's clock may differ from ours."""
SUBMIT_PATIENCE = 60
"""Seconds for which a submit is tried again; the key makes that safe."""
NO_STATISTICS = "JobHasNeverRun"

_WAITING = frozenset(
    {"New", "Accepted", "Compiling", "Queued", "Scheduling", "Starting", "WaitingForCapacity"}
)
_RESULTS = {
    "Succeeded": JobState.SUCCEEDED,
    "Failed": JobState.FAILED,
    "Cancelled": JobState.CANCELLED,
}


@dataclass(frozen=True)
class UsqlRequest(JobDefinition):
    """
    Run a U-SQL script.

    :param script: the script, with its parameters in front
    :param name: its name, for people
    :param degree_of_parallelism: analytics units; the service's default, one, when None
    :param priority: above 0, lower ones start sooner; the service's default, 1000, when None
    :param runtime_version: the engine's version; the service's default when None
    :param compile_mode: ``Semantic``, ``Full`` or ``SingleBox``; the service's default when None
    :param related: what it is a part of
    """

    def to_json(self) -> dict[str, Any]:
        """Give all that decides what the job does; what it is a part of does not."""
        return {"kind": "usql", **{name: value for name, value in asdict(self).items() if name != "related"}}


class DataLakeAnalyticsJobs:
    """
    The jobs of one account.

    :param client: the account's job service
    :param account: the account's name
    """

    def __init__(self, client: DataLakeAnalyticsJobClient, *, account: str) -> None:
        self.client = client
        self.account = account

    @property
    def scope(self) -> Mapping[str, str]:
        """The account."""
        return {"account": self.account}

    def survey(self, request: UsqlRequest) -> dict[str, JSON]:
        """
        Measure nothing: a script can touch anything.

        :param request: what is going to run
        :return: empty
        """
        return {}

    def submit(self, request: UsqlRequest, key: str, on_created: Callable[[str], None]) -> str:
        """
        Start a job, or find the one that has the key as its id already.

        Whether the service itself runs a second job under the id of a first one is not documented, so that we
        look before we submit, and again after each unclear answer.

        :param request: what to run
        :param key: the submission key
        :param on_created: called with the job's id at the first moment it is known
        :return: the job's id
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

        attempts = Retrying(
            retry=retry_if_exception_type(ServiceError),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_after_delay(SUBMIT_PATIENCE),
            before_sleep=lambda state: log.warning(
                "Looking for the job before submitting again: %s", state.outcome and state.outcome.exception()
            ),
            reraise=True,
        )
        attempts(self._submit_once, request, key)
        on_created(key)
        return key

    def _submit_once(self, request: UsqlRequest, key: str) -> None:
        if self._look(key) is not None:
            log.info("Job %s was submitted already", key)
            return
        try:
            self.client.submit(key, request)
        except ConflictError:
            if self._look(key) is None:
                raise
            log.info("Job %s was submitted already", key)

    def _look(self, job_id: str) -> AnalyticsJob | None:
        try:
            return self.client.get(job_id)
        except NotFoundError:
            return None

    def find(self, key: str, since: float) -> str | None:
        """
        Look for the job that has the key as its id.

        :param key: the submission key
        :param since: epoch seconds, when the intent was made
        :return: its id, None when there is none
        """
        job = self._look(key)
        return None if job is None else job.job_id

    def matches(self, job_id: str, request: UsqlRequest, key: str) -> bool:
        """
        Compare a job's id, name, script and analytics units with what was asked for.

        :param job_id: the job
        :param request: what it should run
        :param key: the key that it should carry
        :return: whether all agree; a policy of the account may have cut the units
        """
        job = self.client.get(job_id)
        script = job.details.script if job.details else None
        units, wanted = job.degree_of_parallelism, request.degree_of_parallelism
        return (
            job.job_id.lower() == key.lower()
            and job.name == request.name
            and (script is None or script.splitlines() == request.script.splitlines())
            and (units is None or wanted is None or units <= wanted)
        )

    def statuses(self, job_ids: Collection[str], since: float) -> dict[str, JobStatus]:
        """
        Look at many jobs with one paged listing, and by themselves at those that have not succeeded.

        :param job_ids: the jobs of interest
        :param since: epoch seconds; none of them is older
        :return: by job id; ids that the listing lacks are absent
        :raises ListingNotAllowed: when the account may not list jobs
        """
        missing = set(job_ids)
        found: dict[str, JobStatus] = {}
        oldest = datetime.fromtimestamp(max(0.0, since - CLOCK_SLACK), tz=UTC)
        options = ListOptions(filter=f"submitTime ge {time_literal(oldest)}", orderby="submitTime desc")
        try:
            for job in self.client.list(options):
                if job.job_id not in missing:
                    continue
                missing.discard(job.job_id)
                try:
                    found[job.job_id] = self._status(job)
                except ServiceError as error:
                    log.warning("%s", error)  # left absent: one job must not hide the others
                if not missing:
                    break
        except PermissionDenied as error:
            raise ListingNotAllowed(str(error)) from error
        return found

    def status(self, job_id: str) -> JobStatus:
        """
        Look at one job in full detail.

        :param job_id: the job
        :return: its status; ``GONE`` when the account does not know it
        """
        job = self._look(job_id)
        if job is None:
            return JobStatus(job_id, JobState.GONE, message=f"account {self.account} knows no job {job_id}")
        return self._status(job)

    def _status(self, job: AnalyticsJob) -> JobStatus:
        state = state_of(job)
        code = message = ""
        retryable = True
        if state in (JobState.FAILED, JobState.CANCELLED):
            if job.details is None:
                job = self.client.get(job.job_id)
            code, message = code_of(job), describe_problems(job)
            message = message or f"the service gives no reason for the result {job.result!r}"
            retryable = state is JobState.CANCELLED or is_retryable(job)
        return JobStatus(
            job.job_id,
            state,
            code,
            message,
            retryable,
            submitted_at=_epoch(job.submitted_at),
            started_at=_epoch(job.started_at),
            ended_at=_epoch(job.ended_at),
        )

    def progress(self, job_id: str) -> tuple[Stage, ...]:
        """
        Look at the stages of a running job.

        :param job_id: the job
        :return: its stages, in the service's order
        """
        statistics = self._statistics(job_id)
        return tuple(
            Stage(
                name=stage.name,
                percent=100.0 * stage.succeeded / stage.vertices if stage.vertices else 0.0,
                workers=stage.vertices,
                finished_workers=stage.succeeded,
            )
            for stage in (statistics.stages if statistics else ())
        )

    def _statistics(self, job_id: str) -> JobStatistics | None:
        try:
            return self.client.statistics(job_id)
        except NotFoundError:
            return None
        except ConfigurationError as error:
            if error.code == NO_STATISTICS:
                return None
            raise

    def cancel(self, job_id: str) -> None:
        """
        Stop a job; one that has ended, or is unknown, is fine.

        :param job_id: the job
        """
        try:
            self.client.cancel(job_id)
        except NotFoundError as error:
            log.info("Job %s needs no cancel: %s", job_id, error)
        except DataLakeError as error:
            if isinstance(error, (AuthenticationError, ServiceError)):
                raise
            job = self._look(job_id)
            if job is not None and not job.has_ended:
                raise
            log.info("Job %s needs no cancel: %s", job_id, error)

    def result(self, job_id: str, request: UsqlRequest, before: Mapping[str, Any]) -> dict[str, JSON]:
        """
        Describe what a succeeded job did.

        :param job_id: the job
        :param request: what it ran
        :param before: what ``survey`` said before the submit
        :return: ids, durations in seconds, analytics units times hours, and bytes read and written
        """
        job = self.client.get(job_id)
        result: dict[str, JSON] = {
            "job_id": job.job_id,
            "name": job.name,
            "account": self.account,
            "degree_of_parallelism": job.degree_of_parallelism,
            "au_hours": None if job.au_hours is None else round(job.au_hours, 6),
        }
        if job.details is not None:
            result["compilation_seconds"] = job.details.compilation_seconds
            result["queued_seconds"] = job.details.queued_seconds
            result["running_seconds"] = job.details.running_seconds
        statistics = self._statistics(job_id)
        if statistics is not None and statistics.stages:
            result["bytes_read"] = sum(stage.bytes_read for stage in statistics.stages)
            result["bytes_written"] = sum(stage.bytes_written for stage in statistics.stages)
        return result

    def link(self, job_id: str) -> str | None:
        """
        Make the address of the job's page.

        :param job_id: the job
        :return: the emulator's page; None for the service itself, whose portal is no more
        """
        base = urlsplit(self.client.rest.http.base_url)
        if not base.path.strip("/"):
            return None
        return f"{base.scheme}://{base.netloc}/usql/{self.account}/jobs/{job_id}"


def state_of(job: AnalyticsJob) -> JobState:
    """
    Put a job's state and result into one of the states that all services share.

    :param job: the job
    :return: its state; the result counts only once the job has ended
    """
    if not job.has_ended:
        if job.state == "Paused":
            return JobState.SUSPENDED
        return JobState.QUEUED if job.state in _WAITING else JobState.RUNNING
    try:
        return _RESULTS[job.result]
    except KeyError:
        raise ServiceError(f"Job {job.job_id} has ended with the unknown result {job.result!r}") from None


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
