from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from demo import processes
from demo.processes import BackgroundProcess, ProcessDied, free_port, poll

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A worker that starts a task in a process group and a session of its own, and says so.
TREE = """
import os, subprocess, sys, time
task = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(task.pid, flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        poll(0.02, deadline, what)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def start(tmp_path: Path, code: str) -> BackgroundProcess:
    process = BackgroundProcess(
        "test", [sys.executable, "-c", code], log=tmp_path / "log", env=dict(os.environ)
    )
    process.start()
    wait_until(lambda: process.log.read_text().endswith("\n"), "the first line")
    return process


def test_stop_ends_the_whole_tree(tmp_path: Path) -> None:
    process = start(tmp_path, TREE)
    task = int(process.log.read_text())
    process.stop()
    assert not alive(task)
    assert not process.running


def test_stop_ends_the_orphan_of_a_killed_worker(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        f"""
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", {TREE!r}], stdout=subprocess.PIPE, text=True)
print(worker.stdout.readline().strip(), worker.pid, flush=True)
time.sleep(600)
""",
    )
    task, worker = map(int, process.log.read_text().split())
    os.kill(worker, signal.SIGKILL)
    # The worker's parent never asks for its exit, so its process stays as a zombie and the task becomes an orphan.
    wait_until(lambda: task in process.pids, "the orphan to be adopted")
    process.stop()
    assert not alive(task)


def test_a_command_that_ignores_term_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.3)
    process = start(tmp_path, STUBBORN)
    (pid,) = process.pids
    process.stop()
    assert not alive(pid)


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    code = f"""
import os, time
from pathlib import Path
from demo import processes
from demo.processes import BackgroundProcess
processes.GRACE = 0.3
process = BackgroundProcess("test", [{sys.executable!r}, "-c", {STUBBORN!r}], log=Path({str(tmp_path / "log")!r}), env=dict(os.environ))
process.start()
while not process.log.read_text():
    time.sleep(0.02)
print(*process.pids, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    wait_until(lambda: not alive(pid), "the command to end")


def test_a_command_that_ends_by_itself_is_reported_with_its_output(tmp_path: Path) -> None:
    process = start(tmp_path, "print('out of luck'); raise SystemExit(3)")
    wait_until(lambda: not process.running, "its end")
    with pytest.raises(ProcessDied, match=r"(?s)test ended with code 3.*out of luck"):
        process.check()
    process.stop()


def test_a_process_can_be_started_again_after_a_kill(tmp_path: Path) -> None:
    process = start(tmp_path, TREE)
    process.kill()
    assert not process.running
    process.start()
    assert process.running
    process.stop()


def test_another_port_is_taken_when_the_preferred_one_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port
