"""The preview of a table: its first rows as a standard Arrow stream."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.tunnel import specs
from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import UnsupportedEncoding
from airflow_provider_datalake.emulator.maxcompute.tunnel.streams import stream_response
from airflow_provider_datalake.emulator.maxcompute.tunnel.timestamps import with_struct_timestamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.maxcompute.calls import Call

MAX_ROWS = 10_000
# What the client asks for is a compression of the batches' buffers, not of the body.
_BUFFER_CODECS = {"zstd": "zstd", "lz4_frame": "lz4"}
_OTHER_CODINGS = ("x-snappy-framed", "x-lz4-frame", "x-odps-lz4-frame")


def preview(call: Call) -> Response:
    """
    Answer the first rows of a table or partition.

    :param call: ``GET .../preview?limit=[&columns=][&partition=]``
    :return: an Arrow stream; timestamps are structs of seconds and nanoseconds
    """
    catalog = call.service.storage.catalog
    table = specs.find_table(catalog, call.request.path_params)
    partition = call.query.get("partition")
    partition_ids = specs.find_partition_ids(catalog, table, partition) if partition else None
    every = [column.name for column in (*table.columns, *table.partition_columns)]
    # Without a request the client expects the data columns only.
    names = specs.requested_columns(call.query.get("columns"), every) or [c.name for c in table.columns]
    codec = _buffer_codec(call.headers.get("accept-encoding"))
    with call.service.storage.snapshot(table, partition_ids) as snapshot:
        # Bounded: the snapshot is read here, not while the answer travels.
        rows = list(snapshot.read(names, 0, min(_limit(call.query.get("limit")), snapshot.row_count)))
        schema = snapshot.schema
    return stream_response(_ipc_stream(rows or [_no_rows(schema, names)], codec))


def _no_rows(schema: pa.Schema, names: list[str]) -> pa.RecordBatch:
    import pyarrow as pa

    fields = [schema.field(name) for name in names]
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in fields], names)


def _limit(text: str | None) -> int:
    try:
        limit = int(text or -1)
    except ValueError:
        raise specs.fault("InvalidArgument", f"The limit must be a number, got {text!r}.") from None
    return min(limit, MAX_ROWS) if limit > 0 else MAX_ROWS


def _buffer_codec(header: str | None) -> str | None:
    coding = (header or "").strip().lower()
    if coding in _OTHER_CODINGS:
        raise UnsupportedEncoding(coding)
    return _BUFFER_CODECS.get(coding)


def _ipc_stream(batches: Iterable[pa.RecordBatch], codec: str | None) -> Iterator[bytes]:
    import pyarrow as pa

    structs = [with_struct_timestamps(batch) for batch in batches]
    sink = io.BytesIO()
    with pa.ipc.new_stream(
        sink, structs[0].schema, options=pa.ipc.IpcWriteOptions(compression=codec)
    ) as writer:
        for batch in structs:
            writer.write_batch(batch)
    yield sink.getvalue()
