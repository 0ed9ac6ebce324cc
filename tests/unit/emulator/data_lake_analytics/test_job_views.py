from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_analytics.job_views import basic, full, times_of
from airflow_provider_datalake.emulator.data_lake_analytics.records import Audit, UsqlState, dump
from airflow_provider_datalake.emulator.data_lake_analytics.submissions import read_submission
from airflow_provider_datalake.emulator.jobs import Job, JobState

if TYPE_CHECKING:
    from typing import Any

JOB_ID = "11111111-1111-1111-1111-111111111111"


def job(state: JobState = JobState.WAITING, **changed: Any) -> Job:
    body = {"name": "a", "type": "USql", "properties": {"type": "USql", "script": "x"}}
    request = read_submission(body).to_json(JOB_ID)
    given = {"id": f"acc.{JOB_ID}", "kind": "usql", "scope": "acc", "request": request, "owner": "ann"}
    return Job(**{**given, "name": "a", "state": state, "created_at": 100.0, "sequence": 7, **changed})


def audits(*states: UsqlState) -> list[Audit]:
    return [Audit(state, 100.0 + number) for number, state in enumerate((UsqlState.NEW, *states))]


def test_a_job_that_waits_compiles() -> None:
    shown = basic(job(), audits())
    assert (shown["state"], shown["result"], shown["priority"]) == ("Compiling", "None", 1000)
    assert "startTime" not in shown
    assert "endTime" not in shown


def test_the_answer_to_a_submit_shows_less_than_a_look() -> None:
    running = audits(UsqlState.COMPILING, UsqlState.RUNNING)
    submitted = full(job(), running, "s.net", cancelled_by="", submitted=True)
    assert submitted["state"] == "Compiling"
    assert [record["newState"] for record in submitted["stateAuditRecords"]] == ["New"]
    assert "script" not in submitted["properties"]
    looked = full(job(JobState.RUNNING), running, "s.net", cancelled_by="")
    assert (looked["state"], looked["properties"]["script"]) == ("Running", "x")
    assert looked["properties"]["algebraFilePath"] == (
        f"adl://s.net/system/jobservice/jobs/Usql/1970/01/01/00/01/{JOB_ID}/algebra.xml"
    )


@pytest.mark.parametrize(
    ("state", "result", "details", "source"),
    [
        (JobState.SUCCESS, "Succeeded", "result:Succeeded", "Unknown"),
        (JobState.FAILED, "Failed", "result:Failed", "UserError"),
        (JobState.CANCELLED, "Cancelled", "result:CanceledByUser", "UserError"),
    ],
)
def test_a_job_ends(state: JobState, result: str, details: str, source: str) -> None:
    error = dump([{"errorId": "E", "source": "User"}]) if state is JobState.FAILED else ""
    ended = job(state, ended_at=104.0, error=error)
    shown = full(ended, audits(UsqlState.COMPILING), "s.net", cancelled_by="bob")
    assert (shown["state"], shown["result"]) == ("Ended", result)
    assert shown["stateAuditRecords"][-1]["details"] == details
    assert shown["properties"]["errorSource"] == source
    if state is JobState.CANCELLED:
        assert shown["errorMessage"][0]["description"] == "Job was cancelled by bob."


def test_what_the_emulator_did_wrong_is_no_users_error() -> None:
    ended = job(JobState.FAILED, ended_at=104.0, error="the emulator was stopped while the job ran")
    shown = full(ended, audits(), "s.net", cancelled_by="")
    assert shown["properties"]["errorSource"] == "SystemError"


def test_times_add_up() -> None:
    states = audits(
        UsqlState.COMPILING, UsqlState.QUEUED, UsqlState.SCHEDULING, UsqlState.STARTING, UsqlState.RUNNING
    )
    found = times_of(job(JobState.SUCCESS, ended_at=115.0), states)
    assert found == {
        "totalCompilationTime": 1.0,
        "totalPausedTime": 0.0,
        "totalQueuedTime": 2.0,
        "totalRunningTime": 11.0,
    }
