"""Upload sessions of the table tunnel: blocks are stored as they arrive, and seen together once committed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from airflow_provider_datalake.emulator.catalog import CommitConflict, NoSuchEntity
from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire, limits, record_wire, specs
from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import content_coding, decompress
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import MalformedStream
from airflow_provider_datalake.emulator.maxcompute.tunnel.streams import BodyLost, RequestBody
from airflow_provider_datalake.emulator.maxcompute.types import arrow_type, parse_type
from airflow_provider_datalake.emulator.sessions import SessionClosed, UploadStatus

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from concurrent.futures import Executor

    import pyarrow as pa
    from starlette.requests import Request

    from airflow_provider_datalake.emulator.catalog import Table
    from airflow_provider_datalake.emulator.maxcompute.calls import Call
    from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService
    from airflow_provider_datalake.emulator.sessions import UploadSession


def create(call: Call) -> Response:
    """
    Open an upload session.

    :param call: ``POST ?uploads[&partition=][&overwrite][&create_partition]``
    :return: the session's document
    """
    catalog = call.service.storage.catalog
    table = specs.find_table(catalog, call.request.path_params)
    spec = call.query.get("partition")
    try:
        session = call.service.sessions.create_upload(
            table,
            specs.partition_values(table, spec),
            overwrite=specs.flag(call.query.get("overwrite")),
            create_partition=specs.flag(call.query.get("create_partition")),
            owner=call.account.name,
        )
    except NoSuchEntity:
        raise specs.no_such_partition(spec) from None
    return _document(session)


def status(call: Call) -> Response:
    """
    Answer a session again, with the blocks it has.

    :param call: ``GET ?uploadid=``
    :return: the session's document
    """
    return _document(_session(call.service, call.request))


def commit(call: Call) -> Response:
    """
    Make all blocks of a session visible at once; once more is fine, for clients repeat what got no answer.

    :param call: ``POST ?uploadid=``
    :return: the session's document
    """
    session = _session(call.service, call.request)
    try:
        call.service.sessions.commit_upload(session.id)
    except CommitConflict as error:
        raise specs.fault("TableModified", f"The upload cannot be committed: {error}.") from error
    except NoSuchEntity as error:
        raise specs.fault("NoSuchPartition", f"The upload cannot be committed: {error}.") from error
    return _document(call.service.sessions.get_upload(session.id))


async def put_block(service: MaxComputeService, executor: Executor, request: Request) -> Response:
    """
    Store a block; a second one with the same id replaces the first. A block that is not whole leaves nothing.

    :param service: what the route works on
    :param executor: where blocks are stored; each takes a thread for as long as its client sends
    :param request: ``PUT ?uploadid=&blockid=[&arrow]`` with the rows on the record or the Arrow wire
    :return: an empty answer
    """
    body = RequestBody(request.stream())
    try:
        block = await run_in_threadpool(_Block, service, request)
    except Exception:
        # A client sends everything before it reads the answer; one that went away needs none.
        with suppress(ClientDisconnect, BodyLost):
            await body.drain()
        raise
    try:
        await body.process(executor, block.store)
    except (ClientDisconnect, BodyLost) as error:
        raise specs.fault("IncompleteBody", f"The block is incomplete: {error!r}.") from error
    return Response()


class _Block:
    """One block that is about to arrive."""

    def __init__(self, service: MaxComputeService, request: Request) -> None:
        service.authenticate(request)
        self._service = service
        self._session = _session(service, request)
        self._id = specs.block_id(request.query_params.get("blockid"))
        self._arrow = "arrow" in request.query_params
        self._coding = content_coding(request.headers.get("content-encoding"))
        _check_open(self._session)

    def store(self, body: io.RawIOBase) -> None:
        """
        Write the block to disk and add it to its session.

        :param body: the block as it arrives
        :raises OdpsError: when the block is malformed or does not fit the table
        """
        import pyarrow as pa

        table = self._session.table
        rows = _Rows(table, body, self._coding, arrow=self._arrow)
        reader = pa.RecordBatchReader.from_batches(rows.schema, rows)
        try:
            (staged,) = self._service.storage.stage(table, reader)
            self._service.sessions.put_block(self._session.id, self._id, staged)
        except Exception as error:
            # On its way through Arrow an error of ours may have become one of Arrow's.
            self._refuse(rows.error or error)

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, MalformedStream):
            raise specs.fault(error.code, f"Block {self._id}: {error}.") from error
        if isinstance(error, SessionClosed):
            raise _closed(self._session.id) from error
        if isinstance(error, NoSuchEntity):
            raise _no_such_upload(self._session.id) from error
        raise error


class _Rows:
    """The checked rows of a block, batch by batch, remembering what went wrong."""

    def __init__(self, table: Table, body: io.RawIOBase, coding: str, *, arrow: bool) -> None:
        import pyarrow as pa

        self._table = table
        self._columns = [(column.name, parse_type(column.type)) for column in table.columns]
        self._arrow = arrow
        self._body, self._coding = body, coding
        self.schema = pa.schema([pa.field(name, arrow_type(data_type)) for name, data_type in self._columns])
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            source = decompress(self._body, self._coding)
            batches = (
                arrow_wire.decode(source, self.schema)
                if self._arrow
                else record_wire.decode(source, self._columns)
            )
            for batch in batches:
                limits.check(batch, self._table.columns)
                yield batch
        except Exception as error:
            self.error = error
            raise


def _session(service: MaxComputeService, request: Request) -> UploadSession:
    session_id = request.query_params.get("uploadid", "")
    try:
        session = service.sessions.get_upload(session_id)
    except NoSuchEntity:
        raise _no_such_upload(session_id) from None
    specs.check_resource(session.table, request.path_params)
    spec = request.query_params.get("partition")
    if spec and specs.partition_values(session.table, spec) != session.partition_values:
        raise specs.fault("InvalidResourceSpec", f"The upload session does not belong to partition {spec!r}.")
    return session


def _check_open(session: UploadSession) -> None:
    if session.status is not UploadStatus.NORMAL:
        raise _closed(session.id)


def _no_such_upload(session_id: str) -> OdpsError:
    return specs.fault(
        "NoSuchUpload", f"The specified upload id does not exist or has expired: {session_id!r}."
    )


def _closed(session_id: str) -> OdpsError:
    return specs.fault(
        "StatusConflict", f"Upload {session_id} has been committed; open another session to upload more."
    )


def _document(session: UploadSession) -> Response:
    return JSONResponse(
        {
            "UploadID": session.id,
            "Status": session.status.value,
            "Schema": specs.schema_document(session.table.columns, session.table.partition_columns),
            "UploadedBlockList": [
                {"BlockID": block_id, "BlockSize": block.bytes} for block_id, block in session.blocks.items()
            ],
            "MaxFieldSize": limits.MAX_FIELD_SIZE,
        }
    )
