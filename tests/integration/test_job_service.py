"""MaxCompute's jobs, their poller and the sensors' look-ups, against the emulator and its real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ServiceError,
)
from airflow_provider_datalake.jobs.interrupt import Interrupt
from airflow_provider_datalake.jobs.maxcompute import (
    ArchiveRequest,
    MaxComputeJobs,
    MaxComputeRequest,
    MergeRequest,
    SqlRequest,
)
from airflow_provider_datalake.jobs.poller import JobPoller
from airflow_provider_datalake.jobs.status import JobState, JobStatus
from airflow_provider_datalake.jobs.submission import STORE_KEY, Submission
from airflow_provider_datalake.triggers.maxcompute import missing_partitions, table_exists
from airflow_provider_datalake.triggers.remote_job import RemoteJobTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps import ODPS

    from tests.integration.conftest import Emulator

log = logging.getLogger(__name__)


@pytest.fixture
def jobs(odps: ODPS) -> MaxComputeJobs:
    return MaxComputeJobs(odps, conn_id="c")


def submit(jobs: MaxComputeJobs, request: MaxComputeRequest, key: str = "") -> str:
    seen: list[str] = []
    job_id = jobs.submit(request, key or str(uuid.uuid4()), seen.append)
    assert seen == [job_id]
    return job_id


def end(jobs: MaxComputeJobs, job_id: str, seconds: float = 60) -> JobStatus:
    interrupt = Interrupt()
    until = time.monotonic() + seconds
    while (status := jobs.status(job_id)).state.is_active:
        assert time.monotonic() < until, status
        interrupt.wait(0.02)
    return status


def run(jobs: MaxComputeJobs, sql: str) -> None:
    status = end(jobs, submit(jobs, SqlRequest(sql)))
    assert status.state is JobState.SUCCEEDED, status


@pytest.fixture
def many_files(jobs: MaxComputeJobs, table_name: str) -> str:
    """A table whose partition m=1 has three files."""
    run(jobs, f"CREATE TABLE {table_name} (a BIGINT) PARTITIONED BY (m BIGINT)")
    for number in range(3):
        run(jobs, f"INSERT INTO {table_name} PARTITION (m=1) VALUES ({number})")
    return table_name


def test_sql_runs_and_says_what_it_read_and_wrote(jobs: MaxComputeJobs, many_files: str) -> None:
    request = SqlRequest(
        f"INSERT OVERWRITE TABLE {many_files} PARTITION (m=2) SELECT a FROM {many_files} WHERE m = 1"
    )
    job_id = submit(jobs, request)
    status = end(jobs, job_id)
    assert status.state is JobState.SUCCEEDED
    assert status.started_at is not None
    assert status.ended_at is not None
    assert abs(status.ended_at - time.time()) < 60
    result = jobs.result(job_id, request, {})
    assert (result["instance_id"], result["project"]) == (job_id, "demo")
    assert (result["input_rows"], result["output_rows"]) == (3, 3)
    assert jobs.result(job_id, request, {}) == result
    json.dumps(result)


def test_the_same_key_is_the_same_job(jobs: MaxComputeJobs) -> None:
    key = str(uuid.uuid4())
    first = submit(jobs, SqlRequest("SELECT 1"), key)
    assert submit(jobs, SqlRequest("SELECT 1"), key) == first
    assert jobs.matches(first, SqlRequest("  SELECT 1 ;\n"), key)
    assert not jobs.matches(first, SqlRequest("SELECT 2"), key)
    assert not jobs.matches(first, SqlRequest("SELECT 1"), "other")
    assert not jobs.matches(first, MergeRequest("t"), key)


def test_a_key_is_found_without_side_effects(jobs: MaxComputeJobs) -> None:
    key, since = str(uuid.uuid4()), time.time()
    assert jobs.find(key, since) is None
    job_id = submit(jobs, SqlRequest("SELECT 1"), key)
    assert jobs.find(key, since) == job_id


def test_settings_of_the_connection_yield_to_those_of_the_request(odps: ODPS) -> None:
    jobs = MaxComputeJobs(odps, hints={"odps.sql.timezone": "Asia/Tokyo", "a.b": "connection"})
    job_id = submit(jobs, SqlRequest("SELECT 1", hints={"a.b": "request"}, priority=3, name="named"))
    (task,) = odps.get_instance(job_id).tasks
    settings = json.loads(task.properties["settings"])
    assert (settings["odps.sql.timezone"], settings["a.b"], task.name) == ("Asia/Tokyo", "request", "named")
    assert odps.get_instance(job_id).priority == 3


@pytest.mark.parametrize(
    ("sql", "code"), [("SELEC 1", "ODPS-0130161"), ("SELECT * FROM no_such_table_at_all", "ODPS-0130131")]
)
def test_a_wrong_statement_fails_with_code_and_position_and_is_not_retryable(
    sql: str, code: str, jobs: MaxComputeJobs
) -> None:
    status = end(jobs, submit(jobs, SqlRequest(sql)))
    assert (status.state, status.code, status.retryable) == (JobState.FAILED, code, False)
    assert "[1," in status.message


def test_a_job_is_stopped_and_a_second_stop_is_fine(jobs: MaxComputeJobs, long_sql: str) -> None:
    job_id = submit(jobs, SqlRequest(long_sql))
    jobs.cancel(job_id)
    assert end(jobs, job_id).state is JobState.CANCELLED
    jobs.cancel(job_id)
    jobs.cancel("no-such-instance")


def test_progress_shows_stages(jobs: MaxComputeJobs, long_sql: str, wait_until: Callable[..., None]) -> None:
    job_id = submit(jobs, SqlRequest(long_sql))
    wait_until(lambda: bool(jobs.progress(job_id)))
    (stage, *_) = jobs.progress(job_id)
    assert stage.name
    assert 0 <= stage.percent <= 100
    jobs.cancel(job_id)


def test_an_unknown_instance_is_gone(jobs: MaxComputeJobs) -> None:
    assert jobs.status("20250101000000000gnosuch").state is JobState.GONE


def test_an_unknown_project_is_an_error_and_not_a_missing_instance(emulator: Emulator) -> None:
    jobs = MaxComputeJobs(emulator.client("nowhere"), conn_id="c")
    with pytest.raises(NotFoundError, match="'c'.*nowhere"):
        jobs.status("20250101000000000gnosuch")
    with pytest.raises(NotFoundError, match="nowhere"):
        submit(jobs, SqlRequest("SELECT 1"))


def test_a_wrong_key_is_an_authentication_error(emulator: Emulator) -> None:
    jobs = MaxComputeJobs(emulator.client(secret_access_key="wrong-secret"), conn_id="c")
    with pytest.raises(AuthenticationError, match="'password'"):
        jobs.status("20250101000000000gnosuch")


def test_one_listing_tells_all_states(jobs: MaxComputeJobs, long_sql: str) -> None:
    since = time.time()
    good, bad, long = (submit(jobs, SqlRequest(sql)) for sql in ("SELECT 1", "SELEC 1", long_sql))
    for job_id in (good, bad):
        end(jobs, job_id)
    found = jobs.statuses([good, bad, long, "no-such-instance"], since)
    assert {job_id: status.state for job_id, status in found.items()} == {
        good: JobState.SUCCEEDED,
        bad: JobState.FAILED,
        long: JobState.RUNNING,
    }
    jobs.cancel(long)


def test_the_logview_address_opens_without_credentials(jobs: MaxComputeJobs) -> None:
    import requests

    job_id = submit(jobs, SqlRequest("SELECT 1"))
    end(jobs, job_id)
    link = jobs.link(job_id)
    assert link is not None
    answer = requests.get(link, timeout=10)
    assert answer.status_code == 200
    assert job_id in answer.text


def test_a_bearer_token_of_the_connection_never_becomes_a_link(emulator: Emulator) -> None:
    from odps import ODPS
    from odps.accounts import BearerTokenAccount

    client = ODPS(
        account=BearerTokenAccount("emulator-token", expired_hours=None),
        project="demo",
        endpoint=emulator.endpoint,
        overwrite_global=False,
    )
    assert MaxComputeJobs(client).link("20250101000000000gany") is None


def test_merging_says_how_many_files_there_were(jobs: MaxComputeJobs, many_files: str) -> None:
    request = MergeRequest(many_files, "m='1'")
    before = jobs.survey(request)
    assert before["files"] == 3
    key = str(uuid.uuid4())
    job_id = submit(jobs, request, key)
    assert end(jobs, job_id).state is JobState.SUCCEEDED
    assert jobs.matches(job_id, request, key)
    assert jobs.matches(job_id, MergeRequest(f"demo.{many_files.upper()}", "m=1"), key)
    assert not jobs.matches(job_id, MergeRequest("other_table", "m='1'"), key)
    assert not jobs.matches(job_id, MergeRequest(many_files, "m='2'"), key)
    assert not jobs.matches(job_id, MergeRequest(many_files), key)
    assert not jobs.matches(job_id, ArchiveRequest(many_files, "m='1'"), key)
    result = jobs.result(job_id, request, before)
    assert (result["files_before"], result["files_after"]) == (3, 1)
    assert (result["table"], result["partition"]) == (many_files, "m='1'")


def test_archiving_says_how_large_the_table_was(jobs: MaxComputeJobs, many_files: str) -> None:
    request = ArchiveRequest(many_files, "m='1'")
    before = jobs.survey(request)
    key = str(uuid.uuid4())
    job_id = submit(jobs, request, key)
    assert jobs.matches(job_id, request, key)
    assert end(jobs, job_id).state is JobState.SUCCEEDED
    result = jobs.result(job_id, request, before)
    assert result["bytes_before"] == before["bytes"]
    assert result["files_after"] == 1


def test_merging_by_statement_is_recognised_as_our_own(jobs: MaxComputeJobs, many_files: str) -> None:
    key = str(uuid.uuid4())
    request = SqlRequest(f"ALTER TABLE {many_files} PARTITION (m='1') MERGE SMALLFILES;")
    job_id = submit(jobs, request, key)
    assert jobs.matches(job_id, request, key)
    assert end(jobs, job_id).state is JobState.SUCCEEDED
    assert jobs.result(job_id, request, {})["instance_id"] == job_id


@pytest.mark.parametrize(
    ("partition", "error", "words"),
    [
        ("m='7'", NotFoundError, "m='7'|m=7|not exist"),
        ("x='1'", ConfigurationError, "partitioned by m"),
        ("m='one'", ConfigurationError, "bigint"),
    ],
)
def test_a_wrong_partition_is_refused_before_the_submit(
    partition: str, error: type[Exception], words: str, jobs: MaxComputeJobs, many_files: str
) -> None:
    with pytest.raises(error, match=words):
        jobs.survey(MergeRequest(many_files, partition))


def test_a_wrong_table_is_refused_before_the_submit(jobs: MaxComputeJobs) -> None:
    with pytest.raises(NotFoundError, match="no_such_table"):
        jobs.survey(MergeRequest("no_such_table"))


def test_a_lost_answer_is_met_by_the_same_request_again(
    jobs: MaxComputeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    post, lost = jobs.client.rest.post, []

    def lose_the_first_answer(*args: Any, **kwargs: Any) -> Any:
        answer = post(*args, **kwargs)
        if not lost:
            lost.append(answer)
            raise requests.ConnectionError("reset by peer")
        return answer

    monkeypatch.setattr(jobs.client.rest, "post", lose_the_first_answer)
    job_id = submit(jobs, SqlRequest("SELECT 1"))
    assert lost[0].headers["Location"].endswith(job_id)


def test_a_job_whose_worker_died_before_it_knew_the_id_is_taken_up(jobs: MaxComputeJobs) -> None:
    class Store(dict[str, Any]):
        set = dict.__setitem__

    class Killed(BaseException):
        pass

    def die(job_id: str) -> None:
        raise Killed

    store, since = Store(), time.time()
    request = SqlRequest(f"SELECT '{uuid.uuid4()}'")
    with pytest.raises(Killed):
        Submission(jobs, store, Interrupt(), log).begin(request, 1, die)
    assert store[STORE_KEY]["job_id"] is None
    job_id = Submission(jobs, store, Interrupt(), log).begin(request, 1, lambda job_id: None)
    same = [
        instance.id
        for instance in jobs.client.list_instances(start_time=since - 5, only_owner=True)
        if request.sql in (getattr(instance.tasks[0], "query", None) or "")
    ]
    assert same == [job_id]


def counted(jobs: MaxComputeJobs, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the client's requests by their path."""
    requests: list[str] = []
    request = jobs.client.rest.request

    def count(url: str, method: str, **kwargs: Any) -> Any:
        requests.append(url.partition("/api")[2])
        return request(url, method, **kwargs)

    monkeypatch.setattr(jobs.client.rest, "request", count)
    return requests


def test_a_hundred_waiting_jobs_cost_one_request_per_interval(
    own_emulator: Callable[..., Emulator],
    monkeypatch: pytest.MonkeyPatch,
    long_sql: str,
    wait_until: Callable[..., None],
) -> None:
    jobs = MaxComputeJobs(own_emulator().client(), conn_id="c")
    since = time.time()
    ids = [submit(jobs, SqlRequest(long_sql)) for _ in range(100)]
    requests = counted(jobs, monkeypatch)

    async def connect() -> MaxComputeJobs:
        return jobs

    async def main() -> None:
        poller = JobPoller(connect)

        async def wait(job_id: str) -> JobStatus:
            async with poller.watch(job_id, since, 0.5) as watch:
                while not (status := await watch.next()).state.is_terminal:
                    pass
                return status

        waiters = {job_id: asyncio.create_task(wait(job_id)) for job_id in ids}
        began = time.monotonic()
        await asyncio.to_thread(wait_until, lambda: len(requests) >= 5)
        intervals = (time.monotonic() - began) / (0.5 * 0.9)  # the jitter makes one a tenth shorter
        assert set(requests) == {"/projects/demo/instances"}
        assert len(requests) <= intervals + 1
        waiters[ids[0]].cancel()
        await asyncio.to_thread(jobs.cancel, ids[1])
        assert (await asyncio.wait_for(waiters[ids[1]], 30)).state is JobState.CANCELLED
        assert not any(waiters[job_id].done() for job_id in ids[2:])
        for waiter in waiters.values():
            waiter.cancel()
        await asyncio.gather(*waiters.values(), return_exceptions=True)

    asyncio.run(main())


def test_the_trigger_waits_through_the_real_hook(
    emulator: Emulator, jobs: MaxComputeJobs, monkeypatch: pytest.MonkeyPatch, long_sql: str
) -> None:
    connection = {
        "conn_type": "odps",
        "host": emulator.endpoint,
        "login": emulator.access_id,
        "password": emulator.secret,
        "extra": {"project": "demo"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))
    since = time.time()
    job_id = submit(jobs, SqlRequest(long_sql))
    trigger = RemoteJobTrigger(
        hook="airflow_provider_datalake.hooks.maxcompute.MaxComputeHook",
        conn_id="lake",
        job_id=job_id,
        since=since,
        poll_interval=0.2,
    )

    async def main() -> Any:
        asyncio.get_running_loop().call_later(1.0, threading.Thread(target=jobs.cancel, args=(job_id,)).start)
        async with asyncio.timeout(60):
            return (await anext(trigger.run())).payload

    assert asyncio.run(main()) == {"job_id": job_id, "outcome": "ended", "state": "cancelled"}

    other = submit(jobs, SqlRequest(long_sql))
    trigger.job_id = other
    asyncio.run(trigger.on_kill())
    assert end(jobs, other).state is JobState.CANCELLED


def test_partitions_are_looked_for(jobs: MaxComputeJobs, many_files: str) -> None:
    look = missing_partitions(jobs.client, many_files, ["m=1", "M='2'"], conn_id="c")
    assert look == ["M='2'"]


@pytest.mark.parametrize(
    ("spec", "words"), [("x=1", "partitioned by m"), ("m=1,n=2", "does not fit"), ("m=one", "bigint")]
)
def test_a_partition_that_does_not_fit_the_table_is_refused(
    spec: str, words: str, jobs: MaxComputeJobs, many_files: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        missing_partitions(jobs.client, many_files, [spec], conn_id="c")


def test_a_partition_of_an_unknown_table_is_refused(jobs: MaxComputeJobs) -> None:
    with pytest.raises(NotFoundError, match="no_such_table"):
        missing_partitions(jobs.client, "no_such_table", ["m=1"], conn_id="c")


def test_a_table_that_was_dropped_meanwhile_is_noticed(jobs: MaxComputeJobs, many_files: str) -> None:
    assert table_exists(jobs.client, many_files, conn_id="c")
    run(jobs, f"DROP TABLE {many_files}")
    assert not table_exists(jobs.client, many_files, conn_id="c")
    with pytest.raises(NotFoundError):
        missing_partitions(jobs.client, many_files, ["m=1"], conn_id="c")


def test_a_table_of_an_unknown_project_is_an_error(emulator: Emulator) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        table_exists(emulator.client("nowhere"), "t", conn_id="c")


def test_a_service_that_is_not_there_is_a_service_error(
    own_emulator: Callable[..., Emulator], jobs: MaxComputeJobs
) -> None:
    own = own_emulator()
    client = own.client()
    own.kill()
    with pytest.raises(ServiceError, match="'c'"):
        MaxComputeJobs(client, conn_id="c").status("20250101000000000gany")
