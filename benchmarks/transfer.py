"""Loads and unloads of a million rows, against PyODPS's own calls as they come."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report import Row, Section, medians
from demo.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

ROWS = 1_000_000
ROUNDS = 3
TARGET = 2.0
COLUMNS = "id bigint, name string, amount double, at timestamp, maybe bigint"
TABLE = "bench_rows"


def frame(rows: int) -> pd.DataFrame:
    """
    Make the data: integers, strings, doubles, timestamps, and nulls in two columns.

    :param rows: row count
    :return: rows x 5 columns
    """
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(2013)
    numbers = random.integers(0, 1 << 40, rows)
    names = pd.Series(random.integers(0, 50_000, rows)).astype(str).radd("customer-")
    names[random.random(rows) < 0.1] = None
    maybe = pd.array(random.integers(0, 1000, rows), dtype="Int64")
    maybe[random.random(rows) < 0.1] = pd.NA
    at = pd.Timestamp("2013-01-01") + pd.to_timedelta(random.integers(0, 31_536_000_000, rows), unit="ms")
    return pd.DataFrame(
        {
            "id": numbers,
            "name": names,
            "amount": random.normal(100, 25, rows),
            "at": at.astype("datetime64[ns]"),
            "maybe": maybe,
        }
    )


@contextmanager
def emulator() -> Iterator[EmulatorProcess]:
    """Serve an empty emulator, and point the default connection at it."""
    with (
        tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory,
        EmulatorProcess(Path(directory) / "data") as server,
    ):
        os.environ.update(server.environment)
        yield server


def timed(action: Callable[[], object]) -> Callable[[], float]:
    """
    Turn an action into a contestant.

    :param action: what to time
    :return: a callable that returns seconds
    """

    def run() -> float:
        began = time.perf_counter()
        action()
        return time.perf_counter() - began

    return run


def run() -> Section:
    """Measure four ways, each against PyODPS in the same rounds."""
    import pandas as pd

    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook
    from airflow_provider_datalake.transfers.maxcompute_to_object_storage import (
        MaxComputeToObjectStorageOperator,
    )

    with emulator() as server, tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        hook = MaxComputeHook()
        odps = server.client()
        odps.create_table(TABLE, COLUMNS)
        data = frame(ROWS)
        source = str(Path(directory) / "source.parquet")
        target = str(Path(directory) / "target.parquet")
        data.to_parquet(source, index=False)
        export = MaxComputeToObjectStorageOperator(
            task_id="export", table=TABLE, destination=f"file://{target}"
        )

        def peer_reads() -> pd.DataFrame:
            with odps.get_table(TABLE).open_reader() as reader:
                return reader.to_pandas()

        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "DataFrame to table": (
                lambda: hook.load(data, TABLE, overwrite=True),
                lambda: odps.write_table(TABLE, data, overwrite=True),
            ),
            "Parquet file to table": (
                lambda: hook.load(source, TABLE, overwrite=True),
                lambda: odps.write_table(TABLE, pd.read_parquet(source), overwrite=True),
            ),
            "table to DataFrame": (lambda: hook.unload(TABLE).to_pandas(), peer_reads),
            "table to Parquet file": (
                lambda: export.execute({}),
                lambda: peer_reads().to_parquet(target, index=False),
            ),
        }
        rows = []
        for name, (ours, theirs) in pairs.items():
            mine, peers = medians(ROUNDS, timed(ours), timed(theirs))
            ratio = peers / mine
            rows.append(
                Row(
                    name,
                    f"{mine:.2f} s",
                    f"{peers:.2f} s",
                    f"{ratio:.1f}x as fast",
                    f"{TARGET:.0f}x",
                    ratio >= TARGET,
                )
            )
    note = (
        f"{ROWS:,} rows of {COLUMNS}; one emulator serves both, on the same cores. Peer: PyODPS "
        "`write_table(DataFrame)` and `open_reader().to_pandas()`, with pandas reading and writing the files."
    )
    return Section("Load and unload", rows, [note])
