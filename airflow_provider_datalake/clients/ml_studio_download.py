"""Contents of ML Studio's datasets on their way down: in order, or in ranges side by side."""

from __future__ import annotations

import io
import os
import threading
import time
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_datalake.clients.ml_studio_upload import THREADS
from airflow_provider_datalake.clients.parallel import Jobs, Progress, check_threads
from airflow_provider_datalake.exceptions import AuthenticationError, NotFoundError, TransferError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

    from airflow_provider_datalake.clients.ml_studio_calls import StudioCalls
    from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo

RANGE = 16 * 1024 * 1024
"""Bytes of a request; the ranges of a dataset come down side by side."""
PIECE = 1024 * 1024


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
