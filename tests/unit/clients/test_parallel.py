"""Jobs in threads: all are done, the first failure ends the others, and nobody waits for ever."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients import parallel
from airflow_provider_datalake.clients.parallel import Jobs, Progress, Stopped


@given(st.integers(0, 30), st.integers(0, 5), st.integers(1, 6))
def test_all_jobs_are_done_and_those_that_they_bring(count: int, brought: int, threads: int) -> None:
    done: list[int] = []

    def begin(number: int) -> list[Any]:
        done.append(number)
        return [partial(done.append, number) for _ in range(brought)]

    Jobs([partial(begin, number) for number in range(count)], threading.Event()).run(threads, "test")
    assert sorted(done) == sorted(list(range(count)) * (1 + brought))


def test_jobs_that_one_brings_are_shared_by_all_threads() -> None:
    together = threading.Barrier(3, timeout=10)

    def meet() -> None:
        together.wait()

    Jobs([lambda: [meet, meet, meet]], threading.Event()).run(3, "test")
    assert not together.broken


def test_the_first_failure_ends_all() -> None:
    done: list[int] = []

    def fails() -> None:
        raise ValueError("this one")

    jobs = Jobs(
        [*[partial(done.append, n) for n in range(3)], fails, *[partial(done.append, 9)] * 1000],
        threading.Event(),
    )
    with pytest.raises(ValueError, match="this one"):
        jobs.run(1, "test")
    assert done == [0, 1, 2]


def test_a_job_under_way_can_end_early_and_the_failure_is_told() -> None:
    jobs = Jobs((), threading.Event())
    both = threading.Barrier(2, timeout=10)

    def fails() -> None:
        both.wait()
        raise ValueError("this one")

    def goes_on() -> None:
        both.wait()
        while True:
            jobs.check()

    jobs = Jobs([fails, goes_on], threading.Event())
    with pytest.raises(ValueError, match="this one"):
        jobs.run(2, "test")


def test_somebody_can_stop_them() -> None:
    stop = threading.Event()
    jobs = Jobs([stop.set, *[lambda: None] * 10], stop)
    with pytest.raises(Stopped, match="the transfer was stopped"):
        jobs.run(1, "test")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test")]


def test_no_jobs_are_fine() -> None:
    Jobs((), threading.Event()).run(4, "test")


def test_progress_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    monkeypatch.setattr(parallel.time, "monotonic", lambda: now[0])
    progress = Progress("Uploaded", 3, 300)
    with caplog.at_level(logging.INFO):
        progress.add(files=1, size=100)
        assert caplog.messages == []
        now[0] = 11.0
        progress.add(files=1, size=50)
        progress.add(size=150)
    assert caplog.messages == ["Uploaded 2 of 3 files, 150 of 300 bytes"]
