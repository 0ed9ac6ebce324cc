"""DuckDB's exceptions as errors of a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

EXPRESSION = "E_RUNTIME_USER_EXPRESSIONEVALUATION"
NOT_EXTRACTED = "datalake-extract-failed"
"""What a fast extraction raises when it meets a row that it is not sure about."""
_CODED = re.compile(r"(E_[A-Z_]+):\s*(.*)", re.DOTALL)
_PREFIX = re.compile(r"^[A-Za-z ]+ Error: ")


def is_extraction_failure(error: Exception) -> bool:
    """
    Tell whether reading a file failed, so that the slow reader should say why.

    :param error: an exception of DuckDB
    :return: False when an expression or the machine failed
    """
    text = str(error)
    if NOT_EXTRACTED in text:
        return True
    return "CSV" in text and _CODED.search(text) is None


def runtime_error(error: Exception, span: Span | None) -> UsqlRuntimeError:
    """
    Translate an exception.

    :param error: of DuckDB, or of the operating system
    :param span: the part of the script that ran
    :return: the error to raise from it
    """
    import duckdb

    text = _PREFIX.sub("", str(error)).strip()
    if isinstance(error, duckdb.OutOfMemoryException):
        return UsqlRuntimeError(
            "E_EMULATOR_OUT_OF_RESOURCES", f"The job needs more memory or disk: {text}", span=span
        )
    if isinstance(error, (duckdb.IOException, OSError)):
        return UsqlRuntimeError("E_EMULATOR_INPUT_OUTPUT", f"Reading or writing failed: {text}", span=span)
    expected = (
        duckdb.ConversionException,
        duckdb.OutOfRangeException,
        duckdb.InvalidInputException,
        duckdb.ConstraintException,
        duckdb.SequenceException,
    )
    if isinstance(error, expected):
        coded = _CODED.search(text)
        message = coded.group(2).strip() if coded and coded.group(1) == EXPRESSION else text
        if message.startswith("Division by zero"):
            message = "Attempted to divide by zero."
        inner = UsqlRuntimeError(EXPRESSION, message, details=text, span=span)
        return UsqlRuntimeError(
            EXPRESSION, f"Error while evaluating expression: {message}", details=text, inner=inner, span=span
        )
    return UsqlRuntimeError(
        "E_EMULATOR_ENGINE", f"The engine cannot run this: {type(error).__name__}: {text}", span=span
    )
