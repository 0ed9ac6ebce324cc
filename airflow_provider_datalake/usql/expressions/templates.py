"""Small pieces of SQL with holes: how the functions of this package write what they mean."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import NULL_ARGUMENT, NULL_REFERENCE, raising

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.typed import Typed

Value = exp.Expr | str | int


@cache
def _parsed(template: str) -> exp.Expr:
    return sqlglot.parse_one(template, dialect="duckdb")


def render(template: str, **values: Value) -> exp.Expr:
    """
    Fill a template.

    :param template: SQL with holes such as ``:a``
    :param values: what goes in; text becomes a string literal
    :return: the SQL, of its own
    """

    def fill(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and node.name in values:
            value = values[node.name]
            if isinstance(value, exp.Expr):
                return grouped(value.copy())
            return exp.convert(value)
        return node

    return _parsed(template).copy().transform(fill)


def grouped(sql: exp.Expr) -> exp.Expr:
    """
    Put parentheses around what an operator beside it would tear apart.

    :param sql: any expression
    :return: the expression as an operand
    """
    if isinstance(sql, exp.Binary | exp.Unary | exp.Between | exp.In | exp.Predicate | exp.Lambda) and not (
        isinstance(sql, exp.Paren | exp.Func)
    ):
        return exp.Paren(this=sql)
    return sql


def required(value: Typed, message: str = NULL_REFERENCE) -> exp.Expr:
    """
    Give a value that must not be null, as the receiver of a member must not.

    :param value: the value
    :param message: the words of the failure
    :return: its SQL, which fails the job when it is null
    """
    if not value.may_be_null:
        return value.sql
    return exp.Coalesce(this=value.sql, expressions=[raising(message)])


def argument(value: Typed) -> exp.Expr:
    """
    Give an argument that must not be null.

    :param value: the value
    :return: its SQL, which fails the job when it is null
    """
    return required(value, NULL_ARGUMENT)
