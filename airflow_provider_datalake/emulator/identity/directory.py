"""Who there is: applications with their secrets and certificates, people with their passwords."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.identity.errors import TokenError, invalid_client, invalid_grant
from airflow_provider_datalake.emulator.identity.principals import Principal

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config

_NAMESPACE = uuid.UUID("6f1c5e1e-6d0b-4d3c-9a5e-2f1f6f3a7c11")
PUBLIC_CLIENTS = {
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "Microsoft Azure CLI",
    "1950a258-227b-4e31-a9cf-717495945fc2": "Microsoft Azure PowerShell",
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1": "Visual Studio",
}
"""Microsoft's own applications, by which people sign in without an application of their own."""
_ANY_TENANT = ("common", "organizations")


def object_id(name: str) -> str:
    """
    Derive the object id of a principal, a group or a tenant.

    :param name: its name
    :return: a GUID, the same in every emulator
    """
    return str(uuid.uuid5(_NAMESPACE, name))


@dataclass(frozen=True)
class Member:
    """
    A principal with what it proves itself by.

    :param principal: who
    :param secret: an application's secret, a person's password: one may sign in as either
    """

    principal: Principal
    secret: str

    def knows(self, secret: str) -> bool:
        """
        Check a secret.

        :param secret: what was given
        :return: True when it is the right one
        """
        return hmac.compare_digest(secret.encode(), self.secret.encode())

    def as_person(self) -> Principal:
        """
        Give the principal as it is when a person signs in.

        :return: the same, of the kind ``User``
        """
        return replace(self.principal, kind="User")


class Directory:
    """
    The principals of one tenant.

    :param config: the emulator's settings
    """

    def __init__(self, config: Config) -> None:
        self.tenant = config.tenant
        self.tenant_id = _guid(config.tenant) or object_id(f"tenant {config.tenant}")
        self.owner = Principal(object_id(config.access_id), config.access_id, is_owner=True)
        self._owner_member = Member(self.owner, config.secret)
        members = [self._owner_member]
        for name, password in config.users:
            groups = frozenset(object_id(group) for group, belong in config.groups if name in belong)
            members.append(Member(Principal(object_id(name), name, "User", groups), password))
        self._members = {member.principal.name.lower(): member for member in members}
        if len(self._members) != len(members):
            names = ", ".join(member.principal.name for member in members)
            raise ValueError(f"two principals have the same name: {names}")
        users = [name for name, _ in config.users]
        for group, belong in config.groups:
            for name in belong:
                if name not in users:
                    raise ValueError(f"the group {group!r} has a member {name!r} who is no --user")

    def check_tenant(self, tenant: str) -> None:
        """
        Check the tenant of a request.

        :param tenant: name or id, in the request's path
        :raises TokenError: when it is another one
        """
        if tenant.lower() not in (self.tenant.lower(), self.tenant_id, *_ANY_TENANT):
            raise TokenError(
                90002,
                "invalid_request",
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
                "signing into the correct cloud. Check with your subscription administrator, this may happen "
                "if there are no active subscriptions for the tenant.",
            )

    def application(self, client_id: str) -> Member:
        """
        Find an application that signs in for itself.

        :param client_id: its id: the principal's name, or its object id
        :return: the application
        :raises TokenError: when there is none
        """
        found = self._find(client_id)
        if found is None:
            raise self._no_application(client_id)
        return found

    def check_client(self, client_id: str) -> None:
        """
        Check the application by which a person signs in.

        :param client_id: its id
        :raises TokenError: when there is none
        """
        if client_id.lower() not in PUBLIC_CLIENTS and self._find(client_id) is None:
            raise self._no_application(client_id)

    def _no_application(self, client_id: str) -> TokenError:
        return TokenError(
            700016,
            "unauthorized_client",
            f"Application with identifier '{client_id}' was not found in the directory '{self.tenant}'. This "
            "can happen if the application has not been installed by the administrator of the tenant or "
            "consented to by any user in the tenant. You may have sent your authentication request to the "
            "wrong tenant.",
        )

    def with_secret(self, client_id: str, secret: str) -> Principal:
        """
        Let an application sign in with its secret.

        :param client_id: its id
        :param secret: its secret
        :return: the application
        :raises TokenError: when there is none, or the secret is another one
        """
        found = self.application(client_id)
        if not found.knows(secret):
            raise invalid_client(
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client "
                f"secret value, not the client secret ID, for a secret added to app '{client_id}'.",
            )
        return replace(found.principal, kind="ServicePrincipal")

    def with_password(self, user: str, password: str) -> Principal:
        """
        Let a person sign in with their password.

        :param user: their name
        :param password: their password
        :return: the person
        :raises TokenError: when there is nobody of that name, or the password is another one
        """
        found = self._members.get(user.lower())
        if found is None:
            raise invalid_grant(
                50034,
                f"The user account {user} does not exist in the {self.tenant} directory. To sign into this "
                "application, the account must be added to the directory.",
            )
        if not found.knows(password):
            raise invalid_grant(50126, "Error validating credentials due to invalid username or password.")
        return found.as_person()

    def by_object_id(self, wanted: str, kind: str) -> Principal | None:
        """
        Find a principal that a token names.

        :param wanted: its object id
        :param kind: as what it has signed in
        :return: the principal as it is now, None when there is none any more
        """
        found = self._find(wanted)
        return None if found is None else replace(found.principal, kind=kind)

    def _find(self, name_or_id: str) -> Member | None:
        wanted = name_or_id.lower()
        for name, member in self._members.items():
            if wanted in (name, member.principal.object_id):
                return member
        return None


def _guid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
