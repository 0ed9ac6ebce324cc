"""Views: their queries are bound where they are read, in the view's own database and schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import (
    Relation,
    aliased,
    column_of,
    plan_columns,
    read_rowset,
)
from airflow_provider_datalake.usql.binder.rowsets import bind_rowset
from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.parser import parse

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.catalog import View
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.plan import Rowset


def expand(environment: Environment, view: View, span: Span) -> Rowset:
    """
    Bind a view's query.

    :param environment: the state of the script that reads it
    :param view: the view
    :param span: where it is read
    :return: its rowset, with the view's column names
    :raises CompileError: when the query does not compile any more, at the place where the view is read
    """
    if view.name in environment.views:
        raise failure(errors.CYCLIC_VIEW, f"view {view.name} reads itself", span)
    try:
        with environment.plan.within(span):
            rowset = bind_rowset(environment.for_view(view.name), _query(view), str(view.name))
    except CompileError as error:
        first = error.diagnostics[0]
        message = (
            f"view {view.name}: {first.message}" if view.name not in environment.views else first.message
        )
        raise CompileError(replace(first, message=message, span=span)) from error
    if len(rowset.columns) != len(view.columns):
        raise failure(
            errors.COLUMN_COUNT,
            f"view {view.name} has {len(view.columns)} columns, its query now {len(rowset.columns)}",
            span,
        )
    names = tuple(column.name for column in view.columns)
    if names == tuple(column.name for column in rowset.columns):
        return rowset
    columns = plan_columns(zip(names, (column.type for column in rowset.columns), strict=True))
    query = read_rowset(rowset).query.copy()
    query.set(
        "expressions",
        [
            aliased(column_of(old.sql_name, rowset.id), new.sql_name)
            for old, new in zip(rowset.columns, columns, strict=True)
        ],
    )
    return environment.plan.add_query(Relation(query, columns, (rowset.id,)), str(view.name), span)


def _query(view: View) -> ast.Query:
    statement = parse(f"@view = {view.text}\n;").statements[0]
    if not isinstance(statement, ast.Assign):
        raise failure(errors.INVALID_QUERY, "the stored text is no query", statement.span)
    return statement.query
