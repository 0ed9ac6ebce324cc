"""The web application of the file system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService


def create_app(service: DataLakeStoreService) -> ASGIApp:
    """
    Build the application.

    :param service: what its routes work on
    :return: the application, to be mounted
    """
    return Starlette(routes=[])
