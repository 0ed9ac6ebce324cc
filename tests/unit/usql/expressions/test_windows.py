"""Functions over windows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_datalake.usql.expressions.windows import FUNCTIONS
from tests.unit.usql.expressions.rows import error, over_rows


@pytest.mark.parametrize(
    ("text", "type_", "values"),
    [
        ("SUM(i) OVER ()", "long?", [7, 7, 7, 7]),
        ("SUM(i) OVER (PARTITION BY k)", "long?", [3, 3, 4, 4]),
        ("AVG(i) OVER (PARTITION BY k)", "long?", [1, 1, 4, 4]),
        ("AVG(m) OVER (PARTITION BY k)", "decimal?", [Decimal("1.65")] * 2 + [Decimal("4.4")] * 2),
        ("AVG(x) OVER (PARTITION BY k)", "double?", [2.0, 2.0, 4.5, 4.5]),
        ("AVG(ul) OVER (PARTITION BY k)", "double?", [1.5, 1.5, 4.0, 4.0]),
        ("COUNT(*) OVER (PARTITION BY k)", "long?", [2, 2, 2, 2]),
        ("COUNT(i) OVER (PARTITION BY k)", "long?", [2, 2, 1, 1]),
        ("MIN(s) OVER (PARTITION BY k)", "string", ["a", "a", "b", "b"]),
        ("STDEVP(i) OVER (PARTITION BY k)", "double?", [0.5, 0.5, 0.0, 0.0]),
        ("SUM(i) OVER (ORDER BY id)", "long?", [1, 3, 3, 7]),
        ("AVG(i) OVER (ORDER BY id)", "long?", [1, 1, 1, 2]),
        ("SUM(i) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", "long?", [1, 3, 2, 4]),
        ("SUM(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)", "long?", [10, 9, 7, 4]),
        ("SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)", "long?", [3, 6, 9, 7]),
        ("ROW_NUMBER() OVER (ORDER BY id DESC)", "long?", [4, 3, 2, 1]),
        ("ROW_NUMBER() OVER (ORDER BY i)", "long?", [1, 2, 4, 3]),
        ("ROW_NUMBER() OVER (ORDER BY i DESC)", "long?", [3, 2, 4, 1]),
        ("ROW_NUMBER() OVER (PARTITION BY k ORDER BY id)", "long?", [1, 2, 1, 2]),
        ("RANK() OVER (ORDER BY s)", "long?", [2, 1, 4, 2]),
        ("DENSE_RANK() OVER (ORDER BY s)", "long?", [2, 1, 3, 2]),
        ("NTILE(2) OVER (ORDER BY id)", "long?", [1, 1, 2, 2]),
        ("CUME_DIST() OVER (ORDER BY id)", "double?", [0.25, 0.5, 0.75, 1.0]),
        ("PERCENT_RANK() OVER (ORDER BY id)", "double?", [0.0, 1 / 3, 2 / 3, 1.0]),
        ("LAG(i) OVER (ORDER BY id)", "int?", [None, 1, 2, None]),
        ("LAG(id, 1, 0) OVER (ORDER BY id)", "int?", [0, 1, 2, 3]),
        ("LEAD(s, 2, \"z\") OVER (ORDER BY id)", "string", [None, "b", "z", "z"]),
        ("FIRST_VALUE(s) OVER (PARTITION BY k ORDER BY id DESC)", "string", ["a", "a", "b", "b"]),
        ("LAST_VALUE(id) OVER (ORDER BY id)", "int?", [1, 2, 3, 4]),
        ("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY i) OVER (PARTITION BY k)", "double?", [1.5, 1.5, 4.0, 4.0]),
        ("PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x DESC) OVER ()", "double?", [3.5] * 4),
        ("PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY i) OVER ()", "int?", [2] * 4),
        ("PERCENTILE_DISC(0) WITHIN GROUP (ORDER BY i DESC) OVER ()", "int?", [4] * 4),
        ("PERCENTILE_DISC(1) WITHIN GROUP (ORDER BY i DESC) OVER ()", "int?", [1] * 4),
        ("PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY s) OVER ()", "string", ["b"] * 4),
        ("SUM(i) OVER (PARTITION BY k) + 1", "long?", [4, 4, 5, 5]),
        ("(double?)i / SUM(i) OVER (PARTITION BY k)", "double?", [1 / 3, 2 / 3, None, 1.0]),
        ("id == MAX(id) OVER (PARTITION BY k)", "bool", [False, True, False, True]),
    ],
)  # fmt: skip
def test_a_function_over_a_window_has_this_type_and_values(
    text: str, type_: str, values: list[object]
) -> None:
    found = over_rows(text)
    assert found[0] == type_
    assert found[1] == [pytest.approx(value) if isinstance(value, float) else value for value in values]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FOO() OVER ()", "FOO with 0 arguments cannot be called OVER a window"),
        ("ROW_NUMBER(i) OVER ()", "ROW_NUMBER with 1 arguments"),
        ("COUNT(DISTINCT i) OVER ()", "COUNT(DISTINCT ...) OVER: not supported"),
        ("PERCENTILE_CONT(0.5) OVER ()", "needs WITHIN GROUP"),
        ("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY s) OVER ()", "takes a number"),
        ("PERCENTILE_DISC(1.5) WITHIN GROUP (ORDER BY i) OVER ()", "a share from 0 to 1, not 1.5"),
        ("PERCENTILE_DISC(x) WITHIN GROUP (ORDER BY i) OVER ()", "cannot be constant folded"),
        ("NTILE(s) OVER (ORDER BY i)", "Cannot implicitly convert type 'string' to 'long'"),
        ("LAG(i, 1, \"x\") OVER (ORDER BY i)", "the default of LAG"),
        ("ROW_NUMBER() OVER (ORDER BY ROW_NUMBER() OVER ())", "a function over a window is not valid here"),
    ],
)  # fmt: skip
def test_a_function_over_a_window_that_does_not_fit_is_an_error(text: str, words: str) -> None:
    assert words in error(text)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_ranking_function_needs_over(name: str) -> None:
    assert f"{name} needs OVER" in error(f"{name}()")


def test_a_window_is_an_error_where_none_may_stand() -> None:
    assert "a function over a window is not valid here" in error("SUM(i) OVER () > 1", windows=False)
