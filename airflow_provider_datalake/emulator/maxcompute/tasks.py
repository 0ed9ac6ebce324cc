"""What instances do on a worker thread: SQL statements, and merging or archiving the files of a table."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.catalog import DEFAULT_SCHEMA
from airflow_provider_datalake.emulator.jobs import Job, JobControl, JobFailure, Runner
from airflow_provider_datalake.emulator.maxcompute.merge import MergeTask
from airflow_provider_datalake.emulator.maxcompute.submissions import SQL, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_datalake.emulator.maxcompute.sql.engine import SqlResult
    from airflow_provider_datalake.emulator.storage import Storage

SQL_KIND = "maxcompute.sql"
MERGE_KIND = "maxcompute.merge"


def job_kind(task: TaskRequest) -> str:
    """
    Tell which runner executes a task.

    :param task: the task
    :return: a kind of :meth:`TaskRunner.runners`
    """
    return SQL_KIND if task.type == SQL else MERGE_KIND


class TaskRunner:
    """
    Executes tasks.

    :param storage: what they work on
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def runners(self) -> Mapping[str, Runner]:
        """
        Tell what can be run.

        :return: the runners by kind of job
        """
        return {SQL_KIND: self.run_sql, MERGE_KIND: self.run_merge}

    def run_sql(self, job: Job, control: JobControl) -> dict[str, Any]:
        """
        Run a SQL task.

        :param job: the job
        :param control: its control
        :return: the result as JSON; the rows of a SELECT are in the job's result file
        :raises JobFailure: with the statement's own error
        """
        # The engine brings DuckDB and sqlglot, which the first answer of the server must not wait for.
        from airflow_provider_datalake.emulator.maxcompute.sql.engine import SqlEngine
        from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError

        task = TaskRequest.from_json(job.request)
        try:
            result = SqlEngine(self._storage).run(
                task.query,
                project=job.scope,
                schema=task.settings.get("odps.default.schema") or DEFAULT_SCHEMA,
                settings=task.settings,
                control=control,
                owner=job.owner,
            )
        except SqlError as error:
            raise JobFailure(str(error)) from error
        return _sql_result(result)

    def run_merge(self, job: Job, control: JobControl) -> dict[str, Any]:
        """
        Run a Merge task.

        :param job: the job
        :param control: its control
        :return: the result as JSON
        :raises JobFailure: when the table or the partition is not there
        """
        task = TaskRequest.from_json(job.request)
        return MergeTask(self._storage, task, job.scope, control).run()


def _sql_result(result: SqlResult) -> dict[str, Any]:
    columns = result.columns
    return {
        "columns": None if columns is None else [[name, str(data_type)] for name, data_type in columns],
        "text": result.text,
        "rows": result.rows,
        "inputs": [asdict(item) for item in result.inputs],
        "outputs": [asdict(item) for item in result.outputs],
    }
