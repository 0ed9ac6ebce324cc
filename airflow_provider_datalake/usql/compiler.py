"""The compiler's front door: from the text of a script to the plan that a backend runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import bind_script, elsewhere
from airflow_provider_datalake.usql.diagnostics import NOWHERE, CompileError
from airflow_provider_datalake.usql.expressions.clock import frozen
from airflow_provider_datalake.usql.parser import parse
from airflow_provider_datalake.usql.syntax_errors import mark

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.catalog import Catalog
    from airflow_provider_datalake.usql.diagnostics import Diagnostic
    from airflow_provider_datalake.usql.plan import Plan
    from airflow_provider_datalake.usql.workspace import Files


def compile_script(text: str, files: Files, catalog: Catalog, *, prelude: str = "") -> Plan:
    """
    Compile a script.

    :param text: the script
    :param files: the stores that it may name
    :param catalog: the catalog as it is now; it is not changed
    :param prelude: statements before the script, e.g. the DECLAREs of its parameters, which positions
        do not count
    :return: the plan
    :raises CompileError: with the first error
    """
    with elsewhere():
        before = parse(prelude).statements
    try:
        with frozen():
            return bind_script(parse(text).statements, files, catalog, before)
    except CompileError as error:
        raise CompileError(*(_with_details(item, text) for item in error.diagnostics)) from error


def _with_details(diagnostic: Diagnostic, text: str) -> Diagnostic:
    if diagnostic.details or diagnostic.span == NOWHERE:
        return diagnostic
    return replace(diagnostic, details=mark(text, diagnostic.span))
