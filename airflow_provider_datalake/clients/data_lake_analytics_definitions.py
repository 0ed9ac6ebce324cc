"""What is said of a U-SQL job when it is submitted; light, for DAG files import it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.azure_rest import check_positive
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPILE_MODES = ("Semantic", "Full", "SingleBox")
_LONGEST_NAME = 260


@dataclass(frozen=True)
class Relation:
    """
    What a job is a part of, for people and for sums over many jobs.

    :param recurrence_id: GUID of what is done again and again; the service asks for it
    :param recurrence_name: its name
    :param pipeline_id: GUID of the pipeline
    :param pipeline_name: its name
    :param pipeline_uri: address of its page
    :param run_id: GUID of the pipeline's run
    """

    recurrence_id: str
    recurrence_name: str | None = None
    pipeline_id: str | None = None
    pipeline_name: str | None = None
    pipeline_uri: str | None = None
    run_id: str | None = None

    def to_wire(self) -> dict[str, str]:
        """
        Give the form that the service takes.

        :return: only what is set
        """
        given = {
            "recurrenceId": self.recurrence_id,
            "recurrenceName": self.recurrence_name,
            "pipelineId": self.pipeline_id,
            "pipelineName": self.pipeline_name,
            "pipelineUri": self.pipeline_uri,
            "runId": self.run_id,
        }
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_wire(cls, told: Mapping[str, Any] | None) -> Relation | None:
        """
        Read the service's form.

        :param told: the object, which may be empty
        :return: the relation, None when there is none
        """
        if not told or not told.get("recurrenceId"):
            return None
        return cls(
            recurrence_id=told["recurrenceId"],
            recurrence_name=told.get("recurrenceName"),
            pipeline_id=told.get("pipelineId"),
            pipeline_name=told.get("pipelineName"),
            pipeline_uri=told.get("pipelineUri"),
            run_id=told.get("runId"),
        )


@dataclass(frozen=True)
class JobDefinition:
    """
    A U-SQL job to submit.

    :param script: the script
    :param name: its name, for people
    :param degree_of_parallelism: analytics units; the service's default, one, when None
    :param priority: above 0, lower ones start sooner; the service's default, 1000, when None
    :param runtime_version: the engine's version; the service's default when None
    :param compile_mode: ``Semantic``, ``Full`` or ``SingleBox``; the service's default when None
    :param related: what it is a part of
    """

    script: str
    name: str
    degree_of_parallelism: int | None = None
    priority: int | None = None
    runtime_version: str | None = None
    compile_mode: str | None = None
    related: Relation | None = None

    def check(self) -> None:
        """
        Check what the service would refuse, or would take for something else.

        :raises ConfigurationError: when a field cannot work
        """
        if not isinstance(self.script, str) or not self.script.strip():
            raise ConfigurationError(f"script must be the text of a U-SQL script, got {self.script!r}")
        if not isinstance(self.name, str) or not self.name.strip() or len(self.name) > _LONGEST_NAME:
            raise ConfigurationError(
                f"name must be a text of 1 to {_LONGEST_NAME} characters, got {self.name!r}"
            )
        check_positive(degree_of_parallelism=self.degree_of_parallelism, priority=self.priority)
        if self.compile_mode is not None and self.compile_mode not in COMPILE_MODES:
            raise ConfigurationError(
                f"compile_mode must be one of {', '.join(COMPILE_MODES)}, got {self.compile_mode!r}"
            )
        if self.related is not None:
            _check_relation(self.related)

    def to_wire(self, *, build: bool = False) -> dict[str, Any]:
        """
        Give the form that the service takes.

        :param build: whether it is only to be compiled
        :return: the body of the request
        """
        properties = {
            "type": "USql",
            "script": self.script,
            "runtimeVersion": self.runtime_version,
            "compileMode": self.compile_mode,
        }
        body: dict[str, Any] = {
            "name": self.name,
            "type": "USql",
            "properties": {name: value for name, value in properties.items() if value is not None},
        }
        if build:
            return body
        further = {
            "degreeOfParallelism": self.degree_of_parallelism,
            "priority": self.priority,
            "related": None if self.related is None else self.related.to_wire(),
        }
        return {**body, **{name: value for name, value in further.items() if value is not None}}


def _check_relation(related: Relation) -> None:
    for field in ("recurrence_id", "pipeline_id", "run_id"):
        value = getattr(related, field)
        if value is None and field != "recurrence_id":
            continue
        try:
            uuid.UUID(value)
        except (AttributeError, TypeError, ValueError):
            raise ConfigurationError(f"{field} must be a GUID, got {value!r}") from None
    for field in ("recurrence_name", "pipeline_name"):
        value = getattr(related, field)
        if value is not None and len(value) > _LONGEST_NAME:
            raise ConfigurationError(f"{field} may have {_LONGEST_NAME} characters, got {len(value)}")
