"""Load files from object storage into MaxCompute."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.jobs.intent import Intent, differences, digest
from airflow_provider_datalake.operators.transfer import TransferOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

INTENT_KEY = "maxcompute_load"


class ObjectStorageToMaxComputeOperator(TransferOperator):
    """
    Load CSV or Parquet files into a table or partition: all of them, or nothing.

    The files are checked before anything is sent. The upload session is remembered in the task's state store,
    so that a try that follows a crash continues it: whatever moment the worker died at, the rows are there
    once, also with ``overwrite=False``. Times without a zone are read in the connection's zone, as in SQL.

    :param source: one or several paths or URIs, patterns included (templated)
    :param table: the table (templated)
    :param partition: e.g. ``dt={{ ds_nodash }}`` or a mapping, for a partitioned table (templated)
    :param file_format: ``csv`` or ``parquet``; by default what the files' names say
    :param overwrite: whether the load replaces what is in the table or partition
    :param create_partition: whether to create the partition if it is missing
    :param create_table: whether to create the table if it is missing
    :param table_columns: type by name, of a table to be created; Parquet files also tell them (templated)
    :param partition_columns: type by name, of a table to be created; by default STRING, from ``partition``
    :param columns: the files' columns to load, or table column by file column; the table's other columns then
        become NULL. None: the files' columns must be the table's (templated)
    :param csv_options: fields of ``CsvFormat``: ``delimiter``, ``quote``, ``header``, ``column_names``,
        ``null_values``, ``encoding`` (templated)
    :param threads: blocks in flight at a time
    :param source_conn_id: connection for the storage, where the URI does not name it (templated)
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    """

    template_fields: Sequence[str] = (
        "source",
        "table",
        "partition",
        "table_columns",
        "columns",
        "csv_options",
        "source_conn_id",
        "odps_conn_id",
        "project",
        "schema",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "table_columns": "json",
        "columns": "json",
        "csv_options": "json",
    }
    ui_color = "#ffe9d6"

    def __init__(
        self,
        *,
        source: str | ObjectStoragePath | Sequence[str | ObjectStoragePath],
        table: str,
        partition: PartitionSpec | None = None,
        file_format: Literal["csv", "parquet"] | None = None,
        overwrite: bool = True,
        create_partition: bool = True,
        create_table: bool = False,
        table_columns: Mapping[str, str] | None = None,
        partition_columns: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | Sequence[str] | None = None,
        csv_options: Mapping[str, Any] | None = None,
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
        self.file_format = file_format
        self.overwrite = overwrite
        self.create_partition = create_partition
        self.create_table = create_table
        self.table_columns = table_columns
        self.partition_columns = partition_columns
        self.columns = columns
        self.csv_options = csv_options
        self.threads = threads
        self.source_conn_id = source_conn_id
        self.odps_conn_id = odps_conn_id
        self.project = project
        self.schema = schema

    @property
    def hook(self) -> MaxComputeHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        return MaxComputeHook(self.odps_conn_id, project=self.project or None, schema=self.schema or None)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Load the files.

        :param context: the task's context
        :return: table, partition, number of rows and files
        """
        from airflow_provider_datalake.transfers.object_storage import find_files, readable

        self._stop = threading.Event()
        paths = find_files(self.source, self.source_conn_id or None)
        csv_format = self._csv_format(paths)
        files = [readable(path) for path in paths]
        if self.create_table:
            self.hook.create_table(
                self.table,
                files,
                table_columns=self.table_columns,
                partition_columns=self.partition_columns,
                partition=self.partition or None,
                columns=self.columns,
                csv_format=csv_format,
            )
        memory = _Memory(context, self._request(paths))
        result = self.hook.load(
            files,
            self.table,
            partition=self.partition or None,
            overwrite=self.overwrite,
            create_partition=self.create_partition and bool(self.partition),
            columns=self.columns,
            csv_format=csv_format,
            threads=self.threads,
            upload_id=memory.upload_id,
            on_session=memory.remember,
            stop=self._stop,
        )
        self.log.info(
            "Loaded %s rows from %s files into %s %s",
            result.rows, len(paths), result.table, result.partition or "",
        )  # fmt: skip
        return {
            "table": result.table,
            "partition": result.partition,
            "rows": result.rows,
            "files": len(paths),
        }

    def _csv_format(self, paths: Sequence[ObjectStoragePath]) -> CsvFormat | None:
        from airflow_provider_datalake.clients.maxcompute_files import CsvFormat

        kinds = {self.file_format or _kind(path) for path in paths}
        if len(kinds) > 1:
            raise ConfigurationError("the source mixes CSV and Parquet files; load them in two tasks")
        if kinds <= {"parquet"}:
            if self.csv_options:
                raise ConfigurationError("csv_options were given for Parquet files")
            return None
        if kinds != {"csv"}:
            raise ConfigurationError(f"file_format must be 'csv' or 'parquet', found {self.file_format!r}")
        options = dict(self.csv_options or {})
        for name in ("null_values", "column_names"):
            if isinstance(options.get(name), list):
                options[name] = tuple(options[name])
        try:
            return CsvFormat(**options)
        except TypeError as error:
            raise ConfigurationError(f"csv_options: {error}") from None

    def _request(self, paths: Sequence[ObjectStoragePath]) -> dict[str, Any]:
        """All that decides what the load does, the files' state included."""
        return {
            "source": [(str(path), path.fs.ukey(path.path)) for path in paths],
            "target": [self.odps_conn_id, self.project, self.schema, self.table, self.partition],
            "options": [self.overwrite, self.create_partition, self.columns, self.csv_options],
        }


def _kind(path: ObjectStoragePath) -> str:
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        return "parquet"
    if any(part == "csv" for part in name.split(".")[1:]):
        return "csv"
    raise ConfigurationError(f"cannot tell the format of {path} from its name; give file_format")


class _Memory:
    """The upload session of this task's earlier tries, in the task's state store."""

    def __init__(self, context: Context, request: Mapping[str, Any]) -> None:
        self._store = context["task_state_store"]
        self._digests = digest(request)
        self._max_tries = context["ti"].max_tries
        stored = Intent.from_json(self._store.get(INTENT_KEY))
        same = (
            stored is not None
            and stored.max_tries == self._max_tries
            and not differences(stored.digests, self._digests)
        )
        # A person who clears the task wants the load again: max_tries tells.
        self.upload_id = stored.job_id if stored is not None and same else None

    def remember(self, upload_id: str) -> None:
        if upload_id != self.upload_id:
            intent = Intent.fresh(self._digests, self._max_tries).with_job(upload_id)
            self._store.set(INTENT_KEY, intent.to_json())
