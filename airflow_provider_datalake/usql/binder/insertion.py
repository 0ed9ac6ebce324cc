"""INSERT: a query's columns become a table's, by position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.defaults import null_of
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import Relation, aliased, column_of, plan_columns
from airflow_provider_datalake.usql.binder.rowsets import bind_rowset
from airflow_provider_datalake.usql.binder.values import bind_values
from airflow_provider_datalake.usql.expressions import Typed, convert
from airflow_provider_datalake.usql.plan import InsertStep

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.catalog import Column, QualifiedName, Table
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.plan import PlanColumn, Rowset


def insert(environment: Environment, node: ast.Insert) -> None:
    """
    Bind an INSERT and make it a step.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when there is no such table, or the columns do not fit
    """
    name = environment.qualify(node.table)
    table = environment.catalog.table(name)
    if table is None:
        if environment.catalog.view(name) is not None:
            raise failure(errors.DOES_NOT_EXIST, f"{name} is a view, not a table", node.table.span)
        raise failure(errors.DOES_NOT_EXIST, f"table {name} does not exist", node.table.span)
    targets = _targets(table, node)
    if isinstance(node.query, ast.ValuesQuery):
        source = _values(environment, node.query, targets, name)
    else:
        source = bind_rowset(environment, node.query, f"insert into {name}")
    if len(source.columns) != len(targets):
        raise failure(
            errors.COLUMN_COUNT,
            f"INSERT has {len(source.columns)} columns for the {len(targets)} of {name}",
            node.query.span,
        )
    given = dict(zip((column.name for column in targets), source.columns, strict=True))
    insert_rowset(environment, _fit(environment, source, given, table, node.query.span), table, node.span)


def insert_rowset(environment: Environment, source: Rowset, table: Table, span: Span) -> None:
    """
    Add the step that inserts a rowset.

    :param environment: the script's state
    :param source: has the table's columns, in order and type
    :param table: the table
    :param span: the statement
    """
    environment.plan.add(
        InsertStep(environment.plan.step_id("insert"), source.id, source.columns, table.name, span)
    )
    environment.tables.clear()


def _targets(table: Table, node: ast.Insert) -> tuple[Column, ...]:
    if not node.columns:
        return table.columns
    known = {column.name: column for column in table.columns}
    for position, name in enumerate(node.columns):
        if name not in known:
            raise failure(errors.UNKNOWN_COLUMN, f"table {table.name} has no column {name}", node.span)
        if name in node.columns[:position]:
            raise failure(errors.DUPLICATE_COLUMN, f"column {name} is listed twice", node.span)
    for column in table.columns:
        if column.name not in node.columns and not column.type.nullable:
            raise failure(
                errors.TYPE_MISMATCH,
                f"column {column.name} of {table.name} is not listed, and {column.type} cannot be null",
                node.span,
            )
    return tuple(known[name] for name in node.columns)


def _values(
    environment: Environment, node: ast.ValuesQuery, targets: tuple[Column, ...], name: QualifiedName
) -> Rowset:
    """Bind rows with the table's types, so that constants need no casts to small types."""
    names = [column.name for column in targets]
    types = [column.type for column in targets]
    relation = bind_values(environment, node.rows, names, node.span, wanted=types)
    return environment.plan.add_query(relation, f"insert into {name}", node.span)


def _fit(
    environment: Environment, source: Rowset, given: dict[str, PlanColumn], table: Table, span: Span
) -> Rowset:
    """Put the columns in the table's order and types, and nulls in those that are not given."""
    columns = plan_columns((column.name, column.type) for column in table.columns)
    if source.columns == columns:
        return source
    projections = []
    for column in columns:
        origin = given.get(column.name)
        if origin is None:
            value = null_of(column.type)
        else:
            reference = Typed(column_of(origin.sql_name, source.id), origin.type, span)
            value = convert(reference, column.type, what=f"column {column.name} of {table.name}").sql
        projections.append(aliased(value, column.sql_name))
    query = exp.select(*projections).from_(exp.to_table(source.id))
    return environment.plan.add_query(Relation(query, columns, (source.id,)), f"rows for {table.name}", span)
