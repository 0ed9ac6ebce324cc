"""What every benchmark hands back, and how it is printed and kept."""

from __future__ import annotations

import platform
import statistics
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Row:
    """
    One measured line.

    :param name: what was measured
    :param ours: our figure, with its unit
    :param peer: the peer's figure, with its unit
    :param ratio: the figure that the target speaks of
    :param target: the target, in words
    :param met: whether it was met; None where there is no target
    """

    name: str
    ours: str
    peer: str
    ratio: str
    target: str
    met: bool | None


@dataclass(frozen=True)
class Section:
    """
    The result of one benchmark.

    :param title: heading
    :param rows: the measured lines
    :param notes: what bounds the figures and how they were taken
    """

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        head = "| what | ours | peer | figure | target | met |\n|---|---|---|---|---|---|\n"
        verdict = {True: "yes", False: "**no**", None: ""}
        body = "".join(
            f"| {r.name} | {r.ours} | {r.peer} | {r.ratio} | {r.target} | {verdict[r.met]} |\n"
            for r in self.rows
        )
        notes = "".join(f"\n{note}\n" for note in self.notes)
        return f"## {self.title}\n\n{head}{body}{notes}"


def medians(rounds: int, *runs: Callable[[], float]) -> list[float]:
    """
    Run the contestants in turn, round after round, so that both see the same machine.

    :param rounds: how often each one runs
    :param runs: callables that return one figure each
    :return: the median figure of each contestant
    """
    figures: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for figure, run in zip(figures, runs, strict=True):
            figure.append(run())
    return [statistics.median(figure) for figure in figures]


def environment() -> str:
    """Describe the machine and the versions in one line."""
    import os

    names = ("apache-airflow", "pyodps", "pandas", "pyarrow", "duckdb")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {versions}."


def show(section: Section) -> None:
    """Print a section."""
    sys.stdout.write(section.markdown() + "\n")
    sys.stdout.flush()
