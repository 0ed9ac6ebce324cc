"""The catalog as the service's JSON shows it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.data_lake_analytics.records import moment
from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.types import REFERENCE, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import CatalogSnapshot, Entry
    from airflow_provider_datalake.usql.catalog import Column, Index, QualifiedName

    Item = dict[str, Any]

SYSTEM_SCHEMAS = ("INFORMATION_SCHEMA", "sys", "usql")
"""Schemas that every database has beside ``dbo``; nothing of a user is in them."""
_NAMESPACE = uuid.UUID("5d3f6f0a-93c8-4b8e-8e0c-08d1ac3a4c52")
# HASH was seen to be 2; the others' numbers are the emulator's own.
_DISTRIBUTIONS = {"": 0, "ROUND ROBIN": 1, "HASH": 2, "DIRECT HASH": 3, "RANGE": 4}
_COLUMN_KINDS = [
    kind
    for kind in Kind
    if kind not in (Kind.TIMESPAN, Kind.PLAIN_ARRAY, Kind.ENUM, Kind.NULL, Kind.ARRAY, Kind.MAP)
]
_CLR_TYPE_ID = 243
_FIRST_USER_TYPE_ID = 300


def version_of(*names: str) -> str:
    """
    Derive the version of what never changes.

    :param names: what it is called
    :return: a GUID
    """
    return str(uuid.uuid5(_NAMESPACE, ".".join(names)))


def databases(catalog: CatalogSnapshot) -> list[Item]:
    """
    Show the databases.

    :param catalog: the catalog
    :return: their JSON, in order
    """
    return [
        {"computeAccountName": catalog.account, "databaseName": database, "version": version}
        for (database, schema), version in sorted(catalog.schemas.items())
        if schema == model.DBO
    ]


def schemas(catalog: CatalogSnapshot, database: str) -> list[Item]:
    """
    Show the schemas of a database.

    :param catalog: the catalog
    :param database: the database
    :return: their JSON, in order
    """
    found = {name: version for (owner, name), version in catalog.schemas.items() if owner == database}
    system = {name: version_of(catalog.account, database, name) for name in SYSTEM_SCHEMAS}
    return [
        {
            "computeAccountName": catalog.account,
            "databaseName": database,
            "schemaName": name,
            "version": version,
        }
        for name, version in sorted({**system, **found}.items(), key=lambda item: item[0].lower())
    ]


def _named(account: str, name: QualifiedName) -> Item:
    return {"computeAccountName": account, "databaseName": name.database, "schemaName": name.schema}


def columns(shown: tuple[Column, ...]) -> list[Item]:
    """
    Show columns.

    :param shown: the columns
    :return: their JSON, with the names that .NET gives to their types
    """
    return [{"name": column.name, "type": column.type.clr_name} for column in shown]


def table(account: str, entry: Entry, *, basic: bool = False) -> Item:
    """
    Show a table.

    :param account: the account
    :param entry: the table
    :param basic: whether its name is enough
    :return: its JSON
    """
    item = entry.item
    if not isinstance(item, model.Table):
        raise TypeError(f"{item.name} is no table")
    return {
        **_named(account, item.name),
        "tableName": item.name.name,
        "columnList": [] if basic else columns(item.columns),
        "indexList": [] if basic or item.index is None else [_index(item.index)],
        "partitionKeyList": [],
        "externalTable": None,
        "distributionInfo": None,
        "version": entry.version,
    }


def _index(index: Index) -> Item:
    keys = [{"name": name, "descending": descending} for name, descending in index.keys]
    named = dict.fromkeys((*(name for name, _ in index.keys), *index.distribution_keys))
    return {
        "name": index.name,
        "indexKeys": keys,
        "columns": list(named),
        "distributionInfo": {
            "type": _DISTRIBUTIONS.get(index.distribution, 0),
            "keys": [{"name": name, "descending": False} for name in index.distribution_keys],
            "count": index.buckets or 0,
            "dynamicCount": 0,
        },
        "partitionFunction": None,
        "partitionKeyList": [],
        "isColumnstore": index.columnstore,
        "indexId": 1,
        "isUnique": False,
    }


def view(account: str, entry: Entry) -> Item:
    """
    Show a view.

    :param account: the account
    :param entry: the view
    :return: its JSON
    """
    item = entry.item
    if not isinstance(item, model.View):
        raise TypeError(f"{item.name} is no view")
    return {
        **_named(account, item.name),
        "viewName": item.name.name,
        "definition": f"CREATE VIEW {item.name} AS {item.text};",
        "version": entry.version,
    }


def fragments(entry: Entry) -> list[Item]:
    """
    Show the files of a table.

    :param entry: the table
    :return: their JSON
    """
    return [
        {
            "parentId": entry.version,
            "fragmentId": str(uuid.UUID(segment.path.stem)),
            "indexId": 1,
            "size": segment.path.stat().st_size,
            "rowCount": segment.rows,
            "createDate": moment(segment.created_at),
        }
        for segment in entry.segments
    ]


def types(account: str) -> list[Item]:
    """
    Show the types that columns can have.

    :param account: the account
    :return: their JSON
    """
    found = [
        _type(account, f"Microsoft.Analytics.Types.Sql.{name}", "SQL") for name in ("SqlArray", "SqlMap")
    ]
    plain = [Type(kind) for kind in _COLUMN_KINDS]
    optional = [Type(kind, optional=True) for kind in _COLUMN_KINDS if kind not in REFERENCE]
    for number, one in enumerate(sorted(plain + optional, key=_clr)):
        shown = _type(account, _clr(one), "C#")
        found.append({**shown, "cSharpName": str(one), "userTypeId": _FIRST_USER_TYPE_ID + number})
    return found


def _clr(one: Type) -> str:
    return one.as_required().clr_name + ("?" if one.optional else "")


def _type(account: str, name: str, family: str) -> Item:
    return {
        "computeAccountName": account,
        "databaseName": model.MASTER,
        "schemaName": "sys",
        "typeName": name,
        "typeFamily": family,
        "cSharpName": name,
        "fullCSharpName": name,
        "systemTypeId": _CLR_TYPE_ID,
        "userTypeId": _CLR_TYPE_ID,
        "schemaId": 0,
        "principalId": None,
        "isNullable": False,
        "isUserDefined": False,
        "isAssemblyType": False,
        "isTableType": False,
        "isComplexType": family == "SQL",
        "version": version_of(account, name),
    }
