"""DECLARE: scalar variables, whose values are written into the expressions that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.constants import bind_constant
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.expressions import convert, fold, resolve_type
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment


def declare(environment: Environment, node: ast.Declare) -> None:
    """
    Bind a DECLARE.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when the name is taken, or the value is not of the type
    """
    if node.name in environment.rowsets:
        raise failure(
            errors.ALREADY_DECLARED,
            f"Scalar variable {node.name} is already declared as a rowset variable.",
            node.span,
        )
    if node.name in environment.variables:
        if node.external and node.name not in environment.defaults:
            return
        raise failure(
            errors.DUPLICATE_VARIABLE,
            f"variable {node.name} is declared already; a DECLARE that replaces a DECLARE EXTERNAL "
            "stands before it",
            node.span,
        )
    value = bind_constant(environment, node.value)
    if node.type is not None:
        value = convert(value, resolve_type(node.type))
    elif value.type.kind in (Kind.NULL, Kind.ENUM, Kind.TIMESPAN):
        raise failure(
            errors.TYPE_MISMATCH, f"variable {node.name} needs a type before its value", node.value.span
        )
    if node.constant:
        fold(value)
    environment.variables[node.name] = value
    if node.external:
        environment.defaults.add(node.name)
