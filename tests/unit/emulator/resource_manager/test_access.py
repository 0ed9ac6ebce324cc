from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.emulator.azure.errors import AzureError
from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
from airflow_provider_datalake.emulator.identity.principals import Principal
from airflow_provider_datalake.emulator.identity.service import IdentityService
from airflow_provider_datalake.emulator.resource_manager.access import covers
from airflow_provider_datalake.emulator.resource_manager.checks import check_part, check_properties
from airflow_provider_datalake.emulator.resource_manager.providers import PROVIDERS
from airflow_provider_datalake.emulator.resource_manager.resources import ANALYTICS, STORE
from airflow_provider_datalake.emulator.resource_manager.service import ResourceManagerService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN = Principal("11111111-1111-1111-1111-111111111111", "ann", "User", frozenset({"g1", "g2"}))
POLICIES = next(part for part in PROVIDERS[ANALYTICS].parts if part.path == "computepolicies")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ResourceManagerService]:
    config = Config(tmp_path)
    identity = IdentityService(config)
    stores = DataLakeStoreService(config, identity)
    made = ResourceManagerService(config, identity, stores)
    yield made
    made.close()
    stores.close()


@pytest.mark.parametrize(
    ("scope", "path", "expected"),
    [
        ("/subscriptions/s", "/Subscriptions/S/resourceGroups/g", True),
        ("/subscriptions/s/", "/subscriptions/s", True),
        ("/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/go", False),
        ("/subscriptions/s/resourceGroups/g", "/subscriptions/s", False),
    ],
)
def test_a_scope_covers_what_lies_in_it(scope: str, path: str, expected: bool) -> None:
    assert covers(scope, path) is expected


def policy(service: ResourceManagerService, name: str, object_id: str, **limits: int) -> None:
    account = service.account(ANALYTICS, "emulator")
    assert account is not None
    service.put_part(account, POLICIES, name, {"objectId": object_id, "objectType": "User", **limits})


def test_the_accounts_limits_are_for_everybody(service: ResourceManagerService) -> None:
    assert service.limits("emulator", ANN) == (30, 1)
    policy(service, "other", "22222222-2222-2222-2222-222222222222", maxDegreeOfParallelismPerJob=1)
    assert service.limits("emulator", ANN) == (30, 1)


def test_the_most_generous_group_counts(service: ResourceManagerService) -> None:
    policy(service, "a", "G1", maxDegreeOfParallelismPerJob=5, minPriorityPerJob=100)
    policy(service, "b", "g2", maxDegreeOfParallelismPerJob=7, minPriorityPerJob=200)
    assert service.limits("emulator", ANN) == (7, 100)


def test_ones_own_policy_counts_before_those_of_groups(service: ResourceManagerService) -> None:
    policy(service, "a", "g1", maxDegreeOfParallelismPerJob=5)
    policy(service, "b", ANN.object_id.upper(), maxDegreeOfParallelismPerJob=3)
    assert service.limits("emulator", ANN) == (3, 1)


def test_no_policy_goes_beyond_the_account(service: ResourceManagerService) -> None:
    policy(service, "a", ANN.object_id, maxDegreeOfParallelismPerJob=200)
    assert service.limits("emulator", ANN) == (30, 1)


def test_without_a_role_nothing_is_allowed(service: ResourceManagerService) -> None:
    service.require_role("emulator", service.identity.owner, "manage")
    with pytest.raises(PermissionError, match="ann has no role in account 'emulator' that allows to read"):
        service.require_role("emulator", ANN, "read")


@pytest.mark.parametrize(
    ("provider", "properties", "message"),
    [
        (
            ANALYTICS,
            {"maxJobCount": 21},
            "'properties.maxJobCount' must be a whole number from 1 to 20, not 21",
        ),
        (ANALYTICS, {"maxJobCount": True}, "not True"),
        (ANALYTICS, {"minPriorityPerJob": 0}, "from 1 on, not 0"),
        (STORE, {"encryptionState": "On"}, "'properties.encryptionState' must be Enabled or Disabled"),
        (STORE, {"firewallRules": {}}, None),
        (STORE, {"firewallRules": "x"}, "'properties.firewallRules' must be a list"),
        (STORE, {"firewallRules": [{"name": "r"}]}, "The 'properties.startIpAddress' of 'r' is missing"),
    ],
)
def test_properties_are_checked(provider: str, properties: dict[str, Any], message: str | None) -> None:
    if message is None:
        check_properties(PROVIDERS[provider], properties)
        return
    with pytest.raises(AzureError, match=message) as refused:
        check_properties(PROVIDERS[provider], properties)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("1.2.3.4", "1.2.3", "'properties.endIpAddress' must be an IPv4 address, not '1.2.3'"),
        ("::1", "1.2.3.4", "'properties.startIpAddress' must be an IPv4 address"),
        ("1.2.3.5", "1.2.3.4", "must not lie behind"),
    ],
)
def test_addresses_are_checked(start: str, end: str, message: str) -> None:
    rules = next(part for part in PROVIDERS[STORE].parts if part.path == "firewallrules")
    with pytest.raises(AzureError, match=message):
        check_part(rules, "r", {"startIpAddress": start, "endIpAddress": end})
