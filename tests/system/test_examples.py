"""The examples of the how-to pages: each runs in a real Airflow, and leaves in the services what it promises."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from airflow_provider_datalake.clients.azure_settings import read_settings
from airflow_provider_datalake.clients.ml_studio import Workspace
from airflow_provider_datalake.clients.resource_manager import ResourceManager
from airflow_provider_datalake.exceptions import NotFoundError
from demo.playground import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack

DAG_IDS = (
    "howto_accounts",
    "howto_data_lake_analytics",
    "howto_data_lake_store",
    "howto_maxcompute_files",
    "howto_maxcompute_sql",
    "howto_maxcompute_wait",
    "howto_ml_studio",
    "howto_ml_studio_experiment",
)
DAY = "day=2024-01-01"
ORDERS = 4
"""Rows of the file with orders."""

FOLDERS = {
    "howto_data_lake_store": "{}",
    "howto_maxcompute_files": "file://{}",
    "howto_ml_studio": "file://{}",
    "howto_ml_studio_experiment": "file://{}",
}
"""How the DAGs that write files of the worker take the folder."""

NODE = "11111111-0000-4000-8000-000000000001-1"
RESULTS = b"shop,amount\nBasel,160\n"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder on the worker that the examples write to."""
    return tmp_path_factory.mktemp("howto")


@pytest.fixture(scope="session")
def experiment(emulator: EmulatorProcess) -> None:
    """An experiment whose one module has given a few rows."""
    node = emulator.data_dir / "ml_studio" / "experiments" / "howto" / NODE
    node.mkdir(parents=True)
    (node / "Results dataset.csv").write_bytes(RESULTS)


@pytest.fixture(scope="session")
def runs(stack: AirflowStack, folder: Path, experiment: None) -> dict[str, str]:
    """A run of each example, all of them at the same time: its id by the DAG's."""
    stack.api.wait_for_dags(lambda found: set(DAG_IDS) <= found)
    return {
        dag_id: stack.api.trigger(
            dag_id, {"folder": FOLDERS[dag_id].format(folder)} if dag_id in FOLDERS else None
        )
        for dag_id in DAG_IDS
    }


@pytest.fixture
def ended(stack: AirflowStack, runs: dict[str, str], request: pytest.FixtureRequest) -> str:
    """The run of the DAG that the test names with ``indirect``, after its end with success."""
    dag_id = request.param
    stack.api.wait_for_run(dag_id, runs[dag_id], timeout=180)
    states = {task["task_id"]: task["state"] for task in stack.api.task_instances(dag_id, runs[dag_id])}
    failed = [task_id for task_id, state in states.items() if state == "failed"]
    logs = [stack.api.log(dag_id, runs[dag_id], task_id)[-3000:] for task_id in failed]
    assert set(states.values()) == {"success"}, "\n".join([str(states), *logs])
    return runs[dag_id]


def example(dag_id: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("ended", [dag_id], indirect=True)


def resource_manager(emulator: EmulatorProcess) -> ResourceManager:
    fields = json.loads(emulator.environment["AIRFLOW_CONN_ADLA_DEFAULT"])
    return ResourceManager.connect(
        read_settings(
            conn_id="adla_default",
            host=fields["host"],
            login=None,
            password=None,
            extra=fields["extra"],
            service="analytics",
        )
    )


def rows(emulator: EmulatorProcess, table: str, **options: str) -> list[tuple[object, ...]]:
    with emulator.client().get_table(table).open_reader(**options) as reader:
        return sorted(tuple(record.values) for record in reader)


@example("howto_maxcompute_sql")
def test_sql_leaves_the_large_sales_only(ended: str, emulator: EmulatorProcess) -> None:
    assert rows(emulator, "howto_large_sales") == [("Basel", 160), ("Lyon", 80)]


@example("howto_maxcompute_wait")
def test_sensors_of_maxcompute_see_the_table(ended: str, emulator: EmulatorProcess) -> None:
    assert emulator.client().exist_table("howto_waited")


@example("howto_maxcompute_files")
def test_loads_are_merged_to_one_archived_file(ended: str, emulator: EmulatorProcess) -> None:
    partition = emulator.client().get_table("howto_orders").get_partition(DAY)
    assert (partition.file_num, partition.is_archived) == (1, True)
    assert len(rows(emulator, "howto_orders", partition=DAY)) == 2 * ORDERS


@example("howto_maxcompute_files")
def test_exports_have_the_rows_of_both_loads(ended: str, folder: Path) -> None:
    table = parquet.read_table(folder / "orders.parquet")
    assert (table.num_rows, table.column_names) == (2 * ORDERS, ["shop", "amount"])
    (manifest,) = (folder / "totals").rglob("manifest.json")
    totals = {
        row["shop"]: row["total"]
        for file in manifest.parent.glob("*.parquet")
        for row in parquet.read_table(file).to_pylist()
    }
    assert totals == {"Basel": Decimal(320), "Lyon": Decimal(160), "Turin": Decimal("24.50")}


@example("howto_data_lake_store")
def test_file_has_gone_through_the_store_to_the_worker(
    ended: str, emulator: EmulatorProcess, folder: Path
) -> None:
    orders = (ROOT / "example_dags" / "howto" / "data" / "orders.csv").read_bytes()
    assert (folder / "2024-01-01.csv").read_bytes() == orders
    assert emulator.store().read("/howto/orders.csv") == orders
    assert not emulator.store().exists("/howto/incoming")


@example("howto_data_lake_store")
def test_list_names_the_file(ended: str, stack: AirflowStack) -> None:
    assert stack.api.xcom("howto_data_lake_store", ended, "incoming") == ["/howto/incoming/2024-01-01.csv"]


@example("howto_data_lake_analytics")
def test_u_sql_writes_the_large_sales_and_all_of_them(ended: str, emulator: EmulatorProcess) -> None:
    large, everything = (emulator.store().read(f"/howto/{name}.csv") for name in ("large", "all"))
    assert large == b'"shop","amount"\r\n"Basel",160\r\n"Lyon",80\r\n'
    assert everything == large + b'"Turin",12\r\n'


@example("howto_accounts")
def test_accounts_are_made_limited_and_deleted(ended: str, stack: AirflowStack) -> None:
    told = {task: stack.api.xcom("howto_accounts", ended, task) for task in ("store", "analytics", "policy")}
    assert told["store"]["endpoint"].startswith("howtostore")
    assert told["analytics"]["endpoint"].startswith("howtoanalytics")
    assert told["policy"] == {"name": "ann", "account": "howtoanalytics", "present": True}
    for task, name in (("delete_store", "howtostore"), ("delete_analytics", "howtoanalytics")):
        assert stack.api.xcom("howto_accounts", ended, task) == {"name": name}


@example("howto_accounts")
def test_accounts_are_gone_and_the_group_is_there(ended: str, emulator: EmulatorProcess) -> None:
    manager = resource_manager(emulator)
    assert manager.groups.get("howto").location == "eastus2"
    with pytest.raises(NotFoundError):
        manager.analytics_accounts.get("howtoanalytics", "howto")
    with pytest.raises(NotFoundError):
        manager.store_accounts.get("howtostore", "howto")


@example("howto_ml_studio")
def test_dataset_has_a_second_version_which_is_read(
    ended: str, stack: AirflowStack, emulator: EmulatorProcess, folder: Path
) -> None:
    first, second = (stack.api.xcom("howto_ml_studio", ended, task) for task in ("upload", "update"))
    assert (first["action"], second["action"]) == ("created", "updated")
    assert first["family_id"] == second["family_id"]
    fields = json.loads(emulator.environment["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"])
    workspace = Workspace(fields["login"], fields["password"], fields["host"])
    assert workspace.datasets["howto orders"].id == second["dataset_id"]
    assert workspace.datasets["howto orders"].description == "Orders of one day"
    assert parquet.read_table(folder / "orders_of_studio.parquet").to_pylist() == [
        {"shop": "Basel", "amount": 160}
    ]


@example("howto_ml_studio_experiment")
def test_results_of_the_experiment_are_read_as_they_are(ended: str, folder: Path) -> None:
    assert (folder / "results.csv").read_bytes() == RESULTS
