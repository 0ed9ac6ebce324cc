"""The page on which a person approves a sign-in on another device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.identity.errors import TokenError
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.identity.service import IdentityService


def show(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    """
    Show the form.

    :param service: has the sign-ins that wait
    :param request: the request
    :param form: nothing
    :return: the page
    """
    return page("device_login.html", problem="", code=request.query_params.get("code", ""), user="")


def decide(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    """
    Take the form.

    :param service: has the sign-ins that wait
    :param request: the request
    :param form: ``code``, ``user``, ``password``, and ``decline`` to decline
    :return: the page that says what has become of it
    """
    code, user = form.get("code", ""), form.get("user", "")
    try:
        person = service.directory.with_password(user, form.get("password", ""))
    except TokenError as error:
        return page("device_login.html", 403, problem=error.message, code=code, user=user)
    declined = "decline" in form
    if not service.device_codes.decide(code, None if declined else person):
        problem = f"There is no sign-in with the code {code!r}, or its time is over."
        return page("device_login.html", 400, problem=problem, code=code, user=user)
    title = "Declined" if declined else "Signed in"
    return page("message.html", title=title, message="You can close this page now.")
