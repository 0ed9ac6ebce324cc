"""The trigger that waits for a dataset of Azure ML Studio (classic)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.triggers.polling import PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.ml_studio import Workspace


@dataclass(frozen=True)
class DatasetCondition:
    """
    What a dataset must be.

    :param dataset: its name; it must exist
    :param newer_than: ISO time that its newest version must be later than, empty for any
    :param changed_since: id of a version that must no longer be the newest, empty for any
    """

    dataset: str
    newer_than: str = ""
    changed_since: str = ""

    def look(self, workspace: Workspace) -> tuple[bool, str]:
        """
        Look once.

        :param workspace: the workspace
        :return: whether it is so, and what it is, for the log
        :raises DataLakeError: when it cannot be seen, or what was asked for makes no sense
        """
        from airflow_provider_datalake.clients.ml_studio import check_name

        name, limit = check_name(self.dataset), self._limit()
        found = workspace.find(name)
        if found is None:
            return False, f"there is no dataset {name!r} yet"
        words = f"dataset {name!r} is version {found.id} of {found.created_date.isoformat()}"
        if limit is not None and found.created_date <= limit:
            return False, f"{words}, not later than {limit.isoformat()}"
        if self.changed_since and found.id == self.changed_since:
            return False, f"{words}, still"
        return True, words

    def _limit(self) -> datetime | None:
        if not self.newer_than:
            return None
        try:
            limit = datetime.fromisoformat(self.newer_than)
        except (TypeError, ValueError):
            raise ConfigurationError(f"newer_than must be an ISO time, got {self.newer_than!r}") from None
        # A time without zone is in UTC, as Airflow's are.
        return limit.replace(tzinfo=UTC) if limit.tzinfo is None else limit


class MLStudioDatasetTrigger(PollingTrigger):
    """
    Wait until a dataset is as it must be.

    :param conn_id: the connection's id
    :param dataset: the dataset's name
    :param newer_than: ISO time that its newest version must be later than, empty for any
    :param changed_since: id of a version that must no longer be the newest, empty for any
    :param poll_interval: seconds between two looks
    """

    def __init__(
        self,
        *,
        conn_id: str,
        dataset: str,
        newer_than: str = "",
        changed_since: str = "",
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__(poll_interval=poll_interval)
        self.conn_id = conn_id
        self.dataset = dataset
        self.newer_than = newer_than
        self.changed_since = changed_since
        self._said = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger anew."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "conn_id": self.conn_id,
            "dataset": self.dataset,
            "newer_than": self.newer_than,
            "changed_since": self.changed_since,
            "poll_interval": self.poll_interval,
        }

    @property
    def awaited(self) -> str:
        """What is waited for, for messages."""
        return f"dataset {self.dataset!r}"

    async def connect(self) -> Workspace:
        """Make the client from the connection as it is now."""
        from airflow_provider_datalake.hooks.ml_studio import MLStudioHook

        return await MLStudioHook(self.conn_id).aget_client()

    def is_met(self, client: Workspace) -> bool:
        """Look once."""
        met, words = DatasetCondition(self.dataset, self.newer_than, self.changed_since).look(client)
        if words != self._said:
            self.log.info("%s", words)
            self._said = words
        return met
