"""Aggregates of groups."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from airflow_provider_datalake.usql.expressions.aggregates import AGGREGATES
from tests.unit.usql.expressions.rows import bound, error, grouped


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("SUM(i)", "long?", 7),
        ("SUM(id)", "long?", 10),
        ("SUM(l)", "long?", 7),
        ("SUM(x)", "double?", 8.5),
        ("SUM(f)", "double?", 8.5),
        ("SUM(ul)", "double?", 7.0),
        ("SUM(m)", "decimal?", Decimal("7.7000000000")),
        ("SUM(DISTINCT i % 2)", "long?", 1),
        ("AVG(i)", "long?", 2),
        ("AVG(-i)", "long?", -2),
        ("AVG(x)", "double?", 8.5 / 3),
        ("AVG(f)", "double?", 8.5 / 3),
        ("AVG(ul)", "double?", 7 / 3),
        ("AVG(m)", "decimal?", Decimal("2.5666666667")),
        ("AVG(DISTINCT i)", "long?", 2),
        ("MIN(i)", "int?", 1),
        ("MIN(id)", "int?", 1),
        ("MAX(s)", "string", "b"),
        ("MIN(b)", "bool?", False),
        ("MAX(d)", "DateTime?", datetime.datetime(2022, 1, 1)),
        ("COUNT(*)", "long?", 4),
        ("COUNT(i)", "long?", 3),
        ("COUNT(DISTINCT s)", "long?", 2),
        ("VAR(i)", "double?", 7 / 3),
        ("VARP(i)", "double?", 14 / 9),
        ("STDEV(i)", "double?", (7 / 3) ** 0.5),
        ("STDEVP(i)", "double?", (14 / 9) ** 0.5),
        ("VAR(DISTINCT i % 2)", "double?", 0.5),
        ("ANY_VALUE(k) == \"x\" || ANY_VALUE(k) == \"y\"", "bool", True),
        ("SUM(i) / COUNT(*)", "long?", 1),
        ("SUM(i) + 0.5", "double?", 7.5),
        ("MAX(i) ?? 0", "int", 4),
        ("COUNT(*) > 3 ? \"many\" : \"few\"", "string", "many"),
        ("SUM(i == 4 ? 1 : 0)", "long?", 1),
        ("MAX(k.Length)", "int?", 1),
    ],
)  # fmt: skip
def test_an_aggregate_ignores_nulls_and_has_this_type(text: str, type_: str, value: object) -> None:
    found = grouped(text)
    assert found[0] == type_
    assert type(found[1]) is type(value)
    assert found[1] == pytest.approx(value) if isinstance(value, float) else found[1] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SUM(i)", None),
        ("AVG(i)", None),
        ("AVG(m)", None),
        ("AVG(x)", None),
        ("MIN(s)", None),
        ("COUNT(*)", 0),
        ("COUNT(i)", 0),
        ("VAR(x)", None),
        ("ANY_VALUE(s)", None),
    ],
)
def test_an_aggregate_of_no_rows_is_null_but_for_counts(text: str, value: object) -> None:
    assert grouped(text, "FALSE")[1] == value


def test_a_sum_of_integers_does_not_wrap() -> None:
    with pytest.raises(Exception, match="9223372036854775807"):
        grouped("SUM(9223372036854775807)")


def test_the_spread_of_one_value_is_null() -> None:
    assert grouped("STDEV(x)", "id = 1") == ("double?", None)


def test_array_agg_keeps_nulls_and_makes_an_array_of_the_type() -> None:
    type_, found = grouped("ARRAY_AGG(i)")
    assert type_ == "SqlArray<int?>"
    assert sorted(found, key=str) == [1, 2, 4, None]
    assert sorted(grouped("ARRAY_AGG(DISTINCT k)")[1]) == ["x", "y"]


def test_map_agg_makes_a_map_of_the_types() -> None:
    assert grouped("MAP_AGG(id, s)") == ("SqlMap<int, string>", {1: "b", 2: "a", 3: None, 4: "b"})


def test_map_agg_fails_for_a_key_that_comes_twice() -> None:
    with pytest.raises(Exception, match="unique"):
        grouped("MAP_AGG(k, s)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SUM(s)", "SUM takes a number, not a value of type 'string'"),
        ("AVG(b)", "AVG takes a number"),
        ("STDEV(s)", "STDEV takes a number"),
        ("SUM(*)", "SUM does not take *"),
        ("COUNT()", "COUNT takes 1 argument, not 0"),
        ("MAP_AGG(s)", "MAP_AGG takes 2 arguments, not 1"),
        ("SUM(SUM(i))", "the aggregate SUM is not valid here"),
        ("MIN(ARRAY_AGG(i))", "not valid here"),
        ("MAX(new SqlArray<int>())", "MAX cannot compare values of type"),
    ],
)
def test_an_aggregate_that_does_not_fit_is_an_error(text: str, words: str) -> None:
    assert words in error(text)


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_an_aggregate_is_an_error_where_none_may_stand(name: str) -> None:
    arguments = "i, s" if name == "MAP_AGG" else "i"
    assert f"the aggregate {name} is not valid here" in error(
        f"{name}({arguments}) == null", aggregates=False
    )
    assert bound(f"{name}({arguments})").constant is False
