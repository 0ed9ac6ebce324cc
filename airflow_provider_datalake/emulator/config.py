"""What an emulator is told when it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.emulator.faults import FaultRule

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
DEFAULT_TLS_PROXY_PORT = 8766
DEFAULT_PROJECT = "demo"
DEFAULT_ACCESS_ID = "emulator"
DEFAULT_BEARER_TOKEN = "emulator-token"
DEFAULT_SECRET = "emulator-secret"
DEFAULT_ACCOUNT = "emulator"
DEFAULT_TENANT = "emulator"
DEFAULT_STUDIO_WORKSPACE = "emulator"
DEFAULT_STUDIO_TOKEN = "emulator-token"
DEFAULT_STUDIO_SECOND_TOKEN = "emulator-second-token"
DEFAULT_SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
DEFAULT_RESOURCE_GROUP = "emulator"


@dataclass(frozen=True)
class Config:
    """
    The settings of one emulator.

    :param data_dir: directory that holds everything the emulator keeps; created when missing
    :param host: address to listen on
    :param port: port to listen on, 0 for a free one
    :param projects: MaxCompute projects that must exist; created when missing
    :param access_id: the access id that requests are signed with
    :param secret: the secret that goes with it
    :param bearer_token: token that stands for the account without a signature
    :param account: the Data Lake Analytics account that must exist, and its Data Lake Store account
    :param studio_workspace: the ML Studio workspace that must exist
    :param studio_token: its primary authorization token
    :param studio_second_token: its secondary authorization token
    :param tenant: the directory's id
    :param users: further principals with their passwords, who own nothing
    :param groups: groups with the names of those who belong to them
    :param client_certificates: PEM files of those who may sign in as the owner's application
    :param token_seconds: how long tokens of the directory are good for
    :param repeated_jobs_conflict: whether a U-SQL job that is submitted again under its id is answered with
        409, not with the job; what the service did is not known, and nothing runs twice either way
    :param page_token: what the pages for people ask for, None when they are open
    :param tls_proxy_port: port of the TLS proxy, 0 for a free one, None for no proxy
    :param faults: which requests fail on purpose
    :param fault_seed: makes the same requests fail again
    :param workers: how many jobs run at the same time
    :param result_days: how many days the result files of finished jobs are kept
    """

    data_dir: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    projects: tuple[str, ...] = (DEFAULT_PROJECT,)
    access_id: str = DEFAULT_ACCESS_ID
    secret: str = field(default=DEFAULT_SECRET, repr=False)
    bearer_token: str = field(default=DEFAULT_BEARER_TOKEN, repr=False)
    account: str = DEFAULT_ACCOUNT
    studio_workspace: str = DEFAULT_STUDIO_WORKSPACE
    studio_token: str = field(default=DEFAULT_STUDIO_TOKEN, repr=False)
    studio_second_token: str = field(default=DEFAULT_STUDIO_SECOND_TOKEN, repr=False)
    tenant: str = DEFAULT_TENANT
    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    client_certificates: tuple[Path, ...] = ()
    token_seconds: int = 3600
    repeated_jobs_conflict: bool = False
    page_token: str | None = field(default=None, repr=False)
    tls_proxy_port: int | None = None
    faults: tuple[FaultRule, ...] = ()
    fault_seed: int | None = None
    workers: int = 4
    result_days: float = 7.0

    @property
    def tls_dir(self) -> Path:
        """Where the TLS proxy's certificate authority is kept."""
        return self.data_dir / "tls"


def is_loopback(host: str) -> bool:
    """
    Tell whether only this machine can reach an address.

    :param host: an IP address or a host name
    :return: False for names other than ``localhost``, which may resolve to anything
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
