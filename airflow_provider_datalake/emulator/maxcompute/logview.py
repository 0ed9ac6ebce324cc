"""Logview: the address of its pages, and the short-lived tokens that open them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from airflow_provider_datalake.emulator.maxcompute.auth import InstanceScope
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, invalid, not_supported
from airflow_provider_datalake.emulator.maxcompute.instances import require_instance
from airflow_provider_datalake.emulator.maxcompute.xml import element, to_bytes

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_datalake.emulator.maxcompute.calls import Call

_RESOURCE = re.compile(r"acs:odps:\*:projects/(?P<project>[^/*]+)/instances/(?P<instance>[^/*]+)")


async def logview_host(request: Request) -> Response:
    """
    Tell where the Logview pages are; PyODPS asks for it before it knows whether its key is right.

    :param request: any request
    :return: the address as text
    """
    return PlainTextResponse(f"{request.url.scheme}://{request.url.netloc}")


async def no_host(request: Request) -> Response:
    """
    Tell that there is no console but Logview.

    :param request: any request
    :return: an empty answer
    """
    return PlainTextResponse("")


def tunnel_host(call: Call) -> Response:
    """
    Tell where the tunnel is: on the same address, without the REST prefix.

    :param call: the request
    :return: host and port as text
    """
    call.service.projects.require(call.path("project"))
    if "service" not in call.query:
        raise not_supported("volumes")
    return PlainTextResponse(call.request.url.netloc)


def tenant(call: Call) -> Response:
    """
    Describe the one tenant, whose projects have no schemas.

    :param call: the request
    :return: JSON
    """
    return JSONResponse(
        {
            "TenantId": "emulator",
            "Name": "emulator",
            "OwnerId": call.account.name,
            "TenantState": "NORMAL",
            "Parameters": {"odps.namespace.schema": "false"},
        }
    )


def usage_log(call: Call) -> Response:
    """
    Take the usage survey that PyODPS sends; nothing of it is kept.

    :param call: the request
    :return: an empty answer
    """
    return Response()


def authorization(call: Call) -> Response:
    """
    Give out a Logview token.

    :param call: the request with a policy that allows to read one instance
    :return: the token
    :raises OdpsError: when the policy asks for anything else
    """
    if "sign_bearer_token" not in call.query:
        raise not_supported("security queries")
    scope, hours = _wanted(call.body)
    project = call.path("project").lower()
    if scope.project.lower() != project:
        raise OdpsError(
            403,
            "NoPermission",
            f"ODPS-0130013: Authorization exception - {project} cannot grant access to {scope.project}",
        )
    job = require_instance(call.service, project, scope.instance_id)
    token = call.service.auth.grant(InstanceScope(job.scope, job.id), hours)
    body = element("Authorization", element("Result", token))
    return Response(to_bytes(body), media_type="application/xml")


def _wanted(body: bytes) -> tuple[InstanceScope, float]:
    try:
        document = json.loads(body)
        hours = float(document["expires_in_hours"])
        statements = document["policy"]["Statement"]
    except (ValueError, TypeError, KeyError) as error:
        raise invalid("expected a JSON object with expires_in_hours and a policy") from error
    if not 0 < hours < float("inf"):
        raise invalid(f"expires_in_hours must be positive, got {document['expires_in_hours']!r}")
    if not isinstance(statements, list) or len(statements) != 1 or not isinstance(statements[0], dict):
        raise not_supported("bearer tokens with other than one policy statement")
    return _scope(statements[0]), hours


def _scope(statement: dict[str, Any]) -> InstanceScope:
    resource = statement.get("Resource")
    if isinstance(resource, list) and len(resource) == 1:
        resource = resource[0]
    match = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
    if statement.get("Action") != ["odps:Read"] or statement.get("Effect") != "Allow" or match is None:
        raise not_supported("bearer tokens for anything but reading one instance")
    return InstanceScope(match["project"], match["instance"])
