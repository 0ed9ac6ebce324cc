"""The server process: its socket, its data directory, its signals."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from airflow_provider_datalake.emulator.app import create_app
from airflow_provider_datalake.emulator.config import is_loopback
from airflow_provider_datalake.emulator.maxcompute.service import MaxComputeService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
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
    with data_dir_lock(config.data_dir), _listen(config.host, config.port) as listener:
        service = MaxComputeService(config)
        _Server(service, _address(config, listener)).run(sockets=[listener])


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


@contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """
    Keep a data directory to this process; created when missing.

    :param data_dir: the directory
    :raises StartError: when another emulator uses it, or it cannot be written
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("a+")
    except OSError as error:
        raise StartError(f"cannot use the data directory {data_dir}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise StartError(
                f"the data directory {data_dir} is in use by another emulator "
                f"(process {lock.read().strip()}); stop it, or give this one another --data-dir"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


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


def _address(config: Config, listener: socket.socket) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """
    Uvicorn, which says when it is ready, and ends the jobs before it waits for open requests.

    :param service: what the application works on
    :param address: the address to print
    """

    def __init__(self, service: MaxComputeService, address: str) -> None:
        # No access log: addresses of Logview pages carry tokens.
        super().__init__(
            uvicorn.Config(
                create_app(service),
                access_log=False,
                log_level="warning",
                http="httptools",
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=75,
                server_header=False,
            )
        )
        self._service = service
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        sys.stdout.write(f"datalake-emulator is ready at {self._address}\n")
        if self._service.config.page_token is not None:
            sys.stdout.write(f"Its pages ask for the token {self._service.config.page_token}\n")
        sys.stdout.flush()
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that wait for a job's end are answered by this.
        await asyncio.to_thread(self._service.stop)
        await super().shutdown(sockets)


def _warm_up() -> None:
    """Import what the first query needs, so that it does not wait for it."""
    import duckdb  # noqa: F401
    import pyarrow.ipc  # noqa: F401

    from airflow_provider_datalake.emulator.maxcompute.sql import engine  # noqa: F401
