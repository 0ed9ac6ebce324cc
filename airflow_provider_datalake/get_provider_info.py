"""What Airflow discovers about this provider: static data, read by every Airflow process at start-up."""

from __future__ import annotations


def _optional(label: str, description: str, **schema: object) -> dict[str, object]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], **schema}}


def _seconds(label: str, description: str) -> dict[str, object]:
    return {
        "label": label,
        "description": description,
        "schema": {"type": ["number", "null"], "minimum": 0},
    }


def get_provider_info() -> dict[str, object]:
    """
    Describe the provider to Airflow.

    :return: the provider's operators, hooks, connection types, forms and links, valid against the schemas for
        provider information and for ``provider.yaml`` that Airflow carries
    """
    return {
        "package-name": "airflow-provider-datalake",
        "name": "Data Lake",
        "description": (
            "Alibaba MaxCompute, Azure Data Lake (Gen1) and Azure ML Studio (classic), with a local emulator."
        ),
        "integrations": [
            {
                "integration-name": "MaxCompute",
                "external-doc-url": "https://www.alibabacloud.com/help/en/maxcompute/",
                "tags": ["alibaba", "service"],
            },
        ],
        "hooks": [
            {
                "integration-name": "MaxCompute",
                "python-modules": ["airflow_provider_datalake.hooks.maxcompute"],
            },
        ],
        "operators": [
            {
                "integration-name": "MaxCompute",
                "python-modules": ["airflow_provider_datalake.operators.maxcompute"],
            },
        ],
        "sensors": [
            {
                "integration-name": "MaxCompute",
                "python-modules": ["airflow_provider_datalake.sensors.maxcompute"],
            },
        ],
        "triggers": [
            {
                "integration-name": "MaxCompute",
                "python-modules": [
                    "airflow_provider_datalake.triggers.maxcompute",
                    "airflow_provider_datalake.triggers.remote_job",
                ],
            },
        ],
        "transfers": [
            {
                "source-integration-name": "Common IO",
                "target-integration-name": "MaxCompute",
                "python-module": "airflow_provider_datalake.transfers.object_storage_to_maxcompute",
            },
            {
                "source-integration-name": "MaxCompute",
                "target-integration-name": "Common IO",
                "python-module": "airflow_provider_datalake.transfers.maxcompute_to_object_storage",
            },
        ],
        "extra-links": ["airflow_provider_datalake.links.maxcompute.MaxComputeLogviewLink"],
        "connection-types": [
            {
                "connection-type": "odps",
                "hook-class-name": "airflow_provider_datalake.hooks.maxcompute.MaxComputeHook",
                "hook-name": "MaxCompute (ODPS)",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {
                        "host": "Endpoint",
                        "login": "Access key id",
                        "password": "Access key secret",
                    },
                    "placeholders": {
                        "host": "https://service.cn-shanghai.maxcompute.aliyun.com/api",
                        "login": "leave empty with a bearer token",
                        "password": "leave empty with a bearer token",
                    },
                },
                "conn-fields": {
                    "project": {
                        "label": "Project",
                        "description": "The project in which jobs run and names are looked up.",
                        "schema": {"type": "string", "minLength": 1},
                    },
                    "schema": _optional(
                        "Schema", "Default schema, for projects that have schemas. Empty for the others."
                    ),
                    "tunnel_endpoint": _optional(
                        "Tunnel endpoint",
                        "Base URL of the data tunnel. Leave empty: the service routes it.",
                        format="url",
                    ),
                    "region": _optional(
                        "Region",
                        "The endpoint's region, e.g. cn-shanghai; turns on version 4 signatures.",
                    ),
                    "quota": _optional("Quota", "Name of the computing quota; the project's own if empty."),
                    "sts_token": _optional(
                        "STS token", "Token that goes with a temporary access key.", format="password"
                    ),
                    "bearer_token": _optional(
                        "Bearer token", "Signs requests in place of an access key.", format="password"
                    ),
                    "timezone": _optional(
                        "Time zone",
                        "Zone of date and time texts in SQL (odps.sql.timezone), e.g. Asia/Shanghai; "
                        "the project's own if empty.",
                    ),
                    "connect_timeout": _seconds(
                        "Connect timeout", "Seconds to wait for a connection (default 10)."
                    ),
                    "read_timeout": _seconds("Read timeout", "Seconds to wait for an answer (default 120)."),
                },
            },
        ],
    }
