"""FROM: tables, subqueries, joins and lateral views, and which conditions may spare partitions."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import operators
from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder, Place
from airflow_provider_datalake.emulator.maxcompute.sql.calls import call_of, describe, function_name
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import (
    TABLE_FUNCTIONS,
    bind_scalar,
    unknown_function,
)
from airflow_provider_datalake.emulator.maxcompute.sql.scope import (
    Field,
    Relation,
    Scan,
    Scope,
    column,
    identifier,
    output_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.statement import (
        BoundQuery,
        OutputColumn,
        Statement,
    )

_KINDS = {
    ("", ""): "INNER",
    ("", "INNER"): "INNER",
    ("", "CROSS"): "CROSS",
    ("LEFT", ""): "LEFT",
    ("LEFT", "OUTER"): "LEFT",
    ("RIGHT", ""): "RIGHT",
    ("RIGHT", "OUTER"): "RIGHT",
    ("FULL", ""): "FULL",
    ("FULL", "OUTER"): "FULL",
    ("LEFT", "SEMI"): "SEMI",
    ("LEFT", "ANTI"): "ANTI",
}
_KNOWN_JOIN = {"this", "side", "kind", "on", "using", "method"}
_KNOWN_TABLE = {"this", "db", "catalog", "alias"}
_KNOWN_SUBQUERY = {"this", "alias"}


class FromClause:
    """
    Binds the FROM clause of one block.

    :param statement: the statement
    :param scope: the block's scope, which gets the relations
    """

    def __init__(self, statement: Statement, scope: Scope) -> None:
        self.statement = statement
        self.scope = scope

    def bind(self, node: exp.Select, select: exp.Select) -> None:
        """
        Bind the clause.

        :param node: the block's tree
        :param select: the DuckDB query that gets the clause
        :raises SqlError: when it does not make sense, at its position
        """
        clause = node.args.get("from_")
        laterals = list(node.args.get("laterals") or [])
        if clause is None:
            if laterals or node.args.get("joins"):
                raise self.statement.fail(SemanticError("LATERAL VIEW needs a FROM"), (laterals or [node])[0])
            return
        table, relations, joins = self._item(clause.this)
        self.scope.relations.extend(relations)
        select.set("from_", exp.From(this=table))
        steps = [*(node.args.get("joins") or []), *laterals]
        # Joins and lateral views apply in the order in which they are written.
        for step in sorted(steps, key=self.statement.source.locate):
            bound = self._lateral(step) if isinstance(step, exp.Lateral) else self._join(step)
            joins.extend(bound)
        if joins:
            select.set("joins", joins)

    def expand(self, call: exp.Expression, names: Sequence[str], select: exp.Select) -> list[Field]:
        """
        Add the rows of a table function that is all of a SELECT list.

        :param call: the call
        :param names: what its columns are called
        :param select: the DuckDB query that gets it
        :return: its columns
        """
        if select.args.get("from_") is None:
            unit = exp.Values(
                expressions=[exp.Tuple(expressions=[exp.Literal.number(0)])],
                alias=exp.TableAlias(this=identifier(self.statement.alias())),
            )
            select.set("from_", exp.From(this=unit))
        join, fields = self._expansion(call, names, outer=False)
        select.append("joins", join)
        return fields

    # -- relations -----------------------------------------------------------------------------

    def _item(self, node: exp.Expression) -> tuple[exp.Expression, list[Relation], list[exp.Expression]]:
        """Bind one item: its DuckDB form, the relations that it brings and the joins that must follow it."""
        if isinstance(node, exp.Table):
            table, relation = self._table(node)
            return table, [relation], []
        if (
            isinstance(node, exp.Subquery)
            and isinstance(node.this, exp.Table | exp.Subquery)
            and not node.alias
        ):
            return self._parenthesis(node)
        if isinstance(node, exp.Subquery):
            self._check_known(node, _KNOWN_SUBQUERY)
            return (*self._derived(self.statement.query(node.this), node), [])
        if isinstance(node, exp.Values):
            return (*self._derived(self.statement.query(node), node), [])
        raise self.statement.unsupported(describe(node), node)

    def _parenthesis(self, node: exp.Subquery) -> tuple[exp.Expression, list[Relation], list[exp.Expression]]:
        """Bind ``(a JOIN b ON ...)``."""
        inner = node.this
        if not inner.args.get("joins"):
            if isinstance(inner, exp.Subquery) and isinstance(inner.this, exp.Query):
                return (*self._derived(self.statement.query(node), node), [])
            return self._item(inner)
        bare = inner.copy()
        bare.set("joins", None)
        nested = FromClause(self.statement, Scope(parent=self.scope.parent))
        table, relations, joins = nested._item(bare)
        nested.scope.relations.extend(relations)
        for join in inner.args["joins"]:
            joins.extend(nested._join(join))
        table.set("joins", joins)
        return exp.Paren(this=table), nested.scope.relations, []

    def _table(self, node: exp.Table) -> tuple[exp.Expression, Relation]:
        if not isinstance(node.this, exp.Identifier):
            raise self.statement.unsupported(
                f"the table function {node.name or describe(node.this)} in FROM", node
            )
        self._check_known(node, _KNOWN_TABLE)
        self.statement.check_name(node)
        parts = [p.name for p in node.parts]
        alias = node.args.get("alias")
        common = self.statement.visible.get(parts[0].lower()) if len(parts) == 1 else None
        if common:
            return self._named(common.name, self.statement.rename(common.columns, alias), node.alias_or_name)
        if alias and alias.args.get("columns"):
            raise self.statement.unsupported("an alias for the columns of a table", node)
        try:
            name = self.statement.table_name(parts)
        except SqlError as error:
            raise self.statement.fail(error, node) from None
        relation = self.statement.scan(name, node, node.alias.lower())
        scan = relation.fields[0].scan
        if scan is None:
            raise SemanticError(f"table {name} has no columns")
        return _aliased(exp.Table(this=identifier(scan.name)), scan.alias), relation

    def _derived(self, query: BoundQuery, node: exp.Expression) -> tuple[exp.Expression, list[Relation]]:
        alias = self.statement.alias()
        columns = self.statement.rename(query.columns, node.args.get("alias"))
        table = exp.Subquery(this=query.sql, alias=exp.TableAlias(this=identifier(alias)))
        return table, [_relation(alias, columns, node.alias.lower())]

    def _named(
        self, name: str, columns: Sequence[OutputColumn], called: str
    ) -> tuple[exp.Expression, Relation]:
        alias = self.statement.alias()
        return _aliased(exp.Table(this=identifier(name)), alias), _relation(alias, columns, called.lower())

    def _check_known(self, node: exp.Expression, known: set[str]) -> None:
        for name, value in node.args.items():
            if value and name not in known:
                what = {"sample": "TABLESAMPLE", "pivots": "PIVOT", "version": "time travel"}.get(
                    name, name.upper()
                )
                raise self.statement.unsupported(what, node)

    # -- joins ---------------------------------------------------------------------------------

    def _join(self, node: exp.Join) -> list[exp.Expression]:
        self._check_known(node, _KNOWN_JOIN)
        kind = _KINDS.get((node.side.upper(), node.kind.upper()))
        if kind is None:
            raise self.statement.unsupported(f"{node.side} {node.kind} JOIN".strip(), node)
        left = list(self.scope.relations)
        table, right, following = self._item(node.this)
        self._check_names(right, node)
        self.scope.relations.extend(right)
        on, names = node.args.get("on"), self._common_names(node, kind, left, right)
        if on is None and not names and kind not in ("INNER", "CROSS"):
            raise self.statement.fail(SemanticError(f"{kind} JOIN needs an ON condition"), node)
        condition = self._condition(on, kind, right) if on is not None else None
        if names:
            condition, merged = self._merge(names, kind, left, right)
            self.scope.relations.insert(0, merged)
        if kind in ("SEMI", "ANTI"):
            self.scope.relations[:] = left
        for relations, kinds in ((right, ("LEFT", "FULL")), (left, ("RIGHT", "FULL"))):
            if kind in kinds:
                for relation in relations:
                    relation.optional = True
        if condition is None:
            return [exp.Join(this=table, kind="CROSS"), *following]
        side = kind if kind in ("LEFT", "RIGHT", "FULL") else None
        return [exp.Join(this=table, side=side, kind=None if side else kind, on=condition), *following]

    def _common_names(
        self, node: exp.Join, kind: str, left: Sequence[Relation], right: Sequence[Relation]
    ) -> dict[str, exp.Expression]:
        """List the columns that USING names or that a NATURAL JOIN finds on both sides."""
        using, method = node.args.get("using") or [], str(node.args.get("method") or "").upper()
        if not using and not method:
            return {}
        if method not in ("", "NATURAL") or kind == "CROSS":
            raise self.statement.unsupported(f"{method} {kind} JOIN".strip(), node)
        if (using and method) or node.args.get("on"):
            raise self.statement.fail(SemanticError("a join takes one of ON, USING and NATURAL"), node)
        sides = [[f.name for r in relations for f in r.visible] for relations in (left, right)]
        found = {n.name.lower(): n for n in using} or {n: node for n in sides[0] if n in sides[1]}
        if not found:
            raise self.statement.fail(SemanticError("NATURAL JOIN: the sides have no common column"), node)
        for name, where in found.items():
            for side in sides:
                if side.count(name) != 1:
                    problem = "is ambiguous" if name in side else "is not on both sides of the join"
                    raise self.statement.fail(SemanticError(f"column {name} {problem}"), where)
        return found

    def _merge(
        self,
        names: dict[str, exp.Expression],
        kind: str,
        left: Sequence[Relation],
        right: Sequence[Relation],
    ) -> tuple[exp.Expression, Relation]:
        """Join on columns of the same name, which ``*`` and unqualified names then find once."""
        binder = ExpressionBinder(self.statement, self.scope, Place("USING"))
        context = self.statement.context
        conditions, fields = [], []
        for name, node in names.items():
            first, second = (
                binder.reference(field, self.scope, node)
                for relations in (left, right)
                for field in [f for r in relations for f in r.visible if f.name == name]
            )
            try:
                conditions.append(operators.bind_binary("=", first, second, context))
                value = second if kind == "RIGHT" else first
                value = bind_scalar("coalesce", [first, second], context) if kind == "FULL" else value
            except SqlError as error:
                raise self.statement.fail(error, node) from None
            fields.append(Field(name, value.type, value.expr))
        if kind not in ("SEMI", "ANTI"):
            for relation in (*left, *right):
                relation.merged |= names.keys()
        on = reduce(lambda a, b: operators.bind_binary("AND", a, b, context), conditions)
        return on.expr, Relation((), fields)

    def _check_names(self, relations: Sequence[Relation], node: exp.Expression) -> None:
        taken = {r.names for r in self.scope.relations if any(r.names)}
        for relation in relations:
            if relation.names in taken:
                raise self.statement.fail(
                    SemanticError(f"table alias {relation.names[-1]} is used twice"), node.this
                )

    def _condition(self, on: exp.Expression, kind: str, right: Sequence[Relation]) -> exp.Expression:
        binder = ExpressionBinder(self.statement, self.scope, Place("ON"))
        if kind == "CROSS":
            raise self.statement.fail(SemanticError("CROSS JOIN takes no ON condition"), on)
        if kind in ("INNER", "LEFT", "SEMI", "ANTI"):
            collect_predicates(binder, on, right)
        return binder.condition(on).expr

    # -- lateral views -------------------------------------------------------------------------

    def _lateral(self, node: exp.Lateral) -> list[exp.Expression]:
        if not node.args.get("view"):
            raise self.statement.unsupported("LATERAL without VIEW", node)
        alias = node.args["alias"]
        names = [n.name.lower() for n in alias.args.get("columns") or []]
        join, fields = self._expansion(node.this, names, outer=bool(node.args.get("outer")))
        self.scope.relations.append(Relation((alias.name.lower(),), fields))
        return [join]

    def _expansion(
        self, node: exp.Expression, names: Sequence[str], *, outer: bool
    ) -> tuple[exp.Expression, list[Field]]:
        binder = ExpressionBinder(self.statement, self.scope, Place("LATERAL VIEW"))
        try:
            call, _ = call_of(node)
            name = function_name(call)
            if name not in TABLE_FUNCTIONS:
                raise unknown_function(name)
            expansion = TABLE_FUNCTIONS[name](
                [binder.bind(e) for e in call.expressions], self.statement.context
            )
            names = names or expansion.names
            if len(names) != len(expansion.types):
                raise SemanticError(f"{name} gives {len(expansion.types)} column(s), not {len(names)}")
        except SqlError as error:
            raise self.statement.fail(error, node) from None
        alias, row = self.statement.alias(), output_name(0)
        rows = exp.Select(
            expressions=[
                exp.Alias(
                    this=exp.Anonymous(this="unnest", expressions=[expansion.rows]), alias=identifier(row)
                )
            ]
        )
        lateral = exp.Lateral(this=exp.Subquery(this=rows), alias=exp.TableAlias(this=identifier(alias)))
        join = exp.Join(this=lateral, side="LEFT" if outer else None, on=exp.true())
        fields = [
            Field(
                n,
                t,
                exp.Anonymous(
                    this="struct_extract", expressions=[column(alias, row), exp.Literal.string(f"c{i}")]
                ),
            )
            for i, (n, t) in enumerate(zip(names, expansion.types, strict=True))
        ]
        return join, fields


def collect_predicates(binder: ExpressionBinder, node: exp.Expression, relations: Sequence[Relation]) -> None:
    """
    Note the conditions on partition columns alone: they say which partitions need not be read.

    :param binder: binds the condition
    :param node: a condition that all rows of the block must satisfy
    :param relations: the relations whose rows it may spare
    """
    scans = {s.alias: s for r in relations if not r.optional for s in _scans(r) if s.partition_names}
    if not scans:
        return
    keys = {name for scan in scans.values() for name in scan.partition_names}
    for part in _conjuncts(node):
        named = [{p.name.lower() for p in c.parts} for c in part.find_all(exp.Column)]
        if not named or not all(names & keys for names in named) or part.find(exp.Query, exp.Window):
            continue
        condition = binder.condition(part).expr
        columns = list(condition.find_all(exp.Column))
        tables = {c.table for c in columns}
        scan = scans.get(next(iter(tables))) if len(tables) == 1 else None
        if scan and all(c.name in scan.partition_names for c in columns):
            scan.predicates.append(condition)


def _scans(relation: Relation) -> Iterator[Scan]:
    return iter([relation.fields[0].scan] if relation.fields and relation.fields[0].scan else [])


def _conjuncts(node: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    elif isinstance(node, exp.Paren):
        yield from _conjuncts(node.this)
    else:
        yield node


def _aliased(table: exp.Table, alias: str) -> exp.Table:
    table.set("alias", exp.TableAlias(this=identifier(alias)))
    return table


def _relation(alias: str, columns: Sequence[OutputColumn], called: str) -> Relation:
    return Relation(
        (called,), [Field(c.name, c.type, column(alias, output_name(i))) for i, c in enumerate(columns)]
    )
