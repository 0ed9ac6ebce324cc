"""Arrays and maps."""

from __future__ import annotations

import pytest

from tests.unit.usql.expressions.evaluation import check, failure


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ('bin.Length', 'int', 2),
        ('new SqlArray<int>{1, 2, 3}', 'SqlArray<int>', [1, 2, 3]),
        ("new SqlArray<string>(list.Split(','))", 'SqlArray<string>', ['a', 'b;c', '', 'd']),
        ('new SqlArray<int>()', 'SqlArray<int>', []),
        ("SqlArray.Create(s.Split('b'))", 'SqlArray<string>', ['a', 'c']),
        ('new SQL.ARRAY<string>{"a"}.Count', 'int', 1),
        ('arr[0]', 'int', 10),
        ('arr.Count', 'int', 3),
        ('arr.Length', 'int', 3),
        ('arr.Contains(20)', 'bool', True),
        ('words.Contains(null)', 'bool', True),
        ('arr.Contains(5)', 'bool', False),
        ('narr == null', 'bool', True),
        ('words[1]', 'string', None),
        ('words[1] + "x"', 'string', 'x'),
        ('new[]{1, 2}.Length', 'int', 2),
        ('new int[]{1, 2}[1]', 'int', 2),
        ('map["a"]', 'string', 'x'),
        ('map["z"]', 'string', None),
        ('map["b"]', 'string', None),
        ('counts["a"]', 'int?', 1),
        ('map.Count', 'int', 2),
        ('map.Keys', 'SqlArray<string>', ['a', 'b']),
        ('map.Values', 'SqlArray<string>', ['x', None]),
        ('map.ContainsKey("a")', 'bool', True),
        ('map.ContainsKey("z")', 'bool', False),
        ('new SqlMap<string, int?>{{"a", 1}, {"b", null}}["b"]', 'int?', None),
        ('new SqlMap<string, string>{{"a", "b"}}', 'SqlMap<string, string>', {'a': 'b'}),
        ('new SqlMap<string, int>{{"k", i}}["k"]', 'int?', 7),
        ('new byte[]{1, 255}', 'byte[]', b'\x01\xff'),
    ],
)  # fmt: skip
def test_an_expression_has_this_type_and_value(text: str, type_: str, value: object) -> None:
    check(text, type_, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('arr[3]', 'outside'),
        ('arr[-1]', 'outside'),
        ('narr.Count', 'Object reference'),
        ('nmap["a"]', 'Object reference'),
        ('map[ns]', 'cannot be null'),
    ],
)  # fmt: skip
def test_an_expression_fails_the_job(text: str, words: str) -> None:
    assert words in failure(text)
