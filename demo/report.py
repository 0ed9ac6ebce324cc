"""What the pipeline made, read back with MaxCompute SQL and compared with pandas, number by number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo.expected import Carrier, Expected

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from odps import ODPS

ROWS_PER_MONTH = """
SELECT flight_month, COUNT(*) AS flights FROM flights GROUP BY flight_month ORDER BY flight_month LIMIT 100
"""

WORST_CARRIERS = """
SELECT f.carrier, MAX(a.name) AS name, AVG(f.dep_delay) AS mean_delay
FROM flights f
JOIN airlines a ON a.carrier = f.carrier
WHERE f.flight_month IN ({months})
GROUP BY f.carrier
HAVING COUNT(f.dep_delay) > 0
ORDER BY mean_delay DESC
LIMIT 5
"""

DAILY_DELAYS = "SELECT {columns} FROM daily_delays WHERE flight_month IN ({months})"


@dataclass
class Report:
    """
    The pipeline's results beside the truth.

    :param rows_per_month: flights by month
    :param worst_carriers: the airlines with the worst mean departure delay
    :param differences: what is not as pandas has it; empty when all is right
    """

    rows_per_month: dict[str, int]
    worst_carriers: list[Carrier]
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = ["month     flights"]
        lines += [f"{month}  {rows:8,}" for month, rows in self.rows_per_month.items()]
        lines += [f"{'total':7}  {sum(self.rows_per_month.values()):8,}", ""]
        lines += ["worst carriers by mean departure delay"]
        lines += [f"{c.code}  {c.name:<28} {c.mean_delay:6.2f} min" for c in self.worst_carriers]
        return "\n".join(lines)


def make_report(client: ODPS, storage: Path, expected: Expected) -> Report:
    """
    Ask MaxCompute for the results and compare all of them with pandas.

    :param client: a client of the project that the pipeline wrote to
    :param storage: the folder that it exported to
    :param expected: the truth
    :return: the results and every difference
    """
    months = ", ".join(f"'{month}'" for month in expected.months)
    per_month = {
        str(row["flight_month"]): int(row["flights"])
        for row in query(client, ROWS_PER_MONTH).to_dict("records")
    }
    carriers = [
        Carrier(str(row["carrier"]), str(row["name"]), float(row["mean_delay"]))
        for row in query(client, WORST_CARRIERS.format(months=months)).to_dict("records")
    ]
    report = Report(per_month, carriers)
    report.differences += compare_values("rows per month", per_month, expected.rows_per_month)
    report.differences += compare_carriers(carriers, expected.worst_carriers)
    for table, rows in expected.rows.items():
        got = query(client, f"SELECT COUNT(*) AS n FROM {table}")["n"].item()
        report.differences += compare_values(f"rows of {table}", got, rows)
    columns = ", ".join(expected.daily_delays.columns)
    daily = query(client, DAILY_DELAYS.format(columns=columns, months=months))
    report.differences += compare_tables("daily_delays", daily, expected.daily_delays)
    report.differences += compare_tables("the export", read_export(storage), expected.daily_delays)
    return report


def query(client: ODPS, sql: str) -> pd.DataFrame:
    """
    Run one query.

    :param client: the client
    :param sql: a SELECT
    :return: all its rows
    """
    with client.execute_sql(sql).open_reader(tunnel=True) as reader:
        return reader.to_pandas()


def read_export(storage: Path) -> pd.DataFrame:
    """
    Read the Parquet file that the pipeline exported.

    :param storage: the folder that it exported to
    :return: its rows
    """
    import pandas as pd

    return pd.read_parquet(storage / "daily_delays.parquet")


def compare_values(what: str, got: Any, wanted: Any) -> list[str]:
    """
    Compare two values that have to be equal.

    :param what: their name
    :param got: the pipeline's
    :param wanted: the true one
    :return: the difference, if any
    """
    return [] if got == wanted else [f"{what}: MaxCompute says {got}, pandas says {wanted}"]


def compare_carriers(got: list[Carrier], wanted: list[Carrier]) -> list[str]:
    """
    Compare two rankings.

    :param got: the pipeline's
    :param wanted: the true one
    :return: the differences
    """
    names = compare_values(
        "worst carriers", [(c.code, c.name) for c in got], [(c.code, c.name) for c in wanted]
    )
    return names or [
        f"mean delay of {a.code}: MaxCompute says {a.mean_delay!r}, pandas says {b.mean_delay!r}"
        for a, b in zip(got, wanted, strict=True)
        if not math.isclose(a.mean_delay, b.mean_delay, rel_tol=1e-12)
    ]


def compare_tables(what: str, got: pd.DataFrame, wanted: pd.DataFrame) -> list[str]:
    """
    Compare two tables, the order of their rows aside.

    :param what: their name
    :param got: the pipeline's
    :param wanted: the true one; its first three columns are the key
    :return: the differences
    """
    import pandas as pd

    key = list(wanted.columns[:3])
    if set(got.columns) != set(wanted.columns):
        return [f"columns of {what}: got {sorted(got.columns)}, wanted {sorted(wanted.columns)}"]
    got = got[list(wanted.columns)].sort_values(key).reset_index(drop=True)
    if len(got) != len(wanted):
        return [f"rows of {what}: got {len(got)}, wanted {len(wanted)}"]
    for column in wanted.columns:
        if pd.api.types.is_numeric_dtype(wanted[column]):
            got[column] = pd.to_numeric(got[column]).astype("float64")
            wanted = wanted.astype({column: "float64"})
        else:
            got[column] = got[column].astype(str)
            wanted = wanted.astype({column: str})
    try:
        pd.testing.assert_frame_equal(got, wanted, check_dtype=False, rtol=1e-12, atol=0)
    except AssertionError as error:
        return [f"{what}: {error}"]
    return []
