"""Errors of the token endpoint, in the words of Azure Active Directory."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class TokenError(Exception):
    """
    A request for a token that is refused.

    :param code: number of the AADSTS error
    :param error: OAuth's word for it
    :param message: what is wrong; never a secret
    :param status: HTTP status
    """

    def __init__(self, code: int, error: str, message: str, status: int = 400) -> None:
        super().__init__(f"AADSTS{code}: {message}")
        self.code = code
        self.error = error
        self.message = message
        self.status = status

    def to_json(self, correlation: str | None = None) -> Mapping[str, Any]:
        """
        Describe the error.

        :param correlation: the client's own id of the request
        :return: its JSON
        """
        trace, correlation = str(uuid.uuid4()), correlation or str(uuid.uuid4())
        moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        details = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
        return {
            "error": self.error,
            "error_description": f"AADSTS{self.code}: {self.message} {details}",
            "error_codes": [self.code],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


def invalid_request(code: int, message: str) -> TokenError:
    """
    Refuse a request that is malformed.

    :param code: number of the AADSTS error
    :param message: what is wrong
    :return: the error to raise
    """
    return TokenError(code, "invalid_request", message)


def invalid_client(code: int, message: str) -> TokenError:
    """
    Refuse an application that cannot prove who it is.

    :param code: number of the AADSTS error
    :param message: what is wrong
    :return: the error to raise
    """
    return TokenError(code, "invalid_client", message, 401)


def invalid_grant(code: int, message: str) -> TokenError:
    """
    Refuse a person, or a refresh token, that does not do.

    :param code: number of the AADSTS error
    :param message: what is wrong
    :return: the error to raise
    """
    return TokenError(code, "invalid_grant", message)
