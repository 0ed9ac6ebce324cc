"""Small pieces of SQL with holes: how the functions of this package write what they mean."""

from __future__ import annotations

import zlib
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import NULL_ARGUMENT, NULL_REFERENCE, raising

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.typed import Typed

Value = exp.Expr | str | int

_LIGHT = 16
"""How many nodes a value may have and still be written out wherever it is used."""


@cache
def _parsed(template: str) -> tuple[exp.Expr, Counter[str]]:
    tree = sqlglot.parse_one(template, dialect="duckdb")
    return tree, Counter(hole.name for hole in tree.find_all(exp.Placeholder))


def render(template: str, **values: Value) -> exp.Expr:
    """
    Fill a template.

    A value that is used more than once is computed once where it is long, for chains of such templates would
    grow without bounds, or where it changes from use to use.

    :param template: SQL with holes such as ``:a``
    :param values: what goes in; text becomes a string literal
    :return: the SQL, of its own
    """
    tree, uses = _parsed(template)
    parts = {name: _part(value) for name, value in values.items()}
    named: list[tuple[str, exp.Expr]] = []
    shared = {name for name, part in parts.items() if uses[name] > 1 and _is_heavy(part)}
    if shared:
        # A function of groups or windows cannot stand inside of a lambda.
        shared |= {name for name, part in parts.items() if uses[name] and _is_over_rows(part)}
    for name in sorted(shared):
        label = _label(parts[name])
        named.append((label, parts[name]))
        parts[name] = exp.to_identifier(label, quoted=True)
    body = _filled(tree, parts)
    for label, value in named:
        body = _let(label, value, body)
    return body


def _part(value: Value) -> exp.Expr:
    return grouped(value) if isinstance(value, exp.Expr) else exp.convert(value)


def _filled(tree: exp.Expr, parts: dict[str, exp.Expr]) -> exp.Expr:
    def fill(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and node.name in parts:
            return parts[node.name].copy()
        return node

    return tree.copy().transform(fill)


def _is_heavy(value: exp.Expr) -> bool:
    for count, node in enumerate(value.walk()):
        if count >= _LIGHT or isinstance(node, exp.Uuid):
            return True
    return False


def _is_over_rows(value: exp.Expr) -> bool:
    return value.find(exp.AggFunc, exp.Window) is not None


def _label(value: exp.Expr) -> str:
    # The same for the same value, so that equal expressions stay equal.
    return f"value {zlib.crc32(value.sql(dialect='duckdb').encode()):08x}"


def _let(label: str, value: exp.Expr, body: exp.Expr) -> exp.Expr:
    items = exp.Array(expressions=[value])
    function = exp.Lambda(this=body, expressions=[exp.to_identifier(label, quoted=True)])
    return exp.func("LIST_EXTRACT", exp.func("LIST_TRANSFORM", items, function), exp.Literal.number(1))


def grouped(sql: exp.Expr) -> exp.Expr:
    """
    Put parentheses around what an operator beside it would tear apart.

    :param sql: any expression
    :return: the expression as an operand
    """
    if isinstance(sql, exp.Paren) or (isinstance(sql, exp.Func) and not isinstance(sql, exp.Connector)):
        return sql
    if isinstance(sql, exp.Binary | exp.Unary | exp.Between | exp.In | exp.Predicate | exp.Lambda):
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


_SAFE = (
    exp.And,
    exp.Between,
    exp.Boolean,
    exp.Case,
    exp.Coalesce,
    exp.Column,
    exp.Contains,
    exp.DataType,
    exp.DataTypeParam,
    exp.EndsWith,
    exp.EQ,
    exp.Extract,
    exp.GT,
    exp.GTE,
    exp.Identifier,
    exp.If,
    exp.In,
    exp.Is,
    exp.Length,
    exp.Like,
    exp.Literal,
    exp.Lower,
    exp.LT,
    exp.LTE,
    exp.NEQ,
    exp.Not,
    exp.Null,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Or,
    exp.Paren,
    exp.StartsWith,
    exp.Trim,
    exp.Upper,
    exp.Var,
)


def may_fail(sql: exp.Expr) -> bool:
    """
    Tell whether computing a value can fail the job.

    :param sql: the value
    :return: False when it surely does not
    """

    def unsafe(node: exp.Expr) -> bool:
        if isinstance(node, exp.Cast):
            inner = node.this.this if isinstance(node.this, exp.Neg) else node.this
            return not isinstance(inner, exp.Literal | exp.Null)
        if isinstance(node, exp.Neg):
            return not isinstance(node.this, exp.Literal)
        return not isinstance(node, _SAFE)

    return any(unsafe(node) for node in sql.walk())
