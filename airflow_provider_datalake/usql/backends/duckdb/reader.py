"""The reference reader of delimited text: any option, exact errors, one row at a time, not fast."""

from __future__ import annotations

import codecs
import gzip
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_datalake.usql.backends.duckdb.text_values import TextError, converter
from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import IO

    from airflow_provider_datalake.usql.plan import PlanColumn
    from airflow_provider_datalake.usql.text_format import ExtractFormat
    from airflow_provider_datalake.usql.types import Type
    from airflow_provider_datalake.usql.workspace import StoredFile

BLOCK = 1 << 20
ROW_LIMIT = 4 << 20
"""Bytes of UTF-8 that a row may have."""
ROW_ERROR = "E_RUNTIME_USER_EXTRACT_ROW_ERROR"
_SHOWN = 200
_REMEMBERED = 4096


class Field(NamedTuple):
    """
    One column of one row.

    :param text: what it says, quotes and escapes removed
    :param raw: the same with its escapes
    :param quoted: whether it was in quotes
    :param problem: what is wrong with its quotes, empty when nothing is
    """

    text: str
    raw: str
    quoted: bool
    problem: str


def open_bytes(path: Path, name: str) -> IO[bytes]:
    """
    Open a file, decompressed when its name ends in ``.gz``.

    :param path: where it is
    :param name: its name in the store
    :return: a stream
    """
    if name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def decoded_blocks(file: StoredFile, encoding: str) -> Iterator[str]:
    """
    Decode a file, without its byte order mark.

    :param file: the file
    :param encoding: a Python codec
    :return: pieces of its text
    :raises UsqlRuntimeError: when its bytes are not of this encoding, or it is no gzip file
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset, first = 0, encoding.lower().startswith("utf")
    with open_bytes(file.path, file.uri) as stream:
        while True:
            try:
                block = stream.read(BLOCK)
            except (EOFError, gzip.BadGzipFile, OSError) as error:
                raise UsqlRuntimeError(
                    "E_EMULATOR_INPUT_UNREADABLE", f"{file.uri} cannot be read: {error}"
                ) from error
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise _encoding_error(file, encoding, error, offset) from error
            offset += len(block)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if text:
                yield text
            if not block:
                return


def _encoding_error(
    file: StoredFile, encoding: str, error: UnicodeDecodeError, offset: int
) -> UsqlRuntimeError:
    data = error.object[error.start : error.end][:8].hex(" ").upper()
    inner = UsqlRuntimeError(
        "E_EMULATOR_EXTRACT_ENCODING",
        f"bytes {data} are invalid for encoding {encoding}: {error.reason}",
        details=f"File: {file.uri}\nAbout byte: {offset + error.start}\nHEX: {data}",
    )
    return UsqlRuntimeError(
        ROW_ERROR,
        f"Error occured while extracting from {file.uri}: it is not encoded in {encoding}.",
        details=inner.details,
        inner=inner,
    )


def rows_of(blocks: Iterator[str], format_: ExtractFormat) -> Iterator[str]:
    """
    Cut a text at its row delimiters, which quotes do not protect.

    :param blocks: pieces of the text
    :param format_: how it is written
    :return: the rows; what follows the last delimiter is one when it is not empty
    """
    ends = re.escape(format_.row_delimiter) if format_.row_delimiter else "\r\n|\r|\n"
    escape = f"{re.escape(format_.escape)}(?s:.)|" if format_.escape else ""
    pattern = re.compile(f"{escape}({ends})")
    buffer = ""
    for block in blocks:
        buffer, start = buffer + block, 0
        # A CR may be half of a CR LF, and an escape stands for nothing alone, until the next block is here.
        for match in pattern.finditer(buffer):
            if match.group(1) is None:
                continue
            if match.end() == len(buffer) and match.group(1) == "\r" and format_.row_delimiter is None:
                break
            yield buffer[start : match.start()]
            start = match.end()
        buffer = buffer[start:]
    if buffer.endswith("\r") and format_.row_delimiter is None and not _escaped_end(buffer, format_.escape):
        buffer = buffer[:-1]
        yield buffer
    elif buffer:
        yield buffer


def _escaped_end(text: str, escape: str | None) -> bool:
    before = text[:-1]
    return escape is not None and (len(before) - len(before.rstrip(escape))) % 2 == 1


def fields_of(row: str, format_: ExtractFormat) -> list[Field]:
    """
    Cut a row into its columns.

    :param row: a row without its delimiter
    :param format_: how it is written
    :return: the columns
    """
    if format_.escape is None and not (format_.quoting and '"' in row):
        return [Field(text, text, False, "") for text in row.split(format_.delimiter)]
    fields: list[Field] = []
    position = 0
    while True:
        field, position = _field(row, position, format_)
        fields.append(field)
        if position >= len(row):
            return fields
        position += len(format_.delimiter)
        if position == len(row):
            return [*fields, Field("", "", False, "")]


def _field(row: str, position: int, format_: ExtractFormat) -> tuple[Field, int]:
    escape, delimiter = format_.escape, format_.delimiter
    quoted = format_.quoting and row.startswith('"', position)
    inside, problem = quoted, ""
    text: list[str] = []
    raw: list[str] = []
    position += quoted
    while position < len(row):
        char = row[position]
        if char == escape:
            following = row[position + 1 : position + 2]
            # The escape character does not escape quotes: these are doubled.
            if following == '"' and format_.quoting:
                position += 1
                raw.append(char)
                continue
            text.append(following)
            raw.append(char + following)
            position += 2
            continue
        if char == '"' and quoted:
            if inside and row.startswith('"', position + 1):
                text.append(char)
                raw.append(char)
                position += 2
                continue
            if inside:
                inside = False
                position += 1
                continue
        if not inside and row.startswith(delimiter, position):
            break
        if quoted and not inside:
            problem = "characters follow its closing quote"
        text.append(char)
        raw.append(char)
        position += 1
    if inside:
        problem = "its quote is not closed; note that quotes do not protect row delimiters"
    return Field("".join(text), "".join(raw), quoted, problem), position


def _remembering(type_: Type, char_format: str) -> Callable[[str], object]:
    """Make a converter that remembers the last values: columns repeat themselves."""
    convert = converter(type_, char_format)
    return convert if type_.kind is Kind.STRING else lru_cache(_REMEMBERED)(convert)


@dataclass(frozen=True)
class TextReader:
    """
    Reads rows of typed values.

    :param columns: what a row has
    :param format: how it is written
    """

    columns: Sequence[PlanColumn]
    format: ExtractFormat

    def rows(self, file: StoredFile) -> Iterator[tuple[object, ...]]:
        """
        Read a file.

        :param file: the file
        :return: rows of values as Arrow wants them; those of float and double are texts
        :raises UsqlRuntimeError: at the first row that is not as it must be
        """
        converters = [_remembering(column.type, self.format.char_format) for column in self.columns]
        rows = rows_of(decoded_blocks(file, self.format.encoding), self.format)
        for number, row in enumerate(rows):
            if number < self.format.skip_first_rows:
                continue
            if len(row) * 4 > ROW_LIMIT and len(row.encode()) > ROW_LIMIT:
                raise self._error(
                    file, number, row, None, "E_EMULATOR_EXTRACT_ROW_TOO_LONG", f"exceeds {ROW_LIMIT} bytes"
                )
            plain = self.format.escape is None and not (self.format.quoting and '"' in row)
            fields: list[Any] = row.split(self.format.delimiter) if plain else fields_of(row, self.format)
            if len(fields) != len(self.columns):
                if self.format.silent:
                    continue
                raise self._wrong_count(file, number, row, len(fields))
            values = []
            for index, (field, convert) in enumerate(zip(fields, converters, strict=True)):
                try:
                    # Most texts are neither empty nor an escape for null.
                    if plain and field and field != self.format.null_escape and not self.format.silent:
                        values.append(convert(field))
                    else:
                        made = Field(field, field, False, "") if plain else field
                        values.append(self._value(made, self.columns[index], convert))
                except TextError as error:
                    raise self._error(file, number, row, index, error.code, str(error)) from error
            yield tuple(values)

    def _value(self, field: Field, column: PlanColumn, convert: Callable[[str], object]) -> object:
        nullable = column.type.nullable
        try:
            if field.problem:
                raise TextError("E_EMULATOR_EXTRACT_QUOTING", field.problem)
            empty = not field.raw and not field.quoted
            if empty and column.type.kind is Kind.STRING:
                return ""
            if empty or field.raw == self.format.null_escape:
                if nullable:
                    return None
            else:
                return convert(field.text)
        except TextError:
            if self.format.silent and nullable:
                return None
            raise
        raise TextError(
            "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_NULL_ERROR",
            f"Value of column is null, which its type {column.type} does not allow.",
        )

    def _wrong_count(self, file: StoredFile, number: int, row: str, count: int) -> UsqlRuntimeError:
        expected = len(self.columns)
        if count > expected:
            code, what = "E_RUNTIME_USER_EXTRACT_ROW_DELIMITER_EXPECTED", "Too many columns in input record"
        else:
            code, what = "E_EMULATOR_EXTRACT_TOO_FEW_COLUMNS", "Too few columns in input record"
        return self._error(file, number, row, None, code, f"{what}. Expected {expected}, found {count}.")

    def _error(
        self, file: StoredFile, number: int, row: str, index: int | None, code: str, message: str
    ) -> UsqlRuntimeError:
        shown = row if len(row) <= _SHOWN else row[:_SHOWN] + "..."
        where = ""
        if index is not None:
            where = f" Column index: {index}, column name: '{self.columns[index].name}'."
        details = f"File: {file.uri}\nRow: {number + 1}{where and chr(10) + where.strip()}\nTEXT: {shown}"
        done = number - self.format.skip_first_rows
        return UsqlRuntimeError(
            ROW_ERROR,
            f"Error occured while extracting row after processing {done} record(s) of {file.uri} "
            f"(row {number + 1}).{where}",
            details=details,
            inner=UsqlRuntimeError(code, message, details=details),
        )
