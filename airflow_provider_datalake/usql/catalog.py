"""What a script sees of the catalog: databases, schemas, tables, views. Who keeps them is not its concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_datalake.usql.types import Type

MASTER = "master"
"""The database that always exists."""
DBO = "dbo"
"""The schema that every database has."""


@dataclass(frozen=True)
class QualifiedName:
    """
    The full name of a table or a view. Names are case-sensitive.

    :param database: its database
    :param schema: its schema
    :param name: its own name
    """

    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}.{self.schema}.{self.name}"


@dataclass(frozen=True)
class Column:
    """
    A column of a rowset, a table or a view.

    :param name: as the script writes it; case-sensitive
    :param type: its type
    """

    name: str
    type: Type


@dataclass(frozen=True)
class Index:
    """
    A table's index with its distribution and partitions; kept for the catalog, without effect on results.

    :param name: the index
    :param keys: columns with their directions (True for descending)
    :param distribution: ``HASH``, ``RANGE``, ``DIRECT HASH``, ``ROUND ROBIN`` or empty
    :param distribution_keys: columns
    :param buckets: how many, None when not given
    :param columnstore: whether it is a columnstore
    """

    name: str
    keys: tuple[tuple[str, bool], ...] = ()
    distribution: str = ""
    distribution_keys: tuple[str, ...] = ()
    buckets: int | None = None
    columnstore: bool = False


@dataclass(frozen=True)
class Table:
    """
    A table's definition.

    :param name: its full name
    :param columns: its columns
    :param index: None when it has none
    """

    name: QualifiedName
    columns: tuple[Column, ...]
    index: Index | None = None


@dataclass(frozen=True)
class View:
    """
    A view's definition.

    :param name: its full name
    :param text: the query's text; names in it are looked up from the view's own database and schema
    :param columns: what it gives
    """

    name: QualifiedName
    text: str
    columns: tuple[Column, ...]


class Catalog(Protocol):
    """The catalog as it was when the script began to be compiled."""

    def has_database(self, database: str) -> bool: ...

    def has_schema(self, database: str, schema: str) -> bool: ...

    def table(self, name: QualifiedName) -> Table | None: ...

    def view(self, name: QualifiedName) -> View | None: ...

    def objects(self, database: str, schema: str | None = None) -> Sequence[QualifiedName]:
        """
        List tables and views, to tell whether a database or a schema is empty.

        :param database: the database
        :param schema: only this schema's
        :return: their names
        """
        ...

    def segments(self, name: QualifiedName) -> Sequence[Path]:
        """
        Give the Parquet files that hold a table's rows, in the order of their insertion.

        :param name: an existing table
        :return: local paths; their columns are named and typed as the backend that wrote them chose
        """
        ...


# What a script changes, in the order of its statements


@dataclass(frozen=True)
class CreateDatabase:
    """
    Create a database.

    :param name: its name
    """

    name: str


@dataclass(frozen=True)
class DropDatabase:
    """
    Drop a database with all that is in it.

    :param name: its name
    """

    name: str


@dataclass(frozen=True)
class CreateSchema:
    """
    Create a schema.

    :param database: where
    :param name: its name
    """

    database: str
    name: str


@dataclass(frozen=True)
class DropSchema:
    """
    Drop a schema.

    :param database: where
    :param name: its name
    """

    database: str
    name: str


@dataclass(frozen=True)
class CreateTable:
    """
    Create an empty table.

    :param table: its definition
    """

    table: Table


@dataclass(frozen=True)
class CreateView:
    """
    Create a view.

    :param view: its definition
    """

    view: View


@dataclass(frozen=True)
class DropTable:
    """
    Drop a table.

    :param name: its name
    """

    name: QualifiedName


@dataclass(frozen=True)
class DropView:
    """
    Drop a view.

    :param name: its name
    """

    name: QualifiedName


@dataclass(frozen=True)
class TruncateTable:
    """
    Remove a table's rows.

    :param name: its name
    """

    name: QualifiedName


@dataclass(frozen=True)
class AppendSegment:
    """
    Add rows to a table.

    :param table: its name
    :param path: the Parquet file that was written under the workspace's temporary directory
    :param rows: how many rows
    """

    table: QualifiedName
    path: Path
    rows: int = field(default=0)


Change = (
    CreateDatabase
    | DropDatabase
    | CreateSchema
    | DropSchema
    | CreateTable
    | CreateView
    | DropTable
    | DropView
    | TruncateTable
    | AppendSegment
)
