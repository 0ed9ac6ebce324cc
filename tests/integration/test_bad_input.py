"""Bad input is refused by name, before anything is submitted or written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # the cases are made of Arrow data
import pyarrow.parquet as pq
import pytest

from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DataLakeError,
    NotFoundError,
)
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odps import ODPS

    from tests.integration.conftest import Emulator

CSV = CsvFormat()


@pytest.fixture
def connect(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MaxComputeHook]:
    def make(**fields: Any) -> MaxComputeHook:
        extra = {"project": "demo", **fields.pop("extra", {})}
        found = {
            "conn_type": "odps",
            "host": emulator.endpoint,
            "login": "emulator",
            "password": emulator.secret,
        }
        monkeypatch.setenv("AIRFLOW_CONN_MY_CONN", json.dumps({**found, **fields, "extra": extra}))
        return MaxComputeHook("my_conn")

    return make


@pytest.fixture
def table(odps: ODPS, table_name: str) -> str:
    odps.execute_sql(f"create table {table_name} (id bigint not null, n tinyint) partitioned by (dt string)")
    odps.execute_sql(f"alter table {table_name} add partition (dt='1')")
    return table_name


@pytest.fixture(autouse=True)
def requests_that_write(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request of the test that would open a session or start an instance."""
    from odps.rest import RestClient

    seen: list[str] = []
    original = RestClient.request

    def spy(self: RestClient, url: str, method: str, *args: Any, **kwargs: Any) -> Any:
        if method.lower() != "get" and not url.endswith("/logs"):
            seen.append(f"{method} {url} {kwargs.get('params')}")
        return original(self, url, method, *args, **kwargs)

    monkeypatch.setattr(RestClient, "request", spy)
    return seen


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    return path


def write_parquet(tmp_path: Path, **columns: Any) -> Path:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def refuse(
    requests_that_write: list[str], error: type[DataLakeError], words: list[str], call: Callable[[], Any]
) -> None:
    requests_that_write.clear()
    with pytest.raises(error) as raised:
        call()
    for word in ("'my_conn'", *words):
        assert word in str(raised.value)
    assert not raised.value.retryable
    assert requests_that_write == []


GOOD = "id,n\n1,1\n"


def test_good_input_is_taken(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str]
) -> None:
    requests_that_write.clear()
    connect().load(write(tmp_path, GOOD), table, partition="dt=1", csv_format=CSV)
    # Which shows that the spy sees what the other tests must not do.
    assert len(requests_that_write) == 3


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"password": "wrong"}, AuthenticationError, ["'login' and 'password'"]),
        ({"login": "nobody"}, AuthenticationError, ["'login' and 'password'"]),
        ({"extra": {"project": "nowhere"}}, NotFoundError, ["nowhere", "field 'project'"]),
        ({"extra": {"project": None}}, ConfigurationError, ["field 'project'", "missing"]),
        ({"password": None}, ConfigurationError, ["field 'password'", "missing"]),
        ({"extra": {"read_timeout": "long"}}, ConfigurationError, ["field 'read_timeout'", "'long'"]),
    ],
)
def test_connection(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str],
    fields: dict[str, Any], error: type[DataLakeError], words: list[str],
) -> None:  # fmt: skip
    hook = connect(**fields)
    path = write(tmp_path, GOOD)
    refuse(
        requests_that_write, error, words, lambda: hook.load(path, table, partition="dt=1", csv_format=CSV)
    )
    refuse(requests_that_write, error, words, lambda: hook.unload(table, partition="dt=1"))


@pytest.mark.parametrize(
    ("name", "partition", "error", "words"),
    [
        ("no_such_table", "dt=1", NotFoundError, ["no_such_table"]),
        ("nowhere.t", "dt=1", NotFoundError, ["nowhere", "'project'"]),
        ("a.b.c.d", "dt=1", ConfigurationError, ["malformed table name 'a.b.c.d'"]),
        ("", "dt=1", ConfigurationError, ["malformed table name ''"]),
        ("{table}", "dt=2", NotFoundError, ["has no partition dt='2'"]),
        ("{table}", "dt", ConfigurationError, ["malformed partition spec 'dt'", "expected e.g."]),
        ("{table}", "day=1", ConfigurationError, ["names day", "partitioned by dt"]),
        ("{table}", "dt='a,b'", ConfigurationError, ["column 'dt'", "cannot carry the value 'a,b'"]),
    ],
)
def test_table_and_partition(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str],
    name: str, partition: str, error: type[DataLakeError], words: list[str],
) -> None:  # fmt: skip
    hook, name = connect(), name.format(table=table)
    path = write(tmp_path, GOOD)
    refuse(
        requests_that_write, error, words, lambda: hook.load(path, name, partition=partition, csv_format=CSV)
    )
    refuse(requests_that_write, error, words, lambda: hook.unload(name, partition=partition))


def test_partition_that_is_missing_in_the_arguments(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str]
) -> None:
    path = write(tmp_path, GOOD)
    refuse(
        requests_that_write,
        ConfigurationError,
        ["is partitioned by dt", "give the partition"],
        lambda: connect().load(path, table, csv_format=CSV),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id\n1\n", ["rows.csv", "expected 2 columns, found 1", "missing: n"]),
        ("id,n,x\n1,1,1\n", ["rows.csv", "expected 2 columns, found 3", "not in the table: x"]),
        ("id,n\n1,1\n2,many\n", ["rows.csv", "'n' (tinyint)", "'many'"]),
        ("id,n\n1,1\n2,300\n", ["rows.csv", "'n' (tinyint)", "'300'"]),
        ("id,n\n1,1\n2\n", ["rows.csv", "xpected 2 columns, got 1"]),
        ("id,n\n1,1\n,2\n", ["rows.csv", "'id' (bigint), row 2", "NOT NULL"]),
        ("id,n\n" + "1,1\n" * 300_000 + "x,1\n", ["rows.csv", "'id' (bigint)", "'x'"]),
        ("", ["rows.csv", "empty"]),
    ],
)
def test_csv_content(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str],
    text: str, words: list[str],
) -> None:  # fmt: skip
    path = write(tmp_path, text)
    refuse(
        requests_that_write,
        ConfigurationError,
        words,
        lambda: connect().load(path, table, partition="dt=2", create_partition=True, csv_format=CSV),
    )


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": [1]}, ["rows.parquet", "missing: n"]),
        ({"id": ["1"], "n": [1]}, ["rows.parquet", "column 'id': expected bigint, found string"]),
        ({"id": [1, 2], "n": [1, 300]}, ["rows.parquet", "'n' (tinyint), row 2", "300"]),
        ({"id": [1, None], "n": [1, 1]}, ["rows.parquet", "'id' (bigint), row 2", "NOT NULL"]),
    ],
)
def test_parquet_content(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str],
    columns: dict[str, Any], words: list[str],
) -> None:  # fmt: skip
    path = write_parquet(tmp_path, **columns)
    refuse(
        requests_that_write,
        ConfigurationError,
        words,
        lambda: connect().load([path], table, partition="dt=2", create_partition=True),
    )


def test_second_of_two_files(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str]
) -> None:
    good, bad = write(tmp_path, GOOD), tmp_path / "bad.csv"
    bad.write_text("id,n\nx,1\n")
    refuse(
        requests_that_write,
        ConfigurationError,
        ["bad.csv", "'id' (bigint)"],
        lambda: connect().load([good, bad], table, partition="dt=1", csv_format=CSV),
    )


def test_missing_file(
    connect: Callable[..., MaxComputeHook], table: str, tmp_path: Path, requests_that_write: list[str]
) -> None:
    refuse(
        requests_that_write,
        NotFoundError,
        ["no such file", "nothing.parquet"],
        lambda: connect().load(tmp_path / "nothing.parquet", table, partition="dt=1"),
    )


def test_unknown_column_of_an_unload(
    connect: Callable[..., MaxComputeHook], table: str, requests_that_write: list[str]
) -> None:
    refuse(
        requests_that_write,
        ConfigurationError,
        ["has no column nope", "id, n, dt"],
        lambda: connect().unload(table, columns=["id", "nope"]),
    )
