"""Members that values of many types have: ``ToString``, and those of nullable values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.failures import unsupported
from airflow_provider_datalake.usql.expressions.folding import fold
from airflow_provider_datalake.usql.expressions.formatting import formatted
from airflow_provider_datalake.usql.expressions.members.registry import (
    BINARY,
    BOOL,
    INT,
    STRING,
    Member,
    enum,
    method,
    static,
)
from airflow_provider_datalake.usql.expressions.texts import DAYS, text_of
from airflow_provider_datalake.usql.types import NUMERIC, Kind, Type

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.expressions.typed import Typed

_WITH_TEXT = (*NUMERIC, Kind.BOOL, Kind.CHAR, Kind.GUID, Kind.DATETIME, Kind.TIMESPAN)
_COMPARABLE = (*NUMERIC, Kind.BOOL, Kind.CHAR, Kind.GUID)
ENUMERATIONS = {
    "StringSplitOptions": {"None": 0, "RemoveEmptyEntries": 1},
    "StringComparison": {
        "CurrentCulture": 0,
        "CurrentCultureIgnoreCase": 1,
        "InvariantCulture": 2,
        "InvariantCultureIgnoreCase": 3,
        "Ordinal": 4,
        "OrdinalIgnoreCase": 5,
    },
    "DateTimeKind": {"Unspecified": 0, "Utc": 1, "Local": 2},
    "RegexOptions": {
        "None": 0,
        "IgnoreCase": 1,
        "Multiline": 2,
        "Singleline": 16,
        "Compiled": 8,
        "CultureInvariant": 512,
    },
    "MidpointRounding": {"ToEven": 0, "AwayFromZero": 1},
    "DayOfWeek": {name: number for number, name in enumerate(DAYS)},
}


def _text(values: list[Typed]) -> exp.Expr:
    return text_of(values[0].sql, values[0].type, values[0].span)


def _formatted(values: list[Typed]) -> exp.Expr:
    if not values[1].constant:
        raise unsupported("ToString with a format that is not constant", values[1].span)
    return formatted(values[0], str(fold(values[1])))


MEMBERS: tuple[Member, ...] = (
    *(method(kind.value, "ToString", (), STRING, _text) for kind in _WITH_TEXT),
    *(method(kind.value, "ToString", (STRING,), STRING, _formatted) for kind in (*NUMERIC, Kind.GUID)),
    *(method(kind.value, "Equals", (Type(kind),), BOOL, ":s = :a") for kind in _COMPARABLE),
    *(
        method(
            kind.value,
            "CompareTo",
            (Type(kind),),
            INT,
            "CASE WHEN :s < :a THEN -1 WHEN :s > :a THEN 1 ELSE 0 END",
        )
        for kind in NUMERIC
    ),
    *(
        static(name, value, None, enum(name), f"CAST({number} AS INT)")
        for name, values in ENUMERATIONS.items()
        for value, number in values.items()
    ),
    method("DayOfWeek", "ToString", (), STRING, _text),
)

__all__ = ["BINARY", "ENUMERATIONS", "MEMBERS"]
