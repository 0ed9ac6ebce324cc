from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_datalake.clients.data_lake_analytics import DataLakeAnalyticsJobClient
from airflow_provider_datalake.exceptions import ConfigurationError, JobCancelledError, JobFailedError
from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook
from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs
from airflow_provider_datalake.operators.data_lake_analytics import (
    DataLakeAnalyticsBuildOperator,
    DataLakeAnalyticsJobOperator,
)
from tests.unit.clients.azure_fakes import Call, FakeAccount, FakeHttp, answer, cancelled, failure
from tests.unit.jobs.fakes import FakeStore, FakeTaskInstance, Killed

if TYPE_CHECKING:
    from airflow_provider_datalake.clients.data_lake_analytics_definitions import Relation

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")


class Task:
    """One U-SQL task of one run: each try is a new operator, the store and the account stay."""

    def __init__(self) -> None:
        self.account = FakeAccount()
        self.store = FakeStore()
        self.ti = FakeTaskInstance()
        self.looks = 0
        self.die_at = ""
        self.outcome = "Succeeded"

    def __call__(self, call: Call) -> Any:
        kind = f"{call.method} {call.path.rpartition('/')[2] if call.path.count('/') > 1 else 'job'}"
        self._die(f"before {kind}")
        if call.method == "GET" and kind == "GET job" and self.account.jobs:
            self._step()
        response = self.account(call)
        self._die(f"after {kind}")
        return response

    def _die(self, moment: str) -> None:
        if moment == self.die_at:
            self.die_at = ""
            raise Killed(moment)

    def _step(self) -> None:
        for job_id, job in self.account.jobs.items():
            if job["state"] == "Compiling":
                job.update(state="Running")
                self.account.statistics[job_id] = [{"stageName": "S", "totalCount": 2, "succeededCount": 1}]
            elif job["state"] == "Running":
                self.looks += 1
                if self.looks >= 2:
                    self.account.end(job_id, self.outcome)

    def operator(self, **kwargs: Any) -> DataLakeAnalyticsJobOperator:
        made = DataLakeAnalyticsJobOperator(
            **{
                "task_id": "t",
                "script": "@r = SELECT 1;",
                "poll_interval": 0.01,
                "defer_after": 0.0,
                **kwargs,
            }
        )
        client = DataLakeAnalyticsJobClient(FakeHttp(self))  # type: ignore[arg-type]
        made.job_service = lambda: DataLakeAnalyticsJobs(client, account="emulator")  # type: ignore[method-assign]
        return made

    @property
    def context(self) -> Any:
        return {"ti": self.ti, "task_state_store": self.store, "run_id": "manual__1"}

    def run(self, **kwargs: Any) -> Any:
        self.ti.xcoms.clear()
        try:
            return self.operator(**kwargs).execute(self.context)
        except TaskDeferred as deferred:
            job_id = deferred.trigger.job_id  # type: ignore[union-attr]
            self.account.end(job_id, self.outcome)
            event = {"job_id": job_id, "outcome": "ended"}
            return self.operator(**kwargs).execute_complete(self.context, event)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> FakeHttp:
    http = FakeHttp(FakeAccount())
    client = DataLakeAnalyticsJobClient(http)  # type: ignore[arg-type]
    monkeypatch.setattr(DataLakeAnalyticsHook, "get_job_client", lambda self: client)
    return http


MOMENTS = [
    "before GET job",
    "after GET job",
    "before PUT job",
    "after PUT job",
    "before GET GetStatistics",
    "after GET GetStatistics",
]


@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferred"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_at_any_moment_leaves_one_job_and_the_same_result(
    moment: str, deferrable: bool
) -> None:
    untouched = Task()
    expected = untouched.run(deferrable=deferrable)
    task = Task()
    task.die_at = moment
    if deferrable and "Statistics" in moment:
        task.looks = -10
    with pytest.raises(Killed):
        task.run(deferrable=deferrable)
    result = task.run(deferrable=deferrable)
    (job_id,) = task.account.jobs
    assert task.account.submitted == 1
    assert {**result, "job_id": ""} == {**expected, "job_id": ""}
    assert result["job_id"] == job_id
    assert task.ti.xcoms == {"data_lake_analytics_job": f"http://127.0.0.1:1/usql/emulator/jobs/{job_id}"}


def test_an_answer_that_is_lost_leaves_one_job() -> None:
    task = Task()
    task.account.lose.add("PUT jobs")
    task.run()
    assert task.account.submitted == 1


def test_the_next_try_after_a_failure_runs_a_new_job() -> None:
    task = Task()
    task.outcome = "Failed"
    with pytest.raises(JobFailedError, match="gives no reason"):
        task.run()
    task.outcome, task.looks = "Succeeded", 0
    task.run()
    assert task.account.submitted == 2


def test_a_script_that_does_not_compile_is_not_tried_again() -> None:
    task = Task()

    def refuse(job_id: str, result: str) -> None:
        FakeAccount.end(
            task.account,
            job_id,
            "Failed",
            errorMessage=[
                {
                    "errorId": "E_CSC_USER_SYNTAXERROR",
                    "severity": "Error",
                    "message": "syntax error",
                    "lineNumber": 5,
                }
            ],
        )

    task.account.end = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(
        AirflowFailException, match=r"E_CSC_USER_SYNTAXERROR: syntax error \(at line 2: SELEC 1;\)"
    ):
        task.run(script="USE db;\nSELEC 1;", parameters={"a": 1})


def test_a_job_that_somebody_cancels_fails_the_try() -> None:
    task = Task()

    def cancel(job_id: str, result: str) -> None:
        FakeAccount.end(task.account, job_id, "Cancelled", errorMessage=[cancelled()])

    task.account.end = cancel  # type: ignore[method-assign, assignment]
    with pytest.raises(JobCancelledError, match="cancelled by me"):
        task.run()


def test_clearing_cancels_the_old_job_and_runs_a_new_one() -> None:
    task = Task()
    task.looks = -1000
    with pytest.raises(TaskDeferred):
        task.operator(deferrable=True).execute(task.context)
    task.ti.max_tries += 1
    with pytest.raises(TaskDeferred):
        task.operator(deferrable=True).execute(task.context)
    assert [job["result"] for job in task.account.jobs.values()] == ["Cancelled", "None"]


def test_the_trigger_makes_the_hook_for_the_account() -> None:
    task = Task()
    task.looks = -1000
    with pytest.raises(TaskDeferred) as raised:
        task.operator(deferrable=True, account="other", adla_conn_id="c").execute(task.context)
    kwargs = raised.value.trigger.serialize()[1]  # type: ignore[union-attr]
    assert kwargs["hook"] == "airflow_provider_datalake.hooks.data_lake_analytics.DataLakeAnalyticsHook"
    assert (kwargs["conn_id"], kwargs["hook_arguments"]) == ("c", {"account": "other"})
    json.dumps(kwargs)


def request_of(**kwargs: Any) -> Any:
    return DataLakeAnalyticsJobOperator(**{"task_id": "t", "script": "s", **kwargs}).job_request()


def test_parameters_are_declared_in_front_of_the_script() -> None:
    request = request_of(
        script="@r = SELECT 1;", parameters={"day": {"type": "DateTime", "value": "2024-01-31"}}
    )
    assert request.script.splitlines()[1:] == [
        "DECLARE @day DateTime = new DateTime(2024, 1, 31, 0, 0, 0, DateTimeKind.Utc);",
        "// The script begins below this line.",
        "@r = SELECT 1;",
    ]


def test_numbers_may_come_from_templates() -> None:
    request = request_of(degree_of_parallelism="8", priority="")
    assert (request.degree_of_parallelism, request.priority) == (8, None)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"script": " "}, "script must be"),
        ({"script": None}, "script must be"),
        ({"name": "n" * 261}, "name must be"),
        ({"degree_of_parallelism": 0}, "degree_of_parallelism must be an integer above 0"),
        ({"degree_of_parallelism": "many"}, "degree_of_parallelism must be an integer"),
        ({"priority": 1.5}, "priority must be an integer"),
        ({"compile_mode": "Quick"}, "compile_mode must be one of Semantic"),
        ({"parameters": {"a b": 1}}, "a name must be"),
        ({"parameters": "x"}, "must be a mapping"),
        ({"pipeline_name": "p"}, "recurrence_id is missing"),
        ({"recurrence_id": "daily"}, "recurrence_id must be a GUID"),
        ({"recurrence_id": str(uuid.UUID(int=1)), "run_id": "x"}, "run_id must be a GUID"),
        ({"recurrence_id": str(uuid.UUID(int=1)), "recurrence_name": "x" * 261}, "260 characters"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        request_of(**kwargs)


def in_dag(dag_id: str, task_id: str = "t", **kwargs: Any) -> DataLakeAnalyticsJobOperator:
    with DAG(dag_id, schedule=None):
        return DataLakeAnalyticsJobOperator(task_id=task_id, script="s", **kwargs)


def relation_of(made: DataLakeAnalyticsJobOperator, run_id: str = "r1") -> Relation:
    made._airflow_run_id = run_id
    related = made.job_request().related
    assert related is not None
    return related


def test_a_job_says_by_itself_what_it_is_a_part_of() -> None:
    related = relation_of(in_dag("d"))
    assert (related.pipeline_name, related.recurrence_name) == ("d", "d.t")
    assert relation_of(in_dag("d")) == related
    other_task, other_run = relation_of(in_dag("d", "u")), relation_of(in_dag("d"), "r2")
    assert other_task.pipeline_id == related.pipeline_id
    assert other_task.recurrence_id != related.recurrence_id
    assert (other_run.recurrence_id, other_run.run_id == related.run_id) == (related.recurrence_id, False)
    assert relation_of(in_dag("e")).pipeline_id != related.pipeline_id


def test_what_is_given_comes_before_what_is_made_up() -> None:
    own = str(uuid.UUID(int=7))
    related = relation_of(in_dag("d", pipeline_id=own, pipeline_uri="https://x"))
    assert (related.pipeline_id, related.pipeline_uri, related.recurrence_name) == (own, "https://x", "d.t")


def test_a_job_can_be_a_part_of_nothing() -> None:
    assert in_dag("d", relate=False).job_request().related is None
    assert request_of().related is None


def test_a_job_is_named_after_its_task() -> None:
    assert in_dag("d").job_request().name == "d.t"
    assert request_of(name="mine").name == "mine"


def test_fields_are_kept_as_they_are_given_until_they_are_rendered() -> None:
    fields = DataLakeAnalyticsJobOperator.template_fields
    given = {field: f"{{{{ {field} }}}}" for field in fields}
    made = DataLakeAnalyticsJobOperator(task_id="t", **given)  # type: ignore[arg-type]
    assert {field: getattr(made, field) for field in fields} == given
    assert DataLakeAnalyticsJobOperator.template_ext == (".usql",)


def build(**kwargs: Any) -> Any:
    return DataLakeAnalyticsBuildOperator(
        **{"task_id": "t", "script": "USE db;\nSELEC 1;", **kwargs}
    ).execute({})  # type: ignore[typeddict-item]


def built(result: str, *diagnostics: dict[str, Any]) -> Any:
    return lambda call: answer(
        200,
        {
            "state": "Ended",
            "result": result,
            "properties": {"type": "USql", "diagnostics": list(diagnostics)},
        },
    )


SYNTAX = {
    "severity": "Error",
    "lineNumber": 2,
    "columnNumber": 1,
    "start": 8,
    "end": 13,
    "message": "E_CSC_USER_SYNTAXERROR: syntax error.",
}


def test_a_script_that_compiles_builds(hook: FakeHttp) -> None:
    hook.handler = built("Succeeded", {**SYNTAX, "severity": "Warning", "message": "mind"})
    assert build() == [{"severity": "Warning", "message": "mind", "place": "line 2, column 1: SELEC 1;"}]
    assert (hook.calls[0].method, hook.calls[0].path, hook.calls[0].body) == (
        "POST",
        "buildJob",
        {"name": "t", "type": "USql", "properties": {"type": "USql", "script": "USE db;\nSELEC 1;"}},
    )


def test_a_script_that_does_not_compile_fails_with_the_place(hook: FakeHttp) -> None:
    hook.handler = built("Failed", {**SYNTAX, "lineNumber": 5})
    with pytest.raises(
        AirflowFailException, match=r"E_CSC_USER_SYNTAXERROR: syntax error. \(at line 2, column 1: SELEC 1;\)"
    ) as raised:
        build(parameters={"a": 1})
    assert isinstance(raised.value.__cause__, JobFailedError)
    assert raised.value.__cause__.code == "E_CSC_USER_SYNTAXERROR"


def test_a_build_that_fails_without_a_word_fails(hook: FakeHttp) -> None:
    hook.handler = built("Failed")
    with pytest.raises(AirflowFailException, match="the service gives no reason"):
        build()


def test_a_build_that_is_refused_names_the_connection(hook: FakeHttp) -> None:
    hook.handler = lambda call: failure(403, "AuthorizationFailed", "you may not")
    with pytest.raises(
        AirflowFailException, match="^Connection 'c': build 't': AuthorizationFailed: you may not"
    ):
        build()
    with pytest.raises(AirflowFailException, match="^Connection 'adla_default': script must be"):
        build(script="")
