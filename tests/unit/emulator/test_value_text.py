from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_datalake.emulator.maxcompute.types import arrow_type, parse_type
from airflow_provider_datalake.emulator.maxcompute.value_text import session_zone, text_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def text(value: Any, type_text: str, zone: ZoneInfo = SHANGHAI) -> str | None:
    import pyarrow as pa

    data_type = parse_type(type_text)
    return text_of(pa.scalar(value, type=arrow_type(data_type)), data_type, zone)


@pytest.mark.parametrize(
    ("value", "type_text", "expected"),
    [
        (None, "bigint", None),
        (-(2**63), "bigint", "-9223372036854775808"),
        (True, "boolean", "true"),
        (1.0, "double", "1.0"),
        (1e300, "double", "1e+300"),
        (float("nan"), "double", "nan"),
        (0.1, "float", "0.1"),
        (16777216.0, "float", "16777216.0"),
        (Decimal("0.000000000000000001"), "decimal(38,18)", "0.000000000000000001"),
        (Decimal("-12.50"), "decimal(10,2)", "-12.50"),
        ('it\'s \\ "x"', "string", 'it\'s \\ "x"'),
        (b"\x00\xff", "binary", "00FF"),
        (date(1, 1, 1), "date", "0001-01-01"),
        (date(9999, 12, 31), "date", "9999-12-31"),
        ([1, None, 3], "array<bigint>", "[1,\\N,3]"),
        ([], "array<bigint>", "[]"),
        (['a"b', None], "array<string>", '["a\\"b",\\N]'),
        ([("k", 1), ("l", None)], "map<string,bigint>", '{"k":1,"l":\\N}'),
        ({"a": "x", "b": [1]}, "struct<a:string,b:array<int>>", '{a:"x",b:[1]}'),
    ],
)
def test_values_are_written_as_pyodps_reads_them(value: Any, type_text: str, expected: str | None) -> None:
    assert text(value, type_text) == expected


def test_instants_are_shown_in_the_jobs_zone() -> None:
    moment = datetime(2020, 1, 1, 0, 0, 0)
    assert text(moment, "datetime") == "2020-01-01 08:00:00"
    assert text(moment, "timestamp", ZoneInfo("America/New_York")) == "2019-12-31 19:00:00"
    assert text(moment, "timestamp_ntz") == "2020-01-01 00:00:00"


@pytest.mark.parametrize(
    ("nanoseconds", "type_text", "expected"),
    [
        (1_577_836_800_123_456_789, "timestamp_ntz", "2020-01-01 00:00:00.123456789"),
        (1_577_836_800_500_000_000, "timestamp_ntz", "2020-01-01 00:00:00.5"),
        (-1, "timestamp_ntz", "1969-12-31 23:59:59.999999999"),
    ],
)
def test_no_fraction_of_a_second_is_lost(nanoseconds: int, type_text: str, expected: str) -> None:
    assert text(nanoseconds, type_text) == expected


def test_milliseconds_keep_three_digits() -> None:
    assert text(-62_135_596_799_990, "datetime", ZoneInfo("UTC")) == "0001-01-01 00:00:00.010"


def test_an_unknown_zone_is_the_services_default() -> None:
    assert session_zone({"odps.sql.timezone": "Nowhere/Land"}) == SHANGHAI
    assert session_zone({"odps.sql.timezone": "../etc/passwd"}) == SHANGHAI
    assert session_zone({"odps.sql.timezone": "UTC"}) == ZoneInfo("UTC")
