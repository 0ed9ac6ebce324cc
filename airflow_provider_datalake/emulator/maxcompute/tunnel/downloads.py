"""Download sessions of the table tunnel: a snapshot of a table or partition, read by row ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from airflow_provider_datalake.emulator.catalog import NoSuchEntity
from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire, record_wire, specs
from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import accepted_coding, compress
from airflow_provider_datalake.emulator.maxcompute.tunnel.streams import stream_response
from airflow_provider_datalake.emulator.maxcompute.types import parse_type

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.maxcompute.calls import Call
    from airflow_provider_datalake.emulator.sessions import DownloadSession


def create(call: Call) -> Response:
    """
    Open a download session; what it shows stays, though the table is overwritten or dropped meanwhile.

    :param call: ``POST ?downloads[&partition=]``
    :return: the session's document
    """
    catalog = call.service.storage.catalog
    table = specs.find_table(catalog, call.request.path_params)
    partition_ids = specs.find_partition_ids(catalog, table, call.query.get("partition"))
    return _document(call.service.sessions.create_download(table, partition_ids))


def status(call: Call) -> Response:
    """
    Answer a session again.

    :param call: ``GET ?downloadid=``
    :return: the session's document
    """
    return _document(_session(call))


def read(call: Call) -> Response:
    """
    Answer rows of a session.

    :param call: ``GET ?data&downloadid=&rowrange=(start,count)[&columns=][&arrow]``
    :return: the rows on the record or the Arrow wire
    """
    coding = accepted_coding(call.headers.get("accept-encoding"))
    snapshot = _session(call).snapshot
    table = snapshot.table
    start, count = specs.row_range(call.query.get("rowrange"), snapshot.row_count)
    order = [column.name for column in table.columns]
    every = [*order, *(column.name for column in table.partition_columns)]
    # Without a request the client takes the data columns from the stream and the partition from its own spec.
    names = specs.requested_columns(call.query.get("columns"), every) or order
    if "arrow" in call.query:
        # The Arrow client decodes in the order of the table, whatever order it asked for.
        names = sorted(names, key=every.index)
        pieces = arrow_wire.encode(snapshot.read(names, start, count))
    else:
        types = {
            column.name: parse_type(column.type) for column in (*table.columns, *table.partition_columns)
        }
        pieces = record_wire.encode(snapshot.read(names, start, count), [(n, types[n]) for n in names])
    return stream_response(compress(pieces, coding), coding=coding)


def _session(call: Call) -> DownloadSession:
    session_id = call.query.get("downloadid", "")
    try:
        session = call.service.sessions.get_download(session_id)
    except NoSuchEntity:
        raise specs.fault(
            "NoSuchDownload", f"The specified download id does not exist or has expired: {session_id!r}."
        ) from None
    specs.check_resource(session.snapshot.table, call.request.path_params)
    return session


def _document(session: DownloadSession) -> Response:
    table = session.snapshot.table
    return JSONResponse(
        {
            "DownloadID": session.id,
            "Status": "normal",
            "RecordCount": session.snapshot.row_count,
            "Schema": specs.schema_document(table.columns, table.partition_columns),
            "SupportReadByRawSize": False,
        }
    )
