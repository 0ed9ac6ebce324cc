"""The pages about jobs: the list, and Logview."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_datalake.emulator.jobs import JobFilter, JobState
from airflow_provider_datalake.emulator.maxcompute import results
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
from airflow_provider_datalake.emulator.maxcompute.instances import require_instance
from airflow_provider_datalake.emulator.maxcompute.submissions import SQL, TaskRequest
from airflow_provider_datalake.emulator.numbers import whole_number
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.jobs import Job
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService
    from airflow_provider_datalake.emulator.maxcompute.types import DataType

REFRESH_SECONDS = 2
PAGE_SIZE = 50
SHOWN_ROWS = 100
_POSITION = re.compile(r"ODPS-\d+:\[(\d+),(\d+)\]")
_WORD = re.compile(r"\w+|`[^`]*`|.|$")


@dataclass(frozen=True)
class Line:
    """
    One line of a statement.

    :param before: its text up to the marked part; all of it when nothing is marked
    :param marked: where an error is
    :param after: the text behind
    """

    before: str
    marked: str = ""
    after: str = ""


def statement_lines(text: str, error: str) -> list[Line]:
    """
    Cut a statement into lines and mark the place that an error names.

    :param text: the statement
    :param error: the job's error, e.g. ``ODPS-0130131:[1,15] Table not found``
    :return: the lines
    """
    lines = [Line(line) for line in text.rstrip().split("\n")]
    match = _POSITION.search(error)
    if not match:
        return lines
    row, column = int(match[1]) - 1, int(match[2]) - 1
    if 0 <= row < len(lines) and 0 <= column <= len(lines[row].before):
        whole = lines[row].before
        word = _WORD.match(whole, column)
        end = word.end() if word else column
        # At the end of a line there is nothing to mark but the place itself.
        lines[row] = Line(whole[:column], whole[column:end] or "\u2423", whole[end:])
    return lines


def job_summary(job: Job) -> dict[str, Any]:
    """
    Describe a job for a list.

    :param job: the job
    :return: what the templates show
    """
    task = TaskRequest.from_json(job.request)
    statement = task.query if task.type == SQL else f"{'archive' if task.archive else 'merge'} {task.table}"
    return {
        "id": job.id,
        "name": job.name,
        "state": str(job.state),
        "project": job.scope,
        "statement": " ".join(statement.split()),
        "created_at": job.created_at,
        "seconds": _seconds(job),
        "percent": job.percent,
        "href": "/logview/?" + urlencode({"p": job.scope, "i": job.id}),
    }


def _seconds(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return max(0.0, (time.time() if job.ended_at is None else job.ended_at) - job.started_at)


def jobs_page(service: MaxComputeService, request: Request) -> Response:
    """
    Show the jobs, newest first.

    :param service: the service
    :param request: the request with the filter
    :return: the page
    """
    query = request.query_params
    chosen = {name: query.get(name, "") for name in ("project", "state", "name")}
    state = chosen["state"] if chosen["state"] in list(JobState) else ""
    which = JobFilter(
        scope=chosen["project"] or None,
        states=(JobState(state),) if state else None,
        name=chosen["name"] or None,
    )
    after = whole_number(query.get("before", ""))
    jobs = service.jobs.page(which, limit=PAGE_SIZE + 1, after=after, newest_first=True)
    shown = jobs[:PAGE_SIZE]
    link = {name: value for name, value in chosen.items() if value}
    older = {**link, "before": str(shown[-1].sequence)} if len(jobs) > PAGE_SIZE else None
    return page(
        "jobs.html",
        section="Jobs",
        refresh=REFRESH_SECONDS if any(job.state.is_active for job in shown) else None,
        jobs=[job_summary(job) for job in shown],
        project_names=[project.name for project in service.projects.list()],
        states=[str(state) for state in JobState],
        older_href="/jobs?" + urlencode(older) if older else None,
        newest_href="/jobs?" + urlencode(link) if after is not None else None,
        project=chosen["project"],
        state=state,
        name=chosen["name"],
    )


def logview_page(service: MaxComputeService, project: str, instance: str) -> Response:
    """
    Show one job.

    :param service: the service
    :param project: the project's name
    :param instance: the instance's id
    :return: the page
    """
    try:
        job = require_instance(service, project, instance)
    except OdpsError as error:
        return page("message.html", error.status, section="Jobs", title="Not found", message=error.message)
    task = TaskRequest.from_json(job.request)
    text = task.query if task.type == SQL else task.table
    details = {
        **job_summary(job),
        "task_type": task.type,
        "task_name": task.name,
        "owner": job.owner,
        "key": job.key,
        "priority": job.priority,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "error": job.error,
        "lines": statement_lines(text, job.error),
        "stages": job.stages,
        "settings": sorted(task.settings.items()),
        "io": [
            {"direction": direction, **item}
            for direction, name in (("read", "inputs"), ("written", "outputs"))
            for item in job.result.get(name, [])
        ],
    }
    return page(
        "logview.html",
        section="Jobs",
        refresh=REFRESH_SECONDS if job.state.is_active else None,
        job=details,
        result=_result(service, job),
    )


def _result(service: MaxComputeService, job: Job) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "columns": [],
        "data": [],
        "rows": None,
        "shown": 0,
        "expired": False,
        "text": "",
    }
    if job.state is not JobState.SUCCESS:
        return nothing
    if results.columns_of(job) is None:
        return {**nothing, "text": job.result.get("text", "")}
    try:
        found = results.result_rows(service.jobs, job, SHOWN_ROWS)
    except OdpsError:
        return {**nothing, "expired": True}
    return {
        **nothing,
        "columns": column_headers(found.columns),
        "data": found.rows,
        "rows": job.result["rows"],
        "shown": len(found.rows),
    }


def column_headers(columns: list[tuple[str, DataType]]) -> list[dict[str, Any]]:
    """
    Describe columns for the head of a table of rows.

    :param columns: name and type of each
    :return: what the templates show
    """
    return [{"name": name, "type": str(kind), "number": kind.is_numeric} for name, kind in columns]
