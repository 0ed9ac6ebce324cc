"""What an emulator keeps in its data directory, and how that is emptied."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOG = "emulator.log"
RESET_PATH = "/admin/reset"
"""Where a running emulator is told to empty it."""
_MARKER = "reset-begun"
_DISCARDED = "discarded"
_DATA = (
    *(f"{name}{ending}" for name in ("catalog.db", "jobs.db") for ending in ("", "-wal", "-shm", "-journal")),
    "segments",
    "results",
    "tmp",
    "stores",
    "resources",
    "analytics",
)
"""What a reset removes, with what is in ``ml_studio``; keys, the log and what is not ours stay."""


def empty(data_dir: Path) -> Path:
    """
    Put all data out of the way; no emulator may use it meanwhile.

    :param data_dir: the data directory
    :return: the folder where the data is now; who deletes it frees the space
    """
    marker = data_dir / _MARKER
    marker.touch()
    grave = data_dir / _DISCARDED / uuid.uuid4().hex
    grave.mkdir(parents=True)
    # The folder that a person puts experiments into.
    kept = data_dir / "ml_studio" / "experiments"
    paths = [data_dir / name for name in _DATA]
    if (studio := data_dir / "ml_studio").is_dir():
        paths += studio.iterdir()
    for path in paths:
        if path != kept and (path.exists() or path.is_symlink()):
            path.rename(grave / path.name)
    marker.unlink()
    return grave


def discard(grave: Path) -> None:
    """
    Delete what :func:`empty` has put out of the way; an emulator may be at work again.

    :param grave: the folder where the data is
    """
    # What cannot be deleted now is deleted at the next start.
    shutil.rmtree(grave, ignore_errors=True)


def finish_reset(data_dir: Path) -> None:
    """
    Go on with resets whose process was killed, so that no half of the data is left, and no space is lost.

    :param data_dir: the data directory
    """
    if (data_dir / _MARKER).exists():
        empty(data_dir)
    discard(data_dir / _DISCARDED)
