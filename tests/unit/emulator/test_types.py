from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.types import DataType, TypeSyntaxError, parse_type

LEAVES = st.sampled_from(
    ["bigint", "string", "double", "datetime", "timestamp_ntz", "decimal(38,18)", "varchar(7)", "char(255)"]
).map(parse_type)


def _nested(inner: st.SearchStrategy[DataType]) -> st.SearchStrategy[DataType]:
    return st.one_of(
        inner.map(lambda t: DataType("array", children=(t,))),
        st.tuples(inner, inner).map(lambda pair: DataType("map", children=pair)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda items: DataType(
                "struct", children=tuple(items), field_names=tuple(f"f{n}" for n in range(len(items)))
            )
        ),
    )


@given(st.recursive(LEAVES, _nested, max_leaves=6))
def test_text_of_a_type_reads_as_the_type(data_type: DataType) -> None:
    assert parse_type(str(data_type)) == data_type
    assert parse_type(f" {str(data_type).upper()} ") == data_type


@pytest.mark.parametrize(
    ("text", "full"),
    [("decimal", "decimal(38,18)"), ("decimal(10)", "decimal(10,0)"), ("INTEGER", "int")],
)
def test_short_forms_have_a_full_one(text: str, full: str) -> None:
    assert str(parse_type(text)) == full


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected a name"),
        ("number", "unknown type 'number'"),
        ("decimal(10 2)", "expected , or ), found '2'"),
        ("decimal(10<2)", "expected , or ), found '<'"),
        ("decimal(39,2)", "precision from 1 to 38"),
        ("varchar", "a length from 1 to 65535"),
        ("char(256)", "a length from 1 to 255"),
        ("array<bigint", "found the end"),
        ("map<string>", "expected 2 type argument"),
        ("struct<a bigint>", "expected :"),
        ("bigint bigint", "unexpected 'bigint'"),
    ],
)
def test_what_is_no_type_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(TypeSyntaxError, match="invalid data type") as refused:
        parse_type(text)
    assert why in str(refused.value)
