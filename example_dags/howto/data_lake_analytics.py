"""Compile and run U-SQL, and wait for a job that somebody else has submitted."""

from __future__ import annotations

import uuid

from airflow.sdk import dag, task

from airflow_provider_datalake.operators.data_lake_analytics import (
    DataLakeAnalyticsBuildOperator,
    DataLakeAnalyticsJobOperator,
)
from airflow_provider_datalake.sensors.data_lake_analytics import DataLakeAnalyticsJobSensor

# [START howto_operator_data_lake_analytics_job]
SCRIPT = """
DECLARE EXTERNAL @least int = 0;
DECLARE EXTERNAL @output string = "/howto/large.csv";

@sales = SELECT * FROM (VALUES ("Basel", 160), ("Lyon", 80), ("Turin", 12)) AS s(shop, amount);
@large = SELECT shop, amount FROM @sales WHERE amount >= @least;
OUTPUT @large TO @output ORDER BY amount DESC USING Outputters.Csv(outputHeader: true);
"""


@dag(schedule=None, default_args={"retries": 2}, params={"least": 20}, tags=["example", "u-sql"])
def howto_data_lake_analytics() -> None:
    job = DataLakeAnalyticsJobOperator(
        task_id="job",
        script=SCRIPT,
        parameters={"least": {"type": "int", "value": "{{ params.least }}"}},
        degree_of_parallelism=2,
        priority=500,
        deferrable=True,
    )
    # [END howto_operator_data_lake_analytics_job]

    # [START howto_operator_data_lake_analytics_build]
    build = DataLakeAnalyticsBuildOperator(task_id="build", script=SCRIPT, parameters={"least": 20})
    # [END howto_operator_data_lake_analytics_build]

    # [START howto_sensor_data_lake_analytics_job]
    @task
    def submit(run_id: str | None = None) -> str:
        """Submit a job by code; any other program may do so, too."""
        from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition
        from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

        # The same id in each try of this run: a second submit gives no second job.
        job_id = str(uuid.uuid5(uuid.NAMESPACE_URL, str(run_id)))
        definition = JobDefinition(script=SCRIPT.replace("large.csv", "all.csv"), name="all sales")
        return DataLakeAnalyticsHook().get_job_client().submit(job_id, definition).job_id

    DataLakeAnalyticsJobSensor(
        task_id="done", job_id=submit(), poke_interval=10, timeout=600, deferrable=True
    )
    # [END howto_sensor_data_lake_analytics_job]

    build >> job


howto_data_lake_analytics()
