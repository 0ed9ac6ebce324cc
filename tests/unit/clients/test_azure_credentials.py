"""Tokens: cached, refreshed early, and never shown."""

from __future__ import annotations

import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from airflow_provider_datalake.clients import azure_credentials
from airflow_provider_datalake.clients.azure_credentials import TokenSource, build_credential
from airflow_provider_datalake.clients.azure_settings import read_settings
from airflow_provider_datalake.exceptions import AuthenticationError, ConfigurationError, ServiceError


def settings(**extra: Any) -> Any:
    fields = {"login": "app", "password": "geheim", "extra": {"tenant_id": "t", **extra}}
    return read_settings(conn_id="lake", host="mystore", service="store", **fields)  # type: ignore[arg-type]


class Directory:
    """Gives tokens of a life of its own, or what it is told to raise."""

    def __init__(self, life: float = 3600.0, failure: Exception | None = None) -> None:
        self.life = life
        self.failure = failure
        self.given = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        if self.failure is not None:
            raise self.failure
        self.given += 1
        return AccessToken(f"token-{self.given}", int(time.time() + self.life))


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Directory:
    found = Directory()
    monkeypatch.setattr(azure_credentials, "build_credential", lambda settings: found)
    return found


def test_a_token_is_used_again(directory: Directory) -> None:
    source = TokenSource(settings(), "scope")
    assert source() == source() == {"Authorization": "Bearer token-1"}


def test_a_token_is_replaced_before_it_ends(directory: Directory) -> None:
    directory.life = 299.0
    source = TokenSource(settings(), "scope")
    assert [source.token(), source.token()] == ["token-1", "token-2"]


def test_a_refused_token_is_replaced(directory: Directory) -> None:
    source = TokenSource(settings(), "scope")
    assert [source.token(), source.token(renew=True)] == ["token-1", "token-2"]


def test_a_static_token_asks_nobody(directory: Directory) -> None:
    source = TokenSource(settings(auth="bearer_token", bearer_token="fixed"), "scope")
    assert source.token(renew=True) == "fixed"
    assert directory.given == 0


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ClientAuthenticationError("AADSTS7000215: Invalid client secret"), AuthenticationError),
        (ServiceRequestError("no route"), ServiceError),
        (ValueError("malformed tenant"), ConfigurationError),
    ],
)
def test_a_refusal_names_the_connection(directory: Directory, failure: Exception, kind: type) -> None:
    directory.failure = failure
    with pytest.raises(kind, match="Connection 'lake'"):
        TokenSource(settings(), "scope").token()


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ({}, "ClientSecretCredential"),
        ({"auth": "managed_identity"}, "ManagedIdentityCredential"),
        ({"auth": "default"}, "DefaultAzureCredential"),
        ({"auth": "device_code"}, "DeviceCodeCredential"),
        ({"auth": "user_password"}, "UsernamePasswordCredential"),
        ({"auth": "workload_identity", "token_file": "/token"}, "WorkloadIdentityCredential"),
    ],
)
def test_every_method_has_its_credential(extra: dict[str, Any], name: str) -> None:
    assert type(build_credential(settings(**extra))).__name__ == name


def test_a_missing_certificate_is_an_error_of_its_field() -> None:
    with pytest.raises(ConfigurationError, match="certificate_path"):
        build_credential(settings(certificate_path="/nowhere.pem"))
