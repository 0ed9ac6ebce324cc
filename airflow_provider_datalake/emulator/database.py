"""SQLite as the emulator uses it: one writer at a time, many readers, every commit on disk."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUSY_TIMEOUT_MS = 30_000


class _Reading(threading.local):
    """The connection on which a thread is reading at the moment."""

    connection: sqlite3.Connection | None = None


class Database:
    """
    One SQLite file, shared by threads.

    :param path: the file; created when it does not exist
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        # Its own lock: who borrows a reader must not wait for the writer.
        self._pool_lock = threading.Lock()
        self._depth = 0
        self._owner: int | None = None
        self._after_commit: list[Callable[[], None]] = []
        self._closed = False
        self._reading = _Reading()
        self._writer = self._open()
        self._idle: list[sqlite3.Connection] = []

    def _open(self) -> sqlite3.Connection:
        # Transactions are begun explicitly; a connection serves one thread at a time, not always the same.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def ensure_schema(self, script: str) -> None:
        """
        Create what a script of ``CREATE ... IF NOT EXISTS`` statements describes.

        :param script: SQL statements, separated by semicolons
        """
        with self._lock:
            # In one transaction: one commit brought to disk, not one for each statement.
            try:
                self._writer.executescript(f"BEGIN IMMEDIATE;\n{script};\nCOMMIT;")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """
        Write atomically; nested calls of the same thread join the outer transaction.

        :return: the connection to write with
        """
        with self._lock:
            self._check_open()
            nested = self._depth > 0
            point = f"nested_{self._depth}"
            self._writer.execute(f"SAVEPOINT {point}" if nested else "BEGIN IMMEDIATE")
            self._depth += 1
            self._owner = threading.get_ident()
            waiting = len(self._after_commit)
            try:
                yield self._writer
                self._writer.execute(f"RELEASE {point}" if nested else "COMMIT")
            except BaseException:
                del self._after_commit[waiting:]
                if self._writer.in_transaction:
                    for undo in (f"ROLLBACK TO {point}", f"RELEASE {point}") if nested else ("ROLLBACK",):
                        self._writer.execute(undo)
                raise
            finally:
                self._depth -= 1
                if not nested:
                    self._owner = None
            callbacks = [] if nested else self._after_commit
            if not nested:
                self._after_commit = []
        for callback in callbacks:
            callback()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """
        Call something once the running transaction is on disk; not at all when it is rolled back.

        :param callback: what to call
        """
        with self._lock:
            self._after_commit.append(callback)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """
        Read one consistent state; nested calls of the same thread see the same one.

        Inside the thread's own transaction that is what it has written so far.

        :return: the connection to read with
        """
        current = self._writer if self._owner == threading.get_ident() else self._reading.connection
        if current is not None:
            yield current
            return
        connection = self._borrow()
        try:
            connection.execute("BEGIN")
            self._reading.connection = connection
            try:
                yield connection
            finally:
                self._reading.connection = None
                connection.execute("ROLLBACK")
        finally:
            self._give_back(connection)

    def _borrow(self) -> sqlite3.Connection:
        with self._pool_lock:
            self._check_open()
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._pool_lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"{self._path} is closed")

    def close(self) -> None:
        """Close every connection; readers that are still at work close theirs when they are done."""
        with self._lock, self._pool_lock:
            if self._closed:
                return
            self._closed = True
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()
