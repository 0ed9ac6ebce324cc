"""A whole Airflow of our own: four processes, one home, nothing shared with any other Airflow of the user."""

from __future__ import annotations

import base64
import configparser
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from demo.airflow_api import AirflowApi, AirflowApiError
from demo.processes import BackgroundProcess, free_port, poll, stop_all

if TYPE_CHECKING:
    from types import TracebackType

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
DEFAULT_PORT = 8080

# The log servers of these two listen on every interface; all our logs are on this disk anyway.
_ARGUMENTS = {"scheduler": ["--skip-serve-logs"], "triggerer": ["--skip-serve-logs"]}

# Airflow imports this file in each of its processes. A worker is a fork of the scheduler, a task one of a
# worker: what the scheduler has imported, none of them has to import again.
_LOCAL_SETTINGS = """
import sys

if "scheduler" in sys.argv:
    for name in {modules!r}:
        __import__(name)
"""

Settings = Mapping[str, Mapping[str, str]]


class AirflowStack:
    """
    Airflow's API server, scheduler, DAG processor and triggerer on SQLite, bound to the loopback interface.

    A context manager: entering starts everything and waits until it is healthy, leaving stops everything.
    Whatever happens to this process, nothing of the stack outlives it.

    :param home: its ``AIRFLOW_HOME``; what is there already (database, keys) is used again
    :param dags_folder: where its DAG files are
    :param environment: variables that its processes see, e.g. connections
    :param settings: Airflow options by section, on top of ours
    :param port: port of the UI and the API; another one is taken when this one is not free
    :param preload: modules that nearly every task imports; one import serves them all
    :param template: folder that keeps a migrated database for the next new home
    """

    def __init__(
        self,
        home: Path,
        *,
        dags_folder: Path,
        environment: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        port: int | None = None,
        preload: Sequence[str] = (),
        template: Path | None = None,
    ) -> None:
        self.home = home.absolute()
        self.dags_folder = dags_folder.absolute()
        self.port = free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = AirflowApi(self.url, check=self.check)
        self._settings = settings or {}
        self._preload = list(preload)
        self._template = template
        self._env = {**clean_environment(), **(environment or {}), "AIRFLOW_HOME": str(self.home)}
        self._components = {
            name: BackgroundProcess(
                f"airflow {name}",
                [sys.executable, "-m", "airflow", name, *_ARGUMENTS.get(name, [])],
                log=self.home / "logs" / f"{name}.log",
                env=self._env,
            )
            for name in COMPONENTS
        }

    def __enter__(self) -> AirflowStack:
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

    @property
    def database(self) -> Path:
        """The metadata database, a SQLite file."""
        return self.home / "airflow.db"

    @property
    def pids(self) -> list[int]:
        """Process ids of everything that belongs to the stack."""
        return [pid for component in self._components.values() for pid in component.pids]

    def start(self, timeout: float = 120) -> None:
        """
        Start the components and wait until all are healthy.

        :param timeout: seconds
        :raises ProcessDied: when one of them ends at once
        """
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_config()
        local_settings = self.home / "config" / "airflow_local_settings.py"
        local_settings.parent.mkdir(exist_ok=True)
        local_settings.write_text(_LOCAL_SETTINGS.format(modules=self._preload))
        self._prepare_database()
        for component in self._components.values():
            component.start()
        self.wait_until_healthy(timeout)

    def stop(self) -> None:
        """Stop the components; doing so twice is fine."""
        stop_all(list(self._components.values()))

    def check(self) -> None:
        """
        Do nothing while all components run.

        :raises ProcessDied: when one has ended by itself
        """
        for component in self._components.values():
            component.check()

    def wait_until_healthy(self, timeout: float = 120) -> None:
        """
        Wait until every component says of itself that it is well.

        :param timeout: seconds
        """
        import requests

        deadline = time.monotonic() + timeout
        health: Mapping[str, str] = {}
        while True:
            self.check()
            try:
                health = self.api.health()
            except (requests.ConnectionError, requests.Timeout, AirflowApiError):
                health = {"api-server": "no answer yet"}
            if len(health) == len(COMPONENTS) and set(health.values()) == {"healthy"}:
                return
            poll(0.25, deadline, f"Airflow to be healthy, it says {dict(health)}")

    def kill(self, component: str) -> None:
        """
        Kill one component with everything below it, as a crash would.

        :param component: one of `COMPONENTS`
        """
        self._components[component].kill()

    def restart(self, component: str) -> None:
        """
        Stop one component if it runs, start it again and wait until the stack is healthy.

        :param component: one of `COMPONENTS`
        """
        self._components[component].stop()
        self._components[component].start()
        self.wait_until_healthy()

    def task_process(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> int | None:
        """
        Find the process that executes a task right now, the one that a kill test kills.

        :param dag_id: the DAG
        :param run_id: the run
        :param task_id: the task
        :param map_index: which of a mapped task's instances
        :return: its process id, or None when there is none
        """
        instance = self.api.task_instance(dag_id, run_id, task_id, map_index)
        title = f"airflow worker -- {instance['id']}".encode()
        for pid in self.pids:
            try:
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(title):
                    return pid
            except FileNotFoundError:  # it has just ended
                continue
        return None

    def run_airflow(self, *arguments: str) -> str:
        """
        Run a command of Airflow's CLI in this home.

        :param arguments: what follows ``airflow``
        :return: its output
        :raises RuntimeError: when it fails
        """
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"airflow {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _write_config(self) -> None:
        """Write airflow.cfg: secrets stay out of environments, keys survive a restart of the home."""
        path = self.home / "airflow.cfg"
        # What a user writes into a DAG or a connection may hold a percent sign, and so may our own path.
        config = configparser.ConfigParser(interpolation=None)
        config.read(path)
        keys = {
            ("core", "fernet_key"): base64.urlsafe_b64encode(os.urandom(32)).decode(),
            ("api", "secret_key"): secrets.token_hex(32),
            ("api_auth", "jwt_secret"): secrets.token_hex(32),
        }
        for section, options in _merge(self._own_settings(), self._settings).items():
            config[section] = {**dict(config[section] if section in config else {}), **options}
        for (section, option), value in keys.items():
            if not config.has_section(section):
                config.add_section(section)
            if not config.has_option(section, option):
                config[section][option] = value
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            config.write(file)

    def _own_settings(self) -> Settings:
        return {
            "core": {
                "dags_folder": _escape(self.dags_folder),
                "executor": "LocalExecutor",
                "parallelism": "8",
                "load_examples": "False",
                "dags_are_paused_at_creation": "False",
                "simple_auth_manager_all_admins": "True",
                "test_connection": "Enabled",
                "execution_api_server_url": f"{self.url}/execution/",
            },
            "api": {"host": "127.0.0.1", "port": str(self.port), "base_url": self.url, "workers": "1"},
            "database": {"sql_alchemy_conn": f"sqlite:///{_escape(self.database)}"},
            "dag_processor": {
                "refresh_interval": "2",
                "bundle_refresh_check_interval": "1",
                "min_file_process_interval": "30",
            },
            # A worker that misses its child's end idles for one such interval.
            "workers": {"min_heartbeat_interval": "1"},
            "scheduler": {
                "task_instance_heartbeat_timeout": "30",
                "task_instance_heartbeat_timeout_detection_interval": "5",
            },
            "logging": {
                "base_log_folder": _escape(self.home / "logs"),
                # Below it Airflow warns in every log that it does not mask a text, here the project's name.
                "min_length_masked_secret": "4",
            },
            "usage_data_collection": {"enabled": "False"},
        }

    def _prepare_database(self) -> None:
        """Bring the database to this Airflow's schema, by a copy of the template when there is one."""
        stamp = self.home / "airflow.db.version"
        wanted = version("apache-airflow-core")
        if self.database.exists() and stamp.exists() and stamp.read_text() == wanted:
            return
        ready = self._template / f"airflow-{wanted}.db" if self._template else None
        if ready and ready.exists() and not self.database.exists():
            shutil.copyfile(ready, self.database)
        else:
            self.run_airflow("db", "migrate")
            if ready and not ready.exists():
                _copy_database(self.database, ready)
        stamp.write_text(wanted)


def clean_environment() -> dict[str, str]:
    """
    Take over the user's environment without anything that configures Airflow or MaxCompute.

    :return: variables for a process of ours
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "_AIRFLOW_", "ODPS_", "ALIBABA_CLOUD_", "DATALAKE_EMULATOR_"))
    }
    # A proxy of the user cannot reach our loopback addresses.
    for name in ("no_proxy", "NO_PROXY"):
        env[name] = ",".join(filter(None, (env.get(name), "127.0.0.1,localhost")))
    env["PYTHONUNBUFFERED"] = "1"
    return env


def clean_this_process() -> None:
    """Make the clean environment this process's own: it talks to the same loopback addresses."""
    env = clean_environment()
    os.environ.clear()
    os.environ.update(env)


def _merge(base: Settings, extra: Settings) -> dict[str, dict[str, str]]:
    return {section: {**base.get(section, {}), **extra.get(section, {})} for section in {**base, **extra}}


def _escape(path: Path) -> str:
    """Airflow interpolates percent signs in its configuration."""
    return str(path).replace("%", "%%")


def _copy_database(source: Path, target: Path) -> None:
    """Copy through SQLite, which includes what is only in the write-ahead log, and appear at once."""
    import sqlite3

    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    with sqlite3.connect(source) as database, sqlite3.connect(partial) as copy:
        database.backup(copy)
    partial.replace(target)
