"""Upload, wait for, list, move, download and delete files of a Data Lake Store."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import chain, dag

from airflow_provider_datalake.operators.data_lake_store import (
    DataLakeStoreDeleteOperator,
    DataLakeStoreDownloadOperator,
    DataLakeStoreListOperator,
    DataLakeStoreRenameOperator,
    DataLakeStoreUploadOperator,
)
from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor

DATA = Path(__file__).parent / "data"


@dag(
    schedule=None,
    default_args={"retries": 2},
    params={"day": "2024-01-01", "folder": "/tmp/howto"},
    tags=["example", "data lake store"],
)
def howto_data_lake_store() -> None:
    # [START howto_operator_data_lake_store_upload]
    upload = DataLakeStoreUploadOperator(
        task_id="upload",
        source=f"{DATA}/orders.csv",
        destination="/howto/incoming/{{ params.day }}.csv",
    )
    # [END howto_operator_data_lake_store_upload]

    # [START howto_sensor_data_lake_store_path]
    arrived = DataLakeStorePathSensor(
        task_id="arrived",
        path="/howto/incoming/*.csv",
        minimum_count=1,
        minimum_size=1,
        poke_interval=10,
        timeout=600,
        deferrable=True,
    )
    # [END howto_sensor_data_lake_store_path]

    # [START howto_operator_data_lake_store_list]
    incoming = DataLakeStoreListOperator(task_id="incoming", path="/howto/incoming/*.csv")
    # [END howto_operator_data_lake_store_list]

    # [START howto_operator_data_lake_store_download]
    download = DataLakeStoreDownloadOperator(
        task_id="download",
        source="/howto/incoming/{{ params.day }}.csv",
        destination="{{ params.folder }}/{{ params.day }}.csv",
    )
    # [END howto_operator_data_lake_store_download]

    # [START howto_operator_data_lake_store_rename]
    publish = DataLakeStoreRenameOperator(
        task_id="publish",
        source="/howto/incoming/{{ params.day }}.csv",
        destination="/howto/orders.csv",
        overwrite=True,
    )
    # [END howto_operator_data_lake_store_rename]

    # [START howto_operator_data_lake_store_delete]
    clean = DataLakeStoreDeleteOperator(task_id="clean", path="/howto/incoming", recursive=True)
    # [END howto_operator_data_lake_store_delete]

    chain(upload, arrived, incoming, download, publish, clean)


howto_data_lake_store()
