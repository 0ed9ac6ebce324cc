"""Datasets of ML Studio (classic): what can be read, and what can be replaced."""

from __future__ import annotations

import io
import tempfile
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_datalake.clients.ml_studio_download import ContentsStream, OutputReader, Reader
from airflow_provider_datalake.clients.ml_studio_formats import check_data_type, read_frame, write_frame
from airflow_provider_datalake.clients.ml_studio_upload import THREADS
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from datetime import datetime

    import pandas as pd

    from airflow_provider_datalake.clients.ml_studio import Workspace
    from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo

SPOOL_BYTES = 16 * 1024 * 1024
"""What is larger is kept on disk, not in memory, until it is sent."""

Contents = bytes | bytearray | memoryview | IO[bytes]


class _Readable(ABC):
    """Contents that can be read."""

    data_type_id: str

    @abstractmethod
    def pieces(self) -> Iterator[bytes]:
        """Read the contents piece by piece."""

    def open(self) -> IO[bytes]:
        """
        Open the contents; they are read as they are asked for.

        :return: an open binary file
        """
        return io.BufferedReader(ContentsStream(self.pieces()), 256 * 1024)

    def read_binary(self) -> bytes:
        """
        Read the contents into memory.

        :return: the bytes
        """
        return b"".join(self.pieces())

    def read_text(self) -> str:
        """
        Read the contents into memory, as text.

        :return: the text, without a byte order mark
        :raises BadContents: when it is no UTF-8
        """
        from airflow_provider_datalake.clients.ml_studio_formats import BadContents

        try:
            return self.read_binary().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadContents(f"the contents are no UTF-8: byte {error.start} is invalid") from None

    def to_dataframe(self) -> pd.DataFrame:
        """
        Read the contents into a DataFrame.

        :return: the data
        :raises ConfigurationError: when the format can be read as it is only
        :raises BadContents: when the contents are not what the format says
        """
        check_data_type(self.data_type_id, frame=True)
        with self.open() as file:
            return read_frame(file, self.data_type_id)


class Dataset(_Readable):
    """
    One version of a dataset.

    :param workspace: where it is
    :param info: what the service says about it
    """

    def __init__(self, workspace: Workspace, info: DatasetInfo) -> None:
        self.workspace = workspace
        self.info = info

    def __repr__(self) -> str:
        """Show name and id."""
        return f"{type(self).__name__}({self.info.name!r}, {self.info.id!r})"

    @property
    def id(self) -> str:
        """The version's id."""
        return self.info.id

    @property
    def name(self) -> str:
        """The name."""
        return self.info.name

    @property
    def description(self) -> str:
        """A person's words."""
        return self.info.description

    @property
    def family_id(self) -> str:
        """What all versions have in common."""
        return self.info.family_id

    @property
    def data_type_id(self) -> str:  # type: ignore[override]
        """The contents' format."""
        return self.info.data_type_id

    @property
    def size(self) -> int:
        """Bytes of the contents."""
        return self.info.size

    @property
    def created_date(self) -> datetime:
        """When the version was made, in UTC."""
        return self.info.created_date

    @property
    def is_example(self) -> bool:
        """Whether it is one of the service's own, which nobody can change."""
        return self.info.is_example

    def pieces(self) -> Iterator[bytes]:
        """Read the contents piece by piece."""
        return Reader(self.workspace.calls, self.info).pieces()

    def download(
        self, file: IO[bytes], *, threads: int = THREADS, stop: threading.Event | None = None
    ) -> int:
        """
        Write the contents to a file, in ranges side by side where it is one of this machine.

        :param file: an open binary file, empty
        :param threads: ranges in flight at a time
        :param stop: set it to end the download
        :return: bytes
        """
        return Reader(self.workspace.calls, self.info).download(file, threads=threads, stop=stop)

    def update(
        self,
        contents: Contents,
        *,
        data_type_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        threads: int = THREADS,
        stop: threading.Event | None = None,
    ) -> Dataset:
        """
        Replace the contents: a new version takes this one's place.

        :param contents: the bytes, or an open binary file
        :param data_type_id: their format, None for the one that it has
        :param name: a new name, None for the one that it has
        :param description: new words, None for those that it has
        :param threads: blocks in flight at a time
        :param stop: set it to end the upload
        :return: the new version
        :raises ConfigurationError: when it is one of the service's own
        :raises ConflictError: when another dataset has the new name
        """
        self.check_writable()
        kind = check_data_type(self.data_type_id if data_type_id is None else data_type_id)
        new_name = self.name if name is None else check_name(name)
        words = self.description if description is None else description
        return self.workspace._send(new_name, contents, kind, words, self.family_id, threads, stop)

    def update_from_dataframe(
        self,
        frame: pd.DataFrame,
        *,
        data_type_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        threads: int = THREADS,
    ) -> Dataset:
        """
        Replace the contents by a DataFrame; its index is left out.

        :param frame: the data
        :param data_type_id: the format to write, None for the one that it has
        :param name: a new name, None for the one that it has
        :param description: new words, None for those that it has
        :param threads: blocks in flight at a time
        :return: the new version
        """
        kind = self.data_type_id if data_type_id is None else data_type_id
        with serialized(frame, kind) as file:
            return self.update(file, data_type_id=kind, name=name, description=description, threads=threads)

    def check_writable(self) -> None:
        """
        Refuse to change one of the service's own.

        :raises ConfigurationError: when it is one
        """
        if self.is_example:
            raise self.workspace.calls.named(
                ConfigurationError(f"{self.name!r} is an example dataset, which cannot be changed")
            )


class IntermediateDataset(_Readable):
    """
    What a module of an experiment has given; the service tells nothing about it but the contents.

    :param workspace: where it is
    :param experiment_id: the experiment
    :param node_id: the module's node
    :param port_name: its output
    :param data_type_id: its format
    """

    def __init__(
        self, workspace: Workspace, experiment_id: str, node_id: str, port_name: str, data_type_id: str
    ) -> None:
        self.workspace = workspace
        self.experiment_id = experiment_id
        self.node_id = node_id
        self.port_name = port_name
        self.data_type_id = data_type_id

    def pieces(self) -> Iterator[bytes]:
        """Read the contents piece by piece."""
        return self._reader.pieces()

    def download(self, file: IO[bytes], *, stop: threading.Event | None = None) -> int:
        """
        Write the contents to a file.

        :param file: an open binary file
        :param stop: set it to end the download
        :return: bytes
        """
        return self._reader.download(file, stop=stop)

    @property
    def _reader(self) -> OutputReader:
        return OutputReader(self.workspace.calls, self.experiment_id, self.node_id, self.port_name)


def check_name(name: Any) -> str:
    """
    Refuse what cannot be a dataset's name.

    :param name: the name
    :return: the name
    :raises ConfigurationError: when it is empty or has control characters
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ConfigurationError(f"a dataset needs a name of printable characters, got {name!r}")
    return name


@contextmanager
def serialized(frame: pd.DataFrame, data_type_id: str) -> Iterator[IO[bytes]]:
    """
    Write a DataFrame as a format says; what is large is kept on disk.

    :param frame: the data
    :param data_type_id: the format
    :return: a context manager that gives an open binary file, at its start
    :raises BadContents: when the data does not fit into the format
    """
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as file:
        write_frame(frame, data_type_id, file)
        file.seek(0)
        yield file
