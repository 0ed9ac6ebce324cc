"""The bytes of files: writing, appending, reading, joining."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

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
from airflow_provider_datalake.emulator.data_lake_store.objects import Content
from airflow_provider_datalake.emulator.data_lake_store.paths import path_text

if TYPE_CHECKING:
    import sqlite3

    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller
    from airflow_provider_datalake.emulator.data_lake_store.machine import Machine
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node
    from airflow_provider_datalake.emulator.data_lake_store.objects import OpenFile

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
            copy, _ = objects.join(node.store, [node.tail])
            changed = changed._replace(object=copy)
        target = str(changed.object)
        try:
            if content.size or writing.close:
                self._write(node.store, target, content, node.tail.length, sync=writing.close)
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

    def open(
        self, store: str, names: Names, caller: Caller, offset: int = 0, count: int | None = None
    ) -> OpenFile:
        """
        Open a file for reading; it can be read as it is now, whatever becomes of it.

        :param store: the store's name
        :param names: its path
        :param caller: who asks
        :param offset: the first byte that will be read
        :param count: how many bytes will be read at most, None for all
        :return: the open file, which the caller closes
        :raises StoreError: when there is no file, or the caller may not read it
        """
        for _ in range(_ATTEMPTS):
            with self._machine.database.read() as connection:
                node = locate(connection, store, names, caller).require_file()
                caller.require(node, READ)
                segments = nodes.segments(connection, node)
            end = node.length if count is None else min(node.length, offset + count)
            try:
                return self._machine.objects.open(store, segments, offset, end)
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
                if node.head:
                    self._gather(node)
                    continue
                path = objects.path(store, name)
                if path.stat().st_size > node.length:
                    os.truncate(path, node.length)
                objects.pin(name)
                return node
        raise OSError(f"{path_text(names)} in store {store} is replaced again and again")

    def _gather(self, node: Node) -> None:
        """Give a file one object instead of its segments."""
        with self._machine.database.read() as connection:
            if nodes.by_id(connection, node.id, 0) != node:
                return
            old = nodes.segments(connection, node)
        try:
            made, length = self._machine.objects.join(node.store, old)
        except FileNotFoundError:
            # The file has been deleted meanwhile.
            return
        done = False
        try:
            with self._machine.database.transaction() as connection:
                if nodes.by_id(connection, node.id, 0) == node:
                    nodes.set_segments(connection, node, [nodes.Segment(made, length)])
                    self._machine.discard_later([(node.store, segment.object) for segment in old])
                    self._machine.changed()
                    done = True
        finally:
            if not done:
                self._machine.objects.discard([(node.store, made)])
