"""The job service, as Microsoft's own client sees it."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.mgmt.datalake.analytics.job.models import (
    BuildJobParameters,
    CreateJobParameters,
    CreateUSqlJobProperties,
    JobRelationshipProperties,
)
from msrestazure.azure_exceptions import CloudError

from airflow_provider_datalake.emulator.data_lake_store.machine import FAILPOINT_VARIABLE
from tests.integration.azure_clients import ACCOUNT, TOKEN, job_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.mgmt.datalake.analytics.job import DataLakeAnalyticsJobManagementClient
    from azure.mgmt.datalake.analytics.job.models import JobInformation

    from tests.integration.conftest import Emulator

LIFE = ["New", "Compiling", "Queued", "Scheduling", "Starting", "Running", "Ended"]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def client(emulator: Emulator) -> DataLakeAnalyticsJobManagementClient:
    return job_client(emulator)


def script(path: str) -> str:
    return f'@a = SELECT * FROM (VALUES (1, "x"), (2, "y")) AS D(n, t);\nOUTPUT @a TO "{path}" USING Outputters.Csv();'


def output_path() -> str:
    return f"/test_data_lake_analytics/{uuid.uuid4()}.csv"


def submit(client: Any, text: str, job_id: str | None = None, **extra: Any) -> str:
    job_id = job_id or str(uuid.uuid4())
    parameters = CreateJobParameters(
        **{"name": "a job", "type": "USql", "properties": CreateUSqlJobProperties(script=text), **extra}
    )
    client.job.create(ACCOUNT, job_id, parameters)
    return job_id


def end(client: Any, job_id: str, seconds: float = 60) -> JobInformation:
    deadline = time.monotonic() + seconds
    while (job := client.job.get(ACCOUNT, job_id)).state != "Ended":
        assert time.monotonic() < deadline, job.state
        time.sleep(0.02)
    return job


def states(job: JobInformation) -> list[str]:
    return [record.new_state for record in job.state_audit_records]


def content(emulator: Emulator, path: str) -> requests.Response:
    return requests.get(
        f"{emulator.address}/adls/{ACCOUNT}/webhdfs/v1{path}?op=OPEN&read=true", headers=HEADERS, timeout=30
    )


def test_a_job_goes_through_the_services_states_and_writes_its_file(
    emulator: Emulator, client: DataLakeAnalyticsJobManagementClient
) -> None:
    path, job_id = output_path(), str(uuid.uuid4())
    parameters = CreateJobParameters(
        name="a job", type="USql", properties=CreateUSqlJobProperties(script=script(path))
    )
    accepted = client.job.create(ACCOUNT, job_id, parameters)
    assert (accepted.state, states(accepted), accepted.properties.script) == ("Compiling", ["New"], None)
    assert (accepted.priority, accepted.degree_of_parallelism) == (1000, 1)
    job = end(client, job_id)
    assert (job.result, states(job)) == ("Succeeded", LIFE)
    assert job.submit_time <= job.start_time <= job.end_time
    assert job.properties.script == script(path)
    assert job.properties.runtime_version == "datalake-emulator"
    assert content(emulator, path).text == '1,"x"\r\n2,"y"\r\n'


def test_a_script_that_does_not_compile_never_runs(client: DataLakeAnalyticsJobManagementClient) -> None:
    job = end(client, submit(client, "DROP DATABASE IF EXIST FOO; CREATE DATABASE FOO;"))
    assert (job.result, states(job)) == ("Failed", ["New", "Compiling", "Ended"])
    (error,) = job.error_message
    assert error.error_id == "E_CSC_USER_SYNTAXERROR"
    assert (error.line_number, error.start_offset, error.end_offset) == (1, 17, 22)
    with pytest.raises(CloudError) as refused:
        client.job.get_statistics(ACCOUNT, job.job_id)
    assert (refused.value.status_code, refused.value.error.error) == (400, "JobHasNeverRun")


def test_an_error_of_the_data_is_inside_of_the_vertex_that_failed(
    emulator: Emulator, client: DataLakeAnalyticsJobManagementClient
) -> None:
    path, target = output_path(), output_path()
    requests.put(
        f"{emulator.address}/adls/{ACCOUNT}/webhdfs/v1{path}?op=CREATE&write=true&overwrite=true",
        headers=HEADERS,
        data=b"1\r\nnot a number\r\n",
        timeout=30,
    ).raise_for_status()
    text = f'@a = EXTRACT n int FROM "{path}" USING Extractors.Csv();\nOUTPUT @a TO "{target}" USING Outputters.Csv();'
    job = end(client, submit(client, text))
    assert (job.result, states(job)) == ("Failed", LIFE)
    (error,) = job.error_message
    assert error.error_id == "VertexFailedFast"
    assert error.inner_error.error_id.startswith("E_RUNTIME_USER_")
    assert content(emulator, target).status_code == 404


def test_a_job_is_cancelled(client: DataLakeAnalyticsJobManagementClient, long_usql: str) -> None:
    job_id = submit(client, long_usql)
    deadline = time.monotonic() + 60
    while client.job.get(ACCOUNT, job_id).state != "Running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client.job.cancel(ACCOUNT, job_id).wait()
    job = client.job.get(ACCOUNT, job_id)
    assert (job.state, job.result) == ("Ended", "Cancelled")
    (error,) = job.error_message
    assert (error.error_id, error.severity) == ("I_USER_CJS_CANCELEDBYUSER", "Info")
    assert error.description == "Job was cancelled by emulator."
    assert job.state_audit_records[-1].details == "result:CanceledByUser"


def test_a_job_that_has_ended_cannot_be_cancelled_any_more(
    client: DataLakeAnalyticsJobManagementClient,
) -> None:
    job = end(client, submit(client, script(output_path())))
    client.job.cancel(ACCOUNT, job.job_id).wait()
    assert client.job.get(ACCOUNT, job.job_id).result == "Succeeded"


def test_the_same_id_is_the_same_job(client: DataLakeAnalyticsJobManagementClient) -> None:
    text = script(output_path())
    job_id = submit(client, text)
    first = end(client, job_id)
    submit(client, text, job_id)
    assert client.job.get(ACCOUNT, job_id).end_time == first.end_time
    with pytest.raises(CloudError) as refused:
        submit(client, script(output_path()), job_id)
    assert (refused.value.status_code, refused.value.error.error) == (409, "JobAlreadyExists")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"type": "Hive"}, "does not support jobs of type Hive"),
        ({"name": ""}, "'name' is missing"),
        ({"properties": {"type": "USql"}}, "'properties.script' is missing"),
        ({"properties": None}, "'properties' are missing"),
        ({"priority": 0}, "'priority' must be a whole number from 1 on, not 0"),
        ({"degreeOfParallelism": "2"}, "'degreeOfParallelism' must be a whole number"),
        ({"degreeOfParallelism": 31}, "requires 31 AUs and this account .* more than 30 AUs"),
        ({"related": {"pipelineId": str(uuid.uuid4())}}, "'related.recurrenceId' is missing"),
        ({"related": {"recurrenceId": "x"}}, "'related.recurrenceId' must be a GUID, not 'x'"),
    ],
)
def test_what_cannot_run_is_refused(emulator: Emulator, changed: dict[str, Any], message: str) -> None:
    body = {"name": "a", "type": "USql", "properties": {"type": "USql", "script": "SELECT"}, **changed}
    answer = requests.put(
        f"{emulator.address}/adla/{ACCOUNT}/jobs/{uuid.uuid4()}?api-version=2017-09-01-preview",
        json=body,
        headers=HEADERS,
        timeout=30,
    )
    assert answer.status_code == 400

    assert re.search(message, answer.json()["error"]["message"])


def test_a_job_id_is_a_guid(emulator: Emulator) -> None:
    answer = requests.get(f"{emulator.address}/adla/{ACCOUNT}/jobs/job-1", headers=HEADERS, timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidJobId")


def test_an_unknown_account_and_an_unknown_job_are_not_found(emulator: Emulator) -> None:
    for account, code in (("nobody", "AccountDoesNotExist"), (ACCOUNT, "JobNotFound")):
        answer = requests.get(
            f"{emulator.address}/adla/{account}/Jobs/{uuid.uuid4()}", headers=HEADERS, timeout=30
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


def test_build_compiles_only(client: DataLakeAnalyticsJobManagementClient) -> None:
    def build(text: str) -> JobInformation:
        parameters = BuildJobParameters(
            name="a", type="USql", properties=CreateUSqlJobProperties(script=text)
        )
        return client.job.build(ACCOUNT, parameters)

    good = build("DROP DATABASE IF EXISTS FOO; CREATE DATABASE FOO;")
    assert (good.state, good.result, good.properties.diagnostics) == ("Ended", "Succeeded", [])
    bad = build("DROP DATABASE IF EXIST FOO; CREATE DATABASE FOO;")
    assert bad.result == "Failed"
    (found,) = bad.properties.diagnostics
    assert (found.line_number, found.column_number, found.start, found.end) == (1, 18, 17, 22)
    assert found.message == "E_CSC_USER_SYNTAXERROR: syntax error. Expected one of: EXISTS"


def test_statistics_tell_what_the_steps_did(client: DataLakeAnalyticsJobManagementClient) -> None:
    job = end(client, submit(client, script(output_path())))
    stages = client.job.get_statistics(ACCOUNT, job.job_id).stages
    assert max(stage.data_written for stage in stages) == len('1,"x"\r\n2,"y"\r\n')
    assert {stage.succeeded_count for stage in stages} == {1}
    assert client.job.get_debug_data_path(ACCOUNT, job.job_id).paths


def test_jobs_are_listed_filtered_and_ordered(client: DataLakeAnalyticsJobManagementClient) -> None:
    name = f"list {uuid.uuid4()}"
    ids = [submit(client, script(output_path()), name=name, degree_of_parallelism=n) for n in (1, 2, 3)]
    for job_id in ids:
        end(client, job_id)

    def listed(**options: Any) -> list[str]:
        test = f"name eq '{name}'"
        if "filter" in options:
            test += f" and ({options.pop('filter')})"
        return [job.job_id for job in client.job.list(ACCOUNT, filter=test, **options)]

    assert listed() == ids[::-1]
    assert listed(orderby="submitTime") == ids
    assert listed(orderby="degreeOfParallelism desc", top=2) == [ids[2], ids[1]]
    assert listed(orderby="degreeOfParallelism", skip=1) == ids[1:]
    assert listed(filter="degreeOfParallelism ge 2 and not (degreeOfParallelism eq 3)") == [ids[1]]
    assert listed(filter="state eq 'Ended' and result eq 'Succeeded'") == ids[::-1]
    assert listed(filter="startswith(name, 'LIST') eq true and submitter eq 'emulator'") == ids[::-1]
    moment = client.job.get(ACCOUNT, ids[1]).submit_time.isoformat()
    assert listed(filter=f"submitTime ge datetimeoffset'{moment}'") == [ids[2], ids[1]]
    assert listed(filter="result eq 'Failed' or result eq 'Cancelled'") == []
    with pytest.raises(CloudError, match="malformed"):
        listed(filter="name ~ 1")


def test_pages_are_followed(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("pages")
    client = job_client(emulator)
    ids = {submit(client, "CREATE DATABASE IF NOT EXISTS a;") for _ in range(305)}
    assert {job.job_id for job in client.job.list(ACCOUNT)} == ids
    assert len(list(client.job.list(ACCOUNT, top=304, skip=2))) == 303


def test_pipelines_and_recurrences_are_counted(client: DataLakeAnalyticsJobManagementClient) -> None:
    pipeline, recurrence, run = (str(uuid.uuid4()) for _ in range(3))
    related = JobRelationshipProperties(
        pipeline_id=pipeline,
        pipeline_name="p",
        pipeline_uri="https://p.example.com",
        run_id=run,
        recurrence_id=recurrence,
        recurrence_name="r",
    )
    good = end(client, submit(client, script(output_path()), related=related))
    end(client, submit(client, "SELECT", related=related))
    assert good.related.pipeline_id == pipeline
    found = client.pipeline.get(ACCOUNT, pipeline)
    assert (found.pipeline_name, found.pipeline_uri) == ("p", "https://p.example.com")
    assert (found.num_jobs_succeeded, found.num_jobs_failed, found.num_jobs_canceled) == (1, 1, 0)
    assert found.au_hours_succeeded > 0
    assert found.recurrences == [recurrence]
    assert pipeline in {item.pipeline_id for item in client.pipeline.list(ACCOUNT)}
    again = client.recurrence.get(ACCOUNT, recurrence)
    assert (again.recurrence_name, again.num_jobs_failed) == ("r", 1)
    assert recurrence in {item.recurrence_id for item in client.recurrence.list(ACCOUNT)}
    later = good.submit_time.replace(year=good.submit_time.year + 1)
    assert list(client.pipeline.list(ACCOUNT, start_date_time=later)) == []


def test_jobs_survive_a_restart(own_emulator: Callable[..., Emulator], long_usql: str) -> None:
    emulator = own_emulator("restart", "--workers", "1")
    client = job_client(emulator)
    done = end(client, submit(client, script("/done.csv")))
    running = submit(client, long_usql)
    waiting = submit(client, script("/waiting.csv"))
    deadline = time.monotonic() + 60
    while client.job.get(ACCOUNT, running).state != "Running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    emulator.kill()
    emulator.start()
    client = job_client(emulator)
    assert client.job.get(ACCOUNT, done.job_id).result == "Succeeded"
    lost = end(client, running)
    assert lost.result == "Failed"
    assert lost.error_message[0].message == "the emulator was stopped while the job ran"
    assert end(client, waiting).result == "Succeeded"
    assert content(emulator, "/waiting.csv").text == '1,"x"\r\n2,"y"\r\n'


def test_tables_keep_their_rows_and_old_files_go(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("tables")
    client = job_client(emulator)
    create = "CREATE DATABASE D; CREATE TABLE D.dbo.T (n int, t string, INDEX i CLUSTERED (n) DISTRIBUTED BY HASH (n));"
    assert end(client, submit(client, create)).result == "Succeeded"
    insert = '@a = SELECT * FROM (VALUES (1, "x")) AS D(n, t); INSERT INTO D.dbo.T SELECT * FROM @a;'
    for _ in range(3):
        assert end(
            client, submit(client, f"TRUNCATE TABLE D.dbo.T; {insert} {insert.replace('@a', '@b')}")
        ).result == ("Succeeded")
    read = '@t = SELECT * FROM D.dbo.T; OUTPUT @t TO "/t.csv" USING Outputters.Csv();'
    assert end(client, submit(client, read)).result == "Succeeded"
    assert content(emulator, "/t.csv").text == '1,"x"\r\n' * 2
    assert len(list((emulator.data_dir / "analytics" / "segments").iterdir())) == 2


def test_no_token_is_no_access(emulator: Emulator) -> None:
    answer = requests.get(f"{emulator.address}/adla/{ACCOUNT}/jobs", timeout=30)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_a_repeated_job_can_be_a_conflict(own_emulator: Callable[..., Emulator]) -> None:
    client = job_client(own_emulator("conflict", "--repeated-jobs", "conflict"))
    text = script(output_path())
    job_id = submit(client, text)
    with pytest.raises(CloudError) as refused:
        submit(client, text, job_id)
    assert (refused.value.status_code, refused.value.error.error) == (409, "JobAlreadyExists")
    assert len(list(client.job.list(ACCOUNT))) == 1


def test_the_page_of_a_job_shows_its_plan_and_its_error_in_the_script(
    emulator: Emulator, client: DataLakeAnalyticsJobManagementClient
) -> None:
    good = end(client, submit(client, script(output_path()), name="<b>good</b>"))
    page = requests.get(f"{emulator.address}/usql/{ACCOUNT}/jobs/{good.job_id}", timeout=30)
    assert page.status_code == 200
    assert "&lt;b&gt;good&lt;/b&gt;" in page.text
    assert "<svg" in page.text
    bad = end(client, submit(client, "@a = SELECT x FROM @nowhere;"))
    assert "<mark" in requests.get(f"{emulator.address}/usql/{ACCOUNT}/jobs/{bad.job_id}", timeout=30).text
    assert good.job_id in requests.get(f"{emulator.address}/usql", timeout=30).text


@pytest.mark.parametrize("point", ["publish:linked-one", "publish:linked"])
def test_a_server_that_is_killed_while_a_job_ends_leaves_all_or_nothing(
    own_emulator: Callable[..., Emulator], point: str
) -> None:
    emulator = own_emulator("crash")
    client = job_client(emulator)
    create = "CREATE DATABASE D; CREATE TABLE D.dbo.T (n int, INDEX i CLUSTERED (n) DISTRIBUTED BY HASH (n));"
    assert end(client, submit(client, create)).result == "Succeeded"
    emulator.stop()
    emulator.environment[FAILPOINT_VARIABLE] = point
    emulator.start()
    text = (
        "@a = SELECT * FROM (VALUES (1)) AS D(n); INSERT INTO D.dbo.T SELECT n FROM @a;"
        'OUTPUT @a TO "/one.csv" USING Outputters.Csv(); OUTPUT @a TO "/two.csv" USING Outputters.Csv();'
    )
    job_id = submit(job_client(emulator), text)
    assert emulator.process is not None
    emulator.process.wait(60)
    assert emulator.process.stdout is not None
    emulator.process.stdout.close()
    emulator.process = None
    del emulator.environment[FAILPOINT_VARIABLE]
    emulator.start()
    client = job_client(emulator)
    assert end(client, job_id).result == "Failed"
    assert content(emulator, "/one.csv").status_code == content(emulator, "/two.csv").status_code == 404
    assert list((emulator.data_dir / "analytics" / "segments").iterdir()) == []
    again = submit(client, text)
    assert end(client, again).result == "Succeeded"
    assert content(emulator, "/two.csv").text == "1\r\n"
    assert len(list((emulator.data_dir / "analytics" / "segments").iterdir())) == 1
