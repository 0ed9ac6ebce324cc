"""Checking what a client wants to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure.errors import invalid, not_supported
from airflow_provider_datalake.emulator.data_lake_analytics.records import parse_job_id

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PRIORITY = 1000
_RELATED_IDS = ("pipelineId", "runId", "recurrenceId")
_RELATED = (*_RELATED_IDS, "pipelineName", "pipelineUri", "recurrenceName")
_MAX_NAME = 260
_MOST = 2**31 - 1
_COMPILE_MODES = ("Semantic", "Full", "SingleBox")


@dataclass(frozen=True)
class Submission:
    """
    What a client wants to run.

    :param name: the job's name
    :param script: its script
    :param degree_of_parallelism: analytics units
    :param priority: lower is sooner
    :param runtime_version: as the client gave it, empty for the default
    :param compile_mode: as the client gave it, empty for the default
    :param related: pipeline and recurrence
    """

    name: str
    script: str
    degree_of_parallelism: int
    priority: int
    runtime_version: str
    compile_mode: str
    related: Mapping[str, str]

    def to_json(self, job_id: str) -> dict[str, Any]:
        """
        Turn it into what the queue keeps.

        :param job_id: the id that the client chose
        :return: plain JSON
        """
        return {
            "job_id": job_id,
            "script": self.script,
            "degree_of_parallelism": self.degree_of_parallelism,
            "priority": self.priority,
            "runtime_version": self.runtime_version,
            "compile_mode": self.compile_mode,
            "related": dict(self.related),
        }


def read_submission(content: Mapping[str, Any]) -> Submission:
    """
    Check a submit or a build.

    :param content: its body
    :return: what it asks for
    :raises AzureError: when it is wrong; the message names the field
    """
    name = content.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("The job's 'name' is missing.", "InvalidJobName")
    if len(name) > _MAX_NAME:
        raise invalid(f"The job's 'name' has more than {_MAX_NAME} characters.", "InvalidJobName")
    kind = str(content.get("type") or "")
    if kind.lower() in ("hive", "scope"):
        raise not_supported(f"jobs of type {kind}")
    if kind.lower() != "usql":
        raise invalid(f"The job's 'type' must be USql, not {kind!r}.", "InvalidJobType")
    properties = content.get("properties")
    if not isinstance(properties, dict):
        raise invalid("The job's 'properties' are missing.", "InvalidJobProperties")
    script = properties.get("script")
    if not isinstance(script, str) or not script.strip():
        raise invalid("The job's 'properties.script' is missing.", "InvalidScript")
    for field in ("compileMode", "runtimeVersion"):
        if properties.get(field) is not None and not isinstance(properties[field], str):
            raise invalid(f"'properties.{field}' must be a text, not {properties[field]!r}.")
    mode = str(properties.get("compileMode") or "")
    if mode and mode not in _COMPILE_MODES:
        raise invalid(f"'properties.compileMode' must be one of {', '.join(_COMPILE_MODES)}, not {mode!r}.")
    return Submission(
        name=name,
        script=script,
        degree_of_parallelism=_number(content, "degreeOfParallelism", 1),
        priority=_number(content, "priority", DEFAULT_PRIORITY),
        runtime_version=str(properties.get("runtimeVersion") or ""),
        compile_mode=mode,
        related=_related(content.get("related")),
    )


def _number(content: Mapping[str, Any], name: str, default: int) -> int:
    value = content.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise invalid(f"'{name}' must be a whole number from 1 on, not {value!r}.")
    return value


def _related(content: Any) -> dict[str, str]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise invalid("'related' must be an object.")
    found = {name: str(content[name]) for name in _RELATED if content.get(name) is not None}
    if found and "recurrenceId" not in found:
        raise invalid("'related.recurrenceId' is missing.")
    for name in _RELATED_IDS:
        if name in found:
            canonical = parse_job_id(found[name])
            if canonical is None:
                raise invalid(f"'related.{name}' must be a GUID, not {found[name]!r}.")
            found[name] = canonical
    for name in ("pipelineName", "recurrenceName"):
        if len(found.get(name, "")) > _MAX_NAME:
            raise invalid(f"'related.{name}' has more than {_MAX_NAME} characters.")
    return found
