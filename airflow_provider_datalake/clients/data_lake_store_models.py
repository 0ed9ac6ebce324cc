"""What a store says about its files: status, summary, access control lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_datalake.exceptions import ConfigurationError, ServiceError


@dataclass(frozen=True)
class FileStatus:
    """
    What a store says about a file or a folder.

    :param path: its absolute path
    :param is_folder: whether it is a folder
    :param size: bytes, 0 for a folder
    :param modified: epoch seconds
    :param accessed: epoch seconds
    :param owner: the owner's object id
    :param group: the owning group's object id
    :param permission: octal digits, e.g. ``770``
    :param expires: epoch seconds, None when it never does
    :param has_acl: whether it has entries beyond those of its permission
    """

    path: str
    is_folder: bool
    size: int
    modified: float
    accessed: float
    owner: str
    group: str
    permission: str
    expires: float | None = None
    has_acl: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @classmethod
    def from_json(cls, found: dict[str, Any], path: str) -> FileStatus:
        """
        Read what the service says.

        :param found: a ``FileStatus`` of WebHDFS
        :param path: the absolute path that it is about
        :return: the status
        :raises ServiceError: when it is not one
        """
        try:
            expires = int(found.get("msExpirationTime") or 0)
            return cls(
                path=path,
                is_folder=found["type"] == "DIRECTORY",
                size=int(found["length"]),
                modified=int(found["modificationTime"]) / 1000,
                accessed=int(found["accessTime"]) / 1000,
                owner=str(found.get("owner", "")),
                group=str(found.get("group", "")),
                permission=str(found.get("permission", "")),
                expires=expires / 1000 if expires else None,
                has_acl=bool(found.get("aclBit")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ServiceError(f"the service's answer about {path} cannot be read: {error!r}") from error


@dataclass(frozen=True)
class ContentSummary:
    """
    What is in a folder, all levels counted.

    :param folders: how many folders
    :param files: how many files
    :param size: bytes
    """

    folders: int
    files: int
    size: int


_ENTRY = re.compile(
    r"(?P<default>default:)?(?P<kind>user|group|mask|other):(?P<name>[^\s,:/]*)(?::(?P<bits>[r-][w-][x-]))?"
)


@dataclass(frozen=True)
class AclEntry:
    """
    One entry of an access control list.

    :param kind: ``user``, ``group``, ``mask`` or ``other``
    :param name: object id of a user or a group; empty for the owner, the owning group, mask and other
    :param permissions: e.g. ``r-x``; empty in an entry that is to be removed
    :param default: whether it is for what is created below a folder
    """

    kind: str
    name: str
    permissions: str
    default: bool = False

    @classmethod
    def parse(cls, text: str) -> AclEntry:
        """
        Read an entry.

        :param text: e.g. ``default:user:<object id>:r-x``
        :return: the entry
        :raises ConfigurationError: when it is not one
        """
        match = _ENTRY.fullmatch(text.strip())
        if match is None or (match["kind"] in ("mask", "other") and match["name"]):
            raise ConfigurationError(
                f"{text!r} is no entry of an access control list; expected e.g. user:<object id>:r-x"
            )
        return cls(match["kind"], match["name"], match["bits"] or "", bool(match["default"]))

    def __str__(self) -> str:
        """Write it as the service does."""
        text = f"{'default:' if self.default else ''}{self.kind}:{self.name}"
        return f"{text}:{self.permissions}" if self.permissions else text


def format_acl(entries: str | list[str] | list[AclEntry] | tuple[AclEntry, ...]) -> str:
    """
    Write a list for a request.

    :param entries: entries, texts of entries, or one text with commas
    :return: the text that the service takes
    :raises ConfigurationError: when an entry is none, or there are none
    """
    given = entries.split(",") if isinstance(entries, str) else entries
    parsed = [entry if isinstance(entry, AclEntry) else AclEntry.parse(entry) for entry in given]
    if not parsed:
        raise ConfigurationError("an access control list needs at least one entry")
    return ",".join(str(entry) for entry in parsed)


@dataclass(frozen=True)
class AclStatus:
    """
    The access control list of a file or a folder.

    :param owner: the owner's object id
    :param group: the owning group's object id
    :param permission: octal digits
    :param entries: the entries
    """

    owner: str
    group: str
    permission: str
    entries: tuple[AclEntry, ...]
