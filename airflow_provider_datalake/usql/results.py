"""What running a plan gives: staged files and catalog changes to commit, and what every step did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import Change


@dataclass(frozen=True)
class StagedFile:
    """
    A complete output file that nobody sees yet.

    :param uri: where it belongs
    :param path: where its bytes are now, under the workspace's scratch directory
    :param rows: rows written, without a header
    :param size: bytes
    """

    uri: str
    path: Path
    rows: int
    size: int


@dataclass(frozen=True)
class StepStatistics:
    """
    What one step of a plan did.

    :param step: its id (a rowset's id, or the step's own)
    :param rows_in: rows read; None where nobody counted, as a step was computed within one that reads it
    :param bytes_in: bytes read, of files only
    :param rows_out: rows made, or None likewise
    :param bytes_out: bytes written, of files only
    :param files: how many files it read or wrote
    :param seconds: wall time
    """

    step: str
    rows_in: int | None = 0
    bytes_in: int = 0
    rows_out: int | None = 0
    bytes_out: int = 0
    files: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class RunResult:
    """
    What a script did; nothing of it is visible before the caller commits it.

    :param outputs: the files
    :param changes: catalog changes, in the order of the script
    :param statistics: one entry per step
    """

    outputs: tuple[StagedFile, ...]
    changes: tuple[Change, ...]
    statistics: tuple[StepStatistics, ...]
