from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients import ml_studio_formats
from airflow_provider_datalake.clients.ml_studio_formats import BadContents
from airflow_provider_datalake.clients.ml_studio_rows import Columns, write_tables
from airflow_provider_datalake.exceptions import ConfigurationError


def written(*tables: pa.Table, data_type_id: str = "GenericCSV", schema: pa.Schema | None = None) -> str:
    file = io.BytesIO()
    rows = write_tables(tables, schema or tables[0].schema, data_type_id, file)
    assert rows == sum(table.num_rows for table in tables)
    return file.getvalue().decode()


def read(content: bytes, data_type_id: str = "GenericCSV") -> tuple[list[str], dict[str, list[Any]]]:
    columns = Columns(io.BytesIO(content), data_type_id)
    table = pa.concat_tables([columns.schema.empty_table(), *columns.tables()])
    return [str(kind) for kind in table.schema.types], table.to_pydict()


def test_pieces_have_one_line_of_names() -> None:
    table = pa.table({"a": [1, None], "b": ["x,y", None]})
    assert written(table, table) == 'a,b\n1,"x,y"\n,\n1,"x,y"\n,\n'


def test_no_rows_are_a_line_of_names() -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    assert written(schema=schema) == "a,b\n"
    assert written(schema=schema, data_type_id="GenericTSVNoHeader") == ""


def test_values_print_as_they_do_elsewhere() -> None:
    table = pa.table(
        {
            "whole": pa.array([2**63 - 1, None]),
            "flag": [True, None],
            "money": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "day": [date(2013, 1, 2), None],
            "float": [1.0, None],
        }
    )
    assert (
        written(table) == "whole,flag,money,day,float\n9223372036854775807,True,1.50,2013-01-02,1.0\n,,,,\n"
    )


def test_instants_at_midnight_print_as_all_do() -> None:
    midnight = pa.table(
        {"t": pa.array([datetime(2013, 1, 2, tzinfo=UTC)], pa.timestamp("ms", "Asia/Shanghai"))}
    )
    noon = pa.table({"t": pa.array([datetime(2013, 1, 2), None], pa.timestamp("us"))})
    assert written(midnight) == "t\n2013-01-02 08:00:00+08:00\n"
    assert written(noon) == 't\n2013-01-02 00:00:00\n""\n'


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.binary(), pa.struct([("a", pa.int64())])], ids=str)
def test_what_has_no_form_as_text_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(BadContents, match="column 'a' .* has no form as text"):
        written(schema=pa.schema([("a", kind)]))


@pytest.mark.parametrize("data_type_id", ["ARFF", "PlainText", "csv"])
def test_rows_need_a_format_of_rows(data_type_id: str) -> None:
    with pytest.raises(ConfigurationError, match="rows need one of GenericCSV"):
        written(pa.table({"a": [1]}), data_type_id=data_type_id)


@pytest.mark.parametrize(
    ("lines", "kind", "values"),
    [
        (["1", "2"], "int64", [1, 2]),
        (["9007199254740993", "", "3"], "int64", [9007199254740993, None, 3]),
        (["1", "2", "2.5"], "double", [1.0, 2.0, 2.5]),
        (["1", "2", "x"], "string", ["1", "2", "x"]),
        (["True", "False"], "bool", [True, False]),
        (["True", "False", "1"], "string", ["True", "False", "1"]),
        (["01", "2", "x"], "string", ["01", "2", "x"]),
        (["NA", "NA"], "double", [None, None]),
        (["NA", "NA", "x"], "string", [None, None, "x"]),
        (["18446744073709551615", "1"], "uint64", [2**64 - 1, 1]),
        (["1", "1", "18446744073709551615"], "string", ["1", "1", "18446744073709551615"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) and isinstance(value[0], str) else None,
)
def test_a_column_has_the_type_that_holds_all_of_its_pieces(
    monkeypatch: pytest.MonkeyPatch, lines: list[str], kind: str, values: list[Any]
) -> None:
    monkeypatch.setattr(ml_studio_formats, "CHUNK_ROWS", 2)
    content = "\n".join(["a,b", *(f"{line},z" for line in lines), ""]).encode()
    kinds, columns = read(content)
    assert (kinds[0], columns["a"]) == (kind, values)


def test_columns_without_names_have_numbers() -> None:
    assert read(b"1\tx\n", "GenericTSVNoHeader")[1] == {"0": [1], "1": ["x"]}


def test_lines_of_plain_text_are_one_column() -> None:
    assert read(b"1\nx,y\n", "PlainText") == (["string"], {"0": ["1", "x,y"]})


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5),
)
def test_what_was_written_is_read(numbers: list[int], text: str) -> None:
    table = pa.table({"n": numbers, "t": [f"x{text}"] * len(numbers)})
    assert read(written(table).encode())[1] == table.to_pydict()
