"""What names mean where an expression stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.expressions.typed import Typed


class Scope(Protocol):
    """The columns and variables that an expression may name."""

    def column(self, name: str, qualifier: str | None, span: Span) -> Typed:
        """
        Look a column up.

        :param name: its name
        :param qualifier: the alias of its source, None when not given
        :param span: where it is named
        :return: the column
        :raises CompileError: when there is none, or more than one
        """
        ...

    def has_qualifier(self, name: str) -> bool:
        """
        Tell whether a name is the alias of a source.

        :param name: the name
        :return: whether it is
        """
        ...

    def has_column(self, name: str) -> bool:
        """
        Tell whether a name is a column.

        :param name: the name
        :return: whether it is
        """
        ...

    def variable(self, name: str, span: Span) -> Typed:
        """
        Look a variable up.

        :param name: its name with the at sign
        :param span: where it is named
        :return: its value
        :raises CompileError: when there is none
        """
        ...
