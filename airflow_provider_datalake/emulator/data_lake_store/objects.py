"""The files that hold the bytes of a store, one for each of its files; nothing here knows paths or owners."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_COPY_BYTES = 8 * 1024 * 1024
_VECTORS = 512
# Of a name's digits, those that count units of about 18 minutes.
_GROUP = 6


@dataclass
class Content:
    """
    The bytes of one request: in memory, or in a file when there are many.

    :param size: how many
    :param chunks: the bytes
    :param file: where they are instead; a temporary file that belongs to the request
    """

    size: int = 0
    chunks: list[bytes] = field(default_factory=list)
    file: Path | None = None

    def write_to(self, descriptor: int, offset: int) -> None:
        """
        Write the bytes.

        :param descriptor: of an open file
        :param offset: where the first one goes
        """
        if self.file is not None:
            with self.file.open("rb") as source:
                _copy(source.fileno(), descriptor, self.size, offset)
            return
        for start in range(0, len(self.chunks), _VECTORS):
            offset = _write(descriptor, self.chunks[start : start + _VECTORS], offset)


def _write(descriptor: int, chunks: Sequence[bytes], offset: int) -> int:
    waiting: list[memoryview] = [memoryview(chunk) for chunk in chunks if chunk]
    while waiting:
        written = os.pwritev(descriptor, waiting, offset)
        offset += written
        while waiting and written >= len(waiting[0]):
            written -= len(waiting.pop(0))
        if waiting:
            waiting[0] = waiting[0][written:]
    return offset


def _copy(source: int, target: int, count: int, offset: int) -> None:
    position = 0
    while position < count:
        data = os.pread(source, min(_COPY_BYTES, count - position), position)
        if not data:
            raise OSError(f"expected {count} bytes, found {position}")
        _write(target, [data], offset + position)
        position += len(data)


class OpenFile:
    """
    A file that is open for reading.

    :param segments: for each object where its bytes begin, how many there are, and the open object
    :param length: the file's length
    """

    def __init__(self, segments: Sequence[tuple[int, int, IO[bytes]]], length: int) -> None:
        self._segments = segments
        self.length = length

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all objects."""
        for _, _, file in self._segments:
            file.close()

    def read(self, offset: int, count: int) -> bytes:
        """
        Read bytes.

        :param offset: the first one
        :param count: how many; no others than the file was opened for
        :return: so many bytes, fewer at the end of the file
        :raises OSError: when bytes are missing that the file should have
        """
        parts = []
        for start, length, file in self._segments:
            skipped = offset - start
            wanted = min(count, length - skipped)
            if skipped < 0 or wanted <= 0:
                continue
            data = os.pread(file.fileno(), wanted, skipped)
            if len(data) < wanted:
                raise OSError(f"{file.name} is incomplete: there is no byte {skipped + len(data)}")
            parts.append(data)
            offset += wanted
            count -= wanted
        return parts[0] if len(parts) == 1 else b"".join(parts)


class ObjectFiles:
    """
    The files below one directory, by store and object.

    :param root: the directory, created when it does not exist
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temporary = root / "tmp"
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}
        self._pins: Counter[str] = Counter()
        # Filled by finalizers, which may run anywhere and therefore must not take a lock.
        self._abandoned: deque[list[str]] = deque()
        self._unneeded: dict[str, str] = {}
        self._folders: set[Path] = set()
        self.root.mkdir(parents=True, exist_ok=True)
        self.temporary.mkdir(exist_ok=True)

    def path(self, store: str, name: str) -> Path:
        """
        Tell where an object's bytes are.

        :param store: the store's name
        :param name: the object
        :return: the path, whether there is a file or not
        """
        return self.root / store / "files" / name[:_GROUP] / name

    def reserve(self, store: str) -> tuple[str, Path]:
        """
        Choose a name for a new object.

        :param store: the store's name
        :return: the object's name, and where its bytes go
        """
        # Names begin with the time: what is written together lies together, which file systems are fast at.
        name = f"{time.time_ns():016x}{secrets.token_hex(8)}"
        path = self.path(store, name)
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (path.parent.parent, path.parent.parent.parent, self.root):
                sync_folder(folder)
            self._folders.add(path.parent)
        return name, path

    def create(self, store: str, content: Content, *, sync: bool) -> str:
        """
        Write a new object.

        :param store: the store's name
        :param content: its bytes; a temporary file that has them becomes the object
        :param sync: whether they must be on disk afterwards
        :return: the object's name
        """
        name, path = self.reserve(store)
        try:
            if content.file is not None:
                # Its bytes are where they must be already, but for the name.
                content.file.rename(path)
            with path.open("r+b" if content.file is not None else "xb", buffering=0) as file:
                if content.file is None:
                    content.write_to(file.fileno(), 0)
                if sync:
                    # The file systems in use write a new file's name with its bytes; syncing the directory
                    # too would make many small files half as fast.
                    os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def join(self, store: str, parts: Iterable[tuple[str, int]]) -> tuple[str, int]:
        """
        Write a new object of the bytes of others.

        :param store: the store's name
        :param parts: objects, and how many bytes of each
        :return: the object's name and its length
        """
        name, path = self.reserve(store)
        total = 0
        try:
            with path.open("xb", buffering=0) as target:
                for part, length in parts:
                    with self.path(store, part).open("rb", buffering=0) as source:
                        _copy(source.fileno(), target.fileno(), length, total)
                    total += length
                os.fsync(target.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        return name, total

    def sync(self, store: str, name: str) -> None:
        """
        Bring an object's bytes to disk, unless they are there.

        :param store: the store's name
        :param name: the object
        """
        descriptor = os.open(self.path(store, name), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, store: str, segments: Iterable[tuple[str, int]], offset: int, end: int) -> OpenFile:
        """
        Open what holds a file's bytes.

        :param store: the store's name
        :param segments: its objects, and how many bytes of each are the file's
        :param offset: the first byte that will be read
        :param end: behind the last byte that will be read
        :return: the open file
        :raises FileNotFoundError: when an object is not there any more
        """
        opened: list[tuple[int, int, IO[bytes]]] = []
        start = 0
        try:
            for name, length in segments:
                if start < end and offset < start + length:
                    opened.append((start, length, self.path(store, name).open("rb", buffering=0)))
                start += length
        except BaseException:
            for _, _, file in opened:
                file.close()
            raise
        return OpenFile(opened, start)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """
        Keep others from changing an object's bytes, within a block.

        :param name: the object
        """
        with self._guard:
            lock, waiting = self._locks.get(name, (threading.Lock(), 0))
            self._locks[name] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, waiting = self._locks[name]
                if waiting == 1:
                    del self._locks[name]
                else:
                    self._locks[name] = (lock, waiting - 1)

    def pin(self, name: str) -> None:
        """
        Keep an object's bytes as they are until it is abandoned, whatever becomes of its file.

        :param name: the object
        """
        self.release()
        with self._guard:
            self._pins[name] += 1

    def is_pinned(self, name: str) -> bool:
        """
        Tell whether somebody needs the bytes as they are.

        :param name: the object
        :return: True while it is pinned
        """
        with self._guard:
            return self._pins[name] > 0

    def abandon(self, names: list[str]) -> None:
        """
        Let go of pinned objects at the next :meth:`release`; takes no lock, as finalizers must not.

        :param names: the objects
        """
        self._abandoned.append(names)

    def release(self) -> None:
        """Let go of what was abandoned; objects that no file has any more are deleted."""
        with self._guard:
            while self._abandoned:
                self._pins.subtract(self._abandoned.popleft())
            self._pins = +self._pins
            free = [(store, name) for name, store in self._unneeded.items() if not self._pins[name]]
            for _, name in free:
                del self._unneeded[name]
        self.discard(free)

    def discard(self, objects: Iterable[tuple[str, str]]) -> None:
        """
        Delete objects that no file has any more; those that are pinned, later.

        :param objects: stores and names
        """
        for store, name in objects:
            with self._guard:
                if self._pins[name]:
                    self._unneeded[name] = store
                    continue
            try:
                self.path(store, name).unlink(missing_ok=True)
            except OSError:
                # The change that made it superfluous stands; the next start tries again.
                log.exception("Cannot delete the unused file %s of store %s", name, store)

    def settle(self, committed: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str]]:
        """
        Remove what an earlier process left behind: bytes that were never committed, temporary files.

        :param committed: lengths of all objects, by store and name
        :return: stores and objects that have lost committed bytes, as only a failing machine makes them
        """
        for path in self.temporary.iterdir():
            path.unlink(missing_ok=True)
        damaged = []
        for store, objects in committed.items():
            missing = set(objects)
            folder = self.root / store / "files"
            for entry in _files_below(folder) if folder.is_dir() else ():
                length = objects.get(entry.name)
                if length is None:
                    os.unlink(entry.path)
                    continue
                missing.discard(entry.name)
                size = entry.stat().st_size
                if size > length:
                    os.truncate(entry.path, length)
                elif size < length:
                    damaged.append((store, entry.name))
            damaged += [(store, name) for name in missing]
        return damaged


def _files_below(folder: Path) -> Iterator[os.DirEntry[str]]:
    for group in [path for path in folder.iterdir() if path.is_dir()]:
        with os.scandir(group) as entries:
            yield from (entry for entry in entries if entry.is_file(follow_symlinks=False))
        remove_if_empty(group)


def remove_if_empty(folder: Path) -> None:
    """
    Remove a directory that holds nothing.

    :param folder: the directory
    """
    if not any(folder.iterdir()):
        folder.rmdir()


def sync_folder(folder: Path) -> None:
    """
    Bring the names in a directory to disk.

    :param folder: the directory
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
