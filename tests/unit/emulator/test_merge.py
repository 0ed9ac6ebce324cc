from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.emulator.jobs import JobCancelled, JobControl, JobFailure
from airflow_provider_datalake.emulator.maxcompute.merge import SMALL_FILE_SETTING, MergeTask
from airflow_provider_datalake.emulator.maxcompute.submissions import MERGE, TaskRequest
from airflow_provider_datalake.emulator.storage import Storage
from tests.unit.emulator import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path)
    yield storage
    storage.close()


def run(storage: Storage, target: str, control: JobControl | None = None, **task: Any) -> dict[str, Any]:
    control = control or JobControl("job", storage.data_dir / "result")
    return MergeTask(storage, TaskRequest(MERGE, "m", table=target, **task), "demo", control).run()


def rows(storage: Storage, table: Any) -> list[int]:
    with storage.snapshot(table) as snapshot:
        return [value for batch in snapshot.read(["a"]) for value in batch.column(0).to_pylist()]


def at_first(name: str, action: Callable[[], None]) -> Callable[[str], None]:
    """A failpoint that acts the first time that a step is reached."""
    reached: list[str] = []

    def failpoint(step: str) -> None:
        if step == name and not reached:
            reached.append(step)
            action()

    return failpoint


def test_rows_keep_their_order_in_one_file(storage: Storage) -> None:
    table = tables.create(storage)
    for number in range(5):
        tables.insert(storage, table, [(number,)])
    result = run(storage, "demo.t")
    assert (result["files_before"], result["files_after"]) == (5, 1)
    assert rows(storage, table) == [0, 1, 2, 3, 4]
    assert storage.catalog.is_job_committed("job")


def test_a_commit_in_between_is_merged_too(storage: Storage) -> None:
    table = tables.create(storage)
    for number in range(3):
        tables.insert(storage, table, [(number,)])
    storage.failpoint = at_first("commit:begun", lambda: tables.overwrite(storage, table, [(7,), (8,)]))
    result = run(storage, "t")
    assert rows(storage, table) == [7, 8]
    assert result["files_after"] == 1


def test_a_table_that_never_stands_still_fails_the_task(storage: Storage) -> None:
    table = tables.create(storage)
    for number in range(2):
        tables.insert(storage, table, [(number,)])
    working = False

    def disturb(step: str) -> None:
        nonlocal working
        if step == "commit:begun" and not working:
            working = True
            tables.overwrite(storage, table, [(1,)])
            tables.insert(storage, table, [(2,)])
            working = False

    storage.failpoint = disturb
    with pytest.raises(JobFailure, match="ODPS-0110999"):
        run(storage, "t")
    assert rows(storage, table) == [1, 2]


def test_a_partition_that_is_dropped_meanwhile_is_left_out(storage: Storage) -> None:
    table = tables.create(storage, "p", partitions={"pt": "string"})
    for value in "ab":
        tables.insert(storage, table, [(1,)], (value,))
        tables.insert(storage, table, [(2,)], (value,))
    doomed = storage.catalog.get_partition(table, ["a"])
    storage.failpoint = at_first("commit:begun", lambda: storage.catalog.drop_partitions(table, [doomed.id]))
    assert run(storage, "p")["files_after"] == 1


def test_a_partition_that_is_asked_for_and_dropped_meanwhile_fails_the_task(storage: Storage) -> None:
    table = tables.create(storage, "p", partitions={"pt": "string"})
    for number in range(2):
        tables.insert(storage, table, [(number,)], ("a",))
    doomed = storage.catalog.get_partition(table, ["a"])
    storage.failpoint = at_first("commit:begun", lambda: storage.catalog.drop_partitions(table, [doomed.id]))
    with pytest.raises(JobFailure, match="pt='a' does not exist"):
        run(storage, "p partition(pt='a')")


def test_archive_takes_all_matching_partitions_in_one_commit(storage: Storage) -> None:
    table = tables.create(storage, partitions={"pt": "string", "hour": "bigint"})
    for pt, hour in (("a", "1"), ("a", "2"), ("b", "1")):
        tables.insert(storage, table, [(1,)], (pt, hour))
    commits: list[str] = []
    storage.failpoint = lambda step: commits.append(step) if step == "commit:committed" else None
    run(storage, "t partition(pt='a')", archive=True)
    assert [item.archived for item in storage.catalog.list_partitions(table)] == [True, True, False]
    assert len(commits) == 1


def test_an_archived_table_is_not_archived_again(storage: Storage) -> None:
    table = tables.create(storage)
    tables.insert(storage, table, [(1,)])
    run(storage, "t", archive=True)
    assert storage.catalog.get_table("demo", "t").archived
    assert "0 of 1 tables rewritten" in run(storage, "t", archive=True)["text"]


def test_files_above_the_threshold_are_left_alone(storage: Storage) -> None:
    table = tables.create(storage)
    for number in range(3):
        tables.insert(storage, table, [(number,)])
    assert run(storage, "t", settings={SMALL_FILE_SETTING: "0"})["files_after"] == 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing", "ODPS-0130131.*demo.nothing"),
        ("other.t", "ODPS-0130131.*other.t"),
        ("a.b.c.d", "ODPS-0130161"),
        ("t partition(a='1')", "not partitioned"),
        ("t partition(a='1'", "ODPS-0130161"),
        ("p partition(x='1')", "partitioned by pt, not by x"),
        ("p partition(pt='zz')", "does not exist"),
        ("p partition(pt)", "malformed partition spec"),
    ],
)
def test_wrong_targets_fail_with_the_reason(storage: Storage, target: str, message: str) -> None:
    tables.create(storage)
    tables.create(storage, "p", partitions={"pt": "string"})
    with pytest.raises(JobFailure, match=message):
        run(storage, target)


def test_a_wrong_threshold_fails_with_its_name(storage: Storage) -> None:
    tables.insert(storage, tables.create(storage), [(1,)])
    with pytest.raises(JobFailure, match=SMALL_FILE_SETTING):
        run(storage, "t", settings={SMALL_FILE_SETTING: "many"})


def test_a_cancelled_merge_changes_nothing(storage: Storage) -> None:
    table = tables.create(storage)
    for number in range(3):
        tables.insert(storage, table, [(number,)])
    control = JobControl("job", storage.data_dir / "result")
    control.cancel()
    with pytest.raises(JobCancelled):
        run(storage, "t", control)
    assert storage.catalog.statistics(table).files == 3
