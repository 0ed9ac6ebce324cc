"""
Unloads: one download session, parallel row ranges, in order, with bounded memory.

Counts are compared range by range; there is no limit of 10,000 rows. Instants come out with the time zone
that the project's SQL uses, so that they are exact and print as they do there.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.maxcompute_columns import table_columns
from airflow_provider_datalake.clients.maxcompute_specs import (
    check_partition,
    has_partition,
    parse_partition,
    sql_form,
    tunnel_form,
)
from airflow_provider_datalake.clients.maxcompute_tunnel import TableRef, Tunnel
from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa
    from odps import ODPS

    from airflow_provider_datalake.clients.maxcompute_columns import TableColumn
    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.clients.maxcompute_tunnel import Session

_FIRST_ROWS = 16384
_MOST_ROWS = 1 << 20
_RANGE_BYTES = 8 * 1024 * 1024


@dataclass
class Part:
    """
    One download session.

    :param session: the session
    :param read: reads a range of its rows, given first row and number of rows
    :param constants: partition columns and their values, appended to every batch
    """

    session: Session
    read: Callable[[tuple[int, int]], list[pa.RecordBatch]]
    constants: list[tuple[TableColumn, str]] = field(default_factory=list)


class Download:
    """
    The rows of a table, of a partition or of a query's result.

    :param columns: the columns
    :param parts: opens the download sessions, one after the other
    :param zone: the zone that instants are shown in
    :param threads: ranges in flight at a time
    :param stop: set it to end the download
    :param count: the number of rows, -1 where it is not known before they are read
    """

    def __init__(
        self,
        columns: Sequence[TableColumn],
        parts: Iterator[Part],
        *,
        zone: str,
        threads: int,
        stop: threading.Event,
        count: int = -1,
    ) -> None:
        import pyarrow as pa

        self.columns = columns
        self.schema = pa.schema([(column.name, _shown_type(column, zone)) for column in columns])
        self.count = count
        self.rows = 0
        """Rows read so far."""
        self._parts = parts
        self._threads = threads
        self._stop = stop

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """
        Read all rows, in the service's order.

        :return: batches of a few megabytes
        :raises TransferError: when a range does not come through whole
        """
        pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="maxcompute-unload")
        try:
            for part in self._parts:
                for batch in _in_order(part, pool, self._threads):
                    self.rows += batch.num_rows
                    yield _present(batch, part.constants, self.schema)
        except BaseException:
            # Also when the reader has had enough: no thread outlives the generator.
            self._stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def tables(self, rows: int, *, most_bytes: int | None = None) -> Generator[pa.Table, None, None]:
        """
        Read all rows in pieces of one size.

        :param rows: rows of a piece; the last one may have fewer
        :param most_bytes: size from which on a piece may have fewer rows
        :return: Arrow tables
        """
        import pyarrow as pa

        held: list[pa.RecordBatch] = []
        count = size = 0
        with closing(self.batches()) as batches:
            for batch in batches:
                held.append(batch)
                count += batch.num_rows
                size += batch.nbytes
                while count >= rows or (most_bytes is not None and size >= most_bytes):
                    table = pa.Table.from_batches(held, self.schema)
                    yield table.slice(0, rows)
                    held = table.slice(rows).to_batches()
                    count = max(0, count - rows)
                    size = sum(piece.nbytes for piece in held)
        if count:
            yield pa.Table.from_batches(held, self.schema)

    def to_arrow(self) -> pa.Table:
        """
        Read all rows into memory.

        :return: an Arrow table
        """
        import pyarrow as pa

        return pa.Table.from_batches(self.batches(), self.schema)

    def to_pandas(self) -> pd.DataFrame:
        """
        Read all rows into a DataFrame.

        :return: integers and booleans in pandas's nullable types, exact also where there are NULLs
        """
        return arrow_to_pandas(self.to_arrow())


def arrow_to_pandas(data: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """
    Convert Arrow data, with integers and booleans in pandas's nullable types.

    :param data: a table or batch
    :return: the same values
    """
    import pandas as pd
    import pyarrow as pa

    nullable = {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    return data.to_pandas(types_mapper=nullable.get)


class _Sizer:
    """Cuts rows into ranges of about ``_RANGE_BYTES``, from what the ranges before weighed."""

    def __init__(self, rows: int) -> None:
        self._next = 0
        self._rows = rows
        self._size = _FIRST_ROWS

    def take(self) -> tuple[int, int] | None:
        if self._next >= self._rows:
            return None
        start, count = self._next, min(self._size, self._rows - self._next)
        self._next += count
        return start, count

    def weigh(self, batches: Sequence[pa.RecordBatch]) -> None:
        rows = sum(batch.num_rows for batch in batches)
        size = sum(batch.nbytes for batch in batches)
        if rows:
            self._size = max(1, min(_MOST_ROWS, _RANGE_BYTES * rows // max(size, 1)))


def _in_order(part: Part, pool: ThreadPoolExecutor, threads: int) -> Iterator[pa.RecordBatch]:
    sizer = _Sizer(part.session.count)
    pending: deque[Future[list[pa.RecordBatch]]] = deque()
    while True:
        while len(pending) < threads and (rows := sizer.take()) is not None:
            pending.append(pool.submit(part.read, rows))
        if not pending:
            return
        batches = pending.popleft().result()
        sizer.weigh(batches)
        yield from batches


def open_table(
    client: ODPS,
    table: str,
    *,
    partition: PartitionSpec | None = None,
    columns: Sequence[str] | None = None,
    zone: str,
    threads: int = 4,
    compress: bool | None = None,
    stop: threading.Event | None = None,
) -> Download:
    """
    Open the rows of a table or of one of its partitions.

    :param client: a PyODPS client
    :param table: the table's name
    :param partition: one partition; None for the whole table, partition by partition
    :param columns: names of data and partition columns; None for all, partition columns last
    :param zone: the zone that instants are shown in
    :param threads: ranges in flight at a time
    :param compress: whether rows travel compressed; None for yes unless the service is on this machine
    :param stop: set it to end the download
    :return: the download; its sessions are opened when it is read
    :raises ConfigurationError: when a name or the partition does not fit
    :raises NotFoundError: when table or partition do not exist
    """
    import pyarrow as pa

    ref = TableRef.parse(table, client)
    found = client.get_table(ref.name, project=ref.project, schema=ref.schema or None)
    found.reload()
    data, keys = table_columns(found.table_schema)
    parts = check_partition(partition, [(key.name, key.type) for key in keys], table=str(ref), required=False)
    if parts and tunnel_form(parts) and not has_partition(found, parts):
        raise NotFoundError(f"table {ref} has no partition {sql_form(parts)}")
    chosen = _choose([*data, *keys], columns, str(ref))
    chosen_data = [column for column in data if column in chosen] or data[:1]
    chosen_keys = [key for key in keys if key in chosen]
    stop = stop or threading.Event()
    wire = pa.schema([(column.name, column.wire_type()) for column in chosen_data])

    def open_parts() -> Iterator[Part]:
        tunnel = Tunnel(client, stop=stop)
        encoding = _encoding(tunnel, compress)
        for values in [parts] if parts or not keys else _partitions(found):
            spec = tunnel_form(values) if values else ""
            session = tunnel.create_download(ref, spec)

            def read(
                rows: tuple[int, int], session: Session = session, spec: str = spec
            ) -> list[pa.RecordBatch]:
                return tunnel.read_table(ref, spec, session.id, rows, wire, encoding)

            yield Part(session, read, [(key, (values or {})[key.name.lower()]) for key in chosen_keys])

    return Download(chosen, open_parts(), zone=zone, threads=threads, stop=stop)


def open_result(
    client: ODPS,
    instance_id: str,
    *,
    zone: str,
    project: str | None = None,
    threads: int = 4,
    compress: bool | None = None,
    stop: threading.Event | None = None,
) -> Download:
    """
    Open the result of a query.

    :param client: a PyODPS client
    :param instance_id: the instance, finished
    :param zone: the zone that instants are shown in
    :param project: the instance's project, the client's by default
    :param threads: ranges in flight at a time
    :param compress: whether rows travel compressed; None for yes unless the service is on this machine
    :param stop: set it to end the download
    :return: the download
    :raises InstanceTypeNotSupported: PyODPS's error for a statement that returns no rows
    """
    import pyarrow as pa

    stop = stop or threading.Event()
    tunnel = Tunnel(client, stop=stop)
    encoding = _encoding(tunnel, compress)
    project = project or client.project
    session = tunnel.create_result_download(project, instance_id)
    wire = pa.schema([(column.name, _as_struct(column.wire_type())) for column in session.columns])

    def read(rows: tuple[int, int]) -> list[pa.RecordBatch]:
        return tunnel.read_result(project, instance_id, session.id, rows, wire, encoding)

    parts = iter([Part(session, read)])
    return Download(session.columns, parts, zone=zone, threads=threads, stop=stop, count=session.count)


def _choose(available: Sequence[TableColumn], names: Sequence[str] | None, table: str) -> list[TableColumn]:
    if names is None:
        return list(available)
    by_name = {column.name.lower(): column for column in available}
    if unknown := [name for name in names if name.lower() not in by_name]:
        raise ConfigurationError(
            f"table {table} has no column {', '.join(unknown)}; it has {', '.join(by_name)}"
        )
    return [by_name[name.lower()] for name in names]


def _partitions(table: Any) -> Iterator[Mapping[str, str]]:
    for partition in table.iterate_partitions():
        yield parse_partition(dict(partition.partition_spec.kv))


def _encoding(tunnel: Tunnel, compress: bool | None) -> str:
    return "zstd" if (not tunnel.is_local if compress is None else compress) else ""


def _shown_type(column: TableColumn, zone: str) -> pa.DataType:
    import pyarrow as pa

    wire = column.wire_type()
    return pa.timestamp(wire.unit, zone) if column.base in ("datetime", "timestamp") else wire


def _as_struct(wire: pa.DataType) -> pa.DataType:
    """Nanosecond timestamps travel as structs on the instance tunnel."""
    import pyarrow as pa

    return pa.struct([("sec", pa.int64()), ("nano", pa.int32())]) if wire == pa.timestamp("ns") else wire


def _present(
    batch: pa.RecordBatch, constants: Sequence[tuple[TableColumn, str]], schema: pa.Schema
) -> pa.RecordBatch:
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
    for column, value in constants:
        arrays[column.name] = pa.repeat(pa.scalar(value).cast(column.wire_type()), batch.num_rows)
    shown = []
    for wanted in schema:
        array = arrays[wanted.name]
        if pa.types.is_struct(array.type) and pa.types.is_timestamp(wanted.type):
            array = _join(array)
        if array.type != wanted.type:
            # Only ever adds the zone: the values are UTC instants already.
            array = pc.cast(array, wanted.type)
        shown.append(array)
    return pa.record_batch(shown, schema=schema)


def _join(array: pa.StructArray) -> pa.Array:
    """Join seconds and nanoseconds; what lies outside the years 1677 to 2262 raises."""
    import pyarrow as pa
    import pyarrow.compute as pc

    seconds = pc.struct_field(array, "sec")
    nanos = pc.struct_field(array, "nano")
    return pc.add_checked(pc.multiply_checked(seconds, 1_000_000_000), nanos.cast(pa.int64())).cast(
        pa.timestamp("ns")
    )
