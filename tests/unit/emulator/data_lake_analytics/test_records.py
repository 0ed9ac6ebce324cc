from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.data_lake_analytics.records import (
    Audits,
    Outcome,
    Step,
    UsqlState,
    duration,
    load,
    moment,
    parse_job_id,
)
from airflow_provider_datalake.emulator.database import Database
from airflow_provider_datalake.emulator.jobs import Job

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "PT0S"),
        (24.4532348, "PT24.4532348S"),
        (60, "PT1M"),
        (3600, "PT1H"),
        (3661.5, "PT1H1M1.5S"),
        (-1, "PT0S"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.integers(0, 10**12))
def test_any_duration_is_read_again(ticks: int) -> None:
    found = isodate.parse_duration(duration(ticks / 10**6))
    assert abs(found - timedelta(microseconds=ticks)) <= timedelta(microseconds=ticks // 10**9 + 1)


@given(st.floats(0, 4e9))
def test_moments_have_seven_digits(seconds: float) -> None:
    text = moment(seconds)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", text)
    shortened = text.replace("0+00:00", "+00:00")
    assert datetime.fromisoformat(shortened).timestamp() == pytest.approx(seconds, abs=1e-5)


def test_job_ids_have_one_form() -> None:
    canonical = str(uuid.UUID(int=7))
    for text in (canonical, canonical.upper(), f"{{{canonical}}}"):
        assert parse_job_id(text) == canonical
    assert parse_job_id("7") is None


@pytest.mark.parametrize("text", ["the disk is full", "[not json", '["x"'])
def test_a_failure_of_the_emulator_is_a_system_error(text: str) -> None:
    (error,) = load(text)
    assert (error["source"], error["message"]) == ("System", text)


def test_an_outcome_is_kept() -> None:
    outcome = Outcome(
        (Step("a", "file", "@a", ("b",), ("n int",), 3, 1, 2, 3, 4, 0.5),), ({"severity": "Warning"},)
    )
    assert Outcome.from_json(outcome.to_json()) == outcome
    assert Outcome.from_json({}) == Outcome()


def test_states_begin_with_new_without_being_told(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.db")
    audits = Audits(database)
    jobs = [Job(id=name, kind="usql", scope="a", request={}, created_at=5.0) for name in ("x", "y")]
    audits.add("x", (UsqlState.COMPILING, "c"), (UsqlState.QUEUED, ""))
    assert [audit.state for audit in audits.of(jobs[0])] == ["New", "Compiling", "Queued"]
    assert audits.of(jobs[0])[0].time == 5.0
    assert {name: len(found) for name, found in audits.of_all(jobs).items()} == {"x": 3, "y": 1}
    audits.cancelled("x", "ann")
    audits.cancelled("x", "bob")
    assert audits.cancelled_by(jobs[0]) == "ann"
    audits.keep_plan("x", Outcome((Step("a", "file", "@a"),)))
    assert audits.plan_of(jobs[0]).steps[0].id == "a"
    assert audits.plan_of(jobs[1]) == Outcome()
    audits.forget(["x"])
    assert len(audits.of(jobs[0])) == 1
    assert audits.plan_of(jobs[0]) == Outcome()
    database.close()
