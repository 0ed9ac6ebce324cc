"""
From a connection's fields to a PyODPS client: validated, with timeouts of its own, nothing process-wide.

PyODPS keeps its timeouts in a process-wide ``odps.options``. A REST client of our own gives every request of
one client the connection's timeouts, and the tunnel of ``clients/maxcompute_tunnel.py`` has them too. Only
tunnels that PyODPS opens by itself (``table.open_reader()`` on an object from the client) still use
``odps.options``, for PyODPS offers no other way in.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow_provider_datalake.clients.connection_fields import ConnectionFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odps import ODPS
    from odps.accounts import BaseAccount
    from odps.rest import RestClient

DEFAULT_TIMEZONE = "Asia/Shanghai"
"""The zone of date and time texts in a project that sets no ``odps.sql.timezone``."""

_EXAMPLE = "the endpoint's URL, e.g. https://service.<region>.../api"

_TEXT_FIELDS = (
    "project", "schema", "tunnel_endpoint", "region", "quota", "sts_token", "bearer_token", "timezone",
)  # fmt: skip


@dataclass(frozen=True)
class MaxComputeSettings:
    """
    What a connection says, checked.

    :param conn_id: the connection's id, for messages
    :param endpoint: base URL of the service, e.g. ``https://service.cn-shanghai.maxcompute.aliyun.com/api``
    :param project: the default project
    :param access_id: access key id, empty with a bearer token
    :param secret: access key secret, empty with a bearer token
    :param schema: default schema, empty for projects without schemas
    :param tunnel_endpoint: base URL of the tunnel, empty to let the service route it
    :param region: region for version 4 signatures, empty to take it from the endpoint
    :param quota: computing quota, empty for the project's own
    :param sts_token: token of a temporary access key
    :param bearer_token: token that replaces an access key
    :param timezone: zone of date and time texts, empty for the project's own
    :param connect_timeout: seconds
    :param read_timeout: seconds
    """

    conn_id: str
    endpoint: str
    project: str
    access_id: str = ""
    secret: str = field(default="", repr=False)
    schema: str = ""
    tunnel_endpoint: str = ""
    region: str = ""
    quota: str = ""
    sts_token: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    timezone: str = ""
    connect_timeout: float = 10.0
    read_timeout: float = 120.0

    @property
    def zone(self) -> str:
        """The zone in which date and time values without one are read."""
        return self.timezone or DEFAULT_TIMEZONE

    @property
    def hints(self) -> dict[str, str]:
        """Settings for every statement."""
        return {"odps.sql.timezone": self.timezone} if self.timezone else {}


def read_settings(
    *,
    conn_id: str,
    host: str | None,
    login: str | None,
    password: str | None,
    extra: Mapping[str, Any],
    project: str | None = None,
    schema: str | None = None,
) -> MaxComputeSettings:
    """
    Check a connection's fields.

    :param conn_id: the connection's id, for messages
    :param host: the endpoint
    :param login: access key id
    :param password: access key secret
    :param extra: the other fields, as the connection form stores them
    :param project: takes precedence over the connection's project
    :param schema: takes precedence over the connection's schema
    :return: the settings
    :raises ConfigurationError: when a field is missing or invalid; the message names connection and field
    """
    check = _Fields(conn_id, extra)
    texts = {name: check.text(name) for name in _TEXT_FIELDS}
    texts["project"] = project or texts["project"]
    texts["schema"] = schema or texts["schema"]
    if not texts["project"]:
        check.fail("project", "missing: name the MaxCompute project")
    if texts["tunnel_endpoint"]:
        texts["tunnel_endpoint"] = check.url("tunnel_endpoint", texts["tunnel_endpoint"], _EXAMPLE)
    if texts["timezone"]:
        check.zone("timezone", texts["timezone"])
    access_id, secret = (login or "").strip(), (password or "").strip()
    check.credentials(access_id, secret, texts["sts_token"], texts["bearer_token"])
    return MaxComputeSettings(
        conn_id=conn_id,
        endpoint=check.url("host", (host or "").strip(), _EXAMPLE),
        access_id=access_id,
        secret=secret,
        connect_timeout=check.seconds("connect_timeout", MaxComputeSettings.connect_timeout),
        read_timeout=check.seconds("read_timeout", MaxComputeSettings.read_timeout),
        **texts,
    )


class _Fields(ConnectionFields):
    """The rules for fields that only MaxCompute has."""

    def zone(self, name: str, value: str) -> None:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, LookupError):
            self.fail(name, f"unknown time zone {value!r}; expected a name such as {DEFAULT_TIMEZONE}")

    def credentials(self, access_id: str, secret: str, sts_token: str, bearer_token: str) -> None:
        if bearer_token:
            if access_id or secret or sts_token:
                self.fail("bearer_token", "give either a bearer token or an access key, not both")
            return
        if not access_id:
            self.fail("login", "missing: give the access key id (or a bearer token)")
        if not secret:
            self.fail("password", "missing: give the access key secret")


def build_client(settings: MaxComputeSettings, *, probe: bool = False) -> ODPS:
    """
    Build a PyODPS client that shares no settings with others in the process.

    :param settings: a connection's settings
    :param probe: True for a client that answers quickly: no retries, no look-ups at construction
    :return: the client; building it asks the service for its Logview host unless ``probe``
    """
    from odps import ODPS

    return ODPS(
        account=_account(settings),
        project=settings.project,
        endpoint=settings.endpoint,
        schema=settings.schema or None,
        tunnel_endpoint=settings.tunnel_endpoint or None,
        region_name=settings.region or None,
        quota_name=settings.quota or None,
        logview_host=settings.endpoint if probe else None,
        overwrite_global=False,
        rest_client_cls=rest_client_class(),
        rest_client_kwargs={
            "timeout": (settings.connect_timeout, settings.read_timeout),
            "retry_enabled": not probe,
        },
    )


def _account(settings: MaxComputeSettings) -> BaseAccount:
    from odps.accounts import BearerTokenAccount, CloudAccount, StsAccount

    # PyODPS would refresh both from the environment when they expire, and write the new token to the log.
    class FixedBearerToken(BearerTokenAccount):
        def reload(self, force: bool = False) -> None:
            """Keep the connection's token."""

    class FixedStsToken(StsAccount):
        def reload(self, force: bool = False) -> None:
            """Keep the connection's token."""

    if settings.bearer_token:
        return FixedBearerToken(settings.bearer_token, expired_hours=None)
    if settings.sts_token:
        return FixedStsToken(settings.access_id, settings.secret, settings.sts_token, expired_hours=None)
    return CloudAccount(settings.access_id, settings.secret)


@functools.cache
def rest_client_class() -> type[RestClient]:
    """
    Define PyODPS's REST client with timeouts of its own.

    :return: the class; its constructor takes ``timeout``, a pair of seconds for connecting and reading
    """
    from odps.rest import RestClient

    class TimeoutRestClient(RestClient):
        """A REST client whose requests have its own timeouts where the caller gives none."""

        def __init__(self, *args: Any, timeout: tuple[float, float] | None = None, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.timeout = timeout

        def request(self, url: str, method: str, stream: bool = False, **kwargs: Any) -> Any:
            """Send one request."""
            if kwargs.get("timeout") is None:
                kwargs["timeout"] = self.timeout
            return super().request(url, method, stream=stream, **kwargs)

    return TimeoutRestClient
