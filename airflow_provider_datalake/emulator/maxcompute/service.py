"""The MaxCompute side of the emulator: its storage, jobs, accounts and projects in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.jobs import JobQueue
from airflow_provider_datalake.emulator.maxcompute.auth import Account, Authenticator
from airflow_provider_datalake.emulator.maxcompute.projects import Projects
from airflow_provider_datalake.emulator.maxcompute.tasks import TaskRunner
from airflow_provider_datalake.emulator.sessions import Sessions
from airflow_provider_datalake.emulator.storage import Storage

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_datalake.emulator.config import Config

_DAY = 24 * 3600.0
_SESSION_DAYS = 1


class MaxComputeService:
    """
    Everything that the routes work on.

    :param config: the emulator's settings; its projects are created unless they exist
    :raises InvalidDefinition: when a project cannot have such a name
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.storage = Storage(config.data_dir)
        self.sessions = Sessions(self.storage)
        self.jobs = JobQueue(
            config.data_dir, workers=config.workers, is_committed=self.storage.catalog.is_job_committed
        )
        self.auth = Authenticator(config.access_id, config.secret, config.bearer_token)
        self.projects = Projects(self.storage.catalog)
        self._tasks = TaskRunner(self.storage)
        for name in config.projects:
            self.projects.ensure(name, owner=self.auth.account.name)

    def start(self) -> None:
        """Settle earlier jobs and begin to run new ones."""
        for kind, runner in self._tasks.runners().items():
            self.jobs.register(kind, runner)
        self.jobs.start()

    def stop(self) -> None:
        """Interrupt the jobs."""
        self.jobs.stop()

    def close(self) -> None:
        """Release the files; no request may be under way any more."""
        self.jobs.close()
        self.storage.close()

    def expire(self, now: float) -> None:
        """
        Remove the result files and the tunnel sessions whose time is over.

        :param now: seconds since the epoch
        """
        self.jobs.expire_results(now - self.config.result_days * _DAY)
        self.sessions.expire(now - _SESSION_DAYS * _DAY)

    def authenticate(self, request: Request) -> Account:
        """
        Find out who sends a request.

        :param request: any REST or tunnel request
        :return: the account
        :raises OdpsError: with the service's own code when the credentials do not do
        """
        return self.auth.authenticate(request)
