"""The emulator's web application: one port for everything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from airflow_provider_datalake.emulator.data_lake_analytics.app import create_app as analytics_app
from airflow_provider_datalake.emulator.data_lake_store.app import create_app as store_app
from airflow_provider_datalake.emulator.faults import Faults
from airflow_provider_datalake.emulator.hosts import RealHosts
from airflow_provider_datalake.emulator.identity.app import create_app as identity_app
from airflow_provider_datalake.emulator.maxcompute import rest, tunnel
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, odps_error, render
from airflow_provider_datalake.emulator.ml_studio.app import create_app as studio_app
from airflow_provider_datalake.emulator.resource_manager.app import create_app as resource_manager_app
from airflow_provider_datalake.emulator.web import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airflow_provider_datalake.emulator.services import Services


log = logging.getLogger(__name__)

_HOUSEKEEPING_SECONDS = 600.0


def create_app(services: Services) -> ASGIApp:
    """
    Build the application.

    :param services: what its routes work on
    :return: the application, whose lifespan runs the jobs
    """
    all_routes: list[BaseRoute] = [
        Route("/health", _health, methods=["GET"]),
        *pages.routes(services),
        Mount("/aad", identity_app(services.identity)),
        Mount("/arm", resource_manager_app(services.resources)),
        Mount("/adla/{account}", analytics_app(services.analytics)),
        Mount("/adls/{account}", store_app(services.stores)),
        Mount("/studio", studio_app(services.studio)),
        *rest.routes(services.maxcompute),
        *tunnel.routes(services.maxcompute),
    ]
    app = Starlette(
        routes=all_routes,
        lifespan=lambda app: running(services),
        exception_handlers={
            OdpsError: render,
            HTTPException: _http_error,
            ClientDisconnect: _client_left,
            OSError: _no_storage,
            sqlite3.OperationalError: _no_storage,
            Exception: _defect,
        },
    )
    # Outside of Starlette's own error handling, so that its answers have the header too.
    complete: ASGIApp = RequestIds(app)
    if services.config.faults:
        complete = Faults(complete, services.config.faults, services.config.fault_seed)
    return RealHosts(complete)


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """
    Let services work.

    :param services: what shall run
    :return: a context manager; when it is left, they have stopped and released their files
    """
    await run_in_threadpool(services.start)
    housekeeping = asyncio.create_task(_housekeeping(services))
    yield
    housekeeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await housekeeping
    await run_in_threadpool(services.stop)
    await run_in_threadpool(services.close)


async def _housekeeping(services: Services) -> None:
    while True:
        try:
            await run_in_threadpool(services.expire, time.time())
        except Exception:
            # E.g. a full disk: the next time may go better, and the server goes on meanwhile.
            log.exception("Could not remove what has expired")
        await asyncio.sleep(_HOUSEKEEPING_SECONDS)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    what = f"{request.method} {request.scope['path']}"
    if status == 405:
        response = odps_error(405, "MethodNotAllowed", f"The emulator does not support {what}.", request)
    else:
        response = odps_error(status, "NoSuchObject", f"There is nothing at {what}.", request)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def _no_storage(request: Request, error: Exception) -> Response:
    # A full disk most of all; 507 would be the word for it, but clients would repeat the request.
    log.error("Could not read or write the data directory", exc_info=error)
    message = f"The emulator cannot read or write its data directory: {error}"
    return odps_error(400, "StorageError", message, request)


def _client_left(request: Request, error: Exception) -> Response:
    # Nobody reads this answer.
    return odps_error(400, "IncompleteBody", "The client went away before its request was complete.", request)


def _defect(request: Request, error: Exception) -> Response:
    # Clients would retry a 5xx silently for minutes; the server logs the traceback after this answer.
    message = f"This is a defect of the emulator, see its log: {type(error).__name__}: {error}"
    response = odps_error(400, "EmulatorDefect", message, request)
    # The web server drops the connection on an unexpected error: the client must not use it again.
    response.headers["Connection"] = "close"
    return response


class RequestIds:
    """
    Gives every request an id, and every answer the header that carries it.

    :param app: the application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(12).upper()
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"x-odps-request-id", request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_id)
