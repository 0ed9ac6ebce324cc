"""The hook for MaxCompute: the one place that knows the connection."""

from __future__ import annotations

import asyncio
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_provider_datalake.clients.connection_fields import parse_extra
from airflow_provider_datalake.clients.maxcompute import MaxComputeSettings, build_client, read_settings
from airflow_provider_datalake.clients.maxcompute_errors import service_errors
from airflow_provider_datalake.exceptions import ConfigurationError, DataLakeError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from airflow.sdk import Connection
    from odps import ODPS
    from sqlalchemy.engine import URL, Engine

    from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
    from airflow_provider_datalake.clients.maxcompute_inputs import LoadData
    from airflow_provider_datalake.clients.maxcompute_load import LoadResult
    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.clients.maxcompute_unload import Download
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
    hook_name = "MaxCompute (ODPS)"
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

    # Loads and unloads

    def load(
        self,
        data: LoadData,
        table: str,
        *,
        partition: PartitionSpec | None = None,
        overwrite: bool = False,
        create_partition: bool = False,
        columns: Mapping[str, str] | Sequence[str] | None = None,
        csv_format: CsvFormat | None = None,
        threads: int = 4,
        compress: bool | None = None,
        upload_id: str | None = None,
        on_session: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> LoadResult:
        """
        Load data into a table or partition: all of it, or nothing.

        :param data: an Arrow table, a record batch reader, a DataFrame, or one or several files: paths (also
            ``ObjectStoragePath``) or open binary files, Parquet unless ``csv_format`` is given
        :param table: the table's name
        :param partition: e.g. ``dt='20240101'``, for a partitioned table
        :param overwrite: whether the load replaces what is there
        :param create_partition: whether to create the partition if it is missing
        :param columns: the columns of the data to load, or table column by column of the data; the table's
            other columns then become NULL. None: the data's columns must be the table's
        :param csv_format: how the files are written, when they are CSV
        :param threads: blocks in flight at a time
        :param compress: whether blocks travel compressed; None for yes unless the service is on this machine
        :param upload_id: the upload session of an earlier attempt at this load, see ``LoadResult``
        :param on_session: called with the upload session's id before anything is sent
        :param stop: set it to end the load; nothing becomes visible
        :return: what was loaded
        :raises ConfigurationError: when data, table and partition do not fit, before anything is sent
        :raises NotFoundError: when table, partition or a file do not exist
        :raises TransferError: when the load does not come through whole
        """
        from airflow_provider_datalake.clients.maxcompute_inputs import make_sources
        from airflow_provider_datalake.clients.maxcompute_load import LoadOptions, find_target, load

        settings = self.settings()
        with service_errors(settings.conn_id, f"load table {table}"):
            client = build_client(settings)
            target = find_target(client, table, partition, create_partition=create_partition)
            sources = make_sources(data, target.columns, csv_format=csv_format, columns=columns)
            options = LoadOptions(
                overwrite=overwrite,
                create_partition=create_partition,
                columns=columns,
                zone=settings.zone,
                threads=threads,
                compress=compress,
            )
            return load(
                client, target, sources, options, upload_id=upload_id, on_session=on_session, stop=stop
            )

    def create_table(
        self,
        table: str,
        data: LoadData | None = None,
        *,
        table_columns: Mapping[str, str] | None = None,
        partition_columns: Mapping[str, str] | None = None,
        partition: PartitionSpec | None = None,
        columns: Mapping[str, str] | Sequence[str] | None = None,
        csv_format: CsvFormat | None = None,
    ) -> bool:
        """
        Create a table for data if it is missing.

        :param table: the table's name
        :param data: what is to be loaded, see ``load``; it is checked before the table is created
        :param table_columns: type by name; None to take them from ``data`` (which CSV files do not tell)
        :param partition_columns: type by name; None for STRING columns that ``partition`` names
        :param partition: a partition of the table
        :param columns: the columns of the data to load, see ``load``
        :param csv_format: how the files are written, when they are CSV
        :return: whether the table was missing
        :raises ConfigurationError: when the columns are not known, or the data do not fit them
        """
        from airflow_provider_datalake.clients import maxcompute_create as tables
        from airflow_provider_datalake.clients.maxcompute_inputs import make_sources
        from airflow_provider_datalake.clients.maxcompute_load import LoadOptions, check
        from airflow_provider_datalake.clients.maxcompute_tunnel import TableRef

        settings = self.settings()
        with service_errors(settings.conn_id, f"create table {table}"):
            client = build_client(settings)
            ref = TableRef.parse(table, client)
            if client.exist_table(ref.name, project=ref.project, schema=ref.schema or None):
                return False
            if table_columns is None and (data is None or csv_format is not None):
                raise ConfigurationError("give table_columns: CSV files do not tell their types")
            described = tables.described_columns(table_columns) if table_columns else None
            if data is not None:
                sources = make_sources(data, described or [], csv_format=csv_format, columns=columns)
                described = described or tables.columns_of(sources[0].schema, columns)
                check(sources, described, LoadOptions(columns=columns, zone=settings.zone))
            tables.create_table(client, table, described or [], partition_columns, partition)
        return True

    def unload(
        self,
        table: str,
        *,
        partition: PartitionSpec | None = None,
        columns: Sequence[str] | None = None,
        threads: int = 4,
        compress: bool | None = None,
        stop: threading.Event | None = None,
    ) -> Download:
        """
        Open the rows of a table or partition, all of them.

        :param table: the table's name
        :param partition: one partition; None for the whole table, partition by partition
        :param columns: names of data and partition columns; None for all, partition columns last
        :param threads: ranges in flight at a time
        :param compress: whether rows travel compressed; None for yes unless the service is on this machine
        :param stop: set it to end the download
        :return: the download: ``batches()``, ``to_arrow()`` or ``to_pandas()``
        :raises ConfigurationError: when a name or the partition does not fit
        :raises NotFoundError: when table or partition do not exist
        """
        from airflow_provider_datalake.clients.maxcompute_unload import open_table

        settings = self.settings()
        with service_errors(settings.conn_id, f"unload table {table}"):
            return open_table(
                build_client(settings),
                table,
                partition=partition,
                columns=columns,
                zone=settings.zone,
                threads=threads,
                compress=compress,
                stop=stop,
            )

    def unload_result(
        self,
        instance_id: str,
        *,
        threads: int = 4,
        compress: bool | None = None,
        stop: threading.Event | None = None,
    ) -> Download:
        """
        Open the rows of a query's result, all of them.

        :param instance_id: a finished instance whose statement returns rows
        :param threads: ranges in flight at a time
        :param compress: whether rows travel compressed; None for yes unless the service is on this machine
        :param stop: set it to end the download
        :return: the download: ``batches()``, ``to_arrow()`` or ``to_pandas()``
        :raises NotFoundError: when there is no such instance
        """
        from airflow_provider_datalake.clients.maxcompute_unload import open_result

        settings = self.settings()
        with service_errors(settings.conn_id, f"read the result of instance {instance_id}"):
            return open_result(
                build_client(settings),
                instance_id,
                zone=settings.zone,
                threads=threads,
                compress=compress,
                stop=stop,
            )

    # DB-API

    def get_conn(self) -> Any:
        """
        Open a DB-API connection.

        :return: PyODPS's, with cursors that stop their instance when the task ends before it
        """
        from airflow_provider_datalake.clients.maxcompute_dbapi import connect

        settings = self.settings()
        hints = {**settings.hints, **{name: str(value) for name, value in (self.hints or {}).items()}}
        return connect(build_client(settings), conn_id=settings.conn_id, zone=settings.zone, hints=hints)

    @property
    def sqlalchemy_url(self) -> URL:
        """The URL of PyODPS's SQLAlchemy dialect, with the access key in it."""
        from sqlalchemy.engine import URL

        settings = self.settings()
        if not settings.access_id or settings.sts_token:
            raise ConfigurationError(
                f"Connection {settings.conn_id!r}: SQLAlchemy needs an access key without a token"
            )
        query = {"endpoint": settings.endpoint}
        if settings.quota:
            query["quota_name"] = settings.quota
        return URL.create(
            "odps",
            username=settings.access_id,
            password=settings.secret,
            host=settings.project,
            query=query,
        )

    def get_uri(self) -> str:
        """
        Give the URL for SQLAlchemy as text.

        :return: the URL, with the access key in it
        """
        return self.sqlalchemy_url.render_as_string(hide_password=False)

    def get_sqlalchemy_engine(self, engine_kwargs: dict[str, Any] | None = None) -> Engine:
        """
        Make an SQLAlchemy engine.

        :param engine_kwargs: for ``sqlalchemy.create_engine``
        :return: the engine; its connections leave PyODPS's process-wide settings alone
        """
        given = engine_kwargs or {}
        # Else PyODPS writes the account into its global options, where every other client finds it.
        arguments = {"overwrite_global": False, **given.get("connect_args", {})}
        return super().get_sqlalchemy_engine({**given, "connect_args": arguments})

    def _get_pandas_df(self, sql: Any, parameters: Any = None, **kwargs: Any) -> pd.DataFrame:
        if kwargs:
            raise ConfigurationError(f"get_df does not take {', '.join(kwargs)}")
        with self._result(sql, parameters) as result:
            return result.to_pandas()

    def _get_pandas_df_by_chunks(
        self, sql: Any, parameters: Any = None, *, chunksize: int, **kwargs: Any
    ) -> Generator[pd.DataFrame, None, None]:
        from airflow_provider_datalake.clients.maxcompute_unload import arrow_to_pandas

        if kwargs:
            raise ConfigurationError(f"get_df_by_chunks does not take {', '.join(kwargs)}")
        with self._result(sql, parameters) as result:
            for table in result.tables(chunksize):
                yield arrow_to_pandas(table)

    @contextmanager
    def _result(self, sql: str | list[str], parameters: Any) -> Iterator[Download]:
        """Run one or several statements and open the last one's result."""
        with closing(self.get_conn()) as connection, closing(connection.cursor()) as cursor:
            for statement in [sql] if isinstance(sql, str) else sql:
                cursor.execute(statement, parameters)
            result = cursor.result()
            if result is None:
                raise ConfigurationError(f"Connection {self.get_conn_id()!r}: the statement returns no rows")
            with service_errors(self.get_conn_id(), "read the result"):
                yield result

    def insert_rows(
        self,
        table: str,
        rows: Iterable[Sequence[Any]],
        target_fields: Sequence[str] | None = None,
        commit_every: int = 0,
        replace: bool = False,
        *,
        partition: PartitionSpec | None = None,
        overwrite: bool = False,
        create_partition: bool = False,
        **kwargs: Any,
    ) -> None:
        """
        Insert rows, in one load: all of them, or none.

        :param table: the table's name
        :param rows: rows of Python values
        :param target_fields: the columns that the values are for; by default the table's
        :param commit_every: has no effect, there is one commit
        :param replace: not supported, for a table has no keys; see ``overwrite``
        :param partition: the partition, for a partitioned table
        :param overwrite: whether the rows replace what is there
        :param create_partition: whether to create the partition if it is missing
        :param kwargs: options of other databases, without effect
        """
        from airflow_provider_datalake.clients.maxcompute_inputs import make_rows
        from airflow_provider_datalake.clients.maxcompute_load import LoadOptions, find_target, load

        if replace:
            raise ConfigurationError("replace=True needs keys, which tables lack; use overwrite=True")
        settings = self.settings()
        with service_errors(settings.conn_id, f"insert into table {table}"):
            client = build_client(settings)
            target = find_target(client, table, partition, create_partition=create_partition)
            source = make_rows(rows, target.columns, target_fields, settings.zone)
            options = LoadOptions(
                overwrite=overwrite,
                create_partition=create_partition,
                columns=target_fields,
                zone=settings.zone,
            )
            result = load(client, target, [source], options)
        self.log.info("Loaded %s rows into %s", result.rows, table)


def _job_service(settings: MaxComputeSettings) -> MaxComputeJobs:
    from airflow_provider_datalake.jobs.maxcompute import MaxComputeJobs

    return MaxComputeJobs(build_client(settings), conn_id=settings.conn_id, hints=settings.hints)
