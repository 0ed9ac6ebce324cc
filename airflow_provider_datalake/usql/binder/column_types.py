"""Which types a column may have, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.types import Type

_NO_COLUMN = (Kind.TIMESPAN, Kind.PLAIN_ARRAY, Kind.ENUM, Kind.NULL)
COLLECTIONS = (Kind.ARRAY, Kind.MAP)


def check_column(name: str, type_: Type, span: Span) -> None:
    """
    Check that a column may have a type.

    :param name: the column
    :param type_: its type
    :param span: where it gets it
    :raises CompileError: when values of the type can only live inside of an expression
    """
    if type_.kind in _NO_COLUMN:
        what = "null without a type; cast it" if type_.kind is Kind.NULL else str(type_)
        raise failure(errors.TYPE_MISMATCH, f"column {name} cannot be {what}", span)


def check_comparable(what: str, type_: Type, span: Span) -> None:
    """
    Check that values of a type can be compared, for keys and for DISTINCT.

    :param what: what compares them, for the message
    :param type_: the type
    :param span: where
    :raises CompileError: when they cannot
    """
    if type_.kind in (*_NO_COLUMN, *COLLECTIONS):
        raise failure(errors.TYPE_MISMATCH, f"{what} cannot compare values of type {type_}", span)
