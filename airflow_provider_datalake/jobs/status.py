"""What is known about a remote job: its state, its stages, and when to look again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """The states of a remote job, the same for every service."""

    QUEUED = "queued"
    RUNNING = "running"
    SUSPENDED = "suspended"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"
    """The service does not know the job (any more)."""

    @property
    def is_terminal(self) -> bool:
        """Whether the job will never change again."""
        return self not in _ACTIVE

    @property
    def is_active(self) -> bool:
        """Whether the job still runs, waits or sleeps in the service."""
        return self in _ACTIVE


_ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED})


@dataclass(frozen=True)
class Stage:
    """
    One stage of a running job.

    :param name: the stage's name in the service
    :param percent: how much of it is done, 0 to 100
    :param workers: how many workers it has, 0 when unknown
    :param finished_workers: how many of them are done
    :param input_records: rows read so far
    :param output_records: rows written so far
    """

    name: str
    percent: float
    workers: int = 0
    finished_workers: int = 0
    input_records: int = 0
    output_records: int = 0

    def __str__(self) -> str:
        workers = f" {self.finished_workers}/{self.workers}" if self.workers else ""
        return f"{self.name}{workers} [{self.percent:.0f}%]"


@dataclass(frozen=True)
class JobStatus:
    """
    What the service says about one job at one moment.

    :param job_id: the job's id in the service
    :param state: its state
    :param code: the service's error code, for a failed job
    :param message: the service's own words, for a failed job
    :param retryable: False when the service says that the request itself is wrong
    :param stages: progress by stage, where it was asked for
    :param submitted_at: epoch seconds, where the service tells it apart from the start
    :param started_at: epoch seconds
    :param ended_at: epoch seconds
    """

    job_id: str
    state: JobState
    code: str = ""
    message: str = ""
    retryable: bool = True
    stages: tuple[Stage, ...] = ()
    submitted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None


def describe(status: JobStatus) -> str:
    """
    Say in one line where a job is.

    :param status: what the service said
    :return: for the log, e.g. ``running: M1 2/4 [50%], R2_1 0/1 [0%]``
    """
    if not status.stages:
        return str(status.state)
    return f"{status.state}: {', '.join(str(stage) for stage in status.stages)}"


def pause(waited: float, limit: float, *, first: float = 0.5, jitter: float = 0.1) -> float:
    """
    Choose how long to wait before the next look at a job.

    Short jobs are seen quickly and long ones looked at seldom; jitter keeps apart those that began together.

    :param waited: seconds since the wait began
    :param limit: the longest pause, in seconds
    :param first: the shortest pause, in seconds
    :param jitter: how far the pause may stray, as a fraction
    :return: seconds
    """
    length = min(limit, max(first, waited / 4))
    return length * random.uniform(1 - jitter, 1 + jitter)
