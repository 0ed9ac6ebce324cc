"""The life cycle of a remote job as an Airflow task; every operator that runs one is a subclass."""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, conf
from airflow.sdk.exceptions import AirflowFailException, TaskDeferralError, TaskDeferralTimeout

from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    DataLakeError,
    JobCancelledError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    ServiceError,
)
from airflow_provider_datalake.jobs.interrupt import Interrupt
from airflow_provider_datalake.jobs.status import JobState, JobStatus, describe, pause
from airflow_provider_datalake.jobs.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import BaseOperatorLink, Context

    from airflow_provider_datalake.jobs.service import JSON, JobRequest, JobService

KILL_TIMEOUT = 4.0
"""Seconds for a cancel when the task is killed: the supervisor's SIGTERM becomes a SIGKILL after five."""
DEADLINE_GRACE = 300.0
"""Seconds after the deadline for which Airflow leaves it to the trigger to cancel the job."""
EXPIRY_PATIENCE = 60.0
"""Seconds that a job may take to end once it was cancelled at the deadline."""
PATIENCE = 300.0
"""Seconds for which the service may be out of reach before the try fails."""


@dataclass(frozen=True)
class JobLocation:
    """
    Where a job runs.

    :param conn_id: the connection's id
    :param hook_arguments: what the hook is made with, besides the connection: names, never secrets
    """

    conn_id: str
    hook_arguments: dict[str, str] = field(default_factory=dict)


class RemoteJobOperator(BaseOperator):
    """
    Run one job in a remote service: submit it once, wait, take its result.

    A try that follows a dead worker takes up the same job. A task that a person clears cancels the old job
    and runs a new one. Killing the task cancels the job.

    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    :param defer_after: seconds to wait in the worker before deferring, so that short jobs need no deferral
    :param poll_interval: seconds between two looks at a long job
    :param cancel_on_kill: cancel the job when the task is killed, cleared or marked
    :param cancel_on_failure: cancel the job when this try fails for another reason
    """

    hook_path: ClassVar[str]
    """Dotted path of the hook class; its ``conn_name_attr`` names the constructor's connection argument."""
    job_link: ClassVar[BaseOperatorLink | None] = None
    """The link to the job's page."""

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        defer_after: float = 10.0,
        poll_interval: float = 10.0,
        cancel_on_kill: bool = True,
        cancel_on_failure: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not poll_interval > 0:
            raise ConfigurationError(f"poll_interval must be more than 0 seconds, got {poll_interval!r}")
        self.deferrable = deferrable
        self.defer_after = defer_after
        self.poll_interval = poll_interval
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_failure = cancel_on_failure
        self._interrupt: Interrupt | None = None
        self._service: JobService | None = None
        self._job_id: str | None = None

    @abstractmethod
    def job_location(self) -> JobLocation:
        """
        Say where the job runs.

        :return: what the trigger's hook is made with
        """

    @abstractmethod
    def job_service(self) -> JobService:
        """
        Make the service from the hook.

        :return: the service
        """

    @abstractmethod
    def job_request(self) -> JobRequest:
        """
        Check the rendered arguments and make the request of them.

        :return: the request
        :raises ConfigurationError: when an argument cannot work
        """

    def execute(self, context: Context) -> Any:
        """Run the job, or take up the one that an earlier try submitted."""
        with self._failures():
            request = self.job_request()
            submission = self._open(context)
            self._check_killed("before it had a job")
            job_id = submission.begin(request, context["ti"].max_tries, self._on_job)
            self.log.info("Job %s", job_id)
            self._check_killed(f"while it submitted job {job_id}")
            self._publish_link(context, job_id)
            return self._wait(context, submission, job_id)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """
        Go on after the deferral. The event is only a hint: the job itself says how it ended.

        :param event: what the trigger fired
        """
        from airflow_provider_datalake.triggers.remote_job import DEADLINE

        with self._failures():
            submission = self._open(context)
            job_id = self._job_of(submission, event)
            self._on_job(job_id)
            hint = event or {}
            if hint.get("job_id") != job_id:
                # A cleared task's old trigger may still fire, and reach the new try.
                self.log.info("The event is not about job %s: %s", job_id, event)
                hint = {}
            if message := hint.get("message"):
                self.log.warning("The triggerer lost sight of job %s: %s", job_id, message)
            if hint.get("outcome") == DEADLINE:
                return self._finish(submission, self._expire(submission, job_id))
            return self._wait(context, submission, job_id)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Look after the job where the deferral ended without an event."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError) as error:
            with self._failures():
                submission = self._open(context)
                job_id = self._job_of(submission, None)
                self._on_job(job_id)
                if isinstance(error, TaskDeferralTimeout):  # the triggerer was too late to meet the deadline
                    return self._finish(submission, self._expire(submission, job_id))
                self.log.error("The trigger failed; the next try takes up job %s", job_id)
                raise

    def on_kill(self) -> None:
        """
        End the wait and cancel the job.

        Runs inside a signal handler: no supervisor calls, no locks that the interrupted code may hold
        (hence the thread), and never for long.
        """
        if self._interrupt is None:
            self._interrupt = Interrupt()
        self._interrupt.set()
        if self._service is None or self._job_id is None:
            return
        if not self.cancel_on_kill:
            self.log.info("The task was killed; job %s keeps running (cancel_on_kill is off)", self._job_id)
            return
        self.log.info("The task was killed; cancelling job %s", self._job_id)
        canceller = threading.Thread(
            target=self._cancel_and_see,
            args=(self._service, self._job_id),
            daemon=True,
            name="datalake-on-kill",
        )
        canceller.start()
        canceller.join(KILL_TIMEOUT)
        if canceller.is_alive():
            self.log.warning("Job %s has not confirmed its end yet; it may still be running", self._job_id)

    def _cancel_and_see(self, service: JobService, job_id: str) -> None:
        # A next try may follow at once (the task was cleared): it should find the job ended.
        self._cancel_quietly(service, job_id)
        until = time.monotonic() + KILL_TIMEOUT
        with suppress(DataLakeError):  # the failed cancel is in the log already
            while service.status(job_id).state.is_active and time.monotonic() < until:
                Interrupt().wait(0.2)

    def _cancel_quietly(self, service: JobService, job_id: str) -> None:
        try:
            service.cancel(job_id)
        except Exception:
            self.log.exception("Could not cancel job %s; it may still be running", job_id)

    def _open(self, context: Context) -> Submission:
        if self._interrupt is None:
            self._interrupt = Interrupt()
        self._service = self.job_service()
        submission = Submission(self._service, context["task_state_store"], self._interrupt, self.log)
        submission.load()
        return submission

    def _check_killed(self, when: str) -> None:
        if self._interrupt is not None and self._interrupt.is_set:
            raise JobCancelledError(f"The task was killed {when}", job_id=self._job_id or "")

    def _on_job(self, job_id: str) -> None:
        self._job_id = job_id
        if self._interrupt is not None and self._interrupt.is_set and self.cancel_on_kill and self._service:
            self._cancel_quietly(self._service, job_id)

    def _job_of(self, submission: Submission, event: Mapping[str, Any] | None) -> str:
        job_id = submission.intent.job_id if submission.intent is not None else None
        if job_id is None and event:
            job_id = event.get("job_id")
        if not isinstance(job_id, str) or not job_id:
            raise ConfigurationError(
                f"Neither the trigger's event nor the task state store names a job: {event!r}"
            )
        return job_id

    def _publish_link(self, context: Context, job_id: str) -> None:
        if self.job_link is None or self._service is None or not self.do_xcom_push:
            return
        try:
            link = self._service.link(job_id)
        except Exception as error:
            self.log.warning("No link to the page of job %s: %s", job_id, error)
            return
        if link:
            _mask_token(link)
            context["ti"].xcom_push(key=self.job_link.xcom_key, value=link)

    def _wait(self, context: Context, submission: Submission, job_id: str) -> Any:
        # The base class of triggers alone costs as much to import as all the rest of this module.
        from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger

        deadline = self._deadline(context)
        status = self._poll(submission, job_id, deadline, self.defer_after if self.deferrable else None)
        if status is not None:
            return self._finish(submission, status)
        since = submission.intent.created_at if submission.intent else time.time()
        self.defer(
            trigger=RemoteJobTrigger(
                hook=self.hook_path,
                job_id=job_id,
                since=since,
                poll_interval=self.poll_interval,
                deadline=deadline,
                cancel_on_kill=self.cancel_on_kill,
                **asdict(self.job_location()),
            ),
            method_name="execute_complete",
            timeout=None if deadline is None else timedelta(seconds=deadline - time.time() + DEADLINE_GRACE),
        )

    def _deadline(self, context: Context) -> float | None:
        if self.execution_timeout is None:
            return None
        return context["ti"].start_date.timestamp() + self.execution_timeout.total_seconds()

    def _poll(
        self, submission: Submission, job_id: str, deadline: float | None, limit: float | None
    ) -> JobStatus | None:
        """Look until the job has ended; give None when it has not within ``limit`` seconds."""
        began = seen = time.monotonic()
        shown = ""
        while True:
            try:
                status = self._look(submission.service, job_id)
            except ServiceError as error:
                if time.monotonic() - seen > PATIENCE:
                    raise
                self.log.warning("Cannot look at job %s at the moment: %s", job_id, error)
            else:
                seen = time.monotonic()
                if (line := describe(status)) != shown:
                    self.log.info("Job %s: %s", job_id, line)
                    shown = line
                if status.state.is_terminal:
                    return status
            waited = time.monotonic() - began
            left = min(
                math.inf if deadline is None else deadline - time.time(),
                math.inf if limit is None else limit - waited,
            )
            if left <= 0:
                late = deadline is not None and time.time() >= deadline
                return self._expire(submission, job_id) if late else None
            if submission.interrupt.wait(min(left, pause(waited, self.poll_interval))):
                self._check_killed(f"while it waited for job {job_id}")

    def _look(self, service: JobService, job_id: str) -> JobStatus:
        status = service.status(job_id)
        if status.state is not JobState.RUNNING:
            return status
        return replace(status, stages=service.progress(job_id))

    def _expire(self, submission: Submission, job_id: str) -> JobStatus:
        """Cancel the job at its deadline; give its status when it has succeeded after all."""
        submission.abandon("it was still active at the deadline")
        self.log.error("Job %s has reached the task's execution timeout; cancelling it", job_id)
        try:
            status = submission.stop(job_id, EXPIRY_PATIENCE)
        except ServiceError as error:
            raise JobTimeoutError(
                f"Job {job_id} did not end within the task's execution timeout of {self.execution_timeout}, "
                f"and may still be running: it could not be cancelled: {error}",
                job_id=job_id,
            ) from error
        if status.state is JobState.SUCCEEDED:
            return status
        raise JobTimeoutError(
            f"Job {job_id} did not end within the task's execution timeout of {self.execution_timeout}; "
            f"it is {status.state} now",
            job_id=job_id,
        )

    def _finish(self, submission: Submission, status: JobStatus) -> dict[str, JSON]:
        job_id = status.job_id
        if status.state is JobState.SUCCEEDED:
            result = submission.service.result(job_id, self.job_request(), submission.before)
            self.log.info("Job %s has succeeded: %s", job_id, result)
            return result
        if status.state is JobState.CANCELLED:
            raise JobCancelledError(f"Job {job_id} was cancelled: {status.message}", job_id=job_id)
        raise JobFailedError(
            f"Job {job_id} {'failed' if status.state is JobState.FAILED else 'is gone'}: {status.message}",
            job_id=job_id,
            code=status.code,
            retryable=status.retryable,
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Cancel on failure where that is wanted; let Airflow know what no retry can mend."""
        try:
            yield
        except DataLakeError as error:
            self._cancel_failed(error)
            if not isinstance(error, JobError):
                error.name_connection(self.job_location().conn_id)
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error
        except Exception as error:
            self._cancel_failed(error)
            raise

    def _cancel_failed(self, error: Exception) -> None:
        if not self.cancel_on_failure or self._service is None or self._job_id is None:
            return
        if isinstance(error, JobError) and error.job_id == self._job_id:
            return  # the job itself has ended, or was cancelled already
        self.log.info("The task failed; cancelling job %s (cancel_on_failure is on)", self._job_id)
        self._cancel_quietly(self._service, self._job_id)


def _mask_token(link: str) -> None:
    from urllib.parse import parse_qs, urlsplit

    from airflow.sdk.log import mask_secret

    for token in parse_qs(urlsplit(link).query).get("token", []):
        mask_secret(token)
