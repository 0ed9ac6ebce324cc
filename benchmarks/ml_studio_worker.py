"""
One transfer of one dataset, in a process of its own; run by ``benchmarks.ml_studio``, in either environment.

Imports nothing of this package at the top: the service's own client has an environment without it.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import time
from typing import Any

ROW_BYTES = 73


def frame(size: int) -> Any:
    """
    Make data: whole numbers, fractions, texts, truth values, some missing.

    :param size: bytes that it has as text, about
    :return: a DataFrame
    """
    import numpy as np
    import pandas as pd

    rows = size // ROW_BYTES
    random = np.random.default_rng(2013)
    delays = random.integers(-60, 600, rows).astype(float)
    delays[random.random(rows) < 0.01] = np.nan
    return pd.DataFrame(
        {
            "year": random.integers(2010, 2020, rows),
            "delay": delays,
            "distance": random.random(rows) * 3000,
            "carrier": random.choice(["AA", "UA", "DL"], rows),
            "tail": pd.Series(random.integers(0, 5000, rows)).astype(str).radd("N"),
            "late": random.random(rows) > 0.5,
            "origin": random.choice(["Kennedy,NY", "LaGuardia", "Newark"], rows),
            "share": random.random(rows),
        }
    )


def ours(arguments: dict[str, Any]) -> dict[str, Any]:
    """
    Give our actions.

    :param arguments: endpoint, dataset and file
    :return: callables by name
    """
    # The other client imports these with itself.
    import pyarrow.compute  # noqa: F401
    import requests  # noqa: F401
    import tenacity  # noqa: F401

    from airflow_provider_datalake.clients import ml_studio_fast_text  # noqa: F401
    from airflow_provider_datalake.clients.ml_studio import Workspace

    workspace = Workspace("emulator", "emulator-token", arguments["endpoint"])
    name, path = arguments["dataset"], pathlib.Path(arguments["file"])

    def file_up() -> None:
        with path.open("rb") as file:
            workspace.create(name, file, data_type_id="GenericCSV", description="words")

    def file_down() -> None:
        with path.open("wb") as file:
            workspace.datasets[name].download(file)

    return {
        "frame up": lambda data: workspace.create_from_dataframe(
            name, data, data_type_id="GenericCSV", description="words"
        ),
        "frame down": lambda _: workspace.datasets[name].to_dataframe(),
        "file up": lambda _: file_up(),
        "file down": lambda _: file_down(),
    }


def theirs(arguments: dict[str, Any]) -> dict[str, Any]:
    """
    Give the actions of the service's own client, as it comes.

    :param arguments: endpoint, dataset and file
    :return: callables by name
    """
    import azureml

    workspace = azureml.Workspace("emulator", "emulator-token", arguments["endpoint"])
    name, path = arguments["dataset"], pathlib.Path(arguments["file"])
    return {
        "frame up": lambda data: workspace.datasets.add_from_dataframe(data, "GenericCSV", name, "words"),
        "frame down": lambda _: workspace.datasets[name].to_dataframe(),
        "file up": lambda _: workspace.datasets.add_from_raw_data(
            path.read_bytes(), "GenericCSV", name, "words"
        ),
        "file down": lambda _: path.write_bytes(workspace.datasets[name].read_as_binary()),
    }


def kilobytes(name: str) -> int:
    """
    Read a figure of this process.

    :param name: its name in ``/proc/self/status``
    :return: kilobytes
    """
    match = re.search(rf"{name}:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())
    return int(match[1]) if match else 0


def main() -> None:
    """Run the action that the command line names; print seconds and the megabytes that it took."""
    arguments = json.loads(sys.argv[1])
    action = {"ours": ours, "theirs": theirs}[arguments["side"]](arguments)[arguments["action"]]
    data = frame(arguments["size"]) if arguments["action"] == "frame up" else None
    # What a process needs once is not the transfer's.
    import pandas

    pandas.DataFrame({"a": [1]}).to_csv()
    before = kilobytes("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    began = time.perf_counter()
    found = action(data)
    seconds = time.perf_counter() - began
    peak = kilobytes("VmHWM")
    sums = {}
    if arguments["action"] == "frame down":
        sums = {name: float(found[name].sum()) for name in ("year", "delay", "distance", "late", "share")}
        sums["rows"] = float(len(found))
    print(json.dumps({"seconds": seconds, "megabytes": (peak - before) * 1024 / 1e6, "sums": sums}))


if __name__ == "__main__":
    main()
