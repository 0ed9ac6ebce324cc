"""Which segments hold the rows of which table: listing, swapping, counting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.records import Segment, Statistics

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable

    from airflow_provider_datalake.emulator.database import Database


class SegmentIndex:
    """
    The catalog's list of segments, and of the files that sessions hold.

    :param database: the catalog's database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.on_forgotten: Callable[[Collection[str]], None] = lambda paths: None
        """Told the paths of files that lost an entry here, after the commit."""

    def listed(self, table_id: int, partition_ids: Collection[int] | None = None) -> list[Segment]:
        """
        List a table's segments.

        :param table_id: the table's id
        :param partition_ids: of these partitions only, or None for all
        :return: the segments, by id
        """
        where, parameters = "table_id = ?", [table_id]
        if partition_ids is not None:
            where += " AND partition_id IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(partition_ids)))  # type: ignore[arg-type]
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT * FROM segments WHERE {where} ORDER BY id", parameters)
            return [_segment(row) for row in rows]

    def add(self, table_id: int, partition_id: int | None, path: str, rows: int, size: int) -> None:
        """
        List a segment.

        :param table_id: the table's id
        :param partition_id: the partition's id, None in a table without partitions
        :param path: the file, relative to the data directory
        :param rows: row count
        :param size: bytes
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO segments (table_id, partition_id, path, rows, bytes) VALUES (?, ?, ?, ?, ?)",
                (table_id, partition_id, path, rows, size),
            )

    def forget_table(self, table_id: int) -> int:
        """
        Take all segments of a table off the list.

        :param table_id: the table's id
        :return: how many there were
        """
        return self._forget("table_id = ?", (table_id,))

    def forget_partition(self, partition_id: int) -> int:
        """
        Take all segments of a partition off the list.

        :param partition_id: the partition's id
        :return: how many there were
        """
        return self._forget("partition_id = ?", (partition_id,))

    def forget(self, table_id: int, partition_id: int | None, segment_ids: Iterable[int]) -> int:
        """
        Take single segments off the list.

        :param table_id: the table they must belong to
        :param partition_id: the partition they must belong to, None in a table without partitions
        :param segment_ids: their ids
        :return: how many of them were listed
        """
        return self._forget(
            "table_id = ? AND partition_id IS ? AND id IN (SELECT value FROM json_each(?))",
            (table_id, partition_id, json.dumps(list(segment_ids))),
        )

    def _forget(self, where: str, parameters: tuple[object, ...]) -> int:
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"DELETE FROM segments WHERE {where} RETURNING path", parameters
            ).fetchall()
            self._announce(row["path"] for row in rows)
        return len(rows)

    def _announce(self, paths: Iterable[str]) -> None:
        gone = list(paths)
        if gone:
            self._database.after_commit(lambda: self.on_forgotten(gone))

    def hold(self, holder: str, paths: Iterable[str]) -> None:
        """
        Keep files on disk for a session, across restarts.

        :param holder: the session
        :param paths: the files, relative to the data directory
        """
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO held_files VALUES (?, ?)", [(holder, path) for path in paths]
            )

    def let_go(self, holder: str, paths: Iterable[str] | None = None) -> None:
        """
        End what :meth:`hold` began.

        :param holder: the session
        :param paths: these files only, or None for all
        """
        only = "" if paths is None else " AND path IN (SELECT value FROM json_each(?))"
        parameters = (holder,) if paths is None else (holder, json.dumps(list(paths)))
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"DELETE FROM held_files WHERE holder = ?{only} RETURNING path", parameters
            ).fetchall()
            self._announce(row["path"] for row in rows)

    def in_use(self, paths: Collection[str] | None = None) -> set[str]:
        """
        Tell which files are listed or held.

        :param paths: the files to ask about, or None for all
        :return: those that must stay on disk
        """
        only = "" if paths is None else " WHERE path IN (SELECT value FROM json_each(?))"
        parameters = () if paths is None else (json.dumps(list(paths)),) * 2
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT path FROM segments{only} UNION SELECT path FROM held_files{only}", parameters
            )
            return {row["path"] for row in rows}

    def statistics(self, table_id: int, partition_id: int | None = None) -> Statistics:
        """
        Count what a table or one of its partitions holds.

        :param table_id: the table's id
        :param partition_id: id of one partition, or None for the whole table
        :return: rows, bytes and files
        """
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0), count(*) FROM segments"
                " WHERE table_id = ?1 AND (?2 IS NULL OR partition_id = ?2)",
                (table_id, partition_id),
            ).fetchone()
        return Statistics(*row)


def _segment(row: sqlite3.Row) -> Segment:
    return Segment(row["id"], row["partition_id"], row["path"], row["rows"], row["bytes"])
