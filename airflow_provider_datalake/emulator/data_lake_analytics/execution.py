"""Running one U-SQL job: compile, run, and make all of its results visible at once."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics import problems, steps
from airflow_provider_datalake.emulator.data_lake_analytics.catalog import Conflict
from airflow_provider_datalake.emulator.data_lake_analytics.records import Outcome, UsqlState, dump
from airflow_provider_datalake.emulator.data_lake_analytics.workspace import JobWorkspace
from airflow_provider_datalake.emulator.jobs import JobFailure
from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.diagnostics import CompileError, UsqlRuntimeError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService
    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.jobs import Job, JobControl
    from airflow_provider_datalake.usql.plan import Plan
    from airflow_provider_datalake.usql.results import RunResult

ACCESS_DENIED = "E_RUNTIME_USER_ACCESSDENIED"
CONFLICT = "E_RUNTIME_USER_CATALOGCONFLICT"


class JobRunner:
    """
    Runs the jobs of all accounts.

    :param service: gives stores, catalogs and the record of states
    """

    def __init__(self, service: DataLakeAnalyticsService) -> None:
        self._service = service

    def __call__(self, job: Job, control: JobControl) -> dict[str, Any]:
        """
        Run a job.

        :param job: the job
        :param control: its control
        :return: what it came to, as plain JSON
        :raises JobFailure: with the service's error details as JSON
        """
        try:
            return self._run(job, control)
        except CompileError as error:
            raise JobFailure(dump(problems.compile_details(error))) from error
        except UsqlRuntimeError as error:
            raise JobFailure(dump(problems.runtime_details(error))) from error
        except PermissionError as error:
            raise JobFailure(dump(problems.user_error(ACCESS_DENIED, str(error)))) from error
        except Conflict as error:
            raise JobFailure(dump(problems.user_error(CONFLICT, str(error)))) from error

    def _run(self, job: Job, control: JobControl) -> dict[str, Any]:
        # Imported by the first job: the server's first answer does not wait for them.
        from airflow_provider_datalake.usql.backends.duckdb import run

        account = job.scope
        principal = self._service.principal_of(job)
        scratch = self._service.scratch / job.id
        scratch.mkdir(parents=True, exist_ok=True)
        files = self._service.files(account, principal)
        try:
            audits = self._service.audits
            audits.add(job.id, UsqlState.COMPILING, "CcsAttempts:1;Status:Dispatched")
            workspace = JobWorkspace(files, self._service.catalog(account), scratch, control)
            plan = self._compile(job, workspace)
            control.check()
            audits.add(job.id, UsqlState.QUEUED)
            audits.add(
                job.id,
                UsqlState.SCHEDULING,
                f"Detail:Dispatching job to cluster.;rootProcessId:{uuid.uuid4()}",
            )
            audits.add(job.id, UsqlState.STARTING, "runtimeVersion:datalake-emulator")
            audits.add(job.id, UsqlState.RUNNING, "runAttempt:1")
            result = run(plan, workspace)
            control.check()
            self._publish(job, account, principal, result)
        finally:
            files.close()
            shutil.rmtree(scratch, ignore_errors=True)
        outcome = Outcome(
            steps.describe(plan, result.statistics),
            tuple(problems.diagnostic(warning) for warning in plan.warnings),
        )
        return outcome.to_json()

    def _compile(self, job: Job, workspace: JobWorkspace) -> Plan:
        from airflow_provider_datalake.usql.compiler import compile_script

        return compile_script(job.request["script"], workspace.files, workspace.catalog)

    def _publish(self, job: Job, account: str, principal: Principal, result: RunResult) -> None:
        staged = [(*self._service.place(account, output.uri), output.path) for output in result.outputs]
        catalog = self._service.catalog(account)
        paths = self._keep_segments(result)

        def change(connection: sqlite3.Connection) -> None:
            catalog.apply(connection, result.changes, paths)

        try:
            self._service.stores.publish(job.id, staged, principal, change)
        except BaseException:
            for path in paths.values():
                (self._service.segments / path).unlink(missing_ok=True)
            raise

    def _keep_segments(self, result: RunResult) -> dict[Path, str]:
        """Move staged segments to where the catalog expects them; what it then does not list is swept."""
        kept = {}
        for change in result.changes:
            if isinstance(change, model.AppendSegment):
                name = f"{uuid.uuid4().hex}.parquet"
                change.path.rename(self._service.segments / name)
                kept[change.path] = name
        return kept
