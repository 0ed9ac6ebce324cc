"""
Columns between the outside world and a table: names matched, types checked, values converted without loss.

DATETIME and TIMESTAMP are instants. Values without a zone are read as wall-clock times of the zone that also
governs the project's SQL, so that a file and an INSERT with the same text give the same row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

_ZONED = r"(?:[Zz]|[+-]\d{2}:?\d{2})\s*$"
_TIMESTAMPS = ("datetime", "timestamp")
_TEXTS = ("string", "varchar", "char", "json")


@dataclass(frozen=True)
class TableColumn:
    """
    One data column of a table.

    :param name: as the table spells it
    :param type: its type in lower case, e.g. ``decimal(10,2)``
    :param nullable: False for NOT NULL
    """

    name: str
    type: str
    nullable: bool = True

    @property
    def base(self) -> str:
        """The type's name without its arguments."""
        return re.split(r"[(<]", self.type, maxsplit=1)[0]

    def wire_type(self) -> pa.DataType:
        """
        Name the Arrow type in which the tunnel carries the column.

        :return: the type; instants have no zone on the wire
        """
        from odps.types import validate_data_type

        return _wire_type(validate_data_type(self.type))


def normal_type(text: str) -> str:
    """
    Spell a type in one way.

    :param text: a type as the service or a person spells it
    :return: lower case, without spaces that do not matter
    """
    from odps.types import validate_data_type

    return validate_data_type(text).name.lower()


def table_columns(schema: Any) -> tuple[list[TableColumn], list[TableColumn]]:
    """
    Read PyODPS's description of a table.

    :param schema: a ``TableSchema``
    :return: data columns and partition columns
    """

    def read(columns: Sequence[Any]) -> list[TableColumn]:
        return [
            TableColumn(column.name, column.type.name.lower(), column.nullable is not False)
            for column in columns
        ]

    return read(schema.simple_columns), read(schema.partitions)


def _wire_type(odps_type: Any) -> pa.DataType:
    import pyarrow as pa
    from odps import types
    from odps.tunnel.io.types import odps_type_to_arrow_type

    if isinstance(odps_type, types.Json):
        return pa.string()
    if isinstance(odps_type, types.Decimal) and odps_type.precision and not odps_type.scale:
        # PyODPS takes a scale of 0 for none and puts 18 in its place.
        return pa.decimal128(odps_type.precision, 0)
    if isinstance(odps_type, types.Array):
        return pa.list_(_wire_type(odps_type.value_type))
    if isinstance(odps_type, types.Map):
        return pa.map_(_wire_type(odps_type.key_type), _wire_type(odps_type.value_type))
    if isinstance(odps_type, types.Struct):
        return pa.struct([(name, _wire_type(child)) for name, child in odps_type.field_types.items()])
    return odps_type_to_arrow_type(odps_type)


class BadData(ConfigurationError):
    """A source's column does not fit the table's."""


@dataclass(frozen=True)
class ColumnPlan:
    """
    How one table column is filled.

    :param column: the table's column
    :param source: name of the source's column, None to fill with NULL
    :param type: the source's type, None to fill with NULL
    :param wire: the type on the tunnel
    :param zone: zone of values without one
    """

    column: TableColumn
    source: str | None
    type: pa.DataType | None
    wire: pa.DataType
    zone: str

    @property
    def can_fail(self) -> bool:
        """Whether some values of the source's type do not fit the column."""
        import pyarrow as pa

        if self.type is None:
            return False
        plain = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        if not self.column.nullable or self.column.base in ("varchar", "char"):
            return True
        if self.column.base in _TEXTS:
            return False
        if self.column.base in (*_TIMESTAMPS, "timestamp_ntz") and pa.types.is_timestamp(plain):
            # A finer unit would lose its end, a coarser one may not reach as far as nanoseconds.
            return plain.unit != self.wire.unit and (self.wire.unit == "ns" or _finer(plain.unit, "ms"))
        return plain != self.wire

    def convert(self, array: pa.Array | None, rows: int, first: int = 0) -> pa.Array:
        """
        Convert a batch's column to what the tunnel carries.

        :param array: the source's column, None to fill with NULL
        :param rows: length of the batch
        :param first: number of the batch's first row in its source, for messages
        :return: the column, of type ``wire``
        :raises BadData: when a value does not fit; the message names the column, its type and the row
        """
        import pyarrow as pa

        if array is None:
            return pa.nulls(rows, self.wire)
        try:
            return self._convert(array)
        except (pa.ArrowException, ValueError) as error:
            if isinstance(error, BadData):
                raise
            row, reason = _first_failure(array, self._convert, error)
            raise BadData(
                f"column {self.column.name!r} ({self.column.type}), row {first + row + 1}: {reason}"
            ) from None

    def _convert(self, array: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if not self.column.nullable and array.null_count:
            raise ValueError("NULL in a column that is NOT NULL")
        if self.column.base in _TIMESTAMPS:
            array = _instants(array, self.zone)
        elif self.column.base == "timestamp_ntz" and array.type in (pa.string(), pa.large_string()):
            array = pc.cast(array, pa.timestamp("ns"))
        result = array if array.type == self.wire else _cast(array, self.wire)
        if self.column.base in ("varchar", "char"):
            _check_length(result, int(re.findall(r"\d+", self.column.type)[0]))
        return result


def _cast(array: pa.Array, wire: pa.DataType) -> pa.Array:
    """Cast without loss, also where Arrow's own safe cast is lossy or asks for too much."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(wire) and pa.types.is_integer(array.type):
        array = pc.cast(array, pa.decimal128(20 + wire.scale, wire.scale))
    result = pc.cast(array, wire)
    if pa.types.is_date(wire) and pa.types.is_timestamp(array.type):
        if not pc.all(pc.equal(pc.cast(result, array.type), array)).as_py() and len(array) > array.null_count:
            raise ValueError("a time that is not midnight would lose data")
    return result


def _finer(unit: str, than: str) -> bool:
    units = ("s", "ms", "us", "ns")
    return units.index(unit) > units.index(than)


def _check_length(array: pa.Array, limit: int) -> None:
    import pyarrow.compute as pc

    longest = pc.max(pc.utf8_length(array)).as_py()
    if longest is not None and longest > limit:
        raise ValueError(f"a value of {longest} characters; the column takes {limit}")


def _instants(array: pa.Array, zone: str) -> pa.Array:
    """Turn times, zoned or not, or their texts, into UTC instants without a zone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if array.type in (pa.string(), pa.large_string()):
        zoned = pc.match_substring_regex(array, _ZONED)
        nothing = pa.scalar(None, array.type)
        with_zone = pc.cast(pc.if_else(zoned, array, nothing), pa.timestamp("ns", "UTC"))
        without = pc.cast(pc.if_else(zoned, nothing, array), pa.timestamp("ns"))
        return pc.coalesce(_utc(with_zone), _utc(_assume(without, zone)))
    if pa.types.is_timestamp(array.type):
        return _utc(array if array.type.tz else _assume(array, zone))
    return array


def _assume(array: pa.Array, zone: str) -> pa.Array:
    import pyarrow.compute as pc

    # A wall-clock time that a change of clocks repeats or leaves out: the service takes these ends, too.
    return pc.assume_timezone(array, timezone=zone, ambiguous="earliest", nonexistent="latest")


def _utc(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(array, pa.timestamp(array.type.unit))


def _first_failure(
    array: pa.Array, convert: Callable[[pa.Array], pa.Array], error: Exception
) -> tuple[int, str]:
    """Find the first row that cannot be converted, by halving."""
    start, stop, reason = 0, len(array), str(error)
    while stop - start > 1:
        middle = (start + stop) // 2
        try:
            convert(array.slice(start, middle - start))
            start = middle
        except ValueError as failure:
            stop, reason = middle, str(failure)
    return start, reason.splitlines()[0]


def match_columns(
    source: pa.Schema,
    table: Sequence[TableColumn],
    *,
    columns: Mapping[str, str] | Sequence[str] | None,
    zone: str,
    texts: bool = False,
) -> list[ColumnPlan]:
    """
    Match a source's columns with a table's, by name.

    :param source: the source's columns
    :param table: the table's data columns
    :param columns: the source columns to load, or table column by source column; the table's other columns
        then become NULL. None: the source's columns must be the table's
    :param zone: zone of times without one
    :param texts: whether times may come as texts, as in CSV
    :return: one plan per table column, in the table's order
    :raises BadData: when names or types do not fit; the message names them all
    """
    wanted = _wanted(source, columns)
    targets = {column.name.lower(): column for column in table}
    unknown = [name for name in wanted if name not in targets]
    missing = [
        column.name
        for column in table
        if column.name.lower() not in wanted and (columns is None or not column.nullable)
    ]
    if unknown or missing:
        raise BadData(_mismatch(source, table, unknown, missing))
    plans = []
    problems = []
    for column in table:
        name = wanted.get(column.name.lower())
        wire = column.wire_type()
        plan = ColumnPlan(column, name, None if name is None else source.field(name).type, wire, zone)
        if plan.type is not None and not _fits(plan.type, wire, _times(column, texts)):
            problems.append(f"column {column.name!r}: expected {column.type}, found {plan.type}")
        plans.append(plan)
    if problems:
        raise BadData("; ".join(problems))
    return plans


def _times(column: TableColumn, texts: bool) -> tuple[str, ...]:
    kinds = ("wall-clock",) if column.base == "timestamp_ntz" else ("wall-clock", "instant")
    return (*kinds, "text") if texts else kinds


def _wanted(source: pa.Schema, columns: Mapping[str, str] | Sequence[str] | None) -> dict[str, str]:
    """Source column by lower-case table column."""
    if columns is None:
        pairs = [(name, name) for name in source.names]
    elif isinstance(columns, Mapping):
        pairs = list(columns.items())
    else:
        pairs = [(name, name) for name in columns]
    spelled = {name.lower(): name for name in source.names}
    wanted: dict[str, str] = {}
    for name, target in pairs:
        if name.lower() not in spelled:
            raise BadData(f"no column {name!r} in the source; it has {', '.join(source.names)}")
        if target.lower() in wanted:
            raise BadData(f"two source columns for the table's column {target!r}")
        wanted[target.lower()] = spelled[name.lower()]
    return wanted


def _mismatch(
    source: pa.Schema, table: Sequence[TableColumn], unknown: Sequence[str], missing: Sequence[str]
) -> str:
    parts = [f"expected {len(table)} columns, found {len(source.names)}"]
    if missing:
        parts.append(f"missing: {', '.join(missing)}")
    if unknown:
        parts.append(f"not in the table: {', '.join(unknown)}")
    return "; ".join(parts)


_ACCEPTED = {
    "text": ("text",),
    "binary": ("binary", "text"),
    "boolean": ("boolean",),
    # pandas turns integers with missing values into floats: those are exact, others fail when converted.
    "integer": ("integer", "float"),
    "float": ("integer", "float"),
    "decimal": ("integer", "decimal"),
    "date": ("date", "wall-clock"),
}


def _family(data_type: pa.DataType) -> str:
    import pyarrow.types as at

    if at.is_timestamp(data_type):
        return "instant" if data_type.tz else "wall-clock"
    tests: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
        "text": (at.is_string, at.is_large_string, at.is_string_view),
        "binary": (at.is_binary, at.is_large_binary, at.is_fixed_size_binary, at.is_binary_view),
        "boolean": (at.is_boolean,),
        "integer": (at.is_integer,),
        "float": (at.is_floating,),
        "decimal": (at.is_decimal,),
        "date": (at.is_date,),
        "map": (at.is_map,),
        "list": (at.is_list, at.is_large_list, at.is_fixed_size_list),
        "struct": (at.is_struct,),
        "null": (at.is_null,),
    }
    return next((name for name, options in tests.items() if any(test(data_type) for test in options)), "")


def _fits(found: pa.DataType, wire: pa.DataType, times: Sequence[str]) -> bool:
    """Whether values of a type can become the column's without guessing; ``times``: what timestamps take."""
    import pyarrow.types as at

    if at.is_dictionary(found):
        found = found.value_type
    family, target = _family(found), _family(wire)
    if family == "null":
        return True
    if target == "wall-clock":
        return family in times
    if target not in ("map", "list", "struct"):
        return family in _ACCEPTED[target]
    found_children, children = _children(found), _children(wire)
    if family != target or [name for name, _ in found_children] != [name for name, _ in children]:
        return False
    # A zone is never assumed inside nested values: only instants are taken there.
    pairs = zip(found_children, children, strict=True)
    return all(_fits(a, b, ("instant",)) for (_, a), (_, b) in pairs)


def _children(nested: pa.DataType) -> list[tuple[str, pa.DataType]]:
    import pyarrow.types as at

    if at.is_map(nested):
        return [("key", nested.key_type), ("value", nested.item_type)]
    if at.is_struct(nested):
        return [(field.name.lower(), field.type) for field in nested]
    return [("element", nested.value_type)]
