"""The compiler's front door: from the text of a script to the plan that a backend runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import bind_script, elsewhere
from airflow_provider_datalake.usql.parser import parse

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.catalog import Catalog
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
    return bind_script(parse(text).statements, files, catalog, before)
