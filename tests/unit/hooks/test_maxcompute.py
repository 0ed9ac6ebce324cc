"""The hook without a service: laziness, configuration, form."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

HEAVY = ("odps", "pandas", "pyarrow", "azure", "requests", "duckdb", "sqlglot")


@pytest.mark.parametrize(
    "module",
    [
        "airflow_provider_datalake.hooks.maxcompute",
        "airflow_provider_datalake.transfers.object_storage_to_maxcompute",
        "airflow_provider_datalake.transfers.maxcompute_to_object_storage",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = (
        "import sys, airflow.sdk\nfrom airflow.sdk import BaseOperator, BaseHook\nbefore = set(sys.modules)\n"
        f"import {module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules and name not in before])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip().splitlines()[-1] == "[]"


def test_constructor_does_no_input_or_output() -> None:
    hook = MaxComputeHook(odps_conn_id="does_not_exist", project="p", schema="s", hints={"a": 1})
    assert (hook.get_conn_id(), hook.project, hook.schema, hook.hints) == (
        "does_not_exist",
        "p",
        "s",
        {"a": 1},
    )


def test_default_connection() -> None:
    assert MaxComputeHook().get_conn_id() == "odps_default"


def _connection(**fields: Any) -> Connection:
    extra = fields.pop("extra", {"project": "demo"})
    return Connection(
        **{
            "conn_id": "c",
            "conn_type": "odps",
            "host": "http://127.0.0.1:9/api",
            "login": "id",
            "password": "secret",
            "extra": extra if isinstance(extra, str) else json.dumps(extra),
            **fields,
        }  # fmt: skip
    )


def test_connection_that_was_fetched_already_is_used() -> None:
    settings = MaxComputeHook("c", project="other").settings(_connection())
    assert (settings.conn_id, settings.project, settings.access_id) == ("c", "other", "id")


def test_connection_hook_and_operators_find_the_class() -> None:
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    hook = ProvidersManagerTaskRuntime().hooks["odps"]
    assert hook is not None
    assert hook.hook_class_name == "airflow_provider_datalake.hooks.maxcompute.MaxComputeHook"
    assert hook.connection_id_attribute_name == "odps_conn_id"


@pytest.mark.parametrize(
    ("extra", "field"), [("{", "extra"), ({}, "project"), ({"project": "p", "timezone": "x"}, "timezone")]
)
def test_job_service_of_a_bad_connection_is_refused_in_a_trigger_too(
    extra: Any, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(_: str) -> Connection:
        return _connection(extra=extra)

    monkeypatch.setattr(MaxComputeHook, "aget_connection", staticmethod(fetch))
    with pytest.raises(ConfigurationError, match=rf"Connection 'c', field '{field}'"):
        asyncio.run(MaxComputeHook("c").aget_job_service())


def test_job_service_carries_the_connections_time_zone() -> None:
    service = MaxComputeHook("c").job_service(
        _connection(extra={"project": "demo", "timezone": "Europe/Berlin"})
    )
    assert service._hints == {"odps.sql.timezone": "Europe/Berlin"}


def test_test_connection_of_a_bad_connection_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_C", json.dumps({"conn_type": "odps", "host": "nowhere", "password": "hidden"})
    )
    success, message = MaxComputeHook("c").test_connection()
    assert not success
    assert "Connection 'c', field 'project': missing" in message
    assert "hidden" not in message


def test_url_for_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_C", _connection().as_json())
    hook = MaxComputeHook("c")
    assert hook.get_uri() == "odps://id:secret@demo?endpoint=http%3A%2F%2F127.0.0.1%3A9%2Fapi"
    assert "secret" not in str(hook.sqlalchemy_url)


def test_url_for_sqlalchemy_needs_a_plain_access_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_C", _connection(extra={"project": "demo", "sts_token": "token"}).as_json()
    )
    with pytest.raises(ConfigurationError, match="'c': SQLAlchemy needs an access key"):
        MaxComputeHook("c").get_uri()
