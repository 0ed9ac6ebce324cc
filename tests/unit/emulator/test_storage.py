from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from airflow_provider_datalake.emulator.catalog import CommitConflict, InvalidDefinition, NoSuchEntity, Table
from airflow_provider_datalake.emulator.storage import FAILPOINT_VARIABLE, SegmentChange, Storage
from tests.unit.emulator.tables import (
    create,
    files_on_disk,
    insert,
    overwrite,
    query,
    read,
    scan,
    specs,
    stage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.emulator.snapshot import Snapshot


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "data")
    yield storage
    storage.close()


def segment_ids(storage: Storage, table: Table) -> list[int]:
    with storage.snapshot(table) as snapshot:
        return [segment.id for segment in snapshot.segments]


class TestCommit:
    def test_rows_become_visible_with_the_commit(self, storage: Storage):
        table = create(storage)
        staged = stage(storage, table, [(1,), (2,)])
        assert scan(storage, table) == []
        storage.commit(table, [SegmentChange(None, staged)])
        assert scan(storage, table) == [(1,), (2,)]
        statistics = storage.catalog.statistics(table)
        assert (statistics.rows, statistics.files) == (2, 1)
        assert statistics.bytes == sum(
            (storage.data_dir / path).stat().st_size for path in files_on_disk(storage)
        )

    def test_a_missing_partition_is_created_only_when_asked_for(self, storage: Storage):
        table = create(storage, partitions={"p": "bigint"})
        change = SegmentChange(("01",), stage(storage, table, [(1,)]))
        with pytest.raises(NoSuchEntity, match="partition p='1' does not exist"):
            storage.commit(table, [change])
        assert storage.catalog.list_partitions(table) == []
        storage.commit(table, [change], create_partitions=True)
        assert scan(storage, table) == [(1, 1)]

    def test_one_commit_changes_several_partitions_or_none(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        insert(storage, table, [(1,)], ["a"])
        bad = [
            SegmentChange(("a",), stage(storage, table, [(2,)]), "all"),
            SegmentChange(("missing",), stage(storage, table, [(3,)])),
        ]
        with pytest.raises(NoSuchEntity):
            storage.commit(table, bad, job_id="job")
        assert scan(storage, table) == [(1, "a")]
        assert not storage.catalog.is_job_committed("job")
        storage.commit(table, bad, create_partitions=True, job_id="job")
        assert sorted(scan(storage, table)) == [(2, "a"), (3, "missing")]
        assert storage.catalog.is_job_committed("job")

    def test_an_overwrite_replaces_its_partition_and_no_other(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        for value in "abc":
            insert(storage, table, [(1,)], [value])
        overwrite(storage, table, [(9,)], ["b"])
        assert sorted(scan(storage, table)) == [(1, "a"), (1, "c"), (9, "b")]
        overwrite(storage, table, [], ["a"])
        assert sorted(scan(storage, table)) == [(1, "c"), (9, "b")]
        assert [p.values for p in storage.catalog.list_partitions(table)] == [("a",), ("b",), ("c",)]

    def test_the_target_must_fit_the_table(self, storage: Storage):
        partitioned = create(storage, "p", partitions={"p": "string"})
        flat = create(storage, "f")
        with pytest.raises(InvalidDefinition, match="name a partition"):
            storage.commit(partitioned, [SegmentChange(None, (), "all")])
        with pytest.raises(InvalidDefinition, match="no partitions"):
            storage.commit(flat, [SegmentChange(("1",), (), "all")])

    def test_a_dropped_table_takes_no_rows_even_if_there_is_a_new_one_of_its_name(self, storage: Storage):
        table = create(storage)
        staged = stage(storage, table, [(1,)])
        storage.catalog.drop_table("demo", "t")
        again = create(storage)
        with pytest.raises(CommitConflict, match="has been dropped"):
            storage.commit(table, [SegmentChange(None, staged)])
        assert scan(storage, again) == []

    def test_a_merge_keeps_what_was_inserted_meanwhile(self, storage: Storage):
        table = create(storage)
        for value in range(3):
            insert(storage, table, [(value,)])
        before = segment_ids(storage, table)
        merged = stage(storage, table, [(0,), (1,), (2,)])
        insert(storage, table, [(3,)])
        storage.commit(table, [SegmentChange(None, merged, before)])
        assert sorted(scan(storage, table)) == [(0,), (1,), (2,), (3,)]
        assert storage.catalog.statistics(table).files == 2

    def test_a_merge_of_what_was_overwritten_meanwhile_is_refused(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        insert(storage, table, [(1,)], ["a"])
        before = segment_ids(storage, table)
        merged = stage(storage, table, [(1,)])
        overwrite(storage, table, [(2,)], ["a"])
        with pytest.raises(CommitConflict):
            storage.commit(table, [SegmentChange(("a",), merged, before)])
        assert scan(storage, table) == [(2, "a")]

    def test_a_segment_is_not_removed_from_a_partition_that_it_is_not_in(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        insert(storage, table, [(1,)], ["a"])
        storage.catalog.add_partition(table, ["b"])
        with pytest.raises(CommitConflict):
            storage.commit(table, [SegmentChange(("b",), (), segment_ids(storage, table))])
        assert scan(storage, table) == [(1, "a")]

    def test_of_two_merges_at_once_one_wins(self, storage: Storage):
        table = create(storage)
        rows = [(value,) for value in range(5)]
        for row in rows:
            insert(storage, table, [row])
        before = segment_ids(storage, table)
        staged = [stage(storage, table, rows) for _ in range(4)]
        outcomes = run_together(
            lambda item: storage.commit(table, [SegmentChange(None, item, before)]), staged, CommitConflict
        )
        assert outcomes.count(None) == 1
        assert scan(storage, table) == rows

    def test_concurrent_inserts_all_arrive(self, storage: Storage):
        table = create(storage, partitions={"p": "bigint"})
        outcomes = run_together(lambda n: insert(storage, table, [(n,)], [str(n % 2)]), list(range(12)))
        assert outcomes == [None] * 12
        assert sorted(scan(storage, table)) == sorted((n, n % 2) for n in range(12))

    def test_of_concurrent_overwrites_one_is_left_whole(self, storage: Storage):
        table = create(storage)
        outcomes = run_together(lambda n: overwrite(storage, table, [(n,), (n,)]), list(range(8)))
        assert outcomes == [None] * 8
        (first, second) = scan(storage, table)
        assert first == second
        assert len(files_on_disk(storage)) == 1

    def test_a_commit_and_a_new_table_can_be_one_transaction(self, storage: Storage):
        catalog = storage.catalog
        catalog.create_project("demo")
        draft = catalog.draft_table("demo", "t", specs(a="bigint"))
        staged = stage(storage, draft, [(1,)])
        with catalog.database.transaction():
            table = catalog.create_table("demo", "t", specs(a="bigint"))
            storage.commit(table, [SegmentChange(None, staged)], job_id="ctas")
        assert scan(storage, table) == [(1,)]
        assert catalog.is_job_committed("ctas")

    def test_times_tell_data_from_definition(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        insert(storage, table, [(1,)], ["a"])
        first = storage.catalog.refresh(table)
        partition = storage.catalog.get_partition(table, ["a"])
        overwrite(storage, table, [(1,)], ["a"])
        second = storage.catalog.refresh(table)
        assert second.last_data_at > first.last_data_at
        assert second.last_ddl_at == first.last_ddl_at
        assert storage.catalog.get_partition(table, ["a"]).last_data_at > partition.last_data_at
        assert storage.catalog.get_partition(table, ["a"]).last_ddl_at == partition.last_ddl_at


class TestArchived:
    def test_only_rows_that_are_all_archived_count_as_archived(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})

        def archived() -> bool:
            return storage.catalog.get_partition(table, ["a"]).archived

        insert(storage, table, [(1,)], ["a"])
        assert not archived()
        packed = stage(storage, table, [(1,)], archived=True)
        storage.commit(table, [SegmentChange(("a",), packed, segment_ids(storage, table), archived=True)])
        assert archived()
        insert(storage, table, [(2,)], ["a"])
        assert not archived()
        storage.commit(table, [SegmentChange(("a",), stage(storage, table, [(3,)], archived=True), "all")])
        assert archived()
        storage.commit(table, [SegmentChange(("a",), (), "all")])
        assert not archived()

    def test_a_table_without_partitions_is_archived_itself(self, storage: Storage):
        table = create(storage)
        storage.commit(table, [SegmentChange(None, stage(storage, table, [(1,)], archived=True), "all")])
        assert storage.catalog.refresh(table).archived


class TestSnapshot:
    def test_a_reader_keeps_what_it_opened(self, storage: Storage):
        table = create(storage)
        insert(storage, table, [(1,)])
        with storage.snapshot(table) as snapshot:
            overwrite(storage, table, [(2,)])
            storage.catalog.drop_table("demo", "t")
            assert query(storage, f"SELECT a FROM {snapshot.scan_sql()}") == [(1,)]
            assert [batch.to_pylist() for batch in snapshot.read()] == [[{"a": 1}]]
            assert (snapshot.row_count, len(files_on_disk(storage))) == (1, 1)
        assert files_on_disk(storage) == set()

    def test_the_last_of_several_readers_lets_the_files_go(self, storage: Storage):
        table = create(storage)
        insert(storage, table, [(1,)])
        first, second = storage.snapshot(table), storage.snapshot(table)
        overwrite(storage, table, [])
        first.close()
        first.close()
        assert len(files_on_disk(storage)) == 1
        assert storage.sweep() == 0
        second.close()
        assert files_on_disk(storage) == set()

    def test_some_partitions_can_be_opened_alone(self, storage: Storage):
        table = create(storage, partitions={"p": "string", "q": "int"})
        for number, values in enumerate([("a", "1"), ("a", "2"), ("b", "1")]):
            insert(storage, table, [(number,)], values)
        chosen = storage.catalog.get_partition(table, ("a", "2"))
        with storage.snapshot(table, [chosen.id]) as snapshot:
            assert snapshot.partitions == [storage.catalog.get_partition(table, ("a", "2"))]
            assert snapshot.row_count == 1
        assert scan(storage, table, None, [chosen.id]) == [(1, "a", 2)]
        assert scan(storage, table, None, []) == []

    def test_several_can_be_of_one_moment(self, storage: Storage):
        left, right = create(storage, "l"), create(storage, "r")
        for table in (left, right):
            insert(storage, table, [(1,)])
        change = SegmentChange(None, stage(storage, right, [(2,)]))
        committed = threading.Event()
        storage.failpoint = lambda name: committed.set() if name == "commit:committed" else None
        writer = threading.Thread(target=storage.commit, args=(right, [change]))
        with storage.at_one_moment():
            first = storage.snapshot(left)
            writer.start()
            assert committed.wait(timeout=60)
            second, again = storage.snapshot(right), storage.snapshot(left)
        writer.join()
        assert [snapshot.row_count for snapshot in (first, second, again)] == [1, 1, 1]
        assert len(scan(storage, right)) == 2
        for snapshot in (first, second, again):
            snapshot.close()

    def test_partitions_and_segments_are_of_one_moment(self, storage: Storage):
        table = create(storage, partitions={"p": "bigint"})
        stop = threading.Event()

        def keep_loading(_: int) -> None:
            try:
                for number in range(30):
                    insert(storage, table, [(number,)], [str(number)])
            finally:
                stop.set()

        def keep_opening(_: int) -> None:
            while not stop.is_set():
                with storage.snapshot(table) as snapshot:
                    known = {partition.id for partition in snapshot.partitions}
                    assert {segment.partition_id for segment in snapshot.segments} == known

        assert run_together(lambda action: action(0), [keep_loading, keep_opening], AssertionError) == [
            None,
            None,
        ]

    def test_a_dropped_table_has_no_snapshot(self, storage: Storage):
        table = create(storage)
        storage.catalog.drop_table("demo", "t")
        with pytest.raises(NoSuchEntity, match=r"table demo\.t"):
            storage.snapshot(table)

    def test_no_segments_are_a_typed_empty_relation(self, storage: Storage):
        table = create(
            storage,
            partitions={"p": "bigint"},
            a="decimal(10,2)",
            b="map<string,array<timestamp>>",
            c="binary",
        )
        with storage.snapshot(table) as snapshot, closing(storage.connect()) as connection:
            described = connection.execute(f"DESCRIBE SELECT * FROM {snapshot.scan_sql()}").fetchall()
            assert [row[:2] for row in described] == [
                ("a", "DECIMAL(10,2)"),
                ("b", "MAP(VARCHAR, TIMESTAMP_NS[])"),
                ("c", "BLOB"),
                ("p", "BIGINT"),
            ]
            assert connection.execute(f"SELECT count(*) FROM {snapshot.scan_sql([])}").fetchall() == [(0,)]
            assert list(snapshot.read()) == []

    def test_columns_come_as_asked_for_and_unknown_ones_are_refused(self, storage: Storage):
        table = create(storage, partitions={"p": "string"}, a="bigint", b="bigint")
        insert(storage, table, [(1, 2)], ["x"])
        assert scan(storage, table, ["P", "b"]) == read(storage, table, ["P", "b"]) == [("x", 2)]
        with storage.snapshot(table) as snapshot:
            assert query(storage, f"SELECT count(*) FROM {snapshot.scan_sql([])}") == [(1,)]
            with pytest.raises(NoSuchEntity, match="column z"):
                snapshot.scan_sql(["z"])

    def test_partition_values_of_every_type_come_typed(self, storage: Storage):
        table = create(
            storage, partitions={"i": "bigint", "s": "string", "d": "date", "t": "tinyint", "v": "varchar(9)"}
        )
        insert(storage, table, [(1,)], ["007", "007", "2013-01-02", "-1", "ü {}$"])
        insert(storage, table, [(2,)], ["8", "it (s) [x]", "2013-01-03", "1", "b"])
        for names in (None, ["a", "i", "s", "d", "t", "v"]):
            assert scan(storage, table, names) == read(storage, table, names)
        with storage.snapshot(table) as snapshot:
            types = query(
                storage,
                f"SELECT typeof(i), typeof(s), typeof(d), typeof(t) FROM {snapshot.scan_sql()} LIMIT 1",
            )
        assert types == [("BIGINT", "VARCHAR", "DATE", "TINYINT")]

    def test_a_thousand_partitions_are_one_scan_that_reads_only_what_matches(self, storage: Storage):
        table = create(storage, partitions={"p": "bigint", "q": "string"})
        (staged,) = stage(storage, table, [(1,), (2,)])
        # A thousand real files are a slow way to have a thousand segments: the same rows under other names do.
        body = (storage.data_dir / staged.path).read_bytes()
        with storage.catalog.database.transaction():
            for number in range(1000):
                partition = storage.catalog.add_partition(table, [str(number), f"q{number}"])
                path = f"segments/{number}.parquet"
                (storage.data_dir / path).write_bytes(body)
                storage.catalog.segments.add(table.id, partition.id, path, staged.rows, staged.bytes)
        with storage.snapshot(table) as snapshot, closing(storage.connect()) as connection:
            sql = f"SELECT count(*), sum(a), min(p), max(p), count(DISTINCT q) FROM {snapshot.scan_sql()}"
            assert connection.execute(sql).fetchall() == [(2000, 3000, 0, 999, 1000)]
            wrong = f"SELECT count(*) FROM {snapshot.scan_sql()} WHERE q <> 'q' || p"
            assert connection.execute(wrong).fetchall() == [(0,)]
            one = f"SELECT sum(a) FROM {snapshot.scan_sql()} WHERE p = 123"
            assert connection.execute(one).fetchall() == [(3,)]
            plan = connection.execute(f"EXPLAIN ANALYZE {one}").fetchall()[0][1]
            assert "Total Files Read: 1 " in plan


class TestConnection:
    def test_it_is_set_up_for_queries(self, storage: Storage):
        with closing(storage.connect()) as connection:
            names = (
                "TimeZone",
                "enable_progress_bar",
                "enable_progress_bar_print",
                "autoinstall_known_extensions",
            )
            settings_found = connection.execute(
                f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}"
            ).fetchall()
        assert settings_found == [("UTC", True, False, False)]

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM read_text('{data_dir}/../other.txt')",
            "COPY (SELECT 1) TO '{data_dir}/../out.csv'",
            "ATTACH '{data_dir}/../other.db'",
            "SELECT * FROM read_blob('{data_dir}/catalog.db')",
            "COPY (SELECT 1) TO '{data_dir}/catalog.db'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SELECT * FROM python_variable",
        ],
    )
    def test_it_reaches_nothing_outside(self, storage: Storage, sql: str):
        import duckdb
        import pyarrow as pa

        python_variable = pa.table({"a": [1]})
        (storage.data_dir.parent / "other.txt").write_text("secret")
        with closing(storage.connect()) as connection, pytest.raises(duckdb.Error):
            connection.execute(sql.format(data_dir=storage.data_dir)).fetchall()
        assert python_variable.num_rows == 1
        assert not (storage.data_dir.parent / "out.csv").exists()

    def test_what_does_not_fit_into_memory_spills_into_the_data_directory(self, storage: Storage):
        with closing(storage.connect()) as connection:
            connection.execute("SET memory_limit = '64MB'")
            connection.execute("SET threads = 1")
            (rows,) = connection.execute(
                "SELECT count(*) FROM (SELECT repeat('x', 90) || i AS s FROM range(1500000) r(i) ORDER BY s DESC)"
            ).fetchone() or (0,)
            assert rows == 1_500_000
            assert list((storage.data_dir / "tmp").rglob("duckdb_temp*"))
        assert list((storage.data_dir / "tmp").rglob("duckdb_temp*")) == []

    def test_it_can_be_interrupted_from_another_thread(self, storage: Storage):
        import duckdb

        with closing(storage.connect()) as connection:
            stop = threading.Timer(0.2, connection.interrupt)
            stop.start()
            with pytest.raises(duckdb.InterruptException):
                connection.execute(
                    "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(1000000) b(i)"
                ).fetchall()
            stop.join()


class TestDisk:
    def test_a_hundred_overwrites_leave_only_the_live_rows(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        for number in range(50):
            for value in "ab":
                overwrite(storage, table, [(number,)] * 100, [value])
        assert len(files_on_disk(storage)) == 2
        live = storage.catalog.statistics(table).bytes
        used = sum(path.stat().st_size for path in (storage.data_dir / "segments").iterdir())
        assert used == live

    def test_dropped_tables_and_partitions_leave_no_file(self, storage: Storage):
        table = create(storage, partitions={"p": "string"})
        for value in "ab":
            insert(storage, table, [(1,)], [value])
        storage.catalog.drop_partitions(table, [storage.catalog.get_partition(table, ["a"]).id])
        assert len(files_on_disk(storage)) == 1
        storage.catalog.drop_table("demo", "t")
        assert files_on_disk(storage) == set()

    def test_a_drop_that_is_undone_keeps_the_files(self, storage: Storage):
        table = create(storage)
        insert(storage, table, [(1,)])

        def drop_and_fail() -> None:
            with storage.catalog.database.transaction():
                storage.catalog.drop_table("demo", "t")
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            drop_and_fail()
        storage.sweep()
        assert scan(storage, table) == [(1,)]

    def test_what_is_staged_stays_as_long_as_somebody_has_it(self, storage: Storage):
        table = create(storage)
        staged: list[Any] = stage(storage, table, [(1,)])
        assert storage.sweep() == 0
        staged.clear()
        assert storage.sweep() == 1
        assert files_on_disk(storage) == set()

    def test_what_was_staged_in_vain_goes_with_the_next_commit(self, storage: Storage):
        table = create(storage)
        stage(storage, table, [(1,)])
        insert(storage, table, [(2,)])
        assert len(files_on_disk(storage)) == 1

    def test_a_start_removes_what_nothing_lists(self, storage: Storage, tmp_path: Path):
        table = create(storage)
        insert(storage, table, [(1,)])
        (storage.data_dir / "segments" / "torn.parquet").write_bytes(b"PAR1")
        (storage.data_dir / "tmp" / "left").write_bytes(b"x")
        storage.close()
        again = Storage(tmp_path / "data")
        assert scan(again, table) == [(1,)]
        assert len(files_on_disk(again)) == 1
        assert list((again.data_dir / "tmp").iterdir()) == []
        again.close()

    def test_readers_and_writers_at_once_never_miss_a_file(self, storage: Storage):
        table = create(storage)
        overwrite(storage, table, [(0,)] * 10)
        stop = threading.Event()
        seen: list[set[tuple[Any, ...]]] = []

        def keep_reading(_: int) -> None:
            while not stop.is_set():
                with storage.snapshot(table) as snapshot:
                    seen.append({tuple(batch.column(0).to_pylist()) for batch in snapshot.read()})

        readers = threading.Thread(target=lambda: failures.extend(run_together(keep_reading, [1, 2, 3])))
        failures: list[Exception | None] = []
        readers.start()
        for number in range(40):
            overwrite(storage, table, [(number,)] * 10)
        stop.set()
        readers.join()
        assert failures == [None] * 3
        assert seen
        assert all(len(batches) == 1 and len(set(next(iter(batches)))) == 1 for batches in seen)
        assert len(files_on_disk(storage)) == 1

    def test_a_directory_belongs_to_one_emulator(self, storage: Storage):
        with pytest.raises(RuntimeError, match="another emulator uses the data directory"):
            Storage(storage.data_dir)

    def test_paths_may_hold_what_sql_and_globs_give_a_meaning(self, tmp_path: Path):
        odd = Storage(tmp_path / "we[i]rd it's*?")
        table = create(odd)
        with closing(odd.connect()) as connection:
            odd.commit(table, [SegmentChange(None, odd.stage_query(connection, table, "SELECT 1"))])
        assert scan(odd, table) == [(1,)]
        odd.close()


def test_an_unknown_failpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(FAILPOINT_VARIABLE, "nowhere")
    with pytest.raises(ValueError, match="expected one of stage:begun"):
        Storage(tmp_path)


def test_a_start_loads_no_heavy_library():
    code = (
        "import sys, pathlib, tempfile\n"
        "from airflow_provider_datalake.emulator.sessions import Sessions\n"
        "from airflow_provider_datalake.emulator.storage import Storage\n"
        "Sessions(Storage(pathlib.Path(tempfile.mkdtemp())))\n"
        "print(sorted({'duckdb', 'pyarrow', 'numpy', 'pandas', 'sqlglot'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def run_together(
    action: Any, items: list[Any], expected: type[Exception] = Exception
) -> list[Exception | None]:
    """Run an action on every item at once; what it raised, or None, per item."""
    outcomes: list[Exception | None] = [None] * len(items)
    barrier = threading.Barrier(len(items))

    def work(at: int) -> None:
        barrier.wait()
        try:
            action(items[at])
        except expected as error:
            outcomes[at] = error

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(items))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


class StorageMachine(RuleBasedStateMachine):
    """Any sequence of operations against a dictionary of lists."""

    partitions = st.sampled_from(["1", "2", "03"])
    columns = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.storage = Storage(Path(self.directory.name))
        self.table = create(self.storage, partitions={"p": "bigint"}, k="bigint", a="bigint")
        # Per partition, rows as column id -> value; per table, column name -> id.
        self.model: dict[int, list[dict[int, int]]] = {}
        self.counter = 0
        self.held: list[tuple[Snapshot, list[tuple[int | None, ...]]]] = []

    def teardown(self) -> None:
        self.storage.close()
        self.directory.cleanup()

    def _ids(self) -> dict[str, int]:
        return {column.name: column.id for column in self.table.columns}

    def _rows(self, count: int) -> list[dict[int, int]]:
        rows = []
        for _ in range(count):
            self.counter += 1
            rows.append({at: self.counter * 10 + at for at in self._ids().values()})
        return rows

    def _tuples(self, rows: list[dict[int, int]]) -> list[tuple[int | None, ...]]:
        return [tuple(row.get(column.id) for column in self.table.columns) for row in rows]

    def _expected(self) -> list[tuple[int | None, ...]]:
        return sorted(
            ((*row, part) for part, rows in self.model.items() for row in self._tuples(rows)),
            key=lambda r: r[0],
        )

    @rule(part=partitions, count=st.integers(0, 3), replace=st.booleans())
    def load(self, part: str, count: int, replace: bool) -> None:
        rows = self._rows(count)
        (overwrite if replace else insert)(self.storage, self.table, self._tuples(rows), [part])
        kept = [] if replace else self.model.get(int(part), [])
        self.model[int(part)] = kept + rows

    @rule(part=partitions, archived=st.booleans())
    def merge(self, part: str, archived: bool) -> None:
        if int(part) not in self.model:
            return
        partition = self.storage.catalog.get_partition(self.table, [part])
        names = [column.name for column in self.table.columns]
        with (
            self.storage.snapshot(self.table, [partition.id]) as snapshot,
            closing(self.storage.connect()) as connection,
        ):
            sql = f"SELECT * FROM {snapshot.scan_sql(names)}"
            staged = self.storage.stage_query(connection, self.table, sql, archived=archived)
            removed = [segment.id for segment in snapshot.segments]
        self.storage.commit(self.table, [SegmentChange(partition.values, staged, removed)])
        assert self.storage.catalog.statistics(self.table, partition.id).files <= 1

    @rule(part=partitions)
    def drop_partition(self, part: str) -> None:
        if self.model.pop(int(part), None) is not None:
            partition = self.storage.catalog.get_partition(self.table, [part])
            self.storage.catalog.drop_partitions(self.table, [partition.id])

    @rule(name=columns)
    def toggle_column(self, name: str) -> None:
        catalog = self.storage.catalog
        if name in self._ids():
            self.table = catalog.drop_columns(self.table, [name])
        else:
            self.table = catalog.add_columns(self.table, specs(**{name: "bigint"}))

    @rule(old=columns, new=columns)
    def rename_column(self, old: str, new: str) -> None:
        if old in self._ids() and new not in self._ids():
            self.table = self.storage.catalog.rename_column(self.table, old, new)

    @rule()
    def open_snapshot(self) -> None:
        self.held.append((self.storage.snapshot(self.table), self._expected()))

    @precondition(lambda self: self.held)
    @rule()
    def close_snapshot(self) -> None:
        snapshot, expected = self.held.pop(0)
        rows = [
            row
            for batch in snapshot.read()
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
        assert sorted(rows, key=lambda row: row[0]) == expected
        snapshot.close()

    @rule()
    def restart(self) -> None:
        while self.held:
            self.close_snapshot()
        self.storage.close()
        self.storage = Storage(Path(self.directory.name))

    @invariant()
    def rows_are_those_of_the_model(self) -> None:
        assert sorted(read(self.storage, self.table), key=lambda row: row[0]) == self._expected()
        total = self.storage.catalog.statistics(self.table)
        assert total.rows == sum(map(len, self.model.values()))
        assert {p.values for p in self.storage.catalog.list_partitions(self.table)} == {
            (str(part),) for part in self.model
        }

    @invariant()
    def no_file_is_left_that_nobody_needs(self) -> None:
        listed = {segment.path for segment in self.storage.catalog.segments.listed(self.table.id)}
        held = {segment.path for snapshot, _ in self.held for segment in snapshot.segments}
        assert files_on_disk(self.storage) == listed | held


TestAnySequenceOfOperations = StorageMachine.TestCase
TestAnySequenceOfOperations.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
