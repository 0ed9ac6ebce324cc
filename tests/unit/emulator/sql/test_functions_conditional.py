"""Functions that choose among values."""

from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.typed import FunctionContext
from tests.unit.emulator.sql.expressions import NOW, Session, context


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        ("if(1=2, 100, 200)", 200, "int"),
        ("if(null, 1, 2.5)", 2.5, "double"),
        ("if(true, null, 'a')", None, "string"),
        ("coalesce(null, null, 1, null, 3, 5, 7)", 1, "int"),
        ("coalesce(null, null, 1, null, 'abc', 5, 7)", "1", "string"),
        ("nvl(null, '00000')", "00000", "string"),
        ("nvl(2L, 0)", 2, "bigint"),
        ("nvl(cast(null as int), 5L)", 5, "bigint"),
        ("nvl(cast(null as datetime), '-')", "-", "string"),
        ("nvl2(null, 1, 2)", 2, "int"),
        ("nullif(2, 3)", 2, "int"),
        ("nullif(2, 2)", None, "int"),
        ("nullif(3, null)", 3, "int"),
        ("decode('c2', 'c1', 'Taobao', 'c2', 'Alipay', null, 'N/A', 'Others')", "Alipay", "string"),
        ("decode(cast(null as string), 'c1', 'Taobao', null, 'N/A', 'Others')", "N/A", "string"),
        ("decode('x', 'c1', 'Taobao')", None, "string"),
        ("greatest(cast('2020-01-01 00:00:00' as datetime), '2021-01-01 00:00:00') > '2020-06-01 00:00:00'", True, "boolean"),
    ],
)  # fmt: skip
def test_the_value_and_type_are_those_of_the_documentation(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


@pytest.mark.parametrize(
    "call", ["coalesce(null, null)", "if(1, 2, 3)", "decode(1, 2)", "coalesce(true, 1)", "if(true, 1)"]
)
def test_what_the_function_does_not_take_is_refused(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        sql.value(call)


def test_max_pt_asks_for_the_greatest_partition_with_data(sql: Session) -> None:
    partitions = {"tbl": "20120902", "p.empty": None}
    ctx = FunctionContext(now=NOW, max_partition=partitions.get)
    assert sql.value("max_pt('tbl')", ctx) == "20120902"
    with pytest.raises(SqlError, match="no partition"):
        sql.value("max_pt('p.empty')", ctx)
    with pytest.raises(SqlError):
        sql.value("max_pt(concat('t', 'bl'))", ctx)


def test_hive_mode_gives_null_for_the_greatest_of_null(sql: Session) -> None:
    assert sql.value("greatest(1, null)", context(odps__sql__hive__compatible="true")) is None
