"""Members of ``DateTime``. A DateTime is an instant without a zone, in microseconds; C#'s ticks end in 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.clock import job_start
from airflow_provider_datalake.usql.expressions.failures import unsupported
from airflow_provider_datalake.usql.expressions.folding import fold, literal
from airflow_provider_datalake.usql.expressions.members.exact_dates import parsed_exactly
from airflow_provider_datalake.usql.expressions.members.registry import (
    ANY,
    BOOL,
    DATETIME,
    DOUBLE,
    INT,
    LONG,
    STRING,
    TIMESPAN,
    Lowering,
    Member,
    enum,
    failing_if,
    method,
    prop,
    static,
)
from airflow_provider_datalake.usql.expressions.texts import formatted_date

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_D = "DateTime"
_UNREPRESENTABLE = "Year, Month, and Day parameters describe an un-representable DateTime."
_KIND = enum("DateTimeKind")
_DAY = 86_400_000_000
_UNITS = {
    "AddDays": _DAY,
    "AddHours": 3_600_000_000,
    "AddMinutes": 60_000_000,
    "AddSeconds": 1_000_000,
    "AddMilliseconds": 1_000,
}
_PARTS = {
    "Year": "EXTRACT(YEAR FROM :s)",
    "Month": "EXTRACT(MONTH FROM :s)",
    "Day": "EXTRACT(DAY FROM :s)",
    "Hour": "EXTRACT(HOUR FROM :s)",
    "Minute": "EXTRACT(MINUTE FROM :s)",
    "DayOfYear": "DAYOFYEAR(:s)",
}
_EPOCH_TICKS = 621_355_968_000_000_000
# Between 0001-01-01 and 9999-12-31, C#'s range.
_LEAST, _MOST = -62_135_596_800_000_000, 253_402_300_799_999_999
_CHECKED = failing_if(
    f"{{0}} NOT BETWEEN {_LEAST} AND {_MOST}",
    "The added or subtracted value results in an un-representable DateTime.",
    "MAKE_TIMESTAMP({0})",
)


_INEXACT = "Ticks that are no whole microseconds cannot be held."


def _moved(micros: str) -> str:
    return _CHECKED.format(f"(EPOCH_US(:s) + CAST({micros} AS BIGINT))")


def _constructor(count: int) -> str:
    holes = [f":{hole}" for hole in "abcdefg"[:count]]
    year, month, day = holes[:3]
    hour, minute, second = [*holes[3:6], "0", "0", "0"][:3]
    milliseconds = holes[6] if count > 6 else "0"
    tests = (
        f"{year} NOT BETWEEN 1 AND 9999 OR {month} NOT BETWEEN 1 AND 12 OR {day} NOT BETWEEN 1 AND "
        f"EXTRACT(DAY FROM LAST_DAY(MAKE_DATE(CASE WHEN {year} BETWEEN 1 AND 9999 THEN {year} ELSE 1 END, "
        f"CASE WHEN {month} BETWEEN 1 AND 12 THEN {month} ELSE 1 END, 1)))"
    )
    value = f"MAKE_TIMESTAMP(CAST({year} AS BIGINT), {month}, {day}, "
    if count == 3:
        return failing_if(tests, _UNREPRESENTABLE, f"{value}0, 0, 0.0)")
    tests += (
        f" OR {hour} NOT BETWEEN 0 AND 23 OR {minute} NOT BETWEEN 0 AND 59 OR {second} NOT BETWEEN 0 AND 59"
        f" OR {milliseconds} NOT BETWEEN 0 AND 999"
    )
    seconds = f"{second} + {milliseconds} / 1000.0"
    return failing_if(tests, _UNREPRESENTABLE, f"{value}{hour}, {minute}, {seconds})")


def _formatted(values: list[Typed]) -> exp.Expr:
    if not values[1].constant:
        raise unsupported("DateTime.ToString with a format that is not constant", values[1].span)
    return formatted_date(values[0].sql, str(fold(values[1])), values[1].span)


def _named(format_: str) -> Lowering:
    return lambda values: formatted_date(values[0].sql, format_, values[0].span)


def _moment(_: list[Typed]) -> exp.Expr:
    return literal(job_start(), DATETIME).sql


def _today(_: list[Typed]) -> exp.Expr:
    return literal(job_start().replace(hour=0, minute=0, second=0, microsecond=0), DATETIME).sql


def _constructors() -> tuple[Member, ...]:
    found = []
    for count in (3, 6, 7):
        parameters = (INT,) * count
        found.append(static(_D, "new", parameters, DATETIME, _constructor(count)))
        if count > 3:
            # A DateTime has no zone here: its kind changes nothing.
            found.append(static(_D, "new", (*parameters, _KIND), DATETIME, _constructor(count)))
    return tuple(found)


MEMBERS: tuple[Member, ...] = (
    *_constructors(),
    static(
        _D,
        "new",
        (LONG,),
        DATETIME,
        failing_if(
            ":a % 10 <> 0",
            _INEXACT,
            f"MAKE_TIMESTAMP((:a - {_EPOCH_TICKS}) // 10)",
        ),
    ),
    *(prop(_D, name, INT, f"CAST({template} AS INT)") for name, template in _PARTS.items()),
    prop(
        _D,
        "Second",
        INT,
        "CAST(EXTRACT(SECOND FROM DATE_TRUNC('second', :s)) AS INT)",
    ),
    prop(_D, "Millisecond", INT, "CAST(EXTRACT(MILLISECOND FROM :s) % 1000 AS INT)"),
    prop(_D, "Date", DATETIME, "DATE_TRUNC('day', :s)"),
    prop(_D, "TimeOfDay", TIMESPAN, "EPOCH_US(:s) - EPOCH_US(DATE_TRUNC('day', :s))"),
    prop(_D, "Ticks", LONG, f"EPOCH_US(:s) * 10 + {_EPOCH_TICKS}"),
    prop(_D, "DayOfWeek", enum("DayOfWeek"), "CAST(EXTRACT(DAYOFWEEK FROM :s) AS INT)"),
    prop(_D, "Kind", _KIND, "0"),
    # .NET rounds what it adds to whole milliseconds.
    *(
        method(_D, name, (DOUBLE,), DATETIME, _moved(f"ROUND(:a * {micros} / 1000.0) * 1000"))
        for name, micros in _UNITS.items()
    ),
    method(
        _D,
        "AddTicks",
        (LONG,),
        DATETIME,
        failing_if(":a % 10 <> 0", _INEXACT, _moved(":a // 10")),
    ),
    # .NET, too, takes the last day of a shorter month.
    *(
        method(
            _D,
            name,
            (INT,),
            DATETIME,
            failing_if(
                f"(YEAR(:s) - 1) * 12 + MONTH(:s) - 1 + {months} NOT BETWEEN 0 AND 119987",
                "The added or subtracted value results in an un-representable DateTime.",
                f":s + TO_MONTHS(CAST({months} AS INT))",
            ),
        )
        for name, months in (("AddMonths", ":a"), ("AddYears", "(CAST(:a AS BIGINT) * 12)"))
    ),
    method(_D, "Add", (TIMESPAN,), DATETIME, _moved(":a")),
    method(_D, "Subtract", (TIMESPAN,), DATETIME, _moved("-:a")),
    method(_D, "Subtract", (DATETIME,), TIMESPAN, "EPOCH_US(:s) - EPOCH_US(:a)"),
    method(_D, "CompareTo", (DATETIME,), INT, "CASE WHEN :s < :a THEN -1 WHEN :s > :a THEN 1 ELSE 0 END"),
    method(_D, "Equals", (DATETIME,), BOOL, ":s = :a"),
    static(_D, "Equals", (DATETIME, DATETIME), BOOL, ":a = :b"),
    method(_D, "ToString", (STRING,), STRING, _formatted),
    method(_D, "ToShortDateString", (), STRING, _named("d")),
    method(_D, "ToLongDateString", (), STRING, _named("D")),
    method(_D, "ToShortTimeString", (), STRING, _named("t")),
    method(_D, "ToLongTimeString", (), STRING, _named("T")),
    method(_D, "ToUniversalTime", (), DATETIME, ":s"),
    method(_D, "ToLocalTime", (), DATETIME, ":s"),
    # The job's own start, in UTC: the same moment wherever a script asks for it.
    # It is no constant, though: file names cannot be made of it.
    *(static(_D, name, None, DATETIME, _moment, pure=False) for name in ("Now", "UtcNow")),
    static(_D, "Today", None, DATETIME, _today, pure=False),
    static(_D, "ParseExact", (STRING, STRING), DATETIME, parsed_exactly),
    static(_D, "ParseExact", (STRING, STRING, ANY), DATETIME, parsed_exactly, takes_null=True),
    static(_D, "SpecifyKind", (DATETIME, _KIND), DATETIME, ":a"),
    static(_D, "MinValue", None, DATETIME, "CAST('0001-01-01 00:00:00' AS TIMESTAMP)"),
    static(_D, "MaxValue", None, DATETIME, "CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP)"),
    static(
        _D,
        "DaysInMonth",
        (INT, INT),
        INT,
        failing_if(
            ":a NOT BETWEEN 1 AND 9999 OR :b NOT BETWEEN 1 AND 12",
            "Month must be between one and twelve, and year between 1 and 9999.",
            "CAST(EXTRACT(DAY FROM LAST_DAY(MAKE_DATE(:a, :b, 1))) AS INT)",
        ),
    ),
    static(_D, "IsLeapYear", (INT,), BOOL, ":a % 4 = 0 AND (:a % 100 <> 0 OR :a % 400 = 0)"),
    static(
        _D, "Compare", (DATETIME, DATETIME), INT, "CASE WHEN :a < :b THEN -1 WHEN :a > :b THEN 1 ELSE 0 END"
    ),
)
