"""Conditions over rows: what is computed for which of them, and in which form SQL gets it."""

from __future__ import annotations

import pytest

from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.expressions import condition
from tests.unit.usql.expressions.rows import bound, filtered, over_rows


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("s != null && s.Length > 0", [True, True, False, True]),
        ("s == null || s.Length > 0", [True, True, True, True]),
        ("s IS NOT NULL AND s.Substring(0, 1) == \"b\"", [True, False, False, True]),
        ("i == null ? \"none\" : i.Value.ToString()", ["1", "2", "none", "4"]),
        ("i.HasValue && 4 / (i.Value - 4) < 0", None),
        ("i.HasValue && i != 4 && 4 / (i.Value - 4) < 0", [True, True, False, False]),
        ("id == 3 ? 0 : 10 / (id - 3)", [-5, -10, 0, 10]),
        ("CASE WHEN id == 3 THEN 0 ELSE 10 / (id - 3) END", [-5, -10, 0, 10]),
        ("s ?? (id == 3 ? \"z\" : null).ToUpper()", ["b", "a", "Z", "b"]),
        ("!(s == null) && s.IndexOf(\"a\") >= 0", [False, True, False, False]),
        ("string.IsNullOrEmpty(s) || s[0] == 'b'", [True, False, True, True]),
    ],
)  # fmt: skip
def test_the_second_side_is_computed_only_where_it_counts(text: str, values: list[object] | None) -> None:
    if values is None:
        with pytest.raises(Exception, match="ivision by zero"):
            over_rows(text)
    else:
        assert over_rows(text)[1] == values


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("i == 2", [2]),
        ("i != 2", [1, 3, 4]),
        ("!(i == 2)", [1, 3, 4]),
        ("i == null", [3]),
        ("i < 3", [1, 2]),
        ("!(i < 3)", [3, 4]),
        ("NOT (i < 3)", [3, 4]),
        ("i > 1 || s == null", [2, 3, 4]),
        ("s == \"b\" && i > 1", [4]),
        ("s != \"b\"", [2, 3]),
        ("s IN (\"a\", \"b\")", [1, 2, 4]),
        ("s NOT IN (\"a\")", [1, 3, 4]),
        ("s IN (null, \"a\")", [2, 3]),
        ("s LIKE \"b%\"", [1, 4]),
        ("s NOT LIKE \"b%\"", [2, 3]),
        ("i BETWEEN 1 AND 2", [1, 2]),
        ("i NOT BETWEEN 1 AND 2", [3, 4]),
        ("b == true", [1, 4]),
        ("b != true", [2, 3]),
        ("b ?? true", [1, 3, 4]),
        ("s != null && s.Length == 1 && i != 4", [1, 2]),
        ("s == null || s.ToUpper() == \"A\"", [2, 3]),
        ("x > 2 && x < 4", [2]),
        ("d >= new DateTime(2021, 1, 1)", [2, 4]),
        ("id != 3 && 6 / (id - 3) < 0", [1, 2]),
        ("true", [1, 2, 3, 4]),
        ("false", []),
    ],
)  # fmt: skip
def test_null_is_a_value_like_others(text: str, ids: list[int]) -> None:
    assert filtered(text) == ids


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ('s == "b"', "\"s\" = 'b'"),
        ('s == "b" && k == "x"', "(\"s\" = 'b') AND (\"k\" = 'x')"),
        ("i > 3", '"i" > CAST(3 AS INT)'),
        ("s == k", '"s" IS NOT DISTINCT FROM "k"'),
        ("id == 3", '"id" = CAST(3 AS INT)'),
    ],
)
def test_a_condition_has_the_form_that_statistics_serve(text: str, sql: str) -> None:
    assert condition(bound(text)).sql("duckdb") == sql


def test_a_filter_that_may_fail_comes_behind_one_that_does_not() -> None:
    sql = condition(bound('k == "x" && 6 / (id - 3) < 0')).sql("duckdb")
    assert sql.startswith("(\"k\" = 'x') AND CASE WHEN")


@pytest.mark.parametrize("text", ["i", "b", "null", '"true"', "id"])
def test_only_a_bool_is_a_condition(text: str) -> None:
    with pytest.raises(CompileError, match="Cannot implicitly convert type"):
        condition(bound(text))
