from __future__ import annotations

import pytest

from airflow_provider_datalake.jobs.status import JobState, JobStatus, Stage, describe, pause


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED])
def test_a_job_that_may_still_change_is_active(state: JobState) -> None:
    assert state.is_active
    assert not state.is_terminal


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.GONE])
def test_a_job_that_will_not_change_is_terminal(state: JobState) -> None:
    assert state.is_terminal
    assert not state.is_active


def test_a_status_is_described_stage_by_stage() -> None:
    status = JobStatus(
        "j", JobState.RUNNING, stages=(Stage("M1", 50, workers=4, finished_workers=2), Stage("R2", 0))
    )
    assert describe(status) == "running: M1 2/4 [50%], R2 [0%]"


@pytest.mark.parametrize("waited", [0, 1, 10, 1000])
def test_a_pause_stays_between_its_bounds(waited: float) -> None:
    assert 0.45 <= pause(waited, 10) <= 11


def test_a_short_limit_is_kept() -> None:
    assert pause(0, 0.1) <= 0.11
