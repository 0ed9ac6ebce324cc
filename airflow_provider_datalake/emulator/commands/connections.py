"""Airflow connections that point at an emulator, and the variables that go with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator import config as settings

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.config import Config


def address_of(config: Config) -> str:
    """
    Tell where an emulator listens.

    :param config: the emulator's settings
    :return: its address, e.g. ``http://127.0.0.1:8765``
    """
    return make_address(config.host, config.port)


def make_address(host: str, port: int) -> str:
    """
    Write an address.

    :param host: an IP address or a host name
    :param port: the port
    :return: e.g. ``http://127.0.0.1:8765``
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def connection_fields(config: Config, address: str) -> dict[str, dict[str, Any]]:
    """
    Describe the connections.

    :param config: the emulator's settings
    :param address: where it is
    :return: fields by connection id
    """
    maxcompute = {
        "conn_type": "odps",
        "host": f"{address}/api",
        "login": config.access_id,
        "password": config.secret,
        "extra": {"project": config.projects[0]},
    }
    azure = {
        "bearer_token": config.bearer_token,
        "subscription_id": settings.DEFAULT_SUBSCRIPTION,
        "resource_group": settings.DEFAULT_RESOURCE_GROUP,
        "resource_manager_url": f"{address}/arm",
    }
    return {
        "odps_default": maxcompute,
        "adla_default": {"conn_type": "adla", "host": f"{address}/adla/{config.account}", "extra": azure},
        "adls_gen1_default": {
            "conn_type": "adls_gen1",
            "host": f"{address}/adls/{config.account}",
            "extra": azure,
        },
        "azureml_studio_default": _studio(config, f"{address}/studio/"),
    }


def connections(config: Config) -> dict[str, str]:
    """
    Build the Airflow connections that point at an emulator.

    :param config: the emulator's settings
    :return: JSON connections by the name of their environment variable
    """
    return _variables(connection_fields(config, address_of(config)))


def real_connections(config: Config) -> dict[str, str]:
    """
    Build the Airflow connections that name the real hosts, for clients behind the TLS proxy.

    :param config: the emulator's settings
    :return: JSON connections by the name of their environment variable
    """
    azure = {
        "login": config.access_id,
        "password": config.secret,
        "extra": {
            "tenant_id": config.tenant,
            "subscription_id": settings.DEFAULT_SUBSCRIPTION,
            "resource_group": settings.DEFAULT_RESOURCE_GROUP,
        },
    }
    return _variables(
        {
            "adla_default": {
                "conn_type": "adla",
                "host": f"{config.account}.azuredatalakeanalytics.net",
                **azure,
            },
            "adls_gen1_default": {
                "conn_type": "adls_gen1",
                "host": f"{config.account}.azuredatalakestore.net",
                **azure,
            },
            "azureml_studio_default": _studio(config, "https://studio.azureml.net"),
        }
    )


def proxy_variables(config: Config) -> dict[str, str]:
    """
    Build the variables that lead a client through the TLS proxy.

    :param config: the emulator's settings
    :return: value by variable
    """
    authority = str((config.tls_dir / "ca.pem").resolve())
    return {
        "HTTPS_PROXY": f"http://127.0.0.1:{config.tls_proxy_port}",
        "REQUESTS_CA_BUNDLE": authority,
        "SSL_CERT_FILE": authority,
    }


def _studio(config: Config, host: str) -> dict[str, Any]:
    return {
        "conn_type": "azureml_studio",
        "host": host,
        "login": config.studio_workspace,
        "password": config.studio_token,
    }


def _variables(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields, separators=(",", ":"))
        for name, fields in found.items()
    }
