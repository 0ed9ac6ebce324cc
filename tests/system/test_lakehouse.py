from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.lakehouse_report import (
    TRAINING_DAG_ID,
    datasets_of,
    downstream_runs,
    lakehouse_differences,
    model_differences,
)
from demo.playground import LAKEHOUSE_DAG_ID

if TYPE_CHECKING:
    from pathlib import Path

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import FlightsRun


@pytest.fixture(scope="module")
def training_run(stack: AirflowStack, lakehouse: FlightsRun) -> str:
    """The run that the pipeline's dataset has set off."""
    return downstream_runs(stack.api, 1)


def test_every_number_of_the_lakehouse_is_the_one_of_pandas(
    lakehouse: FlightsRun, training_run: str, emulator: EmulatorProcess, storage: Path
) -> None:
    assert lakehouse_differences(emulator, storage, lakehouse.expected) == []


def test_the_model_of_the_downstream_dag_is_the_one_of_pandas(
    stack: AirflowStack, lakehouse: FlightsRun, training_run: str
) -> None:
    model = stack.api.xcom(TRAINING_DAG_ID, training_run, "fit")
    assert model_differences(model, lakehouse.expected) == []


def test_no_task_of_the_lakehouse_needed_a_second_try(stack: AirflowStack, lakehouse: FlightsRun) -> None:
    tries = {
        (task["task_id"], task["map_index"]): task["try_number"]
        for task in stack.api.task_instances(LAKEHOUSE_DAG_ID, lakehouse.run_id)
    }
    assert set(tries.values()) == {1}, tries


def test_a_cleared_upload_makes_a_new_version_of_the_one_dataset(
    stack: AirflowStack, lakehouse: FlightsRun, training_run: str, emulator: EmulatorProcess, storage: Path
) -> None:
    (first,) = datasets_of(emulator)
    stack.api.clear(LAKEHOUSE_DAG_ID, lakehouse.run_id, ["training_set"])
    stack.api.wait_for_task(LAKEHOUSE_DAG_ID, lakehouse.run_id, "training_set", ["success"], try_number=2)
    (second,) = datasets_of(emulator)
    assert second.family_id == first.family_id
    assert second.id != first.id
    assert lakehouse_differences(emulator, storage, lakehouse.expected) == []
