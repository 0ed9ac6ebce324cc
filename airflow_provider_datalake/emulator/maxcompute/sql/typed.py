"""
Typed expressions: what the binder and the functions exchange, and how a function writes DuckDB's side.

A :class:`Typed` is a DuckDB expression whose value has exactly ``duckdb_type(type)``. Functions build theirs
from small SQL templates, so that the DuckDB text of each one can be read where the function is defined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from airflow_provider_datalake.emulator.maxcompute.types import DataType, duckdb_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TINYINT = DataType("tinyint")
SMALLINT = DataType("smallint")
INT = DataType("int")
BIGINT = DataType("bigint")
FLOAT = DataType("float")
DOUBLE = DataType("double")
BOOLEAN = DataType("boolean")
STRING = DataType("string")
BINARY = DataType("binary")
DATE = DataType("date")
DATETIME = DataType("datetime")
TIMESTAMP = DataType("timestamp")
TIMESTAMP_NTZ = DataType("timestamp_ntz")
JSON = DataType("json")
VOID = DataType("void")

# An argument that a template repeats is bound once when it is volatile, or so large that copies multiply.
_COPY_LIMIT = 40
_VOLATILE = frozenset({"random", "uuid", "gen_random_uuid"})


def array_of(element: DataType) -> DataType:
    return DataType("array", children=(element,))


def map_of(key: DataType, value: DataType) -> DataType:
    return DataType("map", children=(key, value))


def decimal(precision: int, scale: int) -> DataType:
    return DataType("decimal", args=(precision, scale))


@dataclass(frozen=True)
class Typed:
    """
    A DuckDB expression with its MaxCompute type.

    :param expr: the DuckDB expression; its value has exactly ``duckdb_type(type)``
    :param type: the MaxCompute type; ``void`` is the type of a bare NULL
    :param constant: whether the value is the same for every row
    :param node: the node of the query's own tree, for positions in messages
    """

    expr: exp.Expression
    type: DataType
    constant: bool = False
    node: exp.Expression | None = field(default=None, compare=False)

    @property
    def is_null(self) -> bool:
        """Whether this is the NULL literal, of whatever type."""
        value = self.expr
        while isinstance(value, exp.Cast | exp.Paren):
            value = value.this
        return isinstance(value, exp.Null)

    def sql(self) -> str:
        return self.expr.sql(dialect="duckdb")

    def as_type(self, data_type: DataType) -> Typed:
        """
        Relabel the value; only for types that DuckDB holds alike.

        :param data_type: the new MaxCompute type
        :return: the same expression under that type
        """
        return replace(self, type=data_type)


# The argument of COUNT(*).
STAR = Typed(exp.Star(), VOID)


@dataclass(frozen=True)
class FunctionContext:
    """
    What functions know about the statement that they are bound for.

    :param timezone: the session's zone, ``odps.sql.timezone``
    :param now: the statement's start, with zone
    :param settings: the statement's flags
    :param max_partition: value of the first partition column of a table's greatest non-empty partition, by
        table name; None without one
    """

    timezone: str = "Asia/Shanghai"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    settings: Mapping[str, str] = field(default_factory=dict)
    max_partition: Callable[[str], str | None] | None = None

    def flag(self, name: str, default: bool) -> bool:
        """
        Read a boolean setting.

        :param name: e.g. ``odps.sql.type.system.odps2``
        :param default: the value when the statement does not set it
        :return: the setting
        """
        value = self.settings.get(name)
        return default if value is None else value.strip().lower() == "true"

    @property
    def new_types(self) -> bool:
        """Whether INT, DATE and the like exist: the 2.0 data type edition, the default of new projects."""
        return self.flag("odps.sql.type.system.odps2", True)


class _Template(DuckDB):
    """DuckDB's grammar without any function of its own, so that a template's calls are emitted as written."""

    class Parser(DuckDB.Parser):  # type: ignore[misc,valid-type]
        FUNCTIONS: dict[str, Callable[..., Any]] = {}
        NO_PAREN_FUNCTIONS: dict[Any, Any] = {}
        FUNCTION_PARSERS = {
            name: parser
            for name, parser in DuckDB.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "TRY_CAST")
        }


def _parse(text: str) -> exp.Expression:
    return cast("exp.Expression", sqlglot.parse_one(text, dialect=_Template))


@lru_cache(maxsize=4096)
def _parse_template(template: str, count: int) -> tuple[exp.Expression, tuple[int, ...]]:
    names = [f"__arg{i}" for i in range(count)]
    text = template
    for i, name in enumerate(names):
        text = text.replace(f"{{{i}}}", name)
    tree = _parse(text)
    uses = [0] * count
    for column in tree.find_all(exp.Column):
        if column.name in names:
            uses[names.index(column.name)] += 1
    return tree, tuple(uses)


def template(text: str, *args: exp.Expression | Typed) -> exp.Expression:
    """
    Build a DuckDB expression from a template.

    :param text: DuckDB SQL with ``{0}``, ``{1}``, ... for the arguments; nothing else may vary between calls
    :param args: the arguments, each used any number of times but evaluated as one value
    :return: the expression
    """
    values = [a.expr if isinstance(a, Typed) else a for a in args]
    tree, uses = _parse_template(text, len(values))
    if any(n > 1 and _costly(v) for n, v in zip(uses, values, strict=True)):
        return _bind_once(tree, values)
    return _substitute(tree, {f"__arg{i}": v for i, v in enumerate(values)})


def emit(data_type: DataType, text: str, *args: Typed) -> Typed:
    """
    Build a typed expression from a template.

    :param data_type: the type that the template's value has in DuckDB
    :param text: see :func:`template`
    :param args: the arguments
    :return: the typed expression, constant when all arguments are
    """
    tree = template(text, *args)
    constant = all(a.constant for a in args) and not _is_volatile(tree)
    return Typed(tree, data_type, constant=constant)


def _substitute(tree: exp.Expression, values: Mapping[str, exp.Expression]) -> exp.Expression:
    def place(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and node.name in values:
            return _primary(values[node.name].copy())
        return node

    return tree.copy().transform(place, copy=False)


def _primary(value: exp.Expression) -> exp.Expression:
    """Put parentheses around what could fall apart among a template's operators."""
    loose = (exp.Binary, exp.Unary, exp.Between, exp.In, exp.Is, exp.Condition)
    atoms = (exp.Column, exp.Literal, exp.Func, exp.Paren, exp.Null, exp.Boolean, exp.Bracket, exp.Dot)
    if isinstance(value, atoms) and not isinstance(value, exp.Connector | exp.Case):
        return value
    return exp.Paren(this=value) if isinstance(value, loose) else value


def _bind_once(tree: exp.Expression, values: list[exp.Expression]) -> exp.Expression:
    # A one-element list and a lambda are DuckDB's only "let" inside of an expression. Literals stay where
    # they are, for some of its functions want constants.
    bound = {f"__arg{i}": v for i, v in enumerate(values) if not _is_literal(v)}
    fields = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name), expression=value.copy())
            for name, value in bound.items()
        ]
    )
    places = {f"__arg{i}": v for i, v in enumerate(values)} | {
        name: _parse(f"__let.{name}") for name in bound
    }
    body = _substitute(tree, places)
    call = _parse("list_extract(list_transform([__fields], lambda __let: __body), 1)")

    def place(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column | exp.Identifier) and node.name == "__fields":
            return fields
        if isinstance(node, exp.Column | exp.Identifier) and node.name == "__body":
            return body
        return node

    return call.transform(place, copy=False)


def _is_literal(value: exp.Expression) -> bool:
    while isinstance(value, exp.Cast | exp.Paren | exp.Neg):
        value = value.this
    return isinstance(value, exp.Literal | exp.Null | exp.Boolean)


def _costly(value: exp.Expression) -> bool:
    count = 0
    for node in value.walk():
        count += 1
        if count > _COPY_LIMIT or _names_volatile(node):
            return True
    return False


def _is_volatile(value: exp.Expression) -> bool:
    return any(_names_volatile(node) for node in value.walk())


def _names_volatile(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in _VOLATILE


def aggregate_call(data_type: DataType, value: exp.Expression) -> Typed:
    """
    Mark the call of an aggregate or window function.

    :param data_type: the type that the call has in DuckDB
    :param value: the call, with its FILTER
    :return: the call, which :func:`over` will find inside of what is built around it
    """
    value.meta["call"] = True
    return Typed(value, data_type)


def over(value: Typed, window: Callable[[exp.Expression], exp.Expression]) -> Typed:
    """
    Put every aggregate or window call of a value over a window.

    :param value: what a binder of AGGREGATES or WINDOWS gave
    :param window: makes the windowed expression of one call
    :return: the value over the window
    """

    def place(node: exp.Expression) -> exp.Expression:
        if not node.meta.get("call"):
            return node
        node = node.copy()
        del node.meta["call"]
        return window(node)

    return replace(value, expr=value.expr.copy().transform(place, copy=False))


def text(value: str) -> Typed:
    """
    Make a STRING constant.

    :param value: its characters
    :return: the constant
    """
    return Typed(exp.Literal.string(value), STRING, constant=True)


def integer(value: int, data_type: DataType = BIGINT) -> Typed:
    """
    Make an integer constant of exactly the given type.

    :param value: the number, within the type's range
    :param data_type: TINYINT, SMALLINT, INT or BIGINT
    :return: the constant
    """
    number: exp.Expression = exp.Literal.number(abs(value))
    if value < 0:
        number = exp.Paren(this=exp.Neg(this=number))
    # DuckDB types a bare number by its size.
    natural = INT if -(2**31) <= value < 2**31 else BIGINT
    if data_type == natural:
        return Typed(number, data_type, constant=True)
    return Typed(duckdb_cast(number, data_type), data_type, constant=True)


def double(value: float) -> Typed:
    """
    Make a DOUBLE constant.

    :param value: the number; infinities and NaN included
    :return: the constant
    """
    if not math.isfinite(value):
        return Typed(duckdb_cast(exp.Literal.string(str(value)), DOUBLE), DOUBLE, constant=True)
    digits = repr(abs(value))
    number: exp.Expression = exp.Literal.number(digits if "e" in digits else f"{digits}e0")
    return Typed(exp.Paren(this=exp.Neg(this=number)) if value < 0 else number, DOUBLE, constant=True)


def boolean(value: bool) -> Typed:
    """
    Make a BOOLEAN constant.

    :param value: true or false
    :return: the constant
    """
    return Typed(exp.Boolean(this=value), BOOLEAN, constant=True)


def null(data_type: DataType = VOID) -> Typed:
    """
    Make a NULL.

    :param data_type: its type; VOID for the bare literal, which takes the type that its place asks for
    :return: the constant
    """
    if data_type == VOID:
        return Typed(exp.Null(), VOID, constant=True)
    return Typed(duckdb_cast(exp.Null(), data_type), data_type, constant=True)


@lru_cache(maxsize=1024)
def _duckdb_data_type(data_type: DataType) -> exp.Expression:
    return exp.DataType.build(duckdb_type(data_type), dialect="duckdb")


def duckdb_cast(value: exp.Expression, data_type: DataType, *, safe: bool = False) -> exp.Expression:
    """
    Wrap a value in DuckDB's own CAST.

    :param value: any expression
    :param data_type: the MaxCompute type whose DuckDB type is asked for
    :param safe: TRY_CAST, which gives NULL where CAST raises
    :return: the expression
    """
    return (exp.TryCast if safe else exp.Cast)(this=value, to=_duckdb_data_type(data_type).copy())
