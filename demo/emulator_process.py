"""The emulator as a process of its own, started the way a user starts it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.processes import BackgroundProcess, free_port, poll
from demo.stack import clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from odps import ODPS

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.ml_studio import Workspace

DEFAULT_PORT = 8765


class EmulatorProcess:
    """
    One emulator on the loopback interface.

    A context manager: entering starts it, leaving stops it. A stop and a start keep the address.

    :param data_dir: where it keeps its tables
    :param port: its port; another one is taken when this one is not free
    :param arguments: further arguments of ``datalake-emulator serve``
    :param environment: further variables that it sees
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = str(Path(sys.executable).with_name("datalake-emulator"))
        self._env = {**clean_environment(), **(environment or {})}
        command = [self._program, "serve", "--port", str(self.port), "--data-dir", str(data_dir), *arguments]
        self._process = BackgroundProcess(
            "datalake-emulator", command, log=data_dir.with_name(f"{data_dir.name}.log"), env=self._env
        )

    def __enter__(self) -> EmulatorProcess:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 60) -> None:
        """
        Start it and wait until it answers.

        :param timeout: seconds
        :raises ProcessDied: when it ends at once
        """
        self._process.start()
        deadline = time.monotonic() + timeout
        while not self._answers():
            self._process.check()
            poll(0.05, deadline, f"the emulator to answer at {self.url}")

    def stop(self) -> None:
        """Stop it; doing so twice is fine."""
        self._process.stop()

    def kill(self) -> None:
        """Kill it at once, as a crash would."""
        self._process.kill()

    def check(self) -> None:
        """
        Do nothing while it runs.

        :raises ProcessDied: when it has ended by itself
        """
        self._process.check()

    @property
    def pids(self) -> list[int]:
        """Process ids of the emulator and of everything below it."""
        return self._process.pids

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self._process.log

    @property
    def env_command(self) -> str:
        """The command that prints the connections to it for a shell."""
        return shlex.join([self._program, "env", "--port", str(self.port)])

    @property
    def environment(self) -> dict[str, str]:
        """The connections to it, as variables that Airflow reads."""
        exports = subprocess.run(
            shlex.split(self.env_command),
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        words = shlex.split(exports, comments=True)
        return dict(word.split("=", 1) for word in words if "=" in word)

    @property
    def connection(self) -> dict[str, Any]:
        """The MaxCompute connection as fields of Airflow's REST API, without its type."""
        fields = json.loads(self.environment["AIRFLOW_CONN_ODPS_DEFAULT"])
        fields.pop("conn_type")
        return {**fields, "extra": json.dumps(fields.get("extra", {}))}

    def client(self) -> ODPS:
        """
        Open an unmodified PyODPS client on it.

        :return: the client
        """
        from odps import ODPS

        fields = json.loads(self.environment["AIRFLOW_CONN_ODPS_DEFAULT"])
        return ODPS(
            access_id=fields["login"],
            secret_access_key=fields["password"],
            project=fields["extra"]["project"],
            endpoint=fields["host"],
            overwrite_global=False,
        )

    def store(self) -> DataLakeStore:
        """
        Open a client on its Data Lake Store.

        :return: the client
        """
        from airflow_provider_datalake.clients.azure_settings import read_settings
        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

        fields = json.loads(self.environment["AIRFLOW_CONN_ADLS_GEN1_DEFAULT"])
        return DataLakeStore.connect(
            read_settings(
                conn_id="adls_gen1_default",
                host=fields["host"],
                login=None,
                password=None,
                extra=fields["extra"],
                service="store",
            )
        )

    def workspace(self) -> Workspace:
        """
        Open a client on its ML Studio workspace.

        :return: the client
        """
        from airflow_provider_datalake.clients.ml_studio import Workspace

        fields = json.loads(self.environment["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"])
        return Workspace(fields["login"], fields["password"], fields["host"])

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(f"{self.url}/", timeout=5).close()
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
        return True
