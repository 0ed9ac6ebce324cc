"""What the tunnel's URLs say about tables, partitions, columns and rows, and what its answers say back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.catalog import DEFAULT_SCHEMA, NoSuchEntity
from airflow_provider_datalake.emulator.definitions import canonical_values
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
from airflow_provider_datalake.emulator.maxcompute.partition_spec import parse_partition_spec
from airflow_provider_datalake.emulator.maxcompute.partition_spec import partition_values as values_of
from airflow_provider_datalake.emulator.numbers import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_datalake.emulator.catalog import Catalog, Column, Table

_STATUSES = {
    "InvalidResourceSpec": 409,
    "NoSuchDownload": 404,
    "NoSuchPartition": 404,
    "NoSuchProject": 404,
    "NoSuchTable": 404,
    "NoSuchUpload": 404,
    "StatusConflict": 409,
}
_MAX_BLOCK_ID = 19_999
_ROW_RANGE = re.compile(r"\(\s*([0-9]{1,19})\s*,\s*([0-9]{1,19})\s*\)")


def fault(code: str, message: str) -> OdpsError:
    """
    Refuse a tunnel request with one of the service's codes.

    :param code: e.g. ``NoSuchUpload``
    :param message: what was given and what was expected
    :return: the error to raise
    """
    return OdpsError(_STATUSES.get(code, 400), code, message)


def find_table(catalog: Catalog, path: Mapping[str, str]) -> Table:
    """
    Look up the table that a URL names.

    :param catalog: the catalog
    :param path: the URL's ``project``, ``table`` and perhaps ``schema``
    :return: the table
    :raises OdpsError: ``NoSuchProject`` or ``NoSuchTable``
    """
    project, schema, name = path["project"], path.get("schema", DEFAULT_SCHEMA), path["table"]
    try:
        found = catalog.get_project(project.lower())
    except NoSuchEntity:
        raise fault("NoSuchProject", f"The specified project name does not exist: {project}.") from None
    try:
        return catalog.get_table(found.name, name.lower(), schema.lower())
    except NoSuchEntity:
        raise fault("NoSuchTable", f"The specified table name does not exist: {project}.{name}.") from None


def check_resource(table: Table, path: Mapping[str, str]) -> None:
    """
    Check that a session belongs to the table that a URL names.

    :param table: the session's table
    :param path: see :func:`find_table`
    :raises OdpsError: ``InvalidResourceSpec``
    """
    named = (path["project"].lower(), path.get("schema", DEFAULT_SCHEMA).lower(), path["table"].lower())
    if named != (table.project.lower(), table.schema.lower(), table.name.lower()):
        raise fault("InvalidResourceSpec", f"The session belongs to table {table.project}.{table.name}.")


def partition_values(table: Table, spec: str | None) -> tuple[str, ...] | None:
    """
    Read the partition that a request names.

    :param table: the table
    :param spec: e.g. ``pt=1,region=eu`` or ``pt='1'/region='eu'``; None or empty when the request names none
    :return: one value per partition column, as the catalog writes it; None for a table without partitions
    :raises OdpsError: ``MissingPartitionSpec`` or ``InvalidPartitionSpec``
    """
    names = [column.name for column in table.partition_columns]
    if not names:
        if spec:
            raise fault(
                "InvalidPartitionSpec", f"Table {table.name} is not partitioned, but {spec!r} was given."
            )
        return None
    if not spec:
        raise fault(
            "MissingPartitionSpec",
            f"You need to specify a partitionspec along with table {table.name}, which is partitioned by"
            f" {', '.join(names)}.",
        )
    try:
        return canonical_values(table.partition_columns, values_of(table, parse_partition_spec(spec)))
    except ValueError as error:
        raise fault("InvalidPartitionSpec", f"Partition spec {spec!r}: {error}.") from error


def find_partition_ids(catalog: Catalog, table: Table, spec: str | None) -> list[int] | None:
    """
    Look up the partition that a request reads.

    :param catalog: the catalog
    :param table: the table
    :param spec: see :func:`partition_values`
    :return: the partition's id; None for a table without partitions
    :raises OdpsError: ``MissingPartitionSpec``, ``InvalidPartitionSpec`` or ``NoSuchPartition``
    """
    values = partition_values(table, spec)
    if values is None:
        return None
    try:
        return [catalog.get_partition(table, values).id]
    except NoSuchEntity:
        raise no_such_partition(spec) from None


def no_such_partition(spec: str | None) -> OdpsError:
    """
    Refuse a request for a partition that is not there.

    :param spec: the partition as the request names it
    :return: the error to raise
    """
    return fault("NoSuchPartition", f"The specified partition does not exist: {spec}.")


def row_range(text: str | None, rows: int) -> tuple[int, int]:
    """
    Read which rows a request wants.

    :param text: ``(start,count)``; None for all rows
    :param rows: how many rows there are
    :return: start and count, within the rows there are
    :raises OdpsError: ``InvalidRowRange``
    """
    if text is None:
        return 0, rows
    match = _ROW_RANGE.fullmatch(text.strip())
    if not match:
        raise fault("InvalidRowRange", f"The row range must be (start,count), got {text!r}.")
    start, count = int(match[1]), int(match[2])
    if start > rows:
        raise fault("InvalidRowRange", f"The row range starts at {start}, there are only {rows} rows.")
    return start, min(count, rows - start)


def requested_columns(text: str | None, columns: Sequence[str]) -> list[str] | None:
    """
    Read which columns a request wants.

    :param text: names separated by commas; None or empty for all columns
    :param columns: the names that exist
    :return: the names in the order of the request, None when it names none
    :raises OdpsError: ``InvalidColumnSpec``
    """
    if not text:
        return None
    names = [name.strip().strip("`").lower() for name in text.split(",")]
    known = {column.lower(): column for column in columns}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise fault(
            "InvalidColumnSpec", f"There is no column {', '.join(unknown)}; there are {', '.join(columns)}."
        )
    if len(set(names)) < len(names):
        raise fault("InvalidColumnSpec", f"A column is named twice: {text}.")
    return [known[name] for name in names]


def block_id(text: str | None) -> int:
    """
    Read the id of an uploaded block.

    :param text: a number
    :return: the number
    :raises OdpsError: ``InvalidBlockID``
    """
    number = whole_number(text or "", most=_MAX_BLOCK_ID)
    if number is None:
        raise fault(
            "InvalidBlockID", f"The block id must be a number from 0 to {_MAX_BLOCK_ID}, got {text!r}."
        )
    return number


def flag(value: str | None) -> bool:
    """
    Read a flag of a URL.

    :param value: ``true``, ``True``, or nothing behind the name; None when absent
    :return: whether the flag is set
    """
    return value is not None and value.lower() in ("true", "1", "")


def schema_document(columns: Iterable[Column], partition_columns: Iterable[Column] = ()) -> dict[str, Any]:
    """
    Describe a table the way the tunnel's clients read it.

    :param columns: the data columns
    :param partition_columns: the partition columns
    :return: JSON-ready
    """
    return {
        "columns": [_column(column) for column in columns],
        "partitionKeys": [_column(column) for column in partition_columns],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "comment": column.comment,
        "nullable": column.nullable,
        "isNullable": column.nullable,
    }
