"""What the compiler and the runtime say about a script, in the shape that the service says it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """
    A part of the script's text.

    :param start: offset of its first character, from 0
    :param end: offset behind its last character
    :param line: line of its first character, from 1
    :param column: column of its first character, from 1
    """

    start: int
    end: int
    line: int
    column: int

    def to(self, last: Span) -> Span:
        """
        Stretch over a later part.

        :param last: where it ends
        :return: from this one's start to the other one's end
        """
        return Span(self.start, max(self.end, last.end), self.line, self.column)


NOWHERE = Span(0, 0, 1, 1)
"""For what stands in no script, e.g. a parameter that was prepended."""


@dataclass(frozen=True)
class Diagnostic:
    """
    One finding about a script.

    :param code: e.g. ``E_CSC_USER_SYNTAXERROR``; codes of our own begin with ``E_EMULATOR_``
    :param message: what is wrong, without the code
    :param span: where
    :param severity: the service's ``Severity``: Error, Warning, Info...
    :param description: one sentence more about the kind of error
    :param resolution: what a person can do
    :param details: e.g. the script's line with the place marked by ``###``
    """

    code: str
    message: str
    span: Span = NOWHERE
    severity: str = "Error"
    description: str = ""
    resolution: str = ""
    details: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class CompileError(Exception):
    """
    The script does not compile.

    :param diagnostics: why; the service reports the first error only
    """

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{item} (line {item.span.line})" for item in diagnostics))
        self.diagnostics = diagnostics


class UsqlRuntimeError(Exception):
    """
    The script compiled, and failed on its data.

    :param code: e.g. ``E_RUNTIME_USER_EXTRACT_ROW_ERROR``
    :param message: what went wrong
    :param details: the file, row, column and text that it went wrong at, as far as they are known
    :param inner: a more specific error, in the same shape
    :param span: the part of the script that ran, where it is known
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: str = "",
        inner: UsqlRuntimeError | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details
        self.inner = inner
        self.span = span
