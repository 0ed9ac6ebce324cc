"""Jobs: a bounded executor that runs them, lets them be watched and stopped, and never loses one."""

from __future__ import annotations

import heapq
import itertools
import logging
import secrets
import string
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.job_store import ACTIVE, Job, JobFilter, JobState, JobStore, Stage

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

STOPPED_MESSAGE = "ODPS-0010000:System internal error - the emulator was stopped while the job ran"
_ID_ALPHABET = string.ascii_lowercase + string.digits


class JobCancelled(Exception):
    """Raised inside a job's runner once somebody asked the job to stop."""


class JobFailure(Exception):
    """A job's own failure, whose text the user is to see."""


class JobNotActive(Exception):
    """The job has ended already and cannot be stopped."""


Runner = Callable[[Job, "JobControl"], dict[str, Any]]


class StageHandle:
    """
    Reports the progress of one stage.

    :param control: the job's control
    :param index: the stage's position
    """

    def __init__(self, control: JobControl, index: int) -> None:
        self._control = control
        self._index = index

    def update(
        self, percent: float, *, input_records: int | None = None, output_records: int | None = None
    ) -> None:
        """
        Report progress; a value below the last one is ignored.

        :param percent: how much is done, 0 to 100
        :param input_records: rows read so far
        :param output_records: rows written so far
        """
        self._control._advance(self._index, percent, input_records, output_records)

    def done(self) -> None:
        """Report that the stage is complete."""
        self._control._advance(self._index, 100.0, None, None)


class JobControl:
    """
    What a running job and its watchers share.

    :param job_id: the job's id
    :param result_path: where the job may write its result file
    """

    def __init__(self, job_id: str, result_path: Path) -> None:
        self.job_id = job_id
        self.result_path = result_path
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], object]] = []
        self._stages: list[Stage] = []

    def check(self) -> None:
        """
        Give up when the job was asked to stop.

        :raises JobCancelled: when it was
        """
        if self._cancelled:
            raise JobCancelled(self.job_id)

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """
        Call something when the job is asked to stop; at once when it already was.

        :param callback: called from another thread, e.g. a connection's ``interrupt``
        """
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        callback()

    @contextmanager
    def interrupting(self, callback: Callable[[], object]) -> Iterator[None]:
        """
        Call something when the job is asked to stop, but only within a block.

        :param callback: called from another thread, e.g. a connection's ``interrupt``
        """
        self.on_cancel(callback)
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

    def cancel(self) -> None:
        """Ask the job to stop."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception:
                # E.g. a connection that has been closed since: the other callbacks still have to be called.
                log.exception("Could not interrupt job %s", self.job_id)

    def stage(self, name: str, total_workers: int = 1) -> StageHandle:
        """
        Begin a stage.

        :param name: e.g. ``M1``
        :param total_workers: how many workers share it
        :return: the handle that reports its progress
        """
        with self._lock:
            self._stages.append(Stage(name, total_workers=total_workers, running_workers=total_workers))
            return StageHandle(self, len(self._stages) - 1)

    def stages(self) -> tuple[Stage, ...]:
        """
        Look at the progress.

        :return: the stages begun so far
        """
        with self._lock:
            return tuple(self._stages)

    def _advance(
        self, index: int, percent: float, input_records: int | None, output_records: int | None
    ) -> None:
        with self._lock:
            stage = self._stages[index]
            percent = min(100.0, max(stage.percent, percent))
            self._stages[index] = replace(
                stage,
                percent=percent,
                running_workers=0 if percent >= 100.0 else stage.total_workers,
                input_records=stage.input_records if input_records is None else input_records,
                output_records=stage.output_records if output_records is None else output_records,
            )


class JobQueue:
    """
    Runs jobs on a bounded number of threads, in the order of priority and submission.

    :param data_dir: where jobs and their result files are kept
    :param workers: how many jobs run at the same time
    :param is_committed: tells whether the writes of a job, given by id, became visible
    """

    def __init__(self, data_dir: Path, *, workers: int, is_committed: Callable[[str], bool]) -> None:
        self.store = JobStore(data_dir / "jobs.db")
        self._results = data_dir / "results"
        self._results.mkdir(parents=True, exist_ok=True)
        self._workers = workers
        self._is_committed = is_committed
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
            error="" if committed else STOPPED_MESSAGE,
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
    ) -> tuple[Job, bool]:
        """
        Submit a job, unless its key names an earlier one.

        :param kind: a registered kind
        :param scope: what the key is unique in
        :param request: what to do, as JSON
        :param key: de-duplication key
        :param name: the client's name for the job
        :param owner: who submits it
        :param priority: 0 (first) to 9
        :return: the job that has the key, and whether it is a new one
        """
        if kind not in self._runners:
            raise KeyError(f"no runner for jobs of kind {kind!r}")
        now = time.time()
        new = Job(
            id=_new_id(now),
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
                # Only the store itself can fail here; the thread must live on for the other jobs.
                log.exception("Could not record the end of job %s", job_id)
            finally:
                self._controls.pop(job_id, None)
                self._end(job_id)

    def _run(self, job_id: str, control: JobControl) -> None:
        if not self.store.mark_running(job_id, time.time()):
            return
        job = self.store.get(job_id)
        if job is None:
            raise LookupError(f"job {job_id} has no record")
        state, result, error = self._execute(job, control)
        self.store.mark_finished(
            job_id, state, time.time(), result=result, error=error, stages=control.stages()
        )

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
                return JobState.FAILED, {}, STOPPED_MESSAGE
            if control.cancelled:
                return JobState.CANCELLED, {}, ""
            if isinstance(error, JobFailure):
                return JobState.FAILED, {}, str(error)
            log.exception("Job %s met a defect of the emulator", job.id)
            message = f"ODPS-0010000:System internal error - {type(error).__name__}: {error}"
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
