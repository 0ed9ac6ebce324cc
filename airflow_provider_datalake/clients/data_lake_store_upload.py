"""Uploads to a store: in parallel, taken up again after a crash, never half a file in sight."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.data_lake_store import ATOMIC_BYTES
from airflow_provider_datalake.clients.data_lake_store_paths import check_path, join, name_of, parent_of
from airflow_provider_datalake.exceptions import ConflictError, NotFoundError, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

log = logging.getLogger(__name__)

BLOCK = 16 * 1024 * 1024
"""Bytes of a request."""
PART = 64 * 1024 * 1024
"""Bytes of a part of a large file; the parts go up side by side."""
STALE_SECONDS = 24 * 3600.0
"""Age from which what an abandoned upload has left is removed."""


@dataclass(frozen=True)
class UploadOptions:
    """
    How files go up.

    :param threads: requests in flight at a time
    :param overwrite: whether files that are there are replaced
    :param since: epoch seconds at which an earlier attempt at the same upload began: files that were written
        since then and have the right size are not sent again; None for a first attempt
    """

    threads: int = 8
    overwrite: bool = True
    since: float | None = None


@dataclass(frozen=True)
class TransferResult:
    """
    What a transfer did.

    :param files: how many files are there now
    :param bytes: how many bytes they have
    :param skipped: how many of the files an earlier attempt had transferred
    """

    files: int
    bytes: int
    skipped: int = 0


class Stopped(TransferError):
    """Somebody asked the transfer to stop."""


@dataclass(frozen=True)
class _Item:
    source: Path
    target: str
    size: int
    modified: int


def upload(
    store: DataLakeStore,
    pairs: Iterable[tuple[Path, str]],
    options: UploadOptions | None = None,
    stop: threading.Event | None = None,
) -> TransferResult:
    """
    Upload files of this machine.

    Small ones go up in one request. Large ones go up in parts side by side, below a folder whose name is made
    of what is uploaded: a later attempt goes on where the earlier one was. Each appears when it is complete.

    :param store: where to
    :param pairs: files and their paths in the store
    :param options: how
    :param stop: set it to end the upload
    :return: counts
    :raises NotFoundError: when a file does not exist
    :raises ConflictError: when a file is there and must not be replaced
    :raises TransferError: when a file changes meanwhile, or does not come through whole
    """
    options = options or UploadOptions()
    items = [_item(source, target) for source, target in pairs]
    _check_targets(items)
    return _Upload(store, options, stop or threading.Event()).run(items)


def _item(source: Path, target: str) -> _Item:
    try:
        status = source.stat()
    except FileNotFoundError:
        raise NotFoundError(f"no such file: {source}") from None
    return _Item(source, check_path(target, "destination"), status.st_size, status.st_mtime_ns)


def _check_targets(items: Sequence[_Item]) -> None:
    seen: dict[str, Path] = {}
    for item in items:
        if item.target in seen:
            raise ConflictError(f"{seen[item.target]} and {item.source} would both become {item.target}")
        seen[item.target] = item.source


class _Upload:
    def __init__(self, store: DataLakeStore, options: UploadOptions, stop: threading.Event) -> None:
        self._store = store
        self._options = options
        self._stop = stop

    def run(self, items: Sequence[_Item]) -> TransferResult:
        done = self._known(items)
        if not self._options.overwrite:
            self._check_free(items, done)
        left = [item for item in items if item.target not in done]
        small = [item for item in left if item.size <= ATOMIC_BYTES]
        large = [item for item in left if item.size > ATOMIC_BYTES]
        with ThreadPoolExecutor(self._options.threads, thread_name_prefix="datalake-upload") as pool:
            run_all(pool, [partial(self._whole, item) for item in small], self._stop)
            for item in large:
                self._in_parts(pool, item)
        return TransferResult(len(items), sum(item.size for item in items), len(done))

    def _known(self, items: Sequence[_Item]) -> set[str]:
        """Find what an earlier attempt has finished: written since it began, and of the right size."""
        since = self._options.since
        if since is None:
            return set()
        sizes = {item.target: item.size for item in items}
        found: set[str] = set()
        for folder in sorted({parent_of(item.target) for item in items}):
            try:
                for status in self._store.children(folder):
                    same = not status.is_folder and sizes.get(status.path) == status.size
                    if same and status.modified >= since:
                        found.add(status.path)
            except NotFoundError:
                continue
        return found

    def _check_free(self, items: Sequence[_Item], done: set[str]) -> None:
        for item in items:
            if item.target not in done and self._store.exists(item.target):
                raise ConflictError(f"there is a file {item.target} already, and overwrite is off")

    def _whole(self, item: _Item) -> None:
        content = item.source.read_bytes()
        self._check_unchanged(item, len(content))
        self._store.create(item.target, content)

    def _check_unchanged(self, item: _Item, read: int | None = None) -> None:
        status = item.source.stat()
        changed = (status.st_size, status.st_mtime_ns) != (item.size, item.modified)
        if changed or (read is not None and read != item.size):
            raise TransferError(f"{item.source} has changed while it was uploaded")

    def _in_parts(self, pool: ThreadPoolExecutor, item: _Item) -> None:
        prefix = f".{name_of(item.target)}."
        folder = join(parent_of(item.target), f"{prefix}{_key(item)}.parts")
        self._remove_stale(parent_of(item.target), prefix, folder)
        whole = f"{folder}.whole"
        ready = self._store.find(whole)
        if ready is None or ready.size != item.size:
            sizes = self._present(folder)
            parts = [
                (f"{folder}/{number:05}", offset, min(PART, item.size - offset))
                for number, offset in enumerate(range(0, item.size, PART))
            ]
            jobs = [partial(self._part, item, part, sizes.get(part[0], 0)) for part in parts]
            run_all(pool, jobs, self._stop)
            self._check_unchanged(item)
            self._store.delete(whole)
            self._store.concat(whole, [path for path, _, _ in parts])
            ready = self._store.status(whole)
        if ready.size != item.size:
            raise TransferError(
                f"{item.target} has {ready.size} bytes after the upload, {item.source} has {item.size}"
            )
        self._store.rename(whole, item.target, overwrite=True)
        self._store.delete(folder, recursive=True)
        log.info("Uploaded %s to %s, %s bytes", item.source, item.target, item.size)

    def _present(self, folder: str) -> dict[str, int]:
        try:
            return {status.path: status.size for status in self._store.children(folder)}
        except NotFoundError:
            return {}

    def _part(self, item: _Item, part: tuple[str, int, int], there: int) -> None:
        path, offset, size = part
        if there > size:
            there = 0
        with item.source.open("rb") as file:
            file.seek(offset + there)
            while there < size or size == 0:
                if self._stop.is_set():
                    raise Stopped("the upload was stopped")
                content = file.read(min(BLOCK, size - there))
                if not content:
                    raise TransferError(f"{item.source} has changed while it was uploaded")
                if there == 0:
                    self._store.create(path, content)
                else:
                    self._store.append(path, content, there, last=there + len(content) == size)
                there += len(content)

    def _remove_stale(self, parent: str, prefix: str, ours: str) -> None:
        """Remove what uploads to this file have left that nobody will take up again."""
        try:
            found = [
                status
                for status in self._store.children(parent)
                if status.name.startswith(prefix) and ".parts" in status.name
            ]
        except NotFoundError:
            return
        for status in found:
            if not status.path.startswith(ours) and status.modified < time.time() - STALE_SECONDS:
                log.info("Removing what an abandoned upload has left: %s", status.path)
                self._store.delete(status.path, recursive=True)


def _key(item: _Item) -> str:
    text = f"{item.source.resolve()}|{item.size}|{item.modified}|{item.target}|{PART}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_all(pool: ThreadPoolExecutor, jobs: Sequence[Callable[[], Any]], stop: threading.Event) -> None:
    """
    Run jobs in a pool; the first failure ends the others.

    :param pool: the threads
    :param jobs: what to do
    :param stop: set by somebody who wants all to end
    :raises Exception: the first failure
    """
    waiting: set[Future[Any]] = set()
    failed: BaseException | None = None
    pending = iter(jobs)
    limit = pool._max_workers * 4
    while failed is None:
        # A few ahead only: 100,000 files need no 100,000 futures.
        for job in pending:
            waiting.add(pool.submit(job))
            if len(waiting) >= limit:
                break
        if not waiting:
            return
        done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
        failed = next((one.exception() for one in done if one.exception() is not None), None)
        if failed is None and stop.is_set():
            failed = Stopped("the transfer was stopped")
    for one in waiting:
        one.cancel()
    wait(waiting)
    raise failed


def files_below(root: Path) -> list[tuple[Path, str]]:
    """
    List all files below a folder of this machine.

    :param root: the folder
    :return: files with their paths relative to the folder, in order; links that lead elsewhere are followed
    """
    found = []
    for folder, _, names in os.walk(root, followlinks=True):
        for name in names:
            path = Path(folder) / name
            found.append((path, path.relative_to(root).as_posix()))
    return sorted(found, key=lambda pair: pair[1])
