"""The instance tunnel: the rows of a SELECT, read by row ranges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from airflow_provider_datalake.emulator.catalog import Column
from airflow_provider_datalake.emulator.jobs import JobState
from airflow_provider_datalake.emulator.maxcompute.instances import require_instance
from airflow_provider_datalake.emulator.maxcompute.results import columns_of
from airflow_provider_datalake.emulator.maxcompute.tunnel import arrow_wire, record_wire, specs
from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import accepted_coding, compress
from airflow_provider_datalake.emulator.maxcompute.tunnel.streams import stream_response
from airflow_provider_datalake.emulator.maxcompute.tunnel.timestamps import with_struct_timestamps
from airflow_provider_datalake.emulator.maxcompute.types import DataType, arrow_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.jobs import Job
    from airflow_provider_datalake.emulator.maxcompute.calls import Call

LIMITED_ROWS = 10_000
_LIMITED, _FULL = "limited", "full"
_NOT_A_SELECT = "InstanceTunnel cannot be opened at a non-select SQL Task."


@dataclass(frozen=True)
class _Result:
    """
    What a session shows. Results never change, so the session's id says all there is to keep.

    :param job_id: the instance
    :param limited: whether only the first rows are shown
    :param columns: name and type of each column
    :param rows: how many rows are shown
    :param path: the Arrow file that holds them
    """

    job_id: str
    limited: bool
    columns: list[tuple[str, DataType]]
    rows: int
    path: Path

    @property
    def session_id(self) -> str:
        return f"{self.job_id}-{_LIMITED if self.limited else _FULL}"

    def read(self, names: list[str], start: int, count: int) -> Iterator[pa.RecordBatch]:
        """
        Read some rows.

        :param names: the columns, in the order wanted
        :param start: first row
        :param count: how many rows, all of which exist
        :return: record batches with ``arrow_type`` columns
        """
        import pyarrow as pa

        types = dict(self.columns)
        at = [[name for name, _ in self.columns].index(name) for name in names]
        with pa.memory_map(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            for index in range(reader.num_record_batches):
                if count <= 0:
                    return
                batch = reader.get_batch(index)
                if start >= batch.num_rows:
                    start -= batch.num_rows
                    continue
                piece = batch.slice(start, count)
                start, count = 0, count - piece.num_rows
                arrays = [
                    piece.column(position).cast(arrow_type(types[name]))
                    for position, name in zip(at, names, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, names)


def create(call: Call) -> Response:
    """
    Open a download session of an instance's result.

    :param call: ``POST ?downloads[&instance_tunnel_limit_enabled]``
    :return: the session's document
    """
    return _document(_result(call, limited=specs.flag(call.query.get("instance_tunnel_limit_enabled"))))


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
    :return: the rows on the record wire, or on the Arrow wire with timestamps as structs
    """
    if "cached" in call.query:
        raise specs.fault("NotSupportedError", "The emulator does not support interactive sessions (MCQA).")
    coding = accepted_coding(call.headers.get("accept-encoding"))
    result = _session(call)
    order = [name for name, _ in result.columns]
    start, count = specs.row_range(call.query.get("rowrange"), result.rows)
    names = specs.requested_columns(call.query.get("columns"), order) or order
    if "arrow" in call.query:
        batches = result.read(sorted(names, key=order.index), start, count)
        pieces = arrow_wire.encode(map(with_struct_timestamps, batches))
    else:
        types = dict(result.columns)
        pieces = record_wire.encode(result.read(names, start, count), [(name, types[name]) for name in names])
    return stream_response(compress(pieces, coding), coding=coding)


def _session(call: Call) -> _Result:
    session_id = call.query.get("downloadid", "")
    job_id, _, kind = session_id.rpartition("-")
    if job_id != call.path("instance") or kind not in (_LIMITED, _FULL):
        raise specs.fault("NoSuchDownload", f"The specified download id does not exist: {session_id!r}.")
    return _result(call, limited=kind == _LIMITED)


def _result(call: Call, *, limited: bool) -> _Result:
    job = require_instance(call.service, call.path("project"), call.path("instance"))
    columns = _columns(job)
    path = call.service.jobs.result_path(job.id)
    if not path.exists():
        raise specs.fault("NoSuchData", f"The result of instance {job.id} has expired.")
    rows = job.result["rows"]
    return _Result(job.id, limited, columns, min(rows, LIMITED_ROWS) if limited else rows, path)


def _columns(job: Job) -> list[tuple[str, DataType]]:
    if job.state.is_active:
        raise specs.fault(
            "InstanceNotTerminate", f"Instance {job.id} is still {job.state.lower()}; wait for its end."
        )
    if job.state is not JobState.SUCCESS:
        raise specs.fault("TaskFailed", job.error or f"Instance {job.id} was {job.state.lower()}.")
    columns = columns_of(job)
    if columns is None:
        raise specs.fault("InstanceTypeNotSupported", _NOT_A_SELECT)
    return [(name, _readable(data_type)) for name, data_type in columns]


def _readable(data_type: DataType) -> DataType:
    # Clients do not know the type of a bare NULL.
    if data_type.name == "void":
        return DataType("string")
    return replace(data_type, children=tuple(map(_readable, data_type.children)))


def _document(result: _Result) -> Response:
    columns = [
        Column(number, name, str(data_type)) for number, (name, data_type) in enumerate(result.columns)
    ]
    return JSONResponse(
        {
            "DownloadID": result.session_id,
            "Status": "normal",
            "RecordCount": result.rows,
            "Schema": specs.schema_document(columns),
            "SupportReadByRawSize": False,
        }
    )
