"""Who sends a request: v2 signatures, bearer tokens and the short-lived tokens of Logview."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlparse

from airflow_provider_datalake.emulator.maxcompute.errors import (
    REST_PREFIX,
    OdpsError,
    is_rest,
    not_supported,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MAX_SKEW = 15 * 60.0
_MAX_TOKEN_HOURS = 24 * 90


@dataclass(frozen=True)
class InstanceScope:
    """
    The only thing that a Logview token may read.

    :param project: project name
    :param instance_id: the instance's id
    """

    project: str
    instance_id: str


@dataclass(frozen=True)
class Account:
    """
    Who sends a request.

    :param name: as it shows in owners, e.g. ``ALIYUN$emulator``
    :param scope: what the account is limited to, None for everything
    """

    name: str
    scope: InstanceScope | None = None


def canonical_string(method: str, target: str, headers: Mapping[str, str]) -> str:
    """
    Build the text that a v2 signature signs, exactly as the client builds it.

    :param method: HTTP method
    :param target: raw path after the endpoint, with the raw query string
    :param headers: the request's headers, by lower-case name
    :return: the canonical string
    """
    # The client unquotes the whole target before it splits it: an escaped "?" or "&" is a separator.
    parts = urlparse(unquote(target), allow_fragments=False)
    params = dict(parse_qsl(parts.query, keep_blank_values=True))
    signed = {name: headers.get(name, "") for name in ("content-type", "content-md5", "date")}
    signed.update({name: value for name, value in headers.items() if name.startswith("x-odps-")})
    signed.update({name: value for name, value in params.items() if name.startswith("x-odps-")})
    lines = [method]
    for name in sorted(signed):
        lines.append(f"{name}:{signed[name]}" if name.startswith("x-odps-") else signed[name])
    query = "&".join(f"{key}={value}" if value else key for key, value in sorted(params.items()))
    lines.append(f"{parts.path}?{query}" if parts.query else parts.path)
    return "\n".join(lines)


def sign(secret: str, canonical: str) -> str:
    """
    Sign a canonical string the v2 way.

    :param secret: the access key's secret
    :param canonical: see :func:`canonical_string`
    :return: Base64 of the HMAC-SHA1
    """
    # SHA-1 is what the service's protocol prescribes.
    digest = hmac.new(secret.encode(), canonical.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class Authenticator:
    """
    Checks the credentials of requests.

    :param access_id: the one access id that exists
    :param secret: its secret
    :param bearer_token: token that stands for the account
    """

    def __init__(self, access_id: str, secret: str, bearer_token: str) -> None:
        self.access_id = access_id
        self._secret = secret
        self._bearer_token = bearer_token
        self._token_key = hmac.new(secret.encode(), b"logview", hashlib.sha256).digest()
        self.account = Account(name=f"ALIYUN${access_id}")

    def authenticate(self, request: Request) -> Account:
        """
        Find out who sends a request, or refuse it as the service does.

        :param request: any REST or tunnel request
        :return: the account
        :raises OdpsError: with the service's own code when the credentials are missing, wrong or expired
        """
        bearer = request.headers.get("x-odps-bearer-token") or request.query_params.get("token")
        if bearer:
            account = self.bearer_account(bearer)
            _check_scope(account, request)
            return account
        if "authorization-sts-token" in request.headers:
            raise not_supported("STS tokens; sign with an access id and its secret")
        self._check_signature(request)
        return self.account

    def bearer_account(self, token: str) -> Account:
        """
        Find out whom a bearer token stands for.

        :param token: the account's own token, or one that :meth:`grant` gave out
        :return: the account
        :raises OdpsError: when the token is unknown or has expired
        """
        if hmac.compare_digest(token.encode(), self._bearer_token.encode()):
            return self.account
        claims = self._claims(token)
        if claims is None:
            raise OdpsError(
                401, "Unauthorized", "ODPS-0410032: Authentication Token - the bearer token is not valid"
            )
        if claims["expires"] < time.time():
            raise OdpsError(
                401,
                "AuthenticationRequestExpired",
                "ODPS-0410033: Authentication Token - the bearer token has expired",
            )
        return Account(self.account.name, InstanceScope(claims["project"], claims["instance"]))

    def grant(self, scope: InstanceScope, hours: float) -> str:
        """
        Give out a token that can read one instance.

        :param scope: the instance
        :param hours: how long the token lives, at most ninety days
        :return: the token
        """
        expires = time.time() + min(hours, _MAX_TOKEN_HOURS) * 3600
        claims = {"project": scope.project, "instance": scope.instance_id, "expires": expires}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"{payload}.{self._token_signature(payload)}"

    def _claims(self, token: str) -> dict | None:
        payload, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._token_signature(payload).encode()):
            return None
        try:
            return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, binascii.Error):
            return None

    def _token_signature(self, payload: str) -> str:
        return hmac.new(self._token_key, payload.encode(), hashlib.sha256).hexdigest()

    def _check_signature(self, request: Request) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        access_id, separator, signature = credentials.strip().rpartition(":")
        # A v4 signature has date and region after the access id. This answer makes PyODPS fall back to v2.
        if scheme != "ODPS" or not separator or "/" in access_id:
            raise OdpsError(
                401,
                "AuthorizationRequired",
                "ODPS-0410031: Authentication Token - the request authorization header is invalid or missing "
                "(the emulator verifies v2 signatures)",
            )
        if access_id != self.access_id:
            raise OdpsError(
                401, "InvalidParameter", "ODPS-0410051: Invalid credentials - accessKeyId not found"
            )
        expected = sign(self._secret, canonical_string(request.method, _target(request), _headers(request)))
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise OdpsError(
                401,
                "SignatureNotMatch",
                "ODPS-0410042: Invalid signature value - User signature does not match",
            )
        _check_date(request.headers.get("date", ""))


def _target(request: Request) -> str:
    raw_path = request.scope["raw_path"].decode("latin-1")
    path = raw_path.removeprefix(REST_PREFIX) if is_rest(request) else raw_path
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _headers(request: Request) -> dict[str, str]:
    # Clients sign the text; on the wire it is UTF-8 or latin-1, depending on what the text needs.
    return {name.decode("latin-1"): _header_text(value) for name, value in request.headers.raw}


def _header_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _check_date(text: str) -> None:
    try:
        sent = parsedate_to_datetime(text)
    except ValueError:
        raise OdpsError(
            400,
            "InvalidParameter",
            f"ODPS-0410071: Invalid parameter - the Date header is not a date: {text!r}",
        ) from None
    if sent.tzinfo is None:
        sent = sent.replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if abs((now - sent).total_seconds()) > MAX_SKEW:
        message = ",".join(
            (
                f"max_interval_date:{int(MAX_SKEW * 1000)}",
                f"expire_date:{_iso(sent)}",
                f"now_date:{_iso(now)}",
            )
        )
        raise OdpsError(403, "RequestTimeTooSkewed", message)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _check_scope(account: Account, request: Request) -> None:
    scope = account.scope
    if scope is None:
        return
    path = request.scope["path"].removeprefix(REST_PREFIX)
    reads = request.method == "GET" or (request.method == "POST" and "downloads" in request.query_params)
    if not reads or path.rstrip("/").lower() != f"/projects/{scope.project}/instances/{scope.instance_id}":
        raise OdpsError(
            403,
            "NoPermission",
            "ODPS-0130013: Authorization exception - this token can only read instance "
            f"{scope.instance_id} of project {scope.project}",
        )
