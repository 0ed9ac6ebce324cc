"""Microsoft's own clients of the Azure services, unmodified, pointed at the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.mgmt.datalake.analytics.account import DataLakeAnalyticsAccountManagementClient
from azure.mgmt.datalake.analytics.catalog import DataLakeAnalyticsCatalogManagementClient
from azure.mgmt.datalake.analytics.job import DataLakeAnalyticsJobManagementClient
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from msrest.authentication import BasicTokenAuthentication

if TYPE_CHECKING:
    from tests.integration.conftest import Emulator

ACCOUNT = "emulator"
GROUP = "emulator"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TOKEN = "emulator-token"


def credentials(token: str = TOKEN) -> BasicTokenAuthentication:
    """Credentials that send a token as it is."""
    return BasicTokenAuthentication({"access_token": token})


def _quick(client: Any, base_url: str) -> Any:
    client.config.base_url = base_url
    client.config.retry_policy.total_retries = 0
    return client


def job_client(emulator: Emulator, token: str = TOKEN) -> DataLakeAnalyticsJobManagementClient:
    """The client of the job service."""
    client = DataLakeAnalyticsJobManagementClient(credentials(token), "azuredatalakeanalytics.net")
    return _quick(client, f"{emulator.address}/adla/{{accountName}}")


def catalog_client(emulator: Emulator, token: str = TOKEN) -> DataLakeAnalyticsCatalogManagementClient:
    """The client of the catalog."""
    client = DataLakeAnalyticsCatalogManagementClient(credentials(token), "azuredatalakeanalytics.net")
    return _quick(client, f"{emulator.address}/adla/{{accountName}}")


def analytics_client(emulator: Emulator, token: str = TOKEN) -> DataLakeAnalyticsAccountManagementClient:
    """The client of the analytics accounts."""
    base = f"{emulator.address}/arm"
    return _quick(DataLakeAnalyticsAccountManagementClient(credentials(token), SUBSCRIPTION, base), base)


def store_client(emulator: Emulator, token: str = TOKEN) -> DataLakeStoreAccountManagementClient:
    """The client of the store accounts."""
    base = f"{emulator.address}/arm"
    return _quick(DataLakeStoreAccountManagementClient(credentials(token), SUBSCRIPTION, base), base)
