"""A workspace for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.emulator.ml_studio.studios import Studio, open_studio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = open_studio(tmp_path)
    yield made
    made.service.close()
