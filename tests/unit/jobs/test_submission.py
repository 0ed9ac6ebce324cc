from __future__ import annotations

import logging

import pytest

from airflow_provider_datalake.exceptions import ConflictError, JobCancelledError
from airflow_provider_datalake.jobs.intent import Intent
from airflow_provider_datalake.jobs.interrupt import Interrupt
from airflow_provider_datalake.jobs.service import ListingNotAllowed
from airflow_provider_datalake.jobs.status import JobState
from airflow_provider_datalake.jobs.submission import STORE_KEY, Submission
from tests.unit.jobs.fakes import FakeRequest, FakeServer, FakeService, FakeStore, Killed

log = logging.getLogger(__name__)


def begin(
    server: FakeServer, store: FakeStore, *, kill_at: str = "", max_tries: int = 1, text: str = "select 1"
) -> str:
    submission = Submission(FakeService(server, kill_at), store, Interrupt(), log)
    return submission.begin(FakeRequest(text), max_tries, lambda job_id: None)


@pytest.mark.parametrize("moment", ["survey", "submit", "answer", "after on_created", "matches"])
def test_a_worker_that_dies_leaves_one_job_to_the_next_try(moment: str) -> None:
    server, store = FakeServer(), FakeStore()
    with pytest.raises(Killed):
        begin(server, store, kill_at=moment)
    assert begin(server, store) == "job-1"
    assert len(server.jobs) == 1


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("side", ["kill_before_set", "kill_after_set"])
def test_a_worker_that_dies_at_a_write_of_the_intent_leaves_one_job(write: int, side: str) -> None:
    server, store = FakeServer(), FakeStore()
    setattr(store, side, write)
    with pytest.raises(Killed):
        begin(server, store)
    store.kill_before_set = store.kill_after_set = None
    assert begin(server, store) == "job-1"
    assert len(server.jobs) == 1


def test_the_intent_is_stored_before_the_submit() -> None:
    server, store = FakeServer(), FakeStore()
    with pytest.raises(Killed):
        begin(server, store, kill_at="submit")
    stored = Intent.from_json(store[STORE_KEY])
    assert stored is not None
    assert stored.job_id is None
    assert server.jobs == {}


def test_what_was_measured_before_the_submit_outlives_the_worker() -> None:
    server, store = FakeServer(), FakeStore()
    with pytest.raises(Killed):
        begin(server, store, kill_at="answer")
    submission = Submission(FakeService(server), store, Interrupt(), log)
    submission.begin(FakeRequest(), 1, lambda job_id: None)
    assert submission.before == {"files": 12}
    assert server.count("survey") == 1


def test_a_failed_job_is_followed_by_a_new_one() -> None:
    server, store = FakeServer(), FakeStore()
    begin(server, store)
    server.end("job-1", JobState.FAILED)
    assert begin(server, store) == "job-2"


def test_a_cleared_task_cancels_its_active_job_and_runs_a_new_one() -> None:
    server, store = FakeServer(looks_until_done=1000), FakeStore()
    begin(server, store)
    assert begin(server, store, max_tries=2) == "job-2"
    assert server.states["job-1"].state is JobState.CANCELLED
    assert server.active == ["job-2"]


def test_a_cleared_task_leaves_its_finished_job_alone_and_runs_a_new_one() -> None:
    server, store = FakeServer(), FakeStore()
    begin(server, store)
    server.end("job-1", JobState.SUCCEEDED)
    assert begin(server, store, max_tries=2) == "job-2"
    assert server.count("cancel") == 0


def test_a_cleared_task_whose_job_id_was_never_stored_finds_and_cancels_the_job() -> None:
    server, store = FakeServer(looks_until_done=1000), FakeStore()
    with pytest.raises(Killed):
        begin(server, store, kill_at="answer")
    assert begin(server, store, max_tries=2) == "job-2"
    assert server.active == ["job-2"]


def test_a_cleared_task_runs_even_where_jobs_cannot_be_listed() -> None:
    server, store = FakeServer(), FakeStore()
    with pytest.raises(Killed):
        begin(server, store, kill_at="submit")

    class NoListing(FakeService):
        def find(self, key: str, since: float) -> str | None:
            raise ListingNotAllowed("no")

    submission = Submission(NoListing(server), store, Interrupt(), log)
    assert submission.begin(FakeRequest(), 2, lambda job_id: None) == "job-1"


def test_a_changed_request_cancels_the_old_job(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server, store = FakeServer(looks_until_done=1000), FakeStore()
    begin(server, store)
    assert begin(server, store, text="select 2") == "job-2"
    assert server.active == ["job-2"]
    assert "the request has changed (text)" in caplog.text


def test_a_change_of_project_is_a_change_of_the_request() -> None:
    server, store = FakeServer(), FakeStore()
    begin(server, store)
    service = FakeService(server)
    service.scope = {"project": "other"}
    submission = Submission(service, store, Interrupt(), log)
    assert submission.begin(FakeRequest(), 1, lambda job_id: None) == "job-2"


def test_a_job_that_is_not_what_was_submitted_is_refused() -> None:
    server, store = FakeServer(), FakeStore()

    class Foreign(FakeService):
        def matches(self, job_id: str, request: object, key: str) -> bool:
            return False

    with pytest.raises(ConflictError, match="job-1"):
        Submission(Foreign(server), store, Interrupt(), log).begin(FakeRequest(), 1, lambda job_id: None)


def test_a_kill_ends_the_wait_for_a_cancelled_job() -> None:
    server, store = FakeServer(looks_until_done=1000), FakeStore()
    job_id = begin(server, store)

    class Stubborn(FakeService):
        def cancel(self, job_id: str) -> None:
            interrupt.set()

    interrupt = Interrupt()
    with pytest.raises(JobCancelledError):
        Submission(Stubborn(server), store, interrupt, log).stop(job_id)


def test_the_intent_is_never_deleted() -> None:
    server, store = FakeServer(), FakeStore()
    begin(server, store)
    server.end("job-1", JobState.SUCCEEDED)
    begin(server, store)
    assert store[STORE_KEY]["job_id"] == "job-1"
