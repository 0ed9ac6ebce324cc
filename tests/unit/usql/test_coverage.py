"""The tables of the documentation say what the compiler does."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_datalake.usql import coverage

PAGE = Path(__file__).parents[3] / "docs" / "usql.md"


def test_page_has_the_compilers_own_tables() -> None:
    page = PAGE.read_text("utf-8")

    assert coverage.insert(page) == page, "out of date: make coverage-tables"


def test_tables_name_what_runs_and_what_does_not() -> None:
    tables = coverage.tables()

    assert "`IsNullOrEmpty(string)`" in tables
    assert "| `skipFirstNRows` | `0` | not a parameter |" in tables
    assert "`ROW_NUMBER`" in tables
    assert "* REDUCE (a user-defined reducer)" in tables
    assert "* a LINQ query expression" in tables


def test_numbers_of_the_same_members_share_a_row() -> None:
    assert "| `byte`, `int`, `long`, `sbyte`, `short`, `uint`, `ulong`, `ushort` |" in coverage.tables()


def test_every_row_has_as_many_cells_as_its_head() -> None:
    width = 0
    for line in coverage.tables().splitlines():
        cells = line.replace("\\|", "").count("|")
        assert not width or not cells or cells == width, line
        width = cells


def test_rewriting_keeps_what_is_around_the_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{coverage.BEGIN}\nold\n{coverage.END}\n\nafter\n", "utf-8")

    assert coverage.main([str(page)]) == 0
    once = page.read_text("utf-8")
    coverage.main([str(page)])

    assert once.startswith(f"before\n\n{coverage.BEGIN}\n")
    assert once.endswith(f"{coverage.END}\n\nafter\n")
    assert "old" not in once
    assert page.read_text("utf-8") == once


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no section"):
        coverage.insert("a page")
