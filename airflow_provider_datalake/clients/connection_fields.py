"""Reading a connection's fields: rules for single ones, with messages that name connection and field."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def parse_extra(extra: str | None, *, conn_id: str) -> dict[str, Any]:
    """
    Read a connection's extra field.

    :param extra: JSON text, or nothing
    :param conn_id: the connection's id, for messages
    :return: the fields
    :raises ConfigurationError: when the text is not a JSON object
    """
    if not extra:
        return {}
    try:
        fields = json.loads(extra)
    except ValueError as error:
        # The text may hold tokens: say where it breaks, never what it says.
        position = getattr(error, "pos", 0)
        raise ConfigurationError(
            f"Connection {conn_id!r}, field 'extra': not valid JSON (at character {position})"
        ) from None
    if not isinstance(fields, dict):
        raise ConfigurationError(f"Connection {conn_id!r}, field 'extra': expected a JSON object")
    return fields


class ConnectionFields:
    """
    The extra fields of one connection.

    :param conn_id: the connection's id, for messages
    :param extra: the fields, as the connection form stores them
    """

    def __init__(self, conn_id: str, extra: Mapping[str, Any]) -> None:
        self.conn_id = conn_id
        self.extra = extra

    def fail(self, name: str, why: str) -> NoReturn:
        """
        Refuse a field.

        :param name: the field
        :param why: what is wrong with it, and what is expected; never a secret
        :raises ConfigurationError: always
        """
        raise ConfigurationError(f"Connection {self.conn_id!r}, field {name!r}: {why}")

    def text(self, name: str) -> str:
        """
        Read a text.

        :param name: the field
        :return: the text without white space around it, empty when it is missing
        """
        value = self.extra.get(name)
        if value is not None and not isinstance(value, str):
            self.fail(name, f"expected text, found {type(value).__name__}")
        return (value or "").strip()

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """
        Read one of several words.

        :param name: the field
        :param allowed: the words
        :param default: when it is missing
        :return: the word
        """
        value = self.text(name) or default
        if value not in allowed:
            self.fail(name, f"expected one of {', '.join(allowed)}, found {value!r}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """
        Read a yes or no.

        :param name: the field
        :param default: when it is missing
        :return: whether it is set
        """
        value = self.extra.get(name)
        if value is None or value == "":
            return default
        words = {"true": True, "false": False}
        if isinstance(value, str) and value.strip().lower() in words:
            return words[value.strip().lower()]
        if not isinstance(value, bool):
            self.fail(name, f"expected true or false, found {value!r}")
        return value

    def seconds(self, name: str, default: float) -> float:
        """
        Read a duration.

        :param name: the field
        :param default: when it is missing
        :return: seconds
        """
        value = self.extra.get(name)
        if value is None or value == "":
            return default
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = math.nan
        if isinstance(value, bool) or not 0 < seconds < math.inf:
            self.fail(name, f"expected a number of seconds above 0, found {value!r}")
        return seconds

    def url(self, name: str, value: str, example: str) -> str:
        """
        Check a URL.

        :param name: the field that it comes from
        :param value: the URL
        :param example: for the message when it is missing
        :return: the URL without a slash at its end
        """
        if not value:
            self.fail(name, f"missing: give {example}")
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            self.fail(name, f"expected an http:// or https:// URL, found {value!r}")
        return value.rstrip("/")
