"""
Loads: one upload session, parallel Arrow blocks, one commit.

All that can be checked is checked before the session is opened: names, types, the partition, and where a type
alone does not tell, the values. Until the commit nothing is visible, whatever fails; the blocks in flight are
all that is held in memory.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.maxcompute_columns import (
    BadData,
    TableColumn,
    match_columns,
    table_columns,
)
from airflow_provider_datalake.clients.maxcompute_frames import encode
from airflow_provider_datalake.clients.maxcompute_specs import (
    check_partition,
    has_partition,
    sql_form,
    tunnel_form,
)
from airflow_provider_datalake.clients.maxcompute_tunnel import TableRef, Tunnel
from airflow_provider_datalake.exceptions import NotFoundError, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from odps import ODPS

    from airflow_provider_datalake.clients.maxcompute_columns import ColumnPlan
    from airflow_provider_datalake.clients.maxcompute_sources import Source
    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.clients.maxcompute_tunnel import Session

BLOCK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Target:
    """
    Where a load goes.

    :param table: the table
    :param partition: the partition, None for a table without partitions
    :param columns: the table's data columns
    """

    table: TableRef
    partition: Mapping[str, str] | None
    columns: Sequence[TableColumn]

    @property
    def tunnel_partition(self) -> str:
        """The partition in the tunnel's form, empty for none."""
        return tunnel_form(self.partition) if self.partition else ""

    def __str__(self) -> str:
        return f"{self.table} partition({sql_form(self.partition)})" if self.partition else str(self.table)


@dataclass(frozen=True)
class LoadResult:
    """
    What a load did.

    :param table: full name of the table
    :param partition: the partition in SQL's form, None for a table without partitions
    :param rows: rows loaded
    :param upload_id: the upload session
    """

    table: str
    partition: str | None
    rows: int
    upload_id: str


@dataclass(frozen=True)
class LoadOptions:
    """
    How to load.

    :param overwrite: whether the commit replaces what is there
    :param create_partition: whether to create the partition if it is missing
    :param columns: the source columns to load, or table column by source column; the table's other columns
        then become NULL. None: the sources' columns must be the table's
    :param zone: zone of times without one
    :param threads: blocks in flight at a time
    :param compress: whether blocks travel compressed; None for yes unless the service is on this machine
    """

    overwrite: bool = False
    create_partition: bool = False
    columns: Mapping[str, str] | Sequence[str] | None = None
    zone: str = "Asia/Shanghai"
    threads: int = 4
    compress: bool | None = None


def find_target(
    client: ODPS, table: str, partition: PartitionSpec | None, *, create_partition: bool = False
) -> Target:
    """
    Look up where a load is to go.

    :param client: a PyODPS client
    :param table: the table's name
    :param partition: the partition, None for a table without partitions
    :param create_partition: whether the partition may be missing
    :return: the target
    :raises ConfigurationError: when the name or the partition does not fit
    :raises NotFoundError: when table or partition do not exist
    """
    ref = TableRef.parse(table, client)
    found = client.get_table(ref.name, project=ref.project, schema=ref.schema or None)
    found.reload()
    columns, keys = table_columns(found.table_schema)
    parts = check_partition(partition, [(key.name, key.type) for key in keys], table=str(ref))
    if parts and tunnel_form(parts) and not create_partition and not has_partition(found, parts):
        raise NotFoundError(
            f"table {ref} has no partition {sql_form(parts)}; create_partition=True lets the load create it"
        )
    return Target(ref, parts, columns)


def load(
    client: ODPS,
    target: Target,
    sources: Sequence[Source],
    options: LoadOptions,
    *,
    upload_id: str | None = None,
    on_session: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> LoadResult:
    """
    Load sources into a table or partition: all of them, or nothing.

    :param client: a PyODPS client
    :param target: where to
    :param sources: what to load
    :param options: how
    :param upload_id: the session of an earlier attempt at the same load: if it was committed, nothing is
        sent; if it is still open it is used again, so that two attempts can never both become visible
    :param on_session: called with the session's id before anything is sent
    :param stop: set it to end the load; nothing becomes visible
    :return: what was loaded
    :raises BadData: when a source does not fit the table, before a session is opened (for a stream that can
        be read only once: before its commit)
    :raises TransferError: when the load does not come through whole
    """
    plans, checked = check(sources, target.columns, options)
    upload = _Upload(client, target, options, stop or threading.Event())
    for earlier in [upload_id, None] if upload_id else [None]:
        session = upload.open(earlier)
        if on_session is not None:
            on_session(session.id)
        if session.status == "closed":
            return upload.result(session, sum(count or 0 for count in checked))
        rows = upload.send(session, _converted(sources, plans))
        if None not in checked and rows != sum(count or 0 for count in checked):
            raise TransferError(f"the sources changed while they were read; {rows} rows the second time")
        if upload.is_whole(session):
            upload.commit(session, rows)
            return upload.result(session, rows)
    raise TransferError(f"upload session {session.id} does not hold the blocks that were sent: not committed")


def check(
    sources: Sequence[Source], table: Sequence[TableColumn], options: LoadOptions
) -> tuple[list[list[ColumnPlan]], list[int | None]]:
    """
    Check before anything is sent: names, types, and the values where a type does not tell.

    :param sources: what is to be loaded
    :param table: the table's data columns
    :param options: how it is to be loaded
    :return: for each source how its columns are filled, and its rows where they are known
    :raises BadData: when a source does not fit the table
    """
    plans = [_plan(source, table, options) for source in sources]
    return plans, [_count_good(source, plan) for source, plan in zip(sources, plans, strict=True)]


def _plan(source: Source, table: Sequence[TableColumn], options: LoadOptions) -> list[ColumnPlan]:
    try:
        return match_columns(
            source.schema, table, columns=options.columns, zone=options.zone, texts=source.texts
        )
    except BadData as error:
        raise BadData(f"{source.name}: {error}") from None


def _count_good(source: Source, plans: Sequence[ColumnPlan]) -> int | None:
    """Read what a type alone does not tell; returns the rows if they were counted."""
    if not source.repeatable:
        return None
    doubtful = [plan for plan in plans if plan.source is not None and (source.texts or plan.can_fail)]
    if not doubtful:
        return source.rows
    return sum(batch.num_rows for batch in _convert(source, doubtful))


def _convert(source: Source, plans: Sequence[ColumnPlan]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    names = [plan.source for plan in plans if plan.source is not None]
    schema = pa.schema([(plan.column.name, plan.wire) for plan in plans])
    first = 0
    try:
        for batch in source.batches(names):
            arrays = [
                plan.convert(
                    None if plan.source is None else batch.column(plan.source), batch.num_rows, first
                )
                for plan in plans
            ]
            first += batch.num_rows
            yield pa.record_batch(arrays, schema=schema)
    except BadData as error:
        raise BadData(f"{source.name}: {error}") from None


def _converted(sources: Sequence[Source], plans: Sequence[Sequence[ColumnPlan]]) -> Iterator[pa.RecordBatch]:
    for source, plan in zip(sources, plans, strict=True):
        yield from _convert(source, plan)


class _Upload:
    """One upload session's calls."""

    def __init__(self, client: ODPS, target: Target, options: LoadOptions, stop: threading.Event) -> None:
        self.target = target
        self.options = options
        self.blocks: frozenset[int] = frozenset()
        self.tunnel = Tunnel(client, stop=stop)
        self.compress = not self.tunnel.is_local if options.compress is None else options.compress

    def open(self, upload_id: str | None) -> Session:
        table, partition = self.target.table, self.target.tunnel_partition
        if upload_id:
            try:
                session = self.tunnel.get_upload(table, partition, upload_id)
            except Exception as error:
                if not _is_gone(error):
                    raise
            else:
                if session.status in ("normal", "closing", "closed"):
                    return session
        session = self.tunnel.create_upload(
            table,
            partition,
            overwrite=self.options.overwrite,
            create_partition=self.options.create_partition,
        )
        found = [(column.name.lower(), column.type) for column in session.columns]
        expected = [(column.name.lower(), column.type) for column in self.target.columns]
        if found != expected:
            raise TransferError(f"table {self.target.table} was altered at this moment; load again")
        return session

    def send(self, session: Session, batches: Iterator[pa.RecordBatch]) -> int:
        """Send all blocks; returns the number of rows."""
        rows = 0
        pending: set[Future[None]] = set()
        pool = ThreadPoolExecutor(max_workers=self.options.threads, thread_name_prefix="maxcompute-load")
        blocks = 0
        try:
            for block, content in enumerate(_blocks(batches)):
                while len(pending) >= self.options.threads:
                    pending = _settle(pending)
                rows += sum(batch.num_rows for batch in content)
                blocks += 1
                # Framed here, so that a block in flight is held once, not also as what it was made of.
                body = encode(content)
                content.clear()
                pending.add(pool.submit(self._put, session.id, block, body))
            while pending:
                pending = _settle(pending)
        except BaseException:
            # Whatever ends the load, also a signal: its threads end with it and nothing is committed.
            self.tunnel.stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        self.blocks = frozenset(range(blocks))
        return rows

    def _put(self, upload_id: str, block: int, body: pa.Buffer) -> None:
        import pyarrow as pa

        if self.compress:
            # As bytes: the memory view of the buffer that it makes has the length of the worst case.
            body = pa.py_buffer(pa.compress(body, codec="zstd", asbytes=True))
        self.tunnel.put_block(
            self.target.table,
            self.target.tunnel_partition,
            upload_id,
            block,
            body,
            "zstd" if self.compress else "",
        )

    def is_whole(self, session: Session) -> bool:
        """Whether the service holds the blocks that were sent, and no others of an earlier attempt."""
        held = self.tunnel.get_upload(self.target.table, self.target.tunnel_partition, session.id).blocks
        return held == self.blocks

    def commit(self, session: Session, rows: int) -> None:
        table, partition = self.target.table, self.target.tunnel_partition
        self.tunnel.commit(table, partition, session.id)
        if self.options.overwrite:
            found = self.tunnel.create_download(table, partition).count
            if found != rows:
                raise TransferError(
                    f"{self.target} holds {found} rows after a load of {rows}: "
                    "something else has written to it"
                )

    def result(self, session: Session, rows: int) -> LoadResult:
        partition = sql_form(self.target.partition) if self.target.partition else None
        return LoadResult(str(self.target.table), partition, rows, session.id)


def _is_gone(error: Exception) -> bool:
    from odps.errors import BaseODPSError

    return isinstance(error, BaseODPSError) and 400 <= (error.status_code or 0) < 500


def _settle(pending: set[Future[None]]) -> set[Future[None]]:
    """Wait until at least one block is done; raises what it raised."""
    done, rest = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return rest


def _blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Group batches into blocks of about ``BLOCK_BYTES``."""
    block: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        block.append(batch)
        size += batch.nbytes
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
