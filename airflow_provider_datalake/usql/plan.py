"""
The neutral plan of a script: a graph of rowsets, and the changes that it makes, in order.

Queries are typed sqlglot expressions that read other rowsets by id, as if these were tables. Nothing knows
DuckDB here; another engine can run the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_datalake.usql.diagnostics import NOWHERE, Diagnostic, Span

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.catalog import Change, QualifiedName
    from airflow_provider_datalake.usql.filesets import FileSet
    from airflow_provider_datalake.usql.text_format import ExtractFormat, OutputFormat
    from airflow_provider_datalake.usql.types import Type


@dataclass(frozen=True)
class PlanColumn:
    """
    A column of a rowset.

    :param name: as the script writes it
    :param type: its type
    :param sql_name: what queries call it: the name itself, unless another column differs from it by case only
    """

    name: str
    type: Type
    sql_name: str


@dataclass(frozen=True)
class Rowset:
    """
    What a step makes.

    :param id: what queries call it, unique in the plan and a plain lower-case SQL identifier
    :param label: what people call it, e.g. ``@searchlog`` or ``master.dbo.T``
    :param columns: its columns
    :param span: the statement that defines it
    """

    id: str
    label: str
    columns: tuple[PlanColumn, ...]
    span: Span = NOWHERE


@dataclass(frozen=True)
class ExtractStep:
    """
    Read files.

    :param rowset: what it makes, virtual columns in their places
    :param files: where from; several when FROM lists several
    :param format: how they are written
    :param virtual: names of the columns that come from file names
    """

    rowset: Rowset
    files: tuple[FileSet, ...]
    format: ExtractFormat
    virtual: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TableStep:
    """
    Read a table of the catalog, as it is at this point of the script.

    :param rowset: what it makes
    :param table: the table
    """

    rowset: Rowset
    table: QualifiedName


@dataclass(frozen=True)
class QueryStep:
    """
    Compute a rowset from others.

    :param rowset: what it makes; the query's columns have its ``sql_name``s, in order
    :param query: reads the inputs by their ids
    :param inputs: ids of the rowsets that it reads
    """

    rowset: Rowset
    query: exp.Query
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class OutputStep:
    """
    Write a rowset to one file, which becomes visible with all others of the script.

    :param id: unique in the plan
    :param source: id of the rowset
    :param columns: its columns that are written; it may have more, to be sorted by
    :param uri: resolved URI of the file
    :param format: how it is written
    :param order_by: SQL names of the source's columns with their directions (True for descending); nulls
        come last
    :param span: the statement
    """

    id: str
    source: str
    columns: tuple[PlanColumn, ...]
    uri: str
    format: OutputFormat
    order_by: tuple[tuple[str, bool], ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True)
class InsertStep:
    """
    Add a rowset's rows to a table.

    :param id: unique in the plan
    :param source: id of the rowset, whose columns are the table's, in order and type
    :param columns: its columns
    :param table: the table
    :param span: the statement
    """

    id: str
    source: str
    columns: tuple[PlanColumn, ...]
    table: QualifiedName
    span: Span = NOWHERE


@dataclass(frozen=True)
class ChangeStep:
    """
    Change the catalog.

    :param id: unique in the plan
    :param change: what changes
    :param span: the statement
    """

    id: str
    change: Change
    span: Span = NOWHERE


Step: TypeAlias = ExtractStep | TableStep | QueryStep | OutputStep | InsertStep | ChangeStep


@dataclass(frozen=True)
class Plan:
    """
    A script that compiled.

    :param steps: in an order in which they can run; a rowset is made before it is read
    :param warnings: findings that do not stop it
    """

    steps: tuple[Step, ...]
    warnings: tuple[Diagnostic, ...] = field(default=())
