"""From a path to its place in the tree, past the access control lists on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import EXECUTE
from airflow_provider_datalake.emulator.data_lake_store.errors import (
    denied,
    not_a_folder,
    not_found,
    unknown_account,
)
from airflow_provider_datalake.emulator.data_lake_store.paths import path_text

if TYPE_CHECKING:
    import sqlite3

    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node
    from airflow_provider_datalake.emulator.identity.principals import Principal


@dataclass(frozen=True)
class Caller:
    """
    Who asks for what; for the decisions of access control lists and for the messages of their refusals.

    :param principal: who
    :param operation: the operation's name on the wire
    :param now: when, in milliseconds since the epoch
    """

    principal: Principal
    operation: str
    now: int

    def require(self, node: Node, wanted: int) -> None:
        """
        Refuse what a file's or folder's access control list does not allow.

        :param node: the file or folder
        :param wanted: bits of read, write and execute
        :raises StoreError: when the caller may not
        """
        if self.principal.is_owner:
            return
        if not node.access.allows(node.owner, node.owning_group, self.principal, wanted):
            raise denied(self.operation)

    def require_owner(self, node: Node) -> None:
        """
        Refuse what only the owner may do.

        :param node: the file or folder
        :raises StoreError: when the caller does not own it
        """
        if not self.owns(node):
            raise denied(self.operation)

    def owns(self, node: Node) -> bool:
        """
        Tell whether the caller may do what owners may.

        :param node: the file or folder
        :return: True for its owner and for the owner of everything
        """
        return self.principal.is_owner or self.principal.object_id.lower() == node.owner.lower()


@dataclass(frozen=True)
class Location:
    """
    Where a path leads.

    :param names: the names on the way
    :param chain: what is there of it, from the root on
    """

    names: tuple[str, ...]
    chain: tuple[Node, ...]

    @property
    def path(self) -> str:
        """The absolute path."""
        return path_text(self.names)

    @property
    def node(self) -> Node | None:
        """What the path names; None when it is not there."""
        return self.chain[-1] if len(self.chain) > len(self.names) else None

    @property
    def parent(self) -> Node | None:
        """The folder that holds it, or would hold it; None when that is not there, and for the root."""
        count = len(self.names)
        return self.chain[count - 1] if count and len(self.chain) >= count else None

    @property
    def deepest(self) -> Node:
        """The last of the way that is there."""
        return self.chain[-1]

    def require(self) -> Node:
        """
        Demand that something is there.

        :return: what the path names
        :raises StoreError: when there is nothing
        """
        if self.node is None:
            raise not_found(self.path)
        return self.node

    def require_file(self) -> Node:
        """
        Demand a file.

        :return: the file
        :raises StoreError: when there is nothing, or a folder
        """
        node = self.require()
        if node.is_folder:
            raise not_found(f"{self.path} (it is a folder, not a file)")
        return node

    def check_way(self) -> None:
        """
        Demand that what is missing of the way can be made.

        :raises StoreError: when the path leads through a file
        """
        if self.node is None and not self.deepest.is_folder:
            raise not_a_folder(path_text(self.names[: len(self.chain) - 1]))


def locate(connection: sqlite3.Connection, store: str, names: tuple[str, ...], caller: Caller) -> Location:
    """
    Follow a path as far as it leads.

    :param connection: reads
    :param store: the store's name
    :param names: the names on the way
    :param caller: who asks; must be allowed to pass through every folder on the way
    :return: where it leads
    :raises StoreError: when the store does not exist, or the caller may not pass through a folder
    """
    node = nodes.root_of(connection, store)
    if node is None:
        raise unknown_account(store)
    chain = [node]
    for name in names:
        if not node.is_folder:
            break
        caller.require(node, EXECUTE)
        found = nodes.child(connection, node.id, name, caller.now)
        if found is None:
            break
        node = found
        chain.append(node)
    return Location(names, tuple(chain))
