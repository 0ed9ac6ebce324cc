from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_datalake.clients.data_lake_analytics_models import AnalyticsJob, Diagnostic
from airflow_provider_datalake.clients.data_lake_analytics_parameters import declare
from airflow_provider_datalake.jobs.data_lake_analytics_problems import (
    Source,
    code_of,
    describe_diagnostic,
    describe_problems,
    is_retryable,
)

SCRIPT = "USE db;\nDROP DATABASE IF EXIST foo;\n"
SYNTAX = {
    "errorId": "E_CSC_USER_SYNTAXERROR",
    "severity": "Error",
    "source": "USER",
    "message": "syntax error. Expected one of: EXISTS",
    "description": "Invalid syntax found in the script.",
    "resolution": "Correct the script syntax.",
}
VERTEX = {
    "errorId": "VertexFailedFast",
    "severity": "Error",
    "source": "USER",
    "message": "Vertex failed with a fail-fast error",
    "description": "Vertex failure triggered quick job abort.",
    "innerError": {
        "errorId": "E_RUNTIME_USER_EXTRACT_ROW_ERROR",
        "severity": "Error",
        "source": "USER",
        "message": "Error occurred while extracting row after processing 10 record(s)",
        "details": "column\n  'a'",
        "innerError": {
            "errorId": "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_TOO_LONG",
            "message": "Value too long",
            "details": "column 'b'",
        },
    },
}


def job(*problems: dict[str, Any], script: str | None = SCRIPT, **properties: Any) -> AnalyticsJob:
    return AnalyticsJob.from_wire(
        {
            "jobId": "1",
            "state": "Ended",
            "result": "Failed",
            "errorMessage": list(problems),
            "properties": {"script": script, **properties},
        }
    )


def test_a_compile_error_is_told_with_id_words_place_and_line() -> None:
    failed = job({**SYNTAX, "lineNumber": 2, "startOffset": SCRIPT.index("EXIST"), "endOffset": 30})
    assert describe_problems(failed) == (
        "E_CSC_USER_SYNTAXERROR: syntax error. Expected one of: EXISTS "
        "(at line 2, column 18: DROP DATABASE IF EXIST foo;) "
        "Invalid syntax found in the script. Correct the script syntax."
    )
    assert code_of(failed) == "E_CSC_USER_SYNTAXERROR"
    assert not is_retryable(failed)


def test_lines_are_counted_as_the_author_counts_them() -> None:
    submitted = declare(SCRIPT, {"a": 1, "b": "x\ny"})
    start = submitted.index("EXIST")
    failed = job({**SYNTAX, "lineNumber": 6, "startOffset": start}, script=submitted)
    assert "(at line 2, column 18: DROP DATABASE IF EXIST foo;)" in describe_problems(failed)


def test_an_error_in_the_parameters_is_told_as_such() -> None:
    failed = job({**SYNTAX, "lineNumber": 2}, script=declare(SCRIPT, {"a": 1}))
    assert "(at the parameters, line 2: DECLARE @a int = 1;)" in describe_problems(failed)


@pytest.mark.parametrize(("line", "start"), [(1, 40), (2, 9999), (2, None), (2, -1)])
def test_a_column_that_line_and_offset_do_not_agree_on_is_not_told(line: int, start: int | None) -> None:
    assert "column" not in Source(SCRIPT).place(line, None, start)


@pytest.mark.parametrize("line", [None, 0, -3])
def test_without_a_line_there_is_no_place(line: int | None) -> None:
    assert Source(SCRIPT).place(line, 5) == ""


def test_a_line_that_the_script_does_not_have_is_told_without_its_text() -> None:
    assert Source(SCRIPT).place(99, 5) == "line 99, column 5"
    assert Source(None).place(2, 5) == "line 2, column 5"


def test_a_long_line_is_cut() -> None:
    assert len(Source("x" * 10_000).place(1, 1)) < 250


def test_the_innermost_error_is_the_reason() -> None:
    failed = job(VERTEX)
    assert code_of(failed) == "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_TOO_LONG"
    assert describe_problems(failed) == (
        "VertexFailedFast: Vertex failed with a fail-fast error Vertex failure triggered quick job abort.; "
        "because of E_RUNTIME_USER_EXTRACT_ROW_ERROR: "
        "Error occurred while extracting row after processing 10 record(s); "
        "because of E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_TOO_LONG: Value too long column 'b'"
    )
    assert not is_retryable(failed)


@pytest.mark.parametrize(
    ("problem", "retryable"),
    [
        ({"errorId": "E_CSC_USER_SYNTAXERROR"}, False),
        ({"errorId": "E_CSC_INVALIDSCRIPT"}, False),
        ({"errorId": "E_CSC_SYSTEM_INTERNAL", "source": "SYSTEM"}, True),
        ({"errorId": "E_RUNTIME_USER_EXPRESSIONEVALUATION"}, False),
        ({"errorId": "E_STORE_USER_FAILED"}, False),
        ({"errorId": "E_RUNTIME_SYSTEM_NODEFAILED", "source": "SYSTEM"}, True),
        ({"errorId": "VertexFailedFast", "source": "SYSTEM"}, True),
        ({"errorId": "VertexFailedFast", "innerError": {"errorId": "X", "source": "USER"}}, False),
        ({}, True),
    ],
)
def test_only_what_the_service_itself_got_wrong_is_worth_another_try(
    problem: dict[str, Any], retryable: bool
) -> None:
    assert is_retryable(job(problem)) is retryable


def test_a_users_error_without_details_is_not_worth_another_try() -> None:
    assert not is_retryable(job(errorSource="UserError"))
    assert is_retryable(job(errorSource="Unknown"))


def test_warnings_are_left_out_where_there_are_errors() -> None:
    failed = job({**SYNTAX, "severity": "Warning", "errorId": "W", "message": "mind"}, SYNTAX)
    assert "mind" not in describe_problems(failed)
    assert code_of(failed) == "E_CSC_USER_SYNTAXERROR"


def test_diagnostics_stand_in_where_there_is_no_error_message() -> None:
    found = {
        "severity": "Error",
        "lineNumber": 2,
        "columnNumber": 18,
        "start": 25,
        "end": 30,
        "message": "E_CSC_USER_SYNTAXERROR: syntax error.",
    }
    failed = job(diagnostics=[found])
    told = "E_CSC_USER_SYNTAXERROR: syntax error. (at line 2, column 18: DROP DATABASE IF EXIST foo;)"
    assert describe_problems(failed) == told
    assert describe_diagnostic(Diagnostic.from_wire(found), Source(SCRIPT)) == told
    assert code_of(failed) == "E_CSC_USER_SYNTAXERROR"
    assert not is_retryable(failed)


def test_a_failure_without_any_word_is_told_as_nothing() -> None:
    assert describe_problems(job()) == ""
    assert describe_problems(AnalyticsJob("1", "n", "Ended", "Failed")) == ""
    assert code_of(AnalyticsJob("1", "n", "Ended", "Failed")) == ""


def test_endless_details_are_cut() -> None:
    assert len(describe_problems(job({**SYNTAX, "details": "x " * 100_000}))) < 2100
