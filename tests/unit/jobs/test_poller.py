from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.exceptions import AuthenticationError, ConfigurationError, ServiceError
from airflow_provider_datalake.jobs import poller as poller_module
from airflow_provider_datalake.jobs.poller import LOOKUPS_PER_ROUND, JobPoller, Watch, shared_poller
from airflow_provider_datalake.jobs.service import ListingNotAllowed
from airflow_provider_datalake.jobs.status import JobState, JobStatus, Stage
from tests.unit.jobs.fakes import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

INTERVAL = 0.02


class FakeJobs:
    """A service whose jobs are what a test says, and which counts its calls."""

    def __init__(self, *job_ids: str) -> None:
        self.states = {job_id: JobState.RUNNING for job_id in job_ids}
        self.unlisted: set[str] = set()
        self.errors: list[Exception] = []
        self.listings: list[float] = []
        self.lookups: list[str] = []
        self.progresses: list[str] = []
        self.percent = 0.0
        self.threads: set[int] = set()
        self.connections = 0

    async def connect(self) -> Any:
        self.connections += 1
        return self

    def statuses(self, job_ids: Collection[str], since: float) -> dict[str, JobStatus]:
        self.threads.add(threading.get_ident())
        self.listings.append(since)
        if self.errors:
            raise self.errors.pop(0)
        return {
            i: JobStatus(i, self.states[i]) for i in job_ids if i in self.states and i not in self.unlisted
        }

    def status(self, job_id: str) -> JobStatus:
        self.lookups.append(job_id)
        return JobStatus(job_id, self.states.get(job_id, JobState.GONE))

    def progress(self, job_id: str) -> tuple[Stage, ...]:
        self.progresses.append(job_id)
        self.percent += 1
        return (Stage("M1", self.percent),)


async def ended(
    poller: JobPoller, job_id: str, since: float = 100.0, interval: float = INTERVAL
) -> JobStatus:
    async with poller.watch(job_id, since, interval) as watch:
        while True:
            status = await watch.next(within=10)
            if status.state.is_terminal:
                return status


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await main()

    asyncio.run(bounded())


def test_a_hundred_waiting_jobs_cost_one_listing_per_interval() -> None:
    async def main() -> None:
        names = [f"j{n}" for n in range(100)]
        jobs = FakeJobs(*names)
        poller = JobPoller(jobs.connect)
        waiters = [asyncio.create_task(ended(poller, name)) for name in names]
        await until(lambda: len(jobs.listings) >= 5)
        assert len(jobs.listings) <= poller._rounds <= len(jobs.listings) + 1
        assert (jobs.lookups, jobs.progresses, jobs.connections) == ([], [], 1)
        for name in names:
            jobs.states[name] = JobState.SUCCEEDED
        assert {status.state for status in await asyncio.gather(*waiters)} == {JobState.SUCCEEDED}
        assert len(jobs.listings) <= poller._rounds
        assert len(jobs.threads) == 1
        assert threading.get_ident() not in jobs.threads

    run(main)


def test_waiters_are_spread_over_rounds_by_the_interval_and_not_by_their_arrival() -> None:
    async def main() -> None:
        jobs = FakeJobs("a", "b")
        poller = JobPoller(jobs.connect)
        waiters = []
        for _ in range(50):
            waiters.append(asyncio.create_task(ended(poller, "a", interval=30.0)))
            await asyncio.sleep(0)
        assert jobs.listings == []
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)

    run(main)


def test_a_newcomer_with_a_shorter_interval_shortens_the_round_under_way() -> None:
    async def main() -> None:
        jobs = FakeJobs("slow", "quick")
        poller = JobPoller(jobs.connect)
        slow = asyncio.create_task(ended(poller, "slow", interval=300.0))
        await asyncio.sleep(0.02)
        jobs.states["quick"] = JobState.SUCCEEDED
        assert (await ended(poller, "quick")).state is JobState.SUCCEEDED
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)

    run(main)


def test_the_listing_reaches_back_to_the_oldest_waiting_submit() -> None:
    async def main() -> None:
        jobs = FakeJobs("new", "old")
        poller = JobPoller(jobs.connect)
        new = asyncio.create_task(ended(poller, "new", since=200.0))
        old = asyncio.create_task(ended(poller, "old", since=100.0))
        await until(lambda: jobs.listings)
        jobs.states["old"] = JobState.SUCCEEDED
        await old
        count = len(jobs.listings)
        await until(lambda: len(jobs.listings) > count + 1)
        assert jobs.listings[0] == 100.0
        assert jobs.listings[-1] == 200.0
        new.cancel()
        await asyncio.gather(new, return_exceptions=True)

    run(main)


def test_cancelling_one_waiter_leaves_the_others_waiting() -> None:
    async def main() -> None:
        jobs = FakeJobs("a", "b")
        poller = JobPoller(jobs.connect)
        doomed, same, other = (asyncio.create_task(ended(poller, name)) for name in ("a", "a", "b"))
        await until(lambda: jobs.listings)
        doomed.cancel()
        await asyncio.gather(doomed, return_exceptions=True)
        assert not same.done()
        assert not other.done()
        jobs.states.update(a=JobState.SUCCEEDED, b=JobState.FAILED)
        assert (await same).state is JobState.SUCCEEDED
        assert (await other).state is JobState.FAILED

    run(main)


def test_the_poller_ends_with_its_last_waiter_and_a_new_one_takes_its_place() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        first = shared_poller("key", jobs.connect)
        assert shared_poller("key", jobs.connect) is first
        waiter = asyncio.create_task(ended(first, "a"))
        await until(lambda: jobs.listings)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        await until(lambda: first._task is not None and first._task.done())
        await asyncio.sleep(0)
        count = len(jobs.listings)
        await asyncio.sleep(5 * INTERVAL)
        assert len(jobs.listings) == count
        assert shared_poller("key", jobs.connect) is not first

    run(main)


def test_a_poller_that_dies_is_restarted_for_its_waiters() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        poller = JobPoller(jobs.connect)
        waiter = asyncio.create_task(ended(poller, "a"))
        await until(lambda: jobs.listings)
        assert poller._task is not None
        poller._task.cancel()
        jobs.states["a"] = JobState.SUCCEEDED
        assert (await waiter).state is JobState.SUCCEEDED

    run(main)


def test_the_poller_runs_outside_the_context_of_its_first_waiter() -> None:
    task_name: contextvars.ContextVar[str] = contextvars.ContextVar("task_name", default="nobody")
    seen: list[str] = []

    class Curious(FakeJobs):
        async def connect(self) -> Any:
            seen.append(task_name.get())
            return self

    async def main() -> None:
        jobs = Curious("a")
        poller = JobPoller(jobs.connect)
        task_name.set("first waiter")
        jobs.states["a"] = JobState.SUCCEEDED
        await ended(poller, "a")

    run(main)
    assert seen == ["nobody"]


def test_transient_errors_do_not_reach_the_waiters() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        jobs.errors = [ServiceError("503"), OSError("reset"), ServiceError("503")]
        jobs.states["a"] = JobState.SUCCEEDED
        assert (await ended(JobPoller(jobs.connect), "a")).state is JobState.SUCCEEDED
        assert len(jobs.listings) == 4

    run(main)


def test_a_service_that_stays_away_is_told_to_the_waiters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "PATIENCE", 0.1)

    async def main() -> None:
        jobs = FakeJobs("a")
        jobs.errors = [ServiceError("still 503")] * 1000
        with pytest.raises(ServiceError, match="still 503"):
            await ended(JobPoller(jobs.connect), "a")

    run(main)


def test_an_authentication_error_fetches_the_connection_again() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        jobs.errors = [AuthenticationError("expired")]
        jobs.states["a"] = JobState.SUCCEEDED
        assert (await ended(JobPoller(jobs.connect), "a")).state is JobState.SUCCEEDED
        assert jobs.connections == 2

    run(main)


def test_fresh_connections_that_are_all_refused_are_told_to_the_waiters() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        jobs.errors = [AuthenticationError("wrong key")] * 1000
        with pytest.raises(ServiceError, match="wrong key"):
            await ended(JobPoller(jobs.connect), "a")
        assert jobs.connections == poller_module.AUTH_PATIENCE

    run(main)


def test_a_broken_connection_is_told_at_once() -> None:
    async def main() -> None:
        async def connect() -> Any:
            raise ConfigurationError("no host")

        with pytest.raises(ServiceError, match="no host"):
            await ended(JobPoller(connect), "a")

    run(main)


def test_jobs_that_the_listing_lacks_are_looked_up_a_few_at_a_time() -> None:
    async def main() -> None:
        names = [f"j{n}" for n in range(3 * LOOKUPS_PER_ROUND)]
        jobs = FakeJobs(*names)
        jobs.unlisted = set(names)
        poller = JobPoller(jobs.connect)
        waiters = [asyncio.create_task(ended(poller, name)) for name in names]
        await until(lambda: poller._rounds >= 1 and len(jobs.lookups) >= LOOKUPS_PER_ROUND)
        assert len(jobs.lookups) <= poller._rounds * LOOKUPS_PER_ROUND
        for name in names:
            jobs.states[name] = JobState.SUCCEEDED
        await asyncio.gather(*waiters)
        assert set(jobs.lookups) == set(names)

    run(main)


def test_an_account_that_may_not_list_looks_at_jobs_one_by_one() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        jobs.errors = [ListingNotAllowed("no")]
        poller = JobPoller(jobs.connect)
        waiter = asyncio.create_task(ended(poller, "a"))
        await until(lambda: len(jobs.lookups) > 2)
        jobs.states["a"] = JobState.SUCCEEDED
        assert (await waiter).state is JobState.SUCCEEDED
        assert len(jobs.listings) == 1

    run(main)


def test_a_job_that_the_service_does_not_know_is_gone() -> None:
    async def main() -> None:
        assert (await ended(JobPoller(FakeJobs().connect), "never")).state is JobState.GONE

    run(main)


def test_progress_wakes_the_waiter_and_repetition_does_not() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        poller = JobPoller(jobs.connect)
        async with poller.watch("a", 100.0, INTERVAL) as watch:
            assert (await watch.next()).state is JobState.RUNNING
            assert (await watch.next()).stages == (Stage("M1", 1),)
            assert (await watch.next()).stages == (Stage("M1", 2),)

        watch = Watch("a", 0.0, 1.0)
        watch.publish(JobStatus("a", JobState.RUNNING, stages=(Stage("M1", 5),)))
        await watch.next()
        watch.publish(JobStatus("a", JobState.RUNNING))
        with pytest.raises(TimeoutError):
            await watch.next(within=0.01)

    run(main)


def test_unreadable_progress_does_not_hide_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    class NoProgress(FakeJobs):
        def progress(self, job_id: str) -> tuple[Stage, ...]:
            self.states["a"] = JobState.SUCCEEDED
            raise ServiceError("no progress")

    async def main() -> None:
        jobs = NoProgress("a")
        assert (await ended(JobPoller(jobs.connect), "a")).state is JobState.SUCCEEDED

    run(main)
    assert "no progress" in caplog.text


def test_a_slow_listing_is_not_repeated_back_to_back() -> None:
    async def main() -> None:
        poller = JobPoller(FakeJobs().connect)
        poller._watches[0] = Watch("a", 0.0, 0.01)
        poller._cost = 5.0
        assert poller._interval() >= 5.0 * poller_module.SLOWDOWN

    run(main)


def test_a_few_young_jobs_are_looked_at_more_often_than_many() -> None:
    async def main() -> None:
        poller = JobPoller(FakeJobs().connect)
        poller._watches[0] = Watch("a", time.time() - 8.0, 10.0)
        assert 1.9 <= poller._interval() <= 2.5
        poller._watches |= {n: Watch(str(n), time.time(), 10.0) for n in range(100)}
        assert 10.0 <= poller._interval() <= 11.0

    run(main)


def test_a_job_that_has_grown_old_is_looked_at_once_per_interval() -> None:
    async def main() -> None:
        poller = JobPoller(FakeJobs().connect)
        poller._watches[0] = Watch("a", time.time() - 3600.0, 10.0)
        assert 10.0 <= poller._interval() <= 11.0

    run(main)


def test_a_waiter_that_leaves_during_a_round_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(FakeJobs):
        async def connect(self) -> Any:
            waiter.cancel()
            await asyncio.gather(waiter, return_exceptions=True)
            return self

    async def main() -> None:
        nonlocal waiter
        jobs = Slow("a")
        poller = JobPoller(jobs.connect)
        waiter = asyncio.create_task(ended(poller, "a"))
        await until(lambda: waiter.done() and poller._task is not None and poller._task.done())
        assert jobs.listings == []

    waiter: Any = None
    run(main)
    assert caplog.messages == []


def test_one_look_up_needs_no_round() -> None:
    async def main() -> None:
        jobs = FakeJobs("a")
        poller = JobPoller(jobs.connect)
        assert (await poller.look("a")).state is JobState.RUNNING
        assert jobs.listings == []

    run(main)
