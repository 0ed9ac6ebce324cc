"""
Storage: tables as immutable Parquet segments, listed in a transactional catalog.

Rows are written to new files first, brought to disk, and become visible in one catalog transaction that lists
them and takes others off the list. A file that no list, session or reader needs is deleted; a crash at any
point leaves at most files that nothing lists, which the next start deletes.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import threading
import uuid
import weakref
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from airflow_provider_datalake.emulator import segments as files
from airflow_provider_datalake.emulator.catalog import (
    Catalog,
    CommitConflict,
    InvalidDefinition,
    NoSuchEntity,
    Partition,
)
from airflow_provider_datalake.emulator.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from airflow_provider_datalake.emulator.records import Table

log = logging.getLogger(__name__)

FAILPOINT_VARIABLE = "DATALAKE_EMULATOR_FAILPOINT"
FAILPOINTS = (
    "stage:begun",
    "stage:written",
    "stage:file-synced",
    "stage:directory-synced",
    "commit:begun",
    "commit:changed",
    "commit:committed",
    "block:changed",
    "upload:changed",
    "collect:deleted-one",
)
MEMORY_LIMIT = "30%"


@dataclass(frozen=True)
class StagedSegment:
    """
    A segment's file that no table lists yet; it is deleted when nobody keeps this object any more.

    :param path: relative to the data directory
    :param rows: row count
    :param bytes: file size
    :param archived: whether it is compressed as ARCHIVE does
    """

    path: str
    rows: int
    bytes: int
    archived: bool = False


@dataclass(frozen=True)
class SegmentChange:
    """
    What one commit does to one partition, or to a table without partitions.

    :param partition_values: the partition's values, None in a table without partitions
    :param add: segments to list
    :param remove: ids of segments to take off the list, or ``all``
    :param archived: whether the rows count as archived from now on; None: if all of them are
    """

    partition_values: tuple[str, ...] | None
    add: Sequence[StagedSegment] = ()
    remove: Literal["all"] | Sequence[int] = ()
    archived: bool | None = None


class Storage:
    """
    The tables below one directory; one process at a time.

    :param data_dir: the directory, created when it does not exist
    :raises RuntimeError: when another process uses the directory
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = Path(data_dir).resolve()
        self._segments_dir = self.data_dir / "segments"
        self._temporary_dir = self.data_dir / "tmp"
        self._segments_dir.mkdir(parents=True, exist_ok=True)
        self._directory_lock = _lock(self.data_dir / "storage.lock")
        self.failpoint: Callable[[str], None] = _kill_at(os.environ.get(FAILPOINT_VARIABLE))
        self._lock = threading.RLock()
        self._pins: Counter[str] = Counter()
        self._unlisted: set[str] = set()
        self._staged: set[str] = set()
        # Filled by finalizers, which may run anywhere and therefore must not take a lock.
        self._abandoned: deque[str] = deque()
        self.catalog = Catalog(self.data_dir / "catalog.db")
        self.catalog.segments.on_forgotten = self._collect
        if self._temporary_dir.exists():
            shutil.rmtree(self._temporary_dir)
        self._temporary_dir.mkdir()
        self.sweep()

    def close(self) -> None:
        """Close the catalog and let another process have the directory."""
        self.catalog.close()
        self._directory_lock.close()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """
        Open a DuckDB database in memory that can read and write segments and nothing else.

        :return: a connection of its own, to be closed by the caller
        """
        import duckdb

        allowed = ", ".join(files.literal(str(path)) for path in (self._segments_dir, self._temporary_dir))
        connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": str(self._temporary_dir / uuid.uuid4().hex),
            }
        )
        for setting in (
            "TimeZone = 'UTC'",
            "enable_progress_bar = true",
            "enable_progress_bar_print = false",
            "progress_bar_time = 0",
            f"allowed_directories = [{allowed}]",
            "enable_external_access = false",
        ):
            connection.execute(f"SET {setting}")
        return connection

    # Reading

    def snapshot(self, table: Table, partition_ids: Collection[int] | None = None) -> Snapshot:
        """
        Open a table's rows as they are now.

        :param table: the table; its columns are those that the snapshot shows
        :param partition_ids: only these partitions, or None for all
        :return: the snapshot; close it when done
        :raises NoSuchEntity: when the table has been dropped
        """
        with self.at_one_moment():
            self.catalog.refresh(table)
            partitions = self.catalog.list_partitions(table)
            if partition_ids is not None:
                wanted = set(partition_ids)
                partitions = [partition for partition in partitions if partition.id in wanted]
            segments = self.catalog.segments.listed(table.id, partition_ids)
            paths = [segment.path for segment in segments]
            self._pins.update(paths)
        return Snapshot(self.data_dir, table, partitions, segments, lambda: self._unpin(paths))

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """
        Open several snapshots of the same moment; for opening only, nothing is deleted meanwhile.

        :return: a context in which this thread's looks into the catalog all show one state
        """
        # The lock comes first: what a later commit takes off the list is not deleted before it is pinned.
        with self._lock, self.catalog.database.read():
            yield

    def _unpin(self, paths: Sequence[str]) -> None:
        with self._lock:
            self._pins.subtract(paths)
            free = [path for path in paths if not self._pins[path]]
            for path in free:
                del self._pins[path]
            unlisted = self._unlisted.intersection(free)
        if unlisted or self._abandoned:
            self._collect(unlisted)

    # Writing

    def stage(
        self, table: Table, data: pa.Table | pa.RecordBatchReader, *, archived: bool = False
    ) -> list[StagedSegment]:
        """
        Write rows to disk without listing them.

        :param table: the table
        :param data: rows with the table's data columns, by name
        :param archived: whether to compress as hard as ARCHIVE does
        :return: what to commit; one segment, which may have no rows
        :raises SchemaMismatch: when the rows do not fit the table
        """
        return self._stage(
            lambda path: files.write_arrow(path, table.columns, data, archived=archived), archived
        )

    def stage_query(
        self, connection: duckdb.DuckDBPyConnection, table: Table, sql: str, *, archived: bool = False
    ) -> list[StagedSegment]:
        """
        Write a query's result to disk without listing it.

        :param connection: from :meth:`connect`
        :param table: the table
        :param sql: a query that gives the table's data columns, by position
        :param archived: whether to compress as hard as ARCHIVE does
        :return: what to commit; one segment, which may have no rows
        :raises SchemaMismatch: when the result does not fit the table
        """
        return self._stage(
            lambda path: files.write_query(connection, path, table.columns, sql, archived=archived), archived
        )

    def _stage(self, write: Callable[[Path], int], archived: bool) -> list[StagedSegment]:
        path = self._segments_dir / f"{uuid.uuid4().hex}.parquet"
        name = path.relative_to(self.data_dir).as_posix()
        with self._lock:
            self._staged.add(name)
        self.failpoint("stage:begun")
        try:
            rows = write(path)
            self.failpoint("stage:written")
            files.sync(path)
            self.failpoint("stage:file-synced")
            files.sync(path.parent)
            self.failpoint("stage:directory-synced")
        except BaseException:
            path.unlink(missing_ok=True)
            with self._lock:
                self._staged.discard(name)
            raise
        staged = StagedSegment(name, rows, path.stat().st_size, archived)
        weakref.finalize(staged, self._abandoned.append, name).atexit = False
        return [staged]

    def commit(
        self,
        table: Table,
        changes: Sequence[SegmentChange],
        *,
        create_partitions: bool = False,
        job_id: str | None = None,
    ) -> None:
        """
        Make staged rows visible and take others away, all at once or not at all.

        :param table: the table
        :param changes: at most one per partition
        :param create_partitions: whether to create partitions that do not exist
        :param job_id: the job that this is the work of; :meth:`Catalog.is_job_committed` then knows it
        :raises CommitConflict: when the table has been dropped, or a segment to remove is no longer listed
        :raises NoSuchEntity: when a partition does not exist and shall not be created
        """
        self.failpoint("commit:begun")
        with self.catalog.database.transaction():
            staged = [item for change in changes for item in change.add]
            self.catalog.database.after_commit(lambda: self._committed(staged))
            try:
                current = self.catalog.refresh(table)
            except NoSuchEntity as error:
                raise CommitConflict(f"table {table.full_name} has been dropped") from error
            for change in changes:
                self._apply(current, change, create_partitions)
            if job_id is not None:
                self.catalog.record_job(job_id)
            self.failpoint("commit:changed")

    def _apply(self, table: Table, change: SegmentChange, create_partitions: bool) -> None:
        partition = self._partition(table, change.partition_values, create_partitions)
        partition_id = partition.id if partition else None
        listed = self.catalog.segments
        if change.remove != "all":
            doomed = set(change.remove)
            if listed.forget(table.id, partition_id, doomed) != len(doomed):
                raise CommitConflict(f"table {table.full_name} has been changed by another commit")
        elif partition:
            listed.forget_partition(partition.id)
        else:
            listed.forget_table(table.id)
        added = [staged for staged in change.add if staged.rows]
        for staged in added:
            listed.add(table.id, partition_id, staged.path, staged.rows, staged.bytes)
        archived = change.archived
        if archived is None:
            kept = [] if change.remove == "all" else [(partition or table).archived]
            flags = [*kept, *(staged.archived for staged in added)]
            archived = bool(flags) and all(flags)
        self.catalog.mark_changed(table, partition_id, archived)

    def _partition(
        self, table: Table, values: tuple[str, ...] | None, create_partitions: bool
    ) -> Partition | None:
        if values is None:
            if table.partition_columns:
                raise InvalidDefinition(f"table {table.full_name} is partitioned: name a partition")
            return None
        if create_partitions:
            return self.catalog.add_partition(table, values, if_not_exists=True)
        return self.catalog.get_partition(table, values)

    def _committed(self, staged: Sequence[StagedSegment]) -> None:
        """Hand files over to the catalog; those without rows are not listed there and go."""
        self.failpoint("commit:committed")
        with self._lock:
            self._staged.difference_update(item.path for item in staged)
        empty = [item.path for item in staged if not item.rows]
        if empty or self._abandoned:
            self._collect(empty)

    # Deleting

    def sweep(self) -> int:
        """
        Delete every file that nothing lists, holds, reads or is about to commit.

        :return: how many files were deleted
        """
        with self._lock:
            found = {entry.name for entry in os.scandir(self._segments_dir)}
            prefix = self._segments_dir.relative_to(self.data_dir).as_posix()
            return self._delete_unused({f"{prefix}/{name}" for name in found})

    def _collect(self, paths: Collection[str]) -> None:
        """Delete those of the files that nothing needs any more; the others when their last reader closes."""
        with self._lock:
            self._delete_unused(set(paths))

    def _delete_unused(self, paths: set[str]) -> int:
        while self._abandoned:
            path = self._abandoned.popleft()
            self._staged.discard(path)
            paths.add(path)
        # What is staged is looked at before what is listed: a commit moves files from the one to the other.
        paths = paths - self._staged
        unused = paths - self.catalog.segments.in_use(paths)
        pinned = {path for path in unused if self._pins[path]}
        self._unlisted |= pinned
        return sum(self._delete(path) for path in unused - pinned)

    def _delete(self, path: str) -> bool:
        try:
            (self.data_dir / path).unlink(missing_ok=True)
        except OSError:
            # The commit that made the file superfluous stands; the next sweep tries again.
            log.exception("Cannot delete the unused file %s", path)
            return False
        self._unlisted.discard(path)
        self.failpoint("collect:deleted-one")
        return True


def _lock(path: Path) -> IO[bytes]:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise RuntimeError(f"another emulator uses the data directory {path.parent}") from error
    return file


def _kill_at(name: str | None) -> Callable[[str], None]:
    if name is not None and name not in FAILPOINTS:
        raise ValueError(f"{FAILPOINT_VARIABLE}={name}: expected one of {', '.join(FAILPOINTS)}")

    def failpoint(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return failpoint
