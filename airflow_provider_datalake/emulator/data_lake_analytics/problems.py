"""Compile and runtime errors as the service reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import CompileError, Diagnostic, UsqlRuntimeError

_VERTEX_FAILED = 223412291
_USER_ERROR = 195887158


def diagnostic(found: Diagnostic) -> dict[str, Any]:
    """
    Describe a finding for ``properties.diagnostics``.

    :param found: the finding
    :return: its JSON
    """
    return {
        "severity": found.severity,
        "lineNumber": found.span.line,
        "columnNumber": found.span.column,
        "start": found.span.start,
        "end": found.span.end,
        "message": f"{found.code}: {found.message}",
    }


def compile_details(error: CompileError) -> list[dict[str, Any]]:
    """
    Describe a compile error as the error of a job.

    :param error: the error
    :return: the service's ``errorMessage``
    """
    return [
        {
            "errorId": found.code,
            "severity": found.severity,
            "source": "User",
            "component": "CSC",
            "message": found.message,
            "description": found.description or found.message,
            "details": found.details,
            "resolution": found.resolution,
            "lineNumber": found.span.line,
            "columnNumber": found.span.column,
            "startOffset": found.span.start,
            "endOffset": found.span.end,
            "helpLink": "",
            "filePath": "",
            "innerError": None,
        }
        for found in error.diagnostics
    ]


def runtime_details(error: UsqlRuntimeError) -> list[dict[str, Any]]:
    """
    Describe a runtime error as the error of a job.

    :param error: the error
    :return: the service's ``errorMessage``: the vertex that failed, and inside of it why
    """
    span = error.span
    return [
        {
            "diagnosticCode": _VERTEX_FAILED,
            "errorId": "VertexFailedFast",
            "severity": "Error",
            "source": "User",
            "component": "Runtime",
            "message": "Vertex failed with a fail-fast error",
            "description": "Vertex failure triggered quick job abort. Vertex user code error.",
            "details": "",
            "resolution": "",
            "helpLink": "",
            "lineNumber": span.line if span else None,
            "startOffset": span.start if span else None,
            "endOffset": span.end if span else None,
            "innerError": _inner(error),
        }
    ]


def _inner(error: UsqlRuntimeError) -> dict[str, Any]:
    return {
        "diagnosticCode": _USER_ERROR,
        "errorId": error.code,
        "severity": "Error",
        "source": "User",
        "component": "RUNTIME",
        "message": error.message,
        "description": error.message,
        "details": error.details,
        "resolution": "",
        "helpLink": "",
        "innerError": None if error.inner is None else _inner(error.inner),
    }


def user_error(code: str, message: str) -> list[dict[str, Any]]:
    """
    Describe an error that is neither: e.g. a file that the submitter may not read.

    :param code: the error's id
    :param message: what went wrong
    :return: the service's ``errorMessage``
    """
    return [
        {
            "errorId": code,
            "severity": "Error",
            "source": "User",
            "component": "JobManager",
            "message": message,
            "description": message,
            "details": "",
            "resolution": "",
            "helpLink": "",
            "innerError": None,
        }
    ]


def cancelled(by: str) -> list[dict[str, Any]]:
    """
    Describe that somebody cancelled a job.

    :param by: who
    :return: the service's ``errorMessage``
    """
    return [
        {
            "errorId": "I_USER_CJS_CANCELEDBYUSER",
            "name": "CANCELED_BY_USER",
            "severity": "Info",
            "source": "User",
            "component": "CJS",
            "message": "Job was cancelled.",
            "details": "",
            "description": f"Job was cancelled by {by}.",
            "resolution": "",
            "helpLink": "",
            "innerError": None,
        }
    ]
