"""`make demo`: run the example pipelines in a real Airflow against the emulator, and check what they made."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from demo.airflow_api import BrokenDag
from demo.expected import Expected
from demo.interrupts import Interrupted, raise_on_signals
from demo.lakehouse_report import (
    TRAINING_DAG_ID,
    datasets_of,
    downstream_runs,
    hashes_of,
    lakehouse_differences,
    model_differences,
)
from demo.playground import DAG_ID, DAG_IDS, LAKEHOUSE_DAG_ID, USQL_DAG_ID, playground
from demo.processes import ProcessDied
from demo.report import make_report
from demo.stack import clean_this_process
from demo.usql_report import usql_differences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demo.airflow_api import AirflowApi, Json
    from demo.playground import Playground

MONTHS = [f"2013-{month:02}" for month in range(1, 13)]
WORTH_TELLING = {"running", "deferred", "up_for_retry", "success", "failed", "upstream_failed", "skipped"}


class DemoFailed(Exception):
    """The run or its data is not right; the message says how."""


class Progress:
    """Prints a line whenever a task instance has changed its state."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._states: dict[tuple[str, int], str] = {}

    def __call__(self, tasks: Sequence[Json]) -> None:
        for task in sorted(tasks, key=lambda task: (task["start_date"] or "~", task["map_index"])):
            key = (task["task_id"], task["map_index"])
            state = task["state"] or "waiting"
            if state in WORTH_TELLING and self._states.get(key) != state:
                self._states[key] = state
                seconds = time.monotonic() - self._started
                print(f"{seconds:6.1f} s  {label(task):<34} {state}", flush=True)


def label(task: Json) -> str:
    """
    Name a task instance as the UI does.

    :param task: the task instance as Airflow describes it
    :return: its id, with the part of a mapped one in brackets
    """
    if task["map_index"] < 0:
        return str(task["task_id"])
    return f"{task['task_id']}[{task['rendered_map_index'] or task['map_index']}]"


def run_pipeline(
    api: AirflowApi,
    on_poll: Callable[[Sequence[Json]], None],
    dag_id: str = DAG_ID,
    conf: Json | None = None,
) -> str:
    """
    Trigger a DAG and wait for its end, or for the first task that fails for good.

    :param api: Airflow's
    :param on_poll: called with the run's task instances at every look
    :param dag_id: the DAG
    :param conf: values of its parameters, None for its own
    :return: the run's id
    :raises DemoFailed: when a task does not succeed, with its log, or there is another new run
    """
    earlier = {one["dag_run_id"] for one in api.runs(dag_id)}
    run_id = api.trigger(dag_id, conf)

    def look(tasks: Sequence[Json]) -> None:
        on_poll(tasks)
        failed = [task for task in tasks if task["state"] == "failed"]
        if failed:
            logs = [
                f"--- log of {label(task)}\n{end_of_log(api, dag_id, run_id, task)}" for task in failed[:3]
            ]
            raise DemoFailed("\n".join([f"{len(failed)} tasks have failed", *logs]))

    run = api.wait_for_run(dag_id, run_id, timeout=600, on_poll=look)
    # A run whose last tasks were skipped is a success to Airflow.
    others = [label(task) for task in api.task_instances(dag_id, run_id) if task["state"] != "success"]
    if run["state"] != "success" or others:
        raise DemoFailed(f"the run has ended as {run['state']}, without success of {', '.join(others)}")
    new = {one["dag_run_id"] for one in api.runs(dag_id)} - earlier
    if new != {run_id}:
        raise DemoFailed(f"there should be one new run, there are {len(new)}")
    return run_id


def end_of_log(api: AirflowApi, dag_id: str, run_id: str, task: Json) -> str:
    """
    Read the end of the log of a task instance's last try.

    :param api: Airflow's
    :param dag_id: the DAG
    :param run_id: the run
    :param task: the task instance as Airflow describes it
    :return: its last lines
    """
    log = api.log(dag_id, run_id, task["task_id"], try_number=task["try_number"], map_index=task["map_index"])
    return "\n".join(log.splitlines()[-40:])


def run_lakehouse(running: Playground, expected: Expected) -> list[str]:
    """
    Run the pipeline over all services twice: the second run must change nothing but the dataset's version.

    :param running: where it runs
    :param expected: the truth
    :return: every difference
    """
    api, emulator = running.airflow.api, running.emulator
    differences: list[str] = []
    seen = []
    for times in (1, 2):
        print(f"running   {LAKEHOUSE_DAG_ID}, run {times}", flush=True)
        run_pipeline(api, Progress(), LAKEHOUSE_DAG_ID)
        training_run = downstream_runs(api, times)
        differences += lakehouse_differences(emulator, running.storage, expected)
        differences += model_differences(api.xcom(TRAINING_DAG_ID, training_run, "fit"), expected)
        seen.append((datasets_of(emulator), hashes_of(emulator)))
    (first, files), (second, files_again) = seen
    if [len(first), len(second)] != [1, 1] or first[0].family_id != second[0].family_id:
        differences.append(f"there should be one dataset, there were {first} and are {second}")
    elif first[0].id == second[0].id:
        differences.append("the second run did not update the dataset")
    if files != files_again:
        differences.append("the second run has changed files of the store")
    return differences


def demo() -> None:
    """Run the pipelines and check everything that they made."""
    with playground("demo", fresh=True) as running:
        expected = Expected(MONTHS)
        for dag_id in (DAG_ID, USQL_DAG_ID):
            print(f"running   {dag_id}", flush=True)
            run_pipeline(running.airflow.api, Progress(), dag_id)
        differences = run_lakehouse(running, expected)
        report = make_report(running.emulator.client(), running.storage, expected)
        print(f"\n{report}\n", flush=True)
        report.differences += usql_differences(running.emulator, expected) + differences
        if report.differences:
            raise DemoFailed("\n".join(["the data is not right:", *report.differences]))
        print("every number is the one that pandas computes from the source files")
        for dag_id in DAG_IDS:
            print(f"Airflow:  {running.airflow.url}/dags/{dag_id}")
        print(f"emulator: {running.emulator.url}/")
        print("to look at both with the pipelines in them: make serve", flush=True)


def main() -> int:
    """
    Run the demo.

    :return: the exit code, 0 only when the run and its data are right
    """
    raise_on_signals()
    clean_this_process()
    try:
        demo()
    except Interrupted as interrupt:
        print(f"stopped by {interrupt}", file=sys.stderr)
        return interrupt.exit_code
    except (DemoFailed, BrokenDag, ProcessDied, TimeoutError) as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
