"""Faults on demand, as a client sees them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_datalake.jobs.maxcompute import MaxComputeJobs, SqlRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

PATH = "/api/projects/demo"


def get(emulator: Emulator, path: str = PATH) -> httpx.Response:
    return httpx.get(f"{emulator.address}{path}", timeout=30, trust_env=False)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_answer_with_an_error(own_emulator: Callable[..., Emulator], status: int) -> None:
    answer = get(own_emulator("own", "--faults", f"1:{status}"))
    assert answer.status_code == status
    assert "fault on demand" in answer.text
    assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)


@pytest.mark.parametrize("kind", ["reset", "lost"])
def test_a_broken_connection(own_emulator: Callable[..., Emulator], kind: str) -> None:
    emulator = own_emulator("own", "--faults", f"1:{kind}")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        get(emulator)


def test_a_truncated_answer(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("own", "--faults", "1:truncated")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        get(emulator)


def test_a_slow_answer(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("own", "--faults", "1:slow")
    began = time.monotonic()
    assert get(emulator).status_code == 401
    assert time.monotonic() - began >= 0.5


def test_what_no_rule_covers_is_spared(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("own", "--faults", "1:500@adls")
    assert get(emulator).status_code == 401
    assert get(emulator, "/health").status_code == 200


def test_a_seed_repeats_the_faults(own_emulator: Callable[..., Emulator]) -> None:
    def statuses(name: str) -> list[int]:
        emulator = own_emulator(name, "--faults", "0.5:500,503", "--fault-seed", "7")
        return [get(emulator).status_code for _ in range(20)]

    first = statuses("one")
    assert statuses("two") == first
    assert {401, 500, 503} == set(first)


def test_the_maxcompute_client_understands_them(own_emulator: Callable[..., Emulator]) -> None:
    from odps.errors import InternalServerError

    client = own_emulator("own", "--faults", "1:500").client()
    with pytest.raises(InternalServerError, match="fault on demand"):
        client.get_project().reload()


def test_a_job_is_submitted_once_however_often_its_answer_is_lost(
    own_emulator: Callable[..., Emulator],
) -> None:
    emulator = own_emulator("own", "--faults", "0.6:lost@POST /api/*", "--fault-seed", "3")
    jobs = MaxComputeJobs(emulator.client(), conn_id="odps_default")
    found: list[str] = []
    ids = {jobs.submit(SqlRequest("select 1 as a"), f"key-{number}", found.append) for number in range(10)}
    assert {instance.id for instance in emulator.client().list_instances()} == ids
    assert len(ids) == 10
