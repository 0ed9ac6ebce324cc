"""Constants, and expressions that are computed when a script is compiled."""

from __future__ import annotations

import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlglot import exp

from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.expressions import fold
from airflow_provider_datalake.usql.expressions.clock import frozen
from airflow_provider_datalake.usql.expressions.templates import may_fail, render
from tests.unit.usql.expressions.evaluation import bound


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2", 3),
        ('"a" + 1', "a1"),
        ("@v * 2", 10),
        ('string.Format("/out/{0:yyyy}.csv", new DateTime(2012, 1, 1))', "/out/2012.csv"),
        ("null", None),
        ("(int?)null", None),
        ("1.5m * 2", Decimal("3.0000000000")),
        ('Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e")', UUID("0f8fad5b-d9cb-469f-a165-70867728950e")),
        ("new DateTime(2012, 2, 15).AddDays(1)", datetime.datetime(2012, 2, 16)),
        ("new SqlArray<int>{1, 2}", [1, 2]),
        ('new SqlMap<string, int>{{"a", 1}}', {"a": 1}),
        ("new byte[]{1, 255}", b"\x01\xff"),
        ("'a'", 97),
        ("1 == 1 ? \"y\" : \"n\"", "y"),
        ('"a,b".Split(\',\')[1]', "b"),
        ("double.PositiveInfinity", float("inf")),
    ],
)  # fmt: skip
def test_a_constant_expression_has_a_value(text: str, value: object) -> None:
    assert fold(bound(text)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("i + 1", "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE: Expression cannot be constant folded."),
        ("Guid.NewGuid()", "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE: Expression cannot be constant folded."),
        ("DateTime.Now", "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE: Expression cannot be constant folded."),
        ("1 / 0", "Expression cannot be constant folded: Division by zero"),
        ('int.Parse("x")', "Expression cannot be constant folded: Input string was not in a correct format."),
        ("new DateTime(2012, 2, 30)", "un-representable DateTime"),
    ],
)
def test_what_has_no_constant_value_is_an_error(text: str, words: str) -> None:
    with pytest.raises(CompileError) as caught:
        fold(bound(text))
    assert words in str(caught.value.diagnostics[0])


def test_a_constant_use_of_a_member_is_written_as_its_value() -> None:
    assert bound("new DateTime(2012, 2, 15)").sql.sql("duckdb") == "CAST('2012-02-15 00:00:00' AS TIMESTAMP)"
    assert bound('"a".ToUpper()').sql.sql("duckdb") == "'A'"


def test_now_is_one_moment_while_a_script_is_compiled() -> None:
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
    with frozen(moment):
        first, second = bound("DateTime.Now"), bound("DateTime.UtcNow")
        today = bound("DateTime.Today")
    assert first.sql == second.sql
    assert "2020-01-02 03:04:05.678901" in first.sql.sql("duckdb")
    assert "2020-01-02 00:00:00" in today.sql.sql("duckdb")


def test_now_does_not_change_within_a_compilation_without_a_given_moment() -> None:
    with frozen():
        assert bound("DateTime.Now").sql == bound("DateTime.Now").sql


def test_a_long_value_is_computed_once_in_a_chain() -> None:
    text = "s" + ".Substring(0).Trim().ToUpper().PadLeft(2)" * 6
    assert len(bound(text).sql.sql("duckdb")) < 60_000


def test_a_value_that_changes_from_use_to_use_is_computed_once() -> None:
    sql = render("CASE WHEN :a = :a THEN 1 ELSE 0 END", a=exp.Uuid())
    assert sql.sql("duckdb").upper().count("UUID()") == 1


def test_equal_expressions_stay_equal() -> None:
    text = 's.Trim().ToUpper().Replace("a", "b").Substring(0, 1).PadLeft(3)'
    assert bound(text).sql == bound(text).sql


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i == 1", False),
        ('s == "x"', False),
        ("b && no", False),
        ("ni < 3", False),
        ("i IN (1, 2)", False),
        ('s LIKE "a%"', False),
        ("d > new DateTime(2012, 1, 1)", False),
        ("i + 1 > 2", True),
        ("10 / i > 2", True),
        ("s.Length > 2", True),
        ("(byte)i == 1", True),
        ("arr[0] == 1", True),
    ],
)
def test_it_is_known_what_may_fail(text: str, expected: bool) -> None:
    assert may_fail(bound(text).sql) is expected
