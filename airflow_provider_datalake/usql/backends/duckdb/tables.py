"""Tables of the catalog: what a running script sees of them, and the segments that it adds."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb.fast_values import identifier, literal
from airflow_provider_datalake.usql.catalog import (
    AppendSegment,
    CreateTable,
    DropDatabase,
    DropSchema,
    DropTable,
    TruncateTable,
)
from airflow_provider_datalake.usql.sql_types import sql_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import Catalog, Change, QualifiedName
    from airflow_provider_datalake.usql.plan import InsertStep, PlanColumn


class Tables:
    """
    The segments of the tables, as the changes so far have left them.

    :param catalog: as it was before the script
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._changed: dict[QualifiedName, list[Path]] = {}
        self._dropped: set[tuple[str, ...]] = set()

    def segments(self, name: QualifiedName) -> list[Path]:
        """
        Give the files that hold a table's rows now.

        :param name: the table
        :return: the files, in the order of insertion
        """
        if name in self._changed:
            return self._changed[name]
        gone = {(name.database,), (name.database, name.schema)} & self._dropped
        if gone or self._catalog.table(name) is None:
            return []
        return list(self._catalog.segments(name))

    def apply(self, change: Change) -> None:
        """
        Let later steps see a change.

        :param change: the change
        """
        if isinstance(change, AppendSegment):
            self._changed[change.table] = [*self.segments(change.table), change.path]
        elif isinstance(change, CreateTable):
            self._changed[change.table.name] = []
        elif isinstance(change, (TruncateTable, DropTable)):
            self._changed[change.name] = []
        elif isinstance(change, (DropDatabase, DropSchema)):
            prefix = (change.name,) if isinstance(change, DropDatabase) else (change.database, change.name)
            self._dropped.add(prefix)
            for name in self._changed:
                if (name.database, name.schema)[: len(prefix)] == prefix:
                    self._changed[name] = []


def table_query(columns: Sequence[PlanColumn], segments: Sequence[Path]) -> str:
    """
    Give a table's rows as a query.

    :param columns: its columns
    :param segments: its files
    :return: SQL with the columns under their SQL names
    """
    kinds = [sql_type(column.type).sql(dialect="duckdb") for column in columns]
    names = [identifier(column.sql_name) for column in columns]
    if not segments:
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for kind, name in zip(kinds, names, strict=True))
        return f"SELECT {empty} WHERE false"
    selected = ", ".join(
        f"CAST(c{index} AS {kind}) AS {name}"
        for index, (kind, name) in enumerate(zip(kinds, names, strict=True))
    )
    listed = ", ".join(literal(str(path)) for path in segments)
    return f"SELECT {selected} FROM read_parquet([{listed}])"


def insert_statement(step: InsertStep, scratch: Path) -> tuple[str, Path]:
    """
    Give the statement that writes a rowset as a segment.

    :param step: what is inserted
    :param scratch: where to write
    :return: SQL that gives the number of rows, and the file
    """
    path = scratch / f"segment-{uuid.uuid4().hex}.parquet"
    selected = ", ".join(
        f"CAST({identifier(column.sql_name)} AS {sql_type(column.type).sql(dialect='duckdb')}) AS c{index}"
        for index, column in enumerate(step.columns)
    )
    source = f"SELECT {selected} FROM {identifier(step.source)}"
    return f"COPY ({source}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)", path
