"""The FROM clause: rowsets, tables, derived tables, VALUES, joins and EXPLODE."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.explode import explode
from airflow_provider_datalake.usql.binder.joins import join
from airflow_provider_datalake.usql.binder.relation import column_of
from airflow_provider_datalake.usql.binder.sources import Source, SourceColumn, check_aliases
from airflow_provider_datalake.usql.binder.tables import read_object
from airflow_provider_datalake.usql.binder.values import bind_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.binder.relation import Relation
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.plan import PlanColumn, Rowset

    BindQuery = Callable[[Environment, ast.Query], Relation]


class FromClause:
    """
    Binds the sources of one SELECT.

    :param environment: the script's state
    :param bind_query: binds derived tables
    """

    def __init__(self, environment: Environment, bind_query: BindQuery) -> None:
        self._environment = environment
        self._bind_query = bind_query
        self._numbers = count(1)

    def bind(self, node: ast.Source) -> Source:
        """
        Bind a source.

        :param node: what stands in FROM
        :return: its columns and its SQL
        :raises CompileError: when something in it does not exist or does not fit
        """
        match node:
            case ast.RowsetSource():
                return self._rowset(node)
            case ast.QuerySource():
                relation = self._bind_query(self._environment, node.query)
                return self._derived(relation, node.alias, node.columns, node.span)
            case ast.ValuesSource():
                relation = bind_values(self._environment, node.rows, node.columns, node.span)
                return self._derived(relation, node.alias, node.columns, node.span)
            case ast.Join():
                return join(node, self.bind(node.left), self.bind(node.right))
            case ast.Apply():
                left = self.bind(node.left)
                applied = explode(node, left, self._environment, self._alias())
                check_aliases(left, replace(applied, aliases=(node.alias,)), node.span)
                return applied

    def _rowset(self, node: ast.RowsetSource) -> Source:
        rowset = find_rowset(self._environment, node.name)
        alias = self._alias()
        table = exp.to_table(rowset.id)
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
        name = node.alias or (node.name.name if isinstance(node.name, ast.Variable) else node.name.parts[-1])
        return _source(table, alias, name, ((c.name, c) for c in rowset.columns), (rowset.id,))

    def _derived(self, relation: Relation, name: str | None, names: tuple[str, ...], span: Span) -> Source:
        if names and len(names) != len(relation.columns):
            raise failure(
                errors.COLUMN_COUNT,
                f"{name} names {len(names)} columns, and there are {len(relation.columns)}",
                span,
            )
        alias = self._alias()
        subquery = exp.Subquery(this=relation.query, alias=exp.TableAlias(this=exp.to_identifier(alias)))
        renamed = names or tuple(column.name for column in relation.columns)
        return _source(subquery, alias, name, zip(renamed, relation.columns, strict=True), relation.inputs)

    def _alias(self) -> str:
        return f"t{next(self._numbers)}"


def find_rowset(environment: Environment, name: ast.Variable | ast.ObjectName) -> Rowset:
    """
    Look up what a name in the place of a rowset means.

    :param environment: the script's state
    :param name: a rowset variable, a table or a view
    :return: its rowset
    :raises CompileError: when there is none
    """
    if isinstance(name, ast.ObjectName):
        return read_object(environment, name)
    if name.name in environment.rowsets:
        return environment.rowsets[name.name]
    if name.name in environment.variables:
        raise failure(errors.UNKNOWN_ROWSET, f"{name.name} is a scalar variable, not a rowset", name.span)
    inside = " in a view, which cannot see a script's variables" if environment.views else ""
    raise failure(errors.UNKNOWN_ROWSET, f"rowset {name.name} is not defined{inside}", name.span)


def _source(
    first: exp.Expr,
    sql_alias: str,
    name: str | None,
    columns: Iterable[tuple[str, PlanColumn]],
    inputs: tuple[str, ...],
) -> Source:
    return Source(
        first,
        (),
        tuple(SourceColumn(n, c.type, name, column_of(c.sql_name, sql_alias)) for n, c in columns),
        (name,) if name is not None else (),
        inputs,
    )
