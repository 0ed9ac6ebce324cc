from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def use_timezone() -> Iterator[Callable[[str], None]]:
    """Set this process's local time zone for the length of a test."""
    with pytest.MonkeyPatch.context() as patch:

        def use(name: str) -> None:
            patch.setenv("TZ", name)
            time.tzset()

        yield use
    # Undoing the variable alone would leave the C library in the other zone, and with it all tests that follow.
    time.tzset()
