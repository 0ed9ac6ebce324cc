"""Expressions as scripts have them."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('s.Substring(i - 5, 1)', 'string', 'c'),
        ('(s + ns).Length', 'int', 3),
        ('s.Substring(s.IndexOf("b")).Substring(s.Length - 2)', 'string', 'c'),
        ("list.Split(',')[i - 6]", 'string', 'b;c'),
        ('s.ToUpper().ToLower().Trim().Replace("a","b").Substring(0,1).PadLeft(3).Length', 'int', 3),
        ('d.AddDays(1).AddMonths(2).AddYears(1).ToString("yyyy-MM-dd")', 'string', '2013-04-16'),
        ('DateTime.Parse("2012-02-15").AddDays(1).Date.AddHours(3).ToString("HH")', 'string', '03'),
        ('(x + 1).ToString("F2")', 'string', '3.50'),
        ('(i + 1).ToString("D" + "3")', 'string', '008'),
        ('string.Format("{0:F2}", x * 100 / 7)', 'string', '35.71'),
        ('x > 0 ? (double?)x : null', 'double?', 2.5),
        ('(int?)x', 'int?', 2),
        ('(double?)null', 'double?', None),
        ('oi + ni', 'int?', None),
        ('oi * x', 'double?', 12.5),
        ('ni ?? oi ?? 0', 'int', 5),
        ('by + 1', 'int', 201),
        ('(byte)(by + 1)', 'byte', 201),
        ('-by', 'int', -200),
        ('b ? by : 1', 'int', 200),
        ('b ? (byte)1 : by', 'byte', 1),
        ("new SqlArray<string>(s.Split(','))[0].ToUpper()", 'string', 'ABC'),
        ('(s ?? "").Length', 'int', 3),
        ('ns ?? ns ?? "q"', 'string', 'q'),
        ('(ns == null ? "n" : ns).ToUpper()', 'string', 'N'),
        ('s.Contains("b") && !s.StartsWith("x") || ns == "q"', 'bool', True),
        ('d.Date == new DateTime(2012, 2, 15)', 'bool', True),
        ('(d.Date - new DateTime(2012, 1, 1)).TotalDays', 'double', 45.0),
        ('(int)(d - leap).TotalDays', 'int', -1475),
        ('i / 2.0', 'double', 3.5),
        ('i / 2 * 1.0', 'double', 3.0),
        ('(double)i / 2', 'double', 3.5),
        ('1.0f + 1', 'float', 2.0),
        ('1m + 1', 'decimal', Decimal('2.0000000000')),
        ('m > 1', 'bool', True),
        ('m == 1.25m', 'bool', True),
        ('m > i', 'bool', False),
        ('i == 7 ? "a" : i == 8 ? "b" : "c"', 'string', 'a'),
        ('Math.Round((double)i / 3, 2)', 'double', 2.33),
        ('Math.Round(x * 1.5, 1).ToString()', 'string', '3.8'),
        ('int.Parse("1") + int.Parse(s.Length.ToString())', 'int', 4),
        ('Convert.ToInt32("1" + "2")', 'int', 12),
        ('s[0].ToString() + s[1]', 'string', 'ab'),
        ('(char)(s[0] + 1)', 'char', 98),
        ("s[0] - 'a'", 'int', 0),
        ("s.IndexOf('b') >= 0 ? s.Substring(0, s.IndexOf('b')) : s", 'string', 'a'),
        ("ns != null && ns.IndexOf('b') >= 0 ? 1 : 2", 'int', 2),
        ('string.IsNullOrEmpty(ns) ? "-" : ns.Substring(0, 5)', 'string', '-'),
        ('s.Trim() == "abc"', 'bool', True),
        ('map["a"].ToUpper()', 'string', 'X'),
        ('map["zz"] ?? "none"', 'string', 'none'),
        ('map["zz"] == null', 'bool', True),
        ('counts["a"].Value + 1', 'int', 2),
        ('counts["zz"] ?? 0', 'int', 0),
        ('words[1] == null', 'bool', True),
        ('arr[0] + arr[1]', 'int', 30),
        ('string.Join("|", new SqlArray<string>{"a","b"})', 'string', 'a|b'),
        ('string.Join("|", new[]{"a","b"})', 'string', 'a|b'),
        ('String.Concat("a", "b", "c", "d")', 'string', 'abcd'),
        ('"a" + null', 'string', 'a'),
        ('null + "a"', 'string', 'a'),
        ('null == null', 'bool', True),
        ('s == "abc" ? (int?)1 : null', 'int?', 1),
        ('i % 2 == 0', 'bool', False),
        ('(i & 1) == 1', 'bool', True),
        ('!(i > 3)', 'bool', False),
        ('g.ToString().ToUpper()', 'string', '0F8FAD5B-D9CB-469F-A165-70867728950E'),
        ('g == Guid.Empty', 'bool', False),
        ('@"a""b"', 'string', 'a"b'),
        ("'\\''", 'char', 39),
        ("'\\u0041'", 'char', 65),
        ('"\\t\\n\\u0041\\x41"', 'string', '\t\nAA'),
        ('"é".Length', 'int', 1),
        ('s?.Length ?? 0', 'int', 3),
        ('od?.ToString("yyyy") ?? "none"', 'string', '2020'),
        ('nd?.ToString("yyyy") ?? "none"', 'string', 'none'),
        ('nd == null ? "x" : nd.Value.ToString("yyyy")', 'string', 'x'),
        ('nd.HasValue ? nd.Value.Year : 0', 'int', 0),
        ('b.ToString().ToLower()', 'string', 'true'),
        ('ob.Value ? 1 : 0', 'int', 1),
        ('ob == true ? 1 : 0', 'int', 1),
        ('ob ?? false', 'bool', True),
        ('(ob ?? false) && b', 'bool', True),
        ('x.Equals(2.5)', 'bool', True),
        ('i.CompareTo(3)', 'int', 1),
        ('s.Equals("abc")', 'bool', True),
        ('i.Equals(7)', 'bool', True),
        ('"a,b".Split(\',\').Length', 'int', 2),
        ('"a,b".Split(\',\')[1]', 'string', 'b'),
        ('"a b c".Split(new[] {" "}, StringSplitOptions.RemoveEmptyEntries)[2]', 'string', 'c'),
        ('"a,b,c".Split(new[] {\',\'}, 2)', 'string[]', ['a', 'b,c']),
        ('new SqlMap<string, string>()', 'SqlMap<string, string>', {}),
        ('Environment.NewLine', 'string', '\r\n'),
        ('string.Format(CultureInfo.InvariantCulture, "{0}", x)', 'string', '2.5'),
        ('x.ToString(CultureInfo.InvariantCulture)', 'string', '2.5'),
        ('x.ToString("F1", CultureInfo.InvariantCulture)', 'string', '2.5'),
        ('s.ToUpper(CultureInfo.InvariantCulture)', 'string', 'ABC'),
        ('int.Parse("1", CultureInfo.InvariantCulture)', 'int', 1),
        ('new DateTime(2012, 1, 1, 0, 0, 0, DateTimeKind.Utc).ToUniversalTime()', 'DateTime', datetime.datetime(2012, 1, 1, 0, 0)),
        ('DateTimeKind.Utc', 'DateTimeKind', 1),
        ('DayOfWeek.Monday', 'DayOfWeek', 1),
        ('(int)DayOfWeek.Monday', 'int', 1),
        ('d.DayOfWeek', 'DayOfWeek', 3),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ns.IndexOf('b') >= 0 ? 1 : 2", 'Object reference not set to an instance of an object.'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('m < x', "Operator '<' cannot be applied to operands of type 'decimal' and 'double'"),
        ('(object)s', 'the type object (user-defined types): not supported'),
        ('s as object', 'the type object (user-defined types): not supported'),
        ('typeof(int)', 'the operator typeof() is not supported by this compiler.'),
        ('default(int)', 'the operator default() is not supported by this compiler.'),
        ('checked(i + 1)', 'the operator checked() is not supported by this compiler.'),
        ('s.Any()', 'the LINQ method Any: not supported'),
        ('arr.Sum()', 'the LINQ method Sum: not supported'),
        ('new List<int>()', 'the type List (user-defined types): not supported'),
        ('new Random()', "The type or namespace name 'Random' could not be found"),
        ('double.Parse("1.5", NumberStyles.Any)', "The name 'NumberStyles' does not exist in the current context"),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
