"""Run a DAG to its end in the process of a test."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from airflow.sdk import DAG

_OWN = ("AIRFLOW_HOME", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
_RETURN_VALUE = "return_value"


@dataclass(frozen=True)
class DagResult:
    """
    How a run of a DAG has ended. A mapped task is named ``task[0]``, ``task[1]`` ...

    :param run_id: the run's id
    :param state: ``success`` or ``failed``
    :param states: the state of each task
    :param xcoms: what each task has returned, of those that have returned something
    :param all_xcoms: all XComs by task and key
    """

    run_id: str
    state: str
    states: Mapping[str, str]
    xcoms: Mapping[str, Any] = field(default_factory=dict)
    all_xcoms: Mapping[tuple[str, str], Any] = field(default_factory=dict, repr=False)


class TestDatabase:
    """
    The Airflow database of a test session: the environment's own if it names one, else one of ours.

    :param home: the folder for ours
    """

    __test__ = False

    def __init__(self, home: Path) -> None:
        self._home = home
        self._ready = False
        self._before: dict[str, str | None] = {}

    def use(self) -> None:
        """
        Let this process use it.

        :raises RuntimeError: when the environment's database lacks Airflow's tables
        """
        if self._ready:
            return
        if any(os.environ.get(name) for name in _OWN):
            _check_own()
        else:
            self._make()
        self._ready = True

    def _make(self) -> None:
        dags = self._home / "dags"
        dags.mkdir(parents=True)
        self._set(
            {
                "AIRFLOW_HOME": str(self._home),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._home / 'airflow.db'}",
                "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self._home / "logs"),
                "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            }
        )
        was_imported = "airflow.settings" in sys.modules
        from airflow.utils import db

        if was_imported:
            # The test's own imports came first: what they have set up is another database.
            _connect_anew()
        db.initdb()

    def _set(self, variables: Mapping[str, str]) -> None:
        self._before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)

    def leave(self) -> None:
        """Let this process have the database that the environment named before."""
        if not self._before:
            return
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}
        self._ready = False
        _connect_anew()


def _connect_anew() -> None:
    from airflow import settings

    settings.dispose_orm(do_log=False)
    settings.configure_vars()
    settings.configure_orm()


def _check_own() -> None:
    from airflow.utils import db

    try:
        db.check_migrations(timeout=0)
    except TimeoutError as error:
        raise RuntimeError(
            "the environment names an Airflow database that is not set up: run `airflow db migrate`, "
            f"or unset {' and '.join(_OWN)} for a temporary one"
        ) from error


def run_dag(
    dag: DAG,
    *,
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | None = None,
) -> DagResult:
    """
    Run a DAG to its end, task after task, in this process; deferred tasks wait for their triggers in place.

    :param dag: the DAG
    :param conf: the run's configuration
    :param logical_date: the run's logical date, now by default
    :return: the states of the run and its tasks, and their XComs
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    # A run needs the DAG in the database, whatever file it is from.
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(dag_folder=os.devnull)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)
    chosen: dict[str, Any] = {} if logical_date is None else {"logical_date": logical_date}
    return _result(dag.test(run_conf=dict(conf or {}), **chosen))


def _result(run: Any) -> DagResult:
    from airflow.models.xcom import XComModel
    from airflow.sdk.execution_time.xcom import XCom
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        instances = run.get_task_instances(session=session)
        states = {_name(one.task_id, one.map_index): str(one.state) for one in instances}
        query = select(XComModel).where(XComModel.dag_id == run.dag_id, XComModel.run_id == run.run_id)
        found = {
            (_name(row.task_id, row.map_index), row.key): XCom.deserialize_value(row)
            for row in session.scalars(query)
        }
    returned = {task: value for (task, key), value in found.items() if key == _RETURN_VALUE}
    return DagResult(run.run_id, str(run.state), dict(sorted(states.items())), returned, found)


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"
