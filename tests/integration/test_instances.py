"""The life of instances, as PyODPS sees it."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps import ODPS
    from odps.models import Instance

    from tests.integration.conftest import Emulator


@pytest.fixture
def long_running(
    odps: ODPS, long_sql: str, task_status: Callable[[Instance], str], wait_until: Callable[..., None]
) -> Instance:
    instance = odps.run_sql(long_sql)
    wait_until(lambda: bool(instance.get_task_progress("AnonymousSQLTask").stages))
    assert task_status(instance) == "RUNNING"
    return instance


def test_a_select_gives_its_rows_as_csv(odps: ODPS) -> None:
    instance = odps.execute_sql(
        "select 1 as a, 'x,\"y\"\nz' as b, cast(null as string) as c, 1.5 as d, true as e, '' as f"
    )
    assert instance.get_task_result() == '"a","b","c","d","e","f"\n1,"x,""y""\nz",\\N,1.5,true,""\n'
    with instance.open_reader(tunnel=False) as reader:
        (record,) = list(reader)
    assert list(record.values) == [1, 'x,"y"\nz', None, pytest.approx(1.5), True, ""]


def test_the_result_stops_at_ten_thousand_rows_and_says_so(odps: ODPS) -> None:
    rows = ",".join(f"({n})" for n in range(10_001))
    instance = odps.execute_sql(f"select * from (values {rows}) t(n)")
    assert len(instance.get_task_result().splitlines()) == 10_001
    assert instance.get_result_descriptor().select_result_status == "TRUNCATED"


def test_a_failure_has_the_codes_class_and_position(
    odps: ODPS, task_status: Callable[[Instance], str]
) -> None:
    from odps.errors import NoSuchTable, ParseError

    instance = odps.run_sql("select *\nfrom nothing_here")
    with pytest.raises(NoSuchTable, match=r"\[2,6\].*nothing_here") as caught:
        instance.wait_for_success(interval=0.05)
    assert caught.value.instance_id == instance.id
    assert task_status(instance) == "FAILED"
    with pytest.raises(ParseError):
        odps.execute_sql("selekt 1")


def test_a_submit_returns_before_the_job_ends(long_running: Instance) -> None:
    assert long_running.status.value == "Running"
    assert not long_running.is_terminated()
    assert long_running.get_task_result() == ""
    long_running.stop()


def test_stop_cancels_a_long_query_fast(
    long_running: Instance, task_status: Callable[[Instance], str]
) -> None:
    from odps.errors import ODPSError

    begin = time.monotonic()
    long_running.stop()
    long_running.wait_for_completion(interval=0.05)
    assert time.monotonic() - begin < 3
    assert task_status(long_running) == "CANCELLED"
    with pytest.raises(ODPSError, match="CANCELLED"):
        long_running.wait_for_success()


def test_an_instance_that_ended_cannot_be_stopped(odps: ODPS) -> None:
    from odps.errors import InvalidStateSetting

    instance = odps.execute_sql("select 1 as a")
    with pytest.raises(InvalidStateSetting):
        odps.stop_instance(instance.id)
    assert instance.is_successful()


def test_a_held_status_request_answers_when_the_job_ends(long_running: Instance) -> None:
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(long_running.reload, blocking=True)
        assert not held.done()
        long_running.stop()
        held.result(4)
    assert long_running.status.value == "Terminated"


def test_an_instance_has_its_source_settings_and_owner(odps: ODPS) -> None:
    key = uuid.uuid4().hex
    sql = "select '<a & b>' as x,\n\t'ünï  ' as y"
    instance = odps.execute_sql(
        sql, hints={"odps.sql.mapper.split.size": 16}, priority=3, unique_identifier_id=key
    )
    again = odps.get_instance(instance.id)
    assert again.get_sql_query() == sql + ";"
    assert again.get_unique_identifier_id() == key
    assert again.priority == 3
    assert again.owner == "ALIYUN$emulator"
    assert again.start_time <= again.end_time
    assert again.get_task_names() == ["AnonymousSQLTask"]
    assert '"odps.sql.mapper.split.size": "16"' in again.tasks[0].properties["settings"]


def test_a_carriage_return_in_the_query_survives(odps: ODPS) -> None:
    body = (
        "<Instance><Job><Priority>9</Priority><Tasks><SQL><Name>AnonymousSQLTask</Name>"
        "<Query>select 1&#13;\nas a;</Query></SQL></Tasks></Job></Instance>"
    )
    response = odps.rest.post(f"{odps.endpoint}/projects/demo/instances", data=body)
    instance = odps.get_instance(response.headers["Location"].rsplit("/", 1)[1])
    assert instance.get_sql_query() == "select 1\r\nas a;"
    instance.wait_for_success(interval=0.05)


def test_the_same_key_gives_the_same_instance_even_for_other_sql(odps: ODPS) -> None:
    key = uuid.uuid4().hex
    first = odps.run_sql("select 1 as a", unique_identifier_id=key)
    second = odps.run_sql("select 2 as a", unique_identifier_id=key)
    assert second.id == first.id
    assert second.get_sql_query() == "select 1 as a;"
    second.wait_for_success(interval=0.05)


def test_fifty_concurrent_submits_of_one_key_make_one_instance(odps: ODPS, emulator: Emulator) -> None:
    key = uuid.uuid4().hex
    begin = int(time.time())

    def submit(number: int) -> str:
        return emulator.client().run_sql(f"select {number} as a", unique_identifier_id=key).id

    with ThreadPoolExecutor(50) as pool:
        ids = set(pool.map(submit, range(50)))
    assert len(ids) == 1
    listed = [
        instance.id
        for instance in odps.list_instances(start_time=begin)
        if instance.get_unique_identifier_id() == key
    ]
    assert listed == list(ids)


def test_the_same_key_gives_the_same_instance_after_a_restart(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator()
    first = emulator.client().run_sql("select 1 as a", unique_identifier_id="k")
    first.wait_for_success(interval=0.05)
    emulator.restart()
    second = emulator.client().run_sql("select 2 as a", unique_identifier_id="k")
    assert second.id == first.id
    assert second.get_task_result() == '"a"\n1\n'


def test_instances_are_listed_filtered_and_paged(own_emulator: Callable[..., Emulator]) -> None:
    odps = own_emulator().client()
    before = int(time.time())
    ids = [odps.execute_sql(f"select {n} as a").id for n in range(5)]
    assert [i.id for i in odps.list_instances()] == ids
    assert [i.id for i in odps.get_project().instances.iterate(max_items=2)] == ids
    assert [i.id for i in odps.list_instances(status="Terminated", only_owner=True)] == ids
    assert list(odps.list_instances(status="Running")) == []
    assert list(odps.list_instances(status="Suspended")) == []
    assert [i.id for i in odps.list_instances(start_time=before)] == ids
    assert [i.id for i in odps.list_instances(end_time=time.time() + 1)] == ids
    assert list(odps.list_instances(end_time=before - 5)) == []
    assert list(odps.list_instances(start_time=datetime.now().timestamp() + 5)) == []
    assert list(odps.get_project().instances.iterate(job_name="nothing")) == []
    listed = next(iter(odps.list_instances()))
    assert (listed.status.value, listed.owner) == ("Terminated", "ALIYUN$emulator")


def test_pages_are_capped_at_a_thousand(odps: ODPS) -> None:
    from xml.etree import ElementTree

    response = odps.rest.get(f"{odps.endpoint}/projects/demo/instances", params={"maxitems": "5000"})
    assert ElementTree.fromstring(response.content).findtext("MaxItems") == "1000"


@pytest.mark.parametrize(
    "params",
    [
        {"status": "Odd"},
        {"daterange": "now"},
        {"daterange": "x:y"},
        {"maxitems": "0"},
        {"marker": "abc"},
        {"marker": "9" * 30},
    ],
)
def test_a_listing_with_wrong_parameters_is_refused(odps: ODPS, params: dict[str, str]) -> None:
    from odps.errors import InvalidParameter

    with pytest.raises(InvalidParameter):
        odps.rest.get(f"{odps.endpoint}/projects/demo/instances", params=params)


@pytest.mark.parametrize("priority", [10, 2**70])
def test_a_priority_that_the_service_does_not_have_is_refused(odps: ODPS, priority: int) -> None:
    from odps.errors import InvalidParameter

    with pytest.raises(InvalidParameter, match="from 0 to 9"):
        odps.run_sql("select 1", priority=priority)


def test_an_unknown_instance_does_not_exist(odps: ODPS) -> None:
    from odps.errors import NoSuchObject

    assert not odps.exist_instance("20250101000000000gnothing0")
    with pytest.raises(NoSuchObject):
        odps.stop_instance("20250101000000000gnothing0")


def test_an_instance_of_another_project_does_not_exist(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("two", "--project", "one", "--project", "two")
    instance = emulator.client("one").execute_sql("select 1 as a")
    assert not emulator.client("two").exist_instance(instance.id)
    assert emulator.client("two").execute_sql("select 1 as a", unique_identifier_id="k").is_successful()


def test_a_long_query_shows_rising_progress(
    odps: ODPS, table_name: str, wait_until: Callable[..., None]
) -> None:
    digits = " UNION ALL ".join(f"SELECT '{n}' AS x" for n in range(10))
    factors = " CROSS JOIN ".join(f"({digits}) t{n}" for n in range(6))
    text = ", ".join(f"t{n}.x" for n in range(6))
    odps.execute_sql(f"create table {table_name} as select concat({text}) as x from {factors}")
    value = "x"
    for _ in range(40):
        value = f"md5({value})"
    instance = odps.run_sql(f"select max({value}) as m from {table_name}")
    seen: list[int] = []

    def risen() -> bool:
        stages = instance.get_task_progress().stages
        if stages and (not seen or stages[0].finished_percentage > seen[-1]):
            seen.append(stages[0].finished_percentage)
        return len(seen) >= 3

    wait_until(risen, seconds=60, pause=0.2)
    instance.stop()
    assert seen == sorted(set(seen))


def test_the_summary_names_inputs_and_outputs(odps: ODPS, table_name: str) -> None:
    odps.execute_sql(f"create table {table_name} (id bigint)")
    instance = odps.execute_sql(f"insert into {table_name} values (1), (2)")
    summary = instance.get_task_summary(with_finalized=True)
    assert summary.finalized
    assert summary["Outputs"][f"demo.{table_name}"][0] == 2
    assert f"demo.{table_name}: 2 (" in summary.summary_text
    read = odps.execute_sql(f"select * from {table_name}")
    assert read.get_task_summary()["Inputs"][f"demo.{table_name}"][0] == 2
    assert read.get_task_cost().input_size > 0


def test_details_quota_and_queueing_are_answered(odps: ODPS, long_running: Instance) -> None:
    assert long_running.get_task_detail()["mapReduce"]["jobs"][0]["name"] == "AnonymousSQLTask"
    assert long_running.get_task_workers()
    assert long_running.get_task_quota()["running"] >= 1
    info = long_running.get_queueing_info()
    assert (info.instance_id, info.status.value) == (long_running.id, "Running")
    waiting = {info.instance_id for info in odps.list_instance_queueing_infos()}
    assert long_running.id in waiting
    long_running.stop()


def test_another_task_name_does_not_exist(odps: ODPS) -> None:
    from odps.errors import NoSuchObject

    with pytest.raises(NoSuchObject, match="other"):
        odps.execute_sql("select 1 as a").get_task_progress("other")


def insert_small_files(odps: ODPS, table: str, partition: str, count: int) -> None:
    for number in range(count):
        odps.execute_sql(f"insert into {table} partition (pt='{partition}') values ({number})")


def test_merge_makes_one_file_of_many_and_keeps_the_rows(odps: ODPS, table_name: str) -> None:
    odps.execute_sql(f"create table {table_name} (id bigint) partitioned by (pt string)")
    insert_small_files(odps, table_name, "a", 4)
    insert_small_files(odps, table_name, "b", 2)
    instance = odps.execute_merge_files(table_name, partition="pt='a'")
    table = odps.get_table(table_name)
    assert [table.get_partition(f"pt={pt}").file_num for pt in "ab"] == [1, 2]
    with odps.execute_sql(f"select id from {table_name} where pt = 'a'").open_reader(tunnel=True) as reader:
        assert sorted(record[0] for record in reader) == [0, 1, 2, 3]
    summary = instance.get_task_summary()
    assert (summary["FilesBefore"], summary["FilesAfter"]) == (4, 1)
    assert summary["BytesBefore"] > summary["BytesAfter"] > 0
    assert "4 files" in summary.summary_text
    assert instance.get_task_names()[0].startswith("merge_task")


def test_merge_without_a_partition_takes_all_of_them(odps: ODPS, table_name: str) -> None:
    odps.execute_sql(f"create table {table_name} (id bigint) partitioned by (pt string)")
    insert_small_files(odps, table_name, "a", 2)
    insert_small_files(odps, table_name, "b", 3)
    # PyODPS makes a Merge task of this statement.
    odps.execute_sql(f"alter table {table_name} merge smallfiles")
    assert odps.get_table(table_name).file_num == 2


def test_a_merge_with_nothing_to_do_changes_nothing(odps: ODPS, table_name: str) -> None:
    odps.execute_sql(f"create table {table_name} (id bigint)")
    odps.execute_sql(f"insert into {table_name} values (1)")
    before = odps.get_table(table_name).last_data_modified_time
    summary = odps.execute_merge_files(table_name).get_task_summary()
    assert summary["FilesBefore"] == summary["FilesAfter"] == 1
    assert odps.get_table(table_name).last_data_modified_time == before


def test_archive_marks_and_recompresses_a_partition(odps: ODPS, table_name: str) -> None:
    odps.execute_sql(f"create table {table_name} (id bigint, text string) partitioned by (pt string)")
    rows = ",".join(f"({n}, 'a text that compresses {n % 7} well')" for n in range(3000))
    for pt in "ab":
        odps.execute_sql(f"insert into {table_name} partition (pt='{pt}') values {rows}")
    summary = odps.execute_archive_table(table_name, partition="pt='a'").get_task_summary()
    table = odps.get_table(table_name)
    archived, other = table.get_partition("pt=a"), table.get_partition("pt=b")
    assert (archived.is_archived, other.is_archived) == (True, False)
    assert archived.physical_size < other.physical_size
    assert summary["BytesAfter"] < summary["BytesBefore"]
    assert archived.record_num == 3000
    again = odps.execute_archive_table(table_name, partition="pt='a'").get_task_summary()
    assert again["BytesBefore"] == again["BytesAfter"]


@pytest.mark.parametrize(
    ("partition", "message"),
    [("px='1'", "px"), ("pt='nothing'", "does not exist")],
)
def test_a_merge_of_a_wrong_partition_fails(
    odps: ODPS, table_name: str, partition: str, message: str
) -> None:
    from odps.errors import ODPSError

    odps.execute_sql(f"create table {table_name} (id bigint) partitioned by (pt string)")
    with pytest.raises(ODPSError, match=f"ODPS-0130071.*{message}"):
        odps.execute_merge_files(table_name, partition=partition)


def test_a_merge_of_an_unknown_table_fails(odps: ODPS) -> None:
    from odps.errors import NoSuchTable

    with pytest.raises(NoSuchTable):
        odps.execute_merge_files("nothing_here")


def test_freezing_is_refused_by_name(odps: ODPS, table_name: str) -> None:
    from odps.errors import ODPSError

    odps.execute_sql(f"create table {table_name} (id bigint)")
    with pytest.raises(ODPSError, match="FREEZE"):
        odps.execute_sql(f"alter table {table_name} freeze")
