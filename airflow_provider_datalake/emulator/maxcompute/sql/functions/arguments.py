"""How functions declare and convert their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import (
    InvalidArgumentCount,
    InvalidArgumentType,
    SemanticError,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    emit,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.types import DataType

Binder = Callable[[Sequence[Typed], FunctionContext], Typed]
Parameter = Callable[[str, Typed, FunctionContext], Typed]


def count(function: str, args: Sequence[Typed], low: int, high: int | None = None) -> None:
    """
    Check the number of arguments.

    :param function: the function's name
    :param args: its arguments
    :param low: the least number
    :param high: the greatest number, by default the least one; -1 for any
    :raises InvalidArgumentCount: when there are more or fewer
    """
    high = low if high is None else high
    if len(args) < low or (high >= 0 and len(args) > high):
        wanted = str(low) if low == high else f"at least {low}" if high < 0 else f"{low} to {high}"
        raise InvalidArgumentCount(f"function {function} needs {wanted} arguments, got {len(args)}")


def mismatch(function: str, *args: Typed) -> SemanticError:
    """
    Describe arguments that a function does not take.

    :param function: the function's name
    :param args: all its arguments
    :return: the error to raise
    """
    types = ",".join(str(a.type).upper() for a in args)
    return InvalidArgumentType(f"function {function} cannot match any overloaded functions with ({types})")


def to(data_type: DataType) -> Parameter:
    """
    Declare a parameter of a type that other values are implicitly converted to.

    :param data_type: the type
    :return: the parameter
    """

    def convert(function: str, value: Typed, ctx: FunctionContext) -> Typed:
        if not casts.has_implicit(value.type, data_type, ctx):
            raise mismatch(function, value)
        return casts.cast(value, data_type, ctx)

    return convert


string = to(STRING)
whole = to(BIGINT)
boolean = to(BOOLEAN)


def real(function: str, value: Typed, ctx: FunctionContext) -> Typed:
    """
    Declare a DOUBLE parameter; a DECIMAL is converted as well.

    :param function: the function's name
    :param value: the argument
    :param ctx: the statement
    :return: the argument as DOUBLE
    """
    if not (value.type.is_numeric or value.type.is_text or value.type == VOID):
        raise mismatch(function, value)
    return casts.cast(value, DOUBLE, ctx)


def native(name: str, result: DataType, text: str, *parameters: Parameter) -> Binder:
    """
    Define a function by one DuckDB template.

    :param name: the function's name
    :param result: the type of its value
    :param text: the template
    :param parameters: its parameters
    :return: the binder
    """

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, len(parameters))
        converted = [p(name, a, ctx) for p, a in zip(parameters, args, strict=True)]
        return emit(result, text, *converted)

    return bind


def choose(name: str, **by_count: Binder) -> Binder:
    """
    Choose a binder by the number of arguments.

    :param name: the function's name
    :param by_count: binders under ``n1``, ``n2``, ...
    :return: the binder
    """
    counts = {int(key[1:]): binder for key, binder in by_count.items()}

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, min(counts), max(counts))
        if len(args) not in counts:
            raise InvalidArgumentCount(f"function {name} does not take {len(args)} arguments")
        return counts[len(args)](args, ctx)

    return bind


def constant_string(function: str, value: Typed, what: str) -> str | None:
    """
    Read an argument that must be a STRING constant.

    :param function: the function's name
    :param value: the argument
    :param what: what it means, for the message
    :return: its characters, None for NULL
    :raises InvalidArgumentType: when it is anything else
    """
    expr = _bare(value.expr)
    if isinstance(expr, exp.Null):
        return None
    if isinstance(expr, exp.Literal) and expr.is_string and value.type.is_text:
        return str(expr.this)
    raise InvalidArgumentType(f"function {function}: {what} must be a constant STRING")


def is_literal(value: Typed) -> bool:
    """
    Say whether an argument is a literal, whose value a function can look at.

    :param value: the argument
    :return: false for everything that has to be computed
    """
    return isinstance(_bare(value.expr), exp.Literal | exp.Null)


def constant_integer(function: str, value: Typed, what: str) -> int | None:
    """
    Read an argument that must be an integer constant.

    :param function: the function's name
    :param value: the argument
    :param what: what it means, for the message
    :return: the number, None for NULL
    :raises InvalidArgumentType: when it is anything else
    """
    expr = _bare(value.expr)
    sign = 1
    if isinstance(expr, exp.Neg):
        sign, expr = -1, _bare(expr.this)
    if isinstance(expr, exp.Null):
        return None
    if isinstance(expr, exp.Literal) and value.type.is_integer and not expr.is_string:
        return sign * int(expr.this)
    raise InvalidArgumentType(f"function {function}: {what} must be a constant BIGINT")


def _bare(expr: exp.Expression) -> exp.Expression:
    while isinstance(expr, exp.Paren | exp.Cast):
        expr = expr.this
    return expr
