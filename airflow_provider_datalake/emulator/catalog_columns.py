"""The part of the catalog that changes a table's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator import catalog_rows as rows
from airflow_provider_datalake.emulator.definitions import (
    ColumnSpec,
    InvalidDefinition,
    checked_columns,
    checked_layout,
    checked_name,
    checked_widening,
)
from airflow_provider_datalake.emulator.records import Column, EntityExists, NoSuchEntity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_datalake.emulator.database import Database
    from airflow_provider_datalake.emulator.records import Table


class ColumnChanges:
    """Changes of columns: each is one transaction and touches no file, for files know columns by id."""

    database: Database

    def add_columns(
        self, table: Table, columns: Sequence[ColumnSpec], *, if_not_exists: bool = False
    ) -> Table:
        """
        Add data columns after the existing ones; older rows read NULL in them.

        :param table: the table
        :param columns: the new columns
        :param if_not_exists: whether to leave out columns that the table has already
        :return: the table as it is now
        :raises EntityExists: when the table has a column of that name
        :raises InvalidDefinition: when a column is invalid or cannot be NULL
        """
        with self.database.transaction() as connection:
            current = rows.reload(connection, table)
            existing = {column.name for column in (*current.columns, *current.partition_columns)}
            specs = checked_columns(columns)
            fresh = [spec for spec in specs if spec.name not in existing]
            if len(fresh) < len(specs) and not if_not_exists:
                raise EntityExists("column", next(spec.name for spec in specs if spec.name in existing))
            for spec in fresh:
                if not spec.nullable:
                    raise InvalidDefinition(f"column {spec.name}: a new column must allow NULL")
            checked_layout([*map(_spec, current.columns), *fresh], [*map(_spec, current.partition_columns)])
            (first,) = connection.execute(
                "SELECT next_column_id FROM tables WHERE id = ?", (table.id,)
            ).fetchone()
            made = [Column(at, *fields_of(spec)) for at, spec in enumerate(fresh, start=first)]
            rows.insert_columns(connection, table.id, made, partition_key=False)
            return rows.alter_table(connection, table, "next_column_id = ?", (first + len(made),))

    def drop_columns(self, table: Table, names: Iterable[str]) -> Table:
        """
        Drop data columns; their ids are never used again, so a column added later does not show their values.

        :param table: the table
        :param names: names of data columns
        :return: the table as it is now
        :raises NoSuchEntity: when the table has no such column
        :raises InvalidDefinition: when a partition column is named, or no data column would remain
        """
        with self.database.transaction() as connection:
            current = rows.reload(connection, table)
            doomed = {_data_column(current, name).id for name in names}
            rest = [column for column in current.columns if column.id not in doomed]
            checked_layout([*map(_spec, rest)], [*map(_spec, current.partition_columns)])
            connection.executemany(
                "DELETE FROM columns WHERE table_id = ? AND id = ?", [(table.id, at) for at in doomed]
            )
            return rows.alter_table(connection, table)

    def change_column(
        self,
        table: Table,
        name: str,
        *,
        new_name: str | None = None,
        type: str | None = None,
        comment: str | None = None,
        nullable: bool | None = None,
    ) -> Table:
        """
        Change a data column; what is None stays.

        :param table: the table
        :param name: the column's name
        :param new_name: its new name
        :param type: a type that holds every value of the present one
        :param comment: free text
        :param nullable: True to allow NULL from now on
        :return: the table as it is now
        :raises NoSuchEntity: when the table has no such column
        :raises EntityExists: when another column has the new name
        :raises InvalidDefinition: when values could be lost, or NULL shall no longer be allowed
        """
        with self.database.transaction() as connection:
            current = rows.reload(connection, table)
            column = _data_column(current, name)
            new_name = column.name if new_name is None else checked_name("column", new_name)
            others = {other.name for other in (*current.columns, *current.partition_columns)} - {column.name}
            if new_name in others:
                raise EntityExists("column", new_name)
            if nullable is False and column.nullable:
                raise InvalidDefinition(f"column {column.name}: NULL is allowed and has to stay so")
            connection.execute(
                "UPDATE columns SET name = ?, type = ?, comment = ?, nullable = ?"
                " WHERE table_id = ? AND id = ?",
                (
                    new_name,
                    column.type if type is None else checked_widening(column, type),
                    column.comment if comment is None else comment,
                    column.nullable if nullable is None else nullable,
                    table.id,
                    column.id,
                ),
            )
            return rows.alter_table(connection, table)

    def rename_column(self, table: Table, name: str, new_name: str) -> Table:
        """
        Rename a data column; its values stay.

        :param table: the table
        :param name: the column's name
        :param new_name: its new name
        :return: the table as it is now
        """
        return self.change_column(table, name, new_name=new_name)


def fields_of(spec: ColumnSpec) -> tuple[str, str, str, bool]:
    """
    Give what a column has besides its id.

    :param spec: the column as asked for
    :return: name, type, comment, nullable
    """
    return spec.name, spec.type, spec.comment, spec.nullable


def _spec(column: Column) -> ColumnSpec:
    return ColumnSpec(column.name, column.type, column.comment, column.nullable)


def _data_column(table: Table, name: str) -> Column:
    for column in table.columns:
        if column.name == name.lower():
            return column
    if any(column.name == name.lower() for column in table.partition_columns):
        raise InvalidDefinition(f"{name} is a partition column of {table.full_name} and cannot be changed")
    raise NoSuchEntity("column", f"{name} of {table.full_name}")
