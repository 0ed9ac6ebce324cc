"""OUTPUT: one rowset to one file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.column_types import COLLECTIONS, check_comparable
from airflow_provider_datalake.usql.binder.constants import constant_text, fold_constant
from airflow_provider_datalake.usql.binder.errors import failure, unsupported
from airflow_provider_datalake.usql.binder.extraction import resolve_uri
from airflow_provider_datalake.usql.binder.formats import output_format
from airflow_provider_datalake.usql.binder.limits import hidden_name
from airflow_provider_datalake.usql.binder.relation import Relation, aliased, column_of, read_rowset
from airflow_provider_datalake.usql.binder.rowsets import bind_rowset
from airflow_provider_datalake.usql.binder.scopes import Stage, bind_value
from airflow_provider_datalake.usql.binder.sources import SourceColumn
from airflow_provider_datalake.usql.plan import OutputStep

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.plan import Rowset


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
    sorted_rows, order = _order(environment, rowset, node.order_by)
    environment.written.add(uri)
    environment.plan.add(
        OutputStep(
            environment.plan.step_id("output"), sorted_rows, rowset.columns, uri, text, order, node.span
        )
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
        if column.type.kind in COLLECTIONS:
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


def _order(
    environment: Environment, rowset: Rowset, items: tuple[ast.SortItem, ...]
) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """Find the columns to sort by; expressions become columns of a rowset before, which are not written."""
    columns = [
        SourceColumn(column.name, column.type, rowset.label, column_of(column.sql_name, rowset.id))
        for column in rowset.columns
    ]
    keys: list[tuple[str, bool]] = []
    extra: list[exp.Alias] = []
    for item in items:
        value = bind_value(environment, item.value, columns, Stage.ROWS)
        check_comparable("ORDER BY", value.type, item.value.span)
        name = value.sql.name
        if not isinstance(value.sql, exp.Column):
            name = hidden_name(rowset.columns, len(extra))
            extra.append(aliased(value.sql, name))
        keys.append((name, item.descending))
    if not extra:
        return rowset.id, tuple(keys)
    plain = read_rowset(rowset)
    query = plain.query.copy()
    query.set("expressions", [*query.selects, *extra])
    relation = Relation(query, rowset.columns, plain.inputs)
    return environment.plan.add_query(relation, rowset.label, items[0].span).id, tuple(keys)
