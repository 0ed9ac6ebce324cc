from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.hosts import prefix_of


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("login.microsoftonline.com", "/aad"),
        ("Management.Azure.com", "/arm"),
        ("mystore.azuredatalakestore.net", "/adls/mystore"),
        ("myaccount.azuredatalakeanalytics.net", "/adla/myaccount"),
        ("studio.azureml.net", "/studio"),
        ("europewest.studioapi.azureml.net", "/studio"),
        ("service.cn-shanghai.maxcompute.aliyun.com", ""),
    ],
)
def test_a_real_host_leads_to_its_service(host: str, prefix: str) -> None:
    assert prefix_of(host) == prefix


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1", "example.com", "a.b.azuredatalakestore.net", "azuredatalakestore.net.evil.com"]
)
def test_another_host_leads_nowhere(host: str) -> None:
    assert prefix_of(host) is None
