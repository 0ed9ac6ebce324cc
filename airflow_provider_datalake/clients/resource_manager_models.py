"""What the resource manager says about the accounts of the two data-lake services, as frozen dataclasses."""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from airflow_provider_datalake.clients.azure_rest import check_positive
from airflow_provider_datalake.clients.data_lake_analytics_models import moment
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PRINCIPAL_TYPES = ("User", "Group", "ServicePrincipal")


@dataclass(frozen=True)
class ResourceGroup:
    """
    A resource group.

    :param name: its name
    :param location: where it is, e.g. ``eastus2``
    :param id: its path
    :param provisioning_state: ``Succeeded``, or how far it is
    :param tags: text by name
    """

    name: str
    location: str
    id: str = ""
    provisioning_state: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> ResourceGroup:
        """
        Read the service's form.

        :param told: the object
        :return: the group
        """
        return cls(
            name=str(told.get("name") or ""),
            location=str(told.get("location") or ""),
            id=str(told.get("id") or ""),
            provisioning_state=str((told.get("properties") or {}).get("provisioningState") or ""),
            tags=told.get("tags") or {},
        )


@dataclass(frozen=True)
class Account:
    """
    An account of one of the two services.

    :param name: its name
    :param location: where it is
    :param id: its path
    :param account_id: its GUID
    :param provisioning_state: ``Succeeded``, ``Failed``, or how far it is
    :param state: ``Active`` or ``Suspended``; empty while it is being made
    :param endpoint: host name of its data plane; empty while it is being made
    :param created_at: when it was made
    :param modified_at: when it was changed
    :param tags: text by name
    :param properties: all that the service says, under the names on the wire; less in a list
    """

    name: str
    location: str
    id: str = ""
    account_id: str = ""
    provisioning_state: str = ""
    state: str = ""
    endpoint: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Self:
        """
        Read the service's form.

        :param told: the object
        :return: the account
        """
        properties = told.get("properties") or {}
        return cls(
            name=str(told.get("name") or ""),
            location=str(told.get("location") or ""),
            id=str(told.get("id") or ""),
            account_id=str(properties.get("accountId") or ""),
            provisioning_state=str(properties.get("provisioningState") or ""),
            state=str(properties.get("state") or ""),
            endpoint=str(properties.get("endpoint") or ""),
            created_at=moment(properties.get("creationTime")),
            modified_at=moment(properties.get("lastModifiedTime")),
            tags=told.get("tags") or {},
            properties=properties,
        )

    @property
    def resource_group(self) -> str:
        """The resource group that it is in."""
        parts = self.id.split("/")
        names = [part.lower() for part in parts]
        return parts[names.index("resourcegroups") + 1] if "resourcegroups" in names[:-1] else ""


class StoreAccount(Account):
    """An account of Data Lake Store."""


class AnalyticsAccount(Account):
    """An account of Data Lake Analytics."""

    @property
    def default_store(self) -> str:
        """Name of the store that scripts read and write where they name none."""
        return str(self.properties.get("defaultDataLakeStoreAccount") or "")

    @property
    def stores(self) -> tuple[str, ...]:
        """Names of all its stores; empty in a list."""
        return tuple(item["name"] for item in self.properties.get("dataLakeStoreAccounts") or ())

    @property
    def max_degree_of_parallelism(self) -> int | None:
        """Analytics units that all its jobs may use together."""
        return self.properties.get("maxDegreeOfParallelism")

    @property
    def max_degree_of_parallelism_per_job(self) -> int | None:
        """Analytics units that one job may use."""
        return self.properties.get("maxDegreeOfParallelismPerJob")

    @property
    def max_job_count(self) -> int | None:
        """Jobs that may run at the same time."""
        return self.properties.get("maxJobCount")

    @property
    def query_store_retention(self) -> int | None:
        """Days for which the files of a job are kept."""
        return self.properties.get("queryStoreRetention")


@dataclass(frozen=True)
class NameCheck:
    """
    Whether an account may have a name.

    :param available: whether it may
    :param reason: ``Invalid`` or ``AlreadyExists`` where it may not
    :param message: the service's words
    """

    available: bool
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Capability:
    """
    What the subscription may have in a location.

    :param state: ``Registered``, ``Suspended``...
    :param max_accounts: how many accounts it may have
    :param accounts: how many it has
    """

    state: str
    max_accounts: int | None = None
    accounts: int | None = None


class Part(Protocol):
    """Something that belongs to an account: a rule, a policy, a store."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Self:
        """Read the service's form."""
        ...

    def to_wire(self) -> dict[str, Any]:
        """Give the properties that the service takes."""
        ...


@dataclass(frozen=True)
class LinkedStore:
    """
    A store that an analytics account may use.

    :param name: the store's name
    :param suffix: DNS suffix of the store
    """

    name: str
    suffix: str | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> LinkedStore:
        """
        Read the service's form.

        :param told: the object
        :return: the store
        """
        return cls(str(told.get("name") or ""), (told.get("properties") or {}).get("suffix"))

    def to_wire(self) -> dict[str, Any]:
        """
        Give the properties that the service takes.

        :return: only what is set
        """
        return {} if self.suffix is None else {"suffix": self.suffix}


@dataclass(frozen=True)
class LinkedStorage:
    """
    An account of Azure Storage that an analytics account may use.

    :param name: its name
    :param suffix: DNS suffix, e.g. ``core.windows.net``
    :param access_key: its key; the service takes it and never tells it
    """

    name: str
    suffix: str | None = None
    access_key: str = field(default="", repr=False)

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> LinkedStorage:
        """
        Read the service's form.

        :param told: the object
        :return: the storage account, without its key
        """
        return cls(str(told.get("name") or ""), (told.get("properties") or {}).get("suffix"))

    def to_wire(self) -> dict[str, Any]:
        """
        Give the properties that the service takes.

        :return: only what is set
        """
        given = {"accessKey": self.access_key or None, "suffix": self.suffix}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class FirewallRule:
    """
    A range of addresses that the account's firewall lets through.

    :param name: its name
    :param start: first address
    :param end: last address
    """

    name: str
    start: str
    end: str

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> FirewallRule:
        """
        Read the service's form.

        :param told: the object
        :return: the rule
        """
        properties = told.get("properties") or {}
        return cls(
            str(told.get("name") or ""),
            str(properties.get("startIpAddress") or ""),
            str(properties.get("endIpAddress") or ""),
        )

    def to_wire(self) -> dict[str, Any]:
        """
        Give the properties that the service takes.

        :return: both addresses
        :raises ConfigurationError: when they are no range of IPv4 addresses
        """
        try:
            first, last = ipaddress.IPv4Address(self.start), ipaddress.IPv4Address(self.end)
        except ValueError as error:
            raise ConfigurationError(f"firewall rule {self.name!r}: {error}") from error
        if last < first:
            raise ConfigurationError(f"firewall rule {self.name!r}: {self.end} is before {self.start}")
        return {"startIpAddress": self.start, "endIpAddress": self.end}


@dataclass(frozen=True)
class ComputePolicy:
    """
    A limit for the jobs of one user, group or application.

    :param name: its name
    :param object_id: whom it is for, a GUID of the directory
    :param object_type: ``User``, ``Group`` or ``ServicePrincipal``
    :param max_degree_of_parallelism_per_job: analytics units that one job may use
    :param min_priority_per_job: the lowest number, that is the highest priority, that a job may have
    """

    name: str
    object_id: str
    object_type: str = "User"
    max_degree_of_parallelism_per_job: int | None = None
    min_priority_per_job: int | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> ComputePolicy:
        """
        Read the service's form.

        :param told: the object
        :return: the policy
        """
        properties = told.get("properties") or {}
        return cls(
            name=str(told.get("name") or ""),
            object_id=str(properties.get("objectId") or ""),
            object_type=str(properties.get("objectType") or ""),
            max_degree_of_parallelism_per_job=properties.get("maxDegreeOfParallelismPerJob"),
            min_priority_per_job=properties.get("minPriorityPerJob"),
        )

    def to_wire(self) -> dict[str, Any]:
        """
        Give the properties that the service takes.

        :return: only what is set
        :raises ConfigurationError: when a field cannot work
        """
        try:
            uuid.UUID(self.object_id)
        except (AttributeError, TypeError, ValueError):
            raise ConfigurationError(f"object_id must be a GUID, got {self.object_id!r}") from None
        if self.object_type not in PRINCIPAL_TYPES:
            raise ConfigurationError(
                f"object_type must be one of {', '.join(PRINCIPAL_TYPES)}, got {self.object_type!r}"
            )
        limits = {
            "max_degree_of_parallelism_per_job": self.max_degree_of_parallelism_per_job,
            "min_priority_per_job": self.min_priority_per_job,
        }
        check_positive(**limits)
        if set(limits.values()) == {None}:
            raise ConfigurationError(f"compute policy {self.name!r} has no limit: give {' or '.join(limits)}")
        given = {
            "objectId": self.object_id,
            "objectType": self.object_type,
            "maxDegreeOfParallelismPerJob": self.max_degree_of_parallelism_per_job,
            "minPriorityPerJob": self.min_priority_per_job,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class VirtualNetworkRule:
    """
    A virtual network that a store's firewall lets through.

    :param name: its name
    :param subnet_id: path of the subnet
    """

    name: str
    subnet_id: str

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> VirtualNetworkRule:
        """
        Read the service's form.

        :param told: the object
        :return: the rule
        """
        return cls(str(told.get("name") or ""), str((told.get("properties") or {}).get("subnetId") or ""))

    def to_wire(self) -> dict[str, Any]:
        """
        Give the properties that the service takes.

        :return: the subnet
        """
        return {"subnetId": self.subnet_id}


@dataclass(frozen=True)
class TrustedIdProvider:
    """
    A directory whose users a store lets in.

    :param name: its name
    :param id_provider: e.g. ``https://sts.windows.net/<tenant>``
    """

    name: str
    id_provider: str

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> TrustedIdProvider:
        """
        Read the service's form.

        :param told: the object
        :return: the provider
        """
        return cls(str(told.get("name") or ""), str((told.get("properties") or {}).get("idProvider") or ""))

    def to_wire(self) -> dict[str, Any]:
        """
        Give the properties that the service takes.

        :return: the directory
        """
        return {"idProvider": self.id_provider}
