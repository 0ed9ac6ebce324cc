"""The catalogs of the analytics accounts: databases, schemas, tables, views; rows as Parquet segments."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import CatalogSnapshot, Entry, Segment
from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.types import Kind, Type

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import QualifiedName, Table

SCHEMA = """
CREATE TABLE IF NOT EXISTS usql_schemas (
    account TEXT NOT NULL,
    database TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (account, database, name)
);
CREATE TABLE IF NOT EXISTS usql_objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    database TEXT NOT NULL,
    schema TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    definition TEXT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE (account, database, schema, name)
);
CREATE TABLE IF NOT EXISTS usql_segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    object INTEGER NOT NULL REFERENCES usql_objects (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    rows INTEGER NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS usql_segments_object ON usql_segments (object);
CREATE TABLE IF NOT EXISTS usql_credentials (
    account TEXT NOT NULL,
    database TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account, database, kind, name)
);
CREATE TABLE IF NOT EXISTS usql_acl (
    account TEXT NOT NULL,
    database TEXT NOT NULL,
    kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (account, database, kind, principal)
);
"""
_OF_DATABASES = ("usql_objects", "usql_schemas", "usql_credentials", "usql_acl")
TABLE, VIEW = "table", "view"
_NAMESPACE = uuid.UUID("c2b7c3ab-6a2d-4f0e-9d43-6b1f5a0b7a60")


class Conflict(Exception):
    """A change that the catalog no longer allows, because another script was faster."""


def type_to_json(type_: Type) -> dict[str, Any]:
    """
    Turn a type into what the catalog keeps.

    :param type_: the type
    :return: plain JSON
    """
    return {
        "kind": type_.kind.value,
        "optional": type_.optional,
        "element": None if type_.element is None else type_to_json(type_.element),
        "key": None if type_.key is None else type_to_json(type_.key),
    }


def type_from_json(stored: dict[str, Any]) -> Type:
    """
    Read what the catalog has kept.

    :param stored: plain JSON
    :return: the type
    """
    element, key = stored.get("element"), stored.get("key")
    return Type(
        Kind(stored["kind"]),
        stored["optional"],
        None if element is None else type_from_json(element),
        None if key is None else type_from_json(key),
    )


def read_catalog(connection: sqlite3.Connection, account: str, root: Path) -> CatalogSnapshot:
    """
    Read the catalog of an account.

    :param connection: to read with
    :param account: the account
    :param root: directory of the segments
    :return: the catalog as it is now
    """
    schemas = {
        (row["database"], row["name"]): row["version"]
        for row in connection.execute(
            "SELECT database, name, version FROM usql_schemas WHERE account = ? ORDER BY database, name",
            (account,),
        )
    }
    schemas.setdefault(
        (model.MASTER, model.DBO), str(uuid.uuid5(_NAMESPACE, f"{account}.{model.MASTER}.{model.DBO}"))
    )
    segments: dict[int, list[Segment]] = {}
    for row in connection.execute(
        "SELECT s.object, s.path, s.rows, s.created_at FROM usql_segments s"
        " JOIN usql_objects o ON o.id = s.object WHERE o.account = ? ORDER BY s.id",
        (account,),
    ):
        found = Segment(root / row["path"], row["rows"], row["created_at"])
        segments.setdefault(row["object"], []).append(found)
    entries = {}
    for row in connection.execute(
        "SELECT * FROM usql_objects WHERE account = ? ORDER BY database, schema, name", (account,)
    ):
        name = model.QualifiedName(row["database"], row["schema"], row["name"])
        item = _item(name, row["kind"], json.loads(row["definition"]))
        entries[name] = Entry(item, row["version"], tuple(segments.get(row["id"], ())))
    return CatalogSnapshot(account, schemas, entries)


def forget(connection: sqlite3.Connection, account: str) -> None:
    """
    Remove the catalog of an account.

    :param connection: to write with
    :param account: the account
    """
    for table in _OF_DATABASES:
        connection.execute(f"DELETE FROM {table} WHERE account = ?", (account,))


class CatalogWriter:
    """
    Makes the changes of one script, inside of the caller's transaction.

    :param connection: to write with
    :param seen: the catalog as the script has seen it
    :param paths: names of the segments by where the script has left them
    :param root: directory of the segments
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        seen: CatalogSnapshot,
        paths: Mapping[Path, str],
        root: Path,
    ) -> None:
        self._connection = connection
        self._account = seen.account
        self._seen = seen
        self._paths = paths
        self._now = read_catalog(connection, seen.account, root)
        # What the script has made itself needs no comparing.
        self._own: set[QualifiedName] = set()

    def apply(self, changes: Iterable[model.Change]) -> None:
        """
        Make changes.

        :param changes: in the order of the script
        :raises Conflict: when another script has changed what they depend on
        """
        for change in changes:
            match change:
                case model.CreateDatabase(name):
                    self._create_schema(name, model.DBO)
                case model.CreateSchema(database, name):
                    self._require_schema(database, model.DBO)
                    self._create_schema(database, name)
                case model.DropDatabase(name):
                    for table in _OF_DATABASES:
                        self._delete(table, "database = ?", name)
                case model.DropSchema(database, name):
                    self._delete("usql_objects", "database = ? AND schema = ?", database, name)
                    self._delete("usql_schemas", "database = ? AND name = ?", database, name)
                case model.CreateTable(table):
                    self._create(table.name, TABLE, _table_to_json(table))
                case model.CreateView(view):
                    columns = _columns_to_json(view.columns)
                    self._create(view.name, VIEW, {"text": view.text, "columns": columns})
                case model.DropTable(name) | model.DropView(name):
                    self._check_rows(name)
                    self._connection.execute("DELETE FROM usql_objects WHERE id = ?", (self._id(name),))
                    self._own.add(name)
                case model.TruncateTable(name):
                    self._check_rows(name)
                    self._connection.execute("DELETE FROM usql_segments WHERE object = ?", (self._id(name),))
                case model.AppendSegment(table_name, path, rows):
                    self._connection.execute(
                        "INSERT INTO usql_segments (object, path, rows, created_at) VALUES (?, ?, ?, ?)",
                        (self._id(table_name), self._paths[path], rows, time.time()),
                    )

    def _create_schema(self, database: str, name: str) -> None:
        cursor = self._connection.execute(
            "INSERT INTO usql_schemas (account, database, name, version) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (self._account, database, name, str(uuid.uuid4())),
        )
        if cursor.rowcount == 0:
            raise Conflict(f"{database}.{name} was created by another script meanwhile")

    def _require_schema(self, database: str, schema: str) -> None:
        if (database, schema) == (model.MASTER, model.DBO):
            return
        found = self._connection.execute(
            "SELECT 1 FROM usql_schemas WHERE account = ? AND database = ? AND name = ?",
            (self._account, database, schema),
        ).fetchone()
        if found is None:
            raise Conflict(f"{database}.{schema} was dropped by another script meanwhile")

    def _create(self, name: QualifiedName, kind: str, definition: dict[str, Any]) -> None:
        self._require_schema(name.database, name.schema)
        row = (self._account, name.database, name.schema, name.name, kind, json.dumps(definition))
        cursor = self._connection.execute(
            "INSERT INTO usql_objects (account, database, schema, name, kind, definition, version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*row, str(uuid.uuid4())),
        )
        if cursor.rowcount == 0:
            raise Conflict(f"{name} was created by another script meanwhile")
        self._own.add(name)

    def _check_rows(self, name: QualifiedName) -> None:
        """Refuse to remove rows that the script has not seen: they would be lost without a word."""
        if name in self._own:
            return
        now, seen = self._now.entries.get(name), self._seen.entries.get(name)
        names = [[segment.path.name for segment in entry.segments] if entry else [] for entry in (now, seen)]
        if names[0] != names[1]:
            raise Conflict(f"{name} was written by another script meanwhile")

    def _id(self, name: QualifiedName) -> int:
        row = self._connection.execute(
            "SELECT id, version FROM usql_objects"
            " WHERE account = ? AND database = ? AND schema = ? AND name = ?",
            (self._account, name.database, name.schema, name.name),
        ).fetchone()
        seen = self._seen.entries.get(name)
        if row is None or (name not in self._own and (seen is None or seen.version != row["version"])):
            raise Conflict(f"{name} was dropped by another script meanwhile")
        return int(row["id"])

    def _delete(self, table: str, where: str, *parameters: str) -> None:
        self._connection.execute(
            f"DELETE FROM {table} WHERE account = ? AND {where}", (self._account, *parameters)
        )


def _columns_to_json(columns: Iterable[model.Column]) -> list[dict[str, Any]]:
    return [{"name": column.name, "type": type_to_json(column.type)} for column in columns]


def _table_to_json(table: Table) -> dict[str, Any]:
    index = None if table.index is None else asdict(table.index)
    return {"columns": _columns_to_json(table.columns), "index": index}


def _item(name: QualifiedName, kind: str, stored: dict[str, Any]) -> model.Table | model.View:
    columns = tuple(model.Column(one["name"], type_from_json(one["type"])) for one in stored["columns"])
    if kind == VIEW:
        return model.View(name, stored["text"], columns)
    index = stored["index"]
    if index is not None:
        keys = tuple((column, descending) for column, descending in index["keys"])
        distribution = tuple(index["distribution_keys"])
        index = model.Index(**{**index, "keys": keys, "distribution_keys": distribution})
    return model.Table(name, columns, index)
