from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.catalog import (
    Catalog,
    ColumnSpec,
    EntityExists,
    InvalidDefinition,
    NoSuchEntity,
)
from tests.unit.emulator.tables import specs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    catalog.create_project("Demo", owner="me")
    yield catalog
    catalog.close()


def test_commits_reach_the_disk_before_they_return(catalog: Catalog):
    with catalog.database.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_names_are_case_insensitive(catalog: Catalog):
    table = catalog.create_table("DEMO", "Flights", specs(Carrier="STRING"), specs(PT="string"))
    assert (table.project, table.name, table.columns[0].name) == ("demo", "flights", "carrier")
    assert catalog.get_table("demo", "FLIGHTS", "Default") == table
    assert table.full_name == "demo.flights"


def test_what_was_written_is_there_after_a_restart(tmp_path: Path):
    first = Catalog(tmp_path / "c.db")
    first.create_project("demo", comment="x", properties={"k": "v"})
    table = first.create_table(
        "demo", "t", specs(a="int"), specs(p="string"), lifecycle=7, properties={"k": "v"}
    )
    partition = first.add_partition(table, ["1"])
    first.record_job("job")
    first.close()
    second = Catalog(tmp_path / "c.db")
    assert second.get_project("demo").properties == {"k": "v"}
    assert second.get_table("demo", "t") == second.refresh(table)
    assert second.get_table("demo", "t").columns == table.columns
    assert second.list_partitions(table) == [partition]
    assert second.is_job_committed("job")
    assert not second.is_job_committed("other")
    second.close()


def test_an_unknown_project_and_an_unknown_table_are_told_apart(catalog: Catalog):
    with pytest.raises(NoSuchEntity, match="project nowhere") as error:
        catalog.get_table("nowhere", "t")
    assert error.value.kind == "project"
    with pytest.raises(NoSuchEntity, match=r"table demo\.t") as error:
        catalog.get_table("demo", "t")
    assert error.value.kind == "table"


def test_a_second_table_of_the_same_name_is_refused_or_left_as_it_is(catalog: Catalog):
    table = catalog.create_table("demo", "t", specs(a="int"))
    with pytest.raises(EntityExists):
        catalog.create_table("demo", "T", specs(b="int"))
    assert catalog.create_table("demo", "T", specs(b="int"), if_not_exists=True) == table


def test_the_same_table_name_in_two_schemas_is_two_tables(catalog: Catalog):
    one = catalog.create_table("demo", "t", specs(a="int"))
    two = catalog.create_table("demo", "t", specs(a="int"), schema="Other")
    assert one.id != two.id
    assert two.full_name == "demo.other.t"
    assert catalog.list_tables("demo") == [one]


def test_tables_are_listed_by_name_and_prefix(catalog: Catalog):
    for name in ("b1", "a", "b_2", "c"):
        catalog.create_table("demo", name, specs(a="int"))
    assert [table.name for table in catalog.list_tables("demo")] == ["a", "b1", "b_2", "c"]
    assert [table.name for table in catalog.list_tables("demo", prefix="B_")] == ["b_2"]
    assert [table.name for table in catalog.list_tables("demo", prefix="%")] == []


@pytest.mark.parametrize(
    ("columns", "partitions", "message"),
    [
        ([], [("p", "string")], "at least one column"),
        ([("a", "int"), ("A", "string")], [], "more than once"),
        ([("a", "int")], [("A", "string")], "more than once"),
        ([("a b", "int")], [], "invalid column name"),
        ([("", "int")], [], "invalid column name"),
        ([("x" * 129, "int")], [], "invalid column name"),
        ([("a", "integre")], [], "unknown type"),
        ([("a", "void")], [], "void"),
        ([("a", "struct<x:int,X:int>")], [], "more than once"),
        ([("a", "int")], [("p", "double")], "partition column p cannot be double"),
        ([("a", "int")], [(f"p{i}", "string") for i in range(7)], "at most 6 partition columns"),
        ([(f"c{i}", "int") for i in range(1201)], [], "at most 1200 columns"),
    ],
)
def test_a_table_that_cannot_be_is_refused(
    catalog: Catalog, columns: list[tuple[str, str]], partitions: list[tuple[str, str]], message: str
):
    with pytest.raises(InvalidDefinition, match=message):
        catalog.create_table(
            "demo",
            "t",
            [ColumnSpec(*column) for column in columns],
            [ColumnSpec(*item) for item in partitions],
        )
    assert catalog.list_tables("demo") == []


@pytest.mark.parametrize("name", ["", "a-b", "a.b", "täble", "x" * 129, "a b", "a;drop"])
def test_a_table_name_with_other_characters_is_refused(catalog: Catalog, name: str):
    with pytest.raises(InvalidDefinition, match="invalid table name"):
        catalog.create_table("demo", name, specs(a="int"))


def test_types_are_stored_in_one_form(catalog: Catalog):
    table = catalog.create_table(
        "demo", "t", specs(a="DECIMAL", b="Array< Map<STRING,BigInt> >", c="INTEGER")
    )
    assert [column.type for column in table.columns] == ["decimal(38,18)", "array<map<string,bigint>>", "int"]


def test_a_draft_has_the_ids_that_the_table_will_have(catalog: Catalog):
    draft = catalog.draft_table("demo", "t", specs(a="int", b="int"), specs(p="string"))
    assert catalog.list_tables("demo") == []
    table = catalog.create_table("demo", "t", specs(a="int", b="int"), specs(p="string"))
    assert (draft.columns, draft.partition_columns) == (table.columns, table.partition_columns)


class TestColumns:
    def test_ids_are_never_used_again(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int", b="int"), specs(p="string"))
        assert [c.id for c in (*table.columns, *table.partition_columns)] == [1, 2, 3]
        table = catalog.drop_columns(table, ["B"])
        table = catalog.add_columns(table, specs(b="string", c="int"))
        assert [(c.name, c.id) for c in table.columns] == [("a", 1), ("b", 4), ("c", 5)]
        table = catalog.drop_columns(table, ["c"])
        table = catalog.add_columns(table, specs(c="int"))
        assert table.columns[-1].id == 6

    def test_an_existing_column_is_not_added_again(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="string"))
        for name in ("A", "p"):
            with pytest.raises(EntityExists):
                catalog.add_columns(table, [ColumnSpec(name, "int")])
        table = catalog.add_columns(table, specs(a="string", z="string"), if_not_exists=True)
        assert [(c.name, c.type) for c in table.columns] == [("a", "int"), ("z", "string")]

    def test_a_new_column_must_allow_null(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"))
        with pytest.raises(InvalidDefinition, match="must allow NULL"):
            catalog.add_columns(table, [ColumnSpec("b", "int", nullable=False)])

    def test_neither_a_partition_column_nor_the_last_column_can_be_dropped(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="string"))
        with pytest.raises(InvalidDefinition, match="at least one column"):
            catalog.drop_columns(table, ["a"])
        with pytest.raises(InvalidDefinition, match="partition column"):
            catalog.drop_columns(table, ["p"])
        with pytest.raises(NoSuchEntity):
            catalog.drop_columns(table, ["nope"])
        assert catalog.refresh(table).columns == table.columns

    def test_a_rename_keeps_the_id_and_avoids_collisions(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int", b="int"), specs(p="string"))
        renamed = catalog.rename_column(table, "A", "Z")
        assert [(c.name, c.id) for c in renamed.columns] == [("z", 1), ("b", 2)]
        for taken in ("b", "P"):
            with pytest.raises(EntityExists):
                catalog.rename_column(table, "z", taken)
        assert catalog.rename_column(table, "b", "B").columns == renamed.columns

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("tinyint", "smallint"),
            ("int", "bigint"),
            ("float", "double"),
            ("decimal(10,2)", "decimal(12,4)"),
            ("varchar(5)", "varchar(9)"),
            ("char(5)", "string"),
        ],
    )
    def test_a_type_can_be_widened(self, catalog: Catalog, old: str, new: str):
        table = catalog.create_table("demo", "t", specs(a=old))
        assert catalog.change_column(table, "a", type=new).columns[0].type == new

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("bigint", "int"),
            ("int", "string"),
            ("decimal(10,2)", "decimal(10,3)"),
            ("decimal(10,2)", "decimal(12,1)"),
            ("varchar(5)", "varchar(4)"),
            ("array<int>", "array<bigint>"),
            ("string", "bigint"),
        ],
    )
    def test_a_type_that_could_lose_values_is_refused(self, catalog: Catalog, old: str, new: str):
        table = catalog.create_table("demo", "t", specs(a=old))
        with pytest.raises(InvalidDefinition, match="cannot be changed"):
            catalog.change_column(table, "a", type=new)
        assert catalog.refresh(table).columns == table.columns

    def test_comment_and_nullability_change_alone(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", [ColumnSpec("a", "int", "old", nullable=False)])
        table = catalog.change_column(table, "a", comment="new")
        assert (table.columns[0].comment, table.columns[0].nullable) == ("new", False)
        table = catalog.change_column(table, "a", nullable=True)
        assert table.columns[0].nullable
        with pytest.raises(InvalidDefinition, match="NULL"):
            catalog.change_column(table, "a", nullable=False)


class TestPartitions:
    def test_values_are_stored_in_the_form_of_their_type(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(n="bigint", d="date", s="string"))
        partition = catalog.add_partition(table, ["+007", "20130102", " 01"])
        assert partition.values == ("7", "2013-01-02", " 01")
        assert catalog.get_partition(table, ["7", "2013-01-02", " 01"]) == partition
        with pytest.raises(EntityExists, match="n='7',d='2013-01-02'"):
            catalog.add_partition(table, ["07", "2013-01-02", " 01"])
        assert catalog.add_partition(table, ["07", "2013-01-02", " 01"], if_not_exists=True) == partition

    @pytest.mark.parametrize(
        ("type_text", "value"),
        [
            ("bigint", "x"),
            ("bigint", ""),
            ("bigint", "1.0"),
            ("bigint", str(2**63)),
            ("tinyint", "128"),
            ("bigint", "9" * 5000),
            ("string", ""),
            ("string", "a/b"),
            ("string", "a\nb"),
            ("string", "it's"),
            ("string", "x" * 256),
            ("varchar(2)", "abc"),
            ("date", "2013-02-30"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused(self, catalog: Catalog, type_text: str, value: str):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p=type_text))
        with pytest.raises(InvalidDefinition, match="partition column p"):
            catalog.add_partition(table, [value])
        assert catalog.list_partitions(table) == []

    def test_the_extremes_of_an_integer_are_values(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="tinyint"))
        for value in ("-128", "127"):
            assert catalog.add_partition(table, [value]).values == (value,)

    def test_the_number_of_values_must_be_right(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="string", q="string"))
        with pytest.raises(InvalidDefinition, match=r"\(p, q\), found 1"):
            catalog.add_partition(table, ["1"])
        flat = catalog.create_table("demo", "flat", specs(a="int"))
        with pytest.raises(InvalidDefinition, match="no partitions"):
            catalog.add_partition(flat, [])

    def test_partitions_are_listed_by_their_values(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="string", q="string"))
        for values in (("b", "1"), ("a", "2"), ("a", "1")):
            catalog.add_partition(table, values)
        assert [p.values for p in catalog.list_partitions(table)] == [("a", "1"), ("a", "2"), ("b", "1")]

    def test_dropping_one_that_is_not_there_drops_none(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="string"))
        partition = catalog.add_partition(table, ["1"])
        with pytest.raises(NoSuchEntity):
            catalog.drop_partitions(table, [partition.id, 999])
        assert catalog.list_partitions(table) == [partition]
        catalog.drop_partitions(table, [partition.id])
        assert catalog.list_partitions(table) == []


class TestTables:
    def test_a_dropped_and_recreated_table_is_another_one(self, catalog: Catalog):
        old = catalog.create_table("demo", "t", specs(a="int"))
        assert catalog.drop_table("demo", "T")
        new = catalog.create_table("demo", "t", specs(a="int"))
        assert new.id != old.id
        with pytest.raises(NoSuchEntity):
            catalog.refresh(old)
        with pytest.raises(NoSuchEntity):
            catalog.add_columns(old, specs(b="int"))

    def test_dropping_a_missing_table_is_an_error_unless_allowed(self, catalog: Catalog):
        with pytest.raises(NoSuchEntity):
            catalog.drop_table("demo", "t")
        assert not catalog.drop_table("demo", "t", if_exists=True)
        with pytest.raises(NoSuchEntity, match="project"):
            catalog.drop_table("nowhere", "t", if_exists=True)

    def test_a_rename_keeps_the_table_and_avoids_collisions(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"))
        catalog.create_table("demo", "other", specs(a="int"))
        with pytest.raises(EntityExists):
            catalog.rename_table(table, "OTHER")
        assert catalog.rename_table(table, "New").id == table.id
        assert catalog.get_table("demo", "new").id == table.id
        assert catalog.rename_table(table, "new").name == "new"

    def test_only_what_is_given_changes(self, catalog: Catalog):
        table = catalog.create_table(
            "demo", "t", specs(a="int"), comment="c", lifecycle=3, properties={"a": "1"}
        )
        changed = catalog.set_table(table, properties={"b": "2"})
        assert (changed.comment, changed.lifecycle, changed.properties) == ("c", 3, {"a": "1", "b": "2"})
        changed = catalog.set_table(table, comment="", lifecycle=0, properties={"a": None})
        assert (changed.comment, changed.lifecycle, changed.properties) == ("", None, {"b": "2"})
        assert changed.last_ddl_at >= table.last_ddl_at
        assert changed.last_data_at == table.last_data_at


class TestTransactions:
    def test_several_changes_are_one(self, catalog: Catalog):
        def change_and_fail() -> None:
            with catalog.database.transaction():
                catalog.create_table("demo", "t", specs(a="int"))
                catalog.record_job("job")
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            change_and_fail()
        assert catalog.list_tables("demo") == []
        assert not catalog.is_job_committed("job")

    def test_a_failed_part_can_be_survived(self, catalog: Catalog):
        catalog.create_table("demo", "t", specs(a="int"))
        with catalog.database.transaction():
            with pytest.raises(EntityExists):
                catalog.create_table("demo", "t", specs(a="int"))
            catalog.create_table("demo", "u", specs(a="int"))
        assert [table.name for table in catalog.list_tables("demo")] == ["t", "u"]

    def test_others_do_not_see_it_before_the_commit_and_are_not_held_up(self, catalog: Catalog):
        seen: list[list[str]] = []

        def look() -> None:
            seen.append([table.name for table in catalog.list_tables("demo")])

        with catalog.database.transaction():
            catalog.create_table("demo", "t", specs(a="int"))
            other = threading.Thread(target=look)
            other.start()
            other.join(timeout=10)
            look()
        look()
        assert seen == [[], ["t"], ["t"]]

    def test_after_commit_runs_only_after_a_commit(self, catalog: Catalog):
        calls: list[str] = []

        def fail() -> None:
            with catalog.database.transaction():
                catalog.database.after_commit(lambda: calls.append("no"))
                raise RuntimeError("stop")

        with catalog.database.transaction():
            catalog.database.after_commit(lambda: calls.append("yes"))
            with pytest.raises(RuntimeError, match="stop"):
                fail()
            assert calls == []
        assert calls == ["yes"]
        with pytest.raises(RuntimeError, match="stop"):
            fail()
        with catalog.database.transaction():
            pass
        assert calls == ["yes"]

    def test_threads_take_turns(self, catalog: Catalog):
        table = catalog.create_table("demo", "t", specs(a="int"), specs(p="bigint"))
        errors: list[Exception] = []

        def work(number: int) -> None:
            try:
                for step in range(20):
                    catalog.add_partition(table, [str(number * 100 + step)])
                    catalog.list_partitions(table)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(catalog.list_partitions(table)) == 120

    def test_another_process_reads_along(self, catalog: Catalog, tmp_path: Path):
        catalog.create_table("demo", "t", specs(a="int"))
        with sqlite3.connect(tmp_path / "catalog.db") as other:
            assert other.execute("SELECT name FROM tables").fetchall() == [("t",)]
