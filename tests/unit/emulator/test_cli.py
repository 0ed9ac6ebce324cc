from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_datalake.emulator import cli
from airflow_provider_datalake.emulator.config import Config, is_loopback


def test_env_prints_a_connection_that_a_shell_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["env", "--port", "9000", "--project", "p1", "--secret", "it's"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    word, assignment = shlex.split(line)
    name, _, value = assignment.partition("=")
    assert (word, name) == ("export", "AIRFLOW_CONN_ODPS_DEFAULT")
    assert json.loads(value) == {
        "conn_type": "odps",
        "host": "http://127.0.0.1:9000/api",
        "login": "emulator",
        "password": "it's",
        "extra": {"project": "p1"},
    }


def test_env_prints_the_documented_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["env"])
    assert capsys.readouterr().out.splitlines()[0] == (
        'export AIRFLOW_CONN_ODPS_DEFAULT=\'{"conn_type":"odps","host":"http://127.0.0.1:8765/api",'
        '"login":"emulator","password":"emulator-secret","extra":{"project":"demo"}}\''
    )


def test_env_prints_the_connections_of_the_azure_services(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["env", "--port", "9000", "--bearer-token", "t"])
    printed = dict(shlex.split(line)[1].split("=", 1) for line in capsys.readouterr().out.splitlines())
    azure = {
        "bearer_token": "t",
        "subscription_id": "00000000-0000-0000-0000-000000000001",
        "resource_group": "emulator",
        "resource_manager_url": "http://127.0.0.1:9000/arm",
    }
    assert json.loads(printed["AIRFLOW_CONN_ADLA_DEFAULT"]) == {
        "conn_type": "adla",
        "host": "http://127.0.0.1:9000/adla/emulator",
        "extra": azure,
    }
    assert json.loads(printed["AIRFLOW_CONN_ADLS_GEN1_DEFAULT"]) == {
        "conn_type": "adls_gen1",
        "host": "http://127.0.0.1:9000/adls/emulator",
        "extra": azure,
    }


def test_env_prints_the_connection_of_ml_studio(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["env", "--port", "9000", "--studio-workspace", "w", "--studio-token", "t"])
    printed = dict(shlex.split(line)[1].split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert json.loads(printed["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"]) == {
        "conn_type": "azureml_studio",
        "host": "http://127.0.0.1:9000/studio/",
        "login": "w",
        "password": "t",
    }


def test_env_names_the_real_hosts_behind_the_proxy(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["env", "--port", "9000", "--tls-proxy", "9001"])
    printed = dict(shlex.split(line)[1].split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert json.loads(printed["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"])["host"] == "https://studio.azureml.net"
    assert json.loads(printed["AIRFLOW_CONN_ADLS_GEN1_DEFAULT"])["host"] == "emulator.azuredatalakestore.net"
    assert printed["HTTPS_PROXY"] == "http://127.0.0.1:9001"


def test_credentials_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATALAKE_EMULATOR_SECRET", "from-env")
    monkeypatch.setenv("DATALAKE_EMULATOR_STUDIO_TOKEN", "studio-from-env")
    cli.main(["env"])
    printed = capsys.readouterr().out
    assert '"password":"from-env"' in printed
    assert '"password":"studio-from-env"' in printed


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve", "--port", "x"],
        ["serve", "--port", "70000"],
        ["serve", "--workers", "0"],
        ["wait", "--timeout", "soon"],
        ["stop", "--timeout", "-1"],
        ["seed", "file.csv"],
        ["seed", "file.csv", "--table", "t", "--path", "/p"],
        ["seed", "file.csv", "--table", "t", "--column", "a"],
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_secrets_do_not_show_in_the_settings_text() -> None:
    assert "s3cr3t" not in repr(
        Config(
            Path("/x"),
            secret="s3cr3t",
            bearer_token="s3cr3t",
            page_token="s3cr3t",
            studio_token="s3cr3t",
            studio_second_token="s3cr3t",
        )
    )


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_server_starts_without_the_engines_of_queries() -> None:
    # They take longer to load than the first answer may take.
    code = (
        "import sys, airflow_provider_datalake.emulator.server\n"
        "print([m for m in ('duckdb', 'pyarrow', 'sqlglot', 'odps', 'pandas', 'numpy', 'jinja2', 'airflow')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
