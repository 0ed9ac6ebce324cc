"""The names of tables: ``t``, ``project.t``, ``project.schema.t``, and looking them up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError, TableNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.catalog import Catalog, Table

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class TableName(NamedTuple):
    """The full, lower-case name of a table."""

    project: str
    schema: str
    table: str

    def __str__(self) -> str:
        parts = [self.project, self.table] if self.schema == "default" else list(self)
        return ".".join(parts)


def table_name(parts: Sequence[str], project: str, schema: str, *, schemas: bool = False) -> TableName:
    """
    Complete the name of a table.

    :param parts: what was written between the dots
    :param project: the current project
    :param schema: the current schema
    :param schemas: whether two parts are a schema and a table, not a project and a table
    :return: the full name
    :raises SemanticError: when there are more than three parts
    """
    parts = [p.lower() for p in parts]
    if len(parts) == 1:
        return TableName(project, schema, parts[0])
    if len(parts) == 2:
        return TableName(project, *parts) if schemas else TableName(parts[0], "default", parts[1])
    if len(parts) == 3:
        return TableName(*parts)
    raise SemanticError(f"invalid table name {'.'.join(parts)}")


def check_name(name: str, what: str) -> str:
    """
    Check the name of something to create.

    :param name: the name as written
    :param what: what it names, for the message
    :return: the name in lower case
    :raises SemanticError: when the service would not take it
    """
    if not _NAME.fullmatch(name):
        raise SemanticError(
            f"invalid {what} name '{name}': expect letters, digits and '_', not beginning with a digit, "
            "at most 128 characters"
        )
    return name.lower()


def find_table(catalog: Catalog, name: TableName) -> Table:
    """
    Look up a table.

    :param catalog: the catalog
    :param name: the full name
    :return: the table
    :raises TableNotFound: when there is no such table
    """
    from airflow_provider_datalake.emulator.catalog import NoSuchEntity

    try:
        return catalog.get_table(name.project, name.table, name.schema)
    except NoSuchEntity as error:
        raise TableNotFound(f"table {name} cannot be resolved") from error
