"""The token endpoint: what clients give, and the tokens that they get for it."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.identity.assertions import ASSERTION_TYPE
from airflow_provider_datalake.emulator.identity.errors import TokenError, invalid_client, invalid_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.identity.service import IdentityService

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_OPEN_ID = ("openid", "profile", "email", "offline_access")
_DEFAULT = "/.default"


@dataclass(frozen=True)
class TokenRequest:
    """
    A request for a token.

    :param tenant: in its path
    :param version: 1 or 2, of the endpoint
    :param address: base URL of the endpoint, as the client knows it
    :param form: what it says
    """

    tenant: str
    version: int
    address: str
    form: Mapping[str, str] = field(repr=False)

    def need(self, name: str) -> str:
        """
        Read a parameter that cannot be missing.

        :param name: its name
        :return: its value
        :raises TokenError: when it is missing
        """
        value = self.form.get(name, "")
        if not value:
            raise invalid_request(900144, f"The request body must contain the following parameter: '{name}'.")
        return value


def token(service: IdentityService, request: TokenRequest) -> dict[str, Any]:
    """
    Answer a request for a token.

    :param service: knows the principals and makes the tokens
    :param request: the request
    :return: the answer's JSON
    :raises TokenError: when there is no token for it
    """
    service.directory.check_tenant(request.tenant)
    grant = request.need("grant_type")
    answer = _GRANTS.get(grant)
    if answer is None:
        raise TokenError(
            70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{grant}'."
        )
    return answer(service, request)


def _client_credentials(service: IdentityService, request: TokenRequest) -> dict[str, Any]:
    principal = _application(service, request)
    if request.version == 2 and not request.need("scope").endswith(_DEFAULT):
        raise TokenError(
            1002012,
            "invalid_scope",
            f"The provided value for scope {request.need('scope')} is not valid. Client credential flows "
            "must have a scope value with /.default suffixed to the resource identifier (application ID).",
        )
    return _answer(service, request, principal, _resource(request))


def _application(service: IdentityService, request: TokenRequest) -> Principal:
    client_id = request.need("client_id")
    assertion = request.form.get("client_assertion")
    if assertion:
        kind = request.form.get("client_assertion_type", "")
        if kind != ASSERTION_TYPE:
            raise invalid_request(900144, f"The client assertion type must be {ASSERTION_TYPE}.")
        base = f"{request.address}/{request.tenant}"
        audiences = [f"{base}/oauth2/token", f"{base}/oauth2/v2.0/token", f"{base}/v2.0", base]
        return service.with_assertion(client_id, assertion, audiences)
    secret = request.form.get("client_secret")
    if not secret:
        service.directory.application(client_id)
        raise invalid_client(
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    return service.directory.with_secret(client_id, secret)


def _password(service: IdentityService, request: TokenRequest) -> dict[str, Any]:
    client_id = request.need("client_id")
    service.directory.check_client(client_id)
    person = service.directory.with_password(request.need("username"), request.need("password"))
    return _answer(service, request, person, _resource(request), refreshable=True)


def _refresh_token(service: IdentityService, request: TokenRequest) -> dict[str, Any]:
    client_id = request.need("client_id")
    service.directory.check_client(client_id)
    person = service.tokens.refreshed(request.need("refresh_token"), client_id)
    return _answer(service, request, person, _resource(request), refreshable=True)


def _device_code(service: IdentityService, request: TokenRequest) -> dict[str, Any]:
    client_id = request.need("client_id")
    service.directory.check_client(client_id)
    code = request.form.get("device_code") or request.need("code")
    person, asked = service.device_codes.redeem(code, client_id)
    # What the token is for was said at the beginning; clients do not say it again.
    request = replace(request, form={**asked, **request.form})
    return _answer(service, request, person, _resource(request), refreshable=True)


_GRANTS: dict[str, Callable[[IdentityService, TokenRequest], dict[str, Any]]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh_token,
    "device_code": _device_code,
    DEVICE_GRANT: _device_code,
}


def _resource(request: TokenRequest) -> str:
    if request.version == 1:
        return request.form.get("resource") or "https://management.core.windows.net/"
    for scope in request.need("scope").split():
        if scope not in _OPEN_ID:
            return _resource_of_scope(scope)
    return "https://graph.microsoft.com/"


def _resource_of_scope(scope: str) -> str:
    if scope.endswith(_DEFAULT):
        return scope.removesuffix(_DEFAULT)
    if "://" in scope and scope.rpartition("/")[0].partition("://")[2]:
        return scope.rpartition("/")[0]
    raise TokenError(
        70011,
        "invalid_scope",
        f"The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.",
    )


def _answer(
    service: IdentityService,
    request: TokenRequest,
    principal: Principal,
    resource: str,
    *,
    refreshable: bool = False,
) -> dict[str, Any]:
    tokens, now = service.tokens, int(time.time())
    client_id = request.need("client_id")
    lifetime: Any = tokens.lifetime
    access_token = tokens.access_token(principal, resource, client_id)
    shown: dict[str, Any] = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime}
    if request.version == 1:
        # Texts, where the second version has numbers.
        shown = {name: str(value) for name, value in shown.items()}
        shown |= {"expires_on": str(now + lifetime), "not_before": str(now), "resource": resource}
    shown["access_token"] = access_token
    if refreshable:
        shown["refresh_token"] = tokens.refresh_token(principal, client_id)
        scopes = request.form.get("scope", "").split()
        shown["scope"] = "user_impersonation" if request.version == 1 else request.form.get("scope", "")
        if request.version == 1 or "openid" in scopes:
            issuer = f"{request.address}/{service.directory.tenant_id}/v2.0"
            shown["id_token"] = tokens.id_token(principal, client_id, issuer)
        if request.form.get("client_info"):
            told = {"uid": principal.object_id, "utid": service.directory.tenant_id}
            shown["client_info"] = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    return shown
