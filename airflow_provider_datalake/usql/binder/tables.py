"""Reading tables and views of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.relation import plan_columns
from airflow_provider_datalake.usql.plan import TableStep

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.catalog import Table
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.plan import Rowset


def read_object(environment: Environment, node: ast.ObjectName) -> Rowset:
    """
    Read a table or a view.

    :param environment: the script's state
    :param node: its name
    :return: the rowset of its rows as they are at this point of the script
    :raises CompileError: when there is none, or the script itself creates it
    """
    from airflow_provider_datalake.usql.binder.views import expand

    name = environment.qualify(node)
    if name in environment.tables:
        return environment.tables[name]
    table = environment.catalog.table(name)
    view = environment.catalog.view(name)
    if table is not None:
        rowset = _read(environment, table, node.span)
    elif view is not None:
        rowset = expand(environment, view, node.span)
    else:
        environment.require_schema(name, node.span)
        raise failure(errors.DOES_NOT_EXIST, f"table or view {name} does not exist", node.span)
    environment.tables[name] = rowset
    return rowset


def _read(environment: Environment, table: Table, span: Span) -> Rowset:
    if environment.catalog.is_created_here(table.name) and not environment.defining:
        raise failure(
            errors.READS_OWN_RESULT,
            f"table {table.name} is created by this script, which therefore cannot read it",
            span,
        )
    columns = plan_columns((column.name, column.type) for column in table.columns)
    rowset = environment.plan.rowset(str(table.name), columns, span)
    environment.plan.add(TableStep(rowset, table.name))
    return rowset
