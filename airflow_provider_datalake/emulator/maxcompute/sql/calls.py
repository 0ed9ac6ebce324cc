"""Calls of functions as they stand in a query, and names of its constructs for people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError


def function_name(node: exp.Expression) -> str:
    """
    Name the function that is called.

    :param node: the call
    :return: its lower-case name
    """
    name = node.this
    return (name.name if isinstance(name, exp.Identifier) else str(name)).lower()


@dataclass
class Modifiers:
    """
    What stands around the call of an aggregate or window function.

    :param where: the condition of FILTER
    :param order: the sort keys of WITHIN GROUP or of an ORDER BY among the arguments
    :param nulls: ``IGNORE`` or ``RESPECT``
    """

    where: exp.Expression | None = None
    order: list[exp.Expression] = field(default_factory=list)
    nulls: str = ""


def call_of(node: exp.Expression) -> tuple[exp.Anonymous, Modifiers]:
    """
    Take FILTER, WITHIN GROUP and the like off a call.

    :param node: the call as it stands in the query
    :return: the call itself and what stood around it
    :raises SemanticError: when something else is underneath
    """
    modifiers = Modifiers()
    while not isinstance(node, exp.Anonymous):
        if isinstance(node, exp.Filter):
            modifiers.where = node.expression.this
        elif isinstance(node, exp.WithinGroup) and isinstance(node.expression, exp.Order):
            modifiers.order = node.expression.expressions
        elif isinstance(node, exp.IgnoreNulls | exp.RespectNulls):
            modifiers.nulls = "IGNORE" if isinstance(node, exp.IgnoreNulls) else "RESPECT"
        else:
            raise SemanticError(f"{describe(node)} is not supported here")
        node = node.this
    return node, modifiers


def describe(node: exp.Expression) -> str:
    """
    Name a construct for people.

    :param node: a node of the query's tree
    :return: e.g. ``TABLE SAMPLE``
    """
    if isinstance(node, exp.MultitableInserts):
        return "INSERT into several tables"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()
