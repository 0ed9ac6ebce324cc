"""The statements that are not queries, as parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.tokens import Token

    from airflow_provider_datalake.emulator.catalog import ColumnSpec


@dataclass(frozen=True)
class Name:
    """
    A table as the statement names it.

    :param parts: what stands between the dots
    :param at: offset of the first character
    """

    parts: tuple[str, ...]
    at: int


@dataclass(frozen=True)
class Condition:
    """
    One term of a PARTITION clause.

    :param column: lower-case name of the partition column
    :param operator: ``=``, or one of ``<> < <= > >=`` where partitions are chosen by condition
    :param value: the value as text
    :param at: offset of the first character
    """

    column: str
    operator: str
    value: str
    at: int


Spec = tuple[Condition, ...]


@dataclass(frozen=True)
class Command:
    """
    A statement that is not a query.

    :param name: the table that it is about
    """

    name: Name


@dataclass(frozen=True)
class CreateTable(Command):
    """``CREATE TABLE``; ``query`` and ``like`` are its AS and LIKE."""

    columns: tuple[ColumnSpec, ...] = ()
    partition_columns: tuple[ColumnSpec, ...] = ()
    if_not_exists: bool = False
    comment: str = ""
    lifecycle: int | None = None
    properties: dict[str, str] = field(default_factory=dict)
    query: tuple[Token, ...] = ()
    like: Name | None = None


@dataclass(frozen=True)
class DropTable(Command):
    """``DROP TABLE``."""

    if_exists: bool = False


@dataclass(frozen=True)
class Truncate(Command):
    """``TRUNCATE TABLE``, of the whole table or of partitions."""

    specs: tuple[Spec, ...] = ()


@dataclass(frozen=True)
class AddPartitions(Command):
    """``ALTER TABLE ... ADD PARTITION``."""

    specs: tuple[Spec, ...]
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropPartitions(Command):
    """``ALTER TABLE ... DROP PARTITION``."""

    specs: tuple[Spec, ...]
    if_exists: bool = False


@dataclass(frozen=True)
class AddColumns(Command):
    """``ALTER TABLE ... ADD COLUMNS``."""

    columns: tuple[ColumnSpec, ...]
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropColumns(Command):
    """``ALTER TABLE ... DROP COLUMNS``."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class ChangeColumn(Command):
    """``ALTER TABLE ... CHANGE COLUMN``; what is None stays."""

    column: str
    new_name: str | None = None
    type: str | None = None
    comment: str | None = None
    nullable: bool | None = None


@dataclass(frozen=True)
class RenameTable(Command):
    """``ALTER TABLE ... RENAME TO``."""

    new_name: str


@dataclass(frozen=True)
class SetTable(Command):
    """``ALTER TABLE ... SET ...``, ``CHANGEOWNER TO`` and ``TOUCH``; what is None stays."""

    comment: str | None = None
    lifecycle: int | None = None
    owner: str | None = None
    properties: dict[str, str] | None = None
    touch: bool = False
    specs: tuple[Spec, ...] = ()


@dataclass(frozen=True)
class ShowTables(Command):
    """``SHOW TABLES``; the name is that of the project or schema, or empty."""

    pattern: str | None = None


@dataclass(frozen=True)
class ShowPartitions(Command):
    """``SHOW PARTITIONS``."""

    spec: Spec = ()


@dataclass(frozen=True)
class ShowCreateTable(Command):
    """``SHOW CREATE TABLE``."""


@dataclass(frozen=True)
class Describe(Command):
    """``DESC``."""

    spec: Spec = ()
    extended: bool = False
