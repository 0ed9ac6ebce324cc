"""What the operators for ML Studio (classic) have in common, and where contents that are sent come from."""

from __future__ import annotations

import tempfile
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    NotFoundError,
    TransferError,
)
from airflow_provider_datalake.links.ml_studio import MLStudioDatasetLink
from airflow_provider_datalake.operators.failures import failures_of
from airflow_provider_datalake.operators.transfer import TransferOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.clients.maxcompute_unload import Download
    from airflow_provider_datalake.clients.ml_studio import Workspace
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook
    from airflow_provider_datalake.hooks.ml_studio import MLStudioHook
    from airflow_provider_datalake.jobs.dataset_upload import DatasetRequest, Outcome, Source

ROWS = 65_536
"""Rows that are in memory at a time."""
ROWS_BYTES = 16 * 1024 * 1024
"""Or their bytes, whichever is less."""


class MLStudioOperator(TransferOperator):
    """
    Do something with the datasets of a workspace; the base of the operators for ML Studio.

    :param azureml_studio_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("azureml_studio_conn_id",)
    ui_color = "#e5dcff"
    dataset_link = MLStudioDatasetLink()
    """The link to the dataset's page, of operators that know their dataset's id."""

    def __init__(self, *, azureml_studio_conn_id: str = "azureml_studio_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.azureml_studio_conn_id = azureml_studio_conn_id

    @property
    def hook(self) -> MLStudioHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.ml_studio import MLStudioHook

        return MLStudioHook(self.azureml_studio_conn_id)

    def _publish_link(self, context: Context, workspace: Workspace, dataset_id: str) -> None:
        page = workspace.page(dataset_id)
        if page is not None and self.do_xcom_push:
            context["ti"].xcom_push(key=self.dataset_link.xcom_key, value=page)

    def _failures(self) -> AbstractContextManager[None]:
        return failures_of(self.azureml_studio_conn_id)


class MLStudioSendingOperator(MLStudioOperator):
    """
    Send contents to a workspace; the base of the operators that create and update datasets.

    The contents are a file, a table of MaxCompute, or the rows of a query. A Parquet file becomes text.

    :param source: path or URI of a file that ``ObjectStoragePath`` takes (templated)
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
        "source",
        "table",
        "partition",
        "columns",
        "sql",
        "hints",
        "source_conn_id",
        "odps_conn_id",
        "project",
        "schema",
        *MLStudioOperator.template_fields,
    )
    template_ext: Sequence[str] = (".sql",)
    operator_extra_links = (MLStudioOperator.dataset_link,)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "hints": "json"}

    def __init__(
        self,
        *,
        source: str | ObjectStoragePath | None = None,
        table: str | None = None,
        partition: PartitionSpec | None = None,
        columns: Sequence[str] | None = None,
        sql: str | None = None,
        hints: dict[str, Any] | None = None,
        threads: int = 4,
        source_conn_id: str | None = None,
        odps_conn_id: str = "odps_default",
        project: str | None = None,
        schema: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.table = table
        self.partition = partition
        self.columns = columns
        self.sql = sql
        self.hints = hints
        self.threads = threads
        self.source_conn_id = source_conn_id
        self.odps_conn_id = odps_conn_id
        self.project = project
        self.schema = schema

    @property
    def maxcompute_hook(self) -> MaxComputeHook:
        """The hook for MaxCompute; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        return MaxComputeHook(
            self.odps_conn_id, project=self.project or None, schema=self.schema or None, hints=self.hints
        )

    def _send(self, context: Context, request: DatasetRequest) -> Outcome:
        from airflow_provider_datalake.jobs.dataset_upload import DatasetUpload

        self._stop = threading.Event()
        hook = self.hook
        work = DatasetUpload(
            hook.get_client(), context["task_state_store"], context["ti"].max_tries, self.log
        )
        outcome = work.run(request, self._open, threads=self.threads, stop=self._stop)
        info = outcome.info
        hook.tell_lineage("output", info.name)
        self._publish_link(context, hook.get_client(), info.id)
        self._tell_outlets(context, hook.uri(info.name), outcome)
        self.log.info("Dataset %r (%s), %s bytes: %s", info.name, info.id, info.size, outcome.action)
        return outcome

    def _tell_outlets(self, context: Context, uri: str, outcome: Outcome) -> None:
        """Say in the asset's event which version it is about."""
        for outlet in self.outlets:
            if getattr(outlet, "uri", None) == uri:
                context["outlet_events"][outlet].extra.update(result_of(outcome))

    def _origin(self) -> list[Any]:
        """Name what the contents come from; a file that has changed is another one."""
        self._check()
        if self.source:
            path = self._path()
            if not path.exists():
                raise NotFoundError(f"no such file: {path}")
            if path.is_dir():
                raise ConfigurationError(f"source {path} is a folder: give one file")
            return ["file", str(path), path.fs.ukey(path.path)]
        place = [self.odps_conn_id, self.project, self.schema]
        if self.table:
            return ["table", *place, self.table, self.partition, self.columns]
        return ["sql", *place, self.sql, self.hints]

    def _check(self) -> None:
        given = [name for name in ("source", "table", "sql") if getattr(self, name)]
        if len(given) != 1:
            raise ConfigurationError(
                f"give exactly one of source, table and sql; found {', '.join(given) or 'none'}"
            )
        if not self.table and (self.partition or self.columns):
            raise ConfigurationError("partition and columns go with table only")

    def _path(self) -> ObjectStoragePath:
        from airflow.sdk import ObjectStoragePath

        # A template gives text, a DAG may give a path.
        source: Any = self.source
        return ObjectStoragePath(source, conn_id=self.source_conn_id or None)

    @contextmanager
    def _open(self, data_type_id: str) -> Iterator[Source]:
        """Open the contents in a format."""
        from airflow_provider_datalake.jobs.dataset_upload import Source

        if self.source:
            path = self._path()
            with path.open("rb") as file:
                if path.path.lower().endswith(".parquet"):
                    with self._parquet(file, data_type_id) as converted:
                        yield converted
                else:
                    yield Source(file, path.stat().st_size)
            return
        with self._download() as download, self._rows(download, data_type_id) as source:
            yield source

    @contextmanager
    def _parquet(self, file: Any, data_type_id: str) -> Iterator[Source]:
        import pyarrow.parquet as pq

        from airflow_provider_datalake.clients.ml_studio_rows import write_tables
        from airflow_provider_datalake.jobs.dataset_upload import Source

        reader = pq.ParquetFile(file)
        with tempfile.TemporaryFile() as spool:
            rows = write_tables(reader.iter_batches(ROWS), reader.schema_arrow, data_type_id, spool)
            yield _rewound(spool, rows, Source)

    @contextmanager
    def _download(self) -> Iterator[Download]:
        from airflow_provider_datalake.clients.maxcompute_errors import service_errors

        hook = self.maxcompute_hook
        with service_errors(self.odps_conn_id, "read the rows for the dataset"):
            if self.table:
                yield hook.unload(
                    self.table,
                    partition=self.partition or None,
                    columns=self.columns or None,
                    stop=self._stop,
                )
                return
            with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
                instance_id = cursor.execute(self.sql).instance.id
            self.log.info("Sending the result of instance %s", instance_id)
            yield hook.unload_result(str(instance_id), stop=self._stop)

    @contextmanager
    def _rows(self, download: Download, data_type_id: str) -> Iterator[Source]:
        """Write the rows to disk as text: the service wants to know the size first."""
        from airflow_provider_datalake.clients.ml_studio_rows import write_tables
        from airflow_provider_datalake.jobs.dataset_upload import Source

        with tempfile.TemporaryFile() as spool:
            with closing(download.tables(ROWS, most_bytes=ROWS_BYTES)) as tables:
                rows = write_tables(tables, download.schema, data_type_id, spool)
            if rows != download.rows or download.count not in (-1, rows):
                raise TransferError(f"read {download.rows} rows, wrote {rows}")
            yield _rewound(spool, rows, Source)


def _rewound(spool: Any, rows: int, source: type[Source]) -> Source:
    size = spool.tell()
    spool.seek(0)
    return source(spool, size, rows)


def result_of(outcome: Outcome) -> dict[str, Any]:
    """
    Say in few words what came of an upload.

    :param outcome: the outcome
    :return: ids and counts
    """
    info = outcome.info
    found = {
        "dataset_id": info.id,
        "family_id": info.family_id,
        "dataset": info.name,
        "bytes": info.size,
        "action": outcome.action,
    }
    return found if outcome.rows is None else {**found, "rows": outcome.rows}
