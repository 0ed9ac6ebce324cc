"""The pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService


def routes(service: MaxComputeService) -> list[BaseRoute]:
    """
    List the routes of the pages.

    :param service: what they show
    :return: the routes
    """
    return []
