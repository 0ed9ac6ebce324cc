"""The beginning of a dataset as a table: rows as they are written, and which columns are numbers."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.web.file_pages import text_of
from airflow_provider_datalake.emulator.web.histograms import Histogram, Summary, count_values, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HEAD_BYTES = 2 * 1024 * 1024
"""So much of a dataset is read for its page, however large it is."""
SHOWN_ROWS = 20
SHOWN_COLUMNS = 40
_DELIMITERS = {
    "GenericCSV": ",",
    "GenericCSVNoHeader": ",",
    "GenericTSV": "\t",
    "GenericTSVNoHeader": "\t",
}
_MISSING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A")
    + ("NA", "NULL", "NaN", "None", "n/a", "nan", "null")
)
"""What the service's own client reads as missing: its reader is that of pandas."""
_MAX_FIELD = 1024 * 1024
_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)\s+(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """
    A column.

    :param name: its name, or its number from 1 on where it has none
    :param type: what its values are, for people
    :param number: whether they are numbers
    :param summary: minimum, maximum and so on, None where they are no numbers
    :param histogram: how the numbers are spread, None where there are none
    """

    name: str
    type: str
    number: bool
    summary: Summary | None = None
    histogram: Histogram | None = None


@dataclass(frozen=True)
class Preview:
    """
    The beginning of a dataset.

    :param columns: the columns that are shown
    :param rows: the rows that are shown
    :param rows_read: how many rows the summaries are of
    :param all_columns: how many columns there are
    :param is_whole: whether the summaries are of all rows
    :param lines: the lines of plain text, None for a table
    :param problem: why there is neither, empty otherwise
    """

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    rows_read: int = 0
    all_columns: int = 0
    is_whole: bool = True
    lines: tuple[str, ...] | None = None
    problem: str = ""


def preview(path: Path, data_type: str) -> Preview:
    """
    Read the beginning of a dataset.

    :param path: its contents
    :param data_type: their format
    :return: what a page can show of it
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES + 1)
    is_whole = len(head) <= HEAD_BYTES
    if not is_whole:
        # The last line is cut somewhere.
        head = head[: head.rfind(b"\n") + 1]
    if not head:
        return Preview(
            problem="The dataset is empty." if is_whole else "Its first line is too long to be shown."
        )
    if data_type not in (*_DELIMITERS, "PlainText", "ARFF"):
        return Preview(problem=f"There is no preview of the format {data_type}.")
    text = text_of(head, complete=is_whole)
    if text is None:
        return Preview(problem="Its contents are no text.")
    try:
        if data_type == "PlainText":
            lines = text.splitlines()
            return Preview(lines=tuple(lines[:SHOWN_ROWS]), rows_read=len(lines), is_whole=is_whole)
        if data_type == "ARFF":
            return _of_arff(text, is_whole)
        return _of_delimited(text, data_type, is_whole)
    except (csv.Error, ValueError) as error:
        return Preview(problem=f"It cannot be read as {data_type}: {error}")


def _of_delimited(text: str, data_type: str, is_whole: bool) -> Preview:
    delimiter = _DELIMITERS[data_type]
    rows = _rows(text, delimiter, '"', skip_spaces=delimiter == ",")
    first = next(rows, [])
    if data_type.endswith("NoHeader"):
        names = [str(number) for number in range(1, len(first) + 1)]
        return _table(names, [first, *rows], _MISSING, is_whole)
    return _table(first, list(rows), _MISSING, is_whole)


def _of_arff(text: str, is_whole: bool) -> Preview:
    names, types = [], []
    lines = io.StringIO(text)
    for line in lines:
        found = _ATTRIBUTE.match(line.strip())
        if found:
            names.append(_unquoted(found[1]))
            types.append(found[2].strip())
        elif line.strip().lower() == "@data":
            break
    else:
        raise ValueError("there is no @data")
    data = "".join(line for line in lines if not line.startswith("%"))
    if data.lstrip().startswith("{"):
        raise ValueError("its rows are sparse")
    return _table(names, list(_rows(data, ",", "'", skip_spaces=True)), frozenset({"", "?"}), is_whole, types)


def _rows(text: str, delimiter: str, quote: str, *, skip_spaces: bool) -> Iterator[list[str]]:
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, skipinitialspace=skip_spaces
    )
    return (row for row in reader if row)


def _unquoted(name: str) -> str:
    if name[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name


def _table(
    names: Sequence[str],
    rows: Sequence[list[str]],
    missing: frozenset[str],
    is_whole: bool,
    types: Sequence[str] | None = None,
) -> Preview:
    columns = []
    for at, name in enumerate(names[:SHOWN_COLUMNS]):
        values = [row[at].strip() if at < len(row) else "" for row in rows]
        numbers = _numbers([value for value in values if value not in missing])
        kind = types[at] if types else ("text" if numbers is None else "number")
        if numbers is None:
            columns.append(Column(name, kind, number=False))
        else:
            empty = len(values) - len(numbers)
            columns.append(Column(name, kind, True, summarize(numbers, empty), count_values(numbers)))
    shown = tuple(
        tuple(None if at >= len(row) or row[at] in missing else row[at] for at in range(len(columns)))
        for row in rows[:SHOWN_ROWS]
    )
    return Preview(tuple(columns), shown, len(rows), len(names), is_whole)


def _numbers(texts: Sequence[str]) -> list[float] | None:
    # Python reads 1_000 as a number, nobody else does.
    if not texts or any("_" in text for text in texts):
        return None
    try:
        return [float(text) for text in texts]
    except ValueError:
        return None
