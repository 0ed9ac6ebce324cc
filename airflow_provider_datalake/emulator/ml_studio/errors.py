"""Failures of ML Studio and of the storage below it, as they are answered."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request


class StudioError(Exception):
    """
    A request that is answered with an error.

    :param status: HTTP status; never 5xx, which clients repeat
    :param code: the service's code
    :param message: what was given, what was expected and what to do
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class StorageError(StudioError):
    """A request for contents that is answered with an error, in the words of blob storage."""


def bad_request(message: str) -> StudioError:
    """
    Refuse a request whose content is wrong.

    :param message: what was given and what was expected
    :return: the error to raise
    """
    return StudioError(400, "BadRequest", message)


def not_found(message: str) -> StudioError:
    """
    Say that something is not there.

    :param message: what
    :return: the error to raise
    """
    return StudioError(404, "NotFound", message)


def conflict(message: str) -> StudioError:
    """
    Refuse what something else is in the way of.

    :param message: what
    :return: the error to raise
    """
    return StudioError(409, "Conflict", message)


def unauthorized() -> StudioError:
    """
    Refuse a token, without a word about which workspaces there are.

    :return: the error to raise
    """
    return StudioError(
        401, "Unauthorized", "The workspace does not exist, or the authorization token is not one of its own."
    )


def render(request: Request, error: Exception) -> Response:
    """
    Answer with an error that a handler has raised.

    :param request: the request
    :param error: a ``StudioError``
    :return: the answer
    """
    if isinstance(error, StorageError):
        return _storage_response(error)
    if not isinstance(error, StudioError):
        raise error
    return error_response(error.status, error.code, error.message)


def error_response(status: int, code: str, message: str) -> Response:
    """
    Make an answer with an error.

    :param status: HTTP status
    :param code: the service's code
    :param message: its message
    :return: the answer
    """
    return JSONResponse({"error": {"code": code, "message": message, "details": []}}, status)


def _storage_response(error: StorageError) -> Response:
    request_id = str(uuid.uuid4())
    moment = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "0Z")
    message = escape(f"{error.message}\nRequestId:{request_id}\nTime:{moment}")
    text = (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{error.code}</Code><Message>{message}</Message></Error>"
    )
    headers = {"x-ms-error-code": error.code, "x-ms-request-id": request_id, "x-ms-version": "2015-02-21"}
    return Response(text, error.status, headers, "application/xml")
