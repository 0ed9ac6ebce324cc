"""Files on object storage as transfers need them: found by glob, written whole or not at all."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError
from airflow_provider_datalake.filesystems.local import is_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


@contextmanager
def written_whole(path: ObjectStoragePath) -> Iterator[Any]:
    """
    Write a file that appears when the block ends well, and not at all otherwise.

    On this machine it is written under a temporary name, flushed to disk and renamed. On an object store the
    upload is completed at the end of the block, or aborted.

    :param path: where to
    :return: a context manager that gives the open binary file
    """
    if is_local(path):
        with _renamed(Path(path.path)) as file:
            yield file
        return
    file = path.fs.open(path.path, "wb", autocommit=False)
    try:
        yield file
        file.close()
    except BaseException:
        file.discard()
        # An open fsspec file completes its upload when it is collected.
        file.closed = True
        raise
    file.commit()


@contextmanager
def _renamed(path: Path) -> Iterator[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
