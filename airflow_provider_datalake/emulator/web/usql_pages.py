"""The pages about U-SQL jobs: the list, and one job with its script, states and plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics.job_views import basic
from airflow_provider_datalake.emulator.data_lake_analytics.problems import cancelled
from airflow_provider_datalake.emulator.data_lake_analytics.records import (
    UsqlState,
    load,
    parse_job_id,
    queue_id,
)
from airflow_provider_datalake.emulator.jobs import JobFilter, JobState
from airflow_provider_datalake.emulator.numbers import whole_number
from airflow_provider_datalake.emulator.web.job_pages import PAGE_SIZE, REFRESH_SECONDS, Line
from airflow_provider_datalake.emulator.web.plan_drawing import draw
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.data_lake_analytics.records import Audit
    from airflow_provider_datalake.emulator.jobs import Job
    from airflow_provider_datalake.emulator.services import Services

_BADGES = {"Succeeded": "Success", "Failed": "Failed", "Cancelled": "Cancelled"}
"""Results by the names that the style sheet has colours for."""


def usql_jobs_page(services: Services, request: Request) -> Response:
    """
    Show the U-SQL jobs of all accounts, newest first.

    :param services: the services
    :param request: the request, with the place where the list goes on
    :return: the page
    """
    service = services.analytics
    after = whole_number(request.query_params.get("before", ""))
    jobs = service.jobs.page(JobFilter(), limit=PAGE_SIZE + 1, after=after, newest_first=True)
    shown = jobs[:PAGE_SIZE]
    audits = service.audits.of_all(shown)
    return page(
        "usql_jobs.html",
        section="U-SQL",
        refresh=REFRESH_SECONDS if any(job.state.is_active for job in shown) else None,
        jobs=[_summary(job, audits[job.id]) for job in shown],
        older_href=f"/usql?before={shown[-1].sequence}" if len(jobs) > PAGE_SIZE else None,
    )


def _summary(job: Job, audits: list[Audit]) -> dict[str, Any]:
    shown = basic(job, audits)
    result = shown["result"]
    return {
        "id": shown["jobId"],
        "account": job.scope,
        "name": job.name,
        "state": result if result in _BADGES else shown["state"],
        "badge": _BADGES.get(result, "Running" if job.state is JobState.RUNNING else "Waiting"),
        "owner": job.owner,
        "created_at": job.created_at,
        "seconds": _seconds(job),
        "href": f"/usql/{job.scope}/jobs/{shown['jobId']}",
    }


def _seconds(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return max(0.0, (time.time() if job.ended_at is None else job.ended_at) - job.started_at)


def usql_job_page(services: Services, request: Request) -> Response:
    """
    Show one U-SQL job.

    :param services: the services
    :param request: the request
    :return: the page
    """
    service = services.analytics
    account = request.path_params["account"]
    job_id = parse_job_id(request.path_params["job"])
    job = None if job_id is None else service.jobs.get(queue_id(account, job_id))
    if job is None:
        message = f"Account {account} has no job {request.path_params['job']}."
        return page("message.html", 404, title="No such job", message=message)
    audits = service.audits.of(job)
    errors = _errors(job, service.audits.cancelled_by(job))
    steps = service.audits.plan_of(job).steps
    progress = {stage.name: stage for stage in job.stages}
    return page(
        "usql_job.html",
        section="U-SQL",
        refresh=REFRESH_SECONDS if job.state.is_active else None,
        job=_summary(job, audits),
        request=job.request,
        related=sorted((job.request.get("related") or {}).items()),
        states=_states(job, audits),
        errors=errors,
        lines=script_lines(job.request["script"], errors),
        steps=[
            {
                **vars(step),
                "percent": int(progress[step.id].percent) if step.id in progress else None,
            }
            for step in steps
        ],
        drawing=draw(steps),
    )


def _states(job: Job, audits: list[Audit]) -> list[dict[str, Any]]:
    ends = [audit.time for audit in audits[1:]]
    ends.append(time.time() if job.ended_at is None else job.ended_at)
    states = [
        {"name": str(audit.state), "time": audit.time, "seconds": end - audit.time, "details": audit.details}
        for audit, end in zip(audits, ends, strict=True)
    ]
    if job.ended_at is not None:
        states.append({"name": str(UsqlState.ENDED), "time": job.ended_at, "seconds": None, "details": ""})
    return states


def _errors(job: Job, cancelled_by: str) -> list[dict[str, Any]]:
    """List a job's errors, the inner ones behind those that they explain."""
    if job.state is JobState.CANCELLED:
        found = cancelled(cancelled_by)
    elif job.state is JobState.FAILED:
        found = load(job.error)
    else:
        return []
    flat: list[dict[str, Any]] = []
    for error in found:
        inner: dict[str, Any] | None = error
        while inner:
            flat.append(inner)
            inner = inner.get("innerError")
    return [
        {
            "id": error.get("errorId", ""),
            "message": error.get("message", ""),
            "details": error.get("details", ""),
            "resolution": error.get("resolution", ""),
            "line": error.get("lineNumber"),
            "start": error.get("startOffset"),
            "end": error.get("endOffset"),
        }
        for error in flat
    ]


def script_lines(script: str, errors: list[dict[str, Any]]) -> list[Line]:
    """
    Cut a script into lines and mark the first place that an error names.

    :param script: the script
    :param errors: the job's errors, with the offsets of their places
    :return: the lines
    """
    lines = [Line(line) for line in script.rstrip().split("\n")]
    place = next((error for error in errors if error["line"] and error["start"] is not None), None)
    if place is None or not 0 < place["line"] <= len(lines):
        return lines
    number = place["line"] - 1
    begin = sum(len(line.before) + 1 for line in lines[:number])
    whole = lines[number].before
    first = min(max(0, place["start"] - begin), len(whole))
    last = min(max(first, (place["end"] or place["start"]) - begin), len(whole))
    # At the end of a line there is nothing to mark but the place itself.
    lines[number] = Line(whole[:first], whole[first:last] or "\u2423", whole[last:])
    return lines
