"""``target[index]`` of strings, arrays and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.conversions import convert
from airflow_provider_datalake.usql.expressions.failures import OUT_OF_RANGE, invalid
from airflow_provider_datalake.usql.expressions.members.registry import failing_if
from airflow_provider_datalake.usql.expressions.templates import render, required
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import INT, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

_CHARACTER = failing_if(
    ":a < 0 OR :a >= LENGTH(:s)", OUT_OF_RANGE, "CAST(UNICODE(SUBSTRING(:s, :a + 1, 1)) AS USMALLINT)"
)
_ELEMENT = failing_if(":a < 0 OR :a >= LEN(:s)", OUT_OF_RANGE, "LIST_EXTRACT(:s, :a + 1)")


def index(target: Typed, arguments: list[Typed], span: Span) -> Typed:
    """
    Bind an index.

    :param target: what is looked into
    :param arguments: the indexes
    :param span: the whole expression
    :return: the item
    :raises CompileError: when there is nothing to look into, or with another kind of index
    """
    if len(arguments) != 1:
        raise invalid(f"'{target.type}' is indexed by one value, not by {len(arguments)}", span)
    type_ = target.type
    source = required(target)
    constant = target.constant and arguments[0].constant
    if type_.kind is Kind.MAP and type_.key is not None and type_.element is not None:
        key = convert(arguments[0], type_.key, what="the key")
        # A key that is missing gives null.
        sql = render("ELEMENT_AT(:s, :a)[1]", s=source, a=key.sql)
        return Typed(sql, type_.element.as_nullable(), span, constant)
    position = convert(arguments[0], INT, what="the index")
    if type_.kind is Kind.STRING:
        return Typed(render(_CHARACTER, s=source, a=position.sql), Type(Kind.CHAR), span, constant)
    if type_.kind in (Kind.ARRAY, Kind.PLAIN_ARRAY) and type_.element is not None:
        return Typed(render(_ELEMENT, s=source, a=position.sql), type_.element, span, constant)
    raise invalid(f"Cannot apply indexing with [] to an expression of type '{type_}'", span)
