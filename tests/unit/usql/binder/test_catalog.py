"""Databases, schemas, tables and views: what scripts change, see and may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.plan import ChangeStep, InsertStep, TableStep
from airflow_provider_datalake.usql.types import INT
from tests.unit.usql.binder.local import LocalMachine
from tests.unit.usql.binder.support import PEOPLE, MemoryCatalog, compile_here, error_of

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "(id int, name string, score int?, INDEX i CLUSTERED (id ASC) DISTRIBUTED BY HASH (id))"


@pytest.fixture
def machine(tmp_path: Path) -> LocalMachine:
    return LocalMachine(tmp_path)


def changes_of(text: str) -> list[object]:
    return [step.change for step in compile_here(text).steps if isinstance(step, ChangeStep)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE DATABASE d;", [model.CreateDatabase("d")]),
        ("CREATE DATABASE IF NOT EXISTS db;", []),
        ("DROP DATABASE IF EXISTS nothing;", []),
        ("DROP DATABASE db;", [model.DropDatabase("db")]),
        ("CREATE SCHEMA s;", [model.CreateSchema("master", "s")]),
        ("CREATE SCHEMA db.s;", [model.CreateSchema("db", "s")]),
        ("CREATE SCHEMA IF NOT EXISTS stored;", []),
        ("DROP SCHEMA stored;", [model.DropSchema("master", "stored")]),
        ("DROP TABLE IF EXISTS nothing;", []),
        ("DROP TABLE T;", [model.DropTable(model.QualifiedName("master", "dbo", "T"))]),
        ("USE db; DROP VIEW V;", [model.DropView(model.QualifiedName("db", "dbo", "V"))]),
        ("TRUNCATE TABLE T;", [model.TruncateTable(model.QualifiedName("master", "dbo", "T"))]),
        ("TRUNCATE TABLE IF EXISTS nothing;", []),
        (f"CREATE TABLE IF NOT EXISTS T {TABLE};", []),
        ("ALTER TABLE T REBUILD;", []),
        ("DROP DATABASE IF EXISTS d; CREATE DATABASE d; USE d; CREATE SCHEMA s;",
         [model.CreateDatabase("d"), model.CreateSchema("d", "s")]),
    ],
)  # fmt: skip
def test_a_definition_changes_the_catalog(text: str, expected: list[object]) -> None:
    assert changes_of(text) == expected


def test_a_table_keeps_its_columns_and_its_index() -> None:
    (change,) = changes_of(f"CREATE TABLE db.stored.New {TABLE};")
    assert isinstance(change, model.CreateTable)
    assert str(change.table.name) == "db.stored.New"
    assert [f"{column.name} {column.type}" for column in change.table.columns] == [
        "id int",
        "name string",
        "score int?",
    ]
    assert change.table.index == model.Index("i", (("id", False),), "HASH", ("id",))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("«CREATE DATABASE db»;", "E_EMULATOR_ENTITYALREADYEXISTS"),
        ("CREATE DATABASE d; «CREATE DATABASE d»;", "E_EMULATOR_ENTITYALREADYEXISTS"),
        ("DROP DATABASE «nothing»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("DROP DATABASE db; DROP DATABASE «db»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("DROP DATABASE «master»;", "E_EMULATOR_PROTECTEDENTITY"),
        ("DROP SCHEMA «dbo»;", "E_EMULATOR_PROTECTEDENTITY"),
        ("DROP SCHEMA «nothing»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("CREATE SCHEMA «stored»;", "E_EMULATOR_ENTITYALREADYEXISTS"),
        ("CREATE SCHEMA «nodb.s»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("«USE nothing»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("«USE SCHEMA nothing»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("DROP TABLE «nothing»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("USE db; DROP TABLE «V»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("DROP VIEW «T»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("ALTER TABLE «nothing» REBUILD;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("TRUNCATE TABLE «nothing»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        (f"CREATE TABLE «T» {TABLE};", "E_EMULATOR_ENTITYALREADYEXISTS"),
        (f"USE db; CREATE TABLE «V» {TABLE};", "E_EMULATOR_ENTITYALREADYEXISTS"),
        (f"CREATE TABLE «noschema.T» {TABLE};", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("CREATE TABLE N (a int, «a int», INDEX i CLUSTERED (a));", "E_EMULATOR_DUPLICATECOLUMN"),
        ("CREATE TABLE N (a int, «INDEX i CLUSTERED (b)»);", "E_EMULATOR_UNKNOWNCOLUMN"),
        ("CREATE TABLE N (a «Foo», INDEX i CLUSTERED (a));", "E_EMULATOR_INVALIDEXPRESSION"),
        ("CREATE TABLE N (a int, «INDEX i CLUSTERED (a) PARTITIONED BY (a)»);", "E_EMULATOR_NOTSUPPORTED"),
        ("CREATE TABLE N (a int, INDEX i CLUSTERED (a)); @r = SELECT * FROM «N»;", "E_EMULATOR_READSOWNRESULT"),
        ("DROP TABLE T; @r = SELECT * FROM «T»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("DROP DATABASE db; @r = SELECT * FROM «db.dbo.T»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("DROP DATABASE db; CREATE DATABASE db; @r = SELECT * FROM «db.dbo.T»;", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("INSERT INTO «nothing» VALUES (1);", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("INSERT INTO «db.dbo.V» VALUES (1);", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        ("INSERT INTO T VALUES («1, \"a\"»);", "E_EMULATOR_COLUMNCOUNT"),
        ("INSERT INTO T VALUES (1, «2», null);", "E_EMULATOR_INVALIDEXPRESSION"),
        ("INSERT INTO T VALUES («null», \"a\", null);", "E_EMULATOR_INVALIDEXPRESSION"),
        ("«INSERT INTO T (name) VALUES (\"a\")»;", "E_EMULATOR_TYPEMISMATCH"),
        ("«INSERT INTO T (id, nothing) VALUES (1, 2)»;", "E_EMULATOR_UNKNOWNCOLUMN"),
        ("«INSERT INTO T (id, id) VALUES (1, 2)»;", "E_EMULATOR_DUPLICATECOLUMN"),
        (f"{PEOPLE}INSERT INTO T «SELECT id, name FROM @people»;", "E_EMULATOR_COLUMNCOUNT"),
        (f"{PEOPLE}INSERT INTO T «SELECT id + 1L AS id, name, score FROM @people»;", "E_EMULATOR_INVALIDEXPRESSION"),
        ("CREATE VIEW «T» AS SELECT only FROM db.dbo.T;", "E_EMULATOR_ENTITYALREADYEXISTS"),
        ("CREATE VIEW W AS SELECT «nothing» FROM T;", "E_EMULATOR_UNKNOWNCOLUMN"),
        ("DECLARE @v = 1; CREATE VIEW W AS SELECT «@v» AS v FROM T;", "E_EMULATOR_UNKNOWNVARIABLE"),
        (f"{PEOPLE}CREATE VIEW W AS SELECT * FROM «@people»;", "E_EMULATOR_UNKNOWNROWSET"),
        ("«CREATE VIEW W (a) AS SELECT id, name FROM T»;", "E_EMULATOR_COLUMNCOUNT"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_an_error_at_its_place(text: str, code: str) -> None:
    assert error_of(text).code == code


def test_views_that_read_each_other_are_an_error() -> None:
    columns = (model.Column("x", INT),)
    pairs = {"A": "B", "B": "A"}
    catalog = MemoryCatalog(
        *(
            model.View(model.QualifiedName("master", "dbo", name), f"SELECT x FROM {other}", columns)
            for name, other in pairs.items()
        )
    )
    assert error_of("@r = SELECT * FROM «A»;", catalog=catalog).code == "E_EMULATOR_CYCLICVIEW"


def test_a_broken_view_is_an_error_where_it_is_read() -> None:
    found = error_of("DROP TABLE db.dbo.T; @r = SELECT * FROM «db.dbo.V»;")
    assert found.code == "E_CSC_USER_DDLENTITYDOESNOTEXIST"
    assert "view db.dbo.V" in found.message


def test_the_steps_of_a_view_stand_where_it_is_read() -> None:
    text = "/* a comment that is longer than the text of the view */ @r = SELECT * FROM db.dbo.V;"
    plan = compile_here(text + 'OUTPUT @r TO "/o.csv" USING Outputters.Csv();')
    table = plan.steps[0]
    assert isinstance(table, TableStep)
    assert text[table.rowset.span.start : table.rowset.span.end] == "db.dbo.V"


def test_a_view_can_be_created_over_a_table_that_the_script_creates() -> None:
    changes = changes_of(f"CREATE TABLE N {TABLE}; CREATE VIEW W AS SELECT id FROM N WHERE score > 1;")
    assert isinstance(changes[1], model.CreateView)
    assert changes[1].view.text == "SELECT id FROM N WHERE score > 1"


def test_a_table_is_filled_read_and_emptied(machine: LocalMachine) -> None:
    machine.run(f'CREATE TABLE T {TABLE}; INSERT INTO T VALUES (1, "a", 5), (2, null, null);')
    machine.run('INSERT INTO T (name, id) SELECT name + "!" AS n, id + 10 AS i FROM T;')
    assert machine.query("SELECT * FROM T") == ["1,a,5", "11,a!,", "12,!,", "2,,"]
    machine.run('TRUNCATE TABLE T; INSERT INTO T VALUES (7, "z", 1);')
    assert machine.query("SELECT * FROM dbo.T AS x") == ["7,z,1"]


def test_a_rowset_shows_a_table_as_it_was_when_it_was_assigned(machine: LocalMachine) -> None:
    machine.run(f'CREATE TABLE T {TABLE}; INSERT INTO T VALUES (1, "a", 5);')
    outputs = machine.run(
        '@before = SELECT id FROM T; INSERT INTO T VALUES (2, "b", 6); @after = SELECT id FROM T;'
        'OUTPUT @before TO "/before.csv" USING Outputters.Csv();'
        'OUTPUT @after TO "/after.csv" ORDER BY id USING Outputters.Csv();'
    )
    assert outputs == {"/before.csv": "1\r\n", "/after.csv": "1\r\n2\r\n"}


def test_a_table_is_created_from_a_query(machine: LocalMachine) -> None:
    machine.run(
        "CREATE TABLE Made (INDEX i CLUSTERED (v)) AS"
        ' SELECT v, new SqlArray<string>{v, v + "!"} AS list FROM (VALUES ("a"), ("b")) AS X(v);'
    )
    rows = machine.query("SELECT v, item FROM Made CROSS APPLY EXPLODE(list) AS E(item)")
    assert rows == ["a,a", "a,a!", "b,b", "b,b!"]


def test_a_view_is_bound_in_its_own_database(machine: LocalMachine) -> None:
    machine.run(
        f'CREATE DATABASE d; USE d; CREATE TABLE T {TABLE}; INSERT INTO T VALUES (1, "a", 5);'
        "CREATE VIEW W (key, text) AS SELECT id, name FROM T;"
    )
    assert machine.query("SELECT text, key FROM d.dbo.W WHERE key == 1") == ["a,1"]


def test_a_view_reads_files(machine: LocalMachine) -> None:
    machine.put("/x.csv", "1,a\n2,b\n")
    machine.run('CREATE VIEW W AS EXTRACT id int, name string FROM "/x.csv" USING Extractors.Csv();')
    machine.put("/x.csv", "3,c\n")
    assert machine.query("SELECT * FROM W") == ["3,c"]


def test_an_insert_widens_numbers_and_fills_nulls() -> None:
    plan = compile_here(f"{PEOPLE}INSERT INTO T (id) SELECT id FROM @people;")
    step = plan.steps[-1]
    assert isinstance(step, InsertStep)
    assert [str(column.type) for column in step.columns] == ["int", "string", "int?"]


def test_a_table_is_rewritten_from_its_own_rows(machine: LocalMachine) -> None:
    machine.run(f'CREATE TABLE T {TABLE}; INSERT INTO T VALUES (1, "a", 5), (2, "b", 6);')
    machine.run("@kept = SELECT * FROM T WHERE id > 1; TRUNCATE TABLE T; INSERT INTO T SELECT * FROM @kept;")
    assert machine.query("SELECT * FROM T") == ["2,b,6"]
    machine.run(
        f"@all = SELECT * FROM T; DROP TABLE T; CREATE TABLE T {TABLE};"
        "INSERT INTO T SELECT id + 1 AS id, name, score FROM @all;"
    )
    assert machine.query("SELECT * FROM T") == ["3,b,6"]


def test_a_truncated_table_is_empty_for_what_follows(machine: LocalMachine) -> None:
    machine.run(f'CREATE TABLE T {TABLE}; INSERT INTO T VALUES (1, "a", 5);')
    text = 'TRUNCATE TABLE T; OUTPUT T TO "/t.csv" USING Outputters.Csv(); INSERT INTO T VALUES (2, "b", 6);'
    assert machine.run(text) == {"/t.csv": ""}
    assert machine.query("SELECT id FROM T") == ["2"]
