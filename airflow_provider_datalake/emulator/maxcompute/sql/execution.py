"""Running a bound query in DuckDB: its text, its progress, its errors, its result."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_datalake.emulator.maxcompute.sql.errors import (
    IllegalCastValue,
    InvalidArgument,
    OutOfMemory,
    RuntimeFailure,
    SemanticError,
    SqlError,
    runtime_failure,
)
from airflow_provider_datalake.emulator.maxcompute.types import arrow_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from airflow_provider_datalake.emulator.jobs import JobControl, StageHandle
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import (
        BoundQuery,
        OutputColumn,
        Statement,
    )
    from airflow_provider_datalake.emulator.snapshot import Snapshot
    from airflow_provider_datalake.emulator.storage import Storage

Result = TypeVar("Result")

_TICK = 0.1
_BATCH_ROWS = 65536
# Days since 1970 of 0001-01-01 and 10000-01-01, and a day more on both sides for the zones.
_FIRST_DAY, _LAST_DAY = -719163, 2932898
# DuckDB's names of types, in its messages.
_TYPES = {
    "INT8": "TINYINT",
    "INT16": "SMALLINT",
    "INT32": "INT",
    "INT64": "BIGINT",
    "INT128": "a number",
    "HUGEINT": "a number",
    "VARCHAR": "STRING",
    "TIMESTAMP_NS": "TIMESTAMP",
}
_DUCKDB_TYPE = re.compile(rf"\b(?:{'|'.join(_TYPES)})\b")
# What casts add to a text that is not of the service's form.
_UNREADABLE = re.compile(r'"(.*) is not (yyyy-mm-dd[a-z.: ]*)"')
_CODE = re.compile(r"(ODPS-\d{7})\s*:?\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class IO:
    """
    What a job read or wrote.

    :param table: full name of the table
    :param partition: the partition, e.g. ``pt=1``, None for a table without partitions
    :param rows: row count
    :param bytes: size of the files
    """

    table: str
    partition: str | None
    rows: int
    bytes: int


@dataclass(frozen=True)
class Executable:
    """
    A query that can run as it stands.

    :param sql: DuckDB's text
    :param inputs: what it reads
    """

    sql: str
    inputs: tuple[IO, ...]

    @property
    def rows(self) -> int:
        """How many rows its tables have."""
        return sum(i.rows for i in self.inputs)


@contextmanager
def executable(storage: Storage, statement: Statement, query: BoundQuery) -> Iterator[Executable]:
    """
    Open what a query reads, as it is now.

    :param storage: the storage
    :param statement: the bound and pruned statement
    :param query: the query
    :return: the query's text, valid until the context ends
    """
    with ExitStack() as stack:
        tables, inputs = [], []
        with storage.at_one_moment():
            for scan in statement.scans:
                ids = None if scan.partitions is None else {p.id for p in scan.partitions}
                snapshot = stack.enter_context(storage.snapshot(scan.table, ids))
                tables.append(f'"{scan.name}" AS NOT MATERIALIZED {snapshot.scan_sql(list(scan.used))}')
                inputs.extend(_inputs(snapshot))
        tables.extend(f'"{name}" AS ({sql.sql(dialect="duckdb")})' for name, sql in statement.common)
        text = query.sql.sql(dialect="duckdb")
        yield Executable(f"WITH {', '.join(tables)} {text}" if tables else text, tuple(inputs))


def _inputs(snapshot: Snapshot) -> list[IO]:
    table = snapshot.table
    if not table.partition_columns:
        return [IO(table.full_name, None, snapshot.row_count, snapshot.bytes)]
    return [
        IO(
            table.full_name,
            partition_text(table.partition_columns, partition.values),
            sum(s.rows for s in snapshot.segments if s.partition_id == partition.id),
            sum(s.bytes for s in snapshot.segments if s.partition_id == partition.id),
        )
        for partition in snapshot.partitions
    ]


def partition_text(columns: object, values: object) -> str:
    """
    Name a partition as SHOW PARTITIONS does.

    :param columns: the partition columns
    :param values: their values
    :return: e.g. ``pt=1/sub=2``
    """
    return "/".join(f"{c.name}={v}" for c, v in zip(columns, values, strict=True))  # type: ignore[call-overload]


class Runner:
    """
    Runs queries on one connection under a job's control.

    :param connection: the job's own connection
    :param control: the job
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, control: JobControl) -> None:
        self.connection = connection
        self.control = control

    def run(self, query: Executable, work: Callable[[StageHandle], Result]) -> Result:
        """
        Do something with a query while its progress is reported.

        :param query: the query
        :param work: runs it; gets the stage to report rows to
        :return: what the work returns
        :raises SqlError: when a value cannot be processed
        :raises JobCancelled: when the job was stopped
        """
        import duckdb

        self.control.check()
        stage = self.control.stage("M1")
        finished = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(stage, query.rows, finished), daemon=True)
        watcher.start()
        try:
            with self.control.interrupting(self.connection.interrupt):
                result = work(stage)
        except duckdb.Error as error:
            self.control.check()
            raise translated(error) from error
        finally:
            finished.set()
            watcher.join()
        stage.update(100.0, input_records=query.rows)
        stage.done()
        return result

    def _watch(self, stage: StageHandle, rows: int, finished: threading.Event) -> None:
        while not finished.wait(_TICK):
            if self.control.cancelled:
                # A request that came between two queries found nothing to interrupt.
                self.connection.interrupt()
            percent = self.connection.query_progress()
            if 0 <= percent <= 100:
                stage.update(min(percent, 99.0), input_records=int(rows * percent / 100))

    def write_result(self, query: Executable, columns: tuple[OutputColumn, ...], path: Path) -> int:
        """
        Run a query and write its rows as an Arrow IPC file.

        :param query: the query
        :param columns: its columns
        :param path: the file
        :return: the number of rows
        """
        import pyarrow as pa

        schema = pa.schema([pa.field(c.name, arrow_type(c.type)) for c in columns])
        count = 0

        def work(stage: StageHandle) -> int:
            nonlocal count
            reader = self.connection.sql(query.sql).to_arrow_reader(_BATCH_ROWS)
            with pa.ipc.new_file(path, schema) as writer:
                for batch in self._batches(reader):
                    self.control.check()
                    writer.write_batch(_conformed(batch, schema))
                    count += batch.num_rows
                    stage.update(0.0, output_records=count)
            return count

        try:
            return self.run(query, work)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _batches(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """Read batches; what DuckDB raises between two of them comes as an error of Arrow's."""
        import pyarrow as pa

        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                self.control.check()
                raise translated(error) from error
            yield batch


def _conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give the columns their declared Arrow types; what does not fit raises."""
    import pyarrow as pa

    for column, field in zip(batch.columns, schema, strict=True):
        _check_years(column, field)
    columns = [
        pa.nulls(batch.num_rows) if pa.types.is_null(field.type) else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _check_years(column: pa.Array, field: pa.Field) -> None:
    """Refuse what DuckDB can count and the service's types, and every client, cannot."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
        return
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return
    first, last = (pa.scalar(v, pa.date32()).cast(column.type) for v in (_FIRST_DAY, _LAST_DAY))
    bounds = pc.min_max(column)
    if bounds["min"].is_valid and not (
        pc.greater_equal(bounds["min"], first).as_py() and pc.less(bounds["max"], last).as_py()
    ):
        raise InvalidArgument(f"a value of {field.name} is outside of the years 1 to 9999")


def translated(error: Exception) -> SqlError:
    """
    Say a DuckDB error in the service's words.

    :param error: what DuckDB raised, or Arrow for it
    :return: the error to raise
    """
    text = str(error).strip()
    given = _CODE.search(text)
    if given:
        return runtime_failure(given.group(1), given.group(2).split("\n")[0].strip())
    message = re.sub(r"^[A-Z][A-Za-z ]*(Error|Exception): ?", "", text).split("\n")[0]
    # Our own names for columns mean nothing to whoever wrote the query.
    message = re.sub(r"!? when casting from source column .*|!$", "", message)
    message = _DUCKDB_TYPE.sub(lambda m: _TYPES[m.group()], message)
    if unreadable := _UNREADABLE.search(message):
        message = f"cannot convert '{unreadable.group(1)}', expected {unreadable.group(2)}"
    # By the text, for Arrow hands on nothing else.
    kind = text.partition(" Error:")[0]
    if kind == "Conversion":
        return IllegalCastValue(message)
    if kind in ("Out of Range", "Invalid Input"):
        return InvalidArgument(message)
    if kind == "Out of Memory":
        return OutOfMemory("the query needs more memory than the emulator has")
    if kind in ("Binder", "Not implemented"):
        return SemanticError(f"the emulator cannot run this query: {message}")
    return RuntimeFailure(message)
