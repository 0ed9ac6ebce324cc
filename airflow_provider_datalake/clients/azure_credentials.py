"""Tokens for the Azure services: one credential per connection, tokens cached and refreshed early."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.azure_settings import AuthMethod
from airflow_provider_datalake.exceptions import AuthenticationError, ConfigurationError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.core.credentials import AccessToken, TokenCredential

    from airflow_provider_datalake.clients.azure_settings import AzureIdentity, AzureSettings

log = logging.getLogger(__name__)

REFRESH_SECONDS = 300.0
"""How long before its end a token is replaced."""
LOCK_SECONDS = 1.0
"""How long one thread waits for a token that another one is fetching."""
# Microsoft's own client for people, which Azure's command line uses too.
PUBLIC_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


class TokenSource:
    """
    The tokens of one connection for one service; threads may share it.

    :param settings: the connection's settings
    :param scope: what the tokens are for, e.g. ``https://datalake.azure.net/.default``
    """

    def __init__(self, settings: AzureSettings, scope: str) -> None:
        self._settings = settings
        self._scope = scope
        self._lock = threading.Lock()
        self._token = ""
        self._expires_at = 0.0
        self._credential: TokenCredential | None = None

    def __call__(self, *, renew: bool = False) -> Mapping[str, str]:
        """
        Give the header that proves who we are.

        :param renew: whether the service has just refused the last one
        :return: the header
        :raises AuthenticationError: when the directory refuses us
        """
        return {"Authorization": f"Bearer {self.token(renew=renew)}"}

    def token(self, *, renew: bool = False) -> str:
        """
        Give a token that is good for some minutes.

        :param renew: whether the cached one must not be used
        :return: the token
        :raises AuthenticationError: when the directory refuses us
        :raises ServiceError: when the directory does not answer
        """
        identity = self._settings.identity
        if identity.method is AuthMethod.BEARER_TOKEN:
            return identity.secret
        # The holder may be a thread that a signal has interrupted, and whose handler waits for us: to fetch
        # twice does no harm, to wait for each other would.
        locked = self._lock.acquire(timeout=LOCK_SECONDS)
        try:
            if renew or time.time() > self._expires_at - REFRESH_SECONDS:
                found = self._fetch(fresh=renew)
                self._token, self._expires_at = found.token, float(found.expires_on)
            return self._token
        finally:
            if locked:
                self._lock.release()

    def _fetch(self, *, fresh: bool) -> AccessToken:
        from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError

        conn_id = self._settings.conn_id
        try:
            if self._credential is None or fresh:
                # A credential caches tokens itself: a refused one goes with it.
                self._credential = build_credential(self._settings)
            return self._credential.get_token(self._scope)
        except ClientAuthenticationError as error:
            raise AuthenticationError(
                f"Connection {conn_id!r}: the directory gives no token to {_who(self._settings.identity)}: "
                f"{error.message}"
            ) from error
        except (AzureError, ServiceRequestError) as error:
            raise ServiceError(f"Connection {conn_id!r}: no answer from the directory: {error}") from error
        except ValueError as error:
            # azure-identity's own checks; their texts name no secrets.
            raise ConfigurationError(f"Connection {conn_id!r}: {error}") from error


def _who(identity: AzureIdentity) -> str:
    name = identity.user or identity.client_id or "this machine's identity"
    return f"{name} of tenant {identity.tenant!r}" if identity.tenant else name


def build_credential(settings: AzureSettings) -> TokenCredential:
    """
    Build the credential of azure-identity that a connection asks for.

    :param settings: the connection's settings
    :return: the credential; it caches tokens in this process only
    :raises ConfigurationError: when a file that it needs cannot be read
    """
    return _BUILDERS[settings.identity.method](settings.identity, _common(settings))


def _common(settings: AzureSettings) -> dict[str, Any]:
    identity, transport = settings.identity, settings.transport
    common: dict[str, Any] = {
        "authority": identity.authority,
        "connection_timeout": transport.connect_timeout,
        "read_timeout": transport.read_timeout,
    }
    if not identity.instance_discovery:
        common["disable_instance_discovery"] = True
    if transport.proxies:
        common["proxies"] = dict(transport.proxies)
    if transport.ca_bundle:
        common["connection_verify"] = transport.ca_bundle
    return common


def _client_secret(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(identity.tenant, identity.client_id, identity.secret, **common)


def _certificate(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import CertificateCredential

    source: dict[str, Any] = {"certificate_path": identity.certificate_path}
    if identity.certificate_data:
        source = {"certificate_data": identity.certificate_data.encode()}
    if identity.certificate_password:
        source["password"] = identity.certificate_password
    try:
        return CertificateCredential(
            identity.tenant,
            identity.client_id,
            send_certificate_chain=identity.send_certificate_chain,
            **source,
            **common,
        )
    except OSError as error:
        raise ConfigurationError(f"field 'certificate_path': cannot read the certificate: {error}") from error


def _managed_identity(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=identity.client_id or None)


def _workload_identity(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import WorkloadIdentityCredential

    # What is not given comes from the variables that the cluster sets.
    given = {
        "tenant_id": identity.tenant,
        "client_id": identity.client_id,
        "token_file_path": identity.token_file,
    }
    return WorkloadIdentityCredential(**{name: value for name, value in given.items() if value}, **common)


def _default(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    given = {"managed_identity_client_id": identity.client_id, "workload_identity_tenant_id": identity.tenant}
    return DefaultAzureCredential(**{name: value for name, value in given.items() if value}, **common)


def _device_code(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import DeviceCodeCredential

    def show(address: str, code: str, expires: object) -> None:
        # The code is for the person who reads the log; it is good for minutes, and only with their password.
        log.warning("To sign in, open %s and enter the code %s (until %s)", address, code, expires)

    return DeviceCodeCredential(
        client_id=identity.client_id or PUBLIC_CLIENT_ID,
        tenant_id=identity.tenant or "organizations",
        prompt_callback=show,
        **common,
    )


def _user_password(identity: AzureIdentity, common: dict[str, Any]) -> TokenCredential:
    import warnings

    from azure.identity import UsernamePasswordCredential

    with warnings.catch_warnings():
        # Deprecated, for it knows no second factor; the services' own documentation uses it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return UsernamePasswordCredential(
            identity.client_id or PUBLIC_CLIENT_ID,
            identity.user,
            identity.secret,
            tenant_id=identity.tenant,
            **common,
        )


_BUILDERS: dict[AuthMethod, Callable[[AzureIdentity, dict[str, Any]], TokenCredential]] = {
    AuthMethod.CLIENT_SECRET: _client_secret,
    AuthMethod.CERTIFICATE: _certificate,
    AuthMethod.MANAGED_IDENTITY: _managed_identity,
    AuthMethod.WORKLOAD_IDENTITY: _workload_identity,
    AuthMethod.DEFAULT: _default,
    AuthMethod.DEVICE_CODE: _device_code,
    AuthMethod.USER_PASSWORD: _user_password,
}
