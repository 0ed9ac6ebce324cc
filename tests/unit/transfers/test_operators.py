"""The transfers as Airflow sees them: arguments, templates, serialization."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_datalake.transfers.maxcompute_to_object_storage import MaxComputeToObjectStorageOperator
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import ObjectStorageToMaxComputeOperator

OPERATORS = [
    (ObjectStorageToMaxComputeOperator, {"source": "file:///tmp/{{ ds }}.csv", "table": "t_{{ ds_nodash }}"}),
    (
        MaxComputeToObjectStorageOperator,
        {"destination": "file:///tmp/{{ ds }}", "table": "t_{{ ds_nodash }}"},
    ),
]


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_template_fields_are_arguments_kept_as_given(operator: Any, arguments: dict[str, Any]) -> None:
    parameters = inspect.signature(operator.__init__).parameters
    values = {name: f"value of {name}" for name in operator.template_fields}
    made = operator(task_id="t", **{**arguments, **values})
    for name in operator.template_fields:
        assert name in parameters
        assert getattr(made, name) == f"value of {name}"


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_templates_are_rendered(operator: Any, arguments: dict[str, Any]) -> None:
    made = operator(task_id="t", **arguments, partition="dt={{ ds_nodash }}")
    made.render_template_fields({"ds": "2024-01-02", "ds_nodash": "20240102"})
    assert (made.table, made.partition) == ("t_20240102", "dt=20240102")


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_operator_can_be_serialized_mapped_and_copied(operator: Any, arguments: dict[str, Any]) -> None:
    import copy

    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("d", schedule=None) as dag:
        made = operator(task_id="t", **arguments)
        operator.partial(task_id="mapped", **arguments).expand(partition=["p=1", "p=2"])
    assert DagSerialization.to_dict(dag)
    assert copy.deepcopy(made).table == made.table


@pytest.mark.parametrize(("operator", "arguments"), OPERATORS)
def test_on_kill_before_execute_is_harmless(operator: Any, arguments: dict[str, Any]) -> None:
    operator(task_id="t", **arguments).on_kill()
