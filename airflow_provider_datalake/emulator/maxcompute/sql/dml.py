"""INSERT and CREATE TABLE AS: rows written to new segments and made visible in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.catalog import (
    ColumnSpec,
    CommitConflict,
    EntityExists,
    InvalidDefinition,
    NoSuchEntity,
)
from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.commands import Condition
from airflow_provider_datalake.emulator.maxcompute.sql.errors import (
    DdlError,
    ParseError,
    PartitionFailure,
    SemanticError,
    SqlError,
    TableExists,
)
from airflow_provider_datalake.emulator.maxcompute.sql.execution import IO, executable, partition_text
from airflow_provider_datalake.emulator.maxcompute.sql.grammar import parse_query
from airflow_provider_datalake.emulator.maxcompute.sql.names import find_table
from airflow_provider_datalake.emulator.maxcompute.sql.partitions import prune, spec_values
from airflow_provider_datalake.emulator.maxcompute.sql.queries import bind_query
from airflow_provider_datalake.emulator.maxcompute.sql.scope import column, identifier, output_name
from airflow_provider_datalake.emulator.maxcompute.sql.statement import BoundQuery, OutputColumn
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed, duckdb_cast, null, template
from airflow_provider_datalake.emulator.maxcompute.types import parse_type
from airflow_provider_datalake.emulator.storage import SegmentChange

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.catalog import Column, Table
    from airflow_provider_datalake.emulator.maxcompute.sql.commands import CreateTable
    from airflow_provider_datalake.emulator.maxcompute.sql.execution import Executable, Runner
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement
    from airflow_provider_datalake.emulator.storage import Storage

_KNOWN = {"this", "expression", "overwrite", "with_"}


class InsertRunner:
    """
    One INSERT.

    :param storage: the storage
    :param statement: the statement
    :param node: its tree
    """

    def __init__(self, storage: Storage, statement: Statement, node: exp.Insert) -> None:
        self.storage = storage
        self.statement = statement
        self.node = node
        target = node.this
        self.column_nodes: list[exp.Expression] = []
        if isinstance(target, exp.Schema):
            self.column_nodes, target = target.expressions, target.this
            if not self.column_nodes:
                raise statement.fail(ParseError("the list of columns is empty"), target)
        if not isinstance(target, exp.Table) or not isinstance(target.this, exp.Identifier):
            raise statement.unsupported("INSERT into anything but a table", node)
        statement.check_name(target)
        self.target = target
        self.table = self._find()
        self.partition_values = self._partition()

    def _find(self) -> Table:
        for clause, value in self.node.args.items():
            if value and clause not in _KNOWN:
                raise self.statement.unsupported(f"INSERT ... {clause.strip('_').upper()}", self.node)
        try:
            name = self.statement.table_name([p.name for p in self.target.parts])
            return find_table(self.storage.catalog, name)
        except SqlError as error:
            raise self.statement.fail(error, self.target) from error

    def _partition(self) -> tuple[str, ...] | None:
        clause = self.target.args.get("partition")
        if clause is None:
            if self.table.partition_columns:
                names = ", ".join(c.name for c in self.table.partition_columns)
                message = f"table {self.table.full_name} is partitioned: INSERT needs PARTITION ({names}=...)"
                raise self.statement.fail(SemanticError(message), self.target)
            return None
        spec = []
        for term in clause.expressions:
            if not isinstance(term, exp.EQ):
                raise self.statement.unsupported("a dynamic partition", term)
            value = term.expression
            text = f"-{value.this.name}" if isinstance(value, exp.Neg) else value.name
            if not isinstance(value.this if isinstance(value, exp.Neg) else value, exp.Literal):
                message = "the value of a static partition must be a constant"
                raise self.statement.fail(SemanticError(message), term)
            offset = min(n.meta["start"] for n in term.walk() if "start" in n.meta)
            spec.append(Condition(term.this.name.lower(), "=", text, offset))
        return spec_values(self.table, tuple(spec), self.statement.source)

    def bind(self) -> BoundQuery:
        """
        Bind the query and convert its columns to the table's.

        :return: a query that gives the table's data columns
        :raises SqlError: when the number of columns does not fit, or there is no implicit conversion
        """
        query_node = self.node.expression
        if query_node is None:
            raise self.statement.unsupported("INSERT without a query", self.node)
        if isinstance(query_node, exp.Values) and query_node.args.get("alias"):
            message = "rows of VALUES are separated by commas, and INSERT gives them no name"
            raise self.statement.fail(ParseError(message), query_node.args["alias"])
        clause = self.node.args.get("with_")
        if clause:
            query_node.set("with_", clause)
        query = bind_query(self.statement, query_node)
        targets = self._targets()
        if len(query.columns) != len(targets):
            message = (
                f"wrong columns count {len(query.columns)} in data source, requires {len(targets)} columns"
                " (includes dynamic partitions if any)"
            )
            raise self.statement.fail(SemanticError(message), query_node)
        alias = self.statement.alias()
        given = {
            target.name: self._converted(Typed(column(alias, output_name(i)), c.type, node=c.node), target)
            for i, (c, target) in enumerate(zip(query.columns, targets, strict=True))
        }
        values = [given.get(c.name) or self._missing(c) for c in self.table.columns]
        table = exp.Subquery(this=query.sql, alias=exp.TableAlias(this=identifier(alias)))
        names = [identifier(output_name(i)) for i in range(len(values))]
        select = exp.Select(
            expressions=[exp.Alias(this=v, alias=n) for v, n in zip(values, names, strict=True)]
        ).from_(table, copy=False)
        return BoundQuery(select, tuple(OutputColumn(c.name, parse_type(c.type)) for c in self.table.columns))

    def _targets(self) -> list[Column]:
        if not self.column_nodes:
            return list(self.table.columns)
        known = {c.name: c for c in self.table.columns}
        targets = []
        for node in self.column_nodes:
            found = known.get(node.name.lower())
            if found is None:
                message = f"column {node.name} cannot be resolved in {self.table.full_name}"
                raise self.statement.fail(SemanticError(message), node)
            if found in targets:
                raise self.statement.fail(SemanticError(f"column {node.name} is given twice"), node)
            targets.append(found)
        return targets

    def _converted(self, value: Typed, target: Column) -> exp.Expression:
        data_type = parse_type(target.type)
        try:
            converted = casts.coerce(value, data_type, self.statement.context)
        except SqlError as error:
            raise self.statement.fail(error, value.node or self.node.expression) from None
        # The declared type once more: DuckDB drops the cast where it changes nothing.
        return self._checked(duckdb_cast(converted.expr, data_type), target)

    def _missing(self, target: Column) -> exp.Expression:
        if not target.nullable:
            message = f"column {target.name} is NOT NULL and gets no value"
            raise self.statement.fail(SemanticError(message), self.target)
        return null(parse_type(target.type)).expr

    def _checked(self, value: exp.Expression, target: Column) -> exp.Expression:
        if target.nullable:
            return value
        message = f"ODPS-0121095:column {target.name} of {self.table.full_name} is NOT NULL and got NULL"
        return template(
            "CASE WHEN {0} IS NULL THEN error({1}) ELSE {0} END", value, exp.Literal.string(message)
        )

    def run(self, runner: Runner, query: Executable) -> IO:
        """
        Write the rows and make them visible.

        :param runner: the job's connection
        :param query: the query that gives them
        :return: what was written
        :raises SqlError: when a value cannot be stored, or the table changed underneath
        """
        staged = runner.run(
            query, lambda stage: self.storage.stage_query(runner.connection, self.table, query.sql)
        )
        runner.control.check()
        change = SegmentChange(
            self.partition_values, staged, remove="all" if self.node.args.get("overwrite") else ()
        )
        try:
            self.storage.commit(self.table, [change], create_partitions=True, job_id=runner.control.job_id)
        except (CommitConflict, NoSuchEntity, InvalidDefinition) as error:
            raise PartitionFailure(str(error)) from error
        partition = (
            partition_text(self.table.partition_columns, self.partition_values)
            if self.partition_values
            else None
        )
        return IO(self.table.full_name, partition, sum(s.rows for s in staged), sum(s.bytes for s in staged))


def create_table_as(
    storage: Storage, statement: Statement, command: CreateTable, runner: Runner, owner: str
) -> tuple[None, str, None, int, tuple[IO, ...], tuple[IO, ...]]:
    """
    Create a table from a query: its definition and rows appear together or not at all.

    :param storage: the storage
    :param statement: the statement
    :param command: the command
    :param runner: the job's connection
    :param owner: who owns the table
    :return: the fields of the result
    :raises SqlError: when the query is wrong, or the table exists
    """
    source = statement.source
    position = source.position(command.name.at)
    if command.partition_columns:
        raise SemanticError("CREATE TABLE AS with PARTITIONED BY is not supported", *position)
    catalog = storage.catalog
    name = statement.table_name(command.name.parts)
    try:
        find_table(catalog, name)
    except SqlError:
        pass
    else:
        if command.if_not_exists:
            return None, "", None, 0, (), ()
        raise TableExists(f"table {name} already exists", *position)
    query = bind_query(statement, parse_query(source, list(command.query)))
    specs = [ColumnSpec(c.name, _stored(statement, c)) for c in query.columns]
    definition = {
        "schema": name.schema,
        "comment": command.comment,
        "owner": owner,
        "lifecycle": command.lifecycle,
        "properties": command.properties,
    }
    try:
        draft = catalog.draft_table(name.project, name.table, specs, **definition)  # type: ignore[arg-type]
        prune(statement, runner.connection)
        with executable(storage, statement, query) as ready:
            staged = runner.run(ready, lambda stage: storage.stage_query(runner.connection, draft, ready.sql))
        runner.control.check()
        with catalog.database.transaction():
            table = catalog.create_table(name.project, name.table, specs, **definition)  # type: ignore[arg-type]
            storage.commit(table, [SegmentChange(None, staged)], job_id=runner.control.job_id)
    except EntityExists as error:
        raise TableExists(str(error), *position) from error
    except (InvalidDefinition, NoSuchEntity) as error:
        raise DdlError(str(error), *position) from error
    output = IO(table.full_name, None, sum(s.rows for s in staged), sum(s.bytes for s in staged))
    return None, "", None, output.rows, ready.inputs, (output,)


def _stored(statement: Statement, given: OutputColumn) -> str:
    if given.type.name == "void":
        message = f"column {given.name} is NULL without a type: CAST it"
        raise statement.fail(SemanticError(message), given.node)
    return str(given.type)
