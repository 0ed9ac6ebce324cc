"""Downloads from a store: in parallel ranges, taken up again after a crash, never half a file in sight."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import secrets
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial as bind
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store import ATOMIC_BYTES
from airflow_provider_datalake.clients.data_lake_store_upload import TransferResult
from airflow_provider_datalake.clients.parallel import Jobs, Progress, check_threads
from airflow_provider_datalake.exceptions import ConflictError, TransferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus
    from airflow_provider_datalake.clients.parallel import Job

log = logging.getLogger(__name__)

RANGE = 32 * 1024 * 1024
"""Bytes of a request; the ranges of a file come down side by side."""
_LINE = re.compile(r"[0-9]{20}")
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.(partial|ranges)", re.DOTALL)


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
    check_threads(options.threads)
    items = list(pairs)
    _check_targets(items, overwrite=options.overwrite)
    return _Download(store, options, items).run(stop or threading.Event())


def _check_targets(items: Sequence[tuple[FileStatus, Path]], *, overwrite: bool) -> None:
    seen: dict[Path, str] = {}
    for status, target in items:
        if target in seen:
            raise ConflictError(f"{seen[target]} and {status.path} would both become {target}")
        seen[target] = status.path
        if target.is_dir():
            raise ConflictError(f"{target} is a folder, {status.path} is a file")
        if not overwrite and target.exists():
            raise ConflictError(f"there is a file {target} already, and overwrite is off")


class _Download:
    def __init__(
        self, store: DataLakeStore, options: DownloadOptions, items: Sequence[tuple[FileStatus, Path]]
    ) -> None:
        self.store = store
        self.progress = Progress("Downloaded", len(items), sum(status.size for status, _ in items))
        self.open_files = ExitStack()
        self._threads = options.threads
        self._items = items
        self._jobs = Jobs((), threading.Event())

    def run(self, stop: threading.Event) -> TransferResult:
        for folder in {target.parent for _, target in self._items}:
            folder.mkdir(parents=True, exist_ok=True)
        self._remove_others()
        self._jobs = Jobs((self._job(*item) for item in self._items), stop)
        with self.open_files:
            self._jobs.run(self._threads, "datalake-download")
        return TransferResult(len(self._items), sum(status.size for status, _ in self._items))

    def _job(self, status: FileStatus, target: Path) -> Job:
        if status.size <= ATOMIC_BYTES:
            return bind(self._whole, status, target)
        return _LargeFile(self, status, target).begin

    def check(self) -> None:
        """End early when the transfer has ended."""
        self._jobs.check()

    def _whole(self, status: FileStatus, target: Path) -> None:
        content = self.store.read(status.path) if status.size else b""
        if len(content) != status.size:
            raise _changed(status)
        # Too small to be gone on with: a name of its own keeps it apart from what others do.
        partial = f"{target.parent}/.{target.name}.{secrets.token_hex(8)}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write(descriptor, content, 0)
            os.fsync(descriptor)
            os.replace(partial, target)
        except BaseException:
            os.unlink(partial)
            raise
        finally:
            os.close(descriptor)
        self.progress.add(files=1, size=status.size)

    def _remove_others(self) -> None:
        """Remove what downloads of earlier versions of these files have left."""
        ours = {_partial(*item).name for item in self._items}
        ours |= {_journal(Path(name)).name for name in ours}
        names = {target.parent: set[str]() for _, target in self._items}
        for _, target in self._items:
            names[target.parent].add(target.name)
        for folder, wanted in names.items():
            for entry in os.scandir(folder):
                match = _LEFTOVER.fullmatch(entry.name)
                if match is not None and match["name"] in wanted and entry.name not in ours:
                    _remove_unless_locked(Path(entry.path))


class _LargeFile:
    """A file that comes down in ranges; a journal beside it tells which are on disk."""

    def __init__(self, download: _Download, status: FileStatus, target: Path) -> None:
        self._download = download
        self._status = status
        self._target = target
        self._partial = _partial(status, target)
        self._journal = _journal(self._partial)
        self._lock = threading.Lock()
        self._left = 0
        self._file: IO[bytes] | None = None

    def begin(self) -> list[Job]:
        """Find out what is there, and make jobs of the rest."""
        status = self._status
        self._file = self._download.open_files.enter_context(_locked(self._partial))
        done = self._read_journal() if os.fstat(self._file.fileno()).st_size == status.size else set()
        self._journal.write_text("".join(f"{offset:020}\n" for offset in sorted(done)))
        self._file.truncate(status.size)
        offsets = [offset for offset in range(0, status.size, RANGE) if offset not in done]
        self._download.progress.add(size=status.size - sum(map(self._length, offsets)))
        self._left = len(offsets)
        if not offsets:
            self._publish()
        return [bind(self._fetch, offset) for offset in offsets]

    def _length(self, offset: int) -> int:
        return min(RANGE, self._status.size - offset)

    def _read_journal(self) -> set[int]:
        try:
            lines = self._journal.read_text().split("\n")[:-1]
        except FileNotFoundError:
            return set()
        # What follows the last end of a line is torn.
        return {int(line) for line in lines if _LINE.fullmatch(line) and int(line) % RANGE == 0}

    def _fetch(self, offset: int) -> None:
        if self._file is None:
            raise TransferError(f"the download of {self._status.path} has ended")
        descriptor, position = self._file.fileno(), offset
        for piece in self._download.store.pieces(self._status.path, offset, self._length(offset)):
            self._download.check()
            _write(descriptor, piece, position)
            position += len(piece)
        # The bytes are on disk before the journal says so.
        os.fdatasync(descriptor)
        self._download.progress.add(size=self._length(offset))
        with self._lock:
            with self._journal.open("a") as journal:
                journal.write(f"{offset:020}\n")
            self._left -= 1
            if self._left:
                return
        self._publish()

    def _publish(self) -> None:
        status = self._status
        now = self._download.store.status(status.path)
        if (now.size, now.modified) != (status.size, status.modified):
            self._partial.unlink()
            self._journal.unlink(missing_ok=True)
            raise _changed(status)
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._partial.replace(self._target)
            self._file.close()
        self._journal.unlink(missing_ok=True)
        self._download.progress.add(files=1)
        log.info("Downloaded %s to %s, %s bytes", status.path, self._target, status.size)


def _changed(status: FileStatus) -> TransferError:
    return TransferError(f"{status.path} has changed while it was downloaded")


def _partial(status: FileStatus, target: Path) -> Path:
    # What a journal says is about ranges of this size.
    text = f"{status.path}|{status.size}|{status.modified}|{RANGE}"
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return target.with_name(f".{target.name}.{key}.partial")


def _journal(partial: Path) -> Path:
    return partial.with_suffix(".ranges")


def _locked(path: Path) -> IO[bytes]:
    """Open a file that only one process writes at a time; closing it gives it free."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino == _inode(path):
                return file
        except BlockingIOError:
            file.close()
            raise TransferError(f"another process is downloading to {path} at the same time") from None
        except BaseException:
            file.close()
            raise
        # Between opening and locking, the other process has finished and renamed it.
        file.close()


def _write(descriptor: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _remove_unless_locked(path: Path) -> None:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        # Another download is at it, or was.
        return
