"""What a running job and its watchers share: progress one way, the wish to stop the other way."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.job_store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

_INSISTENCE_SECONDS = 0.1


class JobCancelled(Exception):
    """Raised inside a job's runner once somebody asked the job to stop."""


class JobFailure(Exception):
    """A job's own failure, whose text the user is to see."""


class StageHandle:
    """
    Reports the progress of one stage.

    :param control: the job's control
    :param index: the stage's position
    """

    def __init__(self, control: JobControl, index: int) -> None:
        self._control = control
        self._index = index

    def update(
        self, percent: float, *, input_records: int | None = None, output_records: int | None = None
    ) -> None:
        """
        Report progress; a value below the last one is ignored.

        :param percent: how much is done, 0 to 100
        :param input_records: rows read so far
        :param output_records: rows written so far
        """
        self._control._advance(self._index, percent, input_records, output_records)

    def done(self) -> None:
        """Report that the stage is complete."""
        self._control._advance(self._index, 100.0, None, None)


class JobControl:
    """
    What a running job and its watchers share.

    :param job_id: the job's id
    :param result_path: where the job may write its result file
    """

    def __init__(self, job_id: str, result_path: Path) -> None:
        self.job_id = job_id
        self.result_path = result_path
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], object]] = []
        self._stages: list[Stage] = []

    def check(self) -> None:
        """
        Give up when the job was asked to stop.

        :raises JobCancelled: when it was
        """
        if self._cancelled:
            raise JobCancelled(self.job_id)

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """
        Call something when the job is asked to stop; at once when it already was.

        :param callback: called from another thread, e.g. a connection's ``interrupt``
        """
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        callback()

    @contextmanager
    def interrupting(self, callback: Callable[[], object]) -> Iterator[None]:
        """
        Call something when the job is asked to stop, again and again until the block has ended.

        Once is not enough: DuckDB forgets an interrupt that comes before its query has begun.

        :param callback: called from another thread, e.g. a connection's ``interrupt``
        """
        over = threading.Event()

        def insist() -> None:
            while not over.is_set():
                try:
                    callback()
                except Exception:
                    # E.g. a connection that has been closed since.
                    log.exception("Could not interrupt job %s", self.job_id)
                    return
                over.wait(_INSISTENCE_SECONDS)

        def begin() -> None:
            threading.Thread(target=insist, name=f"interrupt {self.job_id}", daemon=True).start()

        self.on_cancel(begin)
        try:
            yield
        finally:
            over.set()
            with self._lock:
                if begin in self._callbacks:
                    self._callbacks.remove(begin)

    def cancel(self) -> None:
        """Ask the job to stop."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception:
                # E.g. a connection that has been closed since: the other callbacks still have to be called.
                log.exception("Could not interrupt job %s", self.job_id)

    def stage(self, name: str, total_workers: int = 1) -> StageHandle:
        """
        Begin a stage.

        :param name: e.g. ``M1``
        :param total_workers: how many workers share it
        :return: the handle that reports its progress
        """
        with self._lock:
            self._stages.append(Stage(name, total_workers=total_workers, running_workers=total_workers))
            return StageHandle(self, len(self._stages) - 1)

    def stages(self) -> tuple[Stage, ...]:
        """
        Look at the progress.

        :return: the stages begun so far
        """
        with self._lock:
            return tuple(self._stages)

    def _advance(
        self, index: int, percent: float, input_records: int | None, output_records: int | None
    ) -> None:
        with self._lock:
            stage = self._stages[index]
            percent = min(100.0, max(stage.percent, percent))
            self._stages[index] = replace(
                stage,
                percent=percent,
                running_workers=0 if percent >= 100.0 else stage.total_workers,
                input_records=stage.input_records if input_records is None else input_records,
                output_records=stage.output_records if output_records is None else output_records,
            )
