"""The resources of one emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.identity.service import IdentityService


class ResourceManagerService:
    """
    Everything that the resource manager's routes work on.

    :param config: the emulator's settings
    :param identity: tells who sends a request
    """

    def __init__(self, config: Config, identity: IdentityService) -> None:
        self.config = config
        self.identity = identity
