"""What a FROM clause gives: columns with their aliases, and the SQL that they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.types import Type


@dataclass(frozen=True)
class SourceColumn:
    """
    A column that a query may name.

    :param name: its name
    :param type: its type, nullable where an outer join made it so
    :param alias: of its source: an identifier, or a rowset variable with its at sign; None for a bare query
    :param sql: what it is in SQL
    :param needs_alias: whether another column takes its bare name
    """

    name: str
    type: Type
    alias: str | None
    sql: exp.Expr
    needs_alias: bool = False

    def is_called(self, name: str, qualifier: str | None) -> bool:
        """
        Tell whether a reference means this column.

        :param name: case-sensitive
        :param qualifier: the alias before it, None for none
        :return: whether it does
        """
        if qualifier is None:
            return self.name == name and not self.needs_alias
        return self.name == name and self.alias == qualifier


@dataclass(frozen=True)
class Source:
    """
    A source, or several that are joined.

    :param first: the leftmost table or subquery
    :param joins: what is joined to it, in order
    :param columns: what can be named
    :param aliases: all aliases, also those whose columns a semijoin hides
    :param inputs: ids of the rowsets that are read
    """

    first: exp.Expr
    joins: tuple[exp.Join, ...]
    columns: tuple[SourceColumn, ...]
    aliases: tuple[str, ...]
    inputs: tuple[str, ...]

    def as_operand(self) -> exp.Expr:
        """
        Give the source as the right side of a join.

        :return: the table, or all of the joined ones in parentheses
        """
        if not self.joins:
            return self.first
        inner = self.first.copy()
        inner.set("joins", [join.copy() for join in self.joins])
        return exp.Subquery(this=inner)

    def nullable(self) -> Source:
        """
        Let every column be null, as on the far side of an outer join.

        :return: the same source with other types
        """
        return replace(self, columns=tuple(replace(c, type=c.type.as_nullable()) for c in self.columns))

    def star(self, star: ast.Star) -> list[SourceColumn]:
        """
        List the columns of a star.

        :param star: ``*`` or ``alias.*``
        :return: its columns in order
        :raises CompileError: when there is no such alias
        """
        if star.qualifier is None:
            return list(self.columns)
        found = [column for column in self.columns if column.alias == star.qualifier]
        if not found:
            raise failure(errors.UNKNOWN_ROWSET, f"FROM has no {star.qualifier}", star.span)
        return found


def lookup(source: Source, name: str, qualifier: str | None) -> list[SourceColumn]:
    """
    Find columns by name.

    :param source: where
    :param name: case-sensitive
    :param qualifier: their source's alias, None for any
    :return: all that match; several for an ambiguous name
    """
    return [column for column in source.columns if column.is_called(name, qualifier)]


def column_reference(expression: ast.Expression) -> tuple[str | None, str] | None:
    """
    Read a reference to a column.

    :param expression: any expression
    :return: qualifier and name; None when it cannot be a reference to a column
    """
    match expression:
        case ast.Name(name=name):
            return None, name
        case ast.Member(target=ast.Name(name=qualifier), name=name, conditional=False):
            return qualifier, name
        case ast.Member(target=ast.Variable(name=qualifier), name=name, conditional=False):
            return qualifier, name
    return None


def check_aliases(left: Source, right: Source, span: Span) -> None:
    """
    Check that two sources can be told apart.

    :param left: one source
    :param right: the other
    :param span: the join
    :raises CompileError: when both use an alias
    """
    for alias in right.aliases:
        if alias in left.aliases:
            raise failure(
                errors.AMBIGUOUS_ALIAS, f"{alias} stands in FROM twice; give each an alias with AS", span
            )
