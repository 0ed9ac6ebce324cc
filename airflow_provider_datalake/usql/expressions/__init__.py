"""C# expressions, bound: from syntax to typed SQL with C#'s meaning."""

from __future__ import annotations

from airflow_provider_datalake.usql.expressions.aggregates import AGGREGATES
from airflow_provider_datalake.usql.expressions.binding import bind
from airflow_provider_datalake.usql.expressions.conversions import common_type, convert
from airflow_provider_datalake.usql.expressions.folding import fold, literal
from airflow_provider_datalake.usql.expressions.operators import condition
from airflow_provider_datalake.usql.expressions.scope import Scope
from airflow_provider_datalake.usql.expressions.type_names import resolve_type
from airflow_provider_datalake.usql.expressions.typed import Typed

__all__ = [
    "AGGREGATES",
    "Scope",
    "Typed",
    "bind",
    "common_type",
    "condition",
    "convert",
    "fold",
    "literal",
    "resolve_type",
]
