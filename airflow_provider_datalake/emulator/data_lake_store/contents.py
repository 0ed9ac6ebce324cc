"""The bytes of files: writing, appending, reading, joining."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import EXECUTE, READ, WRITE
from airflow_provider_datalake.emulator.data_lake_store.errors import (
    already_exists,
    bad_offset,
    invalid,
    leased,
    not_found,
)
from airflow_provider_datalake.emulator.data_lake_store.locations import Location, locate
from airflow_provider_datalake.emulator.data_lake_store.machine import require_removable
from airflow_provider_datalake.emulator.data_lake_store.objects import Content
from airflow_provider_datalake.emulator.data_lake_store.paths import path_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller
    from airflow_provider_datalake.emulator.data_lake_store.machine import Machine
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node

Names = tuple[str, ...]
_ATTEMPTS = 5


@dataclass(frozen=True)
class Writing:
    """
    How a client writes.

    :param close: whether it has written all: the bytes are then brought to disk, and its lease ends
    :param lease: its lease, None for none
    """

    close: bool = True
    lease: str | None = None


class Contents:
    """
    The operations on files' bytes.

    :param machine: what they work with
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def create(
        self,
        store: str,
        names: Names,
        caller: Caller,
        content: Content,
        writing: Writing,
        *,
        overwrite: bool,
        permission: int,
    ) -> None:
        """
        Make a file of some bytes, and what is missing on the way to it.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :param content: the bytes
        :param writing: how the client writes
        :param overwrite: whether a file that is there is replaced
        :param permission: mode bits of what is made
        :raises StoreError: when there is a folder, or a file that shall stay, or the caller may not
        """
        with self._machine.database.read() as connection:
            place = locate(connection, store, names, caller)
            self.check_create(place, caller, overwrite=overwrite)
        made = self._machine.objects.create(store, content, sync=writing.close)
        try:
            self._machine.failpoint("create:written")
            with self._machine.database.transaction() as connection:
                place = locate(connection, store, names, caller)
                self.check_create(place, caller, overwrite=overwrite)
                node = self.place(connection, place, caller, made, content.size, permission)
                if not writing.close:
                    self._machine.database.after_commit(
                        partial(self._machine.leases.hold, node.id, writing.lease)
                    )
                self._machine.changed()
        except BaseException:
            self._machine.objects.discard([(store, made)])
            raise

    def check_create(self, place: Location, caller: Caller, *, overwrite: bool) -> None:
        """
        Demand that a file can be made.

        :param place: where
        :param caller: who asks
        :param overwrite: whether a file that is there may be replaced
        :raises StoreError: when there is a folder, or a file that shall stay, or the caller may not
        """
        place.check_way()
        if place.node is None:
            caller.require(place.deepest, WRITE | EXECUTE)
        elif place.node.is_folder:
            raise already_exists(place.path, "a folder")
        elif not overwrite:
            raise already_exists(place.path)
        else:
            caller.require(place.node, WRITE)

    def place(
        self,
        connection: sqlite3.Connection,
        place: Location,
        caller: Caller,
        object_name: str,
        length: int,
        permission: int,
    ) -> Node:
        """
        Put a file in place, in the running transaction; one that is there goes.

        :param connection: writes
        :param place: where
        :param caller: will own it
        :param object_name: what holds its bytes
        :param length: how many there are
        :param permission: mode bits of what is made
        :return: the file
        :raises StoreError: when the way leads through a file, or the caller may not make folders
        """
        if place.node is not None:
            self._machine.remove(connection, place.node)
        folder = self._machine.make_folders(connection, place, len(place.names) - 1, caller, permission)
        return self._machine.add(connection, folder, place.names[-1], caller, permission, object_name, length)

    def append(
        self, store: str, names: Names, caller: Caller, content: Content, writing: Writing, offset: int | None
    ) -> None:
        """
        Add bytes to a file, all of them or none.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :param content: the bytes
        :param writing: how the client writes
        :param offset: where the first of them must go, which is the file's end; None to add them anyway
        :raises StoreError: when there is no file, the offset is another one, or the caller may not
        """
        objects = self._machine.objects
        for _ in range(_ATTEMPTS):
            with self._machine.database.read() as connection:
                found = self._writable(connection, store, names, caller)
            name = str(found.object)
            with objects.alone(name):
                with self._machine.database.read() as connection:
                    node = nodes.by_id(connection, found.id, caller.now)
                if node is None or node.object != name:
                    # Somebody has replaced the file meanwhile.
                    continue
                if not self._machine.leases.may_write(node.id, writing.lease):
                    raise leased(path_text(names))
                if offset is not None and offset != node.length:
                    raise bad_offset()
                self._append_to(node, content, writing, caller)
            return
        raise invalid(f"{path_text(names)} is replaced again and again; try later")

    def _writable(self, connection: sqlite3.Connection, store: str, names: Names, caller: Caller) -> Node:
        node = locate(connection, store, names, caller).require_file()
        caller.require(node, WRITE)
        return node

    def _append_to(self, node: Node, content: Content, writing: Writing, caller: Caller) -> None:
        objects = self._machine.objects
        name = str(node.object)
        changed = node._replace(length=node.length + content.size, modified=caller.now)
        if content.size and objects.is_pinned(name):
            # Somebody reads the file as a whole and must not see it grow.
            copy, _ = objects.join(node.store, [(name, node.length)])
            changed = changed._replace(object=copy)
        target = str(changed.object)
        try:
            if content.size or writing.close:
                self._write(node.store, target, content, node.length, sync=writing.close)
            self._commit_append(node, changed)
        except BaseException:
            if target != name:
                objects.discard([(node.store, target)])
            raise
        if writing.close:
            self._machine.leases.release(node.id)
        else:
            self._machine.leases.hold(node.id, writing.lease)

    def _write(self, store: str, name: str, content: Content, offset: int, *, sync: bool) -> None:
        descriptor = os.open(self._machine.objects.path(store, name), os.O_WRONLY)
        try:
            if os.fstat(descriptor).st_size != offset:
                # An append that failed half-way; what it wrote was never committed.
                os.ftruncate(descriptor, offset)
            self._machine.failpoint("append:begun")
            content.write_to(descriptor, offset)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._machine.failpoint("append:written")

    def _commit_append(self, before: Node, after: Node) -> None:
        with self._machine.database.transaction() as connection:
            cursor = connection.execute(
                "UPDATE nodes SET object = ?, length = ?, modified = ? "
                "WHERE id = ? AND object = ? AND length = ?",
                (after.object, after.length, after.modified, before.id, before.object, before.length),
            )
            if cursor.rowcount != 1:
                raise not_found(f"{before.name} (it was deleted meanwhile)")
            if after.object != before.object:
                self._machine.discard_later([(before.store, str(before.object))])
            self._machine.changed()

    def append_anyway(
        self, store: str, names: Names, caller: Caller, content: Content, *, create: bool, permission: int
    ) -> None:
        """
        Add bytes to a file that many write to at the same time.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :param content: the bytes
        :param create: whether to make the file when it is missing
        :param permission: mode bits of what is made
        :raises StoreError: when there is no file, or the caller may not
        """
        with self._machine.database.transaction() as connection:
            place = locate(connection, store, names, caller)
            if place.node is None and create:
                self.check_create(place, caller, overwrite=False)
                made = self._machine.objects.create(store, Content(), sync=True)
                self.place(connection, place, caller, made, 0, permission)
        self.append(store, names, caller, content, Writing(), None)

    def open(self, store: str, names: Names, caller: Caller) -> tuple[IO[bytes], int]:
        """
        Open a file for reading; it can be read as it is now, whatever becomes of it.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :return: the open file, which the caller closes, and how many of its bytes are the file's
        :raises StoreError: when there is no file, or the caller may not read it
        """
        for _ in range(_ATTEMPTS):
            with self._machine.database.read() as connection:
                node = locate(connection, store, names, caller).require_file()
                caller.require(node, READ)
            try:
                return self._machine.objects.path(store, str(node.object)).open(
                    "rb", buffering=0
                ), node.length
            except FileNotFoundError:
                # Somebody has replaced the file meanwhile.
                continue
        raise OSError(f"the bytes of {path_text(names)} in store {store} are missing")

    def pin(self, store: str, names: Names, caller: Caller) -> Node | None:
        """
        Keep a file's bytes as they are; its own file on this machine has these and no others.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :return: the file, whose object must be abandoned some time; None when there is no file
        :raises StoreError: when the caller may not read it
        """
        objects = self._machine.objects
        for _ in range(_ATTEMPTS):
            with self._machine.database.read() as connection:
                found = locate(connection, store, names, caller).node
                if found is None or found.is_folder:
                    return None
                caller.require(found, READ)
            name = str(found.object)
            with objects.alone(name):
                with self._machine.database.read() as connection:
                    node = nodes.by_id(connection, found.id, caller.now)
                if node is None or node.object != name:
                    continue
                path = objects.path(store, name)
                if path.stat().st_size > node.length:
                    os.truncate(path, node.length)
                objects.pin(name)
                return node
        raise OSError(f"{path_text(names)} in store {store} is replaced again and again")

    def concatenate(
        self,
        store: str,
        names: Names,
        caller: Caller,
        sources: Sequence[Names],
        *,
        permission: int,
        delete_folder: bool = False,
        delete_empty: bool = False,
    ) -> None:
        """
        Join files to one; they are gone afterwards. A file that is there is joined in front of them.

        :param store: the store's name
        :param names: path of the joined file
        :param caller: who asks
        :param sources: paths of the files to join
        :param permission: mode bits of what is made
        :param delete_folder: whether the folder of the sources goes, with all that is in it
        :param delete_empty: whether folders go that hold nothing any more
        :raises StoreError: when a file is missing or named twice, or the caller may not
        """
        if not sources:
            raise invalid("Invalid sources: name at least one file")
        if len(set(sources)) != len(sources) or names in sources:
            raise invalid("Invalid sources: no file can be named twice, or be the destination")
        for _ in range(_ATTEMPTS):
            with self._machine.database.read() as connection:
                parts = self._parts(connection, store, names, caller, sources)
            made, length = self._machine.objects.join(store, [(str(n.object), n.length) for n in parts])
            done = False
            try:
                self._machine.failpoint("concat:written")
                with self._machine.database.transaction() as connection:
                    if self._parts(connection, store, names, caller, sources) == parts:
                        places = [locate(connection, store, source, caller) for source in sources]
                        if delete_folder:
                            self._remove_folder(connection, places, names, caller)
                        else:
                            self._remove_sources(connection, places, caller, delete_empty=delete_empty)
                        self._join(connection, store, names, caller, made, length, permission)
                        self._machine.changed()
                        done = True
            finally:
                if not done:
                    self._machine.objects.discard([(store, made)])
            if done:
                return
        raise invalid("Invalid sources: they are written to at the same time")

    def _parts(
        self,
        connection: sqlite3.Connection,
        store: str,
        names: Names,
        caller: Caller,
        sources: Sequence[Names],
    ) -> list[Node]:
        place = locate(connection, store, names, caller)
        self.check_create(place, caller, overwrite=True)
        parts = [] if place.node is None else [place.node]
        for source in sources:
            node = locate(connection, store, source, caller).require_file()
            caller.require(node, READ)
            parts.append(node)
        return parts

    def _remove_sources(
        self,
        connection: sqlite3.Connection,
        places: Sequence[Location],
        caller: Caller,
        *,
        delete_empty: bool,
    ) -> None:
        folders: dict[int, Location] = {}
        for place in places:
            if place.node is not None and place.parent is not None:
                require_removable(place.parent, place.node, caller)
                self._machine.remove(connection, place.node)
                nodes.touch(connection, place.parent.id, caller.now)
                folders[place.parent.id] = place
        for place in folders.values() if delete_empty else ():
            folder = place.parent
            if folder is not None and folder.parent and nodes.is_empty(connection, folder.id, caller.now):
                self._machine.remove(connection, folder)

    def _remove_folder(
        self, connection: sqlite3.Connection, places: Sequence[Location], names: Names, caller: Caller
    ) -> None:
        folders = {place.names[:-1] for place in places}
        folder = places[0].parent
        if len(folders) != 1 or folder is None or not folder.parent:
            raise invalid(
                "Invalid deleteSourceDirectory: all sources must be in one folder, which is not the root"
            )
        (way,) = folders
        if names[: len(way)] == way:
            raise invalid("Invalid deleteSourceDirectory: the destination is in the folder of the sources")
        require_removable(places[0].chain[-3], folder, caller)
        if not caller.principal.is_owner:
            for inner in nodes.folders_below(connection, folder.id):
                caller.require(inner, READ | WRITE | EXECUTE)
        self._machine.remove(connection, folder)
        nodes.touch(connection, folder.parent, caller.now)

    def _join(
        self,
        connection: sqlite3.Connection,
        store: str,
        names: Names,
        caller: Caller,
        made: str,
        length: int,
        permission: int,
    ) -> None:
        place = locate(connection, store, names, caller)
        if place.node is None:
            self.place(connection, place, caller, made, length, permission)
            return
        self._machine.discard_later([(store, str(place.node.object))])
        nodes.save(connection, place.node._replace(object=made, length=length, modified=caller.now))
