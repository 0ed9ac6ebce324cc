from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.clients.azure_rest import ListOptions
from airflow_provider_datalake.clients.data_lake_analytics_catalog import DataLakeAnalyticsCatalogClient
from airflow_provider_datalake.clients.data_lake_analytics_catalog_models import (
    Assembly,
    Column,
    DirectedColumn,
    Module,
    ModuleKind,
    Table,
)
from airflow_provider_datalake.clients.data_lake_analytics_catalog_security import AclEntry
from airflow_provider_datalake.clients.data_lake_analytics_users import AccountUser, AccountUsers
from airflow_provider_datalake.clients.resource_manager import ResourceManager
from airflow_provider_datalake.exceptions import ConfigurationError, ConflictError
from tests.unit.clients.azure_fakes import Call, FakeHttp, answer, failure

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

GUID = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
SCOPE = "subscriptions/s/resourceGroups/rg/providers/Microsoft.DataLakeAnalytics/accounts/a"
TABLE = {
    "computeAccountName": "a",
    "databaseName": "d",
    "schemaName": "dbo",
    "tableName": "t",
    "version": "v",
    "columnList": [{"name": "id", "type": "System.Int32"}],
    "indexList": [
        {
            "name": "i",
            "indexKeys": [{"name": "id", "descending": True}],
            "columns": ["id"],
            "distributionInfo": {"type": 4, "keys": [{"name": "id", "descending": False}], "count": 2},
            "partitionKeyList": ["day"],
            "isColumnstore": False,
        }
    ],
    "partitionKeyList": ["day"],
    "externalTable": None,
    "distributionInfo": None,
}


def catalog(
    handler: Callable[[Call], requests.Response],
) -> tuple[DataLakeAnalyticsCatalogClient, FakeHttp]:
    http = FakeHttp(handler)
    return DataLakeAnalyticsCatalogClient(http), http  # type: ignore[arg-type]


def empty(call: Call) -> requests.Response:
    return answer(200, {"value": []})


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda c: c.databases(), "databases"),
        (lambda c: c.schemas("d"), "databases/d/schemas"),
        (lambda c: c.tables("d", "dbo"), "databases/d/schemas/dbo/tables"),
        (lambda c: c.tables("d"), "databases/d/tables"),
        (lambda c: c.partitions("d", "dbo", "t"), "databases/d/schemas/dbo/tables/t/partitions"),
        (lambda c: c.fragments("d", "dbo", "t"), "databases/d/schemas/dbo/tables/t/tablefragments"),
        (lambda c: c.statistics("d", "dbo", "t"), "databases/d/schemas/dbo/tables/t/statistics"),
        (lambda c: c.statistics("d", "dbo"), "databases/d/schemas/dbo/statistics"),
        (lambda c: c.statistics("d"), "databases/d/statistics"),
        (lambda c: c.table_types("d", "dbo"), "databases/d/schemas/dbo/tabletypes"),
        (lambda c: c.types("d", "dbo"), "databases/d/schemas/dbo/types"),
        (lambda c: c.modules(ModuleKind.VIEW, "d"), "databases/d/views"),
        (lambda c: c.modules(ModuleKind.PROCEDURE, "d", "dbo"), "databases/d/schemas/dbo/procedures"),
        (lambda c: c.modules(ModuleKind.PACKAGE, "d", "dbo"), "databases/d/schemas/dbo/packages"),
        (
            lambda c: c.modules(ModuleKind.TABLE_VALUED_FUNCTION, "d", "dbo"),
            "databases/d/schemas/dbo/tablevaluedfunctions",
        ),
        (lambda c: c.assemblies("d"), "databases/d/assemblies"),
        (lambda c: c.external_data_sources("d"), "databases/d/externaldatasources"),
        (lambda c: c.credentials("d"), "databases/d/credentials"),
        (lambda c: c.acl(), "acl"),
        (lambda c: c.acl("d"), "databases/d/acl"),
    ],
)
def test_every_list_has_its_path(ask: Any, path: str) -> None:
    client, http = catalog(empty)
    assert list(ask(client)) == []
    assert [call.path for call in http.calls] == [f"catalog/usql/{path}"]
    assert http.calls[0].query["api-version"] == "2016-11-01"


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda c: c.database("my db"), "databases/my%20db"),
        (lambda c: c.schema("d", "dbo"), "databases/d/schemas/dbo"),
        (lambda c: c.table("d", "dbo", "a/b"), "databases/d/schemas/dbo/tables/a%2Fb"),
        (lambda c: c.partition("d", "dbo", "t", "p"), "databases/d/schemas/dbo/tables/t/partitions/p"),
        (lambda c: c.statistic("d", "dbo", "t", "s"), "databases/d/schemas/dbo/tables/t/statistics/s"),
        (lambda c: c.preview("d", "dbo", "t"), "databases/d/schemas/dbo/tables/t/previewrows"),
        (
            lambda c: c.preview("d", "dbo", "t", partition="p"),
            "databases/d/schemas/dbo/tables/t/partitions/p/previewrows",
        ),
        (lambda c: c.table_type("d", "dbo", "x"), "databases/d/schemas/dbo/tabletypes/x"),
        (lambda c: c.module(ModuleKind.VIEW, "d", "dbo", "v"), "databases/d/schemas/dbo/views/v"),
        (lambda c: c.assembly("d", "x"), "databases/d/assemblies/x"),
        (lambda c: c.external_data_source("d", "x"), "databases/d/externaldatasources/x"),
        (lambda c: c.credential("d", "x"), "databases/d/credentials/x"),
        (lambda c: c.secret("d", "x"), "databases/d/secrets/x"),
    ],
)
def test_every_look_has_its_path(ask: Any, path: str) -> None:
    client, http = catalog(lambda call: answer(200, {}))
    ask(client)
    assert [(call.method, call.path) for call in http.calls] == [("GET", f"catalog/usql/{path}")]


def test_a_table_is_read_with_all_that_is_told() -> None:
    client, http = catalog(lambda call: answer(200, {"value": [TABLE]}))
    (table,) = client.tables("d", "dbo", ListOptions(top=5), basic=True)
    assert (table.name, table.database, table.schema, table.partition_keys) == ("t", "d", "dbo", ("day",))
    assert table.columns == (Column("id", "System.Int32"),)
    (index,) = table.indexes
    assert index.keys == (DirectedColumn("id", True),)
    assert index.distribution is not None
    assert (index.distribution.count, index.distribution.keys) == (2, (DirectedColumn("id"),))
    assert table.external_source == ""
    assert (http.calls[0].query["basic"], http.calls[0].query["$top"]) == ("true", "5")


def test_an_external_table_names_its_source() -> None:
    told = {**TABLE, "externalTable": {"tableName": "x", "dataSource": {"name": {"firstPart": "sql"}}}}
    assert Table.from_wire(told).external_source == "sql"


@pytest.mark.parametrize(
    ("told", "kind", "name"),
    [
        ({"viewName": "v"}, ModuleKind.VIEW, "v"),
        ({"tvfName": "f"}, ModuleKind.TABLE_VALUED_FUNCTION, "f"),
        ({"procName": "p"}, ModuleKind.PROCEDURE, "p"),
        ({"packageName": "k"}, ModuleKind.PACKAGE, "k"),
    ],
)
def test_a_module_knows_its_kind(told: dict[str, str], kind: ModuleKind, name: str) -> None:
    module = Module.from_wire({**told, "definition": "CREATE ..."})
    assert (module.kind, module.name, module.definition) == (kind, name, "CREATE ...")


def test_an_assembly_of_a_list_has_another_form() -> None:
    assert Assembly.from_wire({"assemblyClrName": "x", "clrName": "x, Version=1"}).name == "x"
    found = Assembly.from_wire(
        {"assemblyName": "x", "files": [{"originalPath": "/x.dll"}], "isUserDefined": True}
    )
    assert (found.name, found.files, found.is_user_defined) == ("x", ("/x.dll",), True)


def test_a_preview_keeps_nulls() -> None:
    told = {
        "totalRowCount": 9,
        "totalColumnCount": 1,
        "rows": [["1"], [None]],
        "truncated": True,
        "schema": [{"columnName": "id", "dataType": "int"}],
    }
    client, http = catalog(lambda call: answer(200, told))
    preview = client.preview("d", "dbo", "t", max_rows=2)
    assert (preview.rows, preview.total_rows, preview.truncated) == ((("1",), (None,)), 9, True)
    assert preview.columns == (Column("id", "int"),)
    assert http.calls[0].query["maxRows"] == "2"


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: list(c.modules(ModuleKind.PROCEDURE, "d")), "by schema"),
        (lambda c: list(c.statistics("d", None, "t")), "schema is missing"),
        (lambda c: c.grant(GUID, "Everything"), "permission must be one of None, Use"),
        (lambda c: c.grant(GUID, "Use", ace_type="Robot"), "ace_type must be one of"),
        (lambda c: c.database(""), "database must be a non-empty name"),
        (lambda c: c.preview("d", "s", "t", max_rows=0), "max_rows must be an integer above 0"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(ask: Any, words: str) -> None:
    client, http = catalog(empty)
    with pytest.raises(ConfigurationError, match=words):
        ask(client)
    assert http.calls == []


def test_credentials_are_made_changed_and_deleted() -> None:
    client, http = catalog(lambda call: answer(200))
    client.create_credential("d", "c", uri="https://x:1433", user="me", password="p1")
    client.update_credential("d", "c", password="p1", new_password="p2")
    client.delete_credential("d", "c", cascade=True, password="p2")
    client.delete_credential("d", "c")
    assert [(call.method, call.body) for call in http.calls] == [
        ("PUT", {"password": "p1", "uri": "https://x:1433", "userId": "me"}),
        ("PATCH", {"password": "p1", "newPassword": "p2"}),
        ("POST", {"password": "p2"}),
        ("POST", None),
    ]
    assert [call.query.get("cascade") for call in http.calls] == [None, None, "true", "false"]
    assert {call.path for call in http.calls} == {"catalog/usql/databases/d/credentials/c"}


def test_a_second_secret_of_the_same_name_is_a_conflict() -> None:
    client, http = catalog(lambda call: failure(409, "ResourceAlreadyExists", "already exists"))
    with pytest.raises(ConflictError, match="create secret 's': ResourceAlreadyExists"):
        client.create_secret("d", "s", password="p")
    assert http.calls[0].repeatable is False


def test_secrets_are_changed_and_deleted() -> None:
    client, http = catalog(lambda call: answer(200))
    client.create_secret("d", "s", password="p", uri="https://x:1")
    client.update_secret("d", "s", password="q")
    assert client.delete_secret("d", "s") is True
    client.delete_all_secrets("d")
    assert [
        (call.method, call.path.removeprefix("catalog/usql/databases/d/"), call.body) for call in http.calls
    ] == [
        ("PUT", "secrets/s", {"password": "p", "uri": "https://x:1"}),
        ("PATCH", "secrets/s", {"password": "q"}),
        ("DELETE", "secrets/s", None),
        ("DELETE", "secrets", None),
    ]


def test_permissions_are_granted_and_revoked() -> None:
    client, http = catalog(lambda call: answer(200))
    client.grant(GUID, "Use")
    client.grant(GUID, "All", ace_type="Group", database="d")
    client.revoke(GUID, database="d")
    assert [(call.path, call.query["op"], call.body) for call in http.calls] == [
        ("catalog/usql/acl", "GRANTACE", {"aceType": "User", "principalId": GUID, "permission": "Use"}),
        (
            "catalog/usql/databases/d/acl",
            "GRANTACE",
            {"aceType": "Group", "principalId": GUID, "permission": "All"},
        ),
        ("catalog/usql/databases/d/acl", "REVOKEACE", {"aceType": "User", "principalId": GUID}),
    ]


class FakeDirectory:
    """Role assignments of an account, and the access control lists of its catalog."""

    def __init__(self) -> None:
        self.roles: dict[str, dict[str, Any]] = {}
        self.acls: dict[str, dict[str, dict[str, str]]] = {"acl": {}, "databases/master/acl": {}}

    def __call__(self, call: Call) -> requests.Response:
        if call.path.startswith("subscriptions/"):
            return self._role(call)
        path = call.path.removeprefix("catalog/usql/")
        if path == "databases":
            return answer(200, {"value": [{"databaseName": "master"}]})
        if call.method == "GET":
            return answer(200, {"value": list(self.acls[path].values())})
        if call.query["op"] == "GRANTACE":
            self.acls[path][call.body["principalId"]] = call.body
        else:
            self.acls[path].pop(call.body["principalId"])
        return answer(200)

    def _role(self, call: Call) -> requests.Response:
        if call.method == "GET":
            return answer(200, {"value": list(self.roles.values())})
        if call.method == "DELETE":
            return answer(200 if self.roles.pop(call.path, None) else 204)
        scope = f"/{call.path.partition('/providers/Microsoft.Authorization')[0]}"
        properties = {**call.body["properties"], "scope": scope}
        self.roles[call.path] = {"id": f"/{call.path}", "name": "n", "properties": properties}
        return answer(201, self.roles[call.path])


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
def users(directory: FakeDirectory) -> AccountUsers:
    http: Any = FakeHttp(directory)
    return AccountUsers(ResourceManager(http, "s", "rg"), DataLakeAnalyticsCatalogClient(http), "a")


def test_a_user_gets_a_role_and_permissions_in_the_catalog(
    users: AccountUsers, directory: FakeDirectory
) -> None:
    users.add(GUID, databases={"master": "All"})
    users.add(GUID, databases={"master": "All"})
    assert list(users.list()) == [AccountUser(GUID, "User", ("Data Lake Analytics Developer",), "Use")]
    assert directory.acls["databases/master/acl"][GUID]["permission"] == "All"
    assert len(directory.roles) == 1


def test_a_group_is_a_group_in_the_catalog_as_well(users: AccountUsers, directory: FakeDirectory) -> None:
    users.add(GUID, "Reader", principal_type="Group")
    assert directory.acls["acl"][GUID]["aceType"] == "Group"


def test_the_catalogs_list_can_be_left_alone(users: AccountUsers, directory: FakeDirectory) -> None:
    users.add(GUID, "Owner", catalog_permission=None)
    assert directory.acls["acl"] == {}
    assert [user.roles for user in users.list()] == [("Owner",)]


def test_somebody_who_only_stands_in_the_catalog_is_listed(
    users: AccountUsers, directory: FakeDirectory
) -> None:
    directory.acls["acl"][OTHER] = {"aceType": "User", "principalId": OTHER, "permission": "All"}
    assert list(users.list()) == [AccountUser(OTHER, "User", (), "All")]


def test_a_user_is_removed_and_others_stay(users: AccountUsers, directory: FakeDirectory) -> None:
    users.add(GUID, databases={"master": "Use"})
    users.add(OTHER)
    above = {**next(iter(directory.roles.values()))}
    above["properties"] = {**above["properties"], "principalId": GUID, "scope": "/subscriptions/s"}
    directory.roles["above"] = above
    assert users.remove(GUID.upper()) is True
    assert "above" in directory.roles
    assert set(directory.acls["acl"]) == {OTHER}
    assert directory.acls["databases/master/acl"] == {}
    assert users.remove("33333333-3333-3333-3333-333333333333") is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"role": "Boss"}, "role must be one of"),
        ({"principal_type": "Robot"}, "principal_type must be one of"),
        ({"databases": {"d": "Read"}}, "permission must be one of"),
    ],
)
def test_a_wrong_user_changes_nothing(
    arguments: dict[str, Any], words: str, users: AccountUsers, directory: FakeDirectory
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        users.add(GUID, **arguments)
    assert directory.roles == {}


def test_an_entry_is_read() -> None:
    entry = AclEntry.from_wire({"aceType": "Other", "principalId": None, "permission": "None"})
    assert entry == AclEntry("Other", "", "None")
