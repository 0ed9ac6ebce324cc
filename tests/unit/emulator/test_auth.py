from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from starlette.requests import Request

from airflow_provider_datalake.emulator.maxcompute.auth import (
    Authenticator,
    InstanceScope,
    canonical_string,
)
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError

ID, SECRET, BEARER = "id", "secret", "bearer"


def authenticator() -> Authenticator:
    return Authenticator(ID, SECRET, BEARER)


def make_request(
    url: str, *, endpoint: str = "http://h:1/api", method: str = "GET", secret: str = SECRET, **headers: str
) -> Request:
    """A request signed by PyODPS itself, as the server receives it."""
    import requests
    from odps.accounts import CloudAccount

    prepared = requests.Request(method, endpoint + url, headers=headers).prepare()
    CloudAccount(headers.pop("access_id", ID), secret).sign_request(prepared, endpoint)
    return received(prepared.method or "", prepared.url or "", dict(prepared.headers))


def received(method: str, url: str, headers: dict[str, str]) -> Request:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    return Request(
        {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode("latin-1"),
            "query_string": parts.query.encode("latin-1"),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
    )


@pytest.mark.parametrize(
    "url",
    [
        "/projects/demo",
        "/projects/demo/tables/t?extended&curr_project=demo",
        "/projects/demo/tables/t?partition=pt%3D%271%27%2Csub%3D%27a%20b%2Bc%27",
        "/projects/demo/tables/%E6%88%91%E5%80%91",
        "/projects/demo/tables?name=a%26b%3Fc&marker=&expectmarker=true",
        "/projects/demo/tables/t?x-odps-thing=1&z=2&a=3",
        "/projects/demo/tables/a%2520b;v=1?q=%252F",
    ],
)
@pytest.mark.parametrize("endpoint", ["http://h:1/api", "http://h:1"])
def test_what_pyodps_signs_is_accepted(url: str, endpoint: str) -> None:
    request = make_request(url, endpoint=endpoint, **{"x-odps-Foo": "bar", "Content-Type": "text/plain"})
    assert authenticator().authenticate(request).name == "ALIYUN$id"


def error_of(request: Request) -> OdpsError:
    with pytest.raises(OdpsError) as caught:
        authenticator().authenticate(request)
    return caught.value


def test_a_wrong_secret_does_not_match() -> None:
    error = error_of(make_request("/projects/demo", secret="wrong"))
    assert (error.status, error.code) == (401, "SignatureNotMatch")


def test_a_changed_query_does_not_match() -> None:
    request = make_request("/projects/demo?a=1")
    request.scope["query_string"] = b"a=2"
    assert error_of(request).code == "SignatureNotMatch"


def test_a_changed_signed_header_does_not_match() -> None:
    request = make_request("/projects/demo", **{"x-odps-foo": "1"})
    request.scope["headers"] = [
        (name, b"2" if name == b"x-odps-foo" else value) for name, value in request.scope["headers"]
    ]
    assert error_of(request).code == "SignatureNotMatch"


def test_a_tunnel_signature_is_not_taken_for_a_rest_one() -> None:
    request = make_request("/api/projects/demo", endpoint="http://h:1")
    assert error_of(request).code == "SignatureNotMatch"


def test_an_unknown_access_id_is_named_as_the_service_does() -> None:
    request = make_request("/projects/demo")
    request.scope["headers"] = [
        (name, value.replace(b"ODPS id:", b"ODPS other:")) for name, value in request.scope["headers"]
    ]
    error = error_of(request)
    assert error.status == 401
    assert "ODPS-0410051" in error.message


@pytest.mark.parametrize(
    "authorization", ["", "Basic abc", "ODPS", "ODPS id", "ODPS id/20250101/cn/odps/aliyun_v4_request:xyz"]
)
def test_missing_malformed_and_v4_authorizations_ask_for_a_v2_one(authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    error = error_of(received("GET", "http://h:1/api/projects/demo", headers))
    assert (error.status, error.code) == (401, "AuthorizationRequired")
    # PyODPS falls back from v4 to v2 on these words.
    assert "invalid or missing" in error.message


def test_an_sts_token_is_refused_clearly() -> None:
    error = error_of(make_request("/projects/demo", **{"authorization-sts-token": "t"}))
    assert error.code == "NotSupportedError"
    assert "STS" in error.message


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_a_clock_that_is_off_is_refused_in_words_that_pyodps_reads(skew: int) -> None:
    from odps.errors import RequestTimeTooSkewed

    error = error_of(make_request("/projects/demo", Date=formatdate(time.time() + skew, usegmt=True)))
    assert (error.status, error.code) == (403, "RequestTimeTooSkewed")
    parsed = RequestTimeTooSkewed(error.message)
    assert parsed.max_interval_date == 15 * 60 * 1000
    assert parsed.now_date is not None


def test_a_clock_that_is_a_little_off_is_accepted() -> None:
    request = make_request("/projects/demo", Date=formatdate(time.time() - 600, usegmt=True))
    assert authenticator().authenticate(request)


def test_a_date_that_is_none_is_refused() -> None:
    error = error_of(make_request("/projects/demo", Date="yesterday"))
    assert error.status == 400
    assert "yesterday" in error.message


def bearer_request(token: str, path: str, method: str = "GET") -> Request:
    return received(method, f"http://h:1{path}", {"x-odps-bearer-token": token})


def test_the_bearer_token_stands_for_the_account() -> None:
    account = authenticator().authenticate(bearer_request(BEARER, "/api/projects/demo"))
    assert account.scope is None


def test_a_foreign_bearer_token_is_refused() -> None:
    assert error_of(bearer_request("abc", "/api/projects/demo")).status == 401
    assert error_of(bearer_request("abc.def", "/api/projects/demo")).status == 401
    assert error_of(bearer_request("é.ü", "/api/projects/demo")).status == 401


def test_a_logview_token_reads_its_instance_only() -> None:
    token = authenticator().grant(InstanceScope("demo", "i1"), hours=1)
    own = "/api/projects/demo/instances/i1"
    assert authenticator().authenticate(bearer_request(token, f"{own}?taskstatus")).scope
    assert authenticator().authenticate(received("GET", f"http://h:1{own}?token={token}", {})).scope
    for path, method in (
        ("/api/projects/demo/instances/i2", "GET"),
        ("/api/projects/other/instances/i1", "GET"),
        ("/api/projects/demo/tables", "GET"),
        (own, "PUT"),
    ):
        assert error_of(bearer_request(token, path, method)).code == "NoPermission"


def test_a_logview_token_expires() -> None:
    token = authenticator().grant(InstanceScope("demo", "i1"), hours=-1)
    error = error_of(bearer_request(token, "/api/projects/demo/instances/i1"))
    assert error.code == "AuthenticationRequestExpired"


def test_a_logview_token_of_another_secret_is_refused() -> None:
    token = Authenticator(ID, "other", BEARER).grant(InstanceScope("demo", "i1"), hours=1)
    assert error_of(bearer_request(token, "/api/projects/demo/instances/i1")).code == "Unauthorized"


def test_the_canonical_string_is_the_documented_one() -> None:
    text = canonical_string(
        "GET", "/projects/demo?b=2&a&x-odps-q=1", {"date": "D", "x-odps-h": "v", "accept": "*/*"}
    )
    assert text == "GET\n\n\nD\nx-odps-h:v\nx-odps-q:1\n/projects/demo?a&b=2&x-odps-q=1"
