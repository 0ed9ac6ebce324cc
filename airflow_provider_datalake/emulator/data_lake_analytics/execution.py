"""Running one U-SQL job: compile, run, and make all of its results visible at once."""

from __future__ import annotations

import shutil
import uuid
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics import problems, steps
from airflow_provider_datalake.emulator.data_lake_analytics.catalog import CatalogWriter, Conflict
from airflow_provider_datalake.emulator.data_lake_analytics.records import (
    ROOT_PROCESS,
    RUNTIME,
    Outcome,
    UsqlState,
    dump,
)
from airflow_provider_datalake.emulator.data_lake_analytics.workspace import JobWorkspace
from airflow_provider_datalake.emulator.data_lake_store.usql_files import split_uri
from airflow_provider_datalake.emulator.jobs import JobFailure
from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.diagnostics import CompileError, UsqlRuntimeError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService
    from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import CatalogSnapshot
    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.jobs import Job, JobControl
    from airflow_provider_datalake.usql.plan import Plan
    from airflow_provider_datalake.usql.results import RunResult, StepStatistics

ACCESS_DENIED = "E_RUNTIME_USER_ACCESSDENIED"
CONFLICT = "E_RUNTIME_USER_CATALOGCONFLICT"
OUTPUT_FAILED = "E_RUNTIME_USER_OUTPUTFAILED"


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
        with (
            self._scratch(job) as scratch,
            closing(self._service.files(account, principal)) as files,
            self._service.catalog(account) as catalog,
        ):
            workspace = JobWorkspace(files, catalog, scratch, control)
            audits = self._service.audits
            audits.add(job.id, (UsqlState.COMPILING, "CcsAttempts:1;Status:Dispatched"))
            plan = self._compile(job, workspace)
            control.check()
            audits.keep_plan(job.id, _outcome(plan))
            # The worker that has compiled it runs it: there is nothing to wait for in between.
            audits.add(
                job.id,
                (UsqlState.QUEUED, ""),
                (UsqlState.SCHEDULING, f"Detail:Dispatching job to cluster.;{ROOT_PROCESS}{uuid.uuid4()}"),
                (UsqlState.STARTING, f"runtimeVersion:{RUNTIME}"),
                (UsqlState.RUNNING, "runAttempt:1"),
            )
            result = run(plan, workspace)
            control.check()
            self._publish(job, catalog, principal, result)
        return _outcome(plan, result.statistics).to_json()

    def _compile(self, job: Job, workspace: JobWorkspace) -> Plan:
        from airflow_provider_datalake.usql.compiler import compile_script

        return compile_script(job.request["script"], workspace.files, workspace.catalog)

    @contextmanager
    def _scratch(self, job: Job) -> Iterator[Path]:
        folder = self._service.scratch / job.request["marker"]
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _publish(self, job: Job, seen: CatalogSnapshot, principal: Principal, result: RunResult) -> None:
        staged = [(*split_uri(output.uri), output.path) for output in result.outputs]
        service = self._service
        appended = [change.path for change in result.changes if isinstance(change, model.AppendSegment)]
        with service.segments.adopt(appended) as names:

            def change(connection: sqlite3.Connection) -> None:
                if service.accounts.default_store(seen.account) is None:
                    raise Conflict(f"the account {seen.account} was deleted meanwhile")
                CatalogWriter(connection, seen, names, service.segments.root).apply(result.changes)

            try:
                service.stores.publish(job.request["marker"], staged, principal, change)
            except ValueError as error:
                # E.g. a folder is where a file shall be.
                raise JobFailure(dump(problems.user_error(OUTPUT_FAILED, str(error)))) from error


def _outcome(plan: Plan, statistics: Iterable[StepStatistics] = ()) -> Outcome:
    warnings = tuple(problems.diagnostic(warning) for warning in plan.warnings)
    return Outcome(steps.describe(plan, statistics), warnings)
