"""The parameters of a request, whose names have no case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from airflow_provider_datalake.emulator.data_lake_store.acl import (
    DEFAULT_PERMISSION,
    AclEntry,
    AclError,
    parse_entries,
)
from airflow_provider_datalake.emulator.data_lake_store.errors import invalid
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_OCTAL = re.compile(r"[0-7]{1,4}")
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_IDENTITY = re.compile(r"[^\s,:/]{1,256}")
_MAX_FIELDS = 200
_LARGEST = 2**63 - 1


class Parameters:
    """
    The parameters of a request.

    :param query: the query string as it was sent
    :raises StoreError: when it is not UTF-8, or has too many parts
    """

    def __init__(self, query: bytes) -> None:
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
            )
        except ValueError as error:
            raise invalid(f"Invalid query: {error}") from error
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), value)

    def text(self, name: str) -> str | None:
        """
        Read a parameter.

        :param name: its name
        :return: its value, None when it is missing or empty
        """
        return self._values.get(name.lower()) or None

    def required(self, name: str) -> str:
        """
        Read a parameter that must be given.

        :param name: its name
        :return: its value
        :raises StoreError: when it is missing or empty
        """
        value = self.text(name)
        if value is None:
            raise invalid(f"The parameter {name} is missing")
        return value

    def number(self, name: str, *, least: int = 0, most: int = _LARGEST) -> int | None:
        """
        Read a whole number.

        :param name: the parameter's name
        :param least: the smallest one that is allowed
        :param most: the largest one that is allowed
        :return: the number, None when it is missing or empty
        :raises StoreError: when it is something else
        """
        value = self.text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
            raise invalid(
                f"Invalid value for {name}: expected a whole number from {least} to {most}, got {value!r}"
            )
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """
        Read a yes or no.

        :param name: the parameter's name
        :param default: what it is when it is missing or empty
        :return: the value
        :raises StoreError: when it is neither true nor false
        """
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise invalid(f"Invalid value for {name}: expected true or false, got {value!r}")
        return value.lower() == "true"

    def choice(self, name: str, choices: Mapping[str, str], default: str | None = None) -> str:
        """
        Read one of several words, whose case does not matter.

        :param name: the parameter's name
        :param choices: the words as they are documented, by how they read in lower case
        :param default: what it is when it is missing; None when it must be given
        :return: the word
        :raises StoreError: when it is none of them
        """
        value = self.text(name)
        if value is None and default is not None:
            return default
        found = choices.get((value or "").lower())
        if found is None:
            expected = ", ".join(choices.values())
            raise invalid(f"Invalid value for {name}: expected one of {expected}, got {value!r}")
        return found

    def permission(self) -> int | None:
        """
        Read mode bits.

        :return: ``permission``, None when it is missing or empty
        :raises StoreError: when it is not an octal number up to 1777
        """
        value = self.text("permission")
        if value is None:
            return None
        if not _OCTAL.fullmatch(value) or int(value, 8) > 0o1777:
            raise invalid(f"Invalid value for permission: expected an octal number up to 1777, got {value!r}")
        return int(value, 8)

    def permission_or_default(self) -> int:
        """
        Read the mode bits of what is made.

        :return: ``permission``, or what the service takes without it
        :raises StoreError: when it is not an octal number up to 1777
        """
        value = self.permission()
        return DEFAULT_PERMISSION if value is None else value

    def acl_entries(self, *, permissions: bool = True) -> tuple[AclEntry, ...]:
        """
        Read entries of an access control list.

        :param permissions: whether they end with permissions
        :return: ``aclSpec``
        :raises StoreError: when it is missing or malformed
        """
        try:
            return parse_entries(self.required("aclSpec"), permissions=permissions)
        except AclError as error:
            raise invalid(f"Invalid value for aclSpec: {error}") from error

    def identity(self, name: str) -> str | None:
        """
        Read the id of a user or a group.

        :param name: the parameter's name
        :return: the id, None when it is missing or empty
        :raises StoreError: when nobody can have such an id
        """
        value = self.text(name)
        if value is not None and not _IDENTITY.fullmatch(value):
            raise invalid(
                f"Invalid value for {name}: expected the id of a user or a group, got {value[:100]!r}"
            )
        return value

    def path(self, name: str) -> tuple[str, ...]:
        """
        Read a path.

        :param name: the parameter's name
        :return: the names on the way
        :raises StoreError: when it is missing, or no file can have it
        """
        return parse_path(self.required(name))
