"""Partition specs: from what a person writes to the two forms that the service reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from odps.models import Table

PartitionSpec: TypeAlias = str | Mapping[str, object]
"""One partition: ``dt=20240101,region=eu``, ``dt='20240101'/region='eu'`` or a mapping."""

_PART = re.compile(
    r"""\s*`?(?P<name>\w+)`?\s*=\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^'",/=]*))"""
)
_INTEGERS = ("tinyint", "smallint", "int", "bigint")


def parse_partition(spec: PartitionSpec) -> dict[str, str]:
    """
    Read one partition spec.

    :param spec: text or a mapping
    :return: value by column name, in the order given, names in lower case
    :raises ConfigurationError: when it is not a partition spec
    """
    if not isinstance(spec, (str, Mapping)):
        raise _malformed(spec, f"it is of type {type(spec).__name__}")
    pairs = list(_pairs(spec)) if isinstance(spec, str) else _items(spec)
    if not pairs:
        raise _malformed(spec, "it is empty")
    parts: dict[str, str] = {}
    for name, value in pairs:
        if not value:
            raise _malformed(spec, f"{name!r} has no value")
        if name in parts:
            raise _malformed(spec, f"{name!r} is given twice")
        parts[name] = value
    return parts


def _pairs(spec: str) -> Sequence[tuple[str, str]]:
    pairs = []
    at = 0
    while True:
        match = _PART.match(spec, at)
        if match is None:
            raise _malformed(spec, f"expected name=value at {spec[at : at + 20]!r}")
        quoted = match["single"] if match["single"] is not None else match["double"]
        pairs.append((match["name"].lower(), quoted if quoted is not None else match["bare"].strip()))
        rest = spec[match.end() :].lstrip()
        if not rest:
            return pairs
        if rest[0] not in ",/":
            raise _malformed(spec, f"unexpected {rest[:20]!r}")
        at = len(spec) - len(rest) + 1


def _items(spec: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    for name, value in spec.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise _malformed(spec, f"the value of {name!r} must be text or an integer")
    return [(str(name).strip().lower(), str(value)) for name, value in spec.items()]


def _malformed(spec: PartitionSpec, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"malformed partition spec {spec!r}: {why}; expected e.g. \"dt='20240101',region='eu'\""
    )


def check_partition(
    spec: PartitionSpec | None, columns: Sequence[tuple[str, str]], *, table: str, required: bool = True
) -> dict[str, str] | None:
    """
    Check a partition spec against a table.

    :param spec: the spec, None for a whole table
    :param columns: name and type of the table's partition columns
    :param table: the table's name, for messages
    :param required: whether a partitioned table needs one
    :return: value by column name, in the table's order; None for a whole table
    :raises ConfigurationError: when the spec does not name one partition of the table
    """
    names = [name.lower() for name, _ in columns]
    if spec is None:
        if names and required:
            raise ConfigurationError(
                f"table {table} is partitioned by {', '.join(names)}: give the partition, e.g. {names[0]}=..."
            )
        return None
    parts = parse_partition(spec)
    if not names:
        raise ConfigurationError(f"table {table} is not partitioned, but partition {spec!r} was given")
    if sorted(parts) != sorted(names):
        raise ConfigurationError(
            f"partition spec {spec!r} does not fit table {table}: it names {', '.join(parts)}; "
            f"the table is partitioned by {', '.join(names)}"
        )
    for name, type_name in columns:
        value = parts[name.lower()]
        if type_name.lower() in _INTEGERS and not re.fullmatch(r"-?\d+", value):
            raise ConfigurationError(
                f"partition spec {spec!r}: column {name!r} is {type_name.lower()}, found {value!r}"
            )
    return {name: parts[name] for name in names}


def tunnel_form(parts: Mapping[str, str]) -> str:
    """
    Write a partition the way the tunnel reads it.

    :param parts: value by column name
    :return: e.g. ``dt=20240101,region=eu``
    :raises ConfigurationError: when a value has a character that this form cannot carry
    """
    for name, value in parts.items():
        if set(value) & set("',\"="):
            raise ConfigurationError(
                f"partition column {name!r}: the tunnel cannot carry the value {value!r} (quote, comma or =)"
            )
    return ",".join(f"{name}={value}" for name, value in parts.items())


def sql_form(parts: Mapping[str, str]) -> str:
    """
    Write a partition the way SQL and the REST interface read it.

    :param parts: value by column name
    :return: e.g. ``dt='20240101',region='eu'``
    """
    return ",".join("{}='{}'".format(name, value.replace("'", "\\'")) for name, value in parts.items())


def has_partition(table: Table, parts: Mapping[str, str]) -> bool:
    """
    Ask the service whether a partition exists.

    :param table: PyODPS's table
    :param parts: value by column name
    :return: whether it exists
    """
    from odps.types import PartitionSpec

    # As a mapping: PyODPS would split a text at every comma, also inside quotes.
    return table.exist_partition(PartitionSpec(dict(parts)))
