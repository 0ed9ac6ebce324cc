"""Who may do what with the files of a store, whose they are, and until when they are there."""

from __future__ import annotations

import re
from typing import Literal, get_args

from airflow_provider_datalake.clients.data_lake_store_calls import StoreCalls
from airflow_provider_datalake.clients.data_lake_store_errors import ACCESS_DENIED
from airflow_provider_datalake.clients.data_lake_store_models import AclEntry, AclStatus, format_acl
from airflow_provider_datalake.exceptions import AuthenticationError, ConfigurationError

Expiry = Literal["NeverExpire", "RelativeToNow", "RelativeToCreationDate", "Absolute"]
_PERMISSION = re.compile(r"[01]?[0-7]{3}")
_ACTION = re.compile(r"[r-][w-][x-]")


class StoreRights(StoreCalls):
    """The operations on rights, owners and expiry."""

    def may(self, path: str, action: str) -> bool:
        """
        Ask whether the connection may do something.

        :param path: a file or a folder
        :param action: three of ``rwx``, e.g. ``r--``
        :return: whether it may
        """
        if not _ACTION.fullmatch(action):
            raise ConfigurationError(f"action must be three of rwx, e.g. r-x, got {action!r}")
        try:
            self.send("GET", "CHECKACCESS", path, repeatable=True, fsaction=action)
        except AuthenticationError as error:
            if error.code == ACCESS_DENIED:
                return False
            raise
        return True

    def set_expiry(self, path: str, option: Expiry, seconds: float | None = None) -> None:
        """
        Say when a file vanishes.

        :param path: the file
        :param option: what ``seconds`` counts from
        :param seconds: seconds; epoch seconds with ``Absolute``, nothing with ``NeverExpire``
        """
        if option not in get_args(Expiry):
            raise ConfigurationError(f"expiry must be one of {', '.join(get_args(Expiry))}, got {option!r}")
        if (seconds is None) is not (option == "NeverExpire") or (seconds is not None and seconds < 0):
            raise ConfigurationError(f"expiry {option} does not go with seconds={seconds!r}")
        milliseconds = None if seconds is None else round(seconds * 1000)
        self.send(
            "PUT",
            "SETEXPIRY",
            path,
            repeatable=option != "RelativeToNow",
            extension=True,
            expiryOption=option,
            expireTime=milliseconds,
        )

    def set_permission(self, path: str, permission: str) -> None:
        """
        Change the permission of a file or a folder.

        :param path: its path
        :param permission: octal digits, e.g. ``750``
        """
        if not _PERMISSION.fullmatch(permission):
            raise ConfigurationError(f"permission must be octal digits, e.g. 750, got {permission!r}")
        self.send("PUT", "SETPERMISSION", path, repeatable=True, permission=permission)

    def set_owner(self, path: str, owner: str | None = None, group: str | None = None) -> None:
        """
        Change the owner or the owning group.

        :param path: a file or a folder
        :param owner: object id, None to keep the owner
        :param group: object id, None to keep the group
        """
        if owner is None and group is None:
            raise ConfigurationError("set_owner needs an owner or a group")
        self.send("PUT", "SETOWNER", path, repeatable=True, owner=owner, group=group)

    def acl(self, path: str) -> AclStatus:
        """
        Read an access control list.

        :param path: a file or a folder
        :return: the list
        """
        found = self.read_object(self.send("GET", "MSGETACLSTATUS", path, repeatable=True), "AclStatus")
        entries = tuple(AclEntry.parse(text) for text in found.get("entries") or ())
        return AclStatus(str(found["owner"]), str(found["group"]), str(found.get("permission", "")), entries)

    def set_acl(self, path: str, entries: str | list[str]) -> None:
        """
        Replace an access control list.

        :param path: a file or a folder
        :param entries: all entries, see ``AclEntry``
        """
        self.send("PUT", "SETACL", path, repeatable=True, aclSpec=format_acl(entries))

    def modify_acl(self, path: str, entries: str | list[str]) -> None:
        """
        Add entries to an access control list, or change them.

        :param path: a file or a folder
        :param entries: the entries
        """
        self.send("PUT", "MODIFYACLENTRIES", path, repeatable=True, aclSpec=format_acl(entries))

    def remove_acl_entries(self, path: str, entries: str | list[str]) -> None:
        """
        Remove entries from an access control list.

        :param path: a file or a folder
        :param entries: the entries, without permissions
        """
        self.send("PUT", "REMOVEACLENTRIES", path, repeatable=True, aclSpec=format_acl(entries))

    def remove_acl(self, path: str, *, default_only: bool = False) -> None:
        """
        Remove all entries beyond those of the permission.

        :param path: a file or a folder
        :param default_only: whether only those for new files are removed
        """
        op = "REMOVEDEFAULTACL" if default_only else "REMOVEACL"
        self.send("PUT", op, path, repeatable=True)
