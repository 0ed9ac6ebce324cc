"""Errors in the envelope of Azure's REST services."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class AzureError(Exception):
    """
    A request that is answered with an error.

    :param status: HTTP status; never 5xx, which clients retry for minutes
    :param code: the service's code
    :param message: what was given, what was expected and what to do
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str, code: str = "BadRequest") -> AzureError:
    """
    Refuse a request whose content is wrong.

    :param message: what was given and what was expected
    :param code: the service's code
    :return: the error to raise
    """
    return AzureError(400, code, message)


def not_supported(what: str) -> AzureError:
    """
    Refuse a feature of the service that the emulator does not have.

    :param what: the feature, as it reads after "does not support"
    :return: the error to raise
    """
    return AzureError(400, "NotSupported", f"The emulator does not support {what}.")


def traced(message: str) -> str:
    """
    Add what the data plane adds to its messages.

    :param message: the message
    :return: the message with a trace id and the time
    """
    moment = datetime.now(UTC).isoformat()
    return f"{message} Trace: {uuid.uuid4()} Time: {moment}"


def error_response(status: int, code: str, message: str) -> Response:
    """
    Make an answer with an error.

    :param status: HTTP status
    :param code: the service's code
    :param message: its message
    :return: the answer
    """
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def render(request: Request, error: Exception) -> Response:
    """
    Answer with an error that a handler has raised.

    :param request: the request
    :param error: an ``AzureError``
    :return: the answer
    """
    if not isinstance(error, AzureError):
        raise error
    return error_response(error.status, error.code, error.message)
