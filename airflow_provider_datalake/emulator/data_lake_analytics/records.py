"""What is kept of a U-SQL job beside what every job has: its states with their times, and what it came to."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_datalake.emulator.database import Database
    from airflow_provider_datalake.emulator.jobs import Job


class UsqlState(StrEnum):
    """The service's states of a job."""

    NEW = "New"
    COMPILING = "Compiling"
    QUEUED = "Queued"
    SCHEDULING = "Scheduling"
    STARTING = "Starting"
    RUNNING = "Running"
    ENDED = "Ended"


@dataclass(frozen=True)
class Audit:
    """
    A job's entry into a state.

    :param state: the state
    :param time: seconds since the epoch
    :param details: the service's own words
    """

    state: UsqlState
    time: float
    details: str = ""


SCHEMA = """
CREATE TABLE IF NOT EXISTS usql_audits (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    time REAL NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS usql_audits_job ON usql_audits (job);
CREATE TABLE IF NOT EXISTS usql_cancellations (
    job TEXT PRIMARY KEY,
    principal TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS usql_plans (
    job TEXT PRIMARY KEY,
    outcome TEXT NOT NULL
);
"""
RUNTIME = "datalake-emulator"
"""What the service calls the version of its engine."""
ROOT_PROCESS = "rootProcessId:"
NEW_DETAILS = "userName:;submitMachine:N/A"


class Audits:
    """
    The states that jobs went through.

    :param database: where they are kept
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.ensure_schema(SCHEMA)

    def add(self, job_id: str, *entries: tuple[UsqlState, str]) -> None:
        """
        Record that a job goes through states, now.

        :param job_id: the job's id in the queue
        :param entries: the states, with the service's own words
        """
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO usql_audits (job, state, time, details) VALUES (?, ?, ?, ?)",
                [(job_id, state, time.time(), details) for state, details in entries],
            )

    def of(self, job: Job) -> list[Audit]:
        """
        List the states of a job.

        :param job: the job
        :return: in their order, which begins with ``New``
        """
        return self.of_all([job])[job.id]

    def of_all(self, jobs: Iterable[Job]) -> dict[str, list[Audit]]:
        """
        List the states of many jobs.

        :param jobs: the jobs
        :return: by the job's id in the queue
        """
        # A job is new from the moment that the queue has it: nothing else must be written for that.
        found = {job.id: [Audit(UsqlState.NEW, job.created_at, NEW_DETAILS)] for job in jobs}
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT job, state, time, details FROM usql_audits"
                " WHERE job IN (SELECT value FROM json_each(?)) ORDER BY sequence",
                (json.dumps(list(found)),),
            ).fetchall()
        for row in rows:
            found[row["job"]].append(Audit(UsqlState(row["state"]), row["time"], row["details"]))
        return found

    def keep_plan(self, job_id: str, outcome: Outcome) -> None:
        """
        Keep the plan of a job that has compiled, for those who look at it before its end.

        :param job_id: the job's id in the queue
        :param outcome: its steps, without what they did
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO usql_plans (job, outcome) VALUES (?, ?)",
                (job_id, json.dumps(outcome.to_json())),
            )

    def plan_of(self, job: Job) -> Outcome:
        """
        Give a job's plan, once it has compiled.

        :param job: the job
        :return: its steps; what they did only if it succeeded
        """
        if job.result:
            return Outcome.from_json(job.result)
        with self._database.read() as connection:
            row = connection.execute("SELECT outcome FROM usql_plans WHERE job = ?", (job.id,)).fetchone()
        return Outcome() if row is None else Outcome.from_json(json.loads(row["outcome"]))

    def cancelled(self, job_id: str, principal: str) -> None:
        """
        Record who asks a job to stop; the first one counts.

        :param job_id: the job's id in the queue
        :param principal: who
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO usql_cancellations (job, principal) VALUES (?, ?)", (job_id, principal)
            )

    def cancelled_by(self, job: Job) -> str:
        """
        Tell who has cancelled a job.

        :param job: the job
        :return: who; its owner where nobody is recorded
        """
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT principal FROM usql_cancellations WHERE job = ?", (job.id,)
            ).fetchone()
        return job.owner if row is None else str(row["principal"])

    def forget(self, job_ids: Iterable[str]) -> None:
        """
        Remove what is recorded of jobs.

        :param job_ids: their ids in the queue
        """
        listed = json.dumps(list(job_ids))
        with self._database.transaction() as connection:
            for table in ("usql_audits", "usql_cancellations", "usql_plans"):
                connection.execute(
                    f"DELETE FROM {table} WHERE job IN (SELECT value FROM json_each(?))", (listed,)
                )


@dataclass(frozen=True)
class Step:
    """
    One step of a job's plan, for people.

    :param id: its id
    :param kind: ``file``, ``table``, ``rowset``, ``output``, ``insert`` or ``change``
    :param label: what it is called
    :param inputs: ids of the steps that it reads
    :param columns: names and types of what it makes
    :param line: line of the script
    :param rows_in: rows read, None where nobody counted
    :param rows_out: rows made, None where nobody counted
    :param bytes_in: bytes read of files
    :param bytes_out: bytes written to files
    :param seconds: wall time
    """

    id: str
    kind: str
    label: str
    inputs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    line: int = 1
    rows_in: int | None = 0
    rows_out: int | None = 0
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """
    What a finished job came to.

    :param steps: its plan with what every step did
    :param warnings: diagnostics that did not stop it
    """

    steps: tuple[Step, ...] = ()
    warnings: tuple[dict[str, Any], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """
        Turn it into what the queue keeps.

        :return: plain JSON
        """
        return {"steps": [asdict(step) for step in self.steps], "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Outcome:
        """
        Read what the queue has kept.

        :param stored: plain JSON
        :return: the outcome, empty for a job that did not succeed
        """
        steps = tuple(
            Step(**{**step, "inputs": tuple(step["inputs"]), "columns": tuple(step["columns"])})
            for step in stored.get("steps", ())
        )
        return cls(steps, tuple(stored.get("warnings", ())))


def queue_id(account: str, job_id: str) -> str:
    """
    Give a job's id in the queue; two accounts may have jobs of the same id.

    :param account: the account
    :param job_id: the id that the client chose
    :return: the id
    """
    return f"{account}.{job_id}"


def parse_job_id(text: str) -> str | None:
    """
    Read a job's id.

    :param text: as the client wrote it
    :return: its canonical form, None when it is no GUID
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def moment(seconds: float) -> str:
    """
    Write a time as the service does, with seven digits of a second.

    :param seconds: since the epoch
    :return: e.g. ``2017-12-13T23:17:20.5941236+00:00``
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00"


def duration(seconds: float) -> str:
    """
    Write a duration as the service does.

    :param seconds: how long
    :return: in ISO 8601, e.g. ``PT24.4532348S``
    """
    seconds = max(0.0, seconds)
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:.7f}".rstrip("0").rstrip(".")
    parts = (f"{int(hours)}H" if hours else "") + (f"{int(minutes)}M" if minutes else "")
    return f"PT{parts}{text}S" if rest or not parts else f"PT{parts}"


def dump(details: list[dict[str, Any]]) -> str:
    """
    Turn error details into the text that the queue keeps of a failure.

    :param details: the service's error details
    :return: JSON
    """
    return json.dumps(details)


def load(text: str) -> list[dict[str, Any]]:
    """
    Read the error details of a failure.

    :param text: what the queue has kept
    :return: the details; one with the plain text where the queue itself failed the job
    """
    if text.startswith("["):
        try:
            found = json.loads(text)
            if isinstance(found, list):
                return found
        except ValueError:
            pass  # a text of the queue's own that looks like one
    return [
        {
            "errorId": "E_JOB_SYSTEM_ERROR",
            "severity": "Error",
            "source": "System",
            "component": "JobManager",
            "message": text,
            "description": text,
            "details": "",
            "resolution": "Submit the job again.",
            "helpLink": "",
            "innerError": None,
        }
    ]
