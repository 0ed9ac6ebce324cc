"""Date functions, by the documentation's own examples, at the edges and in other zones."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from tests.unit.emulator.sql.expressions import Session, context


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


NEW_YORK = context("America/New_York")
MILLIS = "to_date('2018-06-04 19:33:23.%d', 'yyyy-MM-dd hh:mi:ss.ff3')"


def dt(text: str) -> str:
    return f"cast('{text}' as datetime)"


def ts(text: str) -> str:
    return f"cast('{text}' as timestamp)"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (f"dateadd({dt('2005-02-28 00:00:00')}, 1, 'dd')", "2005-03-01 00:00:00"),
        (f"dateadd({dt('2005-02-28 00:00:00')}, -1, 'dd')", "2005-02-27 00:00:00"),
        (f"dateadd({dt('2005-02-28 00:00:00')}, 20, 'mm')", "2006-10-28 00:00:00"),
        (f"dateadd({dt('2005-02-28 00:00:00')}, 1, 'mm')", "2005-03-28 00:00:00"),
        (f"dateadd({dt('2005-01-29 00:00:00')}, 1, 'mm')", "2005-02-28 00:00:00"),
        (f"dateadd({dt('2005-03-30 00:00:00')}, -1, 'mm')", "2005-02-28 00:00:00"),
        (f"dateadd({dt('2024-02-29 12:00:00')}, 1, 'yyyy')", "2025-02-28 12:00:00"),
        (f"dateadd({dt('2024-02-29 12:00:00')}, 1, 'quarter')", "2024-05-29 12:00:00"),
        (f"dateadd({dt('2024-02-29 12:00:00')}, 2, 'week')", "2024-03-14 12:00:00"),
        (f"dateadd({dt('2024-02-29 23:59:59')}, 1, 'ss')", "2024-03-01 00:00:00"),
        (f"dateadd({dt('2024-02-29 23:59:59')}, 1, 'MI')", "2024-03-01 00:00:59"),
        (f"dateadd({dt('2024-02-29 23:59:59')}, 1, 'hour')", "2024-03-01 00:59:59"),
        ("dateadd(date '2005-02-28', 1, 'dd')", "2005-03-01"),
        ("dateadd(date '2005-01-31', 1, 'month')", "2005-02-28"),
        (f"dateadd({ts('2005-01-31 10:00:00.123456789')}, 1, 'month')", "2005-02-28 10:00:00.123456789"),
        (f"dateadd({ts('1960-01-31 10:00:00.123456789')}, 1, 'ff6')", "1960-01-31 10:00:00.123457789"),
        (f"dateadd({dt('2005-02-28 00:00:00')}, null, 'dd')", None),
        ("dateadd(null, 1, 'dd')", None),
        (f"datetrunc({dt('2011-12-07 16:28:46')}, 'yyyy')", "2011-01-01 00:00:00"),
        (f"datetrunc({dt('2011-12-07 16:28:46')}, 'month')", "2011-12-01 00:00:00"),
        (f"datetrunc({dt('2011-12-07 16:28:46')}, 'DD')", "2011-12-07 00:00:00"),
        (f"datetrunc({dt('2011-12-07 16:28:46')}, 'hh')", "2011-12-07 16:00:00"),
        (f"datetrunc({dt('2011-12-07 16:28:46')}, 'q')", "2011-10-01 00:00:00"),
        (f"datetrunc({ts('2011-12-07 16:28:46.987654321')}, 'ff3')", "2011-12-07 16:28:46.987"),
        ("datetrunc(date '2011-12-07', 'month')", "2011-12-01"),
        (f"lastday({dt('2024-02-10 05:06:07')})", "2024-02-29 00:00:00"),
        ("to_date('Alibaba 2010-12*03', 'Alibaba yyyy-mm*dd')", "2010-12-03 00:00:00"),
        ("to_date('20080718', 'yyyymmdd')", "2008-07-18 00:00:00"),
        ("to_date('200807182030', 'yyyymmddhhmi')", "2008-07-18 20:30:00"),
        ("to_date('1234-2234', 'yyyy-yyyy')", None),
        ("to_date('2008718', 'yyyymmdd')", None),
        ("to_date('Alibaba 2010-12*3', 'Alibaba yyyy-mm*dd')", None),
        ("to_date('2010-24-01', 'yyyy')", None),
        ("to_date('20081332', 'yyyymmdd')", None),
        ("to_date('20080718', 'mmdd')", None),
        ("to_date(20250112, 'yyyymmdd')", "2025-01-12 00:00:00"),
        ("to_date('2025-09-24T13:39:34.119Z', 'yyyy-MM-ddThh:mi:ss.ff3Z')", "2025-09-24 13:39:34"),
        ("to_date('20181030 15-13-12.345', 'yyyymmdd hh-mi-ss.ff3')", "2018-10-30 15:13:12"),
        ("to_date('2020-05-06')", "2020-05-06"),
        ("to_date(null, 'yyyymmdd')", None),
        (f"to_char({dt('2010-12-03 00:00:00')}, 'Alibaba Cloud yyyy-mm*dd')", "Alibaba Cloud 2010-12*03"),
        (f"to_char({dt('2008-07-18 00:00:00')}, 'yyyymmdd')", "20080718"),
        (f"to_char({dt('2008-07-18 10:11:12')}, 'HH:MI:SS 100%')", "10:11:12 100%"),
        (f"to_char({ts('2008-07-18 10:11:12.345678')}, 'ff3')", "345"),
        ("from_unixtime(123456789)", "1973-11-30 05:33:09"),
        ("from_unixtime(null)", None),
        ("from_utc_timestamp(0, 'Asia/Shanghai')", "1970-01-01 16:00:00"),
        ("from_utc_timestamp(1230000, 'Etc/GMT')", "1970-01-01 08:20:30"),
        ("from_utc_timestamp(-1230000, 'Etc/GMT')", "1970-01-01 07:39:30"),
        ("from_utc_timestamp('1970/01/30', 'PST')", None),
        ("date_add(cast('2005-02-28 00:00:00' as datetime), 1)", "2005-03-01"),
        ("date_add(date '2005-02-28', -1)", "2005-02-27"),
        ("date_add('2005-02-28 00:00:00', 20)", "2005-03-20"),
        ("date_sub(date '2005-03-01', 1)", "2005-02-28"),
        ("add_months('2017-02-14', 3)", "2017-05-14"),
        ("add_months('17-2-14', 3)", "0017-05-14"),
        ("add_months('2017-02-14 21:30:00', 3)", "2017-05-14"),
        ("add_months('20170214', 3)", None),
        ("last_day('2017-03-04')", "2017-03-31"),
        ("last_day('2017-07-04 11:40:00')", "2017-07-31"),
        ("last_day('20170304')", None),
        ("next_day('2017-08-01', 'TU')", "2017-08-08"),
        ("next_day('2017-08-01 23:34:00', 'TU')", "2017-08-08"),
        ("next_day('2017-08-01', 'Friday')", "2017-08-04"),
        ("next_day('20170801', 'TU')", None),
        ("next_day('2017-08-01', 'xx')", None),
        (
            f"date_format({ts('2024-02-29 13:04:05.678')}, 'yyyy-MM-dd hh:mi:ss.SSS')",
            "2024-02-29 13:04:05.678",
        ),
        (f"date_format({dt('2024-02-29 13:04:05')}, 'yyyy-MM-dd HH:mm:ss')", "2024-02-29 13:02:05"),
        ("date_format('2024-02-29', 'yyyymm')", "202402"),
        ("date_format('2024/02/29', 'yyyymm')", None),
        ("from_utc_timestamp(1501557840000, 'PST')", "2017-08-01 04:24:00"),
        ("from_utc_timestamp('1970-01-30 16:00:00', 'PST')", "1970-01-30 08:00:00"),
        ("from_utc_timestamp('1970-01-30', 'PST')", "1970-01-29 16:00:00"),
        ("to_utc_timestamp('1970-01-30 08:00:00', 'PST')", "1970-01-30 16:00:00"),
        ("getdate()", "2024-03-01 04:30:15"),
        ("now()", "2024-03-01 04:30:15"),
        ("current_timestamp()", "2024-03-01 04:30:15.123456"),
        ("current_date()", "2024-03-01"),
        ("to_timestamp('2024-03-01 04:30:15.5')", "2024-03-01 04:30:15.5"),
    ],
)
def test_dates_are_those_of_the_documentation(sql: Session, call: str, expected: str | None) -> None:
    assert sql.checked(f"cast({call} as string)")[0] == expected


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        (f"datediff({dt('2006-01-01 00:00:00')}, {dt('2005-12-31 23:59:59')}, '{unit}')", 1, "bigint")
        for unit in ("dd", "mm", "yyyy", "hh", "mi", "ss")
    ]
    + [
        (f"datediff({dt('2013-05-31 13:00:00')}, '2013-05-31 12:30:00', 'ss')", 1800, "bigint"),
        (f"datediff({dt('2013-05-31 13:00:00')}, '2013-05-31 12:30:00', 'mi')", 30, "bigint"),
        (f"datediff({MILLIS % 250}, {MILLIS % 234}, 'ff3')", 16, "bigint"),
        ("datediff(date '2024-03-01', date '2024-02-28')", 2, "bigint"),
        (f"datediff(date '2024-03-01', {dt('2024-02-28 23:00:00')}, 'hh')", 25, "bigint"),
        (f"datediff({dt('2024-03-01 00:00:00')}, null, 'dd')", None, "bigint"),
        (f"datepart({dt('2013-06-08 01:10:00')}, 'yyyy')", 2013, "bigint"),
        (f"datepart({dt('2013-06-08 01:10:00')}, 'mm')", 6, "bigint"),
        (f"datepart({ts('2013-06-08 01:10:02.345')}, 'ff3')", 345, "bigint"),
        (f"datepart({ts('2013-06-08 01:10:02.345')}, 'ss')", 2, "bigint"),
        (f"unix_timestamp({dt('2009-03-20 11:11:00')})", 1237518660, "bigint"),
        (f"unix_timestamp({ts('1969-12-31 23:59:59.5')})", -28801, "bigint"),
        (f"weekday({dt('2024-02-26 00:00:00')})", 0, "bigint"),
        (f"weekday({dt('2024-03-03 00:00:00')})", 6, "bigint"),
        ("weekofyear(to_date('20141229', 'yyyymmdd'))", 1, "bigint"),
        ("weekofyear(to_date('20141231', 'yyyymmdd'))", 1, "bigint"),
        ("weekofyear(to_date('20151229', 'yyyymmdd'))", 53, "bigint"),
        ("year('1970-01-01 12:30:00')", 1970, "int"),
        ("year('70-01-01')", 70, "int"),
        ("year('1970/03/09')", None, "int"),
        ("quarter('1970-11-12 10:00:00')", 4, "int"),
        ("quarter('1970-11-12')", 4, "int"),
        ("month('2014-09-01')", 9, "int"),
        ("month('20140901')", None, "int"),
        ("day('2014-09-01')", 1, "int"),
        ("day('20140901')", None, "int"),
        ("dayofmonth('2014-09-01')", 1, "int"),
        ("dayofweek(date '2024-03-03')", 1, "int"),
        ("dayofyear(date '2024-03-01')", 61, "int"),
        ("hour('2014-09-01 12:00:00')", 12, "int"),
        ("hour('12:00:00')", 12, "int"),
        ("hour('20140901120000')", None, "int"),
        ("minute('2014-09-01 12:30:00')", 30, "int"),
        ("minute('12:30:00')", 30, "int"),
        ("second('2014-09-01 12:30:45')", 45, "int"),
        ("second('12:30:45')", 45, "int"),
        ("extract(year from '2019-05-01 11:21:00')", 2019, "int"),
        ("extract(minute from '2019-05-01 11:21:00')", 21, "int"),
        ("months_between('1997-02-28 10:30:00', '1996-10-30')", 3.9495967741935485, "double"),
        ("months_between('1996-10-30', '1997-02-28 10:30:00')", -3.9495967741935485, "double"),
        ("months_between('1996-09-30', '1996-12-31')", -3.0, "double"),
        ("isdate('1234-yyyy', 'yyyy-yyyy')", True, "boolean"),
        ("isdate('20081332', 'yyyymmdd')", False, "boolean"),
        ("isdate(null, 'yyyymmdd')", None, "boolean"),
    ],
)  # fmt: skip
def test_parts_and_differences_are_those_of_the_documentation(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


def test_a_timestamp_keeps_its_nanoseconds_through_calendar_arithmetic(sql: Session) -> None:
    call = f"dateadd({ts('1960-01-31 10:00:00.123456789')}, 1, 'month')"
    assert sql.text(call) == "1960-02-29 10:00:00.123456789"


def test_days_are_those_of_the_sessions_zone(sql: Session) -> None:
    assert sql.value("day(from_unixtime(1709236800))", NEW_YORK) == 29
    assert sql.value("day(from_unixtime(1709236800))", context("Asia/Shanghai")) == 1


def test_historic_offsets_are_kept_to_the_second(sql: Session) -> None:
    assert str(sql.value(dt("1900-01-01 00:00:00"))) == "1899-12-31 15:54:17"
    assert sql.text(dt("1900-01-01 00:00:00")) == "1900-01-01 00:00:00"


def test_adding_a_day_keeps_the_clock_when_it_changes(sql: Session) -> None:
    assert sql.text(f"dateadd({dt('2024-03-09 12:00:00')}, 1, 'dd')", NEW_YORK) == "2024-03-10 12:00:00"
    assert (
        sql.value(f"datediff({dt('2024-03-10 12:00:00')}, {dt('2024-03-09 12:00:00')}, 'hh')", NEW_YORK) == 23
    )


def test_adding_hours_passes_through_the_repeated_hour(sql: Session) -> None:
    call = f"dateadd({dt('2024-11-03 00:30:00')}, {{}}, 'hh')"
    texts = [sql.text(call.format(hours), NEW_YORK) for hours in (1, 2, 3)]
    assert texts == ["2024-11-03 01:30:00", "2024-11-03 01:30:00", "2024-11-03 02:30:00"]


def test_cutting_at_the_hour_stays_in_the_same_repeated_hour(sql: Session) -> None:
    second = f"dateadd({dt('2024-11-03 00:30:00')}, 2, 'hh')"
    assert (
        sql.value(f"unix_timestamp({second}) - unix_timestamp(datetrunc({second}, 'hh'))", NEW_YORK) == 1800
    )


@pytest.mark.parametrize(
    "call",
    [
        "dateadd('2020-1-1', 1, 'dd')",
    ],
)
def test_a_text_of_another_form_fails_the_query(sql: Session, call: str) -> None:
    import duckdb

    with pytest.raises(duckdb.ConversionException):
        sql.value(call)


@pytest.mark.parametrize(
    "call",
    [
        f"dateadd({dt('2020-01-01 00:00:00')}, 1, 'xx')",
        f"datepart({dt('2020-01-01 00:00:00')}, concat('d', 'd'))",
        "dateadd(1, 1, 'dd')",
        "weekday(true)",
        "from_unixtime(1, 'yyyy')",
        "datediff(date '2020-01-01')",
        f"dateadd({dt('2020-01-01 00:00:00')}, 1.5, 'dd')",
    ],
)
def test_what_the_function_does_not_take_is_refused_before_it_runs(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        sql.value(call)


def test_getdate_is_the_statements_time(sql: Session) -> None:
    assert sql.value("getdate() = getdate()")
    assert sql.type("getdate()") == "datetime"


def test_dates_are_days_without_zone(sql: Session) -> None:
    assert sql.value("date '2024-03-10'", NEW_YORK) == date(2024, 3, 10)


def test_hive_mode_formats_dates_like_java(sql: Session) -> None:
    hive = context(odps__sql__hive__compatible="true")
    call = "date_format(cast('2024-02-29 13:04:05' as datetime), '{}')"
    assert sql.value(call.format("yyyy/M/d h:mm a"), hive) == "2024/2/29 1:04 PM"
    assert sql.value("date_format('2022-04-24', 'yyyy-MM-dd')", hive) == "2022-04-24"
    assert sql.value("date_format('2022-04-24', \"yyyy'year'\")", hive) == "2022year"
    with pytest.raises(SqlError, match="'QQ'"):
        sql.value("date_format('2020-01-01', 'yyyy-QQ')", hive)


def test_hive_mode_writes_unix_times_as_text(sql: Session) -> None:
    hive = context(odps__sql__hive__compatible="true")
    assert sql.value("from_unixtime(123456789)", hive) == "1973-11-30 05:33:09"
    assert sql.value("from_unixtime(123456789, 'yyyy-MM-dd HH:mm')", hive) == "1973-11-30 05:33"
    assert sql.type("from_unixtime(1)", hive) == "string"
