"""The resource manager: resource groups, the accounts of the data-lake services, and who may use them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients import resource_manager_operations as operations
from airflow_provider_datalake.clients.azure_rest import ALL, AzureRest, ListOptions, segment
from airflow_provider_datalake.clients.resource_manager_accounts import (
    ACCOUNTS_VERSION,
    AnalyticsAccounts,
    StoreAccounts,
)
from airflow_provider_datalake.clients.resource_manager_models import ResourceGroup
from airflow_provider_datalake.exceptions import ConfigurationError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_datalake.clients.azure_settings import AzureSettings
    from airflow_provider_datalake.clients.http import HttpClient

GROUPS_VERSION = "2022-09-01"
ROLES_VERSION = "2022-04-01"

ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Data Lake Analytics Developer": "47b7735b-770e-4598-a7da-8b91488b4c88",
}
"""GUIDs of the directory's own roles that mean something to an analytics account."""
_ASSIGNMENTS = uuid.UUID("5b8b3bb4-8e06-4d5e-a4b0-0c3d1f2e7a55")


@dataclass(frozen=True)
class RoleAssignment:
    """
    A role that somebody has on a resource.

    :param name: its GUID
    :param principal_id: who has it, a GUID of the directory
    :param role: its name where it is one of ``ROLES``, else its GUID
    :param principal_type: ``User``, ``Group`` or ``ServicePrincipal``, where the service tells it
    :param scope: path of the resource that it was given on
    :param id: its path
    """

    name: str
    principal_id: str
    role: str
    principal_type: str = ""
    scope: str = ""
    id: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> RoleAssignment:
        """
        Read the service's form.

        :param told: the object
        :return: the assignment
        """
        properties = told.get("properties") or {}
        role = str(properties.get("roleDefinitionId") or "").rpartition("/")[2].lower()
        names = {guid: name for name, guid in ROLES.items()}
        return cls(
            name=str(told.get("name") or ""),
            principal_id=str(properties.get("principalId") or ""),
            role=names.get(role, role),
            principal_type=str(properties.get("principalType") or ""),
            scope=str(properties.get("scope") or ""),
            id=str(told.get("id") or ""),
        )


class ResourceGroups:
    """
    The resource groups of one subscription.

    :param rest: the resource manager
    :param subscription: path of the subscription
    """

    def __init__(self, rest: AzureRest, subscription: str) -> None:
        self._rest = rest
        self._subscription = subscription

    def create_or_update(
        self, name: str, location: str, *, tags: Mapping[str, str] | None = None
    ) -> ResourceGroup:
        """
        Make a group, or set the tags of one that is there.

        :param name: its name
        :param location: where it shall be, e.g. ``eastus2``
        :param tags: text by name
        :return: the group
        :raises ConfigurationError: when it exists somewhere else
        """
        if not location:
            raise ConfigurationError(f"location is missing: where shall resource group {name!r} be?")
        doing = f"create resource group {name!r}"
        body: dict[str, Any] = {"location": location}
        if tags is not None:
            body["tags"] = dict(tags)
        response = self._rest.send("PUT", self._path(name), doing=doing, repeatable=True, json=body)
        return ResourceGroup.from_wire(self._rest.body(response, doing))

    def get(self, name: str) -> ResourceGroup:
        """
        Look at a group.

        :param name: its name
        :return: the group
        :raises NotFoundError: when the subscription has none of this name
        """
        return ResourceGroup.from_wire(
            self._rest.get(self._path(name), doing=f"look at resource group {name!r}")
        )

    def list(self, options: ListOptions = ALL) -> Iterator[ResourceGroup]:
        """
        Go through the groups.

        :param options: which ones are wanted
        :return: the groups
        """
        path = f"{self._subscription}/resourcegroups"
        for item in self._rest.items(path, options, doing="list resource groups"):
            yield ResourceGroup.from_wire(item)

    def delete(self, name: str, *, timeout: float | None = None) -> bool:
        """
        Delete a group with all that is in it, and wait until it is gone; one that does not exist is fine.

        :param name: its name
        :param timeout: seconds, None for ever
        :return: whether there was one
        """
        path, doing = self._path(name), f"delete resource group {name!r}"
        response = self._rest.send(
            "DELETE", path, doing=doing, repeatable=True, expected=(200, 202, 204, 404)
        )
        if response.status_code in (204, 404):
            return False
        operation = operations.begin(path, response, deleting=True)
        operations.wait(self._rest, operation, doing, timeout=timeout)
        return True

    def _path(self, name: str) -> str:
        return f"{self._subscription}/resourcegroups/{segment(name, 'resource group')}"


class RoleAssignments:
    """
    The roles that people have on resources.

    :param rest: the resource manager
    :param subscription: path of the subscription
    """

    def __init__(self, rest: AzureRest, subscription: str) -> None:
        self._rest = rest
        self._subscription = subscription

    def list(self, scope: str) -> Iterator[RoleAssignment]:
        """
        Go through the roles on a resource, also those that come from above it.

        :param scope: path of the resource
        :return: the assignments
        """
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
        options = ListOptions(filter="atScope()")
        for item in self._rest.items(path, options, doing=f"list role assignments of {_name(scope)}"):
            yield RoleAssignment.from_wire(item)

    def add(
        self, scope: str, principal_id: str, role: str, *, principal_type: str = "User"
    ) -> RoleAssignment:
        """
        Give somebody a role; one that they have already is fine.

        :param scope: path of the resource
        :param principal_id: who gets it, a GUID of the directory
        :param role: one of ``ROLES``, or the GUID of another one
        :param principal_type: ``User``, ``Group`` or ``ServicePrincipal``
        :return: the assignment
        :raises ConfigurationError: when there is no such role
        """
        definition = f"{self._subscription}/providers/Microsoft.Authorization/roleDefinitions/{role_id(role)}"
        # The same GUID for the same assignment: a lost answer leaves no second one.
        name = str(uuid.uuid5(_ASSIGNMENTS, f"{scope.lower()}\n{principal_id.lower()}\n{role_id(role)}"))
        doing = f"give {principal_id} the role {role!r} on {_name(scope)}"
        body = {
            "properties": {
                "roleDefinitionId": definition,
                "principalId": principal_id,
                "principalType": principal_type,
            }
        }
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
        try:
            response = self._rest.send("PUT", path, doing=doing, repeatable=True, json=body)
        except ConflictError as error:
            if error.code != "RoleAssignmentExists":
                raise
            return next(
                found
                for found in self.list(scope)
                if found.principal_id.lower() == principal_id.lower() and role_id(found.role) == role_id(role)
            )
        return RoleAssignment.from_wire(self._rest.body(response, doing))

    def remove(self, assignment: RoleAssignment) -> bool:
        """
        Take a role away; one that is gone already is fine.

        :param assignment: the assignment
        :return: whether it was there
        """
        return self._rest.delete(assignment.id, doing=f"remove role assignment {assignment.name}")


def role_id(role: str) -> str:
    """
    Give the GUID of a role.

    :param role: one of ``ROLES``, or the GUID of another one
    :return: the GUID
    :raises ConfigurationError: when it is neither
    """
    if role in ROLES:
        return ROLES[role]
    try:
        return str(uuid.UUID(role))
    except (AttributeError, TypeError, ValueError):
        raise ConfigurationError(
            f"role must be one of {', '.join(ROLES)}, or a role's GUID, got {role!r}"
        ) from None


def _name(scope: str) -> str:
    return repr(scope.rpartition("/")[2])


class ResourceManager:
    """
    One subscription; threads may share it.

    :param http: the requests to the resource manager
    :param subscription_id: the subscription
    :param resource_group: the group where none is named
    """

    def __init__(self, http: HttpClient, subscription_id: str, resource_group: str = "") -> None:
        subscription = f"/subscriptions/{segment(subscription_id, 'subscription_id')}"
        accounts = AzureRest(http, ACCOUNTS_VERSION)
        self.accounts_rest = accounts
        self.resource_group = resource_group
        self.groups = ResourceGroups(AzureRest(http, GROUPS_VERSION), subscription)
        self.store_accounts = StoreAccounts(accounts, subscription, resource_group)
        self.analytics_accounts = AnalyticsAccounts(accounts, subscription, resource_group)
        self.role_assignments = RoleAssignments(AzureRest(http, ROLES_VERSION), subscription)

    @classmethod
    def connect(cls, settings: AzureSettings) -> ResourceManager:
        """
        Make a client of a connection's settings.

        :param settings: the settings
        :return: the client; nothing is sent yet
        :raises ConfigurationError: when the connection names no subscription
        """
        from airflow_provider_datalake.clients.data_lake_analytics import open_http

        if not settings.subscription_id:
            raise ConfigurationError(
                f"Connection {settings.conn_id!r}, field 'subscription_id': missing; "
                "the resource manager needs it"
            )
        http = open_http(settings, settings.resource_manager_url)
        return cls(http, settings.subscription_id, settings.resource_group)
