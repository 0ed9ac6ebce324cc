"""The two languages of date formats: the service's own, ``yyyy-mm-dd hh:mi:ss``, and Java's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument

_OWN = re.compile(r"yyyy|mm|dd|hh|mi|ss|ff3|ff6|ff9", re.IGNORECASE)
_OWN_STRFTIME = {
    "yyyy": "%Y", "mm": "%m", "dd": "%d", "hh": "%H", "mi": "%M", "ss": "%S",
    "ff3": "%g", "ff6": "%f", "ff9": "%n",
}  # fmt: skip
_WIDTHS = {"yyyy": 4, "mm": 2, "dd": 2, "hh": 2, "mi": 2, "ss": 2, "ff3": 3, "ff6": 6, "ff9": 9}
_DEFAULTS = {"yyyy": "1970", "mm": "01", "dd": "01", "hh": "00", "mi": "00", "ss": "00"}
_JAVA = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']")
_JAVA_STRFTIME = {
    "yyyy": "%Y", "yyy": "%Y", "y": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "SSSSSSSSS": "%n", "a": "%p",
    "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "D": "%-j", "DDD": "%j", "u": "%u",
}  # fmt: skip


@dataclass(frozen=True)
class Parser:
    """
    How a string of some format is read.

    :param pattern: the regular expression of the whole string
    :param replacement: turns what it matches into ``yyyy-mm-dd hh:mi:ss[.f]``
    """

    pattern: str
    replacement: str


def own(text: str, milliseconds: str = "ff3") -> str:
    """
    Translate a format of TO_CHAR, or of DATE_FORMAT outside of Hive mode.

    :param text: e.g. ``yyyymmdd``
    :param milliseconds: another token for the milliseconds, in this case: ``SSS`` for DATE_FORMAT
    :return: strftime's format
    """
    result = ""
    for piece in re.split(f"({milliseconds})", text):
        if piece == milliseconds:
            result += "%g"
            continue
        at = 0
        for token in _OWN.finditer(piece):
            result += piece[at : token.start()].replace("%", "%%") + _OWN_STRFTIME[token.group().lower()]
            at = token.end()
        result += piece[at:].replace("%", "%%")
    return result


def own_parser(text: str, function: str) -> Parser:
    """
    Translate a format of TO_DATE and ISDATE.

    :param text: e.g. ``yyyymmdd``; a part that is given twice is read once
    :param function: the function's name
    :return: how to read such a string
    :raises InvalidArgument: when the format has no year
    """
    pattern, at = "", 0
    groups: dict[str, int] = {}
    for token in _OWN.finditer(text):
        pattern += re.escape(text[at : token.start()])
        at, part = token.end(), token.group().lower()
        width = _WIDTHS[part]
        kind = "ff" if part.startswith("ff") else part
        if kind in groups:
            pattern += f".{{{width}}}"
        else:
            groups[kind] = len(groups) + 1
            pattern += f"([0-9]{{{width}}})"
    if "yyyy" not in groups:
        raise InvalidArgument(f"function {function}: the format {text!r} must contain yyyy")
    values = {part: f"\\{groups[part]}" if part in groups else default for part, default in _DEFAULTS.items()}
    fraction = f".\\{groups['ff']}" if "ff" in groups else ""
    return Parser(
        pattern + re.escape(text[at:]),
        "{yyyy}-{mm}-{dd} {hh}:{mi}:{ss}".format(**values) + fraction,
    )


def java(text: str, function: str) -> str:
    """
    Translate a format of DATE_FORMAT in Hive mode.

    :param text: e.g. ``yyyy-MM-dd HH:mm:ss``
    :param function: the function's name
    :return: strftime's format
    :raises InvalidArgument: when it has a letter that is not supported
    """
    result, at = "", 0
    while at < len(text):
        token = _JAVA.match(text, at)
        if not token:
            raise InvalidArgument(f"function {function}: invalid format {text!r}")
        at = token.end()
        if token.group(1) is not None:
            result += (token.group(1).replace("''", "'") or "'").replace("%", "%%")
        elif token.group(2):
            if token.group() not in _JAVA_STRFTIME:
                raise InvalidArgument(
                    f"function {function}: {token.group()!r} in the format {text!r} is not supported"
                )
            result += _JAVA_STRFTIME[token.group()]
        else:
            result += token.group().replace("%", "%%")
    return result
