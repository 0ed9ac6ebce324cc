"""
The pytest plugin: the fixture ``datalake_emulator``.

Pytest loads it in every run wherever this package is installed: it imports nothing before a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.testing.emulator import DataLakeEmulator


@pytest.fixture(scope="session")
def datalake_emulator_arguments() -> list[str]:
    """Further arguments for ``datalake-emulator serve``; define a fixture of this name to give some."""
    return []


@pytest.fixture(scope="session")
def datalake_emulator_session(
    tmp_path_factory: pytest.TempPathFactory, datalake_emulator_arguments: list[str]
) -> Iterator[DataLakeEmulator]:
    """Run one emulator for all tests of this process, on a free port, in a temporary folder."""
    from airflow_provider_datalake.testing.emulator import DataLakeEmulator

    emulator = DataLakeEmulator(tmp_path_factory.mktemp("datalake-emulator"), datalake_emulator_arguments)
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()


@pytest.fixture
def datalake_emulator(
    datalake_emulator_session: DataLakeEmulator, monkeypatch: pytest.MonkeyPatch
) -> DataLakeEmulator:
    """Give an emulator without data, with the Airflow connections that point at it in the environment."""
    datalake_emulator_session.reset()
    for name, value in datalake_emulator_session.connections.items():
        monkeypatch.setenv(name, value)
    return datalake_emulator_session
