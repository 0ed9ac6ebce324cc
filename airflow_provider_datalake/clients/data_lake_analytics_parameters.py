"""
Parameters of a U-SQL script: Python values as DECLARE statements in front of it.

U-SQL has no parameters, but ``DECLARE EXTERNAL`` in a script is a default that an earlier plain ``DECLARE``
of the same name overrides. The lines that go in front are marked, so that positions in errors can
be told as the author of the script counts them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_datalake.clients.azure_rest import utc
from airflow_provider_datalake.exceptions import ConfigurationError

BEGIN = "// Parameters of the task:"
END = "// The script begins below this line."

_NAME = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]{0,126}", re.ASCII)
_MAX_TEXT = 128 * 1024
_MAX_DECIMAL = Decimal(2**96 - 1)
_MAX_SCALE = 28
_INT = (-(2**31), 2**31 - 1)
_LONG = (-(2**63), 2**63 - 1)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Prelude:
    """
    The part of a submitted script that its author has not written.

    :param lines: how many lines it has
    :param length: how many characters
    """

    lines: int = 0
    length: int = 0

    @classmethod
    def of(cls, script: str) -> Prelude:
        """
        Find it at the beginning of a submitted script.

        :param script: the script as the service has it; its line ends may have been rewritten
        :return: the prelude, of no length when there is none
        """
        if not script.startswith(BEGIN):
            return cls()
        # Declarations are one line each, so that no value can look like the end.
        length = 0
        for number, line in enumerate(script.splitlines(keepends=True), start=1):
            length += len(line)
            if line.rstrip() == END:
                return cls(number, length)
            if not line.startswith(("DECLARE @", BEGIN)):
                break
        return cls()


def declare(script: str, parameters: Mapping[str, Any] | None) -> str:
    """
    Put parameters in front of a script.

    Values are texts, whole numbers, floats, decimals, booleans, dates or datetimes (those without a zone are
    UTC), or name their type: ``{"type": "DateTime", "value": "2024-01-31"}``, which also reads texts, so that
    templates can give any type, and with a nullable type (``int?``) or ``string`` also None.

    :param script: the script
    :param parameters: value by name, with or without ``@``
    :return: the script to submit
    :raises ConfigurationError: when a name or a value cannot be declared
    """
    script = script.removeprefix("\ufeff")
    if not parameters:
        return script
    if not isinstance(parameters, Mapping):
        raise ConfigurationError(f"parameters must be a mapping of values by name, got {parameters!r}")
    names: set[str] = set()
    lines = [BEGIN]
    for given, value in parameters.items():
        name = _name(given)
        if name in names:
            raise ConfigurationError(f"parameters: {name} is given twice")
        names.add(name)
        kind, literal = typed_literal(value, name)
        lines.append(f"DECLARE {name} {kind} = {literal};")
    return "\n".join([*lines, END, script])


def _name(given: object) -> str:
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise ConfigurationError(
            "parameters: a name must be letters, digits and underscores, at most 127 and no digit first, "
            f"with or without @ before it; got {given!r}"
        )
    return given if given.startswith("@") else f"@{given}"


def typed_literal(value: Any, name: str = "value") -> tuple[str, str]:
    """
    Write a Python value in U-SQL.

    :param value: the value
    :param name: whose value it is, for messages
    :return: its type and its literal
    :raises ConfigurationError: when it has none
    """
    if isinstance(value, Mapping):
        return _explicit(value, name)
    kind = _type_of(value, name)
    return kind, _WRITERS[kind](value, name)


def _type_of(value: Any, name: str) -> str:
    if value is None:
        raise ConfigurationError(
            f'parameters: {name} is None, which has no type; give {{"type": "string", "value": None}}'
        )
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "int" if _INT[0] <= value <= _INT[1] else "long"
    if isinstance(value, float):
        return "double"
    if isinstance(value, Decimal):
        return "decimal"
    if isinstance(value, date):
        return "DateTime"
    raise ConfigurationError(
        f"parameters: {name} is a {type(value).__name__}; text, numbers, booleans and dates can be declared"
    )


def _explicit(given: Mapping[str, Any], name: str) -> tuple[str, str]:
    if set(given) != {"type", "value"}:
        raise ConfigurationError(
            f'parameters: {name} must have the form {{"type": ..., "value": ...}}, got {sorted(given)}'
        )
    declared, value = given["type"], given["value"]
    kind = declared.removesuffix("?") if isinstance(declared, str) else ""
    if kind not in _WRITERS or declared == "string?":
        raise ConfigurationError(
            f"parameters: the type of {name} must be one of {', '.join(_WRITERS)}, with ? for one that may "
            f"be null; got {declared!r}"
        )
    if value is None:
        if kind == declared and kind != "string":
            raise ConfigurationError(f"parameters: {name} is None, and {kind} knows no null; give {kind}?")
        return declared, "null" if kind == "string" else f"({declared}) null"
    if kind != "string" and isinstance(value, str):
        value = _READERS[kind](value.strip(), name)
    return declared, _WRITERS[kind](value, name)


def _fail(name: str, kind: str, value: object, why: str = "") -> ConfigurationError:
    return ConfigurationError(f"parameters: {name} cannot be a {kind}: {value!r}{why and f' ({why})'}")


def _read_bool(text: str, name: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise _fail(name, "bool", text, "true or false was expected") from None


def _read_int(text: str, name: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise _fail(name, "whole number", text)
    return int(text)


def _read_double(text: str, name: str) -> float:
    if "_" in text:  # Python's own literals may have it
        raise _fail(name, "double", text)
    try:
        return float(text)
    except ValueError:
        raise _fail(name, "double", text) from None


def _read_decimal(text: str, name: str) -> Decimal:
    if "_" in text:
        raise _fail(name, "decimal", text)
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _fail(name, "decimal", text) from None


def _read_datetime(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _fail(name, "DateTime", text, "ISO 8601 was expected") from None


def _write_string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _fail(name, "string", value)
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise _fail(name, "string", value, "it has half a surrogate pair") from None
    if size > _MAX_TEXT:
        raise ConfigurationError(f"parameters: {name} has {size} bytes, a string may have {_MAX_TEXT}")
    if all(character.isprintable() for character in value):
        return '@"' + value.replace('"', '""') + '"'
    # Line ends would be ambiguous in a literal that spans lines; so is all that nobody can see.
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _write_bool(value: Any, name: str) -> str:
    if not isinstance(value, bool):
        raise _fail(name, "bool", value)
    return "true" if value else "false"


def _whole(value: Any, name: str, kind: str, limits: tuple[int, int]) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _fail(name, kind, value)
    if not limits[0] <= value <= limits[1]:
        raise _fail(name, kind, value, f"from {limits[0]} to {limits[1]}")
    return value


def _write_int(value: Any, name: str) -> str:
    return str(_whole(value, name, "int", _INT))


def _write_long(value: Any, name: str) -> str:
    return f"{_whole(value, name, 'long', _LONG)}L"


def _write_double(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _fail(name, "double", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _fail(name, "double", value, "a finite number was expected")
    return repr(number)


def _write_decimal(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _fail(name, "decimal", value, "a Decimal or a whole number was expected")
    number = Decimal(value)
    if not number.is_finite():
        raise _fail(name, "decimal", value)
    sign, digits, exponent = number.as_tuple()
    scale = max(0, -int(exponent))
    unscaled = Decimal((0, digits, int(exponent) + scale))
    if scale > _MAX_SCALE or unscaled > _MAX_DECIMAL:
        raise _fail(name, "decimal", value, "it has more digits than a decimal holds")
    return f"{'-' if sign and number else ''}{abs(number):f}m"


def _write_datetime(value: Any, name: str) -> str:
    if not isinstance(value, date):
        raise _fail(name, "DateTime", value)
    moment = utc(value) if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second]
    milliseconds, microseconds = divmod(moment.microsecond, 1000)
    if moment.microsecond:
        parts.append(milliseconds)
    literal = f"new DateTime({', '.join(map(str, parts))}, DateTimeKind.Utc)"
    # The constructor knows nothing smaller than a millisecond; a tick is a tenth of a microsecond.
    return f"{literal}.AddTicks({microseconds * 10})" if microseconds else literal


_WRITERS: dict[str, Callable[[Any, str], str]] = {
    "string": _write_string,
    "bool": _write_bool,
    "int": _write_int,
    "long": _write_long,
    "double": _write_double,
    "decimal": _write_decimal,
    "DateTime": _write_datetime,
}
_READERS: dict[str, Callable[[str, str], Any]] = {
    "bool": _read_bool,
    "int": _read_int,
    "long": _read_int,
    "double": _read_double,
    "decimal": _read_decimal,
    "DateTime": _read_datetime,
}
