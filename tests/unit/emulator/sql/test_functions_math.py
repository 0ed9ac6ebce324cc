"""Mathematical functions, by the documentation's own examples and at the edges."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from tests.unit.emulator.sql.expressions import Session


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        ("abs(null)", None, "double"),
        ("abs(-1)", 1, "int"),
        ("abs(-1L)", 1, "bigint"),
        ("abs(-1.2)", 1.2, "double"),
        ("abs('-2')", 2.0, "double"),
        ("abs(122320837456298376592387456923748)", 1.2232083745629837e32, "double"),
        ("abs(-1.50BD)", Decimal("1.50"), "decimal(3,2)"),
        ("acos('0.87')", 0.5155940062460905, "double"),
        ("acos(0)", 1.5707963267948966, "double"),
        ("asin(1)", 1.5707963267948966, "double"),
        ("asin(-1)", -1.5707963267948966, "double"),
        ("atan(1)", 0.7853981633974483, "double"),
        ("atan2(1, 1)", 0.7853981633974483, "double"),
        ("ceil(1.1)", 2, "bigint"),
        ("ceil(-1.1)", -1, "bigint"),
        ("ceil(1.1BD)", 2, "bigint"),
        ("ceil(5)", 5, "bigint"),
        ("floor(1.9)", 1, "bigint"),
        ("floor(-0.1)", -1, "bigint"),
        ("floor(-0.0)", 0, "bigint"),
        ("floor('-1.2')", -2, "bigint"),
        ("conv('1100', 2, 10)", "12", "string"),
        ("conv('1100', 2, 16)", "c", "string"),
        ("conv('ab', 16, 10)", "171", "string"),
        ("conv('ab', 16, 16)", "ab", "string"),
        ("conv(null, 16, 16)", None, "string"),
        ("cos(3.1415926 / 2)", 2.6794896585028633e-8, "double"),
        ("cos(3.1415926)", -0.9999999999999986, "double"),
        ("exp(1)", 2.718281828459045, "double"),
        ("ln(e())", 1.0, "double"),
        ("ln(null)", None, "double"),
        ("ln(0)", None, "double"),
        ("ln(-1)", None, "double"),
        ("log(1, 8)", None, "double"),
        ("log(2, 0)", None, "double"),
        ("sqrt(-1)", None, "double"),
        ("sqrt(0)", 0.0, "double"),
        ("acos(2)", None, "double"),
        ("asin(-1.5)", None, "double"),
        ("log(2, 8)", 3.0, "double"),
        ("log(null, 8)", None, "double"),
        ("log2(8)", 3.0, "double"),
        ("log2(0)", None, "double"),
        ("log10(8)", 0.9030899869919435, "double"),
        ("log10(0)", None, "double"),
        ("pow(2, 3)", 8.0, "double"),
        ("power(2, 0.5)", 1.4142135623730951, "double"),
        ("round(125.315)", 125.0, "double"),
        ("round(125.315, 0)", 125.0, "double"),
        ("round(125.315, 1)", 125.3, "double"),
        ("round(125.315, 2)", 125.32, "double"),
        ("round(125.315, 3)", 125.315, "double"),
        ("round(-125.315, 2)", -125.32, "double"),
        ("round(123.345, -2)", 100.0, "double"),
        ("round(null)", None, "double"),
        ("round(123.345, 4)", 123.345, "double"),
        ("round(123.345, -4)", 0.0, "double"),
        ("round(2.5)", 3.0, "double"),
        ("round(-2.5)", -3.0, "double"),
        ("round(9.99BD, 1)", Decimal("10.00"), "decimal(4,2)"),
        ("round(1.25BD, 5)", Decimal("1.25"), "decimal(3,2)"),
        ("round(15BD, -1)", Decimal(20), "decimal(3,0)"),
        ("bround(2.5)", 2.0, "double"),
        ("bround(3.5)", 4.0, "double"),
        ("trunc(125.815)", 125.0, "double"),
        ("trunc(125.815, 0)", 125.0, "double"),
        ("trunc(125.815, 1)", 125.80000000000001, "double"),
        ("trunc(125.815, 2)", 125.81, "double"),
        ("trunc(125.815, 3)", 125.815, "double"),
        ("trunc(-125.815, 2)", -125.81, "double"),
        ("trunc(125.815, -1)", 120.0, "double"),
        ("trunc(125.815, -2)", 100.0, "double"),
        ("trunc(125.815, -3)", 0.0, "double"),
        ("trunc(123.345, 4)", 123.345, "double"),
        ("trunc(123.345, -4)", 0.0, "double"),
        ("trunc(1.99BD, 1)", Decimal("1.90"), "decimal(4,2)"),
        ("sqrt(4)", 2.0, "double"),
        ("sqrt(null)", None, "double"),
        ("cbrt(8)", 2.0, "double"),
        ("sinh(0)", 0.0, "double"),
        ("tanh(0)", 0.0, "double"),
        ("cot(1.0)", 0.6420926159343306, "double"),
        ("radians(90)", 1.5707963267948966, "double"),
        ("degrees(1.5707963267948966)", 90.0, "double"),
        ("sign(-2.5)", -1.0, "double"),
        ("sign(0)", 0.0, "double"),
        ("sign(2.5BD)", 1.0, "double"),
        ("e()", 2.718281828459045, "double"),
        ("pi()", 3.141592653589793, "double"),
        ("bin(0)", "0", "string"),
        ("bin(null)", None, "string"),
        ("bin(12)", "1100", "string"),
        ("factorial(5)", 120, "bigint"),
        ("factorial(20)", 2432902008176640000, "bigint"),
        ("factorial(21)", None, "bigint"),
        ("factorial(-1)", None, "bigint"),
        ("shiftleft(1, 2)", 4, "int"),
        ("shiftleft(4L, 3)", 32, "bigint"),
        ("shiftleft(1, 31)", -2147483648, "int"),
        ("shiftleft(1, 33)", 2, "int"),
        ("shiftright(4, 2)", 1, "int"),
        ("shiftright(32, 3)", 4, "int"),
        ("shiftright(-14, 2)", -4, "int"),
        ("shiftrightunsigned(8, 2)", 2, "int"),
        ("shiftrightunsigned(-14, 2)", 1073741820, "int"),
        ("shiftrightunsigned(-14L, 60)", 15, "bigint"),
        ("pmod(-7, 3)", 2, "int"),
        ("pmod(7.5, 2)", 1.5, "double"),
        ("pmod(7, 0)", None, "int"),
        ("negative(3)", -3, "int"),
        ("positive(-3)", -3, "int"),
        ("isnan(cast('nan' as double))", True, "boolean"),
        *((f"width_bucket({value}, 100, 500, 5)", bucket, "bigint") for value, bucket in
          ((99, 0), (100, 1), (199, 2), (200, 2), (499, 5), (500, 6), (501, 6), ("null", None))),
        ("greatest(1, 3.5, 2)", 3.5, "double"),
        ("greatest(1, null)", 1, "int"),
        ("greatest('5', 10)", 10.0, "double"),
        ("least(5, 2, 7)", 2, "int"),
        ("least(5, null)", None, "int"),
        ("ordinal(3, 1, 3, 7, 5, 2, 4, 6)", 3, "int"),
        ("ordinal(1, 1, null)", None, "int"),
    ],
)  # fmt: skip
def test_numbers_are_those_of_the_documentation(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


@pytest.mark.parametrize(
    "call",
    [
        "conv('-1', 10, 2)",
        "conv('12', 2, 10)",
        "conv('12', 3, 10)",
        "conv('ffffffffffffffff1', 16, 10)",
        "abs(-9223372036854775807 - 1)",
        "ceil(1e300)",
        "width_bucket(1, 5, 5, 2)",
    ],
)
def test_a_value_out_of_range_fails_the_query(sql: Session, call: str) -> None:
    import duckdb

    with pytest.raises(duckdb.Error):
        sql.value(call)


@pytest.mark.parametrize(
    "call",
    ["abs(true)", "round(1.5, 0.5)", "rand('a')", "sqrt(date '2020-01-01')", "pi(1)", "shiftleft(1.5, 1)"],
)
def test_what_the_function_does_not_take_is_refused_before_it_runs(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        sql.value(call)


def test_random_numbers_differ_by_row_and_are_drawn_once_each(sql: Session) -> None:
    values = sql.value("rand()", rows="SELECT 1 FROM range(100)")
    assert len(set(values)) == 100
    assert all(0 <= v < 1 for v in values)
    # An argument that the function's own expression repeats is still one number.
    assert set(sql.value("nvl2(nullif(pmod(rand(), 1.0), 5.0), 1, 0)", rows="SELECT 1 FROM range(100)")) == {
        1
    }
    drawn = "log(rand() + 1, pow(rand() + 1, 1))"
    assert len(set(sql.value(drawn, rows="SELECT 1 FROM range(100)"))) == 100
