"""Operators that run U-SQL in Data Lake Analytics."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_datalake.clients.data_lake_analytics_definitions import JobDefinition, Relation
from airflow_provider_datalake.clients.data_lake_analytics_parameters import declare
from airflow_provider_datalake.exceptions import ConfigurationError, DataLakeError, JobError, JobFailedError
from airflow_provider_datalake.jobs.data_lake_analytics import UsqlRequest
from airflow_provider_datalake.jobs.data_lake_analytics_problems import Source, describe_diagnostic
from airflow_provider_datalake.links.data_lake_analytics import DataLakeAnalyticsJobLink
from airflow_provider_datalake.operators.remote_job import JobLocation, RemoteJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook
    from airflow_provider_datalake.jobs.data_lake_analytics import DataLakeAnalyticsJobs

_NAMESPACE = uuid.UUID("0d1f6dd6-3f57-4b43-9d5c-0d3b1a2c7f55")


class DataLakeAnalyticsJobOperator(RemoteJobOperator):
    """
    Run a U-SQL script; what it writes stays in the store, the task returns the job's id and figures.

    The job says what it is a part of, so that the account's lists of pipelines and recurrences show what a
    DAG costs: by default the pipeline is the DAG, the run is the DAG run and the recurrence is the task.

    :param script: the script; the text or a ``.usql`` file (templated)
    :param name: the job's name; the DAG's and the task's when None (templated)
    :param parameters: values by name, declared in front of the script, where they override its
        ``DECLARE EXTERNAL``; Python values, or ``{"type": "DateTime", "value": "{{ ds }}"}`` (templated)
    :param degree_of_parallelism: analytics units; the service's default, one, when None (templated)
    :param priority: above 0, lower ones start sooner; the service's default, 1000, when None (templated)
    :param runtime_version: the engine's version; the service's default when None
    :param compile_mode: ``Semantic``, ``Full`` or ``SingleBox``; the service's default when None
    :param relate: whether the job says what it is a part of where nothing is given below
    :param pipeline_id: GUID of the pipeline (templated)
    :param pipeline_name: name of the pipeline (templated)
    :param pipeline_uri: address of the pipeline's page (templated)
    :param run_id: GUID of the pipeline's run (templated)
    :param recurrence_id: GUID of what is done again and again (templated)
    :param recurrence_name: its name (templated)
    :param adla_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    hook_path = "airflow_provider_datalake.hooks.data_lake_analytics.DataLakeAnalyticsHook"
    job_link = DataLakeAnalyticsJobLink()
    operator_extra_links = (job_link,)
    template_fields: Sequence[str] = (
        "script",
        "name",
        "parameters",
        "degree_of_parallelism",
        "priority",
        "pipeline_id",
        "pipeline_name",
        "pipeline_uri",
        "run_id",
        "recurrence_id",
        "recurrence_name",
        "adla_conn_id",
        "account",
    )
    template_ext: Sequence[str] = (".usql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"script": "sql", "parameters": "json"}
    ui_color = "#d6ebff"

    def __init__(
        self,
        *,
        script: str,
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
        degree_of_parallelism: int | str | None = None,
        priority: int | str | None = None,
        runtime_version: str | None = None,
        compile_mode: str | None = None,
        relate: bool = True,
        pipeline_id: str | None = None,
        pipeline_name: str | None = None,
        pipeline_uri: str | None = None,
        run_id: str | None = None,
        recurrence_id: str | None = None,
        recurrence_name: str | None = None,
        adla_conn_id: str = "adla_default",
        account: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.script = script
        self.name = name
        self.parameters = parameters
        self.degree_of_parallelism = degree_of_parallelism
        self.priority = priority
        self.runtime_version = runtime_version
        self.compile_mode = compile_mode
        self.relate = relate
        self.pipeline_id = pipeline_id
        self.pipeline_name = pipeline_name
        self.pipeline_uri = pipeline_uri
        self.run_id = run_id
        self.recurrence_id = recurrence_id
        self.recurrence_name = recurrence_name
        self.adla_conn_id = adla_conn_id
        self.account = account
        self._airflow_run_id = ""

    @property
    def hook(self) -> DataLakeAnalyticsHook:
        """The hook; it reads the connection when it is used."""
        return _hook(self.adla_conn_id, self.account)

    def execute(self, context: Context) -> Any:
        """Run the job, or take up the one that an earlier try submitted."""
        self._airflow_run_id = str(context.get("run_id") or "")
        return super().execute(context)

    def job_location(self) -> JobLocation:
        """Say where the job runs."""
        return JobLocation(self.adla_conn_id, {"account": self.account} if self.account else {})

    def job_service(self) -> DataLakeAnalyticsJobs:
        """Make the service from the hook."""
        return self.hook.job_service()

    def job_request(self) -> UsqlRequest:
        """Check the arguments and make the request of them."""
        request = UsqlRequest(
            script=_script(self.script, self.parameters),
            name=self.name or self._default_name(),
            degree_of_parallelism=_number("degree_of_parallelism", self.degree_of_parallelism),
            priority=_number("priority", self.priority),
            runtime_version=self.runtime_version or None,
            compile_mode=self.compile_mode or None,
            related=self._relation(),
        )
        request.check()
        return request

    def _default_name(self) -> str:
        return _name_of(self)

    def _relation(self) -> Relation | None:
        given = {
            "pipeline_id": self.pipeline_id,
            "pipeline_name": self.pipeline_name,
            "pipeline_uri": self.pipeline_uri,
            "run_id": self.run_id,
            "recurrence_id": self.recurrence_id,
            "recurrence_name": self.recurrence_name,
        }
        wanted = {name: value for name, value in given.items() if value}
        if self.relate and self.has_dag():
            wanted = {**self._own_relation(), **wanted}
        if not wanted:
            return None
        if "recurrence_id" not in wanted:
            raise ConfigurationError(
                f"recurrence_id is missing: the service wants it with {', '.join(sorted(wanted))}"
            )
        return Relation(**wanted)

    def _own_relation(self) -> dict[str, str]:
        # The same GUIDs for the same names in every deployment: what counts is that they stay.
        dag_id, task_id = self.dag_id, self.task_id
        own = {
            "pipeline_id": _guid("dag", dag_id),
            "pipeline_name": dag_id[:260],
            "recurrence_id": _guid("task", dag_id, task_id),
            "recurrence_name": f"{dag_id}.{task_id}"[:260],
        }
        if self._airflow_run_id:
            own["run_id"] = _guid("run", dag_id, self._airflow_run_id)
        return own


class DataLakeAnalyticsBuildOperator(BaseOperator):
    """
    Compile a U-SQL script without running it, and fail where it does not compile.

    :param script: the script; the text or a ``.usql`` file (templated)
    :param name: the build's name; the DAG's and the task's when None (templated)
    :param parameters: values by name, declared in front of the script, see
        :class:`DataLakeAnalyticsJobOperator` (templated)
    :param runtime_version: the engine's version; the service's default when None
    :param compile_mode: ``Semantic``, ``Full`` or ``SingleBox``; the service's default when None
    :param adla_conn_id: the connection (templated)
    :param account: takes precedence over the connection's account (templated)
    """

    template_fields: Sequence[str] = ("script", "name", "parameters", "adla_conn_id", "account")
    template_ext: Sequence[str] = (".usql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"script": "sql", "parameters": "json"}
    ui_color = "#d6ebff"

    def __init__(
        self,
        *,
        script: str,
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
        runtime_version: str | None = None,
        compile_mode: str | None = None,
        adla_conn_id: str = "adla_default",
        account: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.script = script
        self.name = name
        self.parameters = parameters
        self.runtime_version = runtime_version
        self.compile_mode = compile_mode
        self.adla_conn_id = adla_conn_id
        self.account = account

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """
        Compile the script.

        :return: the compiler's remarks that are no errors: severity, message, and the place in the script
        """
        try:
            definition = JobDefinition(
                script=_script(self.script, self.parameters),
                name=self.name or _name_of(self),
                runtime_version=self.runtime_version or None,
                compile_mode=self.compile_mode or None,
            )
            return self._build(definition)
        except DataLakeError as error:
            if not isinstance(error, JobError):
                error.name_connection(self.adla_conn_id)
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error

    def _build(self, definition: JobDefinition) -> list[dict[str, Any]]:
        job = _hook(self.adla_conn_id, self.account).get_job_client().build(definition)
        source = Source(definition.script)
        diagnostics = job.details.diagnostics if job.details else ()
        errors = [item for item in diagnostics if item.is_error]
        if errors or job.result == "Failed":
            told = "; ".join(describe_diagnostic(item, source) for item in errors)
            raise JobFailedError(
                f"The script does not compile: {told or 'the service gives no reason'}",
                code=errors[0].code if errors else "",
                retryable=False,
            )
        remarks = []
        for item in diagnostics:
            self.log.warning("%s: %s", item.severity, describe_diagnostic(item, source))
            remarks.append(
                {
                    "severity": item.severity,
                    "message": item.message,
                    "place": source.place(item.line, item.column, item.start),
                }
            )
        self.log.info("The script compiles")
        return remarks


def _hook(conn_id: str, account: str | None) -> DataLakeAnalyticsHook:
    from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

    return DataLakeAnalyticsHook(adla_conn_id=conn_id, account=account or None)


def _script(script: str, parameters: Mapping[str, Any] | None) -> str:
    if not isinstance(script, str) or not script.strip():
        raise ConfigurationError(f"script must be the text of a U-SQL script, got {script!r}")
    return declare(script, parameters)


def _name_of(operator: BaseOperator) -> str:
    name = f"{operator.dag_id}.{operator.task_id}" if operator.has_dag() else operator.task_id
    return name[:260]


def _number(name: str, given: int | str | None) -> int | None:
    """Take a number that a template may have turned into text."""
    if given is None or (isinstance(given, str) and given.strip() in ("", "None")):
        return None
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        raise ConfigurationError(f"{name} must be an integer, got {given!r}")
    try:
        return int(given)
    except ValueError:
        raise ConfigurationError(f"{name} must be an integer, got {given!r}") from None


def _guid(*names: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\n".join(names)))
