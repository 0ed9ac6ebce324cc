"""The directory of one emulator: its principals and their tokens."""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.identity.principals import Principal, Unauthorized

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_datalake.emulator.config import Config

_NAMESPACE = uuid.UUID("6f1c5e1e-6d0b-4d3c-9a5e-2f1f6f3a7c11")


def object_id(name: str) -> str:
    """
    Derive the object id of a principal.

    :param name: its name
    :return: a GUID, the same in every emulator
    """
    return str(uuid.uuid5(_NAMESPACE, name))


class IdentityService:
    """
    Issues and checks tokens.

    :param config: the emulator's settings
    """

    def __init__(self, config: Config) -> None:
        self.tenant = config.tenant
        self._static_token = config.bearer_token
        self.owner = Principal(object_id(config.access_id), config.access_id, is_owner=True)

    def authenticate(self, request: Request) -> Principal:
        """
        Find out who sends a request.

        :param request: a request to one of the Azure services
        :return: the principal that its bearer token stands for
        :raises Unauthorized: when there is no token, or it does not do
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing or invalid.",
            )
        if hmac.compare_digest(token.strip().encode(), self._static_token.encode()):
            return self.owner
        raise Unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
