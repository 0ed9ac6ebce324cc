"""Conversions: CAST, the implicit ones, literals and common types."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed, null, text
from airflow_provider_datalake.emulator.maxcompute.types import parse_type
from tests.unit.emulator.sql.expressions import Session, context


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


LENIENT = context(odps__sql__udf__strict__mode="false")
OLD_TYPES = context(odps__sql__type__system__odps2="false")
FULL_DATES = context(odps__sql__executionengine__enable__string__to__date__full__format="true")


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("1.6", "bigint", 1),
        ("-1.6", "bigint", -1),
        ("'1'", "bigint", 1),
        ("'1.6'", "bigint", 1),
        ("'1e3'", "bigint", 1000),
        ("'9223372036854775807'", "bigint", 9223372036854775807),
        ("'-9223372036854775808'", "bigint", -9223372036854775808),
        ("concat('12', '3.9')", "bigint", 123),
        ("concat('922337203685477580', '7')", "bigint", 9223372036854775807),
        ("2.5BD", "bigint", 2),
        ("-2.5BD", "int", -2),
        ("true", "bigint", 1),
        ("'1'", "double", 1.0),
        ("1", "decimal(10,2)", Decimal("1.00")),
        ("'12.345'", "decimal(10,2)", Decimal("12.35")),
        ("1.5", "float", 1.5),
        ("300", "smallint", 300),
        ("0", "boolean", False),
        ("2.5", "boolean", True),
        ("''", "boolean", False),
        ("'false'", "boolean", True),
        ("1", "string", "1"),
        ("1.0", "string", "1.0"),
        ("0.1", "string", "0.1"),
        ("1e20", "string", "1e20"),
        ("1e-7", "string", "1e-7"),
        ("cast('nan' as double)", "string", "NaN"),
        ("cast('-inf' as double)", "string", "-Infinity"),
        ("12.500BD", "string", "12.5"),
        ("12.000BD", "string", "12"),
        ("100BD", "string", "100"),
        ("true", "string", "true"),
        ("date '2020-01-02'", "string", "2020-01-02"),
        ("'abcdef'", "varchar(3)", "abc"),
        ("'ab  '", "char(3)", "ab"),
        ("'2022-12-20'", "date", date(2022, 12, 20)),
        ("'2022-12-20 00:01:01'", "date", None),
        ("'0001-01-01'", "date", date(1, 1, 1)),
        ("'äö'", "binary", "äö".encode()),
        ("cast('äö' as binary)", "string", "äö"),
        ("null", "bigint", None),
        ("null", "array<int>", None),
        ("array(1, null)", "array<string>", ["1", None]),
        ("array('1.5', null)", "array<bigint>", [1, None]),
        ("map(1, 2.5)", "map<string,bigint>", [("1", 2)]),
        ("named_struct('a', 1, 'b', '2')", "struct<x:string,y:bigint>", {"x": "1", "y": 2}),
        ("cast(null as struct<a:int>)", "struct<b:string>", None),
        ("'{\"a\": 1}'", "json", '"{\\"a\\": 1}"'),
        ("cast('abc' as json)", "string", "abc"),
        ("cast(12 as json)", "bigint", 12),
    ],
)  # fmt: skip
def test_cast_follows_the_documentation(sql: Session, source: str, target: str, expected: object) -> None:
    value, data_type = sql.checked(f"cast({source} as {target})")
    assert (value, str(data_type)) == (expected, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("'abc'", "bigint"),
        ("'1_000'", "bigint"),
        ("'0x10'", "bigint"),
        ("''", "bigint"),
        ("'123abc'", "double"),
        ("1e300", "bigint"),
        ("cast('nan' as double)", "bigint"),
        ("300", "tinyint"),
        ("'2020-1-1 00:00:00'", "datetime"),
        ("'2020-01-01'", "datetime"),
        ("'2020-01-01 00:00:00.5'", "datetime"),
        ("'2020-02-30 00:00:00'", "datetime"),
        ("'2020-01-01 24:00:01'", "datetime"),
        ("'2020-02-30'", "date"),
        ("'20200101'", "date"),
        ("'9999-01-01 00:00:00'", "timestamp"),
        ("123456BD", "decimal(4,1)"),
        ("unhex('ff')", "string"),
    ],
)
def test_a_value_that_does_not_convert_fails_the_query(sql: Session, source: str, target: str) -> None:
    import duckdb

    with pytest.raises(duckdb.Error):
        sql.value(f"cast({source} as {target})")
    if target != "timestamp":
        assert sql.value(f"cast({source} as {target})", LENIENT) is None


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("1", "datetime"),
        ("1.5", "timestamp"),
        ("true", "date"),
        ("date '2020-01-01'", "bigint"),
        ("array(1)", "string"),
        ("'a'", "array<string>"),
        ("named_struct('a', 1, 'b', 2)", "struct<a:string>"),
        ("array(date '2020-01-01')", "array<int>"),
        ("1", "binary"),
    ],
)
def test_a_conversion_that_does_not_exist_is_refused_before_it_runs(
    sql: Session, source: str, target: str
) -> None:
    with pytest.raises(SemanticError, match="cannot cast from"):
        sql.value(f"cast({source} as {target})")


def test_a_date_text_with_time_is_a_date_when_the_flag_says_so(sql: Session) -> None:
    assert sql.value("cast('2022-12-20 00:01:01' as date)", FULL_DATES) == date(2022, 12, 20)


def test_decimals_keep_their_zeros_when_the_flag_says_so(sql: Session) -> None:
    ctx = context(odps__sql__decimal__tostring__trimzero="false")
    rows = "SELECT CAST('12.34' AS DECIMAL(38, 3)) AS d"
    assert sql.value("cast(d as string)", ctx, rows=rows, d="decimal(38,3)") == "12.340"
    assert sql.value("cast(d as string)", rows=rows, d="decimal(38,3)") == "12.34"
    assert sql.value("cast(12.340BD as string)", ctx) == "12.34"


@pytest.mark.parametrize(
    ("literal", "data_type"),
    [
        ("1", "int"),
        ("2147483647", "int"),
        ("2147483648", "bigint"),
        ("-2147483648", "int"),
        ("-9223372036854775808", "bigint"),
        ("9223372036854775808", "double"),
        ("1L", "bigint"),
        ("1S", "smallint"),
        ("1Y", "tinyint"),
        ("1.5", "double"),
        ("1.5BD", "decimal(2,1)"),
        ("'a'", "string"),
        ("true", "boolean"),
    ],
)
def test_literals_have_their_types(sql: Session, literal: str, data_type: str) -> None:
    assert sql.type(literal) == data_type


def test_integers_are_bigint_in_the_old_type_edition(sql: Session) -> None:
    assert sql.type("1", OLD_TYPES) == "bigint"


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("int", "bigint"), "bigint"),
        (("tinyint", "smallint", "int"), "int"),
        (("bigint", "double"), "double"),
        (("int", "float"), "double"),
        (("bigint", "decimal(10,2)"), "decimal(21,2)"),
        (("decimal(10,2)", "decimal(5,4)"), "decimal(12,4)"),
        (("decimal(10,2)", "double"), "double"),
        (("string", "bigint"), "string"),
        (("varchar(3)", "string"), "string"),
        (("void", "date"), "date"),
        (("void", "void"), "void"),
        (("date", "datetime"), "datetime"),
        (("datetime", "timestamp"), "timestamp"),
        (("array<int>", "array<bigint>"), "array<bigint>"),
        (("struct<a:int>", "struct<a:string>"), "struct<a:string>"),
    ],
)
def test_branches_have_a_common_type(types: tuple[str, ...], expected: str) -> None:
    assert str(casts.common_type(map(parse_type, types))) == expected
    assert str(casts.common_type(map(parse_type, reversed(types)))) == expected


@pytest.mark.parametrize(
    "types", [("boolean", "int"), ("boolean", "string"), ("date", "int"), ("array<int>", "int")]
)
def test_branches_without_a_common_type_are_refused(types: tuple[str, str]) -> None:
    with pytest.raises(SemanticError, match="no common type"):
        casts.common_type(map(parse_type, types))


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("int", "bigint", True),
        ("bigint", "int", False),
        ("bigint", "string", True),
        ("bigint", "double", True),
        ("double", "bigint", False),
        ("double", "decimal(38,18)", True),
        ("string", "double", True),
        ("string", "bigint", False),
        ("string", "datetime", False),
        ("datetime", "string", True),
        ("datetime", "timestamp", True),
        ("timestamp", "datetime", False),
        ("boolean", "string", False),
        ("binary", "string", False),
        ("struct<a:bigint,b:int>", "struct<col1:string,col2:bigint>", True),
        ("struct<a:bigint,b:int>", "struct<a:string>", False),
        ("array<int>", "array<string>", True),
    ],
)
def test_implicit_conversions_are_those_of_the_table(source: str, target: str, allowed: bool) -> None:
    assert casts.has_implicit(parse_type(source), parse_type(target), context()) is allowed


def test_coerce_refuses_what_only_cast_does() -> None:
    value = text("1")
    with pytest.raises(SemanticError, match="use CAST"):
        casts.coerce(value, parse_type("bigint"), context())
    assert casts.coerce(null(), parse_type("bigint"), context()).type == parse_type("bigint")


def _round_trip(sql: Session, literal: str, data_type: str, zone: str = "Asia/Shanghai") -> str | None:
    value = Typed(text(literal).expr, parse_type("string"), constant=True)
    ctx = context(zone)
    there = casts.cast(value, parse_type(data_type), ctx)
    back = casts.cast(there, parse_type("string"), ctx)
    return sql.connection.execute(f"SELECT {back.sql()}").fetchall()[0][0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(-(2**63), 2**63 - 1))
def test_integers_round_trip_through_text(sql: Session, number: int) -> None:
    assert _round_trip(sql, str(number), "bigint") == str(number)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_round_trip_through_text(sql: Session, number: float) -> None:
    result = _round_trip(sql, repr(number), "double")
    assert float(str(result)) == number


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda d: d.replace(microsecond=0)),
    zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC", "Asia/Kolkata"]),
)
def test_datetimes_round_trip_through_text(sql: Session, moment: datetime, zone: str) -> None:
    clock = ZoneInfo(zone)
    utc = ZoneInfo("UTC")
    exists = moment.replace(tzinfo=clock).astimezone(utc).astimezone(clock).replace(tzinfo=None) == moment
    literal = moment.isoformat(" ")
    if exists:
        assert _round_trip(sql, literal, "datetime", zone) == literal


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1)),
    nanos=st.integers(0, 999),
)
def test_timestamps_round_trip_with_nanoseconds(sql: Session, moment: datetime, nanos: int) -> None:
    literal = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}{nanos:03d}"
    if moment.year < 1000:
        literal = literal.rjust(29, "0")
    expected = literal.rstrip("0").rstrip(".") if "." in literal else literal
    assert _round_trip(sql, literal, "timestamp") == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
def test_the_instant_of_a_text_is_that_of_the_zone(sql: Session, moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    instant = sql.value(f"cast('{moment.isoformat(' ')}' as datetime)")
    aware = moment.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    expected = (aware - aware.utcoffset()).replace(tzinfo=None) if moment.year > 1 else instant
    # In a repeated hour the first one is meant, and a skipped one is moved on, as Python does with fold=0.
    assert abs(instant - expected) <= timedelta(hours=1)
    if moment.year > 1992:
        assert instant == expected
