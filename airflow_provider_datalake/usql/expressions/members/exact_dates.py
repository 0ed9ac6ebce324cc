"""``DateTime.ParseExact``: texts in one format that the script names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.failures import BAD_FORMAT, raising, unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.templates import argument, render

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_PARTS = {
    "yyyy": ("%Y", "[0-9]{4}"),
    "MMMM": (
        "%B",
        "(?i:january|february|march|april|may|june|july|august|september|october|november|december)",
    ),
    "MMM": ("%b", "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"),
    "MM": ("%m", "[0-9]{2}"),
    "M": ("%m", "[0-9]{1,2}"),
    "dd": ("%d", "[0-9]{2}"),
    "d": ("%d", "[0-9]{1,2}"),
    "HH": ("%H", "[0-9]{2}"),
    "H": ("%H", "[0-9]{1,2}"),
    "hh": ("%I", "[0-9]{2}"),
    "h": ("%I", "[0-9]{1,2}"),
    "mm": ("%M", "[0-9]{2}"),
    "m": ("%M", "[0-9]{1,2}"),
    "ss": ("%S", "[0-9]{2}"),
    "s": ("%S", "[0-9]{1,2}"),
    "tt": ("%p", "(?i:am|pm)"),
    **{"f" * count: ("%f", f"[0-9]{{{count}}}") for count in range(1, 7)},
}
_STANDARD = {
    "d": "M/d/yyyy",
    "G": "M/d/yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
}
_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|([A-Za-z])\1*|.", re.DOTALL)
_FREE_LETTERS = "TZ"
"""Letters that are no parts of a format, and stand for themselves."""


def parsed_exactly(values: list[Typed]) -> exp.Expr:
    """
    Bind ``DateTime.ParseExact(text, format)``.

    :param values: the text, the format, and perhaps a culture that is null
    :return: SQL of the value, which fails for a text in another format
    :raises CompileError: for a format that is not constant, or not supported
    """
    text, format_ = values[:2]
    if not format_.constant or any(not value.is_null for value in values[2:]):
        raise unsupported(
            "DateTime.ParseExact with a format that is not constant, or in a culture", format_.span
        )
    written = str(fold(format_))
    strptime, pattern = _translated(_STANDARD.get(written, written), format_)
    failure = raising(BAD_FORMAT).sql(dialect="duckdb")
    value = f"COALESCE(TRY_STRPTIME(:a, :f), {failure})"
    template = f"CASE WHEN REGEXP_FULL_MATCH(:a, :p) THEN {value} ELSE {failure} END"
    return render(template, a=argument(text), p=pattern, f=strptime)


def _translated(format_: str, node: Typed) -> tuple[str, str]:
    strptime = pattern = ""
    for match in _TOKEN.finditer(format_):
        token = match[0]
        if token in _PARTS:
            strptime += _PARTS[token][0]
            pattern += _PARTS[token][1]
            continue
        if match[1] and token[0] not in _FREE_LETTERS:
            raise unsupported(f"{token!r} in the date format {format_!r}", node.span)
        plain = token[1:-1] if token[0] in "'\"" else token.removeprefix("\\")
        strptime += plain.replace("%", "%%")
        pattern += re.escape(plain)
    if "yyyy" not in format_ or re.search("d", format_) is None or "M" not in format_:
        raise unsupported(f"the date format {format_!r} without year, month and day", node.span)
    return strptime, pattern
