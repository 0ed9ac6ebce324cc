"""Groups, accounts and what accounts have, as Microsoft's own clients see them."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.mgmt.datalake.analytics.account import models as analytics_models
from azure.mgmt.datalake.store import models as store_models
from azure.mgmt.resource.resources import ResourceManagementClient
from msrestazure.azure_exceptions import CloudError

from airflow_provider_datalake.emulator.identity.service import object_id
from tests.integration.azure_clients import SUBSCRIPTION, TOKEN, analytics_client, job_client, store_client
from tests.integration.test_data_lake_analytics import end, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
GUID = "11111111-1111-1111-1111-111111111111"
DEVELOPER = "47b7735b-770e-4598-a7da-8b91488b4c88"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


class StaticToken:
    """A credential that gives the token of the emulator's owner."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(TOKEN, int(time.time()) + 3600)


def resource_client(emulator: Emulator) -> ResourceManagementClient:
    return ResourceManagementClient(
        StaticToken(), SUBSCRIPTION, base_url=f"{emulator.address}/arm", retry_total=0
    )


def new_name(kind: str) -> str:
    return f"{kind}{uuid.uuid4().hex[:12]}"


@pytest.fixture
def group(emulator: Emulator) -> str:
    return make_group(emulator)


def make_group(emulator: Emulator) -> str:
    name = new_name("rg")
    client = resource_client(emulator)
    made = client.resource_groups.create_or_update(name, {"location": "East US 2"}, enforce_https=False)
    assert (made.name, made.location, made.properties.provisioning_state) == (name, "eastus2", "Succeeded")
    return name


def make_store(emulator: Emulator, group: str) -> str:
    name = new_name("st")
    parameters = store_models.CreateDataLakeStoreAccountParameters(
        location="East US 2",
        tags={"a": "b"},
        identity=store_models.EncryptionIdentity(),
        encryption_config=store_models.EncryptionConfig(type="ServiceManaged"),
        encryption_state="Enabled",
    )
    made = store_client(emulator).accounts.create(group, name, parameters).result()
    assert (made.name, made.provisioning_state, made.state) == (name, "Succeeded", "Active")
    assert (made.endpoint, made.location) == (f"{name}.azuredatalakestore.net", "eastus2")
    return name


def make_account(emulator: Emulator, group: str, store: str, **extra: Any) -> str:
    name = new_name("an")
    parameters = analytics_models.CreateDataLakeAnalyticsAccountParameters(
        location="East US 2",
        default_data_lake_store_account=store,
        data_lake_store_accounts=[analytics_models.AddDataLakeStoreWithAccountParameters(name=store)],
        **extra,
    )
    made = analytics_client(emulator).accounts.create(group, name, parameters).result()
    assert (made.name, made.provisioning_state, made.default_data_lake_store_account) == (
        name,
        "Succeeded",
        store,
    )
    return name


@pytest.fixture
def store(emulator: Emulator, group: str) -> str:
    return make_store(emulator, group)


@pytest.fixture
def account(emulator: Emulator, group: str, store: str) -> str:
    return make_account(emulator, group, store)


def test_a_group_is_created_once_and_listed_and_deleted_with_all_in_it(
    emulator: Emulator, group: str, store: str, account: str
) -> None:
    address = f"{emulator.address}/arm/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
    again = requests.put(
        f"{address}?api-version=2016-09-01", json={"location": "East US 2"}, headers=HEADERS, timeout=30
    )
    assert again.status_code == 200
    client = resource_client(emulator)
    assert group in {one.name for one in client.resource_groups.list(enforce_https=False)}
    assert client.resource_groups.check_existence(group, enforce_https=False)
    client.resource_groups.begin_delete(group, enforce_https=False).result()
    assert not client.resource_groups.check_existence(group, enforce_https=False)
    for accounts, name in (
        (store_client(emulator).accounts, store),
        (analytics_client(emulator).accounts, account),
    ):
        with pytest.raises(CloudError) as missing:
            accounts.get(group, name)
        assert missing.value.status_code == 404


def test_the_configured_accounts_exist_from_the_start(emulator: Emulator) -> None:
    found = analytics_client(emulator).accounts.get("emulator", "emulator")
    assert found.default_data_lake_store_account == "emulator"
    assert found.max_degree_of_parallelism_per_job == found.max_degree_of_parallelism == 30
    assert store_client(emulator).accounts.get("emulator", "emulator").state == "Active"


def test_a_store_account_holds_files_until_it_is_deleted(emulator: Emulator, group: str, store: str) -> None:
    file = f"{emulator.address}/adls/{store}/webhdfs/v1/a.txt"
    requests.put(f"{file}?op=CREATE&write=true", data=b"x", headers=HEADERS, timeout=30).raise_for_status()
    accounts = store_client(emulator).accounts
    found = accounts.get(group, store)
    assert (found.tags, found.identity.type) == ({"a": "b"}, "SystemAssigned")
    assert found.identity.principal_id
    accounts.delete(group, store).wait()
    assert requests.get(f"{file}?op=OPEN&read=true", headers=HEADERS, timeout=30).status_code == 404
    with pytest.raises(CloudError, match="was not found"):
        accounts.get(group, store)


def test_an_account_is_changed(emulator: Emulator, group: str, account: str) -> None:
    accounts = analytics_client(emulator).accounts
    parameters = analytics_models.UpdateDataLakeAnalyticsAccountParameters(
        max_degree_of_parallelism=15, max_job_count=2, query_store_retention=15, tags={"x": "y"}
    )
    changed = accounts.update(group, account, parameters).result()
    assert (changed.max_degree_of_parallelism, changed.max_degree_of_parallelism_per_job) == (15, 15)
    found = accounts.get(group, account)
    assert (found.max_job_count, found.query_store_retention, found.tags) == (2, 15, {"x": "y"})


def test_accounts_are_listed(emulator: Emulator, group: str, store: str, account: str) -> None:
    for accounts, name in (
        (store_client(emulator).accounts, store),
        (analytics_client(emulator).accounts, account),
    ):
        assert [one.name for one in accounts.list_by_resource_group(group)] == [name]
        listed = {one.name for one in accounts.list()}
        assert {name, "emulator"} <= listed
        assert [one.name for one in accounts.list(filter=f"name eq '{name}'")] == [name]


def test_names_are_checked(emulator: Emulator, group: str, store: str) -> None:
    accounts = store_client(emulator).accounts
    for name, reason in ((store, "AlreadyExists"), ("No!", "Invalid"), (new_name("x"), None)):
        found = accounts.check_name_availability("eastus2", name)
        assert (found.name_available, found.reason) == (reason is None, reason)
    other = make_group(emulator)
    with pytest.raises(CloudError) as refused:
        accounts.create(
            other, store, store_models.CreateDataLakeStoreAccountParameters(location="eastus2")
        ).result()
    assert (refused.value.status_code, refused.value.error.error) == (409, "ResourceConflicted")


def test_what_the_provider_can_do_is_told(emulator: Emulator) -> None:
    for client in (store_client(emulator), analytics_client(emulator)):
        assert client.locations.get_capability("eastus2").state == "Registered"
        assert [one.name for one in client.operations.list().value]


def test_firewall_rules(emulator: Emulator, group: str, store: str, account: str) -> None:
    for rules, name in (
        (store_client(emulator).firewall_rules, store),
        (analytics_client(emulator).firewall_rules, account),
    ):
        made = rules.create_or_update(
            group, name, "r", start_ip_address="127.0.0.1", end_ip_address="127.0.0.2"
        )
        assert (made.name, made.start_ip_address) == ("r", "127.0.0.1")
        changed = rules.update(group, name, "r", end_ip_address="127.0.0.3")
        assert (changed.start_ip_address, changed.end_ip_address) == ("127.0.0.1", "127.0.0.3")
        assert [one.name for one in rules.list_by_account(group, name)] == ["r"]
        with pytest.raises(CloudError, match="must be an IPv4 address"):
            rules.create_or_update(group, name, "s", start_ip_address="x", end_ip_address="127.0.0.2")
        rules.delete(group, name, "r")
        rules.delete(group, name, "r")
        with pytest.raises(CloudError, match="Firewall Rule does not exist"):
            rules.get(group, name, "r")


def test_the_other_parts_of_a_store(emulator: Emulator, group: str, store: str) -> None:
    client = store_client(emulator)
    subnet = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/n/subnets/d"
    client.virtual_network_rules.create_or_update(group, store, "v", subnet_id=subnet)
    assert client.virtual_network_rules.get(group, store, "v").subnet_id == subnet
    provider = "https://sts.windows.net/9d5b71a0-804b-4c9d-9c76-0f6f3bd4d0a8"
    client.trusted_id_providers.create_or_update(group, store, "t", id_provider=provider)
    assert [one.id_provider for one in client.trusted_id_providers.list_by_account(group, store)] == [
        provider
    ]
    found = client.accounts.get(group, store)
    assert [one.name for one in (*found.virtual_network_rules, *found.trusted_id_providers)] == ["v", "t"]
    with pytest.raises(CloudError) as refused:
        client.accounts.enable_key_vault(group, store)
    assert (refused.value.status_code, refused.value.error.error) == (400, "InvalidOperation")


def test_the_stores_of_an_account(emulator: Emulator, group: str, store: str, account: str) -> None:
    stores = analytics_client(emulator).data_lake_store_accounts
    other = make_store(emulator, group)
    stores.add(group, account, other)
    assert stores.get(group, account, other).suffix == "azuredatalakestore.net"
    assert [one.name for one in stores.list_by_account(group, account)] == [store, other]
    stores.delete(group, account, other)
    for name, message in ((new_name("no"), "does not exist"),):
        with pytest.raises(CloudError, match=message):
            stores.add(group, account, name)
    with pytest.raises(CloudError, match="cannot be removed"):
        stores.delete(group, account, store)


def test_storage_accounts_are_listed_without_their_keys(emulator: Emulator, group: str, account: str) -> None:
    accounts = analytics_client(emulator).storage_accounts
    accounts.add(group, account, "wasb1", access_key="secret-key")
    found = accounts.get(group, account, "wasb1")
    assert (found.name, found.suffix) == ("wasb1", "core.windows.net")
    accounts.update(group, account, "wasb1", suffix="core.example.com")
    assert [one.suffix for one in accounts.list_by_account(group, account)] == ["core.example.com"]
    address = f"{emulator.address}/arm/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
    shown = requests.get(
        f"{address}/providers/Microsoft.DataLakeAnalytics/accounts/{account}", headers=HEADERS, timeout=30
    )
    assert "secret-key" not in shown.text
    with pytest.raises(CloudError, match="does not support containers"):
        list(accounts.list_storage_containers(group, account, "wasb1"))
    accounts.delete(group, account, "wasb1")
    assert list(accounts.list_by_account(group, account)) == []


def test_compute_policies_are_exceptions_from_the_accounts_limits(
    emulator: Emulator, group: str, store: str
) -> None:
    account = make_account(
        emulator, group, store, max_degree_of_parallelism_per_job=2, min_priority_per_job=10
    )
    policies = analytics_client(emulator).compute_policies
    me = object_id("emulator")
    made = policies.create_or_update(
        group,
        account,
        "p",
        analytics_models.CreateOrUpdateComputePolicyParameters(
            object_id=me, object_type="ServicePrincipal", max_degree_of_parallelism_per_job=5
        ),
    )
    assert (made.object_type, made.max_degree_of_parallelism_per_job, made.min_priority_per_job) == (
        "ServicePrincipal",
        5,
        None,
    )
    jobs = job_client(emulator)
    text = "CREATE DATABASE IF NOT EXISTS a;"
    run = lambda **extra: jobs.job.create(account, str(uuid.uuid4()), _job(text, **extra))  # noqa: E731
    run(degree_of_parallelism=5, priority=10)
    with pytest.raises(CloudError, match="requires 6 AUs .* more than 5 AUs"):
        run(degree_of_parallelism=6)
    with pytest.raises(CloudError, match="priority 9"):
        run(priority=9)
    policies.update(
        group,
        account,
        "p",
        analytics_models.UpdateComputePolicyParameters(min_priority_per_job=3),
    )
    run(degree_of_parallelism=5, priority=3)
    assert [one.name for one in policies.list_by_account(group, account)] == ["p"]
    policies.delete(group, account, "p")
    with pytest.raises(CloudError, match="requires 3 AUs .* more than 2 AUs"):
        run(degree_of_parallelism=3)
    for changed in ({"object_id": "x"}, {"max_degree_of_parallelism_per_job": None}):
        given = {"object_id": me, "object_type": "User", "max_degree_of_parallelism_per_job": 1, **changed}
        with pytest.raises(CloudError, match="GUID|needs maxDegree"):
            policies.create_or_update(
                group, account, "q", analytics_models.CreateOrUpdateComputePolicyParameters(**given)
            )


def _job(text: str, **extra: Any) -> Any:
    from azure.mgmt.datalake.analytics.job.models import CreateJobParameters, CreateUSqlJobProperties

    properties = CreateUSqlJobProperties(script=text)
    return CreateJobParameters(name="a", type="USql", properties=properties, **extra)


def test_a_deleted_account_leaves_nothing_to_the_next_of_its_name(
    emulator: Emulator, group: str, store: str
) -> None:
    account = make_account(emulator, group, store)
    jobs, job_id = job_client(emulator), str(uuid.uuid4())
    jobs.job.create(account, job_id, _job("CREATE DATABASE a;"))
    deadline = time.monotonic() + 60
    while jobs.job.get(account, job_id).state != "Ended":
        assert time.monotonic() < deadline
    accounts = analytics_client(emulator).accounts
    accounts.delete(group, account).wait()
    with pytest.raises(CloudError, match="no Data Lake Analytics account"):
        jobs.job.get(account, job_id)
    parameters = analytics_models.CreateDataLakeAnalyticsAccountParameters(
        location="eastus2",
        default_data_lake_store_account=store,
        data_lake_store_accounts=[analytics_models.AddDataLakeStoreWithAccountParameters(name=store)],
    )
    accounts.create(group, account, parameters).result()
    assert list(jobs.job.list(account)) == []
    jobs.job.create(account, job_id, _job("CREATE DATABASE a;"))
    while (job := jobs.job.get(account, job_id)).state != "Ended":
        assert time.monotonic() < deadline
    assert job.result == "Succeeded"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "'properties.defaultDataLakeStoreAccount' is missing"),
        ({"defaultDataLakeStoreAccount": "nowhere"}, "account 'nowhere' does not exist"),
        ({"defaultDataLakeStoreAccount": "emulator"}, "not among 'dataLakeStoreAccounts'"),
        ({"maxDegreeOfParallelism": 0}, "'properties.maxDegreeOfParallelism' must be a whole number"),
        ({"firewallState": "On"}, "'properties.firewallState' must be Enabled or Disabled, not 'On'"),
        ({"dataLakeStoreAccounts": [{}]}, "One of 'properties.dataLakeStoreAccounts' has no 'name'"),
        ({"storageAccounts": [{"name": "s"}]}, "The 'properties.accessKey' of 's' is missing"),
    ],
)
def test_wrong_accounts_are_refused(
    emulator: Emulator, group: str, properties: dict[str, Any], message: str
) -> None:
    address = (
        f"{emulator.address}/arm/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        f"/providers/Microsoft.DataLakeAnalytics/accounts/{new_name('an')}?api-version=2016-11-01"
    )
    body = {"location": "eastus2", "properties": properties}
    answer = requests.put(address, json=body, headers=HEADERS, timeout=30)
    assert answer.status_code == 400
    assert re.search(re.escape(message), answer.json()["error"]["message"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An emulator with users who own nothing."""
    from tests.integration.conftest import Emulator

    running = Emulator(
        tmp_path_factory.mktemp("shared") / "data",
        ("--user", "ann=pw", "--user", "bob=pw", "--user", "eve=pw", "--group", "team=eve"),
    ).start()
    yield running
    assert running.stop() == 0, running.log()


@dataclass
class User:
    """Somebody with a token."""

    emulator: Emulator
    name: str

    @property
    def token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.name,
            "client_secret": "pw",
            "resource": "https://management.core.windows.net/",
        }
        answer = requests.post(f"{self.emulator.address}/aad/emulator/oauth2/token", data=form, timeout=30)
        return str(answer.json()["access_token"])


def assign(
    emulator: Emulator, principal: str, role: str, scope: str = "", name: str = ""
) -> requests.Response:
    base = f"{emulator.address}/arm/subscriptions/{SUBSCRIPTION}/resourceGroups/emulator"
    scope = scope or f"{base}/providers/Microsoft.DataLakeAnalytics/accounts/emulator"
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return requests.put(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}?api-version=2022-04-01",
        json={"properties": {"roleDefinitionId": definition, "principalId": principal}},
        headers=HEADERS,
        timeout=30,
    )


def test_roles_say_who_may_do_what(shared: Emulator, long_usql: str) -> None:
    ann, bob = (job_client(shared, User(shared, name).token) for name in ("ann", "bob"))
    text = "CREATE DATABASE IF NOT EXISTS roles;"
    with pytest.raises(CloudError) as refused:
        list(ann.job.list("emulator"))
    assert (refused.value.status_code, refused.value.error.error) == (403, "AuthorizationFailed")
    assert assign(shared, object_id("ann"), DEVELOPER).status_code == 201
    assert assign(shared, object_id("bob"), READER).status_code == 201
    assert assign(shared, object_id("ann"), DEVELOPER).status_code == 409
    mine = submit(ann, text)
    assert end(ann, mine).submitter == "ann"
    assert [job.job_id for job in bob.job.list("emulator")] == [mine]
    with pytest.raises(CloudError, match="bob has no role .* that allows to submit"):
        submit(bob, text)
    owners = submit(job_client(shared), long_usql)
    with pytest.raises(CloudError, match="ann has no role .* that allows to manage"):
        ann.job.cancel("emulator", owners)
    job_client(shared).job.cancel("emulator", owners).wait()


def test_a_groups_role_is_its_members_and_covers_what_lies_in_it(shared: Emulator) -> None:
    eve = User(shared, "eve")
    base = f"{shared.address}/arm/subscriptions/{SUBSCRIPTION}/resourceGroups/emulator"
    headers = {"Authorization": f"Bearer {eve.token}"}
    address = f"{base}/providers/Microsoft.DataLakeStore/accounts/emulator"
    assert requests.get(address, headers=headers, timeout=30).status_code == 403
    listing = address.rpartition("/")[0]
    assert requests.get(listing, headers=headers, timeout=30).json()["value"] == []
    name = str(uuid.uuid4())
    assert assign(shared, object_id("team"), READER, base, name).status_code == 201
    assert requests.get(address, headers=headers, timeout=30).status_code == 200
    assert len(requests.get(listing, headers=headers, timeout=30).json()["value"]) == 1
    assert requests.delete(address, headers=headers, timeout=30).status_code == 403
    one = f"{base}/providers/Microsoft.Authorization/roleAssignments/{name}"
    shown = requests.get(one, headers=HEADERS, timeout=30).json()["properties"]
    assert (shown["principalId"], shown["roleDefinitionId"].rpartition("/")[2]) == (object_id("team"), READER)
    everything = requests.get(one.rpartition("/")[0], headers=HEADERS, timeout=30).json()["value"]
    assert name in [item["name"] for item in everything]
    assert requests.delete(one, headers=HEADERS, timeout=30).status_code == 200
    assert requests.delete(one, headers=HEADERS, timeout=30).status_code == 204
    assert requests.get(address, headers=headers, timeout=30).status_code == 403


def test_the_roles_are_listed(shared: Emulator) -> None:
    address = (
        f"{shared.address}/arm/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    )
    found = requests.get(address, headers=HEADERS, timeout=30).json()["value"]
    assert {item["properties"]["roleName"]: item["name"] for item in found}[
        "Data Lake Analytics Developer"
    ] == DEVELOPER
    one = requests.get(
        address, params={"$filter": "roleName eq 'Reader'"}, headers=HEADERS, timeout=30
    ).json()["value"]
    assert [item["name"] for item in one] == [READER]


def test_resources_survive_a_restart(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("again")
    group = make_group(emulator)
    store = make_store(emulator, group)
    account = make_account(emulator, group, store)
    emulator.kill()
    emulator.start()
    assert analytics_client(emulator).accounts.get(group, account).default_data_lake_store_account == store
