"""The command line against real processes: detach, wait, stop, reset, seed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from odps import ODPS
    from odps.models import Instance

    from tests.integration.conftest import Emulator

BEARER = {"Authorization": "Bearer emulator-token"}


def cli(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose emulator does not outlive the test."""
    yield tmp_path / "data"
    cli("stop", "--data-dir", tmp_path / "data")


def detached(data_dir: Path, *arguments: str) -> str:
    done = cli("serve", "--detach", "--port", "0", "--data-dir", data_dir, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0].removeprefix("datalake-emulator is ready at ")


def rows(client: ODPS, sql: str) -> list[list[object]]:
    with client.execute_sql(sql).open_reader(tunnel=True) as reader:
        return [list(record.values) for record in reader]


# Life


def test_detach_comes_back_when_the_emulator_is_ready(data_dir: Path) -> None:
    address = detached(data_dir)
    assert httpx.get(f"{address}/health").json() == {"status": "ok"}


def test_what_detach_leaves_does_not_hold_the_callers_pipe(data_dir: Path) -> None:
    command = [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "serve", "--detach"]
    shell = f"exec 7>&1; {' '.join(command)} --port 0 --data-dir '{data_dir}'"
    # It would wait for the end of the pipe until the timeout.
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=True)
    assert "is ready at" in done.stdout


def test_detach_is_refused_where_an_emulator_runs(data_dir: Path) -> None:
    address = detached(data_dir)
    second = cli("serve", "--detach", "--port", "0", "--data-dir", data_dir)
    assert second.returncode == 1
    assert f"an emulator runs at {address} in {data_dir} already" in second.stderr


def test_detach_says_why_the_emulator_does_not_start(data_dir: Path, emulator: Emulator) -> None:
    port = emulator.address.rpartition(":")[2]
    done = cli("serve", "--detach", "--port", port, "--data-dir", data_dir)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "the emulator did not start" in done.stderr


def test_the_log_of_a_detached_emulator_is_for_its_owner_only(data_dir: Path) -> None:
    detached(data_dir, "--host", "0.0.0.0")
    log = data_dir / "emulator.log"
    assert "Its pages ask for the token" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_stop_ends_it_and_says_where_it_was(data_dir: Path) -> None:
    address = detached(data_dir)
    done = cli("stop", "--data-dir", data_dir)
    assert (done.returncode, done.stdout) == (0, f"datalake-emulator at {address} has stopped\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health")


def test_stop_has_a_code_of_its_own_where_nothing_runs(data_dir: Path) -> None:
    done = cli("stop", "--data-dir", data_dir)
    assert done.returncode == 3
    assert f"no emulator runs in {data_dir}" in done.stderr


def test_stop_does_not_take_a_killed_emulator_for_a_running_one(data_dir: Path) -> None:
    detached(data_dir)
    os.kill(json.loads((data_dir / "emulator.json").read_text())["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while cli("stop", "--data-dir", data_dir).returncode != 3:
        assert time.monotonic() < deadline


def test_stop_gives_up_after_its_timeout(data_dir: Path) -> None:
    detached(data_dir)
    pid = json.loads((data_dir / "emulator.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    done = cli("stop", "--data-dir", data_dir, "--timeout", "0.2")
    os.kill(pid, signal.SIGCONT)
    assert done.returncode == 1
    assert f"(process {pid}) has not ended after 0.2 s" in done.stderr


def test_an_emulator_can_end_with_its_standard_input(data_dir: Path) -> None:
    command = [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "serve", "--end-with-stdin"]
    running = subprocess.Popen(
        [*command, "--port", "0", "--data-dir", str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert "is ready at" in running.stdout.readline()
    running.communicate("", timeout=30)
    assert running.returncode == 0


def test_an_emulator_that_waits_for_standard_input_can_be_stopped_as_others(data_dir: Path) -> None:
    command = [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "serve", "--end-with-stdin"]
    with subprocess.Popen(
        [*command, "--port", "0", "--data-dir", str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert "is ready at" in running.stdout.readline()
        assert cli("stop", "--data-dir", data_dir).returncode == 0
        assert running.wait(30) == 0
        assert running.stderr.read() == ""


def test_detach_has_no_standard_input_to_end_with(data_dir: Path) -> None:
    done = cli("serve", "--detach", "--end-with-stdin", "--data-dir", data_dir)
    assert done.returncode == 2
    assert "give one of them" in done.stderr


def test_wait_ends_when_the_emulator_answers(data_dir: Path) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "wait", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
    )
    address = detached(data_dir)
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert out == f"datalake-emulator answers at {address}\n"


def test_wait_does_not_take_another_emulator_for_the_one_of_its_directory(
    data_dir: Path, emulator: Emulator
) -> None:
    done = cli("wait", "--data-dir", data_dir, "--timeout", "0.3")
    assert done.returncode == 1
    assert f"the emulator in {data_dir} does not answer after 0.3 s" in done.stderr


def test_wait_for_an_address(emulator: Emulator, data_dir: Path) -> None:
    port = emulator.address.rpartition(":")[2]
    assert cli("wait", "--port", port, "--data-dir", data_dir).returncode == 0


def test_env_names_the_emulator_that_runs_in_the_directory(data_dir: Path) -> None:
    address = detached(data_dir)
    assert f'"host":"{address}/api"' in cli("env", "--data-dir", data_dir).stdout


def test_env_names_the_proxy_of_the_emulator_that_runs_in_the_directory(data_dir: Path) -> None:
    done = cli("serve", "--detach", "--port", "0", "--tls-proxy", "0", "--data-dir", data_dir)
    proxy = done.stdout.splitlines()[1].removeprefix("Its TLS proxy is at ")
    printed = cli("env", "--tls-proxy", "--data-dir", data_dir).stdout
    assert f"export HTTPS_PROXY={proxy}\n" in printed
    assert f"export SSL_CERT_FILE={data_dir}/tls/ca.pem\n" in printed


# Reset


def test_reset_leaves_nothing_and_keeps_the_address(data_dir: Path) -> None:
    address = detached(data_dir, "--project", "p1")
    source = data_dir.parent / "a.csv"
    source.write_text("a\n1\n")
    assert cli("seed", source, "--table", "p1.t", "--data-dir", data_dir).returncode == 0
    assert cli("seed", source, "--path", "/raw/a.csv", "--data-dir", data_dir).returncode == 0
    done = cli("reset", "--data-dir", data_dir)
    assert (done.returncode, done.stdout) == (0, f"datalake-emulator at {address} is empty\n")
    assert cli("wait", "--data-dir", data_dir, "--timeout", "0").stdout.strip().endswith(address)
    listing = httpx.get(f"{address}/adls/emulator/webhdfs/v1/?op=LISTSTATUS", headers=BEARER).json()
    assert listing["FileStatuses"]["FileStatus"] == []
    again = cli("seed", source, "--table", "p1.t", "--data-dir", data_dir)
    assert "into new table p1.t" in again.stdout


def test_reset_stops_the_jobs_that_run(
    own_emulator: Callable[..., Emulator],
    long_sql: str,
    task_status: Callable[[Instance], str],
    wait_until: Callable[..., None],
) -> None:
    emulator = own_emulator()
    instance = emulator.client().run_sql(long_sql)
    wait_until(lambda: task_status(instance) == "RUNNING")
    begin = time.monotonic()
    assert httpx.post(f"{emulator.address}/admin/reset", headers=BEARER, timeout=30).status_code == 200
    assert time.monotonic() - begin < 5
    assert not emulator.client().exist_instance(instance.id)
    assert rows(emulator.client(), "select 1 as a") == [[1]]


def test_requests_during_resets_are_answered_before_or_after(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator()
    failures: list[object] = []
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as http:
            while not ended.is_set():
                answer = http.put(
                    f"{emulator.address}/adls/emulator/webhdfs/v1/f?op=CREATE&write=true&overwrite=true",
                    headers=BEARER,
                    content=b"x" * 100_000,
                )
                if answer.status_code != 201:
                    failures.append((answer.status_code, answer.text))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        assert httpx.post(f"{emulator.address}/admin/reset", headers=BEARER, timeout=30).status_code == 200
    ended.set()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("given", ["Bearer", "Bearer wrong", "emulator", "Basic ZW11bGF0b3I6"])
def test_a_reset_needs_the_bearer_token(emulator: Emulator, given: str) -> None:
    answer = httpx.post(f"{emulator.address}/admin/reset", headers={"Authorization": given})
    assert answer.status_code == 401


def test_a_reset_is_no_page_to_be_visited(emulator: Emulator) -> None:
    assert httpx.get(f"{emulator.address}/admin/reset", headers=BEARER).status_code == 405


def test_reset_tells_that_its_token_is_wrong(data_dir: Path) -> None:
    detached(data_dir, "--bearer-token", "another")
    done = cli("reset", "--data-dir", data_dir)
    assert done.returncode == 1
    assert "a reset needs the emulator's bearer token" in done.stderr


def test_reset_of_an_emulator_that_does_not_run_empties_its_directory(data_dir: Path) -> None:
    detached(data_dir)
    source = data_dir.parent / "a.csv"
    source.write_text("a\n1\n")
    cli("seed", source, "--table", "t", "--data-dir", data_dir)
    cli("stop", "--data-dir", data_dir)
    done = cli("reset", "--data-dir", data_dir)
    assert (done.returncode, done.stdout) == (0, f"datalake-emulator: {data_dir} is empty\n")
    detached(data_dir)
    assert "into new table demo.t" in cli("seed", source, "--table", "t", "--data-dir", data_dir).stdout


def test_reset_is_quick_however_much_there_is(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator()
    with httpx.Client(headers=BEARER, timeout=30) as http:
        for number in range(500):
            path = f"{emulator.address}/adls/emulator/webhdfs/v1/many/{number}?op=CREATE&write=true"
            assert http.put(path, content=b"x").status_code == 201
        begin = time.monotonic()
        assert http.post(f"{emulator.address}/admin/reset").status_code == 200
        # Some tenths of a second where other tests use the machine as well.
        assert time.monotonic() - begin < 3


def test_a_reset_frees_the_space(
    own_emulator: Callable[..., Emulator], wait_until: Callable[..., None]
) -> None:
    emulator = own_emulator()
    address = f"{emulator.address}/adls/emulator/webhdfs/v1/big?op=CREATE&write=true"
    assert httpx.put(address, headers=BEARER, content=bytes(5_000_000)).status_code == 201

    def used() -> int:
        return sum(path.stat().st_size for path in emulator.data_dir.rglob("*") if path.is_file())

    assert used() > 5_000_000
    assert httpx.post(f"{emulator.address}/admin/reset", headers=BEARER, timeout=30).status_code == 200
    wait_until(lambda: list((emulator.data_dir / "discarded").iterdir()) == [])
    assert used() < 5_000_000


# Seed


@pytest.fixture
def port(emulator: Emulator) -> str:
    return emulator.address.rpartition(":")[2]


CSV = "id,code,price,day,at\n1,007,1.5,2024-01-02,2024-01-02 03:04:05\n2,010,,2024-01-03,\n"


def test_seed_makes_a_table_of_csv(emulator: Emulator, port: str, tmp_path: Path, table_name: str) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    done = cli("seed", tmp_path / "a.csv", "--table", table_name, "--port", port)
    assert done.stdout == (
        f"2 rows from 1 file into new table demo.{table_name} "
        "(id bigint, code string, price double, day date, at datetime)\n"
    )
    found = rows(emulator.client(), f"select id, code, price from {table_name} order by id limit 9")
    assert found == [[1, "007", 1.5], [2, "010", None]]


def test_seed_takes_a_persons_types(port: str, tmp_path: Path, table_name: str) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    done = cli(
        "seed", tmp_path / "a.csv", "--table", table_name, "--port", port, "--column", "price=decimal(10,2)"
    )
    assert "price decimal(10,2)" in done.stdout


def test_seeding_twice_gives_the_same_rows(
    emulator: Emulator, port: str, tmp_path: Path, table_name: str
) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    for _ in range(2):
        done = cli("seed", tmp_path / "a.csv", "--table", f"demo.{table_name}/dt=20240101", "--port", port)
        assert done.returncode == 0, done.stderr
    query = f"select dt, count(*) as n from {table_name} where dt > '' group by dt"
    assert rows(emulator.client(), query) == [["20240101", 2]]


def test_seed_loads_the_parquet_files_of_a_folder(
    emulator: Emulator, port: str, tmp_path: Path, table_name: str
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, values in (("a.parquet", [1, 2]), ("b.parquet", [3])):
        pq.write_table(pa.table({"n": pa.array(values, pa.int32())}), tmp_path / name)
    done = cli("seed", tmp_path, "--table", table_name, "--port", port)
    assert done.stdout == f"3 rows from 2 files into new table demo.{table_name} (n int)\n"
    assert rows(emulator.client(), f"select sum(n) as n from {table_name}") == [[6]]


def test_seed_uploads_a_tree(emulator: Emulator, port: str, tmp_path: Path, table_name: str) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "a.csv").write_text("a")
    (tmp_path / "tree" / "sub" / "b.csv").write_text("bb")
    done = cli("seed", tmp_path / "tree", "--path", f"/{table_name}", "--port", port)
    assert done.stdout == f"2 files, 3 bytes, to /{table_name} in the store emulator\n"
    address = f"{emulator.address}/adls/emulator/webhdfs/v1/{table_name}/sub/b.csv?op=OPEN&read=true"
    assert httpx.get(address, headers=BEARER).content == b"bb"


def test_seed_puts_a_file_into_a_folder(
    emulator: Emulator, port: str, tmp_path: Path, table_name: str
) -> None:
    (tmp_path / "a.csv").write_text("a")
    assert cli("seed", tmp_path / "a.csv", "--path", f"/{table_name}/", "--port", port).returncode == 0
    address = f"{emulator.address}/adls/emulator/webhdfs/v1/{table_name}/a.csv?op=OPEN&read=true"
    assert httpx.get(address, headers=BEARER).content == b"a"


def test_seed_makes_versions_of_a_dataset(
    emulator: Emulator, port: str, tmp_path: Path, table_name: str
) -> None:
    from airflow_provider_datalake.clients.ml_studio import Workspace

    source = tmp_path / "a.csv"
    for number, said in ((1, "new dataset"), (2, "new version of dataset")):
        source.write_text(f"a\n{number}\n")
        done = cli("seed", source, "--dataset", table_name, "--port", port)
        assert done.stdout == f"4 bytes to the {said} '{table_name}' (GenericCSV) of workspace emulator\n"
    workspace = Workspace("emulator", "emulator-token", f"{emulator.address}/studio/")
    assert workspace.datasets[table_name].read_binary() == b"a\n2\n"
    workspace.close()


def test_seed_takes_the_format_of_a_dataset(port: str, tmp_path: Path, table_name: str) -> None:
    (tmp_path / "a.dat").write_text("1,2\n")
    done = cli(
        "seed", tmp_path / "a.dat", "--dataset", table_name, "--format", "GenericCSVNoHeader", "--port", port
    )
    assert "(GenericCSVNoHeader)" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("a.csv", "a,b\n1\n", ["--table", "t"], "a.csv"),
        ("a.csv", "", ["--table", "t"], "a.csv"),
        ("a.csv", "a\n1\n", ["--table", "nowhere.t"], "Project not found - 'nowhere'"),
        ("a.csv", "a\n1\n", ["--table", "t", "--column", "b=int"], "there is no column b in"),
        ("a.csv", "a\n1\n", ["--table", "t", "--column", "a=number"], "'number' is not a MaxCompute type"),
        ("a.csv", "a\nx\n", ["--table", "t", "--column", "a=bigint"], "'x'"),
        ("a.csv", "a\n1\n", ["--table", "t/dt"], "malformed partition spec 'dt'"),
        ("a.parquet", "no", ["--table", "t"], "not a Parquet file"),
        ("a.txt", "a", ["--table", "t"], "a table is made of files that end with .parquet, .pq, .csv, .tsv"),
        ("a.csv", "a", ["--path", "relative"], "destination"),
        ("a.bin", "a", ["--dataset", "d"], "a.bin does not say what format it has"),
        ("missing", None, ["--table", "t"], "there is no file or folder"),
    ],
)
def test_bad_seeds_are_clear_errors(
    emulator: Emulator,
    port: str,
    tmp_path: Path,
    name: str,
    content: str | None,
    arguments: list[str],
    message: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    done = cli("seed", tmp_path / name, *arguments, "--port", port)
    assert done.returncode == 1, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_seed_makes_no_table(emulator: Emulator, port: str, tmp_path: Path, table_name: str) -> None:
    (tmp_path / "a.csv").write_text("a\nx\n")
    cli("seed", tmp_path / "a.csv", "--table", table_name, "--port", port, "--column", "a=bigint")
    assert not emulator.client().exist_table(table_name)


def test_seed_needs_an_emulator(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    done = cli("seed", tmp_path / "a.csv", "--table", "t", "--data-dir", data_dir)
    assert done.returncode == 3
    assert f"no emulator runs in {data_dir}" in done.stderr
