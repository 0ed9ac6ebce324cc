"""Access control lists: how they are written, changed and inherited, and what they allow."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_datalake.emulator.identity.principals import Principal

READ, WRITE, EXECUTE = 4, 2, 1
DEFAULT_PERMISSION = 0o770
STICKY = 0o1000

_KINDS = ("user", "group", "mask", "other")
_NAME = re.compile(r"[^\s,:/]{1,256}")
_PERMISSIONS = re.compile(r"[r-][w-][x-]")
_BASE = (("user", ""), ("group", ""), ("other", ""))
_MASK = ("mask", "")

Key = tuple[str, str]


class AclEntry(NamedTuple):
    """
    One entry of a list.

    :param default: whether it is for what is created below a folder, not for the folder itself
    :param kind: ``user``, ``group``, ``mask`` or ``other``
    :param name: object id of a user or a group; empty for the owner, the owning group, mask and other
    :param permissions: bits of read, write and execute
    """

    default: bool
    kind: str
    name: str
    permissions: int


class AclError(ValueError):
    """A list that cannot be."""


def permissions_text(bits: int) -> str:
    """
    Write permissions.

    :param bits: of read, write and execute
    :return: e.g. ``r-x``
    """
    return "".join(letter if bits & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))


def parse_permissions(text: str) -> int:
    """
    Read permissions.

    :param text: e.g. ``r-x``
    :return: the bits
    :raises AclError: when it is something else
    """
    if not _PERMISSIONS.fullmatch(text):
        raise AclError(f"expected permissions like r-x, got {text!r}")
    return sum(bit for letter, bit in zip(text, (READ, WRITE, EXECUTE), strict=True) if letter != "-")


def parse_entries(text: str, *, permissions: bool = True) -> tuple[AclEntry, ...]:
    """
    Read a specification.

    :param text: ``[default:]user|group|mask|other:[name]:permissions``, separated by commas
    :param permissions: whether entries end with permissions; those that name what to remove do not
    :return: the entries
    :raises AclError: when the text is something else, or names one entry twice
    """
    entries = [_parse_entry(part.strip(), permissions) for part in text.split(",")]
    keys = [entry[:3] for entry in entries]
    for key in keys:
        if keys.count(key) > 1:
            raise AclError(f"{':'.join(key[1:])} is named twice")
    return tuple(entries)


def _parse_entry(text: str, permissions: bool) -> AclEntry:
    parts = text.split(":")
    default = parts[0].lower() == "default"
    if default:
        del parts[0]
    expected = "[default:]user|group|mask|other:[name]" + (":rwx" if permissions else "")
    kind = parts[0].lower()
    if kind not in _KINDS or not (2 <= len(parts) <= 3 if not permissions else len(parts) == 3):
        raise AclError(f"expected {expected}, got {text!r}")
    if not permissions and len(parts) == 3 and parts[2]:
        raise AclError(f"expected {expected}, without permissions, got {text!r}")
    name = parts[1]
    if name and (kind in ("mask", "other") or not _NAME.fullmatch(name)):
        raise AclError(f"{kind} cannot be for {name!r}, in {text!r}")
    return AclEntry(default, kind, name.lower(), parse_permissions(parts[2]) if permissions else 0)


def format_entries(entries: Iterable[AclEntry]) -> tuple[str, ...]:
    """
    Write entries.

    :param entries: the entries
    :return: e.g. ``user::rwx``, in their order
    """
    return tuple(
        f"{'default:' * entry.default}{entry.kind}:{entry.name}:{permissions_text(entry.permissions)}"
        for entry in entries
    )


@dataclass(frozen=True)
class Acl:
    """
    The list of one file or folder.

    :param access: permissions by kind and name; always has the owner's, the owning group's and other's
    :param default: what is created below inherits; empty, or has the three as well
    :param sticky: whether only owners may delete what is in the folder
    """

    access: Mapping[Key, int]
    default: Mapping[Key, int]
    sticky: bool = False

    @property
    def permission(self) -> int:
        """The mode bits that listings show: with a mask, it stands in the group's place."""
        group = self.access.get(_MASK, self.access["group", ""])
        return (
            (STICKY if self.sticky else 0)
            | self.access["user", ""] << 6
            | group << 3
            | self.access["other", ""]
        )

    @property
    def is_extended(self) -> bool:
        """Whether there is more than mode bits."""
        return bool(self.default) or len(self.access) > len(_BASE)

    def entries(self) -> tuple[AclEntry, ...]:
        """
        List all entries.

        :return: the entries in the order of the service: access before default, named ones by name
        """
        return tuple(
            AclEntry(default, kind, name, entries[kind, name])
            for default, entries in ((False, self.access), (True, self.default))
            for kind, name in sorted(entries, key=lambda key: (_KINDS.index(key[0]), key[1]))
        )

    def text(self) -> str:
        """
        Write what mode bits alone do not say.

        :return: all entries, separated by commas; empty when the mode bits say everything
        """
        return ",".join(format_entries(self.entries())) if self.is_extended else ""

    def replaced(self, entries: Iterable[AclEntry]) -> Acl:
        """
        Put other entries in the place of all; a list without defaults leaves the defaults as they are.

        :param entries: the new entries
        :return: the new list
        :raises AclError: when the owner, the owning group or other is missing
        """
        given = list(entries)
        access = _of(given, default=False)
        default = _of(given, default=True)
        if access and not all(key in access for key in _BASE):
            raise AclError("user::, group:: and other:: must be given")
        new_access = _with_mask(access, explicit=_MASK in access) if access else self.access
        new_default = (
            _with_mask({**_copied(new_access), **default}, explicit=_MASK in default)
            if default
            else self.default
        )
        return Acl(new_access, new_default, self.sticky)

    def modified(self, entries: Iterable[AclEntry]) -> Acl:
        """
        Add entries, or change those that are there.

        :param entries: the entries
        :return: the new list
        """
        given = list(entries)
        access, default = _of(given, default=False), _of(given, default=True)
        new_access = (
            _with_mask({**self.access, **access}, explicit=_MASK in access) if access else self.access
        )
        new_default = self.default
        if default:
            new_default = _with_mask(
                {**_copied(new_access), **self.default, **default}, explicit=_MASK in default
            )
        return Acl(new_access, new_default, self.sticky)

    def without(self, entries: Iterable[AclEntry]) -> Acl:
        """
        Remove entries; those that are not there do not matter.

        :param entries: the entries, whose permissions do not matter
        :return: the new list
        :raises AclError: when an entry would go that there must be: for the owner, a needed mask
        """
        access, default = dict(self.access), dict(self.default)
        changed: set[bool] = set()
        for entry in entries:
            key = (entry.kind, entry.name)
            if key in _BASE:
                raise AclError(f"{entry.kind}:: cannot be removed")
            changed.add(entry.default)
            (default if entry.default else access).pop(key, None)
        for entries_now, before in ((access, self.access), (default, self.default)):
            if _MASK in before and _MASK not in entries_now and _named(entries_now):
                raise AclError("the mask cannot be removed while there are entries for named users or groups")
        if False in changed and _MASK in access:
            access = _with_mask(access, explicit=False)
        if True in changed and _MASK in default:
            default = _with_mask(default, explicit=False)
        return Acl(access, default, self.sticky)

    def minimal(self) -> Acl:
        """
        Remove all access entries that are not the owner's, the owning group's or other's.

        :return: the new list
        """
        return Acl({key: self.access[key] for key in _BASE}, self.default, self.sticky)

    def without_default(self) -> Acl:
        """
        Remove all entries that are inherited.

        :return: the new list
        """
        return Acl(self.access, {}, self.sticky)

    def with_permission(self, permission: int) -> Acl:
        """
        Set mode bits.

        :param permission: e.g. ``0o770``
        :return: the new list; with a mask, the group's bits are the mask's
        """
        access = dict(self.access)
        access["user", ""] = permission >> 6 & 7
        access[_MASK if _MASK in access else ("group", "")] = permission >> 3 & 7
        access["other", ""] = permission & 7
        return Acl(access, self.default, bool(permission & STICKY))

    def child(self, permission: int, *, folder: bool) -> Acl:
        """
        Make the list of what is created below.

        :param permission: the mode bits that it is created with, which limit what it inherits
        :param folder: whether it is a folder, which inherits the defaults as its own ones
        :return: the new list
        """
        if not self.default:
            return from_permission(permission)
        access = dict(self.default)
        access["user", ""] &= permission >> 6 & 7
        access[_MASK if _MASK in access else ("group", "")] &= permission >> 3 & 7
        access["other", ""] &= permission & 7
        return Acl(access, dict(self.default) if folder else {}, folder and bool(permission & STICKY))

    def allows(self, owner: str, group: str, principal: Principal, wanted: int) -> bool:
        """
        Decide about an access.

        :param owner: object id of the owner
        :param group: object id of the owning group
        :param principal: who asks
        :param wanted: bits of read, write and execute, all of which must be allowed
        :return: True when it is allowed
        """
        if principal.is_owner:
            return True
        user = principal.object_id.lower()
        if user == owner.lower():
            return self.access["user", ""] & wanted == wanted
        mask = self.access.get(_MASK, 7)
        if ("user", user) in self.access:
            return self.access["user", user] & mask & wanted == wanted
        groups = {name.lower() for name in principal.groups}
        matching = [
            bits
            for (kind, name), bits in self.access.items()
            if kind == "group" and (name or group.lower()) in groups
        ]
        if matching:
            return any(bits & mask & wanted == wanted for bits in matching)
        return self.access["other", ""] & wanted == wanted


def from_permission(permission: int) -> Acl:
    """
    Make the list that says what mode bits say.

    :param permission: e.g. ``0o770``
    :return: the list
    """
    access = {
        ("user", ""): permission >> 6 & 7,
        ("group", ""): permission >> 3 & 7,
        ("other", ""): permission & 7,
    }
    return Acl(access, {}, bool(permission & STICKY))


@functools.lru_cache(maxsize=1024)
def stored_acl(permission: int, text: str) -> Acl:
    """
    Read a list as it is stored.

    :param permission: the mode bits
    :param text: from :meth:`Acl.text`
    :return: the list
    """
    if not text:
        return from_permission(permission)
    entries = parse_entries(text)
    return Acl(_of(entries, default=False), _of(entries, default=True), bool(permission & STICKY))


def _of(entries: Iterable[AclEntry], *, default: bool) -> dict[Key, int]:
    return {(entry.kind, entry.name): entry.permissions for entry in entries if entry.default == default}


def _copied(access: Mapping[Key, int]) -> dict[Key, int]:
    """Give what a list of defaults has where nothing was said."""
    return {key: access[key] for key in _BASE}


def _named(entries: Mapping[Key, int]) -> bool:
    return any(name for _, name in entries)


def _with_mask(entries: Mapping[Key, int], *, explicit: bool) -> dict[Key, int]:
    """Complete a list with the mask that it needs, which allows what any group's entry allows."""
    result = dict(entries)
    if not explicit and (_named(result) or _MASK in result):
        mask = 0
        for (kind, name), bits in result.items():
            if name or kind == "group":
                mask |= bits
        result[_MASK] = mask
    return result
