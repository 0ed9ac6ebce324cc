from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.web.histograms import (
    HEIGHT,
    WIDTH,
    count_values,
    short,
    summarize,
)

finite = st.floats(allow_nan=False, allow_infinity=False)


def counted(label: str) -> int:
    return int(label.rpartition(": ")[2].replace(",", ""))


@given(st.lists(finite, min_size=1, max_size=200))
def test_every_value_is_in_one_bar_of_the_picture(numbers: list[float]) -> None:
    histogram = count_values(numbers)
    assert histogram is not None
    assert sum(counted(bar.label) for bar in histogram.bars) == len(numbers)
    assert max(counted(bar.label) for bar in histogram.bars) == histogram.most
    for bar in histogram.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert math.isclose(bar.y + bar.height, HEIGHT, abs_tol=0.02)


def test_few_whole_numbers_have_a_bar_each() -> None:
    histogram = count_values([1.0, 1.0, 3.0])
    assert histogram is not None
    assert [bar.label for bar in histogram.bars] == ["1: 2", "2: 0", "3: 1"]
    assert [bar.height for bar in histogram.bars] == [HEIGHT, 0, HEIGHT / 2]
    assert (histogram.first, histogram.last) == ("1", "3")


def test_many_values_share_twenty_bars() -> None:
    histogram = count_values([number / 10 for number in range(1000)])
    assert histogram is not None
    assert [counted(bar.label) for bar in histogram.bars] == [50] * 20
    assert histogram.bars[0].label == "0 to 4.995: 50"


def test_what_is_rare_is_still_seen() -> None:
    histogram = count_values([1.5] * 100_000 + [2.5])
    assert histogram is not None
    assert histogram.bars[-1].height == 1


@pytest.mark.parametrize("numbers", [[], [math.nan], [math.inf, -math.inf]])
def test_without_numbers_there_is_no_histogram(numbers: list[float]) -> None:
    assert count_values(numbers) is None


def test_the_figures_of_a_column() -> None:
    assert dict(summarize([1.0, 2.0, 4.0, math.nan], missing=3).figures) == {
        "Mean": "2.33333",
        "Median": "2",
        "Min": "1",
        "Max": "4",
        "Deviation": "1.52753",
        "Unique": "4",
        "Missing": "3",
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (9999.0, "9999"), (1234567.0, "1,234,567"), (0.1 + 0.2, "0.3"), (1e300, "1e+300")],
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text
