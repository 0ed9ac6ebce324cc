"""From types as written to types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.failures import invalid, unsupported
from airflow_provider_datalake.usql.types import Kind, Type, array_of, map_of

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast

_KEYWORDS = {
    kind.value: kind
    for kind in (
        Kind.BOOL,
        Kind.SBYTE,
        Kind.BYTE,
        Kind.SHORT,
        Kind.USHORT,
        Kind.INT,
        Kind.UINT,
        Kind.LONG,
        Kind.ULONG,
        Kind.FLOAT,
        Kind.DOUBLE,
        Kind.DECIMAL,
        Kind.CHAR,
        Kind.STRING,
    )
}
_FRAMEWORK = {
    "Boolean": Kind.BOOL,
    "SByte": Kind.SBYTE,
    "Byte": Kind.BYTE,
    "Int16": Kind.SHORT,
    "UInt16": Kind.USHORT,
    "Int32": Kind.INT,
    "UInt32": Kind.UINT,
    "Int64": Kind.LONG,
    "UInt64": Kind.ULONG,
    "Single": Kind.FLOAT,
    "Double": Kind.DOUBLE,
    "Decimal": Kind.DECIMAL,
    "Char": Kind.CHAR,
    "String": Kind.STRING,
    "Guid": Kind.GUID,
    "DateTime": Kind.DATETIME,
    "TimeSpan": Kind.TIMESPAN,
}
_COLLECTION_PREFIXES = ("Microsoft.Analytics.Types.Sql.", "")


def simple_kind(name: str) -> Kind | None:
    """
    Look a type without arguments up.

    :param name: as written, e.g. ``int``, ``Int32`` or ``System.Int32``
    :return: its kind, None when it is none of U-SQL's
    """
    return _KEYWORDS.get(name) or _FRAMEWORK.get(name.removeprefix("System."))


def resolve_type(node: ast.TypeName) -> Type:
    """
    Find out which type is meant.

    :param node: the type as written
    :return: the type
    :raises CompileError: when there is no such type, or it is a user's own
    """
    found = _base(node)
    if node.optional:
        if found.nullable and not found.optional:
            raise invalid(
                f"The type '{found}' must be a non-nullable value type in order to use it as '{found}?'",
                node.span,
            )
        found = found.as_nullable()
    if node.array:
        found = Type(Kind.BINARY) if found == Type(Kind.BYTE) else Type(Kind.PLAIN_ARRAY, element=found)
    return found


def _base(node: ast.TypeName) -> Type:
    kind = simple_kind(node.name)
    if kind is not None and not node.arguments:
        return Type(kind)
    arguments = [resolve_type(argument) for argument in node.arguments]
    name = node.name
    for prefix in _COLLECTION_PREFIXES:
        name = name.removeprefix(prefix)
    if name in ("SqlArray", "SQL.ARRAY") and len(arguments) == 1:
        return array_of(arguments[0])
    if name in ("SqlMap", "SQL.MAP") and len(arguments) == 2:
        return map_of(*arguments)
    if name in ("Nullable", "System.Nullable") and len(arguments) == 1:
        return arguments[0].as_nullable()
    if node.name in ("object", "Object", "dynamic", "var") or "." in node.name or node.arguments:
        raise unsupported(f"the type {node.name} (user-defined types)", node.span)
    raise invalid(f"The type or namespace name '{node.name}' could not be found", node.span)
