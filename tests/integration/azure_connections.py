"""Connections of our own clients to the emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.azure_settings import read_settings
from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
from airflow_provider_datalake.clients.data_lake_analytics_catalog import DataLakeAnalyticsCatalogClient
from airflow_provider_datalake.clients.http import RetryPolicy, Transport
from airflow_provider_datalake.clients.resource_manager import ResourceManager
from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.azure_settings import AzureSettings
    from tests.integration.conftest import Emulator

ACCOUNT = "emulator"


def fields(emulator: Emulator, account: str = ACCOUNT, **extra: Any) -> dict[str, Any]:
    """A connection as Airflow keeps it."""
    return {
        "conn_type": "adla",
        "host": f"{emulator.address}/adla/{account}",
        "extra": {
            "bearer_token": "emulator-token",
            "subscription_id": "00000000-0000-0000-0000-000000000001",
            "resource_group": "emulator",
            "resource_manager_url": f"{emulator.address}/arm",
            **extra,
        },
    }


def as_variable(emulator: Emulator, **extra: Any) -> str:
    """A connection as Airflow reads it from the environment."""
    return json.dumps(fields(emulator, **extra))


def settings(emulator: Emulator, account: str = ACCOUNT, **extra: Any) -> AzureSettings:
    """A connection as our clients take it."""
    found = fields(emulator, account, **extra)
    return read_settings(
        conn_id="c", host=found["host"], login=None, password=None, extra=found["extra"], service="analytics"
    )


def job_client(emulator: Emulator, account: str = ACCOUNT, **extra: Any) -> DataLakeAnalyticsJobClient:
    """The client of an account's job service."""
    return DataLakeAnalyticsJobClient.connect(settings(emulator, account, **extra))


def impatient_jobs(emulator: Emulator) -> DataLakeAnalyticsJobs:
    """The jobs of the account, through a client that repeats requests at once."""
    policy = RetryPolicy(attempts=8, first_pause=0.01, longest_pause=0.05)
    quick = replace(settings(emulator), transport=Transport(policy=policy))
    return DataLakeAnalyticsJobs(DataLakeAnalyticsJobClient.connect(quick), account=ACCOUNT)


def catalog_client(emulator: Emulator, account: str = ACCOUNT) -> DataLakeAnalyticsCatalogClient:
    """The client of an account's catalog."""
    return DataLakeAnalyticsCatalogClient.connect(settings(emulator, account))


def jobs_of(emulator: Emulator, account: str = ACCOUNT, **extra: Any) -> DataLakeAnalyticsJobs:
    """The jobs of an account."""
    return DataLakeAnalyticsJobs(job_client(emulator, account, **extra), account=account)


def resource_manager(emulator: Emulator) -> ResourceManager:
    """The resource manager."""
    return ResourceManager.connect(settings(emulator))
