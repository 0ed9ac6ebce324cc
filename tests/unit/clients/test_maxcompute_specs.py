"""Partition specs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.maxcompute_specs import (
    check_partition,
    parse_partition,
    sql_form,
    tunnel_form,
)
from airflow_provider_datalake.exceptions import ConfigurationError

KEYS = [("dt", "string"), ("hour", "bigint")]


@pytest.mark.parametrize(
    "spec",
    [
        "dt=20240101,hour=5",
        "dt='20240101',hour=5",
        'dt="20240101" , hour="5"',
        " DT = 20240101 / Hour = 5 ",
        "dt='20240101'/hour='5'",
        "`dt`='20240101',`hour`=5",
        {"dt": "20240101", "hour": 5},
    ],
)
def test_every_way_to_write_a_spec_means_the_same(spec: Any) -> None:
    assert parse_partition(spec) == {"dt": "20240101", "hour": "5"}


def test_quotes_protect_separators() -> None:
    assert parse_partition("a='x,y=z/1',b=2") == {"a": "x,y=z/1", "b": "2"}


@pytest.mark.parametrize(
    "spec", ["", "dt", "dt=", "=1", "dt=1,", "dt=1,,hour=2", "dt=1 hour=2", "dt='1", "dt=1,dt=2", "dt=a'b", {}, {"dt": None}, {"dt": 1.5}, {"dt": True}, ["dt=1"], None, 5]
)  # fmt: skip
def test_malformed_spec_is_refused_with_an_example(spec: Any) -> None:
    with pytest.raises(ConfigurationError, match="malformed partition spec .*expected e.g."):
        parse_partition(spec)


def test_check_orders_the_parts_as_the_table_does() -> None:
    assert list(check_partition("hour=5,dt=x", KEYS, table="t") or ()) == ["dt", "hour"]


@pytest.mark.parametrize(
    ("spec", "keys", "message"),
    [
        ("dt=1", KEYS, "names dt; the table is partitioned by dt, hour"),
        ("dt=1,hour=2,x=3", KEYS, "names dt, hour, x"),
        ("dt=1,hour=noon", KEYS, "column 'hour' is bigint, found 'noon'"),
        (None, KEYS, "partitioned by dt, hour: give the partition"),
        ("dt=1", [], "not partitioned, but partition 'dt=1' was given"),
    ],
)
def test_spec_that_does_not_fit_is_refused(spec: Any, keys: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_partition(spec, keys, table="t")


def test_whole_table_needs_no_spec() -> None:
    assert check_partition(None, [], table="t") is None
    assert check_partition(None, KEYS, table="t", required=False) is None


def test_tunnel_cannot_carry_separators() -> None:
    assert tunnel_form({"a": "x/y z", "b": "2"}) == "a=x/y z,b=2"
    with pytest.raises(ConfigurationError, match="column 'a'"):
        tunnel_form({"a": "x,y"})


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
values = st.text(st.characters(exclude_characters="'\\", exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.dictionaries(names, values, min_size=1, max_size=4))
def test_sql_form_can_be_read_back(parts: dict[str, str]) -> None:
    assert parse_partition(sql_form(parts)) == parts
