"""The provider's errors: Airflow-free, typed, and each says whether another try can mend it."""

from __future__ import annotations


class DataLakeError(Exception):
    """Base of all errors that this package raises on purpose."""

    retryable = True
    """Whether the same request may succeed on a later try without anybody changing anything."""
    code = ""
    """The service's own error code, where it gave one."""

    def name_connection(self, conn_id: str, doing: str = "") -> None:
        """
        Begin the message with the connection, where it does not yet.

        :param conn_id: the connection's id
        :param doing: what was attempted, e.g. ``load table demo.flights``
        """
        if not str(self).startswith("Connection "):
            parts = [f"Connection {conn_id!r}", doing, str(self)]
            self.args = (": ".join(part for part in parts if part), *self.args[1:])


class ConfigurationError(DataLakeError):
    """What a person configured (connection, argument, spec) cannot work."""

    retryable = False


class AuthenticationError(DataLakeError):
    """The service refused the credentials."""

    retryable = False


class NotFoundError(DataLakeError):
    """The project, table, partition, file or job does not exist."""

    retryable = False


class ConflictError(DataLakeError):
    """Something else with that name or id stands in the way."""

    retryable = False


class TransferError(DataLakeError):
    """A load or an export did not come through whole; nothing of it is visible."""


class ServiceError(DataLakeError):
    """The service answered with an error of its own that may pass."""


class JobError(DataLakeError):
    """
    Base of the errors about one remote job.

    :param message: the service's own words, with its position where it gave one
    :param job_id: the remote job's id, empty when there is none yet
    :param code: the service's error code, empty when it gave none
    """

    def __init__(self, message: str, *, job_id: str = "", code: str = "") -> None:
        super().__init__(message)
        self.job_id = job_id
        self.code = code


class JobFailedError(JobError):
    """
    The remote job ended in failure.

    :param message: the service's own words
    :param job_id: the remote job's id
    :param code: the service's error code
    :param retryable: False when the service says that the request itself is wrong (syntax, permission)
    """

    def __init__(self, message: str, *, job_id: str = "", code: str = "", retryable: bool = True) -> None:
        super().__init__(message, job_id=job_id, code=code)
        self.retryable = retryable


class JobCancelledError(JobError):
    """Somebody stopped the remote job while we waited for it."""


class JobTimeoutError(JobError):
    """The remote job was still active at the deadline and has been cancelled."""
