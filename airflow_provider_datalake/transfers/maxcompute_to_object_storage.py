"""Export tables and query results from MaxCompute to Parquet on object storage."""

from __future__ import annotations

import json
import re
import threading
import uuid
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_datalake.exceptions import ConfigurationError, TransferError
from airflow_provider_datalake.operators.transfer import TransferOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.clients.maxcompute_unload import Download
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

ROW_GROUP_ROWS = 131_072
ROW_GROUP_BYTES = 64 * 1024 * 1024


class MaxComputeToObjectStorageOperator(TransferOperator):
    """
    Export a table, a partition or the rows of a query to Parquet.

    One file appears whole or not at all. With ``rows_per_file`` the files go into a folder of the task's own
    below ``destination``, ``dag_id=/run_id=/task_id=`` and for a mapped task ``/map_index=``, and
    ``manifest.json`` is written there last: who waits for it never reads half an export, and a retry replaces
    what an earlier try left.

    :param destination: a file's path or URI; with ``rows_per_file`` a folder's (templated)
    :param table: the table to export (templated)
    :param partition: one of its partitions; None for all (templated)
    :param columns: names of data and partition columns; None for all (templated)
    :param sql: a query to run and export, in place of a table; a ``.sql`` file, too (templated)
    :param instance_id: a finished query to export, in place of a table, e.g. a ``MaxComputeSQLOperator``'s
        (templated)
    :param rows_per_file: None for one file
    :param compression: Parquet's compression
    :param threads: ranges in flight at a time
    :param destination_conn_id: connection for the storage, where the URI does not name it (templated)
    :param hints: settings for ``sql`` (templated)
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    """

    template_fields: Sequence[str] = (
        "destination",
        "table",
        "partition",
        "columns",
        "sql",
        "instance_id",
        "destination_conn_id",
        "hints",
        "odps_conn_id",
        "project",
        "schema",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "hints": "json"}
    ui_color = "#ffe9d6"

    def __init__(
        self,
        *,
        destination: str | ObjectStoragePath,
        table: str | None = None,
        partition: PartitionSpec | None = None,
        columns: Sequence[str] | None = None,
        sql: str | None = None,
        instance_id: str | None = None,
        rows_per_file: int | None = None,
        compression: str = "zstd",
        threads: int = 4,
        destination_conn_id: str | None = None,
        hints: dict[str, Any] | None = None,
        odps_conn_id: str = "odps_default",
        project: str | None = None,
        schema: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.table = table
        self.partition = partition
        self.columns = columns
        self.sql = sql
        self.instance_id = instance_id
        self.rows_per_file = rows_per_file
        self.compression = compression
        self.threads = threads
        self.destination_conn_id = destination_conn_id
        self.hints = hints
        self.odps_conn_id = odps_conn_id
        self.project = project
        self.schema = schema

    @property
    def hook(self) -> MaxComputeHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        return MaxComputeHook(
            self.odps_conn_id, project=self.project or None, schema=self.schema or None, hints=self.hints
        )

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Export the rows.

        :param context: the task's context
        :return: the file's URI, or the manifest's with the number of files; and the number of rows
        """
        from airflow.sdk import ObjectStoragePath

        self._stop = threading.Event()
        self._check()
        destination = ObjectStoragePath(self.destination, conn_id=self.destination_conn_id or None)
        self._check_destination(destination)
        with self._source() as download:
            if self.rows_per_file is None:
                result = self._export_file(download, destination)
            else:
                folder = destination / _task_key(context)
                result = self._export_folder(download, folder, self.rows_per_file)
        self.log.info("Exported %s rows to %s", result["rows"], result["uri"])
        return result

    def _check(self) -> None:
        given = [name for name in ("table", "sql", "instance_id") if getattr(self, name)]
        if len(given) != 1:
            raise ConfigurationError(
                f"give exactly one of table, sql and instance_id; found {', '.join(given) or 'none'}"
            )
        if not self.table and (self.partition or self.columns):
            raise ConfigurationError("partition and columns go with table only")
        limit = self.rows_per_file
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise ConfigurationError(f"rows_per_file must be an integer of at least 1, found {limit!r}")

    def _check_destination(self, path: ObjectStoragePath) -> None:
        """Refuse what could only fail after all rows have been read."""
        from airflow_provider_datalake.filesystems.local import is_local

        # On an object store a file and a folder may have one name.
        if self.rows_per_file is None and (
            str(self.destination).endswith("/") or (is_local(path) and path.is_dir())
        ):
            raise ConfigurationError(
                f"destination {path} is a folder: name a file in it, or give rows_per_file for many files"
            )
        if self.rows_per_file is not None and is_local(path) and path.is_file():
            raise ConfigurationError(f"destination {path} is a file: rows_per_file needs a folder")

    @contextmanager
    def _source(self) -> Iterator[Download]:
        from airflow_provider_datalake.clients.maxcompute_errors import service_errors

        hook = self.hook
        with service_errors(self.odps_conn_id, f"export to {self.destination}"):
            if self.table:
                yield hook.unload(
                    self.table,
                    partition=self.partition or None,
                    columns=self.columns or None,
                    threads=self.threads,
                    stop=self._stop,
                )
                return
            instance_id = self.instance_id
            if self.sql:
                with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
                    instance_id = cursor.execute(self.sql).instance.id
                    self.log.info("Exporting the result of instance %s", instance_id)
            yield hook.unload_result(str(instance_id), threads=self.threads, stop=self._stop)

    def _export_file(self, download: Download, path: ObjectStoragePath) -> dict[str, Any]:
        with closing(download.tables(ROW_GROUP_ROWS, most_bytes=ROW_GROUP_BYTES)) as tables:
            rows = self._write(path, tables, download.schema)
        self._compare(rows, download)
        return {"uri": str(path), "rows": rows, "files": 1}

    def _export_folder(self, download: Download, folder: ObjectStoragePath, limit: int) -> dict[str, Any]:
        from airflow_provider_datalake.filesystems.whole_files import written_whole
        from airflow_provider_datalake.transfers.object_storage import remove_others

        # Names of this attempt's own: another one that is still alive cannot mix its rows into ours.
        token = uuid.uuid4().hex[:8]
        remove_others(folder, keep=())
        parts: list[Mapping[str, Any]] = []
        with closing(download.tables(min(limit, ROW_GROUP_ROWS), most_bytes=ROW_GROUP_BYTES)) as tables:
            for pieces in _groups(tables, limit, download.schema):
                name = f"part-{len(parts):05d}-{token}.parquet"
                rows = self._write(folder / name, pieces, download.schema)
                parts.append({"name": name, "rows": rows})
        total = sum(part["rows"] for part in parts)
        self._compare(total, download)
        remove_others(folder, keep=[part["name"] for part in parts])
        manifest = folder / "manifest.json"
        with written_whole(manifest) as file:
            file.write(json.dumps({"rows": total, "files": parts}, indent=1).encode())
        return {"uri": str(manifest), "rows": total, "files": len(parts)}

    def _write(self, path: ObjectStoragePath, tables: Iterator[pa.Table], schema: pa.Schema) -> int:
        import pyarrow.parquet as pq

        from airflow_provider_datalake.filesystems.whole_files import written_whole

        rows = 0
        with (
            written_whole(path) as file,
            pq.ParquetWriter(file, schema, compression=self.compression) as writer,
        ):
            for table in tables:
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
                rows += table.num_rows
        return rows

    def _compare(self, rows: int, download: Download) -> None:
        if rows != download.rows or download.count not in (-1, rows):
            raise TransferError(f"read {download.rows} rows, wrote {rows}")


def _groups(tables: Iterator[pa.Table], limit: int, schema: pa.Schema) -> Iterator[Iterator[pa.Table]]:
    """Deal tables out into files of ``limit`` rows; there is at least one file."""
    current = next(tables, schema.empty_table())

    def one_file() -> Iterator[pa.Table]:
        nonlocal current
        left = limit
        while current is not None:
            piece = current.slice(0, left)
            yield piece
            left -= piece.num_rows
            current = (
                current.slice(piece.num_rows) if piece.num_rows < current.num_rows else next(tables, None)
            )
            if not left:
                return

    while current is not None:
        yield one_file()


def _task_key(context: Context) -> str:
    """Name a task's folder after it: tasks and DAGs that share a destination do not share a folder."""
    ti = context["ti"]
    parts = [f"dag_id={ti.dag_id}", f"run_id={ti.run_id}", f"task_id={ti.task_id}"]
    if ti.map_index is not None and ti.map_index >= 0:
        parts.append(f"map_index={ti.map_index}")
    return "/".join(re.sub(r"[^A-Za-z0-9_.=-]", "_", part) for part in parts)
