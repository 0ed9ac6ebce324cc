"""The one DuckDB database that all SQL jobs of a storage run in, each on its own connection."""

from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.sql import udfs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from airflow_provider_datalake.emulator.storage import Storage

_SETTINGS = (
    "TimeZone = 'UTC'",
    "enable_progress_bar = true",
    "enable_progress_bar_print = false",
    "progress_bar_time = 0",
)


class Database:
    """
    A DuckDB database with our functions; opening one costs more than most queries, so jobs share it.

    :param storage: the storage that its queries read and write
    """

    def __init__(self, storage: Storage) -> None:
        # Weak, for the storage is the key under which this object is found.
        self._open = weakref.WeakMethod(storage.connect)
        self._lock = threading.Lock()
        self._root: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """
        Lend a connection: its interrupt, progress and settings are its own.

        :return: the connection, until the context ends
        """
        import duckdb

        with self._lock:
            if self._root is None:
                connect = self._open()
                if connect is None:
                    raise RuntimeError("the storage is closed")
                root = connect()
                udfs.register(root)
                self._root = root
            root, connection = self._root, self._root.cursor()
        try:
            for setting in _SETTINGS:
                connection.execute(f"SET {setting}")
            yield connection
        except (duckdb.FatalException, duckdb.InternalException):
            # DuckDB refuses all further work on a database in which it found itself broken.
            with self._lock:
                if self._root is root:
                    self._root = None
            raise
        finally:
            connection.close()


_databases: weakref.WeakKeyDictionary[Storage, Database] = weakref.WeakKeyDictionary()
_databases_lock = threading.Lock()


def shared_database(storage: Storage) -> Database:
    """
    Find the database of a storage.

    :param storage: the storage
    :return: its database, the same one every time
    """
    with _databases_lock:
        return _databases.setdefault(storage, Database(storage))
