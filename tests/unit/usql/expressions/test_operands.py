"""Operators by the types of their operands, and what has no such member."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('"a,b,c".Split(new[] {\',\'}, 2)', 'string[]', ['a', 'b,c']),
        ("s.Split(new[] {','}, 5)", 'string[]', ['abc']),
        ('Environment.NewLine', 'string', '\r\n'),
        ('d.ToString("yyyy") == "2012"', 'bool', True),
        ('s.Substring(0).Substring(0).Substring(0).Substring(0).Substring(0).Substring(0).Substring(0).Substring(0)', 'string', 'abc'),
        ('(((((i / 2m) / 3) / 7) / 11) / 13)', 'decimal', Decimal('0.0011655012')),
        ('x == 2.5f', 'bool', True),
        ('x == i', 'bool', False),
        ('f == 1.5', 'bool', True),
        ('f < i', 'bool', True),
        ('us == 60000', 'bool', True),
        ('c == 97', 'bool', True),
        ("c == 'a' ? 1 : 0", 'int', 1),
        ('ul * 1', 'ulong', 18000000000000000000),
        ('ul / 2', 'ulong', 9000000000000000000),
        ('ul % 7', 'ulong', 4),
        ('ui / 3', 'uint', 1333333333),
        ('l / 7', 'long', 428571428),
        ('-l', 'long', -3000000000),
        ('l % 7', 'long', 4),
        ('l * l', 'long', 9000000000000000000),
        ('sb / 2', 'int', -2),
        ('sb % 3', 'int', -2),
        ('oi + x', 'double?', 7.5),
        ('oi == 5', 'bool', True),
        ('oi == 5.0', 'bool', True),
        ('oi != ni', 'bool', True),
        ('5 == oi', 'bool', True),
        ('ni == ni', 'bool', True),
        ('oi >= 5', 'bool', True),
        ('ni >= ni', 'bool', False),
        ('oi % 2', 'int?', 1),
        ('oi / 2', 'int?', 2),
        ('ni / zero', 'int?', None),
        ('oi & 4', 'int?', 4),
        ('~oi', 'int?', -6),
        ('oi << 1', 'int?', 10),
        ('ob == nb', 'bool', False),
        ('m + 1', 'decimal', Decimal('2.2500000000')),
        ('m - 0.25m', 'decimal', Decimal('1.0000000000')),
        ('-m', 'decimal', Decimal('-1.2500000000')),
        ('nm + 1', 'decimal?', None),
        ('m > 1.2m', 'bool', True),
        ('d == od', 'bool', False),
        ('d != nd', 'bool', True),
        ('od > d', 'bool', True),
        ('d >= d', 'bool', True),
        ('TimeSpan.FromDays(1) == TimeSpan.FromHours(24)', 'bool', True),
        ('-TimeSpan.FromDays(1) < TimeSpan.Zero', 'bool', True),
        ('g == g', 'bool', True),
        ('g != Guid.Empty', 'bool', True),
        ('COUNT(*)', 'long?', 1),
        ('COUNT(s) + 1', 'long?', 2),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ui * 2', 'verflow'),
        ('ui - 4000000001', 'verflow'),
        ('l * l * 2', 'verflow'),
        ('oi / zero', 'ivision by zero'),
        ('9999999999999999999999999999m + 1', 'Overflow in addition of DECIMAL(38) (999'),
        ('1000000000000000000m * 10m', 'verflow'),
        ('m * 1000000000000000000m', 'verflow'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('s.Any()', 'LINQ'),
        ('Encoding.UTF8', 'not supported'),
        ('ob ? 1 : 2', "Cannot implicitly convert type 'bool?' to 'bool'"),
        ('ob && b', "Operator '&&'"),
        ('10000000000000000000000000000m', 'too large'),
        ('d + 1', "Operator '+'"),
        ('d - 1', "Operator '-'"),
        ('d + d', "Operator '+'"),
        ('g == "x"', "Operator '=='"),
        ('s - "a"', "Operator '-'"),
        ('s * 2', "Operator '*'"),
        ('b + b', "Operator '+'"),
        ('-s', "Operator '-'"),
        ('!i', "Operator '!'"),
        ('~x', "Operator '~'"),
        ('x & 1', "Operator '&'"),
        ('x << 1', "Operator '<<'"),
        ('1 << 2L', 'implicitly convert'),
        ('arr == arr', "Operator '=='"),
        ('arr + "x"', 'the text of'),
        ('i.Foo', "'int' does not contain a definition for 'Foo'"),
        ('d.Foo()', "'DateTime' does not contain a definition for 'Foo'"),
        ('s.Substring("a")', 'No overload for method'),
        ('s.Substring()', 'No overload for method'),
        ('new DateTime("a")', 'constructor'),
        ('new int()', 'constructor'),
        ('int', 'is a type'),
        ('SUM(i, i)', 'SUM takes 1 argument'),
        ('ROW_NUMBER()', 'needs OVER'),
        ('sum(i)', "The name 'sum' does not exist"),
        ('AGG<My.Agg>(i)', 'AGG'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
