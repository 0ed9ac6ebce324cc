"""
The write-ahead intent of one remote job, and what a task does when it finds one.

The intent is stored before the submit and never deleted, so that whatever moment a worker dies at, the next
try knows which job to look for.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.jobs.status import JobState, JobStatus


@dataclass(frozen=True)
class Intent:
    """
    One task's plan to run one remote job.

    :param key: what the job is submitted under; the service runs one job per key
    :param digests: a hash per field of the rendered request: a change can be named, the request is not stored
    :param max_tries: the task instance's ``max_tries``; it changes when a person clears the task
    :param created_at: epoch seconds, before the submit
    :param job_id: the job's id, once the service has answered
    :param before: what was measured before the submit, for the result
    :param abandoned: why this task gave the job up, empty while it still wants it
    """

    key: str
    digests: Mapping[str, str]
    max_tries: int
    created_at: float
    job_id: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    abandoned: str = ""

    @classmethod
    def fresh(
        cls, digests: Mapping[str, str], max_tries: int, before: Mapping[str, Any] | None = None
    ) -> Intent:
        """
        Make an intent with a key that nobody has used.

        :param digests: the request's digests
        :param max_tries: the task instance's ``max_tries``
        :param before: what was measured before the submit
        :return: the intent
        """
        return cls(
            key=str(uuid.uuid4()),
            digests=dict(digests),
            max_tries=max_tries,
            created_at=time.time(),
            before=dict(before or {}),
        )

    def with_job(self, job_id: str) -> Intent:
        """
        Remember the job that the service made of this intent.

        :param job_id: its id
        :return: the intent to store
        """
        return replace(self, job_id=job_id)

    def abandon(self, reason: str) -> Intent:
        """
        Remember that this task no longer wants the job, so that no later try waits for it.

        :param reason: why
        :return: the intent to store
        """
        return replace(self, abandoned=reason)

    def to_json(self) -> dict[str, Any]:
        """
        Turn the intent into what the task state store keeps.

        :return: plain JSON
        """
        return asdict(self)

    @classmethod
    def from_json(cls, stored: object) -> Intent | None:
        """
        Read a stored intent.

        :param stored: what the task state store had, None when nothing was stored
        :return: the intent
        :raises ConfigurationError: when the stored value is not an intent (people can edit it in the UI)
        """
        if stored is None:
            return None
        try:
            if not isinstance(stored, Mapping):
                raise TypeError(f"an object was expected, not {type(stored).__name__}")
            return cls(
                key=str(stored["key"]),
                digests={str(name): str(digest) for name, digest in stored["digests"].items()},
                max_tries=int(stored["max_tries"]),
                created_at=float(stored["created_at"]),
                job_id=None if stored.get("job_id") is None else str(stored["job_id"]),
                before=dict(stored.get("before") or {}),
                abandoned=str(stored.get("abandoned") or ""),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                "The task state store holds something that is not a remote job's intent "
                f"({error}): {stored!r}. Delete it in the task's state store, and make sure that no job of "
                "the task is still running."
            ) from error


def digest(request: Mapping[str, Any]) -> dict[str, str]:
    """
    Hash a rendered request, field by field.

    :param request: all that decides what the job does, as plain JSON
    :return: a short hash per field
    """
    return {
        name: hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
        for name, value in request.items()
    }


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """
    Name the fields in which two requests differ.

    :param old: digests of the one
    :param new: digests of the other
    :return: field names, sorted
    """
    return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))


class Action(StrEnum):
    """What a try does about its remote job."""

    SUBMIT = "submit"
    """Submit under a new key; nothing of an earlier try is in the way."""
    RESUBMIT = "resubmit"
    """Submit again under the same key: the service may or may not have had the first request."""
    ATTACH = "attach"
    """Wait for the job that an earlier try submitted."""
    COLLECT = "collect"
    """Take the result of the job that an earlier try submitted."""
    REPLACE = "replace"
    """Find the earlier job, cancel it if it is active, await its end, then submit under a new key."""


@dataclass(frozen=True)
class Decision:
    """
    What to do, and why, in words for the log.

    :param action: what to do
    :param reason: why
    :param changed: fields in which the request differs from the intent's
    """

    action: Action
    reason: str
    changed: tuple[str, ...] = field(default=())


def decide(
    intent: Intent | None, *, digests: Mapping[str, str], max_tries: int, status: JobStatus | None
) -> Decision:
    """
    Decide what this try does, from what is stored and what the service says.

    :param intent: the stored intent, None on the first try
    :param digests: the digests of the request as it is rendered now
    :param max_tries: the task instance's ``max_tries`` now
    :param status: the status of the intent's job, None when its id is not known
    :return: the decision
    """
    if intent is None:
        return Decision(Action.SUBMIT, "first try")
    if intent.max_tries != max_tries:
        return Decision(Action.REPLACE, "the task was cleared")
    if changed := differences(intent.digests, digests):
        return Decision(Action.REPLACE, f"the request has changed ({', '.join(changed)})", changed)
    if status is not None and status.state is JobState.SUCCEEDED:
        return Decision(Action.COLLECT, "the job of an earlier try has succeeded")
    if intent.abandoned:
        return Decision(Action.REPLACE, f"an earlier try gave its job up: {intent.abandoned}")
    if intent.job_id is None or status is None:
        return Decision(Action.RESUBMIT, "an earlier try ended before the service's answer was stored")
    if status.state.is_active:
        return Decision(Action.ATTACH, f"the job of an earlier try is {status.state}")
    return Decision(Action.SUBMIT, f"the job of an earlier try is {status.state}")
