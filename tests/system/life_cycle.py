"""
What the tests of a remote job's life cycle know of each service: its operator, a job of some length, its jobs.

Every job carries a token of its task, so that a test can count what the task has left behind.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from demo.processes import poll

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack

RUNNING, SUCCEEDED, FAILED, CANCELLED = "running", "succeeded", "failed", "cancelled"
TOKEN = "/* {{ dag.dag_id }}.{{ ti.task_id }} {{ run_id }} */ "

# The operator of these tests: the real one, with a service that kills its own process once, at one moment.
MORTAL = """
import os, signal
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param
from {module} import {operator}

{work}

class MortalOperator({operator}):
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
        submit, status, result = service.submit, service.status, service.result

        def mortal_submit(request, key, on_created):
            self.die("before the submit")

            def mortal_on_created(job_id):
                self.die("before the answer")
                on_created(job_id)

            return submit(request, key, mortal_on_created)

        def mortal_status(job_id):
            answer = status(job_id)
            if not answer.state.is_terminal:
                self.die("while waiting")
            return answer

        def mortal_result(job_id, request, before):
            answer = result(job_id, request, before)
            self.die("after the success")
            return answer

        service.submit, service.status, service.result = mortal_submit, mortal_status, mortal_result
        return service

"""


@dataclass(frozen=True)
class RemoteJob:
    """
    A job as its service sees it.

    :param id: its id
    :param state: one of the states above; not begun yet counts as running
    """

    id: str
    state: str


class JobSide(ABC):
    """
    One service: how to run a job in it, and how to look at its jobs past Airflow.

    :param emulator: where the service is
    """

    name: ClassVar[str]
    module: ClassVar[str]
    operator: ClassVar[str]
    id_key: ClassVar[str]
    link: ClassVar[str]
    work: ClassVar[str]
    """Source of ``work(factor)``: the operator's arguments for a job that ten times as long per factor."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self.emulator = emulator

    @property
    def source(self) -> str:
        """The beginning of a DAG file."""
        return MORTAL.format(module=self.module, operator=self.operator, work=self.work)

    @abstractmethod
    def jobs(self, dag_id: str, task_id: str, run_id: str) -> list[RemoteJob]:
        """The jobs that a task has submitted, oldest first."""

    @abstractmethod
    def stop(self, job_id: str) -> None:
        """Stop a job, as somebody else would."""

    def comparable(self, result: dict[str, Any]) -> dict[str, Any]:
        """What two runs of the same job agree in."""
        return {key: value for key, value in result.items() if key != self.id_key}


class MaxComputeSide(JobSide):
    name = "maxcompute"
    module = "airflow_provider_datalake.operators.maxcompute"
    operator = "MaxComputeSQLOperator"
    id_key = "instance_id"
    link = "MaxCompute Logview"
    work = f"""
def work(factor):
    digits = " UNION ALL ".join(f"SELECT '{{n}}' AS x" for n in range(10))
    tables = " CROSS JOIN ".join(f"({{digits}}) t{{n}}" for n in range(factor))
    text = ", ".join(f"t{{n}}.x" for n in range(factor))
    return {{"sql": {TOKEN!r} + f"SELECT COUNT(*) AS n FROM {{tables}} WHERE LENGTH(CONCAT({{text}})) > 3"}}
"""
    states: ClassVar = {
        "WAITING": RUNNING,
        "RUNNING": RUNNING,
        "SUCCESS": SUCCEEDED,
        "FAILED": FAILED,
        "CANCELLED": CANCELLED,
    }

    def jobs(self, dag_id: str, task_id: str, run_id: str) -> list[RemoteJob]:
        token = f"/* {dag_id}.{task_id} {run_id} */"
        found = [
            instance
            for instance in self.emulator.client().list_instances(only_owner=True)
            if token in (getattr(instance.tasks[0], "query", None) or "")
        ]
        return [
            RemoteJob(instance.id, self.states[task.status.value])
            for instance in sorted(found, key=lambda instance: instance.id)
            for task in instance.get_task_statuses().values()
        ]

    def stop(self, job_id: str) -> None:
        self.emulator.client().stop_instance(job_id)


class UsqlSide(JobSide):
    name = "usql"
    module = "airflow_provider_datalake.operators.data_lake_analytics"
    operator = "DataLakeAnalyticsJobOperator"
    id_key = "job_id"
    link = "Data Lake Analytics job"
    work = f"""
def work(factor):
    digits = ", ".join(f'("{{n}}")' for n in range(10))
    tables = " CROSS JOIN ".join(f"@digits AS t{{n}}" for n in range(factor))
    text = " + ".join(f"t{{n}}.x" for n in range(factor))
    return {{"script": {TOKEN!r} + f'''
        @digits = SELECT * FROM (VALUES {{digits}}) AS D(x);
        @count = SELECT COUNT(*) AS n FROM {{tables}} WHERE ({{text}}).Length > 3;
        OUTPUT @count TO @output USING Outputters.Csv();
    ''', "parameters": {{"output": "/life/{{{{ dag.dag_id }}}}/{{{{ ti.task_id }}}}.csv"}}}}
"""

    def client(self) -> DataLakeAnalyticsJobClient:
        from airflow_provider_datalake.clients.azure_settings import read_settings
        from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient

        fields = json.loads(self.emulator.environment["AIRFLOW_CONN_ADLA_DEFAULT"])
        settings = read_settings(
            conn_id="adla_default",
            host=fields["host"],
            login=fields.get("login"),
            password=fields.get("password"),
            extra=fields["extra"],
            service="analytics",
        )
        return DataLakeAnalyticsJobClient.connect(settings)

    def jobs(self, dag_id: str, task_id: str, run_id: str) -> list[RemoteJob]:
        token, client = f"/* {dag_id}.{task_id} {run_id} */", self.client()
        named = [job for job in client.list() if job.name == f"{dag_id}.{task_id}"]
        found = [job for job in map(client.get, (job.job_id for job in named)) if job.details]
        found = [job for job in found if token in ((job.details and job.details.script) or "")]
        return [
            RemoteJob(job.job_id, job.result.lower() if job.has_ended else RUNNING)
            for job in sorted(found, key=lambda job: str(job.submitted_at))
        ]

    def stop(self, job_id: str) -> None:
        self.client().cancel(job_id)

    def comparable(self, result: dict[str, Any]) -> dict[str, Any]:
        varying = {self.id_key, "name", "au_hours"}
        return {
            key: value for key, value in result.items() if key not in varying and not key.endswith("_seconds")
        }


SIDES: dict[str, type[JobSide]] = {side.name: side for side in (MaxComputeSide, UsqlSide)}


@dataclass
class World:
    """The Airflow and one service, seen from one DAG run."""

    stack: AirflowStack
    side: JobSide
    dag_id: str
    run_id: str = ""

    def start(self) -> World:
        self.run_id = self.stack.api.trigger(self.dag_id)
        return self

    def jobs(self, task_id: str) -> list[RemoteJob]:
        """The jobs that a task has submitted, oldest first."""
        return self.side.jobs(self.dag_id, task_id, self.run_id)

    def states(self, task_id: str) -> list[str]:
        """How the task's jobs stand, oldest first."""
        return [job.state for job in self.jobs(task_id)]

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
            f"the jobs of {task_id} to be {states}, they are {self.states(task_id)}",
        )

    def xcom(self, task_id: str) -> dict[str, Any]:
        return self.stack.api.xcom(self.dag_id, self.run_id, task_id)

    def clear(self, task_id: str) -> None:
        self.stack.api.clear(self.dag_id, self.run_id, [task_id])

    def mark(self, task_id: str, state: str) -> None:
        self.stack.api.set_state(self.dag_id, self.run_id, task_id, state)

    def log(self, task_id: str, try_number: int = 1) -> str:
        return self.stack.api.log(self.dag_id, self.run_id, task_id, try_number=try_number)
