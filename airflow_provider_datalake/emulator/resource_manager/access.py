"""Roles: who may do what, at an account, a resource group or a subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.azure.errors import AzureError
from airflow_provider_datalake.emulator.resource_manager.resources import ROLE

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.azure.calls import Call
    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.resource_manager.resources import Resources
    from airflow_provider_datalake.emulator.resource_manager.service import ResourceManagerService

READ, SUBMIT, MANAGE, ASSIGN = "read", "submit", "manage", "assign"
ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "47b7735b-770e-4598-a7da-8b91488b4c88": "Data Lake Analytics Developer",
}
"""Names of the built-in roles by their ids."""
ACTIONS = {
    "Owner": {READ, SUBMIT, MANAGE, ASSIGN},
    "Contributor": {READ, SUBMIT, MANAGE},
    "Data Lake Analytics Developer": {READ, SUBMIT},
    "Reader": {READ},
}


def covers(scope: str, path: str) -> bool:
    """
    Tell whether what is assigned at a scope holds for a path.

    :param scope: path of an account, a group or a subscription
    :param path: path of a resource
    :return: True when the resource is the scope or lies in it
    """
    wide, narrow = (text.lower().rstrip("/") for text in (scope, path))
    return narrow == wide or narrow.startswith(f"{wide}/")


def allows(resources: Resources, principal: Principal, path: str, action: str) -> bool:
    """
    Tell whether somebody may do something.

    :param resources: has the role assignments
    :param principal: who
    :param path: path of the resource
    :param action: ``read``, ``submit``, ``manage`` or ``assign``
    :return: True when they may
    """
    if principal.is_owner:
        return True
    mine = {one.lower() for one in (principal.object_id, *principal.groups)}
    return any(
        action in ACTIONS[ROLES[one.content["role"]]]
        for one in resources.find(ROLE)
        if one.content["principalId"].lower() in mine and covers(one.parent, path)
    )


def authorize(service: ResourceManagerService, call: Call, action: str) -> None:
    """
    Check that the sender of a request may do what it asks for.

    :param service: has the role assignments
    :param call: the request
    :param action: ``read``, ``manage`` or ``assign``
    :raises AzureError: when they may not
    """
    path = call.request.scope["path"].removeprefix(call.request.scope.get("root_path", ""))
    if not allows(service.resources, call.principal, path, action):
        raise AzureError(
            403,
            "AuthorizationFailed",
            f"The client '{call.principal.name}' with object id '{call.principal.object_id}' does not have "
            f"authorization to perform action '{action}' over scope '{path}' or the scope is invalid.",
        )
