from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.commands import control
from airflow_provider_datalake.emulator.run_file import NAME, RunFile, Running, find_running, process_start

if TYPE_CHECKING:
    from pathlib import Path


def test_what_runs_is_found_with_its_address(tmp_path: Path) -> None:
    claim = RunFile(tmp_path)
    claim.ready("http://127.0.0.1:9000", None)
    assert find_running(tmp_path) == Running(
        os.getpid(), process_start(os.getpid()), "http://127.0.0.1:9000", None
    )
    claim.release()


def test_nothing_runs_where_there_is_no_file(tmp_path: Path) -> None:
    assert find_running(tmp_path / "missing") is None


def test_nothing_runs_after_the_release(tmp_path: Path) -> None:
    RunFile(tmp_path).release()
    assert find_running(tmp_path) is None


def test_what_a_killed_process_has_left_is_not_running(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from airflow_provider_datalake.emulator.run_file import RunFile\n"
        "claim = RunFile(Path(sys.argv[1])); claim.ready('http://127.0.0.1:1', None)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert json.loads((tmp_path / NAME).read_text())["address"] == "http://127.0.0.1:1"
    assert find_running(tmp_path) is None


def test_a_directory_has_one_claim(tmp_path: Path) -> None:
    claim = RunFile(tmp_path)
    with pytest.raises(RuntimeError, match="another emulator uses the data directory"):
        RunFile(tmp_path)
    claim.release()


def test_stop_leaves_a_process_alone_that_is_not_the_emulator(tmp_path: Path) -> None:
    # As when the emulator runs in a container, whose processes have other numbers, on a shared volume.
    foreign = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    claim = RunFile(tmp_path)
    text = json.dumps({"pid": foreign.pid, "started": "1", "address": "http://127.0.0.1:1"})
    (tmp_path / NAME).write_text(text)
    with pytest.raises(control.CommandError, match="another machine or container"):
        control.stop(tmp_path, timeout=1)
    assert foreign.poll() is None
    foreign.communicate(b"\n", timeout=10)
    claim.release()


def test_stop_says_that_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(control.CommandError, match="no emulator runs in") as caught:
        control.stop(tmp_path, timeout=1)
    assert caught.value.code == control.NOT_RUNNING
