"""PyODPS's errors in the provider's own types: one table, used by clients, hook and jobs."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    JobError,
    NotFoundError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


_CODE = re.compile(r"ODPS-\d{7}")


@dataclass(frozen=True)
class _Meaning:
    type: type[DataLakeError]
    advice: str = ""


_WRONG_KEY = _Meaning(AuthenticationError, "check the fields 'login' and 'password'")
_WRONG_TOKEN = _Meaning(AuthenticationError, "check the field 'sts_token' or 'bearer_token'")
_CLOCK = _Meaning(AuthenticationError, "check this machine's clock")
_FORBIDDEN = _Meaning(AuthenticationError, "the access key of the field 'login' lacks this permission")
_INVALID = _Meaning(ConfigurationError)
_MISSING = _Meaning(NotFoundError)
_PASSING = _Meaning(ServiceError)
_UNREACHABLE = _Meaning(ServiceError, "check the field 'host', and 'tunnel_endpoint' where it is set")

# Keyed by the service's error code, which PyODPS also uses as the name of its exception class.
_MEANINGS = {
    "SignatureNotMatch": _WRONG_KEY,
    "SignatureDoesNotMatch": _WRONG_KEY,
    "InvalidAccessKeyId": _WRONG_KEY,
    "AccessKeyIdNotFound": _WRONG_KEY,
    "Unauthorized": _WRONG_KEY,
    "AuthorizationRequired": _WRONG_KEY,
    "ODPS-0410042": _WRONG_KEY,
    "ODPS-0410051": _WRONG_KEY,
    "InvalidSecurityToken": _WRONG_TOKEN,
    "InvalidBearerToken": _WRONG_TOKEN,
    "AuthenticationRequestExpired": _Meaning(AuthenticationError, "the token or the request has expired"),
    "RequestTimeTooSkewed": _CLOCK,
    "NoPermission": _FORBIDDEN,
    "AccessDenied": _FORBIDDEN,
    "NoSuchProject": _Meaning(NotFoundError, "check the field 'project'"),
    "NoSuchObject": _MISSING,
    "ODPS-0130131": _MISSING,
    "ObjectAlreadyExists": _Meaning(ConflictError),
    "InvalidArgument": _INVALID,
    "InvalidParameter": _INVALID,
    "InvalidPartitionSpec": _INVALID,
    "ParseError": _INVALID,
    "MethodNotAllowed": _INVALID,
    "InstanceTypeNotSupported": _INVALID,
    "TableModified": _PASSING,
    "SchemaModified": _PASSING,
    "InternalServerError": _PASSING,
    "ConnectTimeout": _UNREACHABLE,
    "ConnectionError": _UNREACHABLE,
    "Timeout": _PASSING,
    "RequestException": _PASSING,
}
_BY_STATUS = {401: _WRONG_KEY, 403: _FORBIDDEN, 404: _MISSING, 409: _Meaning(ConflictError), 429: _PASSING}


def translate(error: BaseException, *, conn_id: str, doing: str = "") -> DataLakeError:
    """
    Put an error of PyODPS or of the network into the provider's own type.

    :param error: what was raised
    :param conn_id: the connection's id, for the message
    :param doing: what was attempted, e.g. ``load table demo.flights``
    :return: the error to raise in its place, or ``error`` itself when it already is one of ours
    """
    if isinstance(error, DataLakeError):
        return error
    meaning = _meaning(error)
    message = _message(conn_id, doing, _text(error))
    return meaning.type(f"{message} ({meaning.advice})" if meaning.advice else message)


@contextmanager
def service_errors(conn_id: str, doing: str = "") -> Iterator[None]:
    """
    Translate the errors of PyODPS and of the network that leave a block, and name the connection in our own.

    :param conn_id: the connection's id, for the message
    :param doing: what the block attempts, for the message
    :raises DataLakeError: in place of PyODPS's and the network's errors; all others pass through
    """
    from odps.errors import BaseODPSError
    from requests import RequestException

    try:
        yield
    except (BaseODPSError, RequestException) as error:
        raise translate(error, conn_id=conn_id, doing=doing) from error
    except DataLakeError as error:
        if not isinstance(error, JobError):
            error.name_connection(conn_id, doing)
        raise


def _message(*parts: str) -> str:
    conn_id, *others = parts
    return ": ".join([f"Connection {conn_id!r}", *(part for part in others if part)])


def _meaning(error: BaseException) -> _Meaning:
    code = str(getattr(error, "code", None) or "").split(":", 1)[0].strip()
    # The service often wraps a precise code in a general one: InvalidParameter with "ODPS-0410051: ...".
    names = [*_CODE.findall(str(error)), code, *(cls.__name__ for cls in type(error).__mro__)]
    for name in names:
        if name in _MEANINGS:
            return _MEANINGS[name]
    status = getattr(error, "status_code", None) or 0
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _INVALID if 400 <= status < 500 else _PASSING


def _text(error: BaseException) -> str:
    code = str(getattr(error, "code", None) or "")
    text = str(error.args[0]).strip() if error.args else type(error).__name__
    request_id = getattr(error, "request_id", None)
    if code and code not in text:
        text = f"{code}: {text}"
    return f"{text} [request {request_id}]" if request_id else text
