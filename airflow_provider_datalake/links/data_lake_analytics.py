"""Links from a task to the pages of Data Lake Analytics."""

from __future__ import annotations

from airflow_provider_datalake.links.pushed import PushedLink


class DataLakeAnalyticsJobLink(PushedLink):
    """Show the job's page; the service's own portal is no more, the emulator has one."""

    name = "Data Lake Analytics job"
    # The operator pushes the address under this key at once, so that the link shows while the task runs.
    xcom_key = "data_lake_analytics_job"
