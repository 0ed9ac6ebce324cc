"""Mathematical functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.sql import casts, operators
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    Parameter,
    constant_integer,
    count,
    mismatch,
    native,
    real,
    string,
    whole,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    decimal,
    double,
    duckdb_cast,
    emit,
    integer,
    null,
)
from airflow_provider_datalake.emulator.maxcompute.types import DataType, duckdb_type

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_PLACES = 300
_INVALID = "error('ODPS-0121095:{name}: {what}')"


def _number(name: str, value: Typed, ctx: FunctionContext) -> Typed:
    if value.type.is_text or value.type == VOID:
        return casts.cast(value, DOUBLE, ctx)
    if not value.type.is_numeric:
        raise mismatch(name, value)
    return value


def _kept(name: str, text: str) -> Binder:
    """Define a function of a number whose value has the type of its argument."""

    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        value = _number(name, args[0], ctx)
        return Typed(duckdb_cast(emit(value.type, text, value).expr, value.type), value.type, value.constant)

    return bind


def _to_integer(name: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1)
        value = _number(name, args[0], ctx)
        if value.type.is_integer:
            return casts.cast(value, BIGINT, ctx)
        return emit(BIGINT, f"CAST({name}({{0}}) AS BIGINT)", value)

    return bind


def _limited(name: str, text: str, condition: str) -> Binder:
    """Define a function of a DOUBLE that gives NULL outside of its range."""
    return native(name, DOUBLE, f"CASE WHEN {condition} THEN {text} END", real)


def _places(name: str, args: Sequence[Typed]) -> int | None:
    if len(args) < 2:
        return 0
    return constant_integer(name, args[1], "the number of places")


def _round(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("round", args, 1, 2)
    value, places = _number("round", args[0], ctx), _places("round", args)
    if value.type.name == "decimal":
        return _decimal("round", value, places)
    value = casts.cast(value, DOUBLE, ctx)
    return null(DOUBLE) if places is None else emit(DOUBLE, "round({0}, {1})", value, integer(places, INT))


def _bround(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("bround", args, 1, 2)
    value, places = _number("bround", args[0], ctx), _places("bround", args)
    if value.type.name == "decimal":
        return _decimal("round_even", value, places)
    value = casts.cast(value, DOUBLE, ctx)
    return (
        null(DOUBLE) if places is None else emit(DOUBLE, "round_even({0}, {1})", value, integer(places, INT))
    )


def _trunc(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("trunc", args, 1, 2)
    value, places = _number("trunc", args[0], ctx), _places("trunc", args)
    if value.type.name == "decimal":
        return _decimal("trunc", value, places)
    value = casts.cast(value, DOUBLE, ctx)
    if places is None:
        return null(DOUBLE)
    if places == 0:
        return emit(DOUBLE, "trunc({0})", value)
    if abs(places) > _MOST_PLACES:
        return emit(DOUBLE, "{0}" if places > 0 else "{0} * 0", value)
    if places > 0:
        # From 2**53 on a DOUBLE is whole.
        cut = "CASE WHEN abs({0} * {1}) < 9007199254740992 THEN trunc({0} * {1}) * {2} ELSE {0} END"
        return emit(DOUBLE, cut, value, double(10.0**places), double(10.0**-places))
    # Scaled up, cut and scaled down, which is why the documented trunc(125.815, 1) is 125.80000000000001.
    return emit(DOUBLE, "trunc({0} * {1}) * {2}", value, double(10.0**places), double(10.0**-places))


def _decimal(call: str, value: Typed, places: int | None) -> Typed:
    if places is None:
        return null(value.type)
    if places >= value.type.args[1]:
        return value
    # Rounding up may need one digit more than the type has.
    result = decimal(min(value.type.args[0] + 1, 38), value.type.args[1])
    return emit(result, f"CAST({call}({{0}}, {{1}}) AS {duckdb_type(result)})", value, integer(places, INT))


def _rand(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("rand", args, 0, 1)
    if not args:
        return emit(DOUBLE, "random()")
    if constant_integer("rand", args[0], "the seed") is None:
        return null(DOUBLE)
    raise InvalidArgument("function rand with a seed is not supported: the service's sequence is not known")


def _shift(name: str, text: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2)
        value, places = args
        if not all(a.type.is_integer or a.type == VOID for a in args):
            raise mismatch(name, *args)
        target = BIGINT if value.type == BIGINT else INT
        bits = 64 if target == BIGINT else 32
        # Like the machine's shift: by the places modulo the width, without overflow.
        body = text.replace("{bits}", str(bits)).replace("{type}", duckdb_type(target))
        return emit(target, body, casts.cast(value, target, ctx), casts.cast(places, BIGINT, ctx))

    return bind


_STEP = "(({1} % {bits}) + {bits}) % {bits}"


def _widen(name: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2)
        value, places = args
        if not all(a.type.is_integer or a.type == VOID for a in args):
            raise mismatch(name, *args)
        target = BIGINT if value.type == BIGINT else INT
        bits = 64 if target == BIGINT else 32
        call = {"shiftleft": "mc_shift_left", "shiftrightunsigned": "mc_shift_right_unsigned"}[name]
        moved = emit(
            BIGINT,
            f"{call}({{0}}, {{1}}, {{2}})",
            casts.cast(value, BIGINT, ctx),
            casts.cast(places, BIGINT, ctx),
            integer(bits),
        )
        return Typed(duckdb_cast(moved.expr, target), target, moved.constant)

    return bind


def _pmod(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("pmod", args, 2)
    a, b = args
    first = operators.bind_binary("%", a, b, ctx)
    return operators.bind_binary("%", operators.bind_binary("+", first, b, ctx), b, ctx)


def _signed(op: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count("negative" if op == "-" else "positive", args, 1)
        return operators.bind_unary(op, args[0], ctx)

    return bind


def _constant(name: str, value: float) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 0)
        return double(value)

    return bind


def _as(data_type: DataType) -> Parameter:
    def convert(name: str, value: Typed, ctx: FunctionContext) -> Typed:
        return casts.cast(_number(name, value, ctx), data_type, ctx)

    return convert


_LOG = "CASE WHEN {0} > 0 AND {1} > 0 AND {0} <> 1 THEN ln({1}) / ln({0}) END"
_WIDTH_BUCKET = (
    "CASE WHEN {1} IS NULL OR {2} IS NULL OR {3} IS NULL OR {0} IS NULL THEN NULL"
    " WHEN {1} >= {2} OR {3} <= 0 THEN "
    + _INVALID.format(name="width_bucket", what="the bounds must rise and the number of buckets be positive")
    + " WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1"
    " ELSE CAST(floor({3} * ({0} - {1}) / ({2} - {1}) + 1) AS BIGINT) END"
)

SCALARS: dict[str, Binder] = {
    "abs": _kept("abs", "abs({0})"),
    "negative": _signed("-"),
    "positive": _signed("+"),
    "ceil": _to_integer("ceil"),
    "ceiling": _to_integer("ceil"),
    "floor": _to_integer("floor"),
    "round": _round,
    "bround": _bround,
    "trunc": _trunc,
    "rand": _rand,
    "pmod": _pmod,
    **{
        name: native(name, DOUBLE, f"{name}({{0}})", real)
        for name in (
            "sin",
            "cos",
            "tan",
            "cot",
            "sinh",
            "cosh",
            "tanh",
            "atan",
            "exp",
            "cbrt",
            "radians",
            "degrees",
        )
    },
    "atan2": native("atan2", DOUBLE, "atan2({0}, {1})", real, real),
    **{name: _limited(name, f"{name}({{0}})", "{0} BETWEEN -1 AND 1") for name in ("asin", "acos")},
    "sqrt": _limited("sqrt", "sqrt({0})", "{0} >= 0"),
    "ln": _limited("ln", "ln({0})", "{0} > 0"),
    "log": native("log", DOUBLE, _LOG, real, real),
    "log2": _limited("log2", "log2({0})", "{0} > 0"),
    "log10": _limited("log10", "log10({0})", "{0} > 0"),
    **{name: native(name, DOUBLE, "pow({0}, {1})", real, real) for name in ("pow", "power")},
    "sign": native("sign", DOUBLE, "CAST(sign({0}) AS DOUBLE)", real),
    "e": _constant("e", math.e),
    "pi": _constant("pi", math.pi),
    "isnan": native("isnan", BOOLEAN, "isnan({0})", real),
    "bin": native("bin", STRING, "bin({0})", whole),
    "conv": native("conv", STRING, "mc_conv({0}, {1}, {2})", string, whole, whole),
    "factorial": native(
        "factorial",
        BIGINT,
        "CASE WHEN {0} BETWEEN 0 AND 20 THEN CAST(factorial(CAST({0} AS INTEGER)) AS BIGINT) END",
        whole,
    ),
    "shiftleft": _widen("shiftleft"),
    "shiftright": _shift("shiftright", "{0} >> CAST(" + _STEP + " AS {type})"),
    "shiftrightunsigned": _widen("shiftrightunsigned"),
    "width_bucket": native(
        "width_bucket", BIGINT, _WIDTH_BUCKET, _as(DOUBLE), _as(DOUBLE), _as(DOUBLE), whole
    ),
}
