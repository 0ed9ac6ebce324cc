"""MaxCompute's instances as remote jobs: SQL, merging of small files, archiving."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_datalake.clients.maxcompute_errors import service_errors
from airflow_provider_datalake.clients.maxcompute_specs import check_partition, parse_partition, sql_form
from airflow_provider_datalake.exceptions import ConflictError, ServiceError
from airflow_provider_datalake.jobs.maxcompute_codes import code_of, is_retryable
from airflow_provider_datalake.jobs.service import JSON, ListingNotAllowed
from airflow_provider_datalake.jobs.status import JobState, JobStatus, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from odps import ODPS
    from odps.models import Instance
    from odps.models.tasks import MergeTask

log = logging.getLogger(__name__)

CLOCK_SLACK = 900
"""Seconds by which the service's clock may differ from ours: beyond them it refuses our signatures."""
SUBMIT_WINDOW = 1800
"""Seconds after the intent in which the service can have received a submit of it."""
SUBMIT_PATIENCE = 60
"""Seconds for which a submit is tried again; the key makes that safe."""
LINK_HOURS = 6
"""Validity of the token in a Logview address."""


@dataclass(frozen=True)
class SqlRequest:
    """
    Run SQL.

    :param sql: one statement, or several as a script
    :param hints: settings, e.g. ``odps.sql.mapper.split.size``
    :param priority: 0 (first) to 9; the project's default when None
    :param name: the task's name on the Logview page
    """

    sql: str
    hints: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give all that decides what the job does."""
        return {"kind": "sql", **asdict(self)}


@dataclass(frozen=True)
class MergeRequest:
    """
    Merge the small files of a table or of one partition.

    :param table: the table's name, may be qualified
    :param partition: which partition, e.g. ``month=1``; the whole table when None
    :param hints: settings of the merge task
    :param priority: 0 (first) to 9; the project's default when None
    """

    table: str
    partition: str | None = None
    hints: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give all that decides what the job does."""
        return {"kind": "merge", **asdict(self)}


@dataclass(frozen=True)
class ArchiveRequest(MergeRequest):
    """
    Compress a table or one partition harder, for data that is seldom read.

    :param table: the table's name, may be qualified
    :param partition: which partition, e.g. ``month=1``; the whole table when None
    :param hints: settings of the archive task
    :param priority: 0 (first) to 9; the project's default when None
    """

    def to_json(self) -> dict[str, Any]:
        """Give all that decides what the job does."""
        return {"kind": "archive", **asdict(self)}


MaxComputeRequest: TypeAlias = SqlRequest | MergeRequest


class MaxComputeJobs:
    """
    The jobs of one project, through one PyODPS client.

    :param client: the client; its default project is where the jobs run
    :param conn_id: the connection's id, for messages
    :param hints: settings for all SQL of the connection, e.g. its time zone; a request's own take precedence
    """

    def __init__(
        self, client: ODPS, *, conn_id: str = "odps_default", hints: Mapping[str, Any] | None = None
    ) -> None:
        self.client = client
        self._conn_id = conn_id
        self._hints = dict(hints or {})
        self._task_names: dict[str, list[str]] = {}

    @property
    def scope(self) -> Mapping[str, str]:
        """The project, and the schema where the connection has one."""
        # The public attribute `schema` would ask the service for the tenant's settings.
        return {"project": self.client.project, "schema": self.client._schema or ""}

    def survey(self, request: MaxComputeRequest) -> dict[str, JSON]:
        """
        Count the files that a merge or an archive is about to rewrite.

        :param request: what is going to run
        :return: ``files`` and ``bytes``; empty for SQL
        :raises NotFoundError: when the table or the partition does not exist
        :raises ConfigurationError: when the partition spec does not fit the table
        """
        if isinstance(request, SqlRequest):
            return {}
        with self._errors(f"look at table {request.table}"):
            table = self.client.get_table(request.table)
            columns = [(column.name, str(column.type)) for column in table.table_schema.partitions]
            spec = check_partition(request.partition, columns, table=request.table, required=False)
            part = table.get_partition(sql_form(spec)) if spec else table
            part.reload_extend_info()
            return {"files": _count(part.file_num), "bytes": _count(part.physical_size)}

    def submit(self, request: MaxComputeRequest, key: str, on_created: Callable[[str], None]) -> str:
        """
        Start an instance, or find the one that carries the key already.

        A lost answer is met by sending the same request again: the service runs one instance per key.

        :param request: what to run
        :param key: the submission key
        :param on_created: called with the instance's id at the first moment it is known
        :return: the instance's id
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

        attempts = Retrying(
            # A conflict is how the service answers while an earlier request with the key is still under way.
            retry=retry_if_exception_type((ServiceError, ConflictError)),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_after_delay(SUBMIT_PATIENCE),
            before_sleep=lambda state: log.warning(
                "Submitting again under the same key: %s", state.outcome and state.outcome.exception()
            ),
            reraise=True,
        )
        return attempts(self._submit_once, request, key, on_created)

    def _submit_once(self, request: MaxComputeRequest, key: str, on_created: Callable[[str], None]) -> str:
        with self._errors("submit"):
            if isinstance(request, SqlRequest):
                instance = self.client.run_sql(
                    request.sql,
                    priority=request.priority,
                    hints={**self._hints, **request.hints},
                    unique_identifier_id=key,
                    on_instance_create=on_created,
                    **({"name": request.name} if request.name else {}),
                )
            else:
                archive = isinstance(request, ArchiveRequest)
                start = self.client.run_archive_table if archive else self.client.run_merge_files
                instance = start(
                    request.table,
                    partition=sql_form(parse_partition(request.partition)) if request.partition else None,
                    hints=dict(request.hints),
                    priority=request.priority,
                    unique_identifier_id=key,
                    create_callback=on_created,
                )
            return instance.id

    def find(self, key: str, since: float) -> str | None:
        """
        Look through our own instances of that time for the one that carries a key.

        :param key: the submission key
        :param since: epoch seconds, when the intent was made
        :return: its id, None when there is none
        """
        with self._errors("look for an earlier instance", listing=True):
            for instance in self.client.list_instances(
                start_time=since - CLOCK_SLACK, end_time=since + SUBMIT_WINDOW, only_owner=True
            ):
                if instance.get_unique_identifier_id() == key:
                    return instance.id
        return None

    def matches(self, job_id: str, request: MaxComputeRequest, key: str) -> bool:
        """
        Compare an instance's key and query, or table, with what was asked for.

        :param job_id: the instance
        :param request: what it should run
        :param key: the key that it should carry
        :return: whether both agree
        """
        from odps.models.tasks import MergeTask, SQLTask

        with self._errors(f"read the source of instance {job_id}"):
            instance = self.client.get_instance(job_id)
            if instance.get_unique_identifier_id() != key:
                return False
            (task,) = instance.tasks
        if isinstance(request, SqlRequest):
            # PyODPS itself turns ALTER TABLE ... MERGE SMALLFILES into a merge task, which has no query.
            return isinstance(task, MergeTask) or (
                isinstance(task, SQLTask) and _words(task.query) == _words(request.sql)
            )
        return isinstance(task, MergeTask) and _merges(task, request)

    def statuses(self, job_ids: Collection[str], since: float) -> dict[str, JobStatus]:
        """
        Look at many instances with one paged listing, and at the tasks of those that have ended.

        :param job_ids: the instances of interest
        :param since: epoch seconds; none of them is older
        :return: by instance id; ids that the listing lacks are absent
        :raises ListingNotAllowed: when the account may not list instances
        """
        missing = set(job_ids)
        found: dict[str, JobStatus] = {}
        with self._errors("list instances", listing=True):
            # No filter by status: one for Running would hide the suspended ones.
            for instance in self.client.list_instances(start_time=since - CLOCK_SLACK, only_owner=True):
                if instance.id not in missing:
                    continue
                missing.discard(instance.id)
                try:
                    with self._errors(f"look at the tasks of instance {instance.id}"):
                        found[instance.id] = self._status(instance)
                except ServiceError as error:
                    log.warning("%s", error)  # left absent: one instance must not hide the others
                if not missing:
                    break
        return found

    def status(self, job_id: str) -> JobStatus:
        """
        Look at one instance in full detail.

        :param job_id: the instance
        :return: its status; ``GONE`` when the project does not know it
        """
        from odps.errors import NoSuchObject, NoSuchProject

        with self._errors(f"look at instance {job_id}"):
            instance = self.client.get_instance(job_id)
            try:
                instance.reload()
                return self._status(instance)
            except NoSuchProject:
                raise
            except NoSuchObject:
                return JobStatus(
                    job_id, JobState.GONE, message=f"project {self.client.project} knows no instance {job_id}"
                )

    def _status(self, instance: Instance) -> JobStatus:
        # The public attribute `status` asks the service again for every instance that has not ended.
        state = instance._getattr("_status")
        started_at = _epoch(instance._getattr("start_time"))
        if state is instance.Status.SUSPENDED:
            return JobStatus(instance.id, JobState.SUSPENDED, started_at=started_at)
        if state is not instance.Status.TERMINATED:
            return JobStatus(instance.id, JobState.RUNNING, started_at=started_at)
        ended_at = _epoch(instance._getattr("end_time"))
        return replace(self._outcome(instance), started_at=started_at, ended_at=ended_at)

    def _outcome(self, instance: Instance) -> JobStatus:
        tasks = instance.get_task_statuses()
        if not tasks:
            raise ServiceError(f"Instance {instance.id} has ended but shows no task")
        states = {name: task.status.value for name, task in tasks.items()}
        if all(state == "SUCCESS" for state in states.values()):
            return JobStatus(instance.id, JobState.SUCCEEDED)
        failed = [name for name, state in states.items() if state == "FAILED"]
        if failed:
            message = (
                instance.get_task_results().get(failed[0]) or f"task {failed[0]} failed without a message"
            )
            code = code_of(message)
            return JobStatus(
                instance.id, JobState.FAILED, code, message.strip(), retryable=is_retryable(code)
            )
        # Only a stop ends an instance whose tasks have neither succeeded nor failed.
        stopped = ", ".join(f"{name} {state.lower()}" for name, state in states.items() if state != "SUCCESS")
        return JobStatus(instance.id, JobState.CANCELLED, message=f"stopped with {stopped}")

    def progress(self, job_id: str) -> tuple[Stage, ...]:
        """
        Look at the stages of a running instance.

        :param job_id: the instance
        :return: its stages, in the service's order
        """
        with self._errors(f"read the progress of instance {job_id}"):
            instance = self.client.get_instance(job_id)
            if job_id not in self._task_names:
                if len(self._task_names) > 1000:
                    self._task_names.clear()  # a poller may live for months
                self._task_names[job_id] = instance.get_task_names()
            return tuple(
                Stage(
                    name=stage.name,
                    percent=float(stage.finished_percentage or 0),
                    workers=stage.total_workers or 0,
                    finished_workers=stage.terminated_workers or 0,
                    input_records=stage.input_records or 0,
                    output_records=stage.output_records or 0,
                )
                for name in self._task_names[job_id]
                for stage in instance.get_task_progress(name).stages or ()
            )

    def cancel(self, job_id: str) -> None:
        """
        Stop an instance; one that has ended, or is unknown, is fine.

        :param job_id: the instance
        """
        from odps.errors import InvalidStateSetting, NoSuchObject, NoSuchProject

        with self._errors(f"stop instance {job_id}"):
            try:
                self.client.stop_instance(job_id)
            except NoSuchProject:
                raise
            except (InvalidStateSetting, NoSuchObject) as error:
                log.info("Instance %s needs no stop: %s", job_id, error)

    def result(self, job_id: str, request: MaxComputeRequest, before: Mapping[str, Any]) -> dict[str, JSON]:
        """
        Describe what a succeeded instance did.

        :param job_id: the instance
        :param request: what it ran
        :param before: what ``survey`` said before the submit
        :return: ids and counts
        """
        result: dict[str, JSON] = {"instance_id": job_id, "project": self.client.project}
        if isinstance(request, SqlRequest):
            return {**result, **self._traffic(job_id)}
        after = self.survey(request)
        return {
            **result,
            "table": request.table,
            "partition": request.partition,
            "files_before": before.get("files"),
            "files_after": after["files"],
            "bytes_before": before.get("bytes"),
            "bytes_after": after["bytes"],
        }

    def _traffic(self, job_id: str) -> dict[str, JSON]:
        """Add up what was read and written; statements without a summary have nothing to add."""
        traffic: dict[str, JSON] = {}
        with self._errors(f"read the summary of instance {job_id}"):
            instance = self.client.get_instance(job_id)
            summaries = [instance.get_task_summary(name) or {} for name in instance.get_task_names()]
        for side, prefix in (("Inputs", "input"), ("Outputs", "output")):
            counts = [
                entry
                for summary in summaries
                for entry in (summary.get(side) or {}).values()
                if isinstance(entry, list) and len(entry) >= 2
            ]
            if counts:
                traffic[f"{prefix}_rows"] = sum(int(entry[0]) for entry in counts)
                traffic[f"{prefix}_bytes"] = sum(int(entry[1]) for entry in counts)
        return traffic

    def link(self, job_id: str) -> str | None:
        """
        Make the address of the instance's Logview page, valid for a few hours.

        :param job_id: the instance
        :return: the address, None where it would carry the connection's own bearer token
        """
        from odps.accounts import BearerTokenAccount

        if isinstance(self.client.account, BearerTokenAccount):
            return None
        with self._errors(f"make a Logview address for instance {job_id}"):
            return self.client.get_logview_address(job_id, hours=LINK_HOURS)

    @contextmanager
    def _errors(self, doing: str, *, listing: bool = False) -> Iterator[None]:
        from odps.errors import NoPermission

        with service_errors(self._conn_id, doing):
            try:
                yield
            except NoPermission as error:
                if listing:
                    raise ListingNotAllowed(f"Connection {self._conn_id!r}: {doing}: {error}") from error
                raise


def _merges(task: MergeTask, request: MergeRequest) -> bool:
    table, _, partition = task.table.partition(" partition(")
    wanted = parse_partition(request.partition) if request.partition else None
    return (
        _last_name(table) == _last_name(request.table)
        and (parse_partition(partition.rstrip(")")) if partition else None) == wanted
        and ("archiveSettings" in (task.properties or {})) is isinstance(request, ArchiveRequest)
    )


def _last_name(table: str) -> str:
    return table.rpartition(".")[2].strip("` ").lower()


def _words(sql: str) -> list[str]:
    return sql.strip().rstrip(";").split()


def _count(number: Any) -> int | None:
    return None if number is None or int(number) < 0 else int(number)


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
