"""The catalog's SQLite schema and the way between its rows and the records."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.records import Column, NoSuchEntity, Partition, Project, Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    comment TEXT NOT NULL,
    properties TEXT NOT NULL,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS tables (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL REFERENCES projects (name),
    schema TEXT NOT NULL,
    name TEXT NOT NULL,
    comment TEXT NOT NULL,
    owner TEXT NOT NULL,
    lifecycle INTEGER,
    properties TEXT NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0,
    next_column_id INTEGER NOT NULL,
    created_at REAL NOT NULL,
    last_ddl_at REAL NOT NULL,
    last_data_at REAL NOT NULL,
    UNIQUE (project, schema, name)
);
CREATE TABLE IF NOT EXISTS columns (
    table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    is_partition INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    comment TEXT NOT NULL,
    nullable INTEGER NOT NULL,
    PRIMARY KEY (table_id, id),
    UNIQUE (table_id, name)
);
CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
    value_list TEXT NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    last_ddl_at REAL NOT NULL,
    last_data_at REAL NOT NULL,
    UNIQUE (table_id, value_list)
);
CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
    partition_id INTEGER REFERENCES partitions (id) ON DELETE CASCADE,
    path TEXT NOT NULL UNIQUE,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS segments_by_partition ON segments (table_id, partition_id);
CREATE INDEX IF NOT EXISTS segments_of_partition ON segments (partition_id);
CREATE TABLE IF NOT EXISTS held_files (
    holder TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (holder, path)
);
CREATE INDEX IF NOT EXISTS held_files_by_path ON held_files (path);
CREATE TABLE IF NOT EXISTS committed_jobs (
    job_id TEXT PRIMARY KEY,
    committed_at REAL NOT NULL
);
"""


def project(row: sqlite3.Row) -> Project:
    """Read a row of ``projects``."""
    return Project(**{**dict(row), "properties": json.loads(row["properties"])})


def partition(row: sqlite3.Row) -> Partition:
    """Read a row of ``partitions``."""
    return Partition(
        id=row["id"],
        table_id=row["table_id"],
        values=tuple(json.loads(row["value_list"])),
        archived=bool(row["archived"]),
        created_at=row["created_at"],
        last_ddl_at=row["last_ddl_at"],
        last_data_at=row["last_data_at"],
    )


def load_tables(connection: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> list[Table]:
    """
    Read tables with their columns.

    :param connection: where to read
    :param where: condition on ``tables``, with an order if it matters
    :param parameters: the condition's parameters
    :return: the tables
    """
    rows = connection.execute(f"SELECT * FROM tables WHERE {where}", tuple(parameters)).fetchall()
    return [_table(connection, row) for row in rows]


def _table(connection: sqlite3.Connection, row: sqlite3.Row) -> Table:
    columns: tuple[list[Column], list[Column]] = ([], [])
    for column in connection.execute("SELECT * FROM columns WHERE table_id = ? ORDER BY id", (row["id"],)):
        columns[column["is_partition"]].append(
            Column(column["id"], column["name"], column["type"], column["comment"], bool(column["nullable"]))
        )
    return Table(
        id=row["id"],
        project=row["project"],
        schema=row["schema"],
        name=row["name"],
        columns=tuple(columns[False]),
        partition_columns=tuple(columns[True]),
        comment=row["comment"],
        owner=row["owner"],
        lifecycle=row["lifecycle"],
        created_at=row["created_at"],
        last_ddl_at=row["last_ddl_at"],
        last_data_at=row["last_data_at"],
        properties=json.loads(row["properties"]),
        archived=bool(row["archived"]),
    )


def find_table(connection: sqlite3.Connection, project_name: str, schema: str, name: str) -> Table | None:
    """
    Look a table up by its stored names.

    :param connection: where to read
    :param project_name: the project's name
    :param schema: namespace schema
    :param name: the table's name
    :return: the table, or None
    """
    where = "project = ? AND schema = ? AND name = ?"
    return next(iter(load_tables(connection, where, (project_name, schema, name))), None)


def reload(connection: sqlite3.Connection, table: Table) -> Table:
    """
    Read a table's present state.

    :param connection: where to read
    :param table: the table as it was
    :return: the table as it is
    :raises NoSuchEntity: when it has been dropped
    """
    found = load_tables(connection, "id = ?", (table.id,))
    if not found:
        raise NoSuchEntity("table", table.full_name)
    return found[0]


def insert_table(connection: sqlite3.Connection, draft: Table) -> Table:
    """
    Write a table and its columns.

    :param connection: where to write
    :param draft: the table; its id is not used
    :return: the table as written
    """
    columns = (*draft.columns, *draft.partition_columns)
    table_id = connection.execute(
        "INSERT INTO tables (project, schema, name, comment, owner, lifecycle, properties, next_column_id,"
        " created_at, last_ddl_at, last_data_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            draft.project,
            draft.schema,
            draft.name,
            draft.comment,
            draft.owner,
            draft.lifecycle,
            json.dumps(draft.properties),
            1 + max(column.id for column in columns),
            draft.created_at,
            draft.last_ddl_at,
            draft.last_data_at,
        ),
    ).lastrowid
    if table_id is None:
        raise RuntimeError("SQLite gave no id to a new table")
    insert_columns(connection, table_id, draft.columns, partition_key=False)
    insert_columns(connection, table_id, draft.partition_columns, partition_key=True)
    return load_tables(connection, "id = ?", (table_id,))[0]


def insert_columns(
    connection: sqlite3.Connection, table_id: int, columns: Sequence[Column], *, partition_key: bool
) -> None:
    """
    Write columns of a table.

    :param connection: where to write
    :param table_id: the table's id
    :param columns: the columns with their ids
    :param partition_key: whether these are partition columns
    """
    connection.executemany(
        "INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (table_id, column.id, partition_key, column.name, column.type, column.comment, column.nullable)
            for column in columns
        ],
    )


def alter_table(
    connection: sqlite3.Connection, table: Table, assignments: str = "", parameters: Sequence[Any] = ()
) -> Table:
    """
    Change a table's row and the time of its last change of definition.

    :param connection: where to write
    :param table: the table
    :param assignments: what to set, in SQL
    :param parameters: the values of the assignments
    :return: the table as it is now
    :raises NoSuchEntity: when it has been dropped
    """
    listed = f", {assignments}" if assignments else ""
    connection.execute(
        f"UPDATE tables SET last_ddl_at = ?{listed} WHERE id = ?", (time.time(), *parameters, table.id)
    )
    return reload(connection, table)


def find_partition(connection: sqlite3.Connection, table_id: int, values: Sequence[str]) -> Partition | None:
    """
    Look a partition up by its canonical values.

    :param connection: where to read
    :param table_id: the table's id
    :param values: canonical values
    :return: the partition, or None
    """
    row = connection.execute(
        "SELECT * FROM partitions WHERE table_id = ? AND value_list = ?", (table_id, _value_list(values))
    ).fetchone()
    return partition(row) if row else None


def insert_partition(connection: sqlite3.Connection, table_id: int, values: Sequence[str]) -> Partition:
    """
    Write an empty partition.

    :param connection: where to write
    :param table_id: the table's id
    :param values: canonical values
    :return: the partition as written
    """
    now = time.time()
    row = connection.execute(
        "INSERT INTO partitions (table_id, value_list, created_at, last_ddl_at, last_data_at)"
        " VALUES (?, ?, ?, ?, ?) RETURNING *",
        (table_id, _value_list(values), now, now, now),
    ).fetchone()
    return partition(row)


def _value_list(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
