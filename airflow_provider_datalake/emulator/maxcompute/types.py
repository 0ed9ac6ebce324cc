"""
MaxCompute's data types: parsing, and how the emulator keeps each one in Arrow, Parquet and DuckDB.

DATETIME, TIMESTAMP and TIMESTAMP_NTZ are kept as zone-less UTC instants (NTZ: as wall-clock time), TIMESTAMP
with nanoseconds, which bounds it to the years 1677 to 2262: what lies outside is refused, never rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

T = TypeVar("T")


class TypeSyntaxError(ValueError):
    """The text is not a MaxCompute data type."""


@dataclass(frozen=True)
class DataType:
    """
    One MaxCompute data type.

    :param name: lower-case base name, e.g. ``bigint``, ``decimal``, ``array``
    :param args: the numbers of ``decimal(p,s)``, ``varchar(n)`` and ``char(n)``
    :param children: element of an array, key and value of a map, fields of a struct
    :param field_names: the names of a struct's fields, in the order of ``children``
    """

    name: str
    args: tuple[int, ...] = ()
    children: tuple[DataType, ...] = ()
    field_names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name == "struct":
            fields = ",".join(f"{n}:{t}" for n, t in zip(self.field_names, self.children, strict=True))
            return f"struct<{fields}>"
        if self.children:
            return f"{self.name}<{','.join(map(str, self.children))}>"
        return f"{self.name}({','.join(map(str, self.args))})" if self.args else self.name

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGERS

    @property
    def is_numeric(self) -> bool:
        return self.name in INTEGERS or self.name in ("float", "double", "decimal")

    @property
    def is_text(self) -> bool:
        return self.name in ("string", "varchar", "char")

    @property
    def is_temporal(self) -> bool:
        return self.name in ("date", "datetime", "timestamp", "timestamp_ntz")


INTEGERS = ("tinyint", "smallint", "int", "bigint")
_SIMPLE = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "json": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "timestamp": "TIMESTAMP_NS",
    "timestamp_ntz": "TIMESTAMP_NS",
    "void": "INTEGER",
}
_SYNONYMS = {"integer": "int", "numeric": "decimal", "long": "bigint", "bool": "boolean", "short": "smallint"}
_TOKEN = re.compile(r"\s*(`[^`]+`|[A-Za-z_0-9]+|[<>(),:])")
_LENGTHS = {"varchar": 65535, "char": 255}


def parse_type(text: str) -> DataType:
    """
    Parse the text of a MaxCompute type.

    :param text: e.g. ``ARRAY<STRUCT<a:BIGINT,b:DECIMAL(10,2)>>``, case-insensitive
    :return: the type
    :raises TypeSyntaxError: when the text is not a type that MaxCompute has
    """
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if not match:
            raise TypeSyntaxError(f"invalid data type {text!r}: unexpected {text[position:].strip()[:10]!r}")
        tokens.append(match.group(1))
        position = match.end()
    return _Parser(tokens, text).parse()


class _Parser:
    """Recursive descent over the tokens of one type."""

    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens = tokens
        self.text = text
        self.at = 0

    def parse(self) -> DataType:
        result = self._type()
        if self.at != len(self.tokens):
            self._fail(f"unexpected {self.tokens[self.at]!r}")
        return result

    def _fail(self, why: str) -> NoReturn:
        raise TypeSyntaxError(f"invalid data type {self.text!r}: {why}")

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self._peek()
        if not token or (expected and token != expected):
            self._fail(f"expected {expected or 'a name'}, found {repr(token) if token else 'the end'}")
        self.at += 1
        return token

    def _type(self) -> DataType:
        name = self._take().lower()
        name = _SYNONYMS.get(name, name)
        if name == "array":
            return DataType("array", children=tuple(self._angle(self._type, 1)))
        if name == "map":
            return DataType("map", children=tuple(self._angle(self._type, 2)))
        if name == "struct":
            fields = self._angle(self._field, None)
            return DataType(
                "struct", children=tuple(t for _, t in fields), field_names=tuple(n for n, _ in fields)
            )
        if name == "decimal":
            return self._decimal()
        if name in _LENGTHS:
            args = self._arguments()
            if len(args) != 1 or not 1 <= args[0] <= _LENGTHS[name]:
                self._fail(f"{name} takes a length from 1 to {_LENGTHS[name]}")
            return DataType(name, args=args)
        if name not in _SIMPLE:
            self._fail(f"unknown type {name!r}")
        return DataType(name)

    def _decimal(self) -> DataType:
        args = self._arguments()
        precision, scale = {0: (38, 18), 1: (*args, 0)}.get(len(args), args)[:2]
        if len(args) > 2 or not 1 <= precision <= 38 or not 0 <= scale <= min(18, precision):
            self._fail("decimal takes a precision from 1 to 38 and a scale from 0 to 18")
        return DataType("decimal", args=(precision, scale))

    def _arguments(self) -> tuple[int, ...]:
        if self._peek() != "(":
            return ()
        self._take("(")
        args = []
        while True:
            token = self._take()
            if not token.isdigit():
                self._fail(f"expected a number, found {token!r}")
            args.append(int(token))
            if (separator := self._take()) == ")":
                return tuple(args)
            if separator != ",":
                self._fail(f"expected , or ), found {separator!r}")

    def _angle(self, item: Callable[[], T], count: int | None) -> list[T]:
        self._take("<")
        items = [item()]
        while self._peek() == ",":
            self._take()
            items.append(item())
        self._take(">")
        if count and len(items) != count:
            self._fail(f"expected {count} type argument(s), found {len(items)}")
        return items

    def _field(self) -> tuple[str, DataType]:
        name = self._take().strip("`").lower()
        self._take(":")
        return name, self._type()


def duckdb_type(data_type: DataType) -> str:
    """
    Name the DuckDB type that holds a MaxCompute type.

    :param data_type: any type
    :return: DuckDB type text, e.g. ``STRUCT("a" BIGINT)[]``
    """
    if data_type.name == "decimal":
        return f"DECIMAL({data_type.args[0]},{data_type.args[1]})"
    if data_type.name == "array":
        return f"{duckdb_type(data_type.children[0])}[]"
    if data_type.name == "map":
        return f"MAP({duckdb_type(data_type.children[0])}, {duckdb_type(data_type.children[1])})"
    if data_type.name == "struct":
        fields = zip(data_type.field_names, data_type.children, strict=True)
        inner = ", ".join(f'"{name}" {duckdb_type(child)}' for name, child in fields)
        return f"STRUCT({inner})"
    return _SIMPLE[data_type.name]


def arrow_type(data_type: DataType) -> pa.DataType:
    """
    Name the Arrow type in which a MaxCompute type is stored and travels on the table tunnel.

    :param data_type: any type
    :return: the Arrow type; DATETIME is ``timestamp[ms]``, TIMESTAMP ``timestamp[ns]``, both without zone
    """
    import pyarrow as pa

    if data_type.name == "decimal":
        return pa.decimal128(*data_type.args)
    if data_type.name == "array":
        return pa.list_(arrow_type(data_type.children[0]))
    if data_type.name == "map":
        return pa.map_(arrow_type(data_type.children[0]), arrow_type(data_type.children[1]))
    if data_type.name == "struct":
        fields = zip(data_type.field_names, data_type.children, strict=True)
        return pa.struct([pa.field(n, arrow_type(t)) for n, t in fields])
    return {
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "binary": pa.binary(),
        "date": pa.date32(),
        "datetime": pa.timestamp("ms"),
        "timestamp": pa.timestamp("ns"),
        "timestamp_ntz": pa.timestamp("ns"),
        "void": pa.null(),
    }.get(data_type.name, pa.string())
