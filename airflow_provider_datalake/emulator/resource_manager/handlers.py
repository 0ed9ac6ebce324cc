"""The resource manager's routes for groups, accounts and what accounts have."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure import odata
from airflow_provider_datalake.emulator.azure.calls import answer, empty, object_of
from airflow_provider_datalake.emulator.azure.errors import AzureError, invalid
from airflow_provider_datalake.emulator.resource_manager.access import MANAGE, READ, allows, authorize
from airflow_provider_datalake.emulator.resource_manager.checks import (
    check_body,
    check_part,
    check_properties,
)
from airflow_provider_datalake.emulator.resource_manager.providers import PROVIDERS
from airflow_provider_datalake.emulator.resource_manager.resources import ANALYTICS, GROUP, STORE
from airflow_provider_datalake.emulator.resource_manager.service import now_text

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.azure.calls import Call
    from airflow_provider_datalake.emulator.resource_manager.providers import Part, Provider
    from airflow_provider_datalake.emulator.resource_manager.resources import Resource
    from airflow_provider_datalake.emulator.resource_manager.service import ResourceManagerService

_NAMES = {STORE: re.compile(r"[a-z0-9]{3,24}"), ANALYTICS: re.compile(r"[a-z0-9]{3,24}")}
_API = "2016-11-01"


# Resource groups


def _group(resource: Resource) -> dict[str, Any]:
    shown = {
        "id": f"/subscriptions/{resource.subscription}/resourceGroups/{resource.name}",
        "name": resource.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": resource.content["location"],
        "properties": {"provisioningState": "Succeeded"},
    }
    return {**shown, "tags": resource.content["tags"]} if resource.content["tags"] else shown


def put_group(service: ResourceManagerService, call: Call) -> Response:
    """Create or update a resource group."""
    authorize(service, call, MANAGE)
    content = call.json()
    check_body(content)
    if not content.get("location"):
        raise invalid("The 'location' property is required for this resource group.", "LocationRequired")
    subscription, name = call.path("subscription"), call.path("group")
    known = service.resources.find(GROUP, subscription=subscription, name=name)
    group = service.put_group(subscription, known[0].name if known else name, content)
    return answer(_group(group), 200 if known else 201)


def _require_group(service: ResourceManagerService, call: Call) -> Resource:
    name = call.path("group")
    found = service.resources.find(GROUP, subscription=call.path("subscription"), name=name)
    if not found:
        raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    return found[0]


def get_group(service: ResourceManagerService, call: Call) -> Response:
    """Look at a resource group."""
    authorize(service, call, READ)
    return answer(_group(_require_group(service, call)))


def head_group(service: ResourceManagerService, call: Call) -> Response:
    """Tell whether a resource group exists."""
    found = service.resources.find(GROUP, subscription=call.path("subscription"), name=call.path("group"))
    return empty(204 if found else 404)


def list_groups(service: ResourceManagerService, call: Call) -> Response:
    """List resource groups."""
    subscription = call.path("subscription")
    found = [_group(one) for one in service.resources.find(GROUP, subscription=subscription)]
    items = [item for item in found if allows(service.resources, call.principal, item["id"], READ)]
    return answer(odata.page(call, items, f"/subscriptions/{subscription}/resourcegroups"))


def delete_group(service: ResourceManagerService, call: Call) -> Response:
    """Delete a resource group with all that is in it."""
    authorize(service, call, MANAGE)
    group = _require_group(service, call)
    for provider in (ANALYTICS, STORE):
        where = {"subscription": group.subscription, "group": group.name}
        for account in service.resources.find(provider, **where):
            service.delete_account(account)
    service.resources.delete([group])
    operation = str(uuid.uuid4())
    location = (
        f"{call.address}/subscriptions/{group.subscription}/operationresults/{operation}"
        f"?api-version={call.query('api-version') or '2022-09-01'}"
    )
    response = empty(202)
    response.headers.update({"Location": location, "Retry-After": "0"})
    return response


def group_operation(service: ResourceManagerService, call: Call) -> Response:
    """Tell that the deletion of a group has ended."""
    return empty(200)


class AccountHandlers:
    """
    The routes of one provider.

    :param provider: the provider
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def _find(self, service: ResourceManagerService, call: Call) -> Resource | None:
        where = {name: call.path(name) for name in ("subscription", "group")}
        found = service.resources.find(self._provider.name, name=call.path("name"), **where)
        return found[0] if found else None

    def _require(self, service: ResourceManagerService, call: Call) -> Resource:
        account = self._find(service, call)
        if account is None:
            raise self._missing(call)
        return account

    def _missing(self, call: Call) -> AzureError:
        return AzureError(
            404,
            "ResourceNotFound",
            f"The Resource '{self._provider.name}/accounts/{call.path('name')}' under resource group "
            f"'{call.path('group')}' was not found.",
        )

    def put(self, service: ResourceManagerService, call: Call) -> Response:
        """Create an account, or update the one that is there."""
        authorize(service, call, MANAGE)
        group = _require_group(service, call)
        content = call.json()
        known = self._find(service, call)
        if known is not None:
            return self._changed(service, known, content)
        self._check_new(service, call, content)
        account = service.create_account(
            self._provider, group.subscription, group.name, call.path("name"), content
        )
        return self._creating(service, call, account)

    def _check_new(self, service: ResourceManagerService, call: Call, content: dict[str, Any]) -> None:
        name = call.path("name")
        if not _NAMES[self._provider.name].fullmatch(name):
            raise invalid(
                f"The account name '{name}' is invalid: it has 3 to 24 lower-case letters and digits.",
                "InvalidAccountName",
            )
        if service.account(self._provider.name, name) is not None:
            raise AzureError(409, "ResourceConflicted", "Resource Name belongs to another resource.")
        check_body(content)
        if not content.get("location"):
            raise invalid("The 'location' property is required for this resource.", "LocationRequired")
        properties = object_of(content, "properties")
        check_properties(self._provider, properties)
        if self._provider.name == ANALYTICS:
            self._check_store(service, properties)

    def _check_store(self, service: ResourceManagerService, properties: dict[str, Any]) -> None:
        store = properties.get("defaultDataLakeStoreAccount")
        if not store:
            raise invalid("The 'properties.defaultDataLakeStoreAccount' is missing.", "InvalidArgument")
        if service.account(STORE, store) is None:
            raise invalid(
                f"The Data Lake Store account '{store}' does not exist.", "DataLakeStoreAccountNotFound"
            )
        listed = [one.get("name") for one in properties.get("dataLakeStoreAccounts") or ()]
        if store not in listed:
            raise invalid(
                f"The default Data Lake Store account '{store}' is not among 'dataLakeStoreAccounts'.",
                "InvalidArgument",
            )

    def _creating(self, service: ResourceManagerService, call: Call, account: Resource) -> Response:
        shown = service.shown(account)
        given = object_of(call.json(), "properties")
        account_id = account.content["properties"]["accountId"]
        shown["properties"] = {
            **{name: value for name, value in shown["properties"].items() if name in given},
            "provisioningState": "Creating",
            "state": None,
            "endpoint": None,
            "accountId": account_id,
        }
        operation = f"{account_id}_0"
        service.operations[operation] = 1
        base = f"{call.address}/subscriptions/{account.subscription}"
        location = account.content["location"]
        headers = {
            "Azure-AsyncOperation": f"{base}/providers/{self._provider.name}/locations/{location}"
            f"/operationResults/{operation}?api-version={_API}",
            "Location": f"{call.address}{self._provider.identifier(account)}/operationresults/0"
            f"?api-version={_API}",
            "Retry-After": "0",
        }
        return answer(shown, 201, headers)

    def _changed(
        self, service: ResourceManagerService, account: Resource, content: dict[str, Any]
    ) -> Response:
        check_body(content)
        given = object_of(content, "properties")
        check_properties(self._provider, given)
        writable = {
            key: value for key, value in given.items() if key in self._provider.writable and value is not None
        }
        properties = {**account.content["properties"], **writable, "lastModifiedTime": now_text()}
        kept = {**account.content, "properties": properties}
        if content.get("tags") is not None:
            kept["tags"] = content["tags"]
        changed = account.with_content(kept)
        service.resources.put(changed)
        for part in self._provider.parts:
            for one in given.get(part.listed_as) or ():
                service.put_part(changed, part, str(one["name"]), one.get("properties") or {})
        return answer(service.shown(changed))

    def patch(self, service: ResourceManagerService, call: Call) -> Response:
        """Update an account."""
        authorize(service, call, MANAGE)
        return self._changed(service, self._require(service, call), call.json())

    def get(self, service: ResourceManagerService, call: Call) -> Response:
        """Look at an account."""
        authorize(service, call, READ)
        return answer(service.shown(self._require(service, call)))

    def delete(self, service: ResourceManagerService, call: Call) -> Response:
        """Delete an account."""
        authorize(service, call, MANAGE)
        account = self._find(service, call)
        if account is None:
            return empty(204)
        service.delete_account(account)
        return empty(200)

    def list_in_subscription(self, service: ResourceManagerService, call: Call) -> Response:
        """List the accounts of a subscription."""
        return self._list(service, call, {"subscription": call.path("subscription")})

    def list_in_group(self, service: ResourceManagerService, call: Call) -> Response:
        """List the accounts of a resource group."""
        group = _require_group(service, call)
        return self._list(service, call, {"subscription": group.subscription, "group": group.name})

    def _list(self, service: ResourceManagerService, call: Call, where: dict[str, str]) -> Response:
        items = [
            self._provider.show_basic(one)
            for one in service.resources.find(self._provider.name, **where)
            if allows(service.resources, call.principal, self._provider.identifier(one), READ)
        ]
        path = f"/subscriptions/{where['subscription']}"
        path += f"/resourceGroups/{where['group']}" if "group" in where else ""
        return answer(odata.page(call, items, f"{path}/providers/{self._provider.name}/accounts"))

    def check_name(self, service: ResourceManagerService, call: Call) -> Response:
        """Tell whether a name is free."""
        name = str(call.json().get("name") or "")
        if not _NAMES[self._provider.name].fullmatch(name):
            message = "The account name has 3 to 24 lower-case letters and digits."
            return answer({"nameAvailable": False, "reason": "Invalid", "message": message})
        if service.account(self._provider.name, name) is not None:
            message = f"An account named '{name}' already exists."
            return answer({"nameAvailable": False, "reason": "AlreadyExists", "message": message})
        return answer({"nameAvailable": True})

    def capability(self, service: ResourceManagerService, call: Call) -> Response:
        """Tell what a subscription may have in a region."""
        subscription = call.path("subscription")
        count = len(service.resources.find(self._provider.name, subscription=subscription))
        return answer(
            {
                "subscriptionId": subscription,
                "state": "Registered",
                "maxAccountCount": 200,
                "accountCount": count,
                "migrationState": False,
            }
        )

    def operation(self, service: ResourceManagerService, call: Call) -> Response:
        """Tell how far the creation of an account is; the first look is always too early, as it was."""
        left = service.operations.get(call.path("operation"), 0)
        if left > 0:
            service.operations[call.path("operation")] = left - 1
            return answer({"status": "InProgress"}, headers={"Retry-After": "0"})
        service.operations.pop(call.path("operation"), None)
        return answer({"status": "Succeeded"}, headers={"Retry-After": "0"})

    def operation_result(self, service: ResourceManagerService, call: Call) -> Response:
        """Give the account that an operation has created."""
        authorize(service, call, READ)
        return self.get(service, call)

    def operations(self, service: ResourceManagerService, call: Call) -> Response:
        """List what the provider can do."""
        found = [
            {
                "name": f"{self._provider.name}/accounts/{verb}",
                "display": {
                    "provider": self._provider.name,
                    "resource": "accounts",
                    "operation": verb,
                    "description": f"{verb} accounts",
                },
                "origin": "user,system",
            }
            for verb in ("read", "write", "delete")
        ]
        return answer({"value": found})

    def enable_key_vault(self, service: ResourceManagerService, call: Call) -> Response:
        """Refuse, as the service does for accounts whose keys it manages."""
        authorize(service, call, READ)
        self._require(service, call)
        raise invalid(
            "Operation EnableKeyVault is invalid under current encryption state or config of account.",
            "InvalidOperation",
        )

    def no_containers(self, service: ResourceManagerService, call: Call) -> Response:
        """Refuse what needs Azure Storage."""
        raise invalid("The emulator does not support containers of storage accounts.", "NotSupported")


class PartHandlers(AccountHandlers):
    """
    The routes of one kind of things that accounts have.

    :param provider: the accounts' provider
    :param part: the kind
    """

    def __init__(self, provider: Provider, part: Part) -> None:
        super().__init__(provider)
        self._part = part

    def _thing(self, service: ResourceManagerService, account: Resource, call: Call) -> Resource | None:
        wanted = call.path("part").lower()
        return next((one for one in service.parts(account, self._part) if one.name.lower() == wanted), None)

    def put_part(self, service: ResourceManagerService, call: Call) -> Response:
        """Create or replace one."""
        authorize(service, call, MANAGE)
        account = self._require(service, call)
        properties = object_of(call.json(), "properties")
        self._check(service, properties, call.path("part"))
        one = service.put_part(account, self._part, call.path("part"), properties)
        return self._answer(account, one)

    def _answer(self, account: Resource, one: Resource) -> Response:
        return answer(self._provider.show_part(account, self._part, one))

    def _check(self, service: ResourceManagerService, properties: dict[str, Any], name: str) -> None:
        check_part(self._part, name, properties)
        if self._part.path == "datalakestoreaccounts" and service.account(STORE, name) is None:
            raise invalid(
                f"The Data Lake Store account '{name}' does not exist.", "DataLakeStoreAccountNotFound"
            )

    def patch_part(self, service: ResourceManagerService, call: Call) -> Response:
        """Change one."""
        authorize(service, call, MANAGE)
        account = self._require(service, call)
        one = self._thing(service, account, call)
        if one is None:
            raise self._no_part()
        properties = object_of(call.json(), "properties")
        merged = {**one.content, **{key: value for key, value in properties.items() if value is not None}}
        self._check(service, merged, one.name)
        return self._answer(account, service.put_part(account, self._part, one.name, merged))

    def get_part(self, service: ResourceManagerService, call: Call) -> Response:
        """Look at one."""
        authorize(service, call, READ)
        account = self._require(service, call)
        one = self._thing(service, account, call)
        if one is None:
            raise self._no_part()
        return answer(self._provider.show_part(account, self._part, one))

    def list_parts(self, service: ResourceManagerService, call: Call) -> Response:
        """List all of an account."""
        authorize(service, call, READ)
        account = self._require(service, call)
        items = [
            self._provider.show_part(account, self._part, one) for one in service.parts(account, self._part)
        ]
        return answer(odata.page(call, items, f"{self._provider.identifier(account)}/{self._part.type}"))

    def delete_part(self, service: ResourceManagerService, call: Call) -> Response:
        """Delete one; one that is not there is fine."""
        authorize(service, call, MANAGE)
        account = self._require(service, call)
        one = self._thing(service, account, call)
        if one is None:
            return empty(204)
        default = account.content["properties"].get("defaultDataLakeStoreAccount")
        if self._part.path == "datalakestoreaccounts" and one.name == default:
            raise invalid("The default Data Lake Store account cannot be removed.", "InvalidOperation")
        service.resources.delete([one])
        return empty(200)

    def _no_part(self) -> AzureError:
        words = {"firewallRules": "Firewall Rule", "computePolicies": "Compute Policy"}
        what = words.get(self._part.type, self._part.type)
        return AzureError(404, "ResourceNotFound", f"{what} does not exist.")


HANDLERS = {name: AccountHandlers(provider) for name, provider in PROVIDERS.items()}
