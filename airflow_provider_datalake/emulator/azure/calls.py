"""How a route of an Azure service reaches its handler: body read, caller authenticated, work off the loop."""

from __future__ import annotations

import functools
import json
import logging
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_datalake.emulator.addresses import service_address
from airflow_provider_datalake.emulator.azure.errors import AzureError, error_response, invalid, render
from airflow_provider_datalake.emulator.identity.principals import Unauthorized
from airflow_provider_datalake.emulator.identity.tokens import DATA_PLANE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.identity.service import IdentityService

log = logging.getLogger(__name__)

MAX_BODY = 16 * 1024 * 1024
S = TypeVar("S")


@dataclass(frozen=True)
class Call:
    """
    One authenticated request.

    :param request: the request itself
    :param principal: who sent it
    :param body: its whole body
    :param address: base URL of the service, as the client knows it
    """

    request: Request
    principal: Principal
    body: bytes
    address: str

    def path(self, name: str) -> str:
        """
        Read a part of the path.

        :param name: the route's placeholder
        :return: its decoded text
        """
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        """
        Read a parameter; names of parameters are not case-sensitive.

        :param name: its name in lower case
        :return: its value, None when it is missing
        """
        for key, value in self.request.query_params.multi_items():
            if key.lower() == name:
                return value
        return None

    def json(self) -> dict[str, Any]:
        """
        Read the body.

        :return: the JSON object, empty for an empty body
        :raises AzureError: when it is none
        """
        if not self.body.strip():
            return {}
        try:
            content = json.loads(self.body)
        except ValueError as error:
            raise invalid(
                f"The request content was invalid and could not be deserialized: {error}"
            ) from error
        if not isinstance(content, dict):
            raise invalid("The request content was invalid: a JSON object was expected.")
        return content


def object_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    """
    Read a field that is an object.

    :param content: what has the field
    :param name: its name
    :return: its value, empty when it is missing
    :raises AzureError: when it is something else
    """
    value = content.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"'{name}' must be an object, not {value!r}.")
    return value


Handler = Callable[[S, Call], Response]


def azure_app(
    service: S,
    identity: IdentityService,
    handlers: Sequence[tuple[str, str, Handler[S]]],
    audiences: Collection[str] = DATA_PLANE,
) -> ASGIApp:
    """
    Build the application of an Azure service.

    :param service: what its handlers work on
    :param identity: tells who sends a request
    :param handlers: method, path in lower case, handler; paths are matched without regard to case
    :param audiences: the resources that tokens may be for
    :return: the application, to be mounted
    """
    routes = [
        Route(path, _endpoint(service, identity, handler, audiences), methods=[method])
        for method, path, handler in handlers
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            AzureError: render,
            HTTPException: _http_error,
            ClientDisconnect: _client_left,
            OSError: _no_storage,
            sqlite3.OperationalError: _no_storage,
            Exception: _defect,
        },
    )
    return AnyCase(app, [path for _, path, _ in handlers])


def _endpoint(
    service: S, identity: IdentityService, handler: Handler[S], audiences: Collection[str]
) -> Callable[[Request], Awaitable[Response]]:
    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            principal = identity.authenticate(request, audiences)
        except Unauthorized as error:
            response = error_response(401, error.code, error.message)
            response.headers["WWW-Authenticate"] = (
                f'Bearer authorization_uri="https://login.microsoftonline.com/{identity.tenant}", '
                'error="invalid_token", error_description="The access token is missing or invalid."'
            )
            return response
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise AzureError(413, "RequestEntityTooLarge", "The request content is too large.")
        call = Call(request, principal, body, service_address(request))
        response = await run_in_threadpool(handler, service, call)
        response.headers.setdefault("x-ms-request-id", str(uuid.uuid4()))
        return response

    return answer


class AnyCase:
    """
    Matches paths without regard to case and to a slash at their end, but keeps the case of their values.

    :param app: the application, whose routes are in lower case
    :param paths: its paths
    """

    def __init__(self, app: ASGIApp, paths: Sequence[str]) -> None:
        self._app = app
        self._patterns: dict[int, list[list[str]]] = {}
        for pattern in dict.fromkeys(paths):
            parts = pattern.split("/")
            self._patterns.setdefault(len(parts), []).append(parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            scope = {**scope, "path": root + self._canonical(scope["path"].removeprefix(root))}
        await self._app(scope, receive, send)

    def _canonical(self, path: str) -> str:
        parts = path.rstrip("/").split("/")
        for pattern in self._patterns.get(len(parts), ()):
            pairs = list(zip(pattern, parts, strict=True))
            # Only where a pattern has a word: a table may have a name that is a word elsewhere.
            if all(word.startswith("{") or word == part.lower() for word, part in pairs):
                return "/".join(part if word.startswith("{") else word for word, part in pairs)
        return path.rstrip("/") or "/"


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """
    Make an answer.

    :param content: JSON
    :param status: HTTP status
    :param headers: further headers
    :return: the answer
    """
    return JSONResponse(content, status, headers=dict(headers or {}))


def empty(status: int = 200) -> Response:
    """
    Make an answer without a body.

    :param status: HTTP status
    :return: the answer
    """
    return Response(status_code=status)


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    what = f"{request.method} {request.scope['path']}"
    if status == 405:
        return error_response(405, "MethodNotAllowed", f"The emulator does not support {what}.")
    return error_response(404, "NotFound", f"The emulator does not support {what}: there is nothing there.")


def _no_storage(request: Request, error: Exception) -> Response:
    log.error("Could not read or write the data directory", exc_info=error)
    message = f"The emulator cannot read or write its data directory: {error}"
    return error_response(400, "StorageError", message)


def _client_left(request: Request, error: Exception) -> Response:
    # Nobody reads this answer.
    return error_response(400, "IncompleteBody", "The client went away before its request was complete.")


def _defect(request: Request, error: Exception) -> Response:
    # Clients would retry a 5xx silently for minutes; the server logs the traceback after this answer.
    message = f"This is a defect of the emulator, see its log: {type(error).__name__}: {error}"
    response = error_response(400, "EmulatorDefect", message)
    response.headers["Connection"] = "close"
    return response
