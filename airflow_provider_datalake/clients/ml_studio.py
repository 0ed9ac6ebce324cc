"""A client for the workspaces of Azure ML Studio (classic): datasets and what experiments have given."""

from __future__ import annotations

import io
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow_provider_datalake.clients.ml_studio_calls import StudioCalls, StudioSettings
from airflow_provider_datalake.clients.ml_studio_datasets import (
    SPOOL_BYTES,
    Contents,
    Dataset,
    IntermediateDataset,
    check_name,
    serialized,
)
from airflow_provider_datalake.clients.ml_studio_formats import check_data_type
from airflow_provider_datalake.clients.ml_studio_upload import THREADS, create_once, size_of, upload
from airflow_provider_datalake.exceptions import ConfigurationError, ConflictError, NotFoundError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    import pandas as pd

    from airflow_provider_datalake.clients.ml_studio_models import ExperimentInfo

__all__ = ["Contents", "Dataset", "Datasets", "IntermediateDataset", "Workspace", "check_name", "serialized"]


class Workspace:
    """
    One workspace; threads may share it.

    :param workspace_id: its id
    :param token: its primary or secondary authorization token
    :param endpoint: base URL of the service
    :param settings: a connection's settings, in place of the three
    """

    def __init__(
        self,
        workspace_id: str = "",
        token: str = "",
        endpoint: str = "",
        *,
        settings: StudioSettings | None = None,
    ) -> None:
        from airflow_provider_datalake.clients.ml_studio_calls import read_settings

        self.settings = settings or read_settings(
            conn_id=workspace_id, host=endpoint, login=workspace_id, password=token, extra={}
        )
        self.calls = StudioCalls(self.settings)
        self.workspace_id = self.settings.workspace_id

    def close(self) -> None:
        """Close the connections."""
        self.calls.close()

    # What there is

    @property
    def datasets(self) -> Datasets:
        """All datasets."""
        return Datasets(self, None)

    @property
    def user_datasets(self) -> Datasets:
        """The datasets that people have made."""
        return Datasets(self, False)

    @property
    def example_datasets(self) -> Datasets:
        """The service's own datasets."""
        return Datasets(self, True)

    @property
    def experiments(self) -> list[ExperimentInfo]:
        """All experiments."""
        return self.calls.experiments()

    def find(self, name: str) -> Dataset | None:
        """
        Look for a dataset.

        :param name: its name; case matters
        :return: its newest version, None when there is none
        """
        return next((one for one in self.datasets if one.name == name), None)

    def dataset(self, dataset_id: str) -> Dataset:
        """
        Get one version of a dataset.

        :param dataset_id: its id
        :return: the version
        :raises NotFoundError: when there is none
        """
        return Dataset(self, self.calls.dataset(dataset_id))

    def intermediate_dataset(
        self, experiment_id: str, node_id: str, port_name: str, data_type_id: str
    ) -> IntermediateDataset:
        """
        Name what a module of an experiment has given; nothing is sent yet.

        :param experiment_id: the experiment
        :param node_id: the module's node
        :param port_name: its output, e.g. ``Results dataset``
        :param data_type_id: its format
        :return: the dataset
        :raises ConfigurationError: when a part is missing, or there is no such format
        """
        given = {"experiment_id": experiment_id, "node_id": node_id, "port_name": port_name}
        for name, value in given.items():
            if not isinstance(value, str) or not value:
                raise ConfigurationError(f"{name} is missing")
        check_data_type(data_type_id)
        return IntermediateDataset(self, experiment_id, node_id, port_name, data_type_id)

    def page(self, dataset_id: str) -> str | None:
        """
        Make the address of a dataset's page.

        :param dataset_id: the dataset
        :return: the emulator's page; None for the service itself, whose pages are no more
        """
        base = urlsplit(self.settings.endpoint)
        if not base.path.strip("/"):
            return None
        return f"{base.scheme}://{base.netloc}/datasets/{quote(self.workspace_id)}/{quote(dataset_id)}"

    # New ones

    def create(
        self,
        name: str,
        contents: Contents,
        *,
        data_type_id: str,
        description: str = "",
        threads: int = THREADS,
        stop: threading.Event | None = None,
    ) -> Dataset:
        """
        Create a dataset of bytes.

        :param name: its name, not used yet
        :param contents: the bytes, or an open binary file, which is read from where it is
        :param data_type_id: their format
        :param description: a person's words
        :param threads: blocks in flight at a time
        :param stop: set it to end the upload
        :return: the dataset
        :raises ConflictError: when there is a dataset of that name
        """
        check_name(name)
        check_data_type(data_type_id)
        if self.find(name) is not None:
            raise self.calls.named(ConflictError(f"there is a dataset {name!r} already"))
        return self._send(name, contents, data_type_id, description, None, threads, stop)

    def create_from_dataframe(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        data_type_id: str,
        description: str = "",
        threads: int = THREADS,
    ) -> Dataset:
        """
        Create a dataset of a DataFrame; its index is left out.

        :param name: its name, not used yet
        :param frame: the data
        :param data_type_id: the format to write, not ``ARFF``
        :param description: a person's words
        :param threads: blocks in flight at a time
        :return: the dataset
        :raises ConflictError: when there is a dataset of that name
        :raises BadContents: when the data does not fit into the format
        """
        with serialized(frame, data_type_id) as file:
            return self.create(
                name, file, data_type_id=data_type_id, description=description, threads=threads
            )

    def _send(
        self,
        name: str,
        contents: Contents,
        data_type_id: str,
        description: str,
        family_id: str | None,
        threads: int,
        stop: threading.Event | None,
    ) -> Dataset:
        with opened(contents) as (file, size):
            sent = upload(self.calls, file, size, data_type_id, threads=threads, stop=stop)
        info = create_once(self.calls, sent.upload_id, name, data_type_id, description, family_id)
        return Dataset(self, info)


class Datasets:
    """
    The datasets of a workspace, as they are at the moment.

    :param workspace: the workspace
    :param example: whether they are the service's own; None for all
    """

    def __init__(self, workspace: Workspace, example: bool | None) -> None:
        self._workspace = workspace
        self._example = example

    def _found(self) -> list[Dataset]:
        return [
            Dataset(self._workspace, info)
            for info in self._workspace.calls.datasets()
            if self._example is None or info.is_example is self._example
        ]

    def __iter__(self) -> Iterator[Dataset]:
        """Go through them in the service's order."""
        return iter(self._found())

    def __len__(self) -> int:
        """Count them."""
        return len(self._found())

    def __getitem__(self, key: int | str) -> Dataset:
        """
        Get one.

        :param key: its name, in which case matters, or its index
        :return: its newest version
        :raises NotFoundError: when there is none
        """
        found = self._found()
        if isinstance(key, int):
            try:
                return found[key]
            except IndexError:
                words = f"there is no dataset number {key}, there are {len(found)}"
        else:
            for one in found:
                if one.name == key:
                    return one
            words = f"there is no dataset {key!r} (names are case-sensitive)"
        raise self._workspace.calls.named(NotFoundError(words))


@contextmanager
def opened(contents: Contents) -> Iterator[tuple[IO[bytes], int]]:
    """
    Open bytes or a file, whose size must be known before the first block is sent.

    :param contents: bytes, or an open binary file; a stream that cannot seek is copied to disk first
    :return: a context manager that gives an open binary file and its size
    """
    if isinstance(contents, (bytes, bytearray, memoryview)):
        yield io.BytesIO(contents), memoryview(contents).nbytes
        return
    if hasattr(contents, "seekable") and contents.seekable():
        yield contents, size_of(contents)
        return
    import shutil

    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as file:
        shutil.copyfileobj(contents, file, 1024 * 1024)
        size = file.tell()
        file.seek(0)
        yield file, size
