"""Files that appear whole or not at all, on this machine and on object stores."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.filesystems.local import is_local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import ObjectStoragePath


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
