"""What a table may look like: names, types, column lists and the values of partitions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.types import (
    INTEGERS,
    DataType,
    TypeSyntaxError,
    parse_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_datalake.emulator.catalog import Column

MAX_COLUMNS = 1200
MAX_PARTITION_LEVELS = 6
MAX_NAME_BYTES = 128
MAX_PARTITION_VALUE_BYTES = 255
INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
PARTITION_TYPES = (*INTEGERS, "string", "varchar", "char", "date")
_NAME = re.compile(r"[A-Za-z0-9_]+")
_COLUMN_NAME = re.compile(r"\w+")
_INTEGER = re.compile(r"[+-]?\d{1,40}")
# A partition spec ("pt='1',sub='2'" or "pt=1/sub=2") could not carry these.
_NOT_IN_PARTITION_VALUES = re.compile(r"[\x00-\x1f\x7f/,'\"\\]")


class InvalidDefinition(ValueError):
    """A name, a type, a column list or a partition value that a table cannot have."""


@dataclass(frozen=True)
class ColumnSpec:
    """
    One column as asked for.

    :param name: any case
    :param type: MaxCompute type text
    :param comment: free text
    :param nullable: whether NULL may be stored
    """

    name: str
    type: str
    comment: str = ""
    nullable: bool = True


def checked_name(kind: str, name: str) -> str:
    """
    Lower a name's case and check it.

    :param kind: what is named, for the message: ``project``, ``table``, ``column``, ...
    :param name: the name as given
    :return: the name as stored
    :raises InvalidDefinition: when it has other characters than letters, digits, underscores, or is too long
    """
    pattern = _COLUMN_NAME if kind == "column" else _NAME
    if not pattern.fullmatch(name) or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidDefinition(
            f"invalid {kind} name {name!r}: expected 1 to {MAX_NAME_BYTES} letters, digits and underscores"
        )
    return name.lower()


def checked_columns(
    specs: Sequence[ColumnSpec], taken: Iterable[str] = (), *, partition: bool = False
) -> list[ColumnSpec]:
    """
    Check a list of columns and bring names and types into the form in which they are stored.

    :param specs: the columns as asked for
    :param taken: names that the table has already
    :param partition: whether these are partition columns
    :return: the columns as stored
    :raises InvalidDefinition: when a name or type is invalid, or a name appears twice
    """
    seen = set(taken)
    checked = []
    for spec in specs:
        name = checked_name("column", spec.name)
        if name in seen:
            raise InvalidDefinition(f"column {name} appears more than once")
        seen.add(name)
        data_type = _checked_type(name, spec.type)
        if partition and data_type.name not in PARTITION_TYPES:
            raise InvalidDefinition(f"partition column {name} cannot be {data_type}: {_expected_types()}")
        checked.append(ColumnSpec(name, str(data_type), spec.comment, spec.nullable))
    return checked


def _expected_types() -> str:
    return f"expected one of {', '.join(PARTITION_TYPES)}"


def _checked_type(column: str, text: str) -> DataType:
    try:
        data_type = parse_type(text)
    except TypeSyntaxError as error:
        raise InvalidDefinition(f"column {column}: {error}") from error
    for part in _walk(data_type):
        if part.name == "void":
            raise InvalidDefinition(f"column {column}: a column cannot be of type void")
        if len(set(part.field_names)) != len(part.field_names):
            raise InvalidDefinition(f"column {column}: a field appears more than once in {part}")
    return data_type


def _walk(data_type: DataType) -> Iterable[DataType]:
    yield data_type
    for child in data_type.children:
        yield from _walk(child)


def checked_layout(columns: Sequence[ColumnSpec], partition_columns: Sequence[ColumnSpec]) -> None:
    """
    Check a table as a whole.

    :param columns: data columns
    :param partition_columns: partition columns
    :raises InvalidDefinition: when there are no data columns, or too many of either
    """
    if not columns:
        raise InvalidDefinition("a table needs at least one column besides its partition columns")
    if len(columns) + len(partition_columns) > MAX_COLUMNS:
        raise InvalidDefinition(f"a table has at most {MAX_COLUMNS} columns")
    if len(partition_columns) > MAX_PARTITION_LEVELS:
        raise InvalidDefinition(f"a table has at most {MAX_PARTITION_LEVELS} partition columns")


def checked_widening(column: Column, new_type: str) -> str:
    """
    Check that every stored value of a column can be read with another type, unchanged.

    :param column: the column as it is
    :param new_type: the type asked for
    :return: the type as stored
    :raises InvalidDefinition: when values could be lost
    """
    old, new = parse_type(column.type), _checked_type(column.name, new_type)
    if not _widens(old, new):
        raise InvalidDefinition(f"column {column.name} cannot be changed from {old} to {new}")
    return str(new)


def _widens(old: DataType, new: DataType) -> bool:
    if old == new:
        return True
    if old.name in INTEGERS and new.name in INTEGERS:
        return INTEGERS.index(old.name) <= INTEGERS.index(new.name)
    if (old.name, new.name) == ("float", "double"):
        return True
    if old.name == new.name == "decimal":
        return new.args[1] >= old.args[1] and new.args[0] - new.args[1] >= old.args[0] - old.args[1]
    if old.name in ("varchar", "char"):
        return new.name == "string" or (new.name == "varchar" and new.args[0] >= old.args[0])
    return False


def canonical_values(columns: Sequence[Column], values: Sequence[str]) -> tuple[str, ...]:
    """
    Bring a partition's values into the one text form in which they are stored and compared.

    :param columns: the table's partition columns
    :param values: one text per partition column, in their order
    :return: e.g. ``("1", "2013-01-01")`` for ``("01", "20130101")`` in a BIGINT and a DATE column
    :raises InvalidDefinition: when the count or a value does not fit the columns
    """
    if len(values) != len(columns):
        expected = ", ".join(column.name for column in columns) or "none"
        raise InvalidDefinition(
            f"expected a value for each partition column ({expected}), found {len(values)}"
        )
    return tuple(canonical_value(column, value) for column, value in zip(columns, values, strict=True))


def canonical_value(column: Column, text: str) -> str:
    """
    Bring one partition value into its canonical text form.

    :param column: the partition column
    :param text: the value as given
    :return: the value as stored
    :raises InvalidDefinition: when the value does not fit the column's type
    """
    data_type = parse_type(column.type)
    if data_type.is_integer:
        return str(_integer(column, data_type, text.strip()))
    if data_type.name == "date":
        try:
            return date.fromisoformat(text.strip()).isoformat()
        except ValueError as error:
            raise _invalid_value(column, text, "expected a date as YYYY-MM-DD") from error
    if not text:
        raise _invalid_value(column, text, "expected a value that is not empty")
    if _NOT_IN_PARTITION_VALUES.search(text):
        raise _invalid_value(column, text, "expected no control characters, slashes, commas or quotes")
    if len(text.encode()) > MAX_PARTITION_VALUE_BYTES:
        raise _invalid_value(column, text, f"expected at most {MAX_PARTITION_VALUE_BYTES} bytes")
    if data_type.args and len(text) > data_type.args[0]:
        raise _invalid_value(column, text, f"expected at most {data_type.args[0]} characters")
    return text


def _integer(column: Column, data_type: DataType, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _invalid_value(column, text, "expected an integer")
    value = int(text)
    limit = 1 << (INTEGER_BITS[data_type.name] - 1)
    if not -limit <= value < limit:
        raise _invalid_value(column, text, f"outside the range of {data_type}")
    return value


def _invalid_value(column: Column, text: str, why: str) -> InvalidDefinition:
    return InvalidDefinition(
        f"invalid value {text!r} for partition column {column.name} {column.type}: {why}"
    )


def spec_text(columns: Sequence[Column], values: Sequence[str]) -> str:
    """
    Write a partition's name as the service does.

    :param columns: the table's partition columns
    :param values: the partition's values
    :return: e.g. ``pt='1',sub='2'``
    """
    return ",".join(f"{column.name}='{value}'" for column, value in zip(columns, values, strict=True))
