"""Users and groups in owners and access control lists: kept by id, given and asked for by name as well."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store.errors import invalid
from airflow_provider_datalake.emulator.identity.directory import object_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_store.acl import AclEntry
    from airflow_provider_datalake.emulator.identity.service import IdentityService


class People:
    """
    Finds the ids of names, and the names of ids.

    :param config: names the groups
    :param identity: knows the users
    """

    def __init__(self, config: Config, identity: IdentityService) -> None:
        self._identity = identity
        self._group_names = {object_id(name): name for name, _ in config.groups}
        self._group_ids = {name.lower(): object_id(name) for name, _ in config.groups}

    def id_of(self, text: str, *, is_group: bool) -> str:
        """
        Find an id.

        :param text: the id, of anybody in any directory, or the name of somebody in this one
        :param is_group: whether it is a group's
        :return: the id
        :raises StoreError: when it is a name that nobody has
        """
        if _is_guid(text):
            return text
        if is_group:
            found = self._group_ids.get(text.lower())
        else:
            principal = self._identity.directory.by_object_id(text, "User")
            found = None if principal is None else principal.object_id
        if found is None:
            kind = "group" if is_group else "user"
            raise invalid(f"There is no {kind} {text!r} in the directory; expected an object id or a name")
        return found

    def name_of(self, identity: str, *, is_group: bool) -> str:
        """
        Find a name.

        :param identity: the id
        :param is_group: whether it is a group's
        :return: the name; the id again for what this directory does not know
        """
        if is_group:
            return self._group_names.get(identity.lower(), identity)
        principal = self._identity.directory.by_object_id(identity, "User")
        return identity if principal is None else principal.name

    def with_ids(self, entries: Iterable[AclEntry]) -> tuple[AclEntry, ...]:
        """
        Put ids in the place of names.

        :param entries: of an access control list
        :return: the same entries
        :raises StoreError: when there is a name that nobody has
        """
        return tuple(
            entry._replace(name=self.id_of(entry.name, is_group=entry.kind == "group").lower())
            if entry.name
            else entry
            for entry in entries
        )

    def with_names(self, entries: Iterable[AclEntry]) -> tuple[AclEntry, ...]:
        """
        Put names in the place of ids.

        :param entries: of an access control list
        :return: the same entries
        """
        return tuple(
            entry._replace(name=self.name_of(entry.name, is_group=entry.kind == "group"))
            if entry.name
            else entry
            for entry in entries
        )


def _is_guid(text: str) -> bool:
    try:
        return len(text) == 36 and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
