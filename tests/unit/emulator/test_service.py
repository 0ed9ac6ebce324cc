from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.catalog import InvalidDefinition, NoSuchEntity
from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService
from tests.unit.emulator import tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 24 * 3600


@pytest.fixture
def service(tmp_path: Path) -> Iterator[MaxComputeService]:
    service = MaxComputeService(Config(tmp_path))
    yield service
    service.close()


def test_a_tunnel_session_ends_a_day_after_its_last_use(service: MaxComputeService) -> None:
    table = tables.create(service.storage)
    upload = service.sessions.create_upload(table)
    download = service.sessions.create_download(table)
    service.expire(time.time() + 0.9 * DAY)
    assert service.sessions.get_upload(upload.id) == upload
    service.expire(time.time() + 1.1 * DAY)
    with pytest.raises(NoSuchEntity):
        service.sessions.get_upload(upload.id)
    with pytest.raises(NoSuchEntity):
        service.sessions.get_download(download.id)


def test_the_configured_projects_exist(tmp_path: Path) -> None:
    service = MaxComputeService(Config(tmp_path, projects=("Demo", "other")))
    assert [project.name for project in service.projects.list()] == ["demo", "other"]
    service.close()


def test_a_project_cannot_have_any_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidDefinition, match="invalid project name 'a b'"):
        MaxComputeService(Config(tmp_path, projects=("a b",)))
