"""Role assignments: who may do what in an analytics account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure.calls import answer, empty, object_of
from airflow_provider_datalake.emulator.azure.errors import AzureError, invalid
from airflow_provider_datalake.emulator.resource_manager.access import (
    ASSIGN,
    READ,
    ROLES,
    authorize,
    covers,
)
from airflow_provider_datalake.emulator.resource_manager.resources import ROLE, Resource
from airflow_provider_datalake.emulator.resource_manager.service import now_text

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.azure.calls import Call
    from airflow_provider_datalake.emulator.resource_manager.service import ResourceManagerService

_MARK = "/providers/microsoft.authorization/"


def _scope(call: Call) -> str:
    """Give the scope that stands before the provider in the request's path."""
    path = call.request.scope["path"].removeprefix(call.request.scope.get("root_path", ""))
    return path[: path.lower().index(_MARK)]


def _shown(one: Resource) -> dict[str, Any]:
    definition = f"/subscriptions/{one.subscription}/providers/Microsoft.Authorization/roleDefinitions"
    return {
        "id": f"{one.parent}/providers/Microsoft.Authorization/roleAssignments/{one.name}",
        "name": one.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{definition}/{one.content['role']}",
            "principalId": one.content["principalId"],
            "principalType": one.content.get("principalType") or "User",
            "scope": one.parent,
            "createdOn": one.content["createdOn"],
            "updatedOn": one.content["createdOn"],
        },
    }


def put_assignment(service: ResourceManagerService, call: Call) -> Response:
    """Give somebody a role."""
    authorize(service, call, ASSIGN)
    properties = object_of(call.json(), "properties")
    role = str(properties.get("roleDefinitionId") or "").rpartition("/")[2].lower()
    if role not in ROLES:
        raise invalid(
            f"The role definition {properties.get('roleDefinitionId')!r} is none that the emulator knows: "
            f"{', '.join(ROLES.values())}.",
            "RoleDefinitionDoesNotExist",
        )
    principal = properties.get("principalId")
    if not isinstance(principal, str) or not principal:
        raise invalid("The 'properties.principalId' is missing.", "InvalidPrincipalId")
    scope, name = _scope(call), call.path("name")
    for known in service.resources.find(ROLE):
        same = known.parent.lower() == scope.lower() and known.content["principalId"] == principal
        if same and known.content["role"] == role and known.name.lower() != name.lower():
            raise AzureError(409, "RoleAssignmentExists", "The role assignment already exists.")
    content = {
        "role": role,
        "principalId": principal,
        "principalType": properties.get("principalType"),
        "createdOn": now_text(),
    }
    one = Resource(ROLE, call.path("subscription"), "", name, scope, content)
    service.resources.put(one)
    return answer(_shown(one), 201)


def _find(service: ResourceManagerService, call: Call) -> Resource | None:
    scope, name = _scope(call).lower(), call.path("name").lower()
    found = service.resources.find(ROLE)
    return next((one for one in found if one.parent.lower() == scope and one.name.lower() == name), None)


def get_assignment(service: ResourceManagerService, call: Call) -> Response:
    """Look at a role assignment."""
    authorize(service, call, READ)
    one = _find(service, call)
    if one is None:
        name = call.path("name")
        raise AzureError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
    return answer(_shown(one))


def list_assignments(service: ResourceManagerService, call: Call) -> Response:
    """List the role assignments at a scope, those of wider scopes among them."""
    authorize(service, call, READ)
    scope = _scope(call).lower()
    found = [one for one in service.resources.find(ROLE) if covers(one.parent, scope)]
    text = call.query("$filter") or ""
    if match := re.search(r"(?:principalId eq|assignedTo\()\s*'([^']+)'", text):
        found = [one for one in found if one.content["principalId"] == match[1]]
    return answer({"value": [_shown(one) for one in found]})


def delete_assignment(service: ResourceManagerService, call: Call) -> Response:
    """Take a role away."""
    authorize(service, call, ASSIGN)
    one = _find(service, call)
    if one is None:
        return empty(204)
    service.resources.delete([one])
    return answer(_shown(one))


def list_definitions(service: ResourceManagerService, call: Call) -> Response:
    """List the roles that there are."""
    items = [
        {
            "id": f"/subscriptions/{call.path('subscription')}/providers/Microsoft.Authorization"
            f"/roleDefinitions/{guid}",
            "name": guid,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {"roleName": name, "type": "BuiltInRole", "assignableScopes": ["/"]},
        }
        for guid, name in ROLES.items()
    ]
    text = call.query("$filter") or ""
    if match := re.search(r"roleName eq\s*'([^']+)'", text):
        items = [item for item in items if item["properties"]["roleName"] == match[1]]  # type: ignore[index]
    return answer({"value": items})
