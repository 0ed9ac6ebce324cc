"""Signing in on another device: codes that wait for a person to approve them."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.identity.errors import TokenError, invalid_grant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_datalake.emulator.identity.principals import Principal

LIFETIME_SECONDS = 900
INTERVAL_SECONDS = 1
# Without letters and digits that look like others.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class DeviceCode:
    """
    A sign-in that waits.

    :param user_code: what the person types
    :param device_code: what the application asks with
    :param client_id: the application
    :param asked: what the token shall be for, as the application has put it
    :param expires_at: seconds since the epoch
    :param principal: who has approved it, None as long as nobody has
    :param declined: whether somebody has declined it
    """

    user_code: str
    device_code: str
    client_id: str
    asked: Mapping[str, str]
    expires_at: float
    principal: Principal | None = None
    declined: bool = False


class DeviceCodes:
    """The sign-ins that wait; a restart forgets them, as they are for minutes only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[str, DeviceCode] = {}

    def issue(self, client_id: str, asked: Mapping[str, str]) -> DeviceCode:
        """
        Begin a sign-in.

        :param client_id: the application
        :param asked: what the token shall be for: ``scope`` or ``resource``
        :return: its codes
        """
        user_code = "".join(secrets.choice(_ALPHABET) for _ in range(9))
        expires_at = time.time() + LIFETIME_SECONDS
        made = DeviceCode(user_code, secrets.token_urlsafe(48), client_id, asked, expires_at)
        with self._lock:
            now = time.time()
            self._codes = {code: one for code, one in self._codes.items() if one.expires_at > now}
            self._codes[made.device_code] = made
        return made

    def decide(self, user_code: str, principal: Principal | None) -> bool:
        """
        Approve or decline a sign-in.

        :param user_code: what the person has typed
        :param principal: who approves it; None to decline it
        :return: False when there is none that waits
        """
        wanted = user_code.strip().upper()
        with self._lock:
            for code, one in self._codes.items():
                if one.user_code == wanted and _waits(one):
                    self._codes[code] = replace(one, principal=principal, declined=principal is None)
                    return True
        return False

    def redeem(self, device_code: str, client_id: str) -> tuple[Principal, Mapping[str, str]]:
        """
        Ask whether a sign-in was approved; it can be used once.

        :param device_code: what the application asks with
        :param client_id: the application
        :return: who has signed in, and what the token shall be for
        :raises TokenError: when it was not, or not yet
        """
        with self._lock:
            found = self._codes.get(device_code)
            if found is None or found.client_id.lower() != client_id.lower():
                raise invalid_grant(
                    70020, "The provided value for the input parameter 'device_code' is not valid."
                )
            if found.principal is not None or found.declined or found.expires_at <= time.time():
                del self._codes[device_code]
        if found.principal is not None:
            return found.principal, found.asked
        if found.declined:
            raise TokenError(
                70018, "authorization_declined", "The user declined to authorize the application."
            )
        if found.expires_at <= time.time():
            raise TokenError(70019, "expired_token", "Verification code expired.")
        raise TokenError(
            70016,
            "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )


def _waits(code: DeviceCode) -> bool:
    return code.principal is None and not code.declined and code.expires_at > time.time()
