"""Where jobs are remembered: one SQLite table, written before anything depends on it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.database import Database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path


class JobState(StrEnum):
    """Where a job stands; the values are the service's task states."""

    WAITING = "Waiting"
    RUNNING = "Running"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_active(self) -> bool:
        return self in ACTIVE


ACTIVE = (JobState.WAITING, JobState.RUNNING)
FINISHED = (JobState.SUCCESS, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Stage:
    """
    One step of a job's work.

    :param name: e.g. ``M1``
    :param percent: how much is done, 0 to 100, never falling
    :param total_workers: how many workers share the step
    :param running_workers: how many of them work now
    :param input_records: rows read so far
    :param output_records: rows written so far
    """

    name: str
    percent: float = 0.0
    total_workers: int = 1
    running_workers: int = 0
    input_records: int = 0
    output_records: int = 0


@dataclass(frozen=True)
class Job:
    """
    One job as of a moment.

    :param id: unique, and in the order of creation within a millisecond's precision
    :param kind: which runner executes it, e.g. ``maxcompute.sql``
    :param scope: what its key is unique in, e.g. a project
    :param request: what it was asked to do, as JSON
    :param key: de-duplication key, None when the client gave none
    :param name: the client's name for it
    :param owner: who submitted it
    :param priority: lower is sooner
    :param state: where it stands
    :param created_at: seconds since the epoch
    :param started_at: seconds since the epoch, None before it ran
    :param ended_at: seconds since the epoch, None before it ended
    :param stages: its progress
    :param result: what its runner returned, as JSON
    :param error: why it failed, empty otherwise
    :param sequence: position in the order of creation
    """

    id: str
    kind: str
    scope: str
    request: dict[str, Any]
    key: str | None = None
    name: str = ""
    owner: str = ""
    priority: int = 9
    state: JobState = JobState.WAITING
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    stages: tuple[Stage, ...] = ()
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    sequence: int = 0

    @property
    def percent(self) -> int:
        """How much of all its stages is done, 0 to 100."""
        return int(sum(stage.percent for stage in self.stages) / len(self.stages)) if self.stages else 0


@dataclass(frozen=True)
class JobFilter:
    """
    Which jobs a listing shows.

    :param scope: only this scope, None for all
    :param states: only these states, None for all
    :param owner: only this owner's
    :param name: only jobs of this name
    :param created_from: only jobs created at or after, seconds since the epoch
    :param created_before: only jobs created before, seconds since the epoch
    """

    scope: str | None = None
    states: Collection[JobState] | None = None
    owner: str | None = None
    name: str | None = None
    created_from: float | None = None
    created_before: float | None = None


_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    request TEXT NOT NULL,
    stages TEXT NOT NULL DEFAULT '[]',
    result TEXT NOT NULL DEFAULT '{}',
    error TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_key ON jobs (scope, key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_scope ON jobs (scope, created_at);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state);
"""


class JobStore:
    """
    The persisted jobs of one emulator; safe to use from any thread.

    :param path: the SQLite file
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._database.ensure_schema(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def add(self, job: Job) -> tuple[Job, bool]:
        """
        Add a job, unless its key names an earlier one.

        :param job: the new job
        :return: the job that now has the key, and whether it is the new one
        """
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO jobs (id, kind, scope, key, name, owner, priority, state, created_at, request)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (scope, key) WHERE key IS NOT NULL DO NOTHING",
                (
                    job.id,
                    job.kind,
                    job.scope,
                    job.key,
                    job.name,
                    job.owner,
                    job.priority,
                    job.state,
                    job.created_at,
                    json.dumps(job.request),
                ),
            )
            by_id, by_key = "id = ?", "scope = ? AND key = ?"
            created = cursor.rowcount > 0
            row = connection.execute(
                f"SELECT * FROM jobs WHERE {by_id if created else by_key}",
                (job.id,) if created else (job.scope, job.key),
            ).fetchone()
        return _job(row), created

    def get(self, job_id: str) -> Job | None:
        rows = self._read("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return _job(rows[0]) if rows else None

    def _read(self, sql: str, parameters: Sequence[Any]) -> list[sqlite3.Row]:
        with self._database.read() as connection:
            return connection.execute(sql, parameters).fetchall()

    def mark_running(self, job_id: str, now: float) -> bool:
        """
        Record that a waiting job starts.

        :param job_id: the job
        :param now: seconds since the epoch
        :return: False when the job is not waiting (any more)
        """
        return self._change(
            "UPDATE jobs SET state = ?, started_at = ? WHERE id = ? AND state = ?",
            (JobState.RUNNING, now, job_id, JobState.WAITING),
        )

    def mark_finished(
        self,
        job_id: str,
        state: JobState,
        now: float,
        *,
        only_from: Collection[JobState] = ACTIVE,
        result: Mapping[str, Any] | None = None,
        error: str = "",
        stages: Collection[Stage] = (),
    ) -> bool:
        """
        Record a job's end; the first end counts.

        :param job_id: the job
        :param state: how it ended
        :param now: seconds since the epoch
        :param only_from: states that the job may be in
        :param result: what its runner returned
        :param error: why it failed
        :param stages: its last progress
        :return: False when the job was in none of these states
        """
        marks = ",".join("?" * len(only_from))
        return self._change(
            "UPDATE jobs SET state = ?, ended_at = ?, result = ?, error = ?, stages = ?"
            f" WHERE id = ? AND state IN ({marks})",
            (
                state,
                now,
                json.dumps(dict(result or {})),
                error,
                json.dumps([asdict(stage) for stage in stages]),
                job_id,
                *only_from,
            ),
        )

    def _change(self, sql: str, parameters: tuple[Any, ...]) -> bool:
        with self._database.transaction() as connection:
            return connection.execute(sql, parameters).rowcount > 0

    def remove(self, scope: str) -> list[str]:
        """
        Forget all jobs of a scope.

        :param scope: the scope
        :return: their ids
        """
        with self._database.transaction() as connection:
            rows = connection.execute("DELETE FROM jobs WHERE scope = ? RETURNING id", (scope,)).fetchall()
        return [str(row["id"]) for row in rows]

    def page(
        self, which: JobFilter, *, limit: int, after: int | None = None, newest_first: bool = False
    ) -> list[Job]:
        """
        List one page of jobs.

        :param which: the filter
        :param limit: how many at most
        :param after: sequence of the last job of the page before
        :param newest_first: the order; oldest first otherwise
        :return: the jobs, in order of creation
        """
        where, parameters = _conditions(which)
        if after is not None:
            where.append("sequence < ?" if newest_first else "sequence > ?")
            parameters.append(after)
        sql = "SELECT * FROM jobs" + (f" WHERE {' AND '.join(where)}" if where else "")
        sql += f" ORDER BY sequence {'DESC' if newest_first else 'ASC'} LIMIT ?"
        return [_job(row) for row in self._read(sql, (*parameters, limit))]

    def count(self, which: JobFilter) -> dict[JobState, int]:
        """
        Count jobs by state.

        :param which: the filter
        :return: the number of jobs in each state that occurs
        """
        where, parameters = _conditions(which)
        sql = "SELECT state, count(*) FROM jobs" + (f" WHERE {' AND '.join(where)}" if where else "")
        return {JobState(state): count for state, count in self._read(f"{sql} GROUP BY state", parameters)}

    def ended_before(self, moment: float, job_ids: Collection[str]) -> list[str]:
        """
        Select the jobs that ended before a moment.

        :param moment: seconds since the epoch
        :param job_ids: the jobs to ask about
        :return: the ids of those that did
        """
        sql = "SELECT id FROM jobs WHERE ended_at < ? AND id IN (SELECT value FROM json_each(?))"
        return [row["id"] for row in self._read(sql, (moment, json.dumps(list(job_ids))))]


def _conditions(which: JobFilter) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    parameters: list[Any] = []
    for condition, value in (
        ("scope = ?", which.scope),
        ("owner = ?", which.owner),
        ("name = ?", which.name),
        ("created_at >= ?", which.created_from),
        ("created_at < ?", which.created_before),
    ):
        if value is not None:
            where.append(condition)
            parameters.append(value)
    if which.states is not None:
        where.append(f"state IN ({','.join('?' * len(which.states))})")
        parameters.extend(which.states)
    return where, parameters


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        scope=row["scope"],
        key=row["key"],
        name=row["name"],
        owner=row["owner"],
        priority=row["priority"],
        state=JobState(row["state"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        request=json.loads(row["request"]),
        stages=tuple(Stage(**stage) for stage in json.loads(row["stages"])),
        result=json.loads(row["result"]),
        error=row["error"],
        sequence=row["sequence"],
    )
