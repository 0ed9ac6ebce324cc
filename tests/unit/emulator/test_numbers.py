from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.numbers import LARGEST, whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), (str(LARGEST), LARGEST)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", "1_0", " 1", "1\n", "\u0663", "\u00b2", str(LARGEST + 1), "9" * 5000]
)
def test_anything_else_is_not(text: str) -> None:
    assert whole_number(text) is None


def test_what_lies_outside_is_not() -> None:
    assert whole_number("0", least=1) is None
    assert whole_number("10", most=9) is None
