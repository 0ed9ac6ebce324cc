"""Table functions, used in LATERAL VIEW and alone in a SELECT list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.typed import FunctionContext, Typed
from airflow_provider_datalake.emulator.maxcompute.types import DataType


@dataclass(frozen=True)
class Expansion:
    """
    What a table function gives for one row.

    :param names: the default names of its columns
    :param types: their types
    :param rows: a DuckDB expression: a LIST of STRUCTs with the fields c0, c1, ... to unnest; NULL or empty for none
    """

    names: tuple[str, ...]
    types: tuple[DataType, ...]
    rows: exp.Expression


TableFunctionBinder = Callable[[Sequence[Typed], FunctionContext], Expansion]
TABLE_FUNCTIONS: dict[str, TableFunctionBinder] = {}
