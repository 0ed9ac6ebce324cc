"""Operators: conversions, result types, NULL and the edges of the types."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from tests.unit.emulator.sql.expressions import Session


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


@pytest.mark.parametrize(
    ("expression", "expected", "data_type"),
    [
        ("1 + 1", 2, "int"),
        ("1 + 2L", 3, "bigint"),
        ("1 + 2.5", 3.5, "double"),
        ("'1' + 2", 3.0, "double"),
        ("1 + null", None, "double"),
        ("2 - 5", -3, "int"),
        ("3 * 4", 12, "int"),
        ("7 / 2", 3.5, "double"),
        ("6 / 2", 3.0, "double"),
        ("1 / 0", None, "double"),
        ("1.5 / 0", None, "double"),
        ("7 DIV 2", 3, "bigint"),
        ("-7 DIV 2", -3, "bigint"),
        ("7.9 DIV 2", 3, "bigint"),
        ("7 DIV 0", None, "bigint"),
        ("7 % 3", 1, "int"),
        ("-7 % 3", -1, "int"),
        ("7.5 % 2", 1.5, "double"),
        ("7 % 0", None, "int"),
        ("7.5 % 0", None, "double"),
        ("-(3)", -3, "int"),
        ("- -3", 3, "int"),
        ("1.5BD + 2", Decimal("3.5"), "decimal(12,1)"),
        ("1.5BD - 2.25BD", Decimal("-0.75"), "decimal(4,2)"),
        ("1.5BD * 2.25BD", Decimal("3.375"), "decimal(6,3)"),
        ("1BD / 3BD", Decimal("0.333333"), "decimal(7,6)"),
        ("2BD / 3BD", Decimal("0.666666"), "decimal(7,6)"),
        ("1BD / 0BD", None, "decimal(7,6)"),
        ("7.5BD % 2BD", Decimal("1.5"), "decimal(2,1)"),
        ("1.5BD + 1.0", 2.5, "double"),
        ("-1.5BD", Decimal("-1.5"), "decimal(2,1)"),
        ("1 = 1.0", True, "boolean"),
        ("'1' = 1", True, "boolean"),
        ("'1.0' = 1", True, "boolean"),
        ("'10' > 9", True, "boolean"),
        ("'10' > '9'", False, "boolean"),
        ("1.5BD > 1", True, "boolean"),
        ("9007199254740993 = 9007199254740992", False, "boolean"),
        ("cast('2020-01-01 00:00:00' as datetime) = '2020-01-01 00:00:00'", True, "boolean"),
        ("date '2020-01-02' > '2020-01-01'", True, "boolean"),
        ("date '2020-01-01' = cast('2020-01-01 00:00:00' as datetime)", True, "boolean"),
        ("null = null", None, "boolean"),
        ("null <=> null", True, "boolean"),
        ("1 <=> null", False, "boolean"),
        ("1 <> 2", True, "boolean"),
        ("true and null", None, "boolean"),
        ("false and null", False, "boolean"),
        ("true or null", True, "boolean"),
        ("not null", None, "boolean"),
        ("1 = 1 and not 2 = 3 or false", True, "boolean"),
        ("null is null", True, "boolean"),
        ("1 is not null", True, "boolean"),
        ("(1 = 2) is false", True, "boolean"),
        ("null is true", False, "boolean"),
        ("2 between 1 and 3", True, "boolean"),
        ("'2' between 1 and 10", True, "boolean"),
        ("null between 1 and 3", None, "boolean"),
        ("2 not between 1 and 3", False, "boolean"),
        ("1 in (1, 2)", True, "boolean"),
        ("3 in (1, null)", None, "boolean"),
        ("'1' in (1, 2)", True, "boolean"),
        ("1 in ('x2', '1.0')", None, "error"),
        ("2 not in (1, 3)", True, "boolean"),
        ("'a' || 'b' || 1", "ab1", "string"),
        ("'a' || null", None, "string"),
        ("'abc' like 'a%'", True, "boolean"),
        ("'abc' like 'a_'", False, "boolean"),
        ("'a%c' like 'a\\\\%c'", True, "boolean"),
        ("'abc' like 'a\\\\%c'", False, "boolean"),
        ("'a%c' like 'a#%c' escape '#'", True, "boolean"),
        ("'abc' not like 'b%'", True, "boolean"),
        ("null like 'a'", None, "boolean"),
        ("'aBc' like 'ab%'", False, "boolean"),
        ("5 & 3", 1, "int"),
        ("5L | 3", 7, "bigint"),
        ("5 ^ 1", 4, "int"),
        ("~5", -6, "int"),
    ],
)  # fmt: skip
def test_operators_have_the_services_values_and_types(
    sql: Session, expression: str, expected: object, data_type: str
) -> None:
    if data_type == "error":
        import duckdb

        with pytest.raises(duckdb.ConversionException):
            sql.value(expression)
        return
    value, actual = sql.checked(expression)
    assert (value, str(actual)) == (expected, data_type)


def test_products_of_wide_decimals_are_exact(sql: Session) -> None:
    expression = (
        "cast('123456789.123456789' as decimal(38,18)) * cast('987654321.987654321' as decimal(38,18))"
    )
    expected = Decimal("121932631356500531.347203169112635269")
    assert sql.typed(expression)[0] == expected
    assert sql.type(expression) == "decimal(38,18)"


def test_quotients_of_wide_decimals_are_cut(sql: Session) -> None:
    expression = "cast(2 as decimal(38,18)) / cast(3 as decimal(38,18))"
    assert sql.value(expression) == Decimal("0.666666666666666666")


@pytest.mark.parametrize(
    "expression",
    [
        "9223372036854775807 + 1",
        "-9223372036854775808 - 1",
        "9223372036854775807 * 2",
        "2147483647 + 1",
        "-(-9223372036854775808)",
        "cast('99999999999999999999' as decimal(38,18)) * cast('99999999999999999999' as decimal(38,18))",
        "'abc' + 1",
        "'abc' = 1",
    ],
)
def test_what_does_not_fit_fails_the_query(sql: Session, expression: str) -> None:
    import duckdb

    with pytest.raises(duckdb.Error):
        sql.value(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "true + 1",
        "date '2020-01-01' + 1",
        "array(1) + 1",
        "true = 1",
        "true = 'true'",
        "cast('2020-01-01 00:00:00' as datetime) > 1",
        "1 and true",
        "not 1",
        "1 like '1'",
        "'1' rlike 1",
        "1.5 & 1",
        "~'1'",
        "true || 'a'",
        "map(1, 2) = map(1, 2)",
        "1 in (true)",
        "-true",
        "array(1) = 1",
    ],
)
def test_types_that_an_operator_does_not_take_are_refused_before_it_runs(
    sql: Session, expression: str
) -> None:
    with pytest.raises(SqlError):
        sql.value(expression)


def test_operands_keep_their_grouping(sql: Session) -> None:
    assert sql.value("(1 + 2) * 3") == 9
    assert sql.value("2 * (3 - 4) * 5") == -10
    assert sql.value("10 - (4 - 3)") == 9
    assert sql.value("not (true and false)") is True
    assert sql.value("(1 = 1) = (2 = 3)") is False
    assert sql.value("7 - (1 - 2) % 4") == 8
    assert sql.value("-(2 + 3) * 2") == -10


def test_plain_columns_are_computed_natively(sql: Session) -> None:
    from tests.unit.emulator.sql.expressions import Evaluator, context

    bound = Evaluator(context(), {"a": "bigint", "b": "bigint", "d": "double"})
    assert bound.bind("a + b").sql() == "a + b"
    assert bound.bind("a > b and d < 1.5").sql() == "(a > b) AND (d < 1.5e0)"
    assert bound.bind("sum(a)").sql() == "CAST(SUM(a) AS BIGINT)"
    assert bound.bind("avg(d)").sql() == "AVG(d)"
    assert bound.bind("count(*)").sql() == "COUNT(*)"
