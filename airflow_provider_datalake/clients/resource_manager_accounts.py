"""Accounts of Data Lake Store and Data Lake Analytics in the resource manager, and what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_datalake.clients import resource_manager_operations as operations
from airflow_provider_datalake.clients.azure_rest import ALL, ListOptions, segment
from airflow_provider_datalake.clients.resource_manager_models import (
    Account,
    AnalyticsAccount,
    Capability,
    ComputePolicy,
    FirewallRule,
    LinkedStorage,
    LinkedStore,
    NameCheck,
    StoreAccount,
    TrustedIdProvider,
    VirtualNetworkRule,
)
from airflow_provider_datalake.clients.resource_manager_parts import P, Parts
from airflow_provider_datalake.exceptions import ConfigurationError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_datalake.clients.azure_rest import AzureRest
    from airflow_provider_datalake.clients.resource_manager_operations import Operation

ACCOUNTS_VERSION = "2016-11-01"

A = TypeVar("A", bound=Account)


class Accounts(Generic[A]):
    """
    The accounts of one service in one subscription.

    :param rest: the resource manager
    :param subscription: path of the subscription
    :param resource_group: the group where none is named
    """

    provider: str
    kind: type[A]
    what: str

    def __init__(self, rest: AzureRest, subscription: str, resource_group: str) -> None:
        self.rest = rest
        self._subscription = subscription
        self._resource_group = resource_group

    def list(self, resource_group: str | None = None, options: ListOptions = ALL) -> Iterator[A]:
        """
        Go through the accounts.

        :param resource_group: only those of this group; those of the whole subscription when None
        :param options: which ones are wanted
        :return: the accounts, with few of their properties
        """
        scope = self._subscription if resource_group is None else self._group(resource_group)
        path = f"{scope}/providers/{self.provider}/accounts"
        for item in self.rest.items(path, options, doing=f"list {self.what}s"):
            yield self.kind.from_wire(item)

    def get(self, name: str, resource_group: str | None = None) -> A:
        """
        Look at an account.

        :param name: its name
        :param resource_group: its group; the connection's when None
        :return: the account
        :raises NotFoundError: when the group has none of this name
        """
        doing = f"look at {self.what} {name!r}"
        return self.kind.from_wire(self.rest.get(self.path(name, resource_group), doing=doing))

    def find(self, name: str, resource_group: str | None = None) -> A | None:
        """
        Look for an account.

        :param name: its name
        :param resource_group: its group; the connection's when None
        :return: the account, None when the group has none of this name
        """
        try:
            return self.get(name, resource_group)
        except NotFoundError:
            return None

    def begin_create(
        self,
        name: str,
        location: str,
        properties: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        resource_group: str | None = None,
    ) -> Operation | None:
        """
        Begin to make an account, or take up what has been begun already.

        An account that exists is changed where it differs in what is given; one that cannot become what is
        asked for is left alone.

        :param name: its name
        :param location: where it shall be, e.g. ``eastus2``
        :param properties: its properties, under their names on the wire
        :param tags: text by name
        :param resource_group: its group; the connection's when None
        :return: what is under way, None when the account is there
        :raises ConflictError: when the name is taken, or the account is another one
        """
        if not location:
            raise ConfigurationError(f"location is missing: where shall {self.what} {name!r} be?")
        existing = self.find(name, resource_group)
        if existing is not None:
            return self._adopt(existing, location, properties, tags, resource_group)
        path, doing = self.path(name, resource_group), f"create {self.what} {name!r}"
        body = {"location": location, "tags": dict(tags or {}), "properties": dict(properties)}
        try:
            response = self.rest.send("PUT", path, doing=doing, repeatable=True, json=body)
        except ConflictError:
            # The answer to an earlier attempt of the same request may have been lost.
            existing = self.find(name, resource_group)
            if existing is None:
                raise
            return self._adopt(existing, location, properties, tags, resource_group)
        return operations.begin(path, response)

    def _adopt(
        self,
        existing: A,
        location: str,
        properties: Mapping[str, Any],
        tags: Mapping[str, str] | None,
        resource_group: str | None,
    ) -> Operation | None:
        path = self.path(existing.name, resource_group)
        if operations.is_under_way(existing.provisioning_state):
            deleting = existing.provisioning_state.lower() == "deleting"
            if deleting:
                raise ConflictError(f"{self.what} {existing.name!r} is just being deleted")
            return operations.Operation(path)
        _check_equal("location", _plain(existing.location), _plain(location))
        self._check_same(existing, properties)
        changes = {
            key: value
            for key, value in properties.items()
            if key not in self.fixed and existing.properties.get(key) != value
        }
        if existing.provisioning_state.lower() != "succeeded":
            body = {"location": location, "tags": dict(tags or {}), "properties": dict(properties)}
            doing = f"create {self.what} {existing.name!r} again"
            response = self.rest.send("PUT", path, doing=doing, repeatable=True, json=body)
            return operations.begin(path, response)
        if not changes and (tags is None or dict(existing.tags) == dict(tags)):
            return None
        return self.begin_update(existing.name, changes, tags=tags, resource_group=resource_group)

    fixed: frozenset[str] = frozenset()
    """Properties that an account keeps for ever, or that it tells otherwise than it takes them."""

    def _check_same(self, existing: A, properties: Mapping[str, Any]) -> None:
        """Refuse to take an account for another one."""

    def begin_update(
        self,
        name: str,
        properties: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        resource_group: str | None = None,
    ) -> Operation:
        """
        Begin to change an account.

        :param name: its name
        :param properties: what shall change, under the names on the wire
        :param tags: text by name, in place of all tags that it has
        :param resource_group: its group; the connection's when None
        :return: what is under way
        :raises NotFoundError: when the group has none of this name
        """
        body: dict[str, Any] = {"properties": dict(properties)} if properties else {}
        if tags is not None:
            body["tags"] = dict(tags)
        path, doing = self.path(name, resource_group), f"update {self.what} {name!r}"
        response = self.rest.send("PATCH", path, doing=doing, repeatable=True, json=body)
        return operations.begin(path, response)

    def begin_delete(self, name: str, *, resource_group: str | None = None) -> Operation | None:
        """
        Begin to delete an account; one that does not exist is fine.

        :param name: its name
        :param resource_group: its group; the connection's when None
        :return: what is under way, None when there is nothing any more
        """
        path, doing = self.path(name, resource_group), f"delete {self.what} {name!r}"
        response = self.rest.send("DELETE", path, doing=doing, repeatable=True, expected=(200, 202, 204, 404))
        if response.status_code in (204, 404):
            return None
        return operations.begin(path, response, deleting=True)

    def create(
        self,
        name: str,
        location: str,
        properties: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        resource_group: str | None = None,
        timeout: float | None = None,
    ) -> A:
        """
        Make an account and wait for it, see ``begin_create``.

        :param name: its name
        :param location: where it shall be
        :param properties: its properties, under their names on the wire
        :param tags: text by name
        :param resource_group: its group; the connection's when None
        :param timeout: seconds, None for ever
        :return: the account
        """
        operation = self.begin_create(name, location, properties, tags=tags, resource_group=resource_group)
        return self._after(operation, name, resource_group, f"create {self.what} {name!r}", timeout)

    def update(
        self,
        name: str,
        properties: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        resource_group: str | None = None,
        timeout: float | None = None,
    ) -> A:
        """
        Change an account and wait for it; what it then says of itself may be old for a while.

        :param name: its name
        :param properties: what shall change, under the names on the wire
        :param tags: text by name, in place of all tags that it has
        :param resource_group: its group; the connection's when None
        :param timeout: seconds, None for ever
        :return: the account
        :raises NotFoundError: when the group has none of this name
        """
        operation = self.begin_update(name, properties, tags=tags, resource_group=resource_group)
        return self._after(operation, name, resource_group, f"update {self.what} {name!r}", timeout)

    def delete(self, name: str, *, resource_group: str | None = None, timeout: float | None = None) -> bool:
        """
        Delete an account and wait until it is gone; one that does not exist is fine.

        :param name: its name
        :param resource_group: its group; the connection's when None
        :param timeout: seconds, None for ever
        :return: whether there was one
        """
        operation = self.begin_delete(name, resource_group=resource_group)
        if operation is not None:
            operations.wait(self.rest, operation, f"delete {self.what} {name!r}", timeout=timeout)
        return operation is not None

    def _after(
        self,
        operation: Operation | None,
        name: str,
        resource_group: str | None,
        doing: str,
        timeout: float | None,
    ) -> A:
        if operation is not None:
            operations.wait(self.rest, operation, doing, timeout=timeout)
        return self.get(name, resource_group)

    def check_name(self, name: str, location: str) -> NameCheck:
        """
        Ask whether an account may have a name, which is unique in the whole cloud.

        :param name: the name
        :param location: where the account shall be
        :return: whether it may, and why not
        """
        path = f"{self._location(location)}/checkNameAvailability"
        doing = f"check the name {name!r}"
        body = {"name": name, "type": f"{self.provider}/accounts"}
        response = self.rest.send("POST", path, doing=doing, repeatable=True, json=body)
        told = self.rest.body(response, doing)
        return NameCheck(
            bool(told.get("nameAvailable")), str(told.get("reason") or ""), str(told.get("message") or "")
        )

    def capability(self, location: str) -> Capability | None:
        """
        Ask what the subscription may have in a location.

        :param location: the location
        :return: what it may have, None when the service is not there
        """
        try:
            told = self.rest.get(
                f"{self._location(location)}/capability", doing=f"look at location {location!r}"
            )
        except NotFoundError:
            return None
        return Capability(str(told.get("state") or ""), told.get("maxAccountCount"), told.get("accountCount"))

    def firewall_rules(self, name: str, resource_group: str | None = None) -> Parts[FirewallRule]:
        """
        Give access to an account's firewall rules.

        :param name: the account
        :param resource_group: its group; the connection's when None
        :return: the rules
        """
        return self._parts(name, resource_group, "firewallRules", FirewallRule, "firewall rule")

    def _parts(
        self, name: str, resource_group: str | None, folder: str, kind: type[P], what: str
    ) -> Parts[P]:
        return Parts(self.rest, f"{self.path(name, resource_group)}/{folder}", kind, what)

    def path(self, name: str, resource_group: str | None = None) -> str:
        """
        Give the path of an account.

        :param name: its name
        :param resource_group: its group; the connection's when None
        :return: the path, which is the account's id as well
        """
        return f"{self._group(resource_group)}/providers/{self.provider}/accounts/{segment(name, 'account')}"

    def _location(self, location: str) -> str:
        return f"{self._subscription}/providers/{self.provider}/locations/{segment(location, 'location')}"

    def _group(self, resource_group: str | None) -> str:
        name = resource_group or self._resource_group
        if not name:
            raise ConfigurationError(
                "field 'resource_group': missing; give the connection's, or name the group"
            )
        return f"{self._subscription}/resourceGroups/{segment(name, 'resource_group')}"


class StoreAccounts(Accounts[StoreAccount]):
    """The accounts of Data Lake Store in one subscription."""

    provider = "Microsoft.DataLakeStore"
    kind = StoreAccount
    what = "Data Lake Store account"
    fixed = frozenset({"encryptionConfig", "encryptionState", "firewallRules", "virtualNetworkRules"})

    def virtual_network_rules(
        self, name: str, resource_group: str | None = None
    ) -> Parts[VirtualNetworkRule]:
        """
        Give access to an account's rules for virtual networks.

        :param name: the account
        :param resource_group: its group; the connection's when None
        :return: the rules
        """
        return self._parts(
            name, resource_group, "virtualNetworkRules", VirtualNetworkRule, "virtual network rule"
        )

    def trusted_id_providers(self, name: str, resource_group: str | None = None) -> Parts[TrustedIdProvider]:
        """
        Give access to the directories that an account trusts.

        :param name: the account
        :param resource_group: its group; the connection's when None
        :return: the directories
        """
        return self._parts(
            name, resource_group, "trustedIdProviders", TrustedIdProvider, "trusted id provider"
        )


class AnalyticsAccounts(Accounts[AnalyticsAccount]):
    """The accounts of Data Lake Analytics in one subscription."""

    provider = "Microsoft.DataLakeAnalytics"
    kind = AnalyticsAccount
    what = "Data Lake Analytics account"
    fixed = frozenset(
        {
            "defaultDataLakeStoreAccount",
            "dataLakeStoreAccounts",
            "storageAccounts",
            "computePolicies",
            "firewallRules",
        }
    )

    def _check_same(self, existing: AnalyticsAccount, properties: Mapping[str, Any]) -> None:
        wanted = properties.get("defaultDataLakeStoreAccount")
        if wanted:
            _check_equal("default store", existing.default_store, wanted)

    def stores(self, name: str, resource_group: str | None = None) -> Parts[LinkedStore]:
        """
        Give access to the stores that an account may use.

        :param name: the account
        :param resource_group: its group; the connection's when None
        :return: the stores
        """
        return self._parts(name, resource_group, "dataLakeStoreAccounts", LinkedStore, "linked store")

    def storage_accounts(self, name: str, resource_group: str | None = None) -> Parts[LinkedStorage]:
        """
        Give access to the accounts of Azure Storage that an account may use.

        :param name: the account
        :param resource_group: its group; the connection's when None
        :return: the storage accounts
        """
        return self._parts(name, resource_group, "storageAccounts", LinkedStorage, "linked storage account")

    def compute_policies(self, name: str, resource_group: str | None = None) -> Parts[ComputePolicy]:
        """
        Give access to the limits for the jobs of users and groups.

        :param name: the account
        :param resource_group: its group; the connection's when None
        :return: the policies
        """
        return self._parts(name, resource_group, "computePolicies", ComputePolicy, "compute policy")


def _plain(location: str) -> str:
    return "".join(location.split()).lower()


def _check_equal(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ConflictError(f"there is one already whose {what} is {found!r}, not {wanted!r}")
