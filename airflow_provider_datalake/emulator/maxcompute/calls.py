"""How a route reaches its handler: body read, caller authenticated, work done off the event loop."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, invalid
from airflow_provider_datalake.emulator.numbers import whole_number

if TYPE_CHECKING:
    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.maxcompute.auth import Account
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

MAX_BODY = 32 * 1024 * 1024
PAGE_SIZE = 1000


@dataclass(frozen=True)
class Call:
    """
    One authenticated request.

    :param service: what it works on
    :param request: the request itself
    :param account: who sent it
    :param body: its whole body
    """

    service: MaxComputeService
    request: Request
    account: Account
    body: bytes

    @property
    def query(self) -> QueryParams:
        return self.request.query_params

    @property
    def headers(self) -> Headers:
        return self.request.headers

    def path(self, name: str) -> str:
        """
        Read a part of the path.

        :param name: the route's placeholder
        :return: its decoded text
        """
        return self.request.path_params[name]

    def page_size(self) -> int:
        """
        Read how many items a listing may return.

        :return: ``maxitems``, at most what the service returns in one page
        :raises OdpsError: when it is not a positive number
        """
        text = self.query.get("maxitems")
        if not text:
            return PAGE_SIZE
        number = whole_number(text, least=1)
        if number is None:
            raise invalid(f"maxitems must be a positive number, got {text!r}")
        return min(number, PAGE_SIZE)

    def marker(self) -> int | None:
        """
        Read where a listing goes on, in listings whose places are numbers.

        :return: ``marker``, None on the first page
        :raises OdpsError: when it is not a number
        """
        text = self.query.get("marker")
        if not text:
            return None
        number = whole_number(text)
        if number is None:
            raise invalid(f"the marker {text!r} did not come from this listing")
        return number


Handler = Callable[[Call], "Response"]
Endpoint = Callable[["Request"], Awaitable["Response"]]


def endpoint(service: MaxComputeService, handler: Handler) -> Endpoint:
    """
    Make a Starlette endpoint of a handler.

    :param service: what the handler works on
    :param handler: called on a thread with the authenticated call
    :return: the endpoint
    """

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        account = service.authenticate(request)
        body = await read_body(request)
        return await run_in_threadpool(handler, Call(service, request, account, body))

    return answer


async def read_body(request: Request) -> bytes:
    """
    Read a request's body, which must be of reasonable size.

    :param request: the request
    :return: the body
    :raises OdpsError: when it is larger than any document that the REST interface takes
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise OdpsError(413, "InvalidParameter", f"The body is larger than {MAX_BODY} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
