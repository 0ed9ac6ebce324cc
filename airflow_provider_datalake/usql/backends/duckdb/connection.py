"""The DuckDB connection of one job: bounded, without a network, and without files but the job's own."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb import profile
from airflow_provider_datalake.usql.backends.duckdb.fast_values import literal
from airflow_provider_datalake.usql.backends.duckdb.numbers import MACROS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

_DISK_SHARE = 0.8
_MEMORY_SHARE = 0.5
_LEAST_MEMORY = 1 << 30


def memory_limit() -> int:
    """
    Give the memory that a job may use.

    :return: bytes
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(_LEAST_MEMORY, int(total * _MEMORY_SHARE))


def spill_limit(scratch: Path) -> int:
    """
    Give the disk that a job may use for what memory cannot hold.

    :param scratch: where it would be
    :return: bytes
    """
    return int(shutil.disk_usage(scratch).free * _DISK_SHARE)


@contextmanager
def connect(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    Open a connection to a database of its own.

    :param scratch: where it may put what memory cannot hold
    :return: the connection, closed at the end
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "memory_limit": f"{memory_limit()}B",
            "temp_directory": str(scratch / "spill"),
            "max_temp_directory_size": f"{spill_limit(scratch)}B",
            # Rowsets have no order. With it, neither reading nor writing would be parallel.
            "preserve_insertion_order": "false",
        }
    )
    try:
        for statement in ("SET TimeZone = 'UTC'", "SET enable_progress_bar = false", *MACROS):
            connection.execute(statement)
        profile.start(connection)
        yield connection
    finally:
        connection.close()


def restrict(connection: duckdb.DuckDBPyConnection, scratch: Path, readable: Sequence[Path]) -> None:
    """
    Keep a connection to the files of its job.

    :param connection: the connection
    :param scratch: where it reads and writes
    :param readable: what it may read besides
    """
    listed = ", ".join(literal(str(path)) for path in readable)
    connection.execute(f"SET allowed_directories = [{literal(f'{scratch}/')}]")
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
