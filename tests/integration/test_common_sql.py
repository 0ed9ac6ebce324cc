"""common.sql's operators work through the hook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from airflow.providers.common.sql.operators.sql import (
    SQLCheckOperator,
    SQLColumnCheckOperator,
    SQLExecuteQueryOperator,
    SQLTableCheckOperator,
)

if TYPE_CHECKING:
    from odps import ODPS

    from tests.integration.conftest import Emulator

CONN_ID = "odps_sql"


@pytest.fixture
def table(emulator: Emulator, odps: ODPS, table_name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    fields = {
        "conn_type": "odps",
        "host": emulator.endpoint,
        "login": "emulator",
        "password": emulator.secret,
    }
    monkeypatch.setenv(
        f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps({**fields, "extra": {"project": "demo"}})
    )
    odps.execute_sql(f"create table {table_name} (id bigint, name string)")
    odps.execute_sql(f"insert into {table_name} values (1, 'a'), (2, 'b'), (2, null)")
    return table_name


def run(operator: Any) -> Any:
    return operator.execute({"ti": mock.MagicMock(), "task_instance": mock.MagicMock(), "run_id": "r"})


def test_execute_query_returns_rows(table: str) -> None:
    operator = SQLExecuteQueryOperator(
        task_id="t", conn_id=CONN_ID, sql=f"select id, name from {table} order by id, name desc limit 10"
    )
    assert run(operator) == [(1, "a"), (2, "b"), (2, None)]


def test_execute_query_with_parameters_and_several_statements(table: str) -> None:
    operator = SQLExecuteQueryOperator(
        task_id="t",
        conn_id=CONN_ID,
        sql=[f"insert into {table} values (3, 'c')", f"select count(*) from {table} where id > 0"],
        return_last=True,
        split_statements=False,
    )
    assert run(operator)[-1] == [(4,)]
    operator = SQLExecuteQueryOperator(
        task_id="t", conn_id=CONN_ID, sql=f"select name from {table} where id = ?", parameters=[3]
    )
    assert run(operator) == [("c",)]


def test_script_is_split(table: str) -> None:
    operator = SQLExecuteQueryOperator(
        task_id="t",
        conn_id=CONN_ID,
        split_statements=True,
        sql=f"insert into {table} values (9, ';'); select max(id) from {table};",
    )
    assert run(operator) == [(9,)]


COLUMN_CHECKS = {
    "id": {
        "null_check": {"equal_to": 0},
        "min": {"geq_to": 1},
        "max": {"leq_to": 2},
        "distinct_check": {"equal_to": 2},
    },
    "name": {"null_check": {"equal_to": 1}, "unique_check": {"equal_to": 0}},
}


def test_column_checks_pass_and_fail(table: str) -> None:
    run(SQLColumnCheckOperator(task_id="t", conn_id=CONN_ID, table=table, column_mapping=COLUMN_CHECKS))
    failing = {"id": {"distinct_check": {"equal_to": 3}}}
    with pytest.raises(Exception, match="distinct_check"):
        run(SQLColumnCheckOperator(task_id="t", conn_id=CONN_ID, table=table, column_mapping=failing))


def test_table_checks_pass_and_fail(table: str) -> None:
    checks = {"rows": {"check_statement": "count(*) = 3"}, "ids": {"check_statement": "min(id) >= 1"}}
    run(SQLTableCheckOperator(task_id="t", conn_id=CONN_ID, table=table, checks=checks))
    checks["rows"]["check_statement"] = "count(*) = 4"
    with pytest.raises(Exception, match="rows"):
        run(SQLTableCheckOperator(task_id="t", conn_id=CONN_ID, table=table, checks=checks))


def test_check_operator_reads_one_row(table: str) -> None:
    run(SQLCheckOperator(task_id="t", conn_id=CONN_ID, sql=f"select count(*) > 2 from {table}"))
