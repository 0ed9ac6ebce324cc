"""Bound queries, and how rowsets and their columns are called in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.plan import PlanColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_datalake.usql.plan import Rowset
    from airflow_provider_datalake.usql.types import Type


@dataclass(frozen=True)
class Relation:
    """
    A bound query that is no step of the plan yet.

    :param query: its projections are aliased to the columns' SQL names
    :param columns: what it gives
    :param inputs: ids of the rowsets that it reads
    """

    query: exp.Query
    columns: tuple[PlanColumn, ...]
    inputs: tuple[str, ...]


def plan_columns(columns: Iterable[tuple[str, Type]]) -> tuple[PlanColumn, ...]:
    """
    Give columns their SQL names, which must differ by more than case.

    :param columns: distinct names with their types
    :return: the columns in the same order
    """
    pairs = list(columns)
    lowered = [name.lower() for name, _ in pairs]
    taken = {name for name in lowered if lowered.count(name) == 1}
    named = []
    for (name, type_), lower in zip(pairs, lowered, strict=True):
        sql_name, number = name, 1
        while lowered.count(lower) > 1 and (number == 1 or sql_name.lower() in taken):
            sql_name, number = f"{name}_{number}", number + 1
        taken.add(sql_name.lower())
        named.append(PlanColumn(name, type_, sql_name))
    return tuple(named)


def column_of(sql_name: str, table: str) -> exp.Column:
    """
    Refer to a column.

    :param sql_name: its SQL name
    :param table: the SQL alias of its source
    :return: the reference, quoted
    """
    return exp.column(exp.to_identifier(sql_name, quoted=True), table=table)


def aliased(expression: exp.Expr, sql_name: str) -> exp.Alias:
    """
    Name a projection.

    :param expression: what is projected
    :param sql_name: its SQL name
    :return: the projection
    """
    return exp.Alias(this=expression, alias=exp.to_identifier(sql_name, quoted=True))


def read_rowset(rowset: Rowset) -> Relation:
    """
    Read a rowset as it is.

    :param rowset: a step's rowset
    :return: a query that gives its columns
    """
    query = exp.select(*(aliased(column_of(c.sql_name, rowset.id), c.sql_name) for c in rowset.columns))
    return Relation(query.from_(exp.to_table(rowset.id)), rowset.columns, (rowset.id,))


def merge_inputs(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """
    Collect ids in the order of their first appearance.

    :param parts: inputs of the parts of a query
    :return: each once
    """
    return tuple(dict.fromkeys(item for part in parts for item in part))


def identifier_for(label: str, number: int) -> str:
    """
    Make a rowset's id.

    :param label: what people call it
    :param number: unique in the plan
    :return: a lower-case SQL identifier
    """
    return f"r{number}_{re.sub(r'[^a-z0-9]+', '_', label.lower()).strip('_')}".rstrip("_")
