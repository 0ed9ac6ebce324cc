"""U-SQL jobs as remote jobs, their poller, their trigger and their hook, against the emulator and its real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.exceptions import AuthenticationError
from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook
from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs, UsqlRequest
from airflow_provider_datalake.jobs.interrupt import Interrupt
from airflow_provider_datalake.jobs.poller import JobPoller
from airflow_provider_datalake.jobs.status import JobState, JobStatus
from airflow_provider_datalake.jobs.submission import STORE_KEY, Submission
from airflow_provider_datalake.operators.data_lake_analytics import DataLakeAnalyticsJobOperator
from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger
from tests.integration.azure_connections import as_variable, impatient_jobs, jobs_of
from tests.unit.jobs.fakes import FakeStore, FakeTaskInstance

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

log = logging.getLogger(__name__)
HOOK = "airflow_provider_datalake.hooks.data_lake_analytics.DataLakeAnalyticsHook"
SCRIPT = '@a = SELECT * FROM (VALUES (1)) AS D(x);\nOUTPUT @a TO "/test_analytics_jobs/{}.csv" USING Outputters.Csv();'


@pytest.fixture
def jobs(emulator: Emulator) -> DataLakeAnalyticsJobs:
    return jobs_of(emulator)


def request(script: str = "", **given: Any) -> UsqlRequest:
    return UsqlRequest(**{"script": script or SCRIPT.format(uuid.uuid4()), "name": "test", **given})


def submit(jobs: DataLakeAnalyticsJobs, wanted: UsqlRequest, key: str = "") -> str:
    seen: list[str] = []
    job_id = jobs.submit(wanted, key or str(uuid.uuid4()), seen.append)
    assert seen == [job_id]
    return job_id


def end(jobs: DataLakeAnalyticsJobs, job_id: str, seconds: float = 60) -> JobStatus:
    interrupt = Interrupt()
    until = time.monotonic() + seconds
    while (status := jobs.status(job_id)).state.is_active:
        assert time.monotonic() < until, status
        interrupt.wait(0.02)
    return status


def test_a_script_runs_and_says_what_it_cost(jobs: DataLakeAnalyticsJobs) -> None:
    wanted = request(degree_of_parallelism=2)
    job_id = submit(jobs, wanted)
    status = end(jobs, job_id)
    assert status.state is JobState.SUCCEEDED, status
    assert status.ended_at is not None
    assert abs(status.ended_at - time.time()) < 60
    result = jobs.result(job_id, wanted, {})
    assert (result["job_id"], result["account"], result["degree_of_parallelism"]) == (job_id, "emulator", 2)
    assert isinstance(result["bytes_written"], int)
    assert result["bytes_written"] > 0
    assert jobs.result(job_id, wanted, {}) == result
    json.dumps(result)


def test_the_same_key_is_the_same_job(jobs: DataLakeAnalyticsJobs) -> None:
    key, wanted = str(uuid.uuid4()), request()
    assert submit(jobs, wanted, key) == submit(jobs, wanted, key) == key
    assert jobs.matches(key, wanted, key)
    assert not jobs.matches(key, request("other"), key)
    assert jobs.find(key, 0) == key
    assert jobs.find(str(uuid.uuid4()), 0) is None


@pytest.mark.parametrize(
    ("script", "code", "place"),
    [
        ("USE master;\nDROP DATABASE IF EXIST foo;", "E_CSC_USER_SYNTAXERROR", "line 2, column 18"),
        ('@a = SELECT x FROM @nowhere;\nOUTPUT @a TO "/x" USING Outputters.Csv();', "E_", "line 1"),
    ],
)
def test_a_wrong_script_fails_with_code_and_place_and_is_not_retryable(
    script: str, code: str, place: str, jobs: DataLakeAnalyticsJobs
) -> None:
    status = end(jobs, submit(jobs, request(script)))
    assert (status.state, status.retryable) == (JobState.FAILED, False)
    assert status.code.startswith(code)
    assert place in status.message
    assert script.splitlines()[int(place[5]) - 1] in status.message


def test_a_job_is_stopped_and_a_second_stop_is_fine(jobs: DataLakeAnalyticsJobs, long_usql: str) -> None:
    job_id = submit(jobs, request(long_usql))
    jobs.cancel(job_id)
    assert end(jobs, job_id).state is JobState.CANCELLED
    jobs.cancel(job_id)
    jobs.cancel(str(uuid.uuid4()))


def test_progress_shows_stages(
    jobs: DataLakeAnalyticsJobs, long_usql: str, wait_until: Callable[..., None]
) -> None:
    job_id = submit(jobs, request(long_usql))
    wait_until(lambda: bool(jobs.progress(job_id)))
    (stage, *_) = jobs.progress(job_id)
    assert stage.name
    assert 0 <= stage.percent <= 100
    jobs.cancel(job_id)


def test_an_unknown_job_is_gone(jobs: DataLakeAnalyticsJobs) -> None:
    assert jobs.status(str(uuid.uuid4())).state is JobState.GONE


def test_a_wrong_token_is_an_authentication_error(emulator: Emulator) -> None:
    with pytest.raises(AuthenticationError):
        jobs_of(emulator, bearer_token="wrong").status(str(uuid.uuid4()))


def test_one_listing_tells_all_states(jobs: DataLakeAnalyticsJobs, long_usql: str) -> None:
    since = time.time()
    good, bad, long = (submit(jobs, request(script)) for script in ("", "SELEC 1;", long_usql))
    for job_id in (good, bad):
        end(jobs, job_id)
    found = jobs.statuses([good, bad, long, str(uuid.uuid4())], since)
    states = {job_id: status.state for job_id, status in found.items()}
    assert (states[good], states[bad]) == (JobState.SUCCEEDED, JobState.FAILED)
    assert states[long].is_active
    assert len(states) == 3
    jobs.cancel(long)


def test_the_link_opens(jobs: DataLakeAnalyticsJobs) -> None:
    import requests

    job_id = submit(jobs, request())
    end(jobs, job_id)
    link = jobs.link(job_id)
    assert link is not None
    answer = requests.get(link, timeout=10)
    assert answer.status_code == 200
    assert job_id in answer.text


@pytest.mark.parametrize("kind", ["lost", "reset", "503"])
def test_answers_that_are_lost_make_no_second_job(kind: str, own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator(f"lossy_{kind}", "--faults", f"0.4:{kind}@adla", "--fault-seed", "7")
    jobs = impatient_jobs(emulator)
    keys = [submit(jobs, request()) for _ in range(8)]
    listed = [job.job_id for job in jobs.client.list()]
    assert sorted(listed) == sorted(keys)


def test_a_job_whose_worker_died_before_it_knew_the_id_is_taken_up(jobs: DataLakeAnalyticsJobs) -> None:
    class Store(dict[str, Any]):
        set = dict.__setitem__

    class Killed(BaseException):
        pass

    def die(job_id: str) -> None:
        raise Killed

    store, wanted = Store(), request()
    with pytest.raises(Killed):
        Submission(jobs, store, Interrupt(), log).begin(wanted, 1, die)
    assert store[STORE_KEY]["job_id"] is None
    job_id = Submission(jobs, store, Interrupt(), log).begin(wanted, 1, lambda job_id: None)
    found = [job for job in map(jobs.client.get, (item.job_id for item in jobs.client.list())) if job.details]
    assert [job.job_id for job in found if job.details and job.details.script == wanted.script] == [job_id]


def test_many_waiting_jobs_share_one_listing(own_emulator: Callable[..., Emulator], long_usql: str) -> None:
    jobs = jobs_of(own_emulator())
    since = time.time()
    ids = [submit(jobs, request(long_usql)) for _ in range(40)]
    sent: list[str] = []
    send = jobs.client.rest.send

    def count(method: str, path: str, **kwargs: Any) -> Any:
        sent.append(path.partition("?")[0].rpartition("/")[2])
        return send(method, path, **kwargs)

    jobs.client.rest.send = count  # type: ignore[method-assign]

    async def connect() -> DataLakeAnalyticsJobs:
        return jobs

    async def main() -> None:
        poller = JobPoller(connect)

        async def wait(job_id: str) -> JobStatus:
            async with poller.watch(job_id, since, 0.5) as watch:
                while not (status := await watch.next()).state.is_terminal:
                    pass
                return status

        waiters = {job_id: asyncio.create_task(wait(job_id)) for job_id in ids}
        while len(sent) < 6:  # noqa: ASYNC110 - what is awaited happens in the poller's thread
            await asyncio.sleep(0.05)
        assert set(sent) == {"jobs"}
        await asyncio.to_thread(jobs.cancel, ids[1])
        assert (await asyncio.wait_for(waiters[ids[1]], 30)).state is JobState.CANCELLED
        assert not any(waiters[job_id].done() for job_id in ids[2:])
        for waiter in waiters.values():
            waiter.cancel()
        await asyncio.gather(*waiters.values(), return_exceptions=True)

    asyncio.run(main())


@pytest.fixture
def connection(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", as_variable(emulator))


def test_the_trigger_waits_through_the_real_hook(
    connection: None, jobs: DataLakeAnalyticsJobs, long_usql: str
) -> None:
    since = time.time()
    job_id = submit(jobs, request(long_usql))
    trigger = RemoteJobTrigger(
        hook=HOOK,
        conn_id="lake",
        job_id=job_id,
        since=since,
        hook_arguments={"account": "emulator"},
        poll_interval=0.2,
    )

    async def main() -> Any:
        asyncio.get_running_loop().call_later(1.0, threading.Thread(target=jobs.cancel, args=(job_id,)).start)
        async with asyncio.timeout(60):
            return (await anext(trigger.run())).payload

    assert asyncio.run(main()) == {"job_id": job_id, "outcome": "ended", "state": "cancelled"}
    other = submit(jobs, request(long_usql))
    trigger.job_id = other
    asyncio.run(trigger.on_kill())
    assert end(jobs, other).state is JobState.CANCELLED


def test_the_connection_can_be_tested(
    connection: None, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok, message = DataLakeAnalyticsHook("lake").test_connection()
    assert ok, message
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", as_variable(emulator, bearer_token="wrong"))
    ok, message = DataLakeAnalyticsHook("lake").test_connection()
    assert not ok


def test_the_operator_runs_a_script_with_parameters(connection: None) -> None:
    context: Any = {"ti": FakeTaskInstance(), "task_state_store": FakeStore(), "run_id": "r"}
    operator = DataLakeAnalyticsJobOperator(
        task_id="t",
        script="DECLARE EXTERNAL @n int = 1;\n@a = SELECT * FROM (VALUES (@n)) AS D(x);\nOUTPUT @a TO @to USING Outputters.Csv();",
        parameters={"n": 7, "to": "/test_analytics_jobs/operator.csv"},
        adla_conn_id="lake",
        poll_interval=0.1,
    )
    result = operator.execute(context)
    assert result["bytes_written"] == len("7\r\n")
    assert result["job_id"] in context["ti"].xcoms["data_lake_analytics_job"]
    assert operator.execute(context) == result
