"""All services of one emulator, made together, started together, stopped together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService
from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
from airflow_provider_datalake.emulator.identity.service import IdentityService
from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService
from airflow_provider_datalake.emulator.ml_studio.service import StudioService
from airflow_provider_datalake.emulator.resource_manager.service import ResourceManagerService

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config


class Service(Protocol):
    """What the server asks of every service that keeps something."""

    def start(self) -> None:
        """Settle what an earlier process left behind and begin to work."""
        ...

    def stop(self) -> None:
        """Interrupt what runs; requests may still come."""
        ...

    def close(self) -> None:
        """Release the files; no request may be under way any more."""
        ...

    def expire(self, now: float) -> None:
        """
        Remove what is over.

        :param now: seconds since the epoch
        """
        ...


class Services:
    """
    The emulator without its web server.

    :param config: its settings
    :raises InvalidDefinition: when a configured project cannot have such a name
    :raises RuntimeError: when another process uses the data directory
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.maxcompute = MaxComputeService(config)
        self.identity = IdentityService(config)
        self.stores = DataLakeStoreService(config, self.identity)
        self.resources = ResourceManagerService(config, self.identity, self.stores)
        self.analytics = DataLakeAnalyticsService(config, self.identity, self.stores, self.resources)
        self.studio = StudioService(config, self.identity)
        self._all: tuple[Service, ...] = (
            self.maxcompute,
            self.stores,
            self.resources,
            self.analytics,
            self.studio,
        )

    def start(self) -> None:
        """Start all services."""
        for service in self._all:
            service.start()

    def stop(self) -> None:
        """Interrupt what runs in all services."""
        for service in reversed(self._all):
            service.stop()

    def close(self) -> None:
        """Release the files of all services."""
        for service in reversed(self._all):
            service.close()

    def expire(self, now: float) -> None:
        """
        Remove what is over, in all services.

        :param now: seconds since the epoch
        """
        for service in self._all:
            service.expire(now)
