"""Instances: submit, watch, list and stop."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from airflow_provider_datalake.emulator.job_store import ACTIVE, FINISHED
from airflow_provider_datalake.emulator.jobs import Job, JobFilter, JobNotActive, JobState
from airflow_provider_datalake.emulator.maxcompute import instance_views as views
from airflow_provider_datalake.emulator.maxcompute.calls import Call, Endpoint
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, invalid, not_supported
from airflow_provider_datalake.emulator.maxcompute.submissions import TaskRequest, read_submission
from airflow_provider_datalake.emulator.maxcompute.tasks import job_kind
from airflow_provider_datalake.emulator.maxcompute.xml import MalformedXml, element, parse, rfc822, to_bytes

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

HOLD_SECONDS = 5.0
_STATES = {"running": ACTIVE, "suspended": (), "terminated": FINISHED}
_VIEWS = {
    "taskstatus": views.task_status,
    "result": views.result,
    "source": views.source,
    "instancesummary": views.instance_summary,
    "instanceprogress": views.progress,
    "instancedetail": views.detail,
    "detail": views.detail,
    "instancequota": views.quota,
    "cached": views.queueing_info,
}
_LATER = {
    "xresult": "XFlow instances",
    "xsource": "XFlow instances",
    "log": "logs of single workers",
}


def submit(call: Call) -> Response:
    """
    Accept an instance; it runs after the answer.

    :param call: the request with an ``<Instance>`` document
    :return: 201 with the instance's address; the earlier instance's when its key was used before
    """
    project = call.service.projects.require(call.path("project"))
    submission = read_submission(call.body)
    job, _ = call.service.jobs.submit(
        job_kind(submission.task),
        project.name,
        submission.task.to_json(),
        key=submission.key,
        name=submission.name,
        owner=call.account.name,
        priority=submission.priority,
    )
    location = call.request.url_for("instance", project=project.name, instance=job.id)
    return Response(status_code=201, headers={"Location": str(location)})


def require_instance(service: MaxComputeService, project: str, instance_id: str) -> Job:
    """
    Look an instance up.

    :param service: the service
    :param project: project name
    :param instance_id: its id
    :return: the job behind it
    :raises OdpsError: ``NoSuchProject`` or ``NoSuchObject``
    """
    name = service.projects.require(project).name
    job = service.jobs.get(instance_id)
    if job is None or job.scope != name:
        raise OdpsError(
            404, "NoSuchObject", f"ODPS-0420061: Instance '{instance_id}' does not exist in project {name}."
        )
    return job


def get_instance(call: Call) -> Response:
    """
    Answer an instance's state, or one of its views.

    :param call: the request; its bare query keys name the view
    :return: the document
    """
    for action, feature in _LATER.items():
        if action in call.query:
            raise not_supported(feature)
    job = require_instance(call.service, call.path("project"), call.path("instance"))
    task_name = call.query.get("taskname")
    if task_name and task_name != TaskRequest.from_json(job.request).name:
        raise OdpsError(404, "NoSuchObject", f"Instance {job.id} has no task '{task_name}'.")
    if "info" in call.query:
        return views.info(job, call.query.get("key", ""))
    for action, view in _VIEWS.items():
        if action in call.query:
            return view(call.service, job)
    return _status(job)


def _status(job: Job) -> Response:
    headers = {"x-odps-owner": job.owner, "x-odps-start-time": rfc822(job.created_at)}
    if job.ended_at is not None:
        headers["x-odps-end-time"] = rfc822(job.ended_at)
    body = element("Instance", element("Status", views.instance_status(job)))
    return Response(to_bytes(body), media_type="application/xml", headers=headers)


def blocking_status(service: MaxComputeService) -> Endpoint:
    """
    Make the endpoint for ``?instancestatus``, which is held until the instance ends, but not for long.

    :param service: the service
    :return: a Starlette endpoint
    """

    async def answer(request: Request) -> Response:
        account = service.authenticate(request)
        project, instance = request.path_params["project"], request.path_params["instance"]
        await run_in_threadpool(require_instance, service, project, instance)
        ending = service.jobs.ending(instance)
        if ending is not None:
            await asyncio.wait([asyncio.wrap_future(ending)], timeout=HOLD_SECONDS)
        return await run_in_threadpool(get_instance, Call(service, request, account, b""))

    return answer


def stop(call: Call) -> Response:
    """
    Stop an instance.

    :param call: the request with the status to set
    :return: an empty answer; the instance ends soon after
    """
    if "info" in call.query:
        raise not_supported("writing information into a task (interactive sessions)")
    job = require_instance(call.service, call.path("project"), call.path("instance"))
    try:
        wanted = (parse(call.body, "Instance").findtext("Status") or "").strip()
    except MalformedXml as error:
        raise invalid(str(error)) from error
    if wanted != "Terminated":
        raise OdpsError(
            400,
            "InvalidStateSetting",
            f"ODPS-0430071: Invalid state setting - an instance can be set to Terminated, not to '{wanted}'.",
        )
    try:
        call.service.jobs.cancel(job.id)
    except JobNotActive:
        raise OdpsError(
            409,
            "InvalidStateSetting",
            f"ODPS-0430071: Invalid state setting - instance {job.id} is already Terminated.",
        ) from None
    return Response()


def list_instances(call: Call) -> Response:
    """
    Answer one page of instances, oldest first.

    :param call: the request
    :return: the listing
    """
    project = call.service.projects.require(call.path("project"))
    jobs, marker, size = _page(call, _filter(call, project.name))
    body = element(
        "Instances",
        element("Marker", marker),
        element("MaxItems", size),
        *[views.list_item(job) for job in jobs],
    )
    return Response(to_bytes(body), media_type="application/xml")


def list_queueing(call: Call) -> Response:
    """
    Answer one page of the instances that wait or run, with their place in the queue.

    :param call: the request
    :return: the listing
    """
    project = call.service.projects.require(call.path("project"))
    which = _filter(call, project.name, states=ACTIVE)
    jobs, marker, size = _page(call, which)
    body = element(
        "Instances",
        element("Marker", marker),
        element("MaxItems", size),
        element("Content", views.queueing_infos(jobs)),
    )
    return Response(to_bytes(body), media_type="application/xml")


def _page(call: Call, which: JobFilter) -> tuple[list[Job], str, int]:
    size = call.page_size()
    jobs = call.service.jobs.page(which, limit=size + 1, after=call.marker())
    more = len(jobs) > size
    jobs = jobs[:size]
    return jobs, str(jobs[-1].sequence) if more else "", size


def _filter(call: Call, project: str, states: tuple[JobState, ...] | None = None) -> JobFilter:
    status = call.query.get("status")
    if status:
        if status.lower() not in _STATES:
            raise invalid(f"status must be Running, Suspended or Terminated, got {status!r}")
        states = _STATES[status.lower()]
    begin, end = _date_range(call.query.get("daterange") or "")
    return JobFilter(
        scope=project,
        states=states,
        owner=call.account.name if call.query.get("onlyowner") == "yes" else None,
        name=call.query.get("jobname") or None,
        created_from=begin,
        created_before=end,
    )


def _date_range(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    begin, separator, end = text.partition(":")
    try:
        if not separator:
            raise ValueError("no colon")
        # Whole seconds on the wire: the last one is included as a whole.
        return _seconds(begin), None if not end else math.floor(float(end)) + 1.0
    except (ValueError, OverflowError):
        raise invalid(f"daterange must be from:to in seconds since the epoch, got {text!r}") from None


def _seconds(text: str) -> float | None:
    return float(math.floor(float(text))) if text else None
