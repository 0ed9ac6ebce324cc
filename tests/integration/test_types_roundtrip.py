"""Every type at its extremes: through both wires, in both directions, through SQL, in any time zone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odps import ODPS
    from odps.models import Table

ODPS2 = {"odps.sql.type.system.odps2": "true"}
Pair = namedtuple("Pair", ["a", "b"])


def _timestamps() -> list[Any]:
    import pandas as pd

    return [
        pd.Timestamp("2262-04-11 23:47:16.854775806"),
        pd.Timestamp("1677-09-21 00:12:44.000000001"),
        pd.Timestamp("1969-12-31 23:59:59.999999999"),
        pd.Timestamp("2024-02-29 12:00:00"),
    ]


CASES: dict[str, list[Any]] = {
    "tinyint": [-128, 127],
    "smallint": [-(2**15), 2**15 - 1],
    "int": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63), 2**63 - 1],
    "float": [1.5, -3.4028234663852886e38, 1.401298464324817e-45, float("inf")],
    "double": [5e-324, -1.7976931348623157e308, float("-inf")],
    "decimal(38,18)": [Decimal("99999999999999999999.999999999999999999"), Decimal("-1E-18"), Decimal(0)],
    "decimal(38,0)": [Decimal(10**38 - 1), Decimal(-1)],
    "decimal(5,2)": [Decimal("-999.99"), Decimal("0.01")],
    "boolean": [True, False],
    "string": ["", "中文 \U0001f600 'quoted' \"twice\" \\N", "a\x00b\r\n", "x" * 100_000],
    "varchar(3)": ["", "中文字"],
    "char(3)": ["abc"],
    "binary": [b"", bytes(range(256))],
    "date": [date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1)],
    "datetime": [datetime(2024, 1, 2, 3, 4, 5, 678_000), datetime(1970, 1, 1), datetime(1950, 6, 1, 12)],
    "timestamp": _timestamps(),
    "timestamp_ntz": _timestamps(),
    "array<bigint>": [[], [1, None, -(2**63)]],
    "array<array<string>>": [[[], None, ["a", None, ""]]],
    "array<decimal(10,2)>": [[Decimal("12345678.91"), None]],
    "map<string,double>": [{}, {"a": 0.5, "b": None}],
    "map<bigint,array<string>>": [{1: ["x", None], 2: None}],
    "struct<a:bigint,b:string>": [Pair(1, "x"), Pair(None, None)],
    "array<struct<a:date,b:map<string,int>>>": [[Pair(date(2024, 2, 29), {"k": 7}), None]],
}
# The record client knows JSON, the Arrow client does not.
RECORD_CASES = {**CASES, "json": [{"a": [1, None, "中"]}, [], "text", 1.5, True]}


@pytest.fixture(autouse=True)
def _antique_dates() -> Iterator[None]:
    """The client refuses times before 1928 unless it is told that they are meant."""
    from odps.config import option_context

    with option_context() as options:
        options.allow_antique_date = True
        yield


def _create(odps: ODPS, name: str, data_type: str) -> Table:
    return odps.create_table(name, f"id bigint, a {data_type}", hints=ODPS2)


def _records(reader) -> list[Any]:
    return [record["a"] for record in sorted(reader, key=lambda record: record["id"])]


def _read_records(table: Table) -> list[Any]:
    with table.open_reader(reopen=True) as reader:
        return _records(reader)


def _arrow(reader):
    return reader.read_all().sort_by("id").column("a").combine_chunks()


def _read_arrow(table: Table):
    with table.open_reader(arrow=True, reopen=True) as reader:
        return _arrow(reader)


@pytest.mark.parametrize("data_type", RECORD_CASES)
def test_records_give_back_what_records_brought(odps, table_name, data_type):
    values = [None, *RECORD_CASES[data_type]]
    table = _create(odps, table_name, data_type)
    odps.write_table(table, [list(row) for row in enumerate(values)])
    assert _read_records(table) == values


@pytest.mark.parametrize("data_type", RECORD_CASES)
def test_select_gives_records_what_records_brought(odps, table_name, data_type):
    values = [None, *RECORD_CASES[data_type]]
    table = _create(odps, table_name, data_type)
    odps.write_table(table, [list(row) for row in enumerate(values)])
    copy = f"{table_name}_copy"
    odps.execute_sql(f"CREATE TABLE {copy} LIKE {table_name}")
    odps.execute_sql(f"INSERT INTO {copy} SELECT * FROM {table_name}", hints=ODPS2)
    with odps.execute_sql(f"SELECT * FROM {copy}", hints=ODPS2).open_reader(tunnel=True) as reader:
        assert _records(reader) == values


@pytest.mark.parametrize("data_type", CASES)
def test_arrow_gives_back_what_records_brought_and_the_other_way_round(odps, table_name, data_type):
    values = [None, *CASES[data_type]]
    first = _create(odps, table_name, data_type)
    odps.write_table(first, [list(row) for row in enumerate(values)])
    with first.open_reader(arrow=True) as reader:
        everything = reader.read_all()
    second = _create(odps, f"{table_name}_2", data_type)
    odps.write_table(second, everything)
    assert _read_records(second) == values
    assert _read_arrow(second).equals(everything.sort_by("id").column("a").combine_chunks())


@pytest.mark.parametrize("data_type", CASES)
def test_select_gives_arrow_what_the_table_gives(odps, table_name, data_type):
    table = _create(odps, table_name, data_type)
    odps.write_table(table, [list(row) for row in enumerate([None, *CASES[data_type]])])
    instance = odps.execute_sql(f"SELECT * FROM {table_name}", hints=ODPS2)
    with instance.open_reader(tunnel=True, arrow=True) as reader:
        assert _arrow(reader).equals(_read_arrow(table))


def test_nested_times_travel_in_records(odps, table_name):
    import pandas as pd

    moment, stamp = datetime(2024, 1, 2, 3, 4, 5), pd.Timestamp("1969-12-31 23:59:59.123456789")
    table = _create(odps, table_name, "array<struct<a:datetime,b:timestamp>>")
    values = [[Pair(moment, stamp), Pair(None, None), None]]
    odps.write_table(table, [[0, values[0]]])
    assert _read_records(table) == values
    with odps.execute_sql(f"SELECT * FROM {table_name}", hints=ODPS2).open_reader(tunnel=True) as reader:
        assert _records(reader) == values


# Time zones

ZONES_SCRIPT = """
import sys
from datetime import datetime
import pandas as pd
from odps import ODPS

address, name = sys.argv[1:]
odps = ODPS("emulator", "emulator-secret", "demo", address + "/api", overwrite_global=False)
table = odps.create_table(name, "id bigint, d datetime, t timestamp, n timestamp_ntz",
                          hints={"odps.sql.type.system.odps2": "true"})
# Noon of 1 July 2024 in New York is 16:00 UTC; midnight of 1 January is 05:00 UTC.
rows = [[0, datetime(2024, 7, 1, 12), pd.Timestamp("2024-07-01 12:00:00.123456789"), pd.Timestamp("2024-07-01 12:00:00")],
        [1, datetime(2024, 1, 1), pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01")]]
odps.write_table(table, rows)
frame = pd.DataFrame(rows, columns=["id", "d", "t", "n"]).assign(id=[2, 3])
odps.write_table(table, frame)

def same(found):
    assert [row[1:] for row in found] == [row[1:] for row in rows] * 2, found

with table.open_reader(reopen=True) as reader:
    same(sorted([record.values for record in reader]))
with table.open_reader(reopen=True, arrow=True) as reader:
    same(reader.to_pandas().sort_values("id").values.tolist())
hints = {"odps.sql.timezone": "UTC", "odps.sql.type.system.odps2": "true"}
instance = odps.execute_sql(f"SELECT * FROM {name}", hints=hints)
with instance.open_reader(tunnel=True) as reader:
    same(sorted([record.values for record in reader]))
with instance.open_reader(tunnel=True, arrow=True) as reader:
    same(reader.to_pandas().sort_values("id").values.tolist())
texts = odps.execute_sql(f"SELECT CAST(d AS STRING), CAST(t AS STRING), CAST(n AS STRING) FROM {name} ORDER BY id LIMIT 9", hints=hints)
with texts.open_reader(tunnel=True) as reader:
    for record in reader:
        print(*record.values, sep="|")
same(sorted([record.values for record in table.head(9, use_legacy=False)]))
"""


@pytest.mark.parametrize("client_zone", ["America/New_York"])
def test_instants_are_the_same_whatever_zone_client_and_server_run_in(own_emulator, table_name, client_zone):
    server = own_emulator(environment={"TZ": "America/New_York"})
    done = subprocess.run(
        [sys.executable, "-c", ZONES_SCRIPT, server.address, table_name],
        env={**os.environ, "TZ": client_zone},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    summer = "2024-07-01 16:00:00|2024-07-01 16:00:00.123456789|2024-07-01 12:00:00"
    winter = "2024-01-01 05:00:00|2024-01-01 05:00:00|2024-01-01 00:00:00"
    assert done.stdout.splitlines()[-4:] == [summer, winter] * 2


def test_head_shows_instants_in_the_projects_zone(odps, table_name):
    import pandas as pd

    table = odps.create_table(table_name, "d datetime")
    moment = datetime(2024, 7, 1, 12, tzinfo=UTC)
    odps.write_table(table, [[moment]])
    raw = table._client.get(table.resource(), action="data", params={"linenum": 1}).text
    assert pd.Timestamp(raw.splitlines()[1].strip('"')) == pd.Timestamp("2024-07-01 20:00:00")
