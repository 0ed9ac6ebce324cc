"""DateTime and TimeSpan."""

from __future__ import annotations

import datetime

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('new DateTime(2012, 2, 29)', 'DateTime', datetime.datetime(2012, 2, 29, 0, 0)),
        ('new DateTime(2012, 2, 29, 1, 2, 3)', 'DateTime', datetime.datetime(2012, 2, 29, 1, 2, 3)),
        ('new DateTime(2012, 2, 29, 1, 2, 3, 45)', 'DateTime', datetime.datetime(2012, 2, 29, 1, 2, 3, 45000)),
        ('new DateTime(2012, 2, 29, 1, 2, 3, DateTimeKind.Utc)', 'DateTime', datetime.datetime(2012, 2, 29, 1, 2, 3)),
        ('new DateTime(i, 1, i).Year', 'int', 7),
        ('d.Year', 'int', 2012),
        ('d.Month', 'int', 2),
        ('d.Day', 'int', 15),
        ('d.Hour', 'int', 11),
        ('d.Minute', 'int', 53),
        ('d.Second', 'int', 18),
        ('d.Millisecond', 'int', 123),
        ('d.DayOfYear', 'int', 46),
        ('d.DayOfWeek == DayOfWeek.Wednesday', 'bool', True),
        ('d.DayOfWeek.ToString()', 'string', 'Wednesday'),
        ('"" + d.DayOfWeek', 'string', 'Wednesday'),
        ('d.Date', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('d.TimeOfDay.TotalSeconds', 'double', 42798.123456),
        ('d.Ticks', 'long', 634649035981234560),
        ('d.AddDays(1)', 'DateTime', datetime.datetime(2012, 2, 16, 11, 53, 18, 123456)),
        ('d.AddDays(-0.5).Day', 'int', 14),
        ('d.AddHours(13).Day', 'int', 16),
        ('d.AddMinutes(10).Minute', 'int', 3),
        ('d.AddSeconds(1.0006).Millisecond', 'int', 124),
        ('d.AddMilliseconds(1).Millisecond', 'int', 124),
        ('d.AddTicks(10).Ticks', 'long', 634649035981234570),
        ('new DateTime(2012, 1, 31).AddMonths(1)', 'DateTime', datetime.datetime(2012, 2, 29, 0, 0)),
        ('leap.AddYears(1)', 'DateTime', datetime.datetime(2017, 2, 28, 23, 59, 59)),
        ('DateTime.MaxValue.Year', 'int', 9999),
        ('DateTime.MinValue', 'DateTime', datetime.datetime(1, 1, 1, 0, 0)),
        ('d.Subtract(leap).TotalDays < 0', 'bool', True),
        ('leap.Subtract(d).Days', 'int', 1475),
        ('(leap - d).TotalHours > 1000', 'bool', True),
        ('(leap - d).Hours', 'int', 12),
        ('d.Subtract(TimeSpan.FromDays(1)).Day', 'int', 14),
        ('d < leap', 'bool', True),
        ('d.CompareTo(leap)', 'int', -1),
        ('d.ToString("yyyy-MM-dd")', 'string', '2012-02-15'),
        ('d.ToString("M/d/yy h:mm tt")', 'string', '2/15/12 11:53 AM'),
        ('d.ToString("dddd, MMMM d")', 'string', 'Wednesday, February 15'),
        ('d.ToString("o")', 'string', '2012-02-15T11:53:18.1234560'),
        ('d.ToString("s")', 'string', '2012-02-15T11:53:18'),
        ('d.ToShortDateString()', 'string', '2/15/2012'),
        ('DateTime.DaysInMonth(2012, 2)', 'int', 29),
        ('DateTime.IsLeapYear(2000)', 'bool', True),
        ('DateTime.Parse("2/15/2012 11:53:18 AM")', 'DateTime', datetime.datetime(2012, 2, 15, 11, 53, 18)),
        ('DateTime.Parse("2012-02-15")', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.Parse("2012-02-15T11:53:18.5")', 'DateTime', datetime.datetime(2012, 2, 15, 11, 53, 18, 500000)),
        ('DateTime.Parse("2012-02-15 11:53")', 'DateTime', datetime.datetime(2012, 2, 15, 11, 53)),
        ('DateTime.Parse("2012/2/5")', 'DateTime', datetime.datetime(2012, 2, 5, 0, 0)),
        ('DateTime.Parse("Feb 15, 2012")', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.Parse("15 Feb 2012")', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.Parse("February 15, 2012 3:04 PM")', 'DateTime', datetime.datetime(2012, 2, 15, 15, 4)),
        ('DateTime.Parse("2012-02-15 3:04:05 PM")', 'DateTime', datetime.datetime(2012, 2, 15, 15, 4, 5)),
        ('DateTime.Parse(" 2012-02-15 ")', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.Parse("2012-02-15T11:53:18Z")', 'DateTime', datetime.datetime(2012, 2, 15, 11, 53, 18)),
        ('DateTime.Parse("2012-02-15T11:53:18+02:00")', 'DateTime', datetime.datetime(2012, 2, 15, 9, 53, 18)),
        ('DateTime.Parse("2012-02-15", null)', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.Parse("2012-02-15", CultureInfo.InvariantCulture).Day', 'int', 15),
        ('DateTime.ParseExact("20120215", "yyyyMMdd", null)', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.ParseExact("20120215", "yyyyMMdd", CultureInfo.InvariantCulture)', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.ParseExact("15.02.2012 01:02:03.45", "dd.MM.yyyy HH:mm:ss.ff", null)', 'DateTime', datetime.datetime(2012, 2, 15, 1, 2, 3, 450000)),
        ('DateTime.UtcNow.Year > 2020', 'bool', True),
        ('DateTime.Now == DateTime.Now.AddDays(0) || true', 'bool', True),
        ('DateTime.Today.Hour', 'int', 0),
        ('TimeSpan.FromMinutes(90).TotalHours', 'double', 1.5),
        ('TimeSpan.FromDays(-1.5).Hours', 'int', -12),
        ('new TimeSpan(1, 2, 3).TotalSeconds', 'double', 3723.0),
        ('new TimeSpan(1, 0, 0, 0).Days', 'int', 1),
        ('TimeSpan.FromDays(1) > TimeSpan.FromHours(23)', 'bool', True),
        ('TimeSpan.FromSeconds(1.5).ToString()', 'string', '00:00:01.5000000'),
        ('TimeSpan.FromHours(-25).ToString()', 'string', '-1.01:00:00'),
        ('TimeSpan.Zero.Ticks', 'long', 0),
        ('DateTime.Parse("2/15/12")', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
        ('DateTime.Parse("2/15/35")', 'DateTime', datetime.datetime(1935, 2, 15, 0, 0)),
        ('DateTime.Parse("2/15/12 3:04 PM")', 'DateTime', datetime.datetime(2012, 2, 15, 15, 4)),
        ('DateTime.Parse("15-Feb-2012")', 'DateTime', datetime.datetime(2012, 2, 15, 0, 0)),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('new DateTime(2012, 2, 30)', 'un-representable'),
        ('new DateTime(2012, 13, 1)', 'un-representable'),
        ('new DateTime(0, 1, 1)', 'un-representable'),
        ('new DateTime(2012, 2, 29, 24, 2, 3)', 'un-representable'),
        ('d.AddTicks(1)', 'Ticks'),
        ('d.AddYears(9000)', 'un-representable'),
        ('DateTime.MinValue.AddDays(-1)', 'un-representable'),
        ('DateTime.DaysInMonth(2012, 13)', 'Month must'),
        ('DateTime.Parse("13/13/2012")', 'not in a correct format'),
        ('DateTime.Parse("2012-02-30")', 'not in a correct format'),
        ('DateTime.Parse("")', 'not in a correct format'),
        ('DateTime.Parse("x")', 'not in a correct format'),
        ('DateTime.Parse(ns)', 'cannot be null'),
        ('DateTime.ParseExact("2012-2-15", "yyyy-MM-dd", null)', 'not in a correct format'),
        ('DateTime.Parse("Mayday 15, 2012")', 'not in a'),
        ('DateTime.Parse("Wed 15 Feb 2012")', 'not in a'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('d.ToString(s)', 'not constant'),
        ('DateTime.TryParse(s, d)', 'not supported'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
