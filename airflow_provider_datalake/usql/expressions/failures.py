"""Errors of expressions: at compile time as C#'s compiler says them, at run time as .NET's exceptions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.diagnostics import CompileError, Diagnostic

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

INVALID = "E_EMULATOR_INVALIDEXPRESSION"
"""A code of our own: the service's code for errors of C#'s compiler is not documented."""
NOT_SUPPORTED = "E_EMULATOR_NOTSUPPORTED"
NOT_CONSTANT = "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE"
EVALUATION = "E_RUNTIME_USER_EXPRESSIONEVALUATION"

NULL_REFERENCE = "Object reference not set to an instance of an object."
NULL_ARGUMENT = "Value cannot be null."
NO_VALUE = "Nullable object must have a value."
OUT_OF_RANGE = "Index was outside the bounds."
BAD_FORMAT = "Input string was not in a correct format."
OVERFLOW = "Value was either too large or too small."


def invalid(message: str, span: Span) -> CompileError:
    """
    Make the error for an expression that C# does not accept.

    :param message: C#'s words, where they are known
    :param span: where
    :return: the error, to be raised
    """
    return CompileError(
        Diagnostic(
            INVALID,
            message,
            span,
            description="The expression is not valid C#.",
            resolution="Correct the expression.",
        )
    )


def unsupported(feature: str, span: Span) -> CompileError:
    """
    Make the error for what U-SQL has and this compiler has not.

    :param feature: what
    :param span: where
    :return: the error, to be raised
    """
    return CompileError(
        Diagnostic(
            NOT_SUPPORTED,
            f"{feature}: not supported",
            span,
            description="The feature is part of U-SQL, but is not supported here.",
            resolution="Rewrite the script without it.",
        )
    )


def raising(message: str) -> exp.Expr:
    """
    Make SQL that fails the job when it is evaluated.

    :param message: .NET's words
    :return: a call of ``error``; SQL evaluates it only where CASE or COALESCE comes to it
    """
    return exp.func("ERROR", exp.Literal.string(f"{EVALUATION}: {message}"), dialect="duckdb")
