"""What the U-SQL pipeline made, read back from the store and from MaxCompute, and compared with pandas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from demo.report import compare_tables, compare_values, query

if TYPE_CHECKING:
    import pandas as pd

    from demo.emulator_process import EmulatorProcess
    from demo.expected import Expected

CLEAN = "/clean/flights.csv"
DAILY = "/clean/daily_delays.csv"
TABLE = "usql_daily_delays"


def usql_differences(emulator: EmulatorProcess, expected: Expected) -> list[str]:
    """
    Compare all that the pipeline made with pandas.

    :param emulator: where it ran
    :param expected: the truth
    :return: every difference
    """
    wanted = expected.daily_delays
    differences = compare_tables(f"the file {DAILY}", read_csv(emulator, DAILY), wanted)
    columns = ", ".join(wanted.columns)
    table = query(emulator.client(), f"SELECT {columns} FROM {TABLE}")
    differences += compare_tables(f"the table {TABLE}", table, wanted)
    clean = read_csv(emulator, CLEAN)
    truth = expected.clean_flights
    differences += compare_values(f"rows of {CLEAN}", len(clean), len(truth))
    for column in ("dep_delay", "precip", "wind_speed", "visib"):
        differences += compare_values(
            f"values of {column} in {CLEAN}", int(clean[column].count()), int(truth[column].count())
        )
        difference = abs(float(clean[column].sum()) - float(truth[column].sum()))
        if difference > 1e-6 * max(1.0, abs(float(truth[column].sum()))):
            differences.append(f"the sum of {column} in {CLEAN} is off by {difference}")
    return differences


def read_csv(emulator: EmulatorProcess, path: str) -> pd.DataFrame:
    """
    Read a CSV file of the store.

    :param emulator: the emulator
    :param path: the file
    :return: its rows
    """
    import pandas as pd

    return pd.read_csv(io.BytesIO(emulator.store().read(path)), keep_default_na=True)
