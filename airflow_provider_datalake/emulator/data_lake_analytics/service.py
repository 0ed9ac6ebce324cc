"""The analytics accounts of one emulator: their jobs and their catalogs."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Protocol

from airflow_provider_datalake.emulator.data_lake_analytics import catalog as catalogs
from airflow_provider_datalake.emulator.data_lake_analytics.catalog import AccountCatalog
from airflow_provider_datalake.emulator.data_lake_analytics.execution import JobRunner
from airflow_provider_datalake.emulator.data_lake_analytics.records import Audits
from airflow_provider_datalake.emulator.identity.principals import Principal
from airflow_provider_datalake.emulator.jobs import JobQueue

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
    from airflow_provider_datalake.emulator.data_lake_store.usql_files import StoreFiles
    from airflow_provider_datalake.emulator.identity.service import IdentityService
    from airflow_provider_datalake.emulator.jobs import Job

log = logging.getLogger(__name__)

KIND = "usql"


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
        self.segments = root / "segments"
        for folder in (self.scratch, self.segments):
            folder.mkdir(parents=True, exist_ok=True)
        # Catalog and files change in one transaction: they share a database.
        self.database = stores.database
        self.database.ensure_schema(catalogs.SCHEMA)
        self.audits = Audits(self.database)
        self.jobs = JobQueue(root, workers=config.workers, is_committed=stores.is_committed)

    def start(self) -> None:
        """Settle earlier jobs and begin to run new ones."""
        shutil.rmtree(self.scratch)
        self.scratch.mkdir()
        self._sweep()
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

    def _sweep(self) -> None:
        with self.database.read() as connection:
            listed = catalogs.listed_segments(connection)
        for path in self.segments.iterdir():
            if path.name not in listed:
                path.unlink()

    def catalog(self, account: str) -> AccountCatalog:
        """
        Open an account's catalog.

        :param account: the account
        :return: the catalog as it is at every call
        """
        return AccountCatalog(self.database, account, self.segments)

    def files(self, account: str, principal: Principal) -> StoreFiles:
        """
        Open the stores that an account's scripts may name.

        :param account: the account
        :param principal: whose rights apply
        :return: the stores, to be closed when the script has ended
        """
        from airflow_provider_datalake.emulator.data_lake_store.usql_files import StoreFiles

        return StoreFiles(self.stores, self.accounts.default_store(account) or account, principal)

    def place(self, account: str, uri: str) -> tuple[str, str]:
        """
        Tell where an output belongs.

        :param account: the account
        :param uri: the resolved URI
        :return: the store, and the path in it
        """
        from airflow_provider_datalake.emulator.data_lake_store.usql_files import split_uri

        return split_uri(uri)

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
