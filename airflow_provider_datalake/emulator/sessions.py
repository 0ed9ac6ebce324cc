"""Upload and download sessions of the table tunnel; all of them survive a restart."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.catalog import Column, NoSuchEntity, Partition, Segment, Table
from airflow_provider_datalake.emulator.definitions import InvalidDefinition, canonical_values
from airflow_provider_datalake.emulator.snapshot import Snapshot
from airflow_provider_datalake.emulator.storage import SegmentChange, StagedSegment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from airflow_provider_datalake.emulator.storage import Storage

SCHEMA = """
CREATE TABLE IF NOT EXISTS upload_sessions (
    id TEXT PRIMARY KEY,
    table_json TEXT NOT NULL,
    partition_values TEXT,
    overwrite INTEGER NOT NULL,
    create_partition INTEGER NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    used_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS upload_blocks (
    session_id TEXT NOT NULL REFERENCES upload_sessions (id) ON DELETE CASCADE,
    block_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (session_id, block_id)
);
CREATE TABLE IF NOT EXISTS download_sessions (
    id TEXT PRIMARY KEY,
    table_json TEXT NOT NULL,
    partitions TEXT NOT NULL,
    segments TEXT NOT NULL,
    used_at REAL NOT NULL
);
"""


class SessionClosed(RuntimeError):
    """The upload session has been committed already, with other blocks than now asked for."""


class UploadStatus(StrEnum):
    """State of an upload session, in the service's words."""

    NORMAL = "normal"
    CLOSED = "closed"


@dataclass(frozen=True)
class UploadSession:
    """
    One upload as of a moment.

    :param id: the session's id
    :param table: the table as it was when the session began
    :param partition_values: the target partition, None in a table without partitions
    :param overwrite: whether the commit replaces the rows of the partition or table
    :param create_partition: whether the commit creates a missing partition
    :param owner: who began it
    :param status: whether it can still take blocks
    :param blocks: what has been put, by block id; after the commit, what was committed
    """

    id: str
    table: Table
    partition_values: tuple[str, ...] | None
    overwrite: bool
    create_partition: bool
    owner: str
    status: UploadStatus
    blocks: dict[int, StagedSegment] = field(default_factory=dict)


@dataclass(frozen=True)
class DownloadSession:
    """
    One download: the rows as they were when it began.

    :param id: the session's id
    :param snapshot: the rows; the session keeps their files, so that closing it has no effect
    """

    id: str
    snapshot: Snapshot


class Sessions:
    """
    The tunnel's sessions over one storage.

    :param storage: the storage
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._database = storage.catalog.database
        self._database.ensure_schema(SCHEMA)
        self._lock = threading.Lock()
        self._downloads: dict[str, DownloadSession] = {}
        self._used: dict[str, float] = {}

    # Uploads

    def create_upload(
        self,
        table: Table,
        partition_values: Sequence[str] | None = None,
        overwrite: bool = False,
        create_partition: bool = False,
        owner: str = "",
    ) -> UploadSession:
        """
        Begin an upload.

        :param table: the table
        :param partition_values: the target partition, None in a table without partitions
        :param overwrite: whether the commit replaces the rows of the partition or table
        :param create_partition: whether the commit creates a missing partition
        :param owner: who begins it
        :return: the session
        :raises NoSuchEntity: when the partition does not exist and shall not be created
        :raises InvalidDefinition: when the partition does not fit the table
        """
        if partition_values is None and table.partition_columns:
            raise InvalidDefinition(f"table {table.full_name} is partitioned: name a partition")
        values = None
        if partition_values is not None:
            values = canonical_values(table.partition_columns, partition_values)
            if not create_partition:
                self._storage.catalog.get_partition(table, values)
        session = UploadSession(
            uuid.uuid4().hex, table, values, overwrite, create_partition, owner, UploadStatus.NORMAL
        )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO upload_sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session.id,
                    json.dumps(asdict(table)),
                    None if values is None else json.dumps(values),
                    overwrite,
                    create_partition,
                    owner,
                    session.status,
                    time.time(),
                ),
            )
        return session

    def get_upload(self, session_id: str) -> UploadSession:
        """
        Look an upload up.

        :param session_id: its id
        :return: the session as it is now
        :raises NoSuchEntity: when there is none, or it has expired
        """
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM upload_sessions WHERE id = ?", (session_id,)).fetchone()
            if row is None:
                raise NoSuchEntity("upload session", session_id)
            blocks = connection.execute(
                "SELECT * FROM upload_blocks WHERE session_id = ? ORDER BY block_id", (session_id,)
            ).fetchall()
        return _upload(row, blocks)

    def put_block(self, session_id: str, block_id: int, staged: StagedSegment) -> None:
        """
        Add a block to an upload; a second one with the same id replaces the first.

        :param session_id: the session's id
        :param block_id: the block's id
        :param staged: its rows
        :raises NoSuchEntity: when there is no such session
        :raises SessionClosed: when it has been committed
        """
        with self._database.transaction() as connection:
            session = self.get_upload(session_id)
            if session.status is not UploadStatus.NORMAL:
                raise SessionClosed(f"upload session {session_id} has been committed")
            replaced = session.blocks.get(block_id)
            connection.execute(
                "INSERT OR REPLACE INTO upload_blocks VALUES (?, ?, ?, ?, ?)",
                (session_id, block_id, staged.path, staged.rows, staged.bytes),
            )
            self._touch(connection, session_id)
            files = self._storage.catalog.segments
            files.hold(session_id, [staged.path])
            if replaced and replaced.path != staged.path:
                files.let_go(session_id, [replaced.path])
            self._storage.failpoint("block:changed")

    def commit_upload(self, session_id: str, block_ids: Collection[int] | None = None) -> None:
        """
        Make an upload's blocks visible, all at once; once more is fine.

        :param session_id: the session's id
        :param block_ids: the blocks to commit, or None for all; the others are dropped
        :raises NoSuchEntity: when there is no such session, block or partition
        :raises SessionClosed: when it has been committed with other blocks
        :raises CommitConflict: when the table has been dropped
        """
        with self._database.transaction() as connection:
            session = self.get_upload(session_id)
            wanted = set(session.blocks if block_ids is None else block_ids)
            if session.status is UploadStatus.CLOSED:
                if wanted != session.blocks.keys():
                    raise SessionClosed(f"upload session {session_id} has been committed with other blocks")
                return
            missing = sorted(wanted - session.blocks.keys())
            if missing:
                raise NoSuchEntity("block", f"{missing[0]} of upload session {session_id}")
            change = SegmentChange(
                session.partition_values,
                [session.blocks[block_id] for block_id in sorted(wanted)],
                "all" if session.overwrite else (),
            )
            self._storage.commit(session.table, [change], create_partitions=session.create_partition)
            connection.execute(
                "DELETE FROM upload_blocks WHERE session_id = ?"
                " AND block_id NOT IN (SELECT value FROM json_each(?))",
                (session_id, json.dumps(list(wanted))),
            )
            connection.execute(
                "UPDATE upload_sessions SET status = ? WHERE id = ?", (UploadStatus.CLOSED, session_id)
            )
            self._touch(connection, session_id)
            self._storage.catalog.segments.let_go(session_id)
            self._storage.failpoint("upload:changed")

    @staticmethod
    def _touch(connection: sqlite3.Connection, session_id: str) -> None:
        connection.execute("UPDATE upload_sessions SET used_at = ? WHERE id = ?", (time.time(), session_id))

    # Downloads

    def create_download(self, table: Table, partition_ids: Collection[int] | None = None) -> DownloadSession:
        """
        Begin a download of the rows as they are now.

        :param table: the table
        :param partition_ids: only these partitions, or None for all
        :return: the session
        """
        session_id = uuid.uuid4().hex
        # The pins of this snapshot bridge the moment until the files are held by the session.
        with self._storage.snapshot(table, partition_ids) as snapshot:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO download_sessions VALUES (?, ?, ?, ?, ?)",
                    (
                        session_id,
                        json.dumps(asdict(table)),
                        json.dumps([asdict(partition) for partition in snapshot.partitions]),
                        json.dumps([asdict(segment) for segment in snapshot.segments]),
                        time.time(),
                    ),
                )
                paths = [segment.path for segment in snapshot.segments]
                self._storage.catalog.segments.hold(session_id, paths)
        return self.get_download(session_id)

    def get_download(self, session_id: str) -> DownloadSession:
        """
        Look a download up.

        :param session_id: its id
        :return: the session
        :raises NoSuchEntity: when there is none, or it has expired
        """
        with self._lock:
            session = self._downloads.get(session_id)
            if session is None:
                session = self._downloads[session_id] = self._load_download(session_id)
            self._used[session_id] = time.time()
            return session

    def _load_download(self, session_id: str) -> DownloadSession:
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM download_sessions WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            raise NoSuchEntity("download session", session_id)
        partitions = [
            Partition(**{**item, "values": tuple(item["values"])}) for item in json.loads(row["partitions"])
        ]
        segments = [Segment(**item) for item in json.loads(row["segments"])]
        table = _table(row["table_json"])
        return DownloadSession(session_id, Snapshot(self._storage.data_dir, table, partitions, segments))

    # Ends

    def expire(self, older_than: float) -> int:
        """
        End the sessions that nobody used for a while, and let their files go.

        :param older_than: a moment, in seconds since the epoch: sessions last used before it end
        :return: how many sessions ended
        """
        with self._lock:
            in_use = [session_id for session_id, used in self._used.items() if used >= older_than]
        with self._database.transaction() as connection:
            ended = [
                row["id"]
                for kind in ("upload_sessions", "download_sessions")
                for row in connection.execute(
                    f"DELETE FROM {kind} WHERE used_at < ?"
                    " AND id NOT IN (SELECT value FROM json_each(?)) RETURNING id",
                    (older_than, json.dumps(in_use)),
                ).fetchall()
            ]
            for session_id in ended:
                self._storage.catalog.segments.let_go(session_id)
        with self._lock:
            for session_id in ended:
                self._downloads.pop(session_id, None)
                self._used.pop(session_id, None)
        return len(ended)


def _table(text: str) -> Table:
    fields = json.loads(text)
    for key in ("columns", "partition_columns"):
        fields[key] = tuple(Column(**column) for column in fields[key])
    return Table(**fields)


def _upload(row: sqlite3.Row, blocks: Sequence[sqlite3.Row]) -> UploadSession:
    values = row["partition_values"]
    return UploadSession(
        id=row["id"],
        table=_table(row["table_json"]),
        partition_values=None if values is None else tuple(json.loads(values)),
        overwrite=bool(row["overwrite"]),
        create_partition=bool(row["create_partition"]),
        owner=row["owner"],
        status=UploadStatus(row["status"]),
        blocks={
            block["block_id"]: StagedSegment(block["path"], block["rows"], block["bytes"]) for block in blocks
        },
    )
