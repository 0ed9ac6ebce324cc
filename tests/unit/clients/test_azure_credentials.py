from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_datalake.clients import azure_credentials
from airflow_provider_datalake.clients.azure_credentials import TokenSource
from airflow_provider_datalake.clients.azure_settings import read_settings


@dataclass
class Token:
    token: str
    expires_on: float


class Credential:
    def __init__(self) -> None:
        self.fetched = 0
        self.seconds = 3600.0
        self.started = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def get_token(self, scope: str) -> Token:
        self.fetched += 1
        number = self.fetched
        self.started.set()
        assert self.go_on.wait(20)
        return Token(f"token-{number}", time.time() + self.seconds)


@pytest.fixture
def credential(monkeypatch: pytest.MonkeyPatch) -> Credential:
    made = Credential()
    monkeypatch.setattr(azure_credentials, "build_credential", lambda settings: made)
    return made


def source(**extra: Any) -> TokenSource:
    settings = read_settings(
        conn_id="c",
        host="a",
        login="app",
        password="pw",
        extra={"tenant_id": "t", **extra},
        service="analytics",
    )
    return TokenSource(settings, "scope")


def test_a_token_is_fetched_once_and_again_before_it_ends(credential: Credential) -> None:
    tokens = source()
    assert tokens() == {"Authorization": "Bearer token-1"}
    assert tokens() == {"Authorization": "Bearer token-1"}
    credential.seconds = 10.0
    assert tokens(renew=True) == {"Authorization": "Bearer token-2"}
    assert tokens() == {"Authorization": "Bearer token-3"}


def test_a_thread_does_not_wait_for_ever_for_one_that_a_signal_has_interrupted(
    credential: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_credentials, "LOCK_SECONDS", 0.05)
    tokens = source()
    credential.go_on.clear()
    interrupted = threading.Thread(target=tokens.token)
    interrupted.start()
    assert credential.started.wait(10)
    credential.started.clear()
    canceller = threading.Thread(target=tokens.token)
    canceller.start()
    assert credential.started.wait(10)
    credential.go_on.set()
    for thread in (interrupted, canceller):
        thread.join(10)
        assert not thread.is_alive()
