"""How many rows the files of a statement gave, from DuckDB's own profile of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

MARK = "__text_"
"""Stands in the names of a text's columns between the rowset's id and the column's number."""
_COLUMN = re.compile(rf"\b(\w+?){MARK}\d+\b")


def start(connection: duckdb.DuckDBPyConnection) -> None:
    """
    Let a connection keep a profile of its last statement; it costs nothing that can be measured.

    :param connection: the connection
    """
    connection.execute("SET enable_profiling = 'no_output'")


def rows_extracted(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """
    Count the rows that extractions gave to the last statement.

    :param connection: the connection
    :return: rows by the rowset's id
    """
    counts: dict[str, int] = {}
    for operator in json.loads(connection.get_profiling_information(format="json")).get("operator", ()):
        _count(operator, None, counts)
    return counts


def _count(operator: dict[str, Any], kept: int | None, counts: dict[str, int]) -> None:
    """Add up the scans; a filter above one tells how many of its rows were kept."""
    text = json.dumps(operator.get("extra_info", {}))
    found = _COLUMN.search(text)
    kind = str(operator.get("type", ""))
    rows = int(operator.get("intermediate_rows", 0))
    if kind == "FILTER" and found is not None:
        kept = rows
    # Parquet is what the slow reader has made of a text.
    if "READ_CSV" in kind or ("SCAN" in kind and re.search("READ_(CSV|PARQUET)", text.upper())):
        if found is not None:
            counts[found.group(1)] = counts.get(found.group(1), 0) + (rows if kept is None else kept)
        return
    for child in operator.get("children", ()):
        _count(child, kept, counts)
