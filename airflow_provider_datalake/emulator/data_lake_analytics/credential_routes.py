"""The catalog routes about credentials, secrets and access control lists."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure import odata
from airflow_provider_datalake.emulator.azure.calls import answer, empty
from airflow_provider_datalake.emulator.azure.errors import AzureError, invalid, traced
from airflow_provider_datalake.emulator.data_lake_analytics.catalog_routes import (
    ROOT,
    missing,
    require_database,
)
from airflow_provider_datalake.emulator.data_lake_analytics.credentials import CREDENTIAL, SECRET
from airflow_provider_datalake.emulator.data_lake_analytics.jobs import account_of
from airflow_provider_datalake.emulator.data_lake_analytics.records import moment
from airflow_provider_datalake.usql import catalog as model

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.azure.calls import Call
    from airflow_provider_datalake.emulator.data_lake_analytics.catalog_routes import Route
    from airflow_provider_datalake.emulator.data_lake_analytics.credentials import Credential
    from airflow_provider_datalake.emulator.data_lake_analytics.service import DataLakeAnalyticsService

_DATABASE = f"{ROOT}/databases/{{database}}"
_ACE_TYPES = ("UserObj", "GroupObj", "Other", "User", "Group")
_PERMISSIONS = ("None", "Use", "Create", "Drop", "Alter", "Write", "All")


def routes() -> list[Route]:
    """
    List the routes.

    :return: method, path and handler of each
    """
    credential, secret = f"{_DATABASE}/credentials/{{name}}", f"{_DATABASE}/secrets/{{name}}"
    return [
        ("PUT", credential, create_credential),
        ("PATCH", credential, update_credential),
        ("GET", credential, get_credential),
        ("POST", credential, delete_credential),
        ("GET", f"{_DATABASE}/credentials", list_credentials),
        ("PUT", secret, create_secret),
        ("PATCH", secret, update_secret),
        ("GET", secret, get_secret),
        ("DELETE", secret, delete_secret),
        ("DELETE", f"{_DATABASE}/secrets", delete_secrets),
        ("GET", f"{ROOT}/acl", list_acl),
        ("POST", f"{ROOT}/acl", change_acl),
        ("GET", f"{_DATABASE}/acl", list_acl),
        ("POST", f"{_DATABASE}/acl", change_acl),
    ]


def _place(service: DataLakeAnalyticsService, call: Call, action: str) -> tuple[str, str]:
    account = account_of(service, call, action)
    return account, require_database(service.read_catalog(account), call)


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"'{name}' is missing, or no text.")
    return value


def _require(
    service: DataLakeAnalyticsService, account: str, database: str, kind: str, name: str
) -> Credential:
    found = service.credentials.find(account, database, kind, name)
    if found is None:
        raise missing(name)
    return found


def _create(service: DataLakeAnalyticsService, call: Call, kind: str, content: dict[str, Any]) -> Response:
    account, database = _place(service, call, "submit")
    name = call.path("name")
    password = _text(call.json(), "password")
    if not service.credentials.add(account, database, kind, name, password, content):
        store = f"{service.accounts.default_store(account)}.azuredatalakestore.net"
        version = service.read_catalog(account).schemas[database, model.DBO]
        where = f"adl://{store}/catalog/database/{version}/credential/{name}"
        raise AzureError(409, "ResourceAlreadyExists", traced(f"The resource '{where}' already exists."))
    return empty()


def create_credential(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Make a credential."""
    content = call.json()
    kept = {"uri": _text(content, "uri"), "userId": _text(content, "userId")}
    return _create(service, call, CREDENTIAL, kept)


def update_credential(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Change a credential."""
    account, database = _place(service, call, "submit")
    one = _require(service, account, database, CREDENTIAL, call.path("name"))
    content = call.json()
    _check_password(call, one, content)
    new = _text(content, "newPassword") if content.get("newPassword") else None
    kept = {name: _text(content, name) for name in ("uri", "userId") if content.get(name)}
    service.credentials.change(account, database, CREDENTIAL, one, new, kept)
    return empty()


def _check_password(call: Call, one: Credential, content: dict[str, Any]) -> None:
    # Owners of the account need not know it.
    if not call.principal.is_owner and not one.has_password(_text(content, "password")):
        raise AzureError(
            403, "AuthorizationFailed", traced(f"The password of the credential '{one.name}' is another one.")
        )


def get_credential(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Look at a credential."""
    account, database = _place(service, call, "read")
    one = _require(service, account, database, CREDENTIAL, call.path("name"))
    return answer({"credentialName": one.name})


def list_credentials(service: DataLakeAnalyticsService, call: Call) -> Response:
    """List the credentials of a database."""
    account, database = _place(service, call, "read")
    found = service.credentials.get(account, database, CREDENTIAL)
    items = [{"credentialName": one.name} for one in found]
    return answer(odata.page(call, items, f"{ROOT}/databases/{database}/credentials"))


def delete_credential(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Delete a credential; nothing uses one, so there is nothing that ``cascade`` could delete."""
    account, database = _place(service, call, "submit")
    one = _require(service, account, database, CREDENTIAL, call.path("name"))
    _check_password(call, one, call.json())
    service.credentials.remove(account, database, CREDENTIAL, one.name)
    return empty()


def create_secret(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Make a secret."""
    content = call.json()
    kept = {"uri": _text(content, "uri")} if content.get("uri") else {}
    return _create(service, call, SECRET, kept)


def update_secret(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Change a secret."""
    account, database = _place(service, call, "submit")
    one = _require(service, account, database, SECRET, call.path("name"))
    content = call.json()
    kept = {"uri": _text(content, "uri")} if content.get("uri") else {}
    service.credentials.change(account, database, SECRET, one, _text(content, "password"), kept)
    return empty()


def get_secret(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Look at a secret."""
    account, database = _place(service, call, "read")
    one = _require(service, account, database, SECRET, call.path("name"))
    return answer({"creationTime": moment(one.created_at).replace("+00:00", "Z")})


def delete_secret(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Delete a secret."""
    account, database = _place(service, call, "submit")
    name = call.path("name")
    if not service.credentials.remove(account, database, SECRET, name):
        raise missing(name)
    return empty()


def delete_secrets(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Delete all secrets of a database."""
    account, database = _place(service, call, "submit")
    service.credentials.remove(account, database, SECRET)
    return empty()


def _database(service: DataLakeAnalyticsService, account: str, call: Call) -> str | None:
    if "database" not in call.request.path_params:
        return None
    return require_database(service.read_catalog(account), call)


def list_acl(service: DataLakeAnalyticsService, call: Call) -> Response:
    """List who may use a database, or the catalog."""
    account = account_of(service, call, "read")
    database = _database(service, account, call)
    path = f"{ROOT}/acl" if database is None else f"{ROOT}/databases/{database}/acl"
    return answer(odata.page(call, service.credentials.acl(account, database), path))


def change_acl(service: DataLakeAnalyticsService, call: Call) -> Response:
    """Let somebody use a database, or the catalog, or take that back."""
    account = account_of(service, call, "manage")
    database = _database(service, account, call)
    content = call.json()
    kind = _one_of(content, "aceType", _ACE_TYPES)
    principal = str(content.get("principalId") or "")
    try:
        principal = str(uuid.UUID(principal))
    except ValueError as error:
        raise invalid(f"'principalId' must be a GUID, not {principal!r}.") from error
    operation = (call.query("op") or "").upper()
    if operation == "GRANTACE":
        permission = _one_of(content, "permission", _PERMISSIONS)
        service.credentials.grant(account, database, kind, principal, permission)
    elif operation == "REVOKEACE":
        service.credentials.revoke(account, database, kind, principal)
    else:
        raise invalid(f"'op' must be GRANTACE or REVOKEACE, not {operation!r}.")
    return empty()


def _one_of(content: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    given = str(content.get(name) or "")
    for word in allowed:
        if word.lower() == given.lower():
            return word
    raise invalid(f"'{name}' must be one of {', '.join(allowed)}, not {given!r}.")
