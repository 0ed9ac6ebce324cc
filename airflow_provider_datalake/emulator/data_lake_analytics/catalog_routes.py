"""The catalog routes about what U-SQL has made: databases, schemas, tables, views and all else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from airflow_provider_datalake.emulator.azure import odata
from airflow_provider_datalake.emulator.azure.calls import answer
from airflow_provider_datalake.emulator.azure.errors import AzureError, invalid, traced
from airflow_provider_datalake.emulator.data_lake_analytics import catalog_views, previews
from airflow_provider_datalake.emulator.data_lake_analytics.jobs import account_of
from airflow_provider_datalake.emulator.numbers import whole_number
from airflow_provider_datalake.usql import catalog as model

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from airflow_provider_datalake.emulator.azure.calls import Call, Handler
    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService
    from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import CatalogSnapshot, Entry

    Item = dict[str, Any]
    Lister = Callable[[CatalogSnapshot, Call], list[Item]]
    Route = tuple[str, str, Handler[DataLakeAnalyticsService]]

ROOT = "/catalog/usql"
_DATABASE = f"{ROOT}/databases/{{database}}"
_SCHEMA = f"{_DATABASE}/schemas/{{schema}}"
_TABLE = f"{_SCHEMA}/tables/{{table}}"
_MEDIA_TYPE = "application/json; odata.metadata=minimal"
_MISSING_IN_SCHEMAS = ("procedures", "tablevaluedfunctions", "tabletypes", "packages")
"""What the emulator's U-SQL cannot make: the lists are empty."""
_MISSING_IN_DATABASES = ("assemblies", "externaldatasources")


def missing(name: str) -> AzureError:
    """
    Say that something of the catalog does not exist.

    :param name: its name
    :return: the error to raise
    """
    return AzureError(404, "ResourceNotFound", traced(f"The resource '{name}' does not exist."))


def require_database(catalog: CatalogSnapshot, call: Call) -> str:
    """
    Find the database that a request is about.

    :param catalog: the catalog
    :param call: the request
    :return: its name
    :raises AzureError: when there is none of this name
    """
    name = call.path("database")
    if not catalog.has_database(name):
        raise missing(name)
    return name


def require_schema(catalog: CatalogSnapshot, call: Call) -> tuple[str, str]:
    """
    Find the schema that a request is about.

    :param catalog: the catalog
    :param call: the request
    :return: database and schema
    :raises AzureError: when there is none of this name
    """
    database, name = require_database(catalog, call), call.path("schema")
    if not catalog.has_schema(database, name) and name not in catalog_views.SYSTEM_SCHEMAS:
        raise missing(name)
    return database, name


def routes() -> list[Route]:
    """
    List the routes.

    :return: method, path and handler of each
    """
    found: list[Route] = [
        (
            "GET",
            f"{ROOT}/databases",
            _list("databases", lambda catalog, call: catalog_views.databases(catalog)),
        ),
        ("GET", _DATABASE, _get("databases", "databaseName", "database", _databases)),
        ("GET", f"{_DATABASE}/schemas", _list("schemas", _schemas)),
        ("GET", _SCHEMA, _get("schemas", "schemaName", "schema", _schemas)),
        ("GET", f"{_SCHEMA}/tables/{{name}}", _get("tables", "tableName", "name", _tables)),
        ("GET", f"{_SCHEMA}/views/{{name}}", _get("views", "viewName", "name", _views)),
        ("GET", f"{_SCHEMA}/types", _list("types", _types)),
        ("GET", f"{_TABLE}/tablefragments", _list("tablefragments", _fragments)),
        ("GET", f"{_TABLE}/previewrows", _preview),
        (
            "GET",
            f"{_TABLE}/partitions/{{name}}/previewrows",
            _get("partitions", "", "name", _nothing_of_table),
        ),
    ]
    for scope in (_SCHEMA, _DATABASE):
        found += [
            ("GET", f"{scope}/tables", _list("tables", _tables)),
            ("GET", f"{scope}/views", _list("views", _views)),
            ("GET", f"{scope}/statistics", _list("statistics", _nothing)),
        ]
    for kind in ("partitions", "statistics"):
        found += [
            ("GET", f"{_TABLE}/{kind}", _list(kind, _nothing_of_table)),
            ("GET", f"{_TABLE}/{kind}/{{name}}", _get(kind, "", "name", _nothing_of_table)),
        ]
    places = [(_SCHEMA, kind) for kind in _MISSING_IN_SCHEMAS]
    places += [(_DATABASE, kind) for kind in (*_MISSING_IN_DATABASES, "tablevaluedfunctions")]
    for scope, kind in places:
        found.append(("GET", f"{scope}/{kind}", _list(kind, _nothing)))
        if (scope, kind) != (_DATABASE, "tablevaluedfunctions"):
            found.append(("GET", f"{scope}/{kind}/{{name}}", _get(kind, "", "name", _nothing)))
    return found


def _list(kind: str, lister: Lister) -> Handler[DataLakeAnalyticsService]:
    def handler(service: DataLakeAnalyticsService, call: Call) -> Response:
        account = account_of(service, call, "read")
        catalog = service.read_catalog(account)
        path = call.request.scope["path"].removeprefix(call.request.scope.get("root_path", ""))
        found = odata.page(call, lister(catalog, call), path)
        context = f"{call.address}/sqlip/$metadata#{kind}"
        return JSONResponse({"@odata.context": context, **found}, media_type=_MEDIA_TYPE)

    return handler


def _get(kind: str, field: str, parameter: str, lister: Lister) -> Handler[DataLakeAnalyticsService]:
    def handler(service: DataLakeAnalyticsService, call: Call) -> Response:
        account = account_of(service, call, "read")
        name = call.path(parameter)
        items = lister(service.read_catalog(account), call)
        found = next((item for item in items if item.get(field) == name), None)
        if found is None:
            raise missing(name)
        context = f"{call.address}/sqlip/$metadata#{kind}/$entity"
        return JSONResponse({"@odata.context": context, **found}, media_type=_MEDIA_TYPE)

    return handler


def _databases(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    return catalog_views.databases(catalog)


def _schemas(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    return catalog_views.schemas(catalog, require_database(catalog, call))


def _entries(catalog: CatalogSnapshot, call: Call, kind: type) -> list[Entry]:
    database = require_database(catalog, call)
    schema = require_schema(catalog, call)[1] if "schema" in call.request.path_params else None
    return [
        entry
        for name, entry in catalog.entries.items()
        if isinstance(entry.item, kind) and name.database == database and schema in (None, name.schema)
    ]


def _tables(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    basic = (call.query("basic") or "").lower() == "true"
    found = _entries(catalog, call, model.Table)
    return [catalog_views.table(catalog.account, entry, basic=basic) for entry in found]


def _views(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    return [catalog_views.view(catalog.account, entry) for entry in _entries(catalog, call, model.View)]


def _types(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    require_schema(catalog, call)
    return catalog_views.types(catalog.account)


def _nothing(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    _entries(catalog, call, model.Table)
    return []


def _table(catalog: CatalogSnapshot, call: Call) -> Entry:
    name = call.path("table")
    for entry in _entries(catalog, call, model.Table):
        if entry.item.name.name == name:
            return entry
    raise missing(name)


def _nothing_of_table(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    _table(catalog, call)
    return []


def _fragments(catalog: CatalogSnapshot, call: Call) -> list[Item]:
    return catalog_views.fragments(_table(catalog, call))


def _preview(service: DataLakeAnalyticsService, call: Call) -> Response:
    account = account_of(service, call, "read")
    rows, columns = _number(call, "maxrows"), _number(call, "maxcolumns")
    with (
        service.catalog(account) as catalog,
        tempfile.TemporaryDirectory(dir=service.scratch) as scratch,
    ):
        entry = _table(catalog, call)
        if not isinstance(entry.item, model.Table):
            raise TypeError(f"{entry.item.name} is no table")
        limit = min(previews.DEFAULT_ROWS if rows is None else rows, previews.MOST_ROWS)
        return answer(previews.preview(entry, entry.item, limit, columns, Path(scratch)))


def _number(call: Call, name: str) -> int | None:
    text = call.query(name)
    if not text:
        return None
    number = whole_number(text, least=1)
    if number is None:
        raise invalid(f"{name} must be a number from 1 on, not {text!r}.")
    return number
