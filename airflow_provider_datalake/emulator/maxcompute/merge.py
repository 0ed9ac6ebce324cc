"""The Merge task: makes few large files of many small ones, or recompresses them for the archive."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.catalog import DEFAULT_SCHEMA, CommitConflict, NoSuchEntity
from airflow_provider_datalake.emulator.jobs import JobControl, JobFailure
from airflow_provider_datalake.emulator.maxcompute.partition_spec import (
    matching,
    parse_partition_spec,
    spec_text,
)
from airflow_provider_datalake.emulator.numbers import whole_number
from airflow_provider_datalake.emulator.segments import identifier
from airflow_provider_datalake.emulator.storage import SegmentChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.catalog import Partition, Segment, Table
    from airflow_provider_datalake.emulator.jobs import StageHandle
    from airflow_provider_datalake.emulator.maxcompute.submissions import TaskRequest
    from airflow_provider_datalake.emulator.storage import Storage

SMALL_FILE_SETTING = "odps.merge.smallfile.filesize.threshold"
DEFAULT_SMALL_FILE_MB = 64
_ATTEMPTS = 5
_TARGET = re.compile(
    r"\s*(?P<table>[^\s(]+)\s*(?:partition\s*\((?P<spec>.*)\)\s*)?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class _Unit:
    """The segments of one partition, or of a table without partitions, that are rewritten together."""

    partition: Partition | None
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class _Size:
    rows: int
    bytes: int
    files: int


class MergeTask:
    """
    One run of a Merge task.

    :param storage: where the table is
    :param task: what to do
    :param project: the project that names without one belong to
    :param control: the job's control
    """

    def __init__(self, storage: Storage, task: TaskRequest, project: str, control: JobControl) -> None:
        self._storage = storage
        self._catalog = storage.catalog
        self._task = task
        self._project = project
        self._control = control
        self._stage: StageHandle = control.stage("M1_archive" if task.archive else "M1_merge")

    def run(self) -> dict[str, Any]:
        """
        Rewrite the files in one transaction.

        :return: the task's result as JSON, with the files and bytes before and after
        :raises JobFailure: when the target is not there, or others keep changing it
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt()
            except (CommitConflict, NoSuchEntity) as error:
                # What was dropped meanwhile is left out, or named, by the next attempt.
                conflict = error
                self._control.check()
        raise JobFailure(
            f"ODPS-0110999:Critical! Internal error happened in commit operation - {conflict}"
        ) from conflict

    def _attempt(self) -> dict[str, Any]:
        table, spec = self._target()
        partitions = self._partitions(table, spec)
        before = self._sizes(table, partitions)
        units = self._units(table, partitions)
        changes = [self._rewrite(table, unit, done, len(units)) for done, unit in enumerate(units)]
        if changes:
            self._control.check()
            self._storage.commit(table, changes, job_id=self._control.job_id)
        after = self._sizes(table, partitions)
        rows = sum(size.rows for size in after)
        self._stage.update(100.0, input_records=rows, output_records=rows)
        return self._result(table, partitions, before, after, rewritten=len(units))

    def _target(self) -> tuple[Table, dict[str, str]]:
        match = _TARGET.fullmatch(self._task.table)
        if not match:
            raise JobFailure(f"ODPS-0130161:[1,1] Parse exception - invalid table '{self._task.table}'")
        names = [part.strip("`").lower() for part in match["table"].split(".")]
        if len(names) > 3 or not all(names):
            raise JobFailure(f"ODPS-0130161:[1,1] Parse exception - invalid table '{match['table']}'")
        project = names[0] if len(names) > 1 else self._project
        schema = names[1] if len(names) > 2 else DEFAULT_SCHEMA
        try:
            table = self._catalog.get_table(project, names[-1], schema)
        except NoSuchEntity:
            raise JobFailure(
                f"ODPS-0130131:[1,1] Table not found - table {project}.{names[-1]} cannot be resolved"
            ) from None
        if match["spec"] is None:
            return table, {}
        try:
            return table, parse_partition_spec(match["spec"])
        except ValueError as error:
            raise _semantic(error) from error

    def _partitions(self, table: Table, spec: dict[str, str]) -> list[Partition | None]:
        if not table.partition_columns and not spec:
            return [None]
        try:
            found = matching(table, self._catalog.list_partitions(table), spec)
        except ValueError as error:
            raise _semantic(error) from error
        if spec and not found:
            text = ",".join(f"{name}='{value}'" for name, value in spec.items())
            raise JobFailure(
                f"ODPS-0130071:[1,1] Semantic analysis exception - partition {text} does not exist in "
                f"table {table.project}.{table.name}"
            )
        return list(found)

    def _sizes(self, table: Table, partitions: Sequence[Partition | None]) -> list[_Size]:
        sizes = []
        for partition in partitions:
            found = self._catalog.statistics(table, partition.id if partition else None)
            sizes.append(_Size(found.rows, found.bytes, found.files))
        return sizes

    def _units(self, table: Table, partitions: Sequence[Partition | None]) -> list[_Unit]:
        units = []
        for partition in partitions:
            with self._storage.snapshot(table, None if partition is None else [partition.id]) as snapshot:
                segments = tuple(snapshot.segments)
            if self._task.archive:
                wanted = () if (partition or table).archived else segments
            else:
                wanted = self._small(segments)
            if wanted:
                units.append(_Unit(partition, wanted))
        return units

    def _small(self, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        text = self._task.settings.get(SMALL_FILE_SETTING, str(DEFAULT_SMALL_FILE_MB))
        megabytes = whole_number(text)
        if megabytes is None:
            raise JobFailure(
                f"ODPS-0130071:[0,0] Semantic analysis exception - {SMALL_FILE_SETTING} must be a number of "
                f"megabytes, got '{text}'"
            )
        limit = megabytes * 1024 * 1024
        # One small file alone cannot be merged; two and more make the whole partition one file.
        return segments if sum(segment.bytes < limit for segment in segments) > 1 else ()

    def _rewrite(self, table: Table, unit: _Unit, done: int, total: int) -> SegmentChange:
        self._control.check()
        self._stage.update(100.0 * done / total)
        partition = unit.partition
        with (
            self._storage.snapshot(table, None if partition is None else [partition.id]) as snapshot,
            closing(self._storage.connect()) as connection,
            self._control.interrupting(connection.interrupt),
        ):
            names = ", ".join(identifier(column.name) for column in table.columns)
            sql = f"SELECT {names} FROM {snapshot.scan_sql()}"
            staged = self._storage.stage_query(connection, table, sql, archived=self._task.archive)
            read = [segment.id for segment in snapshot.segments]
        rows = sum(item.rows for item in staged)
        if rows != snapshot.row_count:
            raise RuntimeError(f"the rewrite of {table.name} read {snapshot.row_count} rows and wrote {rows}")
        return SegmentChange(
            partition_values=None if partition is None else partition.values,
            add=staged,
            remove=read,
            archived=True if self._task.archive else None,
        )

    def _result(
        self,
        table: Table,
        partitions: Sequence[Partition | None],
        before: Sequence[_Size],
        after: Sequence[_Size],
        rewritten: int,
    ) -> dict[str, Any]:
        name = f"{table.project}.{table.name}"
        labels = [None if item is None else spec_text(table, item.values) for item in partitions]
        files = (sum(size.files for size in before), sum(size.files for size in after))
        size = (sum(size.bytes for size in before), sum(size.bytes for size in after))
        verb = "Archived" if self._task.archive else "Merged"
        text = (
            f"{verb} {name}: {files[0]} files ({size[0]} bytes) before, "
            f"{files[1]} files ({size[1]} bytes) after; "
            f"{rewritten} of {len(partitions)} {'partitions' if table.partition_columns else 'tables'} "
            "rewritten."
        )
        return {
            "columns": None,
            "text": text,
            "rows": sum(item.rows for item in after),
            "inputs": [_io(name, label, item) for label, item in zip(labels, before, strict=True)],
            "outputs": [_io(name, label, item) for label, item in zip(labels, after, strict=True)],
            "files_before": files[0],
            "files_after": files[1],
            "bytes_before": size[0],
            "bytes_after": size[1],
        }


def _semantic(error: ValueError) -> JobFailure:
    return JobFailure(f"ODPS-0130071:[1,1] Semantic analysis exception - {error}")


def _io(table: str, partition: str | None, size: _Size) -> dict[str, Any]:
    return {"table": table, "partition": partition, "rows": size.rows, "bytes": size.bytes}
