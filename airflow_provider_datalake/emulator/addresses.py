"""The address that a client used, which links and operation URLs in answers must repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

PUBLIC_ADDRESS = "public_address"
"""Key in a request's state: scheme and host of a real host name that the request was sent to."""


def service_address(request: Request) -> str:
    """
    Give the base URL of the service that answers a request, as its client knows it.

    :param request: the request, inside of the service's mounted application
    :return: e.g. ``http://127.0.0.1:8765/arm``, or ``https://management.azure.com`` behind the TLS proxy
    """
    public = request.scope.get("state", {}).get(PUBLIC_ADDRESS)
    if public:
        return str(public)
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
