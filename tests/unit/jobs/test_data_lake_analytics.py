from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
from airflow_provider_datalake.clients.data_lake_analytics_definitions import Relation
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    ServiceError,
)
from airflow_provider_datalake.jobs import data_lake_analytics
from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs, UsqlRequest
from airflow_provider_datalake.jobs.intent import digest
from airflow_provider_datalake.jobs.service import ListingNotAllowed
from airflow_provider_datalake.jobs.status import JobState
from tests.unit.clients.azure_fakes import Call, FakeAccount, FakeHttp, cancelled, failure

KEY = str(uuid.UUID(int=1))
REQUEST = UsqlRequest(script="@r = SELECT 1;", name="n", degree_of_parallelism=4)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)


@pytest.fixture
def account() -> FakeAccount:
    return FakeAccount()


@pytest.fixture
def http(account: FakeAccount) -> FakeHttp:
    return FakeHttp(account)


@pytest.fixture
def jobs(http: FakeHttp) -> DataLakeAnalyticsJobs:
    return DataLakeAnalyticsJobs(DataLakeAnalyticsJobClient(http), account="emulator")  # type: ignore[arg-type]


def submit(jobs: DataLakeAnalyticsJobs, key: str = KEY, request: UsqlRequest = REQUEST) -> str:
    seen: list[str] = []
    job_id = jobs.submit(request, key, seen.append)
    assert seen == [job_id]
    return job_id


def test_the_key_is_the_jobs_id(jobs: DataLakeAnalyticsJobs, http: FakeHttp) -> None:
    assert submit(jobs) == KEY
    assert http.sent("PUT") == [f"jobs/{KEY}"]
    (put,) = (call for call in http.calls if call.method == "PUT")
    assert put.repeatable is False
    assert put.body == {
        "name": "n",
        "type": "USql",
        "properties": {"type": "USql", "script": "@r = SELECT 1;"},
        "degreeOfParallelism": 4,
    }


def test_what_a_job_is_a_part_of_is_sent_and_does_not_decide_what_it_does(
    jobs: DataLakeAnalyticsJobs, http: FakeHttp
) -> None:
    related = Relation(recurrence_id=KEY, pipeline_name="p")
    request = UsqlRequest(script="s", name="n", related=related)
    submit(jobs, request=request)
    assert http.calls[-1].body["related"] == {"recurrenceId": KEY, "pipelineName": "p"}
    assert digest(request.to_json()) == digest(UsqlRequest(script="s", name="n").to_json())
    assert json.loads(json.dumps(request.to_json())) == request.to_json()


@pytest.mark.parametrize("conflicts", [True, False], ids=["409", "200 with the first job"])
def test_the_same_key_is_the_same_job(
    conflicts: bool, jobs: DataLakeAnalyticsJobs, account: FakeAccount
) -> None:
    account.duplicates_are_conflicts = conflicts
    assert submit(jobs) == submit(jobs)
    assert account.submitted == 1


@pytest.mark.parametrize("conflicts", [True, False], ids=["409", "200 with the first job"])
def test_a_lost_answer_makes_no_second_job(
    conflicts: bool, jobs: DataLakeAnalyticsJobs, account: FakeAccount, http: FakeHttp
) -> None:
    account.duplicates_are_conflicts = conflicts
    account.lose.add("PUT jobs")
    assert submit(jobs) == KEY
    assert account.submitted == 1
    assert http.sent("PUT") == [f"jobs/{KEY}"]


def test_a_job_that_only_the_conflict_shows_is_taken_up(
    jobs: DataLakeAnalyticsJobs, account: FakeAccount
) -> None:
    submit(jobs)
    account.refuse["GET jobs"] = failure(404, "JobNotFound")  # as right after a submit
    assert submit(jobs) == KEY
    assert account.submitted == 1


def test_a_conflict_without_a_job_is_told(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    account.refuse["PUT jobs"] = failure(409, "AccountLocked")
    with pytest.raises(ConflictError, match="AccountLocked"):
        submit(jobs)


def test_a_service_that_stays_away_fails_the_submit(
    jobs: DataLakeAnalyticsJobs, http: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_lake_analytics, "SUBMIT_PATIENCE", 0)
    http.handler = lambda call: failure(503, "Busy")
    with pytest.raises(ServiceError, match=r"^Connection 'c': look at job .*Busy"):
        submit(jobs)


def test_a_refused_definition_is_not_tried_again(
    jobs: DataLakeAnalyticsJobs, account: FakeAccount, http: FakeHttp
) -> None:
    account.refuse["PUT jobs"] = failure(400, "BadPriority")
    with pytest.raises(ConfigurationError, match="BadPriority") as raised:
        submit(jobs)
    assert raised.value.code == "BadPriority"
    assert len(http.sent("PUT")) == 1


def test_a_key_is_found_without_side_effects(jobs: DataLakeAnalyticsJobs, http: FakeHttp) -> None:
    assert jobs.find(KEY, 0) is None
    submit(jobs)
    assert jobs.find(KEY, 0) == KEY
    assert {call.method for call in http.calls[-1:]} == {"GET"}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"script": "@r = SELECT 2;"}, False),
        ({"name": "other"}, False),
        ({"degree_of_parallelism": 3}, False),
        ({"degree_of_parallelism": 50}, True),  # a policy may have cut them
        ({"degree_of_parallelism": None}, True),
    ],
)
def test_a_job_is_compared_with_the_request(
    changes: dict[str, Any], same: bool, jobs: DataLakeAnalyticsJobs
) -> None:
    submit(jobs)
    request = UsqlRequest(**{"script": REQUEST.script, "name": "n", "degree_of_parallelism": 4, **changes})
    assert jobs.matches(KEY, request, KEY) is same
    assert not jobs.matches(KEY, request, str(uuid.UUID(int=2)))


def test_line_ends_make_no_difference(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    request = UsqlRequest(script="a\nb\n", name="n")
    submit(jobs, request=request)
    account.jobs[KEY]["properties"]["script"] = "a\r\nb\r\n"
    assert jobs.matches(KEY, request, KEY)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *[(name, JobState.QUEUED) for name in ("New", "Accepted", "Compiling", "Queued", "Scheduling")],
        ("Starting", JobState.QUEUED),
        ("WaitingForCapacity", JobState.QUEUED),
        ("Running", JobState.RUNNING),
        ("Paused", JobState.SUSPENDED),
        ("SomethingNew", JobState.RUNNING),
    ],
)
@pytest.mark.parametrize("result", ["None", "Succeeded"])
def test_the_result_means_nothing_before_the_end(
    state: str, expected: JobState, result: str, jobs: DataLakeAnalyticsJobs, account: FakeAccount
) -> None:
    submit(jobs)
    account.jobs[KEY].update(state=state, result=result)
    assert jobs.status(KEY).state is expected
    assert jobs.statuses([KEY], 0)[KEY].state is expected


def test_an_end_that_nobody_knows_is_no_success(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    submit(jobs)
    account.end(KEY, "None")
    with pytest.raises(ServiceError, match="unknown result 'None'"):
        jobs.status(KEY)


def test_an_unknown_job_is_gone(jobs: DataLakeAnalyticsJobs) -> None:
    status = jobs.status(KEY)
    assert (status.state, status.message) == (JobState.GONE, f"account emulator knows no job {KEY}")


def test_a_failed_job_tells_why(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    submit(jobs)
    problem = {
        "errorId": "E_CSC_USER_SYNTAXERROR",
        "severity": "Error",
        "message": "syntax error",
        "lineNumber": 1,
    }
    account.end(KEY, "Failed", errorMessage=[problem])
    status = jobs.status(KEY)
    assert (status.state, status.code, status.retryable) == (
        JobState.FAILED,
        "E_CSC_USER_SYNTAXERROR",
        False,
    )
    assert status.message == "E_CSC_USER_SYNTAXERROR: syntax error (at line 1: @r = SELECT 1;)"
    assert status.started_at is not None
    assert status.ended_at == status.started_at + 36


def test_a_failure_without_a_reason_says_so(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    submit(jobs)
    account.end(KEY, "Failed")
    assert jobs.status(KEY).message == "the service gives no reason for the result 'Failed'"
    assert jobs.status(KEY).retryable


def test_a_cancelled_job_says_who_did_it(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    submit(jobs)
    account.end(KEY, "Cancelled", errorMessage=[cancelled()], properties={"errorSource": "UserError"})
    status = jobs.status(KEY)
    assert (status.state, status.retryable) == (JobState.CANCELLED, True)
    assert "Job was cancelled by me." in status.message


def test_one_listing_tells_all_and_only_failures_are_looked_at(
    jobs: DataLakeAnalyticsJobs, account: FakeAccount, http: FakeHttp
) -> None:
    keys = [submit(jobs, str(uuid.UUID(int=number))) for number in range(1, 6)]
    account.end(keys[0], "Succeeded")
    account.end(keys[4], "Failed", errorMessage=[{"errorId": "X", "message": "m"}])
    http.calls.clear()
    found = jobs.statuses([*keys[:2], keys[4], "no-such-job"], 1706688000)
    assert {key: status.state for key, status in found.items()} == {
        keys[0]: JobState.SUCCEEDED,
        keys[1]: JobState.QUEUED,
        keys[4]: JobState.FAILED,
    }
    assert found[keys[4]].message == "X: m"
    assert [call.path for call in http.calls] == ["jobs", "jobs", "jobs", f"jobs/{keys[4]}"]
    assert http.calls[0].query == {
        "$filter": "submitTime ge datetimeoffset'2024-01-31T07:45:00+00:00'",
        "$orderby": "submitTime desc",
        "api-version": "2017-09-01-preview",
    }


def test_a_listing_ends_when_all_are_found(jobs: DataLakeAnalyticsJobs, http: FakeHttp) -> None:
    keys = [submit(jobs, str(uuid.UUID(int=number))) for number in range(1, 6)]
    http.calls.clear()
    jobs.statuses(keys[:2], 0)
    assert [call.path for call in http.calls] == ["jobs"]


def test_one_job_that_cannot_be_read_hides_no_other(
    jobs: DataLakeAnalyticsJobs, account: FakeAccount, http: FakeHttp
) -> None:
    keys = [submit(jobs, str(uuid.UUID(int=number))) for number in (1, 2)]
    account.end(keys[0], "Failed")

    def flaky(call: Call) -> Any:
        return failure(500, "Oops") if call.path == f"jobs/{keys[0]}" else account(call)

    http.handler = flaky
    assert set(jobs.statuses(keys, 0)) == {keys[1]}


def test_an_account_that_may_not_list_says_so(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    account.refuse["GET jobs"] = failure(403, "AuthorizationFailed")
    with pytest.raises(ListingNotAllowed, match="AuthorizationFailed"):
        jobs.statuses([KEY], 0)
    account.refuse["GET jobs"] = failure(401, "ExpiredAuthenticationToken")
    with pytest.raises(AuthenticationError) as raised:
        jobs.statuses([KEY], 0)
    assert not isinstance(raised.value, ListingNotAllowed)


def test_progress_tells_the_stages(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    submit(jobs)
    assert jobs.progress(KEY) == ()  # it has never run
    account.statistics[KEY] = [
        {"stageName": "SV1_Extract", "totalCount": 4, "succeededCount": 1, "runningCount": 2},
        {"stageName": "SV2_Aggregate"},
    ]
    assert [str(stage) for stage in jobs.progress(KEY)] == ["SV1_Extract 1/4 [25%]", "SV2_Aggregate [0%]"]
    assert jobs.progress("no-such-job") == ()


def test_a_job_is_cancelled_and_a_second_cancel_is_fine(
    jobs: DataLakeAnalyticsJobs, account: FakeAccount
) -> None:
    submit(jobs)
    jobs.cancel(KEY)
    assert jobs.status(KEY).state is JobState.CANCELLED
    jobs.cancel(KEY)
    jobs.cancel("no-such-job")


def test_a_cancel_that_is_refused_while_the_job_runs_is_told(
    jobs: DataLakeAnalyticsJobs, account: FakeAccount
) -> None:
    submit(jobs)
    account.refuse["POST jobs"] = failure(409, "Locked")
    with pytest.raises(ConflictError, match="Locked"):
        jobs.cancel(KEY)


def test_the_result_is_small_and_always_the_same(jobs: DataLakeAnalyticsJobs, account: FakeAccount) -> None:
    submit(jobs)
    account.end(KEY, "Succeeded", properties={"totalCompilationTime": "PT1M2.5S", "totalQueuedTime": "PT0S"})
    account.statistics[KEY] = [{"dataRead": 100, "dataWritten": 5}, {"dataRead": 11, "dataWritten": 6}]
    result = jobs.result(KEY, REQUEST, {})
    assert result == {
        "job_id": KEY,
        "name": "n",
        "account": "emulator",
        "degree_of_parallelism": 4,
        "au_hours": 0.04,
        "compilation_seconds": 62.5,
        "queued_seconds": 0.0,
        "running_seconds": 36.0,
        "bytes_read": 111,
        "bytes_written": 11,
    }
    assert jobs.result(KEY, REQUEST, {}) == result
    json.dumps(result)


def test_the_link_leads_to_the_emulators_page_and_nowhere_on_the_service(jobs: DataLakeAnalyticsJobs) -> None:
    assert jobs.link(KEY) == f"http://127.0.0.1:1/usql/emulator/jobs/{KEY}"
    real = FakeHttp(FakeAccount(), base_url="https://a.azuredatalakeanalytics.net")
    client = DataLakeAnalyticsJobClient(real)  # type: ignore[arg-type]
    assert DataLakeAnalyticsJobs(client, account="a").link(KEY) is None


def test_where_a_job_runs_decides_what_it_does(jobs: DataLakeAnalyticsJobs) -> None:
    assert jobs.scope == {"account": "emulator"}
    assert jobs.survey(REQUEST) == {}
