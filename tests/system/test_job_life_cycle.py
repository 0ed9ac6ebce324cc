"""
The life cycle of a remote job in a real Airflow: workers die, people clear and mark tasks, deadlines pass.

Every task's SQL carries a token of its own, so that a test can count the instances that the task has left behind.
"""

from __future__ import annotations

import os
import re
import signal
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from demo.processes import poll

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps.models import Instance

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import AddDag

MODES = ("sync", "deferred")
MOMENTS = ("before the submit", "before the answer", "while waiting", "after the success")

# The operator of these tests: the real one, with a service that kills its own process once, at one moment.
MORTAL = """
import os, signal
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param
from airflow_provider_datalake.operators.maxcompute import MaxComputeSQLOperator


def work(factor):
    digits = " UNION ALL ".join(f"SELECT '{n}' AS x" for n in range(10))
    tables = " CROSS JOIN ".join(f"({digits}) t{n}" for n in range(factor))
    text = ", ".join(f"t{n}.x" for n in range(factor))
    return f"SELECT COUNT(*) AS n FROM {tables} WHERE LENGTH(CONCAT({text})) > 3"


class MortalOperator(MaxComputeSQLOperator):
    def __init__(self, *, moment="", grave="", **kwargs):
        super().__init__(**kwargs)
        self.moment = moment
        self.grave = grave

    def die(self, moment):
        if moment != self.moment:
            return
        grave = Path(self.grave)
        if not grave.exists():
            grave.write_text(moment)
            os.kill(os.getpid(), signal.SIGKILL)

    def job_service(self):
        service = super().job_service()
        submit, progress, result = service.submit, service.progress, service.result

        def mortal_submit(request, key, on_created):
            self.die("before the submit")

            def mortal_on_created(job_id):
                self.die("before the answer")
                on_created(job_id)

            return submit(request, key, mortal_on_created)

        def mortal_progress(job_id):
            self.die("while waiting")
            return progress(job_id)

        def mortal_result(job_id, request, before):
            answer = result(job_id, request, before)
            self.die("after the success")
            return answer

        service.submit, service.progress, service.result = mortal_submit, mortal_progress, mortal_result
        return service

"""
TOKEN = "/* {{ dag.dag_id }}.{{ ti.task_id }} {{ run_id }} */ "


@dataclass
class World:
    """The Airflow and the emulator, seen from one DAG run."""

    stack: AirflowStack
    emulator: EmulatorProcess
    dag_id: str
    run_id: str = ""

    def start(self) -> World:
        self.run_id = self.stack.api.trigger(self.dag_id)
        return self

    def instances(self, task_id: str) -> list[Instance]:
        """The instances that a task has submitted, oldest first."""
        token = f"/* {self.dag_id}.{task_id} {self.run_id} */"
        found = [
            instance
            for instance in self.emulator.client().list_instances(only_owner=True)
            if token in (getattr(instance.tasks[0], "query", None) or "")
        ]
        return sorted(found, key=lambda instance: instance.id)

    def states(self, task_id: str) -> list[str]:
        """How the task's instances stand, oldest first."""
        return [
            task.status.value
            for instance in self.instances(task_id)
            for task in instance.get_task_statuses().values()
        ]

    def wait(self, task_id: str, *states: str, **kwargs: Any) -> dict[str, Any]:
        return self.stack.api.wait_for_task(self.dag_id, self.run_id, task_id, states, **kwargs)

    def until(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.stack.check()
            poll(0.2, deadline, what)

    def until_states(self, task_id: str, *states: str) -> None:
        self.until(
            lambda: self.states(task_id) == list(states),
            f"the instances of {task_id} to be {states}, they are {self.states(task_id)}",
        )

    def xcom(self, task_id: str) -> dict[str, Any]:
        return self.stack.api.xcom(self.dag_id, self.run_id, task_id)

    def clear(self, task_id: str) -> None:
        self.stack.api.clear(self.dag_id, self.run_id, [task_id])

    def mark(self, task_id: str, state: str) -> None:
        self.stack.api.set_state(self.dag_id, self.run_id, task_id, state)

    def log(self, task_id: str, try_number: int = 1) -> str:
        return self.stack.api.log(self.dag_id, self.run_id, task_id, try_number=try_number)


def key_of(moment: str, mode: str) -> str:
    return f"{moment.replace(' ', '_') or 'undisturbed'}_{mode}"


@pytest.fixture(scope="module")
def kills(
    stack: AirflowStack, emulator: EmulatorProcess, add_dag: AddDag, tmp_path_factory: pytest.TempPathFactory
) -> World:
    """A finished run in which every task but the undisturbed ones has lost a worker."""
    graves = tmp_path_factory.mktemp("graves")
    tasks = "\n".join(
        f"    MortalOperator(task_id={key_of(moment, mode)!r}, moment={moment!r}, "
        f"grave={str(graves / key_of(moment, mode))!r}, deferrable={mode == 'deferred'}, defer_after=0.5, "
        f"poll_interval=1.0, sql={TOKEN!r} + work(7), retries=1, retry_delay=timedelta(seconds=1))"
        for moment in ("", *MOMENTS)
        for mode in MODES
    )
    add_dag(f"{MORTAL}\nwith DAG('life_kills', schedule=None):\n{tasks}\n")
    world = World(stack, emulator, "life_kills").start()
    stack.api.wait_for_run(world.dag_id, world.run_id, timeout=300)
    assert {grave.name for grave in graves.iterdir()} == {key_of(m, mode) for m in MOMENTS for mode in MODES}
    return world


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_worker_leaves_one_instance_and_the_same_result(
    moment: str, mode: str, kills: World
) -> None:
    task_id, undisturbed = key_of(moment, mode), key_of("", mode)
    task = kills.wait(task_id, "success", "failed")
    assert (task["state"], task["try_number"]) == ("success", 2), kills.log(task_id, 2)
    (instance,) = kills.instances(task_id)
    expected = {**kills.xcom(undisturbed), "instance_id": instance.id}
    assert kills.xcom(task_id) == expected
    assert kills.wait(undisturbed, "success")["try_number"] == 1


def long_dag(name: str, mode: str, **arguments: Any) -> str:
    options = {"deferrable": mode == "deferred", "defer_after": 0.5, "poll_interval": 1.0, **arguments}
    rendered = ", ".join(f"{key}={value}" for key, value in options.items())
    task = f"MortalOperator(task_id='long', sql={TOKEN!r} + work(10), {rendered})"
    return f"{MORTAL}\nwith DAG({name!r}, schedule=None):\n    {task}\n"


@pytest.fixture
def waiting(stack: AirflowStack, emulator: EmulatorProcess, add_dag: AddDag) -> Callable[..., World]:
    """Start a task whose job would run for minutes; return once it waits."""

    def start(mode: str, **arguments: Any) -> World:
        name = f"life_{uuid.uuid4().hex[:8]}"
        add_dag(long_dag(name, mode, **arguments))
        world = World(stack, emulator, name).start()
        world.wait("long", "deferred" if mode == "deferred" else "running")
        world.until_states("long", "RUNNING")
        if mode == "deferred":
            # A trigger that the triggerer has not begun to run is never told of a kill.
            world.until(lambda: " starting" in world.log("long"), "the trigger to start")
        return world

    return start


def is_over(log: str, instance_id: str) -> bool:
    """Whether the first try's worker or trigger has been killed, or has seen the end of its instance."""
    return "The task was killed; cancelling" in log or f"Job {instance_id}: cancelled" in log


def end(world: World) -> None:
    """Leave nothing running: minutes of work on two cores would slow down all other tests."""
    world.mark("long", "failed")
    world.until(lambda: "RUNNING" not in world.states("long"), "the instances to end")


@pytest.mark.parametrize("mode", MODES)
def test_marking_a_task_failed_cancels_its_instance(mode: str, waiting: Callable[..., World]) -> None:
    world = waiting(mode)
    world.mark("long", "failed")
    world.until_states("long", "CANCELLED")
    assert world.wait("long", "failed")["try_number"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_an_instance_is_left_alone_where_that_is_wanted(mode: str, waiting: Callable[..., World]) -> None:
    world = waiting(mode, cancel_on_kill=False)
    world.mark("long", "failed")
    world.until(lambda: "keeps running" in world.log("long"), "the kill to be logged")
    assert world.states("long") == ["RUNNING"]
    (instance,) = world.instances("long")
    instance.stop()


@pytest.mark.parametrize("mode", MODES)
def test_clearing_a_waiting_task_cancels_its_instance_and_runs_a_new_one(
    mode: str, waiting: Callable[..., World]
) -> None:
    world = waiting(mode)
    (first,) = world.instances("long")
    world.clear("long")
    world.until_states("long", "CANCELLED", "RUNNING")
    # What the first try leaves behind (a trigger that is killed, or that still fires) comes after the second has
    # begun; it must not reach the second instance.
    world.until(lambda: is_over(world.log("long"), first.id), "the first try to be over")
    waits = " starting" if mode == "deferred" else ": running"
    world.until(lambda: waits in world.log("long", 2), "the second try to wait")
    assert world.states("long") == ["CANCELLED", "RUNNING"]
    end(world)


def test_clearing_a_finished_task_runs_it_again(kills: World) -> None:
    task_id = key_of("", "deferred")
    first = kills.xcom(task_id)
    kills.clear(task_id)
    kills.wait(task_id, "success", try_number=2)
    second = kills.xcom(task_id)
    assert second["instance_id"] != first["instance_id"]
    assert [instance.id for instance in kills.instances(task_id)] == [
        first["instance_id"],
        second["instance_id"],
    ]


@pytest.mark.parametrize("mode", MODES)
def test_an_execution_timeout_cancels_the_instance(mode: str, waiting: Callable[..., World]) -> None:
    world = waiting(mode, execution_timeout="timedelta(seconds=12)")
    assert world.wait("long", "failed", "success")["state"] == "failed"
    world.until_states("long", "CANCELLED")
    # Which of the two timers is first, ours or Airflow's own in the worker, is a matter of milliseconds.
    assert re.search("execution timeout|Process timed out", world.log("long"))


def test_a_killed_triggerer_loses_no_job(waiting: Callable[..., World], stack: AirflowStack) -> None:
    world = waiting("deferred")
    stack.kill("triggerer")
    assert world.states("long") == ["RUNNING"]
    stack.restart("triggerer")
    (instance,) = world.instances("long")
    instance.stop()
    assert world.wait("long", "failed", "success", timeout=180)["state"] == "failed"
    assert world.states("long") == ["CANCELLED"]
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
    assert world.states("long") == ["RUNNING"]
    end(world)


def test_the_worker_and_the_triggerer_log_progress_and_the_link_is_there_at_once(
    waiting: Callable[..., World], stack: AirflowStack
) -> None:
    world = waiting("deferred")
    world.until(lambda: world.log("long").count("running: ") >= 2, "progress of worker and triggerer")
    link = stack.api.links(world.dag_id, world.run_id, "long")["MaxCompute Logview"]
    assert link is not None
    assert world.instances("long")[0].id in link
    token = link.partition("token=")[2]
    assert token
    assert token not in world.log("long")
    end(world)
