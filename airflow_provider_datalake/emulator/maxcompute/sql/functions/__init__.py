"""
The functions of MaxCompute SQL, by lower-case name.

The binder looks a call up here: a scalar, an aggregate, a window function or a table function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import (
    aggregate,
    collection,
    conditional,
    date,
    json,
    math,
    string,
    table,
    window,
)
from airflow_provider_datalake.emulator.maxcompute.sql.functions.aggregate import AggregateBinder
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import Binder
from airflow_provider_datalake.emulator.maxcompute.sql.functions.table import Expansion, TableFunctionBinder
from airflow_provider_datalake.emulator.maxcompute.sql.functions.window import WindowBinder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.typed import FunctionContext, Typed

SCALARS: dict[str, Binder] = {
    **conditional.SCALARS,
    **date.SCALARS,
    **string.SCALARS,
    **math.SCALARS,
    **json.SCALARS,
    **collection.SCALARS,
}
AGGREGATES: dict[str, AggregateBinder] = aggregate.AGGREGATES
WINDOWS: dict[str, WindowBinder] = window.WINDOWS
TABLE_FUNCTIONS: dict[str, TableFunctionBinder] = table.TABLE_FUNCTIONS


def bind_scalar(name: str, args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    """
    Bind a call of a scalar function.

    :param name: the function's name, in any case
    :param args: its arguments
    :param ctx: the statement
    :return: its value
    :raises SemanticError: when there is no such function, or it does not take these arguments
    """
    binder = SCALARS.get(name.lower())
    if binder is None:
        raise unknown_function(name)
    return binder(args, ctx)


def unknown_function(name: str) -> SemanticError:
    """
    Describe a call of a function that is not there.

    :param name: the name in the query
    :return: the error to raise
    """
    return SemanticError(f"function {name.lower()} is not supported")


__all__ = [
    "AGGREGATES",
    "SCALARS",
    "TABLE_FUNCTIONS",
    "WINDOWS",
    "AggregateBinder",
    "Binder",
    "Expansion",
    "TableFunctionBinder",
    "WindowBinder",
    "bind_scalar",
    "unknown_function",
]
