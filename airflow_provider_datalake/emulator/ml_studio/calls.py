"""How a route of ML Studio reaches its handler."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError, bad_request

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.ml_studio.models import Workspace
    from airflow_provider_datalake.emulator.ml_studio.service import StudioService

TOKEN_HEADER = "x-ms-metaanalytics-authorizationtoken"
MAX_DOCUMENT = 4 * 1024 * 1024
T = TypeVar("T")

Handler = Callable[["Call"], Awaitable["Response"]]


@dataclass(frozen=True)
class Call:
    """
    One request.

    :param service: what it is about
    :param request: the request
    """

    service: StudioService
    request: Request

    def part(self, name: str) -> str:
        """
        Give a part of the path.

        :param name: its name
        :return: its value
        """
        return str(self.request.path_params[name])

    async def work(self, function: Callable[..., T], *arguments: Any) -> T:
        """
        Do something that reads or writes files, off the loop.

        :param function: what
        :param arguments: what with
        :return: what it gives
        """
        return await run_in_threadpool(function, *arguments)

    async def authenticate(self) -> Workspace:
        """
        Let the caller in who has a token of the workspace.

        :return: the workspace
        :raises StudioError: when the caller has none
        """
        token = self.request.headers.get(TOKEN_HEADER, "")
        return await self.work(self.service.authenticate, self.part("workspace"), token)

    async def body(self, most: int) -> list[bytes]:
        """
        Read the request's body.

        :param most: bytes that it may have
        :return: the bytes, in the pieces in which they came
        :raises StudioError: when it has more
        """
        content: list[bytes] = []
        size = 0
        async for chunk in self.request.stream():
            size += len(chunk)
            # What is too much is read all the same: clients do not look at answers while they send.
            if size <= most:
                content.append(chunk)
        if size > most:
            raise StudioError(
                413, "RequestEntityTooLarge", f"The body has {size} bytes, {most} are the most here."
            )
        return content

    async def document(self) -> dict[str, Any]:
        """
        Read the request's body as a JSON object.

        :return: the object
        :raises StudioError: when it is none
        """
        content = await self.body(MAX_DOCUMENT)
        try:
            found = json.loads(b"".join(content))
        except ValueError as error:
            raise bad_request(f"The body is no JSON: {error}.") from error
        if not isinstance(found, dict):
            raise bad_request("The body is no JSON object.")
        return found

    def number(self, name: str) -> int:
        """
        Read a number of the query.

        :param name: its name
        :return: the number
        :raises StudioError: when it is missing or no number
        """
        text = self.request.query_params.get(name, "")
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise bad_request(f"{name} must be a number from 0 on, got {text[:100]!r}.")
        return int(text)


def endpoint(service: StudioService, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """
    Make a route's end point.

    :param service: what the handler works on
    :param handler: answers
    :return: the end point
    """

    async def answer(request: Request) -> Response:
        return await handler(Call(service, request))

    return answer
