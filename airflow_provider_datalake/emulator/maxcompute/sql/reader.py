"""Reading the tokens of a statement one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlglot.tokens import Token, TokenType

from airflow_provider_datalake.emulator.catalog import ColumnSpec
from airflow_provider_datalake.emulator.maxcompute.sql.commands import Condition, Name, Spec
from airflow_provider_datalake.emulator.maxcompute.sql.errors import FeatureNotSupported, ParseError
from airflow_provider_datalake.emulator.maxcompute.types import TypeSyntaxError, parse_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.source import Source

Item = TypeVar("Item")

_AFTER_TYPE = ("COMMENT", "NOT", "NULL", "DEFAULT", "PRIMARY", "GENERATED", "AS", "UNIQUE", "CHECK")
_OPERATORS = ("=", "<>", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Lexeme:
    """
    One word, constant or sign.

    :param text: its text; of a string or quoted name, what it means
    :param kind: ``word``, ``name`` (quoted), ``string``, ``number`` or ``sign``
    :param start: offset of the first character
    :param end: offset of the last character
    :param token: the token that it is, or is part of
    """

    text: str
    kind: str
    start: int
    end: int
    token: Token


class Reader:
    """
    Reads a statement from left to right.

    :param source: the submitted text
    :param tokens: the tokens of this statement
    """

    def __init__(self, source: Source, tokens: Sequence[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self._items = [lexeme for token in tokens for lexeme in _lexemes(source, token)]
        self._at = 0

    # -- looking -------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> Lexeme | None:
        """
        Look at what comes next.

        :param ahead: how many lexemes to skip
        :return: the lexeme, None at the end
        """
        index = self._at + ahead
        return self._items[index] if index < len(self._items) else None

    def at_words(self, *words: str) -> bool:
        """
        Check what comes next.

        :param words: upper-case keywords
        :return: whether they come next, in this order
        """
        found = [self.peek(i) for i in range(len(words))]
        return all(
            f is not None and f.kind == "word" and f.text.upper() == w
            for f, w in zip(found, words, strict=True)
        )

    def fail(self, expected: str) -> ParseError:
        """
        Describe what does not fit.

        :param expected: what would have
        :return: the error to raise
        """
        found = self.peek()
        end = self._items[-1].end if self._items else 0
        text = self.source.text[found.start : found.end + 1] if found else "<EOF>"
        position = self.source.position(found.start if found else end)
        return ParseError(f"invalid token '{text}', expect {expected}", *position)

    # -- taking --------------------------------------------------------------------------------

    def take(self) -> Lexeme:
        """
        Take whatever comes next.

        :return: the lexeme
        :raises ParseError: at the end
        """
        found = self.peek()
        if found is None:
            raise self.fail("more")
        self._at += 1
        return found

    def skip_words(self, *words: str) -> bool:
        """
        Take keywords if they come next.

        :param words: upper-case keywords
        :return: whether they were there
        """
        if not self.at_words(*words):
            return False
        self._at += len(words)
        return True

    def words(self, *words: str) -> None:
        """
        Take keywords that must come next.

        :param words: upper-case keywords
        :raises ParseError: when something else does
        """
        if not self.skip_words(*words):
            raise self.fail(" ".join(words))

    def skip_sign(self, sign: str) -> bool:
        """
        Take a sign if it comes next.

        :param sign: e.g. ``(``
        :return: whether it was there
        """
        if not self.at_sign(sign):
            return False
        self._at += 1
        return True

    def sign(self, sign: str) -> None:
        """
        Take a sign that must come next.

        :param sign: e.g. ``(``
        :raises ParseError: when something else does
        """
        if not self.skip_sign(sign):
            raise self.fail(f"'{sign}'")

    def at_sign(self, sign: str) -> bool:
        """
        Check what comes next.

        :param sign: e.g. ``(``
        :return: whether it comes next
        """
        found = self.peek()
        return found is not None and found.kind == "sign" and found.text == sign

    def end(self) -> None:
        """
        Check that nothing follows.

        :raises ParseError: when something does
        """
        if self.peek() is not None:
            raise self.fail("the end of the statement")

    def rest(self) -> tuple[Token, ...]:
        """
        Take all that follows.

        :return: its tokens
        """
        found = self.peek()
        self._at = len(self._items)
        return tuple(t for t in self.tokens if found is not None and t.start >= found.start)

    def name(self, what: str = "a name") -> str:
        """
        Take a name, quoted or not.

        :param what: what it names, for the message
        :return: the name
        :raises ParseError: when something else comes next
        """
        found = self.peek()
        if found is None or found.kind not in ("word", "name"):
            raise self.fail(what)
        self._at += 1
        return found.text

    def string(self) -> str:
        """
        Take a string.

        :return: its characters
        :raises ParseError: when something else comes next
        """
        found = self.peek()
        if found is None or found.kind != "string":
            raise self.fail("a string")
        self._at += 1
        return found.text

    def integer(self) -> int:
        """
        Take a number.

        :return: its value
        :raises ParseError: when something else comes next
        """
        found = self.peek()
        if found is None or found.kind != "number" or not found.text.isdigit():
            raise self.fail("an integer")
        self._at += 1
        return int(found.text)

    def listed(self, item: Callable[[], Item]) -> tuple[Item, ...]:
        """
        Take ``(item, item, ...)``.

        :param item: takes one item
        :return: the items
        """
        self.sign("(")
        found = self.separated(item)
        self.sign(")")
        return found

    def separated(self, item: Callable[[], Item]) -> tuple[Item, ...]:
        """
        Take ``item, item, ...``.

        :param item: takes one item
        :return: the items
        """
        items = [item()]
        while self.skip_sign(","):
            items.append(item())
        return tuple(items)

    # -- what statements have in common --------------------------------------------------------

    def table(self) -> Name:
        """
        Take the name of a table.

        :return: the name
        """
        found = self.peek()
        parts = [self.name("a table name")]
        while self.skip_sign("."):
            parts.append(self.name("a table name"))
        return Name(tuple(parts), found.start if found else 0)

    def spec(self, *, conditions: bool = False) -> Spec:
        """
        Take ``(column='value', ...)``.

        :param conditions: whether other comparisons than ``=`` may stand here
        :return: its terms
        """
        return self.listed(lambda: self._term(conditions))

    def _term(self, conditions: bool) -> Condition:
        found = self.peek()
        column = self.name("a partition column").lower()
        sign = self.take().text
        if sign not in _OPERATORS or (sign != "=" and not conditions):
            self._at -= 1
            raise self.fail("'='" if not conditions else "a comparison")
        sign = "<>" if sign == "!=" else sign
        return Condition(column, sign, self._value(), found.start if found else 0)

    def _value(self) -> str:
        minus = "-" if self.skip_sign("-") else ""
        found = self.take()
        if found.kind not in ("string", "number", "word") or (minus and found.kind != "number"):
            self._at -= 1
            raise self.fail("a constant")
        return minus + found.text

    def specs(self, *, conditions: bool = False) -> tuple[Spec, ...]:
        """
        Take ``PARTITION (...) [[,] PARTITION (...)]``.

        :param conditions: whether other comparisons than ``=`` may stand here
        :return: the specifications
        """
        self.words("PARTITION")
        found = [self.spec(conditions=conditions)]
        while True:
            comma = self.skip_sign(",")
            if not self.skip_words("PARTITION"):
                if comma:
                    raise self.fail("PARTITION")
                return tuple(found)
            found.append(self.spec(conditions=conditions))

    def properties(self) -> dict[str, str]:
        """
        Take ``('key'='value', ...)``.

        :return: the pairs
        """
        return dict(self.listed(self._property))

    def _property(self) -> tuple[str, str]:
        key = self.string()
        self.sign("=")
        return key, self.string()

    def column(self) -> ColumnSpec:
        """
        Take the definition of a column.

        :return: the column
        """
        name = self.name("a column name")
        data_type = self.type()
        nullable, comment = True, ""
        while True:
            if self.skip_words("NOT", "NULL"):
                nullable = False
            elif self.skip_words("NULL"):
                nullable = True
            elif self.skip_words("COMMENT"):
                comment = self.string()
            elif self.at_words("DEFAULT") or self.at_words("PRIMARY") or self.at_words("GENERATED"):
                found = self.take()
                raise FeatureNotSupported(
                    f"{found.text.upper()} of a column", *self.source.position(found.start)
                )
            else:
                return ColumnSpec(name, data_type, comment, nullable)

    def type(self) -> str:
        """
        Take a data type.

        :return: its text
        :raises ParseError: when MaxCompute has no such type
        """
        first, depth = self.peek(), 0
        last = first
        while (found := self.peek()) is not None:
            if depth == 0 and (
                (found.kind == "sign" and found.text in (",", ")"))
                or (found is not first and found.kind == "word" and found.text.upper() in _AFTER_TYPE)
            ):
                break
            depth += (
                {"(": 1, "<": 1, ")": -1, ">": -1, ">>": -2}.get(found.text, 0) if found.kind == "sign" else 0
            )
            last = found
            self._at += 1
        if first is None or last is None or first is self.peek():
            raise self.fail("a data type")
        text = self.source.text[first.start : last.end + 1]
        try:
            return str(parse_type(text))
        except TypeSyntaxError as error:
            raise ParseError(str(error), *self.source.position(first.start)) from error


_KINDS = {TokenType.STRING: "string", TokenType.IDENTIFIER: "name", TokenType.NUMBER: "number"}


def _lexemes(source: Source, token: Token) -> list[Lexeme]:
    kind = _KINDS.get(token.token_type)
    if kind:
        return [Lexeme(token.text, kind, token.start, token.end, token)]
    text = source.text[token.start : token.end + 1]
    # The tokenizer takes some pairs of keywords for one token.
    return [
        Lexeme(
            m.group(),
            "word" if re.match(r"\w", m.group()) else "sign",
            token.start + m.start(),
            token.start + m.end() - 1,
            token,
        )
        for m in re.finditer(r"\w+|[^\w\s]+", text)
    ]
