from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.catalog import Column, Table
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
from airflow_provider_datalake.emulator.maxcompute.tunnel import specs

PLAIN = Table(1, "demo", "default", "plain", (Column(1, "a", "bigint"),))
PARTITIONED = Table(
    2,
    "demo",
    "default",
    "parts",
    (Column(1, "a", "bigint"),),
    (Column(2, "pt", "string"), Column(3, "sub", "bigint")),
)


def _code(call, *arguments) -> str:
    with pytest.raises(OdpsError) as caught:
        call(*arguments)
    assert 400 <= caught.value.status < 500
    assert caught.value.status not in (408, 429)
    return caught.value.code


@pytest.mark.parametrize(
    "spec", ["pt=a,sub=1", "pt=a/sub=1", "pt='a',sub='1'", 'PT="a" , Sub=01', "sub=1,pt=a"]
)
def test_partition_specs_in_all_their_forms(spec):
    assert specs.partition_values(PARTITIONED, spec) == ("a", "1")


@pytest.mark.parametrize(
    "spec", ["", "pt=a", "pt=,sub=1", "pt=a,sub=x", "pt=a,sub=1,pt=b", "nonsense", "x=1,y=2"]
)
def test_wrong_partition_specs(spec):
    expected = "MissingPartitionSpec" if not spec else "InvalidPartitionSpec"
    assert _code(specs.partition_values, PARTITIONED, spec) == expected


def test_a_plain_table_has_no_partition():
    assert specs.partition_values(PLAIN, None) is None
    assert specs.partition_values(PLAIN, "") is None
    assert _code(specs.partition_values, PLAIN, "pt=1") == "InvalidPartitionSpec"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, (0, 10)), ("(0,10)", (0, 10)), ("(3,4)", (3, 4)), ("(8,100)", (8, 2)), ("( 10 , 5 )", (10, 0))],
)
def test_row_ranges(text, expected):
    assert specs.row_range(text, 10) == expected


@pytest.mark.parametrize("text", ["(11,1)", "(-1,1)", "1,2", "(a,b)", ""])
def test_wrong_row_ranges(text):
    assert _code(specs.row_range, text, 10) == "InvalidRowRange"


def test_columns_are_found_in_any_case_and_kept_in_order():
    assert specs.requested_columns("B,`a`", ["a", "b"]) == ["b", "a"]
    assert specs.requested_columns("", ["a", "b"]) is None


@pytest.mark.parametrize("text", ["c", "a,a", "a,,b"])
def test_wrong_columns(text):
    assert _code(specs.requested_columns, text, ["a", "b"]) == "InvalidColumnSpec"


@pytest.mark.parametrize("text", [None, "", "x", "-1", "20000", "１"])
def test_wrong_block_ids(text):
    assert _code(specs.block_id, text) == "InvalidBlockID"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), ("false", False), ("False", False), ("true", True), ("True", True), ("", True)],
)
def test_flags(value, expected):
    assert specs.flag(value) is expected


def test_a_session_belongs_to_one_table():
    specs.check_resource(PLAIN, {"project": "Demo", "table": "PLAIN"})
    assert _code(specs.check_resource, PLAIN, {"project": "demo", "table": "parts"}) == "InvalidResourceSpec"
