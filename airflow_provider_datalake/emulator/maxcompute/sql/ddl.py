"""CREATE, DROP, ALTER and TRUNCATE: each is one transaction that also records its job."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.catalog import (
    ColumnSpec,
    CommitConflict,
    EntityExists,
    InvalidDefinition,
    NoSuchEntity,
)
from airflow_provider_datalake.emulator.maxcompute.sql import commands
from airflow_provider_datalake.emulator.maxcompute.sql.errors import (
    DdlError,
    InvalidPartition,
    SemanticError,
    SqlError,
    TableExists,
    TableNotFound,
)
from airflow_provider_datalake.emulator.maxcompute.sql.names import (
    TableName,
    check_name,
    find_table,
)
from airflow_provider_datalake.emulator.maxcompute.sql.partitions import matching, spec_values
from airflow_provider_datalake.emulator.storage import SegmentChange

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.catalog import Column, Partition, Table
    from airflow_provider_datalake.emulator.jobs import JobControl
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement
    from airflow_provider_datalake.emulator.storage import Storage


class DdlRunner:
    """
    Carries out commands that change the catalog.

    :param storage: the storage
    :param statement: the statement
    :param control: the job
    :param owner: who owns what is created
    """

    def __init__(self, storage: Storage, statement: Statement, control: JobControl, owner: str) -> None:
        self.storage = storage
        self.catalog = storage.catalog
        self.statement = statement
        self.control = control
        self.owner = owner

    def run(self, command: commands.Command) -> None:
        """
        Carry a command out.

        :param command: the command
        :raises SqlError: when the catalog refuses it
        """
        position = self.statement.source.position(command.name.at)
        try:
            with self.catalog.database.transaction():
                self._apply(command)
                self.catalog.record_job(self.control.job_id)
        except SqlError as error:
            raise error.at(*position) from error.__cause__
        except EntityExists as error:
            kind = TableExists if error.kind == "table" else DdlError
            raise kind(str(error), *position) from error
        except (InvalidDefinition, NoSuchEntity, CommitConflict) as error:
            raise DdlError(str(error), *position) from error

    def _name(self, name: commands.Name) -> TableName:
        return self.statement.table_name(name.parts)

    def _table(self, command: commands.Command) -> Table:
        return find_table(self.catalog, self._name(command.name))

    @singledispatchmethod
    def _apply(self, command: commands.Command) -> None:
        raise SemanticError(f"{type(command).__name__} is not supported")

    @_apply.register
    def _create(self, command: commands.CreateTable) -> None:
        name = self._name(command.name)
        check_name(name.table, "table")
        columns, partition_columns = command.columns, command.partition_columns
        comment, properties = command.comment, command.properties
        if command.like:
            model = find_table(self.catalog, self._name(command.like))
            columns, partition_columns = (
                tuple(map(_spec, c)) for c in (model.columns, model.partition_columns)
            )
            comment, properties = model.comment, dict(model.properties)
        self.catalog.create_table(
            name.project,
            name.table,
            columns,
            partition_columns,
            schema=name.schema,
            comment=comment,
            owner=self.owner,
            lifecycle=command.lifecycle,
            properties=properties,
            if_not_exists=command.if_not_exists,
        )

    @_apply.register
    def _drop(self, command: commands.DropTable) -> None:
        name = self._name(command.name)
        try:
            find_table(self.catalog, name)
        except TableNotFound:
            if command.if_exists:
                return
            raise
        self.catalog.drop_table(name.project, name.table, schema=name.schema)

    @_apply.register
    def _truncate(self, command: commands.Truncate) -> None:
        table = self._table(command)
        if not table.partition_columns and not command.specs:
            changes = [SegmentChange(None, remove="all")]
        elif not command.specs:
            partitions = self.catalog.list_partitions(table)
            changes = [SegmentChange(p.values, remove="all") for p in partitions]
        else:
            found: dict[int, Partition] = {}
            for spec in command.specs:
                matched = self._existing(table, spec)
                if not matched:
                    position = self.statement.source.position(spec[0].at)
                    raise InvalidPartition("the partition does not exist", *position)
                found.update({p.id: p for p in matched})
            changes = [SegmentChange(p.values, remove="all") for p in found.values()]
        self.storage.commit(table, changes, job_id=self.control.job_id)

    def _existing(self, table: Table, spec: commands.Spec) -> list[Partition]:
        return matching(self.catalog, table, spec, self.statement.source)

    @_apply.register
    def _add_partitions(self, command: commands.AddPartitions) -> None:
        table = self._table(command)
        for spec in command.specs:
            values = spec_values(table, spec, self.statement.source)
            self.catalog.add_partition(table, values, if_not_exists=command.if_not_exists)

    @_apply.register
    def _drop_partitions(self, command: commands.DropPartitions) -> None:
        table = self._table(command)
        doomed: set[int] = set()
        for spec in command.specs:
            found = {p.id for p in self._existing(table, spec)}
            if not found and not command.if_exists:
                position = self.statement.source.position(spec[0].at)
                raise InvalidPartition("the partition does not exist", *position)
            doomed |= found
        if doomed:
            self.catalog.drop_partitions(table, doomed)

    @_apply.register
    def _add_columns(self, command: commands.AddColumns) -> None:
        self.catalog.add_columns(self._table(command), command.columns, if_not_exists=command.if_not_exists)

    @_apply.register
    def _drop_columns(self, command: commands.DropColumns) -> None:
        self.catalog.drop_columns(self._table(command), command.columns)

    @_apply.register
    def _change_column(self, command: commands.ChangeColumn) -> None:
        self.catalog.change_column(
            self._table(command),
            command.column,
            new_name=command.new_name,
            type=command.type,
            comment=command.comment,
            nullable=command.nullable,
        )

    @_apply.register
    def _rename(self, command: commands.RenameTable) -> None:
        self.catalog.rename_table(self._table(command), check_name(command.new_name, "table"))

    @_apply.register
    def _set(self, command: commands.SetTable) -> None:
        table = self._table(command)
        if command.specs:
            for spec in command.specs:
                partition = self.catalog.get_partition(table, spec_values(table, spec, self.statement.source))
                self.catalog.mark_changed(table, partition.id, partition.archived)
            return
        self.catalog.set_table(
            table,
            comment=command.comment,
            owner=command.owner,
            lifecycle=command.lifecycle,
            properties=command.properties,
            touch=command.touch,
        )


def _spec(column: Column) -> ColumnSpec:
    return ColumnSpec(column.name, column.type, column.comment, column.nullable)
