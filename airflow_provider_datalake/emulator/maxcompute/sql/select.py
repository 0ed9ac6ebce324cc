"""One SELECT block."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder, Place
from airflow_provider_datalake.emulator.maxcompute.sql.calls import describe, function_name
from airflow_provider_datalake.emulator.maxcompute.sql.errors import ParseError, SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.from_clause import FromClause, collect_predicates
from airflow_provider_datalake.emulator.maxcompute.sql.functions import AGGREGATES, TABLE_FUNCTIONS
from airflow_provider_datalake.emulator.maxcompute.sql.grouping import GroupBy
from airflow_provider_datalake.emulator.maxcompute.sql.ordering import order_and_limit
from airflow_provider_datalake.emulator.maxcompute.sql.scope import (
    Field,
    Grouping,
    Scope,
    aggregate_name,
    identifier,
    key_name,
    output_name,
)
from airflow_provider_datalake.emulator.maxcompute.sql.statement import BoundQuery, OutputColumn
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement

_KNOWN = {
    "expressions",
    "from_",
    "joins",
    "laterals",
    "where",
    "group",
    "having",
    "qualify",
    "windows",
    "order",
    "sort",
    "distribute",
    "cluster",
    "limit",
    "offset",
    "distinct",
    "hint",
    "with_",
}


# What tells a regular expression between backticks from a name.
_REGEX = frozenset("?*+.|()[]^$")


@dataclass(frozen=True)
class _Item:
    """One column of the SELECT list."""

    name: str
    value: Typed
    node: exp.Expression


def bind_select(statement: Statement, node: exp.Select, parent: Scope | None) -> BoundQuery:
    """
    Bind a SELECT block.

    :param statement: the statement
    :param node: its tree
    :param parent: the scope that it may refer to, for a correlated subquery
    :return: the bound query
    :raises SqlError: when it does not make sense, at its position
    """
    return _SelectBinder(statement, node, parent).bind()


class _SelectBinder:
    def __init__(self, statement: Statement, node: exp.Select, parent: Scope | None) -> None:
        self.statement = statement
        self.node = node
        self.scope = Scope(parent=parent)
        self.select = exp.Select()
        self.windows = {w.name.lower(): w for w in node.args.get("windows") or []}
        self.aliases = {
            e.alias.lower(): e.this for e in node.expressions if isinstance(e, exp.Alias) and e.alias
        }

    def bind(self) -> BoundQuery:
        for name, value in self.node.args.items():
            if value and name not in _KNOWN:
                raise self.statement.unsupported(name.strip("_").replace("_", " ").upper(), self.node)
        source = FromClause(self.statement, self.scope)
        source.bind(self.node, self.select)
        self._where()
        expansion = self._table_function()
        if expansion:
            return self._expand(source, *expansion)
        inner = self._group() if self._is_grouped() else None
        items = self._items()
        if not items:
            raise self.statement.fail(SemanticError("the SELECT list is empty"), self.node)
        outputs = {i.name: i.value for i in reversed(items)}
        having, qualify = self._filters(outputs)
        outer = exp.Select() if inner else self.select
        binder = self._binder("ORDER BY", outputs, outputs_first=True)
        values = [i.value for i in items]
        outer.set("expressions", [_aliased(v.expr, output_name(n)) for n, v in enumerate(values)])
        self._distinct(outer)
        self._order(outer, binder, values)
        self._check_loose()
        if inner:
            # What orders or filters groups may have added aggregates, so the inner list is complete only now.
            self._finish_groups(inner, outer)
        if having:
            outer.set("where", exp.Where(this=having.expr))
        if qualify:
            outer.set("qualify", exp.Qualify(this=qualify.expr))
        return BoundQuery(outer, tuple(OutputColumn(i.name, i.value.type, i.node) for i in items))

    def _binder(
        self,
        clause: str,
        outputs: dict[str, Typed] | None = None,
        *,
        windows: bool = True,
        outputs_first: bool = False,
    ) -> ExpressionBinder:
        return ExpressionBinder(
            self.statement,
            self.scope,
            Place(clause, aggregates=True, windows=windows),
            named_windows=self.windows,
            outputs=outputs,
            outputs_first=outputs_first,
        )

    def _where(self) -> None:
        clause = self.node.args.get("where")
        if clause is None:
            return
        binder = ExpressionBinder(self.statement, self.scope, Place("WHERE"))
        collect_predicates(binder, clause.this, self.scope.relations)
        self.select.set("where", exp.Where(this=binder.condition(clause.this).expr))

    # -- table functions -----------------------------------------------------------------------

    def _table_function(self) -> tuple[exp.Expression, list[str]] | None:
        """Look for ``SELECT explode(a) [AS x]``, where the function is the whole list."""
        if len(self.node.expressions) != 1:
            return None
        item = self.node.expressions[0]
        names = []
        if isinstance(item, exp.Alias):
            item, names = item.this, [item.alias.lower()]
        elif isinstance(item, exp.Aliases):
            item, names = item.this, [n.name.lower() for n in item.aliases]
        is_call = isinstance(item, exp.Anonymous) and function_name(item) in TABLE_FUNCTIONS
        return (item, names) if is_call else None

    def _expand(self, source: FromClause, call: exp.Expression, names: list[str]) -> BoundQuery:
        for clause in ("group", "having", "qualify"):
            if self.node.args.get(clause):
                raise self.statement.unsupported(f"{clause.upper()} with a table function", self.node)
        fields = source.expand(call, names, self.select)
        values = [Typed(f.expr, f.type, node=call) for f in fields]
        outputs = {f.name: v for f, v in zip(fields, values, strict=True)}
        self.select.set("expressions", [_aliased(v.expr, output_name(n)) for n, v in enumerate(values)])
        self._distinct(self.select)
        self._order(self.select, self._binder("ORDER BY", outputs, outputs_first=True), values)
        return BoundQuery(self.select, tuple(OutputColumn(f.name, f.type, call) for f in fields))

    # -- groups --------------------------------------------------------------------------------

    def _is_grouped(self) -> bool:
        clauses = [*self.node.expressions, self.node.args.get("having"), self.node.args.get("order")]
        clauses.append(self.node.args.get("qualify"))
        return bool(self.node.args.get("group")) or any(_aggregates(c) for c in clauses if c is not None)

    def _group(self) -> GroupBy:
        binder = ExpressionBinder(self.statement, self.scope, Place("GROUP BY"))

        def bind_key(node: exp.Expression) -> Typed:
            return binder.bind(self._key_node(node))

        group = GroupBy(bind_key)
        clause = self.node.args.get("group")
        if clause:
            try:
                group.read(clause)
            except SemanticError as error:
                raise self.statement.fail(error, clause) from None
        self.scope.grouping = Grouping(self.statement.alias(), group.keys)
        return group

    def _key_node(self, node: exp.Expression) -> exp.Expression:
        """Say what a key means: an expression over the FROM clause, an alias, or a position when so set."""
        flags = ("odps.sql.groupby.position.alias", "hive.groupby.position.alias")
        if isinstance(node, exp.Literal) and node.name.isdigit():
            if any(self.statement.context.flag(f, False) for f in flags):
                if not 1 <= int(node.name) <= len(self.node.expressions):
                    message = f"GROUP BY position {node.name} is not in the select list"
                    raise self.statement.fail(SemanticError(message), node)
                return self.node.expressions[int(node.name) - 1].unalias()
            return node
        if isinstance(node, exp.Column) and len(node.parts) == 1:
            name = node.name.lower()
            found = self.scope.resolve([name])
            if (found is None or found[1] is not self.scope) and name in self.aliases:
                return self.aliases[name]
        return node

    def _finish_groups(self, group: GroupBy, outer: exp.Select) -> None:
        grouping = self.scope.grouping
        if grouping is None:
            return
        columns = [_aliased(k.expr, key_name(i)) for i, k in enumerate(grouping.keys)]
        columns += [_aliased(a.expr, aggregate_name(i)) for i, a in enumerate(grouping.aggregates)]
        self.select.set("expressions", columns or [exp.Literal.number(1)])
        if self.node.args.get("group"):
            self.select.set("group", group.clause())
        table = exp.Subquery(this=self.select, alias=exp.TableAlias(this=identifier(grouping.relation)))
        outer.set("from_", exp.From(this=table))

    # -- the SELECT list -----------------------------------------------------------------------

    def _items(self) -> list[_Item]:
        binder = self._binder("SELECT")
        items: list[_Item] = []
        for node in self.node.expressions:
            if isinstance(node, exp.Star) or (
                isinstance(node, exp.Column) and isinstance(node.this, exp.Star)
            ):
                items.extend(self._star(binder, node))
            elif fields := self._matching(node):
                items.extend(_Item(f.name, binder.reference(f, self.scope, node), node) for f in fields)
            else:
                try:
                    name = _name(node) or f"_c{len(items)}"
                except SqlError as error:
                    raise self.statement.fail(error, node) from None
                items.append(_Item(name, binder.bind(node.unalias()), node))
            self._check_loose()
        return items

    def _matching(self, node: exp.Expression) -> list[Field]:
        """Find the columns that a quoted regular expression, e.g. ``(ds|id)?+.+``, names."""
        if not (isinstance(node, exp.Column) and node.this.args.get("quoted") and set(node.name) & _REGEX):
            return []
        parts = [p.name.lower() for p in node.parts]
        if self.scope.resolve(parts):
            return []
        fields = list(self.scope.fields())
        if len(parts) > 1:
            fields = [f for r in self.scope.relations if r.is_called(parts[:-1]) for f in r.fields]
        try:
            pattern = re.compile(node.name, re.IGNORECASE)
        except re.error as error:
            message = f"{node.name} is neither a column nor a regular expression: {error}"
            raise self.statement.fail(SemanticError(message), node) from error
        return [f for f in fields if pattern.fullmatch(f.name)]

    def _star(self, binder: ExpressionBinder, node: exp.Expression) -> Iterator[_Item]:
        star = node.this if isinstance(node, exp.Column) else node
        fields = list(self.scope.fields())
        if isinstance(node, exp.Column):
            parts = [p.name.lower() for p in node.parts[:-1]]
            relations = [r for r in self.scope.relations if r.is_called(parts)]
            if not relations:
                raise self.statement.fail(SemanticError(f"table {'.'.join(parts)} cannot be resolved"), node)
            fields = [f for r in relations for f in r.fields]
        if not self.scope.relations:
            raise self.statement.fail(SemanticError("* needs a FROM"), node)
        known = {f.name for f in fields}
        if star.args.get("except_") == []:
            raise self.statement.fail(ParseError("EXCEPT names no column"), node)
        dropped = {e.name.lower(): e for e in star.args.get("except_") or []}
        replaced = {e.alias.lower(): e for e in star.args.get("replace") or []}
        for name, where in {**dropped, **replaced}.items():
            if name not in known:
                raise self.statement.fail(SemanticError(f"column {name} cannot be resolved"), where)
        if star.args.get("rename"):
            raise self.statement.unsupported("* RENAME", node)
        for field in fields:
            if field.name in replaced:
                yield _Item(field.name, binder.bind(replaced[field.name].this), replaced[field.name])
            elif field.name not in dropped:
                yield _Item(field.name, binder.reference(field, self.scope, node), node)

    def _filters(self, outputs: dict[str, Typed]) -> tuple[Typed | None, Typed | None]:
        having, qualify = self.node.args.get("having"), self.node.args.get("qualify")
        if having and self.scope.grouping is None:
            raise self.statement.fail(SemanticError("HAVING needs a GROUP BY or an aggregate"), having)
        bound_having = (
            self._binder("HAVING", outputs, windows=False).condition(having.this) if having else None
        )
        bound_qualify = self._binder("QUALIFY", outputs).condition(qualify.this) if qualify else None
        self._check_loose()
        return bound_having, bound_qualify

    def _check_loose(self) -> None:
        grouping = self.scope.grouping
        if grouping and grouping.loose:
            name, node = grouping.loose[0]
            raise self.statement.fail(
                SemanticError(f"column reference {name} should appear in GROUP BY key"), node
            )

    # -- the rest ------------------------------------------------------------------------------

    def _distinct(self, select: exp.Select) -> None:
        distinct = self.node.args.get("distinct")
        if not distinct:
            return
        if distinct.args.get("on"):
            raise self.statement.unsupported("DISTINCT ON", distinct)
        select.set("distinct", exp.Distinct())

    def _order(self, select: exp.Select, binder: ExpressionBinder, values: Sequence[Typed]) -> None:
        for name in ("distribute", "cluster"):
            clause = self.node.args.get(name)
            for key in clause.expressions if clause else []:
                binder.bind(key.this if isinstance(key, exp.Ordered) else key)
        order_and_limit(self.statement, select, self.node, binder, values)
        if self.node.args.get("distinct") and select.args.get("order"):
            for key in select.args["order"].expressions:
                if not isinstance(key.this, exp.Literal):
                    message = "ORDER BY of a SELECT DISTINCT must use columns of its select list"
                    raise self.statement.fail(SemanticError(message), self.node.args.get("order"))


def _aggregates(node: exp.Expression) -> bool:
    """Look for an aggregate of this very block: not of a subquery, and not one over a window."""
    if isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.Window):
        call = node.this
        while not isinstance(call, exp.Anonymous) and isinstance(call.this, exp.Expression):
            call = call.this
        inner = [*call.expressions, *(node.args.get("partition_by") or []), node.args.get("order")]
        return any(_aggregates(n) for n in inner if n is not None)
    if isinstance(node, exp.Anonymous) and function_name(node) in AGGREGATES:
        return True
    return any(_aggregates(child) for child in node.iter_expressions())


def _name(node: exp.Expression) -> str:
    """Name a column of the result: by its alias, or as the column that it is."""
    if isinstance(node, exp.Alias):
        if not isinstance(node.args["alias"], exp.Identifier):
            raise ParseError(f"invalid alias for {describe(node.this)}")
        return str(node.alias).lower()
    if isinstance(node, exp.Column | exp.Dot):
        return str(node.name if isinstance(node, exp.Column) else node.expression.name).lower()
    return ""


def _aliased(value: exp.Expression, name: str) -> exp.Expression:
    return exp.Alias(this=value.copy(), alias=identifier(name))
