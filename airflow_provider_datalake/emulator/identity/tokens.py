"""The tokens: JSON web tokens, signed with a key of the data directory, and what they are good for."""

from __future__ import annotations

import functools
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.identity.errors import TokenError, invalid_grant
from airflow_provider_datalake.emulator.identity.principals import Principal, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from airflow_provider_datalake.emulator.identity.directory import Directory

MANAGEMENT = frozenset(
    (
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net",
        "https://management.chinacloudapi.cn",
        "https://management.core.chinacloudapi.cn",
    )
)
"""Resources whose tokens the resource manager takes."""
DATA_LAKE = frozenset(("https://datalake.azure.net",))
DATA_PLANE = MANAGEMENT | DATA_LAKE
"""Resources whose tokens the stores and the analytics accounts take: the services' clients use both."""
_OTHERS = frozenset(("https://storage.azure.com", "https://graph.microsoft.com", "https://graph.windows.net"))
KNOWN = DATA_PLANE | _OTHERS
_REFRESH_SECONDS = 90 * 24 * 3600
_CLOCK_SKEW_SECONDS = 5 * 60
_ALGORITHM = "RS256"


def plain_resource(resource: str) -> str:
    """
    Bring a resource's name to one form.

    :param resource: e.g. ``https://datalake.azure.net//``
    :return: e.g. ``https://datalake.azure.net``
    """
    return resource.rstrip("/").lower()


class SigningKey:
    """
    The key that tokens are signed with; made when it is first needed, and kept.

    :param folder: where it is kept
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "signing_key.pem"

    @functools.cached_property
    def private(self) -> RSAPrivateKey:
        """The private key."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        if not self._path.exists():
            key = rsa.generate_private_key(65537, 2048)
            pem = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(f".{uuid.uuid4().hex}")
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
            # The first one stays, should two threads come here at once.
            try:
                os.link(temporary, self._path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        loaded = serialization.load_pem_private_key(self._path.read_bytes(), None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError(f"{self._path} holds no RSA key")
        return loaded

    @functools.cached_property
    def key_id(self) -> str:
        """A name that changes with the key."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(self.private.public_key().public_numbers().n)))

    def public_jwk(self) -> Mapping[str, Any]:
        """
        Describe the public key for those who check tokens themselves.

        :return: a JSON web key
        """
        from jwt.algorithms import RSAAlgorithm

        described = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**described, "use": "sig", "kid": self.key_id, "x5t": self.key_id}


class Tokens:
    """
    Makes and checks tokens.

    :param directory: knows the principals
    :param key: signs them
    :param lifetime: seconds that an access token is good for
    """

    def __init__(self, directory: Directory, key: SigningKey, lifetime: int) -> None:
        self._directory = directory
        self._key = key
        self.lifetime = lifetime

    def access_token(self, principal: Principal, resource: str, client_id: str) -> str:
        """
        Make a token for a resource.

        :param principal: who it stands for
        :param resource: what it is for
        :param client_id: the application that asks for it
        :return: the token
        :raises TokenError: when there is no such resource
        """
        if plain_resource(resource) not in KNOWN:
            raise TokenError(
                500011,
                "invalid_resource",
                f"The resource principal named {resource} was not found in the tenant named "
                f"{self._directory.tenant}. This can happen if the application has not been installed by the "
                "administrator of the tenant or consented to by any user in the tenant. You might have sent "
                "your authentication request to the wrong tenant.",
            )
        claims: dict[str, Any] = {
            "aud": resource,
            "appid": client_id,
            "idtyp": "user" if principal.kind == "User" else "app",
            "groups": sorted(principal.groups),
            "ver": "1.0",
        }
        if principal.kind == "User":
            claims |= {"upn": principal.name, "unique_name": principal.name, "scp": "user_impersonation"}
        return self._signed(principal, claims, self.lifetime)

    def refresh_token(self, principal: Principal, client_id: str) -> str:
        """
        Make a token that gives further tokens.

        :param principal: who it stands for
        :param client_id: the application that asks for it
        :return: the token
        """
        claims = {"use": "refresh", "appid": client_id, "idtyp": "user"}
        return self._signed(principal, claims, _REFRESH_SECONDS)

    def id_token(self, principal: Principal, client_id: str, issuer: str) -> str:
        """
        Make a token that tells an application who has signed in.

        :param principal: who
        :param client_id: the application
        :param issuer: the directory's address
        :return: the token
        """
        claims = {
            "aud": client_id,
            "iss": issuer,
            "name": principal.name,
            "preferred_username": principal.name,
            "ver": "2.0",
        }
        return self._signed(principal, claims, self.lifetime)

    def _signed(self, principal: Principal, claims: Mapping[str, Any], seconds: int) -> str:
        import jwt

        now = int(time.time())
        content = {
            "iss": f"https://sts.windows.net/{self._directory.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": self._directory.tenant_id,
            "uti": uuid.uuid4().hex,
            **claims,
        }
        return jwt.encode(content, self._key.private, _ALGORITHM, headers={"kid": self._key.key_id})

    def refreshed(self, token: str, client_id: str) -> Principal:
        """
        Take a refresh token.

        :param token: the token
        :param client_id: the application that sends it
        :return: who it stands for
        :raises TokenError: when it does not do
        """
        import jwt

        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError as error:
            raise invalid_grant(700082, "The refresh token has expired due to inactivity.") from error
        except jwt.InvalidTokenError as error:
            raise invalid_grant(9002313, "Invalid request. Request is malformed or invalid.") from error
        principal = self._directory.by_object_id(str(claims.get("oid")), "User")
        if claims.get("use") != "refresh" or principal is None:
            raise invalid_grant(9002313, "Invalid request. Request is malformed or invalid.")
        if str(claims.get("appid")).lower() != client_id.lower():
            raise invalid_grant(
                70000, "Provided grant is invalid or malformed: the refresh token is another application's."
            )
        return principal

    def principal_of(self, token: str, audiences: Collection[str]) -> Principal:
        """
        Check an access token.

        :param token: the token
        :param audiences: the resources that it may be for
        :return: who it stands for
        :raises Unauthorized: when it does not do
        """
        import jwt

        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized(
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time "
                f"'{time.strftime('%m/%d/%Y %I:%M:%S %p', time.gmtime())}'.",
            ) from error
        except jwt.InvalidTokenError as error:
            raise Unauthorized("InvalidAuthenticationToken", "The access token is invalid.") from error
        principal = self._directory.by_object_id(
            str(claims.get("oid")), "User" if claims.get("idtyp") == "user" else "ServicePrincipal"
        )
        if principal is None or "use" in claims:
            raise Unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
        audience = str(claims.get("aud"))
        if plain_resource(audience) not in audiences:
            allowed = ",".join(f"{name}/" for name in sorted(audiences))
            raise Unauthorized(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{audience}'. It should "
                f"exactly match with one of the allowed audiences '{allowed}'.",
            )
        return principal

    def _claims(self, token: str) -> Mapping[str, Any]:
        import jwt

        # The audience is compared by whoever asks: each service takes several.
        options: Any = {"verify_aud": False, "verify_iss": False, "require": ["exp", "oid"]}
        public = self._key.private.public_key()
        return jwt.decode(token, public, algorithms=[_ALGORITHM], options=options)


def clock_skew() -> int:
    """
    Tell how far a client's clock may be wrong.

    :return: seconds
    """
    return _CLOCK_SKEW_SECONDS
