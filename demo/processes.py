"""Background processes that never outlive this one."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from demo import guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE = 20.0
"""Seconds between TERM and KILL: Airflow needs about ten, and hangs when one of its workers was killed."""


class ProcessDied(Exception):
    """
    A background process ended although nobody stopped it.

    :param name: which one
    :param code: its exit code
    :param log: where its output went; the end of it becomes part of the message
    """

    def __init__(self, name: str, code: int, log: Path) -> None:
        lines = log.read_text(errors="replace").splitlines()[-25:]
        super().__init__(f"{name} ended with code {code}; the end of {log}:\n  " + "\n  ".join(lines))


class BackgroundProcess:
    """
    One command under a guard, with its output in a file.

    :param name: what people call it
    :param command: the program and its arguments
    :param log: file that its output is appended to
    :param env: its whole environment
    """

    def __init__(self, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(env)
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command; it must not be running."""
        if self._guard is not None:
            raise RuntimeError(f"{self.name} is already running")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-S", "-E", guard.__file__, str(GRACE), *self.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                start_new_session=True,
                bufsize=0,
            )

    @property
    def running(self) -> bool:
        """Whether the command is alive."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def pids(self) -> list[int]:
        """Process ids of the command and of everything below it, parents first."""
        return guard.descendants(self._guard.pid) if self._guard else []

    def check(self) -> None:
        """
        Do nothing while the command runs.

        :raises ProcessDied: when it has ended by itself
        """
        if self._guard is not None and (code := self._guard.poll()) is not None:
            raise ProcessDied(self.name, code, self.log)

    def ask(self, byte: bytes) -> None:
        """
        Ask for the end without waiting for it.

        :param byte: one of the guard's commands
        """
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                self._guard.stdin.write(byte)

    def wait(self) -> None:
        """Wait for the end that was asked for."""
        if self._guard is not None:
            self._guard.wait()
            if self._guard.stdin is not None:
                self._guard.stdin.close()
            self._guard = None

    def stop(self) -> None:
        """End the command and everything below it; doing so twice is fine."""
        stop_all([self])

    def kill(self) -> None:
        """Kill the command and everything below it at once, as a crash would."""
        self.ask(guard.KILL_NOW)
        self.wait()


def stop_all(processes: Sequence[BackgroundProcess]) -> None:
    """
    End several commands at the same time. A second Ctrl-C while they end kills them.

    :param processes: the commands, running or not
    """
    for process in processes:
        process.ask(guard.STOP)
    try:
        for process in processes:
            process.wait()
    except KeyboardInterrupt:
        for process in processes:
            process.kill()
        raise


def free_port(preferred: int | None = None) -> int:
    """
    Find a port of the loopback interface that nobody listens on.

    :param preferred: the port to take when it is free
    :return: the port
    """
    for port in filter(None, (preferred,)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def poll(seconds: float, deadline: float, what: str) -> None:
    """
    Wait one interval of a polling loop.

    :param seconds: the interval
    :param deadline: moment of `time.monotonic` after which waiting makes no sense
    :param what: what the loop waits for, for the message
    :raises TimeoutError: when the deadline has passed
    """
    if time.monotonic() > deadline:
        raise TimeoutError(f"gave up waiting for {what}")
    time.sleep(seconds)
