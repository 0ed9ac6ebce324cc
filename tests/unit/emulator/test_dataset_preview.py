from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.ml_studio.models import Workspace
from airflow_provider_datalake.emulator.web.access_codes import output_code
from airflow_provider_datalake.emulator.web.dataset_preview import HEAD_BYTES, SHOWN_ROWS, Preview, preview

if TYPE_CHECKING:
    from pathlib import Path


def shown(folder: Path, content: str | bytes, data_type: str) -> Preview:
    path = folder / "contents"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return preview(path, data_type)


def columns(found: Preview) -> list[tuple[str, bool]]:
    return [(column.name, column.number) for column in found.columns]


def test_csv_has_names_and_rows(tmp_path: Path) -> None:
    found = shown(tmp_path, '\ufeffa, b\n1, x\n,"y, z"\n', "GenericCSV")
    assert columns(found) == [("a", True), ("b", False)]
    assert found.rows == (("1", "x"), (None, "y, z"))
    assert dict(found.columns[0].summary.figures)["Missing"] == "1"


def test_tsv_keeps_its_spaces(tmp_path: Path) -> None:
    assert shown(tmp_path, "a\tb\n x\ty\n", "GenericTSV").rows == ((" x", "y"),)


@pytest.mark.parametrize(
    ("data_type", "content"), [("GenericCSVNoHeader", "1,x\n2,y\n"), ("GenericTSVNoHeader", "1\tx\n2\ty\n")]
)
def test_columns_without_names_are_counted(tmp_path: Path, data_type: str, content: str) -> None:
    found = shown(tmp_path, content, data_type)
    assert columns(found) == [("1", True), ("2", False)]
    assert found.rows == (("1", "x"), ("2", "y"))


def test_plain_text_has_lines(tmp_path: Path) -> None:
    assert shown(tmp_path, "one\r\ntwo\n", "PlainText").lines == ("one", "two")


def test_arff_has_the_names_and_types_of_its_head(tmp_path: Path) -> None:
    found = shown(
        tmp_path,
        "% comment\n@RELATION r\n@ATTRIBUTE 'sepal length' NUMERIC\n@attribute class {a, b}\n"
        "@attribute note string\n\n@DATA\n5.1,a,'it, is'\n% comment\n?,b,?\n",
        "ARFF",
    )
    assert [(column.name, column.type, column.number) for column in found.columns] == [
        ("sepal length", "NUMERIC", True),
        ("class", "{a, b}", False),
        ("note", "string", False),
    ]
    assert found.rows == (("5.1", "a", "it, is"), (None, "b", None))


@pytest.mark.parametrize(
    ("content", "data_type", "problem"),
    [
        (b"", "GenericCSV", "The dataset is empty."),
        (b"PK\x03\x04\x00", "GenericCSV", "Its contents are no text."),
        (b"\xff\xfe\xff", "GenericCSV", "Its contents are no text."),
        (b"PK", "Zip", "There is no preview of the format Zip."),
        (b"@relation r\n", "ARFF", "It cannot be read as ARFF: there is no @data"),
        (b"@data\n{1 2}\n", "ARFF", "It cannot be read as ARFF: its rows are sparse"),
        (b"a\n" + b"x" * (1024 * 1024 + 1), "GenericCSV", "It cannot be read as GenericCSV: field larger"),
        (b"x" * (HEAD_BYTES + 1), "GenericCSV", "Its first line is too long to be shown."),
    ],
    ids=lambda value: None if isinstance(value, str) else "content",
)
def test_what_cannot_be_shown_is_said(tmp_path: Path, content: bytes, data_type: str, problem: str) -> None:
    assert shown(tmp_path, content, data_type).problem.startswith(problem)


def test_rows_of_other_lengths_are_shown_as_they_are(tmp_path: Path) -> None:
    assert shown(tmp_path, "a,b\n1\n1,2,3\n", "GenericCSV").rows == (("1", None), ("1", "2"))


@pytest.mark.parametrize("text", ["1_000", "0x10", "1,5", "-"])
def test_what_only_looks_like_a_number_is_text(tmp_path: Path, text: str) -> None:
    assert columns(shown(tmp_path, f"a\tb\n{text}\tx\n", "GenericTSV"))[0] == ("a", False)


def test_only_the_beginning_of_a_large_dataset_is_read(tmp_path: Path) -> None:
    path = tmp_path / "contents"
    with path.open("w") as file:
        file.write("a,b,c,d\n")
        for number in range(400_000):
            file.write(f"{number},{number / 7:.3f},{number % 5},x\n")
    begin = time.monotonic()
    found = preview(path, "GenericCSV")
    assert not found.is_whole
    assert len(found.rows) == SHOWN_ROWS
    assert 0 < found.rows_read < 400_000
    maximum = dict(found.columns[0].summary.figures)["Max"]
    # Its last row is whole: a number that was cut would not be the largest.
    assert int(maximum.replace(",", "")) == found.rows_read - 1
    assert time.monotonic() - begin < 10


@given(
    content=st.binary(max_size=300), data_type=st.sampled_from(["GenericCSV", "GenericTSVNoHeader", "ARFF"])
)
def test_any_bytes_have_a_page(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data_type: str
) -> None:
    found = shown(tmp_path_factory.mktemp("p"), content, data_type)
    assert found.problem or found.lines is not None or found.all_columns == len(found.columns)


def test_the_access_code_is_python_whatever_the_names_are() -> None:
    from pathlib import Path

    from airflow_provider_datalake.emulator.ml_studio.experiments import Output

    workspace = Workspace("w", "primary", "secondary")
    output = Output("node'1", 'port "x"\\', "GenericCSV", 1, Path("x"))
    code = output_code(workspace, "http://127.0.0.1:1/studio/", "w.f-id.1", output)
    assert code is not None
    compile(code, "code", "exec")
    assert repr(output.node) in code
    assert repr(output.port) in code


def test_words_that_the_service_client_reads_as_missing_are_no_text(tmp_path: Path) -> None:
    found = shown(tmp_path, "at,gust\n1,NA\n2,20.7\n3,NaN\n", "GenericCSV")
    assert columns(found) == [("at", True), ("gust", True)]
    assert found.rows[0] == ("1", None)
