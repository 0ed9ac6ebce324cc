"""The text of SHOW and DESC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_provider_datalake.emulator.catalog import NoSuchEntity
from airflow_provider_datalake.emulator.maxcompute.sql import commands
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidPartition, SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.execution import partition_text
from airflow_provider_datalake.emulator.maxcompute.sql.names import find_table
from airflow_provider_datalake.emulator.maxcompute.sql.partitions import matching, spec_values
from airflow_provider_datalake.emulator.maxcompute.types import parse_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_datalake.emulator.catalog import Column, Table
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement
    from airflow_provider_datalake.emulator.maxcompute.types import DataType

SHOWN = (commands.ShowTables, commands.ShowPartitions, commands.ShowCreateTable, commands.Describe)

_WIDTH = 84
_RULE = f"+{'-' * _WIDTH}+"


class Shower:
    """
    Writes what SHOW and DESC answer.

    :param statement: the statement
    """

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.catalog = statement.catalog
        self.zone = ZoneInfo(statement.context.timezone)

    def show(self, command: commands.Command) -> str:
        """
        Answer a command.

        :param command: one of ``SHOWN``
        :return: the text
        :raises SqlError: when what it asks for does not exist
        """
        try:
            return self._show(command)
        except SqlError as error:
            raise error.at(*self.statement.source.position(command.name.at)) from error.__cause__

    def _table(self, command: commands.Command) -> Table:
        name = self.statement.table_name(command.name.parts)
        return find_table(self.catalog, name)

    @singledispatchmethod
    def _show(self, command: commands.Command) -> str:
        raise SemanticError(f"{type(command).__name__} is not supported")

    @_show.register
    def _tables(self, command: commands.ShowTables) -> str:
        parts = [p.lower() for p in command.name.parts]
        if len(parts) > 2:
            raise SemanticError(f"invalid name {'.'.join(parts)}: expect a project, or project.schema")
        project = parts[0] if parts else self.statement.project
        schema = parts[1] if len(parts) == 2 else self.statement.schema if not parts else "default"
        try:
            tables = self.catalog.list_tables(project, schema)
        except NoSuchEntity as error:
            raise SemanticError(f"{error.kind} {error.name} does not exist") from error
        pattern = _pattern(command.pattern)
        return _lines(f"{t.owner}:{t.name}" for t in tables if pattern.fullmatch(t.name))

    @_show.register
    def _partitions(self, command: commands.ShowPartitions) -> str:
        table = self._table(command)
        if not table.partition_columns:
            raise SemanticError(f"table {table.full_name} is not a partitioned table")
        found = (
            matching(self.catalog, table, command.spec, self.statement.source)
            if command.spec
            else self.catalog.list_partitions(table)
        )
        return _lines(partition_text(table.partition_columns, p.values) for p in found)

    @_show.register
    def _create_table(self, command: commands.ShowCreateTable) -> str:
        table = self._table(command)
        text = f"CREATE TABLE IF NOT EXISTS {table.full_name}({_definitions(table.columns)})"
        if table.comment:
            text += f" COMMENT {_quoted(table.comment)}"
        if table.partition_columns:
            text += f" PARTITIONED BY ({_definitions(table.partition_columns)})"
        text += " STORED AS ALIORC"
        if table.properties:
            pairs = ", ".join(f"{_quoted(k)}={_quoted(v)}" for k, v in sorted(table.properties.items()))
            text += f" TBLPROPERTIES ({pairs})"
        if table.lifecycle:
            text += f" LIFECYCLE {table.lifecycle}"
        return f"{text};"

    @_show.register
    def _describe(self, command: commands.Describe) -> str:
        table = self._table(command)
        if command.spec:
            return self._describe_partition(table, command)
        size = self.catalog.statistics(table)
        rows = [
            _RULE,
            _row(f"Owner: {table.owner:<24}| Project: {table.project}"),
            _row(f"TableComment: {table.comment}"),
        ]
        rows += [_RULE, *self._times(table.created_at, table.last_ddl_at, table.last_data_at)]
        if table.lifecycle:
            rows.append(_row(f"{'Lifecycle:':<26}{table.lifecycle}"))
        rows += [_RULE, _row(f"InternalTable: YES      | Size: {size.bytes}"), _RULE]
        rows += _columns(table, command.extended)
        if command.extended:
            rows += self._extended(table, size.files, size.rows)
        return "\n".join(rows) + "\n"

    def _describe_partition(self, table: Table, command: commands.Describe) -> str:
        values = spec_values(table, command.spec, self.statement.source)
        try:
            partition = self.catalog.get_partition(table, values)
        except NoSuchEntity as error:
            raise InvalidPartition(str(error), *self.statement.source.position(command.spec[0].at)) from error
        size = self.catalog.statistics(table, partition.id)
        rows = [_RULE, _row(f"PartitionSize: {size.bytes}"), _RULE]
        rows += self._times(partition.created_at, partition.last_ddl_at, partition.last_data_at)
        rows.append(_RULE)
        if command.extended:
            archived = str(partition.archived).lower()
            rows += [_row(f"{'IsArchived:':<26}{archived}"), _row(f"{'RecordCount:':<26}{size.rows}")]
            rows += [_row(f"{'FileNum:':<26}{size.files}"), _RULE]
        return "\n".join(rows) + "\n"

    def _times(self, *seconds: float) -> list[str]:
        names = ("CreateTime:", "LastDDLTime:", "LastModifiedTime:")
        return [_row(f"{n:<26}{self._time(s)}") for n, s in zip(names, seconds, strict=True)]

    def _time(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, UTC).astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    @staticmethod
    def _extended(table: Table, files: int, records: int) -> list[str]:
        facts = {"TableID:": table.id, "RecordCount:": records, "FileNum:": files, "StoredAs:": "AliOrc"}
        facts |= {f"{key}:": value for key, value in sorted(table.properties.items())}
        return [_row("Extended Info:"), _RULE, *(_row(f"{k:<26}{v}") for k, v in facts.items()), _RULE]


def _columns(table: Table, extended: bool) -> list[str]:
    head = f"{'Field':<16}| {'Type':<11}| {'Label':<6}|"
    head += f" {'Nullable':<9}| {'DefaultValue':<13}| Comment" if extended else " Comment"
    rows = [_row("Native Columns:"), _RULE, _row(head), _RULE]
    for column in table.columns:
        text = f"{column.name:<16}| {column.type:<11}| {'':<6}|"
        if extended:
            text += f" {str(column.nullable).lower():<9}| {'NULL' if column.nullable else '':<13}|"
        rows.append(_row(f"{text} {column.comment}"))
    rows.append(_RULE)
    if table.partition_columns:
        rows += [_row("Partition Columns:"), _RULE]
        rows += [_row(f"{c.name:<16}| {c.type:<11}| {c.comment}") for c in table.partition_columns]
        rows.append(_RULE)
    return rows


def _row(text: str) -> str:
    return f"| {text:<{_WIDTH - 2}} |"


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def _definitions(columns: Iterable[Column]) -> str:
    return ", ".join(
        f"`{c.name}` {_type_text(parse_type(c.type))}"
        + ("" if c.nullable else " NOT NULL")
        + (f" COMMENT {_quoted(c.comment)}" if c.comment else "")
        for c in columns
    )


def _type_text(data_type: DataType) -> str:
    if data_type.name == "struct":
        fields = zip(data_type.field_names, data_type.children, strict=True)
        return f"STRUCT<{', '.join(f'`{name}`:{_type_text(child)}' for name, child in fields)}>"
    if data_type.children:
        return f"{data_type.name.upper()}<{', '.join(map(_type_text, data_type.children))}>"
    return str(data_type).upper()


def _quoted(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\")
        .replace("'", "\\'")
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("\t", "\\t")
    )
    return f"'{escaped}'"


def _pattern(text: str | None) -> re.Pattern[str]:
    """Read the pattern of SHOW TABLES LIKE: ``*`` and ``%`` for any characters, ``|`` between choices."""
    if text is None:
        return re.compile(".*")
    choices = (re.escape(c).replace(r"\*", ".*").replace("%", ".*") for c in text.lower().split("|"))
    return re.compile("|".join(choices))
