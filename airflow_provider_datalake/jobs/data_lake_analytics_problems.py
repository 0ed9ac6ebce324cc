"""Why a U-SQL job has failed, in words: positions are told as the author of the script counts them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_analytics_parameters import Prelude

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.clients.data_lake_analytics_models import (
        AnalyticsJob,
        Diagnostic,
        JobProblem,
    )

_LONGEST_TEXT = 2000
_LONGEST_LINE = 200


class Source:
    """
    A submitted script, to look places up in.

    :param script: the script as it was submitted, None when it is not known
    """

    def __init__(self, script: str | None) -> None:
        self._script = script or ""
        self._lines = self._script.splitlines()
        self._prelude = Prelude.of(self._script)

    def place(self, line: int | None, column: int | None, start: int | None = None) -> str:
        """
        Name a place as the script's author counts.

        :param line: line of the submitted script, from 1
        :param column: from 1; found by the offset where it is not known
        :param start: offset in the submitted script, from 0
        :return: e.g. ``line 3, column 18: DROP DATABASE IF EXIST foo;``, empty when the place is not known
        """
        if not line or line < 1:
            return ""
        column = column or self._column(line, start)
        own = line - self._prelude.lines
        at = f"line {own}" if own > 0 else f"the parameters, line {line}"
        at = f"{at}, column {column}" if column else at
        text = self._lines[line - 1].strip() if line <= len(self._lines) else ""
        if len(text) > _LONGEST_LINE:
            text = f"{text[:_LONGEST_LINE]}..."
        return f"{at}: {text}" if text else at

    def _column(self, line: int, start: int | None) -> int | None:
        if start is None or not 0 < start <= len(self._script):
            return None
        before = self._script[:start]
        # Offsets and lines come from different parts of the service: only what agrees is told.
        return start - before.rfind("\n") if before.count("\n") + 1 == line else None


def describe_problems(job: AnalyticsJob) -> str:
    """
    Say why a job has failed.

    :param job: the job in full detail
    :return: the service's error ids and words, the places, and the script's lines
    """
    details = job.details
    if details is None:
        return ""
    source = Source(details.script)
    told = [_problem(problem, source) for problem in _errors(details.problems)]
    told = told or [describe_diagnostic(item, source) for item in details.diagnostics if item.is_error]
    text = "; ".join(told)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def describe_diagnostic(diagnostic: Diagnostic, source: Source) -> str:
    """
    Say what the compiler has found.

    :param diagnostic: the finding
    :param source: the script
    :return: the service's error id and words, the place, and the script's line
    """
    place = source.place(diagnostic.line, diagnostic.column, diagnostic.start)
    return f"{diagnostic.message} (at {place})" if place else diagnostic.message


def code_of(job: AnalyticsJob) -> str:
    """
    Give the error id of a failed job.

    :param job: the job in full detail
    :return: the most specific one, empty when there is none
    """
    if job.details is None:
        return ""
    for problem in _errors(job.details.problems):
        codes = [item.code for item in problem.chain if item.code]
        if codes:
            return codes[-1]
    return next((item.code for item in job.details.diagnostics if item.is_error), "")


def is_retryable(job: AnalyticsJob) -> bool:
    """
    Tell whether running a failed job again may help.

    :param job: the job in full detail
    :return: False for scripts that do not compile, and for errors that scripts and data make
    """
    if job.details is None:
        return True
    if job.details.error_source == "UserError":
        return False
    problems = [item for problem in _errors(job.details.problems) for item in problem.chain]
    if any(item.source.upper() == "USER" or _is_users(item.code) for item in problems):
        return False
    return not any(item.is_error and _is_users(item.code) for item in job.details.diagnostics)


def _is_users(code: str) -> bool:
    if re.match(r"E_CSC_SYSTEM", code):
        return False
    return code.startswith("E_CSC_") or re.match(r"E_[A-Z]+_USER(_|$)", code) is not None


def _errors(problems: tuple[JobProblem, ...]) -> Iterator[JobProblem]:
    errors = [problem for problem in problems if problem.severity in ("", "Error")]
    yield from errors or problems


def _problem(problem: JobProblem, source: Source) -> str:
    parts = []
    for item in problem.chain:
        text = item.message or item.description
        head = f"{item.code}: {text}" if item.code and not text.startswith(item.code) else text
        place = source.place(item.line, None, item.start)
        # The outer ones say only that something inside has failed; the innermost one says what.
        more = [item.description, item.details, item.resolution] if item.inner is None else [item.description]
        words = [" ".join(word.split()) for word in more if word and word != text]
        parts.append(" ".join([f"{head} (at {place})" if place else head, *words]))
    return "; because of ".join(parts)
