"""Functions over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.expressions.aggregates import AGGREGATES, parts
from airflow_provider_datalake.usql.expressions.conversions import cast, convert
from airflow_provider_datalake.usql.expressions.failures import invalid, unsupported
from airflow_provider_datalake.usql.expressions.folding import fold, literal
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import DOUBLE, LONG, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Bind = Callable[[ast.Expression], Typed]

RANKING = {"ROW_NUMBER": exp.RowNumber, "RANK": exp.Rank, "DENSE_RANK": exp.DenseRank}
_SHARES = {"CUME_DIST": exp.CumeDist, "PERCENT_RANK": exp.PercentRank}
_NEIGHBOURS = {"LAG": exp.Lag, "LEAD": exp.Lead}
_ENDS = {"FIRST_VALUE": exp.FirstValue, "LAST_VALUE": exp.LastValue}
_PERCENTILES = {"PERCENTILE_CONT": "QUANTILE_CONT", "PERCENTILE_DISC": "QUANTILE_DISC"}
FUNCTIONS = frozenset({*RANKING, *_SHARES, *_NEIGHBOURS, *_ENDS, *_PERCENTILES, "NTILE"})
"""Functions that need OVER."""


def window(node: ast.Over, bind: Bind) -> Typed:
    """
    Bind a call over a window.

    :param node: the call with its OVER
    :param bind: binds its operands
    :return: its value
    :raises CompileError: when there is no such function, or its operands do not fit
    """
    call = node.call
    if not isinstance(call.target, ast.Name):
        raise invalid("OVER needs an aggregate or a ranking function", node.span)
    name = call.target.name
    star = any(isinstance(one.value, ast.Star) for one in call.arguments)
    arguments = [bind(one.value) for one in call.arguments if not isinstance(one.value, ast.Star)]
    if name in AGGREGATES:
        if call.distinct:
            raise unsupported(f"{name}(DISTINCT ...) OVER", node.span)
        found = parts(name, arguments, node.span, distinct=False, star=star)
        sql = found.value(lambda call: _over(call, node, bind))
        return Typed(sql, found.type, node.span, filled=name == "COUNT")
    if name in RANKING and not arguments:
        over = _over(RANKING[name](), node, bind)
        return Typed(over, LONG.as_nullable(), node.span, filled=True)
    if name in _SHARES and not arguments:
        return Typed(_over(_SHARES[name](), node, bind), DOUBLE.as_nullable(), node.span, filled=True)
    if name == "NTILE" and len(arguments) == 1:
        over = _over(exp.Ntile(this=convert(arguments[0], LONG).sql), node, bind)
        return Typed(over, LONG.as_nullable(), node.span, filled=True)
    if name in _NEIGHBOURS and 1 <= len(arguments) <= 3:
        return _neighbour(name, arguments, node, bind)
    if name in _ENDS and len(arguments) == 1:
        over = _over(_ENDS[name](this=arguments[0].sql), node, bind)
        return Typed(over, arguments[0].type.as_nullable(), node.span)
    if name in _PERCENTILES and len(arguments) == 1:
        return _percentile(name, arguments[0], node, bind)
    raise invalid(f"{name} with {len(arguments)} arguments cannot be called OVER a window", node.span)


def _neighbour(name: str, arguments: Sequence[Typed], node: ast.Over, bind: Bind) -> Typed:
    type_ = arguments[0].type.as_nullable()
    values = {"this": arguments[0].sql}
    if len(arguments) > 1:
        values["offset"] = convert(arguments[1], LONG).sql
    if len(arguments) > 2:
        values["default"] = convert(arguments[2], type_, what=f"the default of {name}").sql
    return Typed(_over(_NEIGHBOURS[name](**values), node, bind), type_, node.span)


def _percentile(name: str, share: Typed, node: ast.Over, bind: Bind) -> Typed:
    if len(node.within_group) != 1:
        raise invalid(f"{name} needs WITHIN GROUP (ORDER BY ...) with one item", node.span)
    item = node.within_group[0]
    value = bind(item.value)
    if node.order_by or node.frame:
        raise invalid(f"{name} takes PARTITION BY only in OVER", node.span)
    interpolated = name == "PERCENTILE_CONT"
    if interpolated and not value.type.is_numeric:
        raise invalid(f"{name} takes a number, not a value of type '{value.type}'", item.span)
    ordered(value, item)
    fraction = fold(convert(share, DOUBLE, explicit=True))
    if not 0 <= fraction <= 1:
        raise invalid(f"{name} takes a share from 0 to 1, not {fraction}", share.span)
    # A share below 0 counts from the other end; 0 itself has no sign, but the other end is the share 1.
    wanted = -fraction if item.descending else fraction
    if item.descending and not fraction:
        wanted = 1.0
    operand, type_ = (cast(value.sql, DOUBLE), DOUBLE) if interpolated else (value.sql, value.type)
    function = exp.func(_PERCENTILES[name], operand, literal(wanted, DOUBLE).sql, dialect="duckdb")
    return Typed(_over(function, node, bind), type_.as_nullable(), node.span)


def _over(function: exp.Expr, node: ast.Over, bind: Bind) -> exp.Window:
    order = None
    if node.order_by:
        order = exp.Order(expressions=[ordered(bind(item.value), item) for item in node.order_by])
    partition = [bind(value).sql for value in node.partition_by]
    return exp.Window(this=function, partition_by=partition, order=order, spec=_frame(node, bind))


def ordered(value: Typed, item: ast.SortItem) -> exp.Ordered:
    """
    Sort by a value; nulls come last in both directions.

    :param value: the value
    :param item: its direction
    :return: the item of an ORDER BY
    :raises CompileError: when values of its type have no order
    """
    if value.type.kind in (Kind.ARRAY, Kind.MAP, Kind.PLAIN_ARRAY, Kind.NULL):
        raise invalid(f"rows cannot be ordered by a value of type '{value.type}'", item.span)
    return exp.Ordered(this=value.sql, desc=item.descending, nulls_first=False)


def _frame(node: ast.Over, bind: Bind) -> exp.WindowSpec | None:
    if node.frame is None:
        return None
    unit, low, high = node.frame
    arguments: dict[str, object] = {"kind": unit}
    for side, bound in (("start", low), ("end", high)):
        kind = bound.kind
        if kind == "CURRENT ROW":
            arguments[side] = "CURRENT ROW"
            continue
        word = kind.removeprefix("UNBOUNDED ")
        arguments[f"{side}_side"] = word
        unbounded = kind.startswith("UNBOUNDED") or bound.offset is None
        arguments[side] = "UNBOUNDED" if unbounded else convert(bind(bound.offset), LONG).sql  # type: ignore[arg-type]
    return exp.WindowSpec(**arguments)
