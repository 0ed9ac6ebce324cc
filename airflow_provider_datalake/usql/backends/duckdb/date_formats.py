"""C#'s date formats as DuckDB expressions."""

from __future__ import annotations

import re

from airflow_provider_datalake.usql.backends.duckdb.fast_values import literal

# The standard formats of the culture en-US, which is the service's.
_STANDARD = {
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "d": "M/d/yyyy",
    "D": "dddd, MMMM d, yyyy",
    "f": "dddd, MMMM d, yyyy h:mm tt",
    "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "M": "MMMM d",
    "m": "MMMM d",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "Y": "MMMM yyyy",
    "y": "MMMM yyyy",
}
_STRFTIME = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dddd": "%A",
    "ddd": "%a",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "tt": "%p",
    "K": "",  # the zone of a DateTime without one
}
_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|%(?=.)|([A-Za-z])\1*|.", re.DOTALL)


def date_text(value: str, format_: str | None) -> str:
    """
    Write a DateTime.

    :param value: its SQL
    :param format_: a standard or custom format of C#; None for the round-trip format
    :return: SQL of its text
    :raises ValueError: for a format that is malformed or not supported
    """
    text = format_ or "O"
    if len(text) == 1:
        if text not in _STANDARD:
            raise ValueError(f"date format {text!r} is not supported; known: {' '.join(_STANDARD)}")
        text = _STANDARD[text]
    pieces: list[str] = []
    strftime = ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0] in "fF" and match.group(1):
            # A point goes with the digits that F may leave out.
            point = "." if token[0] == "F" and strftime.endswith(".") else ""
            strftime = strftime.removesuffix(point)
            if strftime:
                pieces.append(f"strftime({value}, {literal(strftime)})")
                strftime = ""
            pieces.append(_fraction(value, token, point))
        else:
            strftime += _strftime(token, text, bool(match.group(1)))
    if strftime or not pieces:
        pieces.append(f"strftime({value}, {literal(strftime)})")
    return f"({' || '.join(pieces)})" if len(pieces) > 1 else pieces[0]


def _strftime(token: str, text: str, is_letter: bool) -> str:
    if token == "%":
        return ""
    if token[0] in "'\"":
        if len(token) == 1:
            raise ValueError(f"date format {text!r} has a quote that is not closed")
        return token[1:-1].replace("%", "%%")
    if token[0] == "\\":
        if len(token) == 1:
            raise ValueError(f"date format {text!r} ends with a backslash")
        return token[1].replace("%", "%%")
    if not is_letter:
        return token.replace("%", "%%")
    if token in _STRFTIME:
        return _STRFTIME[token]
    if token[0] in "yMdHhmstKgz":
        raise ValueError(f"{token!r} in date format {text!r} is not supported")
    return token


def _fraction(value: str, token: str, point: str) -> str:
    if len(token) > 7:
        raise ValueError(f"a date format has at most 7 digits of a second, not {token!r}")
    digits = f"(strftime({value}, '%f') || '0')[1:{len(token)}]"
    return f"rtrim({literal(point)} || {digits}, '.0')" if token[0] == "F" else digits
