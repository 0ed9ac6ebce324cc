from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_datalake.emulator.maxcompute.tunnel import streams
from airflow_provider_datalake.emulator.maxcompute.tunnel.streams import (
    BodyLost,
    RequestBody,
    stream_response,
)


async def _chunks(*chunks: bytes, then: Exception | None = None):
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk
    if then:
        raise then


def _process(stream, work):
    async def run():
        with ThreadPoolExecutor(1) as executor:
            return await RequestBody(stream).process(executor, work)

    return asyncio.run(run())


def _read_all(body) -> bytes:
    return b"".join(iter(lambda: body.read(7), b""))


def test_the_work_sees_the_whole_body():
    assert _process(_chunks(b"abc", b"", b"d" * 100), _read_all) == b"abc" + b"d" * 100


def test_an_empty_body_ends_at_once():
    assert _process(_chunks(), _read_all) == b""


def test_the_event_loop_waits_for_slow_work(monkeypatch):
    monkeypatch.setattr(streams, "_QUEUE_BYTES", 10)
    sent = 0

    async def source():
        nonlocal sent
        for _ in range(100):
            yield b"12345"
            sent += 1

    ahead: list[int] = []

    def work(body) -> int:
        total = 0
        while data := body.read(5):
            total += len(data)
            ahead.append(sent - total // 5)
        return total

    assert _process(source(), work) == 500
    assert max(ahead) <= 3


def test_work_that_fails_early_lets_the_rest_of_the_body_pass(monkeypatch):
    monkeypatch.setattr(streams, "_QUEUE_BYTES", 10)
    seen = 0

    async def source():
        nonlocal seen
        for _ in range(100):
            await asyncio.sleep(0)
            seen += 1
            yield b"12345"

    def work(_):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        _process(source(), work)
    assert seen == 100


def test_work_hears_of_a_lost_client():
    heard: list[Exception] = []

    def work(body):
        try:
            _read_all(body)
        except BodyLost as error:
            heard.append(error)
            raise

    with pytest.raises(ConnectionResetError):
        _process(_chunks(b"abc", then=ConnectionResetError()), work)
    assert len(heard) == 1


def test_a_silent_client_is_given_up(monkeypatch):
    monkeypatch.setattr(streams, "_IDLE_SECONDS", 0.01)

    async def source():
        yield b"abc"
        await asyncio.Event().wait()

    with pytest.raises(BodyLost, match="nothing"):
        _process(source(), _read_all)


def test_an_answer_is_made_piece_by_piece():
    async def run():
        response = stream_response(iter([b"a", b"", b"b"]), coding="zstd")
        assert response.headers["content-encoding"] == "zstd"
        return b"".join([piece async for piece in response.body_iterator])

    assert asyncio.run(run()) == b"ab"


def test_an_error_before_the_first_piece_is_raised_at_once():
    def pieces():
        raise ValueError("no")
        yield b""

    with pytest.raises(ValueError, match="no"):
        stream_response(pieces())
