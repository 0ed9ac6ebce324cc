"""ORDER BY, SORT BY, LIMIT and OFFSET."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement
    from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed


def order_and_limit(
    statement: Statement,
    select: exp.Select,
    node: exp.Expression,
    binder: ExpressionBinder,
    outputs: Sequence[Typed],
) -> None:
    """
    Add ORDER BY, LIMIT and OFFSET to a DuckDB query.

    :param statement: the statement
    :param select: the DuckDB query
    :param node: the query's tree, which has the clauses
    :param binder: binds sort keys
    :param outputs: the result's columns, for keys that name them by position
    :raises SqlError: when the clauses do not make sense
    """
    order, limit, offset = (node.args.get(k) for k in ("order", "limit", "offset"))
    sort = node.args.get("sort") or node.args.get("cluster")
    if order and sort:
        raise statement.fail(SemanticError("ORDER BY cannot be used with SORT BY or CLUSTER BY"), sort)
    if order:
        if not limit and statement.context.flag("odps.sql.validate.orderby.limit", True):
            raise statement.fail(
                SemanticError(
                    "ORDER BY must be used with a LIMIT clause, please set "
                    "odps.sql.validate.orderby.limit=false to use it"
                ),
                order,
            )
    # One worker does it all here, so sorting its rows is sorting them all.
    order = order or sort
    if order:
        keys = [k for k in (_sort_key(statement, o, binder, outputs) for o in order.expressions) if k]
        if keys:
            select.set("order", exp.Order(expressions=keys))
    if limit:
        select.set("limit", exp.Limit(expression=_count(statement, limit, "LIMIT")))
    if offset:
        select.set("offset", exp.Offset(expression=_count(statement, offset, "OFFSET")))


def _sort_key(
    statement: Statement, node: exp.Expression, binder: ExpressionBinder, outputs: Sequence[Typed]
) -> exp.Expression | None:
    inner = node.this if isinstance(node, exp.Ordered) else node
    if isinstance(inner, exp.Literal) and not inner.is_string:
        if not statement.context.flag("odps.sql.orderby.position.alias", True):
            return None
        position = int(inner.name) if inner.name.isdigit() else 0
        if not 1 <= position <= len(outputs):
            raise statement.fail(
                SemanticError(f"ORDER BY position {inner.name} is not in the select list"), inner
            )
        key = binder.ordered(
            exp.Ordered(this=exp.Null(), **{k: v for k, v in node.args.items() if k != "this"})
        )
        key.set("this", exp.Literal.number(position))
        return key
    key = binder.ordered(node)
    for position, output in enumerate(outputs, 1):
        if output.expr == key.this:
            key.set("this", exp.Literal.number(position))
            return key
    # A constant puts nothing in order, and DuckDB would take a number for a position.
    return None if isinstance(key.this, exp.Literal | exp.Null | exp.Boolean) else key


def _count(statement: Statement, clause: exp.Expression, name: str) -> exp.Expression:
    value = clause.expression
    if any(v for k, v in clause.args.items() if k != "expression"):
        raise statement.unsupported(f"this form of {name}", clause)
    if not (isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit()):
        raise statement.fail(SemanticError(f"{name} needs a constant integer of at least 0"), value or clause)
    return exp.Literal.number(value.name)
