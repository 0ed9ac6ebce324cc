"""Many small jobs in a few threads: the first failure ends them all, jobs may bring further ones."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from airflow_provider_datalake.exceptions import ConfigurationError, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Job = Callable[[], "Iterable[Job] | None"]

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 10.0


class Stopped(TransferError):
    """Somebody asked the transfer to stop."""


def check_threads(threads: int) -> None:
    """
    Refuse a number of threads that cannot work.

    :param threads: requests in flight at a time
    :raises ConfigurationError: when it is not from 1 to 64
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 64:
        raise ConfigurationError(f"threads must be an integer from 1 to 64, got {threads!r}")


class Jobs:
    """
    Jobs that threads take one after the other.

    :param jobs: what to do; a job may give further ones, which are done first
    :param stop: set by somebody who wants all to end
    """

    def __init__(self, jobs: Iterable[Job], stop: threading.Event) -> None:
        self._given: Iterator[Job] = iter(jobs)
        self._further: deque[Job] = deque()
        self._active = 0
        self._changed = threading.Condition()
        self._stop = stop
        self._failed = threading.Event()

    def run(self, threads: int, name: str) -> None:
        """
        Do all jobs.

        :param threads: how many at a time
        :param name: of the threads
        :raises Stopped: when ``stop`` was set
        :raises Exception: the first failure of a job
        """
        with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
            workers = [pool.submit(self._work) for _ in range(threads)]
            try:
                done, _ = wait(workers, return_when=FIRST_EXCEPTION)
            except BaseException:
                # A timeout or a kill that was raised here: leaving the block waits for the threads.
                self._end()
                raise
        for worker in (*done, *workers):
            worker.result()
        self.check()

    def check(self) -> None:
        """
        End a job early when the others have ended.

        :raises Stopped: when ``stop`` was set, or another job has failed
        """
        if self._stop.is_set():
            raise Stopped("the transfer was stopped")
        if self._failed.is_set():
            raise Stopped("another part of the transfer has failed")

    def _end(self) -> None:
        self._failed.set()
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                further = list(job() or ())
            except Stopped:
                # Whoever stopped the others reports why.
                self._end()
                return
            except BaseException:
                self._end()
                raise
            with self._changed:
                self._active -= 1
                self._further.extend(further)
                self._changed.notify_all()

    def _take(self) -> Job | None:
        with self._changed:
            while not self._failed.is_set() and not self._stop.is_set():
                job = self._further.popleft() if self._further else next(self._given, None)
                if job is not None:
                    self._active += 1
                    return job
                if not self._active:
                    return None
                # The stop event has no condition of ours.
                self._changed.wait(timeout=0.5)
        return None


class Progress:
    """
    Tells the log from time to time how far a transfer is; threads may share it.

    :param what: e.g. ``Uploaded``
    :param files: how many there are
    :param size: how many bytes they have
    """

    def __init__(self, what: str, files: int, size: int) -> None:
        self._what = what
        self._files = files
        self._size = size
        self._lock = threading.Lock()
        self._done_files = 0
        self._done_size = 0
        self._told = time.monotonic()

    def add(self, *, files: int = 0, size: int = 0) -> None:
        """
        Count what is done.

        :param files: files that are complete
        :param size: bytes
        """
        with self._lock:
            self._done_files += files
            self._done_size += size
            if time.monotonic() - self._told < PROGRESS_SECONDS:
                return
            self._told = time.monotonic()
            message = (self._what, self._done_files, self._files, self._done_size, self._size)
        log.info("%s %s of %s files, %s of %s bytes", *message)
