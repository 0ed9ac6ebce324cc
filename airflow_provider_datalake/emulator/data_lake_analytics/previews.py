"""The first rows of a table, as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics import catalog_views
from airflow_provider_datalake.usql.types import INTEGRAL, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import Entry
    from airflow_provider_datalake.usql.catalog import Table
    from airflow_provider_datalake.usql.types import Type

DEFAULT_ROWS = 100
MOST_ROWS = 10_000
_LONGEST_TEXT = 8 * 1024 * 1024
"""Bytes of all texts together, behind which a preview ends."""


def preview(entry: Entry, table: Table, rows: int, columns: int | None, scratch: Path) -> dict[str, Any]:
    """
    Read the first rows of a table.

    :param entry: the table with its files, which somebody holds
    :param table: its definition
    :param rows: how many rows at most
    :param columns: how many columns at most, None for all
    :param scratch: a directory to work in
    :return: the service's JSON
    """
    shown = table.columns[:columns]
    found, truncated = _rows(entry, table, rows, len(shown), scratch)
    return {
        "totalRowCount": sum(segment.rows for segment in entry.segments),
        "totalColumnCount": len(table.columns),
        "rows": found,
        "truncated": truncated,
        "schema": catalog_views.columns(shown),
    }


def _rows(
    entry: Entry, table: Table, limit: int, width: int, scratch: Path
) -> tuple[list[list[str | None]], bool]:
    from airflow_provider_datalake.usql.backends.duckdb.connection import connect
    from airflow_provider_datalake.usql.backends.duckdb.fast_values import literal

    found: list[list[str | None]] = []
    size = 0
    texts = ", ".join(_text(f"c{number}", table.columns[number].type) for number in range(width))
    with connect(scratch) as connection:
        for segment in entry.segments:
            if len(found) >= limit:
                break
            sql = f"SELECT {texts} FROM read_parquet({literal(str(segment.path))}) LIMIT {limit - len(found)}"
            for row in connection.execute(sql).fetchall():
                size += sum(len(text) for text in row if text is not None)
                if size > _LONGEST_TEXT:
                    return found, True
                found.append(list(row))
    return found, False


def _text(column: str, type_: Type) -> str:
    from airflow_provider_datalake.usql.backends.duckdb.numbers import decimal_text, double_text, float_text

    kind = type_.kind
    special = {
        Kind.BOOL: f"CASE {column} WHEN true THEN 'True' WHEN false THEN 'False' END",
        Kind.DOUBLE: double_text(column),
        Kind.FLOAT: float_text(column),
        Kind.DECIMAL: decimal_text(column),
        Kind.CHAR: f"chr({column}::INTEGER)",
        Kind.BINARY: f"base64({column})",
        Kind.DATETIME: f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
        Kind.ARRAY: f"to_json({column})::VARCHAR",
        Kind.MAP: f"to_json({column})::VARCHAR",
    }
    if kind in special:
        return special[kind]
    if kind in INTEGRAL or kind in (Kind.STRING, Kind.GUID):
        return f"{column}::VARCHAR"
    raise ValueError(f"no column has the type {type_}")
