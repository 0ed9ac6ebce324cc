"""
The tree of files and folders, as rows of one database.

A row's bytes are a file of their own, whose name says nothing about the path: so renaming a tree changes one
row, and what is committed is visible at once and as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_datalake.emulator.data_lake_store.acl import Acl, stored_acl

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

SCHEMA = """
CREATE TABLE IF NOT EXISTS stores (
    name TEXT PRIMARY KEY,
    root INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    store TEXT NOT NULL,
    parent INTEGER,
    name TEXT NOT NULL,
    object TEXT,
    length INTEGER NOT NULL,
    head INTEGER NOT NULL,
    owner TEXT NOT NULL,
    owning_group TEXT NOT NULL,
    permission INTEGER NOT NULL,
    acl TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    accessed INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    UNIQUE (parent, name)
);
CREATE UNIQUE INDEX IF NOT EXISTS nodes_of_objects ON nodes (object) WHERE object IS NOT NULL;
CREATE INDEX IF NOT EXISTS nodes_that_expire ON nodes (expires) WHERE expires > 0;
CREATE TABLE IF NOT EXISTS segments (
    node INTEGER NOT NULL,
    position INTEGER NOT NULL,
    object TEXT NOT NULL UNIQUE,
    length INTEGER NOT NULL,
    PRIMARY KEY (node, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS publications (
    marker TEXT PRIMARY KEY,
    at INTEGER NOT NULL
);
"""
_COLUMNS = (
    "id, store, parent, name, object, length, head, owner, owning_group, permission, acl, created, modified, "
    "accessed, expires"
)
_QUALIFIED = ", ".join(f"nodes.{column.strip()}" for column in _COLUMNS.split(","))
_LIVE = "(expires = 0 OR expires > :now)"
_BELOW = (
    "WITH RECURSIVE below(id) AS "
    "(VALUES (:id) UNION ALL SELECT nodes.id FROM nodes JOIN below ON parent = below.id)"
)


class Segment(NamedTuple):
    """
    Some of a file's bytes.

    :param object: holds them
    :param length: how many there are
    """

    object: str
    length: int


class Node(NamedTuple):
    """
    A file or a folder; times are milliseconds since the epoch.

    :param object: holds its bytes, after those of its segments; None for a folder
    :param length: how many bytes are committed
    :param head: how many of these are in segments
    :param permission: mode bits
    :param acl: what the mode bits do not say, see :meth:`Acl.text`
    :param expires: when a file vanishes, 0 for never
    """

    id: int
    store: str
    parent: int | None
    name: str
    object: str | None
    length: int
    head: int
    owner: str
    owning_group: str
    permission: int
    acl: str
    created: int
    modified: int
    accessed: int
    expires: int

    @property
    def is_folder(self) -> bool:
        """Whether it holds others instead of bytes."""
        return self.object is None

    @property
    def tail(self) -> Segment:
        """The last of its segments, which alone can grow."""
        return Segment(str(self.object), self.length - self.head)

    @property
    def access(self) -> Acl:
        """Its access control list."""
        return stored_acl(self.permission, self.acl)


class Summary(NamedTuple):
    """What is at and below a folder."""

    folders: int
    files: int
    length: int


def root_of(connection: sqlite3.Connection, store: str) -> Node | None:
    """
    Read a store's root.

    :param connection: reads
    :param store: the store's name
    :return: the root; None when there is no such store
    """
    row = connection.execute(
        f"SELECT {_QUALIFIED} FROM stores JOIN nodes ON nodes.id = root WHERE stores.name = ?", (store,)
    ).fetchone()
    return None if row is None else Node(*row)


def child(connection: sqlite3.Connection, parent: int, name: str, now: int) -> Node | None:
    """
    Read what a folder holds under a name.

    :param connection: reads
    :param parent: the folder's id
    :param name: the name
    :param now: the present time; what has expired is not there
    :return: the file or folder; None when there is none
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM nodes WHERE parent = :parent AND name = :name AND {_LIVE}",
        {"parent": parent, "name": name, "now": now},
    ).fetchone()
    return None if row is None else Node(*row)


def by_id(connection: sqlite3.Connection, node_id: int, now: int) -> Node | None:
    """
    Read a file or folder.

    :param connection: reads
    :param node_id: its id
    :param now: the present time; what has expired is not there, and 0 finds it all the same
    :return: it; None when there is none
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM nodes WHERE id = :id AND {_LIVE}", {"id": node_id, "now": now}
    ).fetchone()
    return None if row is None else Node(*row)


def children(
    connection: sqlite3.Connection,
    parent: int,
    now: int,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = -1,
) -> list[Node]:
    """
    List a folder.

    :param connection: reads
    :param parent: the folder's id
    :param now: the present time; what has expired is not there
    :param after: only names behind this one
    :param before: only names in front of this one
    :param limit: at most so many, negative for all
    :return: what is in it, in the order of the names' UTF-8 bytes
    """
    # Names have no control characters, so that nothing sorts before "" or behind the last code point.
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM nodes WHERE parent = :parent AND name > :after AND name < :before "
        f"AND {_LIVE} ORDER BY name LIMIT :limit",
        {
            "parent": parent,
            "after": after or "",
            "before": before or "\U0010ffff\U0010ffff",
            "limit": limit,
            "now": now,
        },
    )
    return [Node(*row) for row in rows]


def is_empty(connection: sqlite3.Connection, folder: int, now: int) -> bool:
    """
    Tell whether a folder holds nothing.

    :param connection: reads
    :param folder: its id
    :param now: the present time; what has expired does not count
    :return: True when nothing is in it
    """
    return not children(connection, folder, now, limit=1)


def folders_below(connection: sqlite3.Connection, folder: int) -> Iterator[Node]:
    """
    List the folders of a tree.

    :param connection: reads
    :param folder: id of its topmost folder
    :return: that folder and all below, in no order
    """
    rows = connection.execute(
        f"{_BELOW} SELECT {_QUALIFIED} FROM below JOIN nodes ON nodes.id = below.id WHERE object IS NULL",
        {"id": folder},
    )
    return (Node(*row) for row in rows)


def summary(connection: sqlite3.Connection, node_id: int, now: int) -> Summary:
    """
    Count a tree.

    :param connection: reads
    :param node_id: id of its topmost folder, or of a file
    :param now: the present time; what has expired does not count
    :return: the counts, with the topmost folder
    """
    row = connection.execute(
        f"{_BELOW} SELECT COALESCE(SUM(object IS NULL), 0), COALESCE(SUM(object IS NOT NULL), 0), "
        f"COALESCE(SUM(length), 0) FROM below JOIN nodes ON nodes.id = below.id WHERE {_LIVE}",
        {"id": node_id, "now": now},
    ).fetchone()
    return Summary(*row)


def insert(connection: sqlite3.Connection, node: Node) -> Node:
    """
    Add a file or folder.

    :param connection: writes
    :param node: it, without an id
    :return: it, with its id
    """
    cursor = connection.execute(
        f"INSERT INTO nodes ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", node[1:]
    )
    return node._replace(id=int(cursor.lastrowid or 0))


def save(connection: sqlite3.Connection, node: Node) -> None:
    """
    Write all that may change of a file or folder.

    :param connection: writes
    :param node: it, changed
    """
    connection.execute(
        "UPDATE nodes SET parent = ?, name = ?, object = ?, length = ?, head = ?, owner = ?, "
        "owning_group = ?, permission = ?, acl = ?, modified = ?, accessed = ?, expires = ? WHERE id = ?",
        (*node[2:11], *node[12:], node.id),
    )


def touch(connection: sqlite3.Connection, folder: int, now: int) -> None:
    """
    Note that what a folder holds has changed.

    :param connection: writes
    :param folder: its id
    :param now: the present time
    """
    connection.execute("UPDATE nodes SET modified = ? WHERE id = ?", (now, folder))


def remove(connection: sqlite3.Connection, node_id: int) -> list[tuple[str, str]]:
    """
    Remove a file, or a folder with all below.

    :param connection: writes
    :param node_id: its id
    :return: stores and objects that nothing needs any more once this is committed
    """
    objects = connection.execute(
        f"{_BELOW} SELECT store, nodes.object FROM below JOIN nodes ON nodes.id = below.id "
        "WHERE nodes.object IS NOT NULL UNION ALL "
        "SELECT store, segments.object FROM below JOIN nodes ON nodes.id = below.id "
        "JOIN segments ON segments.node = below.id",
        {"id": node_id},
    ).fetchall()
    connection.execute(f"{_BELOW} DELETE FROM segments WHERE node IN (SELECT id FROM below)", {"id": node_id})
    connection.execute(f"{_BELOW} DELETE FROM nodes WHERE id IN (SELECT id FROM below)", {"id": node_id})
    return [(row[0], row[1]) for row in objects]


def expired(connection: sqlite3.Connection, now: int) -> list[Node]:
    """
    List the files whose time is over.

    :param connection: reads
    :param now: the present time
    :return: the files
    """
    rows = connection.execute(f"SELECT {_COLUMNS} FROM nodes WHERE expires > 0 AND expires <= ?", (now,))
    return [Node(*row) for row in rows]


def purge(connection: sqlite3.Connection, parent: int, name: str, now: int) -> list[tuple[str, str]]:
    """
    Remove an expired file, so that another one can have its name.

    :param connection: writes
    :param parent: the folder's id
    :param name: the name
    :param now: the present time
    :return: stores and objects that nothing needs any more once this is committed
    """
    row = connection.execute(
        "SELECT id FROM nodes WHERE parent = ? AND name = ? AND expires > 0 AND expires <= ?",
        (parent, name, now),
    ).fetchone()
    return [] if row is None else remove(connection, row[0])


def segments(connection: sqlite3.Connection, file: Node) -> list[Segment]:
    """
    List what holds a file's bytes.

    :param connection: reads
    :param file: the file
    :return: its segments in their order; the last one may be empty
    """
    rows = []
    if file.head:
        rows = connection.execute(
            "SELECT object, length FROM segments WHERE node = ? ORDER BY position", (file.id,)
        ).fetchall()
    return [*(Segment(*row) for row in rows), file.tail]


def set_segments(connection: sqlite3.Connection, file: Node, parts: Sequence[Segment]) -> Node:
    """
    Give a file other bytes.

    :param connection: writes
    :param file: the file
    :param parts: what holds the bytes, at least one
    :return: the file, changed
    """
    connection.execute("DELETE FROM segments WHERE node = ?", (file.id,))
    connection.executemany(
        "INSERT INTO segments VALUES (?, ?, ?, ?)",
        [(file.id, position, *part) for position, part in enumerate(parts[:-1])],
    )
    head = sum(part.length for part in parts[:-1])
    changed = file._replace(object=parts[-1].object, head=head, length=head + parts[-1].length)
    save(connection, changed)
    return changed


def committed_lengths(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """
    List what holds the bytes of all files.

    :param connection: reads
    :return: stores, objects, and how many bytes of each are committed
    """
    rows = connection.execute(
        "SELECT store, object, length - head FROM nodes WHERE object IS NOT NULL UNION ALL "
        "SELECT store, segments.object, segments.length FROM segments JOIN nodes ON nodes.id = node"
    )
    return ((row[0], row[1], row[2]) for row in rows)
