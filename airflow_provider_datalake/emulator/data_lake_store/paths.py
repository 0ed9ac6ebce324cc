"""Paths in a store: checked once, where they come in; names are case-sensitive and kept as they are."""

from __future__ import annotations

from airflow_provider_datalake.emulator.data_lake_store.errors import invalid

MAX_NAME = 255
MAX_PATH = 4096


def parse_path(text: str) -> tuple[str, ...]:
    """
    Take a path apart.

    :param text: the decoded path; slashes at its ends do not count
    :return: the names on the way, none for the root
    :raises StoreError: when no file can have such a path: it has empty names, ``.``, ``..``, a backslash or
        control characters, or is too long
    """
    inner = text.strip("/")
    if not inner:
        return ()
    if len(inner) > MAX_PATH:
        raise invalid(f"Invalid path: it has {len(inner)} characters, at most {MAX_PATH} are allowed")
    names = tuple(inner.split("/"))
    for name in names:
        _check(name, text)
    return names


def _check(name: str, path: str) -> None:
    if name == "":
        reason = "it has an empty name between two slashes"
    elif name in (".", ".."):
        reason = f"{name!r} cannot be a name"
    elif len(name) > MAX_NAME:
        reason = f"a name has {len(name)} characters, at most {MAX_NAME} are allowed"
    elif "\\" in name:
        reason = "names cannot have a backslash"
    elif any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in name):
        reason = "names cannot have control characters"
    elif any(0xD800 <= ord(character) < 0xE000 or character == "\ufffd" for character in name):
        reason = "it is not valid UTF-8"
    else:
        return
    raise invalid(f"Invalid path {path[:200]!r}: {reason}")


def path_text(names: tuple[str, ...]) -> str:
    """
    Write a path.

    :param names: the names on the way
    :return: the absolute path
    """
    return "/" + "/".join(names)
