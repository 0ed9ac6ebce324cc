"""The fast way to write text gives the bytes that pandas gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients import ml_studio_fast_text
from airflow_provider_datalake.clients.ml_studio_fast_text import encode

ROWS = 4
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6) | st.sampled_from(
    [",", "\t", '"', "\n", "", " ", 'a"b,c', "ü\n", "NA"]
)
_FLOAT = st.floats() | st.floats(1e-5, 1e-3) | st.floats(1e8, 1e17) | st.integers(-(2**60), 2**60).map(float)
_COLUMN: st.SearchStrategy[Any] = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=ROWS, max_size=ROWS).map(
        lambda v: pd.Series(v, dtype="int64")
    ),
    st.lists(st.integers(0, 255), min_size=ROWS, max_size=ROWS).map(lambda v: pd.Series(v, dtype="uint8")),
    st.lists(st.none() | st.integers(-9, 9), min_size=ROWS, max_size=ROWS).map(
        lambda v: pd.Series(v, dtype="Int64")
    ),
    st.lists(st.booleans(), min_size=ROWS, max_size=ROWS).map(lambda v: pd.Series(v, dtype="bool")),
    st.lists(st.none() | st.booleans(), min_size=ROWS, max_size=ROWS).map(
        lambda v: pd.Series(v, dtype="boolean")
    ),
    st.lists(_FLOAT, min_size=ROWS, max_size=ROWS).map(lambda v: pd.Series(v, dtype="float64")),
    st.lists(st.none() | _TEXT, min_size=ROWS, max_size=ROWS).map(lambda v: pd.Series(v, dtype="object")),
    st.lists(st.none() | _TEXT, min_size=ROWS, max_size=ROWS).map(lambda v: pd.Series(v, dtype="string")),
    st.lists(st.just(math.nan) | _TEXT, min_size=ROWS, max_size=ROWS).map(
        lambda v: pd.Series(v, dtype="object")
    ),
)


def expected(frame: pd.DataFrame, delimiter: str) -> bytes:
    return frame.to_csv(sep=delimiter, header=False, index=False, lineterminator="\n").encode()


@given(st.lists(_COLUMN, min_size=1, max_size=4), st.sampled_from([",", "\t"]))
def test_the_bytes_are_those_of_pandas(columns: list[pd.Series], delimiter: str) -> None:
    frame = pd.DataFrame(dict(enumerate(columns)))
    pieces = encode(frame, delimiter)
    assert pieces is None or b"".join(pieces) == expected(frame, delimiter)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, -5, 0]),
        pd.Series([0.1, math.nan, -0.0]),
        pd.Series(["a,b", None, 'q"']),
        pd.Series(["a,b", None, 'q"'], dtype=object),
        pd.Series([True, False, True]),
        pd.Series([1, None, 3], dtype="Int64"),
    ],
    ids=["whole", "float", "text", "object", "flag", "nullable"],
)
def test_the_usual_types_go_the_fast_way(column: pd.Series) -> None:
    frame = pd.DataFrame({"a": column, "b": column})
    pieces = encode(frame, ",")
    assert pieces is not None
    assert b"".join(pieces) == expected(frame, ",")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, "a"], dtype=object),
        pd.Series([b"a"], dtype=object),
        pd.Series(["a\rb"]),
        pd.Series(["\ud800"], dtype=object),
        pd.Series([0.1], dtype="float32"),
        pd.Series([pd.Timestamp(0)]),
        pd.Series(["a"], dtype="category"),
        pd.Series([1j]),
    ],
    ids=["mixed", "bytes", "return", "surrogate", "float32", "instant", "category", "complex"],
)
def test_other_types_are_left_to_pandas(column: pd.Series) -> None:
    assert encode(pd.DataFrame({"a": column}), ",") is None


def test_pieces_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ml_studio_fast_text, "PIECE_ROWS", 3)
    frame = pd.DataFrame({"a": range(10), "b": [f"x{n}," for n in range(10)], "c": np.arange(10) / 4})
    pieces = encode(frame, ",")
    assert pieces is not None
    found = [bytes(piece) for piece in pieces]
    assert len(found) == 4
    assert b"".join(found) == expected(frame, ",")


def test_numbers_of_every_size_are_written_as_python_does() -> None:
    values = [
        sign * float(f"{digits}e{power}")
        for power in range(-320, 309)
        for digits in (1, 1.5, 9.999999999)
        for sign in (1, -1)
    ]
    frame = pd.DataFrame({"f": [value for value in values if math.isfinite(value)]})
    pieces = encode(frame, ",")
    assert pieces is not None
    assert b"".join(pieces) == expected(frame, ",")
