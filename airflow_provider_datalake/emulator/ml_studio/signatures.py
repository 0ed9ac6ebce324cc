"""Addresses that grant access to one file for a while, as a storage account's shared access signatures do."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from airflow_provider_datalake.emulator.ml_studio.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFETIME_SECONDS = 3600.0
VERSION = "2015-02-21"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


class Signatures:
    """
    Signs and checks.

    :param key: the secret
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, location: str, expires: float) -> str:
        """
        Grant reading.

        :param location: the path of a file
        :param expires: seconds since the epoch
        :return: the query that grants it, with its question mark
        """
        values = {
            "sv": VERSION,
            "sr": "b",
            "se": datetime.fromtimestamp(expires, UTC).strftime(_MOMENT),
            "sp": "r",
        }
        return "?" + urlencode({**values, "sig": self._signature(location, values)})

    def check(self, location: str, query: Mapping[str, str], now: float) -> None:
        """
        Refuse a query that grants nothing.

        :param location: the path of the file that is asked for
        :param query: the query's values
        :param now: seconds since the epoch
        :raises StorageError: when it was not made for this file, was changed, or is over
        """
        values = {name: query.get(name, "") for name in ("sv", "sr", "se", "sp")}
        given = query.get("sig", "")
        if not hmac.compare_digest(self._signature(location, values).encode(), given.encode()):
            raise _refused("The signature is missing, or was not made for this address.")
        # Only what we have signed comes here.
        if datetime.strptime(values["se"], _MOMENT).replace(tzinfo=UTC).timestamp() <= now:
            raise _refused(f"The address was good until {values['se']}: ask for the dataset again.")

    def _signature(self, location: str, values: Mapping[str, str]) -> str:
        text = "\n".join((location, *values.values())).encode()
        return base64.b64encode(hmac.digest(self._key, text, hashlib.sha256)).decode()


def _refused(why: str) -> StorageError:
    return StorageError(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
        f"correctly including the signature. {why}",
    )
