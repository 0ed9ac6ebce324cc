"""Uploads to a store: in parallel, taken up again after a crash, never half a file in sight."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store import ATOMIC_BYTES
from airflow_provider_datalake.clients.data_lake_store_errors import BadOffset
from airflow_provider_datalake.clients.data_lake_store_paths import (
    check_path,
    is_temporary,
    parent_of,
    temporary_path,
)
from airflow_provider_datalake.clients.parallel import Jobs, Progress, check_threads
from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    TransferError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus
    from airflow_provider_datalake.clients.parallel import Job

log = logging.getLogger(__name__)

BLOCK = 4 * 1024 * 1024
"""Bytes of a request."""
PART = 64 * 1024 * 1024
"""Bytes of a part of a large file; the parts go up side by side."""
STALE_SECONDS = 24 * 3600.0
"""Age from which what an abandoned upload has left is removed."""
DOUBT_SECONDS = 10.0
"""Clocks differ and tell whole seconds: a file of the first ones may be older than the upload."""


@dataclass(frozen=True)
class Beginning:
    """
    When the first attempt at an upload began.

    :param store: epoch seconds by ``DataLakeStore.clock``
    :param local: epoch seconds by this machine's clock, which the times of its files are by
    """

    store: float
    local: float


@dataclass(frozen=True)
class UploadOptions:
    """
    How files go up.

    :param threads: requests in flight at a time
    :param overwrite: whether files that are there are replaced
    :param since: when the first attempt at the same upload began: files that were written since then, have
        the right size and have not changed here are not sent again; None for a first attempt
    """

    threads: int = 8
    overwrite: bool = True
    since: Beginning | None = None


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


@dataclass(frozen=True)
class _Item:
    source: Path
    target: str
    size: int
    modified: int

    def check_unchanged(self, read: int) -> None:
        status = self.source.stat()
        if (status.st_size, status.st_mtime_ns) != (self.size, self.modified) or read != self.size:
            raise TransferError(f"{self.source} has changed while it was uploaded")


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
    :raises ConflictError: when there is a folder, or a file that must not be replaced
    :raises TransferError: when a file changes meanwhile, or does not come through whole
    """
    options = options or UploadOptions()
    check_threads(options.threads)
    items = [_item(source, target) for source, target in pairs]
    _check_targets(items)
    return _Upload(store, options, items).run(stop or threading.Event())


def _item(source: Path, target: str) -> _Item:
    try:
        status = source.stat()
    except FileNotFoundError:
        raise NotFoundError(f"no such file: {source}") from None
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"{source} is no ordinary file")
    checked = check_path(target, "destination")
    if checked == "/":
        raise ConfigurationError("destination must be a file's path, it is the root")
    return _Item(source, checked, status.st_size, status.st_mtime_ns)


def _check_targets(items: Sequence[_Item]) -> None:
    seen: dict[str, Path] = {}
    for item in items:
        if item.target in seen:
            raise ConflictError(f"{seen[item.target]} and {item.source} would both become {item.target}")
        seen[item.target] = item.source


class _Upload:
    def __init__(self, store: DataLakeStore, options: UploadOptions, items: Sequence[_Item]) -> None:
        self.store = store
        self.overwrite = options.overwrite
        self.progress = Progress("Uploaded", len(items), sum(item.size for item in items))
        self._threads = options.threads
        self._since = options.since
        self._items = items
        self._jobs = Jobs((), threading.Event())
        self._memory = threading.local()

    def run(self, stop: threading.Event) -> TransferResult:
        done = self._done_before()
        left = [item for item in self._items if item.target not in done]
        self._remove_stale({parent_of(item.target) for item in left if item.size > ATOMIC_BYTES})
        self._jobs = Jobs(map(self._job, left), stop)
        self._jobs.run(min(self._threads, max(1, len(left) * 16)), "datalake-upload")
        return TransferResult(len(self._items), sum(item.size for item in self._items), len(done))

    def _job(self, item: _Item) -> Job:
        if item.size <= ATOMIC_BYTES:
            return partial(self._whole, item)
        return _LargeFile(self, item).begin

    def buffer(self) -> memoryview:
        """Give a thread the memory for its requests, always the same."""
        if not hasattr(self._memory, "buffer"):
            self._memory.buffer = memoryview(bytearray(BLOCK))
        found: memoryview = self._memory.buffer
        return found

    def check(self) -> None:
        """End early when the transfer has ended."""
        self._jobs.check()

    def _done_before(self) -> set[str]:
        """Find what an earlier attempt has finished, and what must not be replaced."""
        if self.overwrite and self._since is None:
            return set()
        there = self._there()
        done = set()
        for item in self._items:
            found = there.get(item.target)
            if found is None:
                continue
            if self._is_ours(item, found):
                done.add(item.target)
            elif not self.overwrite:
                raise ConflictError(f"there is a file {item.target} already, and overwrite is off")
        return done

    def _there(self) -> dict[str, FileStatus]:
        wanted = {item.target for item in self._items}
        found: dict[str, FileStatus] = {}
        for folder in sorted({parent_of(target) for target in wanted}):
            try:
                found |= {one.path: one for one in self.store.children(folder) if one.path in wanted}
            except NotFoundError:
                continue
        return found

    def _is_ours(self, item: _Item, found: FileStatus) -> bool:
        since = self._since
        if since is None or found.is_folder or found.size != item.size or found.modified < since.store:
            return False
        is_later = found.modified >= since.store + DOUBT_SECONDS
        if is_later and item.modified / 1e9 < since.local - DOUBT_SECONDS:
            return True
        # With overwrite, to send it again is as good as to look into it.
        return not self.overwrite and self._same_bytes(item)

    def _same_bytes(self, item: _Item) -> bool:
        with item.source.open("rb") as file:
            return all(
                piece == file.read(len(piece)) for piece in self.store.pieces(item.target, 0, item.size)
            )

    def _whole(self, item: _Item) -> None:
        content = item.source.read_bytes()
        item.check_unchanged(len(content))
        self.store.create(item.target, content, overwrite=self.overwrite)
        self.progress.add(files=1, size=item.size)

    def _remove_stale(self, folders: Iterable[str]) -> None:
        """Remove what uploads have left that nobody will take up again."""
        limit = time.time() - STALE_SECONDS
        for folder in sorted(folders):
            try:
                found = [one for one in self.store.children(folder) if is_temporary(one.name)]
            except NotFoundError:
                continue
            for one in found:
                if one.modified < limit:
                    log.info("Removing what an abandoned upload has left: %s", one.path)
                    self.store.delete(one.path, recursive=True)


class _LargeFile:
    """A file that goes up in parts: written beside its path, joined, and renamed."""

    def __init__(self, upload: _Upload, item: _Item) -> None:
        self._upload = upload
        self._store = upload.store
        self._item = item
        self._whole = temporary_path(item.target, _key(item), "whole")
        self._folder = temporary_path(item.target, _key(item), "parts")
        self._lock = threading.Lock()
        self._left = 0

    def begin(self) -> list[Job]:
        """Find out what is there, and make jobs of the rest."""
        item = self._item
        self._store.check_place(item.target, overwrite=self._upload.overwrite)
        if item.size <= PART:
            found = self._store.find(self._whole)
            self._left = 1
            return [partial(self._write, self._whole, 0, item.size, found.size if found else 0)]
        there = self._present()
        ready = there.get(self._whole)
        if ready == item.size:
            self._publish()
            return []
        if ready is not None:
            # A join begins with an empty place.
            self._store.delete(self._whole)
        self._left = len(self._parts())
        return [partial(self._write, *part, there.get(part[0], 0)) for part in self._parts()]

    def _parts(self) -> list[tuple[str, int, int]]:
        """Path, first byte and length of each part."""
        size = self._item.size
        return [
            (f"{self._folder}/{number:05}", offset, min(PART, size - offset))
            for number, offset in enumerate(range(0, size, PART))
        ]

    def _present(self) -> dict[str, int]:
        found = self._store.find(self._whole)
        there = {} if found is None else {found.path: found.size}
        try:
            return there | {one.path: one.size for one in self._store.children(self._folder)}
        except NotFoundError:
            return there

    def _write(self, path: str, offset: int, size: int, there: int) -> None:
        if there > size:
            there = 0
        self._upload.progress.add(size=there)
        if there == size:
            # Nobody knows whether the earlier attempt has come to say that this was all.
            self._store.append(path, b"", there, last=True)
        buffer = self._upload.buffer()
        with self._item.source.open("rb", buffering=0) as file:
            while there < size:
                self._upload.check()
                content = buffer[: min(BLOCK, size - there)]
                file.seek(offset + there)
                if file.readinto(content) != len(content):
                    raise TransferError(f"{self._item.source} has changed while it was uploaded")
                there = self._send(path, content, there, last=there + len(content) == size)
        self._ended()

    def _send(self, path: str, content: memoryview, there: int, *, last: bool) -> int:
        try:
            if there == 0:
                self._store.create(path, content, last=last)
            else:
                self._store.append(path, content, there, last=last)
        except BadOffset as error:
            # A request of an earlier attempt has arrived late, or that attempt is still alive.
            found = self._store.status(path).size
            log.warning("%s; going on at %s", error, found)
            if found == there:
                raise
            return found
        self._upload.progress.add(size=len(content))
        return there + len(content)

    def _ended(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        parts = self._parts()
        if len(parts) > 1:
            self._store.concat(self._whole, [path for path, _, _ in parts], size=self._item.size)
        self._publish()

    def _publish(self) -> None:
        item = self._item
        item.check_unchanged(item.size)
        size = self._store.status(self._whole).size
        if size != item.size:
            self._store.delete(self._whole)
            raise TransferError(
                f"{item.target} had {size} bytes after the upload, {item.source} has {item.size}"
            )
        if item.size > PART:
            # First: who dies between the two leaves what a later attempt finds, no empty folder.
            self._store.delete(self._folder, recursive=True)
        self._store.publish(self._whole, item.target, overwrite=self._upload.overwrite)
        self._upload.progress.add(files=1)
        log.info("Uploaded %s to %s, %s bytes", item.source, item.target, item.size)


def _key(item: _Item) -> str:
    text = f"{item.source.resolve()}|{item.size}|{item.modified}|{item.target}|{PART}"
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def local_files(root: Path) -> list[tuple[Path, str]]:
    """
    List all files below a folder of this machine.

    :param root: the folder
    :return: files with their paths relative to the folder, in order; links that lead elsewhere are followed
    :raises ConfigurationError: when a link leads back to a folder that it is in
    :raises OSError: when a folder cannot be read
    """
    found = []
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_fail):
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink() and here.resolve().is_relative_to((here / name).resolve()):
                raise ConfigurationError(f"{here / name} is a link to a folder that it is in")
        found += [(here / name, (here / name).relative_to(root).as_posix()) for name in names]
    return sorted(found, key=lambda pair: pair[1])


def _fail(error: OSError) -> None:
    raise error
