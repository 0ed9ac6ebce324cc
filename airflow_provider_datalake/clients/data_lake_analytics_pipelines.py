"""What the job service says about pipelines and recurrences, which jobs name when they are submitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.data_lake_analytics_models import moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class Usage:
    """
    The jobs of a pipeline or recurrence, added up.

    :param succeeded: how many jobs
    :param failed: how many jobs
    :param cancelled: how many jobs
    :param au_hours_succeeded: what they have used
    :param au_hours_failed: what they have used
    :param au_hours_cancelled: what they have used
    :param last_submitted_at: when the last one was submitted
    """

    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    au_hours_succeeded: float = 0.0
    au_hours_failed: float = 0.0
    au_hours_cancelled: float = 0.0
    last_submitted_at: datetime | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Usage:
        """
        Read the service's form.

        :param told: a ``JobPipelineInformation`` or ``JobRecurrenceInformation``
        :return: the sums
        """
        return cls(
            succeeded=told.get("numJobsSucceeded") or 0,
            failed=told.get("numJobsFailed") or 0,
            cancelled=told.get("numJobsCanceled") or 0,
            au_hours_succeeded=told.get("auHoursSucceeded") or 0.0,
            au_hours_failed=told.get("auHoursFailed") or 0.0,
            au_hours_cancelled=told.get("auHoursCanceled") or 0.0,
            last_submitted_at=moment(told.get("lastSubmitTime")),
        )


@dataclass(frozen=True)
class PipelineRun:
    """
    One run of a pipeline.

    :param run_id: its GUID
    :param last_submitted_at: when its last job was submitted
    """

    run_id: str
    last_submitted_at: datetime | None


@dataclass(frozen=True)
class Pipeline:
    """
    What jobs have named as their pipeline.

    :param pipeline_id: its GUID
    :param name: its name
    :param uri: address of its page
    :param usage: its jobs, added up
    :param runs: its runs; empty in a list
    :param recurrences: GUIDs of its recurrences; empty in a list
    """

    pipeline_id: str
    name: str
    uri: str
    usage: Usage
    runs: tuple[PipelineRun, ...] = ()
    recurrences: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Pipeline:
        """
        Read the service's form.

        :param told: a ``JobPipelineInformation``
        :return: the pipeline
        """
        # The service names the parts of its runs otherwise than its own description does.
        return cls(
            pipeline_id=str(told.get("pipelineId") or ""),
            name=str(told.get("pipelineName") or ""),
            uri=str(told.get("pipelineUri") or ""),
            usage=Usage.from_wire(told),
            runs=tuple(
                PipelineRun(
                    str(run.get("item1") or run.get("runId") or ""),
                    moment(run.get("item2") or run.get("lastSubmitTime")),
                )
                for run in told.get("runs") or ()
            ),
            recurrences=tuple(told.get("recurrences") or ()),
        )


@dataclass(frozen=True)
class Recurrence:
    """
    What jobs have named as that which is done again and again.

    :param recurrence_id: its GUID
    :param name: its name
    :param usage: its jobs, added up
    """

    recurrence_id: str
    name: str
    usage: Usage

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Recurrence:
        """
        Read the service's form.

        :param told: a ``JobRecurrenceInformation``
        :return: the recurrence
        """
        return cls(
            recurrence_id=str(told.get("recurrenceId") or ""),
            name=str(told.get("recurrenceName") or ""),
            usage=Usage.from_wire(told),
        )
