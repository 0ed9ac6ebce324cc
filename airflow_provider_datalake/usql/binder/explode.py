"""CROSS APPLY and OUTER APPLY of EXPLODE: one row for every item of an array or entry of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.scopes import Stage, bind_value
from airflow_provider_datalake.usql.binder.sources import Source, SourceColumn
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import Kind, array_of

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.types import Type

_ITEM = "item"


def explode(node: ast.Apply, left: Source, environment: Environment, sql_alias: str) -> Source:
    """
    Bind an APPLY of EXPLODE.

    :param node: the APPLY
    :param left: what it is applied to, whose columns the collection may name
    :param environment: the script's state
    :param sql_alias: a SQL alias that is free
    :return: the left source with one column more for an array, two for a map
    :raises CompileError: when it is no collection, or the number of columns does not fit
    """
    collection = bind_value(environment, node.collection, left.columns, Stage.ROWS)
    item, reference = _item(collection.type), exp.column(_ITEM, table=sql_alias)
    if item is None or collection.type.element is None:
        raise failure(
            errors.TYPE_MISMATCH,
            f"EXPLODE takes a SqlArray or a SqlMap, not {collection.type}",
            node.collection.span,
        )
    types = [collection.type.element]
    values: list[exp.Expr] = [reference]
    source = collection.sql
    if collection.type.kind is Kind.MAP and collection.type.key is not None:
        types = [collection.type.key, collection.type.element]
        source = exp.MapKeys(this=collection.sql)
        values = [reference, exp.Bracket(this=collection.sql.copy(), expressions=[reference.copy()])]
    if len(node.columns) != len(types):
        raise failure(
            errors.COLUMN_COUNT,
            f"EXPLODE of {collection.type} gives {len(types)} columns, and {node.alias} names "
            f"{len(node.columns)}",
            node.span,
        )
    if node.kind == "OUTER":
        source = _never_empty(source, item)
        types = [type_.as_nullable() for type_ in types]
    unnest = exp.Unnest(
        expressions=[source],
        alias=exp.TableAlias(this=exp.to_identifier(sql_alias), columns=[exp.to_identifier(_ITEM)]),
    )
    added = tuple(
        SourceColumn(name, type_, node.alias, value)
        for name, type_, value in zip(node.columns, types, values, strict=True)
    )
    return Source(
        left.first,
        (*left.joins, exp.Join(this=unnest, kind="CROSS")),
        (*left.columns, *added),
        (*left.aliases, node.alias),
        left.inputs,
    )


def _item(collection: Type) -> Type | None:
    """Give the type of what is unnested: an array's items, a map's keys."""
    if collection.kind is Kind.MAP:
        return collection.key
    return collection.element if collection.kind is Kind.ARRAY else None


def _never_empty(array: exp.Expr, item: Type) -> exp.Expr:
    """Put one null in the place of a collection that is empty or null itself."""
    single = exp.Cast(this=exp.Array(expressions=[exp.null()]), to=sql_type(array_of(item)))
    filled = exp.GT(this=exp.ArraySize(this=array), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=filled, true=array.copy())], default=single)
