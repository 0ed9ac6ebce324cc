from __future__ import annotations

import json

import pytest

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.jobs.intent import Action, Intent, decide, differences, digest
from airflow_provider_datalake.jobs.status import JobState, JobStatus

DIGESTS = digest({"sql": "select 1", "hints": {}})
OTHER = digest({"sql": "select 2", "hints": {}})
ACTIVE = (JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED)
DEAD = (JobState.FAILED, JobState.CANCELLED, JobState.GONE)


def intent(**changes: object) -> Intent:
    return Intent(**{"key": "k", "digests": DIGESTS, "max_tries": 1, "created_at": 1.0, **changes})  # type: ignore[arg-type]


def action(
    stored: Intent | None, state: JobState | None, *, digests: object = DIGESTS, max_tries: int = 1
) -> Action:
    status = None if state is None else JobStatus("j", state)
    return decide(stored, digests=digests, max_tries=max_tries, status=status).action  # type: ignore[arg-type]


def test_the_first_try_submits() -> None:
    assert action(None, None) is Action.SUBMIT


def test_an_intent_without_a_job_is_submitted_again_under_its_key() -> None:
    assert action(intent(), None) is Action.RESUBMIT


@pytest.mark.parametrize("state", ACTIVE)
def test_an_active_job_is_waited_for(state: JobState) -> None:
    assert action(intent(job_id="j"), state) is Action.ATTACH


def test_the_result_of_a_succeeded_job_is_taken() -> None:
    assert action(intent(job_id="j"), JobState.SUCCEEDED) is Action.COLLECT


@pytest.mark.parametrize("state", DEAD)
def test_a_dead_job_is_followed_by_a_new_one(state: JobState) -> None:
    assert action(intent(job_id="j"), state) is Action.SUBMIT


@pytest.mark.parametrize("state", [None, *JobState])
def test_a_cleared_task_replaces_its_job_whatever_state_it_is_in(state: JobState | None) -> None:
    stored = intent(job_id=None if state is None else "j")
    assert action(stored, state, max_tries=2) is Action.REPLACE


@pytest.mark.parametrize("state", [None, *JobState])
def test_a_changed_request_replaces_the_job_whatever_state_it_is_in(state: JobState | None) -> None:
    stored = intent(job_id=None if state is None else "j")
    decision = decide(
        stored, digests=OTHER, max_tries=1, status=None if state is None else JobStatus("j", state)
    )
    assert decision.action is Action.REPLACE
    assert decision.changed == ("sql",)
    assert "sql" in decision.reason


@pytest.mark.parametrize("state", ACTIVE)
def test_a_job_that_was_given_up_is_not_waited_for(state: JobState) -> None:
    assert action(intent(job_id="j").abandon("deadline"), state) is Action.REPLACE


def test_a_job_that_succeeded_after_it_was_given_up_is_not_run_again() -> None:
    assert action(intent(job_id="j").abandon("deadline"), JobState.SUCCEEDED) is Action.COLLECT


def test_an_intent_survives_the_store() -> None:
    stored = Intent.fresh(DIGESTS, 3, before={"files": 4}).with_job("j").abandon("late")
    assert Intent.from_json(json.loads(json.dumps(stored.to_json()))) == stored


def test_nothing_stored_is_no_intent() -> None:
    assert Intent.from_json(None) is None


@pytest.mark.parametrize(
    "stored", ["text", 5, [], {"key": "k"}, {"key": "k", "digests": 1, "max_tries": 1, "created_at": 1}]
)
def test_what_is_not_an_intent_is_refused_with_what_was_found(stored: object) -> None:
    with pytest.raises(ConfigurationError, match="not a remote job's intent"):
        Intent.from_json(stored)


def test_every_fresh_intent_has_its_own_key() -> None:
    assert Intent.fresh(DIGESTS, 0).key != Intent.fresh(DIGESTS, 0).key


def test_the_digest_does_not_depend_on_the_order_of_a_mapping() -> None:
    assert digest({"hints": {"a": 1, "b": 2}}) == digest({"hints": {"b": 2, "a": 1}})


def test_the_digest_keeps_no_text_of_the_request() -> None:
    assert "select" not in json.dumps(digest({"sql": "select secret"}))


def test_differences_name_added_and_removed_fields() -> None:
    assert differences({"a": "1", "b": "1"}, {"b": "2", "c": "1"}) == ("a", "b", "c")
