"""The pytest plugin as a user has it: an empty folder, a DAG, a test, nothing configured."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "testing.md").read_text()
FILE = re.compile(r"<!-- file: (\S+) -->\n```python\n(.*?)```", re.DOTALL)


def run_pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user would, without this checkout's settings and Airflow."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "PYTEST", "DATALAKE_EMULATOR"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**clean, "HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_documented_test_passes(tmp_path: Path) -> None:
    for name, text in FILE.findall(DOCUMENT):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = run_pytest(tmp_path, "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_documented_test_fails_when_the_dag_is_wrong(tmp_path: Path) -> None:
    for name, text in FILE.findall(DOCUMENT):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("SUM(amount) AS", "MAX(amount) AS"))
    done = run_pytest(tmp_path, "tests")
    assert done.returncode == 1
    assert "1 failed" in done.stdout


def test_the_documented_test_is_ten_lines_long() -> None:
    test = dict(FILE.findall(DOCUMENT))["tests/test_daily_sales.py"]
    assert len([line for line in test.splitlines() if line.strip()]) <= 10


def test_every_test_finds_the_emulator_empty_and_its_own_environment(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
import os

import pytest


@pytest.mark.parametrize("number", [1, 2])
def test_it_is_empty(datalake_emulator, number):
    assert datalake_emulator.list_files() == []
    assert datalake_emulator.address in os.environ["AIRFLOW_CONN_ODPS_DEFAULT"]
    datalake_emulator.sql("CREATE TABLE t (a BIGINT)")
    datalake_emulator.sql("INSERT INTO t VALUES (1)")
    assert datalake_emulator.table_rows("t") == [{"a": 1}]
    datalake_emulator.write_file("/raw/a.txt", "text")
    assert datalake_emulator.list_files() == ["/raw/a.txt"]
    assert datalake_emulator.read_file("/raw/a.txt") == b"text"


def test_the_environment_is_as_before():
    assert os.environ["AIRFLOW_CONN_ODPS_DEFAULT"] == "mine"
    assert "AIRFLOW_CONN_ADLA_DEFAULT" not in os.environ
""",
    )
    done = run_pytest(tmp_path, AIRFLOW_CONN_ODPS_DEFAULT="mine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_each_worker_of_xdist_has_its_own_emulator(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", range(8))
def test_it_is_empty(datalake_emulator, number):
    assert datalake_emulator.list_files() == []
    datalake_emulator.write_file("/a.txt", "text")
    Path(os.environ["ADDRESSES"], f"{number}").write_text(datalake_emulator.address)
    assert datalake_emulator.list_files() == ["/a.txt"]
""",
    )
    addresses = tmp_path / "addresses"
    addresses.mkdir()
    done = run_pytest(tmp_path, "-n", "2", ADDRESSES=str(addresses))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len({path.read_text() for path in addresses.iterdir()}) == 2


def test_a_session_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
import os
import signal
from pathlib import Path


def test_it(datalake_emulator):
    Path("address").write_text(datalake_emulator.address)
    os.kill(os.getpid(), signal.SIGKILL)
""",
    )
    assert run_pytest(tmp_path).returncode == -signal.SIGKILL
    port = int((tmp_path / "address").read_text().rpartition(":")[2])
    deadline = time.monotonic() + 30
    while answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_session_leaves_no_process(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
def test_it(datalake_emulator):
    print("RUNS AT", datalake_emulator.address)
""",
    )
    done = run_pytest(tmp_path, "-s")
    found = re.search(r"RUNS AT http://127.0.0.1:(\d+)", done.stdout)
    assert found, done.stdout
    assert not answers(int(found[1]))


def test_a_run_tells_states_and_xcoms_of_all_its_tasks(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
from datetime import UTC, datetime

from airflow.sdk import dag, task


@dag(schedule=None)
def numbers():
    @task
    def count(dag_run=None):
        return dag_run.conf["numbers"]

    @task
    def square(number, ti=None):
        ti.xcom_push(key="number", value=number)
        return number * number

    @task
    def total(values):
        raise ValueError("no total")

    @task
    def after(value):
        return value

    @task
    def day(ds=None):
        return ds

    after(total(square.expand(number=count())))
    day()


def test_it(datalake_emulator):
    run = datalake_emulator.run_dag(
        numbers(), conf={"numbers": [2, 3]}, logical_date=datetime(2024, 1, 2, tzinfo=UTC)
    )
    assert run.state == "failed"
    assert run.states == {
        "after": "upstream_failed",
        "count": "success",
        "day": "success",
        "square[0]": "success",
        "square[1]": "success",
        "total": "failed",
    }
    assert run.xcoms == {"count": [2, 3], "day": "2024-01-02", "square[0]": 4, "square[1]": 9}
    assert run.all_xcoms["square[1]", "number"] == 3
""",
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_task_that_defers_waits_for_its_trigger(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
import threading
import time

from airflow.sdk import DAG

from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor


with DAG("defers", schedule=None) as defers:
    DataLakeStorePathSensor(task_id="file", path="/raw/a.txt", deferrable=True, poke_interval=0.5, timeout=60)


def test_it(datalake_emulator, caplog):
    def write_when_deferred():
        while "running trigger in line" not in caplog.text:
            time.sleep(0.05)
        datalake_emulator.write_file("/raw/a.txt", "text")

    threading.Thread(target=write_when_deferred, daemon=True).start()
    assert datalake_emulator.run_dag(defers).states == {"file": "success"}
""",
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_airflow_database_of_the_user_is_used(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
from airflow.sdk import DAG


def test_it(datalake_emulator):
    assert datalake_emulator.run_dag(DAG("mine", schedule=None)).state == "success"
""",
    )
    home = str(tmp_path / "airflow")
    environment = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True, timeout=240)
    done = run_pytest(tmp_path, AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False")
    assert done.returncode == 0, done.stdout + done.stderr
    with contextlib.closing(sqlite3.connect(Path(home, "airflow.db"))) as connection:
        assert connection.execute("SELECT dag_id FROM dag_run").fetchall() == [("mine",)]


def test_an_airflow_database_of_the_user_must_be_set_up(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
from airflow.sdk import DAG


def test_it(datalake_emulator):
    datalake_emulator.run_dag(DAG("empty", schedule=None))
""",
    )
    done = run_pytest(tmp_path, AIRFLOW_HOME=str(tmp_path / "airflow"))
    assert done.returncode == 1
    assert "run `airflow db migrate`, or unset AIRFLOW_HOME" in done.stdout


def test_a_seed_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_it="""
def test_it(datalake_emulator):
    datalake_emulator.seed("missing.csv", table="t")
""",
    )
    done = run_pytest(tmp_path)
    assert "ValueError: datalake-emulator: there is no file or folder missing.csv" in done.stdout


def test_arguments_reach_the_emulator_and_its_connections(tmp_path: Path) -> None:
    write(
        tmp_path,
        conftest="""
import pytest


@pytest.fixture(scope="session")
def datalake_emulator_arguments():
    return ["--project", "mine", "--secret=s3cr3t"]
""",
        test_it="""
def test_it(datalake_emulator, tmp_path):
    (tmp_path / "a.csv").write_text("a\\n1\\n")
    datalake_emulator.seed(tmp_path / "a.csv", table="mine.t")
    assert datalake_emulator.sql("SELECT a FROM mine.t LIMIT 1") == [{"a": 1}]
""",
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_emulator_that_does_not_start_says_why(tmp_path: Path) -> None:
    write(
        tmp_path,
        conftest="""
import pytest


@pytest.fixture(scope="session")
def datalake_emulator_arguments():
    return ["--project", "no good"]
""",
        test_it="""
def test_it(datalake_emulator):
    pass
""",
    )
    done = run_pytest(tmp_path)
    assert "datalake-emulator did not start" in done.stdout
    assert "invalid project name 'no good'" in done.stdout


def test_the_plugin_loads_nothing_heavy() -> None:
    code = """
import sys
import pytest
before = set(sys.modules)
import airflow_provider_datalake.testing.plugin
added = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(added))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['airflow_provider_datalake']"
