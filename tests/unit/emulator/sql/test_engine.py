from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.jobs import JobCancelled
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.execution import IO
from airflow_provider_datalake.emulator.storage import SegmentChange

if TYPE_CHECKING:
    from tests.unit.emulator.sql.conftest import Sql

ENDLESS = "SELECT SUM(a.i % 7 + b.i) FROM big a CROSS JOIN big b"


def add_big_table(sql: Sql, rows: int) -> None:
    import pyarrow as pa

    sql.run("CREATE TABLE big (i BIGINT)")
    table = sql.storage.catalog.get_table("demo", "big")
    staged = sql.storage.stage(table, pa.table({"i": pa.array(range(rows), pa.int64())}))
    sql.storage.commit(table, [SegmentChange(None, staged)])


def test_a_result_is_an_arrow_file_with_the_declared_types(sql: Sql):
    import pyarrow as pa

    result = sql.run("SELECT id, hired, tags, attrs FROM emp")

    schema = pa.ipc.open_file(result.path).schema
    assert [str(f.type) for f in schema] == [
        "int64",
        "timestamp[ms]",
        "list<item: string>",
        "map<string, int64>",
    ]


def test_inputs_are_what_was_read_partition_by_partition(sql: Sql):
    result = sql.run("SELECT COUNT(*) FROM sales WHERE day = '2024-01-01'")

    assert [(i.table, i.partition, i.rows) for i in result.inputs] == [
        ("demo.sales", "day=2024-01-01/region=eu", 2),
        ("demo.sales", "day=2024-01-01/region=us", 1),
    ]
    assert all(i.bytes > 0 for i in result.inputs)


@pytest.mark.parametrize(
    ("predicate", "partitions"),
    [
        ("region = 'us'", 1),
        ("day IN ('2024-01-02', '2024-01-03')", 2),
        ("SUBSTR(day, 9) > '01'", 2),
        ("day = '2024-01-01' AND n > 3", 2),
        ("day = '2024-01-01' OR n > 3", 4),
        ("CAST(day AS BIGINT) = 1 OR TRUE", 4),
    ],
)
def test_predicates_on_partition_columns_spare_partitions(sql: Sql, predicate: str, partitions: int):
    result = sql.run(f"SELECT COUNT(*) FROM sales s WHERE {predicate}")

    assert len(result.inputs) == partitions


def test_a_condition_under_an_outer_join_spares_no_partition_that_it_must_not(sql: Sql):
    rows = sql.rows("SELECT e.id FROM emp e LEFT JOIN sales s ON e.id = s.n WHERE s.day IS NULL AND e.id = 7")

    assert rows == []
    assert sql.rows("SELECT COUNT(*) FROM emp e LEFT JOIN sales s ON e.id = s.n WHERE s.day IS NULL") == [
        (3,)
    ]


def test_an_insert_says_what_it_wrote(sql: Sql):
    result = sql.run("INSERT INTO sales PARTITION (day='d', region='r') SELECT item, amount, n FROM sales")

    (output,) = result.outputs
    assert output == IO("demo.sales", "day=d/region=r", 5, output.bytes)
    assert result.rows == 5


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OVERWRITE TABLE dept SELECT code, code FROM dept",
        "CREATE TABLE copy AS SELECT * FROM dept",
        "TRUNCATE TABLE dept",
        "ALTER TABLE dept SET LIFECYCLE 3",
        "DROP TABLE dept",
    ],
)
def test_a_statement_that_changes_something_records_its_job(sql: Sql, statement: str):
    control = sql.control()

    sql.run(statement, control)

    assert sql.storage.catalog.is_job_committed(control.job_id)


def test_a_failed_statement_records_nothing(sql: Sql):
    control = sql.control()

    with pytest.raises(SqlError):
        sql.run("ALTER TABLE dept ADD COLUMNS (code STRING)", control)

    assert not sql.storage.catalog.is_job_committed(control.job_id)


def test_a_failed_insert_leaves_no_file_and_no_partition(sql: Sql):
    before = sql.segments()

    with pytest.raises(SqlError, match="ODPS-0123091"):
        sql.run(
            "INSERT INTO sales PARTITION (day='d', region='r') SELECT name, 1, CAST(name AS INT) FROM emp"
        )

    assert sql.segments() == before
    assert sql.run("SHOW PARTITIONS sales").text.count("\n") == 4


def test_a_failed_select_leaves_no_result_file(sql: Sql):
    control = sql.control()

    with pytest.raises(SqlError):
        sql.run("SELECT CAST(name AS BIGINT) FROM emp", control)

    assert not control.result_path.exists()


def test_several_partitions_are_added_all_or_none(sql: Sql):
    with pytest.raises(SqlError):
        sql.run(
            "ALTER TABLE sales ADD PARTITION (day='n', region='x') PARTITION (day='2024-01-01', region='eu')"
        )

    assert "day=n" not in sql.run("SHOW PARTITIONS sales").text


def test_progress_comes_from_the_engine_and_rises(sql: Sql):
    add_big_table(sql, 2_000_000)
    control, seen, finished = sql.control(), [], threading.Event()

    def watch() -> None:
        while not finished.wait(0.02):
            seen.extend((s.percent, s.input_records) for s in control.stages())

    watcher = threading.Thread(target=watch)
    watcher.start()
    sql.run("SELECT COUNT(DISTINCT MD5(CAST(i AS STRING))) FROM big", control)
    finished.set()
    watcher.join()

    percents = [p for p, _ in seen]
    assert percents == sorted(percents)
    assert len({p for p in percents if 0 < p < 100}) >= 3
    (stage,) = control.stages()
    assert (stage.percent, stage.input_records) == (100.0, 2_000_000)


@pytest.mark.parametrize("statement", [ENDLESS, f"INSERT OVERWRITE TABLE big {ENDLESS}"])
def test_a_running_statement_is_cancelled(sql: Sql, statement: str):
    add_big_table(sql, 1_000_000)
    control, before = sql.control(), sql.segments()
    threading.Timer(0.3, control.cancel).start()

    with pytest.raises(JobCancelled):
        sql.run(statement, control)

    assert sql.segments() == before
    assert not control.result_path.exists()


def test_a_job_cancelled_before_it_starts_does_nothing(sql: Sql):
    control = sql.control()
    control.cancel()

    with pytest.raises(JobCancelled):
        sql.run("DROP TABLE dept", control)

    assert sql.run("SHOW TABLES LIKE 'dept'").text


def test_a_statement_reads_the_table_as_it_was_while_it_overwrites_it(sql: Sql):
    sql.run("INSERT OVERWRITE TABLE dept SELECT a.code, b.title FROM dept a CROSS JOIN dept b")

    assert sql.rows("SELECT COUNT(*) FROM dept") == [(9,)]


def test_set_lines_go_before_the_settings_of_the_job(sql: Sql):
    text = "SET odps.sql.timezone=UTC; SELECT CAST(hired AS STRING) FROM emp WHERE id = 1"

    assert sql.rows(text, odps__sql__timezone="Asia/Tokyo") == [("2020-01-15 01:00:00",)]


def test_desc_shows_columns_partitions_and_size(sql: Sql):
    text = sql.run("DESC EXTENDED demo.sales").text

    lines = [line.strip("| ").rstrip(" |").split() for line in text.splitlines()]
    assert ["item", "|", "string", "|", "|", "true", "|", "NULL"] in lines
    assert ["day", "|", "string"] in lines
    assert ["RecordCount:", "5"] in lines


def test_desc_of_a_partition_shows_its_size(sql: Sql):
    text = sql.run("DESC sales PARTITION (day='2024-01-03', region='eu')").text

    assert "PartitionSize: 0 " in text


def test_what_show_create_table_writes_creates_the_table(sql: Sql):
    statement = sql.run("SHOW CREATE TABLE emp").text
    sql.run("DROP TABLE emp")

    sql.run(statement)

    assert sql.run("SHOW CREATE TABLE emp").text == statement


def test_a_deep_statement_is_refused_not_crashed_on(sql: Sql):
    with pytest.raises(SqlError, match="nested too deeply"):
        sql.run("SELECT " + "(" * 2000 + "1" + ")" * 2000)


def test_long_chains_are_fine(sql: Sql):
    union = " UNION ALL ".join(f"SELECT {i} AS x" for i in range(200))
    either = " OR ".join(f"x = {i}" for i in range(200))

    assert sql.rows(f"SELECT COUNT(*) FROM ({union}) t WHERE {either}") == [(200,)]


def test_nothing_of_duckdb_can_be_called_by_its_own_name(sql: Sql):
    for query in (
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM duckdb_settings()",
        "SELECT getenv('HOME')",
        "SELECT * FROM information_schema.tables",
    ):
        with pytest.raises(SemanticError):
            sql.run(query)


def test_statements_run_side_by_side(sql: Sql):
    results: list[object] = []

    def work(number: int) -> None:
        results.append(sql.rows(f"SELECT {number} + COUNT(*) FROM emp")[0][0])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == list(range(6, 14))


def test_two_parts_of_a_name_are_schema_and_table_when_the_flag_says_so(sql: Sql):
    assert sql.rows("SELECT COUNT(*) FROM default.dept", odps__namespace__schema="true") == [(3,)]
    with pytest.raises(SqlError, match="Table not found"):
        sql.run("SELECT COUNT(*) FROM default.dept")


def test_an_unknown_time_zone_is_refused(sql: Sql):
    with pytest.raises(SemanticError, match="unknown time zone 'Mars/Base'"):
        sql.run("SELECT 1", odps__sql__timezone="Mars/Base")


def test_a_query_may_begin_with_from(sql: Sql):
    assert sql.rows("FROM dept SELECT title WHERE code = 'hr'") == [("People",)]


def test_the_greatest_filled_partition_is_found(sql: Sql):
    assert sql.rows("SELECT MAX_PT('sales')") == [("2024-01-02",)]
