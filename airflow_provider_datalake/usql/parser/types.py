"""Types as scripts write them."""

from __future__ import annotations

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.keywords import KEYWORD_TYPES
from airflow_provider_datalake.usql.lexer import Token, TokenKind
from airflow_provider_datalake.usql.parser.stream import TokenStream

_MAX_ARGUMENTS_DEPTH = 16
"""How deep type arguments are looked for: ``a < b < c < ...`` must not be read over and over."""
_VALUE_WORDS = ("new", "true", "false", "null", "NULL", "CASE", "typeof", "default")


class TypeParser(TokenStream):
    """Parses types."""

    def is_type(self, ahead: int = 0) -> bool:
        """Tell whether a token can begin a type."""
        token = self.peek(ahead)
        return self.is_identifier(ahead) or (token.kind is TokenKind.WORD and token.text in KEYWORD_TYPES)

    def type_name(self, *, operand: bool = False) -> ast.TypeName:
        """
        Parse a type that must come next.

        :param operand: whether it stands behind ``is`` or ``as``, where a question mark may begin ``? :``
        """
        start = self._type_word()
        name = start.text
        while self.is_operator(".") and self._names_part():
            self.take()
            name += f".{self.take().text}"
        arguments = self.type_arguments() if self.is_operator("<") else ()
        if not arguments:
            self.note("'.'", "'<'")
        optional = not (operand and self.is_operator("?") and self._begins_value(1)) and self.accept("?")
        array = self._array_rank()
        return ast.TypeName(self.span_from(start.span), name, arguments, optional, array)

    def _type_word(self) -> Token:
        if self.is_type():
            return self.take()
        self.note(TokenKind.WORD, TokenKind.QUOTED)
        raise self.error()

    def _names_part(self) -> bool:
        # SQL.ARRAY and SQL.MAP end with words that are upper case.
        return self.peek().kind in (TokenKind.WORD, TokenKind.QUOTED)

    def _begins_value(self, ahead: int) -> bool:
        token = self.peek(ahead)
        if token.kind is TokenKind.OPERATOR:
            return token.text in ("(", "-", "+", "!", "~")
        if token.kind is TokenKind.WORD:
            return self.is_type(ahead) or token.text in _VALUE_WORDS
        return token.kind is not TokenKind.END

    def type_arguments(self) -> tuple[ast.TypeName, ...]:
        """Parse type arguments in their angle brackets."""
        self.descend()
        self.expect("<")
        arguments = [self.type_name()]
        while self.accept(","):
            arguments.append(self.type_name())
        if self.is_operator(">="):
            self.split_operator()
        self.expect(">")
        self.ascend()
        return tuple(arguments)

    def _array_rank(self) -> bool:
        if self.is_operator("[") and self.peek_operator("]"):
            self.take()
            self.take()
            return True
        return False

    def skip_type(self, depth: int = 0) -> bool:
        """Move behind a type without making anything of it, nor remembering what would have fitted."""
        if depth > _MAX_ARGUMENTS_DEPTH or not self.is_type():
            return False
        self._position += 1
        while self.is_operator(".") and self._names_part():
            self._position += 2
        if self.is_operator("<") and not self.skip_type_arguments(depth):
            return False
        if self.is_operator("?"):
            self._position += 1
        self._array_rank()
        return True

    def skip_type_arguments(self, depth: int = 0) -> bool:
        """Move behind type arguments in the same way; ``<`` comes next."""
        while True:
            self._position += 1
            if not self.skip_type(depth + 1):
                return False
            if self.is_operator(">"):
                self._position += 1
                return True
            if not self.is_operator(","):
                return False
