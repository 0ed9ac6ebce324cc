from __future__ import annotations

import datetime as dt
import math
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.emulator.catalog import ColumnSpec, Table
from airflow_provider_datalake.emulator.maxcompute.types import arrow_type, duckdb_type, parse_type
from airflow_provider_datalake.emulator.segments import ROW_GROUP_ROWS, SchemaMismatch
from airflow_provider_datalake.emulator.storage import SegmentChange, Storage
from tests.unit.emulator.tables import create, insert, overwrite, query, read, scan, specs, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUES: dict[str, list[Any]] = {
    "tinyint": [-128, 127],
    "smallint": [-(2**15), 2**15 - 1],
    "int": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63), 2**63 - 1, 0],
    "float": [math.inf, -math.inf, -0.0, 3.4028234663852886e38],
    "double": [math.inf, 5e-324, 1.7976931348623157e308],
    "boolean": [True, False],
    "string": ["", "naïve 例 🦆", "a'b\"c\\d\n\t\x00", "x" * 100_000],
    "varchar(10)": ["ab", ""],
    "char(3)": ["ab"],
    "json": ['{"a": [1, null]}'],
    "binary": [b"", b"\x00\xff'\\"],
    "date": [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31)],
    "datetime": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999000)],
    "timestamp": [1, -(10**18), 9223372036854775806, -9223372036854775806],
    "timestamp_ntz": [1_357_000_000_123_456_789],
    "decimal(38,18)": [Decimal("99999999999999999999.999999999999999999"), Decimal("-0.000000000000000001")],
    "decimal(1,0)": [Decimal(-9), Decimal(9)],
    "array<bigint>": [[], [1, None, -(2**63)]],
    "array<array<string>>": [[[], None, ["a", None]]],
    "map<string,bigint>": [[], [("a", 1), ("b", None)]],
    "map<bigint,array<double>>": [[(1, [0.5, None])]],
    "struct<x:bigint,y:string>": [{"x": 1, "y": None}, {"x": None, "y": None}],
    "struct<a:array<struct<b:map<string,date>>>>": [{"a": [{"b": [("k", dt.date(2020, 2, 29))]}, None]}],
    "array<timestamp>": [[1, None]],
    "array<decimal(20,3)>": [[Decimal("12345678901234567.891")]],
    "struct<order:int,`group`:string>": [{"order": 1, "group": "g"}],
}


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "data")
    yield storage
    storage.close()


def rewrite(storage: Storage, table: Table, *, archived: bool = False) -> None:
    """Send every row through DuckDB and back into new segments, as INSERT OVERWRITE and ARCHIVE do."""
    with closing(storage.connect()) as connection, storage.snapshot(table) as snapshot:
        names = [column.name for column in table.columns]
        staged = storage.stage_query(
            connection, table, f"SELECT * FROM {snapshot.scan_sql(names)}", archived=archived
        )
    storage.commit(table, [SegmentChange(None, staged, "all")])


@pytest.mark.parametrize("type_text", VALUES)
def test_every_type_survives_both_ways_of_writing_and_both_ways_of_reading(storage: Storage, type_text: str):
    import pyarrow as pa

    data_type = parse_type(type_text)
    table = create(storage, v=type_text)
    expected = pa.array([None, *VALUES[type_text], None], arrow_type(data_type))
    storage.commit(table, [SegmentChange(None, storage.stage(table, pa.table({"v": expected})))])
    archived_arrow = storage.stage(table, pa.table({"v": expected}), archived=True)
    for prepare_next in (
        lambda: rewrite(storage, table),
        lambda: rewrite(storage, table, archived=True),
        lambda: storage.commit(table, [SegmentChange(None, archived_arrow, "all")]),
        lambda: None,
    ):
        with storage.snapshot(table) as snapshot:
            batches = list(snapshot.read())
            assert [batch.schema.types for batch in batches] == [[arrow_type(data_type)]]
            assert pa.chunked_array([batch.column(0) for batch in batches]).combine_chunks().equals(expected)
            with closing(storage.connect()) as connection:
                scanned = connection.sql(
                    f"SELECT v, typeof(v) AS t FROM {snapshot.scan_sql()}"
                ).to_arrow_table()
        unquoted = duckdb_type(data_type).replace('"', "")
        assert {name.replace('"', "") for name in scanned["t"].to_pylist()} == {unquoted}
        assert scanned["v"].combine_chunks().cast(arrow_type(data_type)).equals(expected)
        prepare_next()


def test_not_a_number_stays_one(storage: Storage):
    table = create(storage, v="double")
    insert(storage, table, [(math.nan,), (1.0,)])
    rewrite(storage, table)
    assert math.isnan(read(storage, table)[0][0])


class TestFieldIds:
    def test_files_carry_the_permanent_ids(self, storage: Storage):
        import pyarrow.parquet as pq

        table = storage.catalog.drop_columns(create(storage, a="int", b="int"), ["a"])
        table = storage.catalog.add_columns(table, specs(a="string"))
        insert(storage, table, [(1, "x")])
        for _ in range(2):
            with storage.snapshot(table) as snapshot:
                schema = pq.read_schema(storage.data_dir / snapshot.segments[0].path)
            assert {f.name: f.metadata[b"PARQUET:field_id"] for f in schema} == {"b": b"2", "a": b"3"}
            rewrite(storage, table)

    def test_a_column_that_was_dropped_and_added_again_does_not_show_the_old_values(self, storage: Storage):
        table = create(storage, a="bigint", b="bigint")
        insert(storage, table, [(1, 10)])
        table = storage.catalog.drop_columns(table, ["b"])
        table = storage.catalog.add_columns(table, specs(b="string"))
        insert(storage, table, [(2, "new")])
        assert scan(storage, table) == read(storage, table) == [(1, None), (2, "new")]

    def test_swapped_names_swap_with_their_values(self, storage: Storage):
        table = create(storage, a="bigint", b="bigint")
        insert(storage, table, [(1, 10)])
        for old, new in (("a", "x"), ("b", "a"), ("x", "b")):
            table = storage.catalog.rename_column(table, old, new)
        insert(storage, table, [(2, 20)])
        assert [column.name for column in table.columns] == ["b", "a"]
        assert scan(storage, table, ["a", "b"]) == read(storage, table, ["a", "b"]) == [(10, 1), (20, 2)]

    def test_older_rows_are_null_in_a_new_column_of_any_type(self, storage: Storage):
        table = create(storage, a="bigint")
        insert(storage, table, [(1,)])
        table = storage.catalog.add_columns(
            table,
            specs(s="struct<x:int,y:array<string>>", m="map<string,int>", d="decimal(10,2)", t="timestamp"),
        )
        insert(storage, table, [(2, {"x": 1, "y": ["z"]}, [("k", 1)], Decimal("1.50"), 5)])
        for rows in (scan(storage, table, ["a", "s", "m", "d"]), read(storage, table, ["a", "s", "m", "d"])):
            assert rows == [
                (1, None, None, None),
                (2, {"x": 1, "y": ["z"]}, [("k", 1)], Decimal("1.50")),
            ]
        assert query_on(storage, table, "SELECT a FROM {} WHERE s IS NULL AND t IS NULL") == [(1,)]

    @pytest.mark.parametrize(
        ("old", "new", "value", "large"),
        [
            ("tinyint", "bigint", 7, 2**40),
            ("int", "bigint", -5, 2**40),
            ("float", "double", 0.5, 1e300),
            ("decimal(5,2)", "decimal(20,4)", Decimal("1.25"), Decimal("123456789012.1234")),
            ("varchar(3)", "string", "abc", "abcdef"),
        ],
    )
    def test_values_from_before_a_widening_are_read_and_found(
        self, storage: Storage, old: str, new: str, value: Any, large: Any
    ):
        table = create(storage, v=old)
        insert(storage, table, [(value,)])
        table = storage.catalog.change_column(table, "v", type=new)
        insert(storage, table, [(large,)])
        assert scan(storage, table) == read(storage, table) == [(value,), (large,)]
        with storage.snapshot(table) as snapshot:
            types = query(storage, f"SELECT DISTINCT typeof(v) FROM {snapshot.scan_sql()}")
        assert types == [(duckdb_type(parse_type(new)),)]
        sql_value = f"'{value}'" if isinstance(value, str) else str(value)
        assert query_on(storage, table, f"SELECT v FROM {{}} WHERE v = {sql_value}") == [(value,)]
        rewrite(storage, table)
        assert read(storage, table) == [(value,), (large,)]

    def test_columns_may_be_called_like_duckdbs_own(self, storage: Storage):
        names = ("file_index", "filename", "file_row_number", "rowid", "select", "c1", "1st", "名")
        table = create(storage, partitions={"p": "string"}, **dict.fromkeys(names, "bigint"))
        insert(storage, table, [tuple(range(8))], ["x"])
        insert(storage, table, [tuple(range(8, 16))], ["y"])
        expected = [(*range(8), "x"), (*range(8, 16), "y")]
        assert scan(storage, table) == read(storage, table) == expected


def query_on(storage: Storage, table: Table, sql: str) -> list[tuple[Any, ...]]:
    with storage.snapshot(table) as snapshot:
        return query(storage, sql.format(snapshot.scan_sql()))


class TestStage:
    def test_columns_are_matched_by_name(self, storage: Storage):
        import pyarrow as pa

        table = create(storage, a="bigint", b="string")
        staged = storage.stage(table, pa.table({"B": ["x"], "a": [1]}))
        storage.commit(table, [SegmentChange(None, staged)])
        assert read(storage, table) == [(1, "x")]

    def test_a_column_that_is_left_out_is_null(self, storage: Storage):
        import pyarrow as pa

        table = create(storage, a="bigint", b="string")
        storage.commit(table, [SegmentChange(None, storage.stage(table, pa.table({"a": [1]})))])
        assert read(storage, table) == [(1, None)]

    def test_an_unknown_or_doubled_column_is_refused(self, storage: Storage):
        import pyarrow as pa

        table = create(storage, a="bigint")
        for names in (["a", "z"], ["a", "A"]):
            with pytest.raises(SchemaMismatch, match="expected the columns a; found"):
                storage.stage(table, pa.Table.from_arrays([pa.array([1])] * 2, names=names))

    def test_a_type_is_converted_only_without_loss(self, storage: Storage):
        import pyarrow as pa

        table = create(storage, a="int", d="datetime")
        data = pa.table({"a": pa.array([1], pa.int64()), "d": pa.array([1000], pa.timestamp("us"))})
        storage.commit(table, [SegmentChange(None, storage.stage(table, data))])
        assert read(storage, table) == [(1, dt.datetime(1970, 1, 1, 0, 0, 0, 1000))]
        for bad in (
            {"a": pa.array([2**40])},
            {"d": pa.array([1], pa.timestamp("us"))},
            {"a": pa.array([[1]])},
        ):
            with pytest.raises(SchemaMismatch, match="column [ad]: "):
                storage.stage(table, pa.table(bad))

    def test_text_that_is_not_utf8_is_refused(self, storage: Storage):
        import pyarrow as pa

        table = create(storage, a="array<string>")
        text = pa.Array.from_buffers(
            pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
        )
        nested = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), text)
        with pytest.raises(SchemaMismatch, match="column a"):
            storage.stage(table, pa.table({"a": nested}))

    @pytest.mark.parametrize("type_text", ["bigint", "array<bigint>"])
    def test_null_is_refused_where_it_is_not_allowed(self, storage: Storage, type_text: str):
        storage.catalog.create_project("demo")
        table = storage.catalog.create_table("demo", "t", [ColumnSpec("a", type_text, nullable=False)])
        with pytest.raises(SchemaMismatch, match="column a does not allow NULL"):
            stage(storage, table, [(None,)])
        with (
            closing(storage.connect()) as connection,
            pytest.raises(SchemaMismatch, match="column a does not allow NULL"),
        ):
            storage.stage_query(connection, table, "SELECT NULL")
        assert list((storage.data_dir / "segments").iterdir()) == []

    def test_a_query_with_another_number_of_columns_is_refused(self, storage: Storage):
        table = create(storage, a="bigint")
        for sql in ("SELECT 1, 2", "SELECT 1 AS a, 2 AS b, 3 AS c"):
            with (
                closing(storage.connect()) as connection,
                pytest.raises(SchemaMismatch, match="expected 1 columns"),
            ):
                storage.stage_query(connection, table, sql)

    def test_a_query_that_fails_leaves_no_file(self, storage: Storage):
        import duckdb

        table = create(storage, a="bigint")
        with closing(storage.connect()) as connection, pytest.raises(duckdb.Error):
            storage.stage_query(connection, table, "SELECT CAST('x' || i AS BIGINT) FROM range(10) r(i)")
        assert list((storage.data_dir / "segments").iterdir()) == []

    def test_no_rows_are_fine(self, storage: Storage):
        import pyarrow as pa

        table = create(storage, a="bigint")
        empty = storage.stage(table, pa.table({"a": pa.array([], pa.int64())}))
        assert [staged.rows for staged in empty] == [0]
        storage.commit(table, [SegmentChange(None, empty)])
        assert storage.catalog.statistics(table).files == 0
        assert scan(storage, table) == read(storage, table) == []

    def test_many_small_batches_become_few_row_groups(self, storage: Storage):
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = create(storage, a="bigint")
        schema = pa.schema([("a", pa.int64())])
        batches = (
            pa.record_batch([pa.array(range(start, start + 1000))], schema)
            for start in range(0, 200_000, 1000)
        )
        (staged,) = storage.stage(table, pa.RecordBatchReader.from_batches(schema, batches))
        metadata = pq.read_metadata(storage.data_dir / staged.path)
        assert staged.rows == metadata.num_rows == 200_000
        groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
        assert len(groups) == 2
        assert max(groups) <= ROW_GROUP_ROWS

    def test_one_large_batch_is_cut(self, storage: Storage):
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = create(storage, a="bigint")
        (staged,) = storage.stage(table, pa.table({"a": pa.array(range(300_000))}))
        assert pq.read_metadata(storage.data_dir / staged.path).num_row_groups == 3

    def test_the_archived_form_is_compressed_harder_in_larger_row_groups(self, storage: Storage):
        import pyarrow.parquet as pq

        table = create(storage, a="bigint", s="string")
        sql = "SELECT i % 1000, 'carrier ' || (i * 7919 % 5003) FROM range(300000) r(i)"
        with closing(storage.connect()) as connection:
            (plain,) = storage.stage_query(connection, table, sql)
            (archived,) = storage.stage_query(connection, table, sql, archived=True)
            rows = connection.sql(sql).to_arrow_table().rename_columns(["a", "s"])
        (from_arrow,) = storage.stage(table, rows, archived=True)
        for packed in (archived, from_arrow):
            metadata = pq.read_metadata(storage.data_dir / packed.path)
            assert packed.rows == metadata.num_rows == 300_000
            assert metadata.row_group(0).column(0).compression == "ZSTD"
            assert metadata.num_row_groups == 1
            assert packed.bytes < 0.9 * plain.bytes


class TestRead:
    @pytest.fixture
    def table(self, storage: Storage) -> Table:
        table = create(storage, partitions={"p": "int"}, a="bigint", s="string")
        with closing(storage.connect()) as connection:
            for part, (low, high) in enumerate([(0, 5), (5, 250_005), (250_005, 250_010)]):
                sql = f"SELECT i, 's' || i FROM range({low}, {high}) r(i)"
                staged = storage.stage_query(connection, table, sql)
                storage.commit(table, [SegmentChange((str(part),), staged)], create_partitions=True)
        return table

    @pytest.mark.parametrize(
        ("start", "count"),
        [
            (0, 3),
            (3, 4),
            (0, 0),
            (4, 2),
            (122_879, 5),
            (122_885, 2),
            (250_003, 4),
            (250_009, 10),
            (250_010, 1),
            (9**9, 1),
        ],
    )
    def test_a_range_gives_exactly_its_rows(self, storage: Storage, table: Table, start: int, count: int):
        wanted = range(start, min(start + count, 250_010))
        part = {0: 0, 1: 1, 2: 1, 3: 2}
        assert read(storage, table, ["s", "p", "a"], start, count) == [
            (f"s{i}", part[(i >= 5) + (i >= 250_005) * 2], i) for i in wanted
        ]

    def test_everything_comes_in_bounded_batches(self, storage: Storage, table: Table):
        with storage.snapshot(table) as snapshot:
            sizes = [batch.num_rows for batch in snapshot.read(["a"])]
        assert sum(sizes) == 250_010
        assert max(sizes) <= 65_536

    def test_row_groups_outside_the_range_are_not_read(
        self, storage: Storage, table: Table, monkeypatch: pytest.MonkeyPatch
    ):
        import pyarrow.parquet as pq

        touched: list[list[int]] = []
        original = pq.ParquetFile.iter_batches

        def spy(self: pq.ParquetFile, *args: Any, row_groups: list[int], **options: Any) -> Any:
            touched.append(row_groups)
            return original(self, *args, row_groups=row_groups, **options)

        monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
        assert read(storage, table, ["a"], 130_000, 1) == [(130_000,)]
        assert touched == [[1]]

    def test_partition_columns_alone_need_no_file(self, storage: Storage, table: Table):
        assert read(storage, table, ["p"], 3, 4) == [(0,), (0,), (1,), (1,)]
        assert query_on(storage, table, "SELECT p, count(*) FROM {} GROUP BY p ORDER BY p") == [
            (0, 5),
            (1, 250_000),
            (2, 5),
        ]

    def test_an_overwritten_table_reads_in_the_order_of_its_new_rows(self, storage: Storage):
        table = create(storage, "u", a="bigint")
        overwrite(storage, table, [(3,), (1,), (2,)])
        assert read(storage, table) == [(3,), (1,), (2,)]
