"""A process that is killed at any step of a change leaves whole rows of before or of after, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.sessions import Sessions, UploadStatus
from airflow_provider_datalake.emulator.storage import FAILPOINT_VARIABLE, FAILPOINTS, Storage
from tests.unit.emulator.tables import create, files_on_disk, insert, overwrite, read, scan

if TYPE_CHECKING:
    from pathlib import Path

# What the killed process does; it finds two partitions, a and b, of ten rows each.
PROGRAMS = {
    "overwrite": """
staged = storage.stage(table, pa.table({"a": [100] * 7}))
storage.commit(table, [SegmentChange(("a",), staged, "all")], job_id="job")
""",
    "merge": """
with contextlib.closing(storage.connect()) as connection, storage.snapshot(table, [part_a.id]) as snapshot:
    staged = storage.stage_query(connection, table, f"SELECT a FROM {snapshot.scan_sql()}", archived=True)
    removed = [segment.id for segment in snapshot.segments]
storage.commit(table, [SegmentChange(("a",), staged, removed)], job_id="job")
""",
    "upload": """
(staged,) = storage.stage(table, pa.table({"a": [100] * 7}))
sessions.put_block(SESSION, 1, staged)
sessions.commit_upload(SESSION)
storage.catalog.record_job("job")
""",
    "drop": """
storage.stage(table, pa.table({"a": [100] * 7}))
storage.commit(table, [SegmentChange(("b",), (), "all")])
with storage.catalog.database.transaction():
    storage.catalog.drop_partitions(table, [part_a.id])
    storage.catalog.record_job("job")
""",
}
BEFORE = Counter({1: 10, 2: 10})
AFTER = {
    "overwrite": Counter({100: 7, 2: 10}),
    "merge": BEFORE,
    "upload": Counter({1: 10, 2: 10, 50: 3, 100: 7}),
    "drop": Counter(),
}
# The drop takes two commits: the first of them empties partition b.
BETWEEN = {"drop": Counter({1: 10})}
# Steps that a program has no reason to come to; every other step must kill it.
NEVER_COMES_TO: dict[str, tuple[str, ...]] = {
    "overwrite": ("block:", "upload:"),
    "merge": ("block:", "upload:"),
    "upload": ("collect:",),
    "drop": ("block:", "upload:"),
}
PREAMBLE = """
import contextlib, os, pathlib, signal, sys
import pyarrow as pa
from airflow_provider_datalake.emulator.sessions import Sessions
from airflow_provider_datalake.emulator.storage import SegmentChange, Storage
storage = Storage(pathlib.Path(sys.argv[1]))
sessions = Sessions(storage)
SESSION = sys.argv[2]
table = storage.catalog.get_table("demo", "t")
part_a = storage.catalog.get_partition(table, ["a"])
"""


def prepare(data_dir: Path) -> str:
    storage = Storage(data_dir)
    table = create(storage, partitions={"p": "string"})
    for part, value in (("a", 1), ("b", 2)):
        for _ in range(2):
            insert(storage, table, [(value,)] * 5, [part])
    sessions = Sessions(storage)
    session = sessions.create_upload(table, ["c"], create_partition=True)
    import pyarrow as pa

    (staged,) = storage.stage(table, pa.table({"a": [50] * 3}))
    sessions.put_block(session.id, 0, staged)
    storage.close()
    return session.id


def run(data_dir: Path, session_id: str, program: str, failpoint: str | None) -> int:
    environment = {key: value for key, value in os.environ.items() if key != FAILPOINT_VARIABLE}
    if failpoint:
        environment[FAILPOINT_VARIABLE] = failpoint
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program, str(data_dir), session_id],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, None])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_kill_at_any_step_leaves_all_or_nothing(tmp_path: Path, name: str, failpoint: str | None):
    session_id = prepare(tmp_path)
    status = run(tmp_path, session_id, PROGRAMS[name], failpoint)
    if failpoint is None:
        assert status == 0
    elif not failpoint.startswith(NEVER_COMES_TO[name]):
        assert status == -signal.SIGKILL, f"{name} never comes to {failpoint}"

    storage = Storage(tmp_path)
    table = storage.catalog.get_table("demo", "t")
    rows = Counter(row[0] for row in read(storage, table))
    committed = storage.catalog.is_job_committed("job")
    allowed = [BEFORE, AFTER[name], BETWEEN.get(name, BEFORE)]
    assert rows in allowed
    assert rows == Counter(row[0] for row in scan(storage, table))
    if committed:
        assert rows == AFTER[name]
    if failpoint is None:
        assert committed
    if status and failpoint == "commit:committed" and name in ("overwrite", "merge"):
        assert committed
    if status and failpoint != "commit:committed" and not str(failpoint).startswith("collect:"):
        assert rows == BEFORE
        assert not committed

    check_every_segment(storage)
    check_the_upload(storage, session_id, committed_rows=rows[50] + rows[100] if name == "upload" else 0)
    overwrite(storage, table, [(7,)], ["a"])
    assert (7, "a") in scan(storage, table)
    storage.close()


def check_every_segment(storage: Storage) -> None:
    import pyarrow.parquet as pq

    table = storage.catalog.get_table("demo", "t")
    listed = storage.catalog.segments.listed(table.id)
    for segment in listed:
        assert pq.read_table(storage.data_dir / segment.path).num_rows == segment.rows
        assert (storage.data_dir / segment.path).stat().st_size == segment.bytes
    blocks = {path for path in storage.catalog.segments.in_use() if path not in {s.path for s in listed}}
    assert files_on_disk(storage) == {segment.path for segment in listed} | blocks
    assert storage.catalog.statistics(table).rows == sum(segment.rows for segment in listed)


def check_the_upload(storage: Storage, session_id: str, *, committed_rows: int) -> None:
    """The session is as it was, and can be committed, or it is closed and its rows are there."""
    sessions = Sessions(storage)
    session = sessions.get_upload(session_id)
    assert session.blocks[0].rows == 3
    assert (session.status is UploadStatus.CLOSED) == bool(committed_rows)
    sessions.commit_upload(session_id)
    rows = Counter(row[0] for row in read(storage, storage.catalog.get_table("demo", "t")))
    assert rows[50] == 3
    assert sessions.get_upload(session_id).status is UploadStatus.CLOSED


def test_a_kill_while_leftovers_are_swept_does_not_hinder_the_next_start(tmp_path: Path):
    session_id = prepare(tmp_path)
    for number in range(3):
        (tmp_path / "segments" / f"left{number}.parquet").write_bytes(b"torn")
    assert run(tmp_path, session_id, "", "collect:deleted-one") == -signal.SIGKILL
    storage = Storage(tmp_path)
    check_every_segment(storage)
    storage.close()
