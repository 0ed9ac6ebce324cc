"""Expressions: C#'s, with U-SQL's words beside C#'s operators."""

from __future__ import annotations

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.keywords import RESERVED
from airflow_provider_datalake.usql.lexer import Token, TokenKind
from airflow_provider_datalake.usql.parser.types import KEYWORD_TYPES, TypeParser
from airflow_provider_datalake.usql.types import Kind

_LEVELS: tuple[frozenset[str], ...] = (
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
_BITWISE_OR = 2
_EQUALITY = 5
_SHIFT = 7
_WORDS = frozenset({"OR", "AND", "is", "as", "IN", "NOT", "BETWEEN", "LIKE", "IS"})
_CONSTANTS = {"true": True, "false": False}


class ExpressionParser(TypeParser):
    """Parses expressions."""

    def expression(self) -> ast.Expression:
        """Parse an expression that must come next."""
        with self.deeper():
            if lambda_ := self._lambda():
                return lambda_
            test = self._coalesce()
            if not self.accept("?"):
                return test
            then = self.expression()
            self.expect(":")
            otherwise = self.expression()
            return ast.Conditional(test.span.to(otherwise.span), test, then, otherwise)

    def expressions(self) -> tuple[ast.Expression, ...]:
        """Parse one or more expressions with commas between them."""
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        return tuple(found)

    def _lambda(self) -> ast.Lambda | None:
        start = self.token
        if start.kind is TokenKind.WORD and self.peek().text == "=>":
            names: tuple[str, ...] = (self.take().text,)
        elif self._is_lambda_list():
            self.take()
            found = []
            while not self.accept(")"):
                found.append(self.identifier().text)
                self.accept(",")
            names = tuple(found)
        else:
            return None
        self.expect("=>")
        body = self.expression()
        return ast.Lambda(start.span.to(body.span), names, body)

    def _is_lambda_list(self) -> bool:
        if not self.is_operator("("):
            return False
        ahead = 1
        while self.peek(ahead).kind is TokenKind.WORD or self.peek(ahead).text == ",":
            ahead += 1
        return self.peek(ahead).text == ")" and self.peek(ahead + 1).text == "=>"

    def _coalesce(self) -> ast.Expression:
        left = self._binary(0)
        if not self.accept("??"):
            return left
        with self.deeper():
            right = self._lambda() or self._coalesce()
        return ast.Binary(left.span.to(right.span), "??", left, right)

    def _binary(self, least: int) -> ast.Expression:
        left = self._negation() if least <= _BITWISE_OR and self.is_word("NOT") else self._unary()
        while True:
            operator = self._operator()
            level = _PRECEDENCE.get(operator, -1)
            if level < least:
                self._note_operators()
                return left
            left = self._rest(left, operator, level)

    def _negation(self) -> ast.Expression:
        """Parse ``NOT a == b``, which negates the comparison."""
        start = self.take()
        with self.deeper():
            operand = self._binary(_BITWISE_OR)
        return ast.Unary(start.span.to(operand.span), "NOT", operand)

    def _operator(self) -> str:
        token = self.token
        if token.kind is TokenKind.OPERATOR:
            behind = self.peek()
            # Two signs: `>>` in nested type arguments would otherwise be one token.
            if token.text == ">" and behind.text == ">" and behind.span.start == token.span.end:
                return ">>"
            return token.text
        if token.kind is TokenKind.WORD and token.text in _WORDS:
            if token.text == "NOT" and self.peek().text not in ("IN", "BETWEEN", "LIKE"):
                return ""
            return token.text
        return ""

    def _note_operators(self) -> None:
        self.note("operator")

    def _rest(self, left: ast.Expression, operator: str, level: int) -> ast.Expression:
        self.take()
        if operator == ">>":
            self.take()
        if operator in ("is", "as"):
            type_ = self.type_name()
            return ast.TypeTest(left.span.to(type_.span), operator, left, type_)
        if operator == "IS":
            negated = self.accept_word("NOT")
            self.expect_word("NULL")
            return ast.IsNull(self.span_from(left.span), left, negated)
        if operator in ("NOT", "IN", "BETWEEN", "LIKE"):
            negated = operator == "NOT"
            word = self.take().text if negated else operator
            return self._predicate(left, word, negated=negated)
        right = self._binary(level + 1)
        return ast.Binary(left.span.to(right.span), operator, left, right)

    def _predicate(self, left: ast.Expression, word: str, *, negated: bool) -> ast.Expression:
        if word == "IN":
            self.expect("(")
            if self.is_word("SELECT"):
                raise self.unsupported("IN with a query")
            items = self.expressions()
            self.expect(")")
            return ast.In(self.span_from(left.span), left, items, negated)
        if word == "BETWEEN":
            low = self._binary(_SHIFT)
            self.expect_word("AND")
            high = self._binary(_SHIFT)
            return ast.Between(left.span.to(high.span), left, low, high, negated)
        pattern = self._binary(_SHIFT)
        escape = self._binary(_SHIFT) if self.accept_word("ESCAPE") else None
        return ast.Like(self.span_from(left.span), left, pattern, escape, negated)

    def _unary(self) -> ast.Expression:
        token = self.token
        if token.kind is TokenKind.OPERATOR and token.text in ("-", "+", "!", "~"):
            self.take()
            with self.deeper():
                operand = self._unary()
            return ast.Unary(token.span.to(operand.span), token.text, operand)
        if self.is_word("NOT"):
            return self._negation()
        if cast := self._cast():
            return cast
        return self._postfix(self._primary())

    def _cast(self) -> ast.Cast | None:
        if not self.is_operator("("):
            return None
        position, start = self._position, self.take()
        type_ = self.try_type()
        if type_ is None or not self.is_operator(")") or not self._may_be_cast(type_):
            self._position = position
            return None
        self.take()
        with self.deeper():
            operand = self._unary()
        return ast.Cast(start.span.to(operand.span), type_, operand)

    def _may_be_cast(self, type_: ast.TypeName) -> bool:
        """Decide as C# does: ``(int) -x`` is a cast, ``(a) -x`` is a subtraction."""
        behind = self.peek()
        plain = type_.name in KEYWORD_TYPES or type_.optional or type_.array or bool(type_.arguments)
        if behind.kind is TokenKind.OPERATOR:
            return behind.text in ("(", "!", "~") or (plain and behind.text in ("-", "+"))
        if behind.kind is TokenKind.WORD and behind.text in ("is", "as"):
            return False
        if behind.kind is TokenKind.WORD:
            return behind.text in ("NULL", "CASE", "NOT") or behind.text not in RESERVED
        return behind.kind is not TokenKind.END

    def _primary(self) -> ast.Expression:
        token = self.token
        if token.kind is TokenKind.LITERAL and token.literal is not None:
            self.take()
            return ast.Literal(token.span, token.literal, token.value)
        if token.kind is TokenKind.VARIABLE:
            self.take()
            return ast.Variable(token.span, token.text)
        if token.kind is TokenKind.QUOTED:
            self.take()
            return ast.Name(token.span, token.text, quoted=True)
        if self.accept("("):
            with self.deeper():
                if self.is_word("SELECT"):
                    raise self.unsupported("a query inside of an expression")
                inner = self.expression()
                self.expect(")")
            return inner
        if token.kind is TokenKind.WORD:
            return self._word(token)
        self.note("literal", "identifier", "variable", "'('")
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
        if token.text == "new" and (self.peek().kind is TokenKind.WORD or self.peek().text in ("[", "{")):
            return self._new()
        if token.text in ("typeof", "default", "checked", "unchecked") and self.peek().text == "(":
            raise self.unsupported(f"the operator {token.text}()")
        if token.text == "from" and self.peek().kind is TokenKind.WORD and self.peek(2).text == "in":
            raise self.unsupported("a LINQ query expression")
        if token.text in KEYWORD_TYPES:
            self.take()
            name = ast.TypeName(token.span, token.text)
            return ast.TypeReference(token.span, name)
        if token.text == "ANY_VALUE" or self.is_identifier():
            self.take()
            return ast.Name(token.span, token.text)
        self.note("literal", "identifier", "variable", "'('")
        raise self.error()

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

    def _new(self) -> ast.New:
        start = self.take()
        if self.is_operator("["):
            self.take()
            self.expect("]")
            return ast.New(self.span_from(start.span), None, (), self._initializer())
        if self.is_operator("{"):
            raise self.unsupported("an object of an anonymous type")
        type_ = self.type_name()
        if self.is_operator("["):
            raise self.unsupported("an array with a length but without items")
        arguments: tuple[ast.Argument, ...] = ()
        if self.accept("("):
            arguments = self._arguments()
        items = self._initializer() if self.is_operator("{") else None
        if items is None and self.previous.text != ")":
            self.note("'('", "'{'")
            raise self.error()
        return ast.New(self.span_from(start.span), type_, arguments, items)

    def _initializer(self) -> tuple[tuple[ast.Expression, ...], ...]:
        self.expect("{")
        items: list[tuple[ast.Expression, ...]] = []
        while not self.accept("}"):
            if self.accept("{"):
                items.append(self.expressions())
                self.expect("}")
            else:
                items.append((self.expression(),))
            if not self.accept(","):
                self.expect("}")
                break
        return tuple(items)

    def _arguments(self) -> tuple[ast.Argument, ...]:
        """Parse arguments and the closing parenthesis; the opening one has been taken."""
        arguments: list[ast.Argument] = []
        if self.accept(")"):
            return ()
        while True:
            arguments.append(self._argument())
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(arguments)

    def _argument(self) -> ast.Argument:
        start = self.token
        if self.is_operator("*"):
            self.take()
            return ast.Argument(start.span, ast.Star(start.span))
        name = None
        if start.kind is TokenKind.WORD and self.peek().text == ":" and self.is_identifier():
            name = self.take().text
            self.take()
        if self.is_word("ref") or self.is_word("out"):
            raise self.unsupported(f"an argument passed by {self.token.text}")
        value = self.expression()
        return ast.Argument(start.span.to(value.span), value, name)

    def _postfix(self, target: ast.Expression) -> ast.Expression:
        while True:
            if self.is_operator(".", "?."):
                conditional = self.take().text == "?."
                if self.is_operator("*") and isinstance(target, ast.Name) and not conditional:
                    self.take()
                    return ast.Star(self.span_from(target.span), target.name)
                name = self._member_name()
                target = ast.Member(target.span.to(name.span), target, name.text, conditional)
            elif self.is_operator("("):
                self.take()
                distinct = self.accept_word("DISTINCT")
                arguments = self._arguments()
                target = self._over(ast.Call(self.span_from(target.span), target, arguments, (), distinct))
            elif self.is_operator("["):
                self.take()
                indexes = self.expressions()
                self.expect("]")
                target = ast.Index(self.span_from(target.span), target, indexes)
            elif self.is_operator("<") and (found := self._generic_call(target)):
                target = found
            else:
                return target

    def _member_name(self) -> Token:
        token = self.token
        # Behind a dot every word is a member: Encoding.ASCII, SQL.MAP.
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED):
            return self.take()
        self.note("identifier")
        raise self.error()

    def _generic_call(self, target: ast.Expression) -> ast.Call | None:
        """Parse ``F<T>(x)``, unless the sign is a comparison."""
        if not isinstance(target, (ast.Name, ast.Member)):
            return None
        position = self._position
        self.take()
        while True:
            if not self._skip_type():
                self._position = position
                return None
            if self.is_operator(","):
                self.take()
                continue
            break
        if not self.is_operator(">") or self.peek().text != "(":
            self._position = position
            return None
        self._position = position
        types = self._type_arguments()
        self.expect("(")
        arguments = self._arguments()
        return ast.Call(self.span_from(target.span), target, arguments, types)

    def _over(self, call: ast.Call) -> ast.Expression:
        within: tuple[ast.SortItem, ...] = ()
        start = self._position
        if self.is_word("WITHIN", "GROUP"):
            self.expect_word("WITHIN", "GROUP")
            self.expect("(")
            self.expect_word("ORDER", "BY")
            within = self.sort_items()
            self.expect(")")
        if not self.accept_word("OVER"):
            if within:
                raise self.error()
            self._position = start
            return call
        self.expect("(")
        partition: tuple[ast.Expression, ...] = ()
        order: tuple[ast.SortItem, ...] = ()
        if self.accept_word("PARTITION"):
            self.expect_word("BY")
            partition = self.expressions()
        if self.accept_word("ORDER"):
            self.expect_word("BY")
            order = self.sort_items()
        frame = self._frame()
        self.expect(")")
        return ast.Over(self.span_from(call.span), call, partition, order, frame, within)

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
        offset = None if unbounded else self._binary(_SHIFT)
        kind = "UNBOUNDED " if unbounded else ""
        for word in ("PRECEDING", "FOLLOWING"):
            if self.accept_word(word):
                return ast.FrameBound(self.span_from(start.span), kind + word, offset)
        raise self.error()
