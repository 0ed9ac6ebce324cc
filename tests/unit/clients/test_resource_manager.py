from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.clients import resource_manager_operations as operations
from airflow_provider_datalake.clients.resource_manager import ROLES, ResourceManager, role_id
from airflow_provider_datalake.clients.resource_manager_models import (
    ComputePolicy,
    FirewallRule,
    LinkedStorage,
)
from airflow_provider_datalake.clients.resource_manager_operations import Operation, OperationState
from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    ServiceError,
)
from tests.unit.clients.azure_fakes import Call, FakeHttp, Lost, answer, failure

if TYPE_CHECKING:
    import requests

BASE = "http://127.0.0.1:1/arm"
GUID = "11111111-1111-1111-1111-111111111111"
ACCOUNT = "subscriptions/s/resourceGroups/rg/providers/Microsoft.DataLakeAnalytics/accounts/a"
WANTED = {"defaultDataLakeStoreAccount": "store", "maxJobCount": 3}


class FakeManager:
    """Resources that take some looks to be made or deleted."""

    def __init__(self, looks: int = 2, way: str = "status") -> None:
        self.looks = looks
        self.way = way
        self.left = 0
        self.resources: dict[str, dict[str, Any]] = {}
        self.fails = False
        self.lose: set[str] = set()
        self.deleting: str | None = None
        self.retry_after = "0"

    def __call__(self, call: Call) -> requests.Response:
        response = self._answer(call)
        if call.method in self.lose:
            self.lose.discard(call.method)
            raise Lost(call.method)
        return response

    def _answer(self, call: Call) -> requests.Response:
        if call.path.startswith("operations/"):
            return self._status()
        if call.method == "PUT":
            return self._put(call)
        if call.path not in self.resources:
            if call.method == "DELETE":
                return answer(204)
            return failure(404, "ResourceNotFound", "The Resource was not found.")
        found = self.resources[call.path]
        if call.method == "PATCH":
            found["properties"].update(call.body.get("properties", {}))
            found.update({key: value for key, value in call.body.items() if key == "tags"})
            return answer(200, found)
        if call.method == "DELETE":
            self.deleting, self.left = call.path, self.looks
            found["properties"]["provisioningState"] = "Deleting"
            return answer(202, headers=self._headers())
        if self.way == "state":
            self._step()
            if call.path not in self.resources:
                return failure(404, "ResourceNotFound")
        return answer(200, found, {"Retry-After": self.retry_after})

    def _put(self, call: Call) -> requests.Response:
        if (
            call.path in self.resources
            and self.resources[call.path]["properties"]["provisioningState"] == "Creating"
        ):
            return failure(409, "OperationInProgress")
        self.left = self.looks
        self.resources[call.path] = {
            **call.body,
            "id": f"/{call.path}",
            "name": call.path.rpartition("/")[2],
            "properties": {**call.body["properties"], "provisioningState": "Creating"},
        }
        return answer(202 if self.way == "location" else 201, self.resources[call.path], self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "status": {"Azure-AsyncOperation": f"{BASE}/operations/1?api-version=x", "Location": "unused"},
            "location": {"Location": f"{BASE}/operations/1?api-version=x"},
            "state": {},
        }[self.way]

    def _step(self) -> None:
        self.left -= 1
        if self.left > 0:
            return
        if self.deleting:
            self.resources.pop(self.deleting, None)
        for resource in self.resources.values():
            resource["properties"]["provisioningState"] = "Failed" if self.fails else "Succeeded"

    def _status(self) -> requests.Response:
        self._step()
        headers = {"Retry-After": self.retry_after}
        if self.way == "location":
            return answer(202, headers=headers) if self.left > 0 else answer(200)
        if self.left > 0:
            return answer(200, {"status": "InProgress"}, headers)
        if self.fails:
            return answer(
                200, {"status": "Failed", "error": {"code": "Quota", "message": "no more accounts"}}
            )
        return answer(200, {"status": "Succeeded"})


def connect(fake: Any) -> tuple[ResourceManager, FakeHttp]:
    http = FakeHttp(fake, base_url=BASE)
    return ResourceManager(http, "s", "rg"), http  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(operations.time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("way", ["status", "state"])
def test_an_account_is_made_and_waited_for(way: str) -> None:
    fake = FakeManager(way=way)
    manager, http = connect(fake)
    made = manager.analytics_accounts.create("a", "eastus2", WANTED, tags={"k": "v"})
    assert (made.name, made.provisioning_state, made.default_store) == ("a", "Succeeded", "store")
    assert made.resource_group == "rg"
    assert http.sent("PUT") == [ACCOUNT]
    assert next(call.body for call in http.calls if call.method == "PUT") == {
        "location": "eastus2",
        "tags": {"k": "v"},
        "properties": WANTED,
    }


@pytest.mark.parametrize("way", ["status", "location", "state"])
def test_an_account_is_deleted_and_waited_for(way: str) -> None:
    manager, http = connect(FakeManager(way=way))
    manager.analytics_accounts.create("a", "eastus2", WANTED)
    http.calls.clear()
    assert manager.analytics_accounts.delete("a") is True
    assert len(http.calls) >= 3
    assert manager.analytics_accounts.delete("a") is False
    assert manager.analytics_accounts.find("a") is None


@pytest.mark.parametrize(
    ("asked", "pause"), [("0", operations.SHORTEST_PAUSE), ("7", 7.0), ("9999", 60.0), ("", operations.PAUSE)]
)
def test_the_service_says_how_long_to_wait(asked: str, pause: float, pauses: list[float]) -> None:
    fake = FakeManager(looks=3)
    fake.retry_after = asked
    connect(fake)[0].analytics_accounts.create("a", "eastus2", WANTED)
    assert pauses == [pause, pause]


def test_a_failed_creation_tells_why_and_the_next_try_makes_it_anew() -> None:
    fake = FakeManager()
    fake.fails = True
    manager, http = connect(fake)
    with pytest.raises(ServiceError, match="the operation has failed: Quota: no more accounts"):
        manager.analytics_accounts.create("a", "eastus2", WANTED)
    fake.fails = False
    assert manager.analytics_accounts.create("a", "eastus2", WANTED).provisioning_state == "Succeeded"
    assert len(http.sent("PUT")) == 2


def test_a_creation_that_is_under_way_is_taken_up() -> None:
    manager, http = connect(FakeManager(way="state", looks=4))
    first = manager.analytics_accounts.begin_create("a", "eastus2", WANTED)
    assert first is not None
    second = manager.analytics_accounts.begin_create("a", "eastus2", WANTED)
    assert second == Operation(f"/{ACCOUNT}")
    assert http.sent("PUT") == [ACCOUNT]


def test_a_creation_whose_answer_was_lost_is_taken_up() -> None:
    fake = FakeManager(way="state")
    manager, http = connect(fake)
    fake.lose.add("PUT")
    with pytest.raises(ServiceError):
        manager.analytics_accounts.create("a", "eastus2", WANTED)
    assert manager.analytics_accounts.create("a", "eastus2", WANTED).provisioning_state == "Succeeded"
    assert http.sent("PUT") == [ACCOUNT]


def test_a_conflict_with_a_creation_that_has_just_begun_is_no_error() -> None:
    fake = FakeManager(way="state")
    manager, http = connect(fake)
    manager.analytics_accounts.begin_create("a", "eastus2", WANTED)
    unseen = iter([failure(404, "ResourceNotFound")])
    http.handler = lambda call: next(unseen, None) or fake(call)
    assert manager.analytics_accounts.begin_create("a", "eastus2", WANTED) == Operation(f"/{ACCOUNT}")


def test_a_name_that_somebody_else_has_is_a_conflict() -> None:
    manager, http = connect(FakeManager())
    http.handler = lambda call: (
        failure(409, "ResourceConflicted", "Resource Name belongs to another resource.")
        if call.method == "PUT"
        else failure(404, "ResourceNotFound")
    )
    with pytest.raises(ConflictError, match="belongs to another resource"):
        manager.analytics_accounts.create("a", "eastus2", WANTED)


def test_an_account_that_is_there_already_is_left_as_it_is() -> None:
    manager, http = connect(FakeManager())
    manager.analytics_accounts.create("a", "East US 2", WANTED)
    http.calls.clear()
    assert manager.analytics_accounts.begin_create("a", "eastus2", WANTED) is None
    assert {call.method for call in http.calls} == {"GET"}


def test_an_account_that_differs_is_changed_in_what_is_given_only() -> None:
    manager, http = connect(FakeManager())
    manager.analytics_accounts.create("a", "eastus2", {**WANTED, "firewallState": "Enabled"})
    made = manager.analytics_accounts.create("a", "eastus2", {**WANTED, "maxJobCount": 5}, tags={"x": "y"})
    (patch,) = (call for call in http.calls if call.method == "PATCH")
    assert patch.body == {"properties": {"maxJobCount": 5}, "tags": {"x": "y"}}
    assert (made.max_job_count, made.properties["firewallState"]) == (5, "Enabled")


@pytest.mark.parametrize(
    ("location", "store", "words"), [("westus", "store", "location"), ("eastus2", "other", "default store")]
)
def test_another_account_of_the_same_name_is_left_alone(location: str, store: str, words: str) -> None:
    manager, http = connect(FakeManager())
    manager.analytics_accounts.create("a", "eastus2", WANTED)
    http.calls.clear()
    with pytest.raises(ConflictError, match=words):
        manager.analytics_accounts.create("a", location, {"defaultDataLakeStoreAccount": store})
    assert {call.method for call in http.calls} == {"GET"}


def test_an_account_that_is_being_deleted_is_not_taken_for_a_new_one() -> None:
    manager, _ = connect(FakeManager())
    manager.analytics_accounts.create("a", "eastus2", WANTED)
    manager.analytics_accounts.begin_delete("a")
    with pytest.raises(ConflictError, match="being deleted"):
        manager.analytics_accounts.begin_create("a", "eastus2", WANTED)


def test_an_operation_that_the_service_has_forgotten_is_seen_at_its_resource() -> None:
    fake = FakeManager(way="state", looks=1)
    manager, _ = connect(fake)
    manager.analytics_accounts.begin_create("a", "eastus2", WANTED)
    forgotten = Operation(ACCOUNT, status_url=f"{BASE}/gone/1?api-version=x")
    assert operations.look(manager.accounts_rest, forgotten, "create").state is OperationState.SUCCEEDED


def test_a_creation_that_vanishes_has_failed() -> None:
    manager, _ = connect(FakeManager())
    status = operations.look(manager.accounts_rest, Operation(ACCOUNT), "create")
    assert (status.state, "not found" in status.error) == (OperationState.FAILED, True)


def test_an_operations_address_on_another_host_does_not_get_the_token() -> None:
    manager, http = connect(FakeManager())
    with pytest.raises(ServiceError, match="another host"):
        operations.look(
            manager.accounts_rest, Operation(ACCOUNT, status_url="http://evil.example/o"), "create"
        )
    assert http.calls == []


def test_waiting_ends_in_time(pauses: list[float]) -> None:
    fake = FakeManager(looks=1000)
    fake.retry_after = "10"
    manager, _ = connect(fake)
    with pytest.raises(ServiceError, match="still InProgress after 5"):
        manager.analytics_accounts.create("a", "eastus2", WANTED, timeout=5)


def test_another_process_can_go_on_watching_without_a_signature() -> None:
    plain = Operation("/p", True, f"{BASE}/o?api-version=1&expanded=true", f"{BASE}/l?monitor=true")
    assert Operation.from_json(plain.to_json()) == plain
    signed = Operation("/p", False, f"{BASE}/o?api-version=1&t=1&c=certificate&s=signature")
    assert Operation.from_json(signed.to_json()) == Operation("/p")


def test_accounts_are_listed_by_group_and_by_subscription() -> None:
    manager, http = connect(lambda call: answer(200, {"value": [{"name": "a", "location": "x"}]}))
    assert [item.name for item in manager.store_accounts.list()] == ["a"]
    assert [item.name for item in manager.store_accounts.list("other")] == ["a"]
    assert [call.path for call in http.calls] == [
        "subscriptions/s/providers/Microsoft.DataLakeStore/accounts",
        "subscriptions/s/resourceGroups/other/providers/Microsoft.DataLakeStore/accounts",
    ]


def test_a_name_is_checked() -> None:
    told = {"nameAvailable": False, "reason": "AlreadyExists", "message": "taken"}
    manager, http = connect(lambda call: answer(200, told))
    check = manager.store_accounts.check_name("a", "eastus2")
    assert (check.available, check.reason, check.message) == (False, "AlreadyExists", "taken")
    assert http.calls[0].body == {"name": "a", "type": "Microsoft.DataLakeStore/accounts"}


def test_a_location_without_the_service_has_no_capability() -> None:
    manager, _ = connect(lambda call: failure(404, "NotFound"))
    assert manager.analytics_accounts.capability("mars") is None


@pytest.mark.parametrize("group", ["", None])
def test_a_group_that_nobody_names_is_missed(group: str | None) -> None:
    manager = ResourceManager(FakeHttp(FakeManager()), "s")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="'resource_group': missing"):
        manager.analytics_accounts.get("a", group)


def test_parts_of_an_account_are_listed_made_changed_and_deleted() -> None:
    policy = ComputePolicy("p", GUID, "User", 50, 250)
    wire = {"name": "p", "properties": policy.to_wire()}
    manager, http = connect(lambda call: answer(200, {"value": [wire]} if call.path.endswith("s") else wire))
    policies = manager.analytics_accounts.compute_policies("a")
    assert list(policies.list()) == [policy]
    assert policies.get("p") == policy
    assert policies.create_or_update(policy) == policy
    assert policies.update("p", {"minPriorityPerJob": 1}) == policy
    assert policies.delete("p") is True
    assert [(call.method, call.path.removeprefix(ACCOUNT)) for call in http.calls] == [
        ("GET", "/computePolicies"),
        ("GET", "/computePolicies/p"),
        ("PUT", "/computePolicies/p"),
        ("PATCH", "/computePolicies/p"),
        ("DELETE", "/computePolicies/p"),
    ]
    assert http.calls[2].body == {
        "properties": {
            "objectId": GUID,
            "objectType": "User",
            "maxDegreeOfParallelismPerJob": 50,
            "minPriorityPerJob": 250,
        }
    }


def test_a_service_that_answers_nothing_is_believed() -> None:
    manager, http = connect(lambda call: answer(200))
    storage = LinkedStorage("blobs", access_key="very-secret")
    assert manager.analytics_accounts.storage_accounts("a").create_or_update(storage) == storage
    assert http.calls[0].body == {"properties": {"accessKey": "very-secret"}}
    assert "very-secret" not in repr(storage)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (FirewallRule("r", "1.2.3.4", "x"), "'x'"),
        (FirewallRule("r", "1.2.3.4", "1.2.3.3"), "is before"),
        (ComputePolicy("p", "me", max_degree_of_parallelism_per_job=1), "object_id must be a GUID"),
        (ComputePolicy("p", GUID, "Robot", 1), "object_type must be one of"),
        (ComputePolicy("p", GUID), "no limit"),
        (ComputePolicy("p", GUID, "User", 0), "above 0"),
    ],
)
def test_a_part_that_cannot_work_is_refused(part: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        part.to_wire()


def test_a_resource_group_is_made() -> None:
    told = {"id": "/g", "name": "g", "location": "eastus2", "properties": {"provisioningState": "Succeeded"}}
    manager, http = connect(lambda call: answer(201, told))
    group = manager.groups.create_or_update("g", "East US 2")
    assert (group.name, group.location, group.provisioning_state) == ("g", "eastus2", "Succeeded")
    assert (http.calls[0].path, http.calls[0].body) == (
        "subscriptions/s/resourcegroups/g",
        {"location": "East US 2"},
    )


def test_deleting_a_resource_group_waits_until_it_is_gone() -> None:
    fake = FakeManager(way="location")
    manager, _ = connect(fake)
    fake.resources["subscriptions/s/resourcegroups/g"] = {"name": "g", "properties": {}}
    assert manager.groups.delete("g") is True
    assert manager.groups.delete("g") is False
    with pytest.raises(NotFoundError):
        manager.groups.get("g")


def test_a_role_is_given_once() -> None:
    given: dict[str, Any] = {}

    def handle(call: Call) -> requests.Response:
        if call.method == "GET":
            return answer(200, {"value": list(given.values())})
        if (
            any(item["properties"] == call.body["properties"] for item in given.values())
            and call.path not in given
        ):
            return failure(409, "RoleAssignmentExists", "The role assignment already exists.")
        given[call.path] = {"id": f"/{call.path}", "name": call.path.rpartition("/")[2], **call.body}
        return answer(201, given[call.path])

    manager, _ = connect(handle)
    first = manager.role_assignments.add(f"/{ACCOUNT}", GUID, "Data Lake Analytics Developer")
    assert manager.role_assignments.add(f"/{ACCOUNT}", GUID, "Data Lake Analytics Developer") == first
    assert (first.role, first.principal_id) == ("Data Lake Analytics Developer", GUID)
    renamed = {f"{path}-by-the-portal": item for path, item in given.items()}
    given.clear()
    given.update(renamed)
    assert manager.role_assignments.add(f"/{ACCOUNT}", GUID, ROLES["Data Lake Analytics Developer"]) == first


@pytest.mark.parametrize("role", ["", "Boss", None])
def test_an_unknown_role_is_refused(role: Any) -> None:
    with pytest.raises(ConfigurationError, match="role must be one of Owner"):
        role_id(role)
