"""
The typed binder of expressions: from the query's tree to DuckDB's, with a MaxCompute type for every node.

A node that is not listed here is refused at its position; nothing reaches DuckDB as it was written.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts, operators, typed
from airflow_provider_datalake.emulator.maxcompute.sql.calls import call_of, describe, function_name
from airflow_provider_datalake.emulator.maxcompute.sql.errors import ParseError, SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import (
    AGGREGATES,
    SCALARS,
    TABLE_FUNCTIONS,
    WINDOWS,
    bind_scalar,
)
from airflow_provider_datalake.emulator.maxcompute.sql.grouping import bind_grouping
from airflow_provider_datalake.emulator.maxcompute.sql.intervals import bind_shift
from airflow_provider_datalake.emulator.maxcompute.sql.subqueries import (
    bind_exists,
    bind_in_query,
    bind_single_value,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed
from airflow_provider_datalake.emulator.maxcompute.sql.windows import bind_window
from airflow_provider_datalake.emulator.maxcompute.types import DataType, TypeSyntaxError, parse_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.emulator.maxcompute.sql.scope import Field, Scope
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement

_SUFFIXES = {"L": "bigint", "S": "smallint", "Y": "tinyint"}
_BINARY: dict[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.IntDiv: "DIV",
    exp.Mod: "%",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "^",
    exp.DPipe: "||",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.RegexpLike: "RLIKE",
}


@dataclass(frozen=True)
class Place:
    """
    Where in a query an expression stands.

    :param clause: the clause's name, for messages
    :param aggregates: whether aggregate functions may stand here
    :param windows: whether window functions may stand here
    """

    clause: str
    aggregates: bool = False
    windows: bool = False


class ExpressionBinder:
    """
    Binds the expressions of one clause.

    :param statement: the statement
    :param scope: what names mean
    :param place: what may stand here
    :param named_windows: the WINDOW clause, by lower-case name
    :param outputs: what the SELECT list calls its expressions, where the clause may use these names
    :param outputs_first: whether such a name goes before a column of the same name
    """

    def __init__(
        self,
        statement: Statement,
        scope: Scope,
        place: Place,
        *,
        named_windows: dict[str, exp.Window] | None = None,
        outputs: dict[str, Typed] | None = None,
        outputs_first: bool = False,
    ) -> None:
        self.statement = statement
        self.scope = scope
        self.place = place
        self.named_windows = named_windows or {}
        self.outputs = outputs or {}
        self.outputs_first = outputs_first

    def bind(self, node: exp.Expression) -> Typed:
        """
        Bind an expression.

        :param node: its tree
        :return: its value
        :raises SqlError: when it does not make sense, at its position
        """
        grouping = self.scope.active_grouping
        loose = len(grouping.loose) if grouping else 0
        try:
            value = self._dispatch(node)
        except SqlError as error:
            raise self.statement.fail(error, node) from error.__cause__
        if grouping and (key := grouping.key(value)):
            del grouping.loose[loose:]
            value = key
        return value if value.node is node else replace(value, node=node)

    def condition(self, node: exp.Expression) -> Typed:
        """
        Bind an expression that must be BOOLEAN.

        :param node: its tree
        :return: its value
        :raises SqlError: when it is anything else
        """
        value = self.bind(node)
        try:
            return operators.condition(value, self.place.clause)
        except SqlError as error:
            raise self.statement.fail(error, node) from None

    @property
    def context(self) -> typed.FunctionContext:
        """What functions know about the statement."""
        return self.statement.context

    def _dispatch(self, node: exp.Expression) -> Typed:
        operator, bind = _BINARY.get(type(node)), _BINDERS.get(type(node))
        if operator is None and bind is None:
            raise SemanticError(f"{describe(node)} is not supported")
        known = _ARGUMENTS.get(type(node), _COMMON_ARGUMENTS)
        for name, value in node.args.items():
            if value and name not in known:
                raise SemanticError(f"{name.replace('_', ' ').upper()} of {describe(node)} is not supported")
        if bind:
            return bind(self, node)
        if isinstance(node, exp.Add | exp.Sub) and (shifted := bind_shift(self, node)):
            return shifted
        return operators.bind_binary(str(operator), *self._operands(node), self.context)

    def _connector(self, node: exp.Connector) -> Typed:
        # A long chain leans to the left; as a balanced tree it keeps Python's stack flat, here and later.
        operator, chain = ("AND" if isinstance(node, exp.And) else "OR"), [node.expression]
        first = node.this
        while type(first) is type(node):
            chain.append(first.expression)
            first = first.this
        values = [self.bind(operand) for operand in (first, *reversed(chain))]
        while len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=False)
            joined = [operators.bind_binary(operator, a, b, self.context) for a, b in pairs]
            values = [*joined, *values[len(joined) * 2 :]]
        return values[0]

    def _operands(self, node: exp.Expression) -> tuple[Typed, Typed]:
        return self.bind(node.this), self.bind(node.expression)

    # -- names ---------------------------------------------------------------------------------

    def _column(self, node: exp.Column) -> Typed:
        if isinstance(node.this, exp.Star):
            raise SemanticError(f"* is not allowed in {self.place.clause}")
        return self._path([part.name for part in node.parts], node)

    def _path(self, names: list[str], node: exp.Expression) -> Typed:
        parts = [name.lower() for name in names]
        if len(parts) == 1 and parts[0] in self.outputs and not self._hides_output(parts[0]):
            return self.outputs[parts[0]]
        found = self.scope.resolve(parts)
        if found is None:
            if len(parts) == 1 and parts[0] in SCALARS and self._is_bare_function(node):
                return SCALARS[parts[0]]([], self.context)
            raise SemanticError(f"column {'.'.join(names)} cannot be resolved")
        field, scope, used = found
        value = self.reference(field, scope, node)
        for name in parts[used:]:
            value = self._struct_field(value, name)
        return value

    def _hides_output(self, name: str) -> bool:
        """Say whether a column of the FROM clause goes before an alias of the same name."""
        if self.outputs_first or self.scope.inside_aggregate:
            return self.scope.inside_aggregate
        found = self.scope.resolve([name])
        if found is None or found[1] is not self.scope:
            return False
        grouping = self.scope.grouping
        return grouping is None or grouping.key(Typed(found[0].expr, found[0].type)) is not None

    @staticmethod
    def _is_bare_function(node: exp.Expression) -> bool:
        return (
            isinstance(node.this, exp.Identifier)
            and not node.this.quoted
            and node.name.lower() in _BARE_FUNCTIONS
        )

    def reference(self, field: Field, scope: Scope, node: exp.Expression) -> Typed:
        """
        Refer to a column.

        :param field: the column
        :param scope: the scope that offers it
        :param node: where the query names it
        :return: its value, in a grouped block by way of the key that it is
        """
        if field.scan:
            field.scan.used.setdefault(field.name)
        value = Typed(field.expr, field.type, node=node)
        grouping = scope.active_grouping
        if grouping is None:
            return value
        if key := grouping.key(value):
            return key
        grouping.loose.append((field.name, node))
        return value

    def _struct_field(self, value: Typed, name: str) -> Typed:
        if value.type.name != "struct":
            raise SemanticError(f"{str(value.type).upper()} has no field {name}: only a STRUCT has fields")
        if name not in value.type.field_names:
            raise SemanticError(f"field {name} cannot be resolved in {value.type}")
        child = value.type.children[value.type.field_names.index(name)]
        return typed.emit(child, "struct_extract({0}, {1})", value, typed.text(name))

    def _dot(self, node: exp.Dot) -> Typed:
        if not isinstance(node.expression, exp.Identifier):
            raise SemanticError(f"{describe(node.expression)} after a dot is not supported")
        return self._struct_field(self.bind(node.this), node.expression.name.lower())

    def _bracket(self, node: exp.Bracket) -> Typed:
        if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
            raise SemanticError("[] takes one index")
        container, index = self.bind(node.this), self.bind(node.expressions[0])
        if container.type.name == "array":
            if not index.type.is_integer:
                raise SemanticError("the index of an ARRAY must be an integer")
            # An index before the start or after the end gives NULL; DuckDB would count from the end.
            element = "CASE WHEN {1} >= 0 THEN list_extract({0}, CAST({1} AS BIGINT) + 1) END"
            return typed.emit(container.type.children[0], element, container, index)
        if container.type.name == "map":
            key, value = container.type.children
            index = casts.coerce(index, key, self.context)
            return typed.emit(value, "map_extract_value({0}, {1})", container, index)
        raise SemanticError(f"{str(container.type).upper()} has no elements: [] needs an ARRAY or a MAP")

    # -- constants -----------------------------------------------------------------------------

    def _literal(self, node: exp.Literal) -> Typed:
        text = str(node.this)
        if node.is_string:
            return typed.text(text)
        if text.isdigit():
            return casts.literal_integer(text, self.context)
        if not re.fullmatch(r"[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?", text):
            raise ParseError(f"invalid number '{text}'")
        if not math.isfinite(float(text)):
            raise ParseError(f"the number '{text}' is out of DOUBLE's range")
        return typed.double(float(text))

    def _adjacent_strings(self, node: exp.Concat) -> Typed:
        # 'a' 'b' is one string; concat() itself arrives as a function like any other.
        parts = node.expressions
        if not all(isinstance(p, exp.Literal) and p.is_string for p in parts):
            raise SemanticError("only string constants may stand side by side")
        return typed.text("".join(str(p.this) for p in parts))

    def _negative(self, node: exp.Neg) -> Typed:
        if isinstance(node.this, exp.Literal) and not node.this.is_string and node.name.isdigit():
            return casts.literal_integer(f"-{node.name}", self.context)
        return operators.bind_unary("-", self.bind(node.this), self.context)

    def _cast(self, node: exp.Cast) -> Typed:
        text = str(node.to.meta.get("text", ""))
        suffix = re.fullmatch(r"[0-9.eE+-]*?([A-Za-z]{1,2})", text)
        if isinstance(node.this, exp.Literal) and suffix and re.match(r"[0-9.]", text):
            return self._suffixed(node.this, suffix.group(1).upper())
        return casts.cast(self.bind(node.this), self.data_type(node.to), self.context)

    def _suffixed(self, number: exp.Literal, suffix: str) -> Typed:
        if suffix == "BD":
            return casts.literal_decimal(str(number.this))
        if suffix not in _SUFFIXES or not number.name.isdigit():
            raise ParseError(f"invalid number '{number.name}{suffix}'")
        value = casts.literal_integer(number.name, self.context)
        return casts.cast(value, DataType(_SUFFIXES[suffix]), self.context)

    def data_type(self, node: exp.DataType) -> DataType:
        """
        Read a type that the query names.

        :param node: its node
        :return: the type
        :raises ParseError: when MaxCompute has no such type
        """
        try:
            return parse_type(str(node.meta.get("text", "")))
        except TypeSyntaxError as error:
            raise self.statement.fail(ParseError(str(error)), node) from error

    # -- conditions ----------------------------------------------------------------------------

    def _is(self, node: exp.Is) -> Typed:
        value, what = self.bind(node.this), node.expression
        if isinstance(what, exp.Null):
            return operators.bind_unary("IS NULL", value, self.context)
        if isinstance(what, exp.Boolean):
            return operators.bind_unary("IS TRUE" if what.this else "IS FALSE", value, self.context)
        raise SemanticError("IS takes NULL, TRUE or FALSE")

    def _between(self, node: exp.Between) -> Typed:
        value, low, high = (self.bind(node.args[k]) for k in ("this", "low", "high"))
        return operators.bind_between(value, low, high, self.context)

    def _in(self, node: exp.In) -> Typed:
        if node.args.get("query"):
            return bind_in_query(self, node)
        if isinstance(node.this, exp.Tuple):
            raise SemanticError("IN over several columns needs a subquery")
        if not node.expressions:
            raise ParseError("IN needs at least one value")
        return operators.bind_in(self.bind(node.this), [self.bind(e) for e in node.expressions], self.context)

    def _like(self, node: exp.Like, escape: exp.Expression | None = None) -> Typed:
        if isinstance(node.expression, exp.Any | exp.All | exp.Tuple):
            raise SemanticError("LIKE ANY and LIKE ALL are not supported")
        value, pattern = self._operands(node)
        like = operators.bind_like(value, pattern, self.context, self.bind(escape) if escape else None)
        return operators.bind_unary("NOT", like, self.context) if node.args.get("negate") else like

    def _escape(self, node: exp.Escape) -> Typed:
        if not isinstance(node.this, exp.Like):
            raise SemanticError("ESCAPE belongs to LIKE")
        return self._like(node.this, node.expression)

    def _case(self, node: exp.Case) -> Typed:
        subject = self.bind(node.this) if node.this else None
        conditions, values = [], []
        for branch in node.args["ifs"]:
            if subject is None:
                test = self.bind(branch.this)
                conditions.append(operators.condition(test, "CASE WHEN"))
            else:
                conditions.append(operators.bind_binary("=", subject, self.bind(branch.this), self.context))
            values.append(self.bind(branch.args["true"]))
        default = node.args.get("default")
        values.append(self.bind(default) if default else typed.null())
        return self._choose(conditions, values)

    def _choose(self, conditions: list[Typed], values: list[Typed]) -> Typed:
        values, common = casts.unify(values, self.context)
        branches = [exp.If(this=c.expr, true=v.expr) for c, v in zip(conditions, values[:-1], strict=True)]
        constant = all(v.constant for v in (*conditions, *values))
        return Typed(exp.Case(ifs=branches, default=values[-1].expr), common, constant=constant)

    # -- functions -----------------------------------------------------------------------------

    def _function(self, node: exp.Anonymous) -> Typed:
        name = function_name(node)
        if name in AGGREGATES:
            return self._aggregate(node)
        if name in ("grouping", "grouping_id") and name not in SCALARS:
            return self._grouping_function(node)
        if name in TABLE_FUNCTIONS:
            raise SemanticError(
                f"table function {name} must be the only expression of a SELECT, or in a LATERAL VIEW"
            )
        if name in WINDOWS:
            raise SemanticError(f"window function {name} needs an OVER clause")
        return bind_scalar(name, [self.bind(e) for e in node.expressions], self.context)

    def _aggregate(self, node: exp.Expression) -> Typed:
        name = function_name(call_of(node)[0])
        if name not in AGGREGATES:
            raise SemanticError(f"{describe(node)} needs an aggregate function, which {name} is not")
        if not self.place.aggregates:
            raise SemanticError(f"aggregate function {name} is not allowed in {self.place.clause}")
        if self.scope.inside_aggregate:
            raise SemanticError(f"aggregate function {name} cannot be nested in another one")
        value = self.bind_aggregate(node)
        if self.scope.grouping is None:
            raise SemanticError(f"aggregate function {name} is not allowed in {self.place.clause}")
        return self.scope.grouping.aggregate(value)

    def bind_aggregate(self, node: exp.Expression, *, over: bool = False) -> Typed:
        """
        Bind the call of an aggregate, over the rows of a group or of a window.

        :param node: the call, with its FILTER and WITHIN GROUP
        :param over: whether it is a window's
        :return: the DuckDB aggregate, to which ``typed.over`` can add the window
        :raises SqlError: when the arguments do not fit
        """
        call, modifiers = call_of(node)
        if modifiers.nulls:
            raise SemanticError(f"IGNORE NULLS and RESPECT NULLS are not supported for {function_name(call)}")
        distinct = any(isinstance(e, exp.Distinct) for e in call.expressions)
        nodes = call.expressions[0].expressions if distinct else call.expressions
        outer = self.scope.inside_aggregate
        self.scope.inside_aggregate = outer or not over
        try:
            return AGGREGATES[function_name(call)](
                [typed.STAR if isinstance(n, exp.Star) else self.bind(n) for n in nodes],
                self.context,
                distinct=distinct,
                order_by=[self.ordered(o) for o in modifiers.order],
                where=self.condition(modifiers.where).expr if modifiers.where else None,
            )
        finally:
            self.scope.inside_aggregate = outer

    def ordered(self, node: exp.Expression) -> exp.Ordered:
        """
        Bind a sort key.

        :param node: the key; NULL is the smallest value unless it says otherwise
        :return: DuckDB's sort key
        """
        if node.args.get("with_fill"):
            raise self.statement.unsupported("WITH FILL", node)
        inner = node.this if isinstance(node, exp.Ordered) else node
        descending = isinstance(node, exp.Ordered) and bool(node.args.get("desc"))
        first = bool(node.args.get("nulls_first")) if isinstance(node, exp.Ordered) else True
        return exp.Ordered(this=self.bind(inner).expr, desc=descending, nulls_first=first)

    def _grouping_function(self, node: exp.Anonymous) -> Typed:
        grouping = self.scope.active_grouping
        if grouping is None:
            raise SemanticError(f"{function_name(node)} needs a GROUP BY")
        return bind_grouping(self, grouping, node)

    def _subquery(self, node: exp.Expression) -> Typed:
        return bind_single_value(self, node)

    def _exists(self, node: exp.Exists) -> Typed:
        return bind_exists(self, node)

    def _window(self, node: exp.Window) -> Typed:
        return bind_window(self, node)


# What the service takes without parentheses.
_BARE_FUNCTIONS = frozenset({"current_date", "current_timestamp"})

# Whatever else the parser notes about a node changes its meaning, so it is refused.
_COMMON_ARGUMENTS = frozenset({"this", "expression", "expressions"})
_ARGUMENTS: dict[type[exp.Expression], frozenset[str]] = {
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.ParseJSON: frozenset({"this", "is_literal"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    exp.DPipe: frozenset({"this", "expression", "safe"}),
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
    exp.Subquery: frozenset({"this", "with_", "order", "limit", "offset"}),
}

_BINDERS: dict[type[exp.Expression], Callable[[ExpressionBinder, Any], Typed]] = {
    exp.Column: ExpressionBinder._column,
    exp.Dot: ExpressionBinder._dot,
    exp.Bracket: ExpressionBinder._bracket,
    exp.Paren: lambda binder, node: binder.bind(node.this),
    exp.Literal: ExpressionBinder._literal,
    exp.Boolean: lambda binder, node: typed.boolean(bool(node.this)),
    exp.Null: lambda binder, node: typed.null(),
    exp.Concat: ExpressionBinder._adjacent_strings,
    exp.ParseJSON: lambda binder, node: bind_scalar("json_parse", [binder.bind(node.this)], binder.context),
    exp.Neg: ExpressionBinder._negative,
    exp.Not: lambda binder, node: operators.bind_unary("NOT", binder.bind(node.this), binder.context),
    exp.BitwiseNot: lambda binder, node: operators.bind_unary("~", binder.bind(node.this), binder.context),
    exp.And: ExpressionBinder._connector,
    exp.Or: ExpressionBinder._connector,
    exp.Cast: ExpressionBinder._cast,
    exp.Is: ExpressionBinder._is,
    exp.Between: ExpressionBinder._between,
    exp.In: ExpressionBinder._in,
    exp.Like: ExpressionBinder._like,
    exp.Escape: ExpressionBinder._escape,
    exp.Case: ExpressionBinder._case,
    exp.Anonymous: ExpressionBinder._function,
    exp.Filter: ExpressionBinder._aggregate,
    exp.WithinGroup: ExpressionBinder._aggregate,
    exp.Subquery: ExpressionBinder._subquery,
    exp.Exists: ExpressionBinder._exists,
    exp.Window: ExpressionBinder._window,
}
