"""What a text means as a value of a type: U-SQL's rules in plain Python, the reference for all else."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.sql_types import DECIMAL_PRECISION, DECIMAL_SCALE
from airflow_provider_datalake.usql.types import INTEGRAL, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.usql.types import Type

STRING_LIMIT = 128 * 1024
"""Bytes of UTF-8 that a string may have."""

WHITE = " \t\n\v\f\r"
"""White space that may stand around a number, a date or an identifier, as .NET has it."""

_W = r"[ \t\n\x0b\x0c\r]*"
_W1 = r"[ \t\n\x0b\x0c\r]+"
INTEGER = rf"{_W}[+-]?[0-9]+{_W}"
REAL = rf"{_W}[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?{_W}"
DECIMAL = rf"{_W}[+-]?([0-9]+(\.[0-9]{{0,{DECIMAL_SCALE}}}0*)?|\.[0-9]{{1,{DECIMAL_SCALE}}}0*){_W}"
BINARY = "([0-9A-Fa-f]{2})*"
GUID = (
    rf"{_W}([0-9A-Fa-f]{{32}}|[0-9A-Fa-f]{{8}}(-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}"
    rf"|[{{][0-9A-Fa-f]{{8}}(-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}[}}]){_W}"
)
_FRACTION = r"(?:\.([0-9]{1,6})0*)?"
_TIME = rf"([0-9]{{1,2}}):([0-9]{{1,2}})(?::([0-9]{{1,2}}){_FRACTION})?(?:{_W}([AaPp][Mm]))?"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ONE_OR_TWO = "([0-9]{1,2})"
_YEAR = "([0-9]{4})"
_OFFSET = "(Z|[+-][0-9]{2}:[0-9]{2})?"
_WEEKDAY = f"(?:({'|'.join(_DAYS)}), )?"
_ISO = f"{_W}{_YEAR}(?:-{_ONE_OR_TWO}-|/{_ONE_OR_TWO}/){_ONE_OR_TWO}(?:(?:T|{_W1}){_TIME}{_OFFSET})?{_W}"
_AMERICAN = (
    rf"{_W}{_ONE_OR_TWO}(?:/{_ONE_OR_TWO}/|\.{_ONE_OR_TWO}\.|-{_ONE_OR_TWO}-){_YEAR}(?:{_W1}{_TIME})?{_W}"
)
_RFC = f"{_W}{_WEEKDAY}{_ONE_OR_TWO} ({'|'.join(_MONTHS)}) {_YEAR}(?:{_W1}{_TIME}(?: GMT)?)?{_W}"
_PATTERNS = {
    kind: re.compile(pattern)
    for kind, pattern in {
        **dict.fromkeys(INTEGRAL, INTEGER),
        Kind.FLOAT: REAL,
        Kind.DOUBLE: REAL,
        Kind.DECIMAL: DECIMAL,
        Kind.BINARY: BINARY,
        Kind.GUID: GUID,
    }.items()
}
_DATES = (re.compile(_ISO), re.compile(_AMERICAN), re.compile(_RFC))
_SPECIAL_REALS = ("Infinity", "-Infinity", "NaN")
_BITS = {
    Kind.SBYTE: (-(2**7), 2**7 - 1),
    Kind.BYTE: (0, 2**8 - 1),
    Kind.SHORT: (-(2**15), 2**15 - 1),
    Kind.USHORT: (0, 2**16 - 1),
    Kind.INT: (-(2**31), 2**31 - 1),
    Kind.UINT: (0, 2**32 - 1),
    Kind.LONG: (-(2**63), 2**63 - 1),
    Kind.ULONG: (0, 2**64 - 1),
}
_FLOAT_LIMIT = 3.4028235677973366e38
"""Half a step above the largest float: from here on a number rounds to infinity."""
_DECIMAL_LIMIT = Decimal(10) ** (DECIMAL_PRECISION - DECIMAL_SCALE)


class TextError(ValueError):
    """
    A text is no value of its type.

    :param code: of the inner error
    :param message: why
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _invalid(text: str, type_: str, why: str = "") -> TextError:
    shown = text if len(text) <= 100 else text[:100] + "..."
    message = f"'{shown}' is no {type_}{': ' + why if why else ''}"
    return TextError("E_EMULATOR_EXTRACT_COLUMN_CONVERSION_INVALID", message)


def converter(type_: Type, char_format: str) -> Callable[[str], object]:
    """
    Give the function that reads values of a type.

    :param type_: a column's type
    :param char_format: ``uint16`` or ``string``
    :return: a function of the text that gives the value as Arrow wants it (a float's is its text, for Arrow
        to round), and raises TextError
    :raises ValueError: for a type that text cannot hold
    """
    kind = type_.kind
    if kind is Kind.CHAR:
        return _character if char_format == "string" else lambda text: _integer(text, Kind.USHORT)
    if kind in INTEGRAL:
        return lambda text: _integer(text, kind)
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        return lambda text: _real(text, kind)
    functions: dict[Kind, Callable[[str], object]] = {
        Kind.STRING: _string,
        Kind.BOOL: _bool,
        Kind.DECIMAL: _decimal,
        Kind.BINARY: _binary,
        Kind.GUID: _guid,
        Kind.DATETIME: date_time,
    }
    if kind not in functions:
        raise ValueError(f"text cannot hold values of {type_}")
    return functions[kind]


def _string(text: str) -> str:
    # Four bytes are the most that one character has, so most texts need not be encoded.
    if len(text) * 4 > STRING_LIMIT and len(text.encode()) > STRING_LIMIT:
        raise TextError(
            "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_TOO_LONG",
            f"Value too long failure when attempting to convert column data: {len(text.encode())} bytes, "
            f"at most {STRING_LIMIT} are allowed.",
        )
    return text


def _bool(text: str) -> bool:
    lowered = text.strip(WHITE).lower()
    if lowered not in ("true", "false"):
        raise _invalid(text, "bool")
    return lowered == "true"


def _integer(text: str, kind: Kind) -> int:
    if _PATTERNS[kind].fullmatch(text) is None:
        raise _invalid(text, kind.value)
    low, high = _BITS[kind]
    # No number of more digits fits, and reading very long ones is slow.
    value = int(text) if len(text) < 1000 else high + 1
    if not low <= value <= high:
        raise _invalid(text, kind.value, f"it is outside of {low} to {high}")
    return value


def _real(text: str, kind: Kind) -> str:
    trimmed = text.strip(WHITE)
    if trimmed in _SPECIAL_REALS:
        return trimmed
    if _PATTERNS[kind].fullmatch(text) is None:
        raise _invalid(text, kind.value)
    limit = _FLOAT_LIMIT if kind is Kind.FLOAT else float("inf")
    if abs(float(trimmed)) >= limit:
        raise _invalid(text, kind.value, "it is too large")
    return trimmed.removeprefix("+")


def _decimal(text: str) -> Decimal:
    if _PATTERNS[Kind.DECIMAL].fullmatch(text) is None:
        raise _invalid(text, "decimal", f"or has more than {DECIMAL_SCALE} digits behind its point")
    value = Decimal(text.strip(WHITE))
    if abs(value) >= _DECIMAL_LIMIT:
        raise _invalid(text, "decimal", f"or is {_DECIMAL_LIMIT:e} or more")
    return value


def _binary(text: str) -> bytes:
    if _PATTERNS[Kind.BINARY].fullmatch(text) is None:
        raise _invalid(text, "byte[]", "pairs of hexadecimal digits are expected")
    return bytes.fromhex(text)


def _guid(text: str) -> str:
    if _PATTERNS[Kind.GUID].fullmatch(text) is None:
        raise _invalid(text, "Guid")
    return str(uuid.UUID(text.strip(WHITE)))


def _character(text: str) -> int:
    if len(text) != 1 or ord(text) > 0xFFFF:
        raise _invalid(text, "char", "exactly one UTF-16 code unit is expected")
    return ord(text)


def date_time(text: str) -> datetime:
    """
    Read a DateTime: ISO, ``MM/DD/YYYY`` (also with dots or dashes), or ``dd MMM yyyy`` as RFC 1123 has it.

    A time with an offset becomes UTC.

    :param text: the text
    :return: the value
    :raises TextError: when it is none, or more exact than a microsecond
    """
    try:
        if (iso := _DATES[0].fullmatch(text)) is not None:
            year, dash, slash, day, *rest, offset = iso.groups()
            value = _moment(int(year), int(dash or slash), int(day), rest)
            return value - _offset(offset)
        if (american := _DATES[1].fullmatch(text)) is not None:
            month, slash, dot, dash, year, *rest = american.groups()
            return _moment(int(year), int(month), int(slash or dot or dash), rest)
        if (rfc := _DATES[2].fullmatch(text)) is not None:
            weekday, day, month, year, *rest = rfc.groups()
            value = _moment(int(year), _MONTHS.index(month) + 1, int(day), rest)
            if weekday is None or _DAYS[value.weekday()] == weekday:
                return value
    except (ValueError, OverflowError) as error:
        raise _invalid(text, "DateTime", str(error)) from error
    raise _invalid(text, "DateTime", "or is more exact than a microsecond")


def _moment(year: int, month: int, day: int, time: list[str | None]) -> datetime:
    hour_text, minute, second, fraction, half = time
    hour = int(hour_text or 0)
    if half is not None:
        if hour > 12:
            raise ValueError(f"hour {hour} does not go with {half}")
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    micros = int((fraction or "0").ljust(6, "0"))
    return datetime(year, month, day, hour, int(minute or 0), int(second or 0), micros)


def _offset(text: str | None) -> timedelta:
    if text is None or text == "Z":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(f"offset {text} is too large")
    size = timedelta(hours=hours, minutes=minutes)
    return -size if text[0] == "-" else size


def pattern(kind: Kind, char_format: str) -> str | None:
    """
    Give a pattern that all texts of a type match, though not only these.

    :param kind: the type
    :param char_format: ``uint16`` or ``string``
    :return: a regular expression that RE2 reads too; None for a string and for a character as a string
    """
    if kind is Kind.CHAR:
        return None if char_format == "string" else INTEGER
    if kind is Kind.BOOL:
        return f"(?i:{_W}(true|false){_W})"
    if kind is Kind.DATETIME:
        return f"{_ISO}|{_AMERICAN}|{_RFC}"
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        return f"{REAL}|{_W}(Infinity|-Infinity|NaN){_W}"
    return _PATTERNS[kind].pattern if kind in _PATTERNS else None


def canonical_date_pattern() -> str:
    """
    Give the texts that a DateTime may have without an offset and without a weekday.

    :return: a regular expression that RE2 reads too
    """
    return f"{_ISO.replace(_OFFSET, '')}|{_AMERICAN}|{_RFC.replace(_WEEKDAY, '')}"
