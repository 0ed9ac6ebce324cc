"""Make, wait for, update and read datasets of Azure ML Studio (classic)."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import chain, dag

from airflow_provider_datalake.operators.ml_studio import (
    MLStudioDownloadDatasetOperator,
    MLStudioIntermediateDatasetOperator,
    MLStudioUpdateDatasetOperator,
    MLStudioUploadDatasetOperator,
)
from airflow_provider_datalake.sensors.ml_studio import MLStudioDatasetSensor

DATA = Path(__file__).parent / "data"


@dag(
    schedule=None,
    default_args={"retries": 2},
    params={"folder": "file:///tmp/howto"},
    tags=["example", "ml studio"],
)
def howto_ml_studio() -> None:
    # [START howto_operator_ml_studio_upload]
    upload = MLStudioUploadDatasetOperator(
        task_id="upload",
        dataset="howto orders",
        source=f"file://{DATA}/orders.csv",
        description="Orders of one day",
        if_exists="update",
    )
    # [END howto_operator_ml_studio_upload]

    # [START howto_sensor_ml_studio_dataset]
    ready = MLStudioDatasetSensor(
        task_id="ready",
        dataset="howto orders",
        newer_than="{{ dag_run.start_date.isoformat() }}",
        poke_interval=10,
        timeout=600,
        deferrable=True,
    )
    # [END howto_sensor_ml_studio_dataset]

    # [START howto_operator_ml_studio_update]
    update = MLStudioUpdateDatasetOperator(
        task_id="update",
        dataset="howto orders",
        sql="SELECT 'Basel' AS shop, 160 AS amount",
    )
    # [END howto_operator_ml_studio_update]

    # [START howto_operator_ml_studio_download]
    download = MLStudioDownloadDatasetOperator(
        task_id="download",
        dataset="howto orders",
        destination="{{ params.folder }}/orders_of_studio.parquet",
        file_format="parquet",
    )
    # [END howto_operator_ml_studio_download]

    chain(upload, ready, update, download)


@dag(
    schedule=None,
    default_args={"retries": 2},
    params={
        "folder": "file:///tmp/howto",
        "experiment": "emulator.f-id.howto",
        "node": "11111111-0000-4000-8000-000000000001-1",
    },
    tags=["example", "ml studio"],
)
def howto_ml_studio_experiment() -> None:
    # [START howto_operator_ml_studio_intermediate]
    MLStudioIntermediateDatasetOperator(
        task_id="results",
        experiment_id="{{ params.experiment }}",
        module_node_id="{{ params.node }}",
        port_name="Results dataset",
        data_type_id="GenericCSV",
        destination="{{ params.folder }}/results.csv",
    )
    # [END howto_operator_ml_studio_intermediate]


howto_ml_studio()
howto_ml_studio_experiment()
