"""What Airflow discovers about the provider is valid, static and true."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import airflow
import jsonschema
import pytest

from airflow_provider_datalake.get_provider_info import get_provider_info

INFO = get_provider_info()
SCHEMAS = Path(airflow.__file__).parent
# provider.yaml is a file of Airflow's own repository: these keys are about its build, and it must have them.
BUILD_KEYS = {"state": "ready", "source-date-epoch": 0, "versions": ["0.1.0"]}


def _schema(name: str) -> dict:
    return json.loads((SCHEMAS / name).read_text())


def _modules() -> list[str]:
    modules = [
        module
        for kind in ("hooks", "operators", "sensors", "triggers")
        for entry in INFO[kind]
        for module in entry["python-modules"]
    ]
    return modules + [entry["python-module"] for entry in INFO["transfers"]]


def test_is_valid_for_airflow_at_run_time() -> None:
    jsonschema.validate(INFO, _schema("provider_info.schema.json"))


def test_is_valid_for_the_stricter_schema_that_knows_connection_forms() -> None:
    jsonschema.validate({**INFO, **BUILD_KEYS}, _schema("provider.yaml.schema.json"))


def test_package_name_is_the_distributions() -> None:
    assert INFO["package-name"] == distribution("airflow-provider-datalake").name


def test_imports_nothing_but_the_package() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import airflow_provider_datalake.get_provider_info as m; m.get_provider_info()\n"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "['airflow_provider_datalake', 'airflow_provider_datalake.get_provider_info']"


@pytest.mark.parametrize("module", _modules())
def test_every_module_it_names_exists(module: str) -> None:
    assert importlib.import_module(module)


@pytest.mark.parametrize("path", INFO["extra-links"])
def test_every_link_it_names_exists(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("entry", INFO["connection-types"], ids=lambda entry: entry["connection-type"])
def test_connection_type_agrees_with_its_hook(entry: dict) -> None:
    module, _, name = entry["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert (hook.conn_type, hook.hook_name) == (entry["connection-type"], entry["hook-name"])
    assert hook.default_conn_name == f"{entry['connection-type']}_default"
    # Airflow derives the form's field names by splitting at two underscores.
    assert "__" not in entry["connection-type"]


def test_airflow_shows_the_form_of_data_lake_analytics() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "adla"]
    fields = form.extra_fields
    assert form.standard_fields.host.title == "Account"
    assert {name for name, field in fields.items() if field["schema"].get("format") == "password"} == {
        "bearer_token",
        "certificate_data",
        "certificate_password",
    }
    assert {"auth", "tenant_id", "subscription_id", "resource_group", "resource_manager_url"} <= set(fields)


def test_airflow_shows_the_connection_form() -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "odps"]
    fields = form.extra_fields
    assert form.hook_name == "MaxCompute (ODPS)"
    assert form.standard_fields.host.title == "Endpoint"
    assert form.standard_fields.port.hidden
    assert set(fields) == {
        "project", "schema", "tunnel_endpoint", "region", "quota", "sts_token", "bearer_token", "timezone",
        "connect_timeout", "read_timeout",
    }  # fmt: skip
    assert {name for name, field in fields.items() if field["schema"].get("format") == "password"} == {
        "sts_token",
        "bearer_token",
    }
