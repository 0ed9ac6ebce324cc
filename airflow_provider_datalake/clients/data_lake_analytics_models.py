"""What the job service of Data Lake Analytics says, as frozen dataclasses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_datalake.clients.data_lake_analytics_definitions import Relation
from airflow_provider_datalake.exceptions import ServiceError

ENDED = "Ended"
_UNSET = datetime(1, 1, 1, tzinfo=UTC)
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def moment(text: object) -> datetime | None:
    """
    Read a moment.

    :param text: ISO 8601 as .NET writes it, with seven digits of a second
    :return: the moment, None for the year 1, which stands for never
    :raises ServiceError: when the text is something else
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ServiceError(f"the service tells a time that cannot be read: {text!r}") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None if found == _UNSET else found


def seconds(text: object) -> float | None:
    """
    Read a duration.

    :param text: ISO 8601, e.g. ``PT1M24.4532348S``
    :return: seconds, None when there is none
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    days, hours, minutes, rest = (float(match[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
    total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    return -total if match["sign"] else total


@dataclass(frozen=True)
class JobProblem:
    """
    One of the reasons for which a job has failed.

    :param code: the service's error id, e.g. ``E_CSC_USER_SYNTAXERROR``
    :param message: what is wrong
    :param severity: ``Error``, ``Warning``, ``Info``...
    :param source: ``USER`` or ``SYSTEM``
    :param description: one sentence more
    :param details: e.g. the row that could not be read
    :param resolution: what a person can do
    :param line: line of the submitted script, from 1
    :param start: offset in the submitted script, from 0
    :param end: offset behind the place
    :param file_path: the file that the script refers to
    :param inner: the more specific problem behind this one
    """

    code: str
    message: str = ""
    severity: str = ""
    source: str = ""
    description: str = ""
    details: str = ""
    resolution: str = ""
    line: int | None = None
    start: int | None = None
    end: int | None = None
    file_path: str = ""
    inner: JobProblem | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> JobProblem:
        """
        Read the service's form.

        :param told: a ``JobErrorDetails`` or ``JobInnerError``
        :return: the problem
        """
        inner = told.get("innerError")
        return cls(
            code=str(told.get("errorId") or ""),
            message=str(told.get("message") or ""),
            severity=str(told.get("severity") or ""),
            source=str(told.get("source") or ""),
            description=str(told.get("description") or ""),
            details=str(told.get("details") or ""),
            resolution=str(told.get("resolution") or ""),
            line=told.get("lineNumber"),
            start=told.get("startOffset"),
            end=told.get("endOffset"),
            file_path=str(told.get("filePath") or ""),
            inner=cls.from_wire(inner) if isinstance(inner, Mapping) else None,
        )

    @property
    def chain(self) -> tuple[JobProblem, ...]:
        """The problem and all behind it, the most specific one last."""
        return (self, *(self.inner.chain if self.inner else ()))


@dataclass(frozen=True)
class Diagnostic:
    """
    What the compiler says about one place of a script.

    :param message: what is wrong, with the error's id at its beginning
    :param severity: ``Error``, ``Warning``, ``Info``...
    :param line: from 1
    :param column: from 1
    :param start: offset in the script, from 0
    :param end: offset behind the place
    """

    message: str
    severity: str = "Error"
    line: int | None = None
    column: int | None = None
    start: int | None = None
    end: int | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Diagnostic:
        """
        Read the service's form.

        :param told: a ``Diagnostics``
        :return: the diagnostic
        """
        return cls(
            message=str(told.get("message") or ""),
            severity=str(told.get("severity") or ""),
            line=told.get("lineNumber"),
            column=told.get("columnNumber"),
            start=told.get("start"),
            end=told.get("end"),
        )

    @property
    def is_error(self) -> bool:
        """Whether the script does not compile because of it."""
        return self.severity == "Error"

    @property
    def code(self) -> str:
        """The error's id."""
        head, separator, _ = self.message.partition(":")
        return head if separator and re.fullmatch(r"[A-Z]_[A-Z0-9_]+", head) else ""


@dataclass(frozen=True)
class StateChange:
    """
    A job's way into a state.

    :param state: the state
    :param at: when
    :param details: what the service notes about it
    """

    state: str
    at: datetime | None
    details: str = ""


@dataclass(frozen=True)
class JobDetails:
    """
    What only a look at a single job tells.

    :param script: the script, once the service gives it
    :param runtime_version: the version of the engine
    :param compile_mode: ``Semantic``, ``Full`` or ``SingleBox``
    :param error_source: ``UserError``, or ``Unknown``
    :param problems: why it has failed
    :param diagnostics: what the compiler says
    :param history: its states so far
    :param compilation_seconds: how long it was compiled
    :param queued_seconds: how long it waited
    :param running_seconds: how long it ran
    :param paused_seconds: how long it was paused
    :param resources: path by name of the files that belong to it
    """

    script: str | None = None
    runtime_version: str = ""
    compile_mode: str = ""
    error_source: str = ""
    problems: tuple[JobProblem, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    history: tuple[StateChange, ...] = ()
    compilation_seconds: float | None = None
    queued_seconds: float | None = None
    running_seconds: float | None = None
    paused_seconds: float | None = None
    resources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> JobDetails:
        """
        Read the service's form.

        :param told: a ``JobInformation``
        :return: the details
        """
        properties = told.get("properties") or {}
        return cls(
            script=properties.get("script"),
            runtime_version=str(properties.get("runtimeVersion") or ""),
            compile_mode=str(properties.get("compileMode") or ""),
            error_source=str(properties.get("errorSource") or ""),
            problems=tuple(JobProblem.from_wire(item) for item in told.get("errorMessage") or ()),
            diagnostics=tuple(Diagnostic.from_wire(item) for item in properties.get("diagnostics") or ()),
            history=tuple(
                StateChange(
                    str(item.get("newState") or ""),
                    moment(item.get("timeStamp")),
                    str(item.get("details") or ""),
                )
                for item in told.get("stateAuditRecords") or ()
            ),
            compilation_seconds=seconds(properties.get("totalCompilationTime")),
            queued_seconds=seconds(properties.get("totalQueuedTime")),
            running_seconds=seconds(properties.get("totalRunningTime")),
            paused_seconds=seconds(properties.get("totalPausedTime")),
            resources={
                str(item.get("name")): str(item.get("resourcePath") or "")
                for item in properties.get("resources") or ()
            },
        )


@dataclass(frozen=True)
class AnalyticsJob:
    """
    A job of Data Lake Analytics.

    :param job_id: its GUID
    :param name: its name
    :param state: ``New``, ``Accepted``, ``Compiling``, ``Queued``, ``Scheduling``, ``Starting``, ``Running``,
        ``Paused``, ``WaitingForCapacity`` or ``Ended``
    :param result: ``Succeeded``, ``Failed`` or ``Cancelled``; means nothing before the job has ended
    :param type: ``USql``, or another that the service has run
    :param submitter: who has submitted it
    :param degree_of_parallelism: its analytics units
    :param priority: lower ones start sooner
    :param submitted_at: when it was submitted
    :param started_at: when it began to run, None while it has not
    :param ended_at: when it ended, None while it has not
    :param related: what it is a part of
    :param tags: text by name
    :param details: None in a list
    """

    job_id: str
    name: str
    state: str
    result: str = ""
    type: str = "USql"
    submitter: str = ""
    degree_of_parallelism: int | None = None
    priority: int | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    related: Relation | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    details: JobDetails | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> AnalyticsJob:
        """
        Read the service's form.

        :param told: a ``JobInformationBasic``, or a ``JobInformation`` with all details
        :return: the job
        """
        return cls(
            job_id=str(told.get("jobId") or ""),
            name=str(told.get("name") or ""),
            state=str(told.get("state") or ""),
            result=str(told.get("result") or ""),
            type=str(told.get("type") or ""),
            submitter=str(told.get("submitter") or ""),
            degree_of_parallelism=told.get("degreeOfParallelism"),
            priority=told.get("priority"),
            submitted_at=moment(told.get("submitTime")),
            started_at=moment(told.get("startTime")),
            ended_at=moment(told.get("endTime")),
            related=Relation.from_wire(told.get("related")),
            tags=told.get("tags") or {},
            details=JobDetails.from_wire(told) if told.get("properties") else None,
        )

    @property
    def has_ended(self) -> bool:
        """Whether the job will never change again."""
        return self.state == ENDED

    @property
    def au_hours(self) -> float | None:
        """What it has used so far: analytics units times hours of running."""
        ran = self.details.running_seconds if self.details else None
        if ran is None and self.started_at and self.ended_at:
            ran = (self.ended_at - self.started_at).total_seconds()
        if ran is None or self.degree_of_parallelism is None:
            return None
        return self.degree_of_parallelism * ran / 3600


@dataclass(frozen=True)
class JobStage:
    """
    How far one stage of a job is.

    :param name: its name
    :param vertices: how many pieces of work it has
    :param succeeded: how many are done
    :param running: how many are under way
    :param failed: how many have failed
    :param bytes_read: bytes read so far
    :param bytes_written: bytes written so far
    :param execution_seconds: what all vertices have spent together
    """

    name: str
    vertices: int = 0
    succeeded: int = 0
    running: int = 0
    failed: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    execution_seconds: float | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> JobStage:
        """
        Read the service's form.

        :param told: a ``JobStatisticsVertexStage``
        :return: the stage
        """
        return cls(
            name=str(told.get("stageName") or ""),
            vertices=told.get("totalCount") or 0,
            succeeded=told.get("succeededCount") or 0,
            running=told.get("runningCount") or 0,
            failed=told.get("failedCount") or 0,
            bytes_read=told.get("dataRead") or 0,
            bytes_written=told.get("dataWritten") or 0,
            execution_seconds=seconds(told.get("totalExecutionTime")),
        )


@dataclass(frozen=True)
class JobStatistics:
    """
    What a job has done, stage by stage.

    :param updated_at: how old the numbers are
    :param stages: the stages
    """

    updated_at: datetime | None
    stages: tuple[JobStage, ...] = ()


@dataclass(frozen=True)
class DebugData:
    """
    Where the files are that help to debug a job.

    :param command: what starts the debugger
    :param paths: the files
    """

    command: str
    paths: tuple[str, ...] = ()
