"""File sets: paths with patterns, whose parts become virtual columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_provider_datalake.usql.diagnostics import NOWHERE, CompileError, Diagnostic, Span

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.workspace import Files, StoredFile

_DATE_PARTS = {
    "yyyy": ("year", r"\d{4}"),
    "MM": ("month", r"\d{2}"),
    "M": ("month", r"\d{1,2}"),
    "dd": ("day", r"\d{2}"),
    "d": ("day", r"\d{1,2}"),
    "HH": ("hour", r"\d{2}"),
    "H": ("hour", r"\d{1,2}"),
    "mm": ("minute", r"\d{2}"),
    "m": ("minute", r"\d{1,2}"),
    "ss": ("second", r"\d{2}"),
    "s": ("second", r"\d{1,2}"),
}
_NAME = re.compile(r"[^\W\d]\w*|\[(?:[^\]]|\]\])+\]")
_STEP_START = re.compile(r"^[a-z][a-z0-9+.-]*://[^/]*/", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """
    A pattern in braces.

    :param name: the virtual column; None for ``{*}``
    :param date_format: e.g. ``yyyy``; None for a value that is taken as it is
    """

    name: str | None
    date_format: str | None = None


@dataclass(frozen=True)
class MatchedFile:
    """
    A file of a set.

    :param file: the file
    :param values: of the virtual columns: a text, or the instant that a column's date parts make together
    """

    file: StoredFile
    values: dict[str, str | datetime]


@dataclass(frozen=True)
class FileSet:
    """
    One file, or all files whose URIs match a pattern.

    A pattern never reaches over a slash. ``{*}`` may match nothing, ``{name}`` at least one character.

    :param pattern: resolved absolute URI, with its patterns in braces
    :param pieces: literal texts, percent-encoded as in the URI, and parts, in order
    :param span: where the script names it
    """

    pattern: str
    pieces: tuple[str | Part, ...]
    span: Span = NOWHERE

    @property
    def parts(self) -> tuple[Part, ...]:
        """The patterns in braces; none for a plain file."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Part))

    @property
    def virtual(self) -> tuple[tuple[str, bool], ...]:
        """Names of the virtual columns in the order of the pattern, each with whether it has date parts."""
        named = {part.name: part.date_format is not None for part in self.parts if part.name is not None}
        return tuple(named.items())

    @property
    def folder(self) -> str:
        """The deepest folder that all files are below of."""
        return self.pattern.partition("{")[0].rpartition("/")[0]

    def expand(self, files: Files) -> list[MatchedFile]:
        """
        Find the files.

        :param files: where to look
        :return: the matching files in the order of their URIs; none when there are none
        """
        if not self.parts:
            found = files.find(self.pattern)
            return [MatchedFile(found, {})] if found is not None else []
        matched = ((file, self.match(file.uri)) for file in files.walk(self.folder))
        return [MatchedFile(file, values) for file, values in matched if values is not None]

    def match(self, uri: str) -> dict[str, str | datetime] | None:
        """
        Compare a URI with the pattern.

        :param uri: a normalised absolute URI
        :return: the values of the virtual columns; None when it does not match: its text differs, a column
            would have two values at once, or its date parts make no date
        """
        match = self._regex.fullmatch(unquote(uri))
        if match is None:
            return None
        texts: dict[str, str] = {}
        dates: dict[str, dict[str, int]] = {}
        for part, text in zip(self.parts, match.groups(), strict=True):
            if part.name is None:
                continue
            if part.date_format is None:
                if texts.setdefault(part.name, text) != text:
                    return None
            else:
                unit = _DATE_PARTS[part.date_format][0]
                if dates.setdefault(part.name, {}).setdefault(unit, int(text)) != int(text):
                    return None
        values: dict[str, str | datetime] = dict(texts)
        for name, units in dates.items():
            date = _date(units)
            if date is None:
                return None
            values[name] = date
        return values

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile("".join(_regex_of(piece) for piece in self.pieces), re.DOTALL)


def parse_file_set(pattern: str, span: Span = NOWHERE) -> FileSet:
    """
    Read a path of an EXTRACT.

    :param pattern: a resolved absolute URI with patterns in plain braces, e.g. ``.../{date:yyyy}/{*}.csv``
    :param span: where it stands, for errors
    :return: the file set; one without parts for a plain URI
    :raises CompileError: when a pattern is malformed, deprecated, or stands for an account or a container
    """
    pieces = tuple(_pieces(pattern, span))
    start = _STEP_START.match(pattern)
    if "{" in pattern and (start is None or "{" in start.group()):
        raise _invalid(pattern, "patterns may only stand in folder and file names", span)
    kinds: dict[str, bool] = {}
    for piece in pieces:
        if isinstance(piece, Part) and piece.name is not None:
            is_date = piece.date_format is not None
            if kinds.setdefault(piece.name, is_date) != is_date:
                raise _invalid(pattern, f"column {piece.name!r} is used with and without a date format", span)
    return FileSet(pattern, pieces, span)


def _pieces(pattern: str, span: Span) -> list[str | Part]:
    pieces: list[str | Part] = []
    for number, text in enumerate(re.split(r"\{([^{}]*)\}", pattern)):
        if number % 2:
            pieces.append(_part(text, pattern, span))
        elif "{" in text or "}" in text:
            raise _invalid(pattern, "its braces do not match", span)
        elif text:
            pieces.append(text)
    return pieces


def _part(text: str, pattern: str, span: Span) -> Part:
    if text == "*":
        return Part(None)
    match = _NAME.match(text)
    if match is None or text[match.end() : match.end() + 1] not in ("", ":"):
        raise _invalid(pattern, f"{{{text}}} is neither {{*}}, {{column}} nor {{column:date format}}", span)
    name = match.group()
    if name.startswith("["):
        name = name[1:-1].replace("]]", "]")
    if match.end() == len(text):
        return Part(name)
    date_format = text[match.end() + 1 :]
    if date_format == "*":
        raise CompileError(
            Diagnostic(
                "E_CSC_USER_STARFORMATSPECIFIERISDEPRECATED",
                "The '*' format specifier for enumeration, i.e. {virtualColumn:*}, "
                "was deprecated and removed.",
                span,
                resolution=f"Use '{{{name}}}' without the wildcard format specifier instead.",
            )
        )
    if date_format in ("hh", "h"):
        raise CompileError(
            Diagnostic(
                "E_CSC_USER_LOWERCASEHOURFORMATSPECIFIERSAREDEPRECATED",
                "The 'hh' and 'h' format specifiers on DateTime virtual columns were deprecated and removed.",
                span,
                resolution=f"Use '{{{name}:HH}}' or '{{{name}:H}}' instead.",
            )
        )
    if date_format not in _DATE_PARTS:
        raise _invalid(
            pattern, f"date format {date_format!r} is none of {', '.join(_DATE_PARTS)} in {{{text}}}", span
        )
    return Part(name, date_format)


def _invalid(pattern: str, why: str, span: Span) -> CompileError:
    return CompileError(
        Diagnostic("E_CSC_USER_INVALIDFILENAME", f"invalid file set path '{pattern}': {why}", span)
    )


def _regex_of(piece: str | Part) -> str:
    if isinstance(piece, str):
        return re.escape(unquote(piece))
    if piece.date_format is not None:
        return f"({_DATE_PARTS[piece.date_format][1]})"
    return "([^/]*?)" if piece.name is None else "([^/]+?)"


def _date(units: dict[str, int]) -> datetime | None:
    try:
        return datetime(
            units.get("year", 1),
            units.get("month", 1),
            units.get("day", 1),
            units.get("hour", 0),
            units.get("minute", 0),
            units.get("second", 0),
        )
    except ValueError:
        return None
