"""Resets within one process: those that fail, and requests that are under way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_datalake.emulator import resettable
from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.resettable import Resettable
from airflow_provider_datalake.emulator.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.types import Message, Receive, Scope, Send

BEARER = {"Authorization": "Bearer emulator-token"}


@asynccontextmanager
async def serving(app: Resettable) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application as a web server does."""
    asked: asyncio.Queue[Message] = asyncio.Queue()
    answered: asyncio.Queue[Message] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, asked.get, answered.put))
    await asked.put({"type": "lifespan.startup"})
    assert (await answered.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator") as http:
        yield http
    await asked.put({"type": "lifespan.shutdown"})
    assert (await answered.get())["type"] == "lifespan.shutdown.complete"
    await life


def test_after_a_reset_that_failed_nothing_is_answered_as_if_all_was_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(config: Config) -> Services:
        raise OSError("No space left on device")

    async def run() -> list[httpx.Response]:
        async with serving(Resettable(Services(Config(tmp_path)))) as http:
            with monkeypatch.context() as patch:
                patch.setattr(resettable, "Services", full)
                answers = [
                    await http.post("/admin/reset", headers=BEARER),
                    await http.get("/health"),
                ]
            return [*answers, await http.post("/admin/reset", headers=BEARER), await http.get("/health")]

    failed, after, again, well = asyncio.run(run())
    for answer in (failed, after):
        assert answer.status_code == 400
        assert "The reset failed, start the emulator again: No space left on device" in answer.text
    assert again.status_code == 200
    assert well.json() == {"status": "ok"}


def test_a_request_that_does_not_end_is_cancelled_before_a_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resettable, "_GRACE_SECONDS", 0.05)
    begun = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def run() -> int:
        app = Resettable(Services(Config(tmp_path)))
        async with serving(app) as http:
            app._app = endless
            hanging = asyncio.create_task(http.get("/endless"))
            await begun.wait()
            status = (await http.post("/admin/reset", headers=BEARER)).status_code
            with pytest.raises(asyncio.CancelledError):
                await hanging
            assert (await http.get("/health")).status_code == 200
        return status

    assert asyncio.run(run()) == 200
