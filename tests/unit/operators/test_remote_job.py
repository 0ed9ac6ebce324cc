from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    TaskDeferralError,
    TaskDeferralTimeout,
    TaskDeferred,
)

from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
    ServiceError,
)
from airflow_provider_datalake.jobs.status import JobState
from airflow_provider_datalake.links.maxcompute import MaxComputeLogviewLink
from airflow_provider_datalake.operators import remote_job
from airflow_provider_datalake.operators.remote_job import JobLocation, RemoteJobOperator
from tests.unit.jobs.fakes import (
    FakeRequest,
    FakeServer,
    FakeService,
    FakeStore,
    FakeTaskInstance,
    Killed,
    long_ago,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")
RESULT = {"job_id": "job-1", "files_before": 12}


class FakeJobOperator(RemoteJobOperator):
    hook_path = "tests.unit.triggers.test_remote_job.FakeHook"
    job_link = MaxComputeLogviewLink()

    def __init__(self, *, service: FakeService, text: str = "select 1", **kwargs: Any) -> None:
        super().__init__(**{"task_id": "t", "poll_interval": 0.02, "defer_after": 0.0, **kwargs})
        self.service = service
        self.text = text

    def job_location(self) -> JobLocation:
        return JobLocation("c", {"project": "p"})

    def job_service(self) -> Any:
        return self.service

    def job_request(self) -> FakeRequest:
        return FakeRequest(self.text)


class Task:
    """One task of one run: each try is a new operator object, the store and the server stay."""

    def __init__(self, **server: Any) -> None:
        self.server = FakeServer(**server)
        self.store = FakeStore()
        self.ti = FakeTaskInstance()

    @property
    def context(self) -> Any:
        return {"ti": self.ti, "task_state_store": self.store}

    def operator(self, *, kill_at: str = "", **kwargs: Any) -> FakeJobOperator:
        return FakeJobOperator(service=FakeService(self.server, kill_at), **kwargs)

    def execute(self, **kwargs: Any) -> Any:
        self.ti.xcoms.clear()
        return self.operator(**kwargs).execute(self.context)

    def complete(self, event: Any = None, **kwargs: Any) -> Any:
        return self.operator(**kwargs).execute_complete(self.context, event)

    def run(self, **kwargs: Any) -> Any:
        """Run as Airflow does: go on after a deferral with the event that the trigger would fire."""
        try:
            return self.execute(**kwargs)
        except TaskDeferred as deferred:
            job_id = deferred.trigger.job_id
            FakeService(self.server).status(job_id)
            self.server.end(job_id, JobState.SUCCEEDED)
            return self.complete({"job_id": job_id, "outcome": "ended", "state": "succeeded"}, **kwargs)


MOMENTS = [
    "survey",
    "submit",
    "answer",
    "after on_created",
    "matches",
    "link",
    "status",
    "progress",
    "result",
]


@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferred"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_at_any_moment_leaves_one_job_and_the_same_result(
    moment: str, deferrable: bool
) -> None:
    untouched = Task()
    expected = (untouched.run(deferrable=deferrable), untouched.ti.xcoms)
    task = Task()
    with pytest.raises(Killed):
        task.run(kill_at=moment, deferrable=deferrable)
    assert (task.run(deferrable=deferrable), task.ti.xcoms) == expected
    assert len(task.server.jobs) == 1


@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferred"])
@pytest.mark.parametrize("write", [1, 2])
def test_a_worker_killed_while_it_stores_the_intent_leaves_one_job(write: int, deferrable: bool) -> None:
    task = Task()
    task.store.kill_before_set = write
    with pytest.raises(Killed):
        task.run(deferrable=deferrable)
    task.store.kill_before_set = None
    assert task.run(deferrable=deferrable) == RESULT
    assert len(task.server.jobs) == 1


def test_a_worker_killed_after_the_job_succeeded_hands_over_its_result() -> None:
    task = Task()
    assert task.execute() == RESULT
    assert task.execute() == RESULT
    assert task.server.count("submit") == 1


def test_clearing_a_finished_task_runs_it_again() -> None:
    task = Task()
    task.execute()
    task.ti.max_tries += 1
    assert task.execute()["job_id"] == "job-2"


def test_clearing_a_deferred_task_cancels_its_job_and_runs_a_new_one() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.ti.max_tries += 1
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(deferrable=True)
    assert deferred.value.trigger.job_id == "job-2"  # type: ignore[attr-defined]
    assert task.server.active == ["job-2"]


def test_the_deferral_tells_the_trigger_all_it_needs() -> None:
    task = Task(looks_until_done=1000)
    before = time.time()
    with pytest.raises(TaskDeferred) as raised:
        task.execute(deferrable=True, execution_timeout=timedelta(minutes=5), cancel_on_kill=False)
    deferred = raised.value
    kwargs = deferred.trigger.serialize()[1]
    since = kwargs.pop("since")
    assert before <= since <= time.time()
    assert kwargs == {
        "hook": FakeJobOperator.hook_path,
        "conn_id": "c",
        "hook_arguments": {"project": "p"},
        "job_id": "job-1",
        "poll_interval": 0.02,
        "deadline": task.ti.start_date.timestamp() + 300,
        "cancel_on_kill": False,
    }
    assert deferred.method_name == "execute_complete"
    assert isinstance(deferred.timeout, timedelta)
    assert 590 < deferred.timeout.total_seconds() <= 600


def test_a_task_without_an_execution_timeout_defers_without_an_end() -> None:
    with pytest.raises(TaskDeferred) as raised:
        Task(looks_until_done=1000).execute(deferrable=True)
    assert raised.value.timeout is None
    assert raised.value.trigger.deadline is None  # type: ignore[attr-defined]


def test_a_short_job_is_not_deferred() -> None:
    assert Task(looks_until_done=2).execute(deferrable=True, defer_after=30.0) == RESULT


def test_the_link_is_pushed_before_the_wait() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    assert task.ti.xcoms == {"maxcompute_logview": "http://service/page?i=job-1&token=very-secret-token"}


def test_the_token_of_the_link_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    monkeypatch.setattr("airflow.sdk.log.mask_secret", masked.append)
    Task().execute()
    assert masked == ["very-secret-token"]


def test_no_xcom_push_means_no_link_either() -> None:
    task = Task()
    task.execute(do_xcom_push=False)
    assert task.ti.xcoms == {}


def test_a_link_that_cannot_be_made_does_not_fail_the_task(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: FakeService, job_id: str) -> None:
        raise ServiceError("no permission for tokens")

    monkeypatch.setattr(FakeService, "link", fail)
    assert Task().execute() == RESULT
    assert "no permission for tokens" in capsys.readouterr().out


def test_progress_is_logged_when_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    Task(looks_until_done=3).execute()
    lines = [line for line in capsys.readouterr().out.splitlines() if "running: M1" in line]
    assert len(lines) == 3
    assert "M1 [10%]" in lines[0]


def test_a_failed_job_raises_the_words_of_the_service() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.end("job-1", JobState.FAILED, code="X-1", message="X-1:[1,15] disk full")
    with pytest.raises(JobFailedError, match=r"Job job-1 failed: X-1:\[1,15\] disk full") as raised:
        task.complete({"job_id": "job-1", "outcome": "ended", "state": "failed"})
    assert (raised.value.job_id, raised.value.code) == ("job-1", "X-1")


def test_a_request_that_is_wrong_is_not_tried_again() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.end("job-1", JobState.FAILED, message="syntax", retryable=False)
    with pytest.raises(AirflowFailException, match="syntax") as raised:
        task.complete()
    assert isinstance(raised.value.__cause__, JobFailedError)


def test_a_retry_after_a_failure_runs_a_new_job() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.end("job-1", JobState.FAILED)
    with pytest.raises(TaskDeferred) as raised:
        task.execute(deferrable=True)
    assert raised.value.trigger.job_id == "job-2"  # type: ignore[attr-defined]


def test_a_job_that_is_cancelled_while_we_wait_fails_the_try() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.end("job-1", JobState.CANCELLED, message="by an operator")
    with pytest.raises(JobCancelledError, match="by an operator"):
        task.complete({"job_id": "job-1", "outcome": "ended", "state": "cancelled"})


def test_a_job_that_vanishes_fails_the_try() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.states.clear()
    with pytest.raises(JobFailedError, match="is gone"):
        task.complete({"job_id": "job-1", "outcome": "ended", "state": "gone"})


@pytest.mark.parametrize(
    "event", [None, {}, {"unknown": 1}, {"job_id": "job-1", "outcome": "new in version 9"}]
)
def test_any_event_makes_the_task_look_for_itself(event: Any) -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.end("job-1", JobState.SUCCEEDED)
    assert task.complete(event) == RESULT


@pytest.mark.parametrize("event", [None, {"job_id": "job-1", "outcome": "unreachable", "message": "503"}])
def test_a_task_that_is_woken_early_waits_on(event: Any) -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    with pytest.raises(TaskDeferred):
        task.complete(event, deferrable=True)
    assert len(task.server.jobs) == 1


@pytest.mark.parametrize("outcome", ["ended", "deadline"])
def test_the_late_event_of_a_cleared_tasks_old_trigger_does_not_touch_the_new_job(outcome: str) -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.ti.max_tries += 1
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    with pytest.raises(TaskDeferred) as raised:
        task.complete({"job_id": "job-1", "outcome": outcome, "state": "cancelled"}, deferrable=True)
    assert raised.value.trigger.job_id == "job-2"  # type: ignore[attr-defined]
    assert task.server.active == ["job-2"]


def test_an_event_names_the_job_where_the_intent_was_lost() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.store.clear()
    task.server.end("job-1", JobState.SUCCEEDED)
    assert task.complete({"job_id": "job-1", "outcome": "ended"})["job_id"] == "job-1"


def test_an_event_without_a_job_and_without_an_intent_is_refused() -> None:
    with pytest.raises(AirflowFailException, match="names a job"):
        Task().complete({"outcome": "ended"})


def test_a_deferred_job_that_misses_its_deadline_raises_a_timeout() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True, execution_timeout=timedelta(minutes=5))
    with pytest.raises(JobTimeoutError, match="execution timeout of 0:05:00"):
        task.complete({"job_id": "job-1", "outcome": "deadline"}, execution_timeout=timedelta(minutes=5))
    assert task.server.active == []


def test_a_job_that_succeeds_at_its_deadline_has_succeeded() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    task.server.end("job-1", JobState.SUCCEEDED)
    assert task.complete({"job_id": "job-1", "outcome": "deadline"}) == RESULT


def test_a_job_that_is_waited_for_in_the_worker_is_cancelled_at_the_deadline() -> None:
    task = Task(looks_until_done=10**6)
    task.ti.start_date = long_ago(seconds=59.9)
    with pytest.raises(JobTimeoutError):
        task.execute(execution_timeout=timedelta(minutes=1))
    assert task.server.states["job-1"].state is JobState.CANCELLED


def test_the_try_after_a_timeout_runs_a_new_job_even_if_the_cancel_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = Task(looks_until_done=10**6)
    task.ti.start_date = long_ago(hours=1)
    with monkeypatch.context() as patch:
        patch.setattr(FakeService, "cancel", lambda *_: (_ for _ in ()).throw(ServiceError("lost")))
        with pytest.raises(JobTimeoutError, match="may still be running: .*lost"):
            task.execute(execution_timeout=timedelta(minutes=1))
    assert task.server.active == ["job-1"]
    task.ti.start_date = datetime.now(tz=UTC)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True, execution_timeout=timedelta(minutes=1))
    assert task.server.active == ["job-2"]


def test_airflows_own_deferral_timeout_cancels_the_job() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    with pytest.raises(JobTimeoutError):
        task.operator(execution_timeout=timedelta(1)).resume_execution(
            "__fail__", {"error": "Trigger timeout"}, task.context
        )
    assert task.server.active == []


def test_a_trigger_that_fails_leaves_the_job_to_the_next_try() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    with pytest.raises(TaskDeferralError):
        task.operator().resume_execution("__fail__", {"error": "Trigger failure"}, task.context)
    assert task.server.active == ["job-1"]


def test_a_trigger_that_fails_cancels_the_job_where_that_is_wanted() -> None:
    task = Task(looks_until_done=1000)
    with pytest.raises(TaskDeferred):
        task.execute(deferrable=True)
    with pytest.raises(TaskDeferralError):
        task.operator(cancel_on_failure=True).resume_execution(
            "__fail__", {"error": "Trigger failure"}, task.context
        )
    assert task.server.active == []


def test_deferral_timeouts_and_errors_stay_what_they_were_elsewhere() -> None:
    assert not issubclass(TaskDeferralTimeout, TaskDeferralError)


@pytest.mark.parametrize(("cancel", "active"), [(True, []), (False, ["job-1"])])
def test_a_failure_of_our_own_cancels_the_job_only_where_that_is_wanted(
    cancel: bool, active: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(looks_until_done=1000)

    def fail(self: FakeService, job_id: str) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(FakeService, "status", fail)
    with pytest.raises(RuntimeError, match="bug"):
        task.execute(cancel_on_failure=cancel)
    assert task.server.active == active


def test_a_service_that_is_away_for_a_moment_does_not_fail_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task()
    status, failures = FakeService.status, iter([ServiceError("503"), ServiceError("503")])

    def flaky(self: FakeService, job_id: str) -> Any:
        for error in failures:
            raise error
        return status(self, job_id)

    monkeypatch.setattr(FakeService, "status", flaky)
    assert task.execute() == RESULT


def test_a_service_that_stays_away_fails_the_try(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FakeService, job_id: str) -> None:
        raise ServiceError("503")

    monkeypatch.setattr(FakeService, "status", fail)
    monkeypatch.setattr(remote_job, "PATIENCE", 0.05)
    with pytest.raises(ServiceError):
        Task().execute()


def in_background(task: Task, operator: FakeJobOperator, errors: list[BaseException]) -> threading.Thread:
    def target() -> None:
        try:
            operator.execute(task.context)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    return thread


@pytest.mark.parametrize(("cancel", "state"), [(True, JobState.CANCELLED), (False, JobState.RUNNING)])
def test_killing_the_task_ends_the_wait_and_cancels_the_job(cancel: bool, state: JobState) -> None:
    task = Task(looks_until_done=10**6)
    operator = task.operator(poll_interval=60.0, cancel_on_kill=cancel)
    errors: list[BaseException] = []
    thread = in_background(task, operator, errors)
    while not task.server.count("progress"):
        time.sleep(0.005)
    operator.on_kill()
    operator.on_kill()
    thread.join(10)
    assert not thread.is_alive()
    assert task.server.states["job-1"].state is state
    assert isinstance(errors[0], JobCancelledError)


def test_killing_the_task_during_the_submit_cancels_the_job_that_comes_of_it() -> None:
    task = Task(looks_until_done=10**6)
    operator = task.operator()
    submit = operator.service.submit

    def submit_while_killed(request: Any, key: str, on_created: Any) -> str:
        operator.on_kill()
        return submit(request, key, on_created)

    operator.service.submit = submit_while_killed  # type: ignore[method-assign]
    with pytest.raises(JobCancelledError):
        operator.execute(task.context)
    assert task.server.states["job-1"].state is JobState.CANCELLED


def test_a_kill_does_not_wait_for_a_service_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_job, "KILL_TIMEOUT", 0.05)
    released = threading.Event()
    task = Task()
    operator = task.operator()
    operator.execute(task.context)
    monkeypatch.setattr(FakeService, "cancel", lambda *_: released.wait(30))
    started = time.monotonic()
    operator.on_kill()
    assert time.monotonic() - started < 5
    released.set()


def test_a_kill_before_the_submit_submits_nothing() -> None:
    task = Task()
    operator = task.operator()
    operator.on_kill()
    with pytest.raises(JobCancelledError, match="before it had a job"):
        operator.execute(task.context)
    assert task.server.jobs == {}


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_a_poll_without_pauses_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="poll_interval"):
        Task().operator(poll_interval=seconds)


def test_a_refused_argument_submits_nothing() -> None:
    task = Task()
    operator = task.operator()
    operator.job_request = lambda: (_ for _ in ()).throw(ConfigurationError("no sql"))  # type: ignore[method-assign]
    with pytest.raises(AirflowFailException, match="^Connection 'c': no sql$"):
        operator.execute(task.context)
    assert task.server.calls == []


def test_the_default_of_deferrable_comes_from_the_configuration(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert Task().operator().deferrable is False
