"""The errors of the lexer and the parser, in the words of the service's compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.diagnostics import CompileError, Diagnostic

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_datalake.usql.diagnostics import Span

SYNTAX_ERROR = "E_CSC_USER_SYNTAXERROR"
NOT_SUPPORTED = "E_EMULATOR_NOTSUPPORTED"
"""A code of our own: U-SQL has the feature, this compiler does not."""
_AROUND = 40
"""Characters of the script that are quoted before and behind the place of an error."""


def syntax_error(text: str, span: Span, *, expected: Collection[str] = (), why: str = "") -> CompileError:
    """
    Make the error for a script that cannot be parsed.

    :param text: the script
    :param span: the token that does not fit
    :param expected: what would fit, as messages name it
    :param why: what is wrong, where that says more
    :return: the error
    """
    message = "syntax error."
    if why:
        message += f" Found {why}."
    if expected:
        message += f" Expected one of: {' '.join(sorted(expected))}"
    return CompileError(
        Diagnostic(
            SYNTAX_ERROR,
            message,
            span,
            description="Invalid syntax found in the script.",
            resolution="Correct the script syntax, using expected token(s) as a guide.",
            details=mark(text, span),
        )
    )


def not_supported(text: str, span: Span, feature: str) -> CompileError:
    """
    Make the error for a part of U-SQL that this compiler knows and does not run.

    :param text: the script
    :param span: where it stands
    :param feature: what it is, as it reads before "is not supported"
    :return: the error
    """
    return CompileError(
        Diagnostic(
            NOT_SUPPORTED,
            f"{feature} is not supported by this compiler.",
            span,
            description="The script uses a part of U-SQL that the emulator does not run.",
            resolution="See the emulator's coverage table for what it runs.",
            details=mark(text, span),
        )
    )


def mark(text: str, span: Span) -> str:
    """
    Quote the script around a place.

    :param text: the script
    :param span: the place
    :return: the token and its line, then the surroundings on one line, with ``###`` before the place
    """
    token = text[span.start : span.end] if span.end - span.start <= _AROUND else ""
    before = text[max(0, span.start - _AROUND) : span.start]
    behind = text[span.start : span.end + _AROUND] if token else text[span.start : span.start + _AROUND]
    place = f"at token '{token}', line {span.line}" if token else f"at line {span.line}"
    surroundings = " ".join(f"{before} ### {behind}".split())
    return f"{place}\nnear the ###:\n{surroundings}"
