"""What a connection to an Azure service says."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_datalake.clients.azure_settings import AuthMethod, AzureSettings, read_settings
from airflow_provider_datalake.exceptions import ConfigurationError


def read(host: str | None = "mystore", **fields: Any) -> AzureSettings:
    given = {"login": "app", "password": "geheim", "extra": {"tenant_id": "t"}, "service": "store", **fields}
    return read_settings(conn_id="lake", host=host, **given)


@pytest.mark.parametrize(
    ("host", "url", "account"),
    [
        ("mystore", "https://mystore.azuredatalakestore.net", "mystore"),
        ("mystore.azuredatalakestore.net", "https://mystore.azuredatalakestore.net", "mystore"),
        ("https://mystore.azuredatalakestore.net/", "https://mystore.azuredatalakestore.net", "mystore"),
        ("http://127.0.0.1:8765/adls/emulator", "http://127.0.0.1:8765/adls/emulator", "emulator"),
    ],
)
def test_a_host_is_a_name_a_host_or_a_url(host: str, url: str, account: str) -> None:
    settings = read(host)
    assert (settings.url, settings.account) == (url, account)


def test_another_account_of_the_same_place() -> None:
    assert read("http://127.0.0.1:1/adls/emulator", account="other").url == "http://127.0.0.1:1/adls/other"
    assert read("mystore", account="other").url == "https://other.azuredatalakestore.net"


@pytest.mark.parametrize(
    "host", ["", None, "My Store", "https://example.com", "ftp://x/y", "my/store", "a_b"]
)
def test_a_malformed_host_is_refused(host: str | None) -> None:
    with pytest.raises(ConfigurationError, match="Connection 'lake', field 'host'"):
        read(host)


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ({}, AuthMethod.CLIENT_SECRET),
        ({"login": "", "password": ""}, AuthMethod.DEFAULT),
        ({"extra": {"bearer_token": "x"}}, AuthMethod.BEARER_TOKEN),
        ({"extra": {"tenant_id": "t", "certificate_path": "/c.pem"}}, AuthMethod.CERTIFICATE),
        ({"extra": {"auth": "managed_identity"}}, AuthMethod.MANAGED_IDENTITY),
        ({"extra": {"auth": "user_password", "tenant_id": "t"}}, AuthMethod.USER_PASSWORD),
    ],
)
def test_the_method_is_given_or_implied(fields: dict[str, Any], method: AuthMethod) -> None:
    assert read(**fields).identity.method is method


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"extra": {}}, "tenant_id"),
        ({"password": ""}, "password"),
        ({"extra": {"auth": "certificate", "tenant_id": "t"}}, "certificate_path"),
        ({"extra": {"auth": "bearer_token"}}, "bearer_token"),
        ({"extra": {"auth": "magic"}}, "auth"),
        ({"extra": {"tenant_id": "t", "cloud": "mars"}}, "cloud"),
        ({"extra": {"tenant_id": "t", "connect_timeout": -1}}, "connect_timeout"),
        ({"extra": {"tenant_id": 7}}, "tenant_id"),
    ],
)
def test_what_is_missing_or_wrong_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Connection 'lake', field '{field}'"):
        read(**fields)


def test_another_cloud_has_other_hosts() -> None:
    settings = read(extra={"tenant_id": "t", "cloud": "china"})
    assert settings.identity.authority == "login.chinacloudapi.cn"
    assert settings.resource_manager_url == "https://management.chinacloudapi.cn"


def test_no_secret_is_shown() -> None:
    extra = {
        "tenant_id": "t",
        "certificate_data": "geheim-1",
        "certificate_password": "geheim-2",
        "proxy": "http://user:geheim-3@proxy",
    }
    assert "geheim" not in repr(read(extra=extra))
