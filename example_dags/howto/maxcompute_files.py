"""Load files into MaxCompute, merge and archive what a partition holds, export it."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import chain, dag

from airflow_provider_datalake.operators.maxcompute import (
    MaxComputeArchiveTableOperator,
    MaxComputeMergeFilesOperator,
)
from airflow_provider_datalake.sensors.maxcompute import MaxComputePartitionSensor
from airflow_provider_datalake.transfers.maxcompute_to_object_storage import (
    MaxComputeToObjectStorageOperator,
)
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import (
    ObjectStorageToMaxComputeOperator,
)

DATA = Path(__file__).parent / "data"


@dag(
    schedule=None,
    default_args={"retries": 2},
    params={"day": "2024-01-01", "folder": "file:///tmp/howto"},
    tags=["example", "maxcompute"],
)
def howto_maxcompute_files() -> None:
    # [START howto_operator_object_storage_to_maxcompute]
    load = ObjectStorageToMaxComputeOperator(
        task_id="load",
        source=f"file://{DATA}/orders.csv",
        table="howto_orders",
        partition="day={{ params.day }}",
        create_table=True,
        table_columns={"shop": "STRING", "amount": "DECIMAL(10,2)", "ordered": "DATE"},
    )
    # [END howto_operator_object_storage_to_maxcompute]

    # [START howto_operator_object_storage_to_maxcompute_append]
    append = ObjectStorageToMaxComputeOperator(
        task_id="append",
        source=f"file://{DATA}/orders.csv",
        table="howto_orders",
        partition="day={{ params.day }}",
        overwrite=False,
    )
    # [END howto_operator_object_storage_to_maxcompute_append]

    # [START howto_sensor_maxcompute_partition]
    loaded = MaxComputePartitionSensor(
        task_id="loaded",
        table="howto_orders",
        partition=["day={{ params.day }}"],
        poke_interval=10,
        timeout=600,
        deferrable=True,
    )
    # [END howto_sensor_maxcompute_partition]

    # [START howto_operator_maxcompute_merge_files]
    merge = MaxComputeMergeFilesOperator(
        task_id="merge", table="howto_orders", partition="day={{ params.day }}", deferrable=True
    )
    # [END howto_operator_maxcompute_merge_files]

    # [START howto_operator_maxcompute_archive_table]
    archive = MaxComputeArchiveTableOperator(
        task_id="archive", table="howto_orders", partition="day={{ params.day }}", deferrable=True
    )
    # [END howto_operator_maxcompute_archive_table]

    # [START howto_operator_maxcompute_to_object_storage]
    export = MaxComputeToObjectStorageOperator(
        task_id="export",
        table="howto_orders",
        partition="day={{ params.day }}",
        columns=["shop", "amount"],
        destination="{{ params.folder }}/orders.parquet",
    )
    export_query = MaxComputeToObjectStorageOperator(
        task_id="export_query",
        sql="SELECT shop, SUM(amount) total FROM howto_orders WHERE day = '{{ params.day }}' GROUP BY shop",
        destination="{{ params.folder }}/totals",
        rows_per_file=1_000_000,
    )
    # [END howto_operator_maxcompute_to_object_storage]

    chain(load, append, loaded, merge, archive, [export, export_query])


howto_maxcompute_files()
