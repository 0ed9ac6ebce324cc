"""Partitions: from PARTITION clauses to values, and which partitions a query has to read."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.catalog import InvalidDefinition
from airflow_provider_datalake.emulator.definitions import canonical_value, canonical_values
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidPartition, SemanticError
from airflow_provider_datalake.emulator.maxcompute.types import duckdb_type, parse_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

    from airflow_provider_datalake.emulator.catalog import Catalog, Partition, Table
    from airflow_provider_datalake.emulator.maxcompute.sql.commands import Spec
    from airflow_provider_datalake.emulator.maxcompute.sql.scope import Scan
    from airflow_provider_datalake.emulator.maxcompute.sql.source import Source
    from airflow_provider_datalake.emulator.maxcompute.sql.statement import Statement

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def spec_values(table: Table, spec: Spec, source: Source) -> tuple[str, ...]:
    """
    Read a PARTITION clause that names one partition.

    :param table: the table
    :param spec: the clause
    :param source: the submitted text, for positions
    :return: the canonical values, in the order of the partition columns
    :raises InvalidPartition: when the clause does not fit the table
    """
    _check_columns(table, spec, source)
    given = {c.column: c.value for c in spec}
    missing = [c.name for c in table.partition_columns if c.name not in given]
    if missing:
        raise InvalidPartition(
            f"the PARTITION clause lacks a value for {', '.join(missing)}", *source.position(spec[0].at)
        )
    try:
        return canonical_values(table.partition_columns, [given[c.name] for c in table.partition_columns])
    except InvalidDefinition as error:
        raise InvalidPartition(str(error), *source.position(spec[0].at)) from error


def _check_columns(table: Table, spec: Spec, source: Source) -> None:
    names = {c.name for c in table.partition_columns}
    if not names:
        raise InvalidPartition(f"table {table.full_name} is not partitioned", *source.position(spec[0].at))
    seen: set[tuple[str, str]] = set()
    for term in spec:
        if term.column not in names:
            raise InvalidPartition(
                f"{term.column} is not a partition column of {table.full_name}", *source.position(term.at)
            )
        if (term.column, term.operator) in seen and term.operator == "=":
            raise InvalidPartition(f"{term.column} is given twice", *source.position(term.at))
        seen.add((term.column, term.operator))


def matching(catalog: Catalog, table: Table, spec: Spec, source: Source) -> list[Partition]:
    """
    Find the partitions that satisfy a clause, which may leave columns out and compare by more than ``=``.

    :param catalog: the catalog
    :param table: the table
    :param spec: the clause
    :param source: the submitted text, for positions
    :return: the partitions
    :raises InvalidPartition: when the clause does not fit the table
    """
    _check_columns(table, spec, source)
    tests: list[Callable[[Partition], bool]] = []
    for term in spec:
        index = next(i for i, c in enumerate(table.partition_columns) if c.name == term.column)
        column = table.partition_columns[index]
        try:
            wanted = canonical_value(column, term.value)
        except InvalidDefinition as error:
            raise InvalidPartition(str(error), *source.position(term.at)) from error
        tests.append(_test(index, _COMPARISONS[term.operator], wanted, parse_type(column.type).is_integer))
    return [p for p in catalog.list_partitions(table) if all(test(p) for test in tests)]


def _test(
    index: int, compare: Callable[[object, object], bool], wanted: str, integer: bool
) -> Callable[[Partition], bool]:
    if integer:
        return lambda partition: compare(int(partition.values[index]), int(wanted))
    return lambda partition: compare(partition.values[index], wanted)


def prune(statement: Statement, connection: duckdb.DuckDBPyConnection) -> None:
    """
    Decide which partitions the statement's scans read.

    :param statement: the bound statement; its scans get their partitions
    :param connection: evaluates the conditions
    :raises SemanticError: when a whole table would be read and that is not allowed
    """
    for scan in statement.scans:
        if not scan.table.partition_columns:
            continue
        if not scan.predicates and not statement.context.flag("odps.sql.allow.fullscan", True):
            message = "is full scan with all partitions, please specify partition predicates"
            raise statement.fail(SemanticError(f"{scan.table.full_name} {message}"), scan.node)
        if scan.predicates:
            everything = statement.catalog.list_partitions(scan.table)
            scan.partitions = _satisfying(scan, everything, connection)


def _satisfying(
    scan: Scan, partitions: Sequence[Partition], connection: duckdb.DuckDBPyConnection
) -> list[Partition]:
    import duckdb

    if not partitions:
        return []
    columns = ", ".join(
        f'CAST("$row"[{i}] AS {duckdb_type(parse_type(c.type))}) AS "{c.name}"'
        for i, c in enumerate(scan.table.partition_columns, 2)
    )
    conditions = " AND ".join(f"({p.sql(dialect='duckdb')})" for p in scan.predicates)
    sql = (
        f'SELECT "$at" FROM (SELECT CAST("$row"[1] AS BIGINT) AS "$at", {columns} '
        f'FROM (SELECT unnest($1) AS "$row")) AS "{scan.alias}" WHERE {conditions}'
    )
    rows = [[str(i), *p.values] for i, p in enumerate(partitions)]
    try:
        found = {i for (i,) in connection.execute(sql, [rows]).fetchall()}
    except (duckdb.DataError, duckdb.InvalidInputException):
        # The query itself may never meet that value; if it does, it says what is wrong with it.
        return list(partitions)
    return [p for i, p in enumerate(partitions) if i in found]
