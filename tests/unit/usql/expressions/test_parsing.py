"""From texts to values, and Convert."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('Convert.ToDateTime("2012-02-15").Day', 'int', 15),
        ('int.Parse("12")', 'int', 12),
        ('int.Parse(" -12 ")', 'int', -12),
        ('int.Parse("+12")', 'int', 12),
        ('int.Parse("007")', 'int', 7),
        ('long.Parse("9223372036854775807")', 'long', 9223372036854775807),
        ('ulong.Parse("18446744073709551615")', 'ulong', 18446744073709551615),
        ('short.Parse("-5")', 'short', -5),
        ('double.Parse("1.5")', 'double', 1.5),
        ('double.Parse("1e5")', 'double', 100000.0),
        ('double.Parse("1,234.5")', 'double', 1234.5),
        ('double.Parse("NaN")', 'double', float("nan")),
        ('double.Parse("-.5")', 'double', -0.5),
        ('float.Parse("1.5")', 'float', 1.5),
        ('decimal.Parse("1.25")', 'decimal', Decimal('1.2500000000')),
        ('decimal.Parse("1,000.5")', 'decimal', Decimal('1000.5000000000')),
        ('bool.Parse("TRUE")', 'bool', True),
        ('bool.Parse(" false ")', 'bool', False),
        ('Boolean.Parse("tRue")', 'bool', True),
        ('Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e") == g', 'bool', True),
        ('Guid.Parse("{0f8fad5b-d9cb-469f-a165-70867728950e}") == g', 'bool', True),
        ('new Guid("0f8fad5bd9cb469fa16570867728950e") == g', 'bool', True),
        ('Guid.Empty.ToString()', 'string', '00000000-0000-0000-0000-000000000000'),
        ('Convert.ToInt32("12")', 'int', 12),
        ('Convert.ToInt32(ns)', 'int', 0),
        ('Convert.ToInt32(2.5)', 'int', 2),
        ('Convert.ToInt32(3.5)', 'int', 4),
        ('Convert.ToInt32(-2.5)', 'int', -2),
        ('Convert.ToInt32(2.5m)', 'int', 2),
        ('Convert.ToInt32(b)', 'int', 1),
        ("Convert.ToInt32('a')", 'int', 97),
        ('Convert.ToInt64(i)', 'long', 7),
        ('Convert.ToDouble("1.5")', 'double', 1.5),
        ('Convert.ToDouble(m)', 'double', 1.25),
        ('Convert.ToDecimal(2.5)', 'decimal', Decimal('2.5000000000')),
        ('Convert.ToDecimal("2.5")', 'decimal', Decimal('2.5000000000')),
        ('Convert.ToBoolean("true")', 'bool', True),
        ('Convert.ToBoolean(ns)', 'bool', False),
        ('Convert.ToBoolean(0)', 'bool', False),
        ('Convert.ToBoolean(0.5)', 'bool', True),
        ('Convert.ToString(i)', 'string', '7'),
        ('Convert.ToString(ns)', 'string', None),
        ('Convert.ToString(ni)', 'string', ''),
        ('Convert.ToString(b)', 'string', 'True'),
        ('Convert.ToBase64String(bin)', 'string', 'Af8='),
        ('Convert.FromBase64String("Af8=")', 'byte[]', b'\x01\xff'),
        ('Uri.EscapeDataString("a b/ü")', 'string', 'a%20b%2F%C3%BC'),
        ('Uri.EscapeUriString("http://x/a b?q=ü#z")', 'string', 'http://x/a%20b?q=%C3%BC#z'),
        ('Convert.ToInt32(ni)', 'int', 0),
        ('Convert.ToInt32(ox)', 'int', 0),
        ('Convert.ToDateTime(ns)', 'DateTime', datetime.datetime(1, 1, 1, 0, 0)),
        ('double.Parse("1,5.5")', 'double', 15.5),
        ('decimal.Parse("-1,000")', 'decimal', Decimal('-1000.0000000000')),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('int.Parse("12.0")', 'not in a correct format'),
        ('int.Parse("1e5")', 'not in a correct format'),
        ('int.Parse("1,000")', 'not in a correct format'),
        ('int.Parse("")', 'not in a correct format'),
        ('int.Parse("0x1F")', 'not in a correct format'),
        ('int.Parse("1_000")', 'not in a correct format'),
        ('int.Parse("99999999999")', 'E_RUNTIME_USER_EXPRESSIONEVALUATION: Val'),
        ('int.Parse(ns)', 'cannot be null'),
        ('byte.Parse("256")', 'E_RUNTIME_USER_EXPRESSIONEVALUATION: Val'),
        ('uint.Parse("-1")', 'E_RUNTIME_USER_EXPRESSIONEVALUATION: Val'),
        ('double.Parse("abc")', 'not in a correct format'),
        ('double.Parse("inf")', 'not in a correct format'),
        ('decimal.Parse("1e5")', 'not in a correct format'),
        ('bool.Parse("1")', 'not in a correct format'),
        ('Guid.Parse("x")', 'not in a correct format'),
        ('Convert.ToInt32(3000000000L)', "Type INT64 with value 3000000000 can't b"),
        ('Convert.ToByte(300)', "Type INT64 with value 300 can't be cast "),
        ('int.Parse("99999999999")', 'too large or too small'),
        ('double.Parse(",5")', 'not in a'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('int.TryParse(s, i)', 'not supported'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
