"""The analytics accounts of one emulator: their jobs and their catalogs."""

from __future__ import annotations

import concurrent.futures
import logging
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from airflow_provider_datalake.emulator.data_lake_analytics import catalog as catalogs
from airflow_provider_datalake.emulator.data_lake_analytics.catalog import read_catalog
from airflow_provider_datalake.emulator.data_lake_analytics.credentials import Credentials
from airflow_provider_datalake.emulator.data_lake_analytics.execution import JobRunner
from airflow_provider_datalake.emulator.data_lake_analytics.records import Audits
from airflow_provider_datalake.emulator.data_lake_analytics.segment_files import SegmentFiles
from airflow_provider_datalake.emulator.identity.principals import Principal
from airflow_provider_datalake.emulator.jobs import ACTIVE, JobFilter, JobNotActive, JobQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_analytics.snapshot import CatalogSnapshot
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
    from airflow_provider_datalake.emulator.data_lake_store.usql_files import StoreFiles
    from airflow_provider_datalake.emulator.identity.service import IdentityService
    from airflow_provider_datalake.emulator.jobs import Job

log = logging.getLogger(__name__)

KIND = "usql"
_END_SECONDS = 10.0
"""How long the deletion of an account waits for its jobs to notice."""


class Accounts(Protocol):
    """Where analytics accounts are kept: the resource manager."""

    def default_store(self, account: str) -> str | None:
        """
        Tell an analytics account's default store.

        :param account: the analytics account
        :return: the store's name, None when there is no such account
        """
        ...

    def require_role(self, account: str, principal: Principal, action: str) -> None:
        """
        Check that somebody may do something in an account.

        :param account: the analytics account
        :param principal: who
        :param action: ``read``, ``submit`` or ``manage``
        :raises PermissionError: when they may not
        """
        ...

    def when_deleted(self, callback: Callable[[str], None]) -> None:
        """
        Call something when an analytics account is deleted.

        :param callback: called with the account's name
        """
        ...

    def limits(self, account: str, principal: Principal) -> tuple[int, int]:
        """
        Tell what a job of somebody may ask for.

        :param account: the analytics account
        :param principal: who submits it
        :return: the most analytics units, and the least priority number
        """
        ...


class DataLakeAnalyticsService:
    """
    Everything that the job and catalog routes work on.

    :param config: the emulator's settings
    :param identity: tells who sends a request
    :param stores: where scripts read and write files
    :param accounts: knows the analytics accounts
    """

    def __init__(
        self, config: Config, identity: IdentityService, stores: DataLakeStoreService, accounts: Accounts
    ) -> None:
        self.config = config
        self.identity = identity
        self.stores = stores
        self.accounts = accounts
        root = config.data_dir / "analytics"
        self.scratch = root / "scratch"
        segments = root / "segments"
        for folder in (self.scratch, segments):
            folder.mkdir(parents=True, exist_ok=True)
        # Catalog and files change in one transaction: they share a database.
        self.database = stores.database
        self.database.ensure_schema(catalogs.SCHEMA)
        self.segments = SegmentFiles(segments, self.database)
        self.credentials = Credentials(self.database)
        self.audits = Audits(self.database)
        self.jobs = JobQueue(root, workers=config.workers, is_committed=self._is_committed, system_error="")
        accounts.when_deleted(self.forget)

    def start(self) -> None:
        """Settle earlier jobs and begin to run new ones."""
        shutil.rmtree(self.scratch)
        self.scratch.mkdir()
        self.segments.sweep()
        self.jobs.register(KIND, JobRunner(self))
        self.jobs.start()

    def stop(self) -> None:
        """Interrupt the jobs."""
        self.jobs.stop()

    def close(self) -> None:
        """Release the files; no request may be under way any more."""
        self.jobs.close()

    def expire(self, now: float) -> None:
        """
        Remove what is over; jobs are kept for good.

        :param now: seconds since the epoch
        """

    def _is_committed(self, job_id: str) -> bool:
        job = self.jobs.store.get(job_id)
        return job is not None and self.stores.is_committed(job.request["marker"])

    def forget(self, account: str) -> None:
        """
        Remove the jobs and the catalog of an account that was deleted.

        :param account: the account
        """
        which = JobFilter(scope=account, states=ACTIVE)
        active = [job.id for job in self.jobs.page(which, limit=-1)]
        endings = [self.jobs.ending(job_id) for job_id in active]
        for job_id in active:
            with suppress(JobNotActive):
                self.jobs.cancel(job_id)
        concurrent.futures.wait([ending for ending in endings if ending is not None], _END_SECONDS)
        self.audits.forget(self.jobs.store.remove(account))
        with self.database.transaction() as connection:
            catalogs.forget(connection, account)
        self.segments.sweep()

    @contextmanager
    def catalog(self, account: str) -> Iterator[CatalogSnapshot]:
        """
        Open an account's catalog as it is now; the rows of its tables stay until it is closed.

        :param account: the account
        :return: the catalog
        """
        seen: list[CatalogSnapshot] = []

        def look() -> list[str]:
            seen.append(self.read_catalog(account))
            entries = seen[0].entries.values()
            return [segment.path.name for entry in entries for segment in entry.segments]

        with self.segments.hold(look):
            yield seen[0]

    def read_catalog(self, account: str) -> CatalogSnapshot:
        """
        Look at an account's catalog as it is now; the rows of its tables may go at any time.

        :param account: the account
        :return: the catalog
        """
        with self.database.read() as connection:
            return read_catalog(connection, account, self.segments.root)

    def files(self, account: str, principal: Principal) -> StoreFiles:
        """
        Open the stores that an account's scripts may name.

        :param account: the account
        :param principal: whose rights apply
        :return: the stores, to be closed when the script has ended
        """
        from airflow_provider_datalake.emulator.data_lake_store.usql_files import StoreFiles

        return StoreFiles(self.stores, self.accounts.default_store(account) or account, principal)

    def principal_of(self, job: Job) -> Principal:
        """
        Tell who has submitted a job.

        :param job: the job
        :return: the submitter
        """
        stored = job.request["principal"]
        return Principal(
            stored["object_id"],
            stored["name"],
            stored["kind"],
            frozenset(stored["groups"]),
            stored["is_owner"],
        )
