"""The trigger that waits for long-running operations of the resource manager."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_datalake.clients.resource_manager_operations import Operation, OperationState, look
from airflow_provider_datalake.exceptions import AuthenticationError, DataLakeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_datalake.clients.resource_manager import ResourceManager
    from airflow_provider_datalake.clients.resource_manager_operations import OperationStatus

SUCCEEDED = "succeeded"
FAILED = "failed"
UNREACHABLE = "unreachable"

PATIENCE = 900.0
"""Seconds for which the resource manager may be out of reach before the task is told."""
REFUSALS = 3
"""How many fresh connections in a row may be refused before the task is told."""


class ResourceOperationTrigger(BaseTrigger):
    """
    Wait until an account has been made, changed or deleted, and fire one event.

    All arguments are kept in clear in Airflow's metadata database.

    :param conn_id: the connection's id
    :param operation: what is under way, see ``Operation.to_json``
    :param doing: what is attempted, for messages
    :param poll_interval: seconds between two looks at most; the service may ask for less
    """

    def __init__(
        self, *, conn_id: str, operation: dict[str, Any], doing: str, poll_interval: float = 10.0
    ) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.operation = operation
        self.doing = doing
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger anew."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "conn_id": self.conn_id,
            "operation": self.operation,
            "doing": self.doing,
            "poll_interval": self.poll_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look again and again; fire when the operation has ended, or cannot be seen any more."""
        try:
            status = await self._wait()
        except DataLakeError as error:
            self.log.error("Giving up on looking after it from here (%s): %s", self.doing, error)
            yield TriggerEvent({"outcome": UNREACHABLE, "message": str(error)[:1000]})
            return
        if status.state is OperationState.SUCCEEDED:
            yield TriggerEvent({"outcome": SUCCEEDED})
        else:
            yield TriggerEvent({"outcome": FAILED, "message": status.error[:1000] or status.detail})

    async def _wait(self) -> OperationStatus:
        manager: ResourceManager | None = None
        operation = Operation.from_json(self.operation)
        seen, refusals, shown = time.monotonic(), 0, ""
        while True:
            pause = self.poll_interval
            try:
                manager = manager or await self._connect()
                status = await asyncio.to_thread(look, manager.accounts_rest, operation, self.doing)
            except AuthenticationError as error:
                manager, refusals = None, refusals + 1
                if refusals >= REFUSALS:
                    raise
                self.log.warning("Connecting again: %s", error)
            except DataLakeError as error:
                if not error.retryable or time.monotonic() - seen > PATIENCE:
                    raise
                self.log.warning("Cannot look at the moment: %s", error)
            else:
                seen, refusals = time.monotonic(), 0
                if status.detail != shown:
                    self.log.info("%s: %s", self.doing, status.detail or status.state)
                    shown = status.detail
                if status.state is not OperationState.RUNNING:
                    return status
                pause = min(pause, status.pause)
            await asyncio.sleep(pause * random.uniform(1.0, 1.1))

    async def _connect(self) -> ResourceManager:
        from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

        return await DataLakeAnalyticsHook(adla_conn_id=self.conn_id).aget_resource_manager()
