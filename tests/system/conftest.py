"""
One real Airflow and one real emulator for all system tests.

All tests below this folder run in one process of pytest-xdist (``--dist loadgroup``), so that a single Airflow serves
them. How to write one::

    def test_something(stack, add_dag, emulator):
        add_dag('''
            from airflow.sdk import dag
            from airflow_provider_datalake.operators.maxcompute import MaxComputeSQLOperator

            @dag(schedule=None)
            def my_dag():
                MaxComputeSQLOperator(task_id="sql", sql="SELECT 1", deferrable=True)

            my_dag()
        ''')                                               # or add_dag(Path("example_dags/x.py")); waits for the parse
        run_id = stack.api.trigger("my_dag", {"param": 1})
        stack.api.wait_for_task("my_dag", run_id, "sql", ["deferred"])
        pid = stack.task_process("my_dag", run_id, "sql")  # the process that executes it right now; os.kill(pid, 9)
        stack.kill("triggerer"); stack.restart("triggerer")
        assert stack.api.wait_for_run("my_dag", run_id)["state"] == "success"

The example DAGs are there from the start; `flights` is a finished run of flights_maxcompute,
`usql_flights` one of flights_usql, `lakehouse` one of lakehouse.
`stack` is a `demo.stack.AirflowStack`, its `api` a `demo.airflow_api.AirflowApi` (trigger, clear, set_state, log, xcom,
links, create_connection, ...). The default connections point at `emulator`, a
`demo.emulator_process.EmulatorProcess` (url, client(), stop, kill, start). For an emulator of your own use the factory
`new_emulator(**arguments)` and `stack.api.create_connection("mine", "odps", **emulator.connection)`.
Give every test its own DAG ids and table names.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.demo import MONTHS, run_pipeline
from demo.emulator_process import EmulatorProcess
from demo.expected import Expected
from demo.playground import DAG_ID, LAKEHOUSE_DAG_ID, PRELOAD, ROOT, USQL_DAG_ID
from demo.stack import AirflowStack

HERE = Path(__file__).parent

AddDag = Callable[[str | Path], None]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.xdist_group("airflow"))


@pytest.fixture(scope="session")
def new_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., EmulatorProcess]]:
    """Start further emulators; all are stopped at the end of the session."""
    started: list[EmulatorProcess] = []

    def start(**arguments: Any) -> EmulatorProcess:
        emulator = EmulatorProcess(tmp_path_factory.mktemp("emulator"), **arguments)
        started.append(emulator)
        emulator.start()
        return emulator

    yield start
    for emulator in started:
        emulator.stop()


@pytest.fixture(scope="session")
def emulator(new_emulator: Callable[..., EmulatorProcess]) -> EmulatorProcess:
    """The emulator behind the default connections."""
    return new_emulator()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example DAGs export to."""
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, emulator: EmulatorProcess, storage: Path
) -> Iterator[AirflowStack]:
    """A running Airflow with a DAG folder of its own, in which are the example DAGs."""
    dags_folder = tmp_path_factory.mktemp("dags")
    shutil.copytree(ROOT / "example_dags", dags_folder, dirs_exist_ok=True)
    with AirflowStack(
        tmp_path_factory.mktemp("airflow"),
        dags_folder=dags_folder,
        environment={**emulator.environment, "FLIGHTS_STORAGE": storage.as_uri()},
        preload=PRELOAD,
    ) as running:
        yield running


@dataclass(frozen=True)
class FlightsRun:
    """A successful run of the example pipeline, and what it has to come to."""

    run_id: str
    expected: Expected


@pytest.fixture(scope="session")
def flights(stack: AirflowStack) -> FlightsRun:
    """The first run of the example pipeline, over all months."""
    stack.api.wait_for_dags(lambda found: DAG_ID in found)
    run_id = run_pipeline(stack.api, on_poll=lambda tasks: None)
    return FlightsRun(run_id, Expected(MONTHS))


@pytest.fixture(scope="session")
def usql_flights(stack: AirflowStack, flights: FlightsRun) -> FlightsRun:
    """The first run of the example pipeline over the store and U-SQL."""
    stack.api.wait_for_dags(lambda found: USQL_DAG_ID in found)
    run_id = run_pipeline(stack.api, on_poll=lambda tasks: None, dag_id=USQL_DAG_ID)
    return FlightsRun(run_id, flights.expected)


@pytest.fixture(scope="session")
def lakehouse(stack: AirflowStack) -> FlightsRun:
    """The first run of the pipeline over all three services, over two months."""
    months = MONTHS[:2]
    stack.api.wait_for_dags(lambda found: LAKEHOUSE_DAG_ID in found)
    run_id = run_pipeline(
        stack.api, on_poll=lambda tasks: None, dag_id=LAKEHOUSE_DAG_ID, conf={"months": months}
    )
    return FlightsRun(run_id, Expected(months))


@pytest.fixture(scope="session")
def add_dag(stack: AirflowStack) -> AddDag:
    """Put a DAG file, or the source of one, into the DAG folder and wait until its DAGs are there."""
    counter = iter(range(10_000))

    def add(source: str | Path) -> None:
        before = {dag["dag_id"] for dag in stack.api.dags()}
        code = source.read_text() if isinstance(source, Path) else textwrap.dedent(source)
        name = source.name if isinstance(source, Path) else f"dag_{next(counter)}.py"
        (stack.dags_folder / name).write_text(code)
        stack.api.wait_for_dags(lambda found: bool(found - before))

    return add
