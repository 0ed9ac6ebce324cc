"""Every MaxCompute type with its extremes, as the wires carry them: plain numbers, text and bytes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.types import DataType, arrow_type, parse_type

MAX_NS = 2**63 - 1
EXTREMES: dict[str, list[Any]] = {
    "tinyint": [-128, 127, 0],
    "smallint": [-(2**15), 2**15 - 1],
    "int": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63), 2**63 - 1, 0],
    "float": [3.4028234663852886e38, -1.401298464324817e-45, float("inf"), float("-inf")],
    "double": [1.7976931348623157e308, 5e-324, -0.0, float("inf")],
    "decimal(38,18)": [Decimal("-99999999999999999999.999999999999999999"), Decimal("1E-18"), Decimal(0)],
    "decimal(38,0)": [Decimal(10**38 - 1), Decimal(-1)],
    "decimal(5,2)": [Decimal("999.99"), Decimal("-0.01")],
    "boolean": [True, False],
    "string": ["", "中文 \U0001f600", "a\x00b", "x" * 70_000],
    "varchar(5)": ["", "ab中文e"],
    "char(3)": ["a", "abc"],
    "json": ['{"a": [1, null]}', "null"],
    "binary": [b"", bytes(range(256))],
    "date": [-719528, 2932896, 0],
    "datetime": [-62167219200000, 253402300799999, -1],
    "timestamp": [-MAX_NS, MAX_NS, -1],
    "timestamp_ntz": [-MAX_NS, MAX_NS, 1],
    "array<bigint>": [[], [1, None, -(2**63)]],
    "array<array<string>>": [[[], None, ["a", None]]],
    "map<string,double>": [[], [("a", 1.5), ("b", None)]],
    "map<bigint,array<timestamp>>": [[(1, [0, None, -1]), (2, None)]],
    "struct<a:bigint,b:struct<c:string,d:decimal(10,2)>>": [
        {"a": 1, "b": {"c": "x", "d": Decimal("1.50")}},
        {"a": None, "b": None},
    ],
    "array<struct<t:datetime,d:date,m:map<date,binary>>>": [[{"t": 1, "d": 2, "m": [(3, b"\xff")]}, None]],
}
COLUMNS = [(f"c{number}", parse_type(text)) for number, text in enumerate(EXTREMES)]


def extreme_batch():
    """One row of NULLs, then as many rows as the longest list of extremes."""
    import pyarrow as pa

    height = max(map(len, EXTREMES.values()))
    arrays = []
    for (_, data_type), values in zip(COLUMNS, EXTREMES.values(), strict=True):
        rows = [None, *values, *[None] * (height - len(values))]
        arrays.append(pa.array(rows, arrow_type(data_type)))
    return pa.RecordBatch.from_arrays(arrays, [name for name, _ in COLUMNS])


def values_of(data_type: DataType) -> st.SearchStrategy[Any]:
    """Values of a type or NULL."""
    return st.none() | _not_null(data_type)


def _not_null(data_type: DataType) -> st.SearchStrategy[Any]:
    simple = {
        "tinyint": st.integers(-128, 127),
        "bigint": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False),
        "boolean": st.booleans(),
        "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        "binary": st.binary(max_size=20),
        "date": st.integers(-719528, 2932896),
        "datetime": st.integers(-62167219200000, 253402300799999),
        "timestamp": st.integers(-MAX_NS, MAX_NS),
    }
    if data_type.name in simple:
        return simple[data_type.name]
    if data_type.name == "decimal":
        precision, scale = data_type.args
        # From text: arithmetic, scaleb included, rounds to the context's 28 digits.
        return st.integers(-(10**precision) + 1, 10**precision - 1).map(lambda n: Decimal(f"{n}E-{scale}"))
    if data_type.name == "array":
        return st.lists(values_of(data_type.children[0]), max_size=3)
    if data_type.name == "map":
        key, value = data_type.children
        return st.lists(st.tuples(_not_null(key), values_of(value)), max_size=3)
    return st.fixed_dictionaries(
        {n: values_of(t) for n, t in zip(data_type.field_names, data_type.children, strict=True)}
    )


def data_types() -> st.SearchStrategy[DataType]:
    """Types, nested ones included."""
    names = ["tinyint", "bigint", "double", "boolean", "string", "binary", "date", "datetime", "timestamp"]
    leaves = st.sampled_from([*names, "decimal(10,2)", "decimal(38,18)"]).map(parse_type)
    return st.recursive(leaves, _nested, max_leaves=4)


def _nested(inner: st.SearchStrategy[DataType]) -> st.SearchStrategy[DataType]:
    keys = st.sampled_from(["bigint", "string", "date"]).map(parse_type)
    return st.one_of(
        inner.map(lambda t: DataType("array", children=(t,))),
        st.tuples(keys, inner).map(lambda pair: DataType("map", children=pair)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda items: DataType(
                "struct", children=tuple(items), field_names=tuple(f"f{n}" for n in range(len(items)))
            )
        ),
    )


@st.composite
def batches(draw: st.DrawFn):
    """A few columns of any types, with rows."""
    import pyarrow as pa

    types = draw(st.lists(data_types(), min_size=1, max_size=4))
    height = draw(st.integers(0, 5))
    columns = [(f"c{number}", data_type) for number, data_type in enumerate(types)]
    arrays = [
        pa.array(draw(st.lists(values_of(t), min_size=height, max_size=height)), arrow_type(t))
        for _, t in columns
    ]
    return columns, pa.RecordBatch.from_arrays(arrays, [name for name, _ in columns])
