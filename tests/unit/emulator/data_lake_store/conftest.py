"""A store for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.emulator.data_lake_store.stores import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path)
    yield made
    made.service.close()
