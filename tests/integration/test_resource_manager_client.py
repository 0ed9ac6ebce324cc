"""The resource manager's client, the accounts' operators and the users, against the emulator and its real HTTP."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_provider_datalake.clients.data_lake_analytics_users import AccountUsers
from airflow_provider_datalake.clients.resource_manager_models import (
    ComputePolicy,
    FirewallRule,
    LinkedStorage,
    LinkedStore,
)
from airflow_provider_datalake.exceptions import ConflictError, NotFoundError
from airflow_provider_datalake.operators.resource_manager import (
    DataLakeAnalyticsComputePolicyOperator,
    DataLakeAnalyticsCreateAccountOperator,
    DataLakeAnalyticsDeleteAccountOperator,
    DataLakeStoreCreateAccountOperator,
    ResourceGroupOperator,
)
from tests.integration.azure_connections import as_variable, catalog_client, job_client, resource_manager
from tests.unit.jobs.fakes import FakeTaskInstance

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.resource_manager import ResourceManager
    from tests.integration.conftest import Emulator

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")
GUID = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def manager(emulator: Emulator) -> ResourceManager:
    return resource_manager(emulator)


def new_name(kind: str) -> str:
    return f"{kind}{uuid.uuid4().hex[:12]}"


@pytest.fixture
def group(manager: ResourceManager) -> str:
    return manager.groups.create_or_update(new_name("rg"), "East US 2").name


@pytest.fixture
def store(manager: ResourceManager, group: str) -> str:
    return manager.store_accounts.create(new_name("st"), "eastus2", {}, resource_group=group).name


@pytest.fixture
def account(manager: ResourceManager, group: str, store: str) -> str:
    properties = {"defaultDataLakeStoreAccount": store, "dataLakeStoreAccounts": [{"name": store}]}
    made = manager.analytics_accounts.create(new_name("an"), "eastus2", properties, resource_group=group)
    assert made.provisioning_state == "Succeeded"
    return made.name


def test_a_resource_group_is_made_listed_and_deleted(manager: ResourceManager, group: str) -> None:
    found = manager.groups.get(group)
    assert (found.name, found.location, found.provisioning_state) == (group, "eastus2", "Succeeded")
    assert group in {item.name for item in manager.groups.list()}
    assert manager.groups.delete(group) is True
    assert manager.groups.delete(group) is False
    with pytest.raises(NotFoundError, match="ResourceGroupNotFound"):
        manager.groups.get(group)


def test_a_store_account_is_made_changed_and_deleted(
    manager: ResourceManager, group: str, store: str
) -> None:
    accounts = manager.store_accounts
    found = accounts.get(store, group)
    assert (found.state, found.resource_group) == ("Active", group)
    assert found.created_at is not None
    changed = accounts.update(store, {}, tags={"k": "v"}, resource_group=group)
    assert dict(changed.tags) == {"k": "v"}
    assert [item.name for item in accounts.list(group)] == [store]
    assert store in {item.name for item in accounts.list()}
    assert accounts.check_name(store, "eastus2").reason == "AlreadyExists"
    assert accounts.delete(store, resource_group=group) is True
    assert accounts.find(store, group) is None
    assert accounts.check_name(store, "eastus2").available


def test_an_analytics_account_is_made_and_runs_jobs(
    manager: ResourceManager, group: str, account: str, store: str, emulator: Emulator
) -> None:
    found = manager.analytics_accounts.get(account, group)
    assert (found.default_store, found.stores, found.state) == (store, (store,), "Active")
    assert list(job_client(emulator, account).list()) == []
    capability = manager.analytics_accounts.capability("eastus2")
    assert capability is not None


def test_an_account_of_somebody_else_is_a_conflict(
    manager: ResourceManager, account: str, store: str
) -> None:
    other = manager.groups.create_or_update(new_name("rg"), "eastus2").name
    with pytest.raises(ConflictError, match="ResourceConflicted"):
        manager.analytics_accounts.create(
            account, "eastus2", {"defaultDataLakeStoreAccount": store}, resource_group=other
        )


def test_an_unknown_account_is_not_found(manager: ResourceManager, group: str) -> None:
    with pytest.raises(NotFoundError, match="^Connection 'c': .*ResourceNotFound"):
        manager.analytics_accounts.get("nowhere", group)


def test_compute_policies(manager: ResourceManager, group: str, account: str) -> None:
    policies = manager.analytics_accounts.compute_policies(account, group)
    made = policies.create_or_update(ComputePolicy("p", GUID, "User", 2))
    assert made == ComputePolicy("p", GUID, "User", 2)
    assert policies.update("p", {"minPriorityPerJob": 250}) == ComputePolicy("p", GUID, "User", 2, 250)
    assert [item.name for item in policies.list()] == ["p"]
    assert policies.delete("p") is True
    assert policies.delete("p") is False
    assert list(policies.list()) == []


def test_firewall_rules(manager: ResourceManager, group: str, account: str) -> None:
    rules = manager.analytics_accounts.firewall_rules(account, group)
    rule = FirewallRule("r", "10.0.0.1", "10.0.0.9")
    assert rules.create_or_update(rule) == rule
    assert rules.update("r", {"endIpAddress": "10.0.0.8"}).end == "10.0.0.8"
    assert rules.delete("r") is True
    with pytest.raises(NotFoundError):
        rules.get("r")


def test_linked_stores_and_storage(manager: ResourceManager, group: str, account: str) -> None:
    more = manager.store_accounts.create(new_name("st"), "eastus2", {}, resource_group=group).name
    stores = manager.analytics_accounts.stores(account, group)
    stores.create_or_update(LinkedStore(more))
    assert more in {item.name for item in stores.list()}
    assert stores.get(more).suffix == "azuredatalakestore.net"
    assert stores.delete(more) is True
    storage = manager.analytics_accounts.storage_accounts(account, group)
    storage.create_or_update(LinkedStorage("blobs", access_key="a2V5"))
    assert [item.name for item in storage.list()] == ["blobs"]
    assert storage.delete("blobs") is True


def test_users_have_a_role_and_permissions_in_the_catalog(
    manager: ResourceManager, group: str, account: str, emulator: Emulator
) -> None:
    users = AccountUsers(manager, catalog_client(emulator, account), account, group)
    users.add(GUID, databases={"master": "All"})
    users.add(GUID, databases={"master": "All"})
    (found,) = [user for user in users.list() if user.principal_id == GUID]
    assert found.roles == ("Data Lake Analytics Developer",)
    assert found.catalog_permission == "Use"
    assert users.remove(GUID) is True
    assert GUID not in {user.principal_id for user in users.list()}


@pytest.fixture
def connection(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ADLA_DEFAULT", as_variable(emulator))


def test_the_operators_make_and_delete_accounts(connection: None, manager: ResourceManager) -> None:
    context: Any = {"ti": FakeTaskInstance()}
    group, store, account = new_name("rg"), new_name("st"), new_name("an")
    common = {"task_id": "t", "resource_group": group, "poll_interval": 0.1}
    made = ResourceGroupOperator(task_id="t", resource_group=group, location="eastus2").execute(context)
    assert made["name"] == group
    DataLakeStoreCreateAccountOperator(account=store, location="eastus2", **common).execute(context)  # type: ignore[arg-type]
    create = DataLakeAnalyticsCreateAccountOperator(
        account=account,
        location="eastus2",
        default_store=store,
        max_job_count=5,
        deferrable=True,
        defer_after=0.0,
        **common,  # type: ignore[arg-type]
    )
    try:
        told = create.execute(context)
    except TaskDeferred as deferred:
        trigger: Any = deferred.trigger

        async def fire() -> Any:
            async with asyncio.timeout(60):
                return (await anext(trigger.run())).payload

        told = create.execute_complete(context, asyncio.run(fire()), **(deferred.kwargs or {}))
    assert told["name"] == account
    assert manager.analytics_accounts.get(account, group).max_job_count == 5
    assert create.execute(context)["account_id"] == told["account_id"]
    DataLakeAnalyticsComputePolicyOperator(
        task_id="t",
        name="p",
        object_id=GUID,
        max_degree_of_parallelism_per_job=2,
        account=account,
        resource_group=group,
    ).execute(context)
    assert len(list(manager.analytics_accounts.compute_policies(account, group).list())) == 1
    delete = DataLakeAnalyticsDeleteAccountOperator(account=account, **common)  # type: ignore[arg-type]
    assert delete.execute(context) == {"name": account}
    assert delete.execute(context) == {"name": account}
    assert manager.analytics_accounts.find(account, group) is None
