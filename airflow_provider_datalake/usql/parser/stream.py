"""The parser's view of the tokens: look, take, go back, and tell what would have fitted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.keywords import RESERVED
from airflow_provider_datalake.usql.lexer import Token, TokenKind, tokenize
from airflow_provider_datalake.usql.syntax_errors import not_supported, syntax_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.usql.diagnostics import CompileError, Span

MAX_DEPTH = 64
"""How deep expressions and queries may be nested; beyond it the machine's own stack would end."""


class TokenStream:
    """
    The tokens of a script.

    :param text: the script
    :raises CompileError: when it cannot be cut into tokens
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text)
        self._position = 0
        self._depth = 0
        self._furthest = 0
        self._expected: set[str] = set()

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._position]

    def peek(self, ahead: int = 1) -> Token:
        """Look further ahead, at most at the end."""
        return self._tokens[min(self._position + ahead, len(self._tokens) - 1)]

    @property
    def previous(self) -> Token:
        """The token that was taken last."""
        return self._tokens[max(0, self._position - 1)]

    def take(self) -> Token:
        """Take the next token, whatever it is."""
        token = self.token
        if token.kind is not TokenKind.END:
            self._position += 1
        return token

    def is_word(self, *words: str) -> bool:
        """Tell whether the next tokens are these words."""
        return all(
            self.peek(index).kind is TokenKind.WORD and self.peek(index).text == word
            for index, word in enumerate(words)
        )

    def is_operator(self, *operators: str) -> bool:
        """Tell whether the next token is one of these operators."""
        return self.token.kind is TokenKind.OPERATOR and self.token.text in operators

    def accept_word(self, *words: str) -> bool:
        """Take words when they come next; remember that the first one would have fitted."""
        if self.is_word(*words):
            self._position += len(words)
            return True
        self._note(words[0])
        return False

    def accept(self, operator: str) -> bool:
        """Take an operator when it comes next; remember that it would have fitted."""
        if self.is_operator(operator):
            self._position += 1
            return True
        self._note(f"'{operator}'")
        return False

    def expect_word(self, *words: str) -> Token:
        """Take words that must come next."""
        for word in words:
            if not self.accept_word(word):
                raise self.error()
        return self.previous

    def expect(self, operator: str) -> Token:
        """Take an operator that must come next."""
        if not self.accept(operator):
            raise self.error()
        return self.previous

    def is_identifier(self) -> bool:
        """Tell whether the next token is a name."""
        token = self.token
        return token.kind is TokenKind.QUOTED or (token.kind is TokenKind.WORD and token.text not in RESERVED)

    def identifier(self) -> Token:
        """Take a name that must come next."""
        if self.is_identifier():
            return self.take()
        self._note(TokenKind.WORD, TokenKind.QUOTED)
        raise self.error()

    def accept_identifier(self) -> Token | None:
        """Take a name when it comes next."""
        if self.is_identifier():
            return self.take()
        self._note(TokenKind.WORD, TokenKind.QUOTED)
        return None

    def variable(self) -> Token:
        """Take a variable that must come next."""
        if self.token.kind is TokenKind.VARIABLE:
            return self.take()
        self._note(TokenKind.VARIABLE)
        raise self.error()

    def integer(self) -> int:
        """Take a whole number that must come next."""
        value = self.token.value
        if self.token.kind is TokenKind.LITERAL and isinstance(value, int):
            self.take()
            return value
        self._note("integer")
        raise self.error()

    def span_from(self, start: Span) -> Span:
        """Give the span from a place to the token that was taken last."""
        return start.to(self.previous.span)

    def _note(self, *what: str) -> None:
        if self._position > self._furthest:
            self._furthest = self._position
            self._expected.clear()
        if self._position == self._furthest:
            self._expected.update(str(one) for one in what)

    def note(self, *what: str) -> None:
        """Remember what would have fitted here, for the message."""
        self._note(*what)

    def error(self, why: str = "") -> CompileError:
        """Make the error for the next token."""
        token = self.token
        if why:
            return syntax_error(self.text, token.span, why=why)
        if self._position < self._furthest:
            token = self._tokens[self._furthest]
        return syntax_error(self.text, token.span, expected=self._expected)

    def unsupported(self, feature: str, span: Span | None = None) -> CompileError:
        """Make the error for a feature that is known and not run."""
        return not_supported(self.text, span or self.token.span, feature)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count a level of nesting."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels of nesting")
        try:
            yield
        finally:
            self._depth -= 1
