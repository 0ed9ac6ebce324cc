"""The web application of the job and catalog services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.azure.calls import azure_app
from airflow_provider_datalake.emulator.data_lake_analytics import (
    catalog_routes,
    credential_routes,
    jobs,
    pipelines,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService

_HANDLERS = (
    ("PUT", "/jobs/{job}", jobs.submit),
    ("GET", "/jobs/{job}", jobs.get),
    ("PATCH", "/jobs/{job}", jobs.no_update),
    ("GET", "/jobs", jobs.list_jobs),
    ("POST", "/jobs/{job}/canceljob", jobs.cancel),
    ("POST", "/jobs/{job}/yieldjob", jobs.no_yield),
    ("GET", "/jobs/{job}/getstatistics", jobs.statistics),
    ("GET", "/jobs/{job}/getdebugdatapath", jobs.debug_data),
    ("POST", "/buildjob", jobs.build),
    ("GET", "/pipelines", pipelines.list_pipelines),
    ("GET", "/pipelines/{id}", pipelines.get_pipeline),
    ("GET", "/recurrences", pipelines.list_recurrences),
    ("GET", "/recurrences/{id}", pipelines.get_recurrence),
)


def create_app(service: DataLakeAnalyticsService) -> ASGIApp:
    """
    Build the application.

    :param service: what its routes work on
    :return: the application, to be mounted
    """
    handlers = [*_HANDLERS, *catalog_routes.routes(), *credential_routes.routes()]
    return azure_app(service, service.identity, handlers)
