"""Operators that make, change and delete resource groups, accounts and compute policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_datalake.clients.azure_rest import check_positive
from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.operators.resource_operation import AccountOperator, ResourceManagerOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_datalake.clients.resource_manager import ResourceManager
    from airflow_provider_datalake.clients.resource_manager_models import Account
    from airflow_provider_datalake.clients.resource_manager_operations import Operation


class ResourceGroupOperator(ResourceManagerOperator):
    """
    Make a resource group, or set the tags of one that is there.

    :param resource_group: the group; the connection's when None (templated)
    :param location: where it shall be, e.g. ``eastus2`` (templated)
    :param tags: text by name (templated)
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        "resource_group",
        "location",
        "tags",
        *ResourceManagerOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"tags": "json"}

    def __init__(
        self,
        *,
        location: str,
        resource_group: str | None = None,
        tags: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.location = location
        self.resource_group = resource_group
        self.tags = tags

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the group."""
        with self._failures():
            manager = self.hook.get_resource_manager()
            name = self.resource_group or manager.resource_group
            group = manager.groups.create_or_update(name, self.location, tags=self.tags)
            return {"id": group.id, "name": group.name, "location": group.location}


class DataLakeStoreCreateAccountOperator(AccountOperator):
    """
    Make an account of Data Lake Store, or bring one that is there to what is asked for.

    :param account: its name (templated)
    :param location: where it shall be, e.g. ``eastus2`` (templated)
    :param properties: its properties by name on the wire, e.g. ``{"newTier": "Consumption"}`` (templated)
    :param tags: text by name (templated)
    :param resource_group: its group; the connection's when None (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    :param defer_after: seconds to wait in the worker before deferring
    :param poll_interval: seconds between two looks, where the service does not ask for others
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        "account",
        "location",
        "properties",
        "tags",
        *AccountOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"properties": "json", "tags": "json"}

    def __init__(
        self,
        *,
        account: str,
        location: str,
        properties: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.account = account
        self.location = location
        self.properties = properties
        self.tags = tags

    @property
    def doing(self) -> str:
        """What is attempted, for messages."""
        return f"create Data Lake Store account {self.account!r}"

    def begin(self, manager: ResourceManager) -> Operation | None:
        """Begin to make the account, or take up what an earlier try has begun."""
        return manager.store_accounts.begin_create(
            self.account,
            self.location,
            self.properties or {},
            tags=self.tags,
            resource_group=self.resource_group or None,
        )

    def finish(self, manager: ResourceManager) -> dict[str, Any]:
        """Say what the account is."""
        return _told(manager.store_accounts.get(self.account, self.resource_group or None))


class DataLakeStoreDeleteAccountOperator(AccountOperator):
    """
    Delete an account of Data Lake Store with all its files; one that does not exist is fine.

    :param account: its name (templated)
    :param resource_group: its group; the connection's when None (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    :param defer_after: seconds to wait in the worker before deferring
    :param poll_interval: seconds between two looks, where the service does not ask for others
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("account", *AccountOperator.template_fields)

    def __init__(self, *, account: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account

    @property
    def doing(self) -> str:
        """What is attempted, for messages."""
        return f"delete Data Lake Store account {self.account!r}"

    def begin(self, manager: ResourceManager) -> Operation | None:
        """Begin to delete the account."""
        return manager.store_accounts.begin_delete(self.account, resource_group=self.resource_group or None)

    def finish(self, manager: ResourceManager) -> dict[str, Any]:
        """Say which account is gone."""
        return {"name": self.account}


class DataLakeAnalyticsCreateAccountOperator(AccountOperator):
    """
    Make an account of Data Lake Analytics, or bring one that is there to what is asked for.

    :param account: its name (templated)
    :param location: where it shall be, e.g. ``eastus2`` (templated)
    :param default_store: name of the store that scripts read and write where they name none (templated)
    :param stores: names of further stores, linked when the account is made (templated)
    :param max_degree_of_parallelism: analytics units that all jobs may use together
    :param max_degree_of_parallelism_per_job: analytics units that one job may use
    :param max_job_count: jobs that may run at the same time
    :param min_priority_per_job: the lowest number, that is the highest priority, that a job may have
    :param query_store_retention: days for which the files of a job are kept
    :param properties: further properties, under their names on the wire (templated)
    :param tags: text by name (templated)
    :param resource_group: its group; the connection's when None (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    :param defer_after: seconds to wait in the worker before deferring
    :param poll_interval: seconds between two looks, where the service does not ask for others
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        "account",
        "location",
        "default_store",
        "stores",
        "properties",
        "tags",
        *AccountOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"properties": "json", "tags": "json"}

    def __init__(
        self,
        *,
        account: str,
        location: str,
        default_store: str,
        stores: Sequence[str] = (),
        max_degree_of_parallelism: int | None = None,
        max_degree_of_parallelism_per_job: int | None = None,
        max_job_count: int | None = None,
        min_priority_per_job: int | None = None,
        query_store_retention: int | None = None,
        properties: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.account = account
        self.location = location
        self.default_store = default_store
        self.stores = stores
        self.max_degree_of_parallelism = max_degree_of_parallelism
        self.max_degree_of_parallelism_per_job = max_degree_of_parallelism_per_job
        self.max_job_count = max_job_count
        self.min_priority_per_job = min_priority_per_job
        self.query_store_retention = query_store_retention
        self.properties = properties
        self.tags = tags

    @property
    def doing(self) -> str:
        """What is attempted, for messages."""
        return f"create Data Lake Analytics account {self.account!r}"

    def begin(self, manager: ResourceManager) -> Operation | None:
        """Begin to make the account, or take up what an earlier try has begun."""
        return manager.analytics_accounts.begin_create(
            self.account,
            self.location,
            self._wire(),
            tags=self.tags,
            resource_group=self.resource_group or None,
        )

    def _wire(self) -> dict[str, Any]:
        if not self.default_store:
            raise ConfigurationError("default_store is missing: an analytics account needs one")
        limits = {
            "max_degree_of_parallelism": self.max_degree_of_parallelism,
            "max_degree_of_parallelism_per_job": self.max_degree_of_parallelism_per_job,
            "max_job_count": self.max_job_count,
            "min_priority_per_job": self.min_priority_per_job,
            "query_store_retention": self.query_store_retention,
        }
        check_positive(**limits)
        names = dict.fromkeys([self.default_store, *self.stores])
        return {
            "defaultDataLakeStoreAccount": self.default_store,
            "dataLakeStoreAccounts": [{"name": name} for name in names],
            **{_camel(name): number for name, number in limits.items() if number is not None},
            **(self.properties or {}),
        }

    def finish(self, manager: ResourceManager) -> dict[str, Any]:
        """Say what the account is."""
        return _told(manager.analytics_accounts.get(self.account, self.resource_group or None))


class DataLakeAnalyticsDeleteAccountOperator(AccountOperator):
    """
    Delete an account of Data Lake Analytics with its catalog; one that does not exist is fine.

    :param account: its name (templated)
    :param resource_group: its group; the connection's when None (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    :param defer_after: seconds to wait in the worker before deferring
    :param poll_interval: seconds between two looks, where the service does not ask for others
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("account", *AccountOperator.template_fields)

    def __init__(self, *, account: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account

    @property
    def doing(self) -> str:
        """What is attempted, for messages."""
        return f"delete Data Lake Analytics account {self.account!r}"

    def begin(self, manager: ResourceManager) -> Operation | None:
        """Begin to delete the account."""
        return manager.analytics_accounts.begin_delete(
            self.account, resource_group=self.resource_group or None
        )

    def finish(self, manager: ResourceManager) -> dict[str, Any]:
        """Say which account is gone."""
        return {"name": self.account}


class DataLakeAnalyticsComputePolicyOperator(ResourceManagerOperator):
    """
    Limit the jobs of a user, group or application, or lift the limit.

    :param name: the policy's name (templated)
    :param object_id: whom it is for, a GUID of the directory (templated)
    :param object_type: ``User``, ``Group`` or ``ServicePrincipal``
    :param max_degree_of_parallelism_per_job: analytics units that one job may use
    :param min_priority_per_job: the lowest number, that is the highest priority, that a job may have
    :param present: False to delete the policy; one that does not exist is fine
    :param account: the analytics account; the connection's when None (templated)
    :param resource_group: the account's group; the connection's when None (templated)
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (
        "name",
        "object_id",
        "account",
        "resource_group",
        *ResourceManagerOperator.template_fields,
    )

    def __init__(
        self,
        *,
        name: str,
        object_id: str | None = None,
        object_type: str = "User",
        max_degree_of_parallelism_per_job: int | None = None,
        min_priority_per_job: int | None = None,
        present: bool = True,
        account: str | None = None,
        resource_group: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.object_id = object_id
        self.object_type = object_type
        self.max_degree_of_parallelism_per_job = max_degree_of_parallelism_per_job
        self.min_priority_per_job = min_priority_per_job
        self.present = present
        self.account = account
        self.resource_group = resource_group

    def execute(self, context: Context) -> dict[str, Any]:
        """Make, change or delete the policy."""
        from airflow_provider_datalake.clients.resource_manager_models import ComputePolicy

        with self._failures():
            hook = self.hook
            account = self.account or hook.settings().account
            policies = hook.get_resource_manager().analytics_accounts.compute_policies(
                account, self.resource_group or None
            )
            told: dict[str, Any] = {"name": self.name, "account": account, "present": self.present}
            if not self.present:
                existed = policies.delete(self.name)
                self.log.info("Compute policy %r %s", self.name, "is deleted" if existed else "did not exist")
                return told
            policy = ComputePolicy(
                name=self.name,
                object_id=self.object_id or "",
                object_type=self.object_type,
                max_degree_of_parallelism_per_job=self.max_degree_of_parallelism_per_job,
                min_priority_per_job=self.min_priority_per_job,
            )
            policies.create_or_update(policy)
            return told


def _told(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "account_id": account.account_id,
        "location": account.location,
        "endpoint": account.endpoint,
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
