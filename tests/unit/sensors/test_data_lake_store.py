from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from airflow.sdk.module_loading import import_string

from airflow_provider_datalake.exceptions import ServiceError
from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook
from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor
from tests.unit.clients.store_fakes import BROKEN, FakeStore, refusal

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")

CONTEXT: Any = {"ti": SimpleNamespace(start_date=datetime.now(tz=UTC))}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """A store that all hooks reach."""
    fake = FakeStore()
    monkeypatch.setattr(DataLakeStoreHook, "get_client", lambda self: fake.client())
    return fake


def sensor(path: str = "/d/f", **kwargs: Any) -> DataLakeStorePathSensor:
    return DataLakeStorePathSensor(**{"task_id": "s", "path": path, "poke_interval": 0.01, **kwargs})


def test_a_file_and_a_folder_are_waited_for(store: FakeStore) -> None:
    assert sensor().poke(CONTEXT) is False
    store.put("/d/f", b"")
    assert sensor().poke(CONTEXT) is True
    assert sensor("/d").poke(CONTEXT) is True


def test_a_file_must_be_large_and_old_enough(store: FakeStore) -> None:
    store.put("/d/f", b"123")
    assert sensor(minimum_size=3).poke(CONTEXT) is True
    assert sensor(minimum_size=4).poke(CONTEXT) is False
    assert sensor(minimum_age=60).poke(CONTEXT) is False
    store.modified["/d/f"] = time.time() - 61
    assert sensor(minimum_age=60).poke(CONTEXT) is True


def test_enough_files_of_a_pattern_must_be_there(store: FakeStore) -> None:
    store.put("/d/a.csv", b"1")
    store.put("/d/b.csv", b"12")
    store.put("/d/.c.csv.0123456789ab.tmp", b"half")
    assert sensor("/d/*.csv").poke(CONTEXT) is True
    assert sensor("/d/*", minimum_count=2).poke(CONTEXT) is True
    assert sensor("/d/*", minimum_count=3).poke(CONTEXT) is False
    assert sensor("/d/*", minimum_count=2, minimum_size=2).poke(CONTEXT) is False
    assert sensor("/nothing/*").poke(CONTEXT) is False


def test_a_sensor_in_the_worker_pokes_until_it_is_there(store: FakeStore) -> None:
    status, looks = store._getfilestatus, []

    def appears(request: Any) -> Any:
        looks.append(request)
        if len(looks) == 3:
            store.put("/d/f", b"")
        return status(request)

    store._getfilestatus = appears  # type: ignore[method-assign]
    sensor(deferrable=False).execute(CONTEXT)
    assert len(looks) == 3


def test_a_deferred_sensor_goes_on_looking_for_the_same(store: FakeStore) -> None:
    made = sensor("/d/*", deferrable=True, minimum_size=5, minimum_age=6.0, minimum_count=7, account="a")
    with pytest.raises(TaskDeferred) as raised:
        made.execute(CONTEXT)
    path, kwargs = raised.value.trigger.serialize()
    assert json.loads(json.dumps(kwargs)) == {
        "conn_id": "adls_gen1_default",
        "path": "/d/*",
        "account": "a",
        "minimum_size": 5,
        "minimum_age": 6.0,
        "minimum_count": 7,
        "poll_interval": 0.01,
    }
    assert import_string(path)(**kwargs).serialize() == (path, kwargs)
    made.execute_complete(CONTEXT, {"outcome": "met"})


def test_a_deferrable_sensor_that_is_met_does_not_defer(store: FakeStore) -> None:
    store.put("/d/f", b"")
    sensor(deferrable=True).execute(CONTEXT)


def test_a_sensor_that_is_woken_for_nothing_times_out_at_its_deadline(store: FakeStore) -> None:
    with pytest.raises(AirflowSensorTimeout):
        sensor(deferrable=True).execute_complete(CONTEXT, None, deadline=time.time() - 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "d"}, "absolute path"),
        ({"path": ""}, "absolute path"),
        ({"path": "/d/../f"}, "must not have the part"),
        ({"minimum_size": -1}, "minimum_size must be a number of at least 0"),
        ({"minimum_age": float("nan")}, "minimum_age must be a number of at least 0"),
        ({"minimum_age": "60"}, "minimum_age must be a number"),
        ({"minimum_count": 0}, "minimum_count must be a number of at least 1"),
        ({"minimum_count": 2}, "minimum_count is 2, but /d/f is one path"),
    ],
)
def test_what_can_never_be_met_fails_at_once(
    store: FakeStore, arguments: dict[str, Any], message: str
) -> None:
    for deferrable in (False, True):
        with pytest.raises(AirflowFailException, match=f"^Connection 'adls_gen1_default': .*{message}"):
            sensor(**{"deferrable": deferrable, **arguments}).execute(CONTEXT)
    assert store.requests == []


def test_a_store_that_may_not_be_looked_at_fails_the_task(store: FakeStore) -> None:
    store.refuse["GETFILESTATUS"] = refusal(403, "AccessControlException")
    with pytest.raises(AirflowFailException, match="AccessControlException"):
        sensor().poke(CONTEXT)


def test_a_store_that_does_not_answer_is_for_the_retries(store: FakeStore) -> None:
    store.fates["GETFILESTATUS"] = [BROKEN]
    with pytest.raises(ServiceError):
        sensor().poke(CONTEXT)


def test_one_client_serves_all_looks(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(DataLakeStoreHook, "get_client", lambda self: (made.append(1), store.client())[1])
    one = sensor()
    for _ in range(3):
        one.poke(CONTEXT)
    assert made == [1]


def test_fields_are_kept_as_they_are_given_until_they_are_rendered() -> None:
    given = {name: f"{{{{ {name} }}}}" for name in DataLakeStorePathSensor.template_fields}
    made = DataLakeStorePathSensor(task_id="t", **given)
    assert {name: getattr(made, name) for name in given} == given
