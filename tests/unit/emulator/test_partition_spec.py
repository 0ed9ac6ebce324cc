from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.catalog import Column, Partition, Table
from airflow_provider_datalake.emulator.maxcompute.partition_spec import (
    matching,
    parse_partition_spec,
    partition_values,
    spec_text,
)

TABLE = Table(
    id=1,
    project="demo",
    schema="default",
    name="t",
    columns=(Column(1, "id", "bigint"),),
    partition_columns=(Column(2, "pt", "string"), Column(3, "hour", "bigint")),
)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("pt='1'", {"pt": "1"}),
        ("pt=1", {"pt": "1"}),
        ("PT = \"a\" , hour='2'", {"pt": "a", "hour": "2"}),
        ("pt=2013-01-01/hour=3", {"pt": "2013-01-01", "hour": "3"}),
        ("`pt`='a,b=c/d'", {"pt": "a,b=c/d"}),
        ("pt='it\\'s'", {"pt": "it's"}),
        ("pt=我", {"pt": "我"}),
        (" pt = a b ", {"pt": "a b"}),
    ],
)
def test_specs_are_read_with_and_without_quotes(text: str, spec: dict[str, str]) -> None:
    assert parse_partition_spec(text) == spec


@pytest.mark.parametrize(
    "text", ["", "pt", "=1", "pt=", "pt=''", "pt='1", "pt='1'x", "pt=1,", "pt=1,pt=2", "pt='1' hour='2'", ","]
)
def test_malformed_specs_are_refused_by_their_text(text: str) -> None:
    with pytest.raises(ValueError, match="malformed partition spec"):
        parse_partition_spec(text)


def test_values_come_in_the_tables_order() -> None:
    assert partition_values(TABLE, {"hour": "2", "pt": "a"}) == ("a", "2")


@pytest.mark.parametrize(
    ("spec", "message"), [({"pt": "a"}, "lacks hour"), ({"pt": "a", "hour": "1", "x": "1"}, "not by x")]
)
def test_incomplete_and_foreign_specs_are_refused(spec: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        partition_values(TABLE, spec)


def test_partial_specs_match_by_canonical_value() -> None:
    partitions = [Partition(n, 1, ("a", str(n))) for n in range(3)]
    assert [item.id for item in matching(TABLE, partitions, {"hour": "02"})] == [2]
    assert matching(TABLE, partitions, {}) == partitions
    with pytest.raises(ValueError, match="expected an integer"):
        matching(TABLE, partitions, {"hour": "x"})


def test_a_partition_is_shown_as_the_service_does() -> None:
    assert spec_text(TABLE, ("a", "1")) == "pt=a/hour=1"
