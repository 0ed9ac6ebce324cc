"""The options of the built-in extractors and outputters; the binder checks them, the backend obeys them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExtractFormat:
    """
    How text is read. Defaults and rules: "Extractor Parameters" in the U-SQL reference.

    :param delimiter: between columns; ``,`` for Csv, a tab for Tsv
    :param encoding: a Python codec name: utf-8, utf-16-le, utf-16-be, ascii, utf-7, utf-32-le or cp1252...
    :param escape: escape character, None for none
    :param null_escape: text that stands for null, None for none
    :param quoting: whether columns may be quoted; a quoted row delimiter still ends the row
    :param row_delimiter: None for any of CR LF, LF and CR
    :param silent: whether rows of a wrong column count are skipped, and bad nullable cells become null
    :param skip_first_rows: rows skipped in every file
    :param char_format: ``uint16`` or ``string``
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    escape: str | None = None
    null_escape: str | None = None
    quoting: bool = True
    row_delimiter: str | None = None
    silent: bool = False
    skip_first_rows: int = 0
    char_format: str = "uint16"


@dataclass(frozen=True)
class OutputFormat:
    """
    How text is written. Defaults and rules: "Outputter Parameters" in the U-SQL reference.

    :param delimiter: between columns; ``,`` for Csv, a tab for Tsv
    :param encoding: a Python codec name; never with a byte order mark
    :param escape: escape character, None for none
    :param null_escape: text that stands for null, None for an empty column
    :param quoting: whether strings are quoted
    :param row_delimiter: behind every row
    :param header: whether the first row has the columns' names
    :param date_time_format: a C# format, None for the round-trip format ``O``
    :param char_format: ``uint16`` or ``string``
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    escape: str | None = None
    null_escape: str | None = None
    quoting: bool = True
    row_delimiter: str = "\r\n"
    header: bool = False
    date_time_format: str | None = None
    char_format: str = "uint16"
