"""A task that is killed at any step of making a dataset is followed by one that makes no second one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.studio_connections import as_variable, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_datalake.clients.ml_studio import Workspace
    from tests.integration.conftest import Emulator

BYTES = 5 * 2**20 + 1
"""Three blocks."""
PROGRAM = """
import json, os, pathlib, signal, sys, traceback
from types import SimpleNamespace
import requests, tenacity
from airflow_provider_datalake.clients.ml_studio import Workspace
from airflow_provider_datalake.clients.ml_studio_calls import StudioCalls
from airflow_provider_datalake.jobs import dataset_upload
from airflow_provider_datalake.operators import ml_studio

class Store:
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def get(self, key, default=None):
        return json.loads(self.path.read_text()).get(key, default) if self.path.exists() else default

    def set(self, key, value):
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({key: value}))
        temporary.replace(self.path)

def deadly(call, times, side):
    left = times

    def run(*given, **named):
        nonlocal left
        left -= 1
        if left == 0 and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = call(*given, **named)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    return run

def task(order):
    os.environ["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"] = order["connection"]
    step = order["step"]
    owner = Store if step == "set" else StudioCalls
    if step:
        setattr(owner, step, deadly(getattr(owner, step), order["times"], order["side"]))
    operator = getattr(ml_studio, order["operator"])(task_id="t", threads=1, **order["arguments"])
    ti = SimpleNamespace(max_tries=2, xcom_push=lambda **pushed: None)
    context = {"ti": ti, "task_state_store": Store(order["state"])}
    pathlib.Path(order["result"]).write_text(json.dumps(operator.execute(context)))

print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            task(json.loads(line))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
# Where the worker dies: the call, the how manieth, before the request or after its answer.
STEPS = [
    pytest.param(step, times, side, id=f"{side} {step} {times}")
    for step, most in (("begin_upload", 1), ("send_block", 3), ("create", 1), ("dataset", 1), ("set", 3))
    for times in range(1, most + 1)
    for side in ("before", "after")
]


@pytest.fixture
def workspace(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", as_variable(emulator))
    return connect(emulator)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"killed {uuid.uuid4().hex}"


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    made = os.urandom(BYTES)
    (tmp_path / "in").write_bytes(made)
    return made


class Tasks:
    """A process that has imported all there is, and runs each task in a child of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        # Airflow says a word or two of its own.
        return next(
            line for line in map(str.strip, self.process.stdout) if re.fullmatch(r"ready|-?\d+", line)
        )

    def run(
        self,
        folder: Path,
        operator: str,
        arguments: dict[str, Any],
        death: tuple[str, int, str] | None = None,
    ) -> Any:
        """Run a task; one that is to die must."""
        step, times, side = death or ("", 0, "")
        order = {
            "operator": operator,
            "arguments": {"source": str(folder / "in"), **arguments},
            "connection": os.environ["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"],
            "state": str(folder / "state.json"),
            "result": str(folder / "result.json"),
            "step": step,
            "times": times,
            "side": side,
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        assert int(self._line()) == (-signal.SIGKILL if death else 0)
        return None if death else json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def tasks() -> Iterator[Tasks]:
    made = Tasks()
    yield made
    made.process.communicate(timeout=30)


def with_bytes(workspace: Workspace, name: str, data: bytes) -> list[str]:
    """Ids of all datasets of a name, or of a later name, that have these bytes."""
    found = [one for one in workspace.user_datasets if one.name.startswith(name)]
    return [one.id for one in found if one.read_binary() == data]


@pytest.mark.parametrize(("step", "times", "side"), STEPS)
def test_a_task_that_was_killed_leaves_one_dataset_to_the_next_try(
    workspace: Workspace,
    tasks: Tasks,
    name: str,
    data: bytes,
    tmp_path: Path,
    step: str,
    times: int,
    side: str,
) -> None:
    arguments = {"dataset": name, "data_type_id": "PlainText"}
    tasks.run(tmp_path, "MLStudioUploadDatasetOperator", arguments, (step, times, side))
    assert with_bytes(workspace, name, data) == [one.id for one in workspace.datasets if one.name == name]
    result = tasks.run(tmp_path, "MLStudioUploadDatasetOperator", arguments)
    assert result["action"] == "created"
    assert with_bytes(workspace, name, data) == [result["dataset_id"]]
    assert tasks.run(tmp_path, "MLStudioUploadDatasetOperator", arguments) == result


@pytest.mark.parametrize(("step", "times", "side"), STEPS)
def test_an_update_that_was_killed_leaves_one_new_version_to_the_next_try(
    workspace: Workspace,
    tasks: Tasks,
    name: str,
    data: bytes,
    tmp_path: Path,
    step: str,
    times: int,
    side: str,
) -> None:
    old = workspace.create(name, b"old", data_type_id="PlainText", description="words")
    arguments = {"dataset": name, "new_name": f"{name} v2"}
    tasks.run(tmp_path, "MLStudioUpdateDatasetOperator", arguments, (step, times, side))
    there = {one.name: one for one in workspace.user_datasets if one.name.startswith(name)}
    assert len(there) == 1
    result = tasks.run(tmp_path, "MLStudioUpdateDatasetOperator", arguments)
    assert (result["action"], result["family_id"]) == ("updated", old.family_id)
    found = [one for one in workspace.user_datasets if one.family_id == old.family_id]
    assert [(one.id, one.name, one.description) for one in found] == [
        (result["dataset_id"], f"{name} v2", "words")
    ]
    assert found[0].read_binary() == data
    if (step, side) in (("create", "after"), ("dataset", "before"), ("dataset", "after")):
        # The version that the killed task has made is the one.
        assert there[f"{name} v2"].id == result["dataset_id"]


@pytest.mark.parametrize(("step", "times", "side"), [("create", 1, "after"), ("send_block", 2, "after")])
def test_a_killed_server_and_a_killed_task_leave_one_dataset(
    own_emulator: Any,
    tasks: Tasks,
    data: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    times: int,
    side: str,
) -> None:
    emulator = own_emulator("own")
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", as_variable(emulator))
    arguments = {"dataset": "d", "data_type_id": "PlainText"}
    tasks.run(tmp_path, "MLStudioUploadDatasetOperator", arguments, (step, times, side))
    emulator.kill()
    emulator.start()
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", as_variable(emulator))
    result = tasks.run(tmp_path, "MLStudioUploadDatasetOperator", arguments)
    assert with_bytes(connect(emulator), "d", data) == [result["dataset_id"]]
