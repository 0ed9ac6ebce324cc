"""Files on object storage as transfers need them: found by glob, removed when an earlier attempt left any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError
from airflow_provider_datalake.filesystems.local import is_local

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import ObjectStoragePath


def find_files(
    source: str | ObjectStoragePath | Sequence[str | ObjectStoragePath], conn_id: str | None = None
) -> list[ObjectStoragePath]:
    """
    Find files.

    :param source: one or several paths or URIs; ``*``, ``?`` and ``[`` make one a pattern
    :param conn_id: the connection for the storage, where the URI does not name it
    :return: the files, a pattern's in alphabetical order
    :raises NotFoundError: when a file does not exist or a pattern matches none
    """
    from airflow.sdk import ObjectStoragePath

    given = [source] if isinstance(source, (str, ObjectStoragePath)) else list(source)
    if not given:
        raise ConfigurationError("no source files were given")
    found: list[ObjectStoragePath] = []
    for one in given:
        path = ObjectStoragePath(one, conn_id=conn_id)
        if not any(sign in path.path for sign in "*?["):
            if not path.fs.exists(path.path):
                raise NotFoundError(f"no such file: {path}")
            found.append(path)
            continue
        matches = sorted(path.fs.glob(path.path))
        if not matches:
            raise NotFoundError(f"no file matches {path}")
        found.extend(
            ObjectStoragePath(path.fs.unstrip_protocol(match), conn_id=path.conn_id) for match in matches
        )
    return found


def readable(path: ObjectStoragePath) -> Path | ObjectStoragePath:
    """
    Choose the faster way to read a file.

    :param path: a file
    :return: a plain path where the file is on this machine, else ``path``
    """
    return Path(path.path) if is_local(path) else path


def remove_others(folder: ObjectStoragePath, keep: Sequence[str]) -> None:
    """
    Remove what earlier attempts left in a folder.

    :param folder: the folder; it need not exist
    :param keep: names of the files that stay
    """
    fs = folder.fs
    if not fs.exists(folder.path):
        return
    names = {entry.rstrip("/").rpartition("/")[2]: entry for entry in fs.ls(folder.path, detail=False)}
    # A manifest vouches for the other files: it goes first.
    for name in sorted(names, key=lambda name: (name != "manifest.json", name)):
        if name not in keep and names[name].rstrip("/") != folder.path.rstrip("/"):
            fs.rm(names[name], recursive=True)
