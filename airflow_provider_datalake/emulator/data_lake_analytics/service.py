"""The analytics accounts of one emulator: their jobs and their catalogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
    from airflow_provider_datalake.emulator.identity.service import IdentityService


class DataLakeAnalyticsService:
    """
    Everything that the job and catalog routes work on.

    :param config: the emulator's settings
    :param identity: tells who sends a request
    :param stores: where scripts read and write files
    """

    def __init__(self, config: Config, identity: IdentityService, stores: DataLakeStoreService) -> None:
        self.config = config
        self.identity = identity
        self.stores = stores
