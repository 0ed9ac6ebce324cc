"""What one script sees of its account's catalog: the state of one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import catalog as model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import QualifiedName, Table, View


@dataclass(frozen=True)
class Segment:
    """
    A file with rows of a table.

    :param path: the file
    :param rows: how many it holds
    :param created_at: seconds since the epoch
    """

    path: Path
    rows: int
    created_at: float


@dataclass(frozen=True)
class Entry:
    """
    A table or a view.

    :param item: its definition
    :param version: a GUID that no other definition has, not even one of the same name
    :param segments: a table's rows
    """

    item: Table | View
    version: str
    segments: tuple[Segment, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes its rows take."""
        return sum(segment.path.stat().st_size for segment in self.segments)


@dataclass(frozen=True)
class CatalogSnapshot:
    """
    The catalog of one account as it was at one moment.

    :param account: the account
    :param schemas: versions by database and schema; of a database by its schema ``dbo``
    :param entries: tables and views by name
    """

    account: str
    schemas: dict[tuple[str, str], str] = field(default_factory=dict)
    entries: dict[QualifiedName, Entry] = field(default_factory=dict)

    def has_database(self, database: str) -> bool:
        """Tell whether a database exists."""
        return (database, model.DBO) in self.schemas

    def has_schema(self, database: str, schema: str) -> bool:
        """Tell whether a schema exists."""
        return (database, schema) in self.schemas

    def table(self, name: QualifiedName) -> Table | None:
        """Look a table up."""
        entry = self.entries.get(name)
        return entry.item if entry is not None and isinstance(entry.item, model.Table) else None

    def view(self, name: QualifiedName) -> View | None:
        """Look a view up."""
        entry = self.entries.get(name)
        return entry.item if entry is not None and isinstance(entry.item, model.View) else None

    def objects(self, database: str, schema: str | None = None) -> Sequence[QualifiedName]:
        """List tables and views."""
        return [name for name in self.entries if name.database == database and schema in (None, name.schema)]

    def segments(self, name: QualifiedName) -> Sequence[Path]:
        """Give the files that hold a table's rows."""
        return [segment.path for segment in self.entries[name].segments]
