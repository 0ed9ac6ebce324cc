"""From a request to exactly one job, whatever happened to earlier tries of the task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_datalake.exceptions import ConflictError, JobCancelledError, JobTimeoutError
from airflow_provider_datalake.jobs.intent import Action, Intent, decide, digest
from airflow_provider_datalake.jobs.service import JSON, ListingNotAllowed
from airflow_provider_datalake.jobs.status import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.jobs.interrupt import Interrupt
    from airflow_provider_datalake.jobs.service import JobRequest, JobService
    from airflow_provider_datalake.jobs.status import JobStatus

STORE_KEY = "remote_job"
"""Where a task's intent is in its state store."""
CANCEL_PATIENCE = 300.0
"""Seconds that a cancelled job may take to end before its successor's submit is given up."""


class TaskLog(Protocol):
    """Where the task says what it does."""

    def info(self, message: str, /, *args: Any) -> Any:
        """Say what goes on."""
        ...

    def warning(self, message: str, /, *args: Any) -> Any:
        """Say what a person should know."""
        ...


class IntentStore(Protocol):
    """What survives a worker: Airflow's task state store, or a stand-in for it."""

    def get(self, key: str, default: Any = None) -> Any:
        """Read a value."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        ...


class Submission:
    """
    One task's claim on one job.

    :param service: the service
    :param store: where the intent is kept
    :param interrupt: ends waits when the task is killed
    :param log: the task's log
    """

    def __init__(self, service: JobService, store: IntentStore, interrupt: Interrupt, log: TaskLog) -> None:
        self.service = service
        self.intent: Intent | None = None
        self._store = store
        self.interrupt = interrupt
        self._log = log

    def load(self) -> Intent | None:
        """
        Read what an earlier try, or the try before the deferral, has stored.

        :return: the intent, None when there is none
        """
        self.intent = Intent.from_json(self._store.get(STORE_KEY))
        return self.intent

    def begin(self, request: JobRequest, max_tries: int, on_job: Callable[[str], None]) -> str:
        """
        Submit the job, or take up the one of an earlier try.

        :param request: the rendered request
        :param max_tries: the task instance's ``max_tries``
        :param on_job: called with the job's id at the first moment it is known
        :return: the job's id
        :raises ConflictError: when the service answers with a job that is not this one
        """
        digests = digest({**self.service.scope, **request.to_json()})
        intent = self.load()
        known = self.service.status(intent.job_id) if intent and intent.job_id else None
        decision = decide(intent, digests=digests, max_tries=max_tries, status=known)
        if intent is not None:
            self._log.info("Found the intent of an earlier try: %s; %s", decision.reason, decision.action)
        if intent is not None and intent.job_id and decision.action in (Action.ATTACH, Action.COLLECT):
            on_job(intent.job_id)
            return intent.job_id
        if intent is not None and decision.action is Action.REPLACE:
            self._clear_away(intent)
        if intent is None or decision.action is not Action.RESUBMIT:
            intent = self._save(Intent.fresh(digests, max_tries, before=self.service.survey(request)))
        return self._submit(intent, request, on_job)

    def abandon(self, reason: str) -> None:
        """
        Store that this task no longer wants its job.

        :param reason: why, for the log of the next try
        """
        if self.intent is not None and not self.intent.abandoned:
            self._save(self.intent.abandon(reason))

    def stop(self, job_id: str, patience: float = CANCEL_PATIENCE) -> JobStatus:
        """
        Cancel a job and await its end.

        :param job_id: the job
        :param patience: seconds that it may take
        :return: how it ended
        :raises JobTimeoutError: when it does not end in time
        """
        self.service.cancel(job_id)
        began = time.monotonic()
        while True:
            status = self.service.status(job_id)
            if status.state.is_terminal:
                return status
            waited = time.monotonic() - began
            if waited > patience:
                raise JobTimeoutError(
                    f"Job {job_id} is still {status.state} {patience:.0f} seconds after it was cancelled",
                    job_id=job_id,
                )
            if self.interrupt.wait(pause(waited, 5.0)):
                raise JobCancelledError("The task was killed", job_id=job_id)

    @property
    def before(self) -> dict[str, JSON]:
        """What was measured before the submit."""
        return dict(self.intent.before) if self.intent is not None else {}

    def _submit(self, intent: Intent, request: JobRequest, on_job: Callable[[str], None]) -> str:
        def remember(job_id: str) -> None:
            on_job(job_id)
            self._save(intent.with_job(job_id))

        job_id = self.service.submit(request, intent.key, remember)
        if not self.service.matches(job_id, request, intent.key):
            raise ConflictError(
                f"The service answered the submit with job {job_id}, which does not run what was submitted "
                f"under key {intent.key}; it is left alone"
            )
        return job_id

    def _clear_away(self, intent: Intent) -> None:
        job_id = intent.job_id or self._search(intent)
        if job_id is None:
            return
        status = self.service.status(job_id)
        if status.state.is_active:
            self._log.warning("Cancelling job %s, which is %s and no longer wanted", job_id, status.state)
            status = self.stop(job_id)
        self._log.info("The earlier job %s is %s", job_id, status.state)

    def _search(self, intent: Intent) -> str | None:
        try:
            return self.service.find(intent.key, intent.created_at)
        except ListingNotAllowed as error:
            self._log.warning(
                "An earlier try may have left a running job behind, which cannot be looked for: %s",
                error,
            )
            return None

    def _save(self, intent: Intent) -> Intent:
        self.intent = intent
        self._store.set(STORE_KEY, intent.to_json())
        return intent
