"""The resources of one emulator, and what the other services ask about them."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.config import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION
from airflow_provider_datalake.emulator.database import Database
from airflow_provider_datalake.emulator.identity.directory import object_id
from airflow_provider_datalake.emulator.resource_manager.access import ACTIONS, allows
from airflow_provider_datalake.emulator.resource_manager.providers import (
    PART_DEFAULTS,
    PER_JOB,
    PROVIDERS,
)
from airflow_provider_datalake.emulator.resource_manager.resources import (
    ANALYTICS,
    GROUP,
    STORE,
    Resource,
    Resources,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.identity.service import IdentityService
    from airflow_provider_datalake.emulator.resource_manager.providers import Part, Provider


def now_text() -> str:
    """
    Give the present moment as the resource manager writes it.

    :return: ISO 8601 with seven digits of a second
    """
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


class ResourceManagerService:
    """
    Everything that the resource manager's routes work on.

    :param config: the emulator's settings; its account exists in the default group
    :param identity: tells who sends a request
    :param stores: where stores are made and deleted
    """

    def __init__(self, config: Config, identity: IdentityService, stores: DataLakeStoreService) -> None:
        self.config = config
        self.identity = identity
        self.stores = stores
        folder = config.data_dir / "resources"
        folder.mkdir(parents=True, exist_ok=True)
        self._database = Database(folder / "resources.db")
        self.resources = Resources(self._database)
        # Operations that a client has not seen the end of yet.
        self.operations: dict[str, int] = {}
        self._when_deleted: list[Callable[[str], None]] = []
        self._ensure_defaults()

    def start(self) -> None:
        """Begin to work; there is nothing that runs."""

    def stop(self) -> None:
        """Interrupt what runs; nothing does."""

    def close(self) -> None:
        """Release the files; no request may be under way any more."""
        self._database.close()

    def expire(self, now: float) -> None:
        """
        Remove what is over; resources never are.

        :param now: seconds since the epoch
        """

    def _ensure_defaults(self) -> None:
        account = self.config.account
        if not self.resources.find(GROUP, subscription=DEFAULT_SUBSCRIPTION, name=DEFAULT_RESOURCE_GROUP):
            self.put_group(DEFAULT_SUBSCRIPTION, DEFAULT_RESOURCE_GROUP, {"location": "eastus2"})
        for provider, properties in (
            (STORE, {}),
            (
                ANALYTICS,
                {"defaultDataLakeStoreAccount": account, "dataLakeStoreAccounts": [{"name": account}]},
            ),
        ):
            if self.account(provider, account) is None:
                content = {"location": "eastus2", "properties": properties}
                self.create_account(
                    PROVIDERS[provider], DEFAULT_SUBSCRIPTION, DEFAULT_RESOURCE_GROUP, account, content
                )

    # Groups and accounts

    def put_group(self, subscription: str, name: str, content: dict[str, Any]) -> Resource:
        """
        Create or update a resource group.

        :param subscription: its subscription
        :param name: its name
        :param content: location and tags
        :return: the group
        """
        kept = {
            "location": str(content["location"]).replace(" ", "").lower(),
            "tags": content.get("tags") or {},
        }
        group = Resource(GROUP, subscription, name, name, "", kept)
        self.resources.put(group)
        return group

    def account(self, provider: str, name: str) -> Resource | None:
        """
        Look an account up; their names are unique in all subscriptions.

        :param provider: its provider
        :param name: its name
        :return: the account, None when there is none
        """
        found = self.resources.find(provider, name=name)
        return found[0] if found else None

    def create_account(
        self, provider: Provider, subscription: str, group: str, name: str, content: dict[str, Any]
    ) -> Resource:
        """
        Create an account; a store's files with it.

        :param provider: its provider
        :param subscription: its subscription
        :param group: its resource group
        :param name: its name
        :param content: location, tags, identity, properties
        :return: the account
        """
        given = content.get("properties") or {}
        moment = now_text()
        properties = {
            **provider.defaults,
            **{key: value for key, value in given.items() if key in provider.writable},
            "provisioningState": "Succeeded",
            "state": "Active",
            "endpoint": f"{name}.{provider.suffix}",
            "accountId": str(uuid.uuid4()),
            "creationTime": moment,
            "lastModifiedTime": moment,
        }
        kept = {
            "location": str(content["location"]).replace(" ", "").lower(),
            "tags": content.get("tags") or {},
            "identity": self._machine_identity(name, content.get("identity")),
            "properties": properties,
        }
        if provider.name == STORE and not self.stores.has_account(name):
            self.stores.create_account(name)
        account = Resource(provider.name, subscription, group, name, "", kept)
        self.resources.put(account)
        for part in provider.parts:
            for one in given.get(part.listed_as) or ():
                self.put_part(account, part, str(one["name"]), one.get("properties") or {})
        return account

    def _machine_identity(self, name: str, wanted: dict[str, Any] | None) -> dict[str, Any] | None:
        if not wanted:
            return None
        directory = self.identity.directory
        return {
            "type": wanted.get("type", "SystemAssigned"),
            "principalId": object_id(f"account {name}"),
            "tenantId": directory.tenant_id,
        }

    def delete_account(self, account: Resource) -> None:
        """
        Delete an account; a store's files with it.

        :param account: the account
        """
        self.resources.delete([account])
        if account.kind == ANALYTICS:
            for callback in self._when_deleted:
                callback(account.name)
        if account.kind == STORE and self.stores.has_account(account.name):
            self.stores.delete_account(account.name)

    # What accounts have

    def put_part(self, account: Resource, part: Part, name: str, properties: dict[str, Any]) -> Resource:
        """
        Create or replace something that an account has.

        :param account: the account
        :param part: its kind
        :param name: its name
        :param properties: what it is
        :return: the thing
        """
        known = (*part.required, *part.optional)
        content = {
            **PART_DEFAULTS.get(part.listed_as, {}),
            **{key: value for key, value in properties.items() if key in known and value is not None},
        }
        resource = Resource(
            part.type, account.subscription, account.group, name, f"{account.kind}/{account.name}", content
        )
        self.resources.put(resource)
        return resource

    def parts(self, account: Resource, part: Part) -> list[Resource]:
        """
        List what an account has.

        :param account: the account
        :param part: which kind
        :return: the things
        """
        return self.resources.find(part.type, parent=f"{account.kind}/{account.name}")

    def shown(self, account: Resource) -> dict[str, Any]:
        """
        Show an account in full.

        :param account: the account
        :return: its JSON
        """
        provider = PROVIDERS[account.kind]
        parts = {
            part.listed_as: [provider.show_listed(part, one) for one in self.parts(account, part)]
            for part in provider.parts
        }
        return provider.show(account, parts)

    # What the analytics service asks

    def default_store(self, account: str) -> str | None:
        """
        Tell an analytics account's default store.

        :param account: the analytics account
        :return: the store's name, None when there is no such account
        """
        found = self.account(ANALYTICS, account)
        if found is None:
            return None
        return str(found.content["properties"].get("defaultDataLakeStoreAccount") or account)

    def require_role(self, account: str, principal: Principal, action: str) -> None:
        """
        Check that somebody may do something in an analytics account.

        :param account: the analytics account
        :param principal: who
        :param action: ``read``, ``submit`` or ``manage``
        :raises PermissionError: when they may not
        """
        found = self.account(ANALYTICS, account)
        scope = "" if found is None else PROVIDERS[ANALYTICS].identifier(found)
        if not allows(self.resources, principal, scope, action):
            raise PermissionError(
                f"{principal.name} has no role in account '{account}' that allows to {action}; "
                f"roles are {', '.join(ACTIONS)}."
            )

    def limits(self, account: str, principal: Principal) -> tuple[int, int]:
        """
        Tell what a job of somebody may ask for: the account's limits, and those of their compute policies.

        :param account: the analytics account
        :param principal: who submits it
        :return: the most analytics units, and the least priority number
        """
        found = self.account(ANALYTICS, account)
        if found is None:
            raise KeyError(account)
        properties = self.shown(found)["properties"]
        policy = self._policy(found, principal)
        most = int(properties["maxDegreeOfParallelism"])
        per_job = policy.get(PER_JOB) or properties[PER_JOB]
        priority = policy.get("minPriorityPerJob") or properties["minPriorityPerJob"]
        return min(most, int(per_job)), int(priority)

    def _policy(self, account: Resource, principal: Principal) -> dict[str, Any]:
        """
        Merge the policies that somebody is an exception by: the limits of the account are for all others.

        One's own policy counts before those of one's groups, of which the most generous ones count.
        """
        part = next(part for part in PROVIDERS[ANALYTICS].parts if part.path == "computepolicies")
        policies = [policy.content for policy in self.parts(account, part)]
        groups = {group.lower() for group in principal.groups}
        own = [one for one in policies if one["objectId"].lower() == principal.object_id.lower()]
        found = own or [one for one in policies if one["objectId"].lower() in groups]
        best = {PER_JOB: max, "minPriorityPerJob": min}
        given = {name: [one[name] for one in found if one.get(name)] for name in best}
        return {name: best[name](values) for name, values in given.items() if values}

    def when_deleted(self, callback: Callable[[str], None]) -> None:
        """
        Call something when an analytics account is deleted.

        :param callback: called with the account's name
        """
        self._when_deleted.append(callback)
