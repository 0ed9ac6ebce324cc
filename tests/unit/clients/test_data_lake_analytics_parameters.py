from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.data_lake_analytics_parameters import (
    BEGIN,
    END,
    Prelude,
    declare,
    typed_literal,
)
from airflow_provider_datalake.exceptions import ConfigurationError

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}
TOKEN = re.compile(r'\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))|([^"\\\n\r])', re.DOTALL)


def read_string(literal: str) -> str:
    """Read a C# string literal as a compiler does; fail where it would end early."""
    if literal.startswith('@"'):
        assert literal.endswith('"')
        inner = literal[2:-1]
        assert '"' not in inner.replace('""', "")
        return inner.replace('""', '"')
    assert literal[0] == literal[-1] == '"'
    text, position = "", 1
    while position < len(literal) - 1:
        match = TOKEN.match(literal, position)
        assert match is not None, literal[position:]
        four, eight, short, plain = match.groups()
        text += chr(int(four or eight, 16)) if four or eight else ESCAPES[short] if short else plain
        position = match.end()
    assert position == len(literal) - 1
    return text


@given(st.text())
def test_any_text_comes_back_and_stays_on_its_line(text: str) -> None:
    kind, literal = typed_literal(text)
    assert kind == "string"
    assert read_string(literal) == text
    assert len(literal.splitlines()) == 1


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True), st.text(), max_size=5),
    st.text(alphabet=st.characters(exclude_characters="\ufeff")),
)
def test_no_value_can_add_a_statement_or_touch_the_script(values: dict[str, str], script: str) -> None:
    submitted = declare(script, values)
    prelude = Prelude.of(submitted)
    assert submitted[prelude.length :] == script if values else submitted == script
    if values:
        lines = submitted[: prelude.length].splitlines()
        assert (lines[0], lines[-1], len(lines)) == (BEGIN, END, len(values) + 2)
        assert prelude.lines == len(lines)
        for line, (name, value) in zip(lines[1:-1], values.items(), strict=True):
            head = f"DECLARE @{name} string = "
            assert line.startswith(head)
            assert line.endswith(";")
            assert read_string(line[len(head) : -1]) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('it\'s "so"', ("string", '@"it\'s ""so"""')),
        ("C:\\new", ("string", '@"C:\\new"')),
        ("a\nb", ("string", '"a\\nb"')),
        ("", ("string", '@""')),
        ("\u2028\x00", ("string", '"\\u2028\\u0000"')),
        (True, ("bool", "true")),
        (False, ("bool", "false")),
        (0, ("int", "0")),
        (-(2**31), ("int", "-2147483648")),
        (2**31, ("long", "2147483648L")),
        (1.5, ("double", "1.5")),
        (1e300, ("double", "1e+300")),
        (Decimal("1.50"), ("decimal", "1.50m")),
        (Decimal("-0.00"), ("decimal", "0.00m")),
        (Decimal("1E+3"), ("decimal", "1000m")),
        (date(2024, 1, 31), ("DateTime", "new DateTime(2024, 1, 31, 0, 0, 0, DateTimeKind.Utc)")),
        (
            datetime(2024, 1, 31, 8, 5, 6),
            ("DateTime", "new DateTime(2024, 1, 31, 8, 5, 6, DateTimeKind.Utc)"),
        ),
        (
            datetime(2024, 1, 31, 8, tzinfo=timezone(timedelta(hours=9))),
            ("DateTime", "new DateTime(2024, 1, 30, 23, 0, 0, DateTimeKind.Utc)"),
        ),
        (
            datetime(2024, 1, 31, 8, 5, 6, 789000, UTC),
            ("DateTime", "new DateTime(2024, 1, 31, 8, 5, 6, 789, DateTimeKind.Utc)"),
        ),
        (
            datetime(1, 1, 1, 0, 0, 0, 1, UTC),
            ("DateTime", "new DateTime(1, 1, 1, 0, 0, 0, 0, DateTimeKind.Utc).AddTicks(10)"),
        ),
        ({"type": "string", "value": None}, ("string", "null")),
        ({"type": "int?", "value": None}, ("int?", "(int?) null")),
        ({"type": "int?", "value": 5}, ("int?", "5")),
        ({"type": "long", "value": 5}, ("long", "5L")),
        ({"type": "double", "value": 5}, ("double", "5.0")),
        ({"type": "int", "value": " 7 "}, ("int", "7")),
        ({"type": "bool", "value": "True"}, ("bool", "true")),
        ({"type": "decimal", "value": "1.10"}, ("decimal", "1.10m")),
        ({"type": "double", "value": "1e3"}, ("double", "1000.0")),
        (
            {"type": "DateTime", "value": "2024-01-31"},
            ("DateTime", "new DateTime(2024, 1, 31, 0, 0, 0, DateTimeKind.Utc)"),
        ),
        (
            {"type": "DateTime?", "value": "2024-01-31T02:00:00+02:00"},
            ("DateTime?", "new DateTime(2024, 1, 31, 0, 0, 0, DateTimeKind.Utc)"),
        ),
    ],
)
def test_a_value_is_written_with_its_type(value: Any, expected: tuple[str, str]) -> None:
    assert typed_literal(value) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, 'None, which has no type; give {"type": "string", "value": None}'),
        (2**63, "cannot be a long"),
        (math.nan, "finite"),
        (-math.inf, "finite"),
        (Decimal("NaN"), "cannot be a decimal"),
        (Decimal(2**96), "more digits than a decimal holds"),
        (Decimal("1e-29"), "more digits than a decimal holds"),
        (b"x", "is a bytes"),
        ([1], "is a list"),
        ("\ud800", "surrogate"),
        ("x" * (128 * 1024 + 1), "131073 bytes"),
        ({"type": "int", "value": None}, "give int?"),
        ({"type": "string?", "value": "x"}, "must be one of"),
        ({"type": "Guid", "value": "x"}, "must be one of"),
        ({"type": 1, "value": "x"}, "must be one of"),
        ({"type": "int; DROP", "value": 1}, "must be one of"),
        ({"value": "x"}, "must have the form"),
        ({"type": "int", "value": "1; DROP DATABASE d"}, "cannot be a whole number"),
        ({"type": "int", "value": 2**31}, "cannot be a int"),
        ({"type": "int", "value": True}, "cannot be a int"),
        ({"type": "int", "value": 1.5}, "cannot be a int"),
        ({"type": "bool", "value": "yes"}, "true or false"),
        ({"type": "double", "value": "1_0"}, "cannot be a double"),
        ({"type": "decimal", "value": "x"}, "cannot be a decimal"),
        ({"type": "decimal", "value": 1.5}, "a Decimal or a whole number"),
        ({"type": "DateTime", "value": "31.1.2024"}, "ISO 8601"),
        ({"type": "string", "value": 1}, "cannot be a string"),
    ],
)
def test_a_value_that_cannot_be_declared_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        typed_literal(value, "@x")


@pytest.mark.parametrize(
    "name", ["", "@", "@@x", "1x", "a b", "a-b", "x string = 1; DECLARE @y", "ä", "x" * 128, 5, "x\n"]
)
def test_a_name_that_is_no_variable_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a name must be"):
        declare("x", {name: 1})


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="@a is given twice"):
        declare("x", {"a": 1, "@a": 2})


def test_parameters_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        declare("x", ["a"])  # type: ignore[arg-type]


def test_the_script_follows_on_lines_of_its_own() -> None:
    assert declare("@r = SELECT 1;", {"a": 1, "@b": "x"}).splitlines() == [
        BEGIN,
        "DECLARE @a int = 1;",
        'DECLARE @b string = @"x";',
        END,
        "@r = SELECT 1;",
    ]


def test_a_byte_order_mark_does_not_end_up_in_the_middle() -> None:
    assert declare("\ufeffUSE db;", {"a": 1}).endswith(f"{END}\nUSE db;")
    assert declare("\ufeffUSE db;", None) == "USE db;"


@pytest.mark.parametrize(
    "script",
    ["", "USE db;", f"{BEGIN}\nUSE db;\n{END}\n", f"{END}\nUSE db;", f"USE db;\n{BEGIN}\n{END}\n", BEGIN],
)
def test_a_script_without_parameters_has_no_prelude(script: str) -> None:
    assert Prelude.of(script) == Prelude()


def test_a_service_that_rewrites_line_ends_does_not_hide_the_prelude() -> None:
    submitted = declare("USE db;\nUSE x;", {"a": 1}).replace("\n", "\r\n")
    assert Prelude.of(submitted).lines == 3
    assert submitted[Prelude.of(submitted).length :].startswith("USE db;")
