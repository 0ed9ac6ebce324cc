"""The emulator and the Airflow of `make demo` and `make serve`, below one folder."""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from demo import emulator_process, stack

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".demo"
DAG_ID = "flights_maxcompute"
USQL_DAG_ID = "flights_usql"
LAKEHOUSE_DAG_ID = "lakehouse"
DAG_IDS = (DAG_ID, USQL_DAG_ID, LAKEHOUSE_DAG_ID)
"""The example pipelines, in the order in which they are shown."""
PRELOAD = (
    "airflow.providers.common.sql.operators.sql",
    "airflow.providers.standard.decorators.python",
    "odps.tunnel",
    "pandas",
    "pyarrow.csv",
    "pyarrow.parquet",
    "requests",
    "tenacity",
)


@dataclass(frozen=True)
class Playground:
    """
    What is running.

    :param emulator: the emulator
    :param airflow: the Airflow whose default connections point at it
    :param storage: folder that the example pipelines keep their files in
    """

    emulator: emulator_process.EmulatorProcess
    airflow: stack.AirflowStack
    storage: Path


@contextmanager
def playground(name: str, *, fresh: bool) -> Iterator[Playground]:
    """
    Start both, and stop both at the end.

    :param name: folder below ``.demo``; a number is added while another command uses it
    :param fresh: True to forget what earlier runs left there
    :return: what is running
    """
    with _own_folder(name) as folder:
        if fresh:
            for part in ("airflow", "emulator", "storage"):
                shutil.rmtree(folder / part, ignore_errors=True)
            (folder / "emulator.log").unlink(missing_ok=True)
        storage = folder / "storage"
        storage.mkdir(exist_ok=True)
        emulator = emulator_process.EmulatorProcess(folder / "emulator", port=emulator_process.DEFAULT_PORT)
        with emulator:
            print(f"emulator  {emulator.url}", flush=True)
            airflow = stack.AirflowStack(
                folder / "airflow",
                dags_folder=ROOT / "example_dags",
                environment={**emulator.environment, "FLIGHTS_STORAGE": storage.as_uri()},
                port=stack.DEFAULT_PORT,
                preload=PRELOAD,
                template=STATE / "templates",
            )
            print(f"airflow   {airflow.url} (starting)", flush=True)
            try:
                airflow.start()
                airflow.api.wait_for_dags(lambda found: set(DAG_IDS) <= found)
                yield Playground(emulator, airflow, storage)
            finally:
                print("stopping everything", flush=True)
                airflow.stop()


@contextmanager
def _own_folder(name: str) -> Iterator[Path]:
    """Take the first folder of this name that no other command is using."""
    number = 1
    while True:
        folder = STATE / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            if _lock(lock):
                yield folder
                return
        number += 1


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
