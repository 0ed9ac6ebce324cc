"""What Airflow discovers about this provider: static data, read by every Airflow process at start-up."""

from __future__ import annotations

_HOOKS = "airflow_provider_datalake.hooks"


def _optional(label: str, description: str, **schema: object) -> dict[str, object]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], **schema}}


def _seconds(label: str, description: str) -> dict[str, object]:
    return {
        "label": label,
        "description": description,
        "schema": {"type": ["number", "null"], "minimum": 0},
    }


def _flag(label: str, description: str) -> dict[str, object]:
    return {"label": label, "description": description, "schema": {"type": ["boolean", "null"]}}


def _azure_fields() -> dict[str, object]:
    """Describe the fields that all connections to Azure services have."""
    return {
        "auth": _optional(
            "Authentication",
            "How the connection proves who it is; if empty, by what the other fields hold.",
            enum=[
                "client_secret",
                "certificate",
                "managed_identity",
                "workload_identity",
                "default",
                "device_code",
                "user_password",
                "bearer_token",
                None,
            ],
        ),
        "tenant_id": _optional("Tenant id", "The directory's tenant."),
        "client_id": _optional(
            "Client id", "An identity's or application's id, where the login does not name it."
        ),
        "bearer_token": _optional(
            "Bearer token", "A token, used as it is; for emulators and tests.", format="password"
        ),
        "certificate_path": _optional("Certificate path", "File with certificate and private key."),
        "certificate_data": _optional(
            "Certificate", "Certificate and private key as PEM text.", format="password"
        ),
        "certificate_password": _optional(
            "Certificate password", "Opens the private key; the password if empty.", format="password"
        ),
        "send_certificate_chain": _flag(
            "Send certificate chain", "For subject name and issuer authentication (default: no)."
        ),
        "token_file": _optional("Token file", "File with a workload identity's federated token."),
        "cloud": _optional(
            "Cloud", "The public one if empty.", enum=["public", "usgovernment", "china", None]
        ),
        "authority": _optional("Authority", "The directory's host, if it is not the cloud's."),
        "instance_discovery": _flag(
            "Instance discovery", "Check the authority against Microsoft's list (default: yes)."
        ),
        "dns_suffix": _optional("DNS suffix", "Suffix of the account's host name, if it is not the cloud's."),
        "subscription_id": _optional("Subscription id", "Needed to manage accounts only."),
        "resource_group": _optional("Resource group", "Default group, needed to manage accounts only."),
        "resource_manager_url": _optional(
            "Resource manager URL", "If it is not the cloud's, e.g. the emulator's.", format="url"
        ),
        **_connection_fields(),
    }


def _connection_fields() -> dict[str, object]:
    """Describe the fields that say how a service is reached."""
    return {
        "proxy": _optional("Proxy", "URL of a proxy; the environment's if empty.", format="url"),
        "ca_bundle": _optional("CA bundle", "File with the certificates to trust; the usual ones if empty."),
        "connect_timeout": _seconds("Connect timeout", "Seconds to wait for a connection (default 10)."),
        "read_timeout": _seconds("Read timeout", "Seconds to wait for an answer (default 120)."),
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
            {
                "integration-name": "Azure Data Lake Analytics",
                "external-doc-url": "https://learn.microsoft.com/en-us/azure/data-lake-analytics/",
                "tags": ["azure", "service"],
            },
            {
                "integration-name": "Azure Data Lake Store (Gen1)",
                "external-doc-url": "https://learn.microsoft.com/en-us/azure/data-lake-store/",
                "tags": ["azure", "service"],
            },
            {
                "integration-name": "Azure ML Studio (classic)",
                "external-doc-url": (
                    "https://learn.microsoft.com/en-us/previous-versions/azure/machine-learning/classic/"
                ),
                "tags": ["azure", "service"],
            },
        ],
        "hooks": [
            {
                "integration-name": "MaxCompute",
                "python-modules": ["airflow_provider_datalake.hooks.maxcompute"],
            },
            {
                "integration-name": "Azure Data Lake Analytics",
                "python-modules": ["airflow_provider_datalake.hooks.data_lake_analytics"],
            },
            {
                "integration-name": "Azure Data Lake Store (Gen1)",
                "python-modules": ["airflow_provider_datalake.hooks.data_lake_store"],
            },
            {
                "integration-name": "Azure ML Studio (classic)",
                "python-modules": ["airflow_provider_datalake.hooks.ml_studio"],
            },
        ],
        "operators": [
            {
                "integration-name": "MaxCompute",
                "python-modules": ["airflow_provider_datalake.operators.maxcompute"],
            },
            {
                "integration-name": "Azure Data Lake Analytics",
                "python-modules": [
                    "airflow_provider_datalake.operators.data_lake_analytics",
                    "airflow_provider_datalake.operators.resource_manager",
                ],
            },
            {
                "integration-name": "Azure Data Lake Store (Gen1)",
                "python-modules": ["airflow_provider_datalake.operators.data_lake_store"],
            },
            {
                "integration-name": "Azure ML Studio (classic)",
                "python-modules": ["airflow_provider_datalake.operators.ml_studio"],
            },
        ],
        "sensors": [
            {
                "integration-name": "MaxCompute",
                "python-modules": ["airflow_provider_datalake.sensors.maxcompute"],
            },
            {
                "integration-name": "Azure Data Lake Analytics",
                "python-modules": ["airflow_provider_datalake.sensors.data_lake_analytics"],
            },
            {
                "integration-name": "Azure Data Lake Store (Gen1)",
                "python-modules": ["airflow_provider_datalake.sensors.data_lake_store"],
            },
            {
                "integration-name": "Azure ML Studio (classic)",
                "python-modules": ["airflow_provider_datalake.sensors.ml_studio"],
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
            {
                "integration-name": "Azure Data Lake Analytics",
                "python-modules": [
                    "airflow_provider_datalake.triggers.data_lake_analytics",
                    "airflow_provider_datalake.triggers.remote_job",
                ],
            },
            {
                "integration-name": "Azure Data Lake Store (Gen1)",
                "python-modules": ["airflow_provider_datalake.triggers.data_lake_store"],
            },
            {
                "integration-name": "Azure ML Studio (classic)",
                "python-modules": ["airflow_provider_datalake.triggers.ml_studio"],
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
        "asset-uris": [
            {
                "schemes": ["azureml-studio"],
                "handler": "airflow_provider_datalake.assets.ml_studio.sanitize_uri",
                "factory": "airflow_provider_datalake.assets.ml_studio.create_asset",
            },
        ],
        "filesystems": ["airflow_provider_datalake.filesystems.data_lake_store"],
        "extra-links": [
            "airflow_provider_datalake.links.maxcompute.MaxComputeLogviewLink",
            "airflow_provider_datalake.links.data_lake_analytics.DataLakeAnalyticsJobLink",
            "airflow_provider_datalake.links.ml_studio.MLStudioDatasetLink",
        ],
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
            {
                "connection-type": "adla",
                "hook-class-name": f"{_HOOKS}.data_lake_analytics.DataLakeAnalyticsHook",
                "hook-name": "Azure Data Lake Analytics",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {"host": "Account", "login": "Application id", "password": "Secret"},
                    "placeholders": {
                        "host": "myaccount, or http://127.0.0.1:8765/adla/emulator",
                        "login": "application id, or a person's name",
                        "password": "the application's secret, or the person's password",
                    },
                },
                "conn-fields": _azure_fields(),
            },
            {
                "connection-type": "adls_gen1",
                "hook-class-name": f"{_HOOKS}.data_lake_store.DataLakeStoreHook",
                "hook-name": "Azure Data Lake Store (Gen1)",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {"host": "Store", "login": "Application id", "password": "Secret"},
                    "placeholders": {
                        "host": "mystore, or http://127.0.0.1:8765/adls/emulator",
                        "login": "application id, or a person's name",
                        "password": "the application's secret, or the person's password",
                    },
                },
                "conn-fields": _azure_fields(),
            },
            {
                "connection-type": "azureml_studio",
                "hook-class-name": f"{_HOOKS}.ml_studio.MLStudioHook",
                "hook-name": "Azure ML Studio (classic)",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {
                        "host": "Endpoint",
                        "login": "Workspace id",
                        "password": "Authorization token",
                    },
                    "placeholders": {
                        "host": "https://studio.azureml.net, or http://127.0.0.1:8765/studio/",
                        "login": "the workspace's id",
                        "password": "the workspace's primary or secondary token",
                    },
                },
                "conn-fields": _connection_fields(),
            },
        ],
    }
