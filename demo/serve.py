"""`make serve`: leave the emulator and Airflow running for a person, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time

from demo.airflow_api import BrokenDag
from demo.interrupts import Interrupted, raise_on_signals
from demo.playground import DAG_IDS, Playground, playground
from demo.processes import ProcessDied
from demo.stack import clean_this_process


def serve() -> None:
    """Start both, say where they are, and stay while both are alive."""
    with playground("serve", fresh=False) as running:
        print(greeting(running), flush=True)
        while True:
            running.airflow.check()
            running.emulator.check()
            time.sleep(1)


def greeting(running: Playground) -> str:
    """
    Say what there is to play with.

    :param running: the emulator and Airflow
    :return: some lines for a person
    """
    return f"""
Airflow UI      {running.airflow.url}/dags/   (no login; press Trigger to run {" or ".join(DAG_IDS)})
emulator pages  {running.emulator.url}/

Your own DAGs   put them into {running.airflow.dags_folder}
Your own shell  eval "$({running.emulator.env_command})"
Logs            {running.airflow.home / "logs"}

Tables and runs are kept for the next time; `make clean` forgets them. Ctrl-C stops both."""


def main() -> int:
    """
    Serve until somebody says stop.

    :return: the exit code
    """
    raise_on_signals()
    clean_this_process()
    try:
        serve()
    except Interrupted as interrupt:
        return 0 if interrupt.exit_code == 128 + signal.SIGINT else interrupt.exit_code
    except (BrokenDag, ProcessDied, TimeoutError) as error:
        print(f"serve failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
