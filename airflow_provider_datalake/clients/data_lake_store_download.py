"""Downloads from a store: in parallel ranges, taken up again after a crash, never half a file in sight."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial as bind
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store_upload import Stopped, TransferResult, run_all
from airflow_provider_datalake.exceptions import ConflictError, TransferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus

log = logging.getLogger(__name__)

RANGE = 32 * 1024 * 1024
"""Bytes of a request; the ranges of a file come down side by side."""
PIECE = 1024 * 1024
ATTEMPTS = 5
"""How often a range is asked for whose answer ends too early."""


@dataclass(frozen=True)
class DownloadOptions:
    """
    How files come down.

    :param threads: requests in flight at a time
    :param overwrite: whether files that are there are replaced
    """

    threads: int = 8
    overwrite: bool = True


def download(
    store: DataLakeStore,
    pairs: Iterable[tuple[FileStatus, Path]],
    options: DownloadOptions | None = None,
    stop: threading.Event | None = None,
) -> TransferResult:
    """
    Download files to this machine.

    Each file is written beside its destination under a name made of what is downloaded; a later attempt goes
    on where the earlier one was. It appears when it is complete and on disk.

    :param store: where from
    :param pairs: files of the store and where they go
    :param options: how
    :param stop: set it to end the download
    :return: counts
    :raises ConflictError: when a file is there and must not be replaced
    :raises TransferError: when a file changes meanwhile, or does not come through whole
    """
    options = options or DownloadOptions()
    items = list(pairs)
    seen: dict[Path, str] = {}
    for status, target in items:
        if target in seen:
            raise ConflictError(f"{seen[target]} and {status.path} would both become {target}")
        seen[target] = status.path
        if not options.overwrite and target.exists():
            raise ConflictError(f"there is a file {target} already, and overwrite is off")
    return _Download(store, options, stop or threading.Event()).run(items)


class _Download:
    def __init__(self, store: DataLakeStore, options: DownloadOptions, stop: threading.Event) -> None:
        self._store = store
        self._options = options
        self._stop = stop

    def run(self, items: Sequence[tuple[FileStatus, Path]]) -> TransferResult:
        for folder in {target.parent for _, target in items}:
            folder.mkdir(parents=True, exist_ok=True)
        small = [item for item in items if item[0].size <= RANGE]
        large = [item for item in items if item[0].size > RANGE]
        with ThreadPoolExecutor(self._options.threads, thread_name_prefix="datalake-download") as pool:
            run_all(pool, [bind(self._whole, *item) for item in small], self._stop)
            for status, target in large:
                self._in_ranges(pool, status, target)
        return TransferResult(len(items), sum(status.size for status, _ in items))

    def _whole(self, status: FileStatus, target: Path) -> None:
        partial = _partial(status, target)
        with partial.open("wb") as file:
            self._range(status, file.fileno(), 0, status.size)
            os.fsync(file.fileno())
        partial.replace(target)

    def _in_ranges(self, pool: ThreadPoolExecutor, status: FileStatus, target: Path) -> None:
        partial = _partial(status, target)
        journal = partial.with_suffix(".ranges")
        done = _read_journal(journal) if partial.exists() else set()
        self._remove_others(target, partial)
        with partial.open("r+b" if done else "wb") as file, journal.open("a") as record:
            file.truncate(status.size)
            lock = threading.Lock()

            def fetch(offset: int) -> None:
                length = min(RANGE, status.size - offset)
                self._range(status, file.fileno(), offset, length)
                with lock:
                    # The bytes are on disk before the journal says so.
                    os.fdatasync(file.fileno())
                    record.write(f"{offset}\n")
                    record.flush()

            offsets = [offset for offset in range(0, status.size, RANGE) if offset not in done]
            run_all(pool, [bind(fetch, offset) for offset in offsets], self._stop)
            os.fsync(file.fileno())
        now = self._store.status(status.path)
        if (now.size, now.modified) != (status.size, status.modified):
            partial.unlink()
            journal.unlink()
            raise TransferError(f"{status.path} has changed while it was downloaded")
        partial.replace(target)
        journal.unlink()
        log.info("Downloaded %s to %s, %s bytes", status.path, target, status.size)

    def _range(self, status: FileStatus, descriptor: int, offset: int, length: int) -> None:
        from requests import RequestException

        from airflow_provider_datalake.clients.http import describe

        done = 0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                done += self._pieces(status, descriptor, offset + done, length - done)
            except RequestException as problem:
                if attempt == ATTEMPTS:
                    raise TransferError(f"{status.path}: {describe(problem)}") from problem
                log.warning("%s: %s; asking for the rest", status.path, describe(problem))
            if done == length:
                return
        raise TransferError(f"{status.path} ended after {offset + done} of {offset + length} bytes")

    def _pieces(self, status: FileStatus, descriptor: int, offset: int, length: int) -> int:
        if length == 0:
            return 0
        done = 0
        with self._store.open(status.path, offset, length) as response:
            for piece in response.iter_content(PIECE):
                if self._stop.is_set():
                    raise Stopped("the download was stopped")
                if done + len(piece) > length:
                    raise TransferError(f"{status.path} has changed while it was downloaded")
                os.pwrite(descriptor, piece, offset + done)
                done += len(piece)
        return done

    def _remove_others(self, target: Path, ours: Path) -> None:
        """Remove what downloads of earlier versions have left."""
        for path in target.parent.glob(f".{_escaped(target.name)}.*"):
            if path.stem != ours.stem and path.suffix in (".partial", ".ranges"):
                path.unlink(missing_ok=True)


def _escaped(name: str) -> str:
    from glob import escape

    return escape(name)


def _partial(status: FileStatus, target: Path) -> Path:
    text = f"{status.path}|{status.size}|{status.modified}"
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return target.with_name(f".{target.name}.{key}.partial")


def _read_journal(path: Path) -> set[int]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return set()
    # The last line may be torn.
    return {int(line) for line in lines if line.isdigit() and int(line) % RANGE == 0}
