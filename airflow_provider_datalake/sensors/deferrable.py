"""The wait of a sensor, here or in the triggerer; every sensor of the package is a subclass."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, conf
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_provider_datalake.exceptions import DataLakeError, JobError, ServiceError
from airflow_provider_datalake.triggers.polling import FAILED, MET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger


class DeferrableSensor(BaseSensorOperator):
    """
    Wait for something in a remote service.

    Deferred or not, ``timeout`` counts from the first look, ``execution_timeout`` from the task's start, and
    ``soft_fail`` and ``mode`` mean what they mean in every sensor. What waiting cannot mend (a wrong key, an
    unknown project, a malformed path) fails at once.

    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @property
    @abstractmethod
    def connection_id(self) -> str:
        """The connection's id, for messages."""

    @abstractmethod
    def is_met(self) -> bool:
        """
        Look once.

        :return: whether the wait is over
        :raises DataLakeError: when it cannot be seen, or will never be
        """

    @abstractmethod
    def trigger(self) -> BaseTrigger:
        """
        Make the trigger that goes on looking.

        :return: the trigger
        """

    def poke(self, context: Context) -> bool:
        """Look once."""
        try:
            return self.is_met()
        except DataLakeError as error:
            if not isinstance(error, JobError):
                error.name_connection(self.connection_id)
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error

    def execute(self, context: Context) -> Any:
        """Look once, then wait in the triggerer; or wait here."""
        if not self.deferrable:
            return super().execute(context)
        return self._look_and_defer(context, time.time() + self.timeout)

    def execute_complete(
        self, context: Context, event: Mapping[str, Any] | None = None, deadline: float | None = None
    ) -> None:
        """
        Go on after the deferral; an event that says nothing certain makes us look again.

        :param event: what the trigger fired
        :param deadline: epoch seconds at which the sensor times out
        """
        outcome = event.get("outcome") if event else None
        if event and outcome == FAILED:
            message = str(event.get("message"))
            raise ServiceError(message) if event.get("retryable") else AirflowFailException(message)
        if outcome == MET:
            self.log.info("Success criteria met. Exiting.")
            return
        self._look_and_defer(context, time.time() + self.timeout if deadline is None else deadline)

    def _look_and_defer(self, context: Context, deadline: float) -> None:
        if self._poke_as_sensor(context):
            self.log.info("Success criteria met. Exiting.")
            return
        left = deadline - time.time()
        if left <= 0:
            message = f"Sensor has timed out; it exceeds the specified timeout of {self.timeout}."
            if self.soft_fail:
                raise AirflowSkipException(message)
            raise AirflowSensorTimeout(message)
        self._check_execution_timeout(context)
        self.defer(
            trigger=self.trigger(),
            method_name="execute_complete",
            kwargs={"deadline": deadline},
            timeout=timedelta(seconds=min(left, self._execution_time_left(context))),
        )

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Tell which of the two timeouts has ended the deferral."""
        if next_method != self.execute_complete.__name__:
            self._check_execution_timeout(context)
        return super().resume_execution(next_method, next_kwargs, context)

    def _execution_time_left(self, context: Context) -> float:
        # Airflow applies it to each process of a task by itself, not to the time between them.
        if self.execution_timeout is None:
            return math.inf
        started = context["ti"].start_date.timestamp()
        return started + self.execution_timeout.total_seconds() - time.time()

    def _check_execution_timeout(self, context: Context) -> None:
        if self._execution_time_left(context) <= 0:
            raise AirflowTaskTimeout(
                f"Sensor did not end within the task's execution timeout of {self.execution_timeout}"
            )

    def _poke_as_sensor(self, context: Context) -> bool:
        # BaseSensorOperator treats the errors of a poke inside its own loop, which deferring does not enter.
        try:
            return self.poke(context)
        except AirflowSkipException:
            raise
        except AirflowFailException as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException("Skipping due to soft_fail or never_fail") from error
            raise
        except Exception as error:
            if self.silent_fail:
                self.log.exception("Sensor poke failed")
                return False
            if self.never_fail:
                raise AirflowSkipException("Skipping due to never_fail") from error
            raise
