"""The trigger that looks again and again, of whatever service."""

from __future__ import annotations

import asyncio
import random
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_datalake.exceptions import AuthenticationError, DataLakeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MET = "met"
FAILED = "failed"

PATIENCE = 900.0
"""Seconds for which the service may be out of reach before the task is told."""
REFUSALS = 3
"""How many fresh connections in a row may be refused before the task is told."""


class PollingTrigger(BaseTrigger):
    """
    Wait until something is so, and fire one event.

    A service that is out of reach for a while is waited for; a refused connection is made anew from what it
    is then.

    :param poll_interval: seconds between two looks
    """

    def __init__(self, *, poll_interval: float) -> None:
        super().__init__()
        self.poll_interval = poll_interval

    @property
    @abstractmethod
    def awaited(self) -> str:
        """What is waited for, for messages."""

    @abstractmethod
    async def connect(self) -> Any:
        """
        Make the client from the connection as it is now, without blocking the event loop.

        :return: what ``is_met`` is called with
        """

    @abstractmethod
    def is_met(self, client: Any) -> bool:
        """
        Look once; called in a thread.

        :param client: the client
        :return: whether the wait is over
        :raises DataLakeError: when it cannot be seen, or will never be
        """

    def pause(self) -> float:
        """
        Choose how long to wait before the next look.

        :return: seconds
        """
        return self.poll_interval

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look again and again; fire when all is there, or when waiting does not help."""
        try:
            await self._wait()
        except DataLakeError as error:
            self.log.error("Giving up on %s: %s", self.awaited, error)
            event = {"outcome": FAILED, "message": str(error)[:1000], "retryable": error.retryable}
        else:
            event = {"outcome": MET}
        yield TriggerEvent(event)

    async def _wait(self) -> None:
        client: Any = None
        seen = time.monotonic()
        refusals = 0
        while True:
            try:
                client = client or await self.connect()
                if await asyncio.to_thread(self.is_met, client):
                    return
                seen, refusals = time.monotonic(), 0
            except AuthenticationError as error:
                client, refusals = None, refusals + 1
                if refusals >= REFUSALS:
                    raise
                self.log.warning("Connecting again: %s", error)
            except DataLakeError as error:
                if not error.retryable or time.monotonic() - seen > PATIENCE:
                    raise
                self.log.warning("Cannot look at the moment: %s", error)
            await asyncio.sleep(self.pause() * random.uniform(0.9, 1.1))
