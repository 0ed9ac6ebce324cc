"""What an entry of the table of members says, and short ways to write one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.failures import raising
from airflow_provider_datalake.usql.expressions.templates import render
from airflow_provider_datalake.usql.types import BOOL, DATETIME, DOUBLE, INT, LONG, STRING, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.typed import Typed

CHAR = Type(Kind.CHAR)
DECIMAL = Type(Kind.DECIMAL)
GUID = Type(Kind.GUID)
TIMESPAN = Type(Kind.TIMESPAN)
BINARY = Type(Kind.BINARY)
STRINGS = Type(Kind.PLAIN_ARRAY, element=STRING)
CHARS = Type(Kind.PLAIN_ARRAY, element=CHAR)
ANY = Type(Kind.NULL)
"""As a parameter's type: takes a value of any type."""
_HOLES = "abcdefgh"

Lowering = str | Callable[["list[Typed]"], exp.Expr]
"""SQL with the holes ``:s`` (the receiver) and ``:a``, ``:b``..., or a function of receiver and arguments."""


def enum(name: str) -> Type:
    """
    Name an enumeration's type.

    :param name: e.g. ``DateTimeKind``
    :return: the type
    """
    return Type(Kind.ENUM, name=name)


@dataclass(frozen=True)
class Member:
    """
    A property, a method or a constructor.

    :param owner: the type that has it, e.g. ``string``, ``DateTime``, ``Math``
    :param name: its name; ``new`` for a constructor
    :param result: the type of its value
    :param lower: what it is in SQL
    :param parameters: types of its parameters, None for a property
    :param static: whether it is called on the type itself
    :param rest: the type of any number of further arguments
    :param may_be_null: whether a reference result can be null
    :param pure: whether it gives the same for the same arguments
    :param result_of: computes the result's type from receiver and arguments, where it is not always the same
    :param takes_null: whether null arguments are no errors
    """

    owner: str
    name: str
    result: Type
    lower: Lowering
    parameters: tuple[Type, ...] | None = None
    static: bool = False
    rest: Type | None = None
    may_be_null: bool = False
    pure: bool = True
    result_of: Callable[[list[Typed]], Type] | None = None
    takes_null: bool = False

    def sql(self, receiver: Typed | None, arguments: list[Typed]) -> exp.Expr:
        """
        Write a use of the member.

        :param receiver: what it is called on, None for a static one
        :param arguments: the arguments, converted to the parameters' types
        :return: the SQL
        """
        values = ([receiver] if receiver is not None else []) + arguments
        if not isinstance(self.lower, str):
            return self.lower(values)
        holes = {hole: argument.sql for hole, argument in zip(_HOLES, arguments, strict=False)}
        if receiver is not None:
            holes["s"] = receiver.sql
        return render(self.lower, **holes)


def method(
    owner: str,
    name: str,
    parameters: tuple[Type, ...],
    result: Type,
    lower: Lowering,
    *,
    rest: Type | None = None,
    may_be_null: bool = False,
    takes_null: bool = False,
) -> Member:
    """
    Describe a method of a value.

    :param owner: the type
    :param name: the method
    :param parameters: its parameters' types
    :param result: its result's type
    :param lower: its SQL
    :param rest: the type of any number of further arguments
    :param may_be_null: whether its result can be null
    :param takes_null: whether null arguments are no errors
    :return: the entry
    """
    return Member(
        owner, name, result, lower, parameters, rest=rest, may_be_null=may_be_null, takes_null=takes_null
    )


def static(
    owner: str,
    name: str,
    parameters: tuple[Type, ...] | None,
    result: Type,
    lower: Lowering,
    *,
    rest: Type | None = None,
    may_be_null: bool = False,
    pure: bool = True,
    takes_null: bool = False,
) -> Member:
    """
    Describe a static method, or with ``parameters=None`` a static property.

    :param owner: the type
    :param name: the member
    :param parameters: its parameters' types
    :param result: its result's type
    :param lower: its SQL
    :param rest: the type of any number of further arguments
    :param may_be_null: whether its result can be null
    :param pure: whether it gives the same for the same arguments
    :param takes_null: whether null arguments are no errors
    :return: the entry
    """
    return Member(
        owner,
        name,
        result,
        lower,
        parameters,
        static=True,
        rest=rest,
        may_be_null=may_be_null,
        pure=pure,
        takes_null=takes_null,
    )


def prop(owner: str, name: str, result: Type, lower: Lowering, *, may_be_null: bool = False) -> Member:
    """
    Describe a property of a value.

    :param owner: the type
    :param name: the property
    :param result: its type
    :param lower: its SQL
    :param may_be_null: whether it can be null
    :return: the entry
    """
    return Member(owner, name, result, lower, may_be_null=may_be_null)


def failing_if(test: str, message: str, otherwise: str) -> str:
    """
    Write a template that fails the job under a condition.

    :param test: SQL of the condition
    :param message: .NET's words
    :param otherwise: SQL of the value
    :return: the template
    """
    return f"CASE WHEN {test} THEN {raising(message).sql(dialect='duckdb')} ELSE {otherwise} END"


__all__ = [
    "ANY",
    "BINARY",
    "BOOL",
    "CHAR",
    "CHARS",
    "DATETIME",
    "DECIMAL",
    "DOUBLE",
    "GUID",
    "INT",
    "LONG",
    "STRING",
    "STRINGS",
    "TIMESPAN",
    "Member",
    "enum",
    "failing_if",
    "method",
    "prop",
    "static",
]
