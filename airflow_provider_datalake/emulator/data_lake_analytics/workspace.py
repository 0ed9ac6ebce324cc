"""What a running script sees of the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from airflow_provider_datalake.emulator.jobs import JobControl, StageHandle
    from airflow_provider_datalake.usql.catalog import Catalog
    from airflow_provider_datalake.usql.workspace import Files


class JobWorkspace:
    """
    One job's view of the machine.

    :param files: the stores, as the submitter may see them
    :param catalog: the account's catalog
    :param scratch: a directory of this job alone
    :param control: carries progress one way, the wish to stop the other way
    """

    def __init__(self, files: Files, catalog: Catalog, scratch: Path, control: JobControl) -> None:
        self.files = files
        self.catalog = catalog
        self.scratch = scratch
        self._control = control
        self._stages: dict[str, StageHandle] = {}

    def check(self) -> None:
        """Give up when the job was asked to stop."""
        self._control.check()

    def interrupting(self, callback: Callable[[], object]) -> AbstractContextManager[None]:
        """
        Call something when the job is asked to stop, within a block.

        :param callback: called from another thread
        """
        return self._control.interrupting(callback)

    def progress(self, step: str, percent: float, *, rows_in: int = 0, rows_out: int = 0) -> None:
        """
        Report how far a step of the plan is.

        :param step: the step's id
        :param percent: 0 to 100
        :param rows_in: rows read so far
        :param rows_out: rows written so far
        """
        if step not in self._stages:
            self._stages[step] = self._control.stage(step)
        self._stages[step].update(percent, input_records=rows_in, output_records=rows_out)
