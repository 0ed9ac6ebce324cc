"""The stores of one emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.identity.service import IdentityService


class DataLakeStoreService:
    """
    Everything that the file system's routes work on.

    :param config: the emulator's settings
    :param identity: who may do what is asked of it
    """

    def __init__(self, config: Config, identity: IdentityService) -> None:
        self.config = config
        self.identity = identity
