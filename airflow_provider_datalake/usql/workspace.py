"""What a script needs of the machine that runs it: files, a place to write, a catalog, a way to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import Catalog


@dataclass(frozen=True)
class StoredFile:
    """
    A file of a store, readable by its local path.

    :param uri: normalised absolute URI, e.g. ``adl://store.azuredatalakestore.net/raw/a.csv``
    :param path: where its bytes are on this machine
    :param size: bytes
    :param modified: epoch seconds
    """

    uri: str
    path: Path
    size: int
    modified: float


class Files(Protocol):
    """The stores that scripts may name: the account's default one, others by ``adl://`` and ``wasb://``."""

    def resolve(self, uri: str) -> str:
        """
        Make a file's name absolute.

        :param uri: as the script writes it: absolute, or a path in the default store; percent-encoded
        :return: the normalised absolute URI
        :raises ValueError: when it is malformed, or names a store that is not known; the text says which
        """
        ...

    def find(self, uri: str) -> StoredFile | None:
        """
        Look a file up.

        :param uri: a resolved URI
        :return: the file; None when there is none, or it is a folder
        """
        ...

    def walk(self, folder: str) -> Iterator[StoredFile]:
        """
        List all files below a folder, in all its sub-folders.

        :param folder: a resolved URI
        :return: the files in the order of their URIs; nothing when the folder does not exist
        """
        ...


class Workspace(Protocol):
    """One job's view of the machine."""

    @property
    def files(self) -> Files: ...

    @property
    def catalog(self) -> Catalog: ...

    @property
    def scratch(self) -> Path:
        """A directory of this job alone, on the same file system as the stores; removed after the job."""
        ...

    def check(self) -> None:
        """Raise, with an exception that must be let through, when the job was asked to stop."""
        ...

    def interrupting(self, callback: Callable[[], object]) -> AbstractContextManager[None]:
        """
        Call something when the job is asked to stop, within a block.

        :param callback: called from another thread, e.g. a connection's ``interrupt``
        """
        ...

    def progress(self, step: str, percent: float, *, rows_in: int = 0, rows_out: int = 0) -> None:
        """
        Report how far a step of the plan is.

        :param step: the step's id
        :param percent: 0 to 100
        :param rows_in: rows read so far
        :param rows_out: rows written so far
        """
        ...
