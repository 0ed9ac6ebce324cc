"""The trigger that waits for long-running operations of the resource manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.resource_manager_operations import Operation, OperationState, look
from airflow_provider_datalake.triggers.polling import PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.resource_manager import ResourceManager


class ResourceOperationTrigger(PollingTrigger):
    """
    Wait until an operation has ended, well or badly: the task looks itself how it came out.

    All arguments are kept in clear in Airflow's metadata database.

    :param conn_id: the connection's id
    :param operation: what is under way, see ``Operation.to_json``
    :param doing: what is attempted, for messages
    :param poll_interval: seconds between two looks, where the service does not ask for others
    """

    def __init__(
        self, *, conn_id: str, operation: dict[str, Any], doing: str, poll_interval: float = 10.0
    ) -> None:
        super().__init__(poll_interval=poll_interval)
        self.conn_id = conn_id
        self.operation = operation
        self.doing = doing
        self._asked: float | None = None
        self._shown = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger anew."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "conn_id": self.conn_id,
            "operation": self.operation,
            "doing": self.doing,
            "poll_interval": self.poll_interval,
        }

    @property
    def awaited(self) -> str:
        """What is waited for, for messages."""
        return self.doing

    async def connect(self) -> ResourceManager:
        """Make the client from the connection as it is now."""
        from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

        return await DataLakeAnalyticsHook(adla_conn_id=self.conn_id).aget_resource_manager()

    def is_met(self, client: ResourceManager) -> bool:
        """Look whether the operation has ended."""
        status = look(client.accounts_rest, Operation.from_json(self.operation), self.doing)
        self._asked = status.pause
        if status.detail != self._shown:
            self.log.info("%s: %s", self.doing, status.detail or status.state)
            self._shown = status.detail
        return status.state is not OperationState.RUNNING

    def pause(self) -> float:
        """Choose how long to wait before the next look: as long as the service asks."""
        return self.poll_interval if self._asked is None else self._asked
