"""GROUP BY: which expressions may stand outside of aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.scopes import is_aggregate
from airflow_provider_datalake.usql.binder.walking import children, descendants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_datalake.usql.binder.sources import SourceColumn


@dataclass(frozen=True)
class Grouping:
    """
    The keys of a GROUP BY; none when a query without one aggregates all of its rows.

    :param keys: the keys in SQL
    :param named: keys with an alias, which the list may name
    """

    keys: tuple[exp.Expr, ...]
    named: tuple[SourceColumn, ...]

    def check(self, sql: exp.Expr, node: ast.Expression, columns: Sequence[SourceColumn]) -> None:
        """
        Check that an expression is made of keys, constants and aggregates.

        :param sql: the bound expression
        :param node: what it was bound from, for the place of an error
        :param columns: what it may name
        :raises CompileError: at the first column that is neither a key nor inside of an aggregate
        """
        column = self._first_ungrouped(sql)
        if column is None:
            return
        name = next((known.name for known in columns if known.sql == column), column.name)
        raise failure(
            errors.NOT_GROUPED,
            f"column {name} is neither in GROUP BY nor inside of an aggregate",
            next(_references(node, name), node).span,
        )

    def _first_ungrouped(self, sql: exp.Expr) -> exp.Column | None:
        if sql in self.keys:
            return None
        if isinstance(sql, exp.Column):
            return sql
        if isinstance(sql, exp.Window):
            # The function of a window runs over groups: what it is given must be grouped itself.
            parts: list[exp.Expr] = [*_children(sql.this), *_children(sql, skip="this")]
        elif isinstance(sql, exp.AggFunc | exp.Filter | exp.WithinGroup):
            return None
        else:
            parts = list(_children(sql))
        return next((found for found in map(self._first_ungrouped, parts) if found is not None), None)


def has_aggregate(node: ast.Node) -> bool:
    """
    Tell whether an expression aggregates rows into groups.

    :param node: the expression
    :return: whether an aggregate stands in it that is not the function of a window
    """
    if is_aggregate(node):
        return True
    if isinstance(node, ast.Over):
        parts = [*children(node.call), *(item for item in children(node) if item is not node.call)]
        return any(has_aggregate(item) for item in parts)
    return any(has_aggregate(item) for item in children(node))


def _children(sql: exp.Expr, *, skip: str = "") -> Iterator[exp.Expr]:
    for key, value in sql.args.items():
        if key == skip:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, exp.Expr):
                yield item


def _references(node: ast.Node, name: str) -> Iterator[ast.Node]:
    return (
        item for item in descendants(node) if isinstance(item, ast.Name | ast.Member) and item.name == name
    )
