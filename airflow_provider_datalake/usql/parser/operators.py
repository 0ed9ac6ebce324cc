"""Operators of expressions: C#'s, and U-SQL's words beside them."""

from __future__ import annotations

from abc import abstractmethod

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.keywords import CSHARP_RESERVED, KEYWORD_TYPES, RESERVED
from airflow_provider_datalake.usql.lexer import Token, TokenKind
from airflow_provider_datalake.usql.parser.types import TypeParser
from airflow_provider_datalake.usql.types import Kind

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"??"}),
    frozenset({"||", "OR"}),
    frozenset({"&&", "AND"}),
    frozenset({"|"}),
    frozenset({"^"}),
    frozenset({"&"}),
    frozenset({"==", "!="}),
    frozenset({"<", ">", "<=", ">=", "is", "as", "IN", "NOT", "BETWEEN", "LIKE", "IS"}),
    frozenset({"<<", ">>"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
"""Binary operators, the ones that bind least first."""
_PRECEDENCE = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_BITWISE_OR = _PRECEDENCE["|"]
_SHIFT = _PRECEDENCE["<<"]
_TESTS = _LEVELS[_PRECEDENCE["is"]] - {"<", ">", "<=", ">="}
_WORDS = frozenset({"OR", "AND", *_TESTS})
_NEGATED = ("IN", "BETWEEN", "LIKE")
_SMALLEST = {2**31: Kind.INT, 2**63: Kind.LONG}
"""What may only be written with a minus sign: one more than the largest number of its type."""
_TYPE_LIST = frozenset({",", ".", "<", ">", "?", "[", "]"})
_CAST_OPERANDS = frozenset(
    {"NULL", "CASE", "new", "null", "true", "false", "this", "base", "typeof", "default"}
)


class OperatorParser(TypeParser):
    """Parses expressions down to their operands."""

    @abstractmethod
    def operand(self) -> ast.Expression:
        """Parse an operand with its members, calls and indexes."""

    def expression(self) -> ast.Expression:
        """Parse an expression that must come next."""
        self.descend()
        branches: list[tuple[ast.Expression, ast.Expression]] = []
        value = self._lambda() or self._binary(0)
        while self.accept("?"):
            then = self.expression()
            self.expect(":")
            branches.append((value, then))
            value = self._lambda() or self._binary(0)
        for test, then in reversed(branches):
            value = ast.Conditional(test.span.to(value.span), test, then, value)
        self.ascend()
        return value

    def expressions(self) -> tuple[ast.Expression, ...]:
        """Parse one or more expressions with commas between them."""
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        return tuple(found)

    def bound(self) -> ast.Expression:
        """Parse what may stand between BETWEEN, AND and the bounds of a window: no comparison."""
        return self._binary(_SHIFT)

    # Lambdas

    def _lambda(self) -> ast.Lambda | None:
        start = self.token
        if self.is_identifier() and self.peek_operator("=>"):
            names: tuple[str, ...] = (self.take().text,)
        elif self._is_lambda_list():
            names = self._lambda_list()
        else:
            return None
        self.expect("=>")
        if self.is_operator("{"):
            raise self.unsupported("a lambda with a block of statements")
        body = self.expression()
        return ast.Lambda(start.span.to(body.span), names, body)

    def _is_lambda_list(self) -> bool:
        if not self.is_operator("("):
            return False
        ahead = 1
        while True:
            token = self.peek(ahead)
            if token.kind is TokenKind.OPERATOR and token.text not in _TYPE_LIST:
                return token.text == ")" and self.peek_operator("=>", ahead + 1)
            if token.kind not in (TokenKind.OPERATOR, TokenKind.WORD):
                return False
            ahead += 1

    def _lambda_list(self) -> tuple[str, ...]:
        self.expect("(")
        names: list[str] = []
        if not self.is_operator(")"):
            names.append(self._lambda_parameter())
            while self.accept(","):
                names.append(self._lambda_parameter())
        self.expect(")")
        return tuple(names)

    def _lambda_parameter(self) -> str:
        if not (self.peek_operator(",") or self.peek_operator(")")):
            self.type_name()
        return self.identifier().text

    # Binary operators

    def _binary(self, least: int) -> ast.Expression:
        left = self._unary()
        while True:
            operator = self._operator()
            level = _PRECEDENCE.get(operator, -1)
            if level < least:
                self.note("operator")
                return left
            if operator in _TESTS:
                left = self._test(left, operator)
                continue
            self.take()
            if operator == ">>":
                self.take()
            # The operator ?? takes all that follows as its right side.
            right = self._coalesced() if operator == "??" else self._binary(level + 1)
            left = ast.Binary(left.span.to(right.span), operator, left, right)

    def _coalesced(self) -> ast.Expression:
        self.descend()
        value = self._lambda() or self._binary(0)
        self.ascend()
        return value

    def _operator(self) -> str:
        token = self.token
        if token.kind is TokenKind.OPERATOR:
            # Two signs: `>>` in nested type arguments would otherwise be one token.
            if token.text == ">" and self.peek_operator(">") and self.peek().span.start == token.span.end:
                return ">>"
            return token.text
        if token.kind is TokenKind.WORD and token.text in _WORDS:
            if token.text == "NOT" and not self._is_negated_test():
                return ""
            return token.text
        return ""

    def _is_negated_test(self) -> bool:
        return any(self.peek_word(word) for word in _NEGATED)

    def _test(self, left: ast.Expression, operator: str) -> ast.Expression:
        self.take()
        if operator in ("is", "as"):
            type_ = self.type_name(operand=True)
            return ast.TypeTest(left.span.to(type_.span), operator, left, type_)
        if operator == "IS":
            negated = self.accept_word("NOT")
            self.expect_word("NULL")
            return ast.IsNull(self.span_from(left.span), left, negated)
        negated = operator == "NOT"
        word = self.take().text if negated else operator
        if word == "IN":
            return self._in(left, negated=negated)
        if word == "BETWEEN":
            low = self.bound()
            self.expect_word("AND")
            high = self.bound()
            return ast.Between(left.span.to(high.span), left, low, high, negated)
        pattern = self.bound()
        escape = self.bound() if self.accept_word("ESCAPE") else None
        return ast.Like(self.span_from(left.span), left, pattern, escape, negated)

    def _in(self, left: ast.Expression, *, negated: bool) -> ast.In:
        self.expect("(")
        if self.is_word("SELECT"):
            raise self.unsupported("IN with a query")
        items = self.expressions()
        self.expect(")")
        return ast.In(self.span_from(left.span), left, items, negated)

    # Unary operators and casts

    def _unary(self) -> ast.Expression:
        token = self.token
        if token.kind is TokenKind.OPERATOR:
            if token.text in ("-", "+", "!", "~"):
                return self._signed(token)
            if token.text == "(" and (cast := self._cast()):
                return cast
        elif self.is_word("NOT"):
            return self._negation()
        return self.operand()

    def _signed(self, token: Token) -> ast.Expression:
        self.take()
        number = self.token
        if token.text == "-" and number.text.isdigit() and (kind := _SMALLEST.get(_integer(number))):
            self.take()
            return ast.Literal(token.span.to(number.span), kind, -_integer(number))
        self.descend()
        operand = self._unary()
        self.ascend()
        return ast.Unary(token.span.to(operand.span), token.text, operand)

    def _negation(self) -> ast.Expression:
        """Parse ``NOT a == b``, which negates the comparison."""
        start = self.take()
        self.descend()
        operand = self._binary(_BITWISE_OR)
        self.ascend()
        return ast.Unary(start.span.to(operand.span), "NOT", operand)

    def _cast(self) -> ast.Cast | None:
        position, start = self._position, self.take()
        if not self.skip_type() or not self.is_operator(")"):
            self._position = position
            return None
        close = self._position
        self._position = position + 1
        type_ = self.type_name()
        if self._position != close or not self._may_be_cast(type_):
            self._position = position
            return None
        self.take()
        self.descend()
        operand = self._unary()
        self.ascend()
        return ast.Cast(start.span.to(operand.span), type_, operand)

    def _may_be_cast(self, type_: ast.TypeName) -> bool:
        """Decide as C# does: ``(int) -x`` is a cast, ``(a) -x`` is a subtraction."""
        behind = self.peek()
        plain = type_.name in KEYWORD_TYPES or type_.optional or type_.array or bool(type_.arguments)
        if behind.kind is TokenKind.OPERATOR:
            return behind.text in ("(", "!", "~") or (plain and behind.text in ("-", "+"))
        if behind.kind is TokenKind.WORD:
            if behind.text in RESERVED or behind.text in CSHARP_RESERVED:
                starts = behind.text in _CAST_OPERANDS or behind.text in KEYWORD_TYPES
                return starts or (plain and self._is_negation(behind))
            return True
        return behind.kind is not TokenKind.END

    def _is_negation(self, token: Token) -> bool:
        return token.text == "NOT" and not any(self.peek_word(word, 2) for word in _NEGATED)


def _integer(token: Token) -> int:
    return token.value if isinstance(token.value, int) else 0
