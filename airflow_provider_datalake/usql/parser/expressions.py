"""Operands of expressions: literals, names, members, calls, objects, windows."""

from __future__ import annotations

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.keywords import KEYWORD_TYPES
from airflow_provider_datalake.usql.lexer import Token, TokenKind
from airflow_provider_datalake.usql.parser.operators import OperatorParser
from airflow_provider_datalake.usql.types import Kind

_CONSTANTS = {"true": True, "false": False}
_OPERATORS_NOT_RUN = ("typeof", "default", "checked", "unchecked", "sizeof")
_OPERANDS = ("literal", TokenKind.WORD, TokenKind.QUOTED, TokenKind.VARIABLE, "'('", "CASE", "new")


class ExpressionParser(OperatorParser):
    """Parses expressions."""

    def operand(self) -> ast.Expression:
        """Parse an operand with its members, calls and indexes."""
        if self.is_operator("("):
            self.take()
            if self.is_word("SELECT"):
                raise self.unsupported("a query inside of an expression")
            target = self.expression()
            self.expect(")")
        else:
            target = self._primary()
        while self.token.kind is TokenKind.OPERATOR:
            if self.is_operator(".", "?."):
                conditional = self.take().text == "?."
                name = self._member_name()
                target = ast.Member(target.span.to(name.span), target, name.text, conditional)
            elif self.is_operator("("):
                target = self._call(target, ())
            elif self.is_operator("["):
                self.take()
                indexes = self.expressions()
                self.expect("]")
                target = ast.Index(self.span_from(target.span), target, indexes)
            elif self.is_operator("<") and self._is_generic_call(target):
                target = self._call(target, self.type_arguments())
            else:
                break
        return target

    def _member_name(self) -> Token:
        # Behind a dot every word is a member: Encoding.ASCII, SQL.MAP.
        if self.token.kind in (TokenKind.WORD, TokenKind.QUOTED):
            return self.take()
        if self.token.kind is TokenKind.VARIABLE:
            raise self.unsupported("a variable of a package")
        self.note(TokenKind.WORD, TokenKind.QUOTED)
        raise self.error()

    def _primary(self) -> ast.Expression:
        token = self.token
        if token.kind is TokenKind.LITERAL and token.literal is not None:
            if token.literal is Kind.BINARY:
                raise self.unsupported("a binary literal")
            self.take()
            return ast.Literal(token.span, token.literal, token.value)
        if token.kind is TokenKind.VARIABLE:
            self.take()
            return ast.Variable(token.span, token.text)
        if token.kind is TokenKind.QUOTED:
            self.take()
            return ast.Name(token.span, token.text, quoted=True)
        if token.kind is TokenKind.WORD:
            return self._word(token)
        self.note(*_OPERANDS)
        raise self.error()

    def _word(self, token: Token) -> ast.Expression:
        if token.text in _CONSTANTS:
            self.take()
            return ast.Literal(token.span, Kind.BOOL, _CONSTANTS[token.text])
        if token.text in ("null", "NULL"):
            self.take()
            return ast.Literal(token.span, Kind.NULL, None)
        if token.text == "CASE":
            return self._case()
        if token.text == "new":
            return self._new()
        if token.text in KEYWORD_TYPES:
            self.take()
            return ast.TypeReference(token.span, ast.TypeName(token.span, token.text))
        self._refuse(token)
        if self.is_identifier():
            self.take()
            return ast.Name(token.span, token.text)
        self.note(*_OPERANDS)
        raise self.error()

    def _refuse(self, token: Token) -> None:
        """Name the part of C# or U-SQL that begins here and is not run."""
        if token.text in _OPERATORS_NOT_RUN:
            raise self.unsupported(f"the operator {token.text}()")
        if token.text == "delegate":
            raise self.unsupported("an anonymous method")
        if token.text == "PARTITION" and self.peek_operator("."):
            raise self.unsupported("PARTITION.EXISTS (table partitions)")
        if token.text == "from" and self._is_linq():
            raise self.unsupported("a LINQ query expression")

    def _is_linq(self) -> bool:
        # `from x in ...`, `from int x in ...`
        return self.is_type(1) and (
            self.peek_word("in", 2) or (self.is_identifier(2) and self.peek_word("in", 3))
        )

    def _case(self) -> ast.Case:
        start = self.expect_word("CASE")
        operand = None if self.is_word("WHEN") else self.expression()
        branches = []
        while self.accept_word("WHEN"):
            test = self.expression()
            self.expect_word("THEN")
            branches.append((test, self.expression()))
        if not branches:
            raise self.error()
        otherwise = self.expression() if self.accept_word("ELSE") else None
        self.expect_word("END")
        return ast.Case(self.span_from(start.span), operand, tuple(branches), otherwise)

    # Objects

    def _new(self) -> ast.New:
        start = self.take()
        if self.is_operator("["):
            self.take()
            self.expect("]")
            elements = self._initializer(start)
            return ast.New(self.span_from(start.span), None, (), elements)
        if self.is_operator("{"):
            raise self.unsupported("an object of an anonymous type")
        type_ = self.type_name()
        if self.is_operator("["):
            raise self.unsupported("an array with a length")
        arguments: tuple[ast.Argument, ...] | None = None
        if self.accept("("):
            arguments = self._arguments()
        has_items = arguments is None or self.is_operator("{")
        items = self._initializer(start) if has_items else None
        return ast.New(self.span_from(start.span), type_, arguments or (), items)

    def _initializer(self, start: Token) -> tuple[tuple[ast.Expression, ...], ...]:
        self.expect("{")
        items: list[tuple[ast.Expression, ...]] = []
        while not self.accept("}"):
            if self.accept("{"):
                items.append(self.expressions())
                self.expect("}")
            elif self.is_identifier() and self.peek_operator("="):
                raise self.unsupported("an object initializer with members", start.span)
            else:
                items.append((self.expression(),))
            if not self.accept(","):
                self.expect("}")
                break
        return tuple(items)

    # Calls

    def _call(self, target: ast.Expression, types: tuple[ast.TypeName, ...]) -> ast.Expression:
        self.expect("(")
        distinct = self.accept_word("DISTINCT")
        arguments = self._arguments()
        return self._over(ast.Call(self.span_from(target.span), target, arguments, types, distinct))

    def _arguments(self) -> tuple[ast.Argument, ...]:
        """Parse arguments and the closing parenthesis; the opening one has been taken."""
        arguments: list[ast.Argument] = []
        if self.accept(")"):
            return ()
        while True:
            start = self.token
            name = None
            if self.is_identifier() and self.peek_operator(":"):
                name = self.take().text
                self.take()
            if self.is_word("ref") or self.is_word("out"):
                raise self.unsupported(f"an argument passed by {self.token.text}")
            value = self._star() if self.is_operator("*") else self.expression()
            arguments.append(ast.Argument(start.span.to(value.span), value, name))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(arguments)

    def _star(self) -> ast.Star:
        return ast.Star(self.take().span)

    def _is_generic_call(self, target: ast.Expression) -> bool:
        """Tell ``F<T>(x)`` from a comparison."""
        if not isinstance(target, (ast.Name, ast.Member)):
            return False
        position = self._position
        fits = self.skip_type_arguments() and self.is_operator("(")
        self._position = position
        return fits

    # Windows

    def _over(self, call: ast.Call) -> ast.Expression:
        within: tuple[ast.SortItem, ...] = ()
        if self.is_word("WITHIN"):
            self.expect_word("WITHIN", "GROUP")
            self.expect("(")
            self.expect_word("ORDER", "BY")
            within = self.sort_items()
            self.expect(")")
            self.expect_word("OVER")
        elif not self.is_word("OVER"):
            self.note("OVER", "WITHIN")
            return call
        else:
            self.take()
        self.expect("(")
        partition: tuple[ast.Expression, ...] = ()
        if self.accept_word("PARTITION"):
            self.expect_word("BY")
            partition = self.expressions()
        order = self.order_by()
        frame = self._frame()
        self.expect(")")
        return ast.Over(self.span_from(call.span), call, partition, order, frame, within)

    def order_by(self) -> tuple[ast.SortItem, ...]:
        """Parse an ``ORDER BY`` that may come next."""
        if not self.accept_word("ORDER"):
            return ()
        self.expect_word("BY")
        return self.sort_items()

    def sort_items(self) -> tuple[ast.SortItem, ...]:
        """Parse what follows ``ORDER BY``."""
        items = [self._sort_item()]
        while self.accept(","):
            items.append(self._sort_item())
        return tuple(items)

    def _sort_item(self) -> ast.SortItem:
        value = self.expression()
        descending = self.accept_word("DESC")
        if not descending:
            self.accept_word("ASC")
        return ast.SortItem(self.span_from(value.span), value, descending)

    def _frame(self) -> tuple[str, ast.FrameBound, ast.FrameBound] | None:
        for unit in ("ROWS", "RANGE"):
            if self.accept_word(unit):
                if not self.accept_word("BETWEEN"):
                    low = self._bound()
                    return unit, low, ast.FrameBound(low.span, "CURRENT ROW")
                low = self._bound()
                self.expect_word("AND")
                return unit, low, self._bound()
        return None

    def _bound(self) -> ast.FrameBound:
        start = self.token
        if self.accept_word("CURRENT"):
            self.expect_word("ROW")
            return ast.FrameBound(self.span_from(start.span), "CURRENT ROW")
        unbounded = self.accept_word("UNBOUNDED")
        offset = None if unbounded else self.bound()
        kind = "UNBOUNDED " if unbounded else ""
        for word in ("PRECEDING", "FOLLOWING"):
            if self.accept_word(word):
                return ast.FrameBound(self.span_from(start.span), kind + word, offset)
        raise self.error()
