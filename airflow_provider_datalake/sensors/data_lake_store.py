"""The sensor that waits for files of a Data Lake Store (Gen1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.sensors.deferrable import DeferrableSensor
from airflow_provider_datalake.triggers.data_lake_store import DataLakeStorePathTrigger, PathCondition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook


class DataLakeStorePathSensor(DeferrableSensor):
    """
    Wait for a file, a folder or the files of a pattern to be there.

    :param path: a path of the store; ``*``, ``?``, ``[`` and ``**`` make it a pattern of files (templated)
    :param minimum_size: bytes that a file must have to count
    :param minimum_age: seconds for which a file must not have changed to count
    :param minimum_count: how many files of a pattern there must be
    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("path", "adls_conn_id", "account")
    ui_color = "#d6eaff"

    def __init__(
        self,
        *,
        path: str,
        minimum_size: int = 0,
        minimum_age: float = 0.0,
        minimum_count: int = 1,
        adls_conn_id: str = "adls_gen1_default",
        account: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.minimum_size = minimum_size
        self.minimum_age = minimum_age
        self.minimum_count = minimum_count
        self.adls_conn_id = adls_conn_id
        self.account = account
        self._client: DataLakeStore | None = None

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        return self.adls_conn_id

    @property
    def hook(self) -> DataLakeStoreHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        return DataLakeStoreHook(self.adls_conn_id, account=self.account or None)

    def is_met(self) -> bool:
        """Look whether all is there."""
        met, words = self._condition().look(self._store())
        if not met:
            self.log.info("%s", words)
        return met

    def trigger(self) -> DataLakeStorePathTrigger:
        """Make the trigger that goes on looking."""
        return DataLakeStorePathTrigger(
            conn_id=self.adls_conn_id,
            account=self.account or None,
            path=self.path,
            minimum_size=self.minimum_size,
            minimum_age=self.minimum_age,
            minimum_count=self.minimum_count,
            poll_interval=self.poke_interval,
        )

    def _store(self) -> DataLakeStore:
        # One for all looks of this process: it keeps its connections and its token.
        if self._client is None:
            self._client = self.hook.get_client()
        return self._client

    def _condition(self) -> PathCondition:
        return PathCondition(self.path, self.minimum_size, self.minimum_age, self.minimum_count)
