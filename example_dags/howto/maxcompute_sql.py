"""Run SQL in MaxCompute, wait for tables and instances, check data."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator
from airflow.sdk import chain, dag, task

from airflow_provider_datalake.operators.maxcompute import MaxComputeSQLOperator
from airflow_provider_datalake.sensors.maxcompute import MaxComputeInstanceSensor, MaxComputeTableSensor


@dag(schedule=None, default_args={"retries": 2}, params={"least": 20}, tags=["example", "maxcompute"])
def howto_maxcompute_sql() -> None:
    # [START howto_operator_maxcompute_sql]
    create = MaxComputeSQLOperator(
        task_id="create",
        sql="CREATE TABLE IF NOT EXISTS howto_sales (shop STRING, amount BIGINT)",
    )
    create_large = MaxComputeSQLOperator(
        task_id="create_large",
        sql="CREATE TABLE IF NOT EXISTS howto_large_sales LIKE howto_sales",
    )
    fill = MaxComputeSQLOperator(
        task_id="fill",
        sql="""
            INSERT OVERWRITE TABLE howto_sales
            VALUES ('Basel', 160), ('Lyon', 80), ('Turin', 12)
        """,
    )
    large = MaxComputeSQLOperator(
        task_id="large",
        sql="""
            INSERT OVERWRITE TABLE howto_large_sales
            SELECT shop, amount FROM howto_sales WHERE amount >= {{ params.least }}
        """,
        hints={"odps.sql.mapper.split.size": 64},
        priority=5,
        deferrable=True,
        execution_timeout=timedelta(hours=1),
    )
    # [END howto_operator_maxcompute_sql]

    # [START howto_operator_sql_check]
    check = SQLColumnCheckOperator(
        task_id="check",
        conn_id="odps_default",
        table="howto_large_sales",
        column_mapping={"shop": {"null_check": {"equal_to": 0}}, "amount": {"min": {"geq_to": 20}}},
    )
    # [END howto_operator_sql_check]

    chain(create, [create_large, fill], large, check)


@dag(schedule=None, default_args={"retries": 2}, tags=["example", "maxcompute"])
def howto_maxcompute_wait() -> None:
    # [START howto_sensor_maxcompute_instance]
    @task
    def submit() -> str:
        """Start an instance by code; any other program may do so, too."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        client = MaxComputeHook().get_client()
        return str(client.run_sql("CREATE TABLE IF NOT EXISTS howto_waited (shop STRING)").id)

    instance = MaxComputeInstanceSensor(
        task_id="instance", instance_id=submit(), poke_interval=10, timeout=600, deferrable=True
    )
    # [END howto_sensor_maxcompute_instance]

    # [START howto_sensor_maxcompute_table]
    table = MaxComputeTableSensor(
        task_id="table", table="howto_waited", poke_interval=10, timeout=600, deferrable=True
    )
    # [END howto_sensor_maxcompute_table]

    instance >> table


howto_maxcompute_sql()
howto_maxcompute_wait()
