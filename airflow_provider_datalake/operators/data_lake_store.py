"""Operators for the files of a Data Lake Store (Gen1)."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_datalake.exceptions import ConfigurationError, DataLakeError, NotFoundError
from airflow_provider_datalake.jobs.intent import Intent, differences, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

INTENT_KEY = "data_lake_store"
MAX_LISTED = 10_000
"""How many paths go to XCom at most."""


class DataLakeStoreOperator(BaseOperator):
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
        self._stop: threading.Event | None = None

    @property
    def hook(self) -> DataLakeStoreHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        return DataLakeStoreHook(self.adls_conn_id, account=self.account or None)

    def on_kill(self) -> None:
        """End a transfer; no half file is in sight, and the next try goes on."""
        if self._stop is not None:
            # In a thread: the signal handler that calls this may have interrupted a holder of its lock.
            threading.Thread(target=self._stop.set, daemon=True).start()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Name the connection; let Airflow know what no retry can mend."""
        try:
            yield
        except DataLakeError as error:
            error.name_connection(self.adls_conn_id)
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error

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

        from airflow_provider_datalake.filesystems.local import is_local

        self._stop = threading.Event()
        with self._failures():
            path = ObjectStoragePath(self.source, conn_id=self.source_conn_id or None)
            hook = self.hook
            if not is_local(path):
                return self._stream(hook, path)
            request = {
                "source": path.path,
                "target": [self.adls_conn_id, self.account, self.destination],
                "overwrite": self.overwrite,
            }
            known = self._remembered(context, request)
            if known is None:
                # A second before: clocks of the store and of this machine may differ a little.
                known = self._remember(context, request, {"since": time.time() - 1})
                since = None
            else:
                since = float(known.before["since"])
            result = hook.upload(
                path.path,
                self.destination,
                overwrite=self.overwrite,
                threads=self.threads,
                since=since,
                stop=self._stop,
            )
            self.log.info(
                "Uploaded %s files with %s bytes to %s (%s of them by an earlier try)",
                result.files, result.bytes, self.destination, result.skipped,
            )  # fmt: skip
            return {
                "uri": hook.get_client().uri(self.destination),
                "files": result.files,
                "bytes": result.bytes,
            }

    def _stream(self, hook: DataLakeStoreHook, path: ObjectStoragePath) -> dict[str, Any]:
        from airflow_provider_datalake.clients.data_lake_store_stream import write_stream

        if not path.exists():
            raise NotFoundError(f"no such file: {path}")
        client = hook.get_client()
        with path.open("rb") as file:
            size = write_stream(client, self.destination, file, overwrite=self.overwrite, stop=self._stop)
        self.log.info("Uploaded %s to %s, %s bytes", path, self.destination, size)
        return {"uri": client.uri(self.destination), "files": 1, "bytes": size}


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
            target = str(self.destination).removeprefix("file://")
            if not target:
                raise ConfigurationError("destination must be a path of the worker, it is empty")
            result = self.hook.download(
                self.source, target, overwrite=self.overwrite, threads=self.threads, stop=self._stop
            )
        self.log.info("Downloaded %s files with %s bytes to %s", result.files, result.bytes, target)
        return {"destination": target, "files": result.files, "bytes": result.bytes}


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
            if known is not None and self._moved(client, source, known.before):
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

    def _moved(self, client: Any, source: str, before: Mapping[str, Any]) -> bool:
        if client.exists(source):
            return False
        found = client.find(str(before["target"]))
        return found is not None and found.size == before["size"]


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
        from airflow_provider_datalake.hooks.data_lake_store import PATTERN_SIGNS

        with self._failures():
            hook = self.hook
            if any(sign in self.path for sign in PATTERN_SIGNS):
                paths = [status.path for status in hook.glob(self.path)]
            else:
                paths = [one.path for one in hook.get_client().children(self.path) if not one.is_folder]
            if len(paths) > MAX_LISTED:
                raise ConfigurationError(
                    f"{self.path} has {len(paths)} files; more than {MAX_LISTED} do not go to XCom. "
                    "Give a narrower pattern."
                )
        self.log.info("Found %s files at %s", len(paths), self.path)
        return sorted(paths)
