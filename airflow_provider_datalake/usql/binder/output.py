"""OUTPUT: one rowset to one file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.constants import constant_text, fold_constant
from airflow_provider_datalake.usql.binder.errors import failure, unsupported
from airflow_provider_datalake.usql.binder.extraction import resolve_uri
from airflow_provider_datalake.usql.binder.formats import output_format
from airflow_provider_datalake.usql.binder.rowsets import bind_rowset
from airflow_provider_datalake.usql.plan import OutputStep
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.plan import Rowset

_COLLECTIONS = (Kind.ARRAY, Kind.MAP)


def output(environment: Environment, node: ast.Output) -> None:
    """
    Bind an OUTPUT and make it a step.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when the rowset, the file, the order or the outputter are wrong
    """
    rowset = bind_rowset(environment, node.query, "output")
    uri = _target(environment, node.to)
    text = output_format(node.using, partial(fold_constant, environment))
    _check_types(rowset, node)
    order = tuple(_sort_key(rowset, item) for item in node.order_by)
    environment.written.add(uri)
    environment.plan.add(
        OutputStep(environment.plan.step_id("output"), rowset.id, rowset.columns, uri, text, order, node.span)
    )


def _target(environment: Environment, expression: ast.Expression) -> str:
    path = constant_text(environment, expression, "the path of a file")
    if "{" in path or "}" in path:
        raise unsupported("patterns in the path of an OUTPUT", expression.span)
    uri = resolve_uri(environment.files, path, expression.span)
    if path.endswith("/"):
        raise failure(errors.INVALID_FILE_NAME, f"'{path}' is a folder", expression.span)
    if uri in environment.written:
        raise failure(
            errors.DUPLICATE_OUTPUT, f"file {path} is an output of this script already", expression.span
        )
    if uri in environment.read:
        raise failure(
            errors.READS_OWN_RESULT,
            f"file {path} is read by this script, which therefore cannot write it",
            expression.span,
        )
    return uri


def _check_types(rowset: Rowset, node: ast.Output) -> None:
    for column in rowset.columns:
        if column.type.kind in _COLLECTIONS:
            raise failure(
                errors.OUTPUTTER_TYPE,
                f"{_name(node.using)} was used to output column {column.name} of type {column.type}.",
                node.using.span,
            )


def _name(using: ast.Expression) -> str:
    match using:
        case ast.Call(target=ast.Member(target=ast.Name(name=family), name=kind)):
            return f"{family}.{kind}"
    return "The outputter"


def _sort_key(rowset: Rowset, item: ast.SortItem) -> tuple[str, bool]:
    if not isinstance(item.value, ast.Name):
        raise unsupported("expressions in the ORDER BY of an OUTPUT", item.value.span)
    for column in rowset.columns:
        if column.name == item.value.name:
            if column.type.kind in _COLLECTIONS:
                raise failure(
                    errors.TYPE_MISMATCH, f"rows cannot be sorted by {column.type}", item.value.span
                )
            return column.sql_name, item.descending
    raise failure(errors.UNKNOWN_COLUMN, f"the rowset has no column {item.value.name}", item.value.span)
