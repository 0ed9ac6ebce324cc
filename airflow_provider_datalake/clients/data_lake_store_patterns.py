"""Patterns of paths in a store: ``*``, ``?`` and ``[`` match within one part, ``**`` any number of parts."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store_paths import check_path, is_temporary
from airflow_provider_datalake.exceptions import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus

_SIGNS = "*?["


def is_pattern(path: str) -> bool:
    """
    Tell whether a path is a pattern.

    :param path: a path; ``[[]``, ``[*]`` and ``[?]`` stand for the signs themselves
    :return: whether it has one of the signs of patterns
    """
    return any(sign in path for sign in _SIGNS)


def fixed_folder(pattern: str) -> str:
    """
    Give the folder above the first part of a pattern that is not fixed.

    :param pattern: an absolute path with patterns
    :return: the folder
    """
    parts: list[str] = []
    for part in pattern.split("/")[:-1]:
        if is_pattern(part):
            break
        parts.append(part)
    return "/".join(parts) or "/"


def matches(path: str, pattern: str) -> bool:
    """
    Tell whether a path matches a pattern.

    A part that begins with a dot matches only a pattern's part that does so too, as in a shell.

    :param path: an absolute path
    :param pattern: an absolute path with patterns
    :return: whether it does
    """
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Match part by part; where it fails, the last ``**`` takes one part more."""
    part, pattern = 0, 0
    again: tuple[int, int] | None = None
    while part < len(parts):
        if pattern < len(patterns) and patterns[pattern] == "**":
            again = (part, pattern)
            pattern += 1
        elif pattern < len(patterns) and _match_part(parts[part], patterns[pattern]):
            part, pattern = part + 1, pattern + 1
        elif again is not None and not parts[again[0]].startswith("."):
            again = (again[0] + 1, again[1])
            part, pattern = again[0], again[1] + 1
        else:
            return False
    return all(one == "**" for one in patterns[pattern:])


def _match_part(part: str, pattern: str) -> bool:
    if part.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatch.fnmatchcase(part, pattern)


def files_below(store: DataLakeStore, folder: str) -> Iterator[FileStatus]:
    """
    List the files below a folder, in all levels, but those that are still being written.

    :param store: the store
    :param folder: the folder; a file lists itself
    :return: the files
    :raises NotFoundError: when there is nothing
    """
    return _walk(store, store.children(folder))


def _walk(store: DataLakeStore, items: Iterable[FileStatus]) -> Iterator[FileStatus]:
    for item in items:
        if is_temporary(item.name):
            continue
        if item.is_folder:
            yield from _walk(store, _children_if_there(store, item.path))
        else:
            yield item


def _children_if_there(store: DataLakeStore, folder: str) -> Iterator[FileStatus]:
    """List a folder that may have been removed since it was seen: then nothing is in it."""
    try:
        yield from store.children(folder)
    except NotFoundError:
        return


def files_matching(store: DataLakeStore, pattern: str) -> Iterator[FileStatus]:
    """
    List the files of a pattern, but those that are still being written.

    :param store: the store
    :param pattern: an absolute path with patterns
    :return: the files, folder by folder in the order of their names; nothing when there is no such folder
    """
    checked = check_path(pattern, "pattern")
    folder = fixed_folder(checked)
    depth = folder.rstrip("/").count("/") + 1
    return _below(store, folder, checked.split("/"), depth)


def _below(store: DataLakeStore, folder: str, patterns: list[str], depth: int) -> Iterator[FileStatus]:
    """Go down only where the pattern may lead."""
    endless = "**" in patterns[: depth + 1]
    last = depth + 1 >= len(patterns) and not endless
    for item in _children_if_there(store, folder):
        if is_temporary(item.name):
            continue
        parts = item.path.split("/")
        if not item.is_folder:
            if _match(parts, patterns):
                yield item
        elif endless or (not last and _match(parts, patterns[: depth + 1])):
            yield from _below(store, item.path, patterns, depth + 1)
