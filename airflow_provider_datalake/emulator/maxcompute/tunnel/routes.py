"""The routes of the tunnel, below ``/projects``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.routing import Route

from airflow_provider_datalake.emulator.maxcompute.calls import endpoint
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, not_supported
from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.maxcompute.calls import Call, Handler
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

_PROJECT = "/projects/{project}"
_TABLES = (f"{_PROJECT}/tables/{{table}}", f"{_PROJECT}/schemas/{{schema}}/tables/{{table}}")
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD"]
_BLOCK_THREADS = 64
_FEATURES = {
    "streams": "stream upload sessions",
    "upserts": "upsert sessions",
    "tunnel": "volumes",
    "volumes": "volumes",
}


def routes(service: MaxComputeService) -> list[Route]:
    """
    List the routes of the tunnel; the last one answers for everything that is not there.

    :param service: what the routes work on
    :return: the routes
    """
    executor = ThreadPoolExecutor(_BLOCK_THREADS, thread_name_prefix="tunnel-block")

    async def put(request: Request) -> Response:
        # The wires bring numpy and PyODPS, which the server's first answer must not wait for.
        from airflow_provider_datalake.emulator.maxcompute.tunnel import uploads

        if "uploadid" not in request.query_params:
            raise _unknown(request)
        try:
            return await uploads.put_block(service, executor, request)
        except UnsupportedEncoding as error:
            raise _encoding_fault(error) from error

    def handled(path: str, methods: list[str], handler: Handler) -> Route:
        return Route(path, endpoint(service, _encodings_checked(handler)), methods=methods)

    known = [
        *(handled(path, ["GET", "POST"], _table) for path in _TABLES),
        *(Route(path, put, methods=["PUT"]) for path in _TABLES),
        *(handled(f"{path}/preview", ["GET"], _preview) for path in _TABLES),
        handled(f"{_PROJECT}/instances/{{instance}}", ["GET", "POST"], _instance),
    ]
    return [*known, handled("/projects/{rest:path}", _METHODS, _refuse)]


def _table(call: Call) -> Response:
    from airflow_provider_datalake.emulator.maxcompute.tunnel import downloads, uploads

    post = call.request.method == "POST"
    if "downloads" in call.query and post:
        return downloads.create(call)
    if "uploads" in call.query and post:
        return uploads.create(call)
    if "uploadid" in call.query:
        return uploads.commit(call) if post else uploads.status(call)
    if "downloadid" in call.query and not post:
        return downloads.read(call) if "data" in call.query else downloads.status(call)
    return _refuse(call)


def _instance(call: Call) -> Response:
    from airflow_provider_datalake.emulator.maxcompute.tunnel import instance

    if call.request.method == "POST":
        return instance.create(call) if "downloads" in call.query else _refuse(call)
    if "data" in call.query:
        return instance.read(call)
    return instance.status(call) if "downloadid" in call.query else _refuse(call)


def _preview(call: Call) -> Response:
    from airflow_provider_datalake.emulator.maxcompute.tunnel import preview

    return preview.preview(call)


def _refuse(call: Call) -> Response:
    raise _unknown(call.request)


def _unknown(request: Request) -> OdpsError:
    parts = request.url.path.strip("/").split("/")
    feature = next((_FEATURES[part] for part in parts[2:] if part in _FEATURES), "this use of the tunnel")
    return not_supported(f"{feature} ({request.method} {request.url.path}?{request.url.query})")


def _encodings_checked(handler: Handler) -> Callable[[Call], Response]:
    def checked(call: Call) -> Response:
        try:
            return handler(call)
        except UnsupportedEncoding as error:
            raise _encoding_fault(error) from error

    return checked


def _encoding_fault(error: UnsupportedEncoding) -> OdpsError:
    return OdpsError(415, "NotSupportedError", str(error).capitalize() + ".")
