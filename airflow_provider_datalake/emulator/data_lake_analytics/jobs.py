"""The job routes: submit, look, list, cancel, build, statistics."""

from __future__ import annotations

import uuid
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure import odata
from airflow_provider_datalake.emulator.azure.calls import answer, empty
from airflow_provider_datalake.emulator.azure.errors import AzureError, invalid, not_supported, traced
from airflow_provider_datalake.emulator.data_lake_analytics import job_views, problems
from airflow_provider_datalake.emulator.data_lake_analytics.records import (
    RUNTIME,
    Outcome,
    UsqlState,
    moment,
    parse_job_id,
    queue_id,
)
from airflow_provider_datalake.emulator.data_lake_analytics.service import KIND
from airflow_provider_datalake.emulator.data_lake_analytics.submissions import read_submission
from airflow_provider_datalake.emulator.jobs import JobFilter, JobNotActive, JobState
from airflow_provider_datalake.usql.diagnostics import CompileError

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.azure.calls import Call
    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService
    from airflow_provider_datalake.emulator.data_lake_analytics.submissions import Submission
    from airflow_provider_datalake.emulator.jobs import Job

_ROUNDING_SECONDS = 0.001
"""Times are kept with more digits than they are shown with."""
_CANCEL_SECONDS = 10.0
"""How long a cancel waits for a running job to notice; clients look at the job right afterwards."""


def account_of(service: DataLakeAnalyticsService, call: Call, action: str) -> str:
    """
    Find the account that a request is about, and check that its sender may do what it asks for.

    :param service: the service
    :param call: the request
    :param action: ``read``, ``submit`` or ``manage``
    :return: the account
    :raises AzureError: when there is no such account, or they may not
    """
    account = call.path("account").lower()
    if service.accounts.default_store(account) is None:
        raise AzureError(
            404,
            "AccountDoesNotExist",
            f"There is no Data Lake Analytics account {account!r} in this emulator.",
        )
    try:
        service.accounts.require_role(account, call.principal, action)
    except PermissionError as error:
        raise AzureError(403, "AuthorizationFailed", traced(str(error))) from error
    return account


def _job_id(call: Call) -> str:
    found = parse_job_id(call.path("job"))
    if found is None:
        raise invalid(f"The job's id must be a GUID, not {call.path('job')!r}.", "InvalidJobId")
    return found


def _require(service: DataLakeAnalyticsService, account: str, job_id: str) -> Job:
    job = service.jobs.get(queue_id(account, job_id))
    if job is None:
        raise AzureError(
            404, "JobNotFound", traced(f"The job with id '{job_id}' does not exist in account '{account}'.")
        )
    return job


def _shown(service: DataLakeAnalyticsService, job: Job, *, submitted: bool = False) -> dict[str, Any]:
    store = f"{service.accounts.default_store(job.scope)}.azuredatalakestore.net"
    by = service.audits.cancelled_by(job) if job.state is JobState.CANCELLED else ""
    return job_views.full(job, service.audits.of(job), store, cancelled_by=by, submitted=submitted)


def submit(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Submit a job; one that has the id already is answered with, and never run again."""
    account = account_of(service, call, "submit")
    job_id = _job_id(call)
    submission = read_submission(call.json())
    _check_limits(service, account, call, submission)
    request = {
        **submission.to_json(job_id),
        # Not the job's id: an account that is deleted and made again may have it again.
        "marker": str(uuid.uuid4()),
        "principal": {
            "object_id": call.principal.object_id,
            "name": call.principal.name,
            "kind": call.principal.kind,
            "groups": sorted(call.principal.groups),
            "is_owner": call.principal.is_owner,
        },
    }
    job, created = service.jobs.submit(
        KIND,
        account,
        request,
        key=job_id,
        job_id=queue_id(account, job_id),
        name=submission.name,
        owner=call.principal.name,
        priority=submission.priority,
    )
    same = submission.to_json(job_id) == _asked(job) and not service.config.repeated_jobs_conflict
    if not created and not same:
        raise AzureError(
            409,
            "JobAlreadyExists",
            traced(f"There is a job with id '{job_id}' already."),
        )
    return answer(_shown(service, job, submitted=True))


def _asked(job: Job) -> dict[str, Any]:
    return {name: value for name, value in job.request.items() if name not in ("principal", "marker")}


def _check_limits(
    service: DataLakeAnalyticsService, account: str, call: Call, submission: Submission
) -> None:
    units, priority = service.accounts.limits(account, call.principal)
    if submission.degree_of_parallelism > units:
        raise invalid(
            traced(
                f"This job was rejected because it requires {submission.degree_of_parallelism} AUs and "
                f"this account has an administrator-defined policy that prevents a job from using more "
                f"than {units} AUs."
            ),
            "MaxDegreeOfParallelismPerJobExceeded",
        )
    if submission.priority < priority:
        raise invalid(
            traced(
                f"This job was rejected because it requires priority {submission.priority} and this "
                f"account has an administrator-defined policy that prevents a job from using a "
                f"priority below {priority}."
            ),
            "MinPriorityPerJobExceeded",
        )


def get(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Look at a job."""
    account = account_of(service, call, "read")
    return answer(_shown(service, _require(service, account, _job_id(call))))


def list_jobs(service: DataLakeAnalyticsService, call: Call) -> Response:
    """List jobs, the newest first."""
    account = account_of(service, call, "read")
    text = call.query("$filter")
    earliest, latest = odata.time_bounds(text, "submitTime")
    which = JobFilter(
        scope=account,
        created_from=None if earliest is None else earliest - _ROUNDING_SECONDS,
        created_before=None if latest is None else latest + _ROUNDING_SECONDS,
    )
    # In their natural order no more than a page is needed.
    limit = -1 if text or call.query("$orderby") else odata.needed(call)
    jobs = service.jobs.page(which, limit=limit, newest_first=True)
    audits = service.audits.of_all(jobs)
    items = [job_views.basic(job, audits[job.id]) for job in jobs]
    return answer({**odata.page(call, items, "/jobs"), "count": 0})


def cancel(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Cancel a job; one that has ended stays as it is."""
    account = account_of(service, call, "submit")
    job = _require(service, account, _job_id(call))
    if job.owner != call.principal.name:
        account_of(service, call, "manage")
    ending = service.jobs.ending(job.id)
    try:
        if job.state.is_active:
            service.audits.cancelled(job.id, call.principal.name)
            service.jobs.cancel(job.id)
    except JobNotActive:
        # As the service does: it is what the caller wants.
        return empty()
    if ending is not None:
        with suppress(TimeoutError):
            ending.exception(_CANCEL_SECONDS)
    return empty()


def no_yield(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Refuse what Microsoft's own SCOPE jobs have."""
    raise not_supported("yielding jobs, which only Microsoft's own SCOPE jobs had")


def no_update(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Refuse what Microsoft's own SCOPE jobs have."""
    raise not_supported("updating jobs, which only Microsoft's own SCOPE jobs had")


def build(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Compile a script without running it."""
    from airflow_provider_datalake.usql.compiler import compile_script

    account = account_of(service, call, "submit")
    submission = read_submission(call.json())
    diagnostics: list[dict[str, Any]] = []
    failed = False
    try:
        with closing(service.files(account, call.principal)) as files, service.catalog(account) as catalog:
            plan = compile_script(submission.script, files, catalog)
        diagnostics = [problems.diagnostic(warning) for warning in plan.warnings]
    except CompileError as error:
        diagnostics = [problems.diagnostic(found) for found in error.diagnostics]
        failed = True
    except PermissionError as error:
        raise AzureError(403, "AuthorizationFailed", traced(str(error))) from error
    properties: dict[str, Any] = {
        "resources": [],
        "runtimeVersion": "" if failed else RUNTIME,
        "script": submission.script,
        "compileMode": submission.compile_mode or "Semantic",
        "errorSource": "Unknown",
        "totalCompilationTime": "PT0S",
        "totalPausedTime": "PT0S",
        "totalQueuedTime": "PT0S",
        "totalRunningTime": "PT0S",
        "diagnostics": diagnostics,
        "expirationTimeUtc": job_views.NO_TIME,
        "type": "USql",
    }
    return answer(
        {
            "jobId": str(uuid.uuid4()),
            "name": submission.name,
            "type": "USql",
            "submitter": call.principal.name,
            "degreeOfParallelism": 0,
            "priority": 0,
            "submitTime": f"{job_views.NO_TIME}+00:00",
            "state": "Ended",
            "result": "Failed" if failed else "Succeeded",
            "properties": properties,
        }
    )


def statistics(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Tell what the steps of a job did."""
    account = account_of(service, call, "read")
    job_id = _job_id(call)
    job = service.jobs.get(queue_id(account, job_id))
    if job is None:
        raise AzureError(
            404,
            "JobResourceNotFound",
            traced(f"Cannot find job debugging data or job statistics for the job with id {job_id}."),
        )
    ran = any(audit.state is UsqlState.RUNNING for audit in service.audits.of(job))
    if not ran:
        raise invalid(traced(f"The job with id {job_id} has never run."), "JobHasNeverRun")
    return answer({"lastUpdateTimeUtc": moment(job.ended_at or job.created_at), "stages": _stages(job)})


def _stages(job: Job) -> list[dict[str, Any]]:
    if job.state is JobState.SUCCESS:
        return [
            _stage(step.label, 1, 0, step.bytes_in, step.bytes_out, step.rows_out or 0, step.seconds)
            for step in Outcome.from_json(job.result).steps
        ]
    return [
        _stage(
            stage.name, int(stage.percent >= 100), int(stage.percent < 100), 0, 0, stage.output_records, 0.0
        )
        for stage in job.stages
    ]


def _stage(
    name: str, succeeded: int, running: int, read: int, written: int, rows: int, seconds: float
) -> dict[str, Any]:
    return {
        "stageName": name,
        "dataRead": read,
        "dataReadCrossPod": 0,
        "dataReadIntraPod": 0,
        "dataToRead": read,
        "dataWritten": written,
        "rowCount": rows,
        "duplicateDiscardCount": 0,
        "failedCount": 0,
        "maxVertexDataRead": read,
        "minVertexDataRead": read,
        "readFailureCount": 0,
        "revocationCount": 0,
        "runningCount": running,
        "scheduledCount": 0,
        "succeededCount": succeeded,
        "tempDataWritten": 0,
        "totalCount": 1,
        "totalFailedTime": "PT0S",
        "totalProgress": 100 if succeeded else 0,
        "totalSucceededTime": f"PT{seconds:.7f}S",
    }


def debug_data(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Tell where the service would keep what helps to debug a job."""
    account = account_of(service, call, "read")
    job = _require(service, account, _job_id(call))
    properties = _shown(service, job)["properties"]
    folder = properties["algebraFilePath"].rpartition("/")[0]
    return answer({"jobId": job.request["job_id"], "command": "", "paths": [f"{folder}/profile"]})
