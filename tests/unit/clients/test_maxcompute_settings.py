"""Connection fields: what is accepted, and what the messages say about the rest."""

from __future__ import annotations

from typing import Any

import pytest
import requests  # the cases are its errors

from airflow_provider_datalake.clients.connection_fields import parse_extra
from airflow_provider_datalake.clients.maxcompute import (
    MaxComputeSettings,
    build_client,
    read_settings,
)
from airflow_provider_datalake.exceptions import ConfigurationError

ENDPOINT = "https://service.cn-shanghai.maxcompute.aliyun.com/api"


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The timeouts of the requests that would have been sent; nothing leaves the process."""
    seen: list[Any] = []

    def send(self: requests.Session, request: Any, **kwargs: Any) -> requests.Response:
        seen.append(kwargs["timeout"])
        raise requests.ConnectionError("no network in unit tests")

    monkeypatch.setattr(requests.Session, "send", send)
    return seen


def settings(
    host: str | None = ENDPOINT, login: str | None = "id", password: str | None = "secret", **extra: Any
) -> MaxComputeSettings:
    return read_settings(
        conn_id="my_conn", host=host, login=login, password=password, extra={"project": "demo", **extra}
    )


def test_reads_all_fields() -> None:
    found = settings(
        schema="s", tunnel_endpoint="https://dt.example.com/", region="cn-shanghai", quota="q",
        sts_token="token", timezone="Europe/Berlin", connect_timeout="5", read_timeout=60,
    )  # fmt: skip
    assert found == MaxComputeSettings(
        conn_id="my_conn", endpoint=ENDPOINT, project="demo", access_id="id", secret="secret", schema="s",
        tunnel_endpoint="https://dt.example.com", region="cn-shanghai", quota="q", sts_token="token",
        timezone="Europe/Berlin", connect_timeout=5.0, read_timeout=60.0,
    )  # fmt: skip


def test_fields_that_the_form_leaves_empty_have_their_defaults() -> None:
    empty = dict.fromkeys(("schema", "tunnel_endpoint", "region", "sts_token", "timezone"), "")
    assert settings(**empty, connect_timeout=None, read_timeout="") == settings()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"host": None}, "host"),
        ({"host": "service.example.com"}, "host"),
        ({"host": "ftp://example.com"}, "host"),
        ({"host": "http://[oops"}, "host"),
        ({"login": None}, "login"),
        ({"password": " "}, "password"),
        ({"project": ""}, "project"),
        ({"project": 7}, "project"),
        ({"tunnel_endpoint": "dt"}, "tunnel_endpoint"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc"}, "timezone"),
        ({"connect_timeout": "soon"}, "connect_timeout"),
        ({"read_timeout": 0}, "read_timeout"),
        ({"read_timeout": True}, "read_timeout"),
        ({"read_timeout": "inf"}, "read_timeout"),
        ({"bearer_token": "token"}, "bearer_token"),
    ],
)
def test_invalid_field_is_named_with_its_connection(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Connection 'my_conn', field '{field}': "):
        settings(**fields)


def test_bearer_token_replaces_the_access_key() -> None:
    assert settings(login=None, password=None, bearer_token="token").bearer_token == "token"


def test_argument_takes_precedence_over_the_connections_project() -> None:
    found = read_settings(
        conn_id="c", host=ENDPOINT, login="a", password="b", extra={"project": "one"}, project="two"
    )
    assert found.project == "two"


def test_secrets_do_not_show_in_the_settings_text() -> None:
    text = repr(settings(password="hidden-password", sts_token="hidden-token"))
    assert "hidden" not in text


@pytest.mark.parametrize("extra", ['{"project": "p", "sts_token": "hidden"', "[1]", '"text"'])
def test_extra_that_is_no_json_object_is_refused_without_quoting_it(extra: str) -> None:
    with pytest.raises(ConfigurationError, match="Connection 'c', field 'extra'") as raised:
        parse_extra(extra, conn_id="c")
    assert "hidden" not in str(raised.value)


def test_client_leaves_process_wide_settings_alone() -> None:
    from odps import options

    before = options.dumps()
    client = build_client(settings(connect_timeout=3, read_timeout=4), probe=True)
    assert options.dumps() == before
    assert options.account is None
    assert client.rest.timeout == (3.0, 4.0)
    assert client.region_name == "cn-shanghai"


def test_requests_carry_the_connections_timeouts(sent: list[Any]) -> None:
    client = build_client(settings(connect_timeout=3, read_timeout=4), probe=True)
    sent.clear()
    with pytest.raises(requests.ConnectionError):
        client.rest.get(ENDPOINT + "/projects/demo")
    assert sent == [(3.0, 4.0)]


def test_probing_client_does_not_retry(sent: list[Any]) -> None:
    client = build_client(settings(), probe=True)
    sent.clear()
    with pytest.raises(requests.ConnectionError):
        client.get_project().reload()
    assert len(sent) == 1


def _signed(**fields: Any) -> dict[str, str]:
    client = build_client(settings(**fields), probe=True)
    request = requests.Request("GET", ENDPOINT + "/projects/demo").prepare()
    client.account.sign_request(request, ENDPOINT, region_name=client.region_name)
    return dict(request.headers)


def test_region_of_the_endpoint_signs_with_version_4() -> None:
    assert "/cn-shanghai/odps/aliyun_v4_request:" in _signed()["Authorization"]


def test_sts_token_travels_with_the_signature() -> None:
    headers = _signed(sts_token="the-token")
    assert headers["authorization-sts-token"] == "the-token"
    assert headers["Authorization"].startswith("ODPS id/")


def test_bearer_token_travels_alone() -> None:
    headers = _signed(login=None, password=None, bearer_token="the-token")
    assert headers["x-odps-bearer-token"] == "the-token"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    "fields", [{"sts_token": "hidden"}, {"login": None, "password": None, "bearer_token": "hidden"}]
)
def test_tokens_never_reach_the_log(fields: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="odps")
    client = build_client(settings(**fields), probe=True)
    client.account.reload(True)
    assert "hidden" not in caplog.text
    assert _signed(**fields)
