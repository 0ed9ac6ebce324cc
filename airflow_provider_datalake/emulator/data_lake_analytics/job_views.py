"""Jobs as the service's JSON shows them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics import problems
from airflow_provider_datalake.emulator.data_lake_analytics.records import (
    ROOT_PROCESS,
    RUNTIME,
    Outcome,
    UsqlState,
    duration,
    load,
    moment,
)
from airflow_provider_datalake.emulator.jobs import JobState

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.data_lake_analytics.records import Audit
    from airflow_provider_datalake.emulator.jobs import Job

NO_TIME = "0001-01-01T00:00:00"
_RESULTS = {
    JobState.SUCCESS: "Succeeded",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}
_AUDITED = {"Succeeded": "Succeeded", "Failed": "Failed", "Cancelled": "CanceledByUser"}


def basic(job: Job, audits: list[Audit]) -> dict[str, Any]:
    """
    Show a job as in a listing.

    :param job: the job
    :param audits: its states
    :return: its JSON
    """
    request = job.request
    state = state_of(job, audits)
    started = next((audit.time for audit in audits if audit.state is UsqlState.RUNNING), None)
    shown = {
        "jobId": request["job_id"],
        "name": job.name,
        "type": "USql",
        "submitter": job.owner,
        "degreeOfParallelism": request["degree_of_parallelism"],
        "degreeOfParallelismPercent": 0.0,
        "priority": request["priority"],
        "submitTime": moment(job.created_at),
        "startTime": None if started is None else moment(started),
        "endTime": None if job.ended_at is None else moment(job.ended_at),
        "state": state,
        "result": _RESULTS.get(job.state, "None"),
        "related": request.get("related") or {},
    }
    return {name: value for name, value in shown.items() if value is not None}


def full(
    job: Job, audits: list[Audit], store: str, *, cancelled_by: str, submitted: bool = False
) -> dict[str, Any]:
    """
    Show a job as by itself.

    :param job: the job
    :param audits: its states
    :param store: host name of the account's store
    :param cancelled_by: who has cancelled it, if it was cancelled
    :param submitted: whether this answers the submit, which shows less
    :return: its JSON
    """
    shown = basic(job, audits)
    if not job.request.get("related"):
        shown.pop("related")
    ended = job.ended_at is not None
    records = [_audit(audit) for audit in audits]
    if ended:
        details = f"result:{_AUDITED[shown['result']]}"
        records.append({"newState": "Ended", "timeStamp": shown["endTime"], "details": details})
    if job.state is JobState.CANCELLED:
        shown["errorMessage"] = problems.cancelled(cancelled_by)
    elif job.state is JobState.FAILED:
        shown["errorMessage"] = load(job.error)
    shown["stateAuditRecords"] = records[:1] if submitted else records
    shown["properties"] = _properties(job, audits, store, submitted=submitted)
    if submitted:
        shown["state"] = "Compiling"
    return shown


def state_of(job: Job, audits: list[Audit]) -> str:
    """
    Tell a job's state in the service's words.

    :param job: the job
    :param audits: its states
    :return: the state
    """
    if not job.state.is_active:
        return UsqlState.ENDED
    latest = audits[-1].state
    # What waits for a worker waits for the compiler.
    return UsqlState.COMPILING if latest is UsqlState.NEW else latest


def _audit(audit: Audit) -> dict[str, Any]:
    shown = {"newState": audit.state, "timeStamp": moment(audit.time)}
    return {**shown, "details": audit.details} if audit.details else shown


def _properties(job: Job, audits: list[Audit], store: str, *, submitted: bool) -> dict[str, Any]:
    request = job.request
    folder = datetime.fromtimestamp(job.created_at, UTC).strftime("%Y/%m/%d/%H/%M")
    root = f"adl://{store}/system/jobservice/jobs/Usql/{folder}/{request['job_id']}"
    times = times_of(job, audits)
    failed = job.state in (JobState.FAILED, JobState.CANCELLED)
    dispatched = next((audit.details for audit in audits if ROOT_PROCESS in audit.details), "")
    properties: dict[str, Any] = {
        "owner": job.owner,
        "runtimeVersion": RUNTIME if dispatched else request.get("runtime_version") or "default",
        "rootProcessNodeId": dispatched.partition(ROOT_PROCESS)[2] or str(uuid.UUID(int=0)),
        "algebraFilePath": f"{root}/algebra.xml",
        **_yarn(job, audits),
        "compileMode": request.get("compile_mode") or "Semantic",
        "errorSource": _source(job) if failed else "Unknown",
        **{name: duration(seconds) for name, seconds in times.items()},
        "expirationTimeUtc": NO_TIME if not submitted else f"{NO_TIME}Z",
        "type": "USql",
    }
    if submitted:
        return properties
    resources = [
        {"name": name, "resourcePath": f"{root}/{path}", "type": "StatisticsResource"}
        for name, path in (("Profile", "profile"),)
    ]
    warnings = Outcome.from_json(job.result).warnings
    shown = {**properties, "resources": resources, "script": request["script"]}
    return {**shown, "diagnostics": list(warnings)} if warnings else shown


def _yarn(job: Job, audits: list[Audit]) -> dict[str, Any]:
    """Give the number of the job's run in the cluster, which in the service is an application of YARN."""
    starting = next((audit.time for audit in audits if audit.state is UsqlState.STARTING), None)
    if starting is None:
        return {}
    return {"yarnApplicationId": job.sequence, "yarnApplicationTimeStamp": int(starting * 1000)}


def _source(job: Job) -> str:
    if job.state is JobState.CANCELLED:
        return "UserError"
    return "UserError" if any(item.get("source") == "User" for item in load(job.error)) else "SystemError"


def times_of(job: Job, audits: list[Audit]) -> dict[str, float]:
    """
    Add up how long a job was in its states.

    :param job: the job
    :param audits: its states
    :return: seconds by the service's name of the total
    """
    import time

    totals = dict.fromkeys(
        ("totalCompilationTime", "totalPausedTime", "totalQueuedTime", "totalRunningTime"), 0.0
    )
    names = {
        UsqlState.COMPILING: "totalCompilationTime",
        UsqlState.QUEUED: "totalQueuedTime",
        UsqlState.SCHEDULING: "totalQueuedTime",
        UsqlState.STARTING: "totalRunningTime",
        UsqlState.RUNNING: "totalRunningTime",
    }
    end = job.ended_at if job.ended_at is not None else time.time()
    for audit, following in zip(audits, [*(item.time for item in audits[1:]), end], strict=True):
        if name := names.get(audit.state):
            totals[name] += max(0.0, following - audit.time)
    return totals
