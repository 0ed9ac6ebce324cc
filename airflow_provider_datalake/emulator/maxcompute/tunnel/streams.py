"""Bodies between the event loop, where they arrive and leave, and the threads, where they are worked on."""

from __future__ import annotations

import asyncio
import io
import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import IDENTITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from concurrent.futures import Executor

    from _typeshed import WriteableBuffer
    from starlette.responses import Response

T = TypeVar("T")

_QUEUE_BYTES = 2 * 1024 * 1024
_IDLE_SECONDS = 300


class BodyLost(ConnectionError):
    """The client went away before its request was complete."""


class RequestBody(io.RawIOBase):
    """
    The body of a request, as a file for one thread; the event loop feeds it and waits when it is far ahead.

    :param stream: the request's stream
    """

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._space = asyncio.Event()
        self._changed = threading.Condition()
        self._chunks: deque[memoryview] = deque()
        self._queued = 0
        self._complete = False
        self._abandoned = False
        self._error: Exception | None = None

    async def process(self, executor: Executor, work: Callable[[io.RawIOBase], T]) -> T:
        """
        Let a thread work on the body while it arrives.

        When the work ends early, the rest is read and dropped: clients send all before they read the answer.

        :param executor: where the work runs; it must not share threads with what the work waits for
        :param work: called with this body; reading raises :class:`BodyLost` when the client goes away
        :return: what the work returns
        """
        future = self._loop.run_in_executor(executor, work, self)
        future.add_done_callback(self._abandon)
        try:
            async for chunk in _in_time(self._stream):
                await self._put(chunk)
        except BaseException as error:
            self._end(BodyLost(f"the request's body is incomplete: {error!r}"))
            raise
        self._end(None)
        return await future

    async def drain(self) -> None:
        """Read and drop what has not been read yet."""
        async for _ in _in_time(self._stream):
            pass

    async def _put(self, chunk: bytes) -> None:
        if not chunk or self._abandoned:
            return
        with self._changed:
            self._chunks.append(memoryview(chunk))
            self._queued += len(chunk)
            self._changed.notify()
            if self._queued < _QUEUE_BYTES:
                return
            self._space.clear()
        await self._space.wait()

    def _end(self, error: Exception | None) -> None:
        with self._changed:
            self._complete = True
            self._error = error
            self._changed.notify()

    def _abandon(self, future: asyncio.Future[T]) -> None:
        if not future.cancelled():
            # Marks the error as seen: when the client is gone, nobody awaits the future.
            future.exception()
        self._abandoned = True
        self._space.set()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        with self._changed:
            while not self._chunks and not self._complete:
                self._changed.wait()
            if not self._chunks:
                if self._error:
                    raise self._error
                return 0
            before = self._queued
            size = self._take(view)
            self._queued -= size
            if before >= _QUEUE_BYTES > self._queued:
                self._loop.call_soon_threadsafe(self._space.set)
        return size

    def _take(self, view: memoryview) -> int:
        filled = 0
        while self._chunks and filled < len(view):
            part = self._chunks[0][: len(view) - filled]
            view[filled : filled + len(part)] = part
            filled += len(part)
            rest = self._chunks.popleft()[len(part) :]
            if rest:
                self._chunks.appendleft(rest)
        return filled


async def _in_time(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # A client that stops sending would keep a thread for good; the service gives up on it as well.
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise BodyLost(f"the client sent nothing for {_IDLE_SECONDS} seconds") from error
        yield chunk


def stream_response(pieces: Iterator[bytes], *, coding: str = IDENTITY) -> Response:
    """
    Answer with a body that threads produce; its first piece is made at once, so errors can still be said.

    :param pieces: the body, already in ``coding``
    :param coding: its content coding
    :return: the response
    """
    first = next(pieces, b"")
    headers = {} if coding == IDENTITY else {"Content-Encoding": coding}
    return StreamingResponse(_ahead(first, pieces), media_type="application/octet-stream", headers=headers)


async def _ahead(first: bytes, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    # The next piece is made while the present one is sent.
    piece: bytes | None = first
    while piece is not None:
        following = asyncio.ensure_future(run_in_threadpool(next, pieces, None))
        if piece:
            yield piece
        piece = await following
