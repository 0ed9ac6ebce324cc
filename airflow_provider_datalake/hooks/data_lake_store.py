"""The hook for the Data Lake Store (Gen1): the one place that knows the connection."""

from __future__ import annotations

import asyncio
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_datalake.clients.azure_settings import read_settings
from airflow_provider_datalake.clients.connection_fields import parse_extra
from airflow_provider_datalake.exceptions import ConfigurationError, DataLakeError, NotFoundError

if TYPE_CHECKING:
    import threading

    from airflow.sdk import Connection

    from airflow_provider_datalake.clients.azure_settings import AzureSettings
    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus
    from airflow_provider_datalake.clients.data_lake_store_upload import Beginning, TransferResult


class DataLakeStoreHook(BaseHook):
    """
    Interact with Azure Data Lake Store (Gen1).

    The constructor does no I/O. ``get_client`` gives the whole file system; the other methods cover what
    pipelines do most.

    :param adls_conn_id: the connection's id
    :param account: takes precedence over the connection's account
    """

    conn_name_attr = "adls_conn_id"
    default_conn_name = "adls_gen1_default"
    conn_type = "adls_gen1"
    hook_name = "Azure Data Lake Store (Gen1)"

    def __init__(
        self, adls_conn_id: str = default_conn_name, *, account: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.adls_conn_id = adls_conn_id
        self.account = account
        self._client: DataLakeStore | None = None

    def settings(self) -> AzureSettings:
        """
        Read and check the connection.

        :return: its settings, with the hook's account in place
        :raises ConfigurationError: when a field is missing or invalid; the message names it
        """
        connection = self.get_connection(self.adls_conn_id)
        parse_extra(connection.extra, conn_id=self.adls_conn_id)
        return self._settings(connection, connection.extra_dejson)

    def _settings(self, connection: Connection, extra: dict[str, Any]) -> AzureSettings:
        return read_settings(
            conn_id=self.adls_conn_id,
            host=connection.host,
            login=connection.login,
            password=connection.password,
            extra=extra,
            service="store",
            account=self.account,
        )

    def get_client(self) -> DataLakeStore:
        """
        Get the client; one for all calls of the hook.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

        if self._client is None:
            self._client = DataLakeStore.connect(self.settings())
        return self._client

    async def aget_client(self) -> DataLakeStore:
        """
        Build a client from a trigger, without blocking its event loop.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

        if self._client is None:
            connection = await self.aget_connection(self.adls_conn_id)
            parse_extra(connection.extra, conn_id=self.adls_conn_id)
            settings = self._settings(connection, await connection.aextra_dejson())
            self._client = await asyncio.to_thread(DataLakeStore.connect, settings)
        return self._client

    def test_connection(self) -> tuple[bool, str]:
        """
        Look at the root once.

        :return: whether the store answered, and a message for the person who asked
        """
        from dataclasses import replace

        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
        from airflow_provider_datalake.clients.http import RetryPolicy

        try:
            settings = self.settings()
            # The person who asked is waiting for the answer.
            once = replace(settings.transport, read_timeout=15.0, policy=RetryPolicy(attempts=1))
            DataLakeStore.connect(replace(settings, transport=once)).status("/")
        except DataLakeError as error:
            return False, str(error)
        return True, f"Store {settings.account} at {settings.url} answers"

    # Whole files and trees

    def upload(
        self,
        source: str | Path,
        destination: str,
        *,
        overwrite: bool = True,
        threads: int = 8,
        since: Beginning | None = None,
        stop: threading.Event | None = None,
    ) -> TransferResult:
        """
        Upload a file, a folder or the files of a pattern.

        :param source: a path of this machine; ``*``, ``?`` and ``[`` make it a pattern
        :param destination: a file's path in the store for one file; a folder's for a folder or a pattern
        :param overwrite: whether files that are there are replaced
        :param threads: requests in flight at a time
        :param since: when the first attempt at the same upload began: what it has finished is not sent again
        :param stop: set it to end the upload
        :return: counts
        :raises NotFoundError: when there is no such file
        :raises ConflictError: when a file is there and must not be replaced
        """
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path
        from airflow_provider_datalake.clients.data_lake_store_upload import UploadOptions, upload

        pairs = _local_pairs(Path(source), destination)
        options = UploadOptions(threads=threads, overwrite=overwrite, since=since)
        result = upload(self.get_client(), pairs, options, stop)
        self._tell_lineage("output", check_path(destination, "destination"))
        return result

    def download(
        self,
        source: str,
        destination: str | Path,
        *,
        overwrite: bool = True,
        threads: int = 8,
        stop: threading.Event | None = None,
    ) -> TransferResult:
        """
        Download a file, a folder or the files of a pattern.

        :param source: a path of the store; ``*``, ``?`` and ``[`` make it a pattern
        :param destination: a file's path on this machine for one file; a folder's for a folder or a pattern
        :param overwrite: whether files that are there are replaced
        :param threads: requests in flight at a time
        :param stop: set it to end the download
        :return: counts
        :raises NotFoundError: when there is no such file
        :raises ConflictError: when a file is there and must not be replaced
        """
        from airflow_provider_datalake.clients.data_lake_store_download import DownloadOptions, download
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path
        from airflow_provider_datalake.clients.data_lake_store_patterns import (
            files_below,
            files_matching,
            fixed_folder,
            is_pattern,
        )

        path, target, client = check_path(source, "source"), Path(destination), self.get_client()
        if is_pattern(path):
            root = fixed_folder(path)
            found = list(files_matching(client, path))
            if not found:
                raise NotFoundError(f"Connection {self.adls_conn_id!r}: no file matches {path}")
        else:
            status = client.status(path)
            root = path if status.is_folder else ""
            found = list(files_below(client, path)) if status.is_folder else [status]
        if not root and str(destination).endswith("/"):
            raise ConfigurationError(f"destination {destination} is a folder: name a file in it")
        pairs = [(one, target / _below(one.path, root) if root else target) for one in found]
        result = download(client, pairs, DownloadOptions(threads=threads, overwrite=overwrite), stop)
        self._tell_lineage("input", path)
        return result

    def glob(self, pattern: str) -> list[FileStatus]:
        """
        List the files of a pattern.

        :param pattern: a path of the store; ``*``, ``?`` and ``[`` match within one part, ``**`` over parts
        :return: the files, in the order of their paths; nothing when there is no such folder
        """
        from airflow_provider_datalake.clients.data_lake_store_patterns import files_matching

        return sorted(files_matching(self.get_client(), pattern), key=lambda one: one.path)

    def _tell_lineage(self, side: str, path: str) -> None:
        from airflow.sdk.lineage import get_hook_lineage_collector

        collector = get_hook_lineage_collector()
        add = collector.add_output_asset if side == "output" else collector.add_input_asset
        add(context=self, uri=self.get_client().uri(path))


def _below(path: str, root: str) -> str:
    from airflow_provider_datalake.clients.data_lake_store_paths import check_path

    # The names are the service's: none of them may lead out of the destination.
    return check_path(path)[len(root.rstrip("/")) :].lstrip("/")


def _local_pairs(source: Path, destination: str) -> list[tuple[Path, str]]:
    from airflow_provider_datalake.clients.data_lake_store_paths import check_path, join
    from airflow_provider_datalake.clients.data_lake_store_patterns import fixed_folder, is_pattern
    from airflow_provider_datalake.clients.data_lake_store_upload import local_files

    text, target = str(source.absolute()), check_path(destination, "destination")
    if is_pattern(text) and not source.exists():
        root = Path(fixed_folder(text))
        matching = sorted(path for path in map(Path, glob(text, recursive=True)) if not path.is_dir())
        if not matching:
            raise NotFoundError(f"no file matches {source}")
        return [(path, join(target, path.relative_to(root).as_posix())) for path in matching]
    if source.is_dir():
        found = local_files(source)
        if not found:
            raise NotFoundError(f"there are no files in {source}")
        return [(path, join(target, name)) for path, name in found]
    if not source.exists():
        raise NotFoundError(f"no such file: {source}")
    if destination.endswith("/"):
        raise ConfigurationError(f"destination {destination} is a folder: name a file in it")
    return [(source, target)]
