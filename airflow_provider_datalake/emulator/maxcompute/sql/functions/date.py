"""
Date and time functions.

DATETIME and TIMESTAMP are instants: parts, texts, days and months are those of the session's wall clock,
while hours and shorter units are added to and cut off the instant itself, so that neither is lost when
clocks change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument
from airflow_provider_datalake.emulator.maxcompute.sql.functions import date_format
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    constant_string,
    count,
    mismatch,
    string,
    whole,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    DATE,
    DATETIME,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    VOID,
    FunctionContext,
    Typed,
    duckdb_cast,
    emit,
    null,
    template,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_datalake.emulator.maxcompute.types import DataType

_UNITS = {
    name: unit
    for unit, names in {
        "year": ("year", "yyyy"),
        "quarter": ("quarter", "q"),
        "month": ("month", "mon", "mm"),
        "week": ("week",),
        "day": ("day", "dd"),
        "hour": ("hour", "hh"),
        "minute": ("minute", "mi"),
        "second": ("second", "ss"),
        "millisecond": ("ff3",),
        "microsecond": ("ff6",),
    }.items()
    for name in names
}
_CALENDAR = ("year", "quarter", "month", "week", "day")
_STEPS = {
    "year": "to_months({0} * 12)",
    "quarter": "to_months({0} * 3)",
    "month": "to_months({0})",
    "week": "to_days(CAST({0} * 7 AS INTEGER))",
    "day": "to_days(CAST({0} AS INTEGER))",
    "hour": "to_hours({0})",
    "minute": "to_minutes({0})",
    "second": "to_microseconds({0} * 1000000)",
    "millisecond": "to_microseconds({0} * 1000)",
    "microsecond": "to_microseconds({0})",
}
_LOOSE_DATE = r"^([0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2})(?: [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?$"
_LOOSE_TIME = r"^(?:[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2} )?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?$"
_WEEK = "['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su']"
_WEEK_NAMES = "mo(n(day)?)?|tue?|tuesday|we(d(nesday)?)?|thu?|thursday|fr(i(day)?)?|sat?|saturday|sun?|sunday"


def _moment(name: str, value: Typed, ctx: FunctionContext) -> Typed:
    """Take a date or time; a STRING is converted as in the 1.0 type edition, whose form of it is strict."""
    if value.type.is_temporal:
        return value
    if value.type.is_text or value.type == VOID:
        return casts.cast(value, DATETIME, ctx)
    raise mismatch(name, value)


def _wall(value: Typed, ctx: FunctionContext) -> Typed:
    """Give the session's wall clock in microseconds, under the type DATETIME."""
    local = casts.to_local(value, ctx)
    if value.type in (TIMESTAMP, TIMESTAMP_NTZ):
        local = template("make_timestamp(epoch_us({0}))", local)
    return Typed(local, DATETIME, value.constant)


def _rest(value: Typed) -> exp.Expression:
    """Give the nanoseconds that microseconds leave over."""
    return template("epoch_ns({0}) - epoch_us({0}) * 1000", value)


def _with_rest(wall: exp.Expression, value: Typed, ctx: FunctionContext) -> exp.Expression:
    """Turn wall clock time into the type of the value that it was made of, with its nanoseconds."""
    changed = casts.from_local(wall, value.type, ctx)
    if value.type not in (TIMESTAMP, TIMESTAMP_NTZ):
        return changed
    return template("make_timestamp_ns(epoch_ns({0}) + {1})", changed, _rest(value))


def _unit(name: str, value: Typed) -> str | None:
    given = constant_string(name, value, "the date part")
    if given is None:
        return None
    unit = _UNITS.get(given.strip().lower())
    if unit is None:
        raise InvalidArgument(f"function {name}: unknown date part {given!r}")
    return unit


def _dateadd(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("dateadd", args, 3)
    value, delta, unit = (
        _moment("dateadd", args[0], ctx),
        whole("dateadd", args[1], ctx),
        _unit("dateadd", args[2]),
    )
    if unit is None:
        return null(value.type)
    step = template(_STEPS[unit], delta)
    if unit in _CALENDAR or value.type in (DATE, TIMESTAMP_NTZ):
        result = _with_rest(template("{0} + {1}", _wall(value, ctx), step), value, ctx)
    elif value.type == TIMESTAMP:
        moved = template("CAST(make_timestamp(epoch_us({0})) + {1} AS TIMESTAMP_NS)", value, step)
        result = template("make_timestamp_ns(epoch_ns({0}) + {1})", moved, _rest(value))
    else:
        result = template("{0} + {1}", value, step)
    return Typed(result, value.type, value.constant and delta.constant)


def _datediff(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("datediff", args, 2, 3)
    end, start = (_moment("datediff", a, ctx) for a in args[:2])
    unit = _unit("datediff", args[2]) if len(args) > 2 else "day"
    if unit is None:
        return null(BIGINT)
    plain = end.type in (DATE, TIMESTAMP_NTZ) and start.type in (DATE, TIMESTAMP_NTZ)
    if unit in _CALENDAR or plain:
        return emit(BIGINT, f"date_diff('{unit}', {{0}}, {{1}})", _wall(start, ctx), _wall(end, ctx))
    first, last = (
        _cut_instant(casts.cast(v, TIMESTAMP if v.type == TIMESTAMP else DATETIME, ctx), unit, ctx)
        for v in (start, end)
    )
    return emit(BIGINT, f"date_diff('{unit}', {{0}}, {{1}})", first, last)


def _cut_instant(value: Typed, unit: str, ctx: FunctionContext) -> Typed:
    """Cut an instant at a unit of the wall clock that is not longer than an hour."""
    instant = value if value.type == DATETIME else emit(DATETIME, "make_timestamp(epoch_us({0}))", value)
    if unit in ("millisecond", "microsecond"):
        return emit(DATETIME, f"date_trunc('{unit}', {{0}})", instant)
    wall = _wall(value, ctx)
    return emit(DATETIME, f"{{0}} - ({{1}} - date_trunc('{unit}', {{1}}))", instant, wall)


def _datepart(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("datepart", args, 2)
    value, unit = _moment("datepart", args[0], ctx), _unit("datepart", args[1])
    if unit is None:
        return null(BIGINT)
    wall = _wall(value, ctx)
    if unit in ("millisecond", "microsecond"):
        divisor = 1000 if unit == "millisecond" else 1
        return emit(BIGINT, f"date_part('microsecond', {{0}}) % 1000000 // {divisor}", wall)
    return emit(BIGINT, f"date_part('{unit}', {{0}})", wall)


def _datetrunc(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("datetrunc", args, 2)
    value, unit = _moment("datetrunc", args[0], ctx), _unit("datetrunc", args[1])
    if unit is None:
        return null(value.type)
    if unit in _CALENDAR or value.type in (DATE, TIMESTAMP_NTZ):
        wall = template(f"date_trunc('{unit}', {{0}})", _wall(value, ctx))
        return Typed(
            casts.from_local(duckdb_cast(wall, DATETIME), value.type, ctx), value.type, value.constant
        )
    cut = _cut_instant(value, unit, ctx)
    return cut if value.type == DATETIME else casts.cast(cut, value.type, ctx)


def _day(name: str, value: Typed, ctx: FunctionContext) -> Typed:
    """Take the calendar day of a date, time or string; a string that has none gives NULL."""
    if value.type == DATE:
        return value
    if value.type.is_temporal:
        return casts.cast(value, DATE, ctx)
    if value.type.is_text or value.type == VOID:
        source = string(name, value, ctx)
        return emit(DATE, "TRY_CAST(regexp_extract({0}, {1}, 1) AS DATE)", source, text(_LOOSE_DATE))
    raise mismatch(name, value)


def _date_part(name: str, body: str, result: DataType = INT) -> Binder:
    """Define a function of the calendar day."""
    converted = f"CAST({body} AS INTEGER)" if result == INT else body

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        return emit(result, converted, _day(name, args[0], ctx))

    return bind


def _time_part(name: str, group: int) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        value = args[0]
        if value.type.is_text or value.type == VOID:
            source = string(name, value, ctx)
            part = f"TRY_CAST(regexp_extract({{0}}, {{1}}, {group}) AS INTEGER)"
            return emit(INT, part, source, text(_LOOSE_TIME))
        if value.type == DATE or not value.type.is_temporal:
            raise mismatch(name, value)
        return emit(INT, f"CAST(date_part('{name}', {{0}}) AS INTEGER)", _wall(value, ctx))

    return bind


def _extract(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("extract", args, 2)
    unit = (constant_string("extract", args[0], "the date part") or "").lower()
    if unit not in ("year", "month", "day", "hour", "minute", "second"):
        raise InvalidArgument(f"function extract: unknown date part {unit!r}")
    return SCALARS[unit](args[1:], ctx)


def _add_days(name: str, sign: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2)
        start, delta = _day(name, args[0], ctx), whole(name, args[1], ctx)
        return emit(DATE, f"{{0}} {sign} CAST({{1}} AS INTEGER)", start, delta)

    return bind


def _add_months(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("add_months", args, 2)
    start, months = _day("add_months", args[0], ctx), whole("add_months", args[1], ctx)
    return emit(STRING, "strftime({0} + to_months({1}), '%Y-%m-%d')", start, months)


def _last_day(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("last_day", args, 1)
    return emit(STRING, "strftime(last_day({0}), '%Y-%m-%d')", _day("last_day", args[0], ctx))


def _lastday(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("lastday", args, 1)
    value = _moment("lastday", args[0], ctx)
    wall = template("CAST(last_day({0}) AS TIMESTAMP)", _wall(value, ctx))
    return Typed(casts.from_local(wall, DATETIME, ctx), DATETIME, value.constant)


def _next_day(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("next_day", args, 2)
    start, day = _day("next_day", args[0], ctx), string("next_day", args[1], ctx)
    return emit(
        STRING,
        "CASE WHEN regexp_full_match(lower({1}), {2}) THEN strftime({0} + CAST("
        f"(list_position({_WEEK}, left(lower({{1}}), 2)) - date_part('isodow', {{0}}) + 6) % 7 + 1"
        " AS INTEGER), '%Y-%m-%d') END",
        start,
        day,
        text(_WEEK_NAMES),
    )


def _months_between(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("months_between", args, 2)
    first, second = (_loose_wall("months_between", a, ctx) for a in args)
    months = "date_diff('month', {1}, {0})"
    seconds = "(date_part('day', {%d}) * 86400 + date_part('epoch', {%d} - date_trunc('day', {%d})))"
    same = "date_part('day', {0}) = date_part('day', {1})"
    ends = "(last_day({0}) = CAST({0} AS DATE) AND last_day({1}) = CAST({1} AS DATE))"
    whole_months = f"CAST({months} AS DOUBLE)"
    part = f"({seconds % (0, 0, 0)} - {seconds % (1, 1, 1)}) / 2678400e0"
    return emit(
        DOUBLE,
        f"CASE WHEN {same} OR {ends} THEN {whole_months} ELSE {whole_months} + {part} END",
        first,
        second,
    )


def _loose_wall(name: str, value: Typed, ctx: FunctionContext) -> Typed:
    if value.type.is_temporal:
        return _wall(value, ctx)
    if value.type.is_text or value.type == VOID:
        source = string(name, value, ctx)
        checked = "CASE WHEN regexp_matches({0}, {1}) THEN TRY_CAST({0} AS TIMESTAMP) END"
        return emit(DATETIME, checked, source, text(_LOOSE_DATE))
    raise mismatch(name, value)


def to_char(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    """
    Bind TO_CHAR of a date or time with a format.

    :param args: the value and the constant format
    :param ctx: the statement
    :return: the text
    """
    value = _moment("to_char", args[0], ctx)
    given = constant_string("to_char", args[1], "the format")
    if given is None:
        return null(STRING)
    return emit(STRING, "strftime({0}, {1})", _clock(value, ctx), text(date_format.own(given)))


def _clock(value: Typed, ctx: FunctionContext) -> Typed:
    return Typed(casts.to_local(value, ctx), DATETIME, value.constant)


def _date_format(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("date_format", args, 2)
    value = args[0]
    clock = _clock(value, ctx) if value.type.is_temporal else _loose_wall("date_format", value, ctx)
    given = constant_string("date_format", args[1], "the format")
    if given is None:
        return null(STRING)
    # Outside of Hive mode mm is the month wherever it stands, and hh counts 24 hours.
    hive = ctx.flag("odps.sql.hive.compatible", False)
    form = date_format.java(given, "date_format") if hive else date_format.own(given, "SSS")
    return emit(STRING, "strftime({0}, {1})", clock, text(form))


def _to_date(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("to_date", args, 1, 2)
    if len(args) == 1:
        value = args[0]
        if value.type.is_text:
            return emit(DATE, "CAST({0} AS DATE)", _day("to_date", value, ctx))
        return casts.cast(_moment("to_date", value, ctx), DATE, ctx)
    return _parsed("to_date", args, DATETIME, ctx)


def _parsed(name: str, args: Sequence[Typed], target: DataType, ctx: FunctionContext) -> Typed:
    source, given = string(name, args[0], ctx), constant_string(name, args[1], "the format")
    # Documented so: a format without exactly one year gives NULL, like a text of another form.
    if given is None or given.lower().count("yyyy") != 1:
        return null(target)
    parser = date_format.own_parser(given, name)
    plain = emit(
        STRING,
        "CASE WHEN regexp_full_match({0}, {1}) THEN regexp_replace({0}, {1}, {2}) END",
        source,
        text(parser.pattern),
        text(parser.replacement),
    )
    wall = duckdb_cast(plain.expr, TIMESTAMP_NTZ if target == TIMESTAMP else DATETIME, safe=True)
    return Typed(casts.from_local(wall, target, ctx), target, source.constant)


def _isdate(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("isdate", args, 2)
    source, given = string("isdate", args[0], ctx), constant_string("isdate", args[1], "the format")
    if given is None:
        return null(BOOLEAN)
    parser = date_format.own_parser(given, "isdate")
    return emit(
        BOOLEAN,
        "CASE WHEN {0} IS NOT NULL THEN regexp_full_match({0}, {1})"
        " AND TRY_CAST(regexp_replace({0}, {1}, {2}) AS TIMESTAMP) IS NOT NULL END",
        source,
        text(parser.pattern),
        text(parser.replacement),
    )


def _to_timestamp(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("to_timestamp", args, 1, 2)
    if len(args) == 2:
        return _parsed("to_timestamp", args, TIMESTAMP, ctx)
    if not (args[0].type.is_text or args[0].type.is_temporal or args[0].type == VOID):
        raise mismatch("to_timestamp", *args)
    return casts.cast(args[0], TIMESTAMP, ctx)


def _unix_timestamp(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("unix_timestamp", args, 1)
    value = casts.cast(_moment("unix_timestamp", args[0], ctx), DATETIME, ctx)
    return emit(BIGINT, "date_diff('second', CAST('1970-01-01' AS TIMESTAMP), {0})", value)


def _to_millis(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("to_millis", args, 1)
    value = casts.cast(_moment("to_millis", args[0], ctx), DATETIME, ctx)
    return emit(BIGINT, "date_diff('millisecond', CAST('1970-01-01' AS TIMESTAMP), {0})", value)


def _from_unixtime(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    hive = ctx.flag("odps.sql.hive.compatible", False)
    count("from_unixtime", args, 1, 2 if hive else 1)
    value = emit(DATETIME, "make_timestamp({0} * 1000000)", whole("from_unixtime", args[0], ctx))
    if not hive:
        return value
    return _date_format([value, args[1] if len(args) > 1 else text("yyyy-MM-dd HH:mm:ss")], ctx)


def _shifted(name: str, zones: str) -> Binder:
    """Define a function that reads the session's wall clock in one zone and writes it in another."""

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2)
        value, zone = args[0], string(name, args[1], ctx)
        if value.type.is_integer:
            value = emit(TIMESTAMP, "make_timestamp_ns({0} * 1000000)", casts.cast(value, BIGINT, ctx))
        elif value.type.is_text or value.type == VOID:
            checked = "CASE WHEN regexp_matches({0}, {1}) THEN TRY_CAST({0} AS TIMESTAMP_NS) END"
            value = emit(TIMESTAMP_NTZ, checked, string(name, value, ctx), text(_LOOSE_DATE))
        elif value.type == DATE:
            value = casts.cast(value, TIMESTAMP, ctx)
        elif not value.type.is_temporal:
            raise mismatch(name, *args)
        wall = template(zones, casts.to_local(value, ctx), zone)
        return Typed(casts.from_local(wall, TIMESTAMP, ctx), TIMESTAMP)

    return bind


def _instant(data_type: DataType, now: datetime) -> Typed:
    moment = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    if data_type == DATETIME:
        moment = moment[:-3]
    return Typed(duckdb_cast(exp.Literal.string(moment), data_type), data_type, constant=True)


def _now(name: str, data_type: DataType) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 0)
        return _instant(data_type, ctx.now)

    return bind


def _current_date(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("current_date", args, 0)
    return casts.cast(_instant(DATETIME, ctx.now), DATE, ctx)


def _current_timezone(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("current_timezone", args, 0)
    return text(ctx.timezone)


SCALARS: dict[str, Binder] = {
    "getdate": _now("getdate", DATETIME),
    "now": _now("now", DATETIME),
    "current_timestamp": _now("current_timestamp", TIMESTAMP),
    "current_date": _current_date,
    "current_timezone": _current_timezone,
    "dateadd": _dateadd,
    "datediff": _datediff,
    "datepart": _datepart,
    "datetrunc": _datetrunc,
    "date_add": _add_days("date_add", "+"),
    "date_sub": _add_days("date_sub", "-"),
    "add_months": _add_months,
    "months_between": _months_between,
    "last_day": _last_day,
    "lastday": _lastday,
    "next_day": _next_day,
    "to_date": _to_date,
    "date_format": _date_format,
    "isdate": _isdate,
    "to_timestamp": _to_timestamp,
    "unix_timestamp": _unix_timestamp,
    "to_millis": _to_millis,
    "from_unixtime": _from_unixtime,
    "from_utc_timestamp": _shifted("from_utc_timestamp", "timezone({1}, timezone('UTC', {0}))"),
    "to_utc_timestamp": _shifted("to_utc_timestamp", "timezone('UTC', timezone({1}, {0}))"),
    "year": _date_part("year", "date_part('year', {0})"),
    "quarter": _date_part("quarter", "date_part('quarter', {0})"),
    "month": _date_part("month", "date_part('month', {0})"),
    **{name: _date_part(name, "date_part('day', {0})") for name in ("day", "dayofmonth")},
    "dayofweek": _date_part("dayofweek", "date_part('dow', {0}) + 1"),
    "dayofyear": _date_part("dayofyear", "date_part('doy', {0})"),
    "weekday": _date_part("weekday", "date_part('isodow', {0}) - 1", BIGINT),
    "weekofyear": _date_part("weekofyear", "date_part('week', {0})", BIGINT),
    "hour": _time_part("hour", 1),
    "minute": _time_part("minute", 2),
    "second": _time_part("second", 3),
    "extract": _extract,
}
