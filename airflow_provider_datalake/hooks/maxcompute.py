"""The hook for MaxCompute: the one place that knows the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_provider_datalake.clients.maxcompute import (
    MaxComputeSettings,
    build_client,
    parse_extra,
    read_settings,
)
from airflow_provider_datalake.clients.maxcompute_errors import service_errors
from airflow_provider_datalake.exceptions import DataLakeError

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from odps import ODPS

    from airflow_provider_datalake.jobs.maxcompute import MaxComputeJobs


class MaxComputeHook(DbApiHook):
    """
    Interact with Alibaba MaxCompute (ODPS).

    The constructor does no I/O. ``get_client`` gives the whole PyODPS client; the other methods cover what
    pipelines do most.

    :param odps_conn_id: the connection's id
    :param project: takes precedence over the connection's project
    :param schema: takes precedence over the connection's default schema
    :param hints: settings for all SQL that runs through the hook's database connection
    """

    conn_name_attr = "odps_conn_id"
    default_conn_name = "odps_default"
    conn_type = "odps"
    hook_name = "MaxCompute"
    _placeholder = "?"

    def __init__(
        self,
        odps_conn_id: str = default_conn_name,
        *,
        project: str | None = None,
        schema: str | None = None,
        hints: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(odps_conn_id, schema=schema, **kwargs)
        self.project = project
        self.schema = schema
        self.hints = hints

    def settings(self, connection: Connection | None = None) -> MaxComputeSettings:
        """
        Read and check the connection.

        :param connection: a connection that was fetched already
        :return: its settings, with the hook's project and schema in place
        :raises ConfigurationError: when a field is missing or invalid; the message names it
        """
        connection = connection or self.connection
        conn_id = self.get_conn_id()
        parse_extra(connection.extra, conn_id=conn_id)
        return self._settings(connection, connection.extra_dejson)

    def _settings(self, connection: Connection, extra: dict[str, Any]) -> MaxComputeSettings:
        return read_settings(
            conn_id=self.get_conn_id(),
            host=connection.host,
            login=connection.login,
            password=connection.password,
            extra=extra,
            project=self.project,
            schema=self.schema,
        )

    def get_client(self, connection: Connection | None = None) -> ODPS:
        """
        Build a PyODPS client.

        :param connection: a connection that was fetched already
        :return: the client; nothing of it is process-wide
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        return build_client(self.settings(connection))

    def job_service(self, connection: Connection | None = None) -> MaxComputeJobs:
        """
        Build the service that submits, watches and cancels jobs.

        :param connection: a connection that was fetched already
        :return: the service
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        return _job_service(self.settings(connection))

    async def aget_job_service(self) -> MaxComputeJobs:
        """
        Build the job service from a trigger, without blocking its event loop.

        :return: the service
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        connection = await self.aget_connection(self.get_conn_id())
        parse_extra(connection.extra, conn_id=self.get_conn_id())
        settings = self._settings(connection, await connection.aextra_dejson())
        return await asyncio.to_thread(_job_service, settings)

    def test_connection(self) -> tuple[bool, str]:  # type: ignore[override]  # the base has no annotation
        """
        Ask the service for the project once.

        :return: whether it answered, and a message for the person who asked
        """
        try:
            settings = self.settings()
            with service_errors(settings.conn_id, f"look up project {settings.project}"):
                build_client(settings, probe=True).get_project().reload()
        except DataLakeError as error:
            return False, str(error)
        return True, f"Project {settings.project} at {settings.endpoint} answers"


def _job_service(settings: MaxComputeSettings) -> MaxComputeJobs:
    from airflow_provider_datalake.jobs.maxcompute import MaxComputeJobs

    return MaxComputeJobs(build_client(settings))
