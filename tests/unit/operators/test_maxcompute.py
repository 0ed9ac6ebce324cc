from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.jobs.maxcompute import ArchiveRequest, MergeRequest, SqlRequest
from airflow_provider_datalake.operators.maxcompute import (
    MaxComputeArchiveTableOperator,
    MaxComputeMergeFilesOperator,
    MaxComputeSQLOperator,
)

ALL: list[tuple[type, dict[str, Any]]] = [
    (MaxComputeSQLOperator, {"sql": "select {{ ds }}"}),
    (MaxComputeMergeFilesOperator, {"table": "t", "partition": "p={{ ds }}"}),
    (MaxComputeArchiveTableOperator, {"table": "t", "partition": "p={{ ds }}"}),
]


@pytest.mark.parametrize(("operator", "kwargs"), ALL)
def test_template_fields_are_kept_as_they_were_given(operator: Any, kwargs: dict[str, Any]) -> None:
    given = {
        "odps_conn_id": "{{ c }}",
        "project": "{{ p }}",
        "schema": "{{ s }}",
        "hints": {"a": "{{ h }}"},
        **kwargs,
    }
    made = operator(task_id="t", **given)
    assert {name: getattr(made, name) for name in made.template_fields} == given


@pytest.mark.parametrize(("operator", "kwargs"), ALL)
def test_all_arguments_are_keywords(operator: Any, kwargs: dict[str, Any]) -> None:
    for cls in operator.__mro__[:3]:
        kinds = {p.kind for n, p in inspect.signature(cls.__init__).parameters.items() if n != "self"}
        assert inspect.Parameter.POSITIONAL_OR_KEYWORD not in kinds


@pytest.mark.parametrize(("operator", "kwargs"), ALL)
def test_default_args_reach_every_argument(operator: Any, kwargs: dict[str, Any]) -> None:
    defaults = {"odps_conn_id": "mine", "deferrable": True, "poll_interval": 7.0, "cancel_on_failure": True}
    with DAG("d", schedule=None, default_args=defaults):
        made = operator(task_id="t", **kwargs)
    assert {name: getattr(made, name) for name in defaults} == defaults


@pytest.mark.parametrize(("operator", "kwargs"), ALL)
def test_operators_can_be_mapped(operator: Any, kwargs: dict[str, Any]) -> None:
    name, value = next(iter(kwargs.items()))
    with DAG("d", schedule=None):
        operator.partial(task_id="t", deferrable=True, defer_after=1.0).expand(**{name: [value, value]})


@pytest.mark.parametrize(("operator", "kwargs"), ALL)
def test_the_request_names_all_that_decides_what_the_job_does(operator: Any, kwargs: dict[str, Any]) -> None:
    request = operator(
        task_id="t",
        hints={"a": 1},
        priority=3,
        **{**kwargs, **({"partition": "p=1"} if "table" in kwargs else {})},
    ).job_request()
    rendered = json.loads(json.dumps(request.to_json()))
    assert rendered["hints"] == {"a": 1}
    assert rendered["priority"] == 3


def test_sql_becomes_a_request() -> None:
    made = MaxComputeSQLOperator(task_id="t", sql="select 1", name="daily")
    assert made.job_request() == SqlRequest("select 1", {}, None, "daily")


@pytest.mark.parametrize("partition", ["Month=1", "month='1'", {"month": 1}])
def test_a_partition_can_be_written_in_several_ways(partition: Any) -> None:
    made = MaxComputeMergeFilesOperator(task_id="t", table=" demo.t ", partition=partition)
    assert made.job_request() == MergeRequest("demo.t", "month='1'")


def test_archiving_is_not_merging() -> None:
    made = MaxComputeArchiveTableOperator(task_id="t", table="t")
    assert made.job_request() == ArchiveRequest("t")
    assert made.job_request() != MergeRequest("t")
    assert made.job_request().to_json() != MergeRequest("t").to_json()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"sql": ""}, "sql must be"),
        ({"sql": " \n"}, "sql must be"),
        ({"sql": ["select 1"]}, "sql must be"),
        ({"sql": "s", "hints": "a=1"}, "hints must be"),
        ({"sql": "s", "hints": {"a": [1]}}, r"hints\['a'\]"),
        ({"sql": "s", "priority": "5"}, "priority must be an integer"),
        ({"sql": "s", "priority": True}, "priority must be an integer"),
        ({"sql": "s", "priority": 10}, "from 0 to 9"),
    ],
)
def test_arguments_that_cannot_work_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        MaxComputeSQLOperator(task_id="t", **kwargs).job_request()


@pytest.mark.parametrize(
    ("kwargs", "words"), [({"table": ""}, "table must be"), ({"table": "t", "partition": "p"}, "malformed")]
)
def test_tables_and_partitions_that_cannot_work_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        MaxComputeMergeFilesOperator(task_id="t", **kwargs).job_request()


def test_the_trigger_is_told_where_the_job_runs() -> None:
    made = MaxComputeSQLOperator(task_id="t", sql="s", odps_conn_id="c", project="", schema=None)
    assert made.job_location().__dict__ == {"conn_id": "c", "hook_arguments": {}}


def test_the_link_is_read_from_where_the_operator_pushes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time.xcom import XCom

    (link,) = MaxComputeSQLOperator(task_id="t", sql="s").operator_extra_links
    store = {"maxcompute_logview": "http://page"}
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: store.get(key))
    assert link.get_link(None, ti_key=None) == "http://page"  # type: ignore[arg-type]
    store.clear()
    assert link.get_link(None, ti_key=None) == ""  # type: ignore[arg-type]
