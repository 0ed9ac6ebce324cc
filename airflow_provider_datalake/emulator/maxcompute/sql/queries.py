"""Queries: CTEs, set operations, ORDER BY and LIMIT around the SELECT blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder, Place
from airflow_provider_datalake.emulator.maxcompute.sql.calls import describe
from airflow_provider_datalake.emulator.maxcompute.sql.errors import IllegalUnion, SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.ordering import order_and_limit
from airflow_provider_datalake.emulator.maxcompute.sql.scope import (
    Field,
    Relation,
    Scope,
    column,
    identifier,
    output_name,
)
from airflow_provider_datalake.emulator.maxcompute.sql.select import bind_select
from airflow_provider_datalake.emulator.maxcompute.sql.statement import BoundQuery, CommonTable, OutputColumn
from airflow_provider_datalake.emulator.maxcompute.sql.subqueries import converted
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed
from airflow_provider_datalake.emulator.maxcompute.sql.values import bind_values

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement
    from airflow_provider_datalake.emulator.maxcompute.types import DataType

_MODIFIERS = ("order", "limit", "offset")
_KNOWN_SUBQUERY = {"this", "alias", "with_", *_MODIFIERS}
_KNOWN_SET_OPERATION = {"this", "expression", "distinct", "with_", *_MODIFIERS}


def bind_query(statement: Statement, node: exp.Expression, parent: Scope | None = None) -> BoundQuery:
    """
    Bind a query.

    :param statement: the statement
    :param node: its tree
    :param parent: the scope that it may refer to, for a correlated subquery
    :return: the bound query
    :raises SqlError: when it does not make sense, at its position
    """
    outer = statement.visible
    try:
        _bind_common_tables(statement, node)
        if isinstance(node, exp.Select):
            return bind_select(statement, node, parent)
        if isinstance(node, exp.SetOperation):
            return _bind_set_operation(statement, node, parent)
        if isinstance(node, exp.Subquery):
            return _bind_parenthesis(statement, node, parent)
        if isinstance(node, exp.Values):
            return bind_values(statement, node, parent)
    finally:
        statement.visible = outer
    raise statement.unsupported(describe(node), node)


def _bind_common_tables(statement: Statement, node: exp.Expression) -> None:
    clause = node.args.get("with_")
    if clause is None:
        return
    if clause.args.get("recursive"):
        raise statement.unsupported("WITH RECURSIVE", clause)
    names: set[str] = set()
    for table in clause.expressions:
        name = table.alias.lower()
        if name in names:
            raise statement.fail(SemanticError(f"CTE {name} is defined twice"), table)
        names.add(name)
        query = bind_query(statement, table.this)
        columns = statement.rename(query.columns, table.args["alias"])
        statement.visible = statement.visible.new_child(
            {name: CommonTable(f"$q{len(statement.common) + 1}", columns)}
        )
        statement.common.append((statement.visible[name].name, query.sql))


def _check_known(statement: Statement, node: exp.Expression, known: set[str]) -> None:
    for name, value in node.args.items():
        if value and name not in known:
            raise statement.unsupported(name.strip("_").replace("_", " ").upper(), node)


def _bind_parenthesis(statement: Statement, node: exp.Subquery, parent: Scope | None) -> BoundQuery:
    _check_known(statement, node, _KNOWN_SUBQUERY)
    query = bind_query(statement, node.this, parent)
    return _sorted_and_limited(statement, query, node)


def _bind_set_operation(statement: Statement, node: exp.SetOperation, parent: Scope | None) -> BoundQuery:
    # A long chain leans to the left; walking down it keeps Python's stack flat.
    chain, first = [node], node.this
    while isinstance(first, exp.SetOperation) and not any(first.args.get(k) for k in ("with_", *_MODIFIERS)):
        chain.append(first)
        first = first.this
    query = bind_query(statement, first, parent)
    for operation in reversed(chain):
        _check_known(statement, operation, _KNOWN_SET_OPERATION)
        query = _combined(statement, operation, query, bind_query(statement, operation.expression, parent))
    return _sorted_and_limited(statement, query, node)


def _combined(
    statement: Statement, node: exp.SetOperation, left: BoundQuery, right: BoundQuery
) -> BoundQuery:
    if len(left.columns) != len(right.columns):
        numbers = f"left is {len(left.columns)} while right is {len(right.columns)}"
        raise statement.fail(IllegalUnion(f"numbers of columns does not match, {numbers}"), node.expression)
    pairs = list(zip(left.columns, right.columns, strict=True))
    types = [_common(statement, number, a, b) for number, (a, b) in enumerate(pairs, 1)]
    sides = [converted(statement, q, types) for q in (left, right)]
    # UNION and EXCEPT apply from left to right here and there; all else goes into parentheses.
    if isinstance(node, exp.Intersect) or not isinstance(sides[0], exp.Union | exp.Except):
        sides[0] = exp.Subquery(this=sides[0])
    operation = type(node)(
        this=sides[0], expression=exp.Subquery(this=sides[1]), distinct=bool(node.args.get("distinct"))
    )
    columns = tuple(OutputColumn(a.name, t, a.node) for (a, _), t in zip(pairs, types, strict=True))
    return BoundQuery(operation, columns)


def _common(statement: Statement, number: int, left: OutputColumn, right: OutputColumn) -> DataType:
    a, b = left.type, right.type
    if a == b or b.name == "void":
        return a
    if a.name == "void":
        return b
    if a.is_text != b.is_text:
        raise statement.fail(
            IllegalUnion(f"type mismatch for column {number} of UNION, left is {a} while right is {b}"),
            right.node,
        )
    try:
        return casts.common_type((a, b))
    except SqlError as error:
        raise statement.fail(error, right.node) from None


def _sorted_and_limited(statement: Statement, query: BoundQuery, node: exp.Expression) -> BoundQuery:
    """Sort and cut the result of a set operation or of a query in parentheses."""
    if not any(node.args.get(k) for k in _MODIFIERS):
        return query
    alias = statement.alias()
    fields = [Field(c.name, c.type, column(alias, output_name(i))) for i, c in enumerate(query.columns)]
    table = exp.Subquery(this=query.sql, alias=exp.TableAlias(this=identifier(alias)))
    select = exp.Select(expressions=[exp.Column(this=exp.Star(), table=identifier(alias))]).from_(
        table, copy=False
    )
    binder = ExpressionBinder(statement, Scope([Relation((), fields)]), Place("ORDER BY"))
    outputs = [Typed(f.expr, f.type) for f in fields]
    order_and_limit(statement, select, node, binder, outputs)
    return BoundQuery(select, query.columns)
