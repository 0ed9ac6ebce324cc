"""Contents of ML Studio's datasets on their way: up in blocks, down in ranges, side by side."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_datalake.clients.parallel import Jobs, Progress
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DataLakeError,
    NotFoundError,
    TransferError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

    from airflow_provider_datalake.clients.ml_studio_calls import StudioCalls
    from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo
    from airflow_provider_datalake.clients.parallel import Job

log = logging.getLogger(__name__)

BLOCK = 2 * 1024 * 1024
"""Bytes of a block; the service's own client sends no larger ones."""
RANGE = 16 * 1024 * 1024
"""Bytes of a request; the ranges of a dataset come down side by side."""
PIECE = 1024 * 1024
THREADS = 4


@dataclass(frozen=True)
class Uploaded:
    """
    Bytes that the service has, and of which a dataset can be made.

    :param upload_id: the service's id for them
    :param size: how many
    :param sha256: their hash, hexadecimal
    """

    upload_id: str
    size: int
    sha256: str


def check_threads(threads: int) -> None:
    """
    Refuse a number of threads that cannot work.

    :param threads: requests in flight at a time
    :raises ConfigurationError: when it is not from 1 to 64
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 64:
        raise ConfigurationError(f"threads must be an integer from 1 to 64, got {threads!r}")


def size_of(file: IO[bytes]) -> int:
    """
    Measure what is left of a file.

    :param file: an open, seekable binary file
    :return: bytes from its position on
    """
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here


def upload(
    calls: StudioCalls,
    file: IO[bytes],
    size: int,
    data_type_id: str,
    *,
    threads: int = THREADS,
    stop: threading.Event | None = None,
) -> Uploaded:
    """
    Send bytes, in blocks side by side; no dataset is made of them yet.

    :param calls: where to
    :param file: an open binary file; it is read once, in order
    :param size: bytes that it has
    :param data_type_id: the format
    :param threads: blocks in flight at a time
    :param stop: set it to end the upload
    :return: what the service has then
    :raises TransferError: when the file has another size
    """
    check_threads(threads)
    upload_id = calls.begin_upload(data_type_id)
    blocks = -(-size // BLOCK)
    digest = hashlib.sha256()
    progress = Progress("Uploaded", 1, size)

    def send(number: int, content: bytes) -> None:
        calls.send_block(upload_id, number, blocks, content, data_type_id)
        progress.add(size=len(content))

    def jobs() -> Iterator[Job]:
        # The threads take turns here: the file is read in order, and a block is in memory while it travels.
        for number in range(blocks):
            wanted = min(BLOCK, size - number * BLOCK)
            content = _read_block(file, wanted)
            if len(content) != wanted:
                raise _other_size(size, number * BLOCK + len(content))
            digest.update(content)
            yield partial(send, number, content)
        if file.read(1):
            raise TransferError(f"the source has more than the {size} bytes that were expected")

    Jobs(jobs(), stop or threading.Event()).run(min(threads, max(1, blocks)), "ml-studio-upload")
    return Uploaded(upload_id, size, digest.hexdigest())


def _read_block(file: IO[bytes], wanted: int) -> bytes:
    content = file.read(wanted)
    if len(content) in (0, wanted):
        return content
    # A raw stream may give less than it was asked for.
    pieces = [content]
    missing = wanted - len(content)
    while missing and (piece := file.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _other_size(expected: int, found: int) -> TransferError:
    return TransferError(f"{expected} bytes were expected, the source gave {found}")


def create_once(
    calls: StudioCalls,
    upload_id: str,
    name: str,
    data_type_id: str,
    description: str,
    family_id: str | None,
) -> DatasetInfo:
    """
    Make one dataset of an upload.

    After a lost answer we look for a dataset that was made of the upload, and ask again only if there is
    none: an upload becomes one dataset at most.

    :param calls: the workspace
    :param upload_id: the upload
    :param name: the dataset's name
    :param data_type_id: its format
    :param description: a person's words
    :param family_id: what it is a new version of, None for a new dataset
    :return: what the service says about it
    :raises ConflictError: when the name is used by another dataset
    """
    policy = calls.settings.transport.policy
    attempt, unclear = 0, False
    while True:
        attempt += 1
        try:
            return calls.dataset(calls.create(upload_id, name, data_type_id, description, family_id))
        except DataLakeError as error:
            if not error.retryable and not unclear:
                raise
            failure = error
        unclear = True
        found = find_by_upload(calls, upload_id)
        if found is not None:
            log.warning("%s; it has been done nevertheless", failure)
            return found
        if not failure.retryable or attempt >= policy.attempts:
            raise calls.named(failure)
        seconds = policy.pause(attempt, None)
        log.warning("%s; trying again in %.1f s", failure, seconds)
        time.sleep(seconds)


def find_by_upload(calls: StudioCalls, upload_id: str) -> DatasetInfo | None:
    """
    Find the dataset that was made of an upload.

    :param calls: the workspace
    :param upload_id: the upload
    :return: the dataset, None when there is none or a newer version has taken its place
    """
    return next((one for one in calls.datasets() if one.resource_upload_id == upload_id), None)


class Reader:
    """
    Reads contents; threads may share it.

    :param calls: the workspace
    :param info: the dataset
    """

    def __init__(self, calls: StudioCalls, info: DatasetInfo) -> None:
        self._calls = calls
        self._info = info
        self._lock = threading.Lock()

    def pieces(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """
        Read a part piece by piece; where an answer breaks off, the rest is asked for.

        :param offset: the first byte
        :param length: bytes, None for all that follow
        :return: the pieces
        :raises TransferError: when the contents have fewer bytes, or no answer comes through
        """
        from requests import RequestException

        wanted = self._info.size - offset if length is None else length
        done, attempt = 0, 0
        while done < wanted:
            before = done
            try:
                with self._open(offset + done, wanted - done) as response:
                    for piece in response.iter_content(PIECE):
                        done += len(piece)
                        yield piece
            except RequestException as problem:
                attempt = 1 if done > before else attempt + 1
                _pause(self._calls, attempt, problem, self._name)
            else:
                if done == before or done > wanted:
                    raise self._calls.named(
                        TransferError(f"{self._name} gave {done} bytes from {offset} on, not {wanted}")
                    )

    def _open(self, offset: int, length: int) -> Response:
        doing = f"read {self._name}"
        info = self._info
        if info.download_location is None:
            raise self._calls.named(NotFoundError(f"{self._name} has no contents that can be read"))
        try:
            response = self._calls.open_location(info.download_location, offset, length, doing=doing)
        except AuthenticationError:
            # The address grants access for a while only; the service gives a new one.
            with self._lock:
                if self._info is info:
                    self._info = self._calls.dataset(info.id)
            location = self._info.download_location or info.download_location
            response = self._calls.open_location(location, offset, length, doing=doing)
        if response.status_code == 200 and offset:
            response.close()
            raise self._calls.named(TransferError(f"{self._name}: the storage gave all, not a part"))
        return response

    @property
    def _name(self) -> str:
        return f"dataset {self._info.name!r}"

    def download(
        self, file: IO[bytes], *, threads: int = THREADS, stop: threading.Event | None = None
    ) -> int:
        """
        Write all to a file: in ranges side by side where it is one of this machine.

        :param file: an open binary file, empty
        :param threads: ranges in flight at a time
        :param stop: set it to end the download
        :return: bytes
        :raises TransferError: when not all comes through
        """
        check_threads(threads)
        size, descriptor = self._info.size, _descriptor(file)
        progress = Progress("Downloaded", 1, size)
        if descriptor is None:
            return self._copy(file, progress, stop)
        os.ftruncate(descriptor, size)

        def fetch(offset: int) -> None:
            position = offset
            for piece in self.pieces(offset, min(RANGE, size - offset)):
                jobs.check()
                _write(descriptor, piece, position)
                position += len(piece)
                progress.add(size=len(piece))

        offsets = range(0, size, RANGE)
        jobs = Jobs((partial(fetch, offset) for offset in offsets), stop or threading.Event())
        jobs.run(min(threads, max(1, len(offsets))), "ml-studio-download")
        file.seek(size)
        return size

    def _copy(self, file: IO[bytes], progress: Progress, stop: threading.Event | None) -> int:
        jobs = Jobs((), stop or threading.Event())
        size = 0
        for piece in self.pieces():
            jobs.check()
            file.write(piece)
            size += len(piece)
            progress.add(size=len(piece))
        return size


class OutputReader:
    """
    Reads what a module of an experiment has given.

    :param calls: the workspace
    :param experiment_id: the experiment
    :param node_id: the module's node
    :param port_name: its output
    """

    def __init__(self, calls: StudioCalls, experiment_id: str, node_id: str, port_name: str) -> None:
        self._calls = calls
        self._place = (experiment_id, node_id, port_name)

    def pieces(self) -> Iterator[bytes]:
        """
        Read it piece by piece; where an answer breaks off, all is asked for again and what is known skipped.

        :return: the pieces
        :raises NotFoundError: when there is none
        :raises TransferError: when it does not come through
        """
        from requests import RequestException

        done, attempt = 0, 0
        while True:
            before = done
            try:
                with self._calls.open_output(*self._place, offset=done) as response:
                    skip = done if response.status_code == 200 else 0
                    for piece in response.iter_content(PIECE):
                        fresh, skip = piece[skip:], max(0, skip - len(piece))
                        done += len(fresh)
                        if fresh:
                            yield fresh
                return
            except RequestException as problem:
                attempt = 1 if done > before else attempt + 1
                _pause(self._calls, attempt, problem, f"output {self._place[2]!r}")

    def download(self, file: IO[bytes], *, stop: threading.Event | None = None) -> int:
        """
        Write all to a file.

        :param file: an open binary file
        :param stop: set it to end the download
        :return: bytes
        """
        jobs = Jobs((), stop or threading.Event())
        size = 0
        for piece in self.pieces():
            jobs.check()
            file.write(piece)
            size += len(piece)
        return size


class ContentsStream(io.RawIOBase):
    """
    Contents as an open binary file, which is read in order.

    :param pieces: what comes
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """
        Read what comes next.

        :param buffer: where to
        :return: bytes, 0 at the end
        """
        if not len(self._left):
            self._left = memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        """Close the connection under it."""
        if not self.closed and hasattr(self._pieces, "close"):
            self._pieces.close()
        super().close()


def _pause(calls: StudioCalls, attempt: int, problem: Exception, name: str) -> None:
    from airflow_provider_datalake.clients.http import describe

    policy = calls.settings.transport.policy
    if attempt >= policy.attempts:
        raise calls.named(TransferError(f"{name}: {describe(problem)}")) from problem
    time.sleep(policy.pause(attempt, None))


def _descriptor(file: IO[bytes]) -> int | None:
    try:
        return file.fileno() if file.seekable() else None
    except (AttributeError, OSError):
        # Not every file of fsspec is one of the operating system.
        return None


def _write(descriptor: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
