"""The files that hold the rows of the catalogs' tables, kept as long as a catalog or a reader needs them."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from airflow_provider_datalake.emulator.database import Database


class SegmentFiles:
    """
    One directory of segments. What no catalog lists and nobody holds is swept.

    :param root: the directory
    :param database: has the catalogs
    """

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self._database = database
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def hold(self, names: Callable[[], Iterable[str]]) -> Iterator[None]:
        """
        Keep files for a while, whatever becomes of the tables.

        :param names: tells which ones; called while nothing can be swept
        """
        with self._lock:
            held = list(names())
            self._held.update(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.subtract(held)
                self._held += Counter()
            self.sweep()

    @contextmanager
    def adopt(self, paths: Iterable[Path]) -> Iterator[dict[Path, str]]:
        """
        Take over files, which stay if a catalog lists them at the end of the block.

        :param paths: where they are
        :return: their names in this directory by where they were
        """
        taken = {path: f"{uuid.uuid4().hex}.parquet" for path in paths}
        with self.hold(taken.values):
            for path, name in taken.items():
                path.rename(self.root / name)
            yield taken

    def sweep(self) -> None:
        """Remove what no catalog lists and nobody holds."""
        with self._lock:
            # In this order: what is written in between is held or listed.
            present = list(self.root.iterdir())
            with self._database.read() as connection:
                rows = connection.execute("SELECT path FROM usql_segments").fetchall()
            needed = {row["path"] for row in rows} | self._held.keys()
            for path in present:
                if path.name not in needed:
                    path.unlink(missing_ok=True)
