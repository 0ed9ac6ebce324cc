"""An application whose services can be replaced by new, empty ones while the server runs."""

from __future__ import annotations

import asyncio
import hmac
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from airflow_provider_datalake.emulator.app import create_app, running
from airflow_provider_datalake.emulator.data_dir import RESET_PATH, discard, empty
from airflow_provider_datalake.emulator.services import Services

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

_GRACE_SECONDS = 5.0
"""How long requests under way may take to end by themselves."""
_CANCEL_SECONDS = 10.0


class Resettable:
    """
    The whole emulator; ``POST /admin/reset`` with the bearer token makes it as it was after its first start.

    Requests under way end first; those that come meanwhile wait and meet the new services.

    :param services: the services to begin with
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._app: ASGIApp = create_app(services)
        self._lifespan = AsyncExitStack()
        self._open = asyncio.Event()
        self._resetting = asyncio.Lock()
        self._requests: set[asyncio.Task[object]] = set()
        self._cleaning: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == RESET_PATH:
            response = await self._answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        while not self._open.is_set():
            await self._open.wait()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # an ASGI call always runs in a task
        self._requests.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests.discard(task)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Answer the server's questions about start and end."""
        await receive()
        try:
            await self._lifespan.enter_async_context(running(self.services))
        except Exception as error:
            log.exception("Cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        self._open.set()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        async with self._resetting:
            await self._lifespan.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request) -> JSONResponse:
        if request.method != "POST":
            return _problem(405, f"{RESET_PATH} takes POST only")
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), self.services.config.bearer_token.encode()):
            return _problem(401, "a reset needs the emulator's bearer token")
        try:
            await self._reset()
        except Exception as error:
            # With half of it gone nothing that is answered from now on would be true.
            log.exception("The reset failed")
            message = f"The reset failed, start the emulator again: {error}"
            self._app = _problem(400, message)
            return _problem(400, message)
        return JSONResponse({"status": "reset"})

    async def _reset(self) -> None:
        async with self._resetting:
            self._open.clear()
            try:
                # Requests that wait for a job's end are answered by this.
                await run_in_threadpool(self.services.stop)
                await self._settle()
                await self._lifespan.aclose()
                config = self.services.config
                grave = await run_in_threadpool(empty, config.data_dir)
                self.services = await run_in_threadpool(Services, config)
                self._app = create_app(self.services)
                await self._lifespan.enter_async_context(running(self.services))
            finally:
                self._open.set()
            # Nobody waits for the space.
            cleaning = asyncio.create_task(run_in_threadpool(discard, grave))
            self._cleaning.add(cleaning)
            cleaning.add_done_callback(self._cleaning.discard)

    async def _settle(self) -> None:
        for seconds in (_GRACE_SECONDS, _CANCEL_SECONDS):
            if not self._requests:
                return
            _, left = await asyncio.wait(self._requests, timeout=seconds)
            for task in left:
                task.cancel()
        if self._requests:
            raise RuntimeError(f"{len(self._requests)} requests did not end")


def _problem(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
