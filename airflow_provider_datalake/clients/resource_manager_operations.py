"""
Long-running operations of the resource manager.

Three ways lead to the end of one, and the service chooses: the address in ``Azure-AsyncOperation``, that in
``Location``, or the resource's own ``provisioningState``. An operation here is plain data, so that another
process can go on watching it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_datalake.exceptions import DataLakeError, NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import Response

    from airflow_provider_datalake.clients.azure_rest import AzureRest

log = logging.getLogger(__name__)

PAUSE = 5.0
"""Seconds between two looks where the service asks for nothing."""
LONGEST_PAUSE = 60.0
SHORTEST_PAUSE = 0.5
"""The service asks for no pause at all; that would be a request after the other."""
_SUCCEEDED = "Succeeded"
_FAILED = ("Failed", "Canceled", "Cancelled")
_HARMLESS = frozenset({"api-version", "monitor", "expanded"})


class OperationState(StrEnum):
    """How an operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Operation:
    """
    A change of a resource that is under way.

    :param path: the resource's path
    :param deleting: whether the resource is on its way out
    :param status_url: where the service tells the operation's status, empty when it does not
    :param location_url: where the service answers 202 until it is done, empty when it does not
    """

    path: str
    deleting: bool = False
    status_url: str = ""
    location_url: str = ""

    def to_json(self) -> dict[str, Any]:
        """
        Give what another process needs to go on watching.

        :return: plain JSON; addresses that may be signed are left out, the resource's own state will do
        """
        return {
            **asdict(self),
            "status_url": self.status_url if _is_plain(self.status_url) else "",
            "location_url": self.location_url if _is_plain(self.location_url) else "",
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Operation:
        """
        Read what another process has written.

        :param stored: the JSON
        :return: the operation
        """
        return cls(**stored)


def _is_plain(url: str) -> bool:
    return set(parse_qs(urlsplit(url).query)) <= _HARMLESS


@dataclass(frozen=True)
class OperationStatus:
    """
    One look at an operation.

    :param state: how it stands
    :param detail: the service's word for it
    :param error: why it has failed
    :param pause: seconds that the service asks us to wait before the next look, None where it does not ask
    """

    state: OperationState
    detail: str = ""
    error: str = ""
    pause: float | None = None


def begin(path: str, response: Response, *, deleting: bool = False) -> Operation:
    """
    Read from an answer what is under way.

    :param path: the resource's path
    :param response: the answer to the request that has begun it
    :param deleting: whether the resource is on its way out
    :return: the operation
    """
    return Operation(
        path=path,
        deleting=deleting,
        status_url=response.headers.get("Azure-AsyncOperation", ""),
        location_url=response.headers.get("Location", "") if response.status_code == 202 else "",
    )


def look(rest: AzureRest, operation: Operation, doing: str) -> OperationStatus:
    """
    Look at an operation once.

    :param rest: the resource manager
    :param operation: the operation
    :param doing: what is attempted, for messages
    :return: how it stands
    :raises ServiceError: when the service does not answer; the operation goes on
    """
    try:
        if operation.status_url:
            return _by_status(rest, operation.status_url, doing)
        if operation.location_url:
            return _by_location(rest, operation.location_url, doing)
    except NotFoundError as error:
        # The service forgets operations; the resource itself still says how it came out.
        log.info("%s", error)
    return _by_resource(rest, operation, doing)


def _by_status(rest: AzureRest, url: str, doing: str) -> OperationStatus:
    response = rest.send("GET", url, doing=doing, repeatable=True)
    if response.status_code == 204:
        return OperationStatus(OperationState.SUCCEEDED)
    told = rest.body(response, doing)
    return _judge(str(told.get("status") or ""), told.get("error"), _pause(response))


def _by_location(rest: AzureRest, url: str, doing: str) -> OperationStatus:
    response = rest.send("GET", url, doing=doing, repeatable=True)
    if response.status_code == 202:
        return OperationStatus(OperationState.RUNNING, "Accepted", pause=_pause(response))
    return OperationStatus(OperationState.SUCCEEDED)


def _by_resource(rest: AzureRest, operation: Operation, doing: str) -> OperationStatus:
    try:
        response = rest.send("GET", operation.path, doing=doing, repeatable=True, expected=(200,))
    except NotFoundError as error:
        if operation.deleting:
            return OperationStatus(OperationState.SUCCEEDED)
        return OperationStatus(OperationState.FAILED, error=str(error))
    told = rest.body(response, doing)
    state = str((told.get("properties") or {}).get("provisioningState") or "")
    if operation.deleting:
        return OperationStatus(OperationState.RUNNING, state or "Deleting", pause=_pause(response))
    # A resource without the property is there, and that is all there is to say about it.
    return _judge(state or _SUCCEEDED, None, _pause(response))


def _judge(word: str, error: object, pause: float | None) -> OperationStatus:
    if word.lower() == _SUCCEEDED.lower():
        return OperationStatus(OperationState.SUCCEEDED, word)
    if word.lower() in (failed.lower() for failed in _FAILED):
        return OperationStatus(OperationState.FAILED, word, _reason(error))
    return OperationStatus(OperationState.RUNNING, word or "InProgress", pause=pause)


def _reason(error: object) -> str:
    if not isinstance(error, dict):
        return ""
    return ": ".join(str(error[name]) for name in ("code", "message") if error.get(name))


def _pause(response: Response) -> float | None:
    from airflow_provider_datalake.clients.http import retry_after

    asked = retry_after(response)
    return None if asked is None else min(max(asked, SHORTEST_PAUSE), LONGEST_PAUSE)


def failure(status: OperationStatus, doing: str) -> DataLakeError:
    """
    Make the error of an operation that has failed.

    :param status: how it stands
    :param doing: what was attempted
    :return: the error, in the service's own words
    """
    reason = status.error or "the service gives no reason"
    return ServiceError(f"{doing}: the operation has {status.detail.lower() or 'failed'}: {reason}")


def wait(rest: AzureRest, operation: Operation, doing: str, *, timeout: float | None = None) -> None:
    """
    Wait until an operation has ended.

    :param rest: the resource manager
    :param operation: the operation
    :param doing: what is attempted, for messages
    :param timeout: seconds, None for ever
    :raises ServiceError: when it has failed, or has not ended in time (it goes on in the service)
    """
    began = time.monotonic()
    while True:
        status = look(rest, operation, doing)
        if status.state is OperationState.SUCCEEDED:
            return
        if status.state is OperationState.FAILED:
            raise failure(status, doing)
        pause = PAUSE if status.pause is None else status.pause
        if timeout is not None and time.monotonic() - began + pause > timeout:
            raise ServiceError(f"{doing}: still {status.detail} after {timeout} seconds; it goes on")
        time.sleep(pause)


def is_under_way(state: str) -> bool:
    """
    Tell whether a resource is still being made, changed or deleted.

    :param state: its ``provisioningState``
    :return: whether another state will follow
    """
    return bool(state) and state.lower() not in (
        _SUCCEEDED.lower(),
        *(failed.lower() for failed in _FAILED),
    )
