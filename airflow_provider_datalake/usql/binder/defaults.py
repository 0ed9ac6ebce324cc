"""Values for columns that a query does not give: null, or .NET's default of a type that cannot be null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.types import Type

_TEXTS = {
    Kind.DATETIME: "0001-01-01 00:00:00",
    Kind.GUID: "00000000-0000-0000-0000-000000000000",
}


def null_of(type_: Type) -> exp.Expr:
    """
    Make a null.

    :param type_: its type
    :return: the null in SQL
    """
    return exp.Cast(this=exp.null(), to=sql_type(type_))


def default_value(type_: Type) -> exp.Expr:
    """
    Make the default of a type: null, 0, false, the first instant or the empty Guid.

    :param type_: the type
    :return: the value in SQL
    """
    if type_.nullable:
        return null_of(type_)
    if type_.kind is Kind.BOOL:
        return exp.false()
    text = _TEXTS.get(type_.kind)
    value = exp.Literal.number(0) if text is None else exp.Literal.string(text)
    return exp.Cast(this=value, to=sql_type(type_))
