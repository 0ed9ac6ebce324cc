"""Make accounts for the time of a run, and limit who may use how much of them."""

from __future__ import annotations

from airflow.sdk import chain, dag

from airflow_provider_datalake.operators.resource_manager import (
    DataLakeAnalyticsComputePolicyOperator,
    DataLakeAnalyticsCreateAccountOperator,
    DataLakeAnalyticsDeleteAccountOperator,
    DataLakeStoreCreateAccountOperator,
    DataLakeStoreDeleteAccountOperator,
    ResourceGroupOperator,
)


@dag(schedule=None, default_args={"retries": 2}, tags=["example", "accounts"])
def howto_accounts() -> None:
    # [START howto_operator_resource_group]
    group = ResourceGroupOperator(
        task_id="group", resource_group="howto", location="eastus2", tags={"team": "sales"}
    )
    # [END howto_operator_resource_group]

    # [START howto_operator_data_lake_store_account]
    store = DataLakeStoreCreateAccountOperator(
        task_id="store", account="howtostore", location="eastus2", resource_group="howto", deferrable=True
    )
    delete_store = DataLakeStoreDeleteAccountOperator(
        task_id="delete_store", account="howtostore", resource_group="howto", deferrable=True
    )
    # [END howto_operator_data_lake_store_account]

    # [START howto_operator_data_lake_analytics_account]
    analytics = DataLakeAnalyticsCreateAccountOperator(
        task_id="analytics",
        account="howtoanalytics",
        location="eastus2",
        default_store="howtostore",
        max_degree_of_parallelism=30,
        max_job_count=3,
        resource_group="howto",
        deferrable=True,
    )
    delete_analytics = DataLakeAnalyticsDeleteAccountOperator(
        task_id="delete_analytics", account="howtoanalytics", resource_group="howto", deferrable=True
    )
    # [END howto_operator_data_lake_analytics_account]

    # [START howto_operator_data_lake_analytics_compute_policy]
    policy = DataLakeAnalyticsComputePolicyOperator(
        task_id="policy",
        name="ann",
        object_id="5b8bd8b2-0000-4000-8000-000000000001",
        max_degree_of_parallelism_per_job=5,
        min_priority_per_job=500,
        account="howtoanalytics",
        resource_group="howto",
    )
    # [END howto_operator_data_lake_analytics_compute_policy]

    # [START howto_teardown]
    chain(group, store, analytics, policy, delete_analytics, delete_store)
    delete_analytics.as_teardown(setups=analytics)
    delete_store.as_teardown(setups=store)
    # [END howto_teardown]


howto_accounts()
