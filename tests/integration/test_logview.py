"""Logview's addresses and tokens, and the pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps import ODPS

    from tests.integration.conftest import Emulator


def get(address: str) -> httpx.Response:
    return httpx.get(address, timeout=10)


def test_the_logview_address_shows_the_statement_and_its_rows(odps: ODPS) -> None:
    instance = odps.execute_sql("select 'a <b> & c' as greeting, cast(null as bigint) as nothing")
    page = get(instance.get_logview_address())
    assert page.status_code == 200
    assert instance.id in page.text
    assert "a &lt;b&gt; &amp; c" in page.text
    assert "<b>" not in page.text
    assert '<span class="null">NULL</span>' in page.text
    assert "http-equiv" not in page.text


def test_a_failed_job_shows_its_error_where_it_is(odps: ODPS) -> None:
    instance = odps.run_sql("select *\nfrom nothing_here")
    instance.wait_for_completion(interval=0.05)
    page = get(instance.get_logview_address())
    assert "ODPS-0130131:[2,6]" in page.text
    assert '>from <mark title="Here">nothing_here</mark>' in page.text


def test_a_running_job_refreshes_itself(odps: ODPS, long_sql: str) -> None:
    instance = odps.run_sql(long_sql)
    page = get(instance.get_logview_address())
    instance.stop()
    assert '<meta http-equiv="refresh"' in page.text


def test_a_logview_token_reads_its_own_instance_over_rest(odps: ODPS, emulator: Emulator) -> None:
    from odps.accounts import BearerTokenAccount
    from odps.errors import NoPermission

    instance, other = odps.execute_sql("select 1 as a"), odps.execute_sql("select 2 as a")
    token = instance.get_logview_address().rsplit("token=", 1)[1]
    reader = emulator.client(account=BearerTokenAccount(token))
    assert reader.get_instance(instance.id).get_task_result() == '"a"\n1\n'
    with pytest.raises(NoPermission):
        reader.get_instance(other.id).get_task_result()
    with pytest.raises(NoPermission):
        list(reader.list_tables())
    with pytest.raises(NoPermission):
        reader.stop_instance(instance.id)


def test_a_token_opens_no_other_instances_page(odps: ODPS) -> None:
    instance, other = odps.execute_sql("select 1 as a"), odps.execute_sql("select 2 as a")
    page = get(instance.get_logview_address().replace(instance.id, other.id))
    assert page.status_code == 403
    assert get(instance.get_logview_address() + "x").status_code == 403


def test_a_policy_that_allows_more_than_reading_is_refused(odps: ODPS) -> None:
    from odps.errors import ODPSError

    instance = odps.execute_sql("select 1 as a")
    policy = {
        "Statement": [
            {
                "Action": ["odps:*"],
                "Effect": "Allow",
                "Resource": f"acs:odps:*:projects/demo/instances/{instance.id}",
            }
        ],
        "Version": "1",
    }
    with pytest.raises(ODPSError, match="reading one instance"):
        odps.get_project().generate_auth_token(policy, "bearer", 1)


def test_the_overview_and_the_job_list_show_a_job(odps: ODPS, emulator: Emulator) -> None:
    instance = odps.execute_sql("select 'find me' as a")
    assert instance.id in get(f"{emulator.address}/").text
    assert instance.id in get(f"{emulator.address}/jobs?project=demo&state=Success").text
    assert instance.id not in get(f"{emulator.address}/jobs?state=Cancelled").text


def test_the_job_list_pages_backwards(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator()
    client = emulator.client()
    first = client.run_sql("select 1 as a")
    for _ in range(50):
        client.run_sql("select 2 as a")
    newest = get(f"{emulator.address}/jobs").text
    assert first.id not in newest
    older = newest.split('">Older</a>')[0].rsplit('href="', 1)[1]
    assert first.id in get(f"{emulator.address}{older}").text


def test_the_table_pages_show_schema_partitions_files_and_rows(
    odps: ODPS, emulator: Emulator, table_name: str
) -> None:
    odps.execute_sql(
        f"create table {table_name} (id bigint comment 'the <key>', name string) partitioned by (pt string)"
    )
    odps.execute_sql(f"insert into {table_name} partition (pt='a b') values (7, 'seven & more')")
    assert table_name in get(f"{emulator.address}/tables?project=demo").text
    page = get(f"{emulator.address}/tables/demo/{table_name}").text
    assert "the &lt;key&gt;" in page
    assert "seven &amp; more" in page
    assert "segments/" in page
    link = page.split('">pt=a b</a>')[0].rsplit('href="', 1)[1].replace("&amp;", "&")
    assert "seven &amp; more" in get(f"{emulator.address}{link}").text


@pytest.mark.parametrize(
    "path",
    [
        "/tables/demo/nothing",
        "/tables/nothing/nothing",
        "/tables?project=nothing",
        "/logview/?p=demo&i=nothing",
        "/logview/",
    ],
)
def test_what_is_not_there_is_a_readable_404(emulator: Emulator, path: str) -> None:
    page = get(f"{emulator.address}{path}")
    assert page.status_code == 404
    assert "<h1>Not found</h1>" in page.text


@pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "state=Odd", "name=%00'%22"])
def test_odd_filters_do_not_break_the_job_list(emulator: Emulator, query: str) -> None:
    assert get(f"{emulator.address}/jobs?{query}").status_code == 200


def test_pages_forbid_scripts_and_keep_their_address_to_themselves(emulator: Emulator) -> None:
    headers = get(f"{emulator.address}/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"


def test_on_other_addresses_the_pages_ask_for_a_token(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator(
        "open", "--host", "0.0.0.0", environment={"DATALAKE_EMULATOR_PAGE_TOKEN": "let-me-in"}
    )
    address = emulator.address.replace("0.0.0.0", "127.0.0.1")
    emulator.address = address
    client = emulator.client()
    instance = client.execute_sql("select 1 as a")
    session = httpx.Client(follow_redirects=True)
    asked = session.get(f"{address}/jobs?state=Success", timeout=10)
    assert str(asked.url).startswith(f"{address}/login?next=")
    assert instance.id not in asked.text
    assert session.get(f"{address}/tables", timeout=10).url.path == "/login"
    form = {"token": "wrong", "next": "/jobs?state=Success"}
    assert session.post(f"{address}/login", data=form, timeout=10).status_code == 403
    entered = session.post(f"{address}/login", data={**form, "token": "let-me-in"}, timeout=10)
    assert entered.url == f"{address}/jobs?state=Success"
    assert instance.id in entered.text
    # An address with a token needs no other.
    assert get(instance.get_logview_address()).status_code == 200


def test_open_pages_are_not_shown_under_a_foreign_name(emulator: Emulator) -> None:
    port = emulator.address.rpartition(":")[2]
    for host, status in {"evil.example": 403, f"localhost:{port}": 200, "[::1]": 200}.items():
        response = httpx.get(f"{emulator.address}/tables", headers={"Host": host}, timeout=10)
        assert response.status_code == status
    assert httpx.get(f"{emulator.address}/health", headers={"Host": "evil.example"}).status_code == 200


def test_the_login_leads_to_no_other_site(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("open", environment={"DATALAKE_EMULATOR_PAGE_TOKEN": "t"})
    for target in ("https://example.org", "//example.org", "/\\example.org"):
        response = httpx.post(
            f"{emulator.address}/login",
            data={"token": "t", "next": target},
            follow_redirects=False,
            timeout=10,
        )
        assert response.headers["Location"] == "/"
