"""The routes of the REST interface, below ``/api``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from starlette.routing import Route

from airflow_provider_datalake.emulator.maxcompute import instances, logview, projects, tables
from airflow_provider_datalake.emulator.maxcompute.calls import Call, Endpoint, Handler, endpoint
from airflow_provider_datalake.emulator.maxcompute.errors import REST_PREFIX, not_supported

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]
_PROJECT = f"{REST_PREFIX}/projects/{{project}}"
_HANDLERS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", f"{REST_PREFIX}/tenants", logview.tenant),
    ("GET", f"{REST_PREFIX}/projects", projects.list_projects),
    ("GET", _PROJECT, projects.get_project),
    ("PUT", f"{_PROJECT}/logs", logview.usage_log),
    ("GET", f"{_PROJECT}/tunnel", logview.tunnel_host),
    ("POST", f"{_PROJECT}/authorization", logview.authorization),
    ("GET", f"{_PROJECT}/tables", tables.list_tables),
    ("GET", f"{_PROJECT}/tables/{{table}}", tables.get_table),
    ("GET", f"{_PROJECT}/cachedinstances", instances.list_queueing),
    ("POST", f"{_PROJECT}/instances", instances.submit),
    ("GET", f"{_PROJECT}/instances", instances.list_instances),
    ("PUT", f"{_PROJECT}/instances/{{instance}}", instances.stop),
)
_FEATURES = {
    "authorization": "security queries",
    "instances": "this use of instances",
    "logs": "this use of logs",
    "offlinemodels": "offline models",
    "registration": "functions",
    "resources": "resources",
    "roles": "roles",
    "schemas": "schemas in projects",
    "tables": "this use of tables; create, alter and drop them with SQL",
    "users": "users",
    "volumes": "volumes",
    "xflows": "XFlows",
}


def routes(service: MaxComputeService) -> list[Route]:
    """
    List the routes of the REST interface; the last one answers for everything that is not there.

    :param service: what the routes work on
    :return: the routes
    """
    known = [Route(path, endpoint(service, handler), methods=[method]) for method, path, handler in _HANDLERS]
    return [
        Route(f"{REST_PREFIX}/logview/host", logview.logview_host, methods=["GET"]),
        Route(f"{REST_PREFIX}/webconsole/host", logview.no_host, methods=["GET"]),
        Route(f"{_PROJECT}/instances/{{instance}}", _get_instance(service), methods=["GET"], name="instance"),
        *known,
        Route(f"{REST_PREFIX}/{{rest:path}}", endpoint(service, _unknown), methods=_METHODS),
    ]


def _get_instance(service: MaxComputeService) -> Endpoint:
    plain = endpoint(service, instances.get_instance)
    blocking = instances.blocking_status(service)

    @functools.wraps(instances.get_instance)
    async def answer(request: Request) -> Response:
        return await (blocking if "instancestatus" in request.query_params else plain)(request)

    return answer


def _unknown(call: Call) -> Response:
    method, path = call.request.method, call.request.path_params["rest"]
    parts = path.strip("/").split("/")
    feature = "this part of the service"
    if parts[0] == "projects":
        if len(parts) > 1:
            call.service.projects.require(parts[1])
        feature = (
            _FEATURES.get(parts[2], feature) if len(parts) > 2 else "creating or changing projects over REST"
        )
    raise not_supported(f"{feature} ({method} /{path})")
