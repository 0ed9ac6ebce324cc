"""Who may see the pages: everybody on this machine, on other machines those who have the token."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from starlette.responses import RedirectResponse

from airflow_provider_datalake.emulator.config import is_loopback
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_COOKIE = "datalake_emulator_pages"
_MAX_FORM = 10_000


class PageAccess:
    """
    Lets people in.

    :param token: what the pages ask for; None when they are open
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    def allows(self, request: Request) -> bool:
        """
        Tell whether a request may see the pages.

        :param request: the request
        :return: True when the pages are open and asked for by a name of this machine, or the request's
            cookie came from :meth:`enter`
        """
        if self._token is None:
            # Another name in the address is how a foreign site would make a browser read from this machine.
            return is_loopback(request.url.hostname or "")
        return hmac.compare_digest(request.cookies.get(_COOKIE, "").encode(), self._cookie().encode())

    def ask(self, request: Request) -> Response:
        """
        Send somebody to the page that asks for the token.

        :param request: the request that was not allowed
        :return: a redirection that comes back afterwards; without a token, the reason
        """
        if self._token is None:
            message = (
                f"Without a page token these pages are for 127.0.0.1 and localhost only, not for "
                f"{request.url.hostname}. Start the emulator with --page-token to use another name."
            )
            return page("message.html", 403, title="No access", message=message)
        query = request.scope["query_string"].decode("latin-1")
        target = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)

    async def login(self, request: Request) -> Response:
        """
        Show the form that asks for the token.

        :param request: the request
        :return: the page
        """
        return page("login.html", next=_local(request.query_params.get("next", "/")), wrong=False)

    async def enter(self, request: Request) -> Response:
        """
        Take the form.

        :param request: the request with the token
        :return: a redirection to where the person wanted to go, or the form again
        """
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_FORM:
                return page("message.html", 413, title="Too large", message="This is not the form's content.")
        form = parse_qs(body.decode("latin-1"))
        target = _local(form.get("next", ["/"])[0])
        given = form.get("token", [""])[0]
        if self._token is not None and not hmac.compare_digest(given.encode(), self._token.encode()):
            return page("login.html", 403, next=target, wrong=True)
        response = RedirectResponse(target, 303)
        response.set_cookie(_COOKIE, self._cookie(), httponly=True, samesite="strict")
        return response

    def _cookie(self) -> str:
        return hmac.new((self._token or "").encode(), b"pages", hashlib.sha256).hexdigest()


def _local(target: str) -> str:
    # Anything but a plain path would send the person to another site.
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"
