"""Credentials, secrets and access control lists in the catalog of Data Lake Analytics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_datalake.clients.azure_rest import ALL, AzureRest, ListOptions, segment
from airflow_provider_datalake.clients.data_lake_analytics_catalog_models import CatalogItem, text
from airflow_provider_datalake.clients.data_lake_analytics_models import moment
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from airflow_provider_datalake.clients.http import HttpClient

CATALOG_VERSION = "2016-11-01"
ROOT = "catalog/usql"

T = TypeVar("T", bound=CatalogItem)


@dataclass(frozen=True)
class Credential:
    """
    A user and password for a data source; the service never tells the password.

    :param name: its name
    """

    name: str

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Credential:
        """
        Read the service's form.

        :param told: the object
        :return: the credential
        """
        return cls(text(told, "credentialName"))


@dataclass(frozen=True)
class Secret:
    """
    A password in a database, superseded by credentials; the service never tells it.

    :param created_at: when it was made
    """

    created_at: datetime | None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Secret:
        """
        Read the service's form.

        :param told: the object
        :return: the secret
        """
        return cls(moment(told.get("creationTime")))


class AceType(StrEnum):
    """Whom an entry of an access control list is for."""

    USER_OBJECT = "UserObj"
    GROUP_OBJECT = "GroupObj"
    OTHER = "Other"
    USER = "User"
    GROUP = "Group"


class Permission(StrEnum):
    """What an entry of an access control list allows."""

    NONE = "None"
    USE = "Use"
    CREATE = "Create"
    DROP = "Drop"
    ALTER = "Alter"
    WRITE = "Write"
    ALL = "All"


@dataclass(frozen=True)
class AclEntry:
    """
    An entry of an access control list.

    :param ace_type: whom it is for: ``User``, ``Group``, ``UserObj``, ``GroupObj`` or ``Other``
    :param principal_id: the user or group, a GUID of the directory
    :param permission: ``None``, ``Use``, ``Create``, ``Drop``, ``Alter``, ``Write`` or ``All``
    """

    ace_type: str
    principal_id: str
    permission: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> AclEntry:
        """
        Read the service's form.

        :param told: the object
        :return: the entry
        """
        return cls(text(told, "aceType"), text(told, "principalId"), text(told, "permission"))


class CatalogSecurity:
    """
    Credentials, secrets and access control lists of one account's catalog.

    :param http: the requests to the account
    """

    def __init__(self, http: HttpClient) -> None:
        self.rest = AzureRest(http, CATALOG_VERSION)

    def credentials(self, database: str, options: ListOptions = ALL) -> Iterator[Credential]:
        """
        Go through the credentials of a database.

        :param database: the database
        :param options: which ones are wanted
        :return: the credentials, without what is secret
        """
        return self._list(f"{catalog_path(database)}/credentials", Credential, options)

    def credential(self, database: str, name: str) -> Credential:
        """
        Look at a credential.

        :param database: its database
        :param name: its name
        :return: the credential, without what is secret
        :raises NotFoundError: when there is none of this name
        """
        return self._get(self._credential(database, name), Credential)

    def create_credential(self, database: str, name: str, *, uri: str, user: str, password: str) -> None:
        """
        Make a credential.

        :param database: its database
        :param name: its name
        :param uri: the address that it is for, with port
        :param user: the user
        :param password: the password
        :raises ConflictError: when there is one of this name
        """
        body = {"password": password, "uri": uri, "userId": user}
        self._change("PUT", self._credential(database, name), f"create credential {name!r}", body)

    def update_credential(
        self,
        database: str,
        name: str,
        *,
        password: str,
        new_password: str | None = None,
        uri: str | None = None,
        user: str | None = None,
    ) -> None:
        """
        Change a credential.

        :param database: its database
        :param name: its name
        :param password: the password that it has
        :param new_password: the password that it gets
        :param uri: the address that it is for
        :param user: the user
        :raises NotFoundError: when there is none of this name
        """
        given = {"password": password, "newPassword": new_password, "uri": uri, "userId": user}
        body = {key: value for key, value in given.items() if value is not None}
        self._change("PATCH", self._credential(database, name), f"update credential {name!r}", body)

    def delete_credential(
        self, database: str, name: str, *, cascade: bool = False, password: str | None = None
    ) -> None:
        """
        Delete a credential.

        :param database: its database
        :param name: its name
        :param cascade: whether what uses it is deleted as well
        :param password: the password that it has; owners of the account need not give it
        :raises NotFoundError: when there is none of this name
        """
        self.rest.send(
            "POST",
            f"{ROOT}/{self._credential(database, name)}",
            doing=f"delete credential {name!r}",
            repeatable=False,
            params={"cascade": "true" if cascade else "false"},
            json=None if password is None else {"password": password},
        )

    def secret(self, database: str, name: str) -> Secret:
        """
        Look at a secret.

        :param database: its database
        :param name: its name
        :return: when it was made
        :raises NotFoundError: when there is none of this name
        """
        return self._get(self._secret(database, name), Secret)

    def create_secret(self, database: str, name: str, *, password: str, uri: str | None = None) -> None:
        """
        Make a secret; credentials have superseded them.

        :param database: its database
        :param name: its name
        :param password: the password
        :param uri: the address that it is for
        :raises ConflictError: when there is one of this name
        """
        self._change("PUT", self._secret(database, name), f"create secret {name!r}", _secret(password, uri))

    def update_secret(self, database: str, name: str, *, password: str, uri: str | None = None) -> None:
        """
        Change a secret.

        :param database: its database
        :param name: its name
        :param password: the password
        :param uri: the address that it is for
        :raises NotFoundError: when there is none of this name
        """
        self._change("PATCH", self._secret(database, name), f"update secret {name!r}", _secret(password, uri))

    def delete_secret(self, database: str, name: str) -> bool:
        """
        Delete a secret; one that does not exist is fine.

        :param database: its database
        :param name: its name
        :return: whether there was one
        """
        path = f"{ROOT}/{self._secret(database, name)}"
        return self.rest.delete(path, doing=f"delete secret {name!r}")

    def delete_all_secrets(self, database: str) -> None:
        """
        Delete all secrets of a database.

        :param database: the database
        """
        path = f"{ROOT}/{catalog_path(database)}/secrets"
        self.rest.send("DELETE", path, doing=f"delete the secrets of {database!r}", repeatable=True)

    # Access control lists

    def acl(self, database: str | None = None, options: ListOptions = ALL) -> Iterator[AclEntry]:
        """
        Go through the access control list of a database, or of the catalog.

        :param database: the database; the catalog when None
        :param options: which ones are wanted
        :return: the entries
        """
        return self._list(_acl(database), AclEntry, options)

    def grant(
        self, principal_id: str, permission: str, *, ace_type: str = "User", database: str | None = None
    ) -> None:
        """
        Let somebody use a database, or the catalog, in place of what they were allowed before.

        :param principal_id: the user or group, a GUID of the directory
        :param permission: ``None``, ``Use``, ``Create``, ``Drop``, ``Alter``, ``Write`` or ``All``
        :param ace_type: ``User``, ``Group``, ``UserObj``, ``GroupObj`` or ``Other``
        :param database: the database; the catalog when None
        :raises ConfigurationError: when there is no such permission
        """
        body = {
            "aceType": _choice("ace_type", ace_type, AceType),
            "principalId": principal_id,
            "permission": _choice("permission", permission, Permission),
        }
        self._acl_change("GRANTACE", f"grant {permission} to {principal_id}", body, database)

    def revoke(self, principal_id: str, *, ace_type: str = "User", database: str | None = None) -> None:
        """
        Take somebody off the access control list of a database, or of the catalog.

        :param principal_id: the user or group, a GUID of the directory
        :param ace_type: ``User``, ``Group``, ``UserObj``, ``GroupObj`` or ``Other``
        :param database: the database; the catalog when None
        """
        body = {"aceType": _choice("ace_type", ace_type, AceType), "principalId": principal_id}
        self._acl_change("REVOKEACE", f"revoke what {principal_id} may", body, database)

    def _acl_change(self, operation: str, doing: str, body: dict[str, Any], database: str | None) -> None:
        self.rest.send(
            "POST",
            f"{ROOT}/{_acl(database)}",
            doing=f"{doing} on {'the catalog' if database is None else repr(database)}",
            repeatable=True,
            params={"op": operation},
            json=body,
        )

    def _list(self, path: str, kind: type[T], options: ListOptions, **params: str) -> Iterator[T]:
        what = path.rpartition("/")[2]
        for item in self.rest.items(f"{ROOT}/{path}", options, doing=f"list {what}", params=params):
            yield kind.from_wire(item)

    def _get(self, path: str, kind: type[T]) -> T:
        return kind.from_wire(self.rest.get(f"{ROOT}/{path}", doing=f"look at {path}"))

    def _change(self, method: str, path: str, doing: str, body: dict[str, Any]) -> None:
        self.rest.send(method, f"{ROOT}/{path}", doing=doing, repeatable=method == "PATCH", json=body)

    @staticmethod
    def _credential(database: str, name: str) -> str:
        return f"{catalog_path(database)}/credentials/{segment(name, 'credential')}"

    @staticmethod
    def _secret(database: str, name: str) -> str:
        return f"{catalog_path(database)}/secrets/{segment(name, 'secret')}"


def catalog_path(database: str, schema: str | None = None, table: str | None = None) -> str:
    """
    Give the path of a database, schema or table.

    :param database: the database
    :param schema: the schema, None for the database itself
    :param table: the table, None for the schema itself
    :return: the path below the catalog's
    """
    path = f"databases/{segment(database, 'database')}"
    if schema is not None:
        path = f"{path}/schemas/{segment(schema, 'schema')}"
    if table is not None:
        if schema is None:
            raise ConfigurationError(f"schema is missing: which one is table {table!r} in?")
        path = f"{path}/tables/{segment(table, 'table')}"
    return path


def _acl(database: str | None) -> str:
    return "acl" if database is None else f"{catalog_path(database)}/acl"


def _secret(password: str, uri: str | None) -> dict[str, Any]:
    return {"password": password} if uri is None else {"password": password, "uri": uri}


def _choice(name: str, value: str, allowed: type[AceType] | type[Permission]) -> str:
    try:
        return str(allowed(value))
    except ValueError:
        raise ConfigurationError(
            f"{name} must be one of {', '.join(str(word) for word in allowed)}, got {value!r}"
        ) from None
