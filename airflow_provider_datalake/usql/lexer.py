"""From a script's text to tokens. Words keep their case: U-SQL's keywords are upper case."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.diagnostics import CompileError, Span
from airflow_provider_datalake.usql.keywords import RESERVED
from airflow_provider_datalake.usql.syntax_errors import syntax_error
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_IDENTIFIER = 128
_MAX_DECIMAL = Decimal(2**96 - 1)
_MAX_FLOAT = 3.4028235e38
_MAX_DIGITS = 80
"""More than anybody writes; Python limits the length of what it converts."""


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
    :param literal: the type of a literal; BINARY for bytes in hexadecimal, whose value is not kept
    :param value: the value of a literal
    """

    kind: TokenKind
    text: str
    span: Span
    literal: Kind | None = None
    value: int | float | Decimal | str | None = None


_SPACE = re.compile(r"(?:[\s\ufeff]+|//[^\r\n]*|/\*.*?\*/)+", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*")
_VARIABLE = re.compile(r"@@?[^\W\d]\w*")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]+)([uUlL]{0,2})(?!\w)")
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?([uUlLfFdDmM]{0,2})(?!\w)")
_VERBATIM = re.compile(r'@"((?:[^"]|"")*)"')
_STRING = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
_CHAR = re.compile(r"'((?:[^'\\\r\n]|\\.)*)'")
_QUOTED = re.compile(r"\[((?:[^\]\r\n]|\]\])+)\]")
_OPERATOR = re.compile(r"=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?![0-9])|<<|\+\+|--|[-+*/%=<>!~&|^?:.,;()\[\]{}]")
_DIGITS = tuple("0123456789")
_ESCAPES = {
    "'": "'", '"': '"', "\\": "\\", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "n": "\n",
    "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{1,4}|.)", re.DOTALL)
_INDEXED = (")", "]", "}")
"""Operators that a value may end with."""
_BEFORE_NAMES = RESERVED | {"COLUMN", "NAME", "SOURCE"}
_INTEGERS = ((Kind.INT, 2**31), (Kind.UINT, 2**32), (Kind.LONG, 2**63), (Kind.ULONG, 2**64))


def tokenize(text: str) -> list[Token]:
    """
    Cut a script into tokens.

    :param text: the script
    :return: its tokens; the last one is the end
    :raises CompileError: where no token can begin
    """
    tokens, error = scan(text)
    if error is not None:
        raise error
    return tokens


def scan(text: str) -> tuple[list[Token], CompileError | None]:
    """
    Cut a script into tokens as far as that works: an earlier error of the parser comes before the lexer's.

    :param text: the script
    :return: the tokens up to the error, with an end at its place, and the error; None when there is none
    """
    tokens: list[Token] = []
    try:
        for token in _Lexer(text).tokens():
            tokens.append(token)
    except CompileError as error:
        tokens.append(Token(TokenKind.END, "", error.diagnostics[0].span))
        return tokens, error
    return tokens, None


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
            self._previous = self._token(position)
            yield self._previous
            position = self._previous.span.end

    def _span(self, start: int, end: int) -> Span:
        line = bisect.bisect_right(self._lines, start)
        return Span(start, end, line, start - self._lines[line - 1] + 1)

    def _token(self, start: int) -> Token:
        text, first = self._text, self._text[start]
        if match := _WORD.match(text, start):
            return self._checked(TokenKind.WORD, match[0], match.end(), start)
        if text.startswith("/*", start):
            raise self._error(start, start + 2, "a comment that does not end")
        if match := _VERBATIM.match(text, start):
            return self._literal(match, Kind.STRING, match[1].replace('""', '"'))
        if match := _STRING.match(text, start):
            return self._literal(match, Kind.STRING, self._unescape(match[1], start + 1))
        if first == "'" and (match := _CHAR.match(text, start)):
            return self._char(match)
        if match := _VARIABLE.match(text, start):
            return self._checked(TokenKind.VARIABLE, match[0], match.end(), start)
        if first in _DIGITS or (first == "." and text[start + 1 : start + 2] in _DIGITS):
            return self._number(start)
        if first == "[" and self._may_quote() and (match := _QUOTED.match(text, start)):
            return self._checked(TokenKind.QUOTED, match[1].replace("]]", "]"), match.end(), start)
        if match := _OPERATOR.match(text, start):
            return Token(TokenKind.OPERATOR, match[0], self._span(start, match.end()))
        raise self._error(start, start + 1, _complaint(text, start))

    def _may_quote(self) -> bool:
        """Tell whether a bracket begins a quoted name; behind a value it begins an index."""
        previous = self._previous
        if previous is None:
            return True
        if previous.kind is TokenKind.WORD:
            return previous.text in _BEFORE_NAMES
        return previous.kind is TokenKind.OPERATOR and previous.text not in _INDEXED

    def _checked(self, kind: TokenKind, name: str, end: int, start: int) -> Token:
        if len(name.lstrip("@") if kind is TokenKind.VARIABLE else name) > MAX_IDENTIFIER:
            raise self._error(start, end, f"an identifier of more than {MAX_IDENTIFIER} characters")
        return Token(kind, name, self._span(start, end))

    def _literal(self, match: re.Match[str], kind: Kind, value: int | float | Decimal | str) -> Token:
        return Token(TokenKind.LITERAL, match[0], self._span(match.start(), match.end()), kind, value)

    def _char(self, match: re.Match[str]) -> Token:
        value = self._unescape(match[1], match.start() + 1)
        if len(value.encode("utf-16-le", "surrogatepass")) != 2:
            why = "a character literal that is not one character; strings have double quotes"
            raise self._error(match.start(), match.end(), why)
        return self._literal(match, Kind.CHAR, value)

    def _number(self, start: int) -> Token:
        if match := _HEX.match(self._text, start):
            if len(match[1].lstrip("0")) > 16:
                return Token(TokenKind.LITERAL, match[0], self._span(start, match.end()), Kind.BINARY)
            return self._integer(match, int(match[1], 16), match[2].lower())
        match = _NUMBER.match(self._text, start)
        if match is None:
            raise self._error(start, start + 1, "a malformed number")
        number, exponent, suffix = match[1], match[2] or "", match[3].lower()
        if len(number.lstrip("0")) > _MAX_DIGITS:
            raise self._error(start, match.end(), "a number of too many digits")
        if suffix in ("f", "d", "m"):
            return self._real(match, number + exponent, suffix)
        if exponent or "." in number:
            if suffix:
                raise self._error(start, match.end(), f"the suffix {suffix!r}, which is for whole numbers,")
            return self._real(match, number + exponent, "d")
        return self._integer(match, int(number.lstrip("0") or "0"), suffix)

    def _real(self, match: re.Match[str], text: str, suffix: str) -> Token:
        if suffix == "m":
            return self._decimal(match, text)
        kind = Kind.FLOAT if suffix == "f" else Kind.DOUBLE
        value = float(text)
        if value == float("inf") or (kind is Kind.FLOAT and value > _MAX_FLOAT):
            raise self._error(match.start(), match.end(), f"a number that is too large for {kind}")
        return self._literal(match, kind, value)

    def _decimal(self, match: re.Match[str], text: str) -> Token:
        try:
            value = Decimal(text)
        except InvalidOperation:  # its exponent is beyond all bounds
            value = _MAX_DECIMAL + 1
        if value > _MAX_DECIMAL:
            raise self._error(match.start(), match.end(), f"a number that is too large for {Kind.DECIMAL}")
        return self._literal(match, Kind.DECIMAL, value)

    def _integer(self, match: re.Match[str], value: int, suffix: str) -> Token:
        allowed = {
            "": (Kind.INT, Kind.UINT, Kind.LONG, Kind.ULONG),
            "u": (Kind.UINT, Kind.ULONG),
            "l": (Kind.LONG, Kind.ULONG),
            "ul": (Kind.ULONG,),
            "lu": (Kind.ULONG,),
        }.get(suffix)
        if allowed is None:
            raise self._error(match.start(), match.end(), f"the unknown suffix {suffix!r} of a number")
        for kind, limit in _INTEGERS:
            if kind in allowed and value < limit:
                return self._literal(match, kind, value)
        raise self._error(match.start(), match.end(), "a number that is too large for any integral type")

    def _unescape(self, body: str, offset: int) -> str:
        def replacement(match: re.Match[str]) -> str:
            code = match[1]
            if code[0] in "uUx" and len(code) > 1:
                number = int(code[1:], 16)
                if number <= 0x10FFFF:
                    return chr(number)
            elif code in _ESCAPES:
                return _ESCAPES[code]
            raise self._error(
                offset + match.start(), offset + match.end(), f"the unknown escape sequence '\\{code}'"
            )

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
    return f"unexpected character {text[start]!r}"
