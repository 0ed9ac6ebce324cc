from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook
from airflow_provider_datalake.triggers import polling
from airflow_provider_datalake.triggers.data_lake_store import DataLakeStorePathTrigger
from tests.unit.clients.store_fakes import BROKEN, FakeStore, refusal


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """A store that all hooks reach; how often one connects is in ``made``."""
    fake = FakeStore()
    fake.made = 0  # type: ignore[attr-defined]

    async def connect(self: DataLakeStoreHook) -> Any:
        fake.made += 1  # type: ignore[attr-defined]
        return fake.client()

    monkeypatch.setattr(DataLakeStoreHook, "aget_client", connect)
    return fake


def trigger(**kwargs: Any) -> DataLakeStorePathTrigger:
    return DataLakeStorePathTrigger(**{"conn_id": "c", "path": "/d/f", "poll_interval": 0.01, **kwargs})


def fire(made: DataLakeStorePathTrigger) -> dict[str, Any]:
    async def first() -> Any:
        async with asyncio.timeout(10):
            return (await anext(made.run())).payload

    return asyncio.run(first())


def looks_until(store: FakeStore, count: int) -> None:
    status, looks = store._getfilestatus, []

    def appears(request: Any) -> Any:
        looks.append(request)
        if len(looks) == count:
            store.put("/d/f", b"123")
        return status(request)

    store._getfilestatus = appears  # type: ignore[method-assign]


def test_it_fires_once_the_file_is_there(store: FakeStore) -> None:
    looks_until(store, 3)
    assert fire(trigger(minimum_size=3)) == {"outcome": "met"}
    assert store.made == 1  # type: ignore[attr-defined]


def test_it_survives_a_store_that_does_not_answer(store: FakeStore) -> None:
    store.fates["GETFILESTATUS"] = [BROKEN, BROKEN]
    store.put("/d/f", b"")
    assert fire(trigger()) == {"outcome": "met"}


def test_it_gives_up_when_there_is_no_answer_for_long(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PATIENCE", 0.0)
    store.fates["GETFILESTATUS"] = [BROKEN] * 99
    event = fire(trigger())
    assert (event["outcome"], event["retryable"]) == ("failed", True)


def test_it_connects_again_when_it_is_refused_and_gives_up_in_the_end(store: FakeStore) -> None:
    store.refuse["GETFILESTATUS"] = refusal(403, "AccessControlException")
    event = fire(trigger())
    assert (event["outcome"], event["retryable"]) == ("failed", False)
    assert "AccessControlException" in event["message"]
    assert store.made == 3  # type: ignore[attr-defined]


def test_a_path_that_can_never_be_there_fails_at_once(store: FakeStore) -> None:
    event = fire(trigger(path="/d/../f"))
    assert (event["outcome"], event["retryable"]) == ("failed", False)
    assert store.requests == []


def test_it_reads_back_from_plain_json_without_secrets() -> None:
    made = trigger(account="a", minimum_size=1, minimum_age=2.5, minimum_count=3)
    path, kwargs = made.serialize()
    assert path == f"{DataLakeStorePathTrigger.__module__}.{DataLakeStorePathTrigger.__qualname__}"
    assert DataLakeStorePathTrigger(**json.loads(json.dumps(kwargs))).serialize() == (path, kwargs)


def test_the_constructor_takes_anything() -> None:
    DataLakeStorePathTrigger(conn_id="", path="", minimum_size=-1, poll_interval=-1)
    with pytest.raises(ConfigurationError):
        DataLakeStorePathTrigger(conn_id="", path="").is_met(FakeStore().client())
