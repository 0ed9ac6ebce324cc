from __future__ import annotations

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.ml_studio_formats import (
    ARFF,
    FRAMES,
    GENERIC_CSV,
    GENERIC_CSV_NO_HEADER,
    GENERIC_TSV,
    GENERIC_TSV_NO_HEADER,
    PLAIN_TEXT,
    TABULAR,
    BadContents,
    check_data_type,
    read_frame,
    write_frame,
)
from airflow_provider_datalake.exceptions import ConfigurationError

FRAME = pd.DataFrame(
    {"a": [1, 2], "ü b": ["x,y", 'q"\t'], "f": [0.1, float("nan")], "t": [True, False]}, index=[7, 8]
)


def written(frame: pd.DataFrame, data_type_id: str) -> bytes:
    file = io.BytesIO()
    write_frame(frame, data_type_id, file)
    return file.getvalue()


def read(content: bytes, data_type_id: str) -> pd.DataFrame:
    return read_frame(io.BytesIO(content), data_type_id)


@pytest.mark.parametrize(
    ("data_type_id", "text"),
    [
        (GENERIC_CSV, 'a,ü b,f,t\n1,"x,y",0.1,True\n2,"q""\t",,False\n'),
        (GENERIC_CSV_NO_HEADER, '1,"x,y",0.1,True\n2,"q""\t",,False\n'),
        (GENERIC_TSV, 'a\tü b\tf\tt\n1\tx,y\t0.1\tTrue\n2\t"q""\t"\t\tFalse\n'),
        (GENERIC_TSV_NO_HEADER, '1\tx,y\t0.1\tTrue\n2\t"q""\t"\t\tFalse\n'),
    ],
)
def test_a_frame_is_written_without_mark_and_index(data_type_id: str, text: str) -> None:
    assert written(FRAME, data_type_id) == text.encode()


def test_plain_text_is_the_rows_cells_joined() -> None:
    assert written(pd.DataFrame({"a": ["x", "y"], "b": ["1", "ü"]}), PLAIN_TEXT) == "x1\nyü\n".encode()


def test_plain_text_takes_text_only() -> None:
    with pytest.raises(BadContents, match="row 1: PlainText holds text only, found int"):
        written(pd.DataFrame({"a": ["x", 1]}), PLAIN_TEXT)


def test_plain_text_is_read_line_by_line() -> None:
    frame = read(b"\xef\xbb\xbfx, y\r\n\nz", PLAIN_TEXT)
    assert frame.to_dict("list") == {0: ["x, y", "", "z"]}


@pytest.mark.parametrize("data_type_id", TABULAR)
def test_a_byte_order_mark_is_skipped(data_type_id: str) -> None:
    delimiter, named = TABULAR[data_type_id]
    frame = read(b"\xef\xbb\xbfa" + delimiter.encode() + b"b\n", data_type_id)
    assert (list(frame.columns) if named else frame.iloc[0].tolist()) == ["a", "b"]


def test_spaces_after_commas_are_skipped_and_after_tabs_are_not() -> None:
    assert read(b"a, b\n1,  x\n", GENERIC_CSV).to_dict("list") == {"a": [1], "b": ["x"]}
    assert read(b"a\t b\n1\t  x\n", GENERIC_TSV).to_dict("list") == {"a": [1], " b": ["  x"]}


def test_without_header_columns_have_numbers() -> None:
    assert read(b"1,x\n2,y\n", GENERIC_CSV_NO_HEADER).to_dict("list") == {0: [1, 2], 1: ["x", "y"]}


@pytest.mark.parametrize("data_type_id", FRAMES)
def test_contents_that_are_no_utf_8_are_refused(data_type_id: str) -> None:
    with pytest.raises(BadContents, match="no UTF-8"):
        read(b"a\n\xff\xfe\n", data_type_id)


@pytest.mark.parametrize("data_type_id", TABULAR)
def test_empty_contents_are_refused(data_type_id: str) -> None:
    with pytest.raises(BadContents, match=f"empty, {data_type_id} needs at least one line"):
        read(b"", data_type_id)


def test_lines_of_many_lengths_are_refused() -> None:
    with pytest.raises(BadContents, match="no GenericCSVNoHeader: .*Expected 2 fields in line 2, saw 3"):
        read(b"a,b\n1,2,3\n", GENERIC_CSV_NO_HEADER)


@pytest.mark.parametrize("data_type_id", [GENERIC_CSV, GENERIC_TSV])
def test_columns_of_one_name_are_refused(data_type_id: str) -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    with pytest.raises(BadContents, match="several columns have the name 'a'"):
        written(frame, data_type_id)


@pytest.mark.parametrize("data_type_id", FRAMES)
def test_a_frame_without_columns_is_refused(data_type_id: str) -> None:
    with pytest.raises(BadContents, match="no columns"):
        written(pd.DataFrame(), data_type_id)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(BadContents, match="no Unicode"):
        written(pd.DataFrame({"a": pd.Series(["\ud800"], dtype=object)}), GENERIC_CSV)


def test_arff_is_raw_only() -> None:
    assert check_data_type(ARFF) == ARFF
    with pytest.raises(ConfigurationError, match="ARFF can be read and written as it is only"):
        check_data_type(ARFF, frame=True)


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="one of ARFF, PlainText, GenericCSV, .*; got 'csv'"):
        check_data_type("csv")


# What pandas itself reads back as it was: no texts that look like missing values, numbers or booleans.
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8).map(
    lambda text: f"x{text}"
)
_COLUMNS = {
    "text": st.lists(_TEXT, min_size=3, max_size=3),
    "whole": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    "flag": st.lists(st.booleans(), min_size=3, max_size=3),
}


@given(st.fixed_dictionaries(_COLUMNS), st.sampled_from(sorted(TABULAR)))
def test_what_was_written_is_read(columns: dict[str, list[object]], data_type_id: str) -> None:
    found = read(written(pd.DataFrame(columns), data_type_id), data_type_id)
    assert [found[name].tolist() for name in found.columns] == list(columns.values())


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_floating_point_numbers_come_back_to_the_last_digit(values: list[float]) -> None:
    content = written(pd.DataFrame({"f": values}), GENERIC_CSV)
    assert [float(line) for line in content.decode().splitlines()[1:]] == values
    assert read(content, GENERIC_CSV)["f"].tolist() == values
