"""Checking what clients want accounts, and the things that accounts have, to be."""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.azure.calls import object_of
from airflow_provider_datalake.emulator.azure.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_datalake.emulator.resource_manager.providers import Part, Provider

_MOST = {
    "maxDegreeOfParallelism": 250,
    "maxDegreeOfParallelismPerJob": 250,
    "maxJobCount": 20,
    "minPriorityPerJob": None,
    "queryStoreRetention": 180,
}
_SWITCHES = ("firewallState", "firewallAllowAzureIps", "trustedIdProviderState", "encryptionState")
_PRINCIPALS = ("User", "Group", "ServicePrincipal")
_WRONG = "InvalidArgument"


def check_body(content: Mapping[str, Any]) -> None:
    """
    Check what stands beside the properties of a group or an account.

    :param content: as the client gives it
    :raises AzureError: when something is wrong; the message names it
    """
    location = content.get("location")
    if location is not None and not isinstance(location, str):
        raise invalid(f"'location' must be a text, not {location!r}.", _WRONG)
    for name in ("tags", "identity", "properties"):
        value = content.get(name)
        if value is not None and not isinstance(value, dict):
            raise invalid(f"'{name}' must be an object, not {value!r}.", _WRONG)
    for name, value in (content.get("tags") or {}).items():
        if not isinstance(value, str):
            raise invalid(f"The tag {name!r} must be a text, not {value!r}.", _WRONG)


def check_properties(provider: Provider, properties: Mapping[str, Any]) -> None:
    """
    Check the properties of an account.

    :param provider: its provider
    :param properties: as the client gives them
    :raises AzureError: when one is wrong; the message names it
    """
    for name, most in _MOST.items():
        if name in provider.writable:
            _check_number(properties, name, most)
    for name in _SWITCHES:
        value = properties.get(name)
        if value not in (None, "Enabled", "Disabled"):
            raise invalid(f"'properties.{name}' must be Enabled or Disabled, not {value!r}.", _WRONG)
    for name, kind in (("encryptionConfig", dict), ("defaultDataLakeStoreAccount", str)):
        value = properties.get(name)
        if value is not None and not isinstance(value, kind):
            raise invalid(f"'properties.{name}' cannot be {value!r}.", _WRONG)
    for part in provider.parts:
        listed = properties.get(part.listed_as) or []
        if not isinstance(listed, list):
            raise invalid(f"'properties.{part.listed_as}' must be a list.", _WRONG)
        for one in listed:
            if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not one["name"]:
                raise invalid(f"One of 'properties.{part.listed_as}' has no 'name'.", _WRONG)
            check_part(part, one["name"], object_of(one, "properties"))


def _check_number(properties: Mapping[str, Any], name: str, most: int | None) -> None:
    value = properties.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most and value > most):
        span = f"from 1 to {most}" if most else "from 1 on"
        raise invalid(f"'properties.{name}' must be a whole number {span}, not {value!r}.", _WRONG)


def check_part(part: Part, name: str, properties: Mapping[str, Any]) -> None:
    """
    Check something that an account has.

    :param part: its kind
    :param name: its name
    :param properties: as the client gives them
    :raises AzureError: when one is missing or wrong; the message names it
    """
    for field in part.required:
        if not properties.get(field):
            raise invalid(f"The 'properties.{field}' of '{name}' is missing.", _WRONG)
    for field in part.texts:
        value = properties.get(field)
        if value is not None and not isinstance(value, str):
            raise invalid(f"The 'properties.{field}' of '{name}' must be a text, not {value!r}.", _WRONG)
    if part.path == "computepolicies":
        _check_policy(properties)
    if part.path == "firewallrules":
        _check_addresses(properties)


def _check_policy(properties: Mapping[str, Any]) -> None:
    if properties["objectType"] not in _PRINCIPALS:
        raise invalid(
            f"'properties.objectType' must be one of {', '.join(_PRINCIPALS)}, "
            f"not {properties['objectType']!r}.",
            _WRONG,
        )
    try:
        uuid.UUID(str(properties["objectId"]))
    except ValueError as error:
        raise invalid(
            f"'properties.objectId' must be a GUID, not {properties['objectId']!r}.", _WRONG
        ) from error
    limits = ("maxDegreeOfParallelismPerJob", "minPriorityPerJob")
    if not any(properties.get(name) is not None for name in limits):
        raise invalid(f"A compute policy needs {' or '.join(limits)}.", _WRONG)
    for name in limits:
        _check_number(properties, name, _MOST[name])


def _check_addresses(properties: Mapping[str, Any]) -> None:
    found = []
    for name in ("startIpAddress", "endIpAddress"):
        try:
            found.append(ipaddress.IPv4Address(str(properties[name])))
        except ValueError as error:
            raise invalid(
                f"'properties.{name}' must be an IPv4 address, not {properties[name]!r}.", _WRONG
            ) from error
    if found[0] > found[1]:
        raise invalid("'properties.startIpAddress' must not lie behind 'properties.endIpAddress'.", _WRONG)
