"""Types as scripts write them."""

from __future__ import annotations

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import TokenKind
from airflow_provider_datalake.usql.parser.stream import TokenStream

KEYWORD_TYPES = frozenset(
    {
        "bool", "byte", "sbyte", "short", "ushort", "int", "uint", "long", "ulong", "float", "double",
        "decimal", "char", "string", "object",
    }
)  # fmt: skip


class TypeParser(TokenStream):
    """Parses types."""

    def type_name(self) -> ast.TypeName:
        """Parse a type that must come next."""
        start = self.identifier()
        name = start.text
        while self.is_operator(".") and self._names_part():
            self.take()
            name += f".{self.take().text}"
        arguments = self._type_arguments() if self.is_operator("<") else ()
        optional = self.accept("?")
        array = self._array_rank()
        return ast.TypeName(self.span_from(start.span), name, arguments, optional, array)

    def _names_part(self) -> bool:
        # SQL.ARRAY and SQL.MAP end with words that are upper case.
        return self.peek().kind in (TokenKind.WORD, TokenKind.QUOTED)

    def _type_arguments(self) -> tuple[ast.TypeName, ...]:
        self.expect("<")
        arguments = [self.type_name()]
        while self.accept(","):
            arguments.append(self.type_name())
        self.expect(">")
        return tuple(arguments)

    def _array_rank(self) -> bool:
        if self.is_operator("[") and self.peek().text == "]" and self.peek().kind is TokenKind.OPERATOR:
            self.take()
            self.take()
            return True
        return False

    def try_type(self) -> ast.TypeName | None:
        """Parse a type, or go back to where it would begin."""
        if self.token.kind is not TokenKind.WORD or not self.is_identifier():
            return None
        position = self._position
        if not self._skip_type():
            self._position = position
            return None
        self._position = position
        return self.type_name()

    def _skip_type(self) -> bool:
        """Move behind a type without making anything of it, nor remembering what would have fitted."""
        if self.token.kind is not TokenKind.WORD or not self.is_identifier():
            return False
        self._position += 1
        while self.is_operator(".") and self._names_part():
            self._position += 2
        if self.is_operator("<"):
            self._position += 1
            while True:
                if not self._skip_type():
                    return False
                if self.is_operator(","):
                    self._position += 1
                    continue
                if not self.is_operator(">"):
                    return False
                self._position += 1
                break
        if self.is_operator("?"):
            self._position += 1
        self._array_rank()
        return True
