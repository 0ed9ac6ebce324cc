"""The server process: its socket, its data directory, its signals."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sqlite3
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from airflow_provider_datalake.emulator.certificates import CertificateAuthority
from airflow_provider_datalake.emulator.config import is_loopback
from airflow_provider_datalake.emulator.data_dir import finish_reset
from airflow_provider_datalake.emulator.definitions import InvalidDefinition
from airflow_provider_datalake.emulator.protocol import Protocol
from airflow_provider_datalake.emulator.resettable import Resettable
from airflow_provider_datalake.emulator.run_file import RunFile
from airflow_provider_datalake.emulator.services import Services
from airflow_provider_datalake.emulator.tls_proxy import TlsProxy

if TYPE_CHECKING:
    from types import FrameType

    from airflow_provider_datalake.emulator.config import Config

_GRACE_SECONDS = 5


class StartError(Exception):
    """The emulator cannot start, and a person has to do something about it."""


def serve(config: Config) -> None:
    """
    Run an emulator until it is told to stop by SIGTERM or SIGINT.

    :param config: its settings
    :raises StartError: when the address or the data directory cannot be used
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    if config.page_token is None and not is_loopback(config.host):
        config = replace(config, page_token=secrets.token_urlsafe(24))
    with _listen(config.host, config.port) as listener:
        proxy_listener = _listen_for_proxy(config)
        run_file, services = _open(config)
        _Server(Resettable(services), listener, proxy_listener, run_file).run(sockets=[listener])


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _open(config: Config) -> tuple[RunFile, Services]:
    try:
        run_file = RunFile(config.data_dir)
        finish_reset(config.data_dir)
        return run_file, Services(config)
    except (InvalidDefinition, ValueError) as error:
        raise StartError(str(error)) from error
    except (OSError, RuntimeError, sqlite3.Error) as error:
        raise StartError(
            f"cannot use the data directory {config.data_dir}: {error}; "
            "stop the other emulator, or give this one another --data-dir"
        ) from error


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        raise StartError(f"cannot listen on {host}:{port}: {error}") from error
    return listener


def _listen_for_proxy(config: Config) -> socket.socket | None:
    if config.tls_proxy_port is None:
        return None
    if not is_loopback(config.host):
        raise StartError(
            f"--tls-proxy works with --host 127.0.0.1 only, not with {config.host}: "
            "it must not stand for Microsoft's hosts on a network"
        )
    return _listen("127.0.0.1", config.tls_proxy_port)


def _address(config: Config, listener: socket.socket) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """
    Uvicorn, which says when it is ready, and ends the jobs before it waits for open requests.

    :param app: the application
    :param listener: where it listens
    :param proxy_listener: where its TLS proxy listens, None for no proxy
    :param run_file: tells others where it listens
    """

    def __init__(
        self,
        app: Resettable,
        listener: socket.socket,
        proxy_listener: socket.socket | None,
        run_file: RunFile,
    ) -> None:
        config = app.services.config
        # No access log: addresses of Logview pages carry tokens.
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_level="warning",
                http=Protocol,
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=75,
                server_header=False,
            )
        )
        self._app = app
        self._run_file = run_file
        self._page_token = config.page_token
        self._address = _address(config, listener)
        self._proxy_listener = proxy_listener
        self._proxy: TlsProxy | None = None
        if proxy_listener is not None:
            authority = CertificateAuthority(config.tls_dir)
            self._proxy = TlsProxy(authority, listener.getsockname()[1])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        if self._proxy is not None and self._proxy_listener is not None:
            await self._proxy.start(self._proxy_listener)
        sys.stdout.write(f"datalake-emulator is ready at {self._address}\n")
        port = None if self._proxy_listener is None else self._proxy_listener.getsockname()[1]
        if port is not None:
            sys.stdout.write(f"Its TLS proxy is at http://127.0.0.1:{port}\n")
        if self._page_token is not None:
            sys.stdout.write(f"Its pages ask for the token {self._page_token}\n")
        sys.stdout.flush()
        self._run_file.ready(self._address, port)
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that wait for a job's end are answered by this.
        await asyncio.to_thread(self._app.services.stop)
        if self._proxy is not None:
            await self._proxy.stop()
        await super().shutdown(sockets)


def _warm_up() -> None:
    """Import what the first query and the first upload need, so that they do not wait for it."""
    import duckdb  # noqa: F401
    import odps  # noqa: F401

    # DuckDB looks for it when it first calls a function of ours.
    import pandas  # noqa: F401

    # Not one of its modules: a job that imports the package meanwhile would find that module half made.
    import pyarrow  # noqa: F401

    from airflow_provider_datalake.emulator.maxcompute.sql import engine  # noqa: F401
    from airflow_provider_datalake.usql import compiler  # noqa: F401
    from airflow_provider_datalake.usql.backends.duckdb import run  # noqa: F401
