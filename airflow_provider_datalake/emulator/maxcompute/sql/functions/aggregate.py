"""Aggregate functions; all of them can also be used over a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts, operators
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import arguments
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    constant_string,
    count,
    mismatch,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    STAR,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    aggregate_call,
    array_of,
    decimal,
    emit,
    integer,
    template,
    text,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.types import DataType


class AggregateBinder(Protocol):
    """Binds a call of an aggregate."""

    def __call__(
        self,
        args: Sequence[Typed],
        ctx: FunctionContext,
        *,
        distinct: bool = False,
        order_by: Sequence[exp.Ordered] = (),
        where: exp.Expression | None = None,
    ) -> Typed:
        """
        Bind one call.

        :param args: its arguments; ``typed.STAR`` for COUNT(*)
        :param ctx: the statement
        :param distinct: whether the call says DISTINCT
        :param order_by: DuckDB's sort terms of WITHIN GROUP or of the call's own ORDER BY
        :param where: DuckDB's condition of a FILTER clause
        :return: its value; ``typed.over`` puts its calls over a window
        """


class _Call:
    """One call under construction: what stands around its arguments."""

    def __init__(
        self,
        name: str,
        ctx: FunctionContext,
        distinct: bool,
        order_by: Sequence[exp.Ordered],
        where: exp.Expression | None,
    ) -> None:
        self.name = name
        self.ctx = ctx
        self.distinct = distinct
        self.order_by = order_by
        self.where = where

    def of(
        self, function: str, data_type: DataType, *args: Typed, where: exp.Expression | None = None
    ) -> Typed:
        """Call a DuckDB aggregate; data_type is the type that it has in DuckDB."""
        values: list[exp.Expression] = [a.expr.copy() for a in args]
        if self.distinct and values:
            values[:1] = [exp.Distinct(expressions=values[:1])]
        if self.order_by and values:
            values[-1] = exp.Order(this=values[-1], expressions=[o.copy() for o in self.order_by])
        call: exp.Expression = exp.Anonymous(this=function, expressions=values)
        conditions = [c for c in (self.where, where) if c is not None]
        if conditions:
            both = exp.and_(*(c.copy() for c in conditions))
            call = exp.Filter(this=call, expression=exp.Where(this=both))
        return aggregate_call(data_type, call)


Build = Callable[[_Call, Sequence[Typed]], Typed]


def _aggregate(
    name: str,
    build: Build,
    low: int = 1,
    high: int | None = None,
    *,
    sortable: bool = False,
    distinct: bool = True,
) -> AggregateBinder:
    takes_distinct = distinct

    def bind(
        args: Sequence[Typed],
        ctx: FunctionContext,
        *,
        distinct: bool = False,
        order_by: Sequence[exp.Ordered] = (),
        where: exp.Expression | None = None,
    ) -> Typed:
        count(name, args, low, high)
        if STAR in args and name != "count":
            raise SemanticError(f"function {name} does not take *")
        if distinct and not takes_distinct:
            raise SemanticError(f"DISTINCT is not supported in function {name}")
        if order_by and not sortable:
            raise SemanticError(f"function {name} does not take WITHIN GROUP or ORDER BY")
        return build(_Call(name, ctx, distinct, order_by, where), args)

    return bind


def _wrapped(data_type: DataType, text_: str, *calls: Typed) -> Typed:
    return Typed(emit(data_type, text_, *calls).expr, data_type)


def _number(call: _Call, value: Typed) -> Typed:
    if value.type.is_text or value.type == VOID:
        return casts.cast(value, DOUBLE, call.ctx)
    if not value.type.is_numeric:
        raise mismatch(call.name, value)
    return value


def _real(call: _Call, value: Typed) -> Typed:
    return casts.cast(_number(call, value), DOUBLE, call.ctx)


def _count(call: _Call, args: Sequence[Typed]) -> Typed:
    if args[0] == STAR:
        if call.distinct or len(args) > 1:
            raise SemanticError("COUNT(DISTINCT *) is not supported")
        return call.of("count", BIGINT, STAR)
    if len(args) == 1:
        return call.of("count", BIGINT, args[0])
    # A row counts when none of its values is NULL.
    known = template(" AND ".join(f"{{{i}}} IS NOT NULL" for i in range(len(args))), *args)
    row = template(f"row({', '.join(f'{{{i}}}' for i in range(len(args)))})", *args)
    return call.of("count", BIGINT, Typed(row, VOID), where=known)


def _sum(call: _Call, args: Sequence[Typed]) -> Typed:
    value = _number(call, args[0])
    if value.type.is_integer:
        total = call.of("sum", BIGINT, value)
        return _wrapped(BIGINT, "CAST({0} AS BIGINT)", total)
    if value.type.name == "decimal":
        return call.of("sum", decimal(38, value.type.args[1]), value)
    return call.of("sum", DOUBLE, value)


def _avg(call: _Call, args: Sequence[Typed]) -> Typed:
    value = _number(call, args[0])
    if value.type.name != "decimal":
        return call.of("avg", DOUBLE, value)
    scale = value.type.args[1]
    total = call.of("sum", decimal(38, scale), value)
    rows = Typed(call.of("count", BIGINT, value).expr, BIGINT)
    wanted = decimal(min(value.type.args[0] + 4, 38), min(scale + 4, 18))
    quotient = operators.bind_binary("/", total, rows, call.ctx)
    return Typed(operators.cut_decimal(quotient, wanted), wanted)


def _same(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        if args[0].type.name == "map":
            raise mismatch(call.name, *args)
        return call.of(function, args[0].type, args[0])

    return build


def _spread(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        return call.of(function, DOUBLE, _real(call, args[0]))

    return build


def _pair(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        return call.of(function, DOUBLE, _real(call, args[0]), _real(call, args[1]))

    return build


def _median(call: _Call, args: Sequence[Typed]) -> Typed:
    value = _number(call, args[0])
    if value.type.name == "decimal":
        return call.of("quantile_cont", value.type, value, Typed(exp.Literal.number("0.5"), DOUBLE))
    return call.of("median", DOUBLE, casts.cast(value, DOUBLE, call.ctx))


def _percentile(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        value, wanted = _real(call, args[0]), args[1]
        if len(args) > 2 and not args[2].type.is_integer:
            raise mismatch(call.name, *args)
        if not wanted.constant:
            raise InvalidArgument(f"function {call.name}: the percentage must be a constant")
        if wanted.type.name == "array" and wanted.type.children[0].is_numeric:
            return call.of(function, array_of(DOUBLE), value, casts.cast(wanted, array_of(DOUBLE), call.ctx))
        if not wanted.type.is_numeric:
            raise mismatch(call.name, *args)
        return call.of(function, DOUBLE, value, casts.cast(wanted, DOUBLE, call.ctx))

    return build


def _wm_concat(call: _Call, args: Sequence[Typed]) -> Typed:
    separator = constant_string("wm_concat", args[0], "the separator")
    if separator is None:
        raise InvalidArgument("function wm_concat: the separator must not be NULL")
    value = arguments.string("wm_concat", args[1], call.ctx)
    return call.of("string_agg", STRING, value, text(separator))


def _collect_list(call: _Call, args: Sequence[Typed]) -> Typed:
    value = args[0]
    listed = call.of("list", array_of(value.type), value, where=template("{0} IS NOT NULL", value))
    return _wrapped(listed.type, "coalesce({0}, [])", listed)


def _collect_set(call: _Call, args: Sequence[Typed]) -> Typed:
    call.distinct = True
    return _collect_list(call, args)


def _count_if(call: _Call, args: Sequence[Typed]) -> Typed:
    test = operators.condition(args[0], "COUNT_IF")
    return call.of("count", BIGINT, integer(1, INT), where=test.expr)


def _approx_distinct(call: _Call, args: Sequence[Typed]) -> Typed:
    return call.of("approx_count_distinct", BIGINT, args[0])


def _by(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        return call.of(function, args[0].type, args[0], args[1])

    return build


def _swapped(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        return call.of(function, args[1].type, args[1], args[0])

    return build


def _bits(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        if not args[0].type.is_integer:
            raise mismatch(call.name, *args)
        return call.of(function, BIGINT, casts.cast(args[0], BIGINT, call.ctx))

    return build


def _truth(function: str) -> Build:
    def build(call: _Call, args: Sequence[Typed]) -> Typed:
        return call.of(function, BOOLEAN, operators.condition(args[0], call.name))

    return build


AGGREGATES: dict[str, AggregateBinder] = {
    name: _aggregate(name, build, low, high)
    for name, build, low, high in (
        ("count", _count, 1, -1),
        ("sum", _sum, 1, 1),
        ("avg", _avg, 1, 1),
        ("min", _same("min"), 1, 1),
        ("max", _same("max"), 1, 1),
        ("any_value", _same("any_value"), 1, 1),
        ("stddev", _spread("stddev_pop"), 1, 1),
        ("stddev_pop", _spread("stddev_pop"), 1, 1),
        ("stddev_samp", _spread("stddev_samp"), 1, 1),
        ("variance", _spread("var_pop"), 1, 1),
        ("var_pop", _spread("var_pop"), 1, 1),
        ("var_samp", _spread("var_samp"), 1, 1),
        ("covar_pop", _pair("covar_pop"), 2, 2),
        ("covar_samp", _pair("covar_samp"), 2, 2),
        ("corr", _pair("corr"), 2, 2),
        ("median", _median, 1, 1),
        ("approx_distinct", _approx_distinct, 1, 1),
        ("bitwise_and_agg", _bits("bit_and"), 1, 1),
        ("bitwise_or_agg", _bits("bit_or"), 1, 1),
        ("bitwise_xor_agg", _bits("bit_xor"), 1, 1),
        ("bool_and", _truth("bool_and"), 1, 1),
        ("bool_or", _truth("bool_or"), 1, 1),
    )
}
AGGREGATES |= {
    "wm_concat": _aggregate("wm_concat", _wm_concat, 2, sortable=True),
    "collect_list": _aggregate("collect_list", _collect_list, sortable=True),
    "array_agg": _aggregate("array_agg", _collect_list, sortable=True),
    "collect_set": _aggregate("collect_set", _collect_set),
    "percentile": _aggregate("percentile", _percentile("quantile_cont"), 2, distinct=False),
    "percentile_approx": _aggregate("percentile_approx", _percentile("quantile_cont"), 2, 3, distinct=False),
    "count_if": _aggregate("count_if", _count_if, distinct=False),
    "max_by": _aggregate("max_by", _by("arg_max_null"), 2, distinct=False),
    "min_by": _aggregate("min_by", _by("arg_min_null"), 2, distinct=False),
    # The other order of arguments: arg_max(value to maximize, value to return).
    "arg_max": _aggregate("arg_max", _swapped("arg_max_null"), 2, distinct=False),
    "arg_min": _aggregate("arg_min", _swapped("arg_min_null"), 2, distinct=False),
}
