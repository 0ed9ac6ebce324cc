"""
Segments: immutable Parquet files whose columns carry the catalog's permanent column ids.

Whatever reads a segment projects by these ids, so that a column which was dropped, added again or renamed
shows its own values and nobody else's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.maxcompute.types import arrow_type, duckdb_type, parse_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from airflow_provider_datalake.emulator.records import Column, Segment

FIELD_ID = b"PARQUET:field_id"
ROW_GROUP_ROWS = 122_880
ROW_GROUP_BYTES = 64 << 20
ARCHIVED_ROW_GROUP_ROWS = 4 * ROW_GROUP_ROWS
ARCHIVED_ROW_GROUP_BYTES = 2 * ROW_GROUP_BYTES
ARCHIVED_LEVEL = 15
READ_BATCH_ROWS = 65_536


class SchemaMismatch(ValueError):
    """Rows that shall be stored do not fit the table's columns."""


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """
    Describe how columns are written.

    :param columns: data columns
    :return: the Arrow schema, with field ids
    """
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                column.name,
                arrow_type(parse_type(column.type)),
                nullable=column.nullable,
                metadata={FIELD_ID: str(column.id)},
            )
            for column in columns
        ]
    )


def write_arrow(
    path: Path, columns: Sequence[Column], data: pa.Table | pa.RecordBatchReader, *, archived: bool
) -> int:
    """
    Write Arrow data as one segment file.

    :param path: the file to create
    :param columns: the table's data columns
    :param data: rows with these columns by name
    :param archived: whether to compress as hard as ARCHIVE does
    :return: row count
    :raises SchemaMismatch: when the data does not fit the columns
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = arrow_schema(columns)
    limit_rows = ARCHIVED_ROW_GROUP_ROWS if archived else ROW_GROUP_ROWS
    limit_bytes = ARCHIVED_ROW_GROUP_BYTES if archived else ROW_GROUP_BYTES
    options: dict[str, Any] = (
        {"compression": "zstd", "compression_level": ARCHIVED_LEVEL}
        if archived
        else {"compression": "snappy"}
    )
    rows = 0
    with pq.ParquetWriter(path, schema, store_schema=False, **options) as writer:
        for batches in _row_groups(_batches(data), limit_rows, limit_bytes):
            table = pa.Table.from_batches([conform(batch, schema) for batch in batches], schema)
            writer.write_table(table, row_group_size=limit_rows)
            rows += table.num_rows
    return rows


def _batches(data: pa.Table | pa.RecordBatchReader) -> Iterable[pa.RecordBatch]:
    import pyarrow as pa

    return data.to_batches() if isinstance(data, pa.Table) else data


def _row_groups(
    batches: Iterable[pa.RecordBatch], limit_rows: int, limit_bytes: int
) -> Iterator[list[pa.RecordBatch]]:
    """Collect small batches and cut large ones, so that memory and row groups stay bounded."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        for start in range(0, batch.num_rows, limit_rows):
            piece = batch.slice(start, limit_rows)
            if group and (rows + piece.num_rows > limit_rows or size + piece.nbytes > limit_bytes):
                yield group
                group, rows, size = [], 0, 0
            group.append(piece)
            rows += piece.num_rows
            size += piece.nbytes
    if group:
        yield group


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """
    Bring a batch into a table's schema, or refuse it.

    :param batch: rows with the schema's columns by name, in any order and case
    :param schema: from :func:`arrow_schema`
    :return: the same rows, with exactly this schema
    :raises SchemaMismatch: when a column is unknown, of another type, or NULL where that is not allowed
    """
    import pyarrow as pa

    given = {name.lower(): at for at, name in enumerate(batch.schema.names)}
    unknown = given.keys() - set(schema.names)
    if unknown or len(given) < batch.num_columns:
        raise SchemaMismatch(
            f"expected the columns {', '.join(schema.names)}; found {', '.join(batch.schema.names)}"
        )
    arrays = []
    for field in schema:
        if field.name in given:
            array = _conform_array(batch.column(given[field.name]), field)
        else:
            array = pa.nulls(batch.num_rows, field.type)
        if array.null_count and not field.nullable:
            raise SchemaMismatch(f"column {field.name} does not allow NULL")
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _conform_array(array: pa.Array, field: pa.Field) -> pa.Array:
    import pyarrow as pa

    try:
        # What comes from a network may claim to be text and not be; a file with it could not be read again.
        array.validate(full=True)
        return array if array.type == field.type else array.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaMismatch(f"column {field.name}: {error}") from error


def write_query(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[Column], sql: str, *, archived: bool
) -> int:
    """
    Write a query's result as one segment file.

    :param connection: the connection that runs the query
    :param path: the file to create
    :param columns: the table's data columns
    :param sql: a query that gives these columns, by position
    :param archived: whether to compress as hard as ARCHIVE does
    :return: row count
    :raises SchemaMismatch: when the query gives another number of columns, or NULL where that is not allowed
    """
    import duckdb

    given = len(connection.execute(f"SELECT * FROM ({sql}) LIMIT 0").description)
    if given != len(columns):
        raise SchemaMismatch(f"expected {len(columns)} columns, found {given}")
    inputs = ", ".join(f"i{at}" for at in range(len(columns)))
    outputs = ", ".join(_stored(column, f"i{at}") for at, column in enumerate(columns))
    ids = ", ".join(f"{identifier(column.name)}: {column.id}" for column in columns)
    # Parquet V2 would pack tighter, but Arrow cannot read all integers that DuckDB writes with it.
    options = (
        f"COMPRESSION zstd, COMPRESSION_LEVEL {ARCHIVED_LEVEL}, ROW_GROUP_SIZE {ARCHIVED_ROW_GROUP_ROWS}"
        if archived
        else f"COMPRESSION snappy, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
    )
    copy = (
        f"COPY (SELECT {outputs} FROM ({sql}) AS query({inputs})) TO {literal(str(path))}"
        f" (FORMAT parquet, FIELD_IDS {{{ids}}}, {options})"
    )
    try:
        (rows,) = connection.execute(copy).fetchone()  # type: ignore[misc]
    except duckdb.InvalidInputException as error:
        if NOT_NULL_MARK in str(error):
            raise SchemaMismatch(str(error).partition(NOT_NULL_MARK)[2].strip()) from error
        raise
    return int(rows)


NOT_NULL_MARK = "not-null:"


def _stored(column: Column, source: str) -> str:
    value = f"CAST({source} AS {duckdb_type(parse_type(column.type))})"
    if not column.nullable:
        message = literal(f"{NOT_NULL_MARK} column {column.name} does not allow NULL")
        value = f"CASE WHEN {source} IS NULL THEN error({message}) ELSE {value} END"
    return f"{value} AS {identifier(column.name)}"


def sync(path: Path) -> None:
    """
    Wait until a file's bytes, or a directory's entries, are on disk.

    :param path: the file or directory
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def identifier(name: str) -> str:
    """
    Quote a name for DuckDB.

    :param name: the name
    :return: the quoted name
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """
    Quote a text for DuckDB.

    :param text: the text
    :return: the string literal
    """
    return "'" + text.replace("'", "''") + "'"


def scan_sql(columns: Sequence[Column], paths: Sequence[Path], expressions: Sequence[tuple[str, str]]) -> str:
    """
    Write the DuckDB query that reads data columns of segments, by id.

    :param columns: the data columns to read; read under the names ``c<id>``
    :param paths: the segments' files, at least one
    :param expressions: the output: SQL over these names and ``file_index`` (a path's position), and its name
    :return: a parenthesised SELECT
    """
    files = ", ".join(literal(str(path)) for path in paths)
    # Names of our own, for a user's column might be called file_index.
    schema = ", ".join(
        f"{column.id}: {{name: 'c{column.id}', type: {literal(duckdb_type(parse_type(column.type)))},"
        f" default_value: NULL}}"
        for column in columns
    )
    outputs = ", ".join(f"{expression} AS {identifier(name)}" for expression, name in expressions)
    return f"(SELECT {outputs} FROM read_parquet([{files}], schema = MAP {{{schema}}}))"


def read_rows(
    path: Path, segment: Segment, columns: Sequence[Column], start: int, count: int
) -> Iterator[list[pa.Array]]:
    """
    Read some rows of a segment, in their order; row groups outside the range are not touched.

    :param path: the segment's file
    :param segment: the segment
    :param columns: the data columns to read, as the table has them now
    :param start: first row
    :param count: how many rows
    :return: per batch, one array for each column
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        names = {int((field.metadata or {}).get(FIELD_ID, b"-1")): field.name for field in file.schema_arrow}
        wanted = [names[column.id] for column in columns if column.id in names]
        for group, skip, take in _groups_of_range(file.metadata, start, count):
            for batch in _slices(file, group, wanted, skip, take):
                yield [
                    batch.column(names[column.id]).cast(arrow_type(parse_type(column.type)))
                    if column.id in names
                    else pa.nulls(batch.num_rows, arrow_type(parse_type(column.type)))
                    for column in columns
                ]


def _groups_of_range(metadata: Any, start: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Which row groups overlap the range: index, rows to skip in it, rows to take from it."""
    first, end = 0, start + count
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        low, high = max(start, first), min(end, first + rows)
        if low < high:
            yield group, low - first, high - low
        first += rows


def _slices(file: Any, group: int, names: Sequence[str], skip: int, take: int) -> Iterator[pa.RecordBatch]:
    for batch in file.iter_batches(READ_BATCH_ROWS, row_groups=[group], columns=names):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        piece = batch.slice(skip, take)
        skip, take = 0, take - piece.num_rows
        if piece.num_rows:
            yield piece
        if not take:
            return
