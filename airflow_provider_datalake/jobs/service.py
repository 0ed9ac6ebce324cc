"""What the life cycle needs from a service that runs remote jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from airflow_provider_datalake.exceptions import DataLakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from airflow_provider_datalake.jobs.status import JobStatus, Stage

JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"


class ListingNotAllowed(DataLakeError):
    """The account may look at single jobs but not list them."""

    retryable = False


class JobRequest(Protocol):
    """A rendered request for one job."""

    def to_json(self) -> Mapping[str, Any]:
        """
        Give all that decides what the job does.

        :return: plain JSON, one entry per field, no credentials
        """
        ...


class JobService(Protocol):
    """
    One service, one connection, one project or account: blocking calls, errors of ``exceptions.py`` only.

    ``AuthenticationError`` means that the credentials were refused, ``ServiceError`` that another call may
    work.
    """

    @property
    def scope(self) -> Mapping[str, str]:
        """Where the jobs run (project, account...): with the request, it decides what a job does."""
        ...

    def survey(self, request: Any) -> dict[str, JSON]:
        """
        Measure what a job is about to change, so that its result can say what it did.

        :param request: what is going to run
        :return: small plain JSON, empty when there is nothing to measure
        """
        ...

    def submit(self, request: Any, key: str, on_created: Callable[[str], None]) -> str:
        """
        Start the job, or find the one that was started under the same key.

        Where the service does not de-duplicate by key, the implementation looks for its own earlier job first
        and raises ``ConflictError`` when it cannot tell, rather than start a second one.

        :param request: what to run
        :param key: the submission key
        :param on_created: called with the job's id at the first moment it is known
        :return: the job's id
        """
        ...

    def find(self, key: str, since: float) -> str | None:
        """
        Look up the job that carries a key, without any side effect.

        :param key: the submission key
        :param since: epoch seconds; the job is not older
        :return: its id, None when there is none
        """
        ...

    def matches(self, job_id: str, request: Any, key: str) -> bool:
        """
        Tell whether a job really is the one that was asked for.

        :param job_id: the job
        :param request: what it should run
        :param key: the key that it should carry
        :return: whether both agree
        """
        ...

    def statuses(self, job_ids: Collection[str], since: float) -> dict[str, JobStatus]:
        """
        Look at many jobs with one paged listing.

        :param job_ids: the jobs of interest
        :param since: epoch seconds; none of them is older
        :return: by job id; ids that the listing lacks are absent
        :raises ListingNotAllowed: when only single look-ups are permitted
        """
        ...

    def status(self, job_id: str) -> JobStatus:
        """
        Look at one job in full detail.

        :param job_id: the job
        :return: its status; ``GONE`` when the service does not know it
        """
        ...

    def progress(self, job_id: str) -> tuple[Stage, ...]:
        """
        Look at the stages of a running job.

        :param job_id: the job
        :return: its stages, empty when the service has none to show
        """
        ...

    def cancel(self, job_id: str) -> None:
        """
        Ask the service to stop a job; one that has ended, or is unknown, is fine.

        :param job_id: the job
        """
        ...

    def result(self, job_id: str, request: Any, before: Mapping[str, Any]) -> dict[str, JSON]:
        """
        Describe what a succeeded job did: ids and counts, never data.

        :param job_id: the job
        :param request: what it ran
        :param before: what ``survey`` said before the submit
        :return: small plain JSON, the same however often it is asked for
        """
        ...

    def link(self, job_id: str) -> str | None:
        """
        Make the address of the job's page, for people.

        :param job_id: the job
        :return: the address, None when there is none that may be shown
        """
        ...
