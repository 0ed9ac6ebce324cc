"""The pages about tables: all of them, and one with its partitions, files and first rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow_provider_datalake.emulator.maxcompute import results
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
from airflow_provider_datalake.emulator.maxcompute.partition_spec import require_partition, spec_text
from airflow_provider_datalake.emulator.maxcompute.tables import require_table
from airflow_provider_datalake.emulator.maxcompute.types import parse_type
from airflow_provider_datalake.emulator.maxcompute.value_text import session_zone
from airflow_provider_datalake.emulator.numbers import whole_number
from airflow_provider_datalake.emulator.web.job_pages import column_headers
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.catalog import Partition, Table
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

SHOWN_ROWS = 20
SHOWN_FILES = 100
SHOWN_PARTITIONS = 100


def tables_page(service: MaxComputeService, request: Request) -> Response:
    """
    Show the tables of one project or of all.

    :param service: the service
    :param request: the request
    :return: the page
    """
    wanted = request.query_params.get("project")
    projects = [
        {
            "name": project.name,
            "tables": [_row(service, table) for table in service.storage.catalog.list_tables(project.name)],
        }
        for project in service.projects.list()
        if not wanted or project.name == wanted
    ]
    if not projects:
        return page(
            "message.html", 404, section="Tables", title="Not found", message=f"There is no project {wanted}."
        )
    return page("tables.html", section="Tables", projects=projects)


def _row(service: MaxComputeService, table: Table) -> dict[str, Any]:
    catalog = service.storage.catalog
    sizes = catalog.statistics(table)
    return {
        "name": table.name,
        "comment": table.comment,
        "href": _href(table),
        "partitions": len(catalog.list_partitions(table)) if table.partition_columns else None,
        "rows": sizes.rows,
        "files": sizes.files,
        "bytes": sizes.bytes,
        "changed_at": table.last_data_at or table.created_at,
    }


def _href(table: Table, **query: str) -> str:
    path = f"/tables/{quote(table.project, safe='')}/{quote(table.name, safe='')}"
    return f"{path}?{urlencode(query)}" if query else path


def table_page(service: MaxComputeService, request: Request) -> Response:
    """
    Show one table, or one of its partitions.

    :param service: the service
    :param request: the request; ``partition`` names a partition
    :return: the page
    """
    catalog = service.storage.catalog
    spec = request.query_params.get("partition")
    try:
        table = require_table(service, request.path_params["project"], request.path_params["table"])
        partition = require_partition(catalog, table, spec) if spec else None
    except OdpsError as error:
        return page("message.html", error.status, section="Tables", title="Not found", message=error.message)
    partitions = catalog.list_partitions(table) if table.partition_columns and partition is None else None
    start = _offset(request)
    shown = None if partitions is None else partitions[start : start + SHOWN_PARTITIONS]
    more = partitions is not None and len(partitions) > start + SHOWN_PARTITIONS
    return page(
        "table.html",
        section="Tables",
        table=table,
        table_href=_href(table),
        partition=spec_text(table, partition.values) if partition else None,
        archived=partition.archived if partition else None if table.partition_columns else table.archived,
        changed_at=(partition or table).last_data_at,
        sizes=catalog.statistics(table, partition.id if partition else None),
        partitions=None if shown is None else [_partition(service, table, item) for item in shown],
        partitions_total=len(partitions or ()),
        older_href=_href(table, offset=str(start + SHOWN_PARTITIONS)) if more else None,
        **_content(service, table, partition),
    )


def _offset(request: Request) -> int:
    return whole_number(request.query_params.get("offset", "")) or 0


def _partition(service: MaxComputeService, table: Table, partition: Partition) -> dict[str, Any]:
    sizes = service.storage.catalog.statistics(table, partition.id)
    name = spec_text(table, partition.values)
    return {
        "name": name,
        "href": _href(table, partition=name),
        "rows": sizes.rows,
        "files": sizes.files,
        "bytes": sizes.bytes,
        "archived": partition.archived,
        "changed_at": partition.last_data_at or partition.created_at,
    }


def _content(service: MaxComputeService, table: Table, partition: Partition | None) -> dict[str, Any]:
    project = service.projects.require(table.project)
    zone = session_zone(project.properties)
    columns = [
        (column.name, parse_type(column.type)) for column in (*table.columns, *table.partition_columns)
    ]
    rows: list[list[str | None]] = []
    with service.storage.snapshot(table, [partition.id] if partition else None) as snapshot:
        for batch in snapshot.read([name for name, _ in columns], 0, SHOWN_ROWS):
            rows += results.batch_rows(batch, [kind for _, kind in columns], zone)
        files = snapshot.segments[:SHOWN_FILES]
    return {
        "row_columns": column_headers(columns),
        "rows": rows,
        "files": files,
        "files_shown": len(files),
    }
