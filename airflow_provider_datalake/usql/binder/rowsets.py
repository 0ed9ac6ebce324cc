"""Queries of any kind, as steps of the plan or as parts of other queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder.extraction import extract
from airflow_provider_datalake.usql.binder.from_clause import find_rowset
from airflow_provider_datalake.usql.binder.limits import limit_result
from airflow_provider_datalake.usql.binder.relation import read_rowset
from airflow_provider_datalake.usql.binder.select import bind_select
from airflow_provider_datalake.usql.binder.set_operations import combine
from airflow_provider_datalake.usql.binder.values import bind_values

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.binder.relation import Relation
    from airflow_provider_datalake.usql.plan import Rowset


def bind_rowset(environment: Environment, node: ast.Query, label: str) -> Rowset:
    """
    Bind a query and make it a step.

    :param environment: the script's state
    :param node: the query
    :param label: what people call its rowset
    :return: its rowset; the same one when the query only names it
    :raises CompileError: when it is wrong
    """
    match node:
        case ast.RowsetReference(name=name):
            return find_rowset(environment, name)
        case ast.Extract():
            return extract(environment, node, label)
    return environment.plan.add_query(bind_query(environment, node), label, node.span)


def bind_query(environment: Environment, node: ast.Query) -> Relation:
    """
    Bind a query as a part of another one.

    :param environment: the script's state
    :param node: the query
    :return: the bound query
    :raises CompileError: when it is wrong
    """
    match node:
        case ast.Select():
            return bind_select(environment, node, bind_query)
        case ast.SetOperation():
            both = combine(node, bind_query(environment, node.left), bind_query(environment, node.right))
            return limit_result(environment, both, node.order_by, node.offset, node.fetch)
        case ast.ValuesQuery(rows=rows):
            return bind_values(environment, rows, (), node.span)
        case ast.RowsetReference() | ast.Extract():
            return read_rowset(bind_rowset(environment, node, "extract"))
