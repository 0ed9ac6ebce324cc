from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_datalake.hooks.ml_studio import MLStudioHook
from airflow_provider_datalake.triggers.ml_studio import MLStudioDatasetTrigger
from tests.unit.clients.studio_fakes import BROKEN, FakeStudio, refusal


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    """A workspace that all hooks reach."""
    fake = FakeStudio()

    async def connect(self: MLStudioHook) -> Any:
        return fake.workspace()

    monkeypatch.setattr(MLStudioHook, "aget_client", connect)
    return fake


def fire(**kwargs: Any) -> dict[str, Any]:
    made = MLStudioDatasetTrigger(**{"conn_id": "c", "dataset": "d", "poll_interval": 0.01, **kwargs})

    async def first() -> Any:
        async with asyncio.timeout(10):
            return (await anext(made.run())).payload

    return asyncio.run(first())


def appears_after(studio: FakeStudio, looks: int, **fields: Any) -> None:
    listing, seen = studio._list, []

    def look(request: Any) -> Any:
        seen.append(request)
        if len(seen) == looks:
            studio.add("d", **fields)
        return listing(request)

    studio._list = look  # type: ignore[method-assign]


def test_it_fires_once_the_dataset_is_there(studio: FakeStudio) -> None:
    appears_after(studio, 3)
    assert fire() == {"outcome": "met"}
    assert studio.ops() == ["list"] * 3


def test_it_fires_once_there_is_another_version(studio: FakeStudio) -> None:
    old = studio.add("d")
    appears_after(studio, 2, FamilyId=old["FamilyId"])
    assert fire(changed_since=old["Id"]) == {"outcome": "met"}


def test_it_survives_a_service_that_does_not_answer(studio: FakeStudio) -> None:
    studio.add("d")
    studio.fates["list"] = [BROKEN, BROKEN]
    assert fire() == {"outcome": "met"}


def test_it_gives_up_where_waiting_does_not_help(studio: FakeStudio) -> None:
    event = fire(newer_than="soon")
    assert event["outcome"] == "failed"
    assert event["retryable"] is False
    assert "newer_than must be an ISO time" in event["message"]


def test_it_connects_again_before_it_gives_up_on_a_refused_token(studio: FakeStudio) -> None:
    studio.refuse["list"] = [refusal(401, "Unauthorized") for _ in range(2)]
    studio.add("d")
    assert fire() == {"outcome": "met"}
