"""The users of an analytics account: a role on the account, and permissions in its catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_analytics_catalog_security import AceType, Permission
from airflow_provider_datalake.clients.resource_manager_models import PRINCIPAL_TYPES
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_datalake.clients.data_lake_analytics_catalog import DataLakeAnalyticsCatalogClient
    from airflow_provider_datalake.clients.resource_manager import ResourceManager, RoleAssignment

DEVELOPER = "Data Lake Analytics Developer"


@dataclass(frozen=True)
class AccountUser:
    """
    Somebody who may use an analytics account.

    :param principal_id: who, a GUID of the directory
    :param principal_type: ``User``, ``Group`` or ``ServicePrincipal``, where the service tells it
    :param roles: names of the roles on the account, those that come from above it as well
    :param catalog_permission: what the catalog allows, empty when its list has no entry
    """

    principal_id: str
    principal_type: str
    roles: tuple[str, ...]
    catalog_permission: str = ""


class AccountUsers:
    """
    The users of one analytics account, managed as the portal's wizard did.

    :param manager: the resource manager
    :param catalog: the account's catalog
    :param account: the account's name
    :param resource_group: its group; the connection's when None
    """

    def __init__(
        self,
        manager: ResourceManager,
        catalog: DataLakeAnalyticsCatalogClient,
        account: str,
        resource_group: str | None = None,
    ) -> None:
        self._roles = manager.role_assignments
        self._catalog = catalog
        self._scope = manager.analytics_accounts.path(account, resource_group)

    def list(self) -> Iterator[AccountUser]:
        """
        Go through all who have a role on the account or stand on its catalog's list.

        :return: the users, in no particular order
        """
        assignments: dict[str, list[RoleAssignment]] = {}
        for assignment in self._roles.list(self._scope):
            assignments.setdefault(assignment.principal_id.lower(), []).append(assignment)
        entries = {entry.principal_id.lower(): entry for entry in self._catalog.acl() if entry.principal_id}
        for principal in {**assignments, **entries}:
            own = assignments.get(principal, [])
            entry = entries.get(principal)
            yield AccountUser(
                principal_id=principal,
                principal_type=own[0].principal_type if own else (entry.ace_type if entry else ""),
                roles=tuple(assignment.role for assignment in own),
                catalog_permission=entry.permission if entry else "",
            )

    def add(
        self,
        principal_id: str,
        role: str = DEVELOPER,
        *,
        principal_type: str = "User",
        catalog_permission: str | None = Permission.USE,
        databases: Mapping[str, str] | None = None,
    ) -> None:
        """
        Let somebody use the account; what they may already is fine.

        :param principal_id: who, a GUID of the directory
        :param role: ``Owner``, ``Contributor``, ``Reader``, ``Data Lake Analytics Developer``, or a GUID
        :param principal_type: ``User``, ``Group`` or ``ServicePrincipal``
        :param catalog_permission: what the catalog allows; None to leave its list alone
        :param databases: permission by database, e.g. ``Use`` to read and ``All`` to read and write
        :raises ConfigurationError: when a name is wrong, before anything is changed
        """
        if principal_type not in PRINCIPAL_TYPES:
            raise ConfigurationError(
                f"principal_type must be one of {', '.join(PRINCIPAL_TYPES)}, got {principal_type!r}"
            )
        for permission in (
            *(databases or {}).values(),
            *([catalog_permission] if catalog_permission else []),
        ):
            if permission not in tuple(Permission):
                raise ConfigurationError(
                    f"permission must be one of {', '.join(Permission)}, got {permission!r}"
                )
        self._roles.add(self._scope, principal_id, role, principal_type=principal_type)
        ace_type = _ace_type(principal_type)
        if catalog_permission is not None:
            self._catalog.grant(principal_id, catalog_permission, ace_type=ace_type)
        for database, permission in (databases or {}).items():
            self._catalog.grant(principal_id, permission, ace_type=ace_type, database=database)

    def remove(self, principal_id: str) -> bool:
        """
        Take somebody's roles on this account away, and all permissions in its catalog.

        Roles that come from above the account, e.g. from its resource group, stay.

        :param principal_id: who, a GUID of the directory
        :return: whether there was anything to take away
        """
        wanted = principal_id.lower()
        found = False
        for assignment in list(self._roles.list(self._scope)):
            own = assignment.scope.lower() in ("", self._scope.lower())
            if assignment.principal_id.lower() == wanted and own:
                found = self._roles.remove(assignment) or found
        for database in (None, *[item.name for item in self._catalog.databases()]):
            for entry in list(self._catalog.acl(database)):
                if entry.principal_id.lower() == wanted:
                    self._catalog.revoke(entry.principal_id, ace_type=entry.ace_type, database=database)
                    found = True
        return found


def _ace_type(principal_type: str) -> AceType:
    # The catalog knows people and groups; an application stands among the people.
    return AceType.GROUP if principal_type == "Group" else AceType.USER
