"""Owners, permissions, access control lists, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import WRITE, AclError
from airflow_provider_datalake.emulator.data_lake_store.errors import denied, invalid
from airflow_provider_datalake.emulator.data_lake_store.locations import locate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from airflow_provider_datalake.emulator.data_lake_store.acl import Acl
    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller
    from airflow_provider_datalake.emulator.data_lake_store.machine import Machine
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node

Names = tuple[str, ...]

LAST_MOMENT = 253_402_300_799_999
"""The end of the year 9999, in milliseconds since the epoch: times after it cannot be written as dates."""


class Rights:
    """
    The operations on what is known about files and folders.

    :param machine: what they work with
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def change_acl(self, store: str, names: Names, caller: Caller, change: Callable[[Acl], Acl]) -> None:
        """
        Change an access control list.

        :param store: the store's name
        :param names: path of a file or folder that the caller owns
        :param caller: who asks
        :param change: makes the new list of the old one
        :raises StoreError: when there is nothing, the caller may not, or the list cannot be
        """

        def apply(connection: sqlite3.Connection, node: Node) -> Node:
            caller.require_owner(node)
            try:
                acl = change(node.access)
            except AclError as error:
                raise invalid(f"Invalid access control list: {error}") from error
            if acl.default and not node.is_folder:
                raise invalid("Invalid access control list: a file cannot have default entries")
            return node._replace(permission=acl.permission, acl=acl.text())

        self._change(store, names, caller, apply)

    def set_owner(
        self, store: str, names: Names, caller: Caller, owner: str | None, group: str | None
    ) -> None:
        """
        Give a file or folder to somebody else.

        :param store: the store's name
        :param names: its path
        :param caller: who asks: the owner of everything; for the group alone, its owner who is in it
        :param owner: the new owner, None to keep
        :param group: the new owning group, None to keep
        :raises StoreError: when there is nothing, or the caller may not
        """

        def apply(connection: sqlite3.Connection, node: Node) -> Node:
            principal = caller.principal
            if not principal.is_owner:
                caller.require_owner(node)
                in_group = group is None or group.lower() in {name.lower() for name in principal.groups}
                if (owner is not None and owner.lower() != node.owner.lower()) or not in_group:
                    raise denied(caller.operation)
            return node._replace(owner=owner or node.owner, owning_group=group or node.owning_group)

        self._change(store, names, caller, apply)

    def set_expiry(self, store: str, names: Names, caller: Caller, when: Callable[[Node], int]) -> None:
        """
        Decide when a file vanishes.

        :param store: the store's name
        :param names: its path
        :param caller: who asks; must be allowed to write to it
        :param when: gives the time, in milliseconds since the epoch, 0 for never
        :raises StoreError: when there is no file, the caller may not, or the time is not in the future
        """

        def apply(connection: sqlite3.Connection, node: Node) -> Node:
            if node.is_folder:
                raise invalid("Invalid path: only files expire, and this is a folder")
            caller.require(node, WRITE)
            expires = when(node)
            if expires and not caller.now < expires <= LAST_MOMENT:
                raise invalid(
                    f"Invalid expireTime: the file would expire at {expires}, which is not after now, "
                    f"{caller.now}, or too far in the future"
                )
            return node._replace(expires=expires)

        self._change(store, names, caller, apply)

    def set_times(
        self, store: str, names: Names, caller: Caller, modified: int | None, accessed: int | None
    ) -> None:
        """
        Set a file's or folder's times.

        :param store: the store's name
        :param names: its path
        :param caller: who asks; must be allowed to write to it
        :param modified: milliseconds since the epoch, None to keep
        :param accessed: milliseconds since the epoch, None to keep
        :raises StoreError: when there is nothing, or the caller may not
        """

        def apply(connection: sqlite3.Connection, node: Node) -> Node:
            if not caller.owns(node):
                caller.require(node, WRITE)
            return node._replace(
                modified=node.modified if modified is None else modified,
                accessed=node.accessed if accessed is None else accessed,
            )

        self._change(store, names, caller, apply)

    def check_access(self, store: str, names: Names, caller: Caller, wanted: int) -> None:
        """
        Find out whether the caller may do something.

        :param store: the store's name
        :param names: path of a file or folder
        :param caller: who asks
        :param wanted: bits of read, write and execute
        :raises StoreError: when there is nothing, or the caller may not
        """
        with self._machine.database.read() as connection:
            caller.require(locate(connection, store, names, caller).require(), wanted)

    def _change(
        self,
        store: str,
        names: Names,
        caller: Caller,
        apply: Callable[[sqlite3.Connection, Node], Node],
    ) -> None:
        with self._machine.database.transaction() as connection:
            node = locate(connection, store, names, caller).require()
            nodes.save(connection, apply(connection, node))
            self._machine.changed()
