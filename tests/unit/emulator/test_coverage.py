"""The tables of the documentation say what the emulator does."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_datalake.emulator import coverage

PAGE = Path(__file__).parents[3] / "docs" / "emulator-coverage.md"


def test_page_has_the_emulators_own_tables() -> None:
    page = PAGE.read_text("utf-8")

    assert coverage.insert(page) == page, "out of date: make coverage-tables"


def test_tables_name_what_is_there_and_what_is_not() -> None:
    answered, refused = coverage.tables().split("## Data Lake Analytics\n")[1].split("Refused", 1)

    assert "`PUT` submit a job" in answered
    assert "yieldjob" not in answered
    assert "* `POST /jobs/{job}/yieldjob`" in refused


def test_tables_name_functions_once_in_capitals() -> None:
    tables = coverage.tables()

    assert "`GET_JSON_OBJECT`" in tables
    assert "`ROW_NUMBER`" in tables
    assert "get_json_object" not in tables


def test_every_service_has_requests() -> None:
    assert all(found for found in coverage.services().values())


def test_every_row_has_as_many_cells_as_its_head() -> None:
    width = 0
    for line in coverage.tables().splitlines():
        cells = line.replace("\\|", "").count("|")
        assert not width or not cells or cells == width, line
        width = cells


def test_rewriting_keeps_what_is_around_the_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{coverage.BEGIN}\nold\n<!-- end of what is generated -->\n\nafter\n", "utf-8")

    assert coverage.main([str(page)]) == 0
    once = page.read_text("utf-8")
    coverage.main([str(page)])

    assert once.startswith("before\n\n")
    assert once.endswith("\n\nafter\n")
    assert "\nold\n" not in once
    assert page.read_text("utf-8") == once


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no section"):
        coverage.insert("a page")
