from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.module_loading import import_string

from airflow_provider_datalake.clients import resource_manager_operations as operations
from airflow_provider_datalake.exceptions import ConfigurationError, ServiceError
from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook
from airflow_provider_datalake.operators.resource_manager import (
    DataLakeAnalyticsComputePolicyOperator,
    DataLakeAnalyticsCreateAccountOperator,
    DataLakeAnalyticsDeleteAccountOperator,
    DataLakeStoreCreateAccountOperator,
    DataLakeStoreDeleteAccountOperator,
    ResourceGroupOperator,
)
from airflow_provider_datalake.triggers.data_lake_analytics import ResourceOperationTrigger
from tests.unit.clients.azure_fakes import FakeHttp, answer
from tests.unit.clients.test_resource_manager import ACCOUNT, BASE, GUID, FakeManager, connect
from tests.unit.jobs.fakes import FakeTaskInstance

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.resource_manager import ResourceManager

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")


class World:
    def __init__(self) -> None:
        self.service = FakeManager(looks=3)
        self.manager: ResourceManager
        self.http: FakeHttp
        self.manager, self.http = connect(self.service)
        self.context: Any = {"ti": FakeTaskInstance()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    async def connect_later(self: DataLakeAnalyticsHook) -> ResourceManager:
        return made.manager

    monkeypatch.setattr(operations, "SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr(DataLakeAnalyticsHook, "get_resource_manager", lambda self: made.manager)
    monkeypatch.setattr(DataLakeAnalyticsHook, "aget_resource_manager", connect_later)
    return made


def create(**kwargs: Any) -> DataLakeAnalyticsCreateAccountOperator:
    given = {"task_id": "t", "account": "a", "location": "eastus2", "default_store": "store"}
    return DataLakeAnalyticsCreateAccountOperator(**{**given, "poll_interval": 0.01, **kwargs})


def test_an_account_is_made_in_the_worker(world: World) -> None:
    result = create(max_job_count=3, stores=["store", "more"], tags={"k": "v"}).execute(world.context)
    assert (result["name"], result["location"]) == ("a", "eastus2")
    assert next(call.body for call in world.http.calls if call.method == "PUT") == {
        "location": "eastus2",
        "tags": {"k": "v"},
        "properties": {
            "defaultDataLakeStoreAccount": "store",
            "dataLakeStoreAccounts": [{"name": "store"}, {"name": "more"}],
            "maxJobCount": 3,
        },
    }


def test_limits_go_under_the_names_on_the_wire() -> None:
    wire = create(
        max_degree_of_parallelism=1,
        max_degree_of_parallelism_per_job=2,
        max_job_count=3,
        min_priority_per_job=4,
        query_store_retention=5,
        properties={"newTier": "Consumption"},
    )._wire()
    assert {
        key: value for key, value in wire.items() if not key.lower().endswith(("account", "accounts"))
    } == {
        "maxDegreeOfParallelism": 1,
        "maxDegreeOfParallelismPerJob": 2,
        "maxJobCount": 3,
        "minPriorityPerJob": 4,
        "queryStoreRetention": 5,
        "newTier": "Consumption",
    }


def deferred(world: World, operator: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        operator.execute(world.context)
    return raised.value


def fire(trigger: Any) -> Any:
    async def first() -> Any:
        async with asyncio.timeout(10):
            return (await anext(trigger.run())).payload

    path, kwargs = trigger.serialize()
    again = import_string(path)(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == trigger.serialize()
    return asyncio.run(first())


def test_an_account_is_made_in_the_triggerer(world: World) -> None:
    pause = deferred(world, create(deferrable=True, defer_after=0.0))
    event = fire(pause.trigger)
    assert event == {"outcome": "met"}
    kwargs = json.loads(json.dumps(pause.kwargs))
    assert create().execute_complete(world.context, event, **kwargs)["name"] == "a"
    assert world.http.sent("PUT") == [ACCOUNT]


def test_a_try_after_a_dead_worker_takes_up_the_same_creation(world: World) -> None:
    world.service.way = "state"
    deferred(world, create(deferrable=True, defer_after=0.0))
    assert create().execute(world.context)["name"] == "a"
    assert world.http.sent("PUT") == [ACCOUNT]


def test_a_task_that_is_woken_early_waits_on(world: World) -> None:
    world.service.looks = 100
    pause = deferred(world, create(deferrable=True, defer_after=0.0))
    with pytest.raises(TaskDeferred):
        create(deferrable=True, defer_after=0.0).execute_complete(
            world.context, {"outcome": "failed", "message": "503"}, **(pause.kwargs or {})
        )


def test_a_failed_creation_fails_the_task_with_the_services_words(world: World) -> None:
    world.service.fails = True
    with pytest.raises(ServiceError, match="Quota: no more accounts"):
        create().execute(world.context)
    world.service.resources.clear()
    pause = deferred(world, create(deferrable=True, defer_after=0.0))
    event = fire(pause.trigger)
    assert event == {"outcome": "met"}
    with pytest.raises(ServiceError, match="Quota: no more accounts"):
        create().execute_complete(world.context, event, **(pause.kwargs or {}))


def test_the_execution_timeout_counts_through_the_deferral(world: World) -> None:
    world.context["ti"].start_date = datetime.now(tz=UTC) - timedelta(minutes=4)
    pause = deferred(world, create(deferrable=True, defer_after=0.0, execution_timeout=timedelta(minutes=5)))
    assert isinstance(pause.timeout, timedelta)
    assert 50 < pause.timeout.total_seconds() <= 60
    assert deferred(world, create(deferrable=True, defer_after=0.0)).timeout is None


def test_a_killed_task_stops_waiting_and_says_that_the_operation_goes_on(world: World) -> None:
    world.service.looks = 10**6
    operator = create(poll_interval=30.0)
    operator.on_kill()
    with pytest.raises(ServiceError, match="the task was killed; the operation goes on"):
        operator.execute(world.context)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"location": ""}, "location is missing"),
        ({"default_store": ""}, "default_store is missing"),
        ({"max_job_count": 0}, "max_job_count must be an integer above 0"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_before_anything_is_made(
    kwargs: dict[str, Any], words: str, world: World
) -> None:
    with pytest.raises(AirflowFailException, match=f"^Connection 'adla_default': .*{words}"):
        create(**kwargs).execute(world.context)
    assert world.http.sent("PUT") == []


def test_a_poll_without_pauses_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="poll_interval"):
        create(poll_interval=0)


def test_accounts_are_deleted_and_what_is_gone_is_fine(world: World) -> None:
    store = {"task_id": "t", "account": "s", "poll_interval": 0.01}
    made = DataLakeStoreCreateAccountOperator(location="eastus2", **store).execute(world.context)  # type: ignore[arg-type]
    assert made["name"] == "s"
    create().execute(world.context)
    for operator in (
        DataLakeAnalyticsDeleteAccountOperator(task_id="t", account="a", poll_interval=0.01),
        DataLakeStoreDeleteAccountOperator(**store),  # type: ignore[arg-type]
    ):
        assert operator.execute(world.context) == {"name": operator.account}
        assert operator.execute(world.context) == {"name": operator.account}
    assert world.service.resources == {}


def test_a_resource_group_is_made(world: World) -> None:
    world.http.handler = lambda call: answer(201, {"id": "/g", "name": "rg", "location": "eastus2"})
    result = ResourceGroupOperator(task_id="t", location="eastus2").execute(world.context)
    assert result == {"id": "/g", "name": "rg", "location": "eastus2"}
    assert world.http.calls[0].path == "subscriptions/s/resourcegroups/rg"


def test_a_compute_policy_is_made_and_deleted(world: World) -> None:
    world.http.handler = lambda call: answer(200)
    policy = {"task_id": "t", "name": "p", "account": "a"}
    made = DataLakeAnalyticsComputePolicyOperator(
        object_id=GUID, max_degree_of_parallelism_per_job=5, **policy
    ).execute(world.context)
    assert made == {"name": "p", "account": "a", "present": True}
    DataLakeAnalyticsComputePolicyOperator(present=False, **policy).execute(world.context)
    assert [(call.method, call.path) for call in world.http.calls] == [
        ("PUT", f"{ACCOUNT}/computePolicies/p"),
        ("DELETE", f"{ACCOUNT}/computePolicies/p"),
    ]


def test_a_policy_without_a_limit_is_refused(world: World) -> None:
    with pytest.raises(AirflowFailException, match="no limit"):
        DataLakeAnalyticsComputePolicyOperator(task_id="t", name="p", account="a", object_id=GUID).execute(
            world.context
        )
    assert world.http.calls == []


@pytest.mark.parametrize(
    "operator",
    [
        DataLakeAnalyticsCreateAccountOperator,
        DataLakeAnalyticsDeleteAccountOperator,
        DataLakeStoreCreateAccountOperator,
        DataLakeStoreDeleteAccountOperator,
        ResourceGroupOperator,
        DataLakeAnalyticsComputePolicyOperator,
    ],
)
def test_fields_are_kept_as_they_are_given_until_they_are_rendered(operator: Any) -> None:
    given = {field: f"{{{{ {field} }}}}" for field in operator.template_fields}
    made = operator(task_id="t", **given)
    assert {field: getattr(made, field) for field in given} == given


def test_the_constructor_of_the_trigger_takes_anything() -> None:
    ResourceOperationTrigger(conn_id="", operation={}, doing="", poll_interval=-1)


def test_a_triggerer_that_may_not_look_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.http.handler = lambda call: answer(401, {"error": {"code": "ExpiredAuthenticationToken"}})
    trigger = ResourceOperationTrigger(
        conn_id="c", operation={"path": f"/{ACCOUNT}"}, doing="create", poll_interval=0.01
    )
    event = fire(trigger)
    assert (event["outcome"], "ExpiredAuthenticationToken" in event["message"]) == ("failed", True)
    assert len(world.http.calls) == 3


def test_the_address_of_an_operation_is_the_resource_managers(world: World) -> None:
    pause = deferred(world, create(deferrable=True, defer_after=0.0))
    assert (pause.kwargs or {})["operation"]["status_url"].startswith(BASE)
