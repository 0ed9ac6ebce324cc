"""The hook for Data Lake Analytics and the resource manager: the one place that knows the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_datalake.clients.azure_settings import read_settings
from airflow_provider_datalake.clients.connection_fields import parse_extra
from airflow_provider_datalake.exceptions import DataLakeError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_datalake.clients.azure_settings import AzureSettings
    from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
    from airflow_provider_datalake.clients.data_lake_analytics_catalog import DataLakeAnalyticsCatalogClient
    from airflow_provider_datalake.clients.data_lake_analytics_users import AccountUsers
    from airflow_provider_datalake.clients.resource_manager import ResourceManager
    from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs


class DataLakeAnalyticsHook(BaseHook):
    """
    Interact with Azure Data Lake Analytics: jobs, catalog, and the accounts themselves.

    The constructor does no I/O.

    :param adla_conn_id: the connection's id
    :param account: takes precedence over the connection's account
    """

    conn_name_attr = "adla_conn_id"
    default_conn_name = "adla_default"
    conn_type = "adla"
    hook_name = "Azure Data Lake Analytics"

    def __init__(
        self, adla_conn_id: str = default_conn_name, *, account: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.adla_conn_id = adla_conn_id
        self.account = account

    def settings(self, *, needs_account: bool = True) -> AzureSettings:
        """
        Read and check the connection.

        :param needs_account: False for the resource manager, which can do without one
        :return: its settings, with the hook's account in place
        :raises ConfigurationError: when a field is missing or invalid; the message names it
        """
        connection = self.get_connection(self.adla_conn_id)
        parse_extra(connection.extra, conn_id=self.adla_conn_id)
        return self._settings(connection, connection.extra_dejson, needs_account=needs_account)

    async def _asettings(self, *, needs_account: bool = True) -> AzureSettings:
        connection = await self.aget_connection(self.adla_conn_id)
        parse_extra(connection.extra, conn_id=self.adla_conn_id)
        return self._settings(connection, await connection.aextra_dejson(), needs_account=needs_account)

    def _settings(
        self, connection: Connection, extra: dict[str, Any], *, needs_account: bool
    ) -> AzureSettings:
        return read_settings(
            conn_id=self.adla_conn_id,
            host=connection.host,
            login=connection.login,
            password=connection.password,
            extra=extra,
            service="analytics",
            account=self.account,
            needs_account=needs_account,
        )

    def get_job_client(self) -> DataLakeAnalyticsJobClient:
        """
        Build the client of the account's job service.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient

        return DataLakeAnalyticsJobClient.connect(self.settings())

    def get_catalog_client(self) -> DataLakeAnalyticsCatalogClient:
        """
        Build the client of the account's catalog.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.data_lake_analytics_catalog import (
            DataLakeAnalyticsCatalogClient,
        )

        return DataLakeAnalyticsCatalogClient.connect(self.settings())

    def get_users(self, *, resource_group: str | None = None) -> AccountUsers:
        """
        Build the client of those who may use the account: roles, and permissions in the catalog.

        :param resource_group: the account's group; the connection's when None
        :return: the users
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.data_lake_analytics_users import AccountUsers

        account = self.settings().account
        return AccountUsers(self.get_resource_manager(), self.get_catalog_client(), account, resource_group)

    def get_resource_manager(self) -> ResourceManager:
        """
        Build the client of the resource manager: resource groups, accounts and what belongs to them.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.resource_manager import ResourceManager

        return ResourceManager.connect(self.settings(needs_account=False))

    async def aget_resource_manager(self) -> ResourceManager:
        """
        Build the client of the resource manager from a trigger, without blocking its event loop.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.resource_manager import ResourceManager

        settings = await self._asettings(needs_account=False)
        return await asyncio.to_thread(ResourceManager.connect, settings)

    def job_service(self) -> DataLakeAnalyticsJobs:
        """
        Build the service that submits, watches and cancels jobs.

        :return: the service
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        return _job_service(self.settings())

    async def aget_job_service(self) -> DataLakeAnalyticsJobs:
        """
        Build the job service from a trigger, without blocking its event loop.

        :return: the service
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        settings = await self._asettings()
        return await asyncio.to_thread(_job_service, settings)

    def test_connection(self) -> tuple[bool, str]:
        """
        Ask the account for one job.

        :return: whether it answered, and a message for the person who asked
        """
        try:
            settings = self.settings()
            _probe(settings)
        except DataLakeError as error:
            return False, str(error)
        return True, f"Account {settings.account} at {settings.url} answers"


def _probe(settings: AzureSettings) -> None:
    from dataclasses import replace

    from airflow_provider_datalake.clients.azure_rest import ListOptions
    from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
    from airflow_provider_datalake.clients.http import RetryPolicy

    # The person who asked is waiting for the answer.
    once = replace(settings.transport, read_timeout=15.0, policy=RetryPolicy(attempts=1))
    client = DataLakeAnalyticsJobClient.connect(replace(settings, transport=once))
    next(client.list(ListOptions(top=1)), None)


def _job_service(settings: AzureSettings) -> DataLakeAnalyticsJobs:
    from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
    from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs

    return DataLakeAnalyticsJobs(DataLakeAnalyticsJobClient.connect(settings), account=settings.account)
