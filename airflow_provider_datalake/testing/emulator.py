"""An emulator process of a test session, and what tests want of it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.maxcompute import MaxComputeSettings
    from airflow_provider_datalake.clients.ml_studio import Workspace
    from airflow_provider_datalake.testing.dags import DagResult, TestDatabase

_CLI = (sys.executable, "-m", "airflow_provider_datalake.emulator.cli")
_READY = "datalake-emulator is ready at "
_STOP_SECONDS = 30


class DataLakeEmulator:
    """
    An emulator that runs as a process of its own.

    :param folder: where its data and its log are
    :param arguments: further arguments of ``datalake-emulator serve``
    """

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        self.folder = folder
        self.address = ""
        """Where it listens, e.g. ``http://127.0.0.1:40123``."""
        self.connections: dict[str, str] = {}
        """The Airflow connections that point at it: JSON by the name of their environment variable."""
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None

    # Life

    def start(self) -> None:
        """
        Start the process and wait until it answers.

        :raises RuntimeError: when it does not start
        """
        # It ends with this process, be it killed.
        command = [*_CLI, "serve", "--end-with-stdin", "--data-dir", str(self._data_dir), "--port", "0"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None  # noqa: S101  # for mypy: it is a pipe
        line = self._process.stdout.readline()
        if not line.startswith(_READY):
            self.stop()
            raise RuntimeError(f"datalake-emulator did not start: {self._log.read_text()}")
        self.address = line.removeprefix(_READY).strip()
        self.connections = self._connections()

    def stop(self) -> None:
        """Stop the process, and let Airflow have the database that it had."""
        if "_airflow" in self.__dict__:
            self._airflow.leave()
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def reset(self) -> None:
        """Make it as it was after its start: no data, no jobs; its address stays."""
        azure = json.loads(self.connections["AIRFLOW_CONN_ADLA_DEFAULT"])["extra"]
        request = urllib.request.Request(
            f"{self.address}/admin/reset",
            method="POST",
            headers={"Authorization": f"Bearer {azure['bearer_token']}"},
        )
        # Never by a proxy: it is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60):
            return

    # Data

    def seed(
        self,
        source: str | os.PathLike[str],
        *,
        table: str | None = None,
        path: str | None = None,
        dataset: str | None = None,
        columns: Mapping[str, str] | None = None,
        data_type_id: str | None = None,
    ) -> None:
        """
        Bring a file or a folder in, in place of what is there; give one of table, path and dataset.

        :param source: CSV or Parquet for a table, anything else for the others
        :param table: a MaxCompute table as ``[project.]name[/partition]``; made when missing
        :param path: a path in the Data Lake Store, for a file or a tree
        :param dataset: the name of an ML Studio dataset
        :param columns: types of columns of a table that is made of CSV, by name
        :param data_type_id: the format of the dataset, where the file's name does not say
        :raises ValueError: when it cannot be done
        """
        given = {"--table": table, "--path": path, "--dataset": dataset, "--format": data_type_id}
        command = ["seed", os.fspath(source)]
        for option, value in given.items():
            if value is not None:
                command += [option, value]
        for name, kind in (columns or {}).items():
            command += ["--column", f"{name}={kind}"]
        self._run(*command, "--data-dir", str(self._data_dir), *self._shared_arguments)

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """
        Run a MaxCompute statement to its end.

        :param statement: one statement
        :return: the rows, value by column; none for a statement that gives none
        """
        from odps.errors import InstanceTypeNotSupported

        from airflow_provider_datalake.clients.maxcompute import build_client
        from airflow_provider_datalake.clients.maxcompute_unload import open_result

        client = build_client(self._maxcompute)
        instance = client.execute_sql(statement, hints=self._maxcompute.hints)
        try:
            download = open_result(client, instance.id, zone=self._maxcompute.zone)
        except InstanceTypeNotSupported:
            return []
        return download.to_arrow().to_pylist()

    def table_rows(self, table: str, partition: str | None = None) -> list[dict[str, Any]]:
        """
        Read a MaxCompute table.

        :param table: its name
        :param partition: one partition, e.g. ``dt=20240101``; None for all
        :return: the rows, value by column, the partition columns last
        """
        from airflow_provider_datalake.clients.maxcompute import build_client
        from airflow_provider_datalake.clients.maxcompute_unload import open_table

        client = build_client(self._maxcompute)
        download = open_table(client, table, partition=partition, zone=self._maxcompute.zone)
        return download.to_arrow().to_pylist()

    def read_file(self, path: str) -> bytes:
        """
        Read a file of the Data Lake Store.

        :param path: its path
        :return: its bytes
        """
        return self._store.read(path)

    def write_file(self, path: str, content: bytes | str) -> None:
        """
        Write a file of the Data Lake Store, in place of the one that is there.

        :param path: its path; missing folders are made
        :param content: its bytes, or its text, which is then UTF-8
        """
        self._store.create(path, content.encode() if isinstance(content, str) else content)

    def list_files(self, path: str = "/") -> list[str]:
        """
        List all files below a folder of the Data Lake Store.

        :param path: the folder
        :return: the files' paths, in alphabetical order
        """
        found: list[str] = []
        for child in self._store.children(path):
            found += self.list_files(child.path) if child.is_folder else [child.path]
        return sorted(found)

    def read_dataset(self, name: str) -> bytes:
        """
        Read an ML Studio dataset.

        :param name: its name
        :return: its bytes
        """
        return self._workspace.datasets[name].read_binary()

    # DAGs

    def run_dag(self, dag: Any, **options: Any) -> DagResult:
        """
        Run a DAG to its end, in this process, deferred tasks included.

        :param dag: the DAG
        :param options: see :func:`airflow_provider_datalake.testing.dags.run_dag`
        :return: the states of the run and its tasks, and their XComs
        """
        from airflow_provider_datalake.testing.dags import run_dag

        self._airflow.use()
        return run_dag(dag, **options)

    @cached_property
    def _airflow(self) -> TestDatabase:
        from airflow_provider_datalake.testing.dags import TestDatabase

        return TestDatabase(self.folder / "airflow")

    # How it is reached

    @property
    def _data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "emulator.log"

    @cached_property
    def _maxcompute(self) -> MaxComputeSettings:
        from airflow_provider_datalake.clients.maxcompute import read_settings

        return read_settings(**self._fields("odps_default"))

    @cached_property
    def _store(self) -> DataLakeStore:
        from airflow_provider_datalake.clients.azure_settings import read_settings
        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

        return DataLakeStore.connect(read_settings(**self._fields("adls_gen1_default"), service="store"))

    @cached_property
    def _workspace(self) -> Workspace:
        from airflow_provider_datalake.clients.ml_studio import Workspace
        from airflow_provider_datalake.clients.ml_studio_calls import read_settings

        return Workspace(settings=read_settings(**self._fields("azureml_studio_default")))

    def _fields(self, conn_id: str) -> dict[str, Any]:
        fields = json.loads(self.connections[f"AIRFLOW_CONN_{conn_id.upper()}"])
        known = {name: fields.get(name) for name in ("host", "login", "password")}
        return {"conn_id": conn_id, "extra": fields.get("extra", {}), **known}

    def _connections(self) -> dict[str, str]:
        printed = self._run("env", "--data-dir", str(self._data_dir), *self._shared_arguments)
        lines = (shlex.split(line)[1].partition("=") for line in printed.splitlines())
        return {name: value for name, _, value in lines}

    @property
    def _shared_arguments(self) -> list[str]:
        """Those of the server's arguments that its clients have to know, too."""
        shared = ("--project", "--access-id", "--secret", "--bearer-token", "--studio-")
        found: list[str] = []
        rest = iter(self._arguments)
        for argument in rest:
            if argument.startswith(shared):
                found += [argument] if "=" in argument else [argument, next(rest, "")]
        return found

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*_CLI, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr.strip())
        return done.stdout
