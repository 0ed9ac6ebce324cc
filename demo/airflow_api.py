"""The few calls of Airflow's REST API that the demo and the system tests need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from demo.processes import poll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Json = dict[str, Any]

FINISHED = ("success", "failed")


class AirflowApiError(Exception):
    """
    Airflow refused a request.

    :param status: the HTTP status
    :param message: method, path and what Airflow said
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class BrokenDag(Exception):
    """A DAG file cannot be imported; the message has the file and the traceback."""


class AirflowApi:
    """
    A client for an Airflow that asks for no login.

    :param url: base address of the API server
    :param check: called between polls, raises when waiting makes no sense any more
    """

    def __init__(self, url: str, check: Callable[[], None] = lambda: None) -> None:
        import requests

        self.url = url
        self._check = check
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the user cannot reach our loopback address

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """
        Send one request.

        :param method: HTTP method
        :param path: path below ``/api/v2``, its parts quoted
        :param body: JSON body
        :param query: query parameters
        :return: the decoded answer, None when it is empty
        :raises AirflowApiError: when the status is not a success
        """
        response = self._session.request(
            method, f"{self.url}/api/v2{path}", json=body, params=query, timeout=30
        )
        if not response.ok:
            raise AirflowApiError(
                response.status_code, f"{method} {path}: {response.status_code} {response.text[:2000]}"
            )
        return response.json() if response.content else None

    def health(self) -> dict[str, str]:
        """
        Ask how the components are.

        :return: status by component, e.g. ``{"scheduler": "healthy"}``
        """
        answer = self.call("GET", "/monitor/health")
        return {name: str(part["status"]) for name, part in answer.items() if part}

    # --- DAGs and runs

    def dags(self) -> list[Json]:
        """
        List the DAGs that have been parsed.

        :return: the DAGs as Airflow describes them
        """
        return self.call("GET", "/dags", limit=100)["dags"]

    def wait_for_dags(self, wanted: Callable[[set[str]], bool], timeout: float = 60) -> set[str]:
        """
        Wait until DAGs have been parsed.

        :param wanted: says of a set of DAG ids whether it is complete
        :param timeout: seconds
        :return: the ids of all parsed DAGs
        :raises BrokenDag: when a DAG file cannot be imported
        """
        deadline = time.monotonic() + timeout
        while True:
            found = {str(dag["dag_id"]) for dag in self.dags()}
            if wanted(found):
                return found
            if errors := self.call("GET", "/importErrors")["import_errors"]:
                raise BrokenDag("\n".join(f"{e['filename']}:\n{e['stack_trace']}" for e in errors))
            self._check()
            poll(0.25, deadline, f"DAG files to be parsed, there are {sorted(found)}")

    def trigger(
        self, dag_id: str, conf: Mapping[str, Any] | None = None, *, logical_date: str | None = None
    ) -> str:
        """
        Start a run.

        :param dag_id: the DAG
        :param conf: values of its params
        :param logical_date: ISO time with a zone, or none as a person's trigger in the UI has it
        :return: the run's id
        """
        body = {"logical_date": logical_date, "conf": dict(conf or {})}
        return str(self.call("POST", f"/dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[Json]:
        """
        List all runs of a DAG.

        :param dag_id: the DAG
        :return: the runs as Airflow describes them
        """
        return self.call("GET", f"/dags/{quote(dag_id)}/dagRuns", limit=100)["dag_runs"]

    def run(self, dag_id: str, run_id: str) -> Json:
        """
        Describe one run.

        :param dag_id: the DAG
        :param run_id: the run
        :return: the run as Airflow describes it
        """
        return self.call("GET", _run(dag_id, run_id))

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout: float = 300,
        on_poll: Callable[[Sequence[Json]], None] = lambda tasks: None,
    ) -> Json:
        """
        Wait until a run has ended, well or not.

        :param dag_id: the DAG
        :param run_id: the run
        :param timeout: seconds
        :param on_poll: called with the run's task instances at every look
        :return: the run as Airflow describes it
        """
        deadline = time.monotonic() + timeout
        while True:
            run = self.run(dag_id, run_id)
            on_poll(self.task_instances(dag_id, run_id))
            if run["state"] in FINISHED:
                return run
            self._check()
            poll(1, deadline, f"run {run_id} of {dag_id} to end, its state is {run['state']}")

    # --- task instances

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """
        List the task instances of a run, every mapped one by itself.

        :param dag_id: the DAG
        :param run_id: the run
        :return: the task instances as Airflow describes them
        """
        found: list[Json] = []
        while True:
            page = self.call("GET", f"{_run(dag_id, run_id)}/taskInstances", limit=100, offset=len(found))
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Json:
        """
        Describe one task instance.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: which of a mapped task's instances
        :return: the task instance as Airflow describes it
        """
        return self.call("GET", _task(dag_id, run_id, task_id, map_index))

    def wait_for_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        states: Sequence[str],
        *,
        map_index: int = -1,
        try_number: int | None = None,
        timeout: float = 120,
    ) -> Json:
        """
        Wait until a task instance is in one of some states.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param states: the states to wait for
        :param map_index: which of a mapped task's instances
        :param try_number: the try that must have reached the state
        :param timeout: seconds
        :return: the task instance as Airflow describes it
        """
        deadline = time.monotonic() + timeout
        while True:
            task = self.task_instance(dag_id, run_id, task_id, map_index)
            if task["state"] in states and try_number in (None, task["try_number"]):
                return task
            self._check()
            poll(0.2, deadline, f"{task_id} to be {' or '.join(states)}, its state is {task['state']}")

    def clear(
        self, dag_id: str, run_id: str, task_ids: Sequence[str | tuple[str, int]], **options: Any
    ) -> None:
        """
        Make tasks run again.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_ids: the tasks, a mapped instance as ``(task_id, map_index)``
        :param options: further fields of Airflow's request
        """
        body = {
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "dry_run": False,
            "only_failed": False,
            **options,
        }
        self.call("POST", f"/dags/{quote(dag_id)}/clearTaskInstances", body)

    def set_state(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int = -1) -> None:
        """
        Mark a task instance, as a person does in the UI.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param state: ``success``, ``failed`` or ``skipped``
        :param map_index: which of a mapped task's instances
        """
        self.call("PATCH", _task(dag_id, run_id, task_id, map_index), {"new_state": state})

    def log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1) -> str:
        """
        Read a try's log as the UI shows it.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param try_number: which try
        :param map_index: which of a mapped task's instances
        :return: its lines
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/logs/{try_number}"
        content = self.call("GET", path, map_index=map_index, full_content=True)["content"]
        return "\n".join(_log_lines(content))

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1
    ) -> Any:
        """
        Read one XCom.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param key: its key
        :param map_index: which of a mapped task's instances
        :return: the decoded value
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/xcomEntries/{quote(key)}"
        return self.call("GET", path, map_index=map_index, deserialize=False)["value"]

    def links(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """
        Read the extra links of a task instance.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: which of a mapped task's instances
        :return: address by name
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/links"
        return self.call("GET", path, map_index=map_index)["extra_links"]

    # --- connections

    def create_connection(self, connection_id: str, conn_type: str, **fields: Any) -> None:
        """
        Store a connection in the metadata database.

        :param connection_id: its id
        :param conn_type: its type
        :param fields: further fields of Airflow's request, e.g. ``host``, ``login``, ``password``, ``extra``
        """
        self.call("POST", "/connections", {"connection_id": connection_id, "conn_type": conn_type, **fields})


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


def _task(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}"
    return path if map_index < 0 else f"{path}/{map_index}"


def _log_lines(content: Sequence[Any]) -> Iterator[str]:
    for entry in content:
        if isinstance(entry, str):
            yield entry
            continue
        yield " ".join(str(entry[part]) for part in ("timestamp", "level", "event") if entry.get(part))
        for detail in entry.get("error_detail") or []:
            yield f"  {detail.get('exc_type')}: {detail.get('exc_value')}"
