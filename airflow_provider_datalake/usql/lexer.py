"""From a script's text to tokens. Words keep their case: U-SQL's keywords are upper case, others are names."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.diagnostics import Span
from airflow_provider_datalake.usql.keywords import RESERVED
from airflow_provider_datalake.usql.syntax_errors import syntax_error
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_IDENTIFIER = 128


class TokenKind(StrEnum):
    """What a token is; the values are how messages name what was expected."""

    WORD = "identifier"
    QUOTED = "quoted-identifier"
    VARIABLE = "variable"
    LITERAL = "literal"
    OPERATOR = "operator"
    END = "end of script"


@dataclass(frozen=True)
class Token:
    """
    A piece of a script.

    :param kind: what it is
    :param text: the text; of a quoted identifier without its brackets
    :param span: where it stands
    :param literal: the type of a literal
    :param value: the value of a literal
    """

    kind: TokenKind
    text: str
    span: Span
    literal: Kind | None = None
    value: int | float | Decimal | str | None = None


_SPACE = re.compile(r"(?:\s+|//[^\r\n]*|/\*.*?\*/)+", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*")
_VARIABLE = re.compile(r"@@?[^\W\d]\w*")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]+)([uUlL]{0,2})(?!\w)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([eE][+-]?\d+)?([uUlLfFdDmM]{0,2})(?!\w)")
_VERBATIM = re.compile(r'@"((?:[^"]|"")*)"')
_STRING = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
_CHAR = re.compile(r"'((?:[^'\\\r\n]|\\[^\r\n][^'\r\n]*))'")
_QUOTED = re.compile(r"\[((?:[^\]\r\n]|\]\])+)\]")
_OPERATORS = (
    "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "<<",
    "+", "-", "*", "/", "%", "=", "<", ">", "!", "~", "&", "|", "^", "?", ":", ".", ",", ";",
    "(", ")", "[", "]", "{", "}",
)  # fmt: skip
_ESCAPES = {
    "'": "'", '"': '"', "\\": "\\", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "n": "\n",
    "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{1,4}|.)", re.DOTALL)
_INTEGERS = ((Kind.INT, 2**31), (Kind.UINT, 2**32), (Kind.LONG, 2**63), (Kind.ULONG, 2**64))


def tokenize(text: str) -> list[Token]:
    """
    Cut a script into tokens.

    :param text: the script
    :return: its tokens; the last one is the end
    :raises CompileError: where no token can begin
    """
    return list(_Lexer(text).tokens())


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
        self._previous: Token | None = None

    def tokens(self) -> Iterator[Token]:
        position = 0
        while True:
            if space := _SPACE.match(self._text, position):
                position = space.end()
            if position >= len(self._text):
                yield Token(TokenKind.END, "", self._span(position, position))
                return
            token = self._token(position)
            self._previous = token
            yield token
            position = token.span.end

    def _span(self, start: int, end: int) -> Span:
        line = bisect.bisect_right(self._lines, start)
        return Span(start, end, line, start - self._lines[line - 1] + 1)

    def _token(self, start: int) -> Token:
        text, first = self._text, self._text[start]
        if match := _VERBATIM.match(text, start):
            return self._literal(match, Kind.STRING, match[1].replace('""', '"'))
        if match := _STRING.match(text, start):
            return self._literal(match, Kind.STRING, self._unescape(match[1], start + 1))
        if first == "'" and (match := _CHAR.match(text, start)):
            return self._char(match)
        if match := _VARIABLE.match(text, start):
            return self._checked(TokenKind.VARIABLE, match[0], match.end(), start)
        if match := _WORD.match(text, start):
            return self._checked(TokenKind.WORD, match[0], match.end(), start)
        if first.isdigit() or (first == "." and text[start + 1 : start + 2].isdigit()):
            return self._number(start)
        if first == "[" and self._may_quote() and (match := _QUOTED.match(text, start)):
            return self._checked(TokenKind.QUOTED, match[1].replace("]]", "]"), match.end(), start)
        for operator in _OPERATORS:
            if text.startswith(operator, start):
                return Token(TokenKind.OPERATOR, operator, self._span(start, start + len(operator)))
        raise self._error(start, start + 1, _complaint(text, start))

    def _may_quote(self) -> bool:
        """Tell whether a bracket begins a quoted name; behind a value it begins an index."""
        previous = self._previous
        if previous is None:
            return True
        if previous.kind is TokenKind.WORD:
            return previous.text in RESERVED
        if previous.kind is TokenKind.OPERATOR:
            return previous.text not in (")", "]", "}", ">", "?")
        return False

    def _checked(self, kind: TokenKind, name: str, end: int, start: int) -> Token:
        if len(name) > MAX_IDENTIFIER:
            raise self._error(start, end, f"an identifier has at most {MAX_IDENTIFIER} characters")
        return Token(kind, name, self._span(start, end))

    def _literal(self, match: re.Match[str], kind: Kind, value: int | float | Decimal | str) -> Token:
        return Token(TokenKind.LITERAL, match[0], self._span(match.start(), match.end()), kind, value)

    def _char(self, match: re.Match[str]) -> Token:
        value = self._unescape(match[1], match.start() + 1)
        if len(value.encode("utf-16-le", "surrogatepass")) != 2:
            raise self._error(match.start(), match.end(), "a character literal holds one character")
        return self._literal(match, Kind.CHAR, value)

    def _number(self, start: int) -> Token:
        if match := _HEX.match(self._text, start):
            return self._integer(match, int(match[1], 16), match[2].lower())
        match = _NUMBER.match(self._text, start)
        if match is None:
            raise self._error(start, start + 1, "a malformed number")
        number, exponent, suffix = match[1], match[2] or "", match[3].lower()
        if suffix in ("f", "d", "m"):
            return self._real(match, number + exponent, suffix)
        if exponent or "." in number:
            if suffix:
                raise self._error(start, match.end(), f"the suffix {suffix!r} is for whole numbers")
            return self._real(match, number + exponent, "d")
        return self._integer(match, int(number), suffix)

    def _real(self, match: re.Match[str], text: str, suffix: str) -> Token:
        if suffix == "m":
            return self._literal(match, Kind.DECIMAL, Decimal(text))
        kind = Kind.FLOAT if suffix == "f" else Kind.DOUBLE
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise self._error(match.start(), match.end(), f"the number is too large for {kind}")
        return self._literal(match, kind, value)

    def _integer(self, match: re.Match[str], value: int, suffix: str) -> Token:
        allowed = {
            "": (Kind.INT, Kind.UINT, Kind.LONG, Kind.ULONG),
            "u": (Kind.UINT, Kind.ULONG),
            "l": (Kind.LONG, Kind.ULONG),
            "ul": (Kind.ULONG,),
            "lu": (Kind.ULONG,),
        }.get(suffix)
        if allowed is None:
            raise self._error(match.start(), match.end(), f"unknown suffix {suffix!r} of a number")
        for kind, limit in _INTEGERS:
            if kind in allowed and value < limit:
                return self._literal(match, kind, value)
        raise self._error(match.start(), match.end(), "the number is too large for any integral type")

    def _unescape(self, body: str, offset: int) -> str:
        def replacement(match: re.Match[str]) -> str:
            code = match[1]
            if code[0] in "uUx" and len(code) > 1:
                number = int(code[1:], 16)
                if number > 0x10FFFF:
                    raise self._error(offset + match.start(), offset + match.end(), "no such character")
                return chr(number)
            if code not in _ESCAPES:
                raise self._error(
                    offset + match.start(), offset + match.end(), f"unrecognized escape sequence '\\{code}'"
                )
            return _ESCAPES[code]

        value = _ESCAPE.sub(replacement, body)
        # Two halves written as \uD83D\uDE00 are one character.
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")

    def _error(self, start: int, end: int, why: str) -> Exception:
        return syntax_error(self._text, self._span(start, end), why=why)


def _complaint(text: str, start: int) -> str:
    if text[start] == '"' or text.startswith('@"', start):
        return "a string that does not end"
    if text[start] == "'":
        return "a malformed character literal"
    if text.startswith("/*", start):
        return "a comment that does not end"
    return f"unexpected character {text[start]!r}"
