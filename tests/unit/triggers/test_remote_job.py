from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from airflow.sdk.module_loading import import_string

from airflow_provider_datalake.exceptions import ServiceError
from airflow_provider_datalake.jobs.status import JobState
from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger
from tests.unit.jobs.fakes import FakeServer, FakeService, until

HOOK = f"{__name__}.FakeHook"
SERVER = FakeServer()


class FakeHook:
    conn_name_attr = "fake_conn_id"
    made: list[dict[str, Any]] = []

    def __init__(self, **kwargs: Any) -> None:
        self.made.append(kwargs)

    async def aget_job_service(self) -> FakeService:
        return FakeService(SERVER)


@pytest.fixture
def job() -> str:
    SERVER.__init__(looks_until_done=10**6)  # type: ignore[misc]
    FakeHook.made.clear()
    return SERVER.submit("key", "request")


def trigger(job_id: str, **kwargs: Any) -> RemoteJobTrigger:
    return RemoteJobTrigger(
        **{"hook": HOOK, "conn_id": "c", "job_id": job_id, "since": 1.0, "poll_interval": 0.02, **kwargs}
    )


def fire(made: RemoteJobTrigger) -> list[Any]:
    async def collect() -> list[Any]:
        async with asyncio.timeout(10):
            return [event.payload async for event in made.run()]

    return asyncio.run(collect())


def test_the_arguments_make_the_same_trigger_again() -> None:
    made = trigger("j", hook_arguments={"project": "p", "schema": "s"}, deadline=5.0, cancel_on_kill=False)
    path, kwargs = made.serialize()
    again = import_string(path)(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == made.serialize()
    assert vars(again) == vars(made)


def test_the_arguments_hold_no_secret() -> None:
    assert set(trigger("j").serialize()[1]) == {
        "hook",
        "conn_id",
        "job_id",
        "since",
        "hook_arguments",
        "poll_interval",
        "deadline",
        "cancel_on_kill",
    }


def test_the_constructor_takes_anything() -> None:
    RemoteJobTrigger(hook="no.such.Hook", conn_id="", job_id="", since=-1, poll_interval=-1, deadline=-1)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_the_end_of_the_job_fires_one_small_event(job: str, state: JobState) -> None:
    SERVER.end(job, state, message="words" * 1000)
    assert fire(trigger(job)) == [{"job_id": job, "outcome": "ended", "state": str(state)}]


def test_an_unknown_job_has_ended(job: str) -> None:
    assert fire(trigger("other"))[0]["state"] == "gone"


def test_the_hook_is_made_with_the_arguments_of_the_job(job: str) -> None:
    SERVER.end(job, JobState.SUCCEEDED)
    fire(trigger(job, hook_arguments={"project": "p", "schema": "s"}))
    assert FakeHook.made == [{"fake_conn_id": "c", "project": "p", "schema": "s"}]


def test_a_job_that_is_active_at_its_deadline_is_cancelled(job: str) -> None:
    assert fire(trigger(job, deadline=time.time() + 0.1)) == [{"job_id": job, "outcome": "deadline"}]
    assert SERVER.states[job].state is JobState.CANCELLED


def test_a_job_that_has_ended_before_a_late_look_is_not_late(job: str) -> None:
    SERVER.end(job, JobState.SUCCEEDED)
    assert fire(trigger(job, deadline=time.time() - 100, poll_interval=60.0))[0]["outcome"] == "ended"
    assert SERVER.count("cancel") == 0


def test_a_service_that_stays_away_fires_an_event(job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: FakeHook) -> FakeService:
        from airflow_provider_datalake.exceptions import ConfigurationError

        raise ConfigurationError("the connection has no host")

    monkeypatch.setattr(FakeHook, "aget_job_service", refuse)
    (event,) = fire(trigger(job))
    assert event["outcome"] == "unreachable"
    assert "no host" in event["message"]


def test_a_deadline_is_told_even_when_the_service_is_away(job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FakeService, job_id: str) -> None:
        raise ServiceError("503")

    monkeypatch.setattr(FakeService, "cancel", fail)
    (event,) = fire(trigger(job, deadline=time.time()))
    assert event["job_id"] == job
    assert event["outcome"] == "deadline"


def test_killing_the_task_cancels_the_job(job: str) -> None:
    asyncio.run(trigger(job).on_kill())
    assert SERVER.states[job].state is JobState.CANCELLED


def test_killing_the_task_leaves_the_job_where_that_is_wanted(job: str) -> None:
    asyncio.run(trigger(job, cancel_on_kill=False).on_kill())
    assert SERVER.active == [job]


def test_a_kill_that_is_itself_cancelled_still_cancels_the_job(
    job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting, proceed = asyncio.Event(), asyncio.Event()

    async def connect_slowly(self: FakeHook) -> FakeService:
        connecting.set()
        await proceed.wait()
        return FakeService(SERVER)

    async def main() -> None:
        kill = asyncio.create_task(trigger(job).on_kill())
        await connecting.wait()
        kill.cancel()
        await asyncio.gather(kill, return_exceptions=True)
        proceed.set()
        await until(lambda: not SERVER.active)

    monkeypatch.setattr(FakeHook, "aget_job_service", connect_slowly)
    asyncio.run(main())
    assert SERVER.states[job].state is JobState.CANCELLED


def test_a_kill_that_fails_is_logged(
    job: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: FakeService, job_id: str) -> None:
        raise ServiceError("503")

    monkeypatch.setattr(FakeService, "cancel", fail)
    asyncio.run(trigger(job).on_kill())
    assert "may still be running" in capsys.readouterr().out


def test_a_cancelled_trigger_leaves_its_job_running_and_can_be_run_again(job: str) -> None:
    async def main() -> None:
        made = trigger(job)
        task = asyncio.create_task(anext(made.run()))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.cleanup()
        assert SERVER.active == [job]
        SERVER.end(job, JobState.SUCCEEDED)
        async with asyncio.timeout(10):
            event = await anext(made.run())
        assert event.payload["state"] == "succeeded"

    asyncio.run(main())


def test_a_hundred_triggers_share_one_listing(job: str) -> None:
    async def main() -> None:
        jobs = [SERVER.submit(f"key-{n}", n) for n in range(100)]
        tasks = [asyncio.create_task(anext(trigger(name).run())) for name in jobs]  # type: ignore[arg-type]
        await until(lambda: SERVER.count("statuses") >= 3)
        for name in jobs:
            SERVER.end(name, JobState.SUCCEEDED)
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
        assert SERVER.count("statuses") <= 6
        assert len(FakeHook.made) == 1

    asyncio.run(main())


def test_triggers_of_other_hook_arguments_have_a_listing_of_their_own(job: str) -> None:
    async def main() -> None:
        one, other, same = (
            trigger(job, hook_arguments=arguments)._poller()
            for arguments in ({"account": "a"}, {"account": "b"}, {"account": "a"})
        )
        assert one is same
        assert one is not other

    asyncio.run(main())
