"""Whole scripts in the style of the public samples, and what becomes of them when they are damaged."""

from __future__ import annotations

import random
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.lexer import TokenKind, tokenize
from airflow_provider_datalake.usql.parser import parse
from tests.unit.usql.parser.support import error, expression

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted(Path(__file__).parent.glob("scripts/*.usql"))
}
every_script = pytest.mark.parametrize("name", SCRIPTS)


def children(node: Any) -> Iterator[ast.Node]:
    """Give the nodes directly below a node."""
    values = (
        [getattr(node, field.name) for field in fields(node)] if isinstance(node, ast.Node) else list(node)
    )
    for value in values:
        if isinstance(value, ast.Node):
            yield value
        elif isinstance(value, tuple):
            yield from children(value)


def nodes(node: ast.Node) -> Iterator[ast.Node]:
    """Give a node and all below it."""
    yield node
    for child in children(node):
        yield from nodes(child)


def test_there_are_enough_scripts():
    assert len(SCRIPTS) >= 25


@every_script
def test_a_script_has_the_statements_that_its_first_line_tells(name):
    text = SCRIPTS[name]
    expected = text.partition("\n")[0].removeprefix("// expect: ").split()
    assert [type(statement).__name__ for statement in parse(text).statements] == expected


@every_script
def test_spans_lie_within_the_spans_of_their_parents(name):
    text = SCRIPTS[name]
    starts = {token.span.start: token.span for token in tokenize(text)}
    ends = {token.span.end for token in tokenize(text)}
    last = 0
    for statement in parse(text).statements:
        assert statement.span.start >= last
        last = statement.span.end
        for node in nodes(statement):
            assert node.span.start < node.span.end
            assert (node.span.line, node.span.column) == (
                starts[node.span.start].line,
                starts[node.span.start].column,
            )
            assert node.span.end in ends
            for child in children(node):
                assert node.span.start <= child.span.start
                assert child.span.end <= node.span.end


@every_script
def test_comments_and_line_breaks_change_nothing_but_places(name):
    text = SCRIPTS[name]
    tokens = tokenize(text)
    loose = " /* c */\n".join(text[token.span.start : token.span.end] for token in tokens)
    loose = loose.replace("> /* c */\n>", ">>")  # a shift
    assert without_places(parse(loose).statements) == without_places(parse(text).statements)


def without_places(value: Any) -> Any:
    """Write a tree as nested tuples without its spans and texts."""
    if isinstance(value, tuple):
        return tuple(without_places(item) for item in value)
    if isinstance(value, ast.Node):
        kept = (getattr(value, field.name) for field in fields(value) if field.name not in ("span", "text"))
        return (type(value).__name__, *(without_places(item) for item in kept))
    return value


@every_script
def test_a_script_without_its_last_token_is_an_error_or_another_script(name):
    tokens = tokenize(SCRIPTS[name])
    for token in tokens[-8:]:
        parses_or_fails(SCRIPTS[name][: token.span.start])


PIECES = (
    "SELECT FROM WHERE ( ) [ ] { } < > , ; . @x @@y \"s\" 'c' 1 1.5m a [b] + - * / % ? ?? : => == NOT IN BETWEEN LIKE AND "
    "IS NULL null new as is int string AS ON JOIN CROSS APPLY EXPLODE UNION ALL BY NAME ORDER FETCH OVER CASE WHEN THEN END "
    "ELSE IF BEGIN CREATE TABLE INDEX VIEW DROP INSERT INTO VALUES OUTPUT TO USING EXTRACT DECLARE = \" ' /* */ // \\ \n # 0x "
    "OPTION PARTITION WITHIN GROUP DISTINCT from in"
).split(" ")


def parses_or_fails(text: str) -> None:
    """Parse any text: it is a script, or one error within it."""
    try:
        parse(text)
    except CompileError as failure:
        (diagnostic,) = failure.diagnostics
        span = diagnostic.span
        assert 0 <= span.start <= span.end <= len(text)
        assert diagnostic.code in ("E_CSC_USER_SYNTAXERROR", "E_EMULATOR_NOTSUPPORTED")
        assert diagnostic.message.startswith("syntax error.") or "is not supported" in diagnostic.message
        assert (
            "Expected one of" in diagnostic.message
            or "Found" in diagnostic.message
            or "not supported" in diagnostic.message
        )


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
@settings(max_examples=400, deadline=None)
def test_any_row_of_tokens_parses_or_is_an_error(text):
    parses_or_fails(text)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_parses_or_is_an_error(text):
    parses_or_fails(text)
    parses_or_fails(f"@x = SELECT {text} FROM @y;")


@given(
    st.sampled_from(sorted(SCRIPTS)),
    st.lists(
        st.tuples(
            st.sampled_from("deleted doubled swapped replaced inserted cut".split()), st.integers(0, 2**16)
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(PIECES),
)
@settings(max_examples=400, deadline=None)
def test_a_damaged_script_parses_or_is_an_error(name, damages, piece):
    text = SCRIPTS[name]
    parts = [
        text[token.span.start : token.span.end] for token in tokenize(text) if token.kind is not TokenKind.END
    ]
    for damage, number in damages:
        if not parts:
            break
        place = number % len(parts)
        if damage == "deleted":
            del parts[place]
        elif damage == "doubled":
            parts.insert(place, parts[place])
        elif damage == "swapped":
            parts[place], parts[place - 1] = parts[place - 1], parts[place]
        elif damage == "replaced":
            parts[place] = piece
        elif damage == "inserted":
            parts.insert(place, piece)
        else:
            parts = parts[: place + 1]
    parses_or_fails(" ".join(parts))


@pytest.mark.parametrize("seed", range(20))
def test_a_script_with_changed_characters_parses_or_is_an_error(seed):
    chance = random.Random(seed)
    for text in SCRIPTS.values():
        characters = list(text)
        for _ in range(chance.randint(1, 4)):
            characters[chance.randrange(len(characters))] = chance.choice("()[]{}<>\"'@;,.?:=+-*/\\ \n#aA1")
        parses_or_fails("".join(characters))


NAMES = st.sampled_from(
    ["a", "b", "c.d", "@v", "1", '"s"', "f(a)", "x[0]", "null", "(int?) a", "-a", "!b", "new T(a)"]
)
OPERATORS = "?? || && | ^ & == != < > <= >= << >> + - * / % AND OR".split()


@given(
    st.recursive(
        NAMES,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
            st.lists(inner, max_size=3).map(lambda items: f"g({', '.join(items)})"),
            st.tuples(inner, st.lists(inner, min_size=1, max_size=3)).map(
                lambda t: f"({t[0]} IN ({', '.join(t[1])}))"
            ),
            inner.map(lambda text: f"(NOT {text})"),
        ),
        max_leaves=12,
    )
)
@settings(max_examples=200, deadline=None)
def test_what_has_all_its_parentheses_means_the_same_with_more_of_them(text):
    assert expression(f"(({text}))") == expression(text)
    assert expression(f"h({text}, {text})") == f"h({expression(text)}, {expression(text)})"


@pytest.mark.parametrize(
    "text",
    [
        "@a = SELECT " + "(" * 200 + "1" + ")" * 200 + " AS x FROM @b;",
        "@a = SELECT " + "(a < " * 100 + "1" + ")" * 100 + " AS x FROM @b;",
        "@a = SELECT " + "(a)(" * 60 + "1" + ")" * 60 + " AS x FROM @b;",
        "@a = SELECT " + "f(" * 100 + "1" + ")" * 100 + " AS x FROM @b;",
        "@a = SELECT " + "a < " * 3000 + "1 AS x FROM @b;",
        "@a = SELECT f(" + "a < b, " * 3000 + "1) AS x FROM @b;",
        "@a = SELECT a" + " + b" * 5000 + " AS x FROM @b;",
        "@a = SELECT " + "a == 1 ? 2 : " * 1000 + "3 AS x FROM @b;",
        "@a = SELECT a" + ".b()" * 3000 + " AS x FROM @b;",
        "@a = " + "(" * 40 + "SELECT a FROM @b" + ")" * 40 + ";",
        "@a = SELECT a FROM " + "(" * 40 + "@b AS b CROSS JOIN @c" + ")" * 40 + ";",
        "@a = SELECT a FROM " + "(SELECT a FROM " * 40 + "@b" + ") AS q" * 40 + ";",
        "@a = @b" + " UNION ALL @b" * 2000 + ";",
    ],
    ids=lambda text: text[:40],
)
def test_long_and_nested_scripts_parse_in_time(text):
    before = time.process_time()
    assert len(parse(text).statements) == 1
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "text",
    [
        "@a = SELECT " + "(" * 5000,
        "@a = SELECT " + "f(" * 5000,
        "@a = SELECT " + "- " * 5000 + "1 AS x FROM @b;",
        "@a = SELECT " + "NOT " * 5000 + "1 AS x FROM @b;",
        "@a = SELECT " + "(int)" * 5000 + "1 AS x FROM @b;",
        "@a = SELECT " + "a ?? " * 5000 + "1 AS x FROM @b;",
        "@a = SELECT " + "x => " * 5000 + "1 AS x FROM @b;",
        "@a = SELECT " + "a ? " * 5000,
        "@a = SELECT " + "a[" * 5000,
        "@a = SELECT " + "CASE WHEN " * 5000,
        "@a = SELECT " + "new T { " * 5000,
        "@a = SELECT " + "1 + (" * 5000,
        "@a = " + "(" * 5000,
        "@a = SELECT a FROM " + "(" * 5000,
        "@a = SELECT a FROM " + "(SELECT a FROM " * 5000,
        "DECLARE @a " + "SqlArray<" * 5000,
        "IF @a THEN " * 5000,
    ],
    ids=lambda text: text[:40],
)
def test_nesting_without_end_is_an_error(text):
    diagnostic = error(text)
    assert diagnostic.message == "syntax error. Found too many levels of nesting."
    assert diagnostic.span.end > diagnostic.span.start


def test_ten_thousand_lines_parse_in_seconds():
    text = "\n".join(SCRIPTS[name] for name in SCRIPTS)
    text *= 10_000 // text.count("\n") + 1
    before = time.process_time()
    assert parse(text).statements
    assert time.process_time() - before < 20
