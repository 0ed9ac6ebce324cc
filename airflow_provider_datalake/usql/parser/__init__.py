"""The parser: recursive descent over the tokens of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.parser.statements import StatementParser

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast


def parse(text: str) -> ast.Script:
    """
    Parse a script.

    :param text: the script
    :return: its syntax tree
    :raises CompileError: with the first error
    """
    parser = StatementParser(text)
    try:
        return parser.script()
    except RecursionError:
        # How deep the stack may still grow depends on the caller: the limit of the parser is not enough.
        error = parser.too_deep()
    raise error
