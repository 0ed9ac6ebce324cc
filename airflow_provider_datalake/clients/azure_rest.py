"""What Azure's REST services have in common: JSON, one shape of errors, OData lists that come in pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from requests import Response

    from airflow_provider_datalake.clients.http import HttpClient


class PermissionDenied(AuthenticationError):
    """The service knows who we are, and does not allow it."""


DONE = (200, 201, 202, 204)
_PASSING = (408, 429)


@dataclass(frozen=True)
class ListOptions:
    """
    Which items of a list are wanted; see the helpers of this module for parts of filters.

    :param filter: an OData expression, e.g. ``state eq 'Ended' and submitter eq 'me@example.com'``
    :param top: at most so many items
    :param skip: leave out so many items first
    :param select: only these properties of each item, under their names on the wire, e.g. ``jobId``
    :param orderby: e.g. ``submitTime desc``
    """

    filter: str = ""
    top: int | None = None
    skip: int | None = None
    select: Sequence[str] = ()
    orderby: str = ""

    def params(self) -> dict[str, str]:
        """
        Give the query.

        :return: value by parameter, only those that are set
        :raises ConfigurationError: when a number is out of range
        """
        check_positive(top=self.top, skip=self.skip)
        given = {
            "$filter": self.filter,
            "$top": "" if self.top is None else str(self.top),
            "$skip": "" if self.skip is None else str(self.skip),
            "$select": ",".join(self.select),
            "$orderby": self.orderby,
        }
        return {name: value for name, value in given.items() if value}


ALL = ListOptions()


def check_positive(**numbers: int | None) -> None:
    """
    Check numbers that must be above 0 where they are given.

    :param numbers: number by name
    :raises ConfigurationError: when one is not
    """
    for name, number in numbers.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise ConfigurationError(f"{name} must be an integer above 0, got {number!r}")


def text_literal(value: str) -> str:
    """
    Write a text in an OData expression.

    :param value: the text
    :return: the text in quotes, quotes in it doubled
    """
    return "'" + value.replace("'", "''") + "'"


def time_literal(moment: datetime) -> str:
    """
    Write a moment in an OData expression.

    :param moment: the moment; one without a zone is UTC
    :return: e.g. ``datetimeoffset'2024-01-31T08:00:00+00:00'``
    """
    return f"datetimeoffset'{utc(moment).isoformat()}'"


def utc(moment: datetime) -> datetime:
    """
    Put a moment into UTC.

    :param moment: the moment; one without a zone is UTC already
    :return: the moment
    """
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def segment(name: str, what: str = "name") -> str:
    """
    Write a name as one part of a path.

    :param name: the name
    :param what: whose name it is, for messages
    :return: the name, percent-encoded
    :raises ConfigurationError: when it cannot be one part of a path
    """
    if not isinstance(name, str) or not name.strip() or name in (".", ".."):
        raise ConfigurationError(f"{what} must be a non-empty name, got {name!r}")
    return quote(name, safe="")


def azure_error(response: Response) -> DataLakeError:
    """
    Make a typed error of an answer of the form ``{"error": {"code", "message"}}``.

    :param response: the answer
    :return: the error; its ``code`` is the service's
    """
    code, message = _told(response)
    status = response.status_code
    if status == 401:
        kind: type[DataLakeError] = AuthenticationError
    elif status == 403:
        kind = PermissionDenied
    elif status == 404:
        kind = NotFoundError
    elif status == 409:
        kind = ConflictError
    elif 400 <= status < 500 and status not in _PASSING:
        kind = ConfigurationError
    else:
        kind = ServiceError
    text = f"{code}: {message}" if code and message else message or code or "no message"
    error = kind(f"{text} (HTTP {status})")
    error.code = code
    return error


def _told(response: Response) -> tuple[str, str]:
    try:
        body = response.json()
    except ValueError:
        return "", " ".join(response.text.split())[:300]
    told = body.get("error", body) if isinstance(body, dict) else {}
    if isinstance(told, str):  # the directory's form
        return told, str(body.get("error_description") or "")
    if not isinstance(told, dict):
        return "", str(told)[:300]
    details = [str(detail.get("message")) for detail in told.get("details") or [] if isinstance(detail, dict)]
    message = "; ".join([str(told.get("message") or ""), *details]).strip("; ")
    return str(told.get("code") or ""), message


class AzureRest:
    """
    JSON requests to one service in one version.

    :param http: the requests
    :param api_version: the version that the paths are for
    """

    def __init__(self, http: HttpClient, api_version: str) -> None:
        self.http = http
        self.api_version = api_version

    @property
    def conn_id(self) -> str:
        """The connection's id, for messages."""
        return self.http.conn_id

    def send(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        repeatable: bool,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        expected: Collection[int] = DONE,
    ) -> Response:
        """
        Send a request.

        :param method: the HTTP method
        :param path: below the base URL, or an absolute URL of the same service
        :param doing: what is attempted, for messages
        :param repeatable: whether doing it twice does no harm
        :param json: the body
        :param params: the query, without the version
        :param expected: statuses that are no errors
        :return: the answer
        :raises DataLakeError: when the service refuses or does not answer
        """
        if path.startswith(("http://", "https://")):
            # It carries its own query, and our token must not go to another host.
            self._check_origin(path, doing)
            query: Mapping[str, str] | None = None
        else:
            query = {**(params or {}), "api-version": self.api_version}
        return self.http.request(
            method,
            path,
            doing=doing,
            repeatable=repeatable,
            params=query,
            json=json,
            headers={"Accept": "application/json"},
            expected=expected,
        )

    def get(self, path: str, *, doing: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """
        Read an object.

        :param path: below the base URL
        :param doing: what is attempted, for messages
        :param params: the query, without the version
        :return: the object
        :raises NotFoundError: when there is none
        """
        response = self.send("GET", path, doing=doing, repeatable=True, params=params, expected=(200,))
        return self.body(response, doing)

    def delete(self, path: str, *, doing: str) -> bool:
        """
        Delete an object; one that does not exist is fine.

        :param path: below the base URL
        :param doing: what is attempted, for messages
        :return: whether there was one
        """
        response = self.send("DELETE", path, doing=doing, repeatable=True, expected=(*DONE, 404))
        return response.status_code not in (204, 404)

    def items(
        self, path: str, options: ListOptions = ALL, *, doing: str, params: Mapping[str, str] | None = None
    ) -> Iterator[Any]:
        """
        Go through a list, page by page.

        :param path: below the base URL
        :param options: which items are wanted
        :param doing: what is attempted, for messages
        :param params: further parts of the query
        :return: the items
        """
        left = options.top
        where, query = path, {**options.params(), **(params or {})}
        seen = {where}
        while True:
            page = self.get(where, doing=doing, params=query)
            value = page.get("value")
            if not isinstance(value, list):
                raise self._unexpected(doing, "a list was expected")
            for item in value:
                if left is not None and left <= 0:
                    return
                left = None if left is None else left - 1
                yield item
            where = page.get("nextLink") or page.get("@odata.nextLink") or ""
            if not where or left == 0:
                return
            if where in seen:
                raise self._unexpected(doing, "its pages go in a circle")
            seen.add(where)

    def body(self, response: Response, doing: str) -> dict[str, Any]:
        """
        Read an answer's object.

        :param response: the answer
        :param doing: what was attempted, for messages
        :return: the object
        :raises ServiceError: when the answer is something else, e.g. a proxy's page
        """
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._unexpected(doing, "a JSON object was expected")
        return found

    def _unexpected(self, doing: str, why: str) -> ServiceError:
        error = ServiceError(f"the service's answer cannot be read: {why} ({self.http.base_url})")
        error.name_connection(self.conn_id, doing)
        return error

    def _check_origin(self, url: str, doing: str) -> None:
        ours, given = urlsplit(self.http.base_url), urlsplit(url)
        if (ours.scheme, ours.netloc.lower()) != (given.scheme, given.netloc.lower()):
            raise self._unexpected(doing, f"it leads to another host, {given.netloc}")
