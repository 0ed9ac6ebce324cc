"""The one trigger that waits for remote jobs, of whatever service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_datalake.exceptions import DataLakeError
from airflow_provider_datalake.jobs.poller import JobPoller, shared_poller
from airflow_provider_datalake.jobs.status import describe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_datalake.jobs.service import JobService

ENDED = "ended"
DEADLINE = "deadline"
UNREACHABLE = "unreachable"

_cancels: set[asyncio.Task[None]] = set()
"""The cancels under way; the event loop itself holds tasks only weakly."""

CANCEL_TIMEOUT = 25.0
"""Seconds for a cancel; the triggerer itself gives ``on_kill`` 30."""


class RemoteJobTrigger(BaseTrigger):
    """
    Wait for a remote job together with all others of its connection, and fire one event.

    The event only wakes the task, which looks at the job itself. All arguments are kept in clear in Airflow's
    metadata database.

    :param hook: dotted path of the hook class
    :param conn_id: the connection's id
    :param job_id: the job
    :param since: epoch seconds; the job is not older
    :param hook_arguments: what the hook is made with, besides the connection: names, never secrets
    :param poll_interval: seconds between two looks
    :param deadline: epoch seconds at which the job is cancelled, None for no deadline
    :param cancel_on_kill: whether clearing or marking the deferred task cancels the job
    """

    def __init__(
        self,
        *,
        hook: str,
        conn_id: str,
        job_id: str,
        since: float,
        hook_arguments: dict[str, str] | None = None,
        poll_interval: float = 10.0,
        deadline: float | None = None,
        cancel_on_kill: bool = True,
    ) -> None:
        super().__init__()
        self.hook = hook
        self.conn_id = conn_id
        self.job_id = job_id
        self.since = since
        self.hook_arguments = hook_arguments
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.cancel_on_kill = cancel_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger anew."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "hook": self.hook,
            "conn_id": self.conn_id,
            "job_id": self.job_id,
            "since": self.since,
            "hook_arguments": self.hook_arguments,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "cancel_on_kill": self.cancel_on_kill,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait until the job has ended, the deadline has come, or the service stays out of reach."""
        try:
            event = await self._wait()
        except DataLakeError as error:
            self.log.error("Giving up on looking at job %s from here: %s", self.job_id, error)
            event = self._event(UNREACHABLE, message=str(error)[:1000])
        yield event

    async def _wait(self) -> TriggerEvent:
        poller = self._poller()
        async with poller.watch(self.job_id, self.since, self.poll_interval) as watch:
            while True:
                try:
                    status = await watch.next(within=self._remaining())
                except TimeoutError:
                    return await self._expire(poller)
                self.log.info("Job %s: %s", self.job_id, describe(status))
                if status.state.is_terminal:
                    return self._event(ENDED, state=str(status.state))

    async def _expire(self, poller: JobPoller) -> TriggerEvent:
        try:
            # The job may have ended while nobody looked: that comes before the deadline.
            status = await poller.look(self.job_id)
            if status.state.is_terminal:
                return self._event(ENDED, state=str(status.state))
            self.log.error("Job %s is still %s at the deadline; cancelling it", self.job_id, status.state)
            await self._cancel()
        except (DataLakeError, TimeoutError) as error:
            # The task will try itself: it must be woken now, the deadline has come.
            self.log.error("Cannot cancel job %s at its deadline: %s", self.job_id, error)
        return self._event(DEADLINE)

    async def on_kill(self) -> None:
        """Cancel the job when a person clears or marks the deferred task."""
        if not self.cancel_on_kill:
            self.log.info("The task was killed; job %s keeps running (cancel_on_kill is off)", self.job_id)
            return
        self.log.info("The task was killed; cancelling job %s", self.job_id)
        # The triggerer cancels a killed trigger again with every heartbeat, also while this method runs: a
        # cancel that takes more than a second has to go on by itself.
        task = asyncio.create_task(self._cancel_killed())
        _cancels.add(task)
        task.add_done_callback(_cancels.discard)
        await asyncio.shield(task)

    async def _cancel_killed(self) -> None:
        try:
            await self._cancel()
        except Exception:
            self.log.exception("Could not cancel job %s; it may still be running", self.job_id)

    async def _cancel(self) -> None:
        async with asyncio.timeout(CANCEL_TIMEOUT):
            service = await self._connect()
            await asyncio.to_thread(service.cancel, self.job_id)

    def _remaining(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.time())

    def _poller(self) -> JobPoller:
        arguments = tuple(sorted((self.hook_arguments or {}).items()))
        return shared_poller((self.hook, self.conn_id, arguments), self._connect)

    async def _connect(self) -> JobService:
        from airflow.sdk.module_loading import import_string

        hook_class = import_string(self.hook)
        hook = hook_class(**{hook_class.conn_name_attr: self.conn_id}, **(self.hook_arguments or {}))
        return await hook.aget_job_service()

    def _event(self, outcome: str, **details: str) -> TriggerEvent:
        return TriggerEvent({"job_id": self.job_id, "outcome": outcome, **details})
