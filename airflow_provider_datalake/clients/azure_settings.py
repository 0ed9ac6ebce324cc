"""What a connection to one of the Azure services says, checked: where the service is, and who we are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_datalake.clients.connection_fields import ConnectionFields
from airflow_provider_datalake.clients.http import Transport

if TYPE_CHECKING:
    from collections.abc import Mapping


class AuthMethod(StrEnum):
    """How a connection proves who it is."""

    CLIENT_SECRET = "client_secret"
    CERTIFICATE = "certificate"
    MANAGED_IDENTITY = "managed_identity"
    WORKLOAD_IDENTITY = "workload_identity"
    DEFAULT = "default"
    DEVICE_CODE = "device_code"
    USER_PASSWORD = "user_password"
    BEARER_TOKEN = "bearer_token"


@dataclass(frozen=True)
class Cloud:
    """
    One of Microsoft's clouds, with the services' names as they were in it.

    :param authority: host of the directory
    :param resource_manager: URL of the resource manager
    :param management_scope: scope of its tokens
    :param store_suffix: DNS suffix of Data Lake Store accounts
    :param analytics_suffix: DNS suffix of Data Lake Analytics accounts
    """

    authority: str
    resource_manager: str
    management_scope: str
    store_suffix: str = "azuredatalakestore.net"
    analytics_suffix: str = "azuredatalakeanalytics.net"


CLOUDS = {
    "public": Cloud(
        "login.microsoftonline.com",
        "https://management.azure.com",
        "https://management.azure.com/.default",
    ),
    "usgovernment": Cloud(
        "login.microsoftonline.us",
        "https://management.usgovcloudapi.net",
        "https://management.usgovcloudapi.net/.default",
    ),
    "china": Cloud(
        "login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
    ),
}
"""The names come from azure-cli's cloud definitions; the two services ran in the public cloud only."""

DATA_LAKE_SCOPE = "https://datalake.azure.net/.default"


@dataclass(frozen=True)
class AzureIdentity:
    """
    Who a connection is.

    :param method: how it proves that
    :param authority: host of the directory
    :param tenant: the directory's tenant
    :param client_id: the application's id; a managed identity's
    :param secret: the application's secret, the person's password, or the bearer token
    :param user: the person's name
    :param certificate_path: file with certificate and private key, PEM or PKCS 12
    :param certificate_data: the same as PEM text
    :param certificate_password: opens the private key
    :param send_certificate_chain: whether the certificate's chain is sent, for subject name authentication
    :param token_file: file with a workload identity's federated token
    :param instance_discovery: whether the authority is checked against Microsoft's list; not for private ones
    """

    method: AuthMethod
    authority: str = CLOUDS["public"].authority
    tenant: str = ""
    client_id: str = ""
    secret: str = field(default="", repr=False)
    user: str = ""
    certificate_path: str = ""
    certificate_data: str = field(default="", repr=False)
    certificate_password: str = field(default="", repr=False)
    send_certificate_chain: bool = False
    token_file: str = ""
    instance_discovery: bool = True


@dataclass(frozen=True)
class AzureSettings:
    """
    What a connection says, checked.

    :param conn_id: the connection's id, for messages
    :param account: the account's name
    :param url: base URL of the account's data plane
    :param identity: who we are
    :param cloud: where the account is
    :param resource_manager_url: base URL of the resource manager
    :param subscription_id: the subscription, empty when management is not needed
    :param resource_group: the default resource group, empty when management is not needed
    :param transport: timeouts and proxies
    """

    conn_id: str
    account: str
    url: str
    identity: AzureIdentity
    cloud: Cloud
    resource_manager_url: str
    subscription_id: str = ""
    resource_group: str = ""
    transport: Transport = field(default_factory=Transport)


class _Fields(ConnectionFields):
    """The rules for fields that only the Azure connections have."""

    def needs(self, method: AuthMethod, name: str, value: str, what: str) -> str:
        if not value:
            self.fail(name, f"missing: auth method {method} needs {what}")
        return value


def read_settings(
    *,
    conn_id: str,
    host: str | None,
    login: str | None,
    password: str | None,
    extra: Mapping[str, Any],
    service: str,
    account: str | None = None,
    needs_account: bool = True,
) -> AzureSettings:
    """
    Check a connection's fields.

    :param conn_id: the connection's id, for messages
    :param host: the account's name, its host name, or a URL that ends with the account (the emulator's)
    :param login: the application's id, or the person's name
    :param password: the application's secret, or the person's password
    :param extra: the other fields, as the connection form stores them
    :param service: ``store`` or ``analytics``
    :param account: takes precedence over the connection's account
    :param needs_account: False for the resource manager, which can do without one
    :return: the settings
    :raises ConfigurationError: when a field is missing or invalid; the message names connection and field
    """
    fields = _Fields(conn_id, extra)
    cloud = CLOUDS[fields.choice("cloud", tuple(CLOUDS), "public")]
    suffix = fields.text("dns_suffix") or (
        cloud.store_suffix if service == "store" else cloud.analytics_suffix
    )
    host = (host or "").strip()
    name, url = _location(fields, host, suffix, account) if needs_account or host or account else ("", "")
    manager = fields.text("resource_manager_url") or cloud.resource_manager
    proxy = fields.text("proxy")
    return AzureSettings(
        conn_id=conn_id,
        account=name,
        url=url,
        identity=_identity(fields, cloud, (login or "").strip(), password or ""),
        cloud=cloud,
        resource_manager_url=fields.url("resource_manager_url", manager, "the resource manager's URL"),
        subscription_id=fields.text("subscription_id"),
        resource_group=fields.text("resource_group"),
        transport=Transport(
            connect_timeout=fields.seconds("connect_timeout", Transport.connect_timeout),
            read_timeout=fields.seconds("read_timeout", Transport.read_timeout),
            proxies={"http": proxy, "https": proxy} if proxy else {},
            ca_bundle=fields.text("ca_bundle"),
        ),
    )


def _location(fields: _Fields, host: str, suffix: str, account: str | None) -> tuple[str, str]:
    """Give the account's name and the URL of its data plane."""
    if not host and account:
        host = account
    if not host:
        fields.fail("host", f"missing: give the account's name, or its host name, e.g. myaccount.{suffix}")
    if "://" in host:
        url = fields.url("host", host, "the account's URL")
        parts = urlsplit(url)
        base, _, last = url.rpartition("/")
        if parts.path.strip("/"):
            return _account(fields, account or last), f"{base}/{account or last}"
        host = parts.netloc
        if host.partition(".")[2] != suffix:
            fields.fail("host", f"expected a URL that ends with the account's name, found {url!r}")
    name = _account(fields, account or host.partition(".")[0])
    known = host.partition(".")[2]
    return name, f"https://{name}.{known or suffix}"


def _account(fields: _Fields, name: str) -> str:
    if not name.isascii() or not name.isalnum() or name != name.lower():
        fields.fail("host", f"expected an account's name of lower-case letters and digits, found {name!r}")
    return name


def _identity(fields: _Fields, cloud: Cloud, login: str, password: str) -> AzureIdentity:
    token = fields.text("bearer_token")
    certificate_path, certificate_data = fields.text("certificate_path"), fields.text("certificate_data")
    tenant = fields.text("tenant_id")
    if fields.text("auth"):
        method = AuthMethod(fields.choice("auth", tuple(AuthMethod), ""))
    else:
        method = _implied(token, certificate_path or certificate_data, login, password)
    user = login if method is AuthMethod.USER_PASSWORD else ""
    identity = AzureIdentity(
        method=method,
        authority=fields.text("authority").removeprefix("https://").rstrip("/") or cloud.authority,
        tenant=tenant,
        client_id=fields.text("client_id") or ("" if user else login),
        secret=token if method is AuthMethod.BEARER_TOKEN else password,
        user=user,
        certificate_path=certificate_path,
        certificate_data=certificate_data,
        certificate_password=fields.text("certificate_password") or password,
        send_certificate_chain=fields.flag("send_certificate_chain", default=False),
        token_file=fields.text("token_file"),
        instance_discovery=fields.flag("instance_discovery", default=True),
    )
    _check_identity(fields, identity)
    return identity


def _implied(token: str, certificate: str, login: str, password: str) -> AuthMethod:
    if token:
        return AuthMethod.BEARER_TOKEN
    if certificate:
        return AuthMethod.CERTIFICATE
    return AuthMethod.CLIENT_SECRET if login or password else AuthMethod.DEFAULT


def _check_identity(fields: _Fields, identity: AzureIdentity) -> None:
    method = identity.method
    if method in (AuthMethod.CLIENT_SECRET, AuthMethod.CERTIFICATE):
        fields.needs(method, "tenant_id", identity.tenant, "the directory's tenant id")
        fields.needs(method, "login", identity.client_id, "the application's id")
    if method is AuthMethod.CLIENT_SECRET:
        fields.needs(method, "password", identity.secret, "the application's secret")
    if method is AuthMethod.CERTIFICATE:
        found = identity.certificate_path or identity.certificate_data
        fields.needs(
            method, "certificate_path", found, "a certificate (certificate_path or certificate_data)"
        )
    if method is AuthMethod.USER_PASSWORD:
        fields.needs(method, "tenant_id", identity.tenant, "the directory's tenant id")
        fields.needs(method, "login", identity.user, "the person's name")
        fields.needs(method, "password", identity.secret, "the person's password")
    if method is AuthMethod.BEARER_TOKEN:
        fields.needs(method, "bearer_token", identity.secret, "the token")
