"""One poll for many waiting jobs: all waiters of one event loop, connection and place share one listing."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_datalake.exceptions import AuthenticationError, DataLakeError, ServiceError
from airflow_provider_datalake.jobs.service import ListingNotAllowed
from airflow_provider_datalake.jobs.status import JobState, JobStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable

    from airflow_provider_datalake.jobs.service import JobService

log = logging.getLogger(__name__)

LOOKUPS_PER_ROUND = 10
"""How many jobs that the listing lacks are looked up one by one in a round; others wait for their turn."""
PROGRESS_PER_ROUND = 4
"""How many running jobs have their stages read in a round."""
FEW = 32
"""Up to so many waiters have their stages followed, and are looked at more often while they are young."""
FIRST_PAUSE = 1.0
"""Seconds in which waiters gather for the first round."""
SLOWDOWN = 4
"""A listing that takes long is repeated at most every so many times its own duration."""
LONGEST_PAUSE = 60.0
PATIENCE = 900.0
"""Seconds for which a service may be out of reach before the waiters are told."""
AUTH_PATIENCE = 3
"""How many fresh connections in a row may be refused before the waiters are told."""

T = TypeVar("T")

_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, JobPoller]] = WeakKeyDictionary()


def shared_poller(key: Hashable, connect: Callable[[], Awaitable[JobService]]) -> JobPoller:
    """
    Get the poller that all waiters with this key share in the running event loop.

    :param key: names the connection, and the project or account
    :param connect: makes the service from the connection as it is now; called again after an auth error
    :return: the poller
    """
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    if key not in pollers:
        pollers[key] = JobPoller(connect, on_idle=lambda: pollers.pop(key, None))
    return pollers[key]


class Watch:
    """
    One waiter's view of one job: a cell that holds the newest status and wakes the waiter when it changes.

    :param job_id: the job
    :param since: epoch seconds; the job is not older
    :param interval: seconds between two looks at the job
    """

    def __init__(self, job_id: str, since: float, interval: float) -> None:
        self.job_id = job_id
        self.since = since
        self.interval = interval
        self.latest: JobStatus | None = None
        self._changed: asyncio.Future[JobStatus] = asyncio.get_running_loop().create_future()

    async def next(self, within: float | None = None) -> JobStatus:
        """
        Wait until something about the job changes.

        :param within: seconds, None for ever
        :return: the newest status
        :raises TimeoutError: when nothing has changed in time
        :raises ServiceError: when the poller has given up
        """
        # wait() leaves the future alone when the waiter is cancelled or runs out of time.
        done, _ = await asyncio.wait([self._changed], timeout=within)
        if not done:
            raise TimeoutError
        changed, self._changed = self._changed, asyncio.get_running_loop().create_future()
        return changed.result()

    def publish(self, status: JobStatus) -> None:
        """
        Tell the waiter a status; it wakes only when the status is new.

        :param status: what the service said
        """
        latest = self.latest
        if latest is not None and status.state is latest.state and (not status.stages or status == latest):
            return  # a listing has no stages; that they are not told does not change them
        self.latest = status
        self._renew().set_result(status)

    def fail(self, error: Exception) -> None:
        """
        Tell the waiter that the poller has given up.

        :param error: why
        """
        changed = self._renew()
        # One exception per waiter: many tasks that raise the same object would pile up its traceback.
        changed.set_exception(ServiceError(f"{type(error).__name__}: {error}"))
        changed.exception()  # a waiter that has just left must not make asyncio warn about it

    def _renew(self) -> asyncio.Future[JobStatus]:
        if self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed


class JobPoller:
    """
    Polls for all its waiters in one task and one worker thread, as long as there are any.

    :param connect: makes the service from the connection as it is now
    :param on_idle: called when the last waiter has gone
    """

    def __init__(
        self, connect: Callable[[], Awaitable[JobService]], on_idle: Callable[[], object] = lambda: None
    ) -> None:
        self._connect = connect
        self._on_idle = on_idle
        self._watches: dict[int, Watch] = {}
        self._numbers = itertools.count()
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Event = asyncio.Event()
        self._executor: ThreadPoolExecutor | None = None
        self._service: JobService | None = None
        self._listing_allowed = True
        self._turn = 0
        self._failing_since: float | None = None
        self._refusals = 0
        self._rounds = 0
        self._cost = 0.0

    @asynccontextmanager
    async def watch(self, job_id: str, since: float, interval: float) -> AsyncIterator[Watch]:
        """
        Watch a job for as long as the context lasts.

        :param job_id: the job
        :param since: epoch seconds; the job is not older
        :param interval: seconds between two looks at the job
        :return: the view of the job
        """
        number = next(self._numbers)
        self._watches[number] = watch = Watch(job_id, since, interval)
        self._ensure_running()
        self._wake.set()
        try:
            yield watch
        finally:
            del self._watches[number]
            self._wake.set()

    async def look(self, job_id: str) -> JobStatus:
        """
        Look at one job at once, in full detail.

        :param job_id: the job
        :return: its status
        """
        service = await self._connected()
        return await self._in_thread(partial(service.status, job_id))

    def _ensure_running(self) -> None:
        if not self._watches or (self._task is not None and not self._task.done()):
            return
        # An empty context: the poller belongs to no waiter, so it must not log in the first one's name.
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name="datalake-job-poller", context=contextvars.Context()
        )
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The job poller died and will be restarted", exc_info=error)
        if self._watches:
            # Not at once: when the whole loop is being shut down the waiters are about to go as well.
            task.get_loop().call_later(1.0, self._ensure_running)
        else:
            self._on_idle()

    async def _run(self) -> None:
        due = time.monotonic() + min(FIRST_PAUSE, self._interval())
        while self._watches:
            self._wake.clear()
            try:
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await self._wake.wait()
            except TimeoutError:
                began = time.monotonic()
                await self._round()
                due = began + self._interval()
            else:  # somebody came or went, and may want the next round earlier
                if self._watches:
                    due = min(due, time.monotonic() + self._interval())

    def _interval(self) -> float:
        """Choose the seconds between the starts of two rounds."""
        base = min(watch.interval for watch in self._watches.values()) if self._watches else 0.0
        if self._failing_since is not None:
            base = min(max(base, (time.monotonic() - self._failing_since) / 2), LONGEST_PAUSE)
        elif len(self._watches) <= FEW:
            # A few young jobs may end soon: each is looked at after another quarter of its age.
            age = time.time() - max(watch.since for watch in self._watches.values()) if self._watches else 0.0
            base = min(base, max(age / 4, FIRST_PAUSE))
        return max(base, min(self._cost * SLOWDOWN, LONGEST_PAUSE)) * random.uniform(1.0, 1.1)

    async def _round(self) -> None:
        self._rounds += 1
        started = time.monotonic()
        try:
            service = await self._connected()
            absent = await self._list(service)
            await self._look_up(service, absent)
            await self._read_progress(service)
        except AuthenticationError as error:
            self._service = None  # the next round makes another from the connection as it is then
            self._refusals += 1
            self._stumble(error, give_up=self._refusals >= AUTH_PATIENCE)
        except Exception as error:
            give_up = isinstance(error, DataLakeError) and not error.retryable
            self._stumble(error, give_up=give_up)
        else:
            self._failing_since = None
            self._refusals = 0
        self._cost = time.monotonic() - started

    def _stumble(self, error: Exception, *, give_up: bool) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if not give_up and now - self._failing_since < PATIENCE:
            log.warning(
                "Cannot see the waiting jobs at the moment (%s waiting): %s", len(self._watches), error
            )
            return
        log.error("Cannot see the waiting jobs; telling their %s waiters: %s", len(self._watches), error)
        for watch in self._watches.values():
            watch.fail(error)

    async def _connected(self) -> JobService:
        if self._service is None:
            self._service = await self._connect()
        return self._service

    async def _list(self, service: JobService) -> list[str]:
        """Publish what one listing says; return the ids that it lacks."""
        waiting = self._waiting()
        if not waiting or not self._listing_allowed:
            return sorted(waiting)
        since = min(watch.since for watch in self._watches.values())
        try:
            found = await self._in_thread(partial(service.statuses, waiting, since))
        except ListingNotAllowed as error:
            log.warning("This account may not list jobs (%s); they are looked at one by one", error)
            self._listing_allowed = False
            return sorted(waiting)
        self._publish(found.values())
        return sorted(waiting - found.keys())

    async def _look_up(self, service: JobService, absent: list[str]) -> None:
        failure: DataLakeError | None = None
        for job_id in self._next(absent, LOOKUPS_PER_ROUND):
            try:
                status = await self._in_thread(partial(service.status, job_id))
            except ServiceError as error:
                failure = error  # one job that cannot be read must not hide the others
                continue
            self._publish([status])
        if failure is not None and len(absent) == len(self._waiting()):
            raise failure

    async def _read_progress(self, service: JobService) -> None:
        if len(self._watches) > FEW:
            return
        running = {
            watch.job_id: watch.latest
            for watch in self._watches.values()
            if watch.latest is not None and watch.latest.state is JobState.RUNNING
        }
        for job_id in self._next(sorted(running), PROGRESS_PER_ROUND):
            try:
                stages = await self._in_thread(partial(service.progress, job_id))
            except ServiceError as error:
                log.info("Cannot read the progress of job %s at the moment: %s", job_id, error)
                continue
            if stages:
                self._publish([replace(running[job_id], stages=stages)])

    def _next(self, ids: list[str], count: int) -> list[str]:
        """Take turns: a few of many, others in the next round."""
        if len(ids) <= count:
            return ids
        start = (self._rounds * count) % len(ids)
        return [*ids[start:], *ids[:start]][:count]

    def _waiting(self) -> set[str]:
        return {
            watch.job_id
            for watch in self._watches.values()
            if watch.latest is None or not watch.latest.state.is_terminal
        }

    def _publish(self, statuses: Iterable[JobStatus]) -> None:
        by_id = {status.job_id: status for status in statuses}
        for watch in self._watches.values():
            if (status := by_id.get(watch.job_id)) is not None:
                watch.publish(status)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="datalake-job-poller")
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
