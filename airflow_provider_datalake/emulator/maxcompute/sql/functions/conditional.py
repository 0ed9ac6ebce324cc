"""Functions that choose among values, and the few that belong nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts, operators
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgument, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import (
    Binder,
    constant_string,
    count,
    mismatch,
    native,
)
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    DOUBLE,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    emit,
    null,
    template,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.maxcompute.types import DataType


def _if(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("if", args, 3)
    test = operators.condition(args[0], "IF")
    (yes, no), target = casts.unify(args[1:], ctx)
    return emit(target, "CASE WHEN {0} THEN {1} ELSE {2} END", test, yes, no)


def _coalesce(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("coalesce", args, 1, -1)
    values, target = casts.unify(args, ctx)
    if target == VOID:
        raise SemanticError("function coalesce: all arguments are NULL, so that its type is unknown")
    return _listed("coalesce", values, target)


def _listed(call: str, values: Sequence[Typed], target: DataType) -> Typed:
    holes = ", ".join(f"{{{i}}}" for i in range(len(values)))
    return emit(target, f"{call}({holes})", *values)


def _nvl(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("nvl", args, 2)
    if args[0].type != VOID and casts.has_implicit(args[1].type, args[0].type, ctx):
        target = args[0].type
        if target.is_numeric and args[1].type.is_numeric:
            target = casts.common_type((target, args[1].type))
    else:
        target = casts.common_type((args[0].type, args[1].type))
    return emit(target, "coalesce({0}, {1})", *(casts.cast(a, target, ctx) for a in args))


def _nvl2(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("nvl2", args, 3)
    (some, none), target = casts.unify(args[1:], ctx)
    return emit(target, "CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END", args[0], some, none)


def _nullif(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("nullif", args, 2)
    if VOID in (args[0].type, args[1].type):
        return args[0]
    target = operators.comparison_type(args[0].type, args[1].type)
    same = emit(target, "{0} = {1}", *(casts.cast(a, target, ctx) for a in args))
    return emit(args[0].type, "CASE WHEN {1} THEN NULL ELSE {0} END", args[0], same)


def _decode(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    if len(args) < 3:
        raise mismatch("decode", *args)
    subject, rest = args[0], list(args[1:])
    default = rest.pop() if len(rest) % 2 else null()
    results, target = casts.unify([*rest[1::2], default], ctx)
    branches = [
        # Two NULLs are equal here, unlike anywhere else.
        exp.If(this=operators.bind_binary("<=>", subject, search, ctx).expr, true=result.expr)
        for search, result in zip(rest[::2], results, strict=False)
    ]
    return Typed(exp.Case(ifs=branches, default=results[-1].expr), target)


def _extreme(name: str) -> Binder:
    def bind(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
        count(name, args, 2, -1)
        values = _comparable(name, args, ctx)
        target = values[0].type
        if name == "greatest" and not ctx.flag("odps.sql.hive.compatible", False):
            return _listed("greatest", values, target)
        # NULL is the least of all values; DuckDB's LEAST leaves it out.
        any_null = template(" OR ".join(f"{{{i}}} IS NULL" for i in range(len(values))), *values)
        return emit(
            target,
            "CASE WHEN {0} THEN NULL ELSE {1} END",
            Typed(any_null, target),
            _listed(name, values, target),
        )

    return bind


def _comparable(name: str, args: Sequence[Typed], ctx: FunctionContext) -> list[Typed]:
    types = {a.type for a in args if a.type != VOID}
    if any(t.is_text for t in types) and any(t.is_numeric for t in types):
        return [casts.cast(a, DOUBLE, ctx) for a in args]
    times = [t for t in types if t.is_temporal]
    if times and any(t.is_text for t in types):
        return [casts.cast(a, casts.common_type(times), ctx) for a in args]
    if any(t.children for t in types):
        raise mismatch(name, *args)
    return casts.unify(args, ctx)[0]


def _ordinal(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("ordinal", args, 2, -1)
    if not (args[0].type.is_integer or args[0].type == VOID):
        raise mismatch("ordinal", *args)
    values = _comparable("ordinal", args[1:], ctx)
    holes = ", ".join(f"{{{i}}}" for i in range(1, len(values) + 1))
    ranked = f"list_extract(list_sort([{holes}], 'ASC', 'NULLS FIRST'), {{0}})"
    return emit(values[0].type, ranked, casts.cast(args[0], BIGINT, ctx), *values)


def _max_pt(args: Sequence[Typed], ctx: FunctionContext) -> Typed:
    count("max_pt", args, 1)
    table = constant_string("max_pt", args[0], "the table")
    if table is None or ctx.max_partition is None:
        raise InvalidArgument("function max_pt needs the name of a partitioned table")
    value = ctx.max_partition(table)
    if value is None:
        raise InvalidArgument(f"function max_pt: table {table} has no partition with data")
    return text(value)


SCALARS: dict[str, Binder] = {
    "if": _if,
    "coalesce": _coalesce,
    "nvl": _nvl,
    "ifnull": _nvl,
    "nvl2": _nvl2,
    "nullif": _nullif,
    "decode": _decode,
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "ordinal": _ordinal,
    "max_pt": _max_pt,
    "uuid": native("uuid", STRING, "CAST(uuid() AS VARCHAR)"),
}
