"""Nullable values, names, and what is unknown."""

from __future__ import annotations

import datetime

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('od.Value.Year', 'int', 2020),
        ('od?.Year', 'int?', 2020),
        ('nd?.Year', 'int?', None),
        ('ns?.Trim().Length', 'int?', None),
        ('s?.Trim().Length', 'int?', 3),
        ('ni.HasValue', 'bool', False),
        ('oi.Value', 'int', 5),
        ('ni.GetValueOrDefault(9)', 'int', 9),
        ('oi.Equals(5)', 'bool', True),
        ('ni.Equals(null)', 'bool', True),
        ('ni.ToString()', 'string', ''),
        ('oi.ToString()', 'string', '5'),
        ('nd.GetValueOrDefault()', 'DateTime', datetime.datetime(1, 1, 1, 0, 0)),
        ('i IN (1L, 7)', 'bool', True),
        ('by IN (200, 1)', 'bool', True),
        ('oi IN (5, 6)', 'bool', True),
        ('nan IN (nan)', 'bool', False),
        ('SUM(i) > 3', 'bool', True),
        ('r.i', 'int', 7),
        ('@v * 2', 'int', 10),
        ('"x" + @v', 'string', 'x5'),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('od.Year', "does not contain a definition for 'Year'"),
        ('i.HasValue', "'int' does not contain"),
        ('s.Foo', "'string' does not contain a definition for 'Foo'"),
        ('s.ToCharArray()', 'string.ToCharArray: not supported'),
        ('arr.Select(1)', 'LINQ method Select'),
        ('Math.Foo(1)', "'Math' does not contain a definition for 'Foo'"),
        ('My.Ns.F(s)', 'My.Ns.F (user assemblies): not supported'),
        ('Foo(s)', "The name 'Foo' does not exist"),
        ('Enumerable.Range(1, 3)', 'LINQ'),
        ('unknown', 'no column unknown'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
