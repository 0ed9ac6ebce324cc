"""
A DB-API connection whose statements end with whoever waits for them.

PyODPS's own cursor blocks inside the submit, leaves the instance running when its process is terminated, and
moves times through the local zone. This one submits, waits in small steps, stops its instance on any
exception and on SIGTERM, and reads results like every other unload.
"""

from __future__ import annotations

import functools
import logging
import re
import signal
import threading
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.maxcompute_errors import service_errors
from airflow_provider_datalake.clients.maxcompute_literals import sql_parameters
from airflow_provider_datalake.clients.maxcompute_unload import open_result
from airflow_provider_datalake.exceptions import JobCancelledError, JobFailedError
from airflow_provider_datalake.jobs.interrupt import Interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    import pyarrow as pa
    from odps import ODPS
    from odps.dbapi import Connection
    from odps.models import Instance

    from airflow_provider_datalake.clients.maxcompute_unload import Download

log = logging.getLogger(__name__)

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0
_STOP_TIMEOUT = 10.0
_SET = re.compile(r"\s*set\s+([a-z0-9_.]+)\s*=\s*([^;]*?)\s*;?\s*", re.IGNORECASE)


def connect(client: ODPS, *, conn_id: str, zone: str, hints: dict[str, str] | None = None) -> Connection:
    """
    Open a DB-API connection.

    :param client: a PyODPS client
    :param conn_id: the connection's id, for messages
    :param zone: the zone that instants are shown in
    :param hints: settings for every statement
    :return: a connection that is also PyODPS's
    """
    return _connection_class()(client, conn_id, zone, hints or {})


@functools.cache
def _connection_class() -> Any:
    from odps import dbapi

    class MaxComputeConnection(dbapi.Connection):
        """PyODPS's connection, with cursors that do not leave instances behind."""

        def __init__(self, client: ODPS, conn_id: str, zone: str, hints: dict[str, str]) -> None:
            # project_as_schema is given, for PyODPS would ask the service for it.
            super().__init__(odps=client, hints=hints, project_as_schema=False)
            self.conn_id = conn_id
            self.zone = zone
            self.hints = hints

        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            """Open a cursor."""
            return MaxComputeCursor(self, *args, hints=self.hints, **kwargs)

    class MaxComputeCursor(_Results, dbapi.Cursor):
        """PyODPS's cursor, with its own submit and fetch."""

    return MaxComputeConnection


class _Results:
    """What a cursor does that PyODPS's does not; mixed into PyODPS's class."""

    _connection: Any
    _hints: dict[str, str]
    _instance: Instance | None
    _download: Download | None = None
    _rows: Iterator[tuple[Any, ...]] | None = None
    _has_rows: bool | None = None
    arraysize: int

    def execute(self, operation: str, parameters: Any = None, **kwargs: Any) -> Any:
        """Run a statement and wait for its end."""
        self._download, self._rows, self._has_rows = None, None, None
        kwargs["async_"] = True
        with service_errors(self._connection.conn_id, "run SQL"), _Watch() as watch:
            zone = self._hints.get("odps.sql.timezone", self._connection.zone)
            given = sql_parameters(parameters, zone) if parameters else None
            super().execute(operation, given, **kwargs)  # type: ignore[misc]
            if self._instance is not None:
                watch.await_end(self._instance)
        if setting := _SET.fullmatch(operation):
            # Every statement is a job of its own: by itself a SET would be without effect on the next ones.
            self._hints[setting[1]] = setting[2]
        return self

    @property
    def rowcount(self) -> int:
        """Rows of the result, -1 before it was asked for and for statements without one."""
        return self._download.count if self._download is not None else -1

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """Columns of the result, None for a statement without one."""
        if self._instance is None:
            return None
        self._open()
        if self._download is not None:
            columns = self._download.columns
            return [(column.name, column.type, None, None, None, None, True) for column in columns]
        return [("_c0", "string", None, None, None, None, True)] if self._has_rows else None

    def _open(self) -> None:
        """Open the result, once: rows from the tunnel, or the text of a statement such as DESC."""
        from odps.errors import InstanceTypeNotSupported

        if self._has_rows is not None or self._instance is None:
            return
        with service_errors(self._connection.conn_id, "read the result"):
            try:
                self._download = open_result(
                    self._connection.odps, self._instance.id, zone=self._connection.zone
                )
            except InstanceTypeNotSupported:
                texts = [str(text) for text in self._instance.get_task_results().values()]
                self._rows = iter([(text,) for text in texts if text])
                self._has_rows = any(texts)
                return
        self._rows = _tuples(self._download)
        self._has_rows = True

    def _fetch(self, size: int) -> list[tuple[Any, ...]]:
        self._open()
        rows: list[tuple[Any, ...]] = []
        with service_errors(self._connection.conn_id, "read the result"):
            while self._rows is not None and (size < 0 or len(rows) < size):
                row = next(self._rows, None)
                if row is None:
                    break
                rows.append(row)
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Fetch the next row."""
        return next(iter(self._fetch(1)), None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Fetch the next rows."""
        return self._fetch(self.arraysize if size is None else size)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Fetch the rows that are left."""
        return self._fetch(-1)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while (row := self.fetchone()) is not None:
            yield row

    def result(self) -> Download | None:
        """
        Give the result as Arrow data.

        :return: the result, None for a statement without rows
        """
        self._open()
        return self._download

    def close(self) -> None:
        """Let go of the result."""
        if isinstance(self._rows, Generator):
            self._rows.close()
        self._rows = None
        super().close()  # type: ignore[misc]


def _tuples(download: Download) -> Iterator[tuple[Any, ...]]:
    for batch in download.batches():
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[Any]:
    """Make Python values; only where there are nanoseconds, pandas's, which XCom does not take."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        with suppress(pa.ArrowInvalid):
            return pc.cast(column, pa.timestamp("us", column.type.tz)).to_pylist()
    return column.to_pylist(maps_as_pydicts="strict")


class _Watch:
    """
    Wait for one instance, and stop it when the waiting ends first.

    A SIGTERM is noted from before the submit on, so that there is no moment at which it leaves an instance
    behind; what the process does about the signal otherwise happens as well.
    """

    def __init__(self) -> None:
        self._terminated = Interrupt()
        self._instance: Instance | None = None
        self._handler: Any = None

    def __enter__(self) -> _Watch:
        handler = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is threading.main_thread() and handler is not None:
            self._handler = handler
            signal.signal(signal.SIGTERM, self._on_sigterm)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self._terminated.set()
        if self._instance is not None:
            _stop(self._instance)
        if callable(self._handler):
            self._handler(number, frame)

    def await_end(self, instance: Instance) -> None:
        """Wait for the instance's end."""
        self._instance = instance
        pause = _FIRST_WAIT
        try:
            while not instance.is_terminated(retry=True):
                if self._terminated.wait(pause):
                    raise JobCancelledError(
                        f"terminated while waiting for instance {instance.id}", job_id=instance.id
                    )
                pause = min(pause * 1.5, _LONGEST_WAIT)
        except BaseException:
            _stop(instance)
            raise
        _raise_failure(instance)


def _raise_failure(instance: Instance) -> None:
    from odps.errors import ODPSError

    try:
        instance.wait_for_success()
    except ODPSError as error:
        code = str(error.code or "")
        cancelled = "status=CANCELLED" in str(error).upper().replace(" ", "")
        kind = JobCancelledError if cancelled else JobFailedError
        raise kind(f"instance {instance.id}: {error.args[0]}", job_id=instance.id, code=code) from error


def _stop(instance: Instance) -> None:
    """Stop an instance from anywhere: in a thread, for a signal handler may have interrupted any lock."""
    thread = threading.Thread(target=_stop_quietly, args=(instance,), daemon=True)
    thread.start()
    thread.join(_STOP_TIMEOUT)


def _stop_quietly(instance: Instance) -> None:
    from odps.errors import InvalidStateSetting, ODPSError
    from requests import RequestException

    try:
        instance.stop()
    except InvalidStateSetting:
        log.info("Instance %s has ended already", instance.id)
    except (ODPSError, RequestException) as error:
        log.warning("Instance %s may still be running: %s", instance.id, error)
