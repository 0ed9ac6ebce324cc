"""``target[index]`` of strings, arrays, maps and the groups of a match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.conversions import convert
from airflow_provider_datalake.usql.expressions.failures import OUT_OF_RANGE, invalid
from airflow_provider_datalake.usql.expressions.members.regex import GROUPS, group
from airflow_provider_datalake.usql.expressions.members.registry import failing_if
from airflow_provider_datalake.usql.expressions.templates import argument, render, required
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import INT, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

# A character behind U+FFFF has two UTF-16 units: a sign stands for the second one.
_WIDE = "REGEXP_REPLACE(:s, '([\\x{10000}-\\x{10FFFF}])', '\\1\uffff', 'g')"
_CODE = f"UNICODE(SUBSTRING({_WIDE}, :a + 1, 1))"
_CHARACTER = failing_if(
    f":a < 0 OR :a >= STRLEN(:s) OR (STRLEN(:s) <> LENGTH(:s) AND :a >= LENGTH({_WIDE}))",
    OUT_OF_RANGE,
    "CAST(CASE WHEN STRLEN(:s) = LENGTH(:s) THEN UNICODE(SUBSTRING(:s, :a + 1, 1)) "
    f"WHEN {_CODE} = 65535 THEN 56320 + (UNICODE(SUBSTRING({_WIDE}, :a, 1)) - 65536) % 1024 "
    f"WHEN {_CODE} > 65535 THEN 55296 + ({_CODE} - 65536) // 1024 ELSE {_CODE} END AS USMALLINT)",
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
    if type_ == GROUPS:
        return group(target, arguments[0], span)
    source = required(target)
    constant = target.constant and arguments[0].constant
    if type_.kind is Kind.MAP and type_.key is not None and type_.element is not None:
        key = argument(convert(arguments[0], type_.key, what="the key"))
        # A key that is missing gives null.
        sql = render("LIST_EXTRACT(MAP_EXTRACT(:s, :a), 1)", s=source, a=key)
        return Typed(sql, type_.element.as_nullable(), span, constant)
    if type_.kind not in (Kind.STRING, Kind.ARRAY, Kind.PLAIN_ARRAY) or (
        type_.kind is not Kind.STRING and type_.element is None
    ):
        raise invalid(f"Cannot apply indexing with [] to an expression of type '{type_}'", span)
    position = convert(arguments[0], INT, what="the index")
    if type_.kind is Kind.STRING:
        return Typed(render(_CHARACTER, s=source, a=position.sql), Type(Kind.CHAR), span, constant)
    element = type_.element or Type(Kind.NULL)
    return Typed(render(_ELEMENT, s=source, a=position.sql), element, span, constant)
