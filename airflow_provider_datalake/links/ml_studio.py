"""Links from a task to the pages of Azure ML Studio (classic)."""

from __future__ import annotations

from airflow_provider_datalake.links.pushed import PushedLink


class MLStudioDatasetLink(PushedLink):
    """Show the dataset's page; the service's own is no more, the emulator has one."""

    name = "ML Studio dataset"
    xcom_key = "ml_studio_dataset"
