"""The tunnel's requests: retried when that can help, interruptible, and typed, with a fake at the HTTP boundary."""

from __future__ import annotations

import io
import json
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # the cases are made of Arrow data
import pytest
import requests  # the fake stands in for it

from airflow_provider_datalake.clients.maxcompute import MaxComputeSettings, build_client
from airflow_provider_datalake.clients.maxcompute_frames import CorruptStream, encode
from airflow_provider_datalake.clients.maxcompute_tunnel import Stopped, TableRef, Tunnel, _pause
from airflow_provider_datalake.exceptions import ConfigurationError, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = TableRef("demo", "", "t")
SCHEMA = pa.schema([("a", pa.int64())])
BODY = bytes(encode([pa.record_batch([[1, 2, 3]], schema=SCHEMA)]))


def answer(status: int = 200, body: bytes | dict[str, Any] = b"", **headers: str) -> requests.Response:
    from urllib3 import HTTPResponse

    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    response.raw = HTTPResponse(io.BytesIO(content), preload_content=False, status=status)
    return response


def refusal(status: int, code: str, **headers: str) -> requests.Response:
    body = (
        f"<Error><Code>{code}</Code><Message>no</Message><RequestId>r</RequestId><HostId>h</HostId></Error>"
    )
    return answer(status, body.encode(), **headers)


@pytest.fixture
def sent() -> list[tuple[requests.PreparedRequest, Any]]:
    return []


@pytest.fixture
def serve(
    monkeypatch: pytest.MonkeyPatch, sent: list[tuple[requests.PreparedRequest, Any]]
) -> Callable[..., Tunnel]:
    """Make a tunnel whose requests get these answers, one after the other."""

    def make(*answers: requests.Response | Exception, stop: threading.Event | None = None) -> Tunnel:
        left = list(answers)

        def send(
            self: requests.Session, request: requests.PreparedRequest, **kwargs: Any
        ) -> requests.Response:
            if not request.url or "tunnel.example" not in request.url:
                raise requests.ConnectionError("no network in unit tests")
            if request.body is not None and not isinstance(request.body, (bytes, str)):
                request.body = b"".join(request.body)
            sent.append((request, kwargs))
            found = left.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(requests.Session, "send", send)
        settings = MaxComputeSettings(
            "c", "https://service.example/api", "demo", "id", "secret", tunnel_endpoint="https://tunnel.example",
            connect_timeout=3, read_timeout=4,
        )  # fmt: skip
        return Tunnel(build_client(settings, probe=True), stop=stop)

    return make


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the retries wanted to wait."""
    seen: list[float] = []

    def pause(state: Any) -> float:
        seen.append(_pause(state))
        return 0.0

    monkeypatch.setattr("airflow_provider_datalake.clients.maxcompute_tunnel._pause", pause)
    return seen


def put(tunnel: Tunnel) -> None:
    tunnel.put_block(TABLE, "p=1", "u1", 7, pa.py_buffer(b"x" * 600_000), "")


def read(tunnel: Tunnel) -> list[pa.RecordBatch]:
    return tunnel.read_table(TABLE, "", "d1", (10, 3), SCHEMA, "")


def test_block_is_one_signed_request_with_the_connections_timeouts(serve: Any, sent: Any) -> None:
    put(serve(answer()))
    ((request, kwargs),) = sent
    assert request.method == "PUT"
    assert request.path_url.startswith("/projects/demo/tables/t?")
    assert set(request.path_url.partition("?")[2].split("&")) >= {
        "uploadid=u1",
        "blockid=7",
        "arrow=",
        "partition=p%3D1",
    }
    assert request.headers["Authorization"].startswith("ODPS id:")
    assert request.headers["Transfer-Encoding"] == "chunked"
    assert request.body == b"x" * 600_000
    assert kwargs["timeout"] == (3, 4)


@pytest.mark.parametrize(
    "failure",
    [
        refusal(500, "InternalServerError"),
        refusal(503, "ServiceUnavailable"),
        refusal(429, "FlowExceeded"),
        refusal(408, "Timeout"),
        requests.ConnectionError("reset"),
        requests.ReadTimeout("slow"),
    ],
)
def test_block_is_put_again_whole_when_that_can_help(serve: Any, sent: Any, failure: Any) -> None:
    put(serve(failure, failure, answer()))
    assert [request.body for request, _ in sent] == [b"x" * 600_000] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_what_a_retry_cannot_mend_is_raised_at_once(serve: Any, sent: Any, status: int) -> None:
    from odps.errors import InvalidArgument

    with pytest.raises(InvalidArgument):
        put(serve(refusal(status, "InvalidArgument")))
    assert len(sent) == 1


def test_retries_end(serve: Any, sent: Any, waits: list[float]) -> None:
    from odps.errors import ServiceUnavailable

    with pytest.raises(ServiceUnavailable):
        put(serve(*[refusal(503, "ServiceUnavailable") for _ in range(20)]))
    assert len(sent) == 8
    assert waits[0] < 1 < waits[-1] < 31


def test_retry_waits_as_long_as_the_service_asks(serve: Any, waits: list[float]) -> None:
    put(serve(refusal(429, "FlowExceeded", **{"Retry-After": "17"}), answer()))
    assert waits == [17.0]


def test_stop_ends_a_wait_at_once(serve: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_datalake.clients.maxcompute_tunnel._pause", lambda _: 60.0)
    stop = threading.Event()
    tunnel = serve(*[refusal(429, "FlowExceeded")] * 9, stop=stop)
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        put(tunnel)
    assert time.monotonic() - began < 10
    assert len(sent) == 1


@pytest.mark.parametrize("broken", [BODY[:-5], BODY[:30], b"", BODY[:40] + b"\xff" + BODY[41:]])
def test_corrupt_or_truncated_range_is_read_again(serve: Any, sent: Any, broken: bytes) -> None:
    (batch,) = read(serve(answer(body=broken), answer(body=BODY)))
    assert batch.to_pydict() == {"a": [1, 2, 3]}
    assert len(sent) == 2


def test_range_with_too_few_rows_is_never_taken(serve: Any) -> None:
    short = bytes(encode([pa.record_batch([[1]], schema=SCHEMA)]))
    with pytest.raises(CorruptStream, match="expected 3 rows from row 10 on, found 1"):
        read(serve(*[answer(body=short) for _ in range(8)]))


def test_compressed_range_is_expanded(serve: Any) -> None:
    body = pa.compress(BODY, codec="zstd", asbytes=True)
    (batch,) = read(serve(answer(body=body, **{"Content-Encoding": "zstd"})))
    assert batch.num_rows == 3
    with pytest.raises(TransferError, match="unknown encoding 'br'"):
        read(serve(answer(body=BODY, **{"Content-Encoding": "br"})))


def upload(status: str, **fields: Any) -> requests.Response:
    columns = [{"name": "a", "type": "BIGINT", "isNullable": False}]
    schema = {"columns": columns, "partitionKeys": [{"name": "p", "type": "string"}]}
    return answer(body={"UploadID": "u1", "Status": status, "Schema": schema, **fields})


def test_upload_session_is_read(serve: Any, sent: Any) -> None:
    tunnel = serve(upload("normal", UploadedBlockList=[{"BlockID": 0}, {"BlockID": 4}]))
    session = tunnel.create_upload(TABLE, "p=1", overwrite=True, create_partition=True)
    assert (session.id, session.status, session.blocks) == ("u1", "normal", frozenset({0, 4}))
    assert [(c.name, c.type, c.nullable) for c in session.columns] == [("a", "bigint", False)]
    assert [c.name for c in session.partition_columns] == ["p"]
    query = sent[0][0].path_url
    assert "overwrite=true" in query
    assert "create_partition=true" in query


def test_commit_waits_until_the_session_is_closed(serve: Any, sent: Any) -> None:
    assert (
        serve(upload("closing"), upload("closing"), upload("closed")).commit(TABLE, "", "u1").status
        == "closed"
    )
    assert [request.method for request, _ in sent] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("status", ["critical", "expired", "canceled"])
def test_commit_that_does_not_close_the_session_fails(serve: Any, status: str) -> None:
    with pytest.raises(TransferError, match=f"upload session u1 is '{status}'"):
        serve(upload(status)).commit(TABLE, "", "u1")


def test_download_session_may_need_time(serve: Any) -> None:
    fields = {"DownloadID": "d1", "RecordCount": 5, "Schema": {"columns": []}}
    session = serve(
        answer(body={**fields, "Status": "initiating"}), answer(body={**fields, "Status": "normal"})
    ).create_download(TABLE, "")
    assert (session.id, session.count) == ("d1", 5)


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("t", "", "demo.t"),
        ("other.t", "", "other.t"),
        ("`other`.`t`", "", "other.t"),
        ("p.s.t", "", "p.s.t"),
        ("t", "s", "demo.s.t"),
        ("x.t", "s", "demo.x.t"),
    ],
)
def test_table_names(name: str, schema: str, expected: str) -> None:
    client = SimpleNamespace(project="demo", rest=SimpleNamespace(schema=schema))
    assert str(TableRef.parse(name, client)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", ".", "a.", "a..b", "a.b.c.d"])
def test_malformed_table_names(name: str) -> None:
    client = SimpleNamespace(project="demo", rest=SimpleNamespace(schema=""))
    with pytest.raises(ConfigurationError, match="malformed table name"):
        TableRef.parse(name, client)  # type: ignore[arg-type]
