"""
Contents on their way: blocks arrive in any order and side by side, and leave as one file.

An upload is a folder. Its file ``data`` has the blocks at their places, which are known because all blocks
but the last are equally long; a block that is not, or that comes before it can be told, waits in a file of
its own. ``blocks`` says which there are: a line for each, written after its bytes.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError, bad_request, conflict, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator

    Pieces = list[bytes]

log = logging.getLogger(__name__)

MAX_BLOCK = 4 * 1024 * 1024
"""Bytes of a block; the service's own client sends half as many."""
MAX_BLOCKS = 50_000
KEPT_SECONDS = 24 * 3600.0
_DATA = "data"
_JOURNAL = "blocks"
_VECTORS = 512
_LOCKS = 16
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class _State(Enum):
    OPEN = auto()
    TAKEN = auto()
    """A dataset is being made of it."""
    OVER = auto()


@dataclass(frozen=True)
class _Block:
    size: int
    file: str | None
    """Its own file, None when it is in its place."""


@dataclass
class _Upload:
    id: str
    workspace: str
    folder: Path
    total: int | None = None
    stride: int | None = None
    blocks: dict[int, _Block] = field(default_factory=dict)
    writing: int = 0
    state: _State = _State.OPEN
    changed: threading.Condition = field(default_factory=threading.Condition)
    locks: tuple[threading.Lock, ...] = field(
        default_factory=lambda: tuple(threading.Lock() for _ in range(_LOCKS))
    )


class Uploads:
    """
    The uploads of all workspaces.

    :param root: their folder; created when missing
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._root.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._known: dict[str, _Upload] = {}
        self._boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
        for folder in self._root.iterdir():
            self._load(folder)

    def begin(self, workspace: str) -> str:
        """
        Begin an upload.

        :param workspace: whose it is
        :return: its id
        """
        upload_id = uuid.uuid4().hex
        upload = _Upload(upload_id, workspace, self._root / upload_id)
        upload.folder.mkdir()
        (upload.folder / _DATA).touch()
        self._note(upload, {"workspace": workspace, "boot": self._boot})
        with self._lock:
            self._known[upload.id] = upload
        return upload.id

    def put(self, workspace: str, upload_id: str, number: int, total: int, content: Pieces) -> None:
        """
        Store a block; one that comes again replaces itself.

        :param workspace: whose upload it is
        :param upload_id: the upload
        :param number: the block's, from 0
        :param total: how many blocks there will be
        :param content: its bytes
        :raises StudioError: when there is no such upload, or the block does not belong to it
        """
        if not 1 <= total <= MAX_BLOCKS:
            raise bad_request(f"numberOfBlocks must be from 1 to {MAX_BLOCKS}, got {total}.")
        if not 0 <= number < total:
            raise bad_request(f"blockId must be from 0 to {total - 1}, got {number}.")
        self._put(self._find(workspace, upload_id), number, total, content)

    def append(self, workspace: str, upload_id: str, number: int, content: Pieces) -> None:
        """
        Store a piece of contents that come in order; all but the last have :data:`MAX_BLOCK` bytes.

        :param workspace: whose upload it is
        :param upload_id: the upload
        :param number: the piece's, from 0
        :param content: its bytes
        """
        self._put(self._find(workspace, upload_id), number, None, content)

    def close(self, workspace: str, upload_id: str, total: int) -> None:
        """
        Say that all contents have come.

        :param workspace: whose upload it is
        :param upload_id: the upload
        :param total: how many pieces they were
        """
        upload = self._find(workspace, upload_id)
        with upload.changed:
            self._note(upload, {"total": total})
            upload.total = total

    def ids(self) -> list[str]:
        """
        List the uploads of all workspaces.

        :return: their ids
        """
        with self._lock:
            return list(self._known)

    def cancel(self, upload_id: str) -> None:
        """
        Give up an upload.

        :param upload_id: the upload
        """
        self._forget(self._known[upload_id])

    def _put(self, upload: _Upload, number: int, total: int | None, content: Pieces) -> None:
        size = sum(map(len, content))
        if not size:
            raise bad_request(f"Block {number} is empty.")
        with self._writing(upload), upload.locks[number % _LOCKS]:
            block = self._place(upload, number, total, size)
            if block.file is None:
                self._remove(upload, number)
                _write(upload.folder / _DATA, content, number * (upload.stride or 0))
            else:
                # Under a name that is not there yet: the block that it replaces stays whole.
                with (upload.folder / block.file).open("xb") as file:
                    file.writelines(content)
            with upload.changed:
                old = upload.blocks.get(number)
                self._note(upload, {"number": number, "size": block.size, "file": block.file})
                upload.blocks[number] = block
            if old is not None and old.file is not None:
                (upload.folder / old.file).unlink(missing_ok=True)

    def _remove(self, upload: _Upload, number: int) -> None:
        """Forget a block that will be overwritten: a half of it must not count as the whole."""
        with upload.changed:
            old = upload.blocks.get(number)
            if old is not None and old.file is None:
                self._note(upload, {"removed": number})
                del upload.blocks[number]

    def _place(self, upload: _Upload, number: int, total: int | None, size: int) -> _Block:
        with upload.changed:
            if total is not None and upload.total is None:
                self._note(upload, {"total": total})
                upload.total = total
            elif upload.total != total:
                raise bad_request(f"numberOfBlocks was {upload.total} before, now it is {total}.")
            is_last = total is not None and number == total - 1
            if upload.stride is None and (not is_last or number == 0):
                self._note(upload, {"stride": size})
                upload.stride = size
            in_place = upload.stride is not None and (is_last or total is None or size == upload.stride)
        return _Block(size, None if in_place else f"{number}-{uuid.uuid4().hex}")

    @contextmanager
    def take(self, workspace: str, upload_id: str) -> Iterator[tuple[Path, int]]:
        """
        Give the contents of a complete upload, on disk; nobody writes to them any more.

        The upload is over unless an error is raised: then it is as it was.

        :param workspace: whose upload it is
        :param upload_id: the upload
        :return: a file, to be linked to, and its size
        :raises StudioError: when there is no such upload, or blocks are missing
        """
        upload = self._find(workspace, upload_id)
        with upload.changed:
            while upload.state is _State.TAKEN or upload.writing:
                upload.changed.wait()
            if upload.state is _State.OVER:
                raise _unknown(upload_id)
            _check_complete(upload)
            upload.state = _State.TAKEN
        try:
            yield self._assembled(upload)
        except BaseException:
            self._set(upload, _State.OPEN)
            raise
        self._forget(upload)

    def expire(self, now: float) -> None:
        """
        Give up the uploads that nobody goes on with.

        :param now: seconds since the epoch
        """
        with self._lock:
            known = list(self._known.values())
        for upload in known:
            with upload.changed:
                if upload.state is _State.OPEN and not upload.writing and _is_old(upload.folder, now):
                    # Under the lock: a block may be about to come.
                    self._forget(upload)

    def _find(self, workspace: str, upload_id: str) -> _Upload:
        with self._lock:
            upload = self._known.get(upload_id)
        if upload is None or upload.workspace != workspace:
            raise _unknown(upload_id)
        return upload

    def _forget(self, upload: _Upload) -> None:
        with self._lock:
            self._known.pop(upload.id, None)
        self._set(upload, _State.OVER)
        shutil.rmtree(upload.folder, ignore_errors=True)

    def _set(self, upload: _Upload, state: _State) -> None:
        with upload.changed:
            upload.state = state
            upload.changed.notify_all()

    @contextmanager
    def _writing(self, upload: _Upload) -> Iterator[None]:
        with upload.changed:
            if upload.state is _State.OVER:
                raise _unknown(upload.id)
            if upload.state is _State.TAKEN:
                raise conflict(f"A dataset is being made of upload {upload.id}.")
            upload.writing += 1
        try:
            yield
        finally:
            with upload.changed:
                upload.writing -= 1
                upload.changed.notify_all()

    def _assembled(self, upload: _Upload) -> tuple[Path, int]:
        size = sum(block.size for block in upload.blocks.values())
        data = upload.folder / _DATA
        last = len(upload.blocks) - 1
        apart = [number for number, block in upload.blocks.items() if block.file is not None]
        if apart and apart != [last]:
            whole = upload.folder / "whole"
            _join(upload, whole)
        else:
            whole = data
            for number in apart:
                content = (upload.folder / str(upload.blocks[number].file)).read_bytes()
                _write(data, [content], number * (upload.stride or 0))
        with whole.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())
        return whole, size

    def _note(self, upload: _Upload, line: dict[str, object]) -> None:
        with (upload.folder / _JOURNAL).open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def _load(self, folder: Path) -> None:
        """Go on with an upload of an earlier process, unless bytes may be missing."""
        try:
            # What follows the last line end is a line that was not written whole.
            head, *rows = (folder / _JOURNAL).read_bytes().split(b"\n")[:-1]
            line = json.loads(head)
            # After a crash of the machine, nobody knows what had reached the disk.
            usable = line["boot"] == self._boot and (folder / _DATA).exists()
            if usable and not _is_old(folder, time.time()):
                upload = _Upload(folder.name, line["workspace"], folder)
                for row in rows:
                    _replay(upload, json.loads(row))
                self._known[upload.id] = upload
                return
        except (OSError, ValueError) as error:
            log.warning("Upload %s is dropped: %s", folder.name, error)
        shutil.rmtree(folder, ignore_errors=True)


def _replay(upload: _Upload, line: dict[str, Any]) -> None:
    if "removed" in line:
        del upload.blocks[line["removed"]]
    if "number" in line:
        upload.blocks[line["number"]] = _Block(line["size"], line["file"])
    upload.total = line.get("total", upload.total)
    upload.stride = line.get("stride", upload.stride)


def _is_old(folder: Path, now: float) -> bool:
    return now - (folder / _JOURNAL).stat().st_mtime > KEPT_SECONDS


def _unknown(upload_id: str) -> StudioError:
    return not_found(f"There is no upload {upload_id[:100]!r}: begin another one.")


def _check_complete(upload: _Upload) -> None:
    missing = [number for number in range(upload.total or 0) if number not in upload.blocks]
    if missing:
        shown = ", ".join(map(str, missing[:20])) + (" ..." if len(missing) > 20 else "")
        raise StudioError(
            400,
            "BlocksMissing",
            f"{len(missing)} of the {upload.total} blocks of upload {upload.id} are missing: {shown}",
        )


def _join(upload: _Upload, whole: Path) -> None:
    with whole.open("wb") as target, (upload.folder / _DATA).open("rb") as data:
        for number in range(len(upload.blocks)):
            block = upload.blocks[number]
            if block.file is None:
                data.seek(number * (upload.stride or 0))
                target.write(data.read(block.size))
            else:
                target.write((upload.folder / block.file).read_bytes())


def _write(path: Path, content: Pieces, offset: int) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        for start in range(0, len(content), _VECTORS):
            offset = _write_vectors(descriptor, content[start : start + _VECTORS], offset)
    finally:
        os.close(descriptor)


def _write_vectors(descriptor: int, content: Pieces, offset: int) -> int:
    views = [memoryview(piece) for piece in content]
    while views:
        written = os.pwritev(descriptor, views, offset)
        offset += written
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if views:
            views[0] = views[0][written:]
    return offset
