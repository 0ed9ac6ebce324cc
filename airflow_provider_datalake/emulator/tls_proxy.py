"""
A CONNECT proxy that is the services' real hosts: clients reach the emulator without any change to them.

A client with ``HTTPS_PROXY`` set to it, and its CA trusted, speaks TLS with the real host's name. The proxy
ends the TLS and passes the bytes on to the emulator, which knows by the Host header which service is meant.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.hosts import EXAMPLES, prefix_of

if TYPE_CHECKING:
    import socket
    import ssl

    from airflow_provider_datalake.emulator.certificates import CertificateAuthority

log = logging.getLogger(__name__)

_MAX_HEAD = 16_384
_CHUNK = 1 << 18
_HEAD_SECONDS = 30.0


class TlsProxy:
    """
    The proxy, on the loopback interface only.

    :param authority: signs the hosts' certificates
    :param emulator_port: where the emulator answers plain HTTP
    """

    def __init__(self, authority: CertificateAuthority, emulator_port: int) -> None:
        self._authority = authority
        self._emulator_port = emulator_port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket.socket) -> None:
        """
        Begin to answer.

        :param listener: a bound socket
        """
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_MAX_HEAD)

    async def stop(self) -> None:
        """Close the listener and all connections."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio would log the end of its own one with a traceback when we stop.
        task = asyncio.get_running_loop().create_task(self._answer(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                host = await _read_connect(reader)
            context = self._context(host)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await self._serve(context, reader, writer)
        except _Refused as refusal:
            body = f"{refusal}\n".encode()
            head = f"HTTP/1.1 {refusal.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            with contextlib.suppress(OSError):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.info("A client of the TLS proxy went away: %s", error)
        finally:
            writer.close()

    def _context(self, host: str) -> ssl.SSLContext:
        if prefix_of(host) is None:
            raise _Refused(
                "403 Forbidden",
                f"The emulator does not stand for {host!r}; it stands for hosts such as {EXAMPLES}. "
                "Put other hosts into NO_PROXY.",
            )
        return self._authority.context(host)

    async def _serve(
        self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        inner = asyncio.StreamReader(limit=_CHUNK, loop=loop)
        protocol = asyncio.StreamReaderProtocol(inner, loop=loop)
        transport = await loop.start_tls(writer.transport, protocol, context, server_side=True)
        if transport is None:
            raise ConnectionResetError("the client left during the handshake")
        protocol.connection_made(transport)
        client = asyncio.StreamWriter(transport, protocol, inner, loop)
        try:
            server_reader, server = await asyncio.open_connection(
                "127.0.0.1", self._emulator_port, limit=_CHUNK
            )
            try:
                await asyncio.gather(_copy(inner, server), _copy(server_reader, client))
            finally:
                server.close()
        finally:
            client.close()


class _Refused(Exception):
    """
    A request that is not a CONNECT to one of our hosts.

    :param status: the answer's status line
    :param message: for the client
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


async def _read_connect(reader: asyncio.StreamReader) -> str:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _Refused("431 Request Header Fields Too Large", "The request's head is too large.") from None
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or words[0] != "CONNECT":
        raise _Refused("405 Method Not Allowed", "This is a proxy for HTTPS: it takes CONNECT only.")
    return words[1].rpartition(":")[0].lower()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass bytes on until the source ends, then end the target, so that both directions end."""
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except OSError as error:
        log.debug("A connection through the TLS proxy broke: %s", error)
    finally:
        target.close()
