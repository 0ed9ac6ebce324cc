from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.web.job_pages import Line, statement_lines
from airflow_provider_datalake.emulator.web.rendering import duration, moment, shorten, size, thousands


def test_a_statement_without_an_error_is_not_marked() -> None:
    assert statement_lines("a\nb\n", "") == [Line("a"), Line("b")]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("ODPS-0130131:[2,6] Table not found", Line("from ", "nothing", " where")),
        ("ODPS-0130161:[2,19] Parse exception", Line("from nothing where", "\u2423", "")),
        ("ODPS-0130161:[2,5] Parse exception", Line("from", " ", "nothing where")),
        ("ODPS-0130161:[9,1] Parse exception", Line("from nothing where")),
        ("ODPS-0130161:[2,99] Parse exception", Line("from nothing where")),
        ("ODPS-0010000:System internal error", Line("from nothing where")),
    ],
)
def test_the_place_of_an_error_is_marked(error: str, line: Line) -> None:
    assert statement_lines("select *\nfrom nothing where", error)[1] == line


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456, "123 kB"), (5 * 10**12, "5.0 TB")],
)
def test_sizes_are_short(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.25, "250 ms"), (2, "2.0 s"), (125, "2 m 05 s"), (7300, "2 h 01 m")],
)
def test_durations_are_short(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_times_counts_and_long_texts() -> None:
    assert moment(1_577_836_800) == "2020-01-01 00:00:00 UTC"
    assert moment(None) == ""
    assert thousands(336_776) == "336,776"
    assert shorten("abcdef", 3) == "abc…"
