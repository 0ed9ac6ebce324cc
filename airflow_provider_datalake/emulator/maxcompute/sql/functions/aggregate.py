"""Aggregate functions; most of them can also be used over a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.typed import FunctionContext, Typed


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


AGGREGATES: dict[str, AggregateBinder] = {}
