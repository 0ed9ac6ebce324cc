"""
Faults on demand: requests that fail as they do in a bad network, so that pipelines can be seen to survive.

A rule says how often, what and where: ``RATE[:KIND,...][@ROUTE]``. ``0.2`` lets every fifth request fail in
any way; ``0.1:lost@adla`` loses every tenth answer of the analytics service; ``0.5:503@PUT /adls/*`` refuses
half of the uploads.
"""

from __future__ import annotations

import asyncio
import fnmatch
import logging
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse

from airflow_provider_datalake.emulator.maxcompute.errors import odps_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

CONNECTION = "datalake.connection"
"""Key in a request's state: the transport of its connection, which only our own HTTP protocol puts there."""
RETRY_AFTER_SECONDS = 1
SLOW_SECONDS = (0.5, 2.0)
SERVICES = {
    "maxcompute": ("/api", "/projects/"),
    "adla": ("/adla/",),
    "adls": ("/adls/",),
    "arm": ("/arm/",),
    "aad": ("/aad/",),
    "studio": ("/studio/",),
}
"""Path prefixes by service; the pages for people are none of them, and meet no faults."""


class FaultKind(StrEnum):
    """What goes wrong."""

    ERROR = "500"
    """Answered with 500; nothing was done."""
    UNAVAILABLE = "503"
    """Answered with 503; nothing was done."""
    THROTTLED = "429"
    """Answered with 429 and Retry-After; nothing was done."""
    RESET = "reset"
    """The connection breaks before anything was done."""
    LOST = "lost"
    """The request is carried out, then the connection breaks before the answer."""
    SLOW = "slow"
    """The answer takes seconds."""
    TRUNCATED = "truncated"
    """The request is carried out, then the connection breaks in the middle of the answer's body."""


@dataclass(frozen=True)
class FaultRule:
    """
    How often, what, and where.

    :param rate: share of the requests that fail, 0 to 1
    :param kinds: what may go wrong, all equally likely
    :param method: only requests of this method; any when empty
    :param paths: patterns of paths, ``*`` for anything
    """

    rate: float
    kinds: tuple[FaultKind, ...]
    method: str
    paths: tuple[str, ...]

    def covers(self, method: str, path: str) -> bool:
        """
        Tell whether the rule is about a request.

        :param method: its method
        :param path: its path
        :return: whether it is
        """
        if self.method and self.method != method:
            return False
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)


def parse_rule(text: str) -> FaultRule:
    """
    Read a rule as the command line has it.

    :param text: ``RATE[:KIND,...][@ROUTE]``; a route is a service's name, or ``[METHOD ]/path*``
    :return: the rule
    :raises ValueError: when it is not one; the text says why
    """
    head, _, route = text.partition("@")
    number, _, names = head.partition(":")
    try:
        rate = float(number)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError(f"a fault rule begins with a rate from 0 to 1, not {number!r}")
    known = {str(kind): kind for kind in FaultKind}
    words = [word.strip() for word in names.split(",") if word.strip()]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise ValueError(f"unknown kind of fault {unknown[0]!r}; there are {', '.join(known)}")
    kinds = tuple(known[word] for word in words) or tuple(FaultKind)
    method, paths = _route(route.strip())
    return FaultRule(rate, kinds, method, paths)


def _route(route: str) -> tuple[str, tuple[str, ...]]:
    if not route:
        return "", tuple(f"{prefix}*" for prefixes in SERVICES.values() for prefix in prefixes)
    if route in SERVICES:
        return "", tuple(f"{prefix}*" for prefix in SERVICES[route])
    method, _, path = route.rpartition(" ")
    if not path.startswith("/"):
        raise ValueError(
            f"a fault rule's route is {', '.join(SERVICES)}, or a path that begins with /, not {route!r}"
        )
    return method.strip().upper(), (path,)


class Faults:
    """
    Lets some requests fail; must be the outermost application but one that only routes.

    :param app: the application
    :param rules: the first one that covers a request decides
    :param seed: makes a sequence of requests fail in the same way again
    """

    def __init__(self, app: ASGIApp, rules: Sequence[FaultRule], seed: int | None = None) -> None:
        self._app = app
        self._rules = tuple(rules)
        self._random = random.Random(seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = self._draw(scope) if scope["type"] == "http" else None
        if kind is None:
            await self._app(scope, receive, send)
            return
        log.warning("Fault %s for %s %s", kind, scope["method"], scope["path"])
        if kind is FaultKind.SLOW:
            await asyncio.sleep(self._random.uniform(*SLOW_SECONDS))
            await self._app(scope, receive, send)
        elif kind is FaultKind.RESET:
            _transport(scope).abort()
        elif kind is FaultKind.LOST:
            await self._app(scope, receive, _nowhere)
            _transport(scope).abort()
        elif kind is FaultKind.TRUNCATED:
            await self._app(scope, receive, _Half(scope, send))
        else:
            await _drain(receive)
            await _refusal(kind, Request(scope))(scope, receive, send)

    def _draw(self, scope: Scope) -> FaultKind | None:
        for rule in self._rules:
            if rule.covers(scope["method"], scope["path"]):
                return self._random.choice(rule.kinds) if self._random.random() < rule.rate else None
        return None


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope["state"][CONNECTION]
    return transport


async def _nowhere(message: Message) -> None:
    """Let an answer get lost."""


async def _drain(receive: Receive) -> None:
    """Read a request to its end: a client that still sends would see a broken connection and no answer."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _refusal(kind: FaultKind, request: Request) -> Response:
    status = int(kind)
    code = {500: "InternalServerError", 503: "ServerBusy", 429: "TooManyRequests"}[status]
    message = "This is a fault on demand (--faults)."
    path = request.scope["path"]
    if path.startswith(SERVICES["maxcompute"]):
        response = odps_error(status, code, message, request)
    elif path.startswith(SERVICES["adls"]):
        error = {"exception": code, "message": message, "javaClassName": f"org.apache.hadoop.{code}"}
        response = JSONResponse({"RemoteException": error}, status)
    else:
        response = JSONResponse({"error": {"code": code, "message": message}}, status)
    if kind is FaultKind.THROTTLED:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


class _Half:
    """
    Sends the first half of an answer's first piece, then breaks the connection; answers without a body pass.

    :param scope: the request
    :param send: where to
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._broken = False

    async def __call__(self, message: Message) -> None:
        if self._broken:
            return
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or not body:
            await self._send(message)
            return
        self._broken = True
        await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
        # Not abort: what was sent shall arrive.
        _transport(self._scope).close()
