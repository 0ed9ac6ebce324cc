"""Writing a stream of unknown length to a store: under a temporary name, and renamed when it is complete."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store_paths import check_path, join, name_of, parent_of
from airflow_provider_datalake.clients.data_lake_store_upload import BLOCK, Stopped
from airflow_provider_datalake.exceptions import ConflictError, DataLakeError

if TYPE_CHECKING:
    import threading

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore


class StreamWriter:
    """
    One file that is being written.

    :param store: where to
    :param path: the file
    :param overwrite: whether a file that is there is replaced
    """

    def __init__(self, store: DataLakeStore, path: str, *, overwrite: bool = True) -> None:
        self._store = store
        self._path = check_path(path)
        self._overwrite = overwrite
        self._temporary = join(parent_of(self._path), f".{name_of(self._path)}.{uuid.uuid4().hex[:12]}.tmp")
        self.size = 0
        self._begun = False

    def write(self, content: bytes) -> None:
        """
        Write what comes next.

        :param content: the bytes
        """
        if not self._begun:
            self._store.create(self._temporary, content)
            self._begun = True
        elif content:
            self._store.append(self._temporary, content, self.size)
        self.size += len(content)

    def commit(self) -> None:
        """
        Make the file appear.

        :raises ConflictError: when there is one and it must not be replaced
        """
        if not self._begun:
            self.write(b"")
        if not self._overwrite and self._store.exists(self._path):
            self.discard()
            raise ConflictError(f"there is a file {self._path} already, and overwrite is off")
        self._store.rename(self._temporary, self._path, overwrite=self._overwrite)

    def discard(self) -> None:
        """Remove what was written; nothing of it was in sight."""
        if self._begun:
            # It is the failure before that the caller has to hear of.
            with suppress(DataLakeError):
                self._store.delete(self._temporary)


def write_stream(
    store: DataLakeStore,
    path: str,
    source: IO[bytes],
    *,
    overwrite: bool = True,
    stop: threading.Event | None = None,
) -> int:
    """
    Write all that a file has.

    :param store: where to
    :param path: the file in the store
    :param source: an open binary file
    :param overwrite: whether a file that is there is replaced
    :param stop: set it to end the upload
    :return: bytes
    :raises ConflictError: when there is a file and it must not be replaced
    """
    writer = StreamWriter(store, path, overwrite=overwrite)
    try:
        while content := source.read(BLOCK):
            if stop is not None and stop.is_set():
                raise Stopped("the upload was stopped")
            writer.write(content)
    except BaseException:
        writer.discard()
        raise
    writer.commit()
    return writer.size
