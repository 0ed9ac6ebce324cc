from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from demo import guard
from demo.playground import DAG_ID, ROOT, USQL_DAG_ID
from demo.processes import poll
from demo.report import make_report
from demo.usql_report import DAILY, usql_differences

if TYPE_CHECKING:
    from pathlib import Path

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import FlightsRun


def test_every_number_is_the_one_of_pandas(
    flights: FlightsRun, emulator: EmulatorProcess, storage: Path
) -> None:
    assert make_report(emulator.client(), storage, flights.expected).differences == []


def test_no_task_needed_a_second_try(stack: AirflowStack, flights: FlightsRun) -> None:
    tries = {
        (task["task_id"], task["map_index"]): task["try_number"]
        for task in stack.api.task_instances(DAG_ID, flights.run_id)
    }
    assert set(tries.values()) == {1}, tries


def test_merging_leaves_one_file_per_month(flights: FlightsRun, emulator: EmulatorProcess) -> None:
    table = emulator.client().get_table("daily_delays")
    assert {partition.name: partition.file_num for partition in table.partitions} == {
        f"flight_month='{month}'": 1 for month in flights.expected.months
    }


def test_only_the_oldest_months_are_archived(flights: FlightsRun, emulator: EmulatorProcess) -> None:
    table = emulator.client().get_table("flights")
    archived = [partition.name for partition in table.partitions if partition.is_archived]
    assert archived == [f"flight_month='2013-{month:02}'" for month in (1, 2, 3)]


def test_merge_and_archive_log_files_and_sizes_before_and_after(
    stack: AirflowStack, flights: FlightsRun
) -> None:
    for task_id in ("merge_files", "archive_oldest"):
        log = stack.api.log(DAG_ID, flights.run_id, task_id, map_index=0)
        assert re.search(r"(?s)before.*after", log), log


@pytest.mark.parametrize("logical_date", [None, "2013-03-01T00:00:00Z"])
def test_a_run_over_some_months_changes_nothing_else(
    stack: AirflowStack,
    flights: FlightsRun,
    emulator: EmulatorProcess,
    storage: Path,
    logical_date: str | None,
) -> None:
    run_id = stack.api.trigger(DAG_ID, {"months": ["2013-02"]}, logical_date=logical_date)
    assert stack.api.wait_for_run(DAG_ID, run_id)["state"] == "success"
    assert make_report(emulator.client(), storage, flights.expected).differences == []


def test_a_month_that_the_data_does_not_have_is_refused_by_the_trigger(
    stack: AirflowStack, flights: FlightsRun
) -> None:
    with pytest.raises(Exception, match="2014-01"):
        stack.api.trigger(DAG_ID, {"months": ["2014-01"]})


def test_every_number_of_the_u_sql_pipeline_is_the_one_of_pandas(
    usql_flights: FlightsRun, emulator: EmulatorProcess
) -> None:
    assert usql_differences(emulator, usql_flights.expected) == []


def test_no_task_of_the_u_sql_pipeline_needed_a_second_try(
    stack: AirflowStack, usql_flights: FlightsRun
) -> None:
    tries = {
        (task["task_id"], task["map_index"]): task["try_number"]
        for task in stack.api.task_instances(USQL_DAG_ID, usql_flights.run_id)
    }
    assert set(tries.values()) == {1}, tries


def test_a_second_run_of_the_u_sql_pipeline_leaves_the_same_bytes(
    stack: AirflowStack, usql_flights: FlightsRun, emulator: EmulatorProcess
) -> None:
    before = emulator.store().read(DAILY)
    run_id = stack.api.trigger(USQL_DAG_ID)
    assert stack.api.wait_for_run(USQL_DAG_ID, run_id)["state"] == "success"
    assert emulator.store().read(DAILY) == before
    assert usql_differences(emulator, usql_flights.expected) == []


def test_ctrl_c_stops_everything() -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "demo.demo"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout
        for line in demo.stdout:
            if line.endswith("running\n"):
                break
        started = guard.descendants(demo.pid)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 128 + signal.SIGINT
    assert len(started) > 10
    deadline = time.monotonic() + 5
    while left := [pid for pid in started if os.path.exists(f"/proc/{pid}")]:
        poll(0.05, deadline, f"processes {left} to end")
