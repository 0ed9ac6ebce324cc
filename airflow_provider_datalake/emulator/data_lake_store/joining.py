"""Joining files to one, without copying bytes when there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store import nodes
from airflow_provider_datalake.emulator.data_lake_store.acl import EXECUTE, READ, WRITE
from airflow_provider_datalake.emulator.data_lake_store.errors import invalid
from airflow_provider_datalake.emulator.data_lake_store.locations import Location, locate
from airflow_provider_datalake.emulator.data_lake_store.machine import require_removable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.data_lake_store.contents import Contents
    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller
    from airflow_provider_datalake.emulator.data_lake_store.machine import Machine
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node, Segment

Names = tuple[str, ...]

COPIED_BYTES = 16 * 1024 * 1024
"""Up to so many bytes are copied to one new object; of more, the old objects become segments."""
MAX_SEGMENTS = 1000
_ATTEMPTS = 5


class Joining:
    """
    The operations that join files.

    :param machine: what they work with
    :param contents: the stores' files
    """

    def __init__(self, machine: Machine, contents: Contents) -> None:
        self._machine = machine
        self._contents = contents

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
                old = [segment for part in parts for segment in nodes.segments(connection, part)]
            joined, copied = self._joined(store, old)
            done = False
            try:
                self._machine.failpoint("concat:written")
                with self._machine.database.transaction() as connection:
                    if self._parts(connection, store, names, caller, sources) == parts:
                        places = [locate(connection, store, source, caller) for source in sources]
                        self._remove_sources(connection, places, caller, delete_empty=delete_empty)
                        if delete_folder:
                            self._remove_folder(connection, places, names, caller)
                        self._put(connection, store, names, caller, joined, permission)
                        kept = {segment.object for segment in joined}
                        unneeded = [(store, one.object) for one in old if one.object not in kept]
                        self._machine.discard_later(unneeded)
                        self._machine.changed()
                        done = True
            finally:
                if copied and not done:
                    self._machine.objects.discard([(store, segment.object) for segment in joined])
            if done:
                return
        raise invalid("Invalid sources: they are written to at the same time")

    def _joined(self, store: str, old: Sequence[Segment]) -> tuple[list[Segment], bool]:
        """Give what holds all bytes, and whether it is a copy."""
        filled = [segment for segment in old if segment.length]
        total = sum(segment.length for segment in filled)
        if total <= COPIED_BYTES or len(filled) > MAX_SEGMENTS:
            made, length = self._machine.objects.join(store, filled)
            return [nodes.Segment(made, length)], True
        for segment in filled:
            self._machine.objects.sync(store, segment.object)
        return filled, False

    def _parts(
        self,
        connection: sqlite3.Connection,
        store: str,
        names: Names,
        caller: Caller,
        sources: Sequence[Names],
    ) -> list[Node]:
        place = locate(connection, store, names, caller)
        self._contents.check_create(place, caller, overwrite=True)
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
        folders: dict[int, Node] = {}
        for place in places:
            if place.node is not None and place.parent is not None:
                require_removable(place.parent, place.node, caller)
                self._machine.remove_keeping_bytes(connection, place.node)
                nodes.touch(connection, place.parent.id, caller.now)
                folders[place.parent.id] = place.parent
        for folder in folders.values() if delete_empty else ():
            if folder.parent is not None and nodes.is_empty(connection, folder.id, caller.now):
                self._machine.remove(connection, folder)

    def _remove_folder(
        self, connection: sqlite3.Connection, places: Sequence[Location], names: Names, caller: Caller
    ) -> None:
        folders = {place.names[:-1] for place in places}
        folder = places[0].parent
        if len(folders) != 1 or folder is None or folder.parent is None:
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

    def _put(
        self,
        connection: sqlite3.Connection,
        store: str,
        names: Names,
        caller: Caller,
        joined: Sequence[Segment],
        permission: int,
    ) -> None:
        place = locate(connection, store, names, caller)
        node = place.node
        if node is None:
            last = joined[-1]
            node = self._contents.place(connection, place, caller, last.object, last.length, permission)
        nodes.set_segments(connection, node._replace(modified=caller.now), joined)
