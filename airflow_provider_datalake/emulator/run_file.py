"""
The file in a data directory that tells which emulator runs there.

The running emulator holds a lock on it, which ends with the process, however that ends: what the file says
counts only as long as the lock is held. So what a killed emulator has left is never taken for a running one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "emulator.json"
_CLAIM_SECONDS = 0.5


@dataclass(frozen=True)
class Running:
    """
    An emulator that runs.

    :param pid: its process
    :param started: when the process began, in the kernel's count; empty where the kernel does not tell
    :param address: its address, empty while it starts
    :param tls_proxy_port: where its TLS proxy listens, None for no proxy
    """

    pid: int
    started: str
    address: str = ""
    tls_proxy_port: int | None = None

    @property
    def is_here(self) -> bool:
        """Whether this machine's process of that number is the emulator: with containers it need not be."""
        return process_start(self.pid) == self.started


class RunFile:
    """
    The claim of this process on a data directory.

    :param data_dir: the directory, created when it does not exist
    :raises RuntimeError: when another process has it
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._file = (data_dir / NAME).open("a+")
        deadline = time.monotonic() + _CLAIM_SECONDS
        # Those who look whether the lock is held, hold it for a moment themselves.
        while not _lock(self._file.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                self._file.close()
                raise RuntimeError(f"another emulator uses the data directory {data_dir}")
            time.sleep(0.01)
        self._running = Running(os.getpid(), process_start(os.getpid()))
        self._write(self._running)

    def ready(self, address: str, tls_proxy_port: int | None) -> None:
        """
        Tell where the emulator listens.

        :param address: its address
        :param tls_proxy_port: where its TLS proxy listens, None for no proxy
        """
        self._write(Running(self._running.pid, self._running.started, address, tls_proxy_port))

    def release(self) -> None:
        """Let others have the directory."""
        self._file.truncate(0)
        self._file.close()

    def _write(self, running: Running) -> None:
        self._file.truncate(0)
        self._file.write(json.dumps(asdict(running)))
        self._file.flush()


def find_running(data_dir: Path) -> Running | None:
    """
    Look for the emulator of a data directory.

    :param data_dir: the directory
    :return: the emulator that runs there, None when there is none
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), (data_dir / NAME).open() as file:
        if _lock(file.fileno(), fcntl.LOCK_SH):
            return None
        try:
            return Running(**json.load(file))
        except ValueError:
            # Between two states; it is starting or ending.
            return Running(0, "")
    return None


def process_start(pid: int) -> str:
    """
    Tell when a process began.

    :param pid: the process
    :return: the kernel's count, empty where there is no such process or the kernel does not tell
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The program's name comes second, in parentheses, and may have anything in it.
    return text.rpartition(")")[2].split()[19]


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
