"""Operators for the datasets of Azure ML Studio (classic)."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.operators.ml_studio_sending import (
    MLStudioOperator,
    MLStudioSendingOperator,
    result_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow.sdk import Context, ObjectStoragePath

__all__ = [
    "MLStudioDownloadDatasetOperator",
    "MLStudioIntermediateDatasetOperator",
    "MLStudioUpdateDatasetOperator",
    "MLStudioUploadDatasetOperator",
]

IF_EXISTS = ("fail", "update", "skip")
AS_IS, PARQUET = "as_is", "parquet"


class MLStudioUploadDatasetOperator(MLStudioSendingOperator):
    """
    Make a dataset of a file, a table of MaxCompute, or the rows of a query.

    A try that follows a crash at any point takes up what the earlier one has made, or makes the dataset of
    what that one has sent: there is one dataset in the end, and never half of one.

    :param dataset: the dataset's name; case matters (templated)
    :param data_type_id: its format; None for the one that it has, ``GenericCSV`` for a new one (templated)
    :param description: a person's words; None for those that it has (templated)
    :param if_exists: what to do with a dataset of that name: ``fail``, ``update`` it, or ``skip`` (templated)
    :param source: path or URI of a file that ``ObjectStoragePath`` takes; Parquet becomes text (templated)
    :param table: a table of MaxCompute (templated)
    :param partition: one of its partitions; None for all (templated)
    :param columns: names of its columns; None for all (templated)
    :param sql: a query of MaxCompute; a ``.sql`` file, too (templated)
    :param hints: settings for ``sql`` (templated)
    :param threads: blocks in flight at a time
    :param source_conn_id: connection for ``source``, where the URI does not name it (templated)
    :param odps_conn_id: the connection to MaxCompute (templated)
    :param project: takes precedence over that connection's project (templated)
    :param schema: takes precedence over that connection's schema (templated)
    :param azureml_studio_conn_id: the connection to the workspace (templated)
    """

    template_fields: Sequence[str] = (
        "dataset",
        "data_type_id",
        "description",
        "if_exists",
        *MLStudioSendingOperator.template_fields,
    )

    def __init__(
        self,
        *,
        dataset: str,
        data_type_id: str | None = None,
        description: str | None = None,
        if_exists: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.data_type_id = data_type_id
        self.description = description
        self.if_exists = if_exists

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Make the dataset.

        :return: ids of the version and its family, name, bytes, what was done, and rows where they are known
        """
        from airflow_provider_datalake.clients.ml_studio import check_name
        from airflow_provider_datalake.jobs.dataset_upload import DatasetRequest

        with self._failures():
            if self.if_exists not in IF_EXISTS:
                raise ConfigurationError(
                    f"if_exists must be one of {', '.join(IF_EXISTS)}; got {self.if_exists!r}"
                )
            request = DatasetRequest(
                name=check_name(self.dataset),
                origin=self._origin(),
                data_type_id=self._format(),
                description=self.description,
                if_exists=self.if_exists,
            )
            return result_of(self._send(context, request))

    def _format(self) -> str | None:
        from airflow_provider_datalake.clients.ml_studio_formats import check_data_type

        return None if self.data_type_id is None else check_data_type(self.data_type_id)


class MLStudioUpdateDatasetOperator(MLStudioSendingOperator):
    """
    Replace the contents of a dataset: a new version takes its place.

    A try that follows a crash at any point takes up what the earlier one has made: there is one new version.

    :param dataset: the dataset's name; case matters (templated)
    :param data_type_id: the new contents' format; None for the one that it has (templated)
    :param new_name: a new name; None for the one that it has (templated)
    :param description: a person's words; None for those that it has (templated)
    :param source: path or URI of a file that ``ObjectStoragePath`` takes; Parquet becomes text (templated)
    :param table: a table of MaxCompute (templated)
    :param partition: one of its partitions; None for all (templated)
    :param columns: names of its columns; None for all (templated)
    :param sql: a query of MaxCompute; a ``.sql`` file, too (templated)
    :param hints: settings for ``sql`` (templated)
    :param threads: blocks in flight at a time
    :param source_conn_id: connection for ``source``, where the URI does not name it (templated)
    :param odps_conn_id: the connection to MaxCompute (templated)
    :param project: takes precedence over that connection's project (templated)
    :param schema: takes precedence over that connection's schema (templated)
    :param azureml_studio_conn_id: the connection to the workspace (templated)
    """

    template_fields: Sequence[str] = (
        "dataset",
        "data_type_id",
        "new_name",
        "description",
        *MLStudioSendingOperator.template_fields,
    )

    def __init__(
        self,
        *,
        dataset: str,
        data_type_id: str | None = None,
        new_name: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.data_type_id = data_type_id
        self.new_name = new_name
        self.description = description

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Update the dataset.

        :return: ids of the version and its family, name, bytes, what was done, and rows where they are known
        """
        from airflow_provider_datalake.clients.ml_studio import check_name
        from airflow_provider_datalake.clients.ml_studio_formats import check_data_type
        from airflow_provider_datalake.jobs.dataset_upload import REQUIRE, DatasetRequest

        with self._failures():
            request = DatasetRequest(
                name=check_name(self.dataset),
                origin=self._origin(),
                data_type_id=None if self.data_type_id is None else check_data_type(self.data_type_id),
                description=self.description,
                new_name=None if self.new_name is None else check_name(self.new_name),
                if_exists=REQUIRE,
            )
            return result_of(self._send(context, request))


class MLStudioReceivingOperator(MLStudioOperator):
    """Write contents to a file; the base of the operators that read from a workspace."""

    template_fields: Sequence[str] = (
        "destination",
        "file_format",
        "destination_conn_id",
        *MLStudioOperator.template_fields,
    )

    def __init__(
        self,
        *,
        destination: str | ObjectStoragePath,
        file_format: str = AS_IS,
        destination_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.file_format = file_format
        self.destination_conn_id = destination_conn_id

    def _target(self) -> ObjectStoragePath:
        from airflow.sdk import ObjectStoragePath

        from airflow_provider_datalake.filesystems.local import is_local

        if self.file_format not in (AS_IS, PARQUET):
            raise ConfigurationError(
                f"file_format must be {AS_IS!r} or {PARQUET!r}, got {self.file_format!r}"
            )
        text = str(self.destination or "")
        path = ObjectStoragePath(text, conn_id=self.destination_conn_id or None)
        if not text or text.endswith("/") or (is_local(path) and path.is_dir()):
            raise ConfigurationError(f"destination {text!r} must name a file")
        return path

    def _write(
        self, path: ObjectStoragePath, data_type_id: str, download: Callable[[IO[bytes]], int]
    ) -> dict[str, Any]:
        """Write the file, whole or not at all."""
        from airflow_provider_datalake.clients.ml_studio_formats import check_data_type
        from airflow_provider_datalake.filesystems.whole_files import written_whole

        if self.file_format == AS_IS:
            with written_whole(path) as file:
                return {"uri": str(path), "bytes": download(file)}
        check_data_type(data_type_id, frame=True)
        with _spooled(download) as (spool, size), written_whole(path) as file:
            rows = _to_parquet(spool, data_type_id, file)
        return {"uri": str(path), "bytes": size, "rows": rows}


@contextmanager
def _spooled(download: Callable[[IO[bytes]], int]) -> Iterator[tuple[IO[bytes], int]]:
    with tempfile.TemporaryFile() as spool:
        yield spool, download(spool)


def _to_parquet(contents: IO[bytes], data_type_id: str, file: IO[bytes]) -> int:
    import pyarrow.parquet as pq

    from airflow_provider_datalake.clients.ml_studio_rows import Columns

    columns = Columns(contents, data_type_id)
    rows = 0
    with pq.ParquetWriter(file, columns.schema, compression="zstd") as writer:
        for table in columns.tables():
            writer.write_table(table)
            rows += table.num_rows
    return rows


class MLStudioDownloadDatasetOperator(MLStudioReceivingOperator):
    """
    Write a dataset to a file, which appears whole or not at all.

    :param dataset: the dataset's name; case matters (templated)
    :param destination: path or URI of the file (templated)
    :param file_format: ``as_is``, or ``parquet`` for a table with typed columns (templated)
    :param threads: ranges in flight at a time, where the file is on the worker
    :param destination_conn_id: connection for the file, where the URI does not name it (templated)
    :param azureml_studio_conn_id: the connection to the workspace (templated)
    """

    template_fields: Sequence[str] = ("dataset", *MLStudioReceivingOperator.template_fields)
    operator_extra_links = (MLStudioOperator.dataset_link,)

    def __init__(self, *, dataset: str, threads: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.threads = threads

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Write the file.

        :return: its URI, the version's ids, the dataset's bytes, and rows where they are known
        """
        from airflow_provider_datalake.clients.ml_studio import check_name

        self._stop = threading.Event()
        with self._failures():
            path, name = self._target(), check_name(self.dataset)
            hook = self.hook
            found = hook.get_client().datasets[name]

            def download(file: IO[bytes]) -> int:
                return found.download(file, threads=self.threads, stop=self._stop)

            written = self._write(path, found.data_type_id, download)
            hook.tell_lineage("input", name)
            self._publish_link(context, hook.get_client(), found.id)
        self.log.info("Wrote dataset %r (%s), %s bytes, to %s", name, found.id, written["bytes"], path)
        return {**written, "dataset_id": found.id, "family_id": found.family_id}


class MLStudioIntermediateDatasetOperator(MLStudioReceivingOperator):
    """
    Write what a module of an experiment has given to a file, which appears whole or not at all.

    :param experiment_id: the experiment (templated)
    :param module_node_id: the module's node (templated)
    :param port_name: its output, e.g. ``Results dataset`` (templated)
    :param data_type_id: its format (templated)
    :param destination: path or URI of the file (templated)
    :param file_format: ``as_is``, or ``parquet`` for a table with typed columns (templated)
    :param destination_conn_id: connection for the file, where the URI does not name it (templated)
    :param azureml_studio_conn_id: the connection to the workspace (templated)
    """

    template_fields: Sequence[str] = (
        "experiment_id",
        "module_node_id",
        "port_name",
        "data_type_id",
        *MLStudioReceivingOperator.template_fields,
    )

    def __init__(
        self,
        *,
        experiment_id: str,
        module_node_id: str,
        port_name: str,
        data_type_id: str = "GenericCSV",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.experiment_id = experiment_id
        self.module_node_id = module_node_id
        self.port_name = port_name
        self.data_type_id = data_type_id

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Write the file.

        :return: its URI, the contents' bytes, and rows where they are known
        """
        self._stop = threading.Event()
        with self._failures():
            path = self._target()
            found = self.hook.get_client().intermediate_dataset(
                self.experiment_id, self.module_node_id, self.port_name, self.data_type_id
            )
            written = self._write(
                path, found.data_type_id, lambda file: found.download(file, stop=self._stop)
            )
        self.log.info("Wrote %s bytes to %s", written["bytes"], path)
        return written
