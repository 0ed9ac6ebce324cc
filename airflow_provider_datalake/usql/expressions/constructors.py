"""``new``: collections and values of the framework's types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.access import use_static
from airflow_provider_datalake.usql.expressions.conversions import cast, common_type, convert
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.expressions.templates import required
from airflow_provider_datalake.usql.expressions.type_names import resolve_type
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.diagnostics import Span

Items = list[list[Typed]]


def construct(node: ast.TypeName, arguments: list[Typed], items: Items | None, span: Span) -> Typed:
    """
    Bind ``new Type(arguments) {items}``.

    :param node: the type as written
    :param arguments: the constructor's arguments
    :param items: the initializer's items, None without one
    :param span: the whole expression
    :return: its value
    :raises CompileError: when the type has no such constructor
    """
    type_ = resolve_type(node)
    if type_.kind in (Kind.PLAIN_ARRAY, Kind.BINARY) and items is not None:
        return array_literal(type_, items, span)
    if type_.kind is Kind.ARRAY:
        return _array(type_, arguments, items, span)
    if type_.kind is Kind.MAP:
        return _map(type_, arguments, items, span)
    found = None if items is not None else use_static(type_.kind.value, "new", arguments, span)
    if found is None:
        raise invalid(f"'{type_}' does not contain a constructor that this compiler knows", span)
    return found


def array_literal(type_: Type | None, items: Items, span: Span) -> Typed:
    """
    Bind ``new[] {...}`` and ``new T[] {...}``.

    :param type_: the array's type, None when its items tell it
    :param items: the items
    :param span: the whole expression
    :return: its value
    """
    values = [value for item in items for value in item]
    if type_ is None:
        if not values:
            raise invalid("No best type found for implicitly-typed array", span)
        type_ = Type(Kind.PLAIN_ARRAY, element=common_type(values))
    if type_.kind is Kind.BINARY:
        element = Type(Kind.BYTE)
        pieces = [convert(value, element) for value in values]
        text = exp.Concat(expressions=[_hex(piece) for piece in pieces]) if pieces else exp.Literal.string("")
        sql: exp.Expr = exp.func("UNHEX", text, dialect="duckdb")
    else:
        sql = _list(values, type_.element or Type(Kind.NULL), type_)
    return Typed(sql, type_, span, all(value.constant for value in values), filled=True)


def _hex(value: Typed) -> exp.Expr:
    text = exp.func("TO_HEX", value.sql, dialect="duckdb")
    return exp.func("LPAD", text, exp.Literal.number(2), exp.Literal.string("0"), dialect="duckdb")


def _list(values: list[Typed], element: Type, type_: Type) -> exp.Expr:
    return cast(exp.Array(expressions=[convert(value, element).sql for value in values]), type_)


def _array(type_: Type, arguments: list[Typed], items: Items | None, span: Span) -> Typed:
    if items is not None:
        values = [value for item in items for value in item]
        if any(len(item) != 1 for item in items):
            raise invalid(f"'{type_}' takes items without braces of their own", span)
        sql = _list(values, type_.element or Type(Kind.NULL), type_)
        return Typed(sql, type_, span, all(value.constant for value in values), filled=True)
    if not arguments:
        return Typed(_list([], type_, type_), type_, span, constant=True, filled=True)
    source = arguments[0]
    fits = source.type.kind in (Kind.PLAIN_ARRAY, Kind.ARRAY) and source.type.element == type_.element
    if len(arguments) != 1 or not fits:
        given = ", ".join(str(argument.type) for argument in arguments)
        raise invalid(f"'{type_}' does not contain a constructor that takes ({given})", span)
    return Typed(required(source, "Value cannot be null."), type_, span, source.constant, filled=True)


def _map(type_: Type, arguments: list[Typed], items: Items | None, span: Span) -> Typed:
    if arguments:
        raise invalid(f"'{type_}' takes its entries in braces", span)
    entries = items or []
    if any(len(entry) != 2 for entry in entries):
        raise invalid(f"an entry of '{type_}' is a key and a value in braces", span)
    key, element = type_.key or Type(Kind.NULL), type_.element or Type(Kind.NULL)
    keys = [convert(entry[0], key).sql for entry in entries]
    values = [convert(entry[1], element).sql for entry in entries]
    sql = exp.Map(keys=exp.Array(expressions=keys), values=exp.Array(expressions=values))
    constant = all(value.constant for entry in entries for value in entry)
    return Typed(cast(sql, type_), type_, span, constant, filled=True)
