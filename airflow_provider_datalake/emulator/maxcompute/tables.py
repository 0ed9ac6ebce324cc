"""Tables and partitions as the REST interface describes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from airflow_provider_datalake.emulator.catalog import NoSuchEntity
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, invalid, not_supported
from airflow_provider_datalake.emulator.maxcompute.partition_spec import (
    matching,
    parse_partition_spec,
    require_partition,
)
from airflow_provider_datalake.emulator.maxcompute.projects import require_default_schema
from airflow_provider_datalake.emulator.maxcompute.xml import element, rfc822, to_bytes

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from airflow_provider_datalake.emulator.catalog import Catalog, Column, Partition, Table
    from airflow_provider_datalake.emulator.maxcompute.calls import Call
    from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

_MANAGED = "MANAGED_TABLE"
_LATER = {
    "policy": "table policies",
    "acl": "access control lists",
    "mvcc": "table versions",
    "storagetier": "storage tiers",
}


def require_table(service: MaxComputeService, project: str, name: str) -> Table:
    """
    Look a table up.

    :param service: the service
    :param project: project name
    :param name: table name, in any case
    :return: the table
    :raises OdpsError: ``NoSuchProject`` or ``NoSuchTable``
    """
    owner = service.projects.require(project).name
    try:
        return service.storage.catalog.get_table(owner, name.lower())
    except NoSuchEntity:
        raise OdpsError(404, "NoSuchTable", f"ODPS-0130131: Table not found - {owner}.{name}") from None


def _xml(body: Element) -> Response:
    return Response(to_bytes(body), media_type="application/xml")


def list_tables(call: Call) -> Response:
    """
    Answer one page of tables.

    :param call: the request; ``name`` is a prefix
    :return: the listing
    """
    require_default_schema(call)
    catalog = call.service.storage.catalog
    project = call.service.projects.require(call.path("project"))
    owner, kind = call.query.get("owner"), call.query.get("type")
    marker = call.query.get("marker") or ""
    found = [
        table
        for table in catalog.list_tables(project.name, prefix=(call.query.get("name") or "").lower())
        if table.name > marker
        and (not owner or table.owner == owner)
        and (not kind or kind.upper() == _MANAGED)
    ]
    size = call.page_size()
    page = found[:size]
    extended = "extended" in call.query
    body = element(
        "Tables",
        element("Marker", page[-1].name if len(found) > size else ""),
        element("MaxItems", size),
        *[_list_item(catalog, table, extended) for table in page],
    )
    return _xml(body)


def _list_item(catalog: Catalog, table: Table, extended: bool) -> Element:
    parts = _identity(table)
    if extended:
        parts.append(element("Schema", json.dumps(_schema(catalog, table, extended=True)), format="Json"))
    return element("Table", *parts)


def _identity(table: Table) -> list[Element]:
    return [
        element("Name", table.name),
        element("TableId", str(table.id)),
        element("Owner", table.owner),
        element("Comment", table.comment),
        element("Type", _MANAGED),
        element("CreationTime", rfc822(table.created_at)),
        element("LastModifiedTime", rfc822(table.last_data_at)),
    ]


def get_table(call: Call) -> Response:
    """
    Answer a table, a partition, the partitions or the first rows, as the bare query keys ask.

    :param call: the request
    :return: the document
    """
    require_default_schema(call)
    for action, feature in _LATER.items():
        if action in call.query:
            raise not_supported(feature)
    if "data" in call.query:
        # The Arrow-based reader of rows is heavy, and only this view needs it.
        from airflow_provider_datalake.emulator.maxcompute.head import head

        return head(call)
    table = require_table(call.service, call.path("project"), call.path("table"))
    if "partitions" in call.query:
        return _partitions(call, table)
    if "partition" in call.query:
        return _partition(call, table)
    extended = "extended" in call.query
    schema = json.dumps(_schema(call.service.storage.catalog, table, extended=extended))
    return _xml(element("Table", *_identity(table), element("Schema", schema, format="Json")))


def _schema(catalog: Catalog, table: Table, *, extended: bool) -> dict[str, Any]:
    sizes = catalog.statistics(table)
    schema: dict[str, Any] = {
        "tableName": table.name,
        "columns": [_column(column) for column in table.columns],
        "partitionKeys": [_column(column) for column in table.partition_columns],
        "comment": table.comment,
        "owner": table.owner,
        "createTime": int(table.created_at),
        "lastModifiedTime": int(table.last_data_at),
        "lastDDLTime": int(table.last_ddl_at),
        "isVirtualView": False,
        "isMaterializedView": False,
        "lifecycle": -1 if table.lifecycle is None else table.lifecycle,
        "size": sizes.bytes,
        "recordNum": sizes.rows,
        "tableProperties": json.dumps(table.properties),
    }
    if extended:
        schema |= {
            "IsArchived": _all_archived(catalog, table),
            "PhysicalSize": sizes.bytes,
            "FileNum": sizes.files,
            "Reserved": json.dumps({"Transactional": "false", "schema_version": str(int(table.last_ddl_at))}),
        }
    return schema


def _all_archived(catalog: Catalog, table: Table) -> bool:
    if not table.partition_columns:
        return table.archived
    partitions = catalog.list_partitions(table)
    return bool(partitions) and all(partition.archived for partition in partitions)


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "comment": column.comment,
        "label": "",
        "isNullable": column.nullable,
    }


def _partitions(call: Call, table: Table) -> Response:
    catalog = call.service.storage.catalog
    text = call.query.get("partition")
    try:
        spec = parse_partition_spec(text) if text else {}
        found = matching(table, catalog.list_partitions(table), spec)
    except ValueError as error:
        raise invalid(str(error)) from error
    if "reverse" in call.query:
        found.reverse()
    start = call.marker() or 0
    size = call.page_size()
    page = found[start : start + size]
    body = element(
        "Partitions",
        element("Marker", str(start + size) if len(found) > start + size else ""),
        element("MaxItems", size),
        *[_partition_item(catalog, table, item) for item in page],
    )
    return _xml(body)


def _partition_item(catalog: Catalog, table: Table, partition: Partition) -> Element:
    sizes = catalog.statistics(table, partition.id)
    columns = zip(table.partition_columns, partition.values, strict=True)
    return element(
        "Partition",
        *[element("Column", Name=column.name, Value=value) for column, value in columns],
        element("CreationTime", int(partition.created_at)),
        element("LastDDLTime", int(partition.last_ddl_at)),
        element("LastModifiedTime", int(partition.last_data_at)),
        element("PartitionSize", sizes.bytes),
        element("PartitionRecordCount", sizes.rows),
    )


def _partition(call: Call, table: Table) -> Response:
    catalog = call.service.storage.catalog
    partition = require_partition(catalog, table, call.query["partition"])
    sizes = catalog.statistics(table, partition.id)
    schema: dict[str, Any] = {
        "createTime": int(partition.created_at),
        "lastDDLTime": int(partition.last_ddl_at),
        "lastModifiedTime": int(partition.last_data_at),
        "partitionSize": sizes.bytes,
        "partitionRecordNum": sizes.rows,
    }
    if "extended" in call.query:
        schema |= {
            "IsArchived": partition.archived,
            "IsExstore": False,
            "LifeCycle": -1 if table.lifecycle is None else table.lifecycle,
            "PhysicalSize": sizes.bytes,
            "FileNum": sizes.files,
            "Reserved": "{}",
        }
    return _xml(element("Partition", element("Schema", json.dumps(schema), format="Json")))
