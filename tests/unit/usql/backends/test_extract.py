"""Each rule of the text extractors, by both readers."""

from __future__ import annotations

import gzip
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from airflow_provider_datalake.usql.backends.duckdb.extract import Extraction
from tests.unit.usql.backends.machine import Machine, extract, failure, output, query, read

if TYPE_CHECKING:
    from pathlib import Path

ROW = "E_RUNTIME_USER_EXTRACT_ROW_ERROR"
NULL = "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_NULL_ERROR"
INVALID = "E_EMULATOR_EXTRACT_COLUMN_CONVERSION_INVALID"
TOO_LONG = "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_TOO_LONG"
TOO_MANY = "E_RUNTIME_USER_EXTRACT_ROW_DELIMITER_EXPECTED"
TOO_FEW = "E_EMULATOR_EXTRACT_TOO_FEW_COLUMNS"


@pytest.fixture(params=["fast", "slow"])
def slow(request: pytest.FixtureRequest) -> bool:
    return request.param == "slow"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def rows(
    machine: Machine, slow: bool, data: str | bytes, schema: str = "a string, b string", **options: object
):  # type: ignore[no-untyped-def]
    machine.write("in.csv", data)
    return read(machine, extract("t", schema, "/in.csv", **options), slow=slow)


def error(
    machine: Machine, slow: bool, data: str | bytes, schema: str = "a string, b string", **options: object
):  # type: ignore[no-untyped-def]
    machine.write("in.csv", data)
    caught = failure(machine, extract("t", schema, "/in.csv", **options), slow=slow)
    assert caught.inner is not None
    return caught.code, caught.inner.code


def cell(machine: Machine, slow: bool, kind: str, text: str, **options: object) -> object:
    ((value, _),) = rows(machine, slow, f"{text},x\n", f"a {kind}, b string", **options)
    return value


def bad_cell(machine: Machine, slow: bool, kind: str, text: str, **options: object) -> str:
    outer, inner = error(machine, slow, f"{text},x\n", f"a {kind}, b string", **options)
    assert outer == ROW
    return inner


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";", "§", "€"])
def test_any_character_delimits(machine: Machine, slow: bool, delimiter: str) -> None:
    assert rows(machine, slow, f"1{delimiter}2\n", delimiter=delimiter) == [("1", "2")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_end_with_any_of_three_delimiters(machine: Machine, slow: bool, end: str) -> None:
    assert rows(machine, slow, f"1,2{end}3,4{end}") == [("1", "2"), ("3", "4")]


def test_delimiters_may_be_mixed(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, "1,2\r\n3,4\n5,6\r7,8") == [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8")]


def test_a_given_row_delimiter_is_the_only_one(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, "1,2\n3;4,5", row_delimiter=";") == [("1", "2\n3"), ("4", "5")]


def test_with_a_line_feed_given_a_carriage_return_is_text(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, "1,2\r\n3,4\n", row_delimiter="\n") == [("1", "2\r"), ("3", "4")]


def test_the_last_row_needs_no_delimiter(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, "1,2\n3,4") == [("1", "2"), ("3", "4")]


def test_an_empty_file_has_no_rows(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, "") == []


def test_an_empty_line_is_a_row_of_one_column(machine: Machine, slow: bool) -> None:
    assert error(machine, slow, "1,2\n\n3,4\n") == (ROW, TOO_FEW)
    assert rows(machine, slow, "1\n\n3\n", "a string") == [("",), ("1",), ("3",)]


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32-le", "utf-32-le"),
        ("utf-7", "utf-7"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_are_decoded(machine: Machine, slow: bool, encoding: str, codec: str) -> None:
    assert rows(machine, slow, "é,ü\r\n".encode(codec), encoding=encoding) == [("é", "ü")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_byte_order_mark_is_skipped(machine: Machine, slow: bool, encoding: str) -> None:
    assert rows(machine, slow, "\ufeff1,2\n".encode(encoding), "a int, b int", encoding=encoding) == [(1, 2)]


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", b"1,\xff\n"),
        ("ascii", b"1,\xe9\n"),
        ("utf-8", b"\xff,2\n"),
        ("utf-16-le", b"1\x00,\x00\x00\xd8\n\x00"),
    ],
)
def test_invalid_bytes_are_an_error_even_when_silent(
    machine: Machine, slow: bool, silent: bool, encoding: str, data: bytes
) -> None:
    caught = error(machine, slow, data, "a string, b string", encoding=encoding, silent=silent)
    assert caught == (ROW, "E_EMULATOR_EXTRACT_ENCODING")


def test_invalid_bytes_in_skipped_rows_are_an_error(machine: Machine, slow: bool) -> None:
    caught = error(machine, slow, b"\xff,2\n1,2\n", skip_first_rows=1)
    assert caught == (ROW, "E_EMULATOR_EXTRACT_ENCODING")


def test_quotes_protect_delimiters_and_are_doubled(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, '"a,b","c""d"\n"",""""\n') == [("", '"'), ("a,b", 'c"d')]


def test_quotes_do_not_protect_row_delimiters(machine: Machine, slow: bool) -> None:
    assert error(machine, slow, '1,"a\nb"\n') == (ROW, "E_EMULATOR_EXTRACT_QUOTING")
    assert error(machine, slow, '"a\nb",2\n') == (ROW, TOO_FEW)


def test_a_quote_within_a_column_is_text(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, 'a"b, "c"\n') == [('a"b', ' "c"')]


def test_nothing_may_follow_a_closing_quote(machine: Machine, slow: bool) -> None:
    assert error(machine, slow, '"a"b,c\n') == (ROW, "E_EMULATOR_EXTRACT_QUOTING")
    assert error(machine, slow, '"a" ,c\n') == (ROW, "E_EMULATOR_EXTRACT_QUOTING")


def test_without_quoting_quotes_are_text(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, '"a,b"\n', quoting=False) == [('"a', 'b"')]


def test_quoted_numbers_are_numbers(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, '"1","2"\n', "a int, b double") == [(1, 2.0)]


def test_the_escape_character_protects_delimiters_and_itself(machine: Machine, slow: bool) -> None:
    data = "a\\,b,c\\\\d\ne\\\nf,g\\hi\n"
    assert rows(machine, slow, data, escape="\\") == [("a,b", "c\\d"), ("e\nf", "ghi")]


def test_the_escape_character_does_not_protect_quotes(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, '"a\\,""b",c\n', escape="\\") == [('a,"b', "c")]


def test_rows_are_skipped_in_every_file(machine: Machine, slow: bool) -> None:
    machine.write("in/1.csv", 'some "title\n"x","y"\n1,2\n')
    machine.write("in/2.csv", "\n\n3,4\n")
    machine.write("in/3.csv", "only\n")
    step = extract("t", "a int, b int", "/in/{*}.csv", skip_first_rows=2)
    assert read(machine, step, slow=slow) == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("data", "inner"),
    [("1,2\n3\n", TOO_FEW), ("1,2\n3,4,5\n", TOO_MANY), ("1,2\n3,4,\n", TOO_MANY), ("1,2,\n", TOO_MANY)],
)
def test_the_number_of_columns_must_be_exact(machine: Machine, slow: bool, data: str, inner: str) -> None:
    assert error(machine, slow, data) == (ROW, inner)


def test_an_error_tells_file_row_column_and_text(machine: Machine, slow: bool) -> None:
    machine.write("in.csv", "head\n1,2\n3,x4\n")
    step = extract("t", "a int, b int", "/in.csv", skip_first_rows=1)
    caught = failure(machine, step, slow=slow)
    assert caught.message == (
        "Error occured while extracting row after processing 1 record(s) of "
        "adl://store.azuredatalakestore.net/in.csv (row 3). Column index: 1, column name: 'b'."
    )
    assert caught.inner is not None
    assert (caught.inner.code, caught.inner.message) == (INVALID, "'x4' is no int")
    assert "TEXT: 3,x4" in caught.details


def test_silent_skips_rows_of_a_wrong_width_and_nulls_bad_cells(machine: Machine, slow: bool) -> None:
    data = "1,2\n3\n4,5,6\nx,7\n\n8,y\n"
    got = rows(machine, slow, data, "a int?, b string", silent=True)
    assert got == [(1, "2"), (8, "y"), (None, "7")]


def test_silent_does_not_excuse_a_column_that_must_have_a_value(machine: Machine, slow: bool) -> None:
    assert error(machine, slow, "1,2\nx,3\n", "a int, b int?", silent=True) == (ROW, INVALID)
    assert error(machine, slow, "1,2\n,3\n", "a int, b int?", silent=True) == (ROW, NULL)


def test_an_empty_column_is_an_empty_string_or_null(machine: Machine, slow: bool) -> None:
    assert rows(machine, slow, ",\n1,2\n", "a int?, b string") == [(1, "2"), (None, "")]
    assert cell(machine, slow, "byte[]", "") is None


@pytest.mark.parametrize("kind", ["int", "double", "bool", "DateTime", "Guid", "char", "decimal"])
def test_an_empty_column_of_a_type_without_null_is_an_error(machine: Machine, slow: bool, kind: str) -> None:
    assert bad_cell(machine, slow, kind, "") == NULL


# The table of nullEscape in the language reference; the empty column as the release notes correct it.
SIX = '1,,"",\\N,#NULL#,"Some \\N fun"'
ERR = "error"


@pytest.mark.parametrize(
    ("null_escape", "strings", "ints"),
    [
        ("\\N", ["1", "", "", None, "#NULL#", "Some \\N fun"], [1, None, ERR, None, ERR, ERR]),
        ("", ["1", "", None, "\\N", "#NULL#", "Some \\N fun"], [1, None, None, ERR, ERR, ERR]),
        (None, ["1", "", "", "\\N", "#NULL#", "Some \\N fun"], [1, None, ERR, ERR, ERR, ERR]),
        ("#NULL#", ["1", "", "", "\\N", None, "Some \\N fun"], [1, None, ERR, ERR, None, ERR]),
    ],
)
def test_null_escapes(
    machine: Machine, slow: bool, null_escape: str | None, strings: list[object], ints: list[object]
) -> None:
    schema = ", ".join(f"c{index} string" for index in range(6))
    assert rows(machine, slow, SIX + "\n", schema, null_escape=null_escape) == [tuple(strings)]
    for text, expected in zip(SIX.split(","), ints, strict=True):
        if expected == ERR:
            assert bad_cell(machine, slow, "int?", text, null_escape=null_escape) == INVALID
        else:
            assert cell(machine, slow, "int?", text, null_escape=null_escape) == expected


def test_a_null_escape_of_a_type_without_null_is_an_error(machine: Machine, slow: bool) -> None:
    assert bad_cell(machine, slow, "int", "NULL", null_escape="NULL") == NULL


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bool", "true", True),
        ("bool", "FALSE", False),
        ("bool", "tRuE", True),
        ("int", " +7 ", 7),
        ("int", "-0012", -12),
        ("int", "-2147483648", -(2**31)),
        ("long", "9223372036854775807", 2**63 - 1),
        ("ulong", "18446744073709551615", 2**64 - 1),
        ("sbyte", "-128", -128),
        ("byte", "255", 255),
        ("short", "-32768", -32768),
        ("ushort", "65535", 65535),
        ("uint", "4294967295", 2**32 - 1),
        ("double", "1e3", 1000.0),
        ("double", " -.5 ", -0.5),
        ("double", "Infinity", float("inf")),
        ("double", "-Infinity", float("-inf")),
        ("float", "1.5", 1.5),
        ("float", "16777217", 16777216.0),
        ("decimal", "-1.25", Decimal("-1.2500000000")),
        ("decimal", "1.12345678900000", Decimal("1.1234567890")),
        ("byte[]", "0aFF", b"\x0a\xff"),
        ("DateTime", "2013-01-02", datetime(2013, 1, 2)),
        ("DateTime", "2013-01-02T03:04:05", datetime(2013, 1, 2, 3, 4, 5)),
        ("DateTime", "2013-01-02 03:04:05.5", datetime(2013, 1, 2, 3, 4, 5, 500000)),
        ("DateTime", "2013-01-02T03:04:05.1234560", datetime(2013, 1, 2, 3, 4, 5, 123456)),
        ("DateTime", "2/15/2012", datetime(2012, 2, 15)),
        ("DateTime", "2/15/2012 11:53:18 AM", datetime(2012, 2, 15, 11, 53, 18)),
        ("DateTime", "2/15/2012 12:53 AM", datetime(2012, 2, 15, 0, 53)),
        ("DateTime", "12/31/1999 23:59:59", datetime(1999, 12, 31, 23, 59, 59)),
        ("DateTime", "02.15.2012", datetime(2012, 2, 15)),
        ("DateTime", "Sun; 06 Nov 1994 08:49:37 GMT".replace(";", ","), datetime(1994, 11, 6, 8, 49, 37)),
        ("DateTime", "2013-01-02T03:04:05Z", datetime(2013, 1, 2, 3, 4, 5)),
        ("DateTime", "2013-01-02T03:04:05+01:00", datetime(2013, 1, 2, 2, 4, 5)),
        ("char", "65", 65),
    ],
)
def test_texts_become_values(machine: Machine, slow: bool, kind: str, text: str, value: object) -> None:
    assert cell(machine, slow, kind, f'"{text}"' if "," in text else text) == value


def test_nan_is_a_double(machine: Machine, slow: bool) -> None:
    value = cell(machine, slow, "double", "NaN")
    assert isinstance(value, float)
    assert value != value


@pytest.mark.parametrize(
    "text",
    [
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "{0f8fad5b-d9cb-469f-a165-70867728950e}",
        "0F8FAD5BD9CB469FA16570867728950E",
    ],
)
def test_guids_have_three_forms(machine: Machine, slow: bool, text: str) -> None:
    expected = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
    assert cell(machine, slow, "Guid", text) in (expected, expected.bytes)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("bool", "1"),
        ("bool", "yes"),
        ("bool", "t"),
        ("int", "12.0"),
        ("int", "1e2"),
        ("int", "1_000"),
        ("int", "0x1F"),
        ("int", "1 2"),
        ("int", "2147483648"),
        ("byte", "-1"),
        ("byte", "256"),
        ("double", "1e400"),
        ("double", "1_0.5"),
        ("double", "inf"),
        ("double", "nan"),
        ("double", "1e"),
        ("float", "1e39"),
        ("decimal", "1e5"),
        ("decimal", "0.12345678901"),
        ("decimal", "1" * 29),
        ("byte[]", "0a0"),
        ("byte[]", "0g"),
        ("DateTime", "13-01-02 03:04:05"),
        ("DateTime", "2013-02-30"),
        ("DateTime", "2013-01-02 24:00:00"),
        ("DateTime", "2013-01-02T03:04:05.1234567"),
        ("DateTime", "13/1/2012"),
        ("DateTime", "infinity"),
        ("DateTime", "today"),
        ("Guid", "0f8fad5b-d9cb-469f-a165"),
        ("char", "a"),
        ("char", "65536"),
    ],
)
def test_other_texts_are_errors(machine: Machine, slow: bool, kind: str, text: str) -> None:
    assert bad_cell(machine, slow, kind, text) == INVALID


def test_characters_may_be_written_as_themselves(machine: Machine, slow: bool) -> None:
    assert cell(machine, slow, "char", "ä", char_format="string") == ord("ä")
    assert bad_cell(machine, slow, "char", "65", char_format="string") == INVALID
    assert bad_cell(machine, slow, "char", "😀", char_format="string") == INVALID


def test_strings_are_at_most_128_kb(machine: Machine, slow: bool) -> None:
    limit = 128 * 1024
    assert cell(machine, slow, "string", "ä" * (limit // 2)) == "ä" * (limit // 2)
    assert bad_cell(machine, slow, "string", "ä" * (limit // 2) + "x") == TOO_LONG


def test_rows_are_at_most_4_mb(machine: Machine, slow: bool) -> None:
    schema = ", ".join(f"c{index} string" for index in range(40))
    machine.write("in.csv", ",".join(["x" * 120_000] * 40) + "\n")
    caught = failure(machine, extract("t", schema, "/in.csv"), slow=slow)
    assert caught.inner is not None
    assert caught.inner.code == "E_EMULATOR_EXTRACT_ROW_TOO_LONG"


def test_compressed_files_are_decompressed(machine: Machine, slow: bool) -> None:
    machine.write("in.csv.gz", gzip.compress(b"1,2\n", mtime=0) + gzip.compress(b"3,4\n", mtime=0))
    assert read(machine, extract("t", "a int, b int", "/in.csv.gz"), slow=slow) == [(1, 2), (3, 4)]


def test_a_broken_compressed_file_is_an_error(machine: Machine, slow: bool) -> None:
    machine.write("in.csv.gz", gzip.compress(b"1,2\n" * 1000, mtime=0)[:-9])
    assert (
        failure(machine, extract("t", "a int, b int", "/in.csv.gz"), slow=slow).code
        == "E_EMULATOR_INPUT_UNREADABLE"
    )


def test_a_bad_cell_fails_although_nobody_reads_its_column_or_row(machine: Machine) -> None:
    machine.write("in.csv", "1,2,a\n3,x,b\n")
    for condition in ("TRUE", "a <> 3", "c IN ('a', 'q')", "c LIKE 'a%'", "c IS NULL", "a = 1"):
        steps = (
            extract("t", "a int, b int, c string", "/in.csv"),
            query("q", "a int", f"SELECT a FROM t WHERE {condition}", "t"),
            output("q", "a int"),
        )
        with pytest.raises(Exception, match="row 2") as caught:
            machine.run(*steps)
        assert getattr(caught.value, "code", None) == ROW


def test_a_mark_and_a_header_are_both_skipped(machine: Machine, slow: bool) -> None:
    data = b'\xef\xbb\xbf"a,","b""\n1,"x"\n2,y\n'
    assert rows(machine, slow, data, "a int, b string", skip_first_rows=1) == [(1, "x"), (2, "y")]


@pytest.mark.parametrize("flaw", ["\n", 'y, "q"\n', "1,2,\n"])
def test_a_flaw_in_the_middle_of_a_large_file_is_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, slow: bool, flaw: str
) -> None:
    monkeypatch.setattr("airflow_provider_datalake.usql.backends.duckdb.prepare._BLOCK", 1000)
    lines = [f'{number},"x{number}"\n' for number in range(2000)]
    schema = "a string, b string"
    assert len(rows(machine, slow, "".join(lines), schema)) == 2000
    lines[1500] = flaw
    if flaw.startswith("y"):
        assert ("y", ' "q"') in rows(machine, slow, "".join(lines), schema)
    else:
        machine.write("in.csv", "".join(lines))
        assert "(row 1501)" in failure(machine, extract("t", schema, "/in.csv"), slow=slow).message


def test_several_files_and_sets_are_one_rowset(machine: Machine, slow: bool) -> None:
    machine.write("a.csv", "1,a\n")
    machine.write("in/b.csv", '2,"b"\r\n')
    machine.write("in/c.csv", "")
    step = extract("t", "a int, b string", "/a.csv", "/in/{*}.csv", "/a.csv")
    assert read(machine, step, slow=slow) == [(1, "a"), (1, "a"), (2, "b")]


def test_a_file_that_is_missing_is_an_error(machine: Machine) -> None:
    assert failure(machine, extract("t", "a int, b int", "/none.csv")).code == "E_EMULATOR_INPUT_FILE_MISSING"


def test_a_set_of_no_files_has_no_rows(machine: Machine, slow: bool) -> None:
    assert read(machine, extract("t", "a int, b int", "/in/{*}.csv"), slow=slow) == []


@pytest.mark.parametrize("count", [1, 3, 40])
def test_virtual_columns_come_from_paths(machine: Machine, slow: bool, count: int) -> None:
    for number in range(count):
        machine.write(f"in/2014/{number % 12 + 1:02}/f{number}_it's.csv", f"{number},x\n")
    step = extract(
        "t",
        "n int, a int, name string, b string, date DateTime",
        "/in/{date:yyyy}/{date:MM}/f{n}_{name}.csv",
        virtual=("n", "name", "date"),
    )
    expected = [(i, i, "it's", "x", datetime(2014, i % 12 + 1, 1)) for i in range(count)]
    assert read(machine, step, slow=slow) == sorted(expected, key=repr)


def test_a_path_that_gives_no_value_of_its_type_is_an_error(machine: Machine, slow: bool) -> None:
    machine.write("in/fx.csv", "1,2\n")
    step = extract("t", "n int, a int, b int", "/in/f{n}.csv", virtual=("n",))
    caught = failure(machine, step, slow=slow)
    assert caught.code == "E_EMULATOR_VIRTUAL_COLUMN"
    assert "fx.csv" in caught.message


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("in.csv", b"1,2,2013-01-02\n", {}),
        ("in.csv", b'1,"a""b",2/15/2012 11:53:18 AM\r\n2,"",\r\n', {}),
        ("in.csv", b'"a","b","c"\r\n1,x,2013-01-02T03:04:05.1234560\r\n', {"skip_first_rows": 1}),
        ("in.csv", b"\xef\xbb\xbf1,2,\n", {}),
        ("in.csv", b'\xef\xbb\xbf"a","b",c\n1,2,\n', {"skip_first_rows": 1}),
        ("in.csv.gz", gzip.compress(b"1,2,\n", mtime=0), {}),
        ("in.csv", "1,\u00e4,\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ("in.csv", b"1,2,\n3,4\n\n5,x,y,z\n6,7,q\n", {"silent": True}),
        ("in.csv", b"1,NULL,NULL\n", {"null_escape": "NULL"}),
        ("in.csv", b'1,"2,\n', {"quoting": False}),
    ],
)
def test_common_files_are_read_fast(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, options: dict[str, object]
) -> None:
    def refuse(extraction: object) -> str:
        raise AssertionError("the slow reader was used")

    monkeypatch.setattr(Extraction, "slow_source", refuse)
    machine.write(name, data)
    assert read(machine, extract("t", "a int, b string, c DateTime?", f"/{name}", **options))
