"""How values of U-SQL's types are held in SQL; the one mapping that binder and backends share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.types import Type

DECIMAL_PRECISION = 38
DECIMAL_SCALE = 10
"""Digits that a decimal keeps behind its point. C# lets it float: more of them are an error, not rounded."""

_SCALARS = {
    Kind.BOOL: "BOOLEAN",
    Kind.SBYTE: "TINYINT",
    Kind.BYTE: "UTINYINT",
    Kind.SHORT: "SMALLINT",
    Kind.USHORT: "USMALLINT",
    Kind.INT: "INT",
    Kind.UINT: "UINT",
    Kind.LONG: "BIGINT",
    Kind.ULONG: "UBIGINT",
    Kind.FLOAT: "FLOAT",
    Kind.DOUBLE: "DOUBLE",
    Kind.DECIMAL: f"DECIMAL({DECIMAL_PRECISION}, {DECIMAL_SCALE})",
    Kind.CHAR: "USMALLINT",  # a UTF-16 code unit
    Kind.STRING: "VARCHAR",
    Kind.BINARY: "BLOB",
    Kind.GUID: "UUID",
    Kind.DATETIME: "TIMESTAMP",  # microseconds; a text with a seventh digit other than 0 is an error
    Kind.TIMESPAN: "BIGINT",  # microseconds
    Kind.NULL: "VARCHAR",
}


def sql_type(type_: Type) -> exp.DataType:
    """
    Give the SQL type that holds a type's values.

    :param type_: a type
    :return: the type, in sqlglot's terms
    :raises ValueError: for a type that has no values in SQL
    """
    if type_.kind in (Kind.ARRAY, Kind.PLAIN_ARRAY) and type_.element is not None:
        inner = sql_type(type_.element)
        return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[inner], nested=True)
    if type_.kind is Kind.MAP and type_.element is not None and type_.key is not None:
        pair = [sql_type(type_.key), sql_type(type_.element)]
        return exp.DataType(this=exp.DataType.Type.MAP, expressions=pair, nested=True)
    if type_.kind not in _SCALARS:
        raise ValueError(f"values of {type_} cannot be held in SQL")
    return exp.DataType.build(_SCALARS[type_.kind], dialect="duckdb")
