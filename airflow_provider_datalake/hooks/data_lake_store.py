"""The hook for the Data Lake Store (Gen1): the one place that knows the connection."""

from __future__ import annotations

import asyncio
import fnmatch
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
    from airflow_provider_datalake.clients.data_lake_store_upload import TransferResult

PATTERN_SIGNS = "*?["


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

        connection = await self.aget_connection(self.adls_conn_id)
        parse_extra(connection.extra, conn_id=self.adls_conn_id)
        settings = self._settings(connection, await connection.aextra_dejson())
        return await asyncio.to_thread(DataLakeStore.connect, settings)

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
        since: float | None = None,
        stop: threading.Event | None = None,
    ) -> TransferResult:
        """
        Upload a file, a folder or the files of a pattern.

        :param source: a path of this machine; ``*``, ``?`` and ``[`` make it a pattern
        :param destination: a file's path in the store for one file; a folder's for a folder or a pattern
        :param overwrite: whether files that are there are replaced
        :param threads: requests in flight at a time
        :param since: epoch seconds at which an earlier attempt at the same upload began; what it has finished
            is not sent again
        :param stop: set it to end the upload
        :return: counts
        :raises NotFoundError: when there is no such file
        :raises ConflictError: when a file is there and must not be replaced
        """
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path
        from airflow_provider_datalake.clients.data_lake_store_upload import UploadOptions, upload

        target = check_path(destination, "destination")
        options = UploadOptions(threads=threads, overwrite=overwrite, since=since)
        result = upload(self.get_client(), _local_pairs(Path(source), target), options, stop)
        self._tell_lineage("output", target)
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

        path, target = check_path(source, "source"), Path(destination)
        client = self.get_client()
        if any(sign in path for sign in PATTERN_SIGNS):
            root = fixed_folder(path)
            found = self.glob(path)
            if not found:
                raise NotFoundError(f"Connection {self.adls_conn_id!r}: no file matches {path}")
        else:
            status = client.status(path)
            root = path if status.is_folder else ""
            found = list(client.walk(path)) if status.is_folder else [status]
        pairs = [(one, target / one.path[len(root) :].lstrip("/") if root else target) for one in found]
        result = download(client, pairs, DownloadOptions(threads=threads, overwrite=overwrite), stop)
        self._tell_lineage("input", path)
        return result

    def glob(self, pattern: str) -> list[FileStatus]:
        """
        List the files of a pattern.

        :param pattern: a path of the store; ``*``, ``?`` and ``[`` match within one part, ``**`` over parts
        :return: the files, in the order of their paths; nothing when there is no such folder
        """
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path

        checked = check_path(pattern, "pattern")
        client = self.get_client()
        try:
            return [one for one in _candidates(client, checked) if matches(one.path, checked)]
        except NotFoundError:
            return []

    def _tell_lineage(self, side: str, path: str) -> None:
        from airflow.sdk.lineage import get_hook_lineage_collector

        collector = get_hook_lineage_collector()
        add = collector.add_output_asset if side == "output" else collector.add_input_asset
        add(context=self, uri=self.get_client().uri(path))


def _local_pairs(source: Path, target: str) -> list[tuple[Path, str]]:
    from airflow_provider_datalake.clients.data_lake_store_paths import join
    from airflow_provider_datalake.clients.data_lake_store_upload import files_below

    text = str(source)
    if any(sign in text for sign in PATTERN_SIGNS) and not source.exists():
        root = Path(fixed_folder(text))
        matching = [(path, name) for path, name in files_below(root) if matches(str(path), text)]
        if not matching:
            raise NotFoundError(f"no file matches {source}")
        return [(path, join(target, name)) for path, name in matching]
    if source.is_dir():
        found = files_below(source)
        if not found:
            raise NotFoundError(f"there are no files in {source}")
        return [(path, join(target, name)) for path, name in found]
    if not source.exists():
        raise NotFoundError(f"no such file: {source}")
    if target == "/":
        raise ConfigurationError("destination must be a file's path for one file, it is /")
    return [(source, target)]


def fixed_folder(pattern: str) -> str:
    """
    Give the folder above the first part of a pattern that is not fixed.

    :param pattern: an absolute path with patterns
    :return: the folder
    """
    parts: list[str] = []
    for part in pattern.split("/")[:-1]:
        if any(sign in part for sign in PATTERN_SIGNS):
            break
        parts.append(part)
    return "/".join(parts) or "/"


def matches(path: str, pattern: str) -> bool:
    """
    Tell whether a path matches a pattern.

    :param path: an absolute path
    :param pattern: an absolute path with patterns
    :return: whether it does
    """
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_match(parts[number:], patterns[1:]) for number in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0]) and _match(parts[1:], patterns[1:])


def _candidates(client: DataLakeStore, pattern: str) -> list[FileStatus]:
    """List what may match: one folder's files, unless the pattern reaches further down."""
    folder = fixed_folder(pattern)
    deep = pattern.count("/") > folder.rstrip("/").count("/") + 1
    found = client.walk(folder) if deep else client.children(folder)
    return [one for one in found if not one.is_folder]
