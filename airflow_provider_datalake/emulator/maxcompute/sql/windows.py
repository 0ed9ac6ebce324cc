"""Window functions: the call, the window it runs over, and the frame that the service assumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.calls import call_of, function_name
from airflow_provider_datalake.emulator.maxcompute.sql.errors import ParseError, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import AGGREGATES, WINDOWS, unknown_function
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed, boolean, over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder

# Without Hive's rules a window with an order and no frame counts rows for these, not peers.
_BY_ROWS = frozenset({"avg", "count", "max", "min", "stddev", "stddev_pop", "stddev_samp", "sum"})
_NULLS_ARGUMENT = {"first_value": 1, "last_value": 1, "nth_value": 2}
# The bounds of a frame, in the order in which they may come.
_BOUNDS = {
    "UNBOUNDED PRECEDING": 0,
    "PRECEDING": 1,
    "CURRENT ROW": 2,
    "FOLLOWING": 3,
    "UNBOUNDED FOLLOWING": 4,
}
_NEEDS_ORDER = frozenset(
    {"rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "row_number"}
)


def bind_window(binder: ExpressionBinder, node: exp.Window) -> Typed:
    """
    Bind a window function.

    :param binder: the enclosing binder
    :param node: the call with its OVER clause
    :return: its value
    :raises SemanticError: when it may not stand here, or the window does not make sense
    """
    call, modifiers = call_of(node.this)
    name = function_name(call)
    if not binder.place.windows:
        raise SemanticError(f"window function {name} is not allowed in {binder.place.clause}")
    if binder.scope.inside_aggregate:
        raise SemanticError(f"window function {name} is not allowed within an aggregate")
    if any(isinstance(n, exp.Window) for n in call.walk() if n is not node):
        raise SemanticError(f"window function {name} cannot contain another window function")
    window = _definition(binder, node)
    if name in AGGREGATES:
        value = binder.bind_aggregate(node.this, over=True)
    elif name in WINDOWS:
        if modifiers.where or modifiers.order:
            raise SemanticError(f"FILTER and WITHIN GROUP are not supported for {name}")
        arguments = [binder.bind(e) for e in call.expressions]
        if modifiers.nulls == "IGNORE":
            if _NULLS_ARGUMENT.get(name) != len(arguments):
                raise SemanticError(f"IGNORE NULLS is not supported for {name}")
            arguments.append(boolean(True))
        value = WINDOWS[name](arguments, binder.context)
    else:
        raise unknown_function(name)
    return _over(binder, value, window, name)


def _definition(binder: ExpressionBinder, node: exp.Window) -> exp.Window:
    """Look up ``OVER w``; what stands in parentheses is the definition itself."""
    name = node.args.get("alias")
    if name is None:
        return node
    if node.args.get("partition_by") or node.args.get("order") or node.args.get("spec"):
        raise SemanticError(f"a window that extends window {name.name} is not supported")
    definition = binder.named_windows.get(name.name.lower())
    if definition is None:
        raise SemanticError(f"window {name.name} cannot be resolved")
    return definition


def _over(binder: ExpressionBinder, value: Typed, window: exp.Window, name: str) -> Typed:
    partition = [binder.bind(n).expr for n in window.args.get("partition_by") or []]
    order = window.args.get("order")
    keys = [binder.ordered(o) for o in order.expressions] if order else []
    if name in _NEEDS_ORDER and not keys:
        raise SemanticError(f"window function {name} needs an ORDER BY in its OVER clause")
    frame = window.args.get("spec")
    if frame:
        inner = [n.this if isinstance(n, exp.Ordered) else n for n in order.expressions] if order else []
        _check_range(window, [binder.bind(n) for n in inner])
    spec = _frame(binder, frame) if frame else _default_frame(binder, name, bool(keys))

    def place(call: exp.Expression) -> exp.Expression:
        windowed = exp.Window(this=call, partition_by=partition, spec=spec)
        windowed.set("order", exp.Order(expressions=keys) if keys else None)
        return windowed

    return over(value, place)


def _default_frame(binder: ExpressionBinder, name: str, ordered: bool) -> exp.WindowSpec | None:
    if not ordered or name not in _BY_ROWS or binder.context.flag("odps.sql.hive.compatible", False):
        return None
    return exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")


def _frame(binder: ExpressionBinder, spec: exp.WindowSpec) -> exp.WindowSpec:
    if spec.args.get("exclude"):
        raise SemanticError("EXCLUDE in a window frame is not supported")
    bounds: dict[str, Any] = {}
    for side in ("start", "end"):
        bound = spec.args.get(side)
        if isinstance(bound, exp.Expression):
            if not spec.args.get(f"{side}_side"):
                raise ParseError("the bound of a window frame needs PRECEDING or FOLLOWING")
            bounds[side] = _distance(binder, bound)
        elif bound:
            bounds[side] = str(bound).upper()
        if spec.args.get(f"{side}_side"):
            bounds[f"{side}_side"] = str(spec.args[f"{side}_side"]).upper()
    bounds.setdefault("end", "CURRENT ROW")
    start, end = (_rank(bounds, side) for side in ("start", "end"))
    if start > end or start == _BOUNDS["UNBOUNDED FOLLOWING"] or end == _BOUNDS["UNBOUNDED PRECEDING"]:
        raise SemanticError("a window frame cannot end before it starts")
    return exp.WindowSpec(kind=str(spec.args["kind"]).upper(), **bounds)


def _rank(bounds: dict[str, Any], side: str) -> int:
    word = bounds[side] if isinstance(bounds[side], str) else ""
    return _BOUNDS[f"{word} {bounds.get(f'{side}_side', '')}".strip()]


def _check_range(window: exp.Window, keys: Sequence[Typed]) -> None:
    """Refuse a RANGE with a distance, which is taken from the key, without one number to take it from."""
    spec = window.args["spec"]
    bounds = [spec.args.get("start"), spec.args.get("end")]
    if str(spec.args["kind"]).upper() != "RANGE" or not any(isinstance(b, exp.Expression) for b in bounds):
        return
    if len(keys) != 1 or not keys[0].type.is_numeric:
        raise SemanticError("a RANGE with a distance needs an ORDER BY of one number")


def _distance(binder: ExpressionBinder, bound: exp.Expression) -> exp.Expression:
    value = binder.bind(bound)
    if not (isinstance(value.expr, exp.Literal) and value.type.is_integer):
        raise SemanticError("the bound of a window frame must be a constant integer of at least 0")
    return value.expr
