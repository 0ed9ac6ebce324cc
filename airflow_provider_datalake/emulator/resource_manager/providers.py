"""The two resource providers: what their accounts are made of, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.resource_manager.resources import ANALYTICS, STORE

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.resource_manager.resources import Resource

STORE_SUFFIX = "azuredatalakestore.net"
ANALYTICS_SUFFIX = "azuredatalakeanalytics.net"
PER_JOB = "maxDegreeOfParallelismPerJob"
_BASIC = ("provisioningState", "state", "creationTime", "lastModifiedTime", "endpoint", "accountId")


@dataclass(frozen=True)
class Part:
    """
    A kind of things that an account has.

    :param path: its name in addresses, in lower case
    :param type: its name in ids and types
    :param listed_as: the account's property that lists them
    :param required: properties that it cannot be without
    :param optional: further properties
    :param secret: properties that are never shown
    """

    path: str
    type: str
    listed_as: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The properties that are texts: all but the numbers of compute policies."""
        return tuple(
            name for name in (*self.required, *self.optional) if name not in (PER_JOB, "minPriorityPerJob")
        )

    def shown(self, resource: Resource) -> dict[str, Any]:
        """
        Give what may be seen of one.

        :param resource: the thing
        :return: its properties
        """
        return {name: value for name, value in resource.content.items() if name not in self.secret}


@dataclass(frozen=True)
class Provider:
    """
    A resource provider.

    :param name: its namespace
    :param suffix: domain of its accounts
    :param defaults: properties of a new account
    :param writable: properties that a client may set
    :param parts: what its accounts have
    """

    name: str
    suffix: str
    defaults: dict[str, Any]
    writable: tuple[str, ...]
    parts: tuple[Part, ...]

    def identifier(self, account: Resource) -> str:
        """
        Give an account's id.

        :param account: the account
        :return: its path in the resource manager
        """
        return (
            f"/subscriptions/{account.subscription}/resourceGroups/{account.group}/providers/{self.name}"
            f"/accounts/{account.name}"
        )

    def show(self, account: Resource, parts: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        """
        Show an account in full.

        :param account: the account
        :param parts: what it has, by the property that lists it
        :return: its JSON
        """
        properties = dict(account.content["properties"])
        if "maxDegreeOfParallelism" in properties:
            most = properties["maxDegreeOfParallelism"]
            properties[PER_JOB] = min(most, properties.get(PER_JOB) or most)
        if properties.get("encryptionState") == "Disabled":
            properties["encryptionConfig"] = {}
        shown = self._shown(account, {**properties, **parts})
        return {**shown, "identity": account.content["identity"]} if account.content["identity"] else shown

    def show_basic(self, account: Resource) -> dict[str, Any]:
        """
        Show an account as in a listing.

        :param account: the account
        :return: its JSON
        """
        properties = account.content["properties"]
        return self._shown(account, {name: properties[name] for name in _BASIC if name in properties})

    def _shown(self, account: Resource, properties: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "properties": properties,
            "location": account.content["location"],
            "id": self.identifier(account),
            "name": account.name,
            "type": f"{self.name}/accounts",
        }
        return {**shown, "tags": account.content["tags"]} if account.content["tags"] else shown

    def show_listed(self, part: Part, resource: Resource) -> dict[str, Any]:
        """
        Show something that an account has as it stands in the account itself.

        :param part: its kind
        :param resource: the thing
        :return: its JSON
        """
        return {"properties": part.shown(resource), "name": resource.name}

    def show_part(self, account: Resource, part: Part, resource: Resource) -> dict[str, Any]:
        """
        Show something that an account has.

        :param account: the account
        :param part: its kind
        :param resource: the thing
        :return: its JSON
        """
        return {
            "properties": part.shown(resource),
            "id": f"{self.identifier(account)}/{part.type}/{resource.name}",
            "name": resource.name,
            "type": f"{self.name}/accounts/{part.type}",
        }


_FIREWALL = Part("firewallrules", "firewallRules", "firewallRules", ("startIpAddress", "endIpAddress"))
PROVIDERS = {
    STORE: Provider(
        STORE,
        STORE_SUFFIX,
        {
            "firewallState": "Disabled",
            "firewallAllowAzureIps": "Disabled",
            "firewallAllowDataLakeAnalytics": "Disabled",
            "trustedIdProviderState": "Disabled",
            "encryptionState": "Enabled",
            "encryptionConfig": {"type": "ServiceManaged"},
            "currentTier": "Consumption",
            "newTier": "Consumption",
            "dataLakePerformanceTierState": "Disabled",
        },
        (
            "defaultGroup",
            "encryptionConfig",
            "encryptionState",
            "firewallState",
            "firewallAllowAzureIps",
            "trustedIdProviderState",
            "newTier",
        ),
        (
            _FIREWALL,
            Part(
                "virtualnetworkrules",
                "virtualNetworkRules",
                "virtualNetworkRules",
                ("subnetId",),
                ("state",),
            ),
            Part("trustedidproviders", "trustedIdProviders", "trustedIdProviders", ("idProvider",)),
        ),
    ),
    ANALYTICS: Provider(
        ANALYTICS,
        ANALYTICS_SUFFIX,
        {
            "firewallState": "Disabled",
            "firewallAllowAzureIps": "Disabled",
            "debugDataAccessLevel": "All",
            "publicDataLakeStoreAccounts": [],
            "maxDegreeOfParallelism": 30,
            "maxJobCount": 3,
            "systemMaxDegreeOfParallelism": 250,
            "systemMaxJobCount": 20,
            "minPriorityPerJob": 1,
            "queryStoreRetention": 30,
            "hiveMetastores": [],
            "currentTier": "Consumption",
            "newTier": "Consumption",
        },
        (
            "defaultDataLakeStoreAccount",
            "maxDegreeOfParallelism",
            "maxJobCount",
            "maxDegreeOfParallelismPerJob",
            "minPriorityPerJob",
            "queryStoreRetention",
            "firewallState",
            "firewallAllowAzureIps",
            "newTier",
            "maxActiveJobCountPerUser",
            "maxQueuedJobCountPerUser",
            "maxJobRunningTimeInMin",
        ),
        (
            Part("datalakestoreaccounts", "DataLakeStoreAccounts", "dataLakeStoreAccounts", (), ("suffix",)),
            Part(
                "storageaccounts",
                "StorageAccounts",
                "storageAccounts",
                ("accessKey",),
                ("suffix",),
                ("accessKey",),
            ),
            _FIREWALL,
            Part(
                "computepolicies",
                "computePolicies",
                "computePolicies",
                ("objectId", "objectType"),
                ("maxDegreeOfParallelismPerJob", "minPriorityPerJob"),
            ),
        ),
    ),
}
PART_DEFAULTS = {
    "dataLakeStoreAccounts": {"suffix": STORE_SUFFIX},
    "storageAccounts": {"suffix": "core.windows.net"},
    "virtualNetworkRules": {"state": "Active"},
}
