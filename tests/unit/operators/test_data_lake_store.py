"""The operators as Airflow sees them: arguments, templates, tries, errors."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_datalake.exceptions import ServiceError
from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook
from airflow_provider_datalake.operators.data_lake_store import (
    DataLakeStoreDeleteOperator,
    DataLakeStoreDownloadOperator,
    DataLakeStoreListOperator,
    DataLakeStoreRenameOperator,
    DataLakeStoreUploadOperator,
)
from tests.unit.clients.store_fakes import BROKEN, FakeStore, refusal
from tests.unit.jobs.fakes import FakeTaskInstance

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")

OPERATORS: list[tuple[Any, dict[str, Any]]] = [
    (DataLakeStoreUploadOperator, {"source": "/tmp/{{ ds }}", "destination": "/raw/{{ ds }}"}),
    (DataLakeStoreDownloadOperator, {"source": "/raw/{{ ds }}", "destination": "/tmp/{{ ds }}"}),
    (DataLakeStoreDeleteOperator, {"path": "/raw/{{ ds }}"}),
    (DataLakeStoreRenameOperator, {"source": "/raw/{{ ds }}", "destination": "/old/{{ ds }}"}),
    (DataLakeStoreListOperator, {"path": "/raw/{{ ds }}"}),
]


class States(dict):
    def set(self, key: str, value: Any) -> None:
        self[key] = value


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """A store that all hooks reach."""
    fake = FakeStore()
    monkeypatch.setattr(DataLakeStoreHook, "get_client", lambda self: fake.client())
    return fake


def context(states: States | None = None, max_tries: int = 2) -> Any:
    ti = FakeTaskInstance()
    ti.max_tries = max_tries
    return {"ti": ti, "task_state_store": States() if states is None else states}


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_template_fields_are_arguments_kept_as_given(operator: Any, arguments: dict[str, Any]) -> None:
    parameters = {name for kind in operator.__mro__ for name in inspect.signature(kind.__init__).parameters}
    values = {name: f"value of {name}" for name in operator.template_fields}
    made = operator(task_id="t", **values)
    for name in operator.template_fields:
        assert name in parameters
        assert getattr(made, name) == f"value of {name}"


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_templates_are_rendered(operator: Any, arguments: dict[str, Any]) -> None:
    made = operator(task_id="t", adls_conn_id="c_{{ ds }}", **arguments)
    made.render_template_fields({"ds": "2024-01-02"})
    assert made.adls_conn_id == "c_2024-01-02"
    for name in arguments:
        assert getattr(made, name).endswith("/2024-01-02")


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_operators_can_be_serialized_mapped_and_copied(operator: Any, arguments: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("d", schedule=None) as dag:
        made = operator(task_id="t", **arguments)
        operator.partial(task_id="mapped", **arguments).expand(account=["a", "b"])
    assert DagSerialization.to_dict(dag)
    assert copy.deepcopy(made).adls_conn_id == "adls_gen1_default"


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_on_kill_before_execute_is_harmless(operator: Any, arguments: dict[str, Any]) -> None:
    operator(task_id="t", **arguments).on_kill()


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_the_account_and_the_connection_reach_the_hook(operator: Any, arguments: dict[str, Any]) -> None:
    hook = operator(task_id="t", adls_conn_id="c", account="a", **arguments).hook
    assert (hook.adls_conn_id, hook.account) == ("c", "a")
    assert operator(task_id="t", account="", **arguments).hook.account is None


def test_an_error_that_a_retry_may_mend_is_raised_as_it_is(store: FakeStore) -> None:
    store.fates["LISTSTATUS"] = [BROKEN]
    store.put("/d/f", b"")
    operator = DataLakeStoreListOperator(task_id="t", path="/d")
    with pytest.raises(ServiceError, match="^Connection 'lake'"):
        operator.execute(context())
    assert operator.execute(context()) == ["/d/f"]


def test_an_error_that_no_retry_can_mend_fails_the_task_for_good(store: FakeStore) -> None:
    store.refuse["LISTSTATUS"] = refusal(403, "AccessControlException", "you may not")
    with pytest.raises(
        AirflowFailException, match="LISTSTATUS /d: AccessControlException: you may not"
    ) as raised:
        DataLakeStoreListOperator(task_id="t", path="/d").execute(context())
    assert raised.value.__cause__ is not None


def test_an_upload_remembers_when_it_began(store: FakeStore, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    states = States()
    operator = DataLakeStoreUploadOperator(task_id="t", source=str(tmp_path / "f"), destination="/f")
    operator.execute(context(states))
    (stored,) = states.values()
    assert set(stored["before"]) == {"store", "local"}
    operator.execute(context(states))
    assert list(states.values()) == [stored]
    operator.execute(context(states, max_tries=5))
    assert list(states.values()) != [stored]


def test_an_upload_goes_on_without_a_clock_of_the_store(
    store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

    monkeypatch.setattr(DataLakeStore, "clock", lambda self: None)
    (tmp_path / "f").write_text("x")
    states = States()
    operator = DataLakeStoreUploadOperator(task_id="t", source=str(tmp_path / "f"), destination="/f")
    for _ in range(2):
        assert operator.execute(context(states))["files"] == 1
    assert store.ops().count("CREATE") == 2


def test_a_rename_looks_before_it_moves_again(store: FakeStore) -> None:
    states = States()
    operator = DataLakeStoreRenameOperator(task_id="t", source="/a", destination="/b")
    store.put("/a", b"1")
    operator.execute(context(states))
    assert operator.execute(context(states))["uri"].endswith("/b")
    assert store.ops().count("RENAME") == 1
    # What is at the destination is not what was moved there.
    store.put("/b", b"something else")
    with pytest.raises(AirflowFailException):
        operator.execute(context(states))


def test_a_changed_request_is_a_new_one(store: FakeStore) -> None:
    states = States()
    store.put("/a", b"1")
    DataLakeStoreRenameOperator(task_id="t", source="/a", destination="/b").execute(context(states))
    store.put("/a", b"1")
    DataLakeStoreRenameOperator(task_id="t", source="/a", destination="/c").execute(context(states))
    assert store.files == {"/b": b"1", "/c": b"1"}


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        (DataLakeStoreDeleteOperator, {"path": "/", "recursive": True}),
        (DataLakeStoreDeleteOperator, {"path": "", "recursive": True}),
        (DataLakeStoreDeleteOperator, {"path": "a"}),
        (DataLakeStoreListOperator, {"path": "a"}),
        (DataLakeStoreListOperator, {"path": "*"}),
        (DataLakeStoreRenameOperator, {"source": "/a", "destination": "b"}),
        (DataLakeStoreUploadOperator, {"source": "/nothing", "destination": "b"}),
        (DataLakeStoreUploadOperator, {"source": "/nothing", "destination": "/b"}),
        (DataLakeStoreDownloadOperator, {"source": "a", "destination": "/tmp/x"}),
        (DataLakeStoreDownloadOperator, {"source": "/a", "destination": ""}),
    ],
)
def test_arguments_that_cannot_work_change_nothing(
    store: FakeStore, operator: Any, arguments: dict[str, Any]
) -> None:
    store.put("/a", b"1")
    with pytest.raises(AirflowFailException, match="^Connection 'adls_gen1_default'"):
        operator(task_id="t", **arguments).execute(context())
    assert store.files == {"/a": b"1"}
