"""Operators that run jobs in MaxCompute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_datalake.clients.maxcompute_specs import parse_partition, sql_form
from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.jobs.maxcompute import ArchiveRequest, MergeRequest, SqlRequest
from airflow_provider_datalake.links.maxcompute import MaxComputeLogviewLink
from airflow_provider_datalake.operators.remote_job import JobLocation, RemoteJobOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec
    from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook
    from airflow_provider_datalake.jobs.maxcompute import MaxComputeJobs


class MaxComputeJobOperator(RemoteJobOperator):
    """
    Run one instance in MaxCompute; the base of the operators below.

    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param hints: settings for the instance (templated)
    :param priority: 0 (first) to 9; the project's default when None
    """

    hook_path = "airflow_provider_datalake.hooks.maxcompute.MaxComputeHook"
    job_link = MaxComputeLogviewLink()
    operator_extra_links = (job_link,)
    template_fields: Sequence[str] = ("odps_conn_id", "project", "schema", "hints")
    template_fields_renderers: ClassVar[dict[str, str]] = {"hints": "json"}
    ui_color = "#ffe9d6"

    def __init__(
        self,
        *,
        odps_conn_id: str = "odps_default",
        project: str | None = None,
        schema: str | None = None,
        hints: dict[str, Any] | None = None,
        priority: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.odps_conn_id = odps_conn_id
        self.project = project
        self.schema = schema
        self.hints = hints
        self.priority = priority

    @property
    def hook(self) -> MaxComputeHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        return MaxComputeHook(
            odps_conn_id=self.odps_conn_id, project=self.project or None, schema=self.schema or None
        )

    def job_location(self) -> JobLocation:
        """Say where the instance runs."""
        from airflow_provider_datalake.triggers.maxcompute import hook_arguments

        return JobLocation(self.odps_conn_id, hook_arguments(self.project, self.schema))

    def job_service(self) -> MaxComputeJobs:
        """Make the service from the hook."""
        return self.hook.job_service()

    def _settings(self) -> dict[str, Any]:
        hints = {} if self.hints is None else self.hints
        if not isinstance(hints, dict):
            raise ConfigurationError(f"hints must be a mapping of settings, got {hints!r}")
        for name, value in hints.items():
            if not isinstance(value, (str, int, float, bool)):
                raise ConfigurationError(
                    f"hints[{name!r}] must be text, a number or a boolean, got {value!r}"
                )
        if self.priority is not None and (
            isinstance(self.priority, bool) or not isinstance(self.priority, int)
        ):
            raise ConfigurationError(f"priority must be an integer, got {self.priority!r}")
        if self.priority is not None and not 0 <= self.priority <= 9:
            raise ConfigurationError(f"priority must be from 0 to 9, got {self.priority}")
        return {"hints": hints, "priority": self.priority}


class MaxComputeSQLOperator(MaxComputeJobOperator):
    """
    Run SQL in MaxCompute; the result's rows stay there, the task returns the instance's id.

    :param sql: one statement, or several as a script; the text or a ``.sql`` file (templated)
    :param name: the task's name on the Logview page
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param hints: settings, e.g. ``{"odps.sql.mapper.split.size": 64}`` (templated)
    :param priority: 0 (first) to 9; the project's default when None
    """

    template_fields: Sequence[str] = ("sql", *MaxComputeJobOperator.template_fields)
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "hints": "json"}

    def __init__(self, *, sql: str, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.name = name

    def job_request(self) -> SqlRequest:
        """Check the arguments and make the request of them."""
        if not isinstance(self.sql, str) or not self.sql.strip():
            raise ConfigurationError(f"sql must be the text of a statement, got {self.sql!r}")
        return SqlRequest(sql=self.sql, name=self.name, **self._settings())


class MaxComputeMergeFilesOperator(MaxComputeJobOperator):
    """
    Merge the small files of a table or of one partition; the task returns file counts and sizes.

    :param table: the table (templated)
    :param partition: e.g. ``month=1`` or ``{"month": 1}``; the whole table when None (templated)
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param hints: settings of the merge task (templated)
    :param priority: 0 (first) to 9; the project's default when None
    """

    template_fields: Sequence[str] = ("table", "partition", *MaxComputeJobOperator.template_fields)

    def __init__(self, *, table: str, partition: PartitionSpec | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.partition = partition

    def job_request(self) -> MergeRequest:
        """Check the arguments and make the request of them."""
        return MergeRequest(table=self._table(), partition=self._partition(), **self._settings())

    def _table(self) -> str:
        if not isinstance(self.table, str) or not self.table.strip():
            raise ConfigurationError(f"table must be the name of a table, got {self.table!r}")
        return self.table.strip()

    def _partition(self) -> str | None:
        return sql_form(parse_partition(self.partition)) if self.partition else None


class MaxComputeArchiveTableOperator(MaxComputeMergeFilesOperator):
    """
    Compress a table or one partition harder; the task returns file counts and sizes.

    :param table: the table (templated)
    :param partition: e.g. ``month=1`` or ``{"month": 1}``; the whole table when None (templated)
    :param odps_conn_id: the connection (templated)
    :param project: takes precedence over the connection's project (templated)
    :param schema: takes precedence over the connection's schema (templated)
    :param hints: settings of the archive task (templated)
    :param priority: 0 (first) to 9; the project's default when None
    """

    def job_request(self) -> ArchiveRequest:
        """Check the arguments and make the request of them."""
        return ArchiveRequest(table=self._table(), partition=self._partition(), **self._settings())
