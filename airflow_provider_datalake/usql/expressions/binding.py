"""From the syntax of an expression to its meaning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.expressions import operators, windows
from airflow_provider_datalake.usql.expressions.access import has_owner, use, use_static
from airflow_provider_datalake.usql.expressions.aggregates import AGGREGATES, aggregate
from airflow_provider_datalake.usql.expressions.constructors import array_literal, construct
from airflow_provider_datalake.usql.expressions.conversions import convert, fits
from airflow_provider_datalake.usql.expressions.failures import invalid, unsupported
from airflow_provider_datalake.usql.expressions.folding import literal
from airflow_provider_datalake.usql.expressions.indexing import index
from airflow_provider_datalake.usql.expressions.members import UNSUPPORTED, members
from airflow_provider_datalake.usql.expressions.templates import grouped, render
from airflow_provider_datalake.usql.expressions.type_names import resolve_type, simple_kind
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import BOOL, NULL, STRING, Kind, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.usql.expressions.scope import Scope

_NAMESPACES = (
    "System.Text.RegularExpressions",
    "System.Globalization",
    "System",
    "Microsoft.Analytics.Types.Sql",
)
_FOREIGN = frozenset(
    "Array BitConverter Buffer Console Encoding GC HttpUtility Interlocked Object Path Random Stopwatch "
    "StringBuilder Task Tuple TimeZone TimeZoneInfo Type Version WebUtility".split()
)
"""Types of .NET of which nothing is supported."""
_CULTURES = frozenset({"CultureInfo.InvariantCulture", "CultureInfo.CurrentCulture"})


def bind(node: ast.Expression, scope: Scope, *, aggregates: bool = False, windows: bool = False) -> Typed:
    """
    Bind an expression.

    :param node: its syntax
    :param scope: what names mean
    :param aggregates: whether aggregates may stand in it
    :param windows: whether functions over windows may stand in it
    :return: its value
    :raises CompileError: when it is wrong, or not supported
    """
    return _Binder(scope, aggregates=aggregates, windows=windows).bind(node)


class _Binder:
    def __init__(self, scope: Scope, *, aggregates: bool, windows: bool) -> None:
        self._scope = scope
        self._aggregates = aggregates
        self._windows = windows

    def bind(self, node: ast.Expression) -> Typed:
        bind: Callable[[Any], Typed] | None = getattr(self, f"_bind_{type(node).__name__.lower()}", None)
        if bind is None:
            raise unsupported(f"an expression of the form {type(node).__name__}", node.span)
        return bind(node)

    # Names

    def _bind_literal(self, node: ast.Literal) -> Typed:
        if node.kind is Kind.NULL:
            return Typed(exp.null(), NULL, node.span, constant=True)
        value = ord(node.value) if node.kind is Kind.CHAR and isinstance(node.value, str) else node.value
        return literal(value, Type(node.kind), node.span)

    def _bind_name(self, node: ast.Name) -> Typed:
        return self._scope.column(node.name, None, node.span)

    def _bind_variable(self, node: ast.Variable) -> Typed:
        return self._scope.variable(node.name, node.span)

    def _bind_typereference(self, node: ast.TypeReference) -> Typed:
        raise invalid(f"'{node.type.name}' is a type, which is not valid here", node.span)

    def _bind_star(self, node: ast.Star) -> Typed:
        raise invalid("* is not valid here", node.span)

    def _bind_lambda(self, node: ast.Lambda) -> Typed:
        raise unsupported("a lambda expression", node.span)

    def _bind_member(self, node: ast.Member) -> Typed:
        owner = self._owner(node.target)
        if owner is None:
            return self._on_value(node, None)
        if isinstance(node.target, ast.Name) and self._scope.has_qualifier(node.target.name):
            return self._scope.column(node.name, node.target.name, node.span)
        found = use_static(owner, node.name, None, node.span)
        if found is None:
            raise self._unknown_static(owner, node.name, node)
        return found

    def _on_value(self, node: ast.Member, arguments: list[Typed] | None) -> Typed:
        receiver = self.bind(node.target)
        safe = node.conditional or (receiver.may_be_null and _is_conditional(node.target))
        return use(receiver, node.name, arguments, node.span, safe=safe)

    def _owner(self, target: ast.Expression) -> str | None:
        """Tell which type, namespace or alias is meant before a dot; None when it is a value."""
        if isinstance(target, ast.TypeReference):
            return self._known_owner(target.type.name)
        if isinstance(target, ast.Name):
            if self._scope.has_qualifier(target.name):
                return target.name
            if target.quoted or self._scope.has_column(target.name):
                return None
            return self._known_owner(target.name)
        if isinstance(target, ast.Member):
            root = self._owner(target.target)
            if root is None or (
                isinstance(target.target, ast.Name) and self._scope.has_qualifier(target.target.name)
            ):
                return None
            full = f"{root}.{target.name}"
            if use_static_exists(root, target.name):
                return None
            if any(namespace.startswith(f"{full}.") or namespace == full for namespace in _NAMESPACES):
                return full
            for namespace in _NAMESPACES:
                if full.startswith(f"{namespace}."):
                    return self._known_owner(full.removeprefix(f"{namespace}."))
            return full
        return None

    def _known_owner(self, name: str) -> str:
        kind = simple_kind(name)
        return kind.value if kind is not None else name

    def _unknown_static(self, owner: str, name: str, node: ast.Node) -> Exception:
        if (owner, name) in UNSUPPORTED:
            return unsupported(f"{owner}.{name}", node.span)
        if has_owner(owner):
            return invalid(f"'{owner}' does not contain a definition for '{name}'", node.span)
        if owner in ("Enumerable", "System.Linq.Enumerable"):
            return unsupported(f"{owner}.{name} (LINQ)", node.span)
        if owner in _FOREIGN:
            return unsupported(f"{owner}.{name}", node.span)
        if "." in owner:
            return unsupported(f"{owner}.{name} (user assemblies)", node.span)
        return invalid(f"The name '{owner}' does not exist in the current context", node.span)

    # Calls

    def _bind_call(self, node: ast.Call) -> Typed:
        if isinstance(node.target, ast.Name):
            return self._function(node, node.target.name)
        if not isinstance(node.target, ast.Member):
            raise invalid("Method name expected", node.span)
        if node.type_arguments:
            raise unsupported(f"the generic method {node.target.name}", node.span)
        member = node.target
        owner = self._owner(member.target)
        if owner is not None and isinstance(member.target, ast.Name):
            if self._scope.has_qualifier(member.target.name):
                owner = None
        if owner is None or (
            isinstance(member.target, ast.Name) and self._scope.has_qualifier(member.target.name)
        ):
            return self._on_value(replace(member, span=node.span), self._arguments(node))
        found = use_static(owner, member.name, self._arguments(node), node.span)
        if found is None:
            raise self._unknown_static(owner, member.name, node)
        return found

    def _arguments(self, node: ast.Call) -> list[Typed]:
        found = []
        for one in node.arguments:
            if one.name is not None:
                raise unsupported("named arguments of a method", one.span)
            if isinstance(one.value, ast.Lambda):
                raise unsupported("a lambda expression (LINQ)", one.span)
            if self._is_culture(one.value):
                continue  # all texts are en-US, which the invariant culture agrees with
            found.append(self.bind(one.value))
        return found

    def _is_culture(self, node: ast.Expression) -> bool:
        return (
            isinstance(node, ast.Member)
            and isinstance(node.target, ast.Name)
            and f"{node.target.name}.{node.name}" in _CULTURES
        )

    def _function(self, node: ast.Call, name: str) -> Typed:
        if name in AGGREGATES:
            if not self._aggregates:
                raise invalid(f"the aggregate {name} is not valid here", node.span)
            inner = _Binder(self._scope, aggregates=False, windows=False)
            star = any(isinstance(one.value, ast.Star) for one in node.arguments)
            arguments = [] if star else [inner.bind(one.value) for one in node.arguments]
            return aggregate(name, arguments, node.span, distinct=node.distinct, star=star)
        if name == "AGG":
            raise unsupported("AGG<T> (user-defined aggregates)", node.span)
        if name in windows.FUNCTIONS:
            raise invalid(f"{name} needs OVER", node.span)
        raise invalid(f"The name '{name}' does not exist in the current context", node.span)

    def _bind_over(self, node: ast.Over) -> Typed:
        if not self._windows:
            raise invalid("a function over a window is not valid here", node.span)
        inner = _Binder(self._scope, aggregates=self._aggregates, windows=False)
        return windows.window(node, inner.bind)

    # Operators

    def _bind_unary(self, node: ast.Unary) -> Typed:
        if node.operator == "-" and isinstance(node.operand, ast.Literal):
            smallest = {(Kind.UINT, 2**31): Kind.INT, (Kind.ULONG, 2**63): Kind.LONG}
            key = (node.operand.kind, node.operand.value)
            if key in smallest:
                kind = smallest[key]
                return literal(-node.operand.value, Type(kind), node.span)  # type: ignore[operator]
        return operators.unary(node.operator, self.bind(node.operand), node.span)

    def _bind_binary(self, node: ast.Binary) -> Typed:
        return operators.binary(node.operator, self.bind(node.left), self.bind(node.right), node.span)

    def _bind_conditional(self, node: ast.Conditional) -> Typed:
        parts = self.bind(node.test), self.bind(node.then), self.bind(node.otherwise)
        return operators.conditional(*parts, node.span)

    def _bind_cast(self, node: ast.Cast) -> Typed:
        type_ = resolve_type(node.type)
        return convert(self.bind(node.operand), type_, explicit=True).at(node.span)

    def _bind_typetest(self, node: ast.TypeTest) -> Typed:
        operand, type_ = self.bind(node.operand), resolve_type(node.type)
        same = operand.type.as_required() == type_.as_required()
        if node.operator == "as":
            if not (same and type_.nullable):
                raise unsupported(f"'{operand.type} as {type_}'", node.span)
            return convert(operand, type_, explicit=True).at(node.span)
        if not same:
            return literal(False, BOOL, node.span)
        return Typed(render("NOT :a IS NULL", a=operand.sql), BOOL, node.span, operand.constant)

    def _bind_in(self, node: ast.In) -> Typed:
        operand, items = self.bind(node.operand), [self.bind(item) for item in node.items]
        found = self._plain_in(operand, items)
        if found is None:
            tests = [grouped(operators.equality("==", operand, item, item.span).sql) for item in items]
            found = exp.or_(*tests, copy=False)
        if node.negated:
            found = exp.Not(this=exp.Paren(this=found))
        return Typed(found, BOOL, node.span, all(one.constant for one in (operand, *items)))

    def _plain_in(self, operand: Typed, items: list[Typed]) -> exp.Expr | None:
        """Write IN as SQL's where no null and no NaN is about, which is the faster form."""
        plain = operand.type.as_required()
        if plain.kind in (Kind.FLOAT, Kind.DOUBLE) or any(item.may_be_null for item in items):
            return None
        if any(item.type.as_required() != plain and not fits(item, plain) for item in items):
            return None
        values = [convert(item, plain).sql for item in items]
        found: exp.Expr = exp.In(this=grouped(operand.sql), expressions=values)
        return exp.Coalesce(this=found, expressions=[exp.false()]) if operand.may_be_null else found

    def _bind_between(self, node: ast.Between) -> Typed:
        operand, low, high = self.bind(node.operand), self.bind(node.low), self.bind(node.high)
        if operand.type == STRING and low.type == STRING and high.type == STRING:
            sql = render("COALESCE(:a BETWEEN :b AND :c, FALSE)", a=operand.sql, b=low.sql, c=high.sql)
            both = Typed(sql, BOOL, node.span)
        else:
            both = operators.binary(
                "&&",
                operators.binary(">=", operand, low, node.span),
                operators.binary("<=", operand, high, node.span),
                node.span,
            )
        return operators.unary("!", both, node.span) if node.negated else both

    def _bind_like(self, node: ast.Like) -> Typed:
        operand, pattern = self.bind(node.operand), self.bind(node.pattern)
        if operand.type != STRING or pattern.type != STRING:
            raise invalid("LIKE compares strings", node.span)
        like: exp.Expr = exp.Like(this=grouped(operand.sql), expression=pattern.sql)
        if node.escape is not None:
            escape = self.bind(node.escape)
            sign = render("CHR(:a)", a=escape.sql) if escape.type.kind is Kind.CHAR else escape.sql
            like = exp.Escape(this=like, expression=sign)
        found: exp.Expr = exp.Coalesce(this=like, expressions=[exp.false()])
        if node.negated:
            found = exp.Not(this=found)
        return Typed(found, BOOL, node.span, operand.constant and pattern.constant)

    def _bind_isnull(self, node: ast.IsNull) -> Typed:
        operand = self.bind(node.operand)
        test: exp.Expr = exp.Is(this=grouped(operand.sql), expression=exp.null())
        return Typed(exp.Not(this=test) if node.negated else test, BOOL, node.span, operand.constant)

    def _bind_case(self, node: ast.Case) -> Typed:
        operand = None if node.operand is None else self.bind(node.operand)
        branches = []
        for test, value in node.branches:
            bound = self.bind(test)
            if operand is not None:
                bound = operators.equality("==", operand, bound, test.span)
            branches.append((operators.condition(bound), self.bind(value)))
        otherwise = (
            Typed(exp.null(), NULL, node.span, constant=True)
            if node.otherwise is None
            else self.bind(node.otherwise)
        )
        return operators.cases(branches, otherwise, node.span)

    # Collections and constructors

    def _bind_index(self, node: ast.Index) -> Typed:
        arguments = [self.bind(one) for one in node.arguments]
        return index(self.bind(node.target), arguments, node.span)

    def _bind_new(self, node: ast.New) -> Typed:
        items = None
        if node.items is not None:
            items = [[self.bind(value) for value in item] for item in node.items]
        if node.type is None:
            return array_literal(None, items or [], node.span)
        arguments = []
        for one in node.arguments:
            if isinstance(one.value, ast.Lambda):
                raise unsupported("a lambda expression (LINQ)", one.span)
            arguments.append(self.bind(one.value))
        return construct(node.type, arguments, items, node.span)


def _is_conditional(node: ast.Expression) -> bool:
    """Tell whether ``?.`` stands in a chain of members; where it meets null, the rest is skipped."""
    while True:
        if isinstance(node, ast.Member):
            if node.conditional:
                return True
            node = node.target
        elif isinstance(node, ast.Call | ast.Index):
            node = node.target
        else:
            return False


def use_static_exists(owner: str, name: str) -> bool:
    """
    Tell whether a type has a static property.

    :param owner: the type
    :param name: the property
    :return: whether it has
    """
    return any(one.static and one.parameters is None for one in members().get((owner, name), ()))


__all__ = ["bind"]
