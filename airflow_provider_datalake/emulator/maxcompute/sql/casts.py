"""
Conversions between MaxCompute types: CAST, the implicit conversions, and the common type of several values.

A value that CAST cannot convert fails the query, as with ``odps.sql.udf.strict.mode=true``, which every
client sends; with ``false`` it becomes NULL. The rules are those of the 2.0 data type edition.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import IllegalTypeCast, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DATETIME,
    DOUBLE,
    FLOAT,
    INT,
    JSON,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    VOID,
    FunctionContext,
    Typed,
    decimal,
    double,
    duckdb_cast,
    emit,
    integer,
    template,
    text,
)
from airflow_provider_datalake.emulator.maxcompute.types import INTEGERS, DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_INTEGER_DIGITS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
_MAX_SCALE = 18
# What DuckDB would read as well (1_000, 1e400, infinity) is kept to what the service's parser takes.
_WHOLE = r"\s*[+-]?[0-9]+\s*"
_DATETIME_TEXT = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_TIMESTAMP_TEXT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?)?"
_DATE_TEXT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?)?"


def strict(ctx: FunctionContext) -> bool:
    """
    Say whether a failed conversion fails the query.

    :param ctx: the statement
    :return: false when it gives NULL
    """
    return ctx.flag("odps.sql.udf.strict.mode", True)


def literal_integer(digits: str, ctx: FunctionContext) -> Typed:
    """
    Type an integer literal.

    :param digits: decimal digits, with a minus sign for a negative number
    :param ctx: the statement
    :return: INT where it fits (BIGINT in the 1.0 type edition), then BIGINT, then DOUBLE
    """
    value = int(digits)
    if ctx.new_types and -(2**31) <= value < 2**31:
        return integer(value, INT)
    if -(2**63) <= value < 2**63:
        return integer(value, BIGINT)
    return double(float(value))


def literal_decimal(digits: str) -> Typed:
    """
    Type a decimal literal, ``1.5BD``.

    :param digits: the number without the suffix
    :return: a DECIMAL of just the digits that it has
    :raises SemanticError: when it has more digits than a DECIMAL holds
    """
    whole, _, fraction = digits.lstrip("+-").partition(".")
    whole = whole.lstrip("0")
    scale = len(fraction)
    precision = max(len(whole) + scale, 1)
    if not (whole + fraction).isdigit() and (whole + fraction):
        raise SemanticError(f"invalid decimal constant {digits}")
    if scale > _MAX_SCALE or precision > 38:
        raise SemanticError(f"decimal constant {digits} exceeds decimal(38,18)")
    data_type = decimal(precision, scale)
    return Typed(duckdb_cast(exp.Literal.string(digits), data_type), data_type, constant=True)


def cast(value: Typed, to: DataType, ctx: FunctionContext) -> Typed:
    """
    Convert a value as CAST does.

    :param value: the value
    :param to: the type asked for
    :param ctx: the statement
    :return: the converted value
    :raises SemanticError: when MaxCompute has no such conversion
    """
    source = value.type
    if source == to:
        return value
    if source == VOID:
        return Typed(duckdb_cast(value.expr, to), to, constant=value.constant, node=value.node)
    result = _cast(value, to, ctx)
    if result is None:
        raise IllegalTypeCast(f"cannot cast from {source} to {to}")
    return Typed(result, to, constant=value.constant, node=value.node)


def coerce(value: Typed, to: DataType, ctx: FunctionContext) -> Typed:
    """
    Convert a value where the service does so by itself.

    :param value: the value
    :param to: the type that its place asks for
    :param ctx: the statement
    :return: the converted value
    :raises SemanticError: when there is no implicit conversion
    """
    if not has_implicit(value.type, to, ctx):
        raise IllegalTypeCast(f"cannot implicitly convert from {value.type} to {to}; use CAST")
    return cast(value, to, ctx)


def has_implicit(source: DataType, to: DataType, ctx: FunctionContext) -> bool:
    """
    Say whether the service converts by itself.

    :param source: the type of the value
    :param to: the type that its place asks for
    :param ctx: the statement
    :return: whether there is an implicit conversion
    """
    if source in (to, VOID):
        return True
    if source.children or to.children:
        return (
            source.name == to.name
            and len(source.children) == len(to.children)
            and all(has_implicit(s, t, ctx) for s, t in zip(source.children, to.children, strict=True))
        )
    if source.is_text:
        old_types: tuple[str, ...] = ("bigint", "datetime") if not ctx.new_types else ()
        return to.is_text or to.name in ("double", "decimal", *old_types)
    if source.is_integer and to.is_integer:
        return INTEGERS.index(source.name) <= INTEGERS.index(to.name)
    if source.is_integer:
        return to.name in ("float", "double", "decimal") or to.is_text
    if source.name in ("float", "double"):
        old_types = ("bigint",) if not ctx.new_types else ()
        return to.name in ("double", "decimal", *old_types) or to.is_text
    if source.name == "decimal":
        return to.name in ("decimal", "double") or to.is_text
    if source.is_temporal:
        return to.is_text or (source.name, to.name) in {
            ("date", "datetime"),
            ("date", "timestamp"),
            ("date", "timestamp_ntz"),
            ("datetime", "timestamp"),
        }
    return False


def common_type(types: Iterable[DataType]) -> DataType:
    """
    Find the type that holds all values of some branches: CASE, COALESCE, arrays, set operations.

    :param types: the branches' types
    :return: their common type; VOID when all are bare NULLs
    :raises SemanticError: when they have none
    """
    return reduce(_common, types, VOID)


def unify(values: Sequence[Typed], ctx: FunctionContext) -> tuple[list[Typed], DataType]:
    """
    Convert values to their common type.

    :param values: the values
    :param ctx: the statement
    :return: the converted values, and the type
    :raises SemanticError: when they have no common type
    """
    target = common_type(v.type for v in values)
    return [cast(v, target, ctx) for v in values], target


def decimal_for(data_type: DataType) -> DataType:
    """
    Name the DECIMAL that holds every value of a type.

    :param data_type: an integer or a decimal; any other type gives the widest decimal
    :return: the decimal type
    """
    if data_type.name == "decimal":
        return data_type
    if data_type.is_integer:
        return decimal(_INTEGER_DIGITS[data_type.name], 0)
    return decimal(38, _MAX_SCALE)


def to_local(value: Typed, ctx: FunctionContext) -> exp.Expression:
    """
    Turn a date or time into the wall clock of the session's zone.

    :param value: DATE, DATETIME, TIMESTAMP or TIMESTAMP_NTZ
    :param ctx: the statement
    :return: a zone-less DuckDB TIMESTAMP (of a DATE: its midnight; of a TIMESTAMP[_NTZ]: TIMESTAMP_NS)
    """
    if value.type == DATE:
        return template("CAST({0} AS TIMESTAMP)", value)
    if value.type == TIMESTAMP_NTZ:
        return value.expr
    return template("timezone({1}, timezone('UTC', {0}))", value, text(ctx.timezone))


def from_local(wall: exp.Expression, to: DataType, ctx: FunctionContext) -> exp.Expression:
    """
    Turn the wall clock of the session's zone into a value.

    :param wall: a zone-less DuckDB TIMESTAMP, or TIMESTAMP_NS for the types that have nanoseconds
    :param to: DATE, DATETIME, TIMESTAMP or TIMESTAMP_NTZ
    :param ctx: the statement
    :return: a value of exactly that type
    """
    if to == DATE:
        return template("CAST({0} AS DATE)", wall)
    if to == TIMESTAMP_NTZ:
        return template("CAST({0} AS TIMESTAMP_NS)", wall)
    instant = template("timezone('UTC', timezone({1}, {0}))", wall, text(ctx.timezone))
    return template("CAST({0} AS TIMESTAMP_NS)", instant) if to == TIMESTAMP else instant


def _common(left: DataType, right: DataType) -> DataType:
    if left == right or right == VOID:
        return left
    if left == VOID:
        return right
    if left.is_integer and right.is_integer:
        return max(left, right, key=lambda t: INTEGERS.index(t.name))
    if left.is_numeric and right.is_numeric:
        return _common_number(left, right)
    if left.is_text or right.is_text:
        other = right if left.is_text else left
        if other.is_text or other.is_numeric or other.is_temporal:
            return STRING
    if left.is_temporal and right.is_temporal:
        order = ("date", "datetime", "timestamp")
        if left.name in order and right.name in order:
            return max(left, right, key=lambda t: order.index(t.name))
        if "timestamp_ntz" in (left.name, right.name) and "date" in (left.name, right.name):
            return TIMESTAMP_NTZ
    if left.children and left.name == right.name and len(left.children) == len(right.children):
        children = tuple(_common(a, b) for a, b in zip(left.children, right.children, strict=True))
        return DataType(left.name, children=children, field_names=left.field_names)
    raise IllegalTypeCast(f"{left} and {right} have no common type; use CAST")


def _common_number(left: DataType, right: DataType) -> DataType:
    names = {left.name, right.name}
    if "decimal" in names and not names & {"float", "double"}:
        a, b = decimal_for(left).args, decimal_for(right).args
        scale = max(a[1], b[1])
        return decimal(min(max(a[0] - a[1], b[0] - b[1]) + scale, 38), scale)
    if names == {"float", "tinyint"} or names == {"float", "smallint"}:
        return FLOAT
    return DOUBLE


def _cast(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    source = value.type
    if source.children or to.children:
        return _to_nested(value, to, ctx)
    if source == JSON or to == JSON:
        return _json(value, to, ctx)
    if to.is_text:
        return _to_text(value, to, ctx)
    if to == BINARY:
        return template("encode({0})", value) if source.is_text else None
    if to == BOOLEAN:
        return _to_boolean(value, ctx)
    if to.is_numeric:
        return _to_number(value, to, ctx)
    return _to_temporal(value, to, ctx)


def _number_cast(value: exp.Expression, to: DataType, ctx: FunctionContext) -> exp.Expression:
    return duckdb_cast(value, to, safe=not strict(ctx))


def _to_number(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    source = value.type
    if source == BOOLEAN:
        return duckdb_cast(value.expr, to)
    if source.is_text:
        return _text_to_number(value, to, ctx)
    if not source.is_numeric:
        return None
    if to.is_integer and not source.is_integer:
        return _number_cast(template("trunc({0})", value), to, ctx)
    return _number_cast(value.expr, to, ctx)


def _text_to_number(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression:
    # DuckDB takes underscores between digits; the service does not.
    number = template("replace({0}, '_', '?')", value)
    if not to.is_integer:
        return _number_cast(number, to, ctx)
    whole = _number_cast(number, to, ctx)
    fraction = _number_cast(template("trunc({0})", _number_cast(number, DOUBLE, ctx)), to, ctx)
    if value.constant and isinstance(value.expr, exp.Literal):
        return whole if value.expr.this.strip().lstrip("+-").isdigit() else fraction
    return template(
        "CASE WHEN regexp_full_match({0}, {3}) THEN {1} ELSE {2} END", value, whole, fraction, text(_WHOLE)
    )


def _to_boolean(value: Typed, ctx: FunctionContext) -> exp.Expression | None:
    source = value.type
    if source.is_numeric:
        return template("{0} <> 0", value)
    if source.is_text:
        # Documented so: the empty string is false and any other text, even 'false', is true.
        return template("{0} <> ''", value)
    return None


def _to_text(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    source = value.type
    plain: exp.Expression | None = None
    if source.is_text:
        plain = value.expr
    elif source == BINARY:
        plain = template("decode({0})" if strict(ctx) else "try(decode({0}))", value)
    elif source.name in ("float", "double"):
        plain = _float_text(value)
    elif source.is_integer or source == BOOLEAN:
        plain = duckdb_cast(value.expr, STRING)
    elif source.name == "decimal":
        plain = _decimal_text(value, ctx)
    elif source == DATE:
        plain = template("strftime({0}, '%Y-%m-%d')", value)
    elif source == DATETIME:
        plain = template("strftime({0}, '%Y-%m-%d %H:%M:%S')", to_local(value, ctx))
    elif source in (TIMESTAMP, TIMESTAMP_NTZ):
        # DuckDB writes a fraction only when there is one, without trailing zeros.
        plain = template("CAST({0} AS VARCHAR)", to_local(value, ctx))
    if plain is None or to == STRING:
        return plain
    if source.is_text and source.name == to.name and source.args[0] <= to.args[0]:
        return plain
    cut = template("left({0}, {1})", plain, integer(to.args[0]))
    # CHAR's padding is no part of its value.
    return template("rtrim({0}, ' ')", cut) if to.name == "char" else cut


def _decimal_text(value: Typed, ctx: FunctionContext) -> exp.Expression:
    digits = duckdb_cast(value.expr, STRING)
    trim = value.constant or ctx.flag("odps.sql.decimal.tostring.trimzero", True)
    return template("rtrim(rtrim({0}, '0'), '.')", digits) if trim and value.type.args[1] else digits


def _float_text(value: Typed) -> exp.Expression:
    """Write 1e20, 1.5e-7 and NaN, where DuckDB writes 1e+20, 1.5e-07 and nan."""
    return template(
        r"replace(replace(replace(regexp_replace({0}, 'e(?:\+|(-))0*', 'e\1'), '-nan', 'nan'), 'nan', 'NaN'),"
        " 'inf', 'Infinity')",
        duckdb_cast(value.expr, STRING),
    )


def _to_temporal(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    source = value.type
    if source.is_text:
        return _text_to_temporal(value, to, ctx)
    if not source.is_temporal:
        return None
    if {source, to} == {DATETIME, TIMESTAMP}:
        if to == TIMESTAMP:
            return duckdb_cast(value.expr, TIMESTAMP)
        # Truncated: DuckDB's own cast of nanoseconds rounds.
        return template("date_trunc('millisecond', make_timestamp(epoch_us({0})))", value)
    wall = to_local(value, ctx)
    if to == DATETIME:
        wall = template("date_trunc('millisecond', make_timestamp(epoch_us({0})))", wall)
    return from_local(wall, to, ctx)


def _text_to_temporal(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    if to == DATE:
        return _text_to_date(value, ctx)
    if to == DATETIME:
        checked = _checked(value, _DATETIME_TEXT, "yyyy-mm-dd hh:mi:ss")
    else:
        checked = _checked(value, _TIMESTAMP_TEXT, "yyyy-mm-dd hh:mi:ss.fffffffff")
    wall = _number_cast(checked, DATETIME if to == DATETIME else TIMESTAMP_NTZ, ctx)
    return from_local(wall, to, ctx)


def _text_to_date(value: Typed, ctx: FunctionContext) -> exp.Expression:
    if ctx.flag("odps.sql.executionengine.enable.string.to.date.full.format", False):
        full = _checked(value, _DATE_TEXT, "yyyy-mm-dd hh:mi:ss")
        return duckdb_cast(_number_cast(full, DATETIME, ctx), DATE)
    # Documented so: a time after the date gives NULL, even where other failures fail the query.
    date = template(
        "CASE WHEN regexp_full_match({0}, {1}) THEN NULL ELSE {2} END",
        value,
        text(_DATETIME_TEXT),
        _checked(value, r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "yyyy-mm-dd"),
    )
    return _number_cast(date, DATE, ctx)


def _checked(value: Typed, pattern: str, form: str) -> exp.Expression:
    """Spoil a text that is not of the service's form, so that DuckDB's more generous cast refuses it too."""
    return template(
        "CASE WHEN regexp_full_match({0}, {1}) THEN {0} ELSE {0} || {2} END",
        value,
        text(pattern),
        text(f" is not {form}"),
    )


def _json(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    if to == JSON:
        if value.type.is_text or value.type.is_numeric or value.type == BOOLEAN:
            return template("CAST(to_json({0}) AS VARCHAR)", value)
        return None
    if to.is_text or to.is_numeric or to == BOOLEAN:
        scalar = emit(
            STRING,
            "CASE WHEN json_type({0}) IN ('ARRAY', 'OBJECT')"
            " THEN error('ODPS-0123091:a json array or object cannot be cast to a scalar')"
            " ELSE json_extract_string({0}, '$') END",
            value,
        )
        return cast(scalar, to, ctx).expr
    return None


def _to_nested(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression | None:
    source = value.type
    if source.name != to.name or len(source.children) != len(to.children):
        return None
    if to.name == "struct":
        return _struct(value, to, ctx)
    if to.name == "array":
        item = Typed(exp.column("__item"), source.children[0])
        converted = cast(item, to.children[0], ctx)
        if _same_in_duckdb(item, converted):
            return value.expr
        return template("list_transform({0}, lambda __item: __cast)", value).transform(
            _replacing("__cast", converted.expr)
        )
    entry = DataType("struct", children=source.children, field_names=("key", "value"))
    wanted = DataType("struct", children=to.children, field_names=("key", "value"))
    entries = Typed(template("map_entries({0})", value), DataType("array", children=(entry,)))
    converted_entries = cast(entries, DataType("array", children=(wanted,)), ctx)
    return template("map_from_entries({0})", converted_entries)


def _struct(value: Typed, to: DataType, ctx: FunctionContext) -> exp.Expression:
    fields = []
    for position, (source, target, name) in enumerate(
        zip(value.type.children, to.children, to.field_names, strict=True), start=1
    ):
        # By position: the names of the two structs may differ.
        item = Typed(template("struct_extract_at({0}, {1})", value, integer(position)), source)
        fields.append(
            exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=cast(item, target, ctx).expr)
        )
    return template("CASE WHEN {0} IS NULL THEN NULL ELSE {1} END", value, exp.Struct(expressions=fields))


def _same_in_duckdb(before: Typed, after: Typed) -> bool:
    return before.expr == after.expr


def _replacing(name: str, replacement: exp.Expression) -> Callable[[exp.Expression], exp.Expression]:
    def place(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column | exp.Identifier) and node.name == name:
            return replacement.copy()
        return node

    return place
