"""
The Python functions that queries call where DuckDB has nothing of the same result.

They are Arrow functions: called with whole columns, NULL in NULL out. An exception fails the query.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Scalar = Callable[..., Any]
# name: (function of plain values, argument types, result type)
_FUNCTIONS: dict[str, tuple[Scalar, tuple[str, ...], str]] = {}


def _function(result: str, *arguments: str) -> Callable[[Scalar], Scalar]:
    def add(function: Scalar) -> Scalar:
        _FUNCTIONS[f"mc_{function.__name__}"] = (function, arguments, result)
        return function

    return add


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """
    Make the functions and macros callable on a connection.

    :param connection: an open DuckDB connection
    """
    for name, (function, arguments, result) in _FUNCTIONS.items():
        connection.create_function(
            name, _over_columns(function, result), list(arguments), result, type="arrow", side_effects=False
        )
    for macro in _MACROS:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")


_MACROS: tuple[str, ...] = (
    # Java's Double.toString: plain digits from 1E-3 up to below 1E7, otherwise a mantissa with a fraction and E.
    "mc_double_text(x) AS CASE WHEN contains(x, 'e') THEN"
    " upper(regexp_replace(regexp_replace(x, '^(-?[0-9])e', '\\1.0e'), 'e([+-]?)0*([0-9]+)', 'e\\1\\2'))"
    " ELSE x END",
)


def _over_columns(function: Scalar, result: str) -> Callable[..., pa.Array]:
    def call(*columns: Any) -> pa.Array:
        import pyarrow as pa

        types = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_(), "VARCHAR[]": pa.list_(pa.string())}
        lists = [column.to_pylist() for column in columns]
        values = [None if None in row else function(*row) for row in zip(*lists, strict=True)]
        return pa.array(values, type=types[result])

    return call
