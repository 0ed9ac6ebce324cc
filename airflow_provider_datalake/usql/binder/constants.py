"""Expressions that must be known when the script is compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.scopes import Stage, bind_value
from airflow_provider_datalake.usql.expressions import fold, literal
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.expressions import Typed
    from airflow_provider_datalake.usql.types import Type


@dataclass(frozen=True)
class Constant:
    """
    A value that is known.

    :param value: in Python; a char is a string of one UTF-16 unit
    :param type: its type
    """

    value: Any
    type: Type


def bind_constant(environment: Environment, node: ast.Expression) -> Typed:
    """
    Bind an expression without columns, and compute it if that can be done now.

    :param environment: gives the variables
    :param node: the expression
    :return: its value, or the expression itself when it changes from run to run
    :raises CompileError: when it is wrong
    """
    value = bind_value(environment, node, (), Stage.ROWS)
    if not value.constant or value.type.kind in (Kind.NULL, Kind.ENUM, Kind.CHAR, Kind.TIMESPAN):
        return value
    return literal(fold(value), value.type, value.span)


def fold_constant(environment: Environment, node: ast.Expression) -> Constant:
    """
    Compute an expression.

    :param environment: gives the variables
    :param node: the expression
    :return: its value
    :raises CompileError: when it is wrong, or not constant
    """
    bound = bind_value(environment, node, (), Stage.ROWS)
    value = fold(bound)
    if bound.type.kind is Kind.CHAR and isinstance(value, int):
        value = chr(value)
    return Constant(value, bound.type)


def constant_text(environment: Environment, node: ast.Expression, what: str) -> str:
    """
    Compute a string.

    :param environment: gives the variables
    :param node: the expression
    :param what: what it is for, for the message
    :return: the string; an empty one for null
    :raises CompileError: when it is no constant string
    """
    constant = fold_constant(environment, node)
    if constant.type.kind not in (Kind.STRING, Kind.NULL):
        raise failure(errors.TYPE_MISMATCH, f"{what} is a string, not {constant.type}", node.span)
    return constant.value or ""


def constant_condition(environment: Environment, node: ast.Expression) -> bool:
    """
    Compute a condition.

    :param environment: gives the variables
    :param node: the expression
    :return: whether it holds
    :raises CompileError: when it is no constant of type bool
    """
    constant = fold_constant(environment, node)
    if constant.type.kind is not Kind.BOOL or constant.value is None:
        raise failure(errors.TYPE_MISMATCH, f"the condition is a bool, not {constant.type}", node.span)
    return bool(constant.value)


def constant_count(
    environment: Environment, node: ast.Expression, what: str, low: int, high: int | None
) -> int:
    """
    Compute a number of rows.

    :param environment: gives the variables
    :param node: the expression
    :param what: the clause, for the message
    :param low: the lowest number that is allowed
    :param high: the highest, None for any
    :return: the number
    :raises CompileError: when it is no constant of an integral type, or out of range
    """
    constant = fold_constant(environment, node)
    if not constant.type.is_integral or constant.value is None:
        raise failure(errors.TYPE_MISMATCH, f"{what} takes a number of rows, not {constant.type}", node.span)
    if constant.value < low or (high is not None and constant.value > high):
        limit = f"from {low}" + (f" to {high}" if high is not None else "")
        raise failure(errors.INVALID_QUERY, f"{what} is {constant.value}; it can be {limit}", node.span)
    return int(constant.value)
