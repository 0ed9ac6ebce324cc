"""A bound expression: SQL whose value is one of a C# type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.types import Type


@dataclass(frozen=True)
class Typed:
    """
    SQL with its C# type.

    :param sql: its value has exactly ``sql_type(type)``
    :param type: the C# type
    :param span: where it stands in the script
    :param constant: whether its value is known when the script is compiled
    :param filled: whether a value of a type that may be null never is, e.g. a string literal
    :param whole: whether a real was converted from an integer, and so is a number
    """

    sql: exp.Expr
    type: Type
    span: Span
    constant: bool = False
    filled: bool = False
    whole: bool = False

    @property
    def may_be_null(self) -> bool:
        """Whether the value can be null."""
        return self.type.nullable and not self.filled

    @property
    def is_null(self) -> bool:
        """Whether this is the literal ``null``."""
        return self.type.kind is Kind.NULL

    def as_type(self, type_: Type) -> Typed:
        """
        Relabel the value, for types that SQL holds alike.

        :param type_: the new type
        :return: the same SQL under that type
        """
        return replace(self, type=type_)

    def at(self, span: Span) -> Typed:
        """
        Move the value to another place of the script.

        :param span: the place
        :return: the same value there
        """
        return replace(self, span=span)
