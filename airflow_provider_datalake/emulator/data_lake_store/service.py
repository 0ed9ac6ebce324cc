"""The stores of one emulator."""

from __future__ import annotations

import logging
import os
import re
import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import DEFAULT_PERMISSION
from airflow_provider_datalake.emulator.data_lake_store.contents import Contents
from airflow_provider_datalake.emulator.data_lake_store.joining import Joining
from airflow_provider_datalake.emulator.data_lake_store.leases import Leases
from airflow_provider_datalake.emulator.data_lake_store.machine import FAILPOINT_VARIABLE, Machine, kill_at
from airflow_provider_datalake.emulator.data_lake_store.objects import ObjectFiles, remove_if_empty
from airflow_provider_datalake.emulator.data_lake_store.people import People
from airflow_provider_datalake.emulator.data_lake_store.publishing import Publishing
from airflow_provider_datalake.emulator.data_lake_store.rights import Rights
from airflow_provider_datalake.emulator.data_lake_store.tree import Tree
from airflow_provider_datalake.emulator.database import Database
from airflow_provider_datalake.emulator.definitions import InvalidDefinition

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node
    from airflow_provider_datalake.emulator.data_lake_store.publishing import StagedFile
    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.identity.service import IdentityService

log = logging.getLogger(__name__)

NO_GROUP = "00000000-0000-0000-0000-000000000000"
"""The owning group of a new store's root, which everything below inherits."""
_NAME = re.compile(r"[a-z0-9]{3,24}")


class DataLakeStoreService:
    """
    Everything that the file system's routes work on.

    :param config: the emulator's settings; its account's store is created unless it exists
    :param identity: who may do what is asked of it
    :raises InvalidDefinition: when the configured account cannot have such a name
    """

    def __init__(self, config: Config, identity: IdentityService) -> None:
        self.config = config
        self.identity = identity
        self.people = People(config, identity)
        root = config.data_dir / "stores"
        self._objects = ObjectFiles(root)
        self.database = Database(root / "stores.db")
        self.database.ensure_schema(nodes.SCHEMA)
        failpoint = kill_at(os.environ.get(FAILPOINT_VARIABLE))
        self._machine = Machine(self.database, self._objects, Leases(), failpoint)
        self.tree = Tree(self._machine)
        self.contents = Contents(self._machine)
        self.joining = Joining(self._machine, self.contents)
        self.rights = Rights(self._machine)
        self._publishing = Publishing(self._machine, self.contents)
        # Kept here because every upload asks for them first.
        self._accounts = {row[0] for row in self._stored_accounts()}
        self._settle()
        if not self.has_account(config.account):
            try:
                self.create_account(config.account)
            except ValueError as error:
                raise InvalidDefinition(str(error)) from error

    @property
    def temporary(self) -> Path:
        """Where bytes wait that are too many for the memory; emptied at every start."""
        return self._objects.temporary

    def start(self) -> None:
        """Begin to work; there is nothing that runs."""

    def stop(self) -> None:
        """Interrupt what runs; nothing does."""

    def close(self) -> None:
        """Release the files; no request may be under way any more."""
        self.database.close()

    def expire(self, now: float) -> None:
        """
        Remove the files whose time is over; nobody sees them any more anyway.

        :param now: seconds since the epoch
        """
        self.release()
        milliseconds = int(now * 1000)
        with self.database.transaction() as connection:
            for node in nodes.expired(connection, milliseconds):
                self._machine.remove(connection, node)
                if node.parent is not None:
                    nodes.touch(connection, node.parent, milliseconds)

    # Accounts

    def create_account(self, name: str) -> None:
        """
        Make a store.

        :param name: its name
        :raises ValueError: when it cannot have such a name, or there is one
        """
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"a Data Lake Store account is named with 3 to 24 lower-case letters and digits, got {name!r}"
            )
        now = int(time.time() * 1000)
        with self.database.transaction() as connection:
            if nodes.root_of(connection, name) is not None:
                raise ValueError(f"there is a Data Lake Store account {name} already")
            root = nodes.insert(
                connection,
                nodes.Node(
                    id=0,
                    store=name,
                    parent=None,
                    name="",
                    object=None,
                    length=0,
                    head=0,
                    owner=self.identity.owner.object_id,
                    owning_group=NO_GROUP,
                    permission=DEFAULT_PERMISSION,
                    acl="",
                    created=now,
                    modified=now,
                    accessed=now,
                    expires=0,
                ),
            )
            connection.execute("INSERT INTO stores VALUES (?, ?, ?)", (name, root.id, now))
            self.database.after_commit(partial(self._accounts.add, name))

    def delete_account(self, name: str) -> None:
        """
        Delete a store and all that is in it.

        :param name: its name
        :raises KeyError: when there is no such store
        """
        with self.database.transaction() as connection:
            root = nodes.root_of(connection, name)
            if root is None:
                raise KeyError(name)
            connection.execute("DELETE FROM stores WHERE name = ?", (name,))
            self.database.after_commit(partial(self._accounts.discard, name))
            self._machine.remove(connection, root)

    def has_account(self, name: str) -> bool:
        """
        Tell whether a store exists.

        :param name: its name
        :return: True when it does
        """
        return name in self._accounts

    def accounts(self) -> list[str]:
        """
        List the stores.

        :return: their names
        """
        return sorted(self._accounts)

    def _stored_accounts(self) -> list[tuple[str]]:
        with self.database.read() as connection:
            return connection.execute("SELECT name FROM stores").fetchall()

    # Files that scripts read

    def local_path(self, node: Node) -> Path:
        """
        Tell where a file's bytes are on this machine.

        :param node: the file
        :return: the path; it has these bytes and no others only while the file is pinned
        """
        return self._objects.path(node.store, str(node.object))

    def abandon(self, objects: list[str]) -> None:
        """
        Let go of pinned files, at the next opportunity; may be called from anywhere.

        :param objects: what holds their bytes
        """
        self._objects.abandon(objects)

    def release(self) -> None:
        """Let go of what was abandoned, now."""
        self._objects.release()

    # Results of jobs

    def publish(
        self,
        marker: str,
        files: Sequence[StagedFile],
        principal: Principal,
        extra: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        """
        Put many files in place at once: all of them become visible together, or none does.

        Files that are there are replaced, folders that are missing are made; the files on this machine stay
        until this has succeeded, and then go. Does nothing when the marker has been published already.

        :param marker: what :meth:`is_committed` knows afterwards, e.g. a job's id
        :param files: store, path in it, and where the bytes are on this machine, on the same file system
        :param principal: will own them
        :param extra: what else is written in the same transaction
        :raises PermissionError: when the principal may not write to one of the paths
        :raises ValueError: when a path or a store cannot be
        """
        self._publishing.publish(marker, files, principal, extra)

    def is_committed(self, marker: str) -> bool:
        """
        Tell whether something has been published.

        :param marker: e.g. a job's id
        :return: True when its files are in place
        """
        return self._publishing.is_committed(marker)

    def _settle(self) -> None:
        committed: dict[str, dict[str, int]] = defaultdict(dict)
        with self.database.transaction() as connection:
            for store, name, length in nodes.committed_lengths(connection):
                committed[store][name] = length
        for entry in self._objects.root.iterdir():
            if entry.is_dir() and entry != self._objects.temporary:
                committed.setdefault(entry.name, {})
        for store, name in self._objects.settle(committed):
            log.error(
                "The file %s of store %s has lost bytes that were written",
                name,
                store,
            )
        for store in set(committed) - set(self.accounts()):
            # What else somebody keeps there stays.
            for folder in (self._objects.root / store / "files", self._objects.root / store):
                if folder.is_dir():
                    remove_if_empty(folder)
