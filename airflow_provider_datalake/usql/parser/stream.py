"""The parser's view of the tokens: look, take, go back, and tell what would have fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.diagnostics import Span
from airflow_provider_datalake.usql.keywords import CSHARP_RESERVED, RESERVED
from airflow_provider_datalake.usql.lexer import Token, TokenKind, scan
from airflow_provider_datalake.usql.syntax_errors import not_supported, syntax_error

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import CompileError

MAX_DEPTH = 256
"""How deep expressions, queries and blocks may be nested."""
_NOT_NAMES = RESERVED | CSHARP_RESERVED


class TokenStream:
    """
    The tokens of a script.

    :param text: the script
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens, self._lexical_error = scan(text)
        self._last = len(self._tokens) - 1
        self._position = 0
        self._depth = 0
        self._furthest = 0
        self._expected: set[str] = set()

    @property
    def has_lexical_error(self) -> bool:
        """Whether the tokens end where no token could begin."""
        return self._lexical_error is not None

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._position]

    def peek(self, ahead: int = 1) -> Token:
        """Look further ahead, at most at the end."""
        return self._tokens[min(self._position + ahead, self._last)]

    @property
    def previous(self) -> Token:
        """The token that was taken last."""
        return self._tokens[max(0, self._position - 1)]

    def take(self) -> Token:
        """Take the next token, whatever it is."""
        token = self._tokens[self._position]
        if token.kind is not TokenKind.END:
            self._position += 1
        return token

    def is_word(self, word: str, *more: str) -> bool:
        """Tell whether the next tokens are these words."""
        token = self._tokens[self._position]
        if token.text != word or token.kind is not TokenKind.WORD:
            return False
        return all(self.peek_word(next_, index) for index, next_ in enumerate(more, 1))

    def peek_word(self, word: str, ahead: int = 1) -> bool:
        """Tell whether a token further ahead is this word."""
        token = self.peek(ahead)
        return token.kind is TokenKind.WORD and token.text == word

    def is_operator(self, *operators: str) -> bool:
        """Tell whether the next token is one of these operators."""
        token = self._tokens[self._position]
        return token.kind is TokenKind.OPERATOR and token.text in operators

    def peek_operator(self, operator: str, ahead: int = 1) -> bool:
        """Tell whether a token further ahead is this operator."""
        token = self.peek(ahead)
        return token.kind is TokenKind.OPERATOR and token.text == operator

    def accept_word(self, *words: str) -> bool:
        """Take words when they come next; remember that the first one would have fitted."""
        if self.is_word(*words):
            self._position += len(words)
            return True
        self.note(words[0])
        return False

    def accept(self, operator: str) -> bool:
        """Take an operator when it comes next; remember that it would have fitted."""
        if self.is_operator(operator):
            self._position += 1
            return True
        self.note(f"'{operator}'")
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

    def is_identifier(self, ahead: int = 0) -> bool:
        """Tell whether a token is a name."""
        token = self.peek(ahead)
        if token.kind is TokenKind.WORD:
            return token.text not in _NOT_NAMES
        return token.kind is TokenKind.QUOTED

    def identifier(self) -> Token:
        """Take a name that must come next."""
        if self.is_identifier():
            return self.take()
        self.note(TokenKind.WORD, TokenKind.QUOTED)
        raise self.error()

    def variable(self) -> Token:
        """Take a variable of the script that must come next, not one of the system."""
        if self.token.kind is TokenKind.VARIABLE and not self.token.text.startswith("@@"):
            return self.take()
        self.note(TokenKind.VARIABLE)
        raise self.error()

    def integer(self) -> int:
        """Take a whole number that must come next."""
        value = self.token.value
        if self.token.kind is TokenKind.LITERAL and isinstance(value, int):
            self.take()
            return value
        self.note("integer")
        raise self.error()

    def split_operator(self) -> None:
        """Cut the next token behind its first character: ``>=`` may begin with a ``>`` that counts."""
        token, span = self.token, self.token.span
        first = Span(span.start, span.start + 1, span.line, span.column)
        rest = Span(span.start + 1, span.end, span.line, span.column + 1)
        self._tokens[self._position : self._position + 1] = [
            Token(TokenKind.OPERATOR, token.text[0], first),
            Token(TokenKind.OPERATOR, token.text[1:], rest),
        ]
        self._last += 1

    def skip_parentheses(self) -> None:
        """Move behind the parenthesis that comes next and what is in it."""
        self.expect("(")
        depth = 1
        while depth:
            if self.token.kind is TokenKind.END:
                self.expect(")")
            depth += self.is_operator("(") - self.is_operator(")")
            self.take()

    def span_from(self, start: Span) -> Span:
        """Give the span from a place to the token that was taken last."""
        return start.to(self.previous.span)

    def note(self, *what: str) -> None:
        """Remember what would have fitted here, for the message."""
        if self._position < self._furthest:
            return
        if self._position > self._furthest:
            self._furthest = self._position
            self._expected.clear()
        self._expected.update(what)

    def error(self, why: str = "") -> CompileError:
        """Make the error for the next token, or for the furthest one that was looked at."""
        token = self.token if why else self._tokens[max(self._position, self._furthest)]
        if token.kind is TokenKind.END and self._lexical_error is not None:
            return self._lexical_error
        if why:
            return syntax_error(self.text, token.span, why=why)
        expected = self._expected if self._furthest >= self._position else ()
        return syntax_error(self.text, token.span, expected=[str(one) for one in expected])

    def unsupported(self, feature: str, span: Span | None = None) -> CompileError:
        """Make the error for a feature that is known and not run."""
        return not_supported(self.text, span or self.token.span, feature)

    def descend(self) -> None:
        """Count a level of nesting; whoever calls it ends the level with ``ascend``."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.too_deep()

    def ascend(self) -> None:
        """End a level of nesting."""
        self._depth -= 1

    def too_deep(self) -> CompileError:
        """Make the error for nesting that has no end."""
        return self.error("too many levels of nesting")
