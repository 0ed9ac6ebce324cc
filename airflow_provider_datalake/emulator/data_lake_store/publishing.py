"""Results of jobs: many files put in place as one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store.acl import DEFAULT_PERMISSION
from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.locations import Caller, locate
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.objects import sync_folder
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from airflow_provider_datalake.emulator.data_lake_store.contents import Contents
    from airflow_provider_datalake.emulator.data_lake_store.machine import Machine
    from airflow_provider_datalake.emulator.identity.principals import Principal

StagedFile = tuple[str, str, Path]


class Publishing:
    """
    Puts the results of jobs in place.

    :param machine: what it works with
    :param contents: the stores' files
    """

    def __init__(self, machine: Machine, contents: Contents) -> None:
        self._machine = machine
        self._contents = contents

    def is_committed(self, marker: str) -> bool:
        """
        Tell whether something has been published.

        :param marker: e.g. a job's id
        :return: True when its files are in place
        """
        with self._machine.database.read() as connection:
            return _is_committed(connection, marker)

    def publish(
        self,
        marker: str,
        files: Sequence[StagedFile],
        principal: Principal,
        extra: Callable[[sqlite3.Connection], None] | None,
    ) -> None:
        """
        Put many files in place at once, see :meth:`DataLakeStoreService.publish`.

        :param marker: what :meth:`is_committed` knows afterwards
        :param files: store, path in the store, and where the bytes are on this machine
        :param principal: will own them
        :param extra: what else is written in the same transaction
        :raises PermissionError: when the principal may not write to one of the paths
        :raises ValueError: when a path or a store cannot be
        """
        caller = new_caller(principal, "CREATE")
        linked: list[tuple[str, str]] = []
        committed = False
        try:
            wanted = [(store, parse_path(path), local) for store, path, local in files]
            if len({item[:2] for item in wanted}) != len(wanted):
                raise ValueError("two of the files to publish have the same path")
            if self.is_committed(marker):
                return
            for store, _, local in wanted:
                linked.append(self._link(store, local))
                self._machine.failpoint("publish:linked-one")
            self._sync(linked)
            self._machine.failpoint("publish:linked")
            with self._machine.database.transaction() as connection:
                if _is_committed(connection, marker):
                    return
                for (store, names, _), (_, name) in zip(wanted, linked, strict=True):
                    self._place(connection, store, names, name, caller)
                connection.execute("INSERT INTO publications VALUES (?, ?)", (marker, caller.now))
                if extra is not None:
                    extra(connection)
                self._machine.changed()
            committed = True
        except StoreError as error:
            if error.status == 403 and error.exception == "AccessControlException":
                raise PermissionError(error.message) from error
            raise ValueError(error.message) from error
        finally:
            if not committed:
                self._machine.objects.discard(linked)
        for _, _, local in files:
            local.unlink(missing_ok=True)

    def _link(self, store: str, local: Path) -> tuple[str, str]:
        """Give the bytes a second name; so nothing is lost when the transaction fails."""
        name, path = self._machine.objects.reserve(store)
        descriptor = os.open(local, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.link(local, path)
        return store, name

    def _sync(self, linked: Sequence[tuple[str, str]]) -> None:
        for folder in {self._machine.objects.path(store, name).parent for store, name in linked}:
            sync_folder(folder)

    def _place(
        self, connection: sqlite3.Connection, store: str, names: tuple[str, ...], name: str, caller: Caller
    ) -> None:
        place = locate(connection, store, names, caller)
        self._contents.check_create(place, caller, overwrite=True)
        length = self._machine.objects.path(store, name).stat().st_size
        self._contents.place(connection, place, caller, name, length, DEFAULT_PERMISSION)


def _is_committed(connection: sqlite3.Connection, marker: str) -> bool:
    row = connection.execute("SELECT 1 FROM publications WHERE marker = ?", (marker,)).fetchone()
    return row is not None
