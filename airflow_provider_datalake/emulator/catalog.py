"""The transactional catalog: projects, tables, partitions and the segments that hold their rows."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator import catalog_rows as rows
from airflow_provider_datalake.emulator.catalog_columns import ColumnChanges, fields_of
from airflow_provider_datalake.emulator.database import Database
from airflow_provider_datalake.emulator.definitions import (
    ColumnSpec,
    InvalidDefinition,
    canonical_values,
    checked_columns,
    checked_layout,
    checked_name,
    spec_text,
)
from airflow_provider_datalake.emulator.records import (
    DEFAULT_SCHEMA,
    Column,
    CommitConflict,
    EntityExists,
    NoSuchEntity,
    Partition,
    Project,
    Segment,
    Statistics,
    Table,
)
from airflow_provider_datalake.emulator.segment_index import SegmentIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "DEFAULT_SCHEMA",
    "Catalog",
    "Column",
    "ColumnSpec",
    "CommitConflict",
    "EntityExists",
    "InvalidDefinition",
    "NoSuchEntity",
    "Partition",
    "Project",
    "Segment",
    "Statistics",
    "Table",
]


class Catalog(ColumnChanges):
    """
    What exists: every method is one transaction, durable when it returns.

    Methods that a thread calls within ``database.transaction()`` join that transaction.

    :param path: the SQLite file
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.ensure_schema(rows.SCHEMA)
        self.segments = SegmentIndex(self.database)

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # Projects

    def create_project(
        self, name: str, owner: str = "", comment: str = "", properties: Mapping[str, str] | None = None
    ) -> Project:
        """
        Create a project.

        :param name: its name, any case
        :param owner: who creates it
        :param comment: free text
        :param properties: settings of the project
        :return: the project
        :raises EntityExists: when there is one of that name
        """
        name = checked_name("project", name)
        with self.database.transaction() as connection:
            now = time.time()
            added = connection.execute(
                "INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (name, owner, comment, json.dumps(dict(properties or {})), now, now),
            ).rowcount
            if not added:
                raise EntityExists("project", name)
            return self.get_project(name)

    def get_project(self, name: str) -> Project:
        """
        Look a project up.

        :param name: its name, any case
        :return: the project
        :raises NoSuchEntity: when there is none
        """
        with self.database.read() as connection:
            row = connection.execute("SELECT * FROM projects WHERE name = ?", (name.lower(),)).fetchone()
        if row is None:
            raise NoSuchEntity("project", name)
        return rows.project(row)

    def list_projects(self) -> list[Project]:
        """
        List all projects.

        :return: the projects, by name
        """
        with self.database.read() as connection:
            return [rows.project(row) for row in connection.execute("SELECT * FROM projects ORDER BY name")]

    # Tables

    def draft_table(
        self,
        project: str,
        name: str,
        columns: Sequence[ColumnSpec],
        partition_columns: Sequence[ColumnSpec] = (),
        *,
        schema: str = DEFAULT_SCHEMA,
        comment: str = "",
        owner: str = "",
        lifecycle: int | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> Table:
        """
        Check a table's definition without creating it, e.g. to stage the rows of CREATE TABLE AS first.

        :param project: the project's name
        :param name: the table's name
        :param columns: data columns
        :param partition_columns: partition columns
        :param schema: namespace schema
        :param comment: free text
        :param owner: who creates it
        :param lifecycle: days, or None
        :param properties: TBLPROPERTIES
        :return: the table with id 0; its columns have the ids that :meth:`create_table` will give them
        :raises InvalidDefinition: when a table cannot look like that
        :raises NoSuchEntity: when the project does not exist
        """
        data = checked_columns(columns)
        keys = checked_columns(partition_columns, [spec.name for spec in data], partition=True)
        checked_layout(data, keys)
        if lifecycle is not None and lifecycle < 1:
            raise InvalidDefinition(f"invalid lifecycle {lifecycle}: expected a positive number of days")
        made = [Column(at, *fields_of(spec)) for at, spec in enumerate([*data, *keys], start=1)]
        now = time.time()
        return Table(
            id=0,
            project=self.get_project(project).name,
            schema=checked_name("schema", schema),
            name=checked_name("table", name),
            columns=tuple(made[: len(data)]),
            partition_columns=tuple(made[len(data) :]),
            comment=comment,
            owner=owner,
            lifecycle=lifecycle,
            created_at=now,
            last_ddl_at=now,
            last_data_at=now,
            properties=dict(properties or {}),
        )

    def create_table(
        self,
        project: str,
        name: str,
        columns: Sequence[ColumnSpec],
        partition_columns: Sequence[ColumnSpec] = (),
        *,
        schema: str = DEFAULT_SCHEMA,
        comment: str = "",
        owner: str = "",
        lifecycle: int | None = None,
        properties: Mapping[str, str] | None = None,
        if_not_exists: bool = False,
    ) -> Table:
        """
        Create an empty table.

        :param project: the project's name
        :param name: the table's name
        :param columns: data columns
        :param partition_columns: partition columns
        :param schema: namespace schema
        :param comment: free text
        :param owner: who creates it
        :param lifecycle: days, or None
        :param properties: TBLPROPERTIES
        :param if_not_exists: whether to return an existing table as it is
        :return: the table
        :raises InvalidDefinition: when a table cannot look like that
        :raises NoSuchEntity: when the project does not exist
        :raises EntityExists: when there is one of that name and ``if_not_exists`` is false
        """
        with self.database.transaction() as connection:
            draft = self.draft_table(
                project,
                name,
                columns,
                partition_columns,
                schema=schema,
                comment=comment,
                owner=owner,
                lifecycle=lifecycle,
                properties=properties,
            )
            existing = rows.find_table(connection, draft.project, draft.schema, draft.name)
            if existing and not if_not_exists:
                raise EntityExists("table", existing.full_name)
            return existing or rows.insert_table(connection, draft)

    def get_table(self, project: str, name: str, schema: str = DEFAULT_SCHEMA) -> Table:
        """
        Look a table up.

        :param project: the project's name
        :param name: the table's name, any case
        :param schema: namespace schema
        :return: the table as it is now
        :raises NoSuchEntity: when the project or the table does not exist
        """
        with self.database.read() as connection:
            table = rows.find_table(connection, project.lower(), schema.lower(), name.lower())
            if table is None:
                self.get_project(project)
                raise NoSuchEntity("table", f"{project.lower()}.{name.lower()}")
            return table

    def refresh(self, table: Table) -> Table:
        """
        Read a table's present state, whatever its name is now.

        :param table: the table as it was
        :return: the table as it is
        :raises NoSuchEntity: when it has been dropped, even if there is another one of its name
        """
        with self.database.read() as connection:
            return rows.reload(connection, table)

    def list_tables(self, project: str, schema: str = DEFAULT_SCHEMA, prefix: str = "") -> list[Table]:
        """
        List a schema's tables.

        :param project: the project's name
        :param schema: namespace schema
        :param prefix: what the names begin with, any case
        :return: the tables, by name
        :raises NoSuchEntity: when the project does not exist
        """
        with self.database.read() as connection:
            name = self.get_project(project).name
            return rows.load_tables(
                connection,
                "project = ? AND schema = ? AND substr(name, 1, ?) = ? ORDER BY name",
                (name, schema.lower(), len(prefix), prefix.lower()),
            )

    def drop_table(
        self, project: str, name: str, schema: str = DEFAULT_SCHEMA, *, if_exists: bool = False
    ) -> bool:
        """
        Drop a table with all its rows.

        :param project: the project's name
        :param name: the table's name
        :param schema: namespace schema
        :param if_exists: whether a missing table is fine
        :return: whether there was one
        :raises NoSuchEntity: when there is none and ``if_exists`` is false
        """
        with self.database.transaction() as connection:
            try:
                table = self.get_table(project, name, schema)
            except NoSuchEntity as error:
                if if_exists and error.kind == "table":
                    return False
                raise
            self.segments.forget_table(table.id)
            connection.execute("DELETE FROM tables WHERE id = ?", (table.id,))
            return True

    def rename_table(self, table: Table, new_name: str) -> Table:
        """
        Rename a table.

        :param table: the table
        :param new_name: its new name, in the same project and schema
        :return: the table as it is now
        :raises EntityExists: when there is one of that name
        """
        new_name = checked_name("table", new_name)
        with self.database.transaction() as connection:
            other = rows.find_table(connection, table.project, table.schema, new_name)
            if other and other.id != table.id:
                raise EntityExists("table", other.full_name)
            return rows.alter_table(connection, table, "name = ?", (new_name,))

    def set_table(
        self,
        table: Table,
        *,
        comment: str | None = None,
        owner: str | None = None,
        lifecycle: int | None = None,
        properties: Mapping[str, str | None] | None = None,
        touch: bool = False,
    ) -> Table:
        """
        Change what describes a table; what is None stays.

        :param table: the table
        :param comment: free text
        :param owner: the new owner
        :param lifecycle: days; 0 for no lifecycle
        :param properties: TBLPROPERTIES to set, or to remove where the value is None
        :param touch: whether to set the time of the last change of data to now
        :return: the table as it is now
        """
        if lifecycle is not None and lifecycle < 0:
            raise InvalidDefinition(f"invalid lifecycle {lifecycle}: expected a positive number of days")
        with self.database.transaction() as connection:
            current = rows.reload(connection, table)
            merged = {**current.properties, **(properties or {})}
            return rows.alter_table(
                connection,
                table,
                "comment = ?, owner = ?, lifecycle = ?, properties = ?, last_data_at = ?",
                (
                    current.comment if comment is None else comment,
                    current.owner if owner is None else owner,
                    current.lifecycle if lifecycle is None else (lifecycle or None),
                    json.dumps({key: value for key, value in merged.items() if value is not None}),
                    time.time() if touch else current.last_data_at,
                ),
            )

    # Partitions

    def add_partition(self, table: Table, values: Sequence[str], if_not_exists: bool = False) -> Partition:
        """
        Add an empty partition.

        :param table: the table
        :param values: one text per partition column, in their order
        :param if_not_exists: whether to return an existing partition as it is
        :return: the partition
        :raises EntityExists: when it exists and ``if_not_exists`` is false
        :raises InvalidDefinition: when the values do not fit the partition columns
        """
        with self.database.transaction() as connection:
            current = rows.reload(connection, table)
            canonical = _partition_key(current, values)
            existing = rows.find_partition(connection, table.id, canonical)
            if existing and not if_not_exists:
                raise EntityExists("partition", spec_text(current.partition_columns, canonical))
            if existing:
                return existing
            rows.alter_table(connection, table)
            return rows.insert_partition(connection, table.id, canonical)

    def drop_partitions(self, table: Table, partition_ids: Collection[int]) -> None:
        """
        Drop partitions with all their rows.

        :param table: the table
        :param partition_ids: ids of its partitions
        :raises NoSuchEntity: when one of them does not exist
        """
        with self.database.transaction() as connection:
            for partition_id in set(partition_ids):
                self.segments.forget_partition(partition_id)
                dropped = connection.execute(
                    "DELETE FROM partitions WHERE id = ? AND table_id = ?", (partition_id, table.id)
                ).rowcount
                if not dropped:
                    raise NoSuchEntity("partition", f"{partition_id} of {table.full_name}")
            rows.alter_table(connection, table)

    def get_partition(self, table: Table, values: Sequence[str]) -> Partition:
        """
        Look a partition up.

        :param table: the table
        :param values: one text per partition column, in their order
        :return: the partition as it is now
        :raises NoSuchEntity: when there is none
        :raises InvalidDefinition: when the values do not fit the partition columns
        """
        canonical = _partition_key(table, values)
        with self.database.read() as connection:
            partition = rows.find_partition(connection, table.id, canonical)
        if partition is None:
            raise NoSuchEntity("partition", spec_text(table.partition_columns, canonical))
        return partition

    def list_partitions(self, table: Table) -> list[Partition]:
        """
        List a table's partitions.

        :param table: the table
        :return: the partitions, by their values
        """
        with self.database.read() as connection:
            found = connection.execute("SELECT * FROM partitions WHERE table_id = ?", (table.id,)).fetchall()
        return sorted(map(rows.partition, found), key=lambda partition: partition.values)

    # Rows and jobs

    def statistics(self, table: Table, partition_id: int | None = None) -> Statistics:
        """
        Count what a table or one of its partitions holds.

        :param table: the table
        :param partition_id: id of one partition, or None for the whole table
        :return: rows, bytes and files
        """
        return self.segments.statistics(table.id, partition_id)

    def mark_changed(self, table: Table, partition_id: int | None, archived: bool) -> None:
        """
        Note that the rows of a table or a partition have changed.

        :param table: the table
        :param partition_id: the partition's id, None in a table without partitions
        :param archived: whether they are archived now
        """
        now = time.time()
        with self.database.transaction() as connection:
            connection.execute("UPDATE tables SET last_data_at = ? WHERE id = ?", (now, table.id))
            if partition_id is not None:
                connection.execute("UPDATE partitions SET last_data_at = ? WHERE id = ?", (now, partition_id))
            kind, entity = ("tables", table.id) if partition_id is None else ("partitions", partition_id)
            connection.execute(f"UPDATE {kind} SET archived = ? WHERE id = ?", (archived, entity))

    def record_job(self, job_id: str) -> None:
        """
        Note that what a job had to do is done; within the transaction that did it, if there is one.

        :param job_id: the job's id
        """
        with self.database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO committed_jobs VALUES (?, ?)", (job_id, time.time()))

    def is_job_committed(self, job_id: str) -> bool:
        """
        Tell whether a job's work is on disk.

        :param job_id: the job's id
        :return: whether a commit carried this id
        """
        with self.database.read() as connection:
            found = connection.execute("SELECT 1 FROM committed_jobs WHERE job_id = ?", (job_id,))
            return found.fetchone() is not None


def _partition_key(table: Table, values: Sequence[str]) -> tuple[str, ...]:
    if not table.partition_columns:
        raise InvalidDefinition(f"table {table.full_name} has no partitions")
    return canonical_values(table.partition_columns, values)
