"""The SQL engine: one statement of a job, from its text to its result."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.commands import CreateTable
from airflow_provider_datalake.emulator.maxcompute.sql.database import shared_database
from airflow_provider_datalake.emulator.maxcompute.sql.ddl import DdlRunner
from airflow_provider_datalake.emulator.maxcompute.sql.dml import InsertRunner, create_table_as
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.execution import IO, Runner, executable
from airflow_provider_datalake.emulator.maxcompute.sql.names import find_table, table_name
from airflow_provider_datalake.emulator.maxcompute.sql.parser import parse
from airflow_provider_datalake.emulator.maxcompute.sql.partitions import prune
from airflow_provider_datalake.emulator.maxcompute.sql.queries import bind_query
from airflow_provider_datalake.emulator.maxcompute.sql.show import SHOWN, Shower
from airflow_provider_datalake.emulator.maxcompute.sql.source import Source
from airflow_provider_datalake.emulator.maxcompute.sql.statement import OutputColumn, Statement
from airflow_provider_datalake.emulator.maxcompute.sql.typed import FunctionContext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from airflow_provider_datalake.emulator.jobs import JobControl
    from airflow_provider_datalake.emulator.maxcompute.types import DataType
    from airflow_provider_datalake.emulator.storage import Storage

__all__ = ["IO", "SqlEngine", "SqlResult"]


@dataclass(frozen=True)
class SqlResult:
    """
    What a statement gave.

    :param columns: names and types of a SELECT's columns, None for any other statement
    :param text: the text of DESC, SHOW and the like
    :param path: a SELECT's rows, an Arrow IPC file
    :param rows: how many rows were selected or written
    :param inputs: what was read
    :param outputs: what was written
    """

    columns: tuple[tuple[str, DataType], ...] | None = None
    text: str = ""
    path: Path | None = None
    rows: int = 0
    inputs: tuple[IO, ...] = ()
    outputs: tuple[IO, ...] = ()


class SqlEngine:
    """
    Runs SQL over a storage.

    :param storage: the tables
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._database = shared_database(storage)

    def run(
        self,
        query: str,
        *,
        project: str,
        schema: str = "default",
        settings: Mapping[str, str],
        control: JobControl,
        owner: str = "",
    ) -> SqlResult:
        """
        Run the statement of one job.

        :param query: the submitted text; SET lines may come before the statement
        :param project: the project that unqualified names belong to
        :param schema: the schema that unqualified names belong to
        :param settings: flags, which SET lines go before
        :param control: the job
        :param owner: who owns what is created
        :return: the result
        :raises SqlError: when the statement is wrong or a value cannot be processed
        :raises JobCancelled: when the job was stopped
        """
        try:
            return self._run(Source(query), project.lower(), schema.lower(), settings, control, owner)
        except RecursionError as error:
            raise SemanticError("the statement is nested too deeply") from error

    def _run(
        self,
        source: Source,
        project: str,
        schema: str,
        settings: Mapping[str, str],
        control: JobControl,
        owner: str,
    ) -> SqlResult:
        parsed = parse(source)
        merged = {**settings, **parsed.settings}
        statement = self._statement(source, project, schema, merged)
        control.check()
        if parsed.query is not None:
            if isinstance(parsed.query, exp.Insert):
                return self._insert(statement, parsed.query, control)
            return self._select(statement, parsed.query, control)
        if parsed.command is None:
            return SqlResult(text="OK")
        if isinstance(parsed.command, SHOWN):
            return SqlResult(text=Shower(statement).show(parsed.command))
        if isinstance(parsed.command, CreateTable) and parsed.command.query:
            return self._create_as(statement, parsed.command, control, owner)
        DdlRunner(self.storage, statement, control, owner).run(parsed.command)
        return SqlResult()

    def _statement(self, source: Source, project: str, schema: str, settings: Mapping[str, str]) -> Statement:
        catalog = self.storage.catalog

        def max_partition(text: str) -> str | None:
            table = find_table(catalog, table_name(text.split("."), project, schema))
            filled = [
                p.values[0] for p in catalog.list_partitions(table) if catalog.statistics(table, p.id).rows
            ]
            return max(filled, default=None)

        context = FunctionContext(
            timezone=_checked_zone(settings.get("odps.sql.timezone") or "Asia/Shanghai"),
            now=datetime.now(UTC),
            settings=settings,
            max_partition=max_partition,
        )
        return Statement(source, catalog, project, schema, context, bind_query)

    def _select(self, statement: Statement, query: exp.Expression, control: JobControl) -> SqlResult:
        bound = bind_query(statement, query)
        columns = tuple(_distinct_names(bound.columns))
        with self._connection(control) as runner:
            prune(statement, runner.connection)
            with executable(self.storage, statement, bound) as ready:
                rows = runner.write_result(ready, columns, control.result_path)
        return SqlResult(
            columns=tuple((c.name, c.type) for c in columns),
            path=control.result_path,
            rows=rows,
            inputs=ready.inputs,
        )

    def _insert(self, statement: Statement, node: exp.Insert, control: JobControl) -> SqlResult:
        insert = InsertRunner(self.storage, statement, node)
        query = insert.bind()
        with self._connection(control) as runner:
            prune(statement, runner.connection)
            with executable(self.storage, statement, query) as ready:
                output = insert.run(runner, ready)
        return SqlResult(rows=output.rows, inputs=ready.inputs, outputs=(output,))

    def _create_as(
        self, statement: Statement, command: CreateTable, control: JobControl, owner: str
    ) -> SqlResult:
        with self._connection(control) as runner:
            return SqlResult(*create_table_as(self.storage, statement, command, runner, owner))

    @contextmanager
    def _connection(self, control: JobControl) -> Iterator[Runner]:
        with self._database.connection() as connection:
            yield Runner(connection, control)


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SemanticError(f"odps.sql.timezone: unknown time zone '{name}'") from error
    return name


def _distinct_names(columns: tuple[OutputColumn, ...]) -> Iterator[OutputColumn]:
    """Give each column of a result its own name, as the service does: ``id``, ``id2``."""
    taken: set[str] = set()
    for column in columns:
        name, number = column.name, 2
        while name in taken:
            name, number = f"{column.name}{number}", number + 1
        taken.add(name)
        yield OutputColumn(name, column.type, column.node)
