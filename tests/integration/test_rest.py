"""What PyODPS asks of the REST interface, and what it is told when it asks for something wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps import ODPS

    from tests.integration.conftest import Emulator


def test_a_project_has_an_owner_and_times(odps: ODPS) -> None:
    project = odps.get_project()
    project.reload()
    assert project.owner == "ALIYUN$emulator"
    assert project.creation_time <= project.last_modified_time
    assert project.status.value == "AVAILABLE"
    assert project.get_property("odps.sql.timezone") == "Asia/Shanghai"
    assert int(project.extended_properties["usedQuotaPhysicalSize"]) >= 0


def test_projects_are_listed(odps: ODPS) -> None:
    assert "demo" in [project.name for project in odps.list_projects()]
    assert [project.name for project in odps.list_projects(prefix="nothing-like-it")] == []


def test_an_unknown_project_does_not_exist(emulator: Emulator, odps: ODPS) -> None:
    from odps.errors import NoSuchProject

    assert not odps.exist_project("nope")
    other = emulator.client(project="nope")
    with pytest.raises(NoSuchProject, match="nope"):
        list(other.list_tables())
    with pytest.raises(NoSuchProject, match="nope"):
        other.run_sql("select 1")


def test_an_unknown_table_does_not_exist(odps: ODPS) -> None:
    from odps.errors import NoSuchTable

    assert not odps.exist_table("nope")
    with pytest.raises(NoSuchTable, match=r"demo\.nope"):
        odps.get_table("nope").reload()


def test_a_table_has_its_columns_and_comments(odps: ODPS, table_name: str) -> None:
    from odps.models import Column, Partition, TableSchema

    schema = TableSchema(
        columns=[
            Column(name="id", type="bigint", comment="the key"),
            Column(name="tags", type="array<struct<a:string,b:decimal(10,2)>>"),
        ],
        partitions=[Partition(name="pt", type="string", comment="the day")],
    )
    odps.create_table(table_name, schema, comment='it\'s "<fine>" & ok', lifecycle=7)
    table = odps.get_table(table_name)
    assert [
        (c.name, str(c.type).lower().replace("`", ""), c.comment) for c in table.table_schema.simple_columns
    ] == [
        ("id", "bigint", "the key"),
        ("tags", "array<struct<a:string,b:decimal(10,2)>>", ""),
    ]
    assert [(p.name, p.comment) for p in table.table_schema.partitions] == [("pt", "the day")]
    assert table.comment == 'it\'s "<fine>" & ok'
    assert table.lifecycle == 7
    assert table.owner == "ALIYUN$emulator"
    assert (table.size, table.record_num, table.file_num, table.physical_size) == (0, 0, 0, 0)
    assert not table.is_virtual_view
    assert not table.is_transactional
    assert table.creation_time <= table.last_data_modified_time


def test_tables_are_listed_by_prefix(odps: ODPS, table_name: str) -> None:
    for suffix in ("b", "a", "c"):
        odps.create_table(f"{table_name}_{suffix}", "id bigint")
    assert [table.name for table in odps.list_tables(prefix=table_name)] == [
        f"{table_name}_{suffix}" for suffix in "abc"
    ]
    extended = next(iter(odps.list_tables(prefix=table_name, extended=True)))
    assert extended.file_num == 0


def test_listings_come_in_pages_that_join_without_a_gap(odps: ODPS, table_name: str) -> None:
    for number in range(5):
        odps.create_table(f"{table_name}_{number}", "id bigint")
    seen: list[str] = []
    marker = ""
    while True:
        params = {"expectmarker": "true", "name": table_name, "maxitems": "2", "marker": marker}
        response = odps.rest.get(f"{odps.endpoint}/projects/demo/tables", params=params)
        from xml.etree import ElementTree

        root = ElementTree.fromstring(response.content)
        seen += [item.findtext("Name") or "" for item in root.iterfind("Table")]
        marker = root.findtext("Marker") or ""
        if not marker:
            break
        assert len(root.findall("Table")) == 2
    assert seen == [f"{table_name}_{number}" for number in range(5)]


def test_partitions_are_found_listed_and_missed(odps: ODPS, table_name: str) -> None:
    from odps.errors import NoSuchPartition

    table = odps.create_table(table_name, ("id bigint", "pt string, region string"))
    for day in ("20130102", "20130101"):
        for region in ("eu", "us"):
            table.create_partition(f"pt={day},region={region}")
    assert [str(p.partition_spec) for p in table.partitions] == [
        "pt='20130101',region='eu'",
        "pt='20130101',region='us'",
        "pt='20130102',region='eu'",
        "pt='20130102',region='us'",
    ]
    assert len(list(table.iterate_partitions("pt=20130101"))) == 2
    assert [str(p.partition_spec) for p in table.iterate_partitions("pt>20130101,region=us")] == [
        "pt='20130102',region='us'"
    ]
    assert table.exist_partition("pt='20130101',region='eu'")
    assert not table.exist_partition("pt='20130109',region='eu'")
    assert not table.exist_partitions("pt=20130109")
    assert table.get_max_partition(skip_empty=False).partition_spec["pt"] == "20130102"
    partition = table.get_partition("pt=20130101,region=eu")
    assert (partition.size, partition.record_num, partition.file_num) == (0, 0, 0)
    assert not partition.is_archived
    with pytest.raises(NoSuchPartition):
        table.get_partition("pt=x,region=y").reload()


@pytest.mark.parametrize("spec", ["px='1'", "pt", "pt='1',pt='2'", "pt=''"])
def test_a_malformed_partition_spec_is_refused_with_the_reason(
    odps: ODPS, table_name: str, spec: str
) -> None:
    from odps.errors import InvalidParameter

    odps.create_table(table_name, ("id bigint", "pt string"))
    with pytest.raises(InvalidParameter, match="pt"):
        odps.rest.get(f"{odps.endpoint}/projects/demo/tables/{table_name}", params={"partition": spec})


def test_a_wrong_secret_and_an_unknown_access_id_are_refused(emulator: Emulator) -> None:
    from odps.errors import ODPSError, SignatureNotMatch

    with pytest.raises(SignatureNotMatch):
        list(emulator.client(secret_access_key="wrong").list_tables())
    with pytest.raises(ODPSError, match="ODPS-0410051"):
        list(emulator.client(access_id="nobody").list_tables())


def test_a_client_that_signs_with_v4_falls_back_to_v2(own_emulator: Callable[..., Emulator]) -> None:
    # Not the shared emulator: PyODPS remembers per endpoint that v4 does not work.
    client = own_emulator().client(region_name="cn-hangzhou")
    assert client.exist_project("demo")


def test_a_bearer_token_stands_for_the_account(emulator: Emulator) -> None:
    from odps.accounts import BearerTokenAccount

    client = emulator.client(account=BearerTokenAccount("emulator-token"))
    assert client.exist_project("demo")


def test_a_request_without_credentials_is_refused(emulator: Emulator) -> None:
    response = httpx.get(f"{emulator.endpoint}/projects/demo", timeout=10)
    assert response.status_code == 401
    assert "<Code>AuthorizationRequired</Code>" in response.text
    assert response.headers["x-odps-request-id"] in response.text


def test_errors_are_xml_on_rest_and_json_on_the_tunnel(emulator: Emulator) -> None:
    from xml.etree import ElementTree

    rest = httpx.get(f"{emulator.endpoint}/projects/demo/tables/t", timeout=10)
    root = ElementTree.fromstring(rest.content)
    assert [child.tag for child in root] == ["Code", "Message", "RequestId", "HostId"]
    assert all(child.text for child in root)
    tunnel = httpx.post(f"{emulator.address}/projects/demo/tables/t?downloads", timeout=10)
    assert tunnel.status_code == 401
    assert set(tunnel.json()) == {"Code", "Message", "RequestId", "HostId"}


@pytest.mark.parametrize(
    ("call", "feature"),
    [
        (lambda o: list(o.list_resources()), "resources"),
        (lambda o: list(o.list_functions()), "functions"),
        (lambda o: list(o.list_volumes()), "volumes"),
        (lambda o: list(o.list_xflows()), "XFlows"),
        (lambda o: list(o.list_roles()), "roles"),
        (lambda o: list(o.list_users()), "users"),
        (lambda o: list(o.list_offline_models()), "offline models"),
        (lambda o: o.get_project_policy(), "project policies"),
        (lambda o: o.get_security_option("object_creator_has_access_permission"), "security options"),
        (lambda o: o.run_security_query("whoami"), "security queries"),
        (lambda o: list(o.list_schemas()), "schemas"),
        (lambda o: o.execute_sql_cost("select 1"), "SQLCost"),
        (lambda o: o.run_xflow("x", "algo_public"), "XFlow"),
    ],
)
def test_what_the_emulator_does_not_have_is_named(odps: ODPS, call: Callable, feature: str) -> None:
    from odps.errors import ODPSError

    with pytest.raises(ODPSError, match=feature) as caught:
        call(odps)
    assert 400 <= caught.value.status_code < 500


def test_another_schema_does_not_exist(odps: ODPS) -> None:
    from odps.errors import NoSuchSchema

    with pytest.raises(NoSuchSchema, match="other"):
        odps.rest.get(f"{odps.endpoint}/projects/demo/tables", params={"curr_schema": "other"})


def test_unknown_addresses_are_not_found(emulator: Emulator) -> None:
    response = httpx.get(f"{emulator.address}/nonsense/at/all", timeout=10)
    assert response.status_code == 404
    assert response.headers["x-odps-request-id"]


def test_a_method_that_a_page_does_not_have_is_refused_with_those_it_has(emulator: Emulator) -> None:
    response = httpx.delete(f"{emulator.address}/jobs", timeout=10)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_the_tunnel_routes_itself(odps: ODPS, emulator: Emulator) -> None:
    response = odps.rest.get(f"{odps.endpoint}/projects/demo/tunnel", action="service")
    assert f"http://{response.text}" == emulator.address


def test_what_pyodps_asks_unasked_is_answered(odps: ODPS, emulator: Emulator) -> None:
    assert odps.get_logview_host() == emulator.address
    assert odps.default_tenant.get_parameter("odps.namespace.schema") == "false"
    assert odps.rest.put(f"{odps.endpoint}/projects/demo/logs", data="{}").status_code == 200


DEEP = b"<a>" * 20_000 + b"</a>" * 20_000
TASK = b"<Tasks><SQL><Name>a</Name><Query>select 1</Query></SQL></Tasks>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<Job/>",
        b"<Instance/>",
        b"<Instance><Job/></Instance>",
        pytest.param(b"<Instance><Job>" + DEEP + TASK + b"</Job></Instance>", id="deep"),
    ],
)
def test_a_malformed_submit_is_refused(odps: ODPS, body: bytes) -> None:
    from odps.errors import InvalidParameter

    with pytest.raises(InvalidParameter):
        odps.rest.post(f"{odps.endpoint}/projects/demo/instances", data=body)


def test_an_endless_body_is_refused(odps: ODPS) -> None:
    from odps.errors import InvalidParameter

    with pytest.raises(InvalidParameter, match="larger than"):
        odps.rest.post(f"{odps.endpoint}/projects/demo/instances", data=b"x" * (33 << 20))
