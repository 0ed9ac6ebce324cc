"""Operators for the files of a Data Lake Store (Gen1)."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    NotFoundError,
)
from airflow_provider_datalake.jobs.intent import Intent, differences, digest
from airflow_provider_datalake.operators.failures import failures_of
from airflow_provider_datalake.operators.transfer import TransferOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_upload import Beginning
    from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

INTENT_KEY = "data_lake_store"
MAX_LISTED = 10_000
"""How many paths go to XCom at most."""


class DataLakeStoreOperator(TransferOperator):
    """
    Do something with the files of a store; the base of the operators below.

    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = ("adls_conn_id", "account")
    ui_color = "#d6eaff"

    def __init__(
        self, *, adls_conn_id: str = "adls_gen1_default", account: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.adls_conn_id = adls_conn_id
        self.account = account

    @property
    def hook(self) -> DataLakeStoreHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        return DataLakeStoreHook(self.adls_conn_id, account=self.account or None)

    def _failures(self) -> AbstractContextManager[None]:
        return failures_of(self.adls_conn_id)

    def _remembered(self, context: Context, request: Mapping[str, Any]) -> Intent | None:
        """Find what an earlier try of the same request has stored; a cleared task begins anew."""
        stored = Intent.from_json(context["task_state_store"].get(INTENT_KEY))
        digests, max_tries = digest(request), context["ti"].max_tries
        if stored is None or stored.max_tries != max_tries or differences(stored.digests, digests):
            return None
        return stored

    def _remember(self, context: Context, request: Mapping[str, Any], before: dict[str, Any]) -> Intent:
        intent = Intent.fresh(digest(request), context["ti"].max_tries, before)
        context["task_state_store"].set(INTENT_KEY, intent.to_json())
        return intent


class DataLakeStoreUploadOperator(DataLakeStoreOperator):
    """
    Upload a file, a folder or the files of a pattern, in parallel.

    A file appears when it is complete. A try that follows a crash goes on where the earlier one was.

    :param source: a path or a ``file://`` URI of the worker, patterns included; or one file elsewhere, as a
        URI that ``ObjectStoragePath`` takes, which goes through the worker in blocks (templated)
    :param destination: a file's path in the store for one file, a folder's for several (templated)
    :param overwrite: whether files that are there are replaced
    :param threads: requests in flight at a time
    :param source_conn_id: connection for the source, where the URI does not name it (templated)
    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = (
        "source",
        "destination",
        "source_conn_id",
        *DataLakeStoreOperator.template_fields,
    )

    def __init__(
        self,
        *,
        source: str | ObjectStoragePath,
        destination: str,
        overwrite: bool = True,
        threads: int = 8,
        source_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.destination = destination
        self.overwrite = overwrite
        self.threads = threads
        self.source_conn_id = source_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Upload the files.

        :return: destination URI, number of files and bytes
        """
        from airflow.sdk import ObjectStoragePath

        from airflow_provider_datalake.clients.data_lake_store_paths import check_path
        from airflow_provider_datalake.filesystems.local import is_local

        self._stop = threading.Event()
        with self._failures():
            path = ObjectStoragePath(self.source, conn_id=self.source_conn_id or None)
            hook = self.hook
            client = hook.get_client()
            uri = client.uri(check_path(self.destination, "destination"))
            if is_local(path):
                since = self._begun(context, client, [path.path])
                result = hook.upload(
                    path.path,
                    self.destination,
                    overwrite=self.overwrite,
                    threads=self.threads,
                    since=since,
                    stop=self._stop,
                )
                files, size, skipped = result.files, result.bytes, result.skipped
            else:
                files, (size, skipped) = 1, self._stream(context, client, path)
        self.log.info(
            "Uploaded %s files with %s bytes to %s (%s of them by an earlier try)", files, size, uri, skipped
        )
        return {"uri": uri, "files": files, "bytes": size}

    def _begun(self, context: Context, client: DataLakeStore, source: list[Any]) -> Beginning | None:
        """Tell when an earlier try of the same upload has begun."""
        from airflow_provider_datalake.clients.data_lake_store_upload import Beginning

        request = {
            "source": source,
            "target": [self.adls_conn_id, self.account, self.destination],
            "overwrite": self.overwrite,
        }
        known = self._remembered(context, request)
        if known is None:
            self._remember(context, request, {"store": client.clock(), "local": time.time()})
            return None
        store = known.before.get("store")
        return None if store is None else Beginning(float(store), float(known.before["local"]))

    def _stream(self, context: Context, client: DataLakeStore, path: ObjectStoragePath) -> tuple[int, int]:
        from airflow_provider_datalake.clients.data_lake_store_stream import write_stream
        from airflow_provider_datalake.clients.data_lake_store_upload import DOUBT_SECONDS

        if not path.exists():
            raise NotFoundError(f"no such file: {path}")
        if path.is_dir():
            raise ConfigurationError(f"source {path} is a folder: only folders of the worker can be uploaded")
        if self.destination.endswith("/"):
            raise ConfigurationError(f"destination {self.destination} is a folder: name a file in it")
        size = path.stat().st_size
        since = self._begun(context, client, [str(path), path.fs.ukey(path.path)])
        found = None if since is None else client.find(self.destination)
        if since is not None and found is not None and found.size == size:
            # Without overwrite there was nothing when the first try began.
            if found.modified >= since.store + (DOUBT_SECONDS if self.overwrite else 0.0):
                return size, 1
        with path.open("rb") as file:
            write_stream(client, self.destination, file, size=size, overwrite=self.overwrite, stop=self._stop)
        return size, 0


class DataLakeStoreDownloadOperator(DataLakeStoreOperator):
    """
    Download a file, a folder or the files of a pattern to the worker, in parallel.

    A file appears when it is complete and on disk. A try that follows a crash goes on where the earlier one
    was.

    :param source: a path of the store, patterns included (templated)
    :param destination: a file's path on the worker for one file, a folder's for several (templated)
    :param overwrite: whether files that are there are replaced
    :param threads: requests in flight at a time
    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = ("source", "destination", *DataLakeStoreOperator.template_fields)

    def __init__(
        self, *, source: str, destination: str, overwrite: bool = True, threads: int = 8, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.destination = destination
        self.overwrite = overwrite
        self.threads = threads

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Download the files.

        :return: destination, number of files and bytes
        """
        self._stop = threading.Event()
        with self._failures():
            target = self._local_destination()
            result = self.hook.download(
                self.source, target, overwrite=self.overwrite, threads=self.threads, stop=self._stop
            )
        self.log.info("Downloaded %s files with %s bytes to %s", result.files, result.bytes, target)
        return {"destination": target, "files": result.files, "bytes": result.bytes}

    def _local_destination(self) -> str:
        from airflow.sdk import ObjectStoragePath

        from airflow_provider_datalake.filesystems.local import is_local

        text = str(self.destination)
        if not text or not is_local(ObjectStoragePath(text)):
            raise ConfigurationError(f"destination must be a path of the worker, got {text!r}")
        return text.removeprefix("file://")


class DataLakeStoreDeleteOperator(DataLakeStoreOperator):
    """
    Delete a file or a folder.

    :param path: its path (templated)
    :param recursive: whether a folder goes with what is in it
    :param missing_ok: whether it is fine when there is nothing
    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = ("path", *DataLakeStoreOperator.template_fields)

    def __init__(self, *, path: str, recursive: bool = False, missing_ok: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.recursive = recursive
        self.missing_ok = missing_ok

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Delete it.

        :return: the URI, and whether there was something
        """
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path

        with self._failures():
            path = check_path(self.path)
            if path == "/":
                raise ConfigurationError("path must not be the root: that would delete the whole store")
            client = self.hook.get_client()
            request = {"delete": [self.adls_conn_id, self.account, path, self.recursive]}
            begun = self._remembered(context, request) is not None
            if not begun:
                if not client.exists(path):
                    if not self.missing_ok:
                        raise NotFoundError(f"there is nothing at {path} to delete")
                    return {"uri": client.uri(path), "deleted": False}
                self._remember(context, request, {})
            deleted = client.delete(path, recursive=self.recursive)
            if not deleted and client.exists(path):
                raise ConfigurationError(f"{path} is a folder with files in it; set recursive=True")
        self.log.info("Deleted %s", path)
        # An earlier try may have deleted it and died: then it did the work of this task.
        return {"uri": client.uri(path), "deleted": deleted or begun}


class DataLakeStoreRenameOperator(DataLakeStoreOperator):
    """
    Move a file or a folder, at once and whole.

    A try that follows a crash sees whether the earlier one has moved it already.

    :param source: its path (templated)
    :param destination: its new path (templated)
    :param overwrite: whether a file that is there is replaced
    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = ("source", "destination", *DataLakeStoreOperator.template_fields)

    def __init__(self, *, source: str, destination: str, overwrite: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.destination = destination
        self.overwrite = overwrite

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Move it.

        :return: the new URI
        """
        from airflow_provider_datalake.clients.data_lake_store_paths import check_path, join, name_of

        with self._failures():
            source = check_path(self.source, "source")
            target = check_path(self.destination, "destination")
            client = self.hook.get_client()
            there = client.find(target)
            request = {"rename": [self.adls_conn_id, self.account, source, target, self.overwrite]}
            known = self._remembered(context, request)
            if known is not None and _has_moved(client, source, known.before):
                self.log.info("An earlier try has moved %s to %s", source, known.before["target"])
                return {"uri": client.uri(str(known.before["target"]))}
            if there is not None and there.is_folder:
                target = join(target, name_of(source))
            status = client.status(source)
            before = {"target": target, "size": status.size, "modified": status.modified}
            self._remember(context, request, before)
            client.rename(source, target, overwrite=self.overwrite)
        self.log.info("Moved %s to %s", source, target)
        return {"uri": client.uri(target)}


def _has_moved(client: DataLakeStore, source: str, before: Mapping[str, Any]) -> bool:
    """Tell whether an earlier try has moved it; a new file may have come to the old place since."""
    at_source = client.find(source)
    if at_source is not None and (at_source.size, at_source.modified) == (before["size"], before["modified"]):
        return False
    found = client.find(str(before["target"]))
    if found is None or found.size != before["size"]:
        return False
    return at_source is None or found.modified == before["modified"]


class DataLakeStoreListOperator(DataLakeStoreOperator):
    """
    List the files of a folder or of a pattern.

    :param path: a folder, or a path with patterns (templated)
    :param adls_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = ("path", *DataLakeStoreOperator.template_fields)

    def __init__(self, *, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path

    def execute(self, context: Context) -> list[str]:
        """
        List them.

        :return: paths, in order; those of a folder itself, not of the folders in it
        """
        from airflow_provider_datalake.clients.data_lake_store_paths import is_temporary
        from airflow_provider_datalake.clients.data_lake_store_patterns import files_matching, is_pattern

        with self._failures():
            client = self.hook.get_client()
            found = files_matching(client, self.path) if is_pattern(self.path) else client.children(self.path)
            files = (one.path for one in found if not one.is_folder and not is_temporary(one.name))
            paths = list(islice(files, MAX_LISTED + 1))
            if len(paths) > MAX_LISTED:
                raise ConfigurationError(
                    f"{self.path} has more than {MAX_LISTED} files, which do not go to XCom. "
                    "Give a narrower pattern."
                )
        self.log.info("Found %s files at %s", len(paths), self.path)
        return sorted(paths)
