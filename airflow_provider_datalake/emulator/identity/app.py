"""The web application of the token endpoint."""

from __future__ import annotations

import functools
import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Route

from airflow_provider_datalake.emulator.addresses import service_address
from airflow_provider_datalake.emulator.azure.calls import AnyCase
from airflow_provider_datalake.emulator.config import is_loopback
from airflow_provider_datalake.emulator.identity import sign_in
from airflow_provider_datalake.emulator.identity.device_codes import INTERVAL_SECONDS, LIFETIME_SECONDS
from airflow_provider_datalake.emulator.identity.errors import TokenError, invalid_request
from airflow_provider_datalake.emulator.identity.grants import TokenRequest, token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from airflow_provider_datalake.emulator.identity.service import IdentityService

    Handler = Callable[["IdentityService", "Request", dict[str, str]], "Response"]

_MAX_FORM = 64 * 1024
_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def create_app(service: IdentityService) -> ASGIApp:
    """
    Build the application.

    :param service: what its routes work on
    :return: the application, to be mounted
    """
    handlers: list[tuple[str, str, Handler]] = [
        ("POST", "/{tenant}/oauth2/token", _token_v1),
        ("POST", "/{tenant}/oauth2/v2.0/token", _token_v2),
        ("POST", "/{tenant}/oauth2/devicecode", _device_code),
        ("POST", "/{tenant}/oauth2/v2.0/devicecode", _device_code),
        ("GET", "/{tenant}/.well-known/openid-configuration", _configuration),
        ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", _configuration),
        ("GET", "/{tenant}/discovery/keys", _keys),
        ("GET", "/{tenant}/discovery/v2.0/keys", _keys),
        ("GET", "/{tenant}/discovery/instance", _instances),
        ("GET", "/{tenant}/userrealm/{user}", _user_realm),
        ("GET", "/metadata/identity/oauth2/token", _managed_identity),
        ("GET", "/devicelogin", sign_in.show),
        ("POST", "/devicelogin", sign_in.decide),
    ]
    routes = [
        Route(path, _endpoint(service, handler), methods=[method]) for method, path, handler in handlers
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={TokenError: _refused, HTTPException: _http_error, ClientDisconnect: _client_left},
    )
    return AnyCase(app, [path for _, path, _ in handlers])


def _endpoint(service: IdentityService, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_FORM:
                raise invalid_request(9002313, "Invalid request. Request is malformed or invalid.")
        try:
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        except ValueError as error:
            raise invalid_request(9002313, "Invalid request. Request is malformed or invalid.") from error
        return await run_in_threadpool(handler, service, request, form)

    return answer


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, TokenError):
        raise error
    content = error.to_json(request.headers.get("client-request-id"))
    return JSONResponse(content, error.status, headers=_NO_STORE)


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    message = f"The emulator does not support {request.method} {request.scope['path']}."
    return JSONResponse(TokenError(9002313, "invalid_request", message).to_json(), status)


def _client_left(request: Request, error: Exception) -> Response:
    # Nobody reads this answer.
    return JSONResponse({}, 400)


def _token_v1(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    return _token(service, request, form, 1)


def _token_v2(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    return _token(service, request, form, 2)


def _token(service: IdentityService, request: Request, form: dict[str, str], version: int) -> Response:
    tenant = str(request.path_params["tenant"])
    found = token(service, TokenRequest(tenant, version, service_address(request), form))
    return JSONResponse(found, headers=_NO_STORE)


def _device_code(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    service.directory.check_tenant(str(request.path_params["tenant"]))
    # Clients of the first version send it in the address.
    client_id = form.get("client_id") or request.query_params.get("client_id", "")
    if not client_id:
        raise invalid_request(900144, "The request body must contain the following parameter: 'client_id'.")
    service.directory.check_client(client_id)
    asked = {**request.query_params, **form}
    wanted = {name: asked[name] for name in ("scope", "resource") if asked.get(name)}
    code = service.device_codes.issue(client_id, wanted)
    page = f"{service_address(request)}/devicelogin"
    return JSONResponse(
        {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": page,
            "verification_url": page,
            "expires_in": LIFETIME_SECONDS,
            "interval": INTERVAL_SECONDS,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code "
            f"{code.user_code} to authenticate.",
        },
        headers=_NO_STORE,
    )


def _configuration(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    tenant = str(request.path_params["tenant"])
    service.directory.check_tenant(tenant)
    base = f"{service_address(request)}/{tenant}"
    version = "v2.0/" if "/v2.0/" in request.scope["path"].lower() else ""
    issuer = f"{service_address(request)}/{service.directory.tenant_id}/v2.0"
    return JSONResponse(
        {
            "token_endpoint": f"{base}/oauth2/{version}token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": f"{base}/discovery/{version}keys",
            "response_types_supported": ["token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer,
            # There is no page for signing in with a browser; what reads this wants an address.
            "authorization_endpoint": f"{base}/oauth2/{version}authorize",
            "device_authorization_endpoint": f"{base}/oauth2/{version}devicecode",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "oid", "tid", "preferred_username"],
            "tenant_region_scope": None,
        }
    )


def _keys(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    return JSONResponse({"keys": [service.key.public_jwk()]})


def _instances(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    host = request.headers.get("host", "")
    tenant = str(request.path_params["tenant"])
    return JSONResponse(
        {
            "tenant_discovery_endpoint": f"{service_address(request)}/{tenant}"
            "/v2.0/.well-known/openid-configuration",
            "api-version": request.query_params.get("api-version", "1.1"),
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )


def _user_realm(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    user = str(request.path_params["user"])
    # Everybody is managed here: nobody's password is another directory's business.
    return JSONResponse(
        {
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": user.rpartition("@")[2],
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }
    )


def _managed_identity(service: IdentityService, request: Request, form: dict[str, str]) -> Response:
    def refused(status: int, error: str, description: str) -> Response:
        return JSONResponse({"error": error, "error_description": description}, status)

    if request.headers.get("Metadata", "").lower() != "true":
        return refused(400, "bad_request", "Required metadata header not specified")
    if "x-forwarded-for" in request.headers or not _is_local(request):
        return refused(403, "forbidden", "The managed identity is for this machine only")
    wanted = request.query_params.get("client_id") or request.query_params.get("object_id")
    if wanted and wanted.lower() not in (service.owner.name.lower(), service.owner.object_id):
        return refused(400, "invalid_request", "Identity not found")
    resource = request.query_params.get("resource", "")
    if not resource:
        return refused(400, "invalid_request", "Required query variable 'resource' is missing")
    form = {
        "grant_type": "client_credentials",
        "client_id": service.owner.name,
        "client_secret": service.config.secret,
        "resource": resource,
    }
    found: dict[str, Any] = token(service, TokenRequest(service.tenant, 1, service_address(request), form))
    return JSONResponse({**found, "client_id": service.owner.object_id}, headers=_NO_STORE)


def _is_local(request: Request) -> bool:
    client = request.client
    if client is None or not ipaddress.ip_address(client.host).is_loopback:
        return False
    # Another name in the address is how a foreign site would make a browser ask for the token.
    return is_loopback(request.url.hostname or "")
