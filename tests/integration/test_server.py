"""The server as a process: its start, its end, its data directory."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odps.models import Instance

    from tests.integration.conftest import Emulator


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_is_healthy(emulator: Emulator) -> None:
    assert httpx.get(f"{emulator.address}/health", timeout=10).json() == {"status": "ok"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_fails_the_running_job(
    own_emulator: Callable[..., Emulator],
    long_sql: str,
    task_status: Callable[[Instance], str],
    wait_until: Callable[..., None],
    number: int,
) -> None:
    from odps.errors import ODPSError

    emulator = own_emulator()
    instance = emulator.client().run_sql(long_sql)
    wait_until(lambda: task_status(instance) == "RUNNING")
    begin = time.monotonic()
    assert emulator.stop(number) == 0
    assert time.monotonic() - begin < 10
    assert "Traceback" not in emulator.log()
    emulator.start()
    again = emulator.client().get_instance(instance.id)
    with pytest.raises(ODPSError, match="the emulator was stopped"):
        again.wait_for_success()


def test_kill_9_leaves_every_job_finished_or_failed(
    own_emulator: Callable[..., Emulator],
    long_sql: str,
    task_status: Callable[[Instance], str],
    wait_until: Callable[..., None],
) -> None:
    emulator = own_emulator("own", "--workers", "1")
    client = emulator.client()
    finished = client.execute_sql("select 1 as a")
    running = client.run_sql(long_sql)
    wait_until(lambda: task_status(running) == "RUNNING")
    waiting = client.run_sql("select 2 as a")
    emulator.kill()
    emulator.start()
    client = emulator.client()
    statuses = {}
    for instance in (finished, running, waiting):
        again = client.get_instance(instance.id)
        again.wait_for_completion(interval=0.05)
        statuses[instance.id] = task_status(again)
    assert statuses == {finished.id: "SUCCESS", running.id: "FAILED", waiting.id: "SUCCESS"}
    assert client.get_instance(finished.id).get_task_result() == '"a"\n1\n'
    assert client.get_instance(waiting.id).get_task_result() == '"a"\n2\n'


@pytest.mark.parametrize(
    ("failpoint", "status", "rows"),
    [
        ("stage:written", "FAILED", 0),
        ("commit:begun", "FAILED", 0),
        ("commit:changed", "FAILED", 0),
        ("commit:committed", "SUCCESS", 1),
    ],
)
def test_a_job_killed_around_its_commit_ends_as_its_rows_say(
    own_emulator: Callable[..., Emulator],
    task_status: Callable[[Instance], str],
    failpoint: str,
    status: str,
    rows: int,
) -> None:
    emulator = own_emulator()
    emulator.client().execute_sql("create table t (id bigint)")
    emulator.stop()
    emulator.environment["DATALAKE_EMULATOR_FAILPOINT"] = failpoint
    emulator.start()
    instance = emulator.client().run_sql("insert into t values (1)")
    assert emulator.process is not None
    assert emulator.process.wait(30) == -signal.SIGKILL
    emulator.environment.clear()
    emulator.restart()
    client = emulator.client()
    assert task_status(client.get_instance(instance.id)) == status
    assert client.get_table("t").record_num == rows
    with client.execute_sql("select count(*) as n from t").open_reader(tunnel=True) as reader:
        assert [record[0] for record in reader] == [rows]


def test_a_data_directory_belongs_to_one_emulator(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator()
    second = serve("--port", "0", "--data-dir", str(emulator.data_dir))
    assert second.returncode == 1
    assert str(emulator.data_dir) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_that_is_taken_is_a_clear_error(emulator: Emulator, tmp_path: Path) -> None:
    port = emulator.address.rsplit(":", 1)[1]
    second = serve("--port", port, "--data-dir", str(tmp_path / "other"))
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_data_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    second = serve("--port", "0", "--data-dir", str(tmp_path / "file" / "data"))
    assert second.returncode == 1
    assert "cannot use the data directory" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_project_name_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    refused = serve("--port", "0", "--data-dir", str(tmp_path / "data"), "--project", "a b")
    assert refused.returncode == 1
    assert "invalid project name 'a b'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_full_disk_is_named_and_leaves_nothing(
    own_emulator: Callable[..., Emulator], tmp_path: Path
) -> None:
    from odps.errors import ODPSError

    emulator = own_emulator(max_file_bytes=1_000_000)
    client = emulator.client()
    table = client.create_table("t", "a string")
    client.write_table(table, [["small"]])
    with pytest.raises(ODPSError, match="cannot read or write its data directory.*File too large"):
        client.write_table(table, [[random.randbytes(50_000).hex()] for _ in range(30)])
    with pytest.raises(ODPSError, match="File too large"):
        client.execute_sql(
            "create table copy as select concat(a, uuid()) as a from t"
            " lateral view explode(split(repeat('x,', 100000), ',')) v as x"
        )
    with client.execute_sql("select a from t").open_reader(tunnel=True) as reader:
        assert [record[0] for record in reader] == ["small"]
    assert len(list((emulator.data_dir / "segments").iterdir())) == 1


def test_an_open_upload_does_not_keep_the_server_from_ending(own_emulator: Callable[..., Emulator]) -> None:
    from odps.errors import ODPSError
    from odps.tunnel import TableTunnel

    emulator = own_emulator()
    emulator.client().create_table("t", "a string")
    session = TableTunnel(emulator.client()).create_upload_session("t")
    writer = session.open_record_writer(0)
    for _ in range(100):
        writer.write(session.new_record([random.randbytes(5_000).hex()]))
    begin = time.monotonic()
    assert emulator.stop() == 0
    assert time.monotonic() - begin < 15
    assert list((emulator.data_dir / "segments").iterdir()) == []
    with pytest.raises((OSError, ODPSError)):
        writer.close()


def test_credentials_can_be_set(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("own", "--access-id", "me", environment={"DATALAKE_EMULATOR_SECRET": "mine"})
    client = emulator.client(access_id="me", secret_access_key="mine")
    assert client.exist_project("demo")
