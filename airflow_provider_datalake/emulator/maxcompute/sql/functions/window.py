"""Window functions: each gives only its call; the binder adds the OVER clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    constant_integer,
    count,
    mismatch,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    FunctionContext,
    Typed,
    aggregate_call,
    integer,
    template,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.types import DataType

WindowBinder = Callable[[Sequence[Typed], FunctionContext], Typed]


def _call(data_type: DataType, text: str, *args: Typed) -> Typed:
    return aggregate_call(data_type, template(text, *args))


def _ranking(name: str, result: DataType) -> WindowBinder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 0)
        return _call(result, f"{name}()")

    return bind


def _ntile(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("ntile", args, 1)
    if not args[0].type.is_integer:
        raise mismatch("ntile", *args)
    return _call(BIGINT, "ntile({0})", casts.cast(args[0], BIGINT, ctx))


def _shift(name: str) -> WindowBinder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1, 3)
        value = args[0]
        offset = 1
        if len(args) > 1:
            given = constant_integer(name, args[1], "the offset")
            if given is None or given < 0:
                raise InvalidArgument(f"function {name}: the offset must be a number of at least 0")
            offset = given
        if len(args) < 3:
            return _call(value.type, name + "({0}, {1})", value, integer(offset))
        default = casts.coerce(args[2], value.type, ctx)
        return _call(value.type, name + "({0}, {1}, {2})", value, integer(offset), default)

    return bind


def _edge(name: str, node: type[exp.Expression]) -> WindowBinder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 1, 2)
        return _ignoring_nulls(name, node(this=args[0].expr.copy()), args, 1)

    return bind


def _nth_value(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("nth_value", args, 2, 3)
    number = constant_integer("nth_value", args[1], "the row number")
    if number is None or number < 1:
        raise InvalidArgument("function nth_value: the row number must be at least 1")
    call = exp.NthValue(this=args[0].expr.copy(), offset=exp.Literal.number(number))
    return _ignoring_nulls("nth_value", call, args, 2)


def _ignoring_nulls(name: str, call: exp.Expression, args: Sequence[Typed], at: int) -> Typed:
    if len(args) > at:
        if args[at].type != BOOLEAN or not isinstance(args[at].expr, exp.Boolean):
            raise mismatch(name, *args)
        if args[at].expr.this:
            call = exp.IgnoreNulls(this=call)
    return aggregate_call(args[0].type, call)


WINDOWS: dict[str, WindowBinder] = {
    "row_number": _ranking("row_number", BIGINT),
    "rank": _ranking("rank", BIGINT),
    "dense_rank": _ranking("dense_rank", BIGINT),
    "percent_rank": _ranking("percent_rank", DOUBLE),
    "cume_dist": _ranking("cume_dist", DOUBLE),
    "ntile": _ntile,
    "lag": _shift("lag"),
    "lead": _shift("lead"),
    "first_value": _edge("first_value", exp.FirstValue),
    "last_value": _edge("last_value", exp.LastValue),
    "nth_value": _nth_value,
}
