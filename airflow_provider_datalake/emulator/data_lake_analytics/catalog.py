"""The catalogs of the analytics accounts: databases, schemas, tables, views; rows as Parquet segments."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.types import Kind, Type

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from airflow_provider_datalake.emulator.database import Database
    from airflow_provider_datalake.usql.catalog import QualifiedName, Table, View

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
    rows INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS usql_secrets (
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
TABLE, VIEW = "table", "view"


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


class AccountCatalog:
    """
    The catalog of one account, as it is now; what scripts see of it.

    :param database: where it is kept
    :param account: the account
    :param root: directory of the segments
    """

    def __init__(self, database: Database, account: str, root: Path) -> None:
        self._database = database
        self.account = account
        self._root = root

    def _rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        with self._database.read() as connection:
            return connection.execute(sql, (self.account, *parameters)).fetchall()

    def has_database(self, database: str) -> bool:
        """Tell whether a database exists."""
        return database == model.MASTER or bool(
            self._rows("SELECT 1 FROM usql_schemas WHERE account = ? AND database = ? LIMIT 1", database)
        )

    def has_schema(self, database: str, schema: str) -> bool:
        """Tell whether a schema exists."""
        if schema == model.DBO:
            return self.has_database(database)
        sql = "SELECT 1 FROM usql_schemas WHERE account = ? AND database = ? AND name = ?"
        return bool(self._rows(sql, database, schema))

    def databases(self) -> list[tuple[str, str]]:
        """
        List databases.

        :return: names and versions, in order
        """
        sql = "SELECT database, version FROM usql_schemas WHERE account = ? AND name = 'dbo'"
        found = {row["database"]: row["version"] for row in self._rows(sql)}
        return sorted({model.MASTER: str(uuid.UUID(int=0)), **found}.items())

    def schemas(self, database: str) -> list[tuple[str, str]]:
        """
        List a database's schemas.

        :param database: the database
        :return: names and versions, in order
        """
        sql = "SELECT name, version FROM usql_schemas WHERE account = ? AND database = ?"
        found = {row["name"]: row["version"] for row in self._rows(sql, database)}
        return sorted({model.DBO: str(uuid.UUID(int=0)), **found}.items())

    def table(self, name: QualifiedName) -> Table | None:
        """Look a table up."""
        row = self._object(name, TABLE)
        return None if row is None else _table(name, json.loads(row["definition"]))

    def view(self, name: QualifiedName) -> View | None:
        """Look a view up."""
        row = self._object(name, VIEW)
        if row is None:
            return None
        stored = json.loads(row["definition"])
        return model.View(name, stored["text"], _columns(stored["columns"]))

    def version(self, name: QualifiedName) -> str:
        """
        Tell the version of a table or a view.

        :param name: its name
        :return: a GUID that changes with its definition
        """
        sql = (
            "SELECT version FROM usql_objects WHERE account = ? AND database = ? AND schema = ? AND name = ?"
        )
        rows = self._rows(sql, name.database, name.schema, name.name)
        return str(rows[0]["version"]) if rows else str(uuid.UUID(int=0))

    def _object(self, name: QualifiedName, kind: str) -> sqlite3.Row | None:
        sql = (
            "SELECT * FROM usql_objects WHERE account = ? AND database = ? AND schema = ? AND name = ?"
            " AND kind = ?"
        )
        rows = self._rows(sql, name.database, name.schema, name.name, kind)
        return rows[0] if rows else None

    def objects(self, database: str, schema: str | None = None) -> Sequence[QualifiedName]:
        """List tables and views."""
        return [name for name, _ in self.kinds(database, schema)]

    def kinds(self, database: str, schema: str | None = None) -> list[tuple[QualifiedName, str]]:
        """
        List tables and views with what they are.

        :param database: the database
        :param schema: only this schema's
        :return: names and kinds, in order
        """
        sql = "SELECT schema, name, kind FROM usql_objects WHERE account = ? AND database = ?"
        rows = self._rows(f"{sql} ORDER BY schema, name", database)
        return [
            (model.QualifiedName(database, row["schema"], row["name"]), row["kind"])
            for row in rows
            if schema is None or row["schema"] == schema
        ]

    def segments(self, name: QualifiedName) -> Sequence[Path]:
        """Give the files that hold a table's rows."""
        sql = (
            "SELECT s.path FROM usql_segments s JOIN usql_objects o ON o.id = s.object"
            " WHERE o.account = ? AND o.database = ? AND o.schema = ? AND o.name = ? ORDER BY s.id"
        )
        return [self._root / row["path"] for row in self._rows(sql, name.database, name.schema, name.name)]

    def apply(
        self, connection: sqlite3.Connection, changes: Iterable[model.Change], paths: dict[Path, str]
    ) -> None:
        """
        Make a script's changes, inside of the caller's transaction.

        :param connection: to write with
        :param changes: in the order of the script
        :param paths: where staged segments lie now, relative to the segments' directory
        :raises Conflict: when another script has changed what they depend on
        """
        for change in changes:
            match change:
                case model.CreateDatabase(name):
                    self._create_schema(connection, name, model.DBO)
                case model.CreateSchema(database, name):
                    self._create_schema(connection, database, name)
                case model.DropDatabase(name):
                    self._delete(connection, "usql_objects", "database = ?", name)
                    self._delete(connection, "usql_schemas", "database = ?", name)
                    self._delete(connection, "usql_secrets", "database = ?", name)
                    self._delete(connection, "usql_acl", "database = ?", name)
                case model.DropSchema(database, name):
                    self._delete(connection, "usql_objects", "database = ? AND schema = ?", database, name)
                    self._delete(connection, "usql_schemas", "database = ? AND name = ?", database, name)
                case model.CreateTable(table):
                    definition = {
                        "columns": [
                            {"name": one.name, "type": type_to_json(one.type)} for one in table.columns
                        ],
                        "index": None if table.index is None else asdict(table.index),
                    }
                    self._create(connection, table.name, TABLE, definition)
                case model.CreateView(view):
                    columns = [{"name": one.name, "type": type_to_json(one.type)} for one in view.columns]
                    self._create(connection, view.name, VIEW, {"text": view.text, "columns": columns})
                case model.DropTable(name) | model.DropView(name):
                    where = "database = ? AND schema = ? AND name = ?"
                    self._delete(connection, "usql_objects", where, name.database, name.schema, name.name)
                case model.TruncateTable(name):
                    connection.execute(
                        "DELETE FROM usql_segments WHERE object = ?", (self._id(connection, name),)
                    )
                case model.AppendSegment(table, path, rows):
                    connection.execute(
                        "INSERT INTO usql_segments (object, path, rows) VALUES (?, ?, ?)",
                        (self._id(connection, table), paths[path], rows),
                    )

    def _create_schema(self, connection: sqlite3.Connection, database: str, name: str) -> None:
        cursor = connection.execute(
            "INSERT INTO usql_schemas (account, database, name, version) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (self.account, database, name, str(uuid.uuid4())),
        )
        if cursor.rowcount == 0:
            raise Conflict(f"{database}.{name} was created by another script meanwhile")

    def _create(
        self, connection: sqlite3.Connection, name: QualifiedName, kind: str, definition: dict[str, Any]
    ) -> None:
        row = (self.account, name.database, name.schema, name.name, kind, json.dumps(definition))
        cursor = connection.execute(
            "INSERT INTO usql_objects (account, database, schema, name, kind, definition, version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*row, str(uuid.uuid4())),
        )
        if cursor.rowcount == 0:
            raise Conflict(f"{name} was created by another script meanwhile")

    def _id(self, connection: sqlite3.Connection, name: QualifiedName) -> int:
        row = connection.execute(
            "SELECT id FROM usql_objects WHERE account = ? AND database = ? AND schema = ? AND name = ?",
            (self.account, name.database, name.schema, name.name),
        ).fetchone()
        if row is None:
            raise Conflict(f"{name} was dropped by another script meanwhile")
        return int(row["id"])

    def _delete(self, connection: sqlite3.Connection, table: str, where: str, *parameters: str) -> None:
        connection.execute(f"DELETE FROM {table} WHERE account = ? AND {where}", (self.account, *parameters))


def listed_segments(connection: sqlite3.Connection) -> set[str]:
    """
    List the segments of all accounts.

    :param connection: to read with
    :return: their paths relative to the segments' directory
    """
    return {row["path"] for row in connection.execute("SELECT path FROM usql_segments")}


def _columns(stored: list[dict[str, Any]]) -> tuple[model.Column, ...]:
    return tuple(model.Column(one["name"], type_from_json(one["type"])) for one in stored)


def _table(name: QualifiedName, stored: dict[str, Any]) -> Table:
    index = stored["index"]
    if index is not None:
        index = model.Index(
            **{
                **index,
                "keys": tuple((column, descending) for column, descending in index["keys"]),
                "distribution_keys": tuple(index["distribution_keys"]),
            }
        )
    return model.Table(name, _columns(stored["columns"]), index)
