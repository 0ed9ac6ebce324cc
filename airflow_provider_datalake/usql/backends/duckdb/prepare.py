"""Looks a file over before DuckDB reads it, for what its reader does not tell or takes too lightly."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb.reader import decoded_blocks

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from airflow_provider_datalake.usql.filesets import MatchedFile
    from airflow_provider_datalake.usql.text_format import ExtractFormat

_BLOCK = 96 << 10  # larger masks would be given back to the system and asked for again each time
_LONGEST = 8 << 20
_BOM = b"\xef\xbb\xbf"


class UnsuitableError(Exception):
    """DuckDB's reader would not read this file as U-SQL does."""


@dataclass(frozen=True)
class PreparedFile:
    """
    A UTF-8 file that DuckDB's reader understands exactly.

    :param matched: where it comes from
    :param path: what to read
    :param quotes: whether there are quotes in it
    :param empty_quotes: whether there may be columns of two quotes and nothing between
    :param long_lines: whether it may have strings that are too long
    :param skip: lines to skip
    :param first_row: its first row behind these
    """

    matched: MatchedFile
    path: Path
    quotes: bool
    empty_quotes: bool
    long_lines: bool
    skip: int
    first_row: str


def prepare(matched: MatchedFile, format_: ExtractFormat, scratch: Path) -> PreparedFile | None:
    """
    Check a file, after it was decompressed and recoded to UTF-8 where it must be.

    :param matched: the file
    :param format_: how it is written
    :param scratch: a directory for a copy
    :return: what DuckDB shall read; None when nothing is left to be read
    :raises UnsuitableError: when only the slow reader reads it right
    :raises UsqlRuntimeError: when its bytes are not of its encoding
    """
    if format_.escape is not None or format_.null_escape == "":
        raise UnsuitableError("escapes")
    if format_.row_delimiter not in (None, "\n", "\r\n") or format_.delimiter in ('"', "\r", "\n", " "):
        raise UnsuitableError("delimiters")
    path = matched.file.path
    if matched.file.uri.lower().endswith(".gz") or format_.encoding.lower().replace("_", "-") != "utf-8":
        path = scratch / f"recoded-{uuid.uuid4().hex}"
        with path.open("wb") as copy:
            for text in decoded_blocks(matched.file, format_.encoding):
                copy.write(text.encode())
    return _inspect(matched, path, format_, scratch)


def _inspect(matched: MatchedFile, path: Path, format_: ExtractFormat, scratch: Path) -> PreparedFile | None:
    start, skip = 0, format_.skip_first_rows
    with path.open("rb") as file:
        if file.read(3) == _BOM:
            start = 3
        if skip:
            start, plain = _skip(file, start, skip, format_)
            if not plain:
                path, start, skip = _without_start(path, start, scratch), 0, 0
    if path.stat().st_size == start:
        return None
    with path.open("rb") as file:
        file.seek(start)
        first_row = file.readline(_BLOCK).decode(errors="replace").rstrip("\r\n")
    found = _look(path, start, format_)
    return PreparedFile(matched, path, found.quotes, found.empty_quotes, found.long_lines, skip, first_row)


def _look(path: Path, start: int, format_: ExtractFormat) -> _Findings:
    """Look at all lines of a file."""
    import numpy as np

    found = _Findings(format_)
    carry = 0
    buffer = bytearray(_BLOCK)
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while True:
            if len(buffer) - carry < _BLOCK // 2:
                if len(buffer) > _LONGEST:
                    raise UnsuitableError("very long lines")
                buffer.extend(bytes(len(buffer)))
                found.long_lines = True
            with memoryview(buffer) as view:
                size = file.readinto(view[carry:]) or 0
            end = carry + size
            whole = buffer.rfind(b"\n", 0, end) + 1 if size else end
            if whole:
                array = np.frombuffer(buffer, np.uint8, whole)
                found.look(buffer, array)
                del array
                buffer[: end - whole] = buffer[whole:end]
            carry = end - whole
            if not size:
                return found


def _skip(file: Any, start: int, rows: int, format_: ExtractFormat) -> tuple[int, bool]:
    """Find the end of the skipped rows, and whether DuckDB would count them alike."""
    file.seek(start)
    plain = True
    newlines = set()
    for _ in range(rows):
        line = file.readline(_LONGEST)
        if b"\r" in line.removesuffix(b"\r\n") or len(line) == _LONGEST:
            raise UnsuitableError("skipped rows")
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise UnsuitableError("skipped rows") from error
        if not line.strip() or (format_.quoting and line.count(b'"') % 2):
            plain = False
        newlines.add(line.endswith(b"\r\n"))
    end = file.tell()
    if rest := file.readline(_LONGEST):
        newlines.add(rest.endswith(b"\r\n"))
    return end, plain and len(newlines) == 1


def _without_start(path: Path, start: int, scratch: Path) -> Path:
    import shutil

    copy = scratch / f"skipped-{uuid.uuid4().hex}"
    with path.open("rb") as source, copy.open("wb") as target:
        source.seek(start)
        shutil.copyfileobj(source, target, _BLOCK)
    return copy


class _Findings:
    """What was seen so far in whole lines."""

    def __init__(self, format_: ExtractFormat) -> None:
        self.format = format_
        self.quotes = self.empty_quotes = self.long_lines = False
        self._newline: str | None = None
        delimiter = format_.delimiter.encode()
        self._edges = (*b"\r\n", delimiter[0], delimiter[-1])
        edge = b"[" + re.escape(delimiter) + rb"\r\n]" if len(delimiter) == 1 else re.escape(delimiter)
        self._loose = re.compile(rb"(?:\A|" + edge + rb') +"|" +(?:' + edge + rb"|\Z)")

    def look(self, buffer: bytearray, array: Any) -> None:
        end = len(array)
        if buffer.find(b"\r", 0, end) < 0:
            breaks = array == 10
            if breaks[-1]:
                self._saw("\n")
            if not self.format.silent and (breaks[0] or (breaks[1:] & breaks[:-1]).any()):
                raise UnsuitableError("empty lines")
        else:
            self._look_at_returns(array)
        if self.format.quoting and buffer.find(b'"', 0, end) >= 0:
            self.quotes = True
            self._look_at_quotes(buffer, array)

    def _saw(self, newline: str) -> None:
        if self._newline not in (None, newline) or self.format.row_delimiter not in (None, newline):
            raise UnsuitableError("row delimiters")
        self._newline = newline

    def _look_at_returns(self, array: Any) -> None:
        import numpy as np

        self._saw("\r\n")
        feeds, returns = np.flatnonzero(array == 10), np.flatnonzero(array == 13)
        if len(feeds) != len(returns) or (feeds != returns + 1).any():
            raise UnsuitableError("row delimiters")
        if not self.format.silent and (feeds[0] == 1 or (np.diff(feeds) == 2).any()):
            raise UnsuitableError("empty lines")

    def _look_at_quotes(self, buffer: bytearray, array: Any) -> None:
        import numpy as np

        quotes = array == 34
        spaces = array == 32
        beside = (quotes[1:] & spaces[:-1]) | (spaces[1:] & quotes[:-1])
        # DuckDB drops spaces around quotes; to U-SQL they are text.
        if beside.any() and self._loose.search(buffer, 0, len(array)):
            raise UnsuitableError("spaces around quotes")
        if self.empty_quotes:
            return
        twice = quotes[1:] & quotes[:-1]
        if twice.any():
            pairs = np.flatnonzero(twice)
            before = np.where(pairs == 0, 10, array[pairs - 1])
            after = np.where(pairs + 2 >= len(array), 10, array[np.minimum(pairs + 2, len(array) - 1)])
            self.empty_quotes = bool((np.isin(before, self._edges) & np.isin(after, self._edges)).any())
