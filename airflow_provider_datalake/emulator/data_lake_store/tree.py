"""Folders: looking into them, making, renaming and deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import EXECUTE, READ, WRITE
from airflow_provider_datalake.emulator.data_lake_store.errors import (
    ACCESS_DENIED,
    INVALID_ARGUMENT,
    NOT_FOUND,
    SUCCESS,
    already_exists,
    not_empty,
)
from airflow_provider_datalake.emulator.data_lake_store.locations import locate
from airflow_provider_datalake.emulator.data_lake_store.machine import require_removable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller, Location
    from airflow_provider_datalake.emulator.data_lake_store.machine import Machine
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node

Names = tuple[str, ...]


class Tree:
    """
    The operations on files and folders as a whole.

    :param machine: what they work with
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def status(self, store: str, names: Names, caller: Caller) -> Node:
        """
        Look at a file or folder.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :return: it
        :raises StoreError: when there is nothing
        """
        with self._machine.database.read() as connection:
            return locate(connection, store, names, caller).require()

    def listing(
        self, store: str, names: Names, caller: Caller, *, after: str | None, before: str | None, limit: int
    ) -> tuple[list[Node], bool, bool]:
        """
        List a folder; a file is listed alone.

        :param store: the store's name
        :param names: the folder's path
        :param caller: who asks
        :param after: only names behind this one
        :param before: only names in front of this one
        :param limit: at most so many
        :return: what is in it by name, whether there is more, and whether it is a folder
        :raises StoreError: when there is nothing, or the caller may not list it
        """
        with self._machine.database.read() as connection:
            node = locate(connection, store, names, caller).require()
            if not node.is_folder:
                return [node], False, False
            caller.require(node, READ | EXECUTE)
            found = nodes.children(
                connection, node.id, caller.now, after=after, before=before, limit=limit + 1
            )
            return found[:limit], len(found) > limit, True

    def summary(self, store: str, names: Names, caller: Caller) -> nodes.Summary:
        """
        Count a tree.

        :param store: the store's name
        :param names: its path
        :param caller: who asks; must be allowed to list all its folders
        :return: the counts
        :raises StoreError: when there is nothing, or the caller may not
        """
        with self._machine.database.read() as connection:
            node = locate(connection, store, names, caller).require()
            self._require_below(connection, node, caller, READ | EXECUTE)
            return nodes.summary(connection, node.id, caller.now)

    def make_folders(self, store: str, names: Names, caller: Caller, permission: int) -> None:
        """
        Make a folder and what is missing on the way; one that is there is fine.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :param permission: mode bits of what is made
        :raises StoreError: when there is a file, or the caller may not
        """
        with self._machine.database.read() as connection:
            place = locate(connection, store, names, caller)
            if place.node is not None and place.node.is_folder:
                return
        with self._machine.database.transaction() as connection:
            place = locate(connection, store, names, caller)
            if place.node is not None and not place.node.is_folder:
                raise already_exists(place.path)
            self._machine.make_folders(connection, place, len(names), caller, permission)
            self._machine.changed()

    def delete(self, store: str, names: Names, caller: Caller, *, recursive: bool) -> tuple[bool, str]:
        """
        Delete a file or folder.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :param recursive: whether what a folder holds goes too
        :return: whether something was deleted, and the status code that says why not
        :raises StoreError: when the folder is not empty, or the caller may not
        """
        with self._machine.database.transaction() as connection:
            place = locate(connection, store, names, caller)
            node, parent = place.node, place.parent
            if node is None:
                return False, NOT_FOUND
            if parent is None:
                return False, ACCESS_DENIED
            require_removable(parent, node, caller)
            if node.is_folder and not nodes.is_empty(connection, node.id, caller.now):
                if not recursive:
                    raise not_empty(place.path)
                self._require_below(connection, node, caller, READ | WRITE | EXECUTE)
            self._machine.remove(connection, node)
            nodes.touch(connection, parent.id, caller.now)
            self._machine.changed()
        return True, SUCCESS

    def _require_below(self, connection: sqlite3.Connection, node: Node, caller: Caller, wanted: int) -> None:
        if caller.principal.is_owner or not node.is_folder:
            return
        for folder in nodes.folders_below(connection, node.id):
            caller.require(folder, wanted)

    def rename(
        self, store: str, source: Names, destination: Names, caller: Caller, *, overwrite: bool = False
    ) -> tuple[bool, str]:
        """
        Give a file or folder another path; into a folder that is there, it moves with its name.

        :param store: the store's name
        :param source: its path
        :param destination: the new path
        :param caller: who asks
        :param overwrite: whether a file takes the place of another one
        :return: whether it was renamed, and the status code that says why not
        :raises StoreError: when the caller may not
        """
        with self._machine.database.transaction() as connection:
            old = locate(connection, store, source, caller)
            if old.node is None:
                return False, NOT_FOUND
            if old.parent is None:
                return False, INVALID_ARGUMENT
            new = locate(connection, store, destination, caller)
            if new.node is not None and new.node.id != old.node.id and new.node.is_folder:
                new = locate(connection, store, (*destination, old.node.name), caller)
            refusal = _refusal(old, new)
            if overwrite and _may_replace(old, new) and new.parent is not None and new.node is not None:
                require_removable(new.parent, new.node, caller)
                self._machine.remove(connection, new.node)
                refusal = None
            if refusal is not None or new.parent is None:
                return refusal == SUCCESS, refusal or NOT_FOUND
            self._move(connection, old.node, old.parent, new.parent, new.names[-1], caller)
            self._machine.changed()
        return True, SUCCESS

    def _move(
        self,
        connection: sqlite3.Connection,
        node: Node,
        old: Node,
        new: Node,
        name: str,
        caller: Caller,
    ) -> None:
        require_removable(old, node, caller)
        caller.require(new, WRITE | EXECUTE)
        self._machine.discard_later(nodes.purge(connection, new.id, name, caller.now))
        nodes.save(connection, node._replace(parent=new.id, name=name))
        for folder in {old.id, new.id}:
            nodes.touch(connection, folder, caller.now)

    def children_of(self, store: str, names: Names, caller: Caller) -> Sequence[Node]:
        """
        List all that is in a folder.

        :param store: the store's name
        :param names: the folder's path
        :param caller: who asks
        :return: what is in it by name; nothing when there is no such folder
        :raises StoreError: when the caller may not list it
        """
        with self._machine.database.read() as connection:
            node = locate(connection, store, names, caller).node
            if node is None or not node.is_folder:
                return []
            caller.require(node, READ | EXECUTE)
            return nodes.children(connection, node.id, caller.now)


def _may_replace(old: Location, new: Location) -> bool:
    """Tell whether there is another file at the new path that a file can replace."""
    if old.node is None or new.node is None or old.node.id == new.node.id:
        return False
    return not old.node.is_folder and not new.node.is_folder


def _refusal(old: Location, new: Location) -> str | None:
    """Tell why something cannot be renamed; success when it has that path already, None when it can."""
    if new.node is not None:
        same = old.node is not None and new.node.id == old.node.id
        return SUCCESS if same and new.names == old.names and not new.node.is_folder else INVALID_ARGUMENT
    if new.parent is None or not new.parent.is_folder:
        return NOT_FOUND
    if old.node is not None and any(node.id == old.node.id for node in new.chain):
        return INVALID_ARGUMENT
    return None
