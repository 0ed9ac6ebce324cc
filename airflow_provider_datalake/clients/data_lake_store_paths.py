"""Paths in a store: checked before anything is sent."""

from __future__ import annotations

from urllib.parse import quote

from airflow_provider_datalake.exceptions import ConfigurationError

# What RFC 3986 allows in a part of a path.
_SAFE = "!$&'()*+,;=:@~"


def check_path(path: str, what: str = "path") -> str:
    """
    Check a path and bring it into its one form.

    :param path: absolute or relative to the root, parts separated by slashes
    :param what: whose path it is, for messages
    :return: the absolute path without a slash at its end; ``/`` for the root
    :raises ConfigurationError: when it is no path in a store; ``.`` and ``..`` never are
    """
    if not isinstance(path, str):
        raise ConfigurationError(f"{what} must be a text, got {path!r}")
    parts = [part for part in path.split("/") if part]
    if "//" in path.rstrip("/"):
        raise ConfigurationError(f"{what} has an empty part: {path!r}")
    for part in parts:
        if part in (".", ".."):
            raise ConfigurationError(f"{what} must not have the part {part!r}: {path!r}")
        if "\\" in part or any(ord(sign) < 32 or ord(sign) == 127 for sign in part):
            raise ConfigurationError(f"{what} must not have backslashes or control characters: {path!r}")
    return "/" + "/".join(parts)


def quote_path(path: str) -> str:
    """
    Write a path for a URL.

    :param path: a checked path
    :return: percent-encoded, slashes kept
    """
    return quote(path, safe=_SAFE + "/")


def parent_of(path: str) -> str:
    """
    Give the folder that something is in.

    :param path: a checked path
    :return: the folder's path
    """
    return path.rpartition("/")[0] or "/"


def name_of(path: str) -> str:
    """
    Give the last part of a path.

    :param path: a checked path
    :return: its name, empty for the root
    """
    return path.rpartition("/")[2]


def join(folder: str, name: str) -> str:
    """
    Go one level down.

    :param folder: a checked path
    :param name: a name, or a relative path
    :return: the path
    """
    return f"{folder.rstrip('/')}/{name}"
