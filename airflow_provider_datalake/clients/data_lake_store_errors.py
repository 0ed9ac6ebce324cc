"""What a store answers when it refuses or fails, as typed errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
)

if TYPE_CHECKING:
    from requests import Response

ACCESS_DENIED = "AccessControlException"


class BadOffset(ConflictError):
    """The bytes do not follow the last one of the file."""


_KINDS: dict[str, type[DataLakeError]] = {
    "FileNotFoundException": NotFoundError,
    "FileAlreadyExistsException": ConflictError,
    ACCESS_DENIED: AuthenticationError,
    "IllegalArgumentException": ConfigurationError,
    "BadOffsetException": BadOffset,
    "UnsupportedOperationException": ConfigurationError,
}
_STATUSES: dict[int, type[DataLakeError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    408: ServiceError,
    409: ConflictError,
    429: ServiceError,
}


def store_error(response: Response) -> DataLakeError:
    """
    Make a typed error of an answer with a remote exception.

    :param response: the answer
    :return: the error; its ``code`` is the exception's name
    """
    name, message = _told(response)
    status = response.status_code
    usual = ConfigurationError if 400 <= status < 500 else ServiceError
    # A passing failure stays one, whatever exception it names.
    kind = (_KINDS.get(name) if status < 500 else None) or _STATUSES.get(status, usual)
    words = f"{name}: {message}" if name else message or "no message"
    error = kind(f"{words} (HTTP {status})")
    error.code = name
    return error


def _told(response: Response) -> tuple[str, str]:
    """Give the exception's name and message; refusals of a token have an envelope of their own."""
    try:
        document = response.json()
    except ValueError:
        return "", " ".join(response.text.split())[:300]
    for envelope, name in (("RemoteException", "exception"), ("error", "code")):
        told = document.get(envelope) if isinstance(document, dict) else None
        if isinstance(told, dict):
            return str(told.get(name) or ""), " ".join(str(told.get("message") or "").split())
    return "", " ".join(response.text.split())[:300]
