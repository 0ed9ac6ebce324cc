"""Python values as SQL, for the parameters of a statement."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_datalake.exceptions import ConfigurationError


class SqlText:
    """
    A piece of SQL that PyODPS puts into a statement as it is.

    PyODPS writes values of types that it does not know as Python prints them: a date becomes a subtraction, a
    decimal a double, and a time with a zone loses the zone.

    :param text: the SQL
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def sql_parameters(parameters: Any, zone: str) -> Any:
    """
    Turn the parameters of a statement into SQL.

    :param parameters: a sequence of values, or a mapping
    :param zone: the zone in which the statement reads times
    :return: the same sequence or mapping, of SQL texts
    :raises ConfigurationError: when a value has no literal; the message names its place, not the value
    """
    if isinstance(parameters, Mapping):
        return {name: _parameter(value, zone, repr(name)) for name, value in parameters.items()}
    if isinstance(parameters, Sequence) and not isinstance(parameters, (str, bytes)):
        return [_parameter(value, zone, str(index)) for index, value in enumerate(parameters, 1)]
    raise ConfigurationError(
        f"parameters must be a list, a tuple or a mapping, found {type(parameters).__name__}"
    )


def _parameter(value: Any, zone: str, place: str) -> SqlText:
    try:
        return SqlText(sql_literal(value, zone))
    except ValueError as error:
        raise ConfigurationError(f"parameter {place}: {error}") from None


def sql_literal(value: Any, zone: str) -> str:
    """
    Write one value.

    :param value: None, a text, bytes, number, boolean, date or time, or a list of them
    :param zone: the zone in which the statement reads times
    :return: the SQL; a list is in parentheses, as after ``IN``
    :raises ValueError: when there is no such literal
    """
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    if isinstance(value, dt.datetime):
        return _time(value, zone)
    if isinstance(value, dt.date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        if not value:
            raise ValueError("an empty list has no literal")
        return f"({', '.join(sql_literal(item, zone) for item in value)})"
    if isinstance(value, (bytes, bytearray)):
        return f"UNBASE64('{base64.b64encode(value).decode()}')"
    if isinstance(value, str):
        from odps.utils import escape_odps_string

        return f"'{escape_odps_string(value)}'"
    return _number(value)


def _number(value: Any) -> str:
    # NumPy's numbers, which XComs and DataFrames bring along, are not Python's but convert to them.
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float):
        if math.isnan(plain):
            return "NULL"
        if math.isinf(plain):
            raise ValueError("an infinite number has no literal")
        return repr(plain)
    if isinstance(plain, int):
        return str(int(plain))
    raise ValueError(f"a value of type {type(value).__name__} has no literal")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"a decimal that is {value} has no literal")
    text = f"{value:f}"
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = len(whole.lstrip("0"))
    if digits + len(fraction) > 38 or len(fraction) > 18:
        raise ValueError("a decimal takes at most 38 digits, 18 of them behind the point")
    return f"CAST('{text}' AS DECIMAL({max(digits + len(fraction), 1)},{len(fraction)}))"


def _time(value: dt.datetime, zone: str) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(ZoneInfo(zone))
    nanoseconds = value.microsecond * 1000 + getattr(value, "nanosecond", 0)
    text = value.replace(microsecond=0, tzinfo=None).isoformat(sep=" ", timespec="seconds")
    if nanoseconds:
        return f"CAST('{text}.{nanoseconds:09d}' AS TIMESTAMP)"
    return f"CAST('{text}' AS DATETIME)"
