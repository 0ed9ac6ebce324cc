"""The catalog of an analytics account, as Microsoft's own client sees it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.mgmt.datalake.analytics.catalog import models
from msrestazure.azure_exceptions import CloudError

from tests.integration.azure_clients import ACCOUNT, TOKEN, catalog_client, job_client
from tests.integration.test_data_lake_analytics import end, submit

if TYPE_CHECKING:
    from tests.integration.conftest import Emulator

GUID = "11111111-1111-1111-1111-111111111111"
SCRIPT = """
CREATE DATABASE {0};
CREATE SCHEMA {0}.views;
CREATE TABLE {0}.dbo.Tables (
    Id int, Region string, At DateTime?, Data byte[], Tags SqlArray<string>, Price decimal, Rate double, Ok bool,
    INDEX idx CLUSTERED (Region ASC, Id DESC) DISTRIBUTED BY HASH (Region) INTO 4
);
CREATE TABLE {0}.views.Empty (Id long?, INDEX i CLUSTERED (Id) DISTRIBUTED BY ROUND ROBIN);
CREATE VIEW {0}.dbo.V AS SELECT * FROM (VALUES (1, 2), (2, 4)) AS T(a, b);
@a = SELECT * FROM (VALUES
    (1, "north", (DateTime?) new DateTime(2024, 2, 3, 4, 5, 6), 1.50m, 0.5, true),
    (2, (string) null, (DateTime?) null, 2m, 1.0, false)
) AS D(Id, Region, At, Price, Rate, Ok);
INSERT INTO {0}.dbo.Tables
SELECT Id, Region, At, (byte[]) null AS Data, new SqlArray<string> {{ "x", "y" }} AS Tags, Price, Rate, Ok FROM @a;
"""


@pytest.fixture
def catalog(emulator: Emulator) -> Any:
    return catalog_client(emulator).catalog


@pytest.fixture(scope="module")
def database(emulator: Emulator) -> str:
    name = f"db{uuid.uuid4().hex[:12]}"
    jobs = job_client(emulator)
    job = end(jobs, submit(jobs, SCRIPT.format(name)))
    assert job.result == "Succeeded", job.error_message[0].message
    return name


def assert_missing(call: Any, *arguments: Any) -> None:
    with pytest.raises(CloudError) as missing:
        call(ACCOUNT, *arguments)
    assert (missing.value.status_code, missing.value.error.error) == (404, "ResourceNotFound")


def test_databases(catalog: Any, database: str) -> None:
    found = {one.name: one for one in catalog.list_databases(ACCOUNT)}
    assert {"master", database} <= set(found)
    one = catalog.get_database(ACCOUNT, database)
    assert (one.compute_account_name, one.version) == (ACCOUNT, found[database].version)
    assert uuid.UUID(one.version)
    assert [one.name for one in catalog.list_databases(ACCOUNT, filter=f"databaseName eq '{database}'")] == [
        database
    ]
    assert_missing(catalog.get_database, "nowhere")


def test_schemas(catalog: Any, database: str) -> None:
    names = [one.name for one in catalog.list_schemas(ACCOUNT, database)]
    assert names == ["dbo", "INFORMATION_SCHEMA", "sys", "usql", "views"]
    assert catalog.get_schema(ACCOUNT, database, "views").database_name == database
    assert_missing(catalog.get_schema, database, "nowhere")
    with pytest.raises(CloudError, match="The resource 'nowhere' does not exist"):
        list(catalog.list_schemas(ACCOUNT, "nowhere"))


def test_tables(catalog: Any, database: str) -> None:
    table = catalog.get_table(ACCOUNT, database, "dbo", "Tables")
    assert {column.name: column.type for column in table.column_list} == {
        "Id": "System.Int32",
        "Region": "System.String",
        "At": "System.Nullable`1[System.DateTime]",
        "Data": "System.Byte[]",
        "Tags": "Microsoft.Analytics.Types.Sql.SqlArray`1[System.String]",
        "Price": "System.Decimal",
        "Rate": "System.Double",
        "Ok": "System.Boolean",
    }
    (index,) = table.index_list
    assert [(key.name, key.descending) for key in index.index_keys] == [("Region", False), ("Id", True)]
    assert (index.name, index.distribution_info.type, index.distribution_info.count) == ("idx", 2, 4)
    assert [one.name for one in catalog.list_tables(ACCOUNT, database, "dbo")] == ["Tables"]
    everywhere = list(catalog.list_tables_by_database(ACCOUNT, database))
    assert [(one.schema_name, one.name) for one in everywhere] == [("dbo", "Tables"), ("views", "Empty")]
    (basic,) = catalog.list_tables(ACCOUNT, database, "dbo", basic=True)
    assert (basic.name, basic.column_list, basic.index_list) == ("Tables", [], [])
    assert_missing(catalog.get_table, database, "dbo", "tables")
    assert_missing(catalog.get_table, database, "nowhere", "Tables")


def test_views(catalog: Any, database: str) -> None:
    view = catalog.get_view(ACCOUNT, database, "dbo", "V")
    assert view.definition.startswith(f"CREATE VIEW {database}.dbo.V AS SELECT * FROM")
    assert [one.name for one in catalog.list_views(ACCOUNT, database, "dbo")] == ["V"]
    assert [one.name for one in catalog.list_views_by_database(ACCOUNT, database)] == ["V"]
    assert_missing(catalog.get_view, database, "dbo", "Tables")


def test_the_first_rows_of_a_table(catalog: Any, database: str) -> None:
    found = catalog.preview_table(ACCOUNT, database, "dbo", "Tables")
    assert (found.total_row_count, found.total_column_count, found.truncated) == (2, 8, False)
    assert sorted(found.rows) == [
        ["1", "north", "2024-02-03T04:05:06.0000000Z", None, '["x","y"]', "1.5", "0.5", "True"],
        ["2", None, None, None, '["x","y"]', "2", "1", "False"],
    ]
    small = catalog.preview_table(ACCOUNT, database, "dbo", "Tables", max_rows=1, max_columns=2)
    assert [len(row) for row in small.rows] == [2]
    assert [column.name for column in small.schema] == ["Id", "Region"]
    assert catalog.preview_table(ACCOUNT, database, "views", "Empty").rows == []
    assert_missing(catalog.preview_table, database, "dbo", "Nothing")


def test_the_files_of_a_table(catalog: Any, database: str) -> None:
    (fragment,) = catalog.list_table_fragments(ACCOUNT, database, "dbo", "Tables")
    assert (fragment.row_count, fragment.size > 0) == (2, True)
    assert fragment.create_date.year >= 2024


def test_types(catalog: Any, database: str) -> None:
    found = {one.name: one for one in catalog.list_types(ACCOUNT, database, "dbo")}
    assert {
        "System.Int32",
        "System.Int32?",
        "System.String",
        "Microsoft.Analytics.Types.Sql.SqlArray",
    } <= set(found)
    assert found["System.Int32?"].c_sharp_name == "int?"
    assert not [name for name in found if "TimeSpan" in name or "null" in name]


def test_what_cannot_be_made_is_not_there(catalog: Any, database: str) -> None:
    for lister in (
        catalog.list_procedures,
        catalog.list_table_valued_functions,
        catalog.list_table_types,
        catalog.list_packages,
        catalog.list_table_statistics_by_database_and_schema,
    ):
        assert list(lister(ACCOUNT, database, "dbo")) == []
    for lister in (
        catalog.list_assemblies,
        catalog.list_external_data_sources,
        catalog.list_table_valued_functions_by_database,
        catalog.list_table_statistics_by_database,
    ):
        assert list(lister(ACCOUNT, database)) == []
    for lister in (catalog.list_table_partitions, catalog.list_table_statistics):
        assert list(lister(ACCOUNT, database, "dbo", "Tables")) == []
    for getter in (
        catalog.get_procedure,
        catalog.get_table_valued_function,
        catalog.get_table_type,
        catalog.get_package,
    ):
        assert_missing(getter, database, "dbo", "x")
    for getter in (catalog.get_assembly, catalog.get_external_data_source):
        assert_missing(getter, database, "x")
    for getter in (
        catalog.get_table_partition,
        catalog.get_table_statistic,
        catalog.preview_table_partition,
    ):
        assert_missing(getter, database, "dbo", "Tables", "x")


def test_credentials(emulator: Emulator, catalog: Any, database: str) -> None:
    parameters = models.DataLakeAnalyticsCatalogCredentialCreateParameters(
        password="first-password", uri="https://db.example.com:443", user_id="me"
    )
    catalog.create_credential(ACCOUNT, database, "c", parameters)
    with pytest.raises(CloudError) as conflict:
        catalog.create_credential(ACCOUNT, database, "c", parameters)
    assert (conflict.value.status_code, conflict.value.error.error) == (409, "ResourceAlreadyExists")
    assert catalog.get_credential(ACCOUNT, database, "c").name == "c"
    assert [one.name for one in catalog.list_credentials(ACCOUNT, database)] == ["c"]
    changed = models.DataLakeAnalyticsCatalogCredentialUpdateParameters(
        password="first-password", new_password="second-password", uri="https://other.example.com:443"
    )
    catalog.update_credential(ACCOUNT, database, "c", changed)
    assert_missing(catalog.update_credential, database, "d", changed)
    for path in (emulator.data_dir / "stores").glob("stores.db*"):
        assert b"first-password" not in path.read_bytes()
        assert b"second-password" not in path.read_bytes()
    catalog.delete_credential(ACCOUNT, database, "c")
    assert_missing(catalog.get_credential, database, "c")
    assert list(catalog.list_credentials(ACCOUNT, database)) == []


def test_secrets(catalog: Any, database: str) -> None:
    catalog.create_secret(ACCOUNT, database, "s", password="p", uri="https://db.example.com:443")
    with pytest.raises(CloudError, match="already exists"):
        catalog.create_secret(ACCOUNT, database, "s", password="p")
    created = catalog.get_secret(ACCOUNT, database, "s").creation_time
    catalog.update_secret(ACCOUNT, database, "s", password="q")
    assert catalog.get_secret(ACCOUNT, database, "s").creation_time == created
    assert_missing(catalog.update_secret, database, "t", "p")
    catalog.create_secret(ACCOUNT, database, "t", password="p")
    catalog.delete_secret(ACCOUNT, database, "s")
    assert_missing(catalog.get_secret, database, "s")
    catalog.delete_all_secrets(ACCOUNT, database)
    assert_missing(catalog.get_secret, database, "t")


def test_access_control_lists(catalog: Any, database: str) -> None:
    grant = models.AclCreateOrUpdateParameters(ace_type="User", principal_id=GUID, permission="Use")
    catalog.grant_acl(ACCOUNT, grant)
    catalog.grant_acl_to_database(ACCOUNT, database, grant)
    grant.permission = "All"
    catalog.grant_acl_to_database(ACCOUNT, database, grant)

    def shown(entries: Any) -> list[tuple[str, str, str]]:
        return [(one.ace_type, one.principal_id, one.permission) for one in entries]

    assert shown(catalog.list_acls(ACCOUNT)) == [("User", GUID, "Use")]
    assert shown(catalog.list_acls_by_database(ACCOUNT, database)) == [("User", GUID, "All")]
    with pytest.raises(CloudError, match="'principalId' must be a GUID"):
        catalog.grant_acl(
            ACCOUNT, models.AclCreateOrUpdateParameters(ace_type="User", principal_id="x", permission="Use")
        )
    catalog.revoke_acl(ACCOUNT, "User", GUID)
    catalog.revoke_acl_from_database(ACCOUNT, database, "User", GUID)
    assert shown(catalog.list_acls(ACCOUNT)) == shown(catalog.list_acls_by_database(ACCOUNT, database)) == []


def test_lists_have_pages_and_the_form_of_odata(emulator: Emulator, database: str) -> None:
    address = f"{emulator.address}/adla/{ACCOUNT}/Catalog/USQL/databases/{database}/Schemas"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(address, params={"$top": "2", "$skip": "1"}, headers=headers, timeout=30)
    assert answer.headers["Content-Type"] == "application/json; odata.metadata=minimal"
    found = answer.json()
    assert found["@odata.context"] == f"{emulator.address}/adla/{ACCOUNT}/sqlip/$metadata#schemas"
    assert [item["schemaName"] for item in found["value"]] == ["INFORMATION_SCHEMA", "sys"]


def test_a_dropped_database_takes_its_credentials_along(emulator: Emulator, catalog: Any) -> None:
    name = f"db{uuid.uuid4().hex[:12]}"
    jobs = job_client(emulator)
    end(jobs, submit(jobs, f"CREATE DATABASE {name};"))
    version = catalog.get_database(ACCOUNT, name).version
    catalog.create_secret(ACCOUNT, name, "s", password="p")
    end(jobs, submit(jobs, f"DROP DATABASE {name}; CREATE DATABASE {name};"))
    assert catalog.get_database(ACCOUNT, name).version != version
    assert_missing(catalog.get_secret, name, "s")
