"""Pipelines and recurrences: jobs that belong together, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure.calls import answer
from airflow_provider_datalake.emulator.azure.errors import AzureError, invalid, traced
from airflow_provider_datalake.emulator.data_lake_analytics.job_views import times_of
from airflow_provider_datalake.emulator.data_lake_analytics.jobs import account_of
from airflow_provider_datalake.emulator.data_lake_analytics.records import moment, parse_job_id
from airflow_provider_datalake.emulator.jobs import JobFilter, JobState

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.azure.calls import Call
    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService
    from airflow_provider_datalake.emulator.jobs import Job

_WORDS = {JobState.SUCCESS: "Succeeded", JobState.FAILED: "Failed", JobState.CANCELLED: "Canceled"}


@dataclass
class Group:
    """
    Jobs that name the same pipeline or recurrence.

    :param id: the GUID that they name
    :param jobs: the jobs with the analytics-unit hours that each took, oldest first
    """

    id: str
    jobs: list[tuple[Job, float]] = field(default_factory=list)

    def counters(self) -> dict[str, Any]:
        """
        Count the jobs by result.

        :return: the service's counters
        """
        counts: dict[str, Any] = {f"numJobs{word}": 0 for word in ("Failed", "Canceled", "Succeeded")}
        hours: dict[str, Any] = {f"auHours{word}": 0.0 for word in ("Failed", "Canceled", "Succeeded")}
        for job, spent in self.jobs:
            if word := _WORDS.get(job.state):
                counts[f"numJobs{word}"] += 1
                # What was cancelled is not charged.
                hours[f"auHours{word}"] += 0.0 if word == "Canceled" else spent
        last = max(job.created_at for job, _ in self.jobs)
        return {**counts, **hours, "lastSubmitTime": moment(last)}

    def latest(self, name: str) -> str:
        """
        Read what the newest job says.

        :param name: of ``related``
        :return: its value, empty when it has none
        """
        return next(
            (
                job.request["related"][name]
                for job, _ in reversed(self.jobs)
                if name in job.request["related"]
            ),
            "",
        )


def _groups(service: DataLakeAnalyticsService, call: Call, key: str) -> dict[str, Group]:
    account = account_of(service, call, "read")
    found: dict[str, Group] = {}
    which = JobFilter(
        scope=account,
        created_from=_time(call, "startdatetime"),
        created_before=_time(call, "enddatetime"),
    )
    for job in service.jobs.page(which, limit=-1):
        group_id = (job.request.get("related") or {}).get(key)
        if group_id:
            running = times_of(job, service.audits.of(job))["totalRunningTime"]
            hours = job.request["degree_of_parallelism"] * running / 3600
            found.setdefault(group_id, Group(group_id)).jobs.append((job, hours))
    return found


def _time(call: Call, name: str) -> float | None:
    from datetime import UTC, datetime

    text = call.query(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise invalid(f"{name} must be a date and time in ISO 8601, not {text!r}.") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _one(service: DataLakeAnalyticsService, call: Call, key: str, what: str) -> Group:
    group_id = parse_job_id(call.path("id"))
    group = _groups(service, call, key).get(group_id or "")
    if group is None:
        raise AzureError(404, f"{what}NotFound", traced(f"There is no {what.lower()} {call.path('id')!r}."))
    return group


def _pipeline(group: Group) -> dict[str, Any]:
    return {
        "pipelineId": group.id,
        "pipelineName": group.latest("pipelineName"),
        "pipelineUri": group.latest("pipelineUri"),
        **group.counters(),
    }


def _recurrence(group: Group) -> dict[str, Any]:
    return {
        "recurrenceId": group.id,
        "recurrenceName": group.latest("recurrenceName"),
        **group.counters(),
    }


def list_pipelines(service: DataLakeAnalyticsService, call: Call) -> Response:
    """List pipelines."""
    found = [_pipeline(group) for group in _groups(service, call, "pipelineId").values()]
    return answer({"value": found, "count": len(found)})


def get_pipeline(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Look at a pipeline."""
    group = _one(service, call, "pipelineId", "Pipeline")
    runs = [
        # Not as the service's own description says: these are the names that it really had.
        {"item1": job.request["related"]["runId"], "item2": moment(job.created_at)}
        for job, _ in reversed(group.jobs)
        if "runId" in job.request["related"]
    ]
    recurrences = list(
        dict.fromkeys(
            job.request["related"]["recurrenceId"]
            for job, _ in group.jobs
            if "recurrenceId" in job.request["related"]
        )
    )
    return answer({**_pipeline(group), "runs": runs, "recurrences": recurrences})


def list_recurrences(service: DataLakeAnalyticsService, call: Call) -> Response:
    """List recurrences."""
    found = [_recurrence(group) for group in _groups(service, call, "recurrenceId").values()]
    return answer({"value": found, "count": len(found)})


def get_recurrence(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Look at a recurrence."""
    return answer(_recurrence(_one(service, call, "recurrenceId", "Recurrence")))
