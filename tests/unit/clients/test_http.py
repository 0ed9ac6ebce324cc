"""The one retry policy: what is repeated, what never is, and how long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_datalake.clients import http
from airflow_provider_datalake.clients.azure_rest import azure_error
from airflow_provider_datalake.clients.http import HttpClient, RetryPolicy, Transport, retry_after
from airflow_provider_datalake.exceptions import AuthenticationError, ConfigurationError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def answer(status: int, headers: Mapping[str, str] | None = None) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = b'{"error": {"code": "Code", "message": "words"}}'
    made.headers.update(headers or {})
    return made


class Wire:
    """What the service answers, one after the other, and what it was sent."""

    def __init__(self, *answers: requests.Response | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        self.sent.append({"method": method, "url": url, **arguments})
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited between attempts, without waiting."""
    found: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", found.append)
    return found


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[[Wire], HttpClient]:
    def make(wire: Wire, tokens: list[bool] | None = None) -> HttpClient:
        def authorize(*, renew: bool = False) -> dict[str, str]:
            if tokens is not None:
                tokens.append(renew)
            return {"Authorization": "Bearer top-secret"}

        monkeypatch.setattr(http, "open_session", lambda transport, url: wire)
        policy = RetryPolicy(attempts=4, first_pause=1.0, longest_pause=2.0, patience=100.0)
        return HttpClient(
            "http://host/base/",
            conn_id="lake",
            authorize=authorize,
            error_of=azure_error,
            transport=Transport(policy=policy),
        )

    return make


def test_an_answer_comes_back(client: Any) -> None:
    wire = Wire(answer(200))
    assert client(wire).request("GET", "/a", doing="look", repeatable=True).status_code == 200
    assert wire.sent[0]["url"] == "http://host/base/a"
    assert wire.sent[0]["headers"]["Authorization"] == "Bearer top-secret"


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_passing_error_is_repeated_where_that_does_no_harm(
    client: Any, pauses: list[float], status: int
) -> None:
    wire = Wire(answer(status), answer(status), answer(200))
    client(wire).request("GET", "/a", doing="look", repeatable=True)
    assert len(pauses) == 2


@pytest.mark.parametrize("problem", [answer(500), requests.ReadTimeout(), requests.ConnectionError("reset")])
def test_what_must_not_happen_twice_is_not_repeated_when_it_may_have_happened(
    client: Any, pauses: list[float], problem: Any
) -> None:
    wire = Wire(problem, answer(200))
    with pytest.raises(ServiceError):
        client(wire).request("POST", "/a", doing="append", repeatable=False)
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    "refusal", [answer(429), answer(503, {"Retry-After": "0"}), requests.ConnectTimeout()]
)
def test_what_has_surely_not_happened_is_always_repeated(
    client: Any, pauses: list[float], refusal: Any
) -> None:
    wire = Wire(refusal, answer(200))
    assert client(wire).request("POST", "/a", doing="append", repeatable=False).status_code == 200


def test_retry_after_is_honoured(client: Any, pauses: list[float]) -> None:
    client(Wire(answer(429, {"Retry-After": "7"}), answer(200))).request(
        "GET", "/a", doing="look", repeatable=True
    )
    assert pauses == [7.0]


def test_a_date_is_a_retry_after_too() -> None:
    assert retry_after(answer(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0.0


def test_no_attempt_is_begun_after_the_patience(client: Any, pauses: list[float]) -> None:
    wire = Wire(answer(429, {"Retry-After": "101"}), answer(200))
    with pytest.raises(ServiceError):
        client(wire).request("GET", "/a", doing="look", repeatable=True)
    assert pauses == []


def test_the_attempts_are_limited(client: Any, pauses: list[float]) -> None:
    wire = Wire(*[answer(500)] * 9)
    with pytest.raises(ServiceError, match="Connection 'lake': look: Code: words"):
        client(wire).request("GET", "/a", doing="look", repeatable=True)
    assert len(wire.sent) == 4


def test_a_refused_token_is_renewed_once(client: Any, pauses: list[float]) -> None:
    tokens: list[bool] = []
    wire = Wire(answer(401), answer(401), answer(200))
    with pytest.raises(AuthenticationError):
        client(wire, tokens).request("POST", "/a", doing="submit", repeatable=False)
    assert tokens == [False, True]


def test_a_token_that_was_renewed_is_kept_for_the_attempts_that_follow(
    client: Any, pauses: list[float]
) -> None:
    tokens: list[bool] = []
    wire = Wire(answer(401), answer(500), answer(200))
    client(wire, tokens).request("GET", "/a", doing="look", repeatable=True)
    assert tokens == [False, True, False]


def test_an_error_of_ours_is_not_repeated(client: Any, pauses: list[float]) -> None:
    wire = Wire(answer(400), answer(200))
    with pytest.raises(ConfigurationError):
        client(wire).request("GET", "/a", doing="look", repeatable=True)
    assert len(wire.sent) == 1


def test_all_attempts_of_a_request_have_one_id(client: Any, pauses: list[float]) -> None:
    wire = Wire(answer(500), answer(200))
    client(wire).request("GET", "/a", doing="look", repeatable=True)
    assert len({sent["headers"]["x-ms-client-request-id"] for sent in wire.sent}) == 1


def test_no_secret_is_logged_or_raised(
    client: Any, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire(answer(500), requests.ConnectionError("http://x/?sig=top-secret"), *[answer(500)] * 3)
    with caplog.at_level(logging.DEBUG), pytest.raises(ServiceError) as raised:
        client(wire).request("GET", "/a", doing="look", repeatable=True)
    assert "top-secret" not in caplog.text
    assert "top-secret" not in str(raised.value)


def test_a_stream_is_never_sent_twice(client: Any, pauses: list[float]) -> None:
    wire = Wire(answer(500), answer(200))
    with pytest.raises(ServiceError):
        client(wire).request("PUT", "/a", doing="write", repeatable=True, body=iter([b"x"]))
    assert len(wire.sent) == 1


def sent_by(session: requests.Session, url: str) -> requests.PreparedRequest:
    return session.prepare_request(requests.Request("GET", url, headers={"Authorization": "Bearer ours"}))


def test_the_environment_names_proxies_and_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inside")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca.pem")
    session = http.open_session(Transport(), "https://outside/x")
    assert (session.proxies["https"], session.verify) == ("http://proxy:3128", "/ca.pem")
    assert "https" not in http.open_session(Transport(), "https://inside/x").proxies


def test_the_connection_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca.pem")
    ours = Transport(proxies={"https": "http://ours:1"}, ca_bundle="/ours.pem")
    session = http.open_session(ours, "https://outside/x")
    assert (session.proxies["https"], session.verify) == ("http://ours:1", "/ours.pem")


def test_certificates_are_checked_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in http.CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert http.open_session(Transport(), "https://outside/x").verify is True


def test_a_netrc_does_not_replace_our_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine outside login somebody password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    session = http.open_session(Transport(), "https://outside/x")
    assert sent_by(session, "https://outside/x").headers["Authorization"] == "Bearer ours"
