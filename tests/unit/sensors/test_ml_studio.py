from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.module_loading import import_string

from airflow_provider_datalake.exceptions import ServiceError
from airflow_provider_datalake.hooks.ml_studio import MLStudioHook
from airflow_provider_datalake.sensors.ml_studio import MLStudioDatasetSensor
from tests.unit.clients.studio_fakes import BROKEN, CREATED, FakeStudio, refusal

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")

CONTEXT: Any = {"ti": SimpleNamespace(start_date=datetime.now(tz=UTC))}
MADE = datetime.fromtimestamp(CREATED / 1000, UTC)


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    """A workspace that all hooks reach."""
    fake = FakeStudio()
    monkeypatch.setattr(MLStudioHook, "get_client", lambda self: fake.workspace())
    return fake


def sensor(**kwargs: Any) -> MLStudioDatasetSensor:
    return MLStudioDatasetSensor(**{"task_id": "s", "dataset": "d", "poke_interval": 0.01, **kwargs})


def test_a_dataset_is_waited_for(studio: FakeStudio) -> None:
    studio.add("D")
    assert sensor().poke(CONTEXT) is False
    studio.add("d")
    assert sensor().poke(CONTEXT) is True


@pytest.mark.parametrize(
    ("newer_than", "met"),
    [
        (MADE - timedelta(milliseconds=1), True),
        (MADE, False),
        ((MADE - timedelta(seconds=1)).isoformat(), True),
        (MADE.replace(tzinfo=None).isoformat(), False),
        ("2014-12-13T12:24:27+08:00", True),
        ("", True),
    ],
    ids=["earlier", "equal", "text", "no zone", "another zone", "rendered to nothing"],
)
def test_a_version_must_be_newer(studio: FakeStudio, newer_than: Any, met: bool) -> None:
    studio.add("d")
    assert sensor(newer_than=newer_than).poke(CONTEXT) is met


def test_a_version_must_have_changed(studio: FakeStudio) -> None:
    old = studio.add("d")
    assert sensor(changed_since=old["Id"]).poke(CONTEXT) is False
    studio.add("d", FamilyId=old["FamilyId"])
    assert sensor(changed_since=old["Id"]).poke(CONTEXT) is True


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"newer_than": "soon"}, "newer_than must be an ISO time, got 'soon'"),
        ({"dataset": ""}, "needs a name"),
    ],
    ids=["time", "name"],
)
def test_what_makes_no_sense_fails_at_once(studio: FakeStudio, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(AirflowFailException, match=words):
        sensor(**fields).poke(CONTEXT)


def test_a_wrong_token_fails_at_once(studio: FakeStudio) -> None:
    studio.refuse["list"] = [refusal(401, "Unauthorized")]
    with pytest.raises(AirflowFailException, match="Connection 'studio': list datasets: Unauthorized"):
        sensor().poke(CONTEXT)


def test_a_service_that_does_not_answer_may_do_so_later(studio: FakeStudio) -> None:
    studio.fates["list"] = [BROKEN]
    with pytest.raises(ServiceError):
        sensor().poke(CONTEXT)


def test_it_defers_to_a_trigger_that_can_be_made_anew(studio: FakeStudio) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor(newer_than=MADE, changed_since="w.1", deferrable=True).execute(CONTEXT)
    path, arguments = deferred.value.trigger.serialize()
    assert json.loads(json.dumps(arguments)) == {
        "conn_id": "azureml_studio_default",
        "dataset": "d",
        "newer_than": MADE.isoformat(),
        "changed_since": "w.1",
        "poll_interval": 0.01,
    }
    assert import_string(path)(**arguments).serialize() == (path, arguments)


def test_a_condition_that_is_met_needs_no_trigger(studio: FakeStudio) -> None:
    studio.add("d")
    assert sensor(deferrable=True).execute(CONTEXT) is None
