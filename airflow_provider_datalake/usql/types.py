"""The types of U-SQL: C# value types and their nullable forms, strings, byte arrays, two collections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a type is; the value is its C# keyword or name."""

    BOOL = "bool"
    SBYTE = "sbyte"
    BYTE = "byte"
    SHORT = "short"
    USHORT = "ushort"
    INT = "int"
    UINT = "uint"
    LONG = "long"
    ULONG = "ulong"
    FLOAT = "float"
    DOUBLE = "double"
    DECIMAL = "decimal"
    CHAR = "char"
    STRING = "string"
    BINARY = "byte[]"
    GUID = "Guid"
    DATETIME = "DateTime"
    ARRAY = "SqlArray"
    MAP = "SqlMap"
    # Only inside of expressions, never a column:
    TIMESPAN = "TimeSpan"
    PLAIN_ARRAY = "Array"
    """A C# array or sequence, such as ``Split`` returns; ``SqlArray`` is made of one."""
    ENUM = "enum"
    """A value such as ``DateTimeKind.Utc`` or ``StringComparison.Ordinal``; ``Type.name`` tells which."""
    NULL = "null"
    """The literal ``null`` before it has met a type."""


INTEGRAL = (
    Kind.SBYTE,
    Kind.BYTE,
    Kind.SHORT,
    Kind.USHORT,
    Kind.INT,
    Kind.UINT,
    Kind.LONG,
    Kind.ULONG,
)
NUMERIC = (*INTEGRAL, Kind.FLOAT, Kind.DOUBLE, Kind.DECIMAL)
REFERENCE = (Kind.STRING, Kind.BINARY, Kind.ARRAY, Kind.MAP, Kind.PLAIN_ARRAY, Kind.NULL)
"""Types whose values may always be null; they have no ``?`` form."""

_CLR = {
    Kind.BOOL: "System.Boolean",
    Kind.SBYTE: "System.SByte",
    Kind.BYTE: "System.Byte",
    Kind.SHORT: "System.Int16",
    Kind.USHORT: "System.UInt16",
    Kind.INT: "System.Int32",
    Kind.UINT: "System.UInt32",
    Kind.LONG: "System.Int64",
    Kind.ULONG: "System.UInt64",
    Kind.FLOAT: "System.Single",
    Kind.DOUBLE: "System.Double",
    Kind.DECIMAL: "System.Decimal",
    Kind.CHAR: "System.Char",
    Kind.STRING: "System.String",
    Kind.BINARY: "System.Byte[]",
    Kind.GUID: "System.Guid",
    Kind.DATETIME: "System.DateTime",
    Kind.TIMESPAN: "System.TimeSpan",
}


@dataclass(frozen=True)
class Type:
    """
    A type with its nullability.

    :param kind: what it is
    :param optional: whether it is the ``?`` form of a value type
    :param element: what a collection holds; a map's values
    :param key: a map's keys
    :param name: the name of an enumeration
    """

    kind: Kind
    optional: bool = False
    element: Type | None = None
    key: Type | None = None
    name: str = ""

    @property
    def nullable(self) -> bool:
        """Whether a value may be null."""
        return self.optional or self.kind in REFERENCE

    @property
    def is_integral(self) -> bool:
        return self.kind in INTEGRAL

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    def as_nullable(self) -> Type:
        """
        Give the form that may be null.

        :return: ``int?`` for ``int``, the type itself where it may be null already
        """
        return self if self.nullable else replace(self, optional=True)

    def as_required(self) -> Type:
        """
        Give the form without the question mark.

        :return: ``int`` for ``int?``
        """
        return replace(self, optional=False) if self.optional else self

    def __str__(self) -> str:
        """Write it as a script does."""
        if self.kind is Kind.ARRAY:
            return f"SqlArray<{self.element}>"
        if self.kind is Kind.MAP:
            return f"SqlMap<{self.key}, {self.element}>"
        if self.kind is Kind.PLAIN_ARRAY:
            return f"{self.element}[]"
        if self.kind is Kind.ENUM:
            return self.name
        return f"{self.kind.value}{'?' if self.optional else ''}"

    @property
    def clr_name(self) -> str:
        """Write it as the service's catalog does, e.g. ``System.Nullable`1[System.Int32]``."""
        if self.kind is Kind.ARRAY and self.element:
            return f"Microsoft.Analytics.Types.Sql.SqlArray`1[{self.element.clr_name}]"
        if self.kind is Kind.MAP and self.element and self.key:
            return f"Microsoft.Analytics.Types.Sql.SqlMap`2[{self.key.clr_name},{self.element.clr_name}]"
        plain = _CLR.get(self.kind, str(self))
        return f"System.Nullable`1[{plain}]" if self.optional else plain


BOOL = Type(Kind.BOOL)
INT = Type(Kind.INT)
LONG = Type(Kind.LONG)
DOUBLE = Type(Kind.DOUBLE)
STRING = Type(Kind.STRING)
DATETIME = Type(Kind.DATETIME)
NULL = Type(Kind.NULL)


def array_of(element: Type) -> Type:
    """
    Make the type of a ``SqlArray``.

    :param element: what it holds
    :return: the type
    """
    return Type(Kind.ARRAY, element=element)


def map_of(key: Type, element: Type) -> Type:
    """
    Make the type of a ``SqlMap``.

    :param key: the type of its keys
    :param element: the type of its values
    :return: the type
    """
    return Type(Kind.MAP, element=element, key=key)
