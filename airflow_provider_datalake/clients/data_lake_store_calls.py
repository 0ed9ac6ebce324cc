"""Calls to a store, and what is done when nobody knows whether one has come through."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.data_lake_store_paths import check_path, quote_path
from airflow_provider_datalake.exceptions import DataLakeError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import Response

    from airflow_provider_datalake.clients.http import HttpClient

log = logging.getLogger(__name__)

API_VERSION = "2018-09-01"


class StoreCalls:
    """
    The protocol of one account, below its operations; threads may share it.

    :param http: requests to the account
    :param account: the account's name
    """

    def __init__(self, http: HttpClient, account: str) -> None:
        self.http = http
        self.account = account

    def send(
        self,
        method: str,
        op: str,
        path: str,
        *,
        repeatable: bool,
        body: bytes | memoryview | None = None,
        json: Any = None,
        extension: bool = False,
        stream: bool = False,
        **parameters: Any,
    ) -> Response:
        """
        Call an operation.

        :param method: the HTTP method
        :param op: the operation's name
        :param path: the path that it is about
        :param repeatable: whether doing it twice does no harm
        :param body: bytes
        :param json: a document, in place of bytes
        :param extension: whether it is one of Data Lake Store's own additions to WebHDFS
        :param stream: whether the answer is read piece by piece
        :param parameters: of the operation; those that are None are left out
        :return: the answer
        :raises DataLakeError: as ``HttpClient.request`` and ``store_error`` say
        """
        checked = check_path(path)
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        root = "webhdfsext" if extension else "webhdfs/v1"
        content = {"Content-Type": "application/octet-stream"} if body is not None else {}
        return self.http.request(
            method,
            f"/{root}{quote_path(checked)}",
            doing=f"{op} {checked}",
            repeatable=repeatable,
            params={"op": op, **given, "api-version": API_VERSION},
            body=body,
            json=json,
            headers=content,
            expected=(200, 201),
            stream=stream,
        )

    def once(self, send: Callable[[], Any], happened: Callable[[], bool]) -> Any:
        """
        Do what must not be done twice.

        After an unclear failure we look whether it has happened, and send again only if it has not. A request
        that arrives late lets the second one fail: so what that one says is not the last word.

        :param send: does it
        :param happened: looks whether it has been done
        :return: what ``send`` gives; None when it was found done
        :raises DataLakeError: when it has surely not been done, or nothing can be seen for long
        """
        unclear = False
        attempt = 0
        while True:
            attempt += 1
            try:
                return send()
            except ServiceError as error:
                failure: DataLakeError = error
            except DataLakeError as error:
                if not unclear:
                    raise
                failure = error
            unclear = True
            if happened():
                log.warning("%s; it has been done nevertheless", failure)
                return None
            if not isinstance(failure, ServiceError):
                raise failure
            self.pause(attempt, failure)

    def pause(self, attempt: int, failure: DataLakeError) -> None:
        """
        Wait before another attempt; give up when there were enough.

        :param attempt: how many there were
        :param failure: why the last one failed
        :raises DataLakeError: the failure, when there were enough
        """
        policy = self.http.transport.policy
        if attempt >= policy.attempts:
            raise self.named(failure)
        seconds = policy.pause(attempt, None)
        log.warning("%s; trying again in %.1f s", failure, seconds)
        time.sleep(seconds)

    def named(self, error: DataLakeError) -> DataLakeError:
        """
        Let an error's message begin with the connection.

        :param error: the error
        :return: the same error
        """
        error.name_connection(self.http.conn_id)
        return error

    def read_object(self, response: Response, name: str) -> dict[str, Any]:
        """
        Read the one object of an answer.

        :param response: the answer
        :param name: the object's name
        :return: the object
        :raises ServiceError: when there is none
        """
        try:
            found = response.json()[name]
        except (ValueError, KeyError, TypeError):
            found = None
        if not isinstance(found, dict):
            raise self.named(ServiceError(f"the service's answer cannot be read: {name} was expected"))
        return found


def read_boolean(response: Response) -> bool:
    """
    Read an answer that is yes or no.

    :param response: the answer
    :return: what it says
    :raises ServiceError: when it is none
    """
    try:
        return response.json()["boolean"] is True
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError("the service's answer cannot be read: a boolean was expected") from error
