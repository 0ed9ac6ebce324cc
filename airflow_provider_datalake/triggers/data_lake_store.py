"""The trigger that waits for files of a Data Lake Store (Gen1)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.triggers.polling import PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore


@dataclass(frozen=True)
class PathCondition:
    """
    What has to be there.

    :param path: a path, or a pattern of files; a folder counts as soon as it is there
    :param minimum_size: bytes that a file must have
    :param minimum_age: seconds for which a file must not have changed
    :param minimum_count: how many files there must be
    """

    path: str
    minimum_size: int = 0
    minimum_age: float = 0.0
    minimum_count: int = 1

    def look(self, store: DataLakeStore) -> tuple[bool, str]:
        """
        Look once.

        :param store: the store
        :return: whether all is there, and what is not, for the log
        :raises DataLakeError: when it cannot be seen, or what was asked for makes no sense
        """
        from airflow_provider_datalake.clients.data_lake_store_patterns import files_matching, is_pattern

        self._check()
        if is_pattern(self.path):
            found = list(files_matching(store, self.path))
        else:
            one = store.find(self.path)
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

    def _check(self) -> None:
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path
        from airflow_provider_datalake.clients.data_lake_store_patterns import is_pattern

        check_path(self.path)
        for name, least in (("minimum_size", 0), ("minimum_age", 0), ("minimum_count", 1)):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not least <= value < math.inf
            ):
                raise ConfigurationError(f"{name} must be a number of at least {least}, got {value!r}")
        if self.minimum_count > 1 and not is_pattern(self.path):
            raise ConfigurationError(
                f"minimum_count is {self.minimum_count}, but {self.path} is one path: give a pattern, "
                f"e.g. {self.path.rstrip('/')}/*"
            )


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

    async def connect(self) -> DataLakeStore:
        """Make the client from the connection as it is now."""
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        return await DataLakeStoreHook(self.conn_id, account=self.account).aget_client()

    def is_met(self, client: DataLakeStore) -> bool:
        """Look once."""
        condition = PathCondition(self.path, self.minimum_size, self.minimum_age, self.minimum_count)
        met, words = condition.look(client)
        if words != self._said:
            self.log.info("%s", words)
            self._said = words
        return met
