"""A real emulator process, and an unmodified PyODPS client that talks to it."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from odps import ODPS
    from odps.models import Instance

# Minutes of work for one core, that nothing can shorten.
LONG_SQL = (
    "SELECT COUNT(*) AS n FROM ({digits}) a CROSS JOIN ({digits}) b CROSS JOIN ({digits}) c "
    "CROSS JOIN ({digits}) d CROSS JOIN ({digits}) e CROSS JOIN ({digits}) f CROSS JOIN ({digits}) g "
    "CROSS JOIN ({digits}) h CROSS JOIN ({digits}) i CROSS JOIN ({digits}) j "
    "WHERE LENGTH(CONCAT(a.x, b.x, c.x, d.x, e.x, f.x, g.x, h.x, i.x, j.x)) > 3"
).format(digits=" UNION ALL ".join(f"SELECT '{n}' AS x" for n in range(10)))
LONG_USQL = """
@digits = SELECT * FROM (VALUES {digits}) AS D(x);
@count = SELECT COUNT(*) AS n FROM {tables} WHERE ({text}).Length > 3;
OUTPUT @count TO "/long.csv" USING Outputters.Csv();
""".format(
    digits=", ".join(f'("{n}")' for n in range(10)),
    tables=" CROSS JOIN ".join(f"@digits AS t{n}" for n in range(10)),
    text=" + ".join(f"t{n}.x" for n in range(10)),
)
START_SECONDS = 60
READY = "datalake-emulator is ready at "


@dataclass
class Emulator:
    """
    A ``datalake-emulator serve`` process of the tests.

    :param data_dir: its data directory, which survives a restart
    :param arguments: further command-line arguments
    :param environment: further environment variables
    :param max_file_bytes: how large a file may get, which feels to the process like a full disk
    """

    data_dir: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    max_file_bytes: int | None = None
    address: str = ""
    process: subprocess.Popen[str] | None = None
    access_id: str = "emulator"
    secret: str = "emulator-secret"

    def start(self) -> Emulator:
        command = [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "serve", "--port", "0"]
        log = self.data_dir.with_suffix(".log").open("a")
        with log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.data_dir), *self.arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environment},
            )
        if self.max_file_bytes is not None:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (self.max_file_bytes,) * 2)
        self.address = self._ready_line().removeprefix(READY)
        return self

    def _ready_line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_SECONDS), f"no answer; see {self.log()}"
        line = self.process.stdout.readline().strip()
        assert line.startswith(READY), f"the emulator did not start: {line!r} {self.log()}"
        return line

    def log(self) -> str:
        return self.data_dir.with_suffix(".log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process with a signal; gives its exit code."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(number)
        code = process.wait(START_SECONDS)
        assert process.stdout is not None
        process.stdout.close()
        return code

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def restart(self) -> Emulator:
        self.stop()
        return self.start()

    @property
    def endpoint(self) -> str:
        return f"{self.address}/api"

    def client(self, project: str = "demo", **arguments: object) -> ODPS:
        from odps import ODPS

        return ODPS(
            **{
                "access_id": self.access_id,
                "secret_access_key": self.secret,
                "project": project,
                "endpoint": self.endpoint,
                "overwrite_global": False,
                **arguments,
            }
        )


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests of a worker process; do not stop it."""
    running = Emulator(tmp_path_factory.mktemp("emulator") / "data").start()
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Make emulators of the test's own, to be killed and restarted: ``own_emulator(name, *arguments)``."""
    made: list[Emulator] = []

    def make(
        name: str = "own",
        *arguments: str,
        environment: dict[str, str] | None = None,
        max_file_bytes: int | None = None,
    ) -> Emulator:
        made.append(Emulator(tmp_path / name, arguments, environment or {}, max_file_bytes))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def odps(emulator: Emulator) -> ODPS:
    return emulator.client()


@pytest.fixture
def table_name() -> str:
    """A table name that no other test uses."""
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Wait for something that only asking can tell: ``wait_until(condition, seconds=30)``."""

    def wait(condition: Callable[[], bool], seconds: float = 30, pause: float = 0.02) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(pause)

    return wait


@pytest.fixture(scope="session")
def long_sql() -> str:
    """A query that runs for minutes unless it is stopped."""
    return LONG_SQL


@pytest.fixture(scope="session")
def long_usql() -> str:
    """A script that runs for minutes unless it is stopped."""
    return LONG_USQL


@pytest.fixture(scope="session")
def task_status() -> Callable[[Instance], str]:
    """Ask for the state of an instance's one task."""

    def ask(instance: Instance) -> str:
        (task,) = instance.get_task_statuses().values()
        return task.status.value

    return ask
