"""Names in expressions: columns of the FROM clause and variables of the script."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.walking import rewrite
from airflow_provider_datalake.usql.expressions import AGGREGATES, Typed, bind, condition
from airflow_provider_datalake.usql.sql_types import sql_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.binder.sources import SourceColumn
    from airflow_provider_datalake.usql.diagnostics import Span


class Stage(Enum):
    """Which part of a query an expression stands in, and so which functions it may call."""

    ROWS = "WHERE, GROUP BY, ON and APPLY: neither aggregates nor windows"
    GROUPS = "HAVING: aggregates"
    SELECT = "the list: aggregates and windows"


class ColumnScope:
    """
    The names that an expression may use.

    :param environment: gives the variables
    :param columns: the columns
    :param aliases: aliases of sources
    """

    def __init__(
        self, environment: Environment, columns: Sequence[SourceColumn] = (), aliases: Sequence[str] = ()
    ) -> None:
        self._environment = environment
        self._columns = columns
        self._aliases = {*aliases, *(column.alias for column in columns)}

    def column(self, name: str, qualifier: str | None, span: Span) -> Typed:
        """
        Look a column up.

        :param name: its name
        :param qualifier: the alias of its source, None when not given
        :param span: where it is named
        :return: the column
        :raises CompileError: when there is none, or more than one
        """
        found = [column for column in self._columns if column.is_called(name, qualifier)]
        label = name if qualifier is None else f"{qualifier}.{name}"
        if not found:
            known = ", ".join(dict.fromkeys(column.name for column in self._columns)) or "none"
            raise failure(errors.UNKNOWN_COLUMN, f"there is no column {label}; known are: {known}", span)
        if len(found) > 1:
            raise failure(
                errors.AMBIGUOUS_COLUMN,
                f"column {label} is ambiguous; write its rowset's alias before it",
                span,
            )
        return Typed(found[0].sql.copy(), found[0].type, span)

    def has_qualifier(self, name: str) -> bool:
        """
        Tell whether a name is the alias of a source.

        :param name: the name
        :return: whether it is
        """
        return name in self._aliases

    def has_column(self, name: str) -> bool:
        """
        Tell whether a name is a column.

        :param name: the name
        :return: whether it is
        """
        return any(column.is_called(name, None) for column in self._columns)

    def variable(self, name: str, span: Span) -> Typed:
        """
        Look a variable up.

        :param name: its name with the at sign
        :param span: where it is named
        :return: its value
        :raises CompileError: when there is none
        """
        environment = self._environment
        if name in environment.variables:
            return environment.variables[name].at(span)
        if name in environment.rowsets:
            raise failure(errors.UNKNOWN_VARIABLE, f"{name} is a rowset, not a scalar variable", span)
        inside = " in a view, which cannot see a script's variables" if environment.views else ""
        raise failure(errors.UNKNOWN_VARIABLE, f"variable {name} is not declared{inside}", span)


def bind_value(
    environment: Environment, node: ast.Expression, columns: Sequence[SourceColumn], stage: Stage
) -> Typed:
    """
    Bind an expression.

    :param environment: gives the variables
    :param node: the expression
    :param columns: what it may name
    :param stage: where it stands
    :return: the bound expression
    :raises CompileError: when it is wrong, or a function may not stand there
    """
    scope = ColumnScope(environment, columns)
    return bind(
        _with_plain_qualifiers(node, scope),
        scope,
        aggregates=stage is not Stage.ROWS,
        windows=stage is Stage.SELECT,
    )


def bind_condition(
    environment: Environment, node: ast.Expression, columns: Sequence[SourceColumn], stage: Stage
) -> exp.Expr:
    """
    Bind a condition.

    :param environment: gives the variables
    :param node: the condition
    :param columns: what it may name
    :param stage: where it stands
    :return: SQL that is true where the condition holds
    :raises CompileError: when it is wrong, or no condition
    """
    return condition(bind_value(environment, node, columns, stage))


def not_ordinal(value: Typed) -> exp.Expr:
    """
    Give the SQL of a value for GROUP BY or ORDER BY, where SQL takes a bare number for a column's position.

    :param value: the value
    :return: its SQL
    """
    return exp.Cast(this=value.sql, to=sql_type(value.type)) if value.constant else value.sql


def is_aggregate(node: object) -> bool:
    """
    Tell whether a node calls an aggregate, whatever is around it.

    :param node: any node
    :return: whether it does
    """
    return isinstance(node, ast.Call) and isinstance(node.target, ast.Name) and node.target.name in AGGREGATES


def _with_plain_qualifiers(node: ast.Expression, scope: ColumnScope) -> ast.Expression:
    """Write ``@rowset.column`` as ``rowset.column``: before a dot, a rowset's variable is its alias."""

    def replacement(inner: ast.Node) -> ast.Node | None:
        if (
            isinstance(inner, ast.Member)
            and isinstance(inner.target, ast.Variable)
            and scope.has_qualifier(inner.target.name)
        ):
            return replace(inner, target=ast.Name(inner.target.span, inner.target.name, quoted=True))
        return None

    return rewrite(node, replacement)
