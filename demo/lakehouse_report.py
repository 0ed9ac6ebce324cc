"""What the lakehouse pipeline made in all three services, read back and compared with pandas."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from demo.processes import poll
from demo.report import compare_tables, compare_values, query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from airflow_provider_datalake.clients.ml_studio import Dataset
    from demo.airflow_api import AirflowApi
    from demo.emulator_process import EmulatorProcess
    from demo.expected import Expected

DATASET = "late flights"
TRAINING_DAG_ID = "lakehouse_training"
DOWNSTREAM_DAG_IDS = ("lakehouse_report", TRAINING_DAG_ID)
ROWS_PER_MONTH = "SELECT flight_month, COUNT(*) AS n FROM lakehouse_flights GROUP BY flight_month"
LATE = 15
"""Minutes from which on an arrival is late."""


def lakehouse_differences(emulator: EmulatorProcess, storage: Path, expected: Expected) -> list[str]:
    """
    Compare all that the pipeline made with pandas.

    :param emulator: where it ran
    :param storage: the folder that it wrote to
    :param expected: the truth
    :return: every difference
    """
    import pandas as pd

    client = emulator.client()
    flights = arrived(expected)
    differences = compare_values(
        "rows per month of lakehouse_flights",
        _counts(
            query(client, "SELECT flight_month, COUNT(*) AS n FROM lakehouse_flights GROUP BY flight_month")
        ),
        {str(month): int(rows) for month, rows in flights.groupby("flight_month").size().items()},
    )
    wanted = carriers(flights)
    columns = ", ".join(wanted.columns)
    table = query(client, f"SELECT {columns} FROM lakehouse_carriers")
    differences += compare_tables("lakehouse_carriers", table, wanted)
    exported = pd.read_parquet(storage / "lakehouse" / "carriers.parquet")
    differences += compare_tables("the published file", exported, wanted)
    truth = training(flights)
    differences += compare_rows("the dataset", training_set(emulator), truth)
    downloaded = pd.read_parquet(storage / "lakehouse" / "training.parquet")
    return differences + compare_rows("the downloaded training set", downloaded, truth)


def datasets_of(emulator: EmulatorProcess) -> list[Dataset]:
    """
    List the versions that show of the pipeline's dataset.

    :param emulator: where it ran
    :return: one, if all is right
    """
    return [one for one in emulator.workspace().user_datasets if one.name == DATASET]


def downstream_runs(api: AirflowApi, times: int, timeout: float = 180) -> str:
    """
    Wait until every DAG that is scheduled on the pipeline's assets has run as often as the pipeline.

    :param api: Airflow's
    :param times: how often that is
    :param timeout: seconds
    :return: id of the newest run that has trained a model
    :raises TimeoutError: when they do not, or one of them fails
    """
    deadline = time.monotonic() + timeout
    for dag_id in DOWNSTREAM_DAG_IDS:
        while [run["state"] for run in api.runs(dag_id)] != ["success"] * times:
            poll(0.5, deadline, f"{times} successful runs of {dag_id}, there are {api.runs(dag_id)}")
    return str(max(api.runs(TRAINING_DAG_ID), key=lambda run: run["run_after"])["dag_run_id"])


def hashes_of(emulator: EmulatorProcess) -> dict[str, str]:
    """
    Hash what the pipeline wrote to the store.

    :param emulator: where it ran
    :return: hash by path
    """
    store = emulator.store()
    return {
        path: hashlib.sha256(store.read(path)).hexdigest()
        for path in sorted(one.path for one in store.children("/lakehouse/clean"))
    }


def training_set(emulator: EmulatorProcess) -> pd.DataFrame:
    """
    Read the dataset.

    :param emulator: where it is
    :return: its rows
    """
    return emulator.workspace().datasets[DATASET].to_dataframe()


def model_differences(model: Mapping[str, float], expected: Expected) -> list[str]:
    """
    Compare the downstream DAG's model with pandas.

    :param model: share of late flights by hour
    :param expected: the truth
    :return: every difference
    """
    import math

    truth = training(arrived(expected)).groupby("flight_hour")["late"].mean()
    hours = compare_values("hours of the model", sorted(model, key=int), [str(hour) for hour in truth.index])
    return hours or [
        f"share of late flights at {hour}: the model says {model[str(hour)]!r}, pandas says {share!r}"
        for hour, share in truth.items()
        if not math.isclose(model[str(hour)], share, rel_tol=1e-12)
    ]


def arrived(expected: Expected) -> pd.DataFrame:
    """
    Clean the flights as the U-SQL job does.

    :param expected: the truth
    :return: the flights that left and arrived, beside the weather of their hour
    """
    flights = expected.sources["flights"].dropna(subset=["dep_delay", "arr_delay"])
    weather = expected.sources["weather"][["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]]
    return flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")


def carriers(flights: pd.DataFrame) -> pd.DataFrame:
    """
    Say how late the airlines arrive.

    :param flights: of `arrived`
    :return: a row per month, carrier and airport
    """
    grouped = flights.assign(late=flights["arr_delay"] >= LATE).groupby(["flight_month", "carrier", "origin"])
    return grouped.agg(
        flights=("flight", "size"),
        late=("late", "sum"),
        mean_delay=("arr_delay", "mean"),
        worst_delay=("arr_delay", "max"),
    ).reset_index()


def training(flights: pd.DataFrame) -> pd.DataFrame:
    """
    Build the training set.

    :param flights: of `arrived`
    :return: what is known before a flight leaves, and whether it arrived late
    """
    known = ["flight_month", "hour", "carrier", "origin", "dest", "distance", "temp", "wind_speed", "precip"]
    table = flights[[*known, "visib"]].rename(columns={"hour": "flight_hour"})
    return table.assign(late=(flights["arr_delay"] >= LATE).astype("int64"))


def compare_rows(what: str, got: pd.DataFrame, wanted: pd.DataFrame) -> list[str]:
    """
    Compare two tables without a key, the order of their rows aside.

    :param what: their name
    :param got: the pipeline's
    :param wanted: the true one
    :return: the differences
    """
    import pandas as pd

    columns = list(wanted.columns)
    if list(got.columns) != columns:
        return [f"columns of {what}: got {list(got.columns)}, wanted {columns}"]
    if len(got) != len(wanted):
        return [f"rows of {what}: got {len(got)}, wanted {len(wanted)}"]
    got, wanted = _sorted(got, wanted), _sorted(wanted, wanted)
    try:
        pd.testing.assert_frame_equal(got, wanted, check_dtype=False, rtol=1e-12, atol=0)
    except AssertionError as error:
        return [f"{what}: {error}"]
    return []


def _counts(table: pd.DataFrame) -> dict[str, int]:
    return {str(row["flight_month"]): int(row["n"]) for row in table.to_dict("records")}


def _sorted(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    numbers = {name: "float64" for name in like.columns if pd.api.types.is_numeric_dtype(like[name])}
    return table.astype(numbers).sort_values(list(like.columns)).reset_index(drop=True)
