from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
from airflow_provider_datalake.clients.maxcompute_inputs import make_sources
from airflow_provider_datalake.emulator.commands.csv_types import infer_types

if TYPE_CHECKING:
    from pathlib import Path


def types_of(path: Path, *values: str) -> str:
    path.write_text("a,b\n" + "".join(f"{value},x\n" for value in values))
    return infer_types(make_sources(path, [], csv_format=CsvFormat()))["a"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", ""], "bigint"),
        (["1", "2.5"], "double"),
        (["1e5"], "double"),
        (["007", "1"], "string"),
        (["1234567890123456789"], "string"),
        (["true", "false"], "boolean"),
        (["2024-01-02"], "date"),
        (["2024-01-02 03:04:05", "2024-01-02T03:04:05.123"], "datetime"),
        (["2024-01-02", "2024-01-02 03:04:05"], "string"),
        (["NaN"], "string"),
        (["", ""], "string"),
        ([], "string"),
    ],
)
def test_a_column_has_the_type_of_all_its_values(tmp_path: Path, values: list[str], kind: str) -> None:
    assert types_of(tmp_path / "a.csv", *values) == kind


def test_all_files_count(tmp_path: Path) -> None:
    for name, value in (("a.csv", "1"), ("b.csv", "x")):
        (tmp_path / name).write_text(f"a\n{value}\n")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert infer_types(make_sources(files, [], csv_format=CsvFormat())) == {"a": "string"}


@given(values=st.lists(st.integers(-(10**18) + 1, 10**18 - 1), min_size=1))
def test_whole_numbers_are_bigint(tmp_path_factory: pytest.TempPathFactory, values: list[int]) -> None:
    assert types_of(tmp_path_factory.mktemp("t") / "a.csv", *map(str, values)) == "bigint"
