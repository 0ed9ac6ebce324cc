"""
The life cycle of a remote job in a real Airflow: workers die, people clear and mark tasks, deadlines pass.

All services run through the same tests.
"""

from __future__ import annotations

import os
import re
import signal
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.life_cycle import CANCELLED, RUNNING, SIDES, JobSide, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import AddDag

MODES = ("sync", "deferred")
MOMENTS = ("before the submit", "before the answer", "while waiting", "after the success")


@pytest.fixture(scope="module", params=SIDES)
def side(request: pytest.FixtureRequest, emulator: EmulatorProcess) -> JobSide:
    return SIDES[request.param](emulator)


def key_of(moment: str, mode: str) -> str:
    return f"{moment.replace(' ', '_') or 'undisturbed'}_{mode}"


@pytest.fixture(scope="module")
def kills(
    stack: AirflowStack, side: JobSide, add_dag: AddDag, tmp_path_factory: pytest.TempPathFactory
) -> World:
    """A finished run in which every task but the undisturbed ones has lost a worker."""
    graves = tmp_path_factory.mktemp("graves")
    tasks = "\n".join(
        f"    MortalOperator(task_id={key_of(moment, mode)!r}, moment={moment!r}, "
        f"grave={str(graves / key_of(moment, mode))!r}, deferrable={mode == 'deferred'}, defer_after=0.5, "
        f"poll_interval=1.0, retries=1, retry_delay=timedelta(seconds=1), **work(7))"
        for moment in ("", *MOMENTS)
        for mode in MODES
    )
    dag_id = f"life_kills_{side.name}"
    add_dag(f"{side.source}\nwith DAG({dag_id!r}, schedule=None):\n{tasks}\n")
    world = World(stack, side, dag_id).start()
    stack.api.wait_for_run(world.dag_id, world.run_id, timeout=300)
    assert {grave.name for grave in graves.iterdir()} == {key_of(m, mode) for m in MOMENTS for mode in MODES}
    return world


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_worker_leaves_one_job_and_the_same_result(moment: str, mode: str, kills: World) -> None:
    task_id, undisturbed = key_of(moment, mode), key_of("", mode)
    task = kills.wait(task_id, "success", "failed")
    assert (task["state"], task["try_number"]) == ("success", 2), kills.log(task_id, 2)
    (job,) = kills.jobs(task_id)
    result, side = kills.xcom(task_id), kills.side
    assert result[side.id_key] == job.id
    assert side.comparable(result) == side.comparable(kills.xcom(undisturbed))
    assert kills.wait(undisturbed, "success")["try_number"] == 1


def long_dag(side: JobSide, name: str, mode: str, **arguments: Any) -> str:
    options = {"deferrable": mode == "deferred", "defer_after": 0.5, "poll_interval": 1.0, **arguments}
    rendered = ", ".join(f"{key}={value}" for key, value in options.items())
    task = f"MortalOperator(task_id='long', {rendered}, **work(10))"
    return f"{side.source}\nwith DAG({name!r}, schedule=None):\n    {task}\n"


@pytest.fixture
def waiting(stack: AirflowStack, side: JobSide, add_dag: AddDag) -> Callable[..., World]:
    """Start a task whose job would run for minutes; return once it waits."""

    def start(mode: str, **arguments: Any) -> World:
        name = f"life_{uuid.uuid4().hex[:8]}"
        add_dag(long_dag(side, name, mode, **arguments))
        world = World(stack, side, name).start()
        world.wait("long", "deferred" if mode == "deferred" else "running")
        world.until_states("long", RUNNING)
        if mode == "deferred":
            # A trigger that the triggerer has not begun to run is never told of a kill.
            world.until(lambda: " starting" in world.log("long"), "the trigger to start")
        return world

    return start


def is_over(log: str, job_id: str) -> bool:
    """Whether the first try's worker or trigger has been killed, or has seen the end of its job."""
    return "The task was killed; cancelling" in log or f"Job {job_id}: cancelled" in log


def end(world: World) -> None:
    """Leave nothing running: minutes of work on two cores would slow down all other tests."""
    world.mark("long", "failed")
    world.until(lambda: RUNNING not in world.states("long"), "the jobs to end")


@pytest.mark.parametrize("mode", MODES)
def test_marking_a_task_failed_cancels_its_job(mode: str, waiting: Callable[..., World]) -> None:
    world = waiting(mode)
    world.mark("long", "failed")
    world.until_states("long", CANCELLED)
    assert world.wait("long", "failed")["try_number"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_job_is_left_alone_where_that_is_wanted(mode: str, waiting: Callable[..., World]) -> None:
    world = waiting(mode, cancel_on_kill=False)
    world.mark("long", "failed")
    world.until(lambda: "keeps running" in world.log("long"), "the kill to be logged")
    assert world.states("long") == [RUNNING]
    (job,) = world.jobs("long")
    world.side.stop(job.id)


@pytest.mark.parametrize("mode", MODES)
def test_clearing_a_waiting_task_cancels_its_job_and_runs_a_new_one(
    mode: str, waiting: Callable[..., World]
) -> None:
    # SQLite gives a deleted trigger's id to the next one. A second try that defers before the triggerer has ended
    # the first one's trigger would never be started.
    world = waiting(mode, defer_after=6)
    (first,) = world.jobs("long")
    world.clear("long")
    world.until_states("long", CANCELLED, RUNNING)
    # What the first try leaves behind (a trigger that is killed, or that still fires) comes after the second has
    # begun; it must not reach the second job.
    world.until(lambda: is_over(world.log("long"), first.id), "the first try to be over")
    waits = " starting" if mode == "deferred" else ": running"
    world.until(lambda: waits in world.log("long", 2), "the second try to wait")
    assert world.states("long") == [CANCELLED, RUNNING]
    end(world)


def test_clearing_a_finished_task_runs_it_again(kills: World) -> None:
    task_id = key_of("", "deferred")
    first = kills.xcom(task_id)
    kills.clear(task_id)
    kills.wait(task_id, "success", try_number=2)
    second = kills.xcom(task_id)
    key = kills.side.id_key
    assert second[key] != first[key]
    assert [job.id for job in kills.jobs(task_id)] == [first[key], second[key]]


@pytest.mark.parametrize("mode", MODES)
def test_an_execution_timeout_cancels_the_job(mode: str, waiting: Callable[..., World]) -> None:
    world = waiting(mode, execution_timeout="timedelta(seconds=12)")
    assert world.wait("long", "failed", "success")["state"] == "failed"
    world.until_states("long", CANCELLED)
    # Which of the two timers is first, ours or Airflow's own in the worker, is a matter of milliseconds.
    assert re.search("execution timeout|Process timed out", world.log("long"))


def test_a_killed_triggerer_loses_no_job(waiting: Callable[..., World], stack: AirflowStack) -> None:
    world = waiting("deferred")
    stack.kill("triggerer")
    assert world.states("long") == [RUNNING]
    stack.restart("triggerer")
    (job,) = world.jobs("long")
    world.side.stop(job.id)
    assert world.wait("long", "failed", "success", timeout=180)["state"] == "failed"
    assert world.states("long") == [CANCELLED]
    assert "was cancelled" in world.log("long")


def test_a_real_kill_from_outside_while_the_worker_waits(
    waiting: Callable[..., World], stack: AirflowStack
) -> None:
    world = waiting("sync", retries=1, retry_delay="timedelta(seconds=1)")
    pid = stack.task_process(world.dag_id, world.run_id, "long")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    world.wait("long", "running", try_number=2)
    world.until(lambda: "is running; attach" in world.log("long", 2), "the second try to take up the job")
    assert world.states("long") == [RUNNING]
    end(world)


def test_the_worker_and_the_triggerer_log_progress_and_the_link_is_there_at_once(
    waiting: Callable[..., World], stack: AirflowStack
) -> None:
    world = waiting("deferred")
    world.until(lambda: world.log("long").count("running: ") >= 2, "progress of worker and triggerer")
    link = stack.api.links(world.dag_id, world.run_id, "long")[world.side.link]
    assert link is not None
    assert world.jobs("long")[0].id in link
    if token := link.partition("token=")[2]:
        assert token not in world.log("long")
    end(world)
