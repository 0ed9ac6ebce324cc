"""What all operations of the stores work with."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import EXECUTE, STICKY, WRITE
from airflow_provider_datalake.emulator.data_lake_store.errors import denied
from airflow_provider_datalake.emulator.data_lake_store.locations import Caller

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from airflow_provider_datalake.emulator.data_lake_store.leases import Leases
    from airflow_provider_datalake.emulator.data_lake_store.locations import Location
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node
    from airflow_provider_datalake.emulator.data_lake_store.objects import ObjectFiles
    from airflow_provider_datalake.emulator.database import Database
    from airflow_provider_datalake.emulator.identity.principals import Principal

FAILPOINT_VARIABLE = "DATALAKE_EMULATOR_STORE_FAILPOINT"
FAILPOINTS = (
    "create:written",
    "append:begun",
    "append:written",
    "concat:written",
    "publish:linked-one",
    "publish:linked",
    "change:made",
    "change:committed",
    "discard:first",
)


@dataclass(frozen=True)
class Machine:
    """
    The tree, the bytes and the leases of all stores.

    :param database: holds the tree
    :param objects: hold the bytes
    :param leases: of the files that are open for writing
    :param failpoint: called with the name of each step that tests stop at
    """

    database: Database
    objects: ObjectFiles
    leases: Leases
    failpoint: Callable[[str], None]

    def discard_later(self, objects: Sequence[tuple[str, str]]) -> None:
        """
        Delete objects once the running transaction is on disk.

        :param objects: stores and names
        """
        if objects:
            self.database.after_commit(partial(self._discard, objects))

    def _discard(self, objects: Sequence[tuple[str, str]]) -> None:
        self.failpoint("discard:first")
        self.objects.discard(objects)

    def remove(self, connection: sqlite3.Connection, node: Node) -> None:
        """
        Remove a file, or a folder with all below, in the running transaction.

        :param connection: writes
        :param node: the file or folder
        """
        self.discard_later(nodes.remove(connection, node.id))
        if not node.is_folder:
            self.leases.release(node.id)

    def remove_keeping_bytes(self, connection: sqlite3.Connection, file: Node) -> None:
        """
        Remove a file whose bytes another one takes over, in the running transaction.

        :param connection: writes
        :param file: the file
        """
        nodes.remove(connection, file.id)
        self.leases.release(file.id)

    def make_folders(
        self, connection: sqlite3.Connection, place: Location, count: int, caller: Caller, permission: int
    ) -> Node:
        """
        Make what is missing of the first part of a way.

        :param connection: writes
        :param place: the way
        :param count: how many of its names are folders
        :param caller: who asks; must be allowed to write where the first one is made
        :param permission: the mode bits of those that are made
        :return: the last of the folders
        :raises StoreError: when the way leads through a file, or the caller may not
        """
        place.check_way()
        if len(place.chain) > count:
            return place.chain[count]
        folder = place.deepest
        caller.require(folder, WRITE | EXECUTE)
        for name in place.names[len(place.chain) - 1 : count]:
            folder = self.add(connection, folder, name, caller, permission, None, 0)
        return folder

    def add(
        self,
        connection: sqlite3.Connection,
        parent: Node,
        name: str,
        caller: Caller,
        permission: int,
        object_name: str | None,
        length: int,
    ) -> Node:
        """
        Add a file or folder whose name is free.

        :param connection: writes
        :param parent: the folder that will hold it
        :param name: its name
        :param caller: will own it
        :param permission: the mode bits that it is created with
        :param object_name: what holds a file's bytes, None for a folder
        :param length: how many bytes these are
        :return: the file or folder
        """
        self.discard_later(nodes.purge(connection, parent.id, name, caller.now))
        acl = parent.access.child(permission, folder=object_name is None)
        made = nodes.insert(
            connection,
            nodes.Node(
                id=0,
                store=parent.store,
                parent=parent.id,
                name=name,
                object=object_name,
                length=length,
                head=0,
                owner=caller.principal.object_id,
                owning_group=parent.owning_group,
                permission=acl.permission,
                acl=acl.text(),
                created=caller.now,
                modified=caller.now,
                accessed=caller.now,
                expires=0,
            ),
        )
        nodes.touch(connection, parent.id, caller.now)
        return made

    def changed(self) -> None:
        """Mark the last step before the running transaction is committed, and the first one after that."""
        self.database.after_commit(partial(self.failpoint, "change:committed"))
        self.failpoint("change:made")


def new_caller(principal: Principal, operation: str) -> Caller:
    """
    Note who asks for what.

    :param principal: who
    :param operation: the operation's name on the wire
    :return: the caller, at the present time
    """
    return Caller(principal, operation, int(time.time() * 1000))


def require_removable(parent: Node, node: Node, caller: Caller) -> None:
    """
    Demand that the caller may take something out of a folder.

    :param parent: the folder
    :param node: what is in it
    :param caller: who asks
    :raises StoreError: when the caller may not write there, or the folder is sticky and not the caller's
    """
    caller.require(parent, WRITE | EXECUTE)
    if parent.permission & STICKY and not (caller.owns(parent) or caller.owns(node)):
        raise denied(caller.operation)


def kill_at(name: str | None) -> Callable[[str], None]:
    """
    Make the function that ends the process at a step, for tests of what a crash leaves behind.

    :param name: the step, None for none
    :return: to be called with the name of each step
    :raises ValueError: when there is no such step
    """
    if name is not None and name not in FAILPOINTS:
        raise ValueError(f"{FAILPOINT_VARIABLE}={name}: expected one of {', '.join(FAILPOINTS)}")

    def failpoint(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return failpoint
