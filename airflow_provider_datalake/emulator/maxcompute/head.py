"""The first rows of a table as CSV, for ``Table.head``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, invalid
from airflow_provider_datalake.emulator.maxcompute.partition_spec import require_partition
from airflow_provider_datalake.emulator.maxcompute.results import batch_rows
from airflow_provider_datalake.emulator.maxcompute.tables import require_table
from airflow_provider_datalake.emulator.maxcompute.types import DataType, parse_type
from airflow_provider_datalake.emulator.maxcompute.value_text import NULL, session_zone
from airflow_provider_datalake.emulator.numbers import whole_number

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.catalog import Table
    from airflow_provider_datalake.emulator.maxcompute.calls import Call

MAX_ROWS = 10_000


def head(call: Call) -> Response:
    r"""
    Answer the first rows of a table or partition.

    :param call: ``GET ?data&linenum=[&cols=][&partition=]``
    :return: CSV with a header; NULL is ``\N``, instants are in the project's zone
    """
    table = require_table(call.service, call.path("project"), call.path("table"))
    partition = call.query.get("partition")
    partition_ids = None
    if partition:
        partition_ids = [require_partition(call.service.storage.catalog, table, partition).id]
    types = _types(table, call.query.get("cols"))
    project = call.service.projects.require(call.path("project"))
    zone = session_zone(project.properties)
    lines = [_line(list(types))]
    with call.service.storage.snapshot(table, partition_ids) as snapshot:
        for batch in snapshot.read(list(types), 0, _limit(call.query.get("linenum"))):
            lines += map(_line, batch_rows(batch, list(types.values()), zone))
    return Response("".join(lines), media_type="text/csv")


def _types(table: Table, names: str | None) -> dict[str, DataType]:
    columns = (*table.columns, *table.partition_columns)
    types = {column.name: parse_type(column.type) for column in columns}
    if not names:
        return types
    wanted = [name.strip().strip("`").lower() for name in names.split(",")]
    for name in wanted:
        if name not in types:
            raise OdpsError(
                400,
                "InvalidColumnSpec",
                f"Table {table.name} has no column {name}; it has {', '.join(types)}.",
            )
    return {name: types[name] for name in wanted}


def _limit(text: str | None) -> int:
    if text is None:
        return MAX_ROWS
    number = whole_number(text)
    if number is None:
        raise invalid(f"linenum must be a number, got {text!r}")
    return min(number, MAX_ROWS)


def _line(values: list[str] | list[str | None]) -> str:
    return ",".join(NULL if value is None else _quoted(value) for value in values) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
