from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_analytics import catalog as catalogs
from airflow_provider_datalake.emulator.data_lake_analytics.catalog import (
    CatalogWriter,
    Conflict,
    read_catalog,
    type_from_json,
    type_to_json,
)
from airflow_provider_datalake.emulator.data_lake_analytics.segment_files import SegmentFiles
from airflow_provider_datalake.emulator.database import Database
from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.types import INT, STRING, array_of, map_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import CatalogSnapshot

T = model.QualifiedName("db", "dbo", "T")
V = model.QualifiedName("db", "dbo", "V")
INDEX = model.Index("i", (("n", True),), "HASH", ("n",), 4)
TABLE = model.Table(T, (model.Column("n", INT.as_nullable()), model.Column("a", array_of(STRING))), INDEX)
VIEW = model.View(V, "SELECT 1 AS x", (model.Column("x", INT),))
BEGIN: tuple[model.Change, ...] = (model.CreateDatabase("db"), model.CreateTable(TABLE))


class Account:
    """A catalog with its files."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        root = folder / "segments"
        for one in (self.scratch, root):
            one.mkdir()
        self.database = Database(folder / "test.db")
        self.database.ensure_schema(catalogs.SCHEMA)
        self.files = SegmentFiles(root, self.database)

    def read(self, account: str = "a") -> CatalogSnapshot:
        with self.database.read() as connection:
            return read_catalog(connection, account, self.files.root)

    def staged(self, content: str = "rows") -> Path:
        path = self.scratch / f"{len(list(self.scratch.iterdir()))}.parquet"
        path.write_text(content)
        return path

    def commit(self, *changes: model.Change, seen: CatalogSnapshot | None = None) -> None:
        seen = seen or self.read()
        staged = [change.path for change in changes if isinstance(change, model.AppendSegment)]
        with self.files.adopt(staged) as names, self.database.transaction() as connection:
            CatalogWriter(connection, seen, names, self.files.root).apply(changes)

    def append(self, rows: int = 1, seen: CatalogSnapshot | None = None) -> None:
        self.commit(model.AppendSegment(T, self.staged(), rows), seen=seen)

    def rows(self) -> list[int]:
        return [segment.rows for segment in self.read().entries[T].segments]

    def present(self) -> int:
        return len(list(self.files.root.iterdir()))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    made = Account(tmp_path)
    yield made
    made.database.close()


def test_what_was_made_is_read_again(account: Account) -> None:
    account.commit(*BEGIN, model.CreateView(VIEW))
    seen = account.read()
    assert (seen.table(T), seen.view(V), seen.view(T), seen.table(V)) == (TABLE, VIEW, None, None)
    assert seen.has_database("db")
    assert seen.has_schema("db", "dbo")
    assert list(seen.objects("db")) == [T, V]


def test_master_is_always_there_and_accounts_do_not_see_each_other(account: Account) -> None:
    account.commit(*BEGIN)
    other = account.read("b")
    assert other.has_database("master")
    assert not other.has_database("db")


def test_rows_come_in_the_order_of_their_insertion_and_go_with_a_truncation(account: Account) -> None:
    account.commit(*BEGIN)
    account.append(1)
    account.append(2)
    assert account.rows() == [1, 2]
    account.commit(model.TruncateTable(T), model.AppendSegment(T, account.staged("new"), 3))
    assert account.rows() == [3]
    assert account.present() == 1
    (path,) = account.read().segments(T)
    assert path.read_text() == "new"


def test_rows_that_were_not_seen_are_not_removed(account: Account) -> None:
    account.commit(*BEGIN)
    seen = account.read()
    account.append()
    for change in (model.TruncateTable(T), model.DropTable(T)):
        with pytest.raises(Conflict, match="db.dbo.T was written by another script"):
            account.commit(change, seen=seen)
    assert account.rows() == [1]


def test_two_scripts_may_append(account: Account) -> None:
    account.commit(*BEGIN)
    seen = account.read()
    account.append(1, seen)
    account.append(2, seen)
    assert account.rows() == [1, 2]


def test_rows_of_another_table_of_the_same_name_are_refused(account: Account) -> None:
    account.commit(*BEGIN)
    seen = account.read()
    account.commit(model.DropTable(T), model.CreateTable(TABLE))
    with pytest.raises(Conflict, match="db.dbo.T was dropped by another script"):
        account.append(1, seen)
    assert account.rows() == []
    assert account.present() == 0


@pytest.mark.parametrize(
    "change",
    [model.CreateDatabase("db"), model.CreateTable(TABLE), model.CreateSchema("db", "s")],
)
def test_what_another_script_has_made_is_not_made_again(account: Account, change: model.Change) -> None:
    account.commit(*BEGIN, model.CreateSchema("db", "s"))
    with pytest.raises(Conflict, match="was created by another script"):
        account.commit(change)


@pytest.mark.parametrize("change", [model.CreateTable(TABLE), model.CreateSchema("db", "s")])
def test_nothing_is_made_in_a_database_that_was_dropped(account: Account, change: model.Change) -> None:
    account.commit(model.CreateDatabase("db"))
    seen = account.read()
    account.commit(model.DropDatabase("db"))
    with pytest.raises(Conflict, match="db.dbo was dropped by another script"):
        account.commit(change, seen=seen)


def test_a_dropped_database_takes_all_along(account: Account) -> None:
    account.commit(*BEGIN, model.CreateView(VIEW))
    account.append()
    account.commit(model.DropDatabase("db"), *BEGIN)
    assert list(account.read().entries) == [T]
    assert account.rows() == []
    assert account.present() == 0


def test_a_conflict_undoes_the_whole_script(account: Account) -> None:
    account.commit(*BEGIN)
    with pytest.raises(Conflict):
        account.commit(model.CreateView(VIEW), model.AppendSegment(T, account.staged(), 1), *BEGIN)
    assert list(account.read().entries) == [T]
    assert account.present() == 0


def test_files_stay_as_long_as_somebody_holds_them(account: Account) -> None:
    account.commit(*BEGIN)
    account.append()
    (path,) = account.read().segments(T)
    with account.files.hold(lambda: [path.name]):
        account.commit(model.TruncateTable(T))
        account.files.sweep()
        assert path.exists()
    assert not path.exists()


def test_a_version_is_new_with_every_definition(account: Account) -> None:
    account.commit(*BEGIN)
    first = account.read().entries[T].version
    account.append()
    assert account.read().entries[T].version == first
    account.commit(model.DropTable(T), model.CreateTable(TABLE))
    assert account.read().entries[T].version != first


@pytest.mark.parametrize("one", [INT, INT.as_nullable(), array_of(STRING), map_of(STRING, INT.as_nullable())])
def test_types_are_kept(one: object) -> None:
    assert type_from_json(type_to_json(one)) == one  # type: ignore[arg-type]
