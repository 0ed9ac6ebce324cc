"""
HTTP for the services that have no living client library: one session, one retry policy, typed errors.

A request is repeated only where that is safe: when it cannot have reached the service, when the service says
that it did nothing (429, or 503 with Retry-After), or when the caller says that doing it twice does no harm.
"""

from __future__ import annotations

import logging
import os
import random
import time
import uuid
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_datalake.exceptions import DataLakeError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from requests import Response, Session

log = logging.getLogger(__name__)

REFUSED = (429,)
"""The service has done nothing: repeating is always safe."""
PASSING = (408, 500, 502, 503, 504)
"""The service may have done what was asked, or not."""
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Authorize(Protocol):
    """Gives the headers that prove who sends a request."""

    def __call__(self, *, renew: bool = False) -> Mapping[str, str]:
        """
        Give the headers.

        :param renew: whether the service has just refused the last ones, so that no cached token will do
        :return: header by name
        """
        ...


@dataclass(frozen=True)
class RetryPolicy:
    """
    How long a request is tried.

    :param attempts: how often at most
    :param first_pause: seconds before the second attempt; the pauses double, with jitter
    :param longest_pause: seconds; what ``Retry-After`` asks for may be longer
    :param patience: seconds from the first attempt on after which none is begun any more
    """

    attempts: int = 6
    first_pause: float = 0.5
    longest_pause: float = 20.0
    patience: float = 120.0

    def pause(self, attempt: int, response: Response | None) -> float:
        """
        Choose the pause before the next attempt.

        :param attempt: how many attempts there were
        :param response: the last answer, None when there was none
        :return: seconds
        """
        asked = retry_after(response)
        if asked is not None:
            return asked
        ceiling = min(self.longest_pause, self.first_pause * 2 ** (attempt - 1))
        return ceiling * random.uniform(0.5, 1.0)


@dataclass(frozen=True)
class Transport:
    """
    How a client reaches its service.

    :param connect_timeout: seconds
    :param read_timeout: seconds between two pieces of an answer
    :param proxies: URL by scheme, as ``requests`` takes them; the environment's when empty
    :param ca_bundle: file with the certificates to trust; the usual ones when empty
    :param connections: how many connections are kept open
    :param policy: how long a request is tried
    """

    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_bundle: str = ""
    connections: int = 32
    policy: RetryPolicy = field(default_factory=RetryPolicy)


def retry_after(response: Response | None) -> float | None:
    """
    Read how long the service asks us to wait.

    :param response: an answer
    :return: seconds, None when it does not ask
    """
    text = "" if response is None else response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


class HttpClient:
    """
    Requests to one service on behalf of one connection; threads may share it.

    :param base_url: e.g. ``https://store.azuredatalakestore.net``; paths are appended
    :param conn_id: the connection's id, for messages
    :param authorize: gives the headers that prove who we are
    :param error_of: makes a typed error of an answer with an error; its message need not name the connection
    :param transport: timeouts, proxies, retry policy
    :param headers: for every request
    """

    def __init__(
        self,
        base_url: str,
        *,
        conn_id: str,
        authorize: Authorize,
        error_of: Callable[[Response], DataLakeError],
        transport: Transport | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.conn_id = conn_id
        self.transport = transport or Transport()
        self._authorize = authorize
        self._error_of = error_of
        self._headers = dict(headers or {})
        self._session: Session | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        repeatable: bool,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        expected: Collection[int] = (200, 201, 202, 204),
        stream: bool = False,
    ) -> Response:
        """
        Send a request, again where that is safe, and give the answer that was expected.

        :param method: the HTTP method
        :param path: percent-encoded path below the base URL, or an absolute URL that the service gave
        :param doing: what is attempted, for messages, e.g. ``create folder /raw``
        :param repeatable: whether doing it twice does no harm
        :param params: the query
        :param json: the body, as JSON
        :param body: the body as bytes; an iterator can be sent only once, so that it is never repeated
        :param headers: further headers
        :param expected: statuses that are no errors
        :param stream: whether the caller reads the answer piece by piece, and closes it
        :return: the answer
        :raises AuthenticationError: when the credentials are refused
        :raises ServiceError: when the service does not answer, or with an error that may pass
        :raises DataLakeError: when it answers with another error
        """
        from tenacity import (
            RetryCallState,
            Retrying,
            retry_if_exception,
            stop_after_attempt,
            stop_before_delay,
        )

        policy = self.transport.policy
        once = body is not None and not isinstance(body, (bytes, bytearray, memoryview))
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}/{path.lstrip('/')}"
        # One id for all attempts: the service's logs show them as one request.
        fixed = {"x-ms-client-request-id": str(uuid.uuid4()), **self._headers, **(headers or {})}
        request = _Request(method, url, params, json, body, fixed, stream)
        renewed = renew = False

        def attempt() -> Response:
            nonlocal renewed, renew
            fresh, renew = renew, False
            try:
                return self._attempt(request, doing, frozenset(expected), repeatable=repeatable, renew=fresh)
            except _Failed as failure:
                if failure.unauthorized:
                    # A token can be revoked before it expires: a fresh one is tried, once.
                    failure.again = renew = not renewed
                    renewed = True
                failure.again = failure.again and not once
                raise

        def pause(state: RetryCallState) -> float:
            failure = state.outcome.exception() if state.outcome else None
            return policy.pause(state.attempt_number, getattr(failure, "response", None))

        def tell(state: RetryCallState) -> None:
            log.warning(
                "%s; trying again in %.1f s",
                state.outcome and state.outcome.exception(),
                state.upcoming_sleep,
            )

        attempts = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Failed) and error.again),
            wait=pause,
            stop=stop_after_attempt(policy.attempts) | stop_before_delay(policy.patience),
            before_sleep=tell,
            reraise=True,
        )
        try:
            return attempts(attempt)
        except _Failed as failure:
            raise failure.error from failure.error.__cause__

    def _attempt(
        self, request: _Request, doing: str, expected: frozenset[int], *, repeatable: bool, renew: bool
    ) -> Response:
        from requests import RequestException

        headers = {**request.headers, **self._authorize(renew=renew)}
        try:
            response = self._send(request, headers)
        except RequestException as problem:
            error = ServiceError(f"{describe(problem)} ({self.base_url})")
            error.name_connection(self.conn_id, doing)
            error.__cause__ = problem
            raise _Failed(error, again=repeatable or _never_sent(problem)) from problem
        if response.status_code in expected:
            return response
        raise _Failed(
            self._failure(response, doing), again=_may_repeat(response, repeatable), response=response
        )

    def _send(self, request: _Request, headers: Mapping[str, str]) -> Response:
        return self._open().request(
            request.method,
            request.url,
            params=request.params,
            json=request.json,
            data=request.body,
            headers=headers,
            timeout=(self.transport.connect_timeout, self.transport.read_timeout),
            stream=request.stream,
            # A redirection would carry the token to another host.
            allow_redirects=False,
        )

    def _failure(self, response: Response, doing: str) -> DataLakeError:
        error = self._error_of(response)
        error.name_connection(self.conn_id, doing)
        response.close()
        return error

    def _open(self) -> Session:
        if self._session is None:
            self._session = open_session(self.transport, self.base_url)
        return self._session

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    params: Mapping[str, Any] | None
    json: Any
    body: Any
    headers: Mapping[str, str]
    stream: bool


class _Failed(Exception):
    """
    One attempt that failed.

    :param error: what the caller is told when it was the last one
    :param again: whether another one does no harm
    :param response: the answer, None when there was none
    """

    def __init__(self, error: DataLakeError, *, again: bool, response: Response | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.response = response

    @property
    def unauthorized(self) -> bool:
        return self.response is not None and self.response.status_code == 401


def _may_repeat(response: Response, repeatable: bool) -> bool:
    if response.status_code in REFUSED:
        return True
    if response.status_code == 503 and retry_after(response) is not None:
        return True
    return repeatable and response.status_code in PASSING


def open_session(transport: Transport, url: str) -> Session:
    """
    Open a session that many threads may share.

    :param transport: timeouts, proxies and certificates
    :param url: the service's, for which the environment may name a proxy
    :return: the session; it follows no ``.netrc`` and keeps no cookies
    """
    import requests
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies

    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Left to itself, requests reads the environment anew for each request, which takes longer than the rest.
    session.trust_env = False
    session.proxies.update(transport.proxies or get_environ_proxies(url))
    bundles = (transport.ca_bundle, *(os.environ.get(name) for name in CA_VARIABLES))
    session.verify = next((bundle for bundle in bundles if bundle), True)
    size = transport.connections
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def describe(problem: Exception) -> str:
    """
    Say in few words why there was no answer.

    :param problem: what ``requests`` has raised
    :return: text without addresses, which may carry signatures
    """
    from requests import ConnectionError, ConnectTimeout, ReadTimeout
    from requests.exceptions import ChunkedEncodingError, ProxyError, SSLError

    if isinstance(problem, ConnectTimeout):
        return "the service cannot be reached in time; check the field 'host'"
    if isinstance(problem, ReadTimeout):
        return "the service does not answer in time"
    if isinstance(problem, ProxyError):
        return "the proxy cannot be used; check the field 'proxy'"
    if isinstance(problem, SSLError):
        return "the service's certificate is not trusted; check the fields 'host' and 'ca_bundle'"
    if isinstance(problem, ChunkedEncodingError):
        return "the answer ended too early"
    if isinstance(problem, ConnectionError):
        return "the service cannot be reached; check the field 'host'"
    return type(problem).__name__


def _never_sent(problem: Exception) -> bool:
    from requests import ConnectionError, ConnectTimeout
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    if isinstance(problem, ConnectTimeout):
        return True
    if not isinstance(problem, ConnectionError) or not problem.args:
        return False
    reason = problem.args[0].reason if isinstance(problem.args[0], MaxRetryError) else problem.args[0]
    return isinstance(reason, NewConnectionError)
