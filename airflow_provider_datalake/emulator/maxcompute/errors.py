"""The service's error answers: XML on the REST interface, JSON on the tunnel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from airflow_provider_datalake.emulator.maxcompute.xml import element, to_bytes

if TYPE_CHECKING:
    from starlette.requests import Request

REST_PREFIX = "/api"
HOST_ID = "datalake-emulator"


class OdpsError(Exception):
    """
    A request that is answered with an error.

    :param status: HTTP status; never 5xx, which clients retry for minutes
    :param code: the service's code; PyODPS looks its exception class up by this name
    :param message: what was given, what was expected and what to do
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_supported(what: str) -> OdpsError:
    """
    Refuse a feature of the service that the emulator does not have.

    :param what: the feature, as it reads after "does not support"
    :return: the error to raise
    """
    return OdpsError(400, "NotSupportedError", f"The emulator does not support {what}.")


def invalid(message: str) -> OdpsError:
    """
    Refuse a request whose content is wrong.

    :param message: what was given and what was expected
    :return: the error to raise
    """
    return OdpsError(400, "InvalidParameter", f"ODPS-0410071: Invalid parameter - {message}")


def is_rest(request: Request) -> bool:
    """
    Tell the REST interface from the tunnel, which has other error bodies and signatures.

    :param request: any request to the MaxCompute part of the emulator
    :return: True below the REST prefix
    """
    path = request.scope["path"]
    return path == REST_PREFIX or path.startswith(f"{REST_PREFIX}/")


def odps_error(status: int, code: str, message: str, request: Request) -> Response:
    """
    Build the error answer that the interface of a request uses.

    :param status: HTTP status
    :param code: the service's code
    :param message: the service's message
    :param request: the request that is answered
    :return: a complete response
    """
    request_id = request.scope.get("state", {}).get("request_id", "")
    fields = {"Code": code, "Message": message, "RequestId": request_id, "HostId": HOST_ID}
    if not is_rest(request):
        return Response(json.dumps(fields), status, media_type="application/json")
    body = element("Error", *[element(name, text) for name, text in fields.items()])
    return Response(to_bytes(body), status, media_type="application/xml")


def render(request: Request, error: Exception) -> Response:
    """
    Answer a raised :class:`OdpsError`; for the application's exception handlers.

    :param request: the request that failed
    :param error: the raised error
    :return: the error answer
    """
    if not isinstance(error, OdpsError):
        raise TypeError(f"expected an OdpsError, got {type(error).__name__}") from error
    return odps_error(error.status, error.code, error.message, request)
