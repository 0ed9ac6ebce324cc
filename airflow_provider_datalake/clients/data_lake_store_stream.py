"""Writing a stream of unknown length to a store: under a temporary name, and renamed when it is complete."""

from __future__ import annotations

import logging
import uuid
from typing import IO, TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store_paths import check_path, temporary_path
from airflow_provider_datalake.clients.data_lake_store_upload import BLOCK
from airflow_provider_datalake.clients.parallel import Stopped
from airflow_provider_datalake.exceptions import DataLakeError, TransferError

if TYPE_CHECKING:
    import threading

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

log = logging.getLogger(__name__)


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
        self._temporary = temporary_path(self._path, uuid.uuid4().hex[:12], "tmp")
        self.size = 0
        self._begun = False
        self._closed = False

    def write(self, content: bytes | memoryview) -> None:
        """
        Write what comes next.

        :param content: the bytes
        """
        for offset in range(0, len(content), BLOCK):
            block = bytes(content[offset : offset + BLOCK])
            if self._begun:
                self._store.append(self._temporary, block, self.size)
                self._closed = False
            else:
                # Even a request that fails may have made it.
                self._begun = True
                self._store.create(self._temporary, block)
                self._closed = True
            self.size += len(block)

    def commit(self) -> None:
        """
        Make the file appear.

        :raises ConflictError: when there is a folder, or a file that must not be replaced
        :raises TransferError: when what was written is not there whole
        """
        try:
            if not self._begun:
                self._begun = True
                self._store.create(self._temporary)
            elif not self._closed:
                self._store.append(self._temporary, b"", self.size, last=True)
            found = self._store.status(self._temporary).size
            if found != self.size:
                raise TransferError(f"{self._path} had {found} bytes when {self.size} had been written")
            self._store.publish(self._temporary, self._path, overwrite=self._overwrite)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written; nothing of it was in sight."""
        if not self._begun:
            return
        try:
            self._store.delete(self._temporary)
        except DataLakeError as error:
            # The caller has to hear of the failure before, not of this one; a later upload cleans up.
            log.warning("%s is left behind: %s", self._temporary, error)


def write_stream(
    store: DataLakeStore,
    path: str,
    source: IO[bytes],
    *,
    size: int | None = None,
    overwrite: bool = True,
    stop: threading.Event | None = None,
) -> int:
    """
    Write all that a file has.

    :param store: where to
    :param path: the file in the store
    :param source: an open binary file
    :param size: bytes that it must have, None for any number
    :param overwrite: whether a file that is there is replaced
    :param stop: set it to end the upload
    :return: bytes
    :raises ConflictError: when there is a folder, or a file that must not be replaced
    :raises TransferError: when it has another size
    :raises Stopped: when ``stop`` was set
    """
    store.check_place(path, overwrite=overwrite)
    writer = StreamWriter(store, path, overwrite=overwrite)
    try:
        while content := source.read(BLOCK):
            if stop is not None and stop.is_set():
                raise Stopped("the upload was stopped")
            writer.write(content)
        if size not in (None, writer.size):
            raise TransferError(f"{size} bytes were expected for {path}, the source gave {writer.size}")
    except BaseException:
        writer.discard()
        raise
    writer.commit()
    return writer.size
