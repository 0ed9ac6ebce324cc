"""Casts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('(ushort)c', 'ushort', 97),
        ('(float)x', 'float', 2.5),
        ('(double)f', 'double', 1.5),
        ('(decimal)i', 'decimal', Decimal('7.0000000000')),
        ('(decimal)f', 'decimal', Decimal('1.5000000000')),
        ('(int)m', 'int', 1),
        ('(int)-1.75m', 'int', -1),
        ('(long)1e18', 'long', 1000000000000000000),
        ('(double)m', 'double', 1.25),
        ('(string)s', 'string', 'abc'),
        ('(int?)oi', 'int?', 5),
        ('(double?)oi', 'double?', 5.0),
        ('(int)ox', 'int', 0),
        ('(byte?)null', 'byte?', None),
        ('(Guid?)null', 'Guid?', None),
        ('(string)null', 'string', None),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('(sbyte)-129', "Type INT32 with value -129 can't be cast"),
        ('(uint)-1', "Type INT32 with value -1 can't be cast b"),
        ('(long)1e19', "Type DOUBLE with value 1e+19 can't be ca"),
        ('(ulong)-1.0', "Type DOUBLE with value -1.0 can't be cas"),
        ('(int)nan', "Type DOUBLE with value nan can't be cast"),
        ('(int)inf', "Type DOUBLE with value inf can't be cast"),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('(object)s', 'object'),
        ('(string)i', "Cannot convert type 'int' to 'string'"),
        ('(int)s', "Cannot convert type 'string' to 'int'"),
        ('(DateTime)s', 'Cannot convert'),
        ('(bool)i', 'Cannot convert'),
        ('(int)b', 'Cannot convert'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
