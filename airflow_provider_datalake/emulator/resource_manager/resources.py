"""Where resources are kept: one table of JSON documents, found by subscription, group, account and name."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from airflow_provider_datalake.emulator.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS arm_resources (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subscription TEXT NOT NULL,
    resource_group TEXT NOT NULL,
    parent TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS arm_resources_name ON arm_resources (
    kind,
    subscription COLLATE NOCASE,
    resource_group COLLATE NOCASE,
    parent COLLATE NOCASE,
    name COLLATE NOCASE
);
"""
GROUP = "group"
STORE = "Microsoft.DataLakeStore"
ANALYTICS = "Microsoft.DataLakeAnalytics"
ROLE = "role"


@dataclass(frozen=True)
class Resource:
    """
    One resource.

    :param kind: a group, an account (its provider), a part of an account (its type), or a role assignment
    :param subscription: its subscription
    :param group: its resource group; of a group its own name
    :param name: its name
    :param parent: the account that it is a part of; of a role assignment its scope
    :param content: what it is, as JSON
    """

    kind: str
    subscription: str
    group: str
    name: str
    parent: str
    content: dict[str, Any]

    def with_content(self, content: dict[str, Any]) -> Resource:
        """
        Change what it is.

        :param content: what it is now
        :return: the resource to keep
        """
        return replace(self, content=content)


class Resources:
    """
    The resources of one emulator.

    :param database: where they are kept
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.ensure_schema(SCHEMA)

    def put(self, resource: Resource) -> None:
        """
        Create or replace a resource.

        :param resource: the resource
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM arm_resources WHERE kind = ? AND subscription = ? COLLATE NOCASE"
                " AND resource_group = ? COLLATE NOCASE AND parent = ? COLLATE NOCASE"
                " AND name = ? COLLATE NOCASE",
                (resource.kind, resource.subscription, resource.group, resource.parent, resource.name),
            )
            connection.execute(
                "INSERT INTO arm_resources (kind, subscription, resource_group, parent, name, content)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    resource.kind,
                    resource.subscription,
                    resource.group,
                    resource.parent,
                    resource.name,
                    json.dumps(resource.content),
                ),
            )

    def find(self, kind: str, **where: str) -> list[Resource]:
        """
        Look resources up.

        :param kind: which kind
        :param where: ``subscription``, ``group``, ``parent``, ``name``; upper and lower case are the same
        :return: those that agree, in the order of their creation
        """
        columns = {"group": "resource_group"}
        conditions = "".join(f" AND {columns.get(name, name)} = ? COLLATE NOCASE" for name in where)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT * FROM arm_resources WHERE kind = ?{conditions} ORDER BY sequence",
                (kind, *where.values()),
            ).fetchall()
        return [_resource(row) for row in rows]

    def delete(self, resources: Iterable[Resource]) -> None:
        """
        Delete resources, with all that belongs to them.

        :param resources: the resources
        """
        with self._database.transaction() as connection:
            for one in resources:
                connection.execute(
                    "DELETE FROM arm_resources WHERE kind = ? AND subscription = ? AND resource_group = ?"
                    " AND parent = ? AND name = ?",
                    (one.kind, one.subscription, one.group, one.parent, one.name),
                )
                if one.kind in (STORE, ANALYTICS):
                    connection.execute(
                        "DELETE FROM arm_resources WHERE parent = ?", (f"{one.kind}/{one.name}",)
                    )


def _resource(row: sqlite3.Row) -> Resource:
    return Resource(
        row["kind"],
        row["subscription"],
        row["resource_group"],
        row["name"],
        row["parent"],
        json.loads(row["content"]),
    )
