"""Peak memory of loads and exports of files: it must not grow with the rows."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Row, Section
from benchmarks.transfer import COLUMNS, ROWS, emulator, frame

FACTOR = 4
TARGET = 1.2
PROBE = """
import json, pathlib, re, sys, types
class Store(dict):
    set = dict.__setitem__
direction, table, path = sys.argv[1:]
if direction == "load":
    from airflow_provider_datalake.transfers.object_storage_to_maxcompute import (
        ObjectStorageToMaxComputeOperator,
    )
    operator = ObjectStorageToMaxComputeOperator(task_id="load", source=path, table=table, overwrite=True)
else:
    from airflow_provider_datalake.transfers.maxcompute_to_object_storage import (
        MaxComputeToObjectStorageOperator,
    )
    operator = MaxComputeToObjectStorageOperator(task_id="export", table=table, destination=path)
ti = types.SimpleNamespace(max_tries=0, run_id="bench", map_index=-1, task_id="bench", dag_id="bench")
operator.execute({"ti": ti, "task_state_store": Store()})
# Not getrusage: its figure has the peak of the process that started this one in it.
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps(int(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024))
"""


def peak(direction: str, table: str, path: Path) -> float:
    """
    Run one transfer in a process of its own.

    :param direction: ``load`` or ``export``
    :param table: the table
    :param path: the file
    :return: peak resident memory in megabytes
    """
    output = subprocess.run(
        [sys.executable, "-c", PROBE, direction, table, f"file://{path}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return float(json.loads(output.strip().splitlines()[-1]) / 1e6)


def run() -> Section:
    """Measure both directions at 1M and at 4M rows."""
    import pandas as pd

    figures: dict[tuple[str, int], float] = {}
    with emulator() as server, tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        data = frame(ROWS)
        for factor in (1, FACTOR):
            table = f"bench_memory_{factor}"
            server.client().create_table(table, COLUMNS)
            source = Path(directory) / f"source_{factor}.parquet"
            pd.concat([data] * factor).to_parquet(source, index=False, row_group_size=100_000)
            figures["load", factor] = peak("load", table, source)
            figures["export", factor] = peak("export", table, Path(directory) / f"target_{factor}.parquet")
    rows = []
    for direction, name in (("load", "Parquet file to table"), ("export", "table to Parquet file")):
        small, large = figures[direction, 1], figures[direction, FACTOR]
        ratio = large / small
        rows.append(
            Row(
                name,
                f"{large:.0f} MB at {FACTOR * ROWS // 1_000_000}M rows",
                f"{small:.0f} MB at {ROWS // 1_000_000}M rows",
                f"{ratio:.2f}x",
                f"{TARGET}x",
                ratio <= TARGET,
            )
        )
    note = (
        "Peak resident memory of the whole process, Airflow's imports included; the peer is the smaller file."
    )
    return Section("Memory of transfers", rows, [note])
