"""Requests that were sent to the services' real host names, led to where the emulator answers for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.addresses import PUBLIC_ADDRESS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), prefix)
    for pattern, prefix in (
        (r"login\.(microsoftonline\.com|microsoftonline\.us|chinacloudapi\.cn)", "/aad"),
        (r"login\.windows\.net", "/aad"),
        (r"management\.(azure\.com|core\.windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)", "/arm"),
        (r"(?P<account>[a-z0-9]+)\.azuredatalakeanalytics\.net", "/adla/{account}"),
        (r"(?P<account>[a-z0-9]+)\.azuredatalakestore\.net", "/adls/{account}"),
        (r"([a-z0-9-]+\.)?studio(api)?\.azureml\.net", "/studio"),
        (r"service\.([a-z0-9-]+\.)?(maxcompute|odps)\.aliyun(-inc)?\.com", ""),
        (r"dt\.([a-z0-9-]+\.)?(maxcompute|odps)\.aliyun(-inc)?\.com", ""),
    )
)
EXAMPLES = "login.microsoftonline.com, management.azure.com, {account}.azuredatalakestore.net"


def prefix_of(host: str) -> str | None:
    """
    Tell where a host's requests are answered.

    :param host: a host name, without a port
    :return: the prefix of their paths; None for a host of nobody that the emulator stands for
    """
    for pattern, prefix in _RULES:
        if match := pattern.fullmatch(host.lower()):
            return prefix.format(**match.groupdict())
    return None


class RealHosts:
    """
    Puts the prefix of the service before the path of requests that name a real host.

    :param app: the application, which knows the services by their prefixes
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = next((value for name, value in scope["headers"] if name == b"host"), b"").decode(
                "latin-1"
            )
            host = named.partition(":")[0]
            prefix = prefix_of(host)
            if prefix is not None:
                state = {**scope.get("state", {}), PUBLIC_ADDRESS: f"https://{named.removesuffix(':443')}"}
                raw = scope.get("raw_path")
                scope = {
                    **scope,
                    "state": state,
                    # Real hosts are reached through the TLS proxy only.
                    "scheme": "https",
                    "path": prefix + scope["path"],
                    "raw_path": None if raw is None else prefix.encode() + raw,
                }
        await self._app(scope, receive, send)
