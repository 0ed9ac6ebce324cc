"""The base of the operators that change something in the resource manager, also where that takes minutes."""

from __future__ import annotations

import time
from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, conf

from airflow_provider_datalake.clients.resource_manager_operations import (
    Operation,
    OperationState,
    failure,
    look,
)
from airflow_provider_datalake.exceptions import ConfigurationError, ServiceError
from airflow_provider_datalake.jobs.interrupt import Interrupt
from airflow_provider_datalake.operators.failures import failures_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context

    from airflow_provider_datalake.clients.resource_manager import ResourceManager
    from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

PATIENCE = 300.0
"""Seconds for which the resource manager may be out of reach before the try fails."""


class ResourceManagerOperator(BaseOperator):
    """
    Change something in the resource manager; the base of the operators below.

    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("adla_conn_id",)
    ui_color = "#e6f0e0"

    def __init__(self, *, adla_conn_id: str = "adla_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.adla_conn_id = adla_conn_id

    @property
    def hook(self) -> DataLakeAnalyticsHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

        return DataLakeAnalyticsHook(adla_conn_id=self.adla_conn_id)

    def _failures(self) -> AbstractContextManager[None]:
        return failures_of(self.adla_conn_id)


class AccountOperator(ResourceManagerOperator):
    """
    Begin an operation that takes minutes, and wait for its end; the base of the operators below.

    A try that follows a dead worker takes up what the dead one has begun. The resource manager cannot call an
    operation back: killing the task ends the wait, not the operation.

    :param resource_group: the account's group; the connection's when None (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    :param defer_after: seconds to wait in the worker before deferring
    :param poll_interval: seconds between two looks, where the service does not ask for others
    :param adla_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = ("resource_group", *ResourceManagerOperator.template_fields)

    def __init__(
        self,
        *,
        resource_group: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        defer_after: float = 10.0,
        poll_interval: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not poll_interval > 0:
            raise ConfigurationError(f"poll_interval must be more than 0 seconds, got {poll_interval!r}")
        self.resource_group = resource_group
        self.deferrable = deferrable
        self.defer_after = defer_after
        self.poll_interval = poll_interval
        self._interrupt = Interrupt()

    @property
    @abstractmethod
    def doing(self) -> str:
        """What is attempted, for messages."""

    @abstractmethod
    def begin(self, manager: ResourceManager) -> Operation | None:
        """
        Begin the operation, or take up one that is under way.

        :param manager: the resource manager
        :return: what is under way, None when there is nothing to wait for
        """

    @abstractmethod
    def finish(self, manager: ResourceManager) -> dict[str, Any]:
        """
        Say what has come of it.

        :param manager: the resource manager
        :return: small plain JSON
        """

    def execute(self, context: Context) -> dict[str, Any]:
        """Begin the operation, and wait for its end."""
        with self._failures():
            manager = self.hook.get_resource_manager()
            operation = self.begin(manager)
            if operation is None:
                self.log.info("%s: there is nothing to wait for", self.doing)
                return self.finish(manager)
            return self._wait(context, manager, operation)

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any] | None = None,
        operation: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Go on after the deferral. The event is only a hint: we look ourselves how it came out.

        :param event: what the trigger fired
        :param operation: what is under way
        """
        with self._failures():
            if event and event.get("message"):
                self.log.warning("The triggerer lost sight of it: %s", event["message"])
            if not operation:
                raise ConfigurationError(f"The deferral does not name its operation: {event!r}")
            return self._wait(context, self.hook.get_resource_manager(), Operation.from_json(operation))

    def on_kill(self) -> None:
        """End the wait; the operation itself goes on."""
        self._interrupt.set()
        self.log.info("The task was killed; the operation goes on in the service (%s)", self.doing)

    def _wait(self, context: Context, manager: ResourceManager, operation: Operation) -> dict[str, Any]:
        began = seen = time.monotonic()
        shown = ""
        while True:
            pause = self.poll_interval
            try:
                status = look(manager.accounts_rest, operation, self.doing)
            except ServiceError as error:
                if time.monotonic() - seen > PATIENCE:
                    raise
                self.log.warning("Cannot look at the moment: %s", error)
            else:
                seen = time.monotonic()
                pause = self.poll_interval if status.pause is None else status.pause
                if status.detail != shown:
                    self.log.info("%s: %s", self.doing, status.detail or status.state)
                    shown = status.detail
                if status.state is OperationState.SUCCEEDED:
                    return self.finish(manager)
                if status.state is OperationState.FAILED:
                    raise failure(status, self.doing)
            if self.deferrable and time.monotonic() - began >= self.defer_after:
                self._defer(context, operation)
            if self._interrupt.wait(pause):
                raise ServiceError(f"{self.doing}: the task was killed; the operation goes on")

    def _defer(self, context: Context, operation: Operation) -> None:
        from airflow_provider_datalake.triggers.data_lake_analytics import ResourceOperationTrigger

        timeout = None
        if self.execution_timeout is not None:
            end = context["ti"].start_date.timestamp() + self.execution_timeout.total_seconds()
            timeout = timedelta(seconds=max(1.0, end - time.time()))
        self.defer(
            trigger=ResourceOperationTrigger(
                conn_id=self.adla_conn_id,
                operation=operation.to_json(),
                doing=self.doing,
                poll_interval=self.poll_interval,
            ),
            method_name="execute_complete",
            kwargs={"operation": operation.to_json()},
            timeout=timeout,
        )
