"""The catalog's records and errors: what projects, tables, partitions and segments are as of a moment."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_SCHEMA = "default"


class NoSuchEntity(LookupError):
    """
    A project, table, column, partition or session that is asked for does not exist.

    :param kind: ``project``, ``table``, ``column``, ``partition``, ``upload session``, ...
    :param name: its name
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} does not exist")
        self.kind = kind
        self.name = name


class EntityExists(ValueError):
    """
    A project, table, column or partition of that name exists already.

    :param kind: ``project``, ``table``, ``column``, ``partition``
    :param name: its name
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} already exists")
        self.kind = kind
        self.name = name


class CommitConflict(RuntimeError):
    """Another commit changed what this one was computed from; nothing was written."""


@dataclass(frozen=True)
class Project:
    """
    One project.

    :param name: lower-case name
    :param owner: who created it
    :param comment: free text
    :param properties: settings of the project
    :param created_at: seconds since the epoch
    :param modified_at: seconds since the epoch
    """

    name: str
    owner: str = ""
    comment: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    modified_at: float = 0.0


@dataclass(frozen=True)
class Statistics:
    """
    What a table or a partition holds.

    :param rows: row count
    :param bytes: size of its files
    :param files: how many files
    """

    rows: int = 0
    bytes: int = 0
    files: int = 0


@dataclass(frozen=True)
class Column:
    """
    One column of a table.

    :param id: permanent id within the table, written as Parquet field id; never used again after a drop
    :param name: lower-case name
    :param type: MaxCompute type text, e.g. ``array<bigint>``
    :param comment: free text
    :param nullable: whether NULL may be stored
    """

    id: int
    name: str
    type: str
    comment: str = ""
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """
    One table as of a moment.

    :param id: permanent id; a dropped and re-created table has another
    :param project: project name
    :param schema: namespace schema, ``default`` in projects without schemas
    :param name: lower-case name
    :param columns: data columns, in order
    :param partition_columns: partition columns, in order
    :param comment: free text
    :param owner: who created it
    :param lifecycle: days, or None
    :param created_at: seconds since the epoch
    :param last_ddl_at: seconds since the epoch
    :param last_data_at: seconds since the epoch
    :param properties: TBLPROPERTIES
    :param archived: whether ARCHIVE recompressed it (a table without partitions)
    """

    id: int
    project: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...] = ()
    comment: str = ""
    owner: str = ""
    lifecycle: int | None = None
    created_at: float = 0.0
    last_ddl_at: float = 0.0
    last_data_at: float = 0.0
    properties: dict[str, str] = field(default_factory=dict)
    archived: bool = False

    @property
    def full_name(self) -> str:
        """The name as messages give it: ``project.table``, or ``project.schema.table``."""
        parts = (
            (self.project, self.name)
            if self.schema == DEFAULT_SCHEMA
            else (self.project, self.schema, self.name)
        )
        return ".".join(parts)


@dataclass(frozen=True)
class Partition:
    """
    One partition of a table.

    :param id: permanent id
    :param table_id: the table's id
    :param values: the partition columns' values as text, in their order
    :param archived: whether ARCHIVE recompressed it
    :param created_at: seconds since the epoch
    :param last_ddl_at: seconds since the epoch
    :param last_data_at: seconds since the epoch
    """

    id: int
    table_id: int
    values: tuple[str, ...]
    archived: bool = False
    created_at: float = 0.0
    last_ddl_at: float = 0.0
    last_data_at: float = 0.0


@dataclass(frozen=True)
class Segment:
    """
    One immutable Parquet file of a table or partition.

    :param id: permanent id
    :param partition_id: the partition it belongs to, None in a table without partitions
    :param path: relative to the data directory
    :param rows: row count
    :param bytes: file size
    """

    id: int
    partition_id: int | None
    path: str
    rows: int
    bytes: int
