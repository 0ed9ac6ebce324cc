"""Paths in a store: checked before anything is sent, and the names of what is still being written."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from airflow_provider_datalake.exceptions import ConfigurationError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12,16}\.(tmp|parts|whole|partial|ranges)")


def check_path(path: str, what: str = "path") -> str:
    """
    Check a path and bring it into its one form.

    :param path: absolute, parts separated by slashes
    :param what: whose path it is, for messages
    :return: the path without a slash at its end; ``/`` for the root
    :raises ConfigurationError: when it is no path in a store; ``.`` and ``..`` never are
    """
    if not isinstance(path, str):
        raise ConfigurationError(f"{what} must be a text, got {path!r}")
    if not path.startswith("/"):
        raise ConfigurationError(
            f"{what} must be an absolute path in the store, e.g. /raw/a.csv, got {path!r}"
        )
    inner = path[1:-1] if path.endswith("/") and len(path) > 1 else path[1:]
    if not inner and path != "/":
        raise ConfigurationError(f"{what} has an empty part: {path!r}")
    for part in inner.split("/") if inner else ():
        _check_part(part, path, what)
    return f"/{inner}"


def _check_part(part: str, path: str, what: str) -> None:
    if not part:
        raise ConfigurationError(f"{what} has an empty part: {path!r}")
    if part in (".", ".."):
        raise ConfigurationError(f"{what} must not have the part {part!r}: {path!r}")
    # Cc: control characters; Cs: halves of characters, from file names that are no valid text.
    if "\\" in part or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in part):
        raise ConfigurationError(
            f"{what} must not have backslashes, control characters or bytes that are no text: {path!r}"
        )


def quote_path(path: str) -> str:
    """
    Write a path for a URL.

    :param path: a checked path
    :return: percent-encoded, slashes kept
    """
    return quote(path, safe="/~")


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


def temporary_path(path: str, key: str, kind: str) -> str:
    """
    Name what will become a file, beside it: what is below the same folder has the same rights.

    :param path: the file's checked path
    :param key: 12 to 16 hexadecimal digits
    :param kind: ``tmp``, ``parts`` or ``whole``
    :return: a path for which ``is_temporary`` is true
    """
    return join(parent_of(path), f".{name_of(path)}.{key}.{kind}")


def is_temporary(name: str) -> bool:
    """
    Tell whether something is still being written, or was left by a writer that died.

    :param name: the last part of a path
    :return: whether its name is one that ``temporary_path`` or a download gives
    """
    return _TEMPORARY.fullmatch(name) is not None
