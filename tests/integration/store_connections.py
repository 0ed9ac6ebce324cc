"""Connections of our own client to the stores of an emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.azure_settings import read_settings
from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.http import RetryPolicy
    from tests.integration.conftest import Emulator

TOKEN = "emulator-token"


def address(emulator: Emulator, account: str = "emulator") -> str:
    return f"{emulator.address}/adls/{account}"


def as_variable(emulator: Emulator, **extra: Any) -> str:
    """A connection as Airflow reads it from the environment."""
    fields = {"conn_type": "adls_gen1", "host": address(emulator)}
    return json.dumps({**fields, "extra": {"bearer_token": TOKEN, **extra}})


def connect(
    emulator: Emulator, policy: RetryPolicy | None = None, token: str = TOKEN, account: str = "emulator"
) -> DataLakeStore:
    """Our client; with a policy of its own, it is less patient than usual."""
    settings = read_settings(
        conn_id="lake",
        host=address(emulator, account),
        login=None,
        password=None,
        extra={"bearer_token": token},
        service="store",
    )
    transport = replace(settings.transport, policy=policy or settings.transport.policy)
    return DataLakeStore.connect(replace(settings, transport=transport))
