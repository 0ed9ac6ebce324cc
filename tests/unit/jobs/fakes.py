"""A service, a state store and a task instance that live in memory and can die at any moment."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.jobs.status import JobState, JobStatus, Stage

if TYPE_CHECKING:
    from collections.abc import Callable


class Killed(BaseException):
    """The worker was killed here; like a SIGKILL, nothing catches it."""


@dataclass(frozen=True)
class FakeRequest:
    text: str = "select 1"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class FakeJob:
    key: str
    request: Any
    looks: int = 0


class FakeStore(dict):
    """The task state store; ``kill_before_set`` dies instead of the n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.kill_before_set: int | None = None
        self.kill_after_set: int | None = None

    def set(self, key: str, value: Any) -> None:
        self.writes += 1
        if self.writes == self.kill_before_set:
            raise Killed
        self[key] = value
        if self.writes == self.kill_after_set:
            raise Killed


@dataclass
class FakeServer:
    """The remote service: one job per key, finished after ``looks_until_done`` looks."""

    looks_until_done: int = 1
    jobs: dict[str, FakeJob] = field(default_factory=dict)
    states: dict[str, JobStatus] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def submit(self, key: str, request: Any) -> str:
        with self.lock:
            for job_id, job in self.jobs.items():
                if job.key == key:
                    return job_id
            job_id = f"job-{len(self.jobs) + 1}"
            self.jobs[job_id] = FakeJob(key, request)
            self.states[job_id] = JobStatus(job_id, JobState.RUNNING)
            return job_id

    def end(self, job_id: str, state: JobState, **details: Any) -> None:
        with self.lock:
            self.states[job_id] = replace(self.states[job_id], state=state, **details)

    @property
    def active(self) -> list[str]:
        return [job_id for job_id, status in self.states.items() if status.state.is_active]

    def count(self, call: str) -> int:
        return self.calls.count(call)


class FakeService:
    """A client of :class:`FakeServer`; ``kill_at`` names the call in which the worker dies."""

    def __init__(self, server: FakeServer, kill_at: str = "") -> None:
        self.server = server
        self.kill_at = kill_at
        self.scope = {"project": "demo"}

    def _call(self, name: str) -> None:
        self.server.calls.append(name)
        self._die(name)

    def _die(self, moment: str) -> None:
        if self.kill_at == moment:
            raise Killed(moment)

    def survey(self, request: Any) -> dict[str, Any]:
        self._call("survey")
        return {"files": 12}

    def submit(self, request: Any, key: str, on_created: Any) -> str:
        self._call("submit")
        job_id = self.server.submit(key, request)
        self._die("answer")  # the service has the job, we have not heard of it
        on_created(job_id)
        self._die("after on_created")
        return job_id

    def find(self, key: str, since: float) -> str | None:
        self._call("find")
        return next((job_id for job_id, job in self.server.jobs.items() if job.key == key), None)

    def matches(self, job_id: str, request: Any, key: str) -> bool:
        self._call("matches")
        job = self.server.jobs[job_id]
        return (job.key, job.request) == (key, request)

    def statuses(self, job_ids: Any, since: float) -> dict[str, JobStatus]:
        self._call("statuses")
        return {job_id: self.server.states[job_id] for job_id in job_ids if job_id in self.server.states}

    def status(self, job_id: str) -> JobStatus:
        self._call("status")
        if job_id not in self.server.states:
            return JobStatus(job_id, JobState.GONE, message="unknown")
        job = self.server.jobs[job_id]
        job.looks += 1
        if self.server.states[job_id].state is JobState.RUNNING and job.looks > self.server.looks_until_done:
            self.server.end(job_id, JobState.SUCCEEDED)
        return self.server.states[job_id]

    def progress(self, job_id: str) -> tuple[Stage, ...]:
        self._call("progress")
        return (Stage("M1", min(99.0, 10.0 * self.server.jobs[job_id].looks)),)

    def cancel(self, job_id: str) -> None:
        self._call("cancel")
        if job_id in self.server.states and self.server.states[job_id].state.is_active:
            self.server.end(job_id, JobState.CANCELLED, message="stopped")

    def result(self, job_id: str, request: Any, before: Any) -> dict[str, Any]:
        self._call("result")
        return {"job_id": job_id, "files_before": before.get("files")}

    def link(self, job_id: str) -> str | None:
        self._call("link")
        return f"http://service/page?i={job_id}&token=very-secret-token"


class FakeTaskInstance:
    """What the operator uses of the task instance; XComs outlive it, as they do in Airflow."""

    def __init__(self, max_tries: int = 1, started: datetime | None = None) -> None:
        self.max_tries = max_tries
        self.start_date = started or datetime.now(tz=UTC)
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def long_ago(**kwargs: float) -> datetime:
    return datetime.now(tz=UTC) - timedelta(**kwargs)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in another thread
            await asyncio.sleep(0.005)
