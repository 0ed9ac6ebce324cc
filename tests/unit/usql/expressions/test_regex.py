"""Regular expressions."""

from __future__ import annotations

import pytest

from tests.unit.usql.expressions.evaluation import check, compile_error, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('Regex.IsMatch(s, "^a.c$")', 'bool', True),
        ('Regex.IsMatch("abc\\n", "c$")', 'bool', True),
        ('Regex.IsMatch("ABC", "b", RegexOptions.IgnoreCase)', 'bool', True),
        ('Regex.IsMatch("٣", @"\\d")', 'bool', True),
        ('Regex.IsMatch("é", @"^\\w$")', 'bool', True),
        ('Regex.IsMatch("a b", @"\\s")', 'bool', True),
        ('Regex.IsMatch("a.b", @"a\\.b")', 'bool', True),
        ('Regex.IsMatch("x-y", @"[\\w-]+")', 'bool', True),
        ('Regex.Match("id=42;", @"id=(\\d+)").Value', 'string', 'id=42'),
        ('Regex.Match("id=42;", @"id=(\\d+)").Groups[1].Value', 'string', '42'),
        ('Regex.Match("x", @"\\d+").Value', 'string', ''),
        ('Regex.Match("x", @"\\d+").Success', 'bool', False),
        ('Regex.Replace("a1b22", @"\\d+", "#")', 'string', 'a#b#'),
        ('Regex.Replace("john smith", @"(\\w+) (\\w+)", "$2 $1")', 'string', 'smith john'),
        ('Regex.Replace("abc", "b", "$$")', 'string', 'a$c'),
        ('Regex.Replace("abc", "b", @"\\")', 'string', 'a\\c'),
        ('Regex.Replace("abc", "B", "x", RegexOptions.IgnoreCase)', 'string', 'axc'),
        ('Regex.Split("a1b22c", @"\\d+")', 'string[]', ['a', 'b', 'c']),
        ('Regex.IsMatch("a]b", "[]]")', 'bool', True),
        ('Regex.IsMatch("b", "[^a-c]")', 'bool', False),
        ('System.Text.RegularExpressions.Regex.IsMatch("b", "b")', 'bool', True),
        ('Regex.IsMatch("ab", "(?<x>a)b")', 'bool', True),
        ('Regex.IsMatch("ab", "(?i)AB")', 'bool', True),
        ('Regex.IsMatch("foo bar", @"\\bbar\\b")', 'bool', True),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Regex.IsMatch(ns, "a")', 'Value cannot be null'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Regex.IsMatch("abc", "(?=b)")', "'(?=' in the regular expression"),
        ('Regex.IsMatch("abc", "(?<!b)")', 'in the regular expression'),
        ('Regex.IsMatch("aa", @"(a)\\1")', 'in the regular expression'),
        ('Regex.IsMatch(s, s)', 'not constant'),
        ('Regex.Match("id=42;", @"id=(\\d+)").Groups[2].Value', 'the pattern has 1 groups'),
        ('Regex.Split("abc", "(b)")', 'groups'),
    ],
)  # fmt: skip
def test_an_expression_does_not_compile(text: str, words: str) -> None:
    assert words in compile_error(text)
