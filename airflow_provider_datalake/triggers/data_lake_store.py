"""The trigger that waits for files of a Data Lake Store (Gen1)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.triggers.polling import PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook


@dataclass(frozen=True)
class PathCondition:
    """
    What has to be there.

    :param path: a path, or a pattern of files
    :param minimum_size: bytes that a file must have
    :param minimum_age: seconds for which a file must not have changed
    :param minimum_count: how many files there must be
    """

    path: str
    minimum_size: int = 0
    minimum_age: float = 0.0
    minimum_count: int = 1

    def look(self, hook: DataLakeStoreHook) -> tuple[bool, str]:
        """
        Look once.

        :param hook: the hook
        :return: whether all is there, and what is not, for the log
        :raises DataLakeError: when it cannot be seen, or the path is none
        """
        from airflow_provider_datalake.hooks.data_lake_store import PATTERN_SIGNS

        if not isinstance(self.path, str) or not self.path.strip():
            raise ConfigurationError(f"path must be a path of the store, got {self.path!r}")
        if self.minimum_count < 1:
            raise ConfigurationError(f"minimum_count must be 1 or more, got {self.minimum_count!r}")
        if any(sign in self.path for sign in PATTERN_SIGNS):
            found = hook.glob(self.path)
        else:
            one = hook.get_client().find(self.path)
            found = [] if one is None else [one]
        now = time.time()
        ready = [
            one
            for one in found
            if one.is_folder or (one.size >= self.minimum_size and now - one.modified >= self.minimum_age)
        ]
        words = (
            f"{self.path}: {len(ready)} of {self.minimum_count} are there and ready, {len(found)} are there"
        )
        return len(ready) >= self.minimum_count, words


class DataLakeStorePathTrigger(PollingTrigger):
    """
    Wait until files are there.

    :param conn_id: the connection's id
    :param path: a path, or a pattern of files
    :param account: takes precedence over the connection's account
    :param minimum_size: bytes that a file must have
    :param minimum_age: seconds for which a file must not have changed
    :param minimum_count: how many files there must be
    :param poll_interval: seconds between two looks
    """

    def __init__(
        self,
        *,
        conn_id: str,
        path: str,
        account: str | None = None,
        minimum_size: int = 0,
        minimum_age: float = 0.0,
        minimum_count: int = 1,
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__(poll_interval=poll_interval)
        self.conn_id = conn_id
        self.path = path
        self.account = account
        self.minimum_size = minimum_size
        self.minimum_age = minimum_age
        self.minimum_count = minimum_count
        self._said = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger anew."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "conn_id": self.conn_id,
            "path": self.path,
            "account": self.account,
            "minimum_size": self.minimum_size,
            "minimum_age": self.minimum_age,
            "minimum_count": self.minimum_count,
            "poll_interval": self.poll_interval,
        }

    @property
    def awaited(self) -> str:
        """What is waited for, for messages."""
        return f"path {self.path}"

    async def connect(self) -> DataLakeStoreHook:
        """Make the hook with a client from the connection as it is now."""
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        hook = DataLakeStoreHook(self.conn_id, account=self.account)
        hook._client = await hook.aget_client()
        return hook

    def is_met(self, client: DataLakeStoreHook) -> bool:
        """Look once."""
        condition = PathCondition(self.path, self.minimum_size, self.minimum_age, self.minimum_count)
        met, words = condition.look(client)
        if words != self._said:
            self.log.info("%s", words)
            self._said = words
        return met
