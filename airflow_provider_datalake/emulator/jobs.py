"""Jobs: a bounded executor that runs them, lets them be watched and stopped, and never loses one."""

from __future__ import annotations

import heapq
import itertools
import logging
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.job_control import (
    JobCancelled,
    JobControl,
    JobFailure,
    StageHandle,
)
from airflow_provider_datalake.emulator.job_store import ACTIVE, Job, JobFilter, JobState, JobStore, Stage

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

SYSTEM_ERROR = "ODPS-0010000:System internal error - "
STOPPED_MESSAGE = "the emulator was stopped while the job ran"
_RETRY_SECONDS = 1.0
_ID_ALPHABET = string.ascii_lowercase + string.digits


class JobNotActive(Exception):
    """The job has ended already and cannot be stopped."""


Runner = Callable[[Job, JobControl], dict[str, Any]]


class JobQueue:
    """
    Runs jobs on a bounded number of threads, in the order of priority and submission.

    :param data_dir: where jobs and their result files are kept
    :param workers: how many jobs run at the same time
    :param is_committed: tells whether the writes of a job, given by id, became visible
    :param system_error: how the service begins its messages about its own failures
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        workers: int,
        is_committed: Callable[[str], bool],
        system_error: str = SYSTEM_ERROR,
    ) -> None:
        self.store = JobStore(data_dir / "jobs.db")
        self._results = data_dir / "results"
        self._results.mkdir(parents=True, exist_ok=True)
        self._workers = workers
        self._is_committed = is_committed
        self._system_error = system_error
        self._runners: dict[str, Runner] = {}
        self._condition = threading.Condition()
        self._heap: list[tuple[int, int, str]] = []
        self._order = itertools.count()
        self._controls: dict[str, JobControl] = {}
        self._endings: dict[str, Future[None]] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def register(self, kind: str, runner: Runner) -> None:
        """
        Say how jobs of a kind are run.

        :param kind: the kind
        :param runner: called on a worker thread; what it returns is the job's result
        """
        self._runners[kind] = runner

    def start(self) -> None:
        """Settle what an earlier process left behind, then begin to run jobs."""
        for job in self.store.page(JobFilter(states=(JobState.RUNNING,)), limit=-1):
            self._recover(job)
        for job in self.store.page(JobFilter(states=(JobState.WAITING,)), limit=-1):
            self._enqueue(job)
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, name=f"job-worker-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _recover(self, job: Job) -> None:
        committed = self._is_committed(job.id)
        log.warning(
            "Job %s ran when the emulator was stopped; its writes are %svisible",
            job.id,
            "" if committed else "not ",
        )
        self.store.mark_finished(
            job.id,
            JobState.SUCCESS if committed else JobState.FAILED,
            time.time(),
            error="" if committed else f"{self._system_error}{STOPPED_MESSAGE}",
        )

    def stop(self, timeout: float = 10.0) -> None:
        """
        Interrupt the running jobs, which fail, and end the threads; waiting jobs stay for the next start.

        A job that does not end in time keeps its state, and the next start settles it.

        :param timeout: seconds to wait for the threads
        """
        with self._condition:
            self._stopping = True
            controls = list(self._controls.values())
            self._condition.notify_all()
        for control in controls:
            control.cancel()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._condition:
            endings, self._endings = self._endings, {}
        for ending in endings.values():
            ending.set_result(None)

    def close(self) -> None:
        self.store.close()

    def submit(
        self,
        kind: str,
        scope: str,
        request: dict[str, Any],
        *,
        key: str | None = None,
        name: str = "",
        owner: str = "",
        priority: int = 9,
        job_id: str | None = None,
    ) -> tuple[Job, bool]:
        """
        Submit a job, unless its key names an earlier one.

        :param kind: a registered kind
        :param scope: what the key is unique in
        :param request: what to do, as JSON
        :param key: de-duplication key
        :param name: the client's name for the job
        :param owner: who submits it
        :param priority: lower is sooner
        :param job_id: the job's id, where the client chooses it
        :return: the job that has the key, and whether it is a new one
        """
        if kind not in self._runners:
            raise KeyError(f"no runner for jobs of kind {kind!r}")
        now = time.time()
        new = Job(
            id=job_id or _new_id(now),
            kind=kind,
            scope=scope,
            request=request,
            key=key,
            name=name,
            owner=owner,
            priority=priority,
            created_at=now,
        )
        job, created = self.store.add(new)
        if created:
            self._enqueue(job)
        return job, created

    def get(self, job_id: str) -> Job | None:
        """
        Look a job up.

        :param job_id: its id
        :return: the job with its present progress, None when there is none
        """
        job = self.store.get(job_id)
        return self._live(job) if job else None

    def page(
        self, which: JobFilter, *, limit: int, after: int | None = None, newest_first: bool = False
    ) -> list[Job]:
        """
        List one page of jobs with their present progress.

        :param which: the filter
        :param limit: how many at most
        :param after: sequence of the last job of the page before
        :param newest_first: the order; oldest first otherwise
        :return: the jobs
        """
        jobs = self.store.page(which, limit=limit, after=after, newest_first=newest_first)
        return [self._live(job) for job in jobs]

    def _live(self, job: Job) -> Job:
        if job.state is not JobState.RUNNING:
            return job
        control = self._controls.get(job.id)
        # Without a control it has ended since it was read.
        return replace(job, stages=control.stages()) if control else self.store.get(job.id) or job

    def ending(self, job_id: str) -> Future[None] | None:
        """
        Give something to wait for until an active job ends.

        :param job_id: the job
        :return: a future that must not be cancelled, None when the job is not active
        """
        with self._condition:
            return self._endings.get(job_id)

    def cancel(self, job_id: str) -> None:
        """
        Ask a job to stop; a waiting one ends at once, a running one as soon as it notices.

        :param job_id: the job
        :raises JobNotActive: when it has ended already
        """
        if self.store.mark_finished(job_id, JobState.CANCELLED, time.time(), only_from=(JobState.WAITING,)):
            self._end(job_id)
            return
        job = self.store.get(job_id)
        if job is None or not job.state.is_active:
            raise JobNotActive(job_id)
        control = self._controls.get(job_id)
        if control is not None:
            control.cancel()

    def result_path(self, job_id: str) -> Path:
        """
        Tell where a job's result file is.

        :param job_id: the job
        :return: the path, whether or not the file exists
        """
        return self._results / f"{job_id}.arrow"

    def expire_results(self, ended_before: float) -> int:
        """
        Remove the result files of jobs that ended long ago; the jobs themselves are kept.

        :param ended_before: seconds since the epoch
        :return: how many files were removed
        """
        present = {path.stem: path for path in self._results.iterdir()}
        expired = self.store.ended_before(ended_before, present)
        for job_id in expired:
            present[job_id].unlink(missing_ok=True)
        return len(expired)

    def _enqueue(self, job: Job) -> None:
        with self._condition:
            self._endings[job.id] = Future()
            heapq.heappush(self._heap, (job.priority, next(self._order), job.id))
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._heap and not self._stopping:
                    self._condition.wait()
                if self._stopping:
                    return
                job_id = heapq.heappop(self._heap)[2]
                control = self._controls[job_id] = JobControl(job_id, self.result_path(job_id))
            try:
                self._run(job_id, control)
            except Exception:
                # The thread must live on for the other jobs.
                log.exception("Could not run job %s", job_id)
            finally:
                self._controls.pop(job_id, None)
                self._end(job_id)

    def _run(self, job_id: str, control: JobControl) -> None:
        if not self._record(lambda: self.store.mark_running(job_id, time.time())):
            return
        job = self.store.get(job_id)
        if job is None:
            raise LookupError(f"job {job_id} has no record")
        state, result, error = self._execute(job, control)
        ended_at, stages = time.time(), control.stages()
        self._record(
            lambda: self.store.mark_finished(
                job_id, state, ended_at, result=result, error=error, stages=stages
            )
        )

    def _record(self, write: Callable[[], bool]) -> bool:
        """Write to the store, on a full disk again and again: without its end a job is awaited for good."""
        while True:
            try:
                return write()
            except sqlite3.OperationalError:
                log.exception("Could not record the state of a job; trying again")
            with self._condition:
                # What could not be recorded is settled by the next start.
                if self._condition.wait_for(lambda: self._stopping, _RETRY_SECONDS):
                    return False

    def _execute(self, job: Job, control: JobControl) -> tuple[JobState, dict[str, Any], str]:
        try:
            control.check()
            return JobState.SUCCESS, self._runners[job.kind](job, control), ""
        except Exception as error:
            # What became visible cannot be taken back: the job did what it was asked to do.
            if self._is_committed(job.id):
                log.exception("Job %s failed after its commit", job.id)
                return JobState.SUCCESS, {}, ""
            if self._stopping:
                return JobState.FAILED, {}, f"{self._system_error}{STOPPED_MESSAGE}"
            if control.cancelled:
                return JobState.CANCELLED, {}, ""
            if isinstance(error, JobFailure):
                return JobState.FAILED, {}, str(error)
            log.exception("Job %s met a defect of the emulator", job.id)
            message = f"{self._system_error}{type(error).__name__}: {error}"
            return JobState.FAILED, {}, message

    def _end(self, job_id: str) -> None:
        with self._condition:
            ending = self._endings.pop(job_id, None)
        if ending is not None:
            ending.set_result(None)


def _new_id(now: float) -> str:
    moment = datetime.fromtimestamp(now, UTC)
    stamp = moment.strftime("%Y%m%d%H%M%S") + f"{moment.microsecond // 1000:03d}"
    return f"{stamp}g{''.join(secrets.choice(_ID_ALPHABET) for _ in range(9))}"


__all__ = [
    "ACTIVE",
    "Job",
    "JobCancelled",
    "JobControl",
    "JobFailure",
    "JobFilter",
    "JobNotActive",
    "JobQueue",
    "JobState",
    "Stage",
    "StageHandle",
]
