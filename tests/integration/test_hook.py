"""The hook against a running service."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.exceptions import AuthenticationError, ConfigurationError, NotFoundError
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from odps import ODPS

    from tests.integration.conftest import Emulator


def connection(emulator: Emulator, **fields: Any) -> str:
    extra = {"project": "demo", **fields.pop("extra", {})}
    found = {"conn_type": "odps", "host": emulator.endpoint, "login": "emulator", "password": emulator.secret}
    return json.dumps({**found, **fields, "extra": extra})


@pytest.fixture
def hook(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> MaxComputeHook:
    monkeypatch.setenv("AIRFLOW_CONN_ODPS_DEFAULT", connection(emulator))
    return MaxComputeHook()


def test_client_is_a_whole_pyodps_client(hook: MaxComputeHook) -> None:
    client = hook.get_client()
    assert client.project == "demo"
    assert client.exist_project("demo")


def test_hooks_project_takes_precedence(hook: MaxComputeHook) -> None:
    assert MaxComputeHook(project="other").get_client().project == "other"


def test_test_connection_succeeds(hook: MaxComputeHook, emulator: Emulator) -> None:
    assert hook.test_connection() == (True, f"Project demo at {emulator.endpoint} answers")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "wrong-secret"}, ["odps_default", "'login' and 'password'"]),
        ({"login": "nobody"}, ["odps_default", "'login' and 'password'"]),
        ({"login": None, "password": None, "extra": {"bearer_token": "wrong-token"}}, ["odps_default"]),
        ({"extra": {"project": "nowhere"}}, ["odps_default", "nowhere", "'project'"]),
        ({"host": "http://127.0.0.1:9"}, ["odps_default", "'host'"]),
        ({"host": None}, ["odps_default", "'host'", "missing"]),
    ],
)
def test_test_connection_says_what_is_wrong_without_secrets(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], words: list[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ODPS_DEFAULT", connection(emulator, **fields))
    success, message = MaxComputeHook().test_connection()
    assert not success
    for word in words:
        assert word in message
    for secret in ("wrong-secret", "wrong-token", emulator.secret):
        assert secret not in message


def test_bearer_token_signs_requests(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_ODPS_DEFAULT",
        connection(emulator, login=None, password=None, extra={"bearer_token": "emulator-token"}),
    )
    assert MaxComputeHook().test_connection()[0]


def test_job_service_runs_sql(hook: MaxComputeHook) -> None:
    from airflow_provider_datalake.jobs.maxcompute import SqlRequest

    async def make() -> Any:
        return await hook.aget_job_service()

    for service in (hook.job_service(), asyncio.run(make())):
        created: list[str] = []
        job_id = service.submit(SqlRequest("select 1;"), f"key-{id(service)}-{hook}", created.append)
        assert created == [job_id]


def test_time_zone_of_the_connection_governs_sql(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NY", connection(emulator, extra={"timezone": "America/New_York"}))
    (value,) = MaxComputeHook("ny").get_first("select cast('2024-07-01 08:00:00' as datetime)")
    assert value == dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
    assert (value.hour, value.utcoffset()) == (8, dt.timedelta(hours=-4))


def test_reads_every_row_of_a_result(hook: MaxComputeHook, odps: ODPS, table_name: str) -> None:
    odps.execute_sql(f"create table {table_name} (a bigint)")
    hook.insert_rows(table_name, ((n,) for n in range(25_000)))
    assert len(hook.get_records(f"select a from {table_name}")) == 25_000
    assert (
        sum(len(chunk) for chunk in hook.get_df_by_chunks(f"select a from {table_name}", chunksize=9_999))
        == 25_000
    )


def test_frame_keeps_integers_with_nulls(hook: MaxComputeHook) -> None:
    frame = hook.get_df("select cast(9007199254740993 as bigint) a union all select cast(null as bigint)")
    assert str(frame["a"].dtype) == "Int64"
    assert sorted(frame["a"].dropna()) == [9007199254740993]


def test_statement_without_rows_has_no_description(hook: MaxComputeHook, table_name: str) -> None:
    assert hook.get_records(f"create table {table_name} (a bigint)") in (None, [])
    with pytest.raises(ConfigurationError, match="'odps_default': the statement returns no rows"):
        hook.get_df(f"drop table {table_name}")


def test_parameters_are_bound_by_question_marks(hook: MaxComputeHook) -> None:
    assert hook.placeholder == "?"
    assert hook.get_first("select ?, ?", parameters=["it's", 3]) == ("it's", 3)


def test_failed_statement_carries_the_services_words_and_its_instance(hook: MaxComputeHook) -> None:
    from airflow_provider_datalake.exceptions import JobFailedError

    with pytest.raises(JobFailedError, match=r"ODPS-0130131.*no_such_table") as raised:
        hook.run("select * from no_such_table")
    assert raised.value.job_id
    assert raised.value.code.startswith("ODPS-0130131")


def test_insert_rows_is_one_load(hook: MaxComputeHook, odps: ODPS, table_name: str) -> None:
    odps.execute_sql(
        f"create table {table_name} (a bigint not null, b string, c datetime) partitioned by (p string)"
    )
    rows = [(1, "x", dt.datetime(2024, 1, 1, 8)), (2, None, None)]
    hook.insert_rows(table_name, rows, partition="p=1", create_partition=True)
    hook.insert_rows(table_name, [("y", 3)], ["b", "a"], partition="p=1")
    assert hook.get_records(f"select a, b, c from {table_name} order by a limit 10") == [
        (1, "x", dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        (2, None, None),
        (3, "y", None),
    ]
    with pytest.raises(ConfigurationError, match="replace=True"):
        hook.insert_rows(table_name, rows, replace=True)


def test_sqlalchemy_reads_through_the_hooks_url(hook: MaxComputeHook) -> None:
    from sqlalchemy import text

    assert hook.sqlalchemy_url.host == "demo"
    with hook.get_sqlalchemy_engine().connect() as opened:
        assert opened.execute(text("select 1 + 1")).scalar() == 2


def test_sqlalchemy_leaves_process_wide_settings_alone(hook: MaxComputeHook) -> None:
    from odps import options

    before = options.account
    with hook.get_sqlalchemy_engine().connect():
        assert options.account is before


@pytest.mark.parametrize(
    ("fields", "call", "error", "words"),
    [
        (
            {"password": "wrong"},
            lambda hook: hook.run("select 1"),
            AuthenticationError,
            ["'bad'", "'password'"],
        ),
        (
            {"extra": {"project": "nowhere"}},
            lambda hook: hook.run("select 1"),
            NotFoundError,
            ["'bad'", "nowhere"],
        ),
        (
            {"extra": {"project": ""}},
            lambda hook: hook.get_client(),
            ConfigurationError,
            ["'bad'", "'project'"],
        ),
        ({}, lambda hook: hook.unload("no_such_table"), NotFoundError, ["'bad'", "no_such_table"]),
        (
            {},
            lambda hook: hook.unload_result("20200101000000000gaaaaaaaaa"),
            NotFoundError,
            ["'bad'", "20200101"],
        ),
    ],
)
def test_errors_name_the_connection(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    call: Callable[[MaxComputeHook], Any],
    error: type[Exception],
    words: list[str],
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BAD", connection(emulator, **fields))
    with pytest.raises(error) as raised:
        call(MaxComputeHook("bad"))
    for word in words:
        assert word in str(raised.value)


SLOW_SQL = (
    "select count(*) from (select explode(split(space(20000), ' ')) x) a "
    "join (select explode(split(space(20000), ' ')) y) b join (select explode(split(space(2000), ' ')) z) c "
    "where length(concat(x, y, z)) > 5"
)


def _instances(odps: ODPS) -> set[str]:
    return {instance.id for instance in odps.list_instances()}


def test_exception_while_waiting_stops_the_instance(
    hook: MaxComputeHook, odps: ODPS, monkeypatch: pytest.MonkeyPatch
) -> None:
    from odps.models import Instance

    started: list[Instance] = []

    def interrupted(self: Instance, retry: bool = True) -> bool:
        started.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Instance, "is_terminated", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hook.run(SLOW_SQL)
    monkeypatch.undo()
    instance = odps.get_instance(started[0].id)
    instance.wait_for_completion()
    assert [status.status.value for status in instance.get_task_statuses().values()] == ["CANCELLED"]


def test_sigterm_stops_the_instance(
    emulator: Emulator, own_emulator: Callable[..., Emulator], wait_until: Callable[..., None]
) -> None:
    own = own_emulator()
    code = (
        "from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook\n"
        f"MaxComputeHook().run({SLOW_SQL!r})\n"
    )
    environment = {**os.environ, "AIRFLOW_CONN_ODPS_DEFAULT": connection(own)}
    client = own.client()
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: len(_instances(client)) == 1, seconds=60)
        (instance_id,) = _instances(client)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "JobCancelledError" in errors
    instance = client.get_instance(instance_id)
    assert [status.status.value for status in instance.get_task_statuses().values()] == ["CANCELLED"]
