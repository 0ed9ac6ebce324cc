"""Partition specs as clients write them: ``pt='1',region=eu`` or ``pt=1/region=eu``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.catalog import NoSuchEntity
from airflow_provider_datalake.emulator.definitions import canonical_value
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.catalog import Catalog, Partition, Table

_ITEM = re.compile(
    r"""\s*`?(?P<name>[A-Za-z_0-9]+)`?\s*=\s*
    (?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^,/'"]*?))\s*(?P<end>[,/]|$)""",
    re.VERBOSE | re.DOTALL,
)


def parse_partition_spec(text: str) -> dict[str, str]:
    """
    Read a partition spec.

    :param text: e.g. ``pt='1',region="eu"``; quotes are optional
    :return: value text by lower-case column name, in the order given
    :raises ValueError: when the text is not a partition spec
    """
    spec: dict[str, str] = {}
    position = 0
    while True:
        match = _ITEM.match(text, position)
        if not match:
            raise ValueError(f"malformed partition spec {text!r}: expected name='value'[,name='value'...]")
        name = match["name"].lower()
        if name in spec:
            raise ValueError(f"malformed partition spec {text!r}: {name!r} occurs twice")
        value = _value(match)
        if not value:
            raise ValueError(f"malformed partition spec {text!r}: {name!r} has no value")
        spec[name] = value
        position = match.end()
        if not match["end"]:
            return spec


def _value(match: re.Match[str]) -> str:
    quoted = match["single"] if match["single"] is not None else match["double"]
    if quoted is None:
        return match["bare"]
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)


def partition_values(table: Table, spec: dict[str, str]) -> tuple[str, ...]:
    """
    Put the values of a complete spec into the order of a table's partition columns.

    :param table: the table
    :param spec: see :func:`parse_partition_spec`
    :return: one value per partition column
    :raises ValueError: when the spec lacks a column or names one that the table does not have
    """
    names = check_columns(table, spec)
    missing = [name for name in names if name not in spec]
    if missing:
        raise ValueError(f"the partition spec lacks {', '.join(missing)} of table {table.name}")
    return tuple(spec[name] for name in names)


def check_columns(table: Table, spec: dict[str, str]) -> list[str]:
    """
    Check that a spec, complete or not, names partition columns of a table only.

    :param table: the table
    :param spec: see :func:`parse_partition_spec`
    :return: the table's partition columns by name
    :raises ValueError: when the table has no such partition column
    """
    names = [column.name for column in table.partition_columns]
    if not names:
        raise ValueError(f"table {table.name} is not partitioned")
    unknown = [name for name in spec if name not in names]
    if unknown:
        raise ValueError(
            f"table {table.name} is partitioned by {', '.join(names)}, not by {', '.join(unknown)}"
        )
    return names


def matching(table: Table, partitions: Sequence[Partition], spec: dict[str, str]) -> list[Partition]:
    """
    Select the partitions that agree with a spec, which need not name every column.

    :param table: the table
    :param partitions: its partitions
    :param spec: see :func:`parse_partition_spec`
    :return: those that agree, in the same order
    :raises ValueError: when the spec names another column, or a value that does not fit its column
    """
    names = check_columns(table, spec)
    wanted = [
        (at, canonical_value(table.partition_columns[at], spec[name]))
        for at, name in enumerate(names)
        if name in spec
    ]
    return [item for item in partitions if all(item.values[at] == value for at, value in wanted)]


def spec_text(table: Table, values: Sequence[str]) -> str:
    """
    Write a partition the way the service shows it.

    :param table: the table
    :param values: one value per partition column
    :return: e.g. ``pt=1/region=eu``
    """
    names = (column.name for column in table.partition_columns)
    return "/".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def require_partition(catalog: Catalog, table: Table, text: str) -> Partition:
    """
    Look up the partition that a request names.

    :param catalog: the catalog
    :param table: the table
    :param text: the request's complete partition spec
    :return: the partition
    :raises OdpsError: ``InvalidParameter`` when the spec is wrong, ``NoSuchPartition`` when there is none
    """
    try:
        values = partition_values(table, parse_partition_spec(text))
        return catalog.get_partition(table, values)
    except ValueError as error:
        raise invalid(str(error)) from error
    except NoSuchEntity:
        raise OdpsError(
            404, "NoSuchPartition", f"ODPS-0420061: The specified partition {text} does not exist."
        ) from None
