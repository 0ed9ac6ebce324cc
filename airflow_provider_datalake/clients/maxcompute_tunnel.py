"""
The table tunnel and the instance tunnel: sessions, blocks, ranges.

Requests are signed and errors parsed by PyODPS's REST client. The sessions are ours, for three reasons: every
request has the connection's timeouts, a retry can be interrupted (PyODPS retries a 429 for ever), and times
are not moved through the process's local time zone.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import tenacity

from airflow_provider_datalake.clients.maxcompute import rest_client_class
from airflow_provider_datalake.clients.maxcompute_columns import TableColumn, normal_type
from airflow_provider_datalake.clients.maxcompute_frames import CorruptStream, decode
from airflow_provider_datalake.exceptions import ConfigurationError, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pyarrow as pa
    from odps import ODPS

T = TypeVar("T")

_HEADERS = {
    "odps-tunnel-date-transform": "v1",
    "odps-tunnel-sdk-support-schema-evolution": "true",
    "x-odps-tunnel-version": "6",
}
_BODY_PIECE = 256 * 1024
_ATTEMPTS = 8
_BACKOFF = tenacity.wait_exponential(multiplier=0.2, max=30) + tenacity.wait_random(0, 0.3)
_READY_WAITS = (0.1, 0.2, 0.5, 1.0, 2.0, *[5.0] * 60)


class Stopped(TransferError):
    """The transfer was told to stop."""


@dataclass(frozen=True)
class TableRef:
    """
    A table's place.

    :param project: project name
    :param schema: schema name, empty in projects without schemas
    :param name: table name
    """

    project: str
    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(part for part in (self.project, self.schema, self.name) if part)

    @classmethod
    def parse(cls, name: str, client: ODPS) -> TableRef:
        """
        Read a table's name.

        :param name: ``table``, ``project.table``, ``project.schema.table``, or ``schema.table`` where the
            connection has a schema
        :param client: gives the default project and schema
        :return: the place
        :raises ConfigurationError: when it is not a table's name
        """
        parts = [part.strip("` ") for part in name.split(".")]
        if not all(parts) or len(parts) > 3:
            raise ConfigurationError(
                f"malformed table name {name!r}; expected e.g. 'flights' or 'demo.flights'"
            )
        default = client.rest.schema or ""
        if len(parts) == 3:
            return cls(*parts)
        if len(parts) == 2:
            return cls(client.project, *parts) if default else cls(parts[0], "", parts[1])
        return cls(client.project, default, parts[0])


@dataclass
class Session:
    """
    An open upload or download.

    :param id: the session's id
    :param status: the service's word for its state, in lower case
    :param columns: the data columns
    :param partition_columns: the partition columns
    :param count: rows, for a download
    :param blocks: ids of the blocks that the service holds, for an upload
    """

    id: str
    status: str
    columns: list[TableColumn]
    partition_columns: list[TableColumn]
    count: int = 0
    blocks: frozenset[int] = frozenset()


class Tunnel:
    """
    One client's way to the tunnel; safe to share between threads.

    :param client: a PyODPS client
    :param stop: when set, retries end and requests raise ``Stopped``
    """

    def __init__(self, client: ODPS, *, stop: threading.Event | None = None) -> None:
        from odps.tunnel import TableTunnel

        self.stop = stop or threading.Event()
        routed = TableTunnel(client).tunnel_rest
        self._rest = rest_client_class()(
            client.account,
            routed.endpoint,
            client.project,
            tag="TUNNEL",
            retry_enabled=False,
            timeout=getattr(client.rest, "timeout", None),
        )

    @property
    def is_local(self) -> bool:
        """Whether the service runs on this machine, where compression only costs."""
        return urlsplit(self._rest.endpoint).hostname in ("127.0.0.1", "localhost", "::1")

    # Uploads

    def create_upload(
        self, table: TableRef, partition: str, *, overwrite: bool, create_partition: bool
    ) -> Session:
        """
        Open an upload session.

        :param table: the table
        :param partition: the partition in the tunnel's form, empty for a whole table
        :param overwrite: whether the commit replaces what is there
        :param create_partition: whether to create the partition if it is missing
        :return: the session
        """
        params = {"uploads": "1", "reload": "False", **_partition(partition)}
        if overwrite:
            params["overwrite"] = "true"
        if create_partition:
            params["create_partition"] = "true"
        return self._session("UploadID", "post", self._table(table), params)

    def get_upload(self, table: TableRef, partition: str, upload_id: str) -> Session:
        """
        Look at an upload session.

        :param table: the table
        :param partition: the partition in the tunnel's form
        :param upload_id: the session
        :return: the session
        """
        params = {"uploadid": upload_id, "reload": "True", **_partition(partition)}
        return self._session("UploadID", "get", self._table(table), params)

    def put_block(
        self,
        table: TableRef,
        partition: str,
        upload_id: str,
        block: int,
        body: pa.Buffer,
        encoding: str,
    ) -> None:
        """
        Upload one block; putting it again replaces it, so that a retry is safe.

        :param table: the table
        :param partition: the partition in the tunnel's form
        :param upload_id: the session
        :param block: the block's id
        :param body: framed record batches, compressed as ``encoding`` says
        :param encoding: ``zstd`` or empty
        """
        params = {"uploadid": upload_id, "blockid": str(block), "arrow": "", **_partition(partition)}
        headers = {"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"}
        if encoding:
            headers["Content-Encoding"] = encoding
        view = memoryview(body)

        def put() -> None:
            pieces = (bytes(view[at : at + _BODY_PIECE]) for at in range(0, len(view), _BODY_PIECE))
            self._send("put", self._table(table), params, headers, data=pieces)

        self._retry(put)

    def commit(self, table: TableRef, partition: str, upload_id: str) -> Session:
        """
        Make an upload visible, once and whole.

        :param table: the table
        :param partition: the partition in the tunnel's form
        :param upload_id: the session
        :return: the session, closed
        :raises TransferError: when the session does not close
        """
        params = {"uploadid": upload_id, **_partition(partition)}
        session = self._session("UploadID", "post", self._table(table), params)
        for wait in _READY_WAITS:
            if session.status == "closed":
                return session
            if session.status not in ("closing", "normal"):
                break
            self._wait(wait)
            session = self.get_upload(table, partition, upload_id)
        raise TransferError(f"upload session {upload_id} is {session.status!r} after its commit")

    # Downloads

    def create_download(self, table: TableRef, partition: str) -> Session:
        """
        Open a download session, a snapshot of a table or partition.

        :param table: the table
        :param partition: the partition in the tunnel's form, empty for a whole table
        :return: the session
        :raises TransferError: when the service does not get it ready
        """
        url = self._table(table)
        params = {"downloads": "", "asyncmode": "true", **_partition(partition)}
        session = self._session("DownloadID", "post", url, params)
        for wait in _READY_WAITS:
            if session.status == "normal":
                return session
            if session.status != "initiating":
                break
            self._wait(wait)
            session = self._session(
                "DownloadID", "get", url, {"downloadid": session.id, **_partition(partition)}
            )
        raise TransferError(f"download session {session.id} is {session.status!r}")

    def create_result_download(self, project: str, instance_id: str) -> Session:
        """
        Open a download session for a query's result, without the limit of 10,000 rows.

        :param project: the instance's project
        :param instance_id: the instance
        :return: the session
        """
        return self._session("DownloadID", "post", self._instance(project, instance_id), {"downloads": ""})

    def read_table(
        self,
        table: TableRef,
        partition: str,
        download_id: str,
        rows: tuple[int, int],
        schema: pa.Schema,
        encoding: str,
    ) -> list[pa.RecordBatch]:
        """
        Download a range of a table's rows.

        :param table: the table
        :param partition: the partition in the tunnel's form
        :param download_id: the session
        :param rows: first row and number of rows
        :param schema: the columns to read, in the table's order, in the tunnel's types
        :param encoding: ``zstd`` or empty
        :return: the rows
        """
        params = {"columns": ",".join(schema.names), **_partition(partition)}
        return self._read(self._table(table), download_id, rows, params, schema, encoding)

    def read_result(
        self,
        project: str,
        instance_id: str,
        download_id: str,
        rows: tuple[int, int],
        schema: pa.Schema,
        encoding: str,
    ) -> list[pa.RecordBatch]:
        """
        Download a range of a result's rows.

        :param project: the instance's project
        :param instance_id: the instance
        :param download_id: the session
        :param rows: first row and number of rows
        :param schema: the result's columns; this tunnel carries timestamps as structs
        :param encoding: ``zstd`` or empty
        :return: the rows
        """
        return self._read(self._instance(project, instance_id), download_id, rows, {}, schema, encoding)

    def _read(
        self,
        url: str,
        download_id: str,
        rows: tuple[int, int],
        params: Mapping[str, str],
        schema: pa.Schema,
        encoding: str,
    ) -> list[pa.RecordBatch]:
        query = {
            "downloadid": download_id,
            "rowrange": f"({rows[0]},{rows[1]})",
            "data": "",
            "arrow": "",
            **params,
        }
        headers = {"Accept-Encoding": encoding or "identity"}

        def read() -> list[pa.RecordBatch]:
            response = self._send("get", url, query, headers, stream=True)
            batches = _batches(response, schema)
            found = sum(batch.num_rows for batch in batches)
            if found != rows[1]:
                raise CorruptStream(f"expected {rows[1]} rows from row {rows[0]} on, found {found}")
            return batches

        return self._retry(read)

    # Requests

    def _table(self, table: TableRef) -> str:
        schema = ("schemas", table.schema) if table.schema else ()
        return self._url("projects", table.project, *schema, "tables", table.name)

    def _instance(self, project: str, instance_id: str) -> str:
        return self._url("projects", project, "instances", instance_id)

    def _url(self, *parts: str) -> str:
        return "/".join([self._rest.endpoint, *(quote(part, safe="") for part in parts)])

    def _session(self, id_key: str, method: str, url: str, params: Mapping[str, str]) -> Session:
        response = self._retry(lambda: self._send(method, url, params, {"Content-Length": "0"}))
        answer = json.loads(response.content)
        schema = answer.get("Schema") or {}
        return Session(
            id=str(answer.get(id_key) or params.get("uploadid") or params.get("downloadid") or ""),
            status=str(answer.get("Status", "")).lower(),
            columns=_columns(schema.get("columns")),
            partition_columns=_columns(schema.get("partitionKeys")),
            count=int(answer.get("RecordCount") or 0),
            blocks=frozenset(int(block["BlockID"]) for block in answer.get("UploadedBlockList") or ()),
        )

    def _send(
        self, method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str], **kwargs: Any
    ) -> Any:
        if self.stop.is_set():
            raise Stopped("the transfer was stopped")
        return self._rest.request(url, method, params=dict(params), headers={**_HEADERS, **headers}, **kwargs)

    def _retry(self, call: Callable[[], T]) -> T:
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=_pause,
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=tenacity.sleep_using_event(self.stop),
            reraise=True,
        )
        return retrying(call)

    def _wait(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped("the transfer was stopped")


def _may_pass(error: BaseException) -> bool:
    from odps.errors import BaseODPSError
    from requests import ConnectionError, Timeout

    if isinstance(error, BaseODPSError) and error.status_code:
        return error.status_code in (408, 429) or error.status_code >= 500
    return isinstance(error, (CorruptStream, ConnectionError, Timeout))


def _pause(state: tenacity.RetryCallState) -> float:
    """Wait as long as the service asks, else a little longer each time."""
    error = state.outcome.exception() if state.outcome else None
    asked = (getattr(error, "response_headers", None) or {}).get("Retry-After", "")
    return float(asked) if str(asked).isdigit() else _BACKOFF(state)


def _batches(response: Any, schema: pa.Schema) -> list[pa.RecordBatch]:
    import pyarrow as pa
    import requests
    from urllib3.exceptions import HTTPError

    encoding = response.headers.get("Content-Encoding", "")
    if encoding not in ("", "identity", "zstd"):
        raise TransferError(f"the tunnel answered with the unknown encoding {encoding!r}")
    with response:
        raw = response.raw
        raw.decode_content = False
        try:
            if encoding != "zstd":
                return decode(raw.read, schema)
            with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as stream:
                return decode(stream.read, schema)
        except HTTPError as error:
            raise requests.ConnectionError(error) from error
        except OSError as error:
            raise CorruptStream(f"the compressed stream is broken: {error}") from error


def _partition(partition: str) -> dict[str, str]:
    return {"partition": partition} if partition else {}


def _columns(described: Iterable[Mapping[str, Any]] | None) -> list[TableColumn]:
    return [
        TableColumn(
            name=str(column["name"]),
            type=normal_type(str(column["type"])),
            nullable=bool(column.get("nullable", column.get("isNullable", True))),
        )
        for column in described or ()
    ]
