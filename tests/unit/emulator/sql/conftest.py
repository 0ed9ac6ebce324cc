from __future__ import annotations

import pytest

from tests.unit.emulator.sql.expressions import Session


@pytest.fixture(scope="module")
def sql() -> Session:
    return Session()
