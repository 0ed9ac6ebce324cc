"""The fast reader and the reference reader agree, whatever a file says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError
from airflow_provider_datalake.usql.text_format import ExtractFormat
from tests.unit.usql.backends.machine import Machine, extract, read

TYPES = [
    "string",
    "int",
    "int?",
    "double",
    "double?",
    "decimal?",
    "bool?",
    "DateTime?",
    "Guid?",
    "byte[]",
    "long",
]
TYPES += ["byte", "char?", "float?", "DateTime", "ushort?", "sbyte"]
CELLS = [
    *(
        "",
        "1",
        "-7",
        "+5",
        " 5",
        "5 ",
        "007",
        "1e3",
        "1e2",
        "12.0",
        "1.5",
        ".5",
        "5.",
        "1_000",
        "0x1F",
        "-0",
        "300",
    ),
    *(
        "99999999999",
        "1e400",
        "-1e400",
        "1e-400",
        "NaN",
        "nan",
        "Infinity",
        "inf",
        "-Infinity",
        "+Infinity",
        " NaN",
    ),
    *("true", "TRUE", "tRuE", "yes", "t", " true ", "2013-01-02", "2013-1-2 3:4:5", "2013-01-02 03:04:05"),
    *(
        "2013-01-02T03:04:05.1234560",
        "2013-01-02T03:04:05.1234567",
        "2013-01-02 03:04:05.5",
        "13-01-02 03:04:05",
    ),
    *(
        "2013-01-02 24:00:00",
        "2013-02-30",
        "2/15/2012 11:53:18 AM",
        "2/15/2012",
        "02.15.2012",
        "2013-01-02T03:04Z",
        "2013-01-02T03:04:05Z",
        "2013-1-02T03:04:05Z",
        "2013-01-02T3:4:5Z",
        "2013-01-02T03:04:05z",
        "2013-01-02T03:04:05 Z",
        "2013-01-02 03:04:05Z",
    ),
    *(
        "2013-01-02 03:04:05+01:00",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994",
        "epoch",
        "infinity",
        "today",
    ),
    *(
        "12345678-1234-1234-1234-123456789abc",
        "{12345678-1234-1234-1234-123456789ABC}",
        "12345678123412341234123456789abc",
    ),
    *("0aFF", "0a0", "a", "ä", "😀", "0.12345678901", "0.12345678900", "1" * 29, "1" * 28, "null", "\\N"),
    *(
        "2013-01-02 10:00+01",
        "2013-1-1  0:0:0 ",
        " 2013-01-01 00:00:00",
        "2013-01-02  03:04:05",
        "1.",
        "1e",
        "e5",
        "-",
    ),
    *(
        "2013-01-02T03:04:05 PM",
        "13/1/2012 13:00:00 PM",
        "1/1/2012 0:30:00 AM",
        "12/31/9999 11:59:59 PM",
        "1,5",
        "2013-01-02\t03:04:05",
    ),
]
QUOTED = [f'"{cell}"' for cell in CELLS] + [
    '"a,b"',
    '"a""b"',
    '""""',
    '"a"b',
    '"a" ',
    ' "a"',
    'a"b',
    '"',
    '"a\nb"',
    '"""a"',
    '" a "',
]
SEPARATORS = ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str], str]:
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3))
    cell = st.sampled_from(CELLS) | st.sampled_from(QUOTED)
    widths = st.sampled_from([len(types)] * 12 + [len(types) + 1, max(1, len(types) - 1), len(types) + 2])
    newline = draw(st.sampled_from(SEPARATORS[:3]))
    text = ""
    for _ in range(draw(st.integers(0, 4))):
        cells = [draw(cell) for _ in range(draw(widths))]
        text += ",".join(cells) + draw(st.sampled_from([newline] * 8 + SEPARATORS))
    if draw(st.booleans()):
        text = text.removesuffix(newline)
    return ", ".join(f"c{i} {kind}" for i, kind in enumerate(types)), types, text


def outcome(folder: Path, schema: str, text: str, *, slow: bool, **options: object) -> object:
    machine = Machine(folder)
    machine.write("in.csv", text)
    try:
        # Texts, for NaN is not equal to itself.
        return [repr(row) for row in read(machine, extract("t", schema, "/in.csv", **options), slow=slow)]
    except UsqlRuntimeError as error:
        inner = error.inner or error
        return error.code, error.message, error.details, inner.code, inner.message


def agree(schema: str, text: str, **options: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fast").mkdir()
        (Path(folder) / "slow").mkdir()
        fast = outcome(Path(folder) / "fast", schema, text, slow=False, **options)
        slow = outcome(Path(folder) / "slow", schema, text, slow=True, **options)
    assert fast == slow


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    file=files(),
    quoting=st.booleans(),
    silent=st.booleans(),
    skip=st.sampled_from([0, 0, 1, 2]),
    null_escape=st.sampled_from([None, None, "\\N", "null", ""]),
    char_format=st.sampled_from(["uint16", "string"]),
)
@example(("c0 string, c1 int?", [], '"a",""\nb,2\n'), True, False, 0, None, "uint16")
@example(("c0 string, c1 string", [], "a,b,\nc,d\n"), True, False, 0, None, "uint16")
@example(("c0 string, c1 string", [], "a,b\n\nc,d\n"), True, False, 0, None, "uint16")
@example(("c0 string, c1 string", [], 'a, "b"\nc,"d" \n'), True, False, 0, None, "uint16")
@example(("c0 int, c1 string", [], "1e2,x\n"), True, False, 0, None, "uint16")
@example(("c0 string, c1 string", [], ',\r\n,"a\nb"\r\n'), False, False, 2, None, "uint16")
@example(("c0 string, c1 string", [], "a\nb,\r\nc,d\r\n"), False, False, 1, None, "uint16")
def test_both_readers_agree(
    file: tuple[str, list[str], str],
    quoting: bool,
    silent: bool,
    skip: int,
    null_escape: str | None,
    char_format: str,
) -> None:
    schema, _, text = file
    agree(
        schema,
        text,
        quoting=quoting,
        silent=silent,
        skip_first_rows=skip,
        null_escape=null_escape,
        char_format=char_format,
    )


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(TYPES), text=st.text(alphabet="0123456789+-.eE_ :/TZAPMx{}aF", max_size=24))
def test_both_readers_agree_on_one_cell(kind: str, text: str) -> None:
    agree(f"c0 {kind}, c1 string", f"{text},x\n")


@pytest.mark.parametrize(
    "first",
    [
        "2013-01-02 03:04:05",
        "2013-01-02",
        "2/15/2012 11:53:18 AM",
        "2013-01-02T03:04:05.1234560",
        "2013-01-02T03:04:05Z",
    ],
)
def test_both_readers_agree_on_every_known_cell_below_a_date(first: str) -> None:
    for cell in [*CELLS, "0999-01-01 00:00:00", "1970-01-01 00:00:00", "-infinity", "2013-01-02 03:04:05 "]:
        if "," not in cell:
            agree("c0 DateTime, c1 string, c2 DateTime", f"{first},x,{first}\n{cell},y,{first}\n")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.text(alphabet="0123456789-: TZ", min_size=8, max_size=22),
    first=st.sampled_from(["2013-01-02 03:04:05", "2013-01-02", "2013-01-02T03:04:05Z"]),
)
def test_both_readers_agree_on_one_cell_below_a_date(first: str, text: str) -> None:
    agree("c0 DateTime, c1 string", f"{first},x\n{text},x\n")


@pytest.mark.parametrize("kind", TYPES)
def test_both_readers_agree_on_every_known_cell(kind: str) -> None:
    for cell in CELLS:
        agree(f"c0 string, c1 {kind}, c2 string", f"x,{cell.replace(',', ';')},y\n", format_=ExtractFormat())
