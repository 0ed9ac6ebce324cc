from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.lexer import TokenKind, scan, tokenize
from airflow_provider_datalake.usql.types import Kind
from tests.unit.usql.parser.support import error_at


def texts(script: str) -> list[str]:
    return [token.text for token in tokenize(script)[:-1]]


def only(script: str):
    (token, _) = tokenize(script)
    return token


@pytest.mark.parametrize(
    ("script", "kind", "value"),
    [
        ("0", Kind.INT, 0),
        ("2147483647", Kind.INT, 2147483647),
        ("2147483648", Kind.UINT, 2147483648),
        ("4294967296", Kind.LONG, 4294967296),
        ("9223372036854775808", Kind.ULONG, 9223372036854775808),
        ("1L", Kind.LONG, 1),
        ("1u", Kind.UINT, 1),
        ("1UL", Kind.ULONG, 1),
        ("1lu", Kind.ULONG, 1),
        ("5000000000U", Kind.ULONG, 5000000000),
        ("0x1F", Kind.INT, 31),
        ("0xFFFFFFFF", Kind.UINT, 0xFFFFFFFF),
        ("0x10L", Kind.LONG, 16),
        ("1.5", Kind.DOUBLE, 1.5),
        (".5", Kind.DOUBLE, 0.5),
        ("1e3", Kind.DOUBLE, 1000.0),
        ("1.5E-2", Kind.DOUBLE, 0.015),
        ("2d", Kind.DOUBLE, 2.0),
        ("2f", Kind.FLOAT, 2.0),
        ("1.10m", Kind.DECIMAL, Decimal("1.10")),
        ("00012", Kind.INT, 12),
    ],
)
def test_a_number_has_the_type_that_c_sharp_gives_it(script, kind, value):
    token = only(script)
    assert (token.literal, token.value) == (kind, value)
    assert type(token.value) is type(value)


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ('"abc"', "abc"),
        ('""', ""),
        (r'"a\tb\n\\\"\0"', 'a\tb\n\\"\0'),
        (r'"\x41\u00e9\U0001F600"', "Aé😀"),
        (r'"\uD83D\uDE00"', "😀"),
        ('@"c:\\dir"', "c:\\dir"),
        ('@"say ""hi"""', 'say "hi"'),
        ('@"two\nlines"', "two\nlines"),
        ('"// no comment /* */"', "// no comment /* */"),
    ],
)
def test_a_string_literal_has_its_value(script, value):
    token = only(script)
    assert (token.kind, token.literal, token.value) == (TokenKind.LITERAL, Kind.STRING, value)


@pytest.mark.parametrize(
    ("script", "value"),
    [("'a'", "a"), (r"'\t'", "\t"), (r"'\''", "'"), (r"'\\'", "\\"), (r"'\x41'", "A"), ("'\"'", '"')],
)
def test_a_character_literal_has_its_value(script, value):
    token = only(script)
    assert (token.literal, token.value) == (Kind.CHAR, value)


def test_neighbouring_character_literals_stay_apart():
    assert [token.value for token in tokenize(r"'\'','\\'")[:-1:2]] == ["'", "\\"]


@pytest.mark.parametrize(
    "script",
    ["a // c\nb", "a /* c */ b", 'a /* ; \n " */ // x\n b', "\ufeffa b", "a//\rb", "a /***/ b", "a\u00a0b"],
)
def test_comments_and_space_are_dropped(script):
    assert texts(script) == ["a", "b"]


def test_operators_are_as_long_as_they_can_be():
    script = "?? ?. => == != <= >= && || << ? : = < > ! ~ & | ^ + - * / % . , ; ( ) [ ] { }"
    assert texts(script) == script.split()
    assert texts("a??b?.c=>d<=e") == ["a", "??", "b", "?.", "c", "=>", "d", "<=", "e"]


def test_a_question_mark_before_a_fraction_is_no_member_access():
    assert texts("a?.5:1") == ["a", "?", ".5", ":", "1"]


def test_two_closing_angles_are_two_tokens():
    assert texts("SqlArray<SqlArray<int>>") == ["SqlArray", "<", "SqlArray", "<", "int", ">", ">"]


@pytest.mark.parametrize("script", ["@a", "@@FeaturePreviews", "@_x1", "@größe"])
def test_variables_keep_their_signs(script):
    token = only(script)
    assert (token.kind, token.text) == (TokenKind.VARIABLE, script)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("[my table]", "my table"),
        ("[SELECT]", "SELECT"),
        ("[^]", "^"),
        ("[]]]", "]"),
        ("[a]]b]", "a]b"),
        ("[*]", "*"),
    ],
)
def test_a_quoted_identifier_loses_its_brackets(script, name):
    token = only(script)
    assert (token.kind, token.text, token.span.end) == (TokenKind.QUOTED, name, len(script))


@pytest.mark.parametrize(
    "script",
    [
        "SELECT [a]",
        "x, [a]",
        "x.[a]",
        "([a]",
        "x > [a]",
        "x ? [a]",
        "AND [a]",
        "DROP COLUMN [a]",
        "= [a]",
        "; [a]",
    ],
)
def test_a_bracket_behind_a_keyword_or_an_operator_quotes(script):
    assert tokenize(script)[-2].kind is TokenKind.QUOTED


@pytest.mark.parametrize(
    "script", ["x[a]", "x [a]", "f()[a]", "x[0][a]", "@v[a]", '"s"[a]', "[q][a]", "new[] {1}[a]"]
)
def test_a_bracket_behind_a_value_is_an_index(script):
    assert texts(script)[-3:] == ["[", "a", "]"]


def test_spans_count_characters_from_zero_and_lines_and_columns_from_one():
    spans = [token.span for token in tokenize('ab\r\n  "c\\n"\r,[d e]\n@f')]
    assert [(s.start, s.end, s.line, s.column) for s in spans] == [
        (0, 2, 1, 1),
        (6, 11, 2, 3),
        (12, 13, 3, 1),
        (13, 18, 3, 2),
        (19, 21, 4, 1),
        (21, 21, 4, 3),
    ]


def test_a_span_stands_for_its_text():
    script = 'DECLARE @x string = @"a\n""b""" + \'c\'; // end'
    cut = [script[token.span.start : token.span.end] for token in tokenize(script)]
    assert cut == ["DECLARE", "@x", "string", "=", '@"a\n""b"""', "+", "'c'", ";", ""]


@pytest.mark.parametrize(
    ("marked", "why"),
    [
        ('@a = «"»never ends', "a string that does not end"),
        ('@a = «"»ends\non the next line"', "a string that does not end"),
        ('@a = «@»"never ends', "a string that does not end"),
        ("DECLARE @a = «'ab'»", "a character literal that is not one character; strings have double quotes"),
        ("DECLARE @a = «'»a;", "a malformed character literal"),
        ("DECLARE @a = «'😀'»", "a character literal that is not one character; strings have double quotes"),
        ("«/*» never ends", "a comment that does not end"),
        ("DECLARE @a = «#»", "unexpected character '#'"),
        ("DECLARE @a = «1»a", "a malformed number"),
        ("DECLARE @a = «1.5UL»", "the suffix 'ul', which is for whole numbers,"),
        ("DECLARE @a = «1ll»", "the unknown suffix 'll' of a number"),
        ("DECLARE @a = «99999999999999999999»", "a number that is too large for any integral type"),
        ("DECLARE @a = «1e999»", "a number that is too large for double"),
        ("DECLARE @a = «1e39f»", "a number that is too large for float"),
        ("DECLARE @a = «1e29m»", "a number that is too large for decimal"),
        ("DECLARE @a = «1e99999999999999999999m»", "a number that is too large for decimal"),
        ("DECLARE @a = «" + "9" * 5000 + "»", "a number of too many digits"),
        (r'DECLARE @a = "b«\q»"', r"the unknown escape sequence '\q'"),
        (r'DECLARE @a = "b«\UFFFFFFFF»"', r"the unknown escape sequence '\UFFFFFFFF'"),
        ("DECLARE «@" + "a" * 129 + "» = 1;", "an identifier of more than 128 characters"),
        ("USE «[" + "a" * 129 + "]»;", "an identifier of more than 128 characters"),
    ],
)
def test_what_is_no_token_is_an_error_at_its_place(marked, why):
    assert error_at(marked).message == f"syntax error. Found {why}."


def test_an_identifier_may_have_128_characters():
    assert texts("@" + "a" * 128 + " " + "b" * 128) == ["@" + "a" * 128, "b" * 128]


def test_an_error_of_the_parser_before_one_of_the_lexer_comes_first():
    assert error_at('USE «SELECT»; DECLARE @a = "').code == "E_CSC_USER_SYNTAXERROR"
    assert "does not end" in error_at('USE a; DECLARE @a = «"»').message


def test_tokens_up_to_an_error_are_kept():
    tokens, error = scan("a b #")
    assert [token.text for token in tokens] == ["a", "b", ""]
    assert isinstance(error, CompileError)
    with pytest.raises(CompileError):
        tokenize("a b #")


def test_bytes_in_hexadecimal_are_a_literal_without_a_value():
    token = only("0x4D5A90000300000004000000FFFF")
    assert (token.literal, token.value) == (Kind.BINARY, None)
