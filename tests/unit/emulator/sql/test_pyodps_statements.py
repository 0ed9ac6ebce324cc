"""The statements that PyODPS writes for its own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.emulator.sql.conftest import Sql


def test_create_table(sql: Sql):
    from odps.models import Table, TableSchema
    from odps.types import Column, Partition

    schema = TableSchema(
        columns=[
            Column("id", "bigint", "the 'id'", nullable=False),
            Column("name", "array<struct<a:string,b:decimal(10,2)>>"),
        ],
        partitions=[Partition("pt", "string", "day"), Partition("h", "bigint")],
    )
    statement = Table.gen_create_table_sql(
        "made",
        schema,
        comment='say "hi"\nagain',
        if_not_exists=True,
        lifecycle=3,
        project="demo",
        table_properties={"k": "v"},
    )

    sql.run(statement)

    table = sql.storage.catalog.get_table("demo", "made")
    assert table.comment == 'say "hi"\nagain'
    assert table.lifecycle == 3
    assert table.properties == {"k": "v"}
    assert [(c.name, c.type, c.comment, c.nullable) for c in table.columns] == [
        ("id", "bigint", "the 'id'", False),
        ("name", "array<struct<a:string,b:decimal(10,2)>>", "", True),
    ]
    assert [(c.name, c.type, c.comment) for c in table.partition_columns] == [
        ("pt", "string", "day"),
        ("h", "bigint", ""),
    ]


def test_create_table_from_text(sql: Sql):
    from odps.models import Table

    sql.run(Table.gen_create_table_sql("made", ("a bigint, b string", "pt string"), project="demo"))

    assert [c.name for c in sql.storage.catalog.get_table("demo", "made").columns] == ["a", "b"]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE IF EXISTS demo.`dept`",
        "TRUNCATE TABLE demo.`dept`",
        "ALTER TABLE demo.`sales` ADD IF NOT EXISTS PARTITION (`day`='2024-09-01', `region`='eu')",
        "ALTER TABLE demo.`sales` DROP IF EXISTS PARTITION (`day`='2024-01-01', `region`='eu')",
        "TRUNCATE TABLE demo.`sales` PARTITION (`day`='2024-01-01', `region`='eu')",
        "ALTER TABLE demo.`dept` ADD COLUMNS IF NOT EXISTS (\n  `x` bigint,\n  `y` string COMMENT 'c'\n)",
        "ALTER TABLE demo.`dept` DROP COLUMNS `title`",
        "ALTER TABLE demo.`dept` CHANGE COLUMN title RENAME TO t2",
        "ALTER TABLE demo.`dept` CHANGE COLUMN title   `t2` string COMMENT 'c'",
        "ALTER TABLE demo.`dept` SET LIFECYCLE 5",
        "ALTER TABLE demo.`dept` CHANGEOWNER TO 'bob'",
        "ALTER TABLE demo.`dept` SET COMMENT 'it\\'s'",
        "ALTER TABLE demo.`dept` RENAME TO `other`",
        "ALTER TABLE demo.`dept` TOUCH",
        "ALTER TABLE demo.`sales` TOUCH PARTITION (`day`='2024-01-01', `region`='eu')",
    ],
)
def test_changes_of_tables(sql: Sql, statement: str):
    control = sql.control()

    sql.run(f"{statement};", control)

    assert sql.storage.catalog.is_job_committed(control.job_id)
