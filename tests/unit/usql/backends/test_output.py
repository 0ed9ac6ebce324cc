"""Each rule of the text outputters."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.usql.backends.duckdb.connection import connect
from airflow_provider_datalake.usql.backends.duckdb.date_formats import date_text
from airflow_provider_datalake.usql.backends.duckdb.numbers import double_text, float_text
from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError
from airflow_provider_datalake.usql.plan import PlanColumn, QueryStep, Rowset
from airflow_provider_datalake.usql.types import STRING, array_of
from tests.unit.usql.backends.machine import Machine, columns, extract, output, query, read

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def written(machine: Machine, schema: str, sql: str, **options: object) -> bytes:
    result = machine.run(query("q", schema, sql), output("q", schema, **options))  # type: ignore[arg-type]
    (staged,) = result.outputs
    data = staged.path.read_bytes()
    assert staged.size == len(data)
    return data


def cell(machine: Machine, kind: str, sql: str, **options: object) -> str:
    data = written(machine, f"a {kind}", f"SELECT {sql} AS a", **options)
    return data.decode().removesuffix("\r\n")


def test_rows_end_with_cr_lf_and_columns_with_commas(machine: Machine) -> None:
    assert written(machine, "a int, b int", "SELECT 1 AS a, 2 AS b") == b"1,2\r\n"


@pytest.mark.parametrize("delimiter", ["\n", "\r", ";", "§"])
def test_other_row_delimiters(machine: Machine, delimiter: str) -> None:
    data = written(machine, "a int", "SELECT unnest([1, 1]) AS a", row_delimiter=delimiter, header=True)
    assert data.decode() == f'"a"{delimiter}1{delimiter}1{delimiter}'


@pytest.mark.parametrize("delimiter", ["\t", "|", "€"])
def test_other_delimiters(machine: Machine, delimiter: str) -> None:
    data = written(machine, "a int, b int", "SELECT 1 AS a, 2 AS b", delimiter=delimiter)
    assert data.decode() == f"1{delimiter}2\r\n"


def test_strings_are_quoted_and_quotes_doubled(machine: Machine) -> None:
    assert cell(machine, "string", "'a'") == '"a"'
    assert cell(machine, "string", "'a\"b,c'") == '"a""b,c"'
    assert cell(machine, "string", "''") == '""'


def test_without_quoting_strings_are_as_they_are(machine: Machine) -> None:
    assert cell(machine, "string", "'a\"b,c\\'", quoting=False) == 'a"b,c\\'


def test_row_delimiters_in_strings_are_kept(machine: Machine) -> None:
    assert cell(machine, "string", "'a' || chr(13) || chr(10) || 'b'") == '"a\r\nb"'


def test_null_is_an_empty_column(machine: Machine) -> None:
    sql = "SELECT NULL::VARCHAR AS a, NULL::INT AS b, NULL::TIMESTAMP AS c, NULL::DOUBLE AS d, NULL::BOOLEAN AS e"
    assert written(machine, "a string, b int?, c DateTime?, d double?, e bool?", sql) == b",,,,\r\n"


def test_a_null_escape_stands_for_null_without_quotes(machine: Machine) -> None:
    sql = "SELECT NULL::VARCHAR AS a, NULL::INT AS b, '' AS c"
    assert written(machine, "a string, b int?, c string", sql, null_escape="\\N") == b'\\N,\\N,""\r\n'


def test_the_escape_character_stands_before_delimiters_and_itself_but_not_before_quotes(
    machine: Machine,
) -> None:
    text = "'a,b\\c\"d' || chr(10) || 'e'"
    assert cell(machine, "string", text, escape="\\") == '"a\\,b\\\\c""d\\\ne"'
    assert cell(machine, "string", text, escape="\\", quoting=False) == 'a\\,b\\\\c"d\\\ne'


def test_a_header_follows_the_quoting_option(machine: Machine) -> None:
    assert written(machine, "a int, b int", "SELECT 1 AS a, 2 AS b", header=True) == b'"a","b"\r\n1,2\r\n'
    data = written(machine, "a int, b int", "SELECT 1 AS a, 2 AS b", header=True, quoting=False)
    assert data == b"a,b\r\n1,2\r\n"


def test_a_header_has_the_names_of_the_script(machine: Machine) -> None:
    made = (PlanColumn('A "x', STRING, "A__1"),)
    step = QueryStep(Rowset("q", "@q", made), query("q", "a string", "SELECT 'v' AS \"A__1\"").query, ())
    result = machine.run(
        step,
        output("q", "a string", header=True).__class__(
            "o", "q", made, "adl://x/y", output("q", "a string", header=True).format
        ),
    )
    assert result.outputs[0].path.read_bytes() == b'"A ""x"\r\n"v"\r\n'


def test_no_rows_are_an_empty_file_but_for_a_header(machine: Machine) -> None:
    empty = "SELECT 1 AS a WHERE false"
    assert written(machine, "a int", empty) == b""
    assert written(machine, "a int", empty, header=True) == b'"a"\r\n'


@pytest.mark.parametrize(
    ("kind", "sql", "text"),
    [
        ("bool", "true", "True"),
        ("bool", "false", "False"),
        ("int", "-7::INT", "-7"),
        ("ulong", "18446744073709551615::UBIGINT", "18446744073709551615"),
        ("double", "1500.0::DOUBLE", "1500"),
        ("double", "1e20::DOUBLE", "1E+20"),
        ("double", "0.0001::DOUBLE", "0.0001"),
        ("double", "0.00001::DOUBLE", "1E-05"),
        ("double", "-1.5e-7::DOUBLE", "-1.5E-07"),
        ("double", "1e15::DOUBLE", "1E+15"),
        ("double", "-123456789012345.0::DOUBLE", "-123456789012345"),
        ("double", "1234567890123456.0::DOUBLE", "1234567890123456"),
        ("double", "12345678901234568.0::DOUBLE", "12345678901234568"),
        ("double", "1.5e300::DOUBLE", "1.5E+300"),
        ("double", "'NaN'::DOUBLE", "NaN"),
        ("double", "'inf'::DOUBLE", "Infinity"),
        ("double", "'-inf'::DOUBLE", "-Infinity"),
        ("double", "-0.0::DOUBLE", "0"),
        ("float", "1.1::FLOAT", "1.1"),
        ("float", "1e7::FLOAT", "1E+07"),
        ("float", "16777216::FLOAT", "16777216"),
        ("decimal", "1.50::DECIMAL(38, 10)", "1.5"),
        ("decimal", "-100::DECIMAL(38, 10)", "-100"),
        ("decimal", "0::DECIMAL(38, 10)", "0"),
        ("byte[]", "'\\x0A\\xFF'::BLOB", "0AFF"),
        ("byte[]", "''::BLOB", ""),
        ("Guid", "'0F8FAD5BD9CB469FA16570867728950E'::UUID", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("char", "228::USMALLINT", "228"),
        ("DateTime", "TIMESTAMP '2013-01-02 03:04:05.123456'", "2013-01-02T03:04:05.1234560"),
        ("DateTime", "TIMESTAMP '0001-01-01'", "0001-01-01T00:00:00.0000000"),
    ],
)
def test_values_become_texts(machine: Machine, kind: str, sql: str, text: str) -> None:
    assert cell(machine, kind, sql) == text


def test_characters_may_be_written_as_themselves(machine: Machine) -> None:
    assert cell(machine, "char", "228::USMALLINT", char_format="string") == '"ä"'
    assert cell(machine, "char", "228::USMALLINT", char_format="string", quoting=False) == "ä"


MOMENT = "TIMESTAMP '2009-06-05 13:05:07.0123'"


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("O", "2009-06-05T13:05:07.0123000"),
        ("s", "2009-06-05T13:05:07"),
        ("u", "2009-06-05 13:05:07Z"),
        ("R", "Fri, 05 Jun 2009 13:05:07 GMT"),
        ("d", "6/5/2009"),
        ("G", "6/5/2009 1:05:07 PM"),
        ("yyyy-MM-dd HH:mm:ss", "2009-06-05 13:05:07"),
        ("yy/M/d h:m:s tt", "09/6/5 1:5:7 PM"),
        ("dddd, MMMM d", "Friday, June 5"),
        ("ddd MMM hh H", "Fri Jun 01 13"),
        ("ss.fff", "07.012"),
        ("ss.FFFFFF", "07.0123"),
        ("ss.F", "07"),
        ("ss.f", "07.0"),
        ("'at' HH\\h \"y%\"", "at 13h y%"),
        ("%d", "5"),
        ("yyyyMMdd", "20090605"),
    ],
)
def test_date_formats_of_csharp(machine: Machine, format_: str, text: str) -> None:
    assert cell(machine, "DateTime", MOMENT, date_time_format=format_) == text


@pytest.mark.parametrize("format_", ["x", "yyy", "zzz", "'open", "ffffffff", "HHH", "gg"])
def test_other_date_formats_are_errors_that_name_them(machine: Machine, format_: str) -> None:
    with pytest.raises(UsqlRuntimeError, match="date format") as caught:
        cell(machine, "DateTime", MOMENT, date_time_format=format_)
    assert caught.value.code == "E_CSC_USER_INVALIDTYPEINOUTPUTTER"


def test_dates_of_null_are_null() -> None:
    import duckdb

    assert duckdb.execute(f"SELECT {date_text('NULL::TIMESTAMP', 'ss.FFF')}").fetchone() == (None,)


def test_a_collection_cannot_be_written(machine: Machine) -> None:
    made = (PlanColumn("a", array_of(STRING), "a"),)
    step = QueryStep(Rowset("q", "@q", made), query("q", "a string", "SELECT ['x'] AS a").query, ())
    sink = output("q", "a string")
    with pytest.raises(UsqlRuntimeError, match="'a' of type SqlArray<string>"):
        machine.run(step, type(sink)(sink.id, "q", made, sink.uri, sink.format))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-7", "cp1252"])
def test_other_encodings_have_no_byte_order_mark(machine: Machine, encoding: str) -> None:
    data = written(machine, "a string", "SELECT 'é' AS a", encoding=encoding, header=True)
    assert data == '"a"\r\n"é"\r\n'.encode(encoding)


def test_what_a_code_page_lacks_is_a_question_mark(machine: Machine) -> None:
    assert written(machine, "a string", "SELECT 'aé😀' AS a", encoding="ascii") == b'"a??"\r\n'


def test_sorting_puts_nulls_last_and_compares_bytes(machine: Machine) -> None:
    sql = "SELECT unnest(['b', NULL, 'B', 'ä', 'a']) AS a"
    assert written(machine, "a string", sql, order_by=(("a", False),)).split() == [
        b'"B"',
        b'"a"',
        b'"b"',
        '"ä"'.encode(),
    ]
    assert (
        written(machine, "a string", sql, order_by=(("a", True),)).decode()
        == '"ä"\r\n"b"\r\n"a"\r\n"B"\r\n\r\n'
    )


def test_numbers_are_sorted_as_numbers_even_many_of_them(machine: Machine) -> None:
    sql = "SELECT i::INT AS a, (i % 7)::INT AS b FROM range(300000) t(i)"
    data = written(machine, "a int, b int", sql, order_by=(("b", True), ("a", False)))
    got = [tuple(map(int, line.split(b","))) for line in data.splitlines()]
    assert got == sorted(got, key=lambda row: (-row[1], row[0]))
    assert len(got) == 300_000


def csharp(shortest: str, sure: int) -> str:
    """Write the digits of a shortest repr as .NET's format R does."""
    sign, digits, exponent = Decimal(shortest).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0") or "0"
    place = len(digits) + int(exponent)
    minus = "-" if sign and figures != "0" else ""
    if figures == "0":
        return "0"
    if place > max(len(figures), sure) or place < -3:
        fraction = f".{figures[1:]}" if len(figures) > 1 else ""
        return f"{minus}{figures[0]}{fraction}E{place - 1:+03d}"
    if place <= 0:
        return f"{minus}0.{'0' * -place}{figures}"
    if len(figures) <= place:
        return minus + figures.ljust(place, "0")
    return f"{minus}{figures[:place]}.{figures[place:]}"


@pytest.fixture(scope="module")
def formatter(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    with connect(tmp_path_factory.mktemp("scratch")) as connection:
        yield connection  # type: ignore[misc]


@settings(max_examples=300, deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18).map(float))
def test_doubles_are_written_shortest(formatter: duckdb.DuckDBPyConnection, value: float) -> None:
    row = formatter.execute(f"SELECT {double_text('v')} FROM (SELECT ?::DOUBLE AS v)", [value]).fetchone()
    assert row == (csharp(repr(value), 15),)
    assert float(row[0]) == value


@settings(max_examples=300, deadline=None)
@given(
    value=st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-(2**24), 2**24).map(float)
)
def test_floats_are_written_shortest(formatter: duckdb.DuckDBPyConnection, value: float) -> None:
    import numpy as np

    row = formatter.execute(f"SELECT {float_text('v')} FROM (SELECT ?::FLOAT AS v)", [value]).fetchone()
    assert row is not None
    assert row[0] == csharp(np.format_float_scientific(np.float32(value), unique=True), 7)
    assert struct.pack("f", float(row[0])) == struct.pack("f", value + 0.0)


def test_what_was_written_is_read_again(machine: Machine) -> None:
    schema = "a string, b int?, c double?, d DateTime?, e Guid?, f byte[], g bool?, h decimal?, i char?"
    sql = """
        SELECT * FROM (VALUES
            ('x"y,z', 1::INT, 0.1::DOUBLE, TIMESTAMP '2013-01-02 03:04:05.123456', gen_random_uuid(),
             '\\xAB'::BLOB, true, 1.25::DECIMAL(38, 10), 65::USMALLINT),
            ('', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
        ) t(a, b, c, d, e, f, g, h, i)"""
    machine.write("in.csv", written(machine, schema, sql))
    first, second = read(machine, extract("t", schema, "/in.csv"))
    assert first == ("", *[None] * 8)
    assert second[0] == 'x"y,z'
    assert len(columns(schema)) == len(second)
