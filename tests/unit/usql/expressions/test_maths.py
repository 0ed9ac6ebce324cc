"""Members of Math, and limits of numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('Math.Abs(neg)', 'int', 7),
        ('Math.Abs(sh)', 'short', 300),
        ('Math.Abs(-2.5)', 'double', 2.5),
        ('Math.Abs(m)', 'decimal', Decimal('1.2500000000')),
        ('Math.Max(i, 3L)', 'long', 7),
        ('Math.Max(1, by)', 'byte', 200),
        ('Math.Max(1, 2)', 'int', 2),
        ('Math.Max(x, i)', 'double', 7.0),
        ('Math.Min(nan, 1)', 'double', float("nan")),
        ('Math.Max(nan, 1)', 'double', float("nan")),
        ('Math.Min(m, 1)', 'decimal', Decimal('1.0000000000')),
        ('Math.Ceiling(2.1)', 'double', 3.0),
        ('Math.Ceiling(-2.1)', 'double', -2.0),
        ('Math.Floor(-2.1)', 'double', -3.0),
        ('Math.Floor(m)', 'decimal', Decimal('1.0000000000')),
        ('Math.Round(2.5)', 'double', 2.0),
        ('Math.Round(3.5)', 'double', 4.0),
        ('Math.Round(-2.5)', 'double', -2.0),
        ('Math.Round(2.345, 2)', 'double', 2.35),
        ('Math.Round(2.675, 2)', 'double', 2.68),
        ('Math.Round(1.005, 2)', 'double', 1.0),
        ('Math.Round(2.5, MidpointRounding.AwayFromZero)', 'double', 3.0),
        ('Math.Round(1.25, 1, MidpointRounding.AwayFromZero)', 'double', 1.3),
        ('Math.Round(1e300, 2)', 'double', 1e+300),
        ('Math.Round(m, 1)', 'decimal', Decimal('1.2000000000')),
        ('Math.Round(m, 1, MidpointRounding.AwayFromZero)', 'decimal', Decimal('1.3000000000')),
        ('Math.Round(2.5m)', 'decimal', Decimal('2.0000000000')),
        ('Decimal.Round(2.55m, 1)', 'decimal', Decimal('2.6000000000')),
        ('Math.Pow(2, 10)', 'double', 1024.0),
        ('Math.Pow(0, -1)', 'double', float("inf")),
        ('Math.Sqrt(-1)', 'double', float("nan")),
        ('Math.Sqrt(9)', 'double', 3.0),
        ('Math.Exp(0)', 'double', 1.0),
        ('Math.Log(0)', 'double', float("-inf")),
        ('Math.Log(8, 2)', 'double', 3.0),
        ('Math.Log10(1000)', 'double', 3.0),
        ('Math.Sign(neg)', 'int', -1),
        ('Math.Truncate(-2.7)', 'double', -2.0),
        ('Math.PI', 'double', 3.141592653589793),
        ('Math.E', 'double', 2.718281828459045),
        ('Math.Sin(0)', 'double', 0.0),
        ('Math.Atan2(0, 1)', 'double', 0.0),
        ('Math.Acos(2)', 'double', float("nan")),
        ('int.MaxValue', 'int', 2147483647),
        ('long.MinValue', 'long', -9223372036854775808),
        ('ulong.MaxValue', 'ulong', 18446744073709551615),
        ('double.NaN', 'double', float("nan")),
        ('double.IsNaN(nan)', 'bool', True),
        ('double.IsInfinity(inf)', 'bool', True),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Math.Round(2.5, 16)', 'Rounding digits'),
        ('Math.Sign(nan)', 'Not-a-Number'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Math.Abs(oi)', 'No overload'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
