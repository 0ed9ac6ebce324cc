"""Snapshots: a table's rows as of one moment, for as long as somebody reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator import segments as files
from airflow_provider_datalake.emulator.maxcompute.types import arrow_type, duckdb_type, parse_type
from airflow_provider_datalake.emulator.records import Column, NoSuchEntity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa

    from airflow_provider_datalake.emulator.records import Partition, Segment, Table


class Snapshot:
    """
    A table, some or all of its partitions, and the segments that held their rows at one moment.

    Use it as a context manager, or close it: until then its files stay on disk.

    :param root: the directory that segment paths are relative to
    :param table: the table
    :param partitions: the partitions
    :param segments: their segments, by id
    :param release: called once when the snapshot is closed
    """

    def __init__(
        self,
        root: Path,
        table: Table,
        partitions: Sequence[Partition],
        segments: Sequence[Segment],
        release: Callable[[], None] | None = None,
    ) -> None:
        self.table = table
        self.partitions = list(partitions)
        self.segments = list(segments)
        self._root = root
        self._release = release
        self._values = {partition.id: partition.values for partition in partitions}

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the files go; once is enough."""
        release, self._release = self._release, None
        if release:
            release()

    @property
    def row_count(self) -> int:
        """How many rows the segments hold."""
        return sum(segment.rows for segment in self.segments)

    @property
    def bytes(self) -> int:
        """How large the segments are."""
        return sum(segment.bytes for segment in self.segments)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of all columns, partition columns last."""
        return self._schema(self._columns(None))

    def scan_sql(self, columns: Sequence[str] | None = None) -> str:
        """
        Write the DuckDB query that reads the snapshot.

        :param columns: names of data and partition columns, or None for all, partition columns last
        :return: a parenthesised SELECT; its columns have the DuckDB types of the table's columns
        """
        wanted = self._columns(columns)
        if not self.segments:
            return self._empty_sql(wanted)
        keys = {column.id for column in self.table.partition_columns}
        # DuckDB wants at least one column from the files, e.g. to count rows.
        data = [column for column in wanted if column.id not in keys] or [self.table.columns[0]]
        outputs = [
            (self._partition_sql(column) if column.id in keys else f"c{column.id}", column.name)
            for column in wanted
        ]
        paths = [self._root / segment.path for segment in self.segments]
        return files.scan_sql(data, paths, outputs or [("1", "one")])

    @staticmethod
    def _empty_sql(wanted: Sequence[Column]) -> str:
        outputs = ", ".join(
            f"CAST(NULL AS {duckdb_type(parse_type(column.type))}) AS {files.identifier(column.name)}"
            for column in wanted
        )
        return f"(SELECT {outputs or '1 AS one'} WHERE false)"

    def _partition_sql(self, column: Column) -> str:
        """Give the column's value as a constant, or choose it by the file; DuckDB prunes files by either."""
        type_sql = duckdb_type(parse_type(column.type))
        values = [self._value(segment, column) for segment in self.segments]
        if len(set(values)) == 1:
            return f"CAST({files.literal(values[0])} AS {type_sql})"
        listed = ", ".join(map(files.literal, values))
        return f"CAST([{listed}] AS {type_sql}[])[CAST(file_index AS BIGINT) + 1]"

    def read(
        self, columns: Sequence[str] | None = None, start: int = 0, count: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """
        Read rows in a stable order, a batch at a time.

        :param columns: names of data and partition columns, or None for all, partition columns last
        :param start: first row
        :param count: how many rows, or None for all that follow; what lies beyond the last row is left out
        :return: record batches with ``arrow_type()`` types
        """
        import pyarrow as pa

        wanted = self._columns(columns)
        schema = self._schema(wanted)
        keys = {column.id for column in self.table.partition_columns}
        data = [column for column in wanted if column.id not in keys]
        remaining = self.row_count if count is None else count
        for segment in self.segments:
            if remaining <= 0:
                return
            if start >= segment.rows:
                start -= segment.rows
                continue
            take = min(remaining, segment.rows - start)
            for rows, arrays in self._read_segment(segment, data, start, take):
                found = iter(arrays)
                yield pa.RecordBatch.from_arrays(
                    [
                        self._repeat(segment, column, rows) if column.id in keys else next(found)
                        for column in wanted
                    ],
                    schema=schema,
                )
            start, remaining = 0, remaining - take

    def _read_segment(
        self, segment: Segment, data: Sequence[Column], start: int, take: int
    ) -> Iterator[tuple[int, list[pa.Array]]]:
        if not data:
            yield take, []
            return
        for arrays in files.read_rows(self._root / segment.path, segment, data, start, take):
            yield len(arrays[0]), arrays

    def _repeat(self, segment: Segment, column: Column, rows: int) -> pa.Array:
        import pyarrow as pa

        value = pa.scalar(self._value(segment, column)).cast(arrow_type(parse_type(column.type)))
        return pa.repeat(value, rows)

    def _value(self, segment: Segment, column: Column) -> str:
        if segment.partition_id is None:
            raise RuntimeError(f"segment {segment.path} of {self.table.full_name} has no partition")
        return self._values[segment.partition_id][self.table.partition_columns.index(column)]

    def _columns(self, names: Sequence[str] | None) -> list[Column]:
        columns = (*self.table.columns, *self.table.partition_columns)
        if names is None:
            return list(columns)
        by_name = {column.name: column for column in columns}
        missing = [name for name in names if name.lower() not in by_name]
        if missing:
            raise NoSuchEntity("column", f"{missing[0]} of {self.table.full_name}")
        return [by_name[name.lower()] for name in names]

    @staticmethod
    def _schema(columns: Sequence[Column]) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(column.name, arrow_type(parse_type(column.type))) for column in columns])
