"""
No credential may be readable where people and other tasks look: logs, XComs, rendered fields, trigger rows, any other
row of the metadata database, or the list of processes.

A Logview address carries a token that opens the page of one instance, read only, for a few hours. It is the link on
the task's page, so it is in the XCom behind that link, by design, and nowhere else: logs mask it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import AddDag, FlightsRun

LINK_KEY = "maxcompute_logview"
DEFERRED_DAG = "secrets_deferred"


@pytest.fixture(scope="module")
def deferred(
    stack: AirflowStack, flights: FlightsRun, usql_flights: FlightsRun, add_dag: AddDag
) -> Iterator[str]:
    """A task that waits in the triggerer right now, so that there is a trigger row to look at."""
    add_dag(f'''
        from airflow.sdk import dag
        from airflow_provider_datalake.sensors.maxcompute import MaxComputeTableSensor

        @dag(dag_id="{DEFERRED_DAG}", schedule=None)
        def waiting():
            MaxComputeTableSensor(task_id="wait", table="no_such_table", deferrable=True, timeout=600)

        waiting()
    ''')
    run_id = stack.api.trigger(DEFERRED_DAG)
    stack.api.wait_for_task(DEFERRED_DAG, run_id, "wait", ["deferred"])
    yield run_id
    stack.api.set_state(DEFERRED_DAG, run_id, "wait", "success")


def rows(database: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield table, dict(row)


def secrets_of(emulator: EmulatorProcess) -> list[str]:
    """The MaxCompute secret, and the token of the Azure connections."""
    azure = json.loads(emulator.environment["AIRFLOW_CONN_ADLA_DEFAULT"])["extra"]["bearer_token"]
    return [emulator.connection["password"], azure]


def as_text(row: dict[str, Any]) -> str:
    return " ".join(v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row.values())


@pytest.fixture(scope="module")
def tokens(stack: AirflowStack, flights: FlightsRun) -> set[str]:
    """The tokens of all Logview addresses that the run made."""
    links = [
        as_text(row) for table, row in rows(stack.database) if table == "xcom" and row["key"] == LINK_KEY
    ]
    found = {match for link in links for match in re.findall(r"token=([^\"&\s]+)", link)}
    assert len(links) > 20
    assert found
    return found


def test_no_log_holds_a_secret_or_a_token(
    stack: AirflowStack, deferred: str, emulator: EmulatorProcess, tokens: set[str]
) -> None:
    secrets = [*secrets_of(emulator), *tokens]
    logs = [*(stack.home / "logs").rglob("*.log"), emulator.log]
    assert len(logs) > 50
    found = [
        (log.name, secret) for log in logs for secret in secrets if secret in log.read_text(errors="replace")
    ]
    assert found == []


def test_no_table_of_the_metadata_database_holds_the_secret(
    stack: AirflowStack, deferred: str, emulator: EmulatorProcess
) -> None:
    texts = [(table, as_text(row)) for table, row in rows(stack.database)]
    filled = {table for table, _ in texts}
    assert {"trigger", "xcom", "rendered_task_instance_fields", "task_instance"} <= filled
    for secret in secrets_of(emulator):
        assert [(table, text) for table, text in texts if secret in text] == []


def test_a_logview_token_is_only_in_the_link_itself(
    stack: AirflowStack, deferred: str, tokens: set[str]
) -> None:
    elsewhere = [
        (table, row)
        for table, row in rows(stack.database)
        if not (table == "xcom" and row["key"] == LINK_KEY) and any(token in as_text(row) for token in tokens)
    ]
    assert elsewhere == []


def test_no_command_line_holds_the_secret(
    stack: AirflowStack, deferred: str, emulator: EmulatorProcess, tokens: set[str]
) -> None:
    lines = [
        path.read_bytes().decode(errors="replace")
        for pid in [*stack.pids, *emulator.pids]
        if (path := Path(f"/proc/{pid}/cmdline")).exists()
    ]
    assert len(lines) > 5
    secrets = [*secrets_of(emulator), *tokens]
    assert [line for line in lines if any(secret in line for secret in secrets)] == []


def test_a_return_value_is_small_and_holds_no_data(stack: AirflowStack, flights: FlightsRun) -> None:
    values = [row["value"] for table, row in rows(stack.database) if table == "xcom"]
    assert max(len(value if isinstance(value, str) else json.dumps(value)) for value in values) < 4000
