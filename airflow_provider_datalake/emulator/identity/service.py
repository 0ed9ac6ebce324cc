"""The directory of one emulator: its principals and their tokens."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.identity.assertions import Signer, check_assertion, read_signers
from airflow_provider_datalake.emulator.identity.device_codes import DeviceCodes
from airflow_provider_datalake.emulator.identity.directory import Directory, object_id
from airflow_provider_datalake.emulator.identity.principals import Principal, Unauthorized
from airflow_provider_datalake.emulator.identity.tokens import DATA_PLANE, SigningKey, Tokens

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

    from airflow_provider_datalake.emulator.config import Config

__all__ = ["IdentityService", "object_id"]


class IdentityService:
    """
    Issues and checks tokens.

    :param config: the emulator's settings
    :raises ValueError: when a configured certificate cannot be read
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.tenant = config.tenant
        self.directory = Directory(config)
        self.owner = self.directory.owner
        self.key = SigningKey(config.data_dir / "identity")
        self.tokens = Tokens(self.directory, self.key, config.token_seconds)
        self.device_codes = DeviceCodes()
        self._static_token = config.bearer_token
        self._signers: tuple[Signer, ...] = read_signers(config.client_certificates)

    def authenticate(self, request: Request, audiences: Collection[str] = DATA_PLANE) -> Principal:
        """
        Find out who sends a request.

        :param request: a request to one of the Azure services
        :param audiences: the resources that a token may be for
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
        return self.tokens.principal_of(token.strip(), audiences)

    def with_assertion(self, client_id: str, assertion: str, audiences: Collection[str]) -> Principal:
        """
        Let an application sign in with an assertion.

        Those who hold the key of a configured certificate are the owner's application.

        :param client_id: the application
        :param assertion: the signed token
        :param audiences: addresses of the endpoint that it may be meant for
        :return: the application
        :raises TokenError: when it does not do
        """
        found = self.directory.application(client_id)
        signers = self._signers if found.principal.is_owner else ()
        check_assertion(assertion, client_id, signers, audiences)
        return found.principal
