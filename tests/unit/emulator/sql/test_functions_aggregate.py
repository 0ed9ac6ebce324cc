"""Aggregate and window functions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import AGGREGATES, WINDOWS
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed, boolean, integer, over, text
from airflow_provider_datalake.emulator.maxcompute.types import parse_type
from tests.unit.emulator.sql.expressions import Evaluator, Session, context

ROWS = (
    "SELECT * FROM (VALUES (1, 1.5, CAST(10.25 AS DECIMAL(10, 2)), 'a', true), (2, 2.5, 20.50, 'b', false),"
    " (2, NULL, NULL, 'b', NULL), (NULL, 4.0, 0.01, NULL, true)) t(i, d, m, s, b)"
)
TYPES = {"i": "bigint", "d": "double", "m": "decimal(10,2)", "s": "string", "b": "boolean"}
FIVE = "SELECT * FROM (VALUES (1), (2), (3), (4), (5)) t(i)"


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        ("count(*)", 4, "bigint"),
        ("count(i)", 3, "bigint"),
        ("count(distinct i)", 2, "bigint"),
        ("count(distinct i, s)", 2, "bigint"),
        ("count(i, s)", 3, "bigint"),
        ("sum(i)", 5, "bigint"),
        ("sum(distinct i)", 3, "bigint"),
        ("sum(d)", 8.0, "double"),
        ("sum(m)", Decimal("30.76"), "decimal(38,2)"),
        ("sum('2.5')", 10.0, "double"),
        ("avg(i)", 5 / 3, "double"),
        ("avg(distinct i)", 1.5, "double"),
        ("avg(m)", Decimal("10.253333"), "decimal(14,6)"),
        ("min(s)", "a", "string"),
        ("max(m)", Decimal("20.50"), "decimal(10,2)"),
        ("max(i)", 2, "bigint"),
        ("median(i)", 2.0, "double"),
        ("median(m)", Decimal("10.25"), "decimal(10,2)"),
        ("stddev(d)", 1.027402334, "double"),
        ("var_samp(d)", 1.5833333333333335, "double"),
        ("percentile(i, 0.5)", 2.0, "double"),
        ("percentile(i, array(0, 0.25, 1))", [1.0, 1.5, 2.0], "array<double>"),
        ("percentile_approx(d, 0.5, 100)", 2.5, "double"),
        ("wm_concat(',', s)", "a,b,b", "string"),
        ("wm_concat(distinct '-', i)", None, "string"),
        ("collect_list(i)", [1, 2, 2], "array<bigint>"),
        ("sort_array(collect_set(i))", [1, 2], "array<bigint>"),
        ("count_if(i > 1)", 2, "bigint"),
        ("approx_distinct(s)", 2, "bigint"),
        ("max_by(s, d)", None, "string"),
        ("max_by(i, d)", None, "bigint"),
        ("min_by(s, d)", "a", "string"),
        ("arg_min(d, s)", "a", "string"),
        ("bitwise_or_agg(i)", 3, "bigint"),
        ("bitwise_and_agg(i)", 0, "bigint"),
        ("bool_or(b)", True, "boolean"),
        ("bool_and(b)", False, "boolean"),
        ("corr(d, d)", 1.0, "double"),
        ("covar_samp(d, d)", 1.5833333333333335, "double"),
        ("sum(i) + count(*)", 9, "bigint"),
    ],
)
def test_aggregates_have_the_documented_values_and_types(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.typed(call, rows=ROWS, **TYPES)
    assert str(actual) == data_type
    if call.startswith("wm_concat(distinct"):
        assert sorted(value.split("-")) == ["1", "2"]
    elif isinstance(expected, float):
        assert value == pytest.approx(expected)
    else:
        assert value == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("stddev(i)", 1.4142135623730951),
        ("stddev_samp(i)", 1.5811388300841898),
        ("median(i)", 3.0),
        ("avg(i)", 3.0),
    ],
)
def test_spreads_are_those_of_the_documentation(sql: Session, call: str, expected: float) -> None:
    assert sql.value(call, rows=FIVE, i="bigint") == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("count(*)", 0), ("count(i)", 0), ("sum(i)", None), ("avg(i)", None), ("max(i)", None),
        ("wm_concat(',', i)", None), ("collect_list(i)", []), ("collect_set(i)", []), ("approx_distinct(i)", 0),
    ],
)  # fmt: skip
def test_aggregates_of_nothing(sql: Session, call: str, expected: object) -> None:
    assert sql.value(call, rows="SELECT 1 AS i WHERE false", i="bigint") == expected


def test_a_sum_that_overflows_fails_the_query(sql: Session) -> None:
    import duckdb

    with pytest.raises(duckdb.Error):
        sql.value("sum(i)", rows="SELECT 9223372036854775807 AS i FROM range(2)", i="bigint")


@pytest.mark.parametrize(
    "call",
    [
        "sum(true)", "avg(date '2020-01-01')", "sum(distinct *)", "count(distinct *)", "wm_concat(s, s)",
        "wm_concat(',', true)", "percentile(i, d)", "count_if(i)", "bitwise_or_agg(d)", "max(map(1, 2))", "sum()",
        "percentile(distinct i, 0.5)", "median(s, s)",
    ],
)  # fmt: skip
def test_what_an_aggregate_does_not_take_is_refused(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        sql.value(call, rows=ROWS, **TYPES)


def column(name: str, data_type: str) -> Typed:
    return Typed(exp.column(name), parse_type(data_type))


def windowed(sql: Session, value: Typed, order: str = "i") -> list:
    def window(call: exp.Expression) -> exp.Expression:
        spec = exp.Order(expressions=[exp.Ordered(this=exp.column(order))])
        return exp.Window(this=call, order=spec)

    query = over(value, window).sql()
    table = sql.connection.sql(
        f"SELECT i, {query} AS v, typeof({query}) FROM ({FIVE}) ORDER BY i"
    ).to_arrow_table()
    return table.column(1).to_pylist()


def test_an_aggregate_stands_over_a_window_inside_of_its_conversion(sql: Session) -> None:
    i = column("i", "bigint")
    assert windowed(sql, AGGREGATES["sum"]([i], context())) == [1, 3, 6, 10, 15]
    assert windowed(sql, AGGREGATES["avg"]([Evaluator(context(), {"i": "int"}).bind("i * 1BD")], context())) == [
        Decimal("1.0000"), Decimal("1.5000"), Decimal("2.0000"), Decimal("2.5000"), Decimal("3.0000"),
    ]  # fmt: skip
    assert windowed(sql, AGGREGATES["collect_list"]([i], context()))[2] == [1, 2, 3]


def test_window_functions_have_their_values(sql: Session) -> None:
    i = column("i", "bigint")
    ctx = context()
    assert windowed(sql, WINDOWS["row_number"]([], ctx)) == [1, 2, 3, 4, 5]
    assert windowed(sql, WINDOWS["ntile"]([integer(2)], ctx)) == [1, 1, 1, 2, 2]
    assert windowed(sql, WINDOWS["lag"]([i], ctx)) == [None, 1, 2, 3, 4]
    assert windowed(sql, WINDOWS["lead"]([i, integer(2), integer(0)], ctx)) == [3, 4, 5, 0, 0]
    assert windowed(sql, WINDOWS["first_value"]([i], ctx)) == [1, 1, 1, 1, 1]
    assert windowed(sql, WINDOWS["nth_value"]([i, integer(2)], ctx)) == [None, 2, 2, 2, 2]
    assert windowed(sql, WINDOWS["cume_dist"]([], ctx)) == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert str(WINDOWS["rank"]([], ctx).type) == "bigint"


def test_the_first_value_can_leave_nulls_out(sql: Session) -> None:
    value = Evaluator(context(), {"i": "bigint"}).bind("nullif(i, 1)")
    assert windowed(sql, WINDOWS["first_value"]([value, boolean(True)], context())) == [None, 2, 2, 2, 2]
    assert windowed(sql, WINDOWS["first_value"]([value, boolean(False)], context())) == [None] * 5


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("lag", [integer(1), text("x")]),
        ("lead", [integer(1), integer(-1)]),
        ("nth_value", [integer(1), integer(0)]),
        ("row_number", [integer(1)]),
        ("ntile", [text("a")]),
        ("lag", [integer(1), integer(1), text("a")]),
    ],
)
def test_what_a_window_function_does_not_take_is_refused(name: str, args: list[Typed]) -> None:
    with pytest.raises(SqlError):
        WINDOWS[name](args, context())
