from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.emulator import jobs
from airflow_provider_datalake.emulator.jobs import (
    Job,
    JobCancelled,
    JobControl,
    JobFailure,
    JobFilter,
    JobNotActive,
    JobQueue,
    JobState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAIT = 10


def make_queue(
    path: Path, *, workers: int = 2, is_committed: Callable[[str], bool] = lambda job_id: False
) -> JobQueue:
    queue = JobQueue(path, workers=workers, is_committed=is_committed)
    queue.register("echo", lambda job, control: {"said": job.request["say"]})
    queue.register("fail", _fail)
    queue.register("defect", _defect)
    queue.register("until-cancelled", _until_cancelled)
    return queue


def _fail(job: Job, control: JobControl) -> dict[str, Any]:
    raise JobFailure("ODPS-0130131:[1,15] Table not found")


def _defect(job: Job, control: JobControl) -> dict[str, Any]:
    raise ZeroDivisionError("a bug")


def _until_cancelled(job: Job, control: JobControl) -> dict[str, Any]:
    stop = threading.Event()
    stage = control.stage("M1")
    stage.update(40.0, input_records=7)
    control.on_cancel(stop.set)
    assert stop.wait(WAIT)
    control.check()
    raise AssertionError("check must raise after a cancel")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    queue = make_queue(tmp_path)
    queue.start()
    yield queue
    queue.stop()
    queue.close()


def wait(queue: JobQueue, job_id: str) -> Job:
    ending = queue.ending(job_id)
    if ending is not None:
        ending.result(WAIT)
    job = queue.get(job_id)
    assert job is not None
    return job


def wait_running(queue: JobQueue, job_id: str) -> Job:
    poll = threading.Event()
    for _ in range(1000):
        job = queue.get(job_id)
        assert job is not None
        if job.stages:
            return job
        poll.wait(0.01)
    raise AssertionError("the job did not start")


def test_a_job_runs_and_keeps_its_result(queue: JobQueue) -> None:
    job, created = queue.submit("echo", "demo", {"say": "hi"}, name="greeting", owner="me")
    job = wait(queue, job.id)
    assert created
    assert (job.state, job.result, job.name, job.owner) == (
        JobState.SUCCESS,
        {"said": "hi"},
        "greeting",
        "me",
    )
    assert job.created_at <= job.started_at <= job.ended_at  # type: ignore[operator]


def test_a_failure_keeps_its_message(queue: JobQueue) -> None:
    job = wait(queue, queue.submit("fail", "demo", {})[0].id)
    assert (job.state, job.error) == (JobState.FAILED, "ODPS-0130131:[1,15] Table not found")


def test_a_defect_fails_the_job_and_leaves_the_thread_alive(queue: JobQueue) -> None:
    for _ in range(5):
        job = wait(queue, queue.submit("defect", "demo", {})[0].id)
        assert job.state is JobState.FAILED
        assert job.error == "ODPS-0010000:System internal error - ZeroDivisionError: a bug"


def test_the_first_job_with_a_key_wins(queue: JobQueue) -> None:
    first, _ = queue.submit("echo", "demo", {"say": "one"}, key="k")
    second, created = queue.submit("echo", "demo", {"say": "two"}, key="k")
    assert (second.id, created) == (first.id, False)
    assert wait(queue, first.id).result == {"said": "one"}


def test_keys_of_other_scopes_do_not_meet(queue: JobQueue) -> None:
    first, _ = queue.submit("echo", "demo", {"say": "one"}, key="k")
    second, created = queue.submit("echo", "other", {"say": "two"}, key="k")
    assert created
    assert second.id != first.id


def test_fifty_concurrent_submits_of_one_key_make_one_job(queue: JobQueue) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: queue.submit("echo", "demo", {"say": str(n)}, key="k"), range(50)))
    assert len({job.id for job, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1
    assert len(queue.page(JobFilter(), limit=100)) == 1


def test_keys_hold_across_a_restart(tmp_path: Path) -> None:
    first = make_queue(tmp_path)
    first.start()
    job, _ = first.submit("echo", "demo", {"say": "one"}, key="k")
    wait(first, job.id)
    first.stop()
    first.close()
    second = make_queue(tmp_path)
    second.start()
    again, created = second.submit("echo", "demo", {"say": "two"}, key="k")
    second.stop()
    second.close()
    assert (again.id, created) == (job.id, False)


def test_a_running_job_shows_its_progress(queue: JobQueue) -> None:
    job = wait_running(queue, queue.submit("until-cancelled", "demo", {})[0].id)
    assert (job.state, job.stages[0].percent, job.stages[0].input_records) == (JobState.RUNNING, 40.0, 7)
    queue.cancel(job.id)


def test_progress_never_falls(tmp_path: Path) -> None:
    control = JobControl("j", tmp_path / "result")
    stage = control.stage("M1", total_workers=3)
    for percent in (10.0, 5.0, 150.0):
        stage.update(percent)
    assert [(s.percent, s.running_workers) for s in control.stages()] == [(100.0, 0)]


def test_cancel_interrupts_a_running_job_and_keeps_its_last_progress(queue: JobQueue) -> None:
    job = wait_running(queue, queue.submit("until-cancelled", "demo", {})[0].id)
    queue.cancel(job.id)
    job = wait(queue, job.id)
    assert (job.state, job.error, job.stages[0].percent) == (JobState.CANCELLED, "", 40.0)


def test_cancel_ends_a_waiting_job_that_then_never_runs(tmp_path: Path) -> None:
    queue = make_queue(tmp_path, workers=1)
    queue.start()
    blocker = wait_running(queue, queue.submit("until-cancelled", "demo", {})[0].id)
    waiting, _ = queue.submit("echo", "demo", {"say": "never"})
    queue.cancel(waiting.id)
    assert wait(queue, waiting.id).state is JobState.CANCELLED
    queue.cancel(blocker.id)
    after = wait(queue, queue.submit("echo", "demo", {"say": "after"})[0].id)
    cancelled = queue.get(waiting.id)
    queue.stop()
    queue.close()
    assert after.state is JobState.SUCCESS
    assert cancelled is not None
    assert (cancelled.state, cancelled.started_at) == (JobState.CANCELLED, None)


def test_a_job_that_ended_cannot_be_cancelled(queue: JobQueue) -> None:
    job = wait(queue, queue.submit("echo", "demo", {"say": "x"})[0].id)
    with pytest.raises(JobNotActive):
        queue.cancel(job.id)
    assert wait(queue, job.id).state is JobState.SUCCESS


def test_a_callback_registered_after_the_cancel_is_called_at_once(tmp_path: Path) -> None:
    control = JobControl("j", tmp_path / "result")
    control.cancel()
    called = threading.Event()
    control.on_cancel(called.set)
    assert called.is_set()
    with pytest.raises(JobCancelled):
        control.check()


def test_a_callback_is_not_called_after_its_block(tmp_path: Path) -> None:
    control = JobControl("j", tmp_path / "result")
    called = threading.Event()
    with control.interrupting(called.set):
        pass
    control.cancel()
    assert not called.is_set()


def test_an_interrupt_is_repeated_until_its_block_has_ended(tmp_path: Path) -> None:
    control = JobControl("j", tmp_path / "result")
    calls = threading.Semaphore(0)
    with control.interrupting(calls.release):
        control.cancel()
        assert all(calls.acquire(timeout=10) for _ in range(3))


def test_a_failing_callback_does_not_keep_the_others_from_being_called(tmp_path: Path) -> None:
    control = JobControl("j", tmp_path / "result")
    called = threading.Event()
    control.on_cancel(lambda: 1 / 0)
    control.on_cancel(called.set)
    control.cancel()
    assert called.is_set()


def test_lower_priorities_run_first(tmp_path: Path) -> None:
    queue = make_queue(tmp_path, workers=1)
    order: list[str] = []
    queue.register("note", lambda job, control: order.append(job.request["name"]) or {})
    queue.start()
    blocker = wait_running(queue, queue.submit("until-cancelled", "demo", {})[0].id)
    late, _ = queue.submit("note", "demo", {"name": "late"}, priority=9)
    early, _ = queue.submit("note", "demo", {"name": "early"}, priority=1)
    queue.cancel(blocker.id)
    wait(queue, late.id)
    wait(queue, early.id)
    queue.stop()
    queue.close()
    assert order == ["early", "late"]


def test_stop_fails_running_jobs_and_the_next_start_runs_waiting_ones(tmp_path: Path) -> None:
    first = make_queue(tmp_path, workers=1)
    first.start()
    running = wait_running(first, first.submit("until-cancelled", "demo", {})[0].id)
    waiting, _ = first.submit("echo", "demo", {"say": "later"})
    first.stop()
    first.close()
    second = make_queue(tmp_path, workers=1)
    second.start()
    finished = wait(second, waiting.id)
    stopped = wait(second, running.id)
    second.stop()
    second.close()
    assert (finished.state, finished.result) == (JobState.SUCCESS, {"said": "later"})
    assert stopped.state is JobState.FAILED
    assert "the emulator was stopped" in stopped.error


@pytest.mark.parametrize(("committed", "state"), [(True, JobState.SUCCESS), (False, JobState.FAILED)])
def test_a_job_found_running_at_the_start_is_settled_by_its_commit(
    tmp_path: Path, committed: bool, state: JobState
) -> None:
    first = make_queue(tmp_path)
    job, _ = first.submit("echo", "demo", {"say": "x"})
    assert first.store.mark_running(job.id, 1.0)
    first.close()
    second = make_queue(tmp_path, is_committed=lambda job_id: committed)
    second.start()
    settled = second.get(job.id)
    second.stop()
    second.close()
    assert settled is not None
    assert settled.state is state
    assert bool(settled.error) is not committed


def test_a_failure_after_the_commit_is_a_success(tmp_path: Path) -> None:
    queue = make_queue(tmp_path, is_committed=lambda job_id: True)
    queue.start()
    job = wait(queue, queue.submit("fail", "demo", {})[0].id)
    queue.stop()
    queue.close()
    assert job.state is JobState.SUCCESS


def test_an_end_that_cannot_be_recorded_is_recorded_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make_queue(tmp_path)
    monkeypatch.setattr(jobs, "_RETRY_SECONDS", 0.01)
    for name in ("mark_running", "mark_finished"):
        monkeypatch.setattr(queue.store, name, _failing_once(getattr(queue.store, name)))
    queue.start()
    job = wait(queue, queue.submit("echo", "demo", {"say": "x"})[0].id)
    assert (job.state, job.result) == (JobState.SUCCESS, {"said": "x"})
    queue.stop()
    queue.close()


def _failing_once(write: Callable[..., bool]) -> Callable[..., bool]:
    failures = iter([sqlite3.OperationalError("database or disk is full")])

    def failing(*args: Any, **kwargs: Any) -> bool:
        for error in failures:
            raise error
        return write(*args, **kwargs)

    return failing


def test_listing_pages_through_all_jobs_in_order(queue: JobQueue) -> None:
    ids = [queue.submit("echo", "demo", {"say": "x"})[0].id for _ in range(7)]
    seen: list[str] = []
    after = None
    while page := queue.page(JobFilter(scope="demo"), limit=3, after=after):
        seen += [job.id for job in page]
        after = page[-1].sequence
    assert seen == ids
    assert [job.id for job in queue.page(JobFilter(), limit=2, newest_first=True)] == ids[:-3:-1]


def test_listing_filters(queue: JobQueue) -> None:
    mine, _ = queue.submit("echo", "demo", {"say": "x"}, owner="me", name="n")
    other, _ = queue.submit("fail", "other", {}, owner="you")
    wait(queue, mine.id)
    wait(queue, other.id)

    def found(which: JobFilter) -> list[str]:
        return [job.id for job in queue.page(which, limit=10)]

    assert found(JobFilter(scope="demo")) == [mine.id]
    assert found(JobFilter(owner="you")) == [other.id]
    assert found(JobFilter(name="n")) == [mine.id]
    assert found(JobFilter(states=(JobState.FAILED,))) == [other.id]
    assert found(JobFilter(states=())) == []
    assert found(JobFilter(created_from=mine.created_at + 3600)) == []
    assert found(JobFilter(created_before=mine.created_at)) == []


def test_results_of_old_jobs_expire_and_the_jobs_stay(queue: JobQueue) -> None:
    job = wait(queue, queue.submit("echo", "demo", {"say": "x"})[0].id)
    path = queue.result_path(job.id)
    path.write_bytes(b"rows")
    assert queue.expire_results(job.ended_at or 0.0) == 0
    assert path.exists()
    assert queue.expire_results((job.ended_at or 0.0) + 1) == 1
    assert not path.exists()
    assert queue.get(job.id) is not None


def test_an_unknown_kind_is_refused_before_anything_is_kept(queue: JobQueue) -> None:
    with pytest.raises(KeyError, match="nonsense"):
        queue.submit("nonsense", "demo", {})
    assert queue.page(JobFilter(), limit=1) == []
