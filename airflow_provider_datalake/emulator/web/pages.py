"""The pages for people: what is stored, what runs, what ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from airflow_provider_datalake.emulator.jobs import JobFilter, JobState
from airflow_provider_datalake.emulator.maxcompute.auth import InstanceScope
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
from airflow_provider_datalake.emulator.web import (
    dataset_pages,
    file_pages,
    job_pages,
    table_pages,
    usql_pages,
)
from airflow_provider_datalake.emulator.web.access import PageAccess
from airflow_provider_datalake.emulator.web.rendering import HERE, page

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService
    from airflow_provider_datalake.emulator.services import Services

    Endpoint = Callable[[Request], Awaitable[Response]]

_LATEST = 10
Page = Callable[["Services", "Request"], "Response"]
MaxComputePage = Callable[["MaxComputeService", "Request"], "Response"]


def routes(services: Services) -> list[BaseRoute]:
    """
    List the routes of the pages.

    :param services: what they show
    :return: the routes
    """
    access = PageAccess(services.config.page_token)

    def guarded(show: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            if not access.allows(request):
                return access.ask(request)
            return await run_in_threadpool(show, services, request)

        return answer

    return [
        Route("/", guarded(overview_page)),
        Route("/jobs", guarded(_maxcompute(job_pages.jobs_page))),
        Route("/tables", guarded(_maxcompute(table_pages.tables_page))),
        Route("/tables/{project}/{table}", guarded(_maxcompute(table_pages.table_page))),
        Route("/files", guarded(file_pages.stores_page)),
        Route("/files/{account}", guarded(file_pages.path_page)),
        Route("/files/{account}/{path:path}", guarded(file_pages.path_page)),
        Route("/datasets", guarded(dataset_pages.workspaces_page)),
        Route("/datasets/{workspace}/{dataset}", guarded(dataset_pages.dataset_page)),
        Route("/datasets/{workspace}/experiments/{experiment}", guarded(dataset_pages.experiment_page)),
        Route("/usql", guarded(usql_pages.usql_jobs_page)),
        Route("/usql/{account}/jobs/{job}", guarded(usql_pages.usql_job_page)),
        Route("/logview/", _logview(services.maxcompute, access)),
        Route("/logview", _logview(services.maxcompute, access)),
        Route("/login", access.login, methods=["GET"]),
        Route("/login", access.enter, methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]


def _maxcompute(show: MaxComputePage) -> Page:
    return lambda services, request: show(services.maxcompute, request)


def _logview(service: MaxComputeService, access: PageAccess) -> Endpoint:
    async def answer(request: Request) -> Response:
        query = request.query_params
        project, instance = query.get("p", ""), query.get("i", "")
        token = query.get("token")
        if token:
            try:
                scope = service.auth.bearer_account(token).scope
            except OdpsError as error:
                return page("message.html", 403, title="No access", message=error.message)
            if scope not in (None, InstanceScope(project.lower(), instance)):
                message = "This address's token is for another instance."
                return page("message.html", 403, title="No access", message=message)
        elif not access.allows(request):
            return access.ask(request)
        return await run_in_threadpool(job_pages.logview_page, service, project, instance)

    return answer


def overview_page(services: Services, request: Request) -> Response:
    """
    Show what there is.

    :param services: have it
    :param request: the request
    :return: the page
    """
    service, studio = services.maxcompute, services.studio
    catalog = service.storage.catalog
    projects = []
    for project in service.projects.list():
        sizes = [catalog.statistics(table) for table in catalog.list_tables(project.name)]
        projects.append(
            {
                "name": project.name,
                "owner": project.owner,
                "tables": len(sizes),
                "rows": sum(item.rows for item in sizes),
                "files": sum(item.files for item in sizes),
                "bytes": sum(item.bytes for item in sizes),
            }
        )
    counts = service.jobs.store.count(JobFilter())
    jobs = service.jobs.page(JobFilter(), limit=_LATEST, newest_first=True)
    return page(
        "overview.html",
        section="Overview",
        refresh=job_pages.REFRESH_SECONDS if any(job.state.is_active for job in jobs) else None,
        counts=[(str(state), counts.get(state, 0)) for state in JobState],
        projects=projects,
        tables=sum(project["tables"] for project in projects),
        bytes=sum(project["bytes"] for project in projects),
        jobs=[job_pages.job_summary(job) for job in jobs],
        address=f"{request.url.scheme}://{request.url.netloc}",
        access_id=service.config.access_id,
        datasets=sum(
            not dataset.is_example
            for workspace in studio.workspaces()
            for dataset in studio.datasets(workspace.id)
        ),
        account=service.config.account,
        workspace=service.config.studio_workspace,
    )
