"""The hook without a service: laziness, configuration, lineage."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pandas as pd
import pytest

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.hooks.ml_studio import MLStudioHook
from tests.unit.clients.studio_fakes import FakeStudio

EMULATOR = {
    "conn_type": "azureml_studio",
    "host": "http://127.0.0.1:9/studio/",
    "login": "emulator",
    "password": "very-secret-token",
}


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_C", json.dumps({**EMULATOR, **fields}))

    set_to()
    return set_to


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    """A workspace that all hooks reach."""
    fake = FakeStudio()
    monkeypatch.setattr(MLStudioHook, "get_client", lambda self: fake.workspace())
    return fake


@pytest.fixture
def lineage(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []

    class Collector:
        def add_output_asset(self, context: Any, uri: str) -> None:
            told.append(("output", uri))

        def add_input_asset(self, context: Any, uri: str) -> None:
            told.append(("input", uri))

    monkeypatch.setattr("airflow.sdk.lineage.get_hook_lineage_collector", Collector)
    return told


def test_the_constructor_does_no_input_or_output() -> None:
    assert MLStudioHook("does_not_exist").azureml_studio_conn_id == "does_not_exist"
    assert MLStudioHook().azureml_studio_conn_id == "azureml_studio_default"


def test_the_client_reaches_the_workspace_of_the_connection(connection: Any) -> None:
    hook = MLStudioHook("c")
    client = hook.get_client()
    assert (client.calls.http.base_url, client.workspace_id) == ("http://127.0.0.1:9/studio", "emulator")
    assert hook.get_client() is client


def test_a_trigger_gets_a_client_too(connection: Any) -> None:
    assert asyncio.run(MLStudioHook("c").aget_client()).workspace_id == "emulator"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"login": ""}, "Connection 'c', field 'login': missing"),
        ({"password": ""}, "Connection 'c', field 'password': missing"),
        ({"host": "studio"}, "Connection 'c', field 'host': expected an http"),
        ({"extra": "{"}, "Connection 'c', field 'extra': not valid JSON"),
    ],
    ids=["login", "password", "host", "extra"],
)
def test_a_wrong_field_is_named(connection: Any, fields: dict[str, Any], words: str) -> None:
    connection(**fields)
    with pytest.raises(ConfigurationError, match=words):
        MLStudioHook("c").get_client()


def test_a_test_of_the_connection_says_what_is_wrong(connection: Any) -> None:
    ok, words = MLStudioHook("c").test_connection()
    assert ok is False
    assert words.startswith("Connection 'c': list datasets: the service cannot be reached")
    assert "very-secret-token" not in words


def test_bytes_and_frames_become_datasets(studio: FakeStudio, lineage: list[tuple[str, str]]) -> None:
    hook = MLStudioHook()
    frame = pd.DataFrame({"a": [1]})
    assert hook.create("d e", b"words", data_type_id="PlainText").size == 5
    assert hook.create("f", frame, data_type_id="GenericCSV").size == 4
    assert hook.read_dataframe("f").equals(frame)
    assert hook.update("f", pd.DataFrame({"a": [1, 2]}), name="g").name == "g"
    assert hook.update("g", b"a\n", description="words").description == "words"
    assert lineage == [
        ("output", "azureml-studio://w/d%20e"),
        ("output", "azureml-studio://w/f"),
        ("input", "azureml-studio://w/f"),
        ("output", "azureml-studio://w/g"),
        ("output", "azureml-studio://w/g"),
    ]
