"""Columns: matched by name, converted without loss, and clear words for what does not fit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # the cases are made of Arrow data
import pytest

from airflow_provider_datalake.clients.maxcompute_columns import (
    BadData,
    ColumnPlan,
    TableColumn,
    match_columns,
    normal_type,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SHANGHAI = "Asia/Shanghai"
UTC = dt.UTC


def plan(
    array: pa.Array, type_: str, *, nullable: bool = True, zone: str = SHANGHAI, texts: bool = False
) -> ColumnPlan:
    column = TableColumn("c", type_, nullable)
    (found,) = match_columns(pa.schema([("c", array.type)]), [column], columns=None, zone=zone, texts=texts)
    return found


def convert(array: pa.Array, type_: str, **options: Any) -> list[Any]:
    result = plan(array, type_, **options).convert(array, len(array))
    assert result.type == TableColumn("c", type_).wire_type()
    return result.to_pylist()


@pytest.mark.parametrize(
    ("type_", "wire"),
    [
        ("tinyint", pa.int8()),
        ("decimal(10,2)", pa.decimal128(10, 2)),
        ("decimal(38,0)", pa.decimal128(38, 0)),
        ("decimal(5)", pa.decimal128(5, 0)),
        ("json", pa.string()),
        ("char(3)", pa.string()),
        ("datetime", pa.timestamp("ms")),
        ("timestamp_ntz", pa.timestamp("ns")),
        ("array<map<string,json>>", pa.list_(pa.map_(pa.string(), pa.string()))),
        ("struct<a:bigint,b:date>", pa.struct([("a", pa.int64()), ("b", pa.date32())])),
    ],
)
def test_wire_types(type_: str, wire: pa.DataType) -> None:
    assert TableColumn("c", type_).wire_type() == wire


def test_one_spelling_for_a_type() -> None:
    assert normal_type("STRUCT<A:BIGINT, b:Decimal(10, 2)>") == normal_type(
        "struct<`a`:bigint,`b`:decimal(10,2)>"
    )


@pytest.mark.parametrize(
    ("array", "type_", "expected"),
    [
        (pa.array([1, None], pa.int64()), "tinyint", [1, None]),
        (pa.array([1.0, None], pa.float64()), "bigint", [1, None]),
        (pa.array([3], pa.uint8()), "bigint", [3]),
        (pa.array([1]), "double", [1.0]),
        (pa.array([7]), "decimal(5,2)", [Decimal("7.00")]),
        (pa.array([Decimal("1.50")]), "decimal(38,18)", [Decimal("1.500000000000000000")]),
        (pa.array(["a", None]).dictionary_encode(), "string", ["a", None]),
        (pa.array(["a"], pa.large_string()), "varchar(1)", ["a"]),
        (pa.array(["é"]), "binary", ["é".encode()]),
        (pa.array([None, None], pa.null()), "decimal(5,2)", [None, None]),
        (pa.array([dt.datetime(2024, 1, 2)]), "date", [dt.date(2024, 1, 2)]),
        (pa.array([[1, None], None]), "array<int>", [[1, None], None]),
        (pa.array([{"a": 1}], pa.struct([("a", pa.int64())])), "struct<a:smallint>", [{"a": 1}]),
    ],
)
def test_values_that_fit_are_converted(array: pa.Array, type_: str, expected: list[Any]) -> None:
    assert convert(array, type_) == expected


@pytest.mark.parametrize(
    ("array", "type_"),
    [
        (pa.array(["1"]), "bigint"),
        (pa.array([1]), "string"),
        (pa.array([1.5]), "decimal(5,2)"),
        (pa.array([True]), "bigint"),
        (pa.array([1]), "boolean"),
        (pa.array(["2024-01-01"]), "datetime"),
        (pa.array([dt.date(2024, 1, 1)]), "datetime"),
        (pa.array([dt.datetime(2024, 1, 1, tzinfo=UTC)]), "date"),
        (pa.array([dt.datetime(2024, 1, 1, tzinfo=UTC)]), "timestamp_ntz"),
        (pa.array([[1]]), "array<string>"),
        (pa.array([[dt.datetime(2024, 1, 1)]]), "array<datetime>"),
        (pa.array([{"b": 1}]), "struct<a:bigint>"),
        (pa.array([b"x"]), "string"),
    ],
)
def test_types_that_would_need_guessing_are_refused(array: pa.Array, type_: str) -> None:
    with pytest.raises(BadData, match=r"column 'c': expected .*, found "):
        plan(array, type_)


@pytest.mark.parametrize(
    ("array", "type_", "row", "reason"),
    [
        (pa.array([1] * 70 + [300]), "tinyint", 71, "300 not in range"),
        (pa.array([1.0, 2.5]), "bigint", 2, "2.5"),
        (pa.array([float("nan")]), "bigint", 1, "nan"),
        (pa.array([2**53 + 1]), "double", 1, "9007199254740993"),
        (pa.array([Decimal("1.005")]), "decimal(5,2)", 1, "Rescaling"),
        (pa.array([dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, 1)]), "date", 2, "lose data"),
        (pa.array(["abc", "abcd"]), "varchar(3)", 2, "4 characters"),
        (pa.array([dt.datetime(2024, 1, 1, microsecond=1)]), "datetime", 1, "lose data"),
        (pa.array([dt.datetime(2500, 1, 1)], pa.timestamp("us")), "timestamp", 1, "out of bounds"),
    ],
)
def test_value_that_does_not_fit_is_named_with_its_row(
    array: pa.Array, type_: str, row: int, reason: str
) -> None:
    column = plan(array, type_)
    assert column.can_fail
    with pytest.raises(
        BadData, match=rf"column 'c' \({type_.replace('(', '.').replace(')', '.')}\), row {row}: .*{reason}"
    ):
        column.convert(array, len(array))


def test_null_in_a_column_that_is_not_null_is_refused() -> None:
    array = pa.array([1, 2, None])
    with pytest.raises(BadData, match=r"column 'c' \(bigint\), row 13: NULL in a column that is NOT NULL"):
        plan(array, "bigint", nullable=False).convert(array, 3, first=10)


def test_columns_whose_type_says_it_all_need_no_second_look() -> None:
    assert not plan(pa.array([1]), "bigint").can_fail
    assert not plan(pa.array(["a"], pa.large_string()), "string").can_fail
    assert not plan(pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("ms")), "datetime").can_fail


def _utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)


@pytest.mark.parametrize("local_zone", ["UTC", "America/New_York"])
def test_times_without_a_zone_are_wall_clock_of_the_connections_zone(
    local_zone: str, use_timezone: Callable[[str], None]
) -> None:
    use_timezone(local_zone)
    array = pa.array([dt.datetime(2024, 7, 1, 8), None])
    assert convert(array, "datetime") == [_utc(2024, 7, 1, 0), None]
    assert convert(array, "datetime", zone="America/New_York") == [_utc(2024, 7, 1, 12), None]
    assert convert(array, "timestamp_ntz") == [_utc(2024, 7, 1, 8), None]


def test_times_with_a_zone_are_instants() -> None:
    array = pa.array([dt.datetime(2024, 7, 1, 8, tzinfo=UTC)]).cast(pa.timestamp("us", "America/New_York"))
    assert convert(array, "datetime") == [_utc(2024, 7, 1, 8)]


def test_texts_of_times_may_mix_zones() -> None:
    array = pa.array(["2024-07-01 08:00:00", "2024-07-01T08:00:00Z", None, "2024-07-01 08:00:00.5+02:00"])
    assert convert(array, "datetime", texts=True) == [
        _utc(2024, 7, 1, 0),
        _utc(2024, 7, 1, 8),
        None,
        _utc(2024, 7, 1, 6, 0, 0, 500000),
    ]


def test_text_that_is_no_time_is_named() -> None:
    array = pa.array(["2024-07-01", "soon"])
    with pytest.raises(BadData, match="row 2: .*soon"):
        plan(array, "datetime", texts=True).convert(array, 2)


@pytest.mark.parametrize(("text", "hour"), [("2024-11-03 01:30:00", 5), ("2024-03-10 02:30:00", 7)])
def test_wall_clock_that_a_change_of_clocks_repeats_or_skips_is_taken(text: str, hour: int) -> None:
    array = pa.array([text])
    (found,) = convert(array, "datetime", texts=True, zone="America/New_York")
    assert found.hour == hour


def _match(names: list[str], columns: Any = None) -> list[tuple[str, str | None]]:
    table = [
        TableColumn("id", "bigint", nullable=False),
        TableColumn("Name", "bigint"),
        TableColumn("x", "bigint"),
    ]
    plans = match_columns(
        pa.schema([(name, pa.int64()) for name in names]), table, columns=columns, zone="UTC"
    )
    return [(plan.column.name, plan.source) for plan in plans]


def test_names_match_without_case_in_any_order() -> None:
    assert _match(["X", "NAME", "Id"]) == [("id", "Id"), ("Name", "NAME"), ("x", "X")]


def test_chosen_columns_leave_the_others_null() -> None:
    assert _match(["id", "extra"], ["id"]) == [("id", "id"), ("Name", None), ("x", None)]


def test_columns_can_be_renamed() -> None:
    assert _match(["number", "x"], {"number": "id", "x": "x"}) == [
        ("id", "number"),
        ("Name", None),
        ("x", "x"),
    ]


@pytest.mark.parametrize(
    ("names", "columns", "message"),
    [
        (["id", "name"], None, "expected 3 columns, found 2; missing: x"),
        (["id", "name", "x", "y"], None, "expected 3 columns, found 4; not in the table: y"),
        (["id", "nane", "x"], None, "missing: Name; not in the table: nane"),
        (["id"], ["id", "y"], "no column 'y' in the source; it has id"),
        (["x"], ["x"], "missing: id"),
        (["a", "b"], {"a": "id", "b": "ID"}, "two source columns for the table's column"),
        (["a"], {"a": "z"}, "missing: id; not in the table: z"),
    ],
)
def test_names_that_do_not_match_are_all_named(names: list[str], columns: Any, message: str) -> None:
    with pytest.raises(BadData, match=message):
        _match(names, columns)
