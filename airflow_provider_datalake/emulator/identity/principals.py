"""Who sends a request to one of the Azure services."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Principal:
    """
    A user or an application of the directory.

    :param object_id: its id, a GUID, which owners and access control lists name
    :param name: what people read: a user's principal name, an application's id
    :param kind: ``User`` or ``ServicePrincipal``
    :param groups: object ids of the groups that it belongs to
    :param is_owner: whether it owns all resources: access control lists do not stop it
    """

    object_id: str
    name: str
    kind: str = "ServicePrincipal"
    groups: frozenset[str] = field(default=frozenset())
    is_owner: bool = False


class Unauthorized(Exception):
    """
    A request without a token that does.

    :param code: e.g. ``ExpiredAuthenticationToken``
    :param message: what is wrong with it; never the token itself
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
