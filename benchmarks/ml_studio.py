"""Datasets of ML Studio, up and down, against the service's own client as it comes."""

from __future__ import annotations

import filecmp
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import ml_studio_worker
from benchmarks.report import Row, Section, show
from benchmarks.transfer import emulator
from demo.azureml_environment import python as azureml_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from demo.emulator_process import EmulatorProcess

SIZES = (10**8, 10**9)
ROUNDS = 3
TARGET = 3.0
MEMORY_TARGET = 1.2
ACTIONS = {
    "frame up": "DataFrame to dataset",
    "frame down": "dataset to DataFrame",
    "file up": "file to dataset",
    "file down": "dataset to file",
}
SIDES = ("ours", "theirs")


class Contest:
    """
    Both sides on one emulator.

    :param server: the emulator
    :param directory: where the files are
    :param size: bytes of the dataset
    """

    def __init__(self, server: EmulatorProcess, directory: Path, size: int) -> None:
        self._server = server
        self._directory = directory
        self._size = size
        self._number = 0
        self._last: dict[tuple[str, str], str] = {}
        self._pythons = {"ours": Path(sys.executable), "theirs": azureml_python()}

    def run(self, side: str, action: str) -> dict[str, Any]:
        """
        Run one transfer in a process of its own.

        :param side: whose
        :param action: which
        :return: seconds, megabytes and sums
        """
        kind, direction = action.split()
        if direction == "up":
            self._number += 1
            self._last[side, kind] = f"{side} {kind} {self._size} {self._number}"
        path = self.file if action == "file up" else self._directory / f"{side}.out"
        arguments = {
            "side": side,
            "action": action,
            "size": self._size,
            "endpoint": f"{self._server.url}/studio/",
            "dataset": self._last[side, kind],
            "file": str(path),
        }
        # What the run before has left to be written is not this one's.
        os.sync()
        output = subprocess.run(
            [str(self._pythons[side]), ml_studio_worker.__file__, json.dumps(arguments)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            # The service's client reads settings from a person's home.
            env={**os.environ, "HOME": str(self._directory), "PYTHONPATH": str(Path(__file__).parents[1])},
        ).stdout
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    @property
    def file(self) -> Path:
        """The file that goes up."""
        return self._directory / "in.csv"

    def rows(self) -> Iterator[Row]:
        """
        Measure all actions, the sides in turn.

        :return: a line for each
        """
        with self.file.open("wb") as file:
            ml_studio_worker.frame(self._size).to_csv(file, index=False)
        for action, title in ACTIONS.items():
            runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
            for turn in range(ROUNDS):
                for side in SIDES if turn % 2 else reversed(SIDES):
                    runs[side].append(self.run(side, action))
            self._compare(action, runs)
            yield _row(f"{title}, {self._size / 1e6:,.0f} MB", runs)

    def _compare(self, action: str, runs: dict[str, list[dict[str, Any]]]) -> None:
        if action == "file down":
            for side in SIDES:
                if not filecmp.cmp(self.file, self._directory / f"{side}.out", shallow=False):
                    raise RuntimeError(f"the file of {side} came back changed")
        first, *others = (run["sums"] for side in SIDES for run in runs[side])
        for other in others:
            if any(not math.isclose(first[name], other[name], rel_tol=1e-12) for name in first):
                raise RuntimeError(f"the data frames differ: {first}, {other}")


def _row(title: str, runs: dict[str, list[dict[str, Any]]]) -> Row:
    seconds = {side: statistics.median(run["seconds"] for run in runs[side]) for side in SIDES}
    memory = {side: max(run["megabytes"] for run in runs[side]) for side in SIDES}
    ratio = seconds["theirs"] / seconds["ours"]
    mine, peers = (f"{seconds[side]:.2f} s, {max(memory[side], 0):.0f} MB" for side in SIDES)
    return Row(title, mine, peers, f"{ratio:.1f}x as fast", f"{TARGET}x", ratio >= TARGET)


def run(sizes: Sequence[int] = SIZES) -> Section:
    """
    Measure both directions, for DataFrames and files.

    :param sizes: bytes of the datasets
    :return: the figures
    """
    rows: list[Row] = []
    with emulator() as server, tempfile.TemporaryDirectory(prefix="datalake-bench-") as name:
        for size in sizes:
            rows += Contest(server, Path(name), size).rows()
    note = (
        "Peer: azureml 0.2.7, unmodified, with pandas 2.3 in an environment of its own; one emulator serves "
        f"both, on the same cores. Medians of {ROUNDS} runs each, in turn, each in a new process that has "
        "imported what it needs. The megabytes are the most that a run took beyond what the process had "
        "before: the DataFrame that goes up is not counted, the one that comes down is. What came back was "
        "compared."
    )
    return Section("Datasets of ML Studio", rows, [note])


if __name__ == "__main__":
    show(run())
