"""The tasks against a running service: from MaxCompute and files to datasets, and back to files."""

from __future__ import annotations

import hashlib
import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook
from airflow_provider_datalake.operators.ml_studio import (
    MLStudioDownloadDatasetOperator,
    MLStudioIntermediateDatasetOperator,
    MLStudioUpdateDatasetOperator,
    MLStudioUploadDatasetOperator,
)
from airflow_provider_datalake.sensors.ml_studio import MLStudioDatasetSensor
from tests.integration.studio_connections import TOKEN, as_variable, connect
from tests.integration.test_transfers import Store, connection, context, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odps import ODPS

    from airflow_provider_datalake.clients.ml_studio import Workspace
    from tests.integration.conftest import Emulator


@pytest.fixture
def workspace(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", as_variable(emulator))
    monkeypatch.setenv("AIRFLOW_CONN_ODPS_DEFAULT", connection(emulator))
    return connect(emulator)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"training {uuid.uuid4().hex}"


@pytest.fixture
def table(odps: ODPS, table_name: str, workspace: Workspace, tmp_path: Path) -> str:
    """A table of 1,000 rows in two partitions."""
    odps.execute_sql(f"create table {table_name} (a bigint, b string) partitioned by (p string)")
    for number in (1, 2):
        rows = range(number * 500 - 500, number * 500)
        pq.write_table(
            pa.table({"a": list(rows), "b": [f"text, {n}" for n in rows]}), tmp_path / "in.parquet"
        )
        load(table_name, f"file://{tmp_path}/in.parquet", partition=f"p={number}").execute(context())
    return table_name


def upload(name: str, **options: Any) -> MLStudioUploadDatasetOperator:
    return MLStudioUploadDatasetOperator(task_id="upload", dataset=name, **options)


def test_a_file_becomes_a_dataset_and_a_file_again(workspace: Workspace, name: str, tmp_path: Path) -> None:
    data = os.urandom(9_000_000)
    (tmp_path / "in").write_bytes(data)
    result = upload(name, source=f"file://{tmp_path}/in", data_type_id="PlainText").execute(context())
    found = workspace.datasets[name]
    assert result == {
        "dataset_id": found.id,
        "family_id": found.family_id,
        "dataset": name,
        "bytes": len(data),
        "action": "created",
    }
    operator = MLStudioDownloadDatasetOperator(
        task_id="down", dataset=name, destination=f"file://{tmp_path}/out"
    )
    assert operator.execute(context())["bytes"] == len(data)
    assert (tmp_path / "out").read_bytes() == data


def test_an_object_store_serves_both_ways(workspace: Workspace, name: str, tmp_path: Path) -> None:
    attach("memory", fs=MemoryFileSystem())
    source = ObjectStoragePath(f"memory://bucket/{uuid.uuid4().hex}.csv")
    source.write_bytes(b"a,b\n1,x\n" * 400_000)
    upload(name, source=source).execute(context())
    target = f"memory://bucket/{uuid.uuid4().hex}.csv"
    MLStudioDownloadDatasetOperator(task_id="down", dataset=name, destination=target).execute(context())
    assert ObjectStoragePath(target).read_bytes() == source.read_bytes()


def test_a_table_becomes_a_dataset(workspace: Workspace, name: str, table: str) -> None:
    result = upload(name, table=table).execute(context())
    frame = workspace.datasets[name].to_dataframe()
    assert result["rows"] == len(frame) == 1000
    assert sorted(frame["a"]) == list(range(1000))
    assert set(frame.columns) == {"a", "b", "p"}
    assert frame.set_index("a").loc[7, "b"] == "text, 7"


def test_a_partition_and_columns_can_be_chosen(workspace: Workspace, name: str, table: str) -> None:
    upload(name, table=table, partition="p=2", columns=["a"], data_type_id="GenericTSVNoHeader").execute(
        context()
    )
    lines = workspace.datasets[name].read_text().splitlines()
    assert sorted(map(int, lines)) == list(range(500, 1000))


def test_a_query_becomes_a_dataset(workspace: Workspace, name: str, table: str) -> None:
    result = upload(
        name,
        sql=f"select count(*) as n, cast('2013-01-01 00:00:00' as datetime) as t from {table} where p is not null",
        hints={"odps.sql.timezone": "Asia/Shanghai"},
    ).execute(context())
    assert result["rows"] == 1
    assert workspace.datasets[name].read_text() == "n,t\n1000,2013-01-01 00:00:00+08:00\n"


def test_an_empty_table_is_a_line_of_names(
    workspace: Workspace, name: str, odps: ODPS, table_name: str
) -> None:
    odps.execute_sql(f"create table {table_name} (a bigint, b string)")
    assert upload(name, table=table_name).execute(context())["rows"] == 0
    assert workspace.datasets[name].read_text() == "a,b\n"


def test_a_table_that_is_missing_names_its_connection(workspace: Workspace, name: str) -> None:
    with pytest.raises(AirflowFailException, match="Connection 'odps_default'"):
        upload(name, table="does_not_exist").execute(context())


def test_parquet_goes_and_comes(workspace: Workspace, name: str, tmp_path: Path) -> None:
    table = pa.table(
        {"a": [1, None, 3], "b": ["x", "y, z", None], "c": [0.1, 2.0, None], "d": [True, False, None]}
    )
    pq.write_table(table, tmp_path / "in.parquet")
    upload(name, source=str(tmp_path / "in.parquet")).execute(context())
    operator = MLStudioDownloadDatasetOperator(
        task_id="down", dataset=name, destination=str(tmp_path / "out.parquet"), file_format="parquet"
    )
    assert operator.execute(context())["rows"] == 3
    assert pq.read_table(tmp_path / "out.parquet").to_pydict() == table.to_pydict()


def test_what_is_done_with_a_used_name(workspace: Workspace, name: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a\n1\n")
    first = upload(name, source=str(tmp_path / "f"), description="words").execute(context())
    with pytest.raises(AirflowFailException, match="Connection 'azureml_studio_default': there is a dataset"):
        upload(name, source=str(tmp_path / "f")).execute(context())
    skipped = upload(name, source=str(tmp_path / "f"), if_exists="skip").execute(context())
    assert skipped == {**first, "action": "skipped"}
    updated = upload(name, source=str(tmp_path / "f"), if_exists="update").execute(context())
    assert updated["action"] == "updated"
    assert updated["family_id"] == first["family_id"]
    assert updated["dataset_id"] != first["dataset_id"]
    assert workspace.datasets[name].description == "words"


def test_an_update_renames_and_a_retry_gives_the_same(
    workspace: Workspace, name: str, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"a\n1\n")
    upload(name, source=str(tmp_path / "f")).execute(context())
    state = Store()
    operator = MLStudioUpdateDatasetOperator(
        task_id="update", dataset=name, source=str(tmp_path / "f"), new_name=f"{name} v2", description="feb"
    )
    result = operator.execute(context(state))
    assert operator.execute(context(state)) == result
    assert workspace.datasets[f"{name} v2"].description == "feb"
    assert workspace.find(name) is None


def test_an_update_needs_a_dataset(workspace: Workspace, name: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a\n1\n")
    operator = MLStudioUpdateDatasetOperator(task_id="update", dataset=name, source=str(tmp_path / "f"))
    with pytest.raises(AirflowFailException, match="there is no dataset"):
        operator.execute(context())


@pytest.mark.parametrize("file_format", ["as_is", "parquet"])
def test_what_a_module_has_given_becomes_a_file(
    emulator: Emulator, workspace: Workspace, tmp_path: Path, file_format: str
) -> None:
    experiment = f"emulator.f-id.{uuid.uuid4().hex}"
    place = f"{emulator.address}/studio/api/workspaces/emulator/experiments/{experiment}"
    headers = {"x-ms-metaanalytics-authorizationtoken": TOKEN}
    requests.put(place, json={"Description": "census"}, headers=headers, timeout=30).raise_for_status()
    requests.put(
        f"{place}/outputdata/node-1/Results dataset", data=b"age, job\n42, x\n", headers=headers, timeout=30
    ).raise_for_status()
    assert experiment in [one.id for one in workspace.experiments]
    operator = MLStudioIntermediateDatasetOperator(
        task_id="output",
        experiment_id=experiment,
        module_node_id="node-1",
        port_name="Results dataset",
        destination=str(tmp_path / "out"),
        file_format=file_format,
    )
    assert operator.execute(context())["bytes"] == 15
    if file_format == "as_is":
        assert (tmp_path / "out").read_bytes() == b"age, job\n42, x\n"
    else:
        assert pq.read_table(tmp_path / "out").to_pydict() == {"age": [42], "job": ["x"]}


@pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")
def test_the_sensor_sees_what_is_there(workspace: Workspace, name: str) -> None:
    def met(**options: Any) -> bool:
        return MLStudioDatasetSensor(task_id="s", dataset=name, **options).poke(context())

    before = datetime.now(UTC) - timedelta(minutes=1)
    assert not met()
    made = workspace.create(name, b"a\n1\n", data_type_id="GenericCSV")
    assert met()
    assert met(newer_than=before)
    assert not met(newer_than=made.created_date)
    assert not met(changed_since=made.id)
    made.update(b"a\n2\n")
    assert met(changed_since=made.id)


@pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")
def test_the_triggers_look_is_the_sensors(workspace: Workspace, name: str) -> None:
    sensor = MLStudioDatasetSensor(task_id="s", dataset=name, deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({"ti": type("TI", (), {"start_date": datetime.now(UTC)})()})  # type: ignore[typeddict-item]
    trigger: Any = deferred.value.trigger
    assert not trigger.is_met(workspace)
    workspace.create(name, b"a\n1\n", data_type_id="GenericCSV")
    assert trigger.is_met(workspace)


def test_transfers_tell_the_lineage(
    workspace: Workspace, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import lineage

    collector = lineage.HookLineageCollector()
    monkeypatch.setattr(lineage, "get_hook_lineage_collector", lambda: collector)
    (tmp_path / "f").write_bytes(b"a\n1\n")
    upload(name, source=str(tmp_path / "f")).execute(context())
    MLStudioDownloadDatasetOperator(task_id="down", dataset=name, destination=str(tmp_path / "g")).execute(
        context()
    )
    told = collector.collected_assets
    uri = f"azureml-studio://emulator/{name.replace(' ', '%20')}"
    assert uri in [one.asset.uri for one in told.outputs]
    assert uri in [one.asset.uri for one in told.inputs]


def test_a_task_in_a_bad_network_makes_one_dataset(
    own_emulator: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = own_emulator("own", "--faults", "0.2@/studio/*", "--fault-seed", "3")
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", as_variable(emulator))
    data = os.urandom(20_000_000)
    (tmp_path / "f").write_bytes(data)
    result = upload("d", source=str(tmp_path / "f"), data_type_id="PlainText", threads=8).execute(context())
    MLStudioDownloadDatasetOperator(task_id="down", dataset="d", destination=str(tmp_path / "g")).execute(
        context()
    )
    assert hashlib.sha256((tmp_path / "g").read_bytes()).digest() == hashlib.sha256(data).digest()
    assert [one.id for one in connect(emulator).user_datasets] == [result["dataset_id"]]


def test_the_rows_of_a_table_come_back_into_a_table(
    workspace: Workspace, name: str, table: str, odps: ODPS, tmp_path: Path
) -> None:
    upload(name, table=table, columns=["a", "b"]).execute(context())
    MLStudioDownloadDatasetOperator(
        task_id="down", dataset=name, destination=str(tmp_path / "out.parquet"), file_format="parquet"
    ).execute(context())
    odps.execute_sql(f"create table {table}_back (a bigint, b string)")
    load(f"{table}_back", f"file://{tmp_path}/out.parquet", partition=None).execute(context())
    hook = MaxComputeHook()
    before = hook.unload(table, columns=["a", "b"]).to_pandas().sort_values("a", ignore_index=True)
    after = hook.unload(f"{table}_back").to_pandas().sort_values("a", ignore_index=True)
    pd.testing.assert_frame_equal(before, after)
