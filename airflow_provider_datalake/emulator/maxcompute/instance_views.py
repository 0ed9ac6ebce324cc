"""What can be asked about one instance: its task, progress, summary, source and result."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from starlette.responses import JSONResponse, Response

from airflow_provider_datalake.emulator.jobs import JobFilter, JobState
from airflow_provider_datalake.emulator.maxcompute import results, summary
from airflow_provider_datalake.emulator.maxcompute.submissions import TaskRequest
from airflow_provider_datalake.emulator.maxcompute.xml import element, rfc822, to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any
    from xml.etree.ElementTree import Element

    from airflow_provider_datalake.emulator.jobs import Job
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService


def instance_status(job: Job) -> str:
    """
    Tell the state of the instance, which is coarser than its task's.

    :param job: the job behind it
    :return: ``Running`` or ``Terminated``
    """
    return "Running" if job.state.is_active else "Terminated"


def _xml(body: Element) -> Response:
    return Response(to_bytes(body), media_type="application/xml")


def _task(job: Job, *content: Element | None) -> Element:
    task = TaskRequest.from_json(job.request)
    present = [item for item in content if item is not None]
    return element("Task", element("Name", task.name), *present, Type=task.type)


def _time(tag: str, seconds: float | None) -> Element | None:
    return None if seconds is None else element(tag, rfc822(seconds))


def list_item(job: Job) -> Element:
    """
    Describe an instance in a listing.

    :param job: the job behind it
    :return: its element
    """
    parts = [
        element("Name", job.id),
        element("Owner", job.owner),
        element("StartTime", rfc822(job.created_at)),
        _time("EndTime", job.ended_at),
        element("Status", instance_status(job)),
    ]
    return element("Instance", *[part for part in parts if part is not None])


def task_status(service: MaxComputeService, job: Job) -> Response:
    """
    Answer the state of the instance's task.

    :param service: the service
    :param job: the job behind the instance
    :return: the document
    """
    task = _task(
        job, _time("StartTime", job.started_at), _time("EndTime", job.ended_at), element("Status", job.state)
    )
    return _xml(element("Instance", element("Status", instance_status(job)), element("Tasks", task)))


def result(service: MaxComputeService, job: Job) -> Response:
    """
    Answer the result: CSV of the first rows, the text of a statement without rows, or the failure.

    :param service: the service
    :param job: the job behind the instance
    :return: the document
    """
    outcome = results.task_result(service.jobs, job)
    encoded = base64.b64encode(outcome.text.encode()).decode()
    descriptor = outcome.descriptor
    task = _task(
        job,
        element("Result", encoded, Transform="Base64", Format=outcome.format),
        None if descriptor is None else element("ResultDescriptor", json.dumps(descriptor)),
        element("Status", job.state),
    )
    return _xml(element("Instance", element("Tasks", task)))


def source(service: MaxComputeService, job: Job) -> Response:
    """
    Answer what was submitted.

    :param service: the service
    :param job: the job behind the instance
    :return: the ``<Job>`` document
    """
    return _xml(ElementTree.fromstring(TaskRequest.from_json(job.request).source))


def instance_summary(service: MaxComputeService, job: Job) -> Response:
    """
    Answer what the task read, wrote and cost, once it has ended.

    :param service: the service
    :param job: the job behind the instance
    :return: JSON that carries JSON, as the service does it
    """
    ended = not job.state.is_active
    headers = {"x-odps-task-finalized": "true" if ended else "false"}
    if not ended:
        return JSONResponse({}, headers=headers)
    content = {"JsonSummary": json.dumps(summary.as_json(job)), "Summary": summary.as_text(job)}
    return JSONResponse({"Instance": content}, headers=headers)


def progress(service: MaxComputeService, job: Job) -> Response:
    """
    Answer the stages.

    :param service: the service
    :param job: the job behind the instance
    :return: the document
    """
    stages = [
        element(
            "Stage",
            element("BackupWorkers", 0),
            element("TerminatedWorkers", stage.total_workers - stage.running_workers),
            element("RunningWorkers", stage.running_workers),
            element("TotalWorkers", stage.total_workers),
            element("InputRecords", stage.input_records),
            element("OutputRecords", stage.output_records),
            element("FinishedPercentage", int(stage.percent)),
            ID=stage.name,
        )
        for stage in job.stages
    ]
    return _xml(element("Progress", *stages))


def detail(service: MaxComputeService, job: Job) -> Response:
    """
    Answer the stages with their one worker each.

    :param service: the service
    :param job: the job behind the instance
    :return: JSON
    """
    stages = [
        {
            "name": stage.name,
            "status": job.state,
            "instances": [
                {
                    "id": f"{stage.name}#0_0",
                    "logId": "",
                    "startTime": int(job.started_at or job.created_at),
                    "endTime": int(job.ended_at or 0),
                    "status": job.state,
                    "input_records": stage.input_records,
                    "output_records": stage.output_records,
                }
            ],
        }
        for stage in job.stages
    ]
    task = TaskRequest.from_json(job.request)
    return JSONResponse({"mapReduce": {"jobs": [{"name": task.name, "tasks": stages}]}})


def quota(service: MaxComputeService, job: Job) -> Response:
    """
    Answer how busy the executor is.

    :param service: the service
    :param job: the job behind the instance
    :return: JSON
    """
    counts = service.jobs.store.count(JobFilter(scope=job.scope))
    return JSONResponse(
        {
            "quota": "default",
            "priority": job.priority,
            "status": job.state,
            "workers": service.config.workers,
            "running": counts.get(JobState.RUNNING, 0),
            "waiting": counts.get(JobState.WAITING, 0),
        }
    )


def info(job: Job, key: str) -> Response:
    """
    Answer one piece of information about the task.

    :param job: the job behind the instance
    :param key: which one
    :return: text; empty where the task has none under this key
    """
    text = json.dumps({"warnings": job.result.get("warnings", [])}) if key == "warnings" else ""
    return Response(text, media_type="text/plain")


def queueing_info(service: MaxComputeService, job: Job) -> Response:
    """
    Answer the instance's place in the queue.

    :param service: the service
    :param job: the job behind the instance
    :return: JSON
    """
    return JSONResponse(_queueing(job))


def queueing_infos(jobs: Sequence[Job]) -> str:
    """
    Describe many instances' places in the queue.

    :param jobs: the jobs behind them
    :return: JSON text
    """
    return json.dumps([_queueing(job) for job in jobs])


def _queueing(job: Job) -> dict[str, Any]:
    task = TaskRequest.from_json(job.request)
    started = datetime.fromtimestamp(job.created_at, UTC)
    return {
        "instanceId": job.id,
        "projectName": job.scope,
        "jobName": job.name,
        "status": instance_status(job),
        "instancePriority": job.priority,
        "instanceProcess": job.percent,
        "startTime": started.strftime("%Y-%m-%d %H:%M:%S +0000"),
        "taskType": task.type,
        "taskName": task.name,
        "userAccount": job.owner,
    }
