"""common.sql's operators work through the hook."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from airflow.providers.common.sql.operators.sql import (
    SQLCheckOperator,
    SQLColumnCheckOperator,
    SQLExecuteQueryOperator,
    SQLTableCheckOperator,
)

from airflow_provider_datalake.exceptions import ConfigurationError, JobFailedError
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

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


PARAMETERS = [
    None,
    "it's ? \\ \n",
    b"\x00'",
    True,
    -(2**62),
    0.1,
    Decimal("-12345678901234567890.123456789012345678"),
    Decimal("1E+2"),
    dt.date(2020, 2, 29),
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 1, 1, 0, 0, 0, 7, dt.UTC),
]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_parameters_arrive_as_what_they_are(table: str, zone: str) -> None:
    hook = MaxComputeHook(CONN_ID, hints={"odps.sql.timezone": zone})
    marks = ", ".join(f"? as c{index}" for index in range(len(PARAMETERS)))
    (row,) = hook.get_records(f"select {marks}", parameters=PARAMETERS)
    assert list(row) == PARAMETERS
    naive = dt.datetime(2020, 1, 1)
    assert hook.get_first("select cast(? as string)", parameters=[naive]) == ("2020-01-01 00:00:00",)


def test_parameters_by_name_and_in_lists(table: str) -> None:
    hook = MaxComputeHook(CONN_ID)
    sql = f"select count(*) from {table} where name in :names and id = :id"
    assert hook.get_first(sql, parameters={"names": ["a", "b'"], "id": 1}) == (1,)


def test_parameter_without_a_literal_is_named_before_anything_runs(table: str, odps: ODPS) -> None:
    before = len(list(odps.list_instances()))
    with pytest.raises(ConfigurationError, match=f"'{CONN_ID}'.*parameter 2: a value of type object has no"):
        MaxComputeHook(CONN_ID).get_records("select ?, ?", parameters=[1, object()])
    assert len(list(odps.list_instances())) == before


def test_set_is_in_effect_for_the_statements_after_it(table: str) -> None:
    sql = "set odps.sql.timezone = UTC; select cast(from_unixtime(0) as string);"
    rows = MaxComputeHook(CONN_ID).run(sql, split_statements=True, handler=lambda cursor: cursor.fetchall())
    assert rows == [("1970-01-01 00:00:00",)]


def test_maps_are_mappings(table: str) -> None:
    sql = "select map('k', array(map('x', 1))) as m"
    assert MaxComputeHook(CONN_ID).get_first(sql) == ({"k": [{"x": 1}]},)


def test_failed_statement_names_its_instance(table: str, odps: ODPS) -> None:
    with pytest.raises(JobFailedError, match="instance 20.*Table not found") as raised:
        MaxComputeHook(CONN_ID).get_records("select * from not_there")
    assert raised.value.job_id in str(raised.value)


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
