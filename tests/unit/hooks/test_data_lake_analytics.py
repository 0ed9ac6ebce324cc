"""The hook without a service: laziness, configuration, errors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.hooks.data_lake_analytics import DataLakeAnalyticsHook

EMULATOR = {
    "conn_type": "adla",
    "host": "http://127.0.0.1:9/adla/emulator",
    "extra": {
        "bearer_token": "very-secret-token",
        "subscription_id": "s",
        "resource_group": "rg",
        "resource_manager_url": "http://127.0.0.1:9/arm",
    },
}


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_C", json.dumps({**EMULATOR, **fields}))

    set_to()
    return set_to


def test_the_constructor_does_no_input_or_output() -> None:
    hook = DataLakeAnalyticsHook(adla_conn_id="does_not_exist", account="a")
    assert (hook.adla_conn_id, hook.account) == ("does_not_exist", "a")
    assert DataLakeAnalyticsHook().adla_conn_id == "adla_default"


def test_the_clients_reach_the_account_of_the_connection(connection: Any) -> None:
    hook = DataLakeAnalyticsHook("c")
    assert hook.get_job_client().rest.http.base_url == "http://127.0.0.1:9/adla/emulator"
    assert hook.get_catalog_client().rest.http.base_url == "http://127.0.0.1:9/adla/emulator"
    assert hook.get_resource_manager().accounts_rest.http.base_url == "http://127.0.0.1:9/arm"
    assert hook.job_service().scope == {"account": "emulator"}


def test_the_account_of_the_hook_comes_first(connection: Any) -> None:
    hook = DataLakeAnalyticsHook("c", account="other")
    assert hook.get_job_client().rest.http.base_url == "http://127.0.0.1:9/adla/other"
    assert hook.job_service().account == "other"


def test_a_trigger_gets_the_same_service(connection: Any) -> None:
    async def main() -> None:
        hook = DataLakeAnalyticsHook("c", account="other")
        service = await hook.aget_job_service()
        assert service.client.rest.http.base_url == "http://127.0.0.1:9/adla/other"
        manager = await hook.aget_resource_manager()
        assert manager.resource_group == "rg"

    asyncio.run(main())


def test_the_resource_manager_needs_no_account(connection: Any) -> None:
    connection(host="")
    hook = DataLakeAnalyticsHook("c")
    assert hook.get_resource_manager().resource_group == "rg"
    with pytest.raises(ConfigurationError, match="'c', field 'host': missing"):
        hook.get_job_client()


def test_the_resource_manager_needs_a_subscription(connection: Any) -> None:
    connection(extra={"bearer_token": "t"})
    with pytest.raises(ConfigurationError, match="'c', field 'subscription_id': missing"):
        DataLakeAnalyticsHook("c").get_resource_manager()


def test_an_account_of_the_cloud_has_its_own_host(connection: Any) -> None:
    connection(host="mine", login="app", password="pw", extra={"tenant_id": "t"})
    client = DataLakeAnalyticsHook("c").get_job_client()
    assert client.rest.http.base_url == "https://mine.azuredatalakeanalytics.net"


def test_a_service_that_does_not_answer_fails_the_test_of_the_connection(connection: Any) -> None:
    ok, message = DataLakeAnalyticsHook("c").test_connection()
    assert not ok
    assert message.startswith("Connection 'c': list jobs: the service cannot be reached")
    assert "very-secret-token" not in message


def test_a_wrong_field_fails_the_test_of_the_connection(connection: Any) -> None:
    connection(extra={"auth": "magic"})
    ok, message = DataLakeAnalyticsHook("c").test_connection()
    assert not ok
    assert "field 'auth'" in message
