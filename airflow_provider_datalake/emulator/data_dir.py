"""What an emulator keeps in its data directory, and how that is emptied."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOG = "emulator.log"
RESET_PATH = "/admin/reset"
"""Where a running emulator is told to empty it."""
_MARKER = "reset-begun"
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


def empty(data_dir: Path) -> None:
    """
    Remove all data; no emulator may use it meanwhile.

    :param data_dir: the data directory
    """
    if not data_dir.is_dir():
        return
    marker = data_dir / _MARKER
    marker.touch()
    # The folder that a person puts experiments into.
    kept = data_dir / "ml_studio" / "experiments"
    paths = [data_dir / name for name in _DATA]
    if (studio := data_dir / "ml_studio").is_dir():
        paths += studio.iterdir()
    for path in paths:
        if path == kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    marker.unlink()


def finish_reset(data_dir: Path) -> None:
    """
    Go on with a reset whose process was killed, so that no half of the data is left.

    :param data_dir: the data directory
    """
    if (data_dir / _MARKER).exists():
        empty(data_dir)
